#include "ignition/butane_parts.h"
#include "ignition/rules.h"

static const struct butane_spec specs[] = {
    {"fcos", "1.0.0", 0, SCHEMA_BUTANE, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.1.0", 1, SCHEMA_BUTANE, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.2.0", 2, SCHEMA_BUTANE, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.3.0", 2, SCHEMA_BUTANE_FCOS, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.4.0", 3, SCHEMA_BUTANE_FCOS, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.5.0", 4, SCHEMA_BUTANE_FCOS, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.6.0", 5, SCHEMA_BUTANE_FCOS, BUTANE_REFUSES_NOTHING, true},
    {"fcos", "1.7.0", 6, SCHEMA_BUTANE_FCOS, BUTANE_REFUSES_NOTHING, true},
    {"flatcar", "1.0.0", 3, SCHEMA_BUTANE, BUTANE_REFUSES_CLEVIS, false},
    {"flatcar", "1.1.0", 4, SCHEMA_BUTANE, BUTANE_REFUSES_CLEVIS, false},
    {"r4e", "1.0.0", 3, SCHEMA_BUTANE, BUTANE_REFUSES_STORAGE, false},
    {"r4e", "1.1.0", 4, SCHEMA_BUTANE, BUTANE_REFUSES_STORAGE, false},
    {"fiot", "1.0.0", 4, SCHEMA_BUTANE, BUTANE_REFUSES_STORAGE, false},
};

/* --- variant and version */
static bool is_version(struct str s)
{
    struct str rest = s;
    uint64_t part;
    for (int i = 0; i < 3; i++)
        if (!str_to_u64(str_cut(rest, '.', &rest), UINT32_MAX, &part))
            return false;
    return !rest.p;
}

static err_code read_text(const struct yaml_node *root, const char *name, struct str *ret,
                          const struct yaml_node **ret_at, struct err *e)
{
    const struct yaml_pair *p =
        root->kind == YAML_MAPPING ? yaml_find_merged(root, str_c(name)) : NULL;
    *ret_at = p ? p->value : root;
    if (p && !yaml_is_scalar(p->value))
        return err_at(e, ERR_INVALID, p->value->line, p->value->column, "%s must be a text", name);
    *ret = p && p->value->kind != YAML_NULL ? p->value->text : STR("");
    return ERR_OK;
}

static err_code no_translator(const struct yaml_node *at, struct str variant, struct str version,
                              struct err *e)
{
    struct str rest = version;
    str_cut(rest, '-', &rest);
    if (str_is(variant, "openshift"))
        return err_at(e, ERR_UNSUPPORTED, at->line, at->column,
                      "variant openshift makes a MachineConfig, which is for a cluster and no "
                      "machine boots from; use variant fcos");
    if (rest.p && is_version(str_cut(version, '-', &rest)))
        return err_at(e, ERR_UNSUPPORTED, at->line, at->column,
                      "%.*s %.*s: experimental versions change without notice and are not "
                      "translated; use a stable one",
                      STR_FMT(variant), STR_FMT(version));
    return err_at(e, ERR_UNSUPPORTED, at->line, at->column,
                  "no translator for variant %.*s with version %.*s; there are fcos 1.0.0 to "
                  "1.7.0, flatcar 1.0.0 and 1.1.0, r4e 1.0.0 and 1.1.0, fiot 1.0.0",
                  STR_FMT(variant), STR_FMT(version));
}

static err_code find_spec(const struct yaml_node *root, const struct butane_spec **ret,
                          struct err *e)
{
    struct str variant = {NULL, 0}, version = {NULL, 0};
    const struct yaml_node *variant_at, *version_at;
    err_code c = read_text(root, "variant", &variant, &variant_at, e);
    if (!c)
        c = read_text(root, "version", &version, &version_at, e);
    if (c)
        return c;
    if (!variant.n)
        return err_at(e, ERR_INVALID, variant_at->line, variant_at->column,
                      "a Butane config must say which variant it is, such as `variant: fcos` and "
                      "`version: 1.5.0`");
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        if (str_is(variant, specs[i].variant) && str_is(version, specs[i].version)) {
            *ret = &specs[i];
            return ERR_OK;
        }
    struct str rest = version;
    if (!is_version(str_cut(rest, '-', &rest)))
        return err_at(e, ERR_INVALID, version_at->line, version_at->column,
                      "the version must be three numbers such as 1.5.0, not `%.*s`",
                      STR_FMT(version));
    return no_translator(variant_at, variant, version, e);
}

