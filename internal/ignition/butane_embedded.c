/* Ignition configs inside of a Butane config: ignition.config.merge and replace. */
#include <stdio.h>

#include "ignition/butane_parts.h"
#include "ignition/decode.h"
#include "ignition/rules.h"

bool butane_holds_config(const struct record *resource)
{
    const struct place *first = NULL, *second = NULL;
    for (const struct place *p = resource->place; p->up; p = p->up) {
        second = first;
        first = p;
    }
    return resource->type == &schema_resource && first && second &&
           str_is(first->name, "ignition") && str_is(second->name, "config");
}

static const struct place *top(const struct place *p)
{
    while (p->up)
        p = p->up;
    return p;
}

/* In two places, as butane says it. */
static void not_a_config(struct butane *b, const struct place *at, const struct err *e)
{
    butane_error(b, top(at), "an embedded Ignition config is not valid: line %d, column %d: %s",
                 e->line, e->column, e->msg);
    butane_error(b, at, "this is no Ignition config");
}

/* What was found inside, at the place of the whole. */
static void pass_on(struct butane *b, const struct findings *inner, const struct place *at)
{
    for (const struct finding *x = inner->first; x; x = x->next) {
        void (*say)(struct butane *, const struct place *, const char *, ...) =
            x->severity == FINDING_ERROR ? butane_error : butane_warn;
        say(b, at, "in the embedded config, %.*s (line %d, column %d): %.*s", STR_FMT(x->pointer),
            x->line, x->column, STR_FMT(x->message));
    }
}

/* The version that this Butane specification makes, and so the one whose rules are known here. */
static bool is_our_version(const struct butane *b, struct str version)
{
    char ours[16];
    snprintf(ours, sizeof ours, "3.%u.0", b->spec->minor);
    return str_is(version, ours);
}

/* Where butane reports it: a field that a resource does not have. */
static const struct place *version_place(struct butane *b, const struct record *resource)
{
    const struct place *p = place_field(b->a, resource->place, STR("version"),
                                        resource->place->line, resource->place->column);
    if (!p)
        b->failed = ERR_NOMEM;
    return p;
}

static err_code check_rules(struct butane *b, const struct jnode *root, const struct record *config,
                            const struct place *at)
{
    struct findings inner;
    findings_init(&inner, b->a);
    decode_warnings(root, &schema_config, b->spec->minor, &inner);
    err_code c = rules_check(config, b->spec->minor, SCHEMA_IGNITION, b->a, &inner, NULL);
    pass_on(b, &inner, at);
    return c;
}

void butane_check_embedded(struct butane *b, struct str text, const struct record *resource,
                           const struct place *at)
{
    struct findings inner;
    struct err e = ERR_INIT;
    const struct jnode *root = NULL;
    struct record *config = NULL;
    findings_init(&inner, b->a);
    err_code c = jnode_read(b->a, text, &root, &e);
    if (!c)
        c = decode_record(b->a, root, &schema_config, b->spec->minor, &inner, &config, &e);
    if (c == ERR_NOMEM)
        b->failed = c;
    if (c) {
        not_a_config(b, at, &e);
        return;
    }
    struct str version = record_text(record_sub(config, "ignition"), "version");
    if (!version.n)
        butane_error(b, at, "the embedded config says no ignition.version");
    else if (!is_our_version(b, version))
        butane_warn(b, version_place(b, resource),
                    "the embedded config is of version %.*s, not 3.%u.0, and was not checked",
                    STR_FMT(version), b->spec->minor);
    else if (check_rules(b, root, config, at))
        b->failed = ERR_NOMEM;
}
