#include <stdio.h>

#include "ignition/decode.h"
#include "ignition/ignition.h"
#include "ignition/rules.h"

bool ignition_is_raw(struct str name)
{
    return str_ends(name, STR(".ign")) || str_ends(name, STR(".ignition"));
}

/* "3.4.0"; no stable Ignition takes one with "-experimental" behind it. */
static bool parse_version(struct str s, struct ignition_version *ret)
{
    struct str rest = s;
    uint64_t part[3];
    for (int i = 0; i < 3; i++)
        if (!str_to_u64(str_cut(rest, '.', &rest), 9999, &part[i]))
            return false;
    if (rest.p)
        return false;
    *ret = (struct ignition_version){(unsigned)part[0], (unsigned)part[1], (unsigned)part[2]};
    return true;
}

/* All that must be read of a config before its version is known. */
static const struct schema_field stub_ignition_fields[] = {
    {"version", NULL, SCHEMA_STRING, 0, 0, SCHEMA_NOW, NULL},
};
static const struct schema_struct stub_ignition = {"Ignition", stub_ignition_fields, 1, NULL, NULL};
static const struct schema_field stub_fields[] = {
    {"ignition", NULL, SCHEMA_STRUCT, 0, 0, SCHEMA_NOW, &stub_ignition},
};
static const struct schema_struct stub = {"Config", stub_fields, 1, NULL, NULL};

/* A finding about the version, at the place that is known of it. */
static err_code bad_version(const struct record *config, struct findings *f, err_code code,
                            const char *message, struct err *e)
{
    const struct record *section = record_sub(config, "ignition");
    const struct place *at = section ? section->place : config->place;
    if (record_has(section, "version"))
        at = record_get(section, "version")->place;
    findings_add(f, FINDING_ERROR, "/ignition/version", at->line, at->column, "%s", message);
    return err_set(e, code, "%s", message);
}

static err_code read_version(struct arena *a, const struct jnode *root, struct findings *f,
                             struct ignition_version *ret, struct err *e)
{
    struct record *config;
    struct ignition_version v;
    err_code c = decode_record(a, root, &stub, 0, f, &config, e);
    if (c)
        return c;
    struct str text = record_text(record_sub(config, "ignition"), "version");
    if (text.n == 0)
        return bad_version(config, f, ERR_INVALID,
                           "the config says no version, so no Ignition would take it: write "
                           "{\"ignition\": {\"version\": \"3.4.0\"}}",
                           e);
    if (!parse_version(text, &v))
        return bad_version(config, f, ERR_INVALID,
                           "the version must be three numbers such as \"3.4.0\"", e);
    if (v.major != 2 && (v.major != 3 || v.minor > IGNITION_MINOR_MAX || v.patch != 0))
        return bad_version(config, f, ERR_UNSUPPORTED,
                           "this version of the specification is not known; 2.x and 3.0.0 to 3.6.0 "
                           "are",
                           e);
    *ret = v;
    return ERR_OK;
}

static err_code check_text(struct str text, struct arena *a, struct findings *f,
                           struct ignition_version *ret, struct err *e)
{
    const struct jnode *root;
    struct record *config;
    struct err syntax = ERR_INIT;
    err_code c = text.n ? jnode_read(a, text, &root, &syntax)
                        : err_set(&syntax, ERR_INVALID, "an Ignition config cannot be empty");
    if (c) {
        if (c != ERR_NOMEM)
            findings_add_err(f, FINDING_ERROR, &syntax);
        return err_at(e, c, syntax.line, syntax.column, "%s", syntax.msg);
    }
    struct ignition_version v;
    if ((c = read_version(a, root, f, &v, e)))
        return c;
    if (v.major == 3) {
        if ((c = decode_record(a, root, &schema_config, v.minor, f, &config, e)) ||
            (c = rules_check(config, v.minor, SCHEMA_IGNITION, a, f, e)))
            return c;
        decode_warnings(root, &schema_config, v.minor, f);
    }
    *ret = v;
    return ERR_OK;
}

/* Makes e of the first error, and says how many more there are. */
static err_code first_error(const struct finding *first, size_t errors, err_code code,
                            struct err *e)
{
    const struct finding *x = first;
    while (x && x->severity != FINDING_ERROR)
        x = x->next;
    if (!x)
        return err_set(e, ERR_INVALID, "the config has %zu errors", errors);
    err_at(e, code, x->line, x->column, "%.*s", STR_FMT(x->message));
    if (e && errors > 1) {
        size_t n = strlen(e->msg);
        snprintf(e->msg + n, sizeof e->msg - n, " (and %zu more)", errors - 1);
    }
    if (e && x->pointer.n < sizeof e->pointer)
        snprintf(e->pointer, sizeof e->pointer, "%.*s", STR_FMT(x->pointer));
    return code;
}

err_code ignition_validate(struct str text, struct arena *a, struct findings *f,
                           struct ignition_version *ret, struct err *e)
{
    const struct finding *last = f->last;
    size_t errors = f->errors;
    struct ignition_version v;
    err_code c = check_text(text, a, f, &v, e);
    if (c == ERR_NOMEM)
        return c;
    if (f->errors > errors)
        return first_error(last ? last->next : f->first, f->errors - errors, c ? c : ERR_INVALID,
                           e);
    if (!c)
        *ret = v;
    return c;
}

err_code ignition_check(struct str text, struct arena *a, struct ignition_version *ret,
                        struct err *e)
{
    struct findings f;
    findings_init(&f, a);
    return ignition_validate(text, a, &f, ret, e);
}