/* --- the pipeline */
static err_code invalid(const struct butane *b, size_t before, const char *what, struct err *e)
{
    size_t n = b->f->errors - before;
    return err_set(e, ERR_INVALID, "%s: %zu %s, see the findings", what, n,
                   n == 1 ? "error" : "errors");
}

static void set_version(struct butane *b, struct record *config)
{
    const struct place *at = butane_place(b, config, "version");
    const struct schema_field *f = schema_field_of(&schema_config, "ignition");
    struct record *ignition =
        butane_sub(b, config, "ignition", f->sub, butane_place(b, config, "ignition"));
    butane_set_text(b, ignition, "version", butane_text(b, "3.%u.0", b->spec->minor), at);
}

/* From a config that is valid Butane to one that Ignition's rules can be checked on. */
static struct record *desugar(struct butane *b, struct record *config, size_t before)
{
    set_version(b, config);
    butane_resources(b, config);
    config = butane_mount_units(b, config);
    butane_trees(b, config);
    if (b->f->errors > before || b->failed)
        return config;
    config = butane_boot_device(b, config);
    butane_check_partitions(b, config);
    config = butane_grub(b, config);
    butane_drop_sugar(config);
    return config;
}

static err_code failed(const struct butane *b, struct err *e)
{
    if (b->failed == ERR_LIMIT)
        return err_set(e, ERR_LIMIT, "the contents in this config take more than %u MiB",
                       BUTANE_MAX_CONTENTS >> 20);
    return err_set(e, b->failed, "no memory to translate a Butane config");
}

static err_code run(struct butane *b, struct record *config, struct buf *out, struct err *e)
{
    size_t before = b->f->errors;
    butane_check(b, config);
    if (b->f->errors == before && !b->failed)
        config = desugar(b, config, before);
    if (b->f->errors == before && !b->failed)
        butane_check_refused(b, config);
    if (b->failed)
        return failed(b, e);
    if (b->f->errors > before)
        return invalid(b, before, "this Butane config is not valid", e);
    err_code c = rules_check(config, b->spec->minor, b->spec->language, b->a, b->f, e);
    if (c)
        return c;
    if (b->f->errors > before)
        return invalid(b, before, "this Butane config makes no valid Ignition config", e);
    size_t start = out->n;
    butane_encode(config, b->spec->minor, out);
    if (!out->failed)
        return ERR_OK;
    out->n = start;
    return err_set(e, out->overflow ? ERR_LIMIT : ERR_NOMEM, "the Ignition config is too large");
}

err_code butane_translate(struct str text, const struct butane_options *o, struct arena *a,
                          struct findings *f, struct buf *out, struct ignition_version *ret,
                          struct err *e)
{
    if (text.n > BUTANE_MAX_TEXT)
        return err_set(e, ERR_LIMIT, "a Butane config may have at most %u MiB",
                       BUTANE_MAX_TEXT >> 20);
    struct butane b = {.a = a, .f = f, .files = o ? o->files : NULL};
    struct yaml_document doc;
    struct record *config = NULL;
    err_code c = yaml_read(a, text, &doc, e);
    if (!c)
        c = find_spec(doc.root, &b.spec, e);
    if (!c)
        c = butane_decode(&b, doc.root, &config, e);
    if (!c)
        c = run(&b, config, out, e);
    butane_resources_end(&b);
    if (!c)
        *ret = (struct ignition_version){3, b.spec->minor, 0};
    return c;
}
