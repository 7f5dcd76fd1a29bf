/*
 * Is every Ignition config that a write touches still one? A Butane template that does not use the
 * request gives one config for each group that uses it, so it can be translated now, while whoever
 * wrote it is looking, and not at night when a machine asks.
 */
#include "service/files.h"
#include "service/parts.h"

/* Groups that are looked at for one write; more are left to the request. */
#define GROUPS_MAX   10000
#define PROFILES_MAX 1000

struct checking {
    struct store_txn *txn;
    struct findings *findings;
    struct arena *arena;  /* for as long as the check takes */
    struct arena scratch; /* for one group */
    struct render_template *tmpl;
    struct str tmpl_name;
    uint32_t left;
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while checking what a write changes");
}

/* --- files of the site, as this transaction sees them --- */

static err_code read_file(void *ctx, struct str path, struct str *ret, struct err *e)
{
    const struct checking *c = ctx;
    struct store_key k = {STORE_TEMPLATE, MODEL_FILES, path};
    struct store_resource r;
    err_code code = store_txn_get(c->txn, &k, c->arena, &r, e);
    if (!code)
        *ret = r.body;
    return code;
}

static err_code add_name(void *arg, const struct store_resource *r, struct err *e)
{
    struct files_listing *l = arg;
    struct str name;
    if (!arena_str(l->arena, r->key.name, &name))
        return nomem(e);
    files_listing_add(l, name);
    return ERR_OK;
}

static err_code list_tree(void *ctx, struct str path, const struct butane_tree_entry **ret,
                          size_t *ret_n, struct err *e)
{
    const struct checking *c = ctx;
    struct files_listing l = {.arena = c->arena};
    err_code code = files_listing_begin(c->arena, path, &l, e);
    struct store_list list = {
        .type = STORE_TEMPLATE, .one_kind = true, .kind = MODEL_FILES, .prefix = l.root};
    if (!code)
        code = store_txn_for_each(c->txn, &list, add_name, &l, e);
    return code ? code : files_listing_end(&l, ret, ret_n, e);
}

/* --- one group --- */

/* The compiled template, kept while groups with the same one follow each other. */
static err_code load_template(struct checking *c, struct str name, struct err *e)
{
    if (c->tmpl && str_eq(c->tmpl_name, name))
        return ERR_OK;
    render_template_free(c->tmpl);
    c->tmpl = NULL;
    struct store_key k = {STORE_TEMPLATE, MODEL_IGNITION, name};
    struct store_resource r;
    err_code code = store_txn_get(c->txn, &k, c->arena, &r, e);
    if (!code)
        code = render_template_make(MODEL_IGNITION, name, r.body, &c->tmpl, e);
    if (!code && !arena_str(c->arena, name, &c->tmpl_name))
        code = nomem(e);
    return code;
}

static err_code read_group(struct checking *c, struct str id, struct model_group **ret,
                           struct err *e)
{
    struct store_key k = {STORE_GROUP, 0, id};
    struct store_resource r;
    struct findings ignored;
    findings_init(&ignored, &c->scratch);
    err_code code = store_txn_get(c->txn, &k, &c->scratch, &r, e);
    return code ? code : model_group_read(&c->scratch, id, r.body, MODEL_IMPORT, &ignored, ret, e);
}

static void add_finding(struct checking *c, struct str group, const struct err *why)
{
    struct err named = *why;
    err_prefix(&named, "group \"%.*s\" would get no Ignition config", STR_FMT(group));
    findings_add_err(c->findings, FINDING_ERROR, &named);
}

static err_code check_group(struct checking *c, struct str id, struct str template_name,
                            struct err *e)
{
    struct err why = ERR_INIT;
    err_code code = load_template(c, template_name, &why);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code == ERR_NOMEM)
        return nomem(e);
    if (code) {
        add_finding(c, id, &why);
        return ERR_OK;
    }
    if (render_scope(RENDER_IGNITION, c->tmpl) == RENDER_PER_REQUEST || c->left == 0)
        return ERR_OK;
    c->left--;
    arena_reset(&c->scratch);
    struct model_group *g;
    struct value data;
    code = read_group(c, id, &g, e);
    if (!code)
        code = render_group_data(&c->scratch, g, &data, e);
    if (code)
        return code;
    struct butane_files files = {c, read_file, list_tree};
    struct findings found;
    findings_init(&found, &c->scratch);
    struct render_input in = {.document = RENDER_IGNITION,
                              .tmpl = c->tmpl,
                              .group = &data,
                              .files = &files,
                              .findings = &found};
    struct buf out;
    buf_in_arena(&out, &c->scratch, RENDER_OUTPUT_MAX);
    code = render(&in, &c->scratch, &out, &why);
    if (code == ERR_NOMEM)
        return nomem(e);
    if (code)
        add_finding(c, id, &why);
    return ERR_OK;
}

/* --- what a write touches --- */

static err_code ignition_of_profile(struct checking *c, struct str profile, struct str *ret,
                                    struct err *e)
{
    struct store_key k = {STORE_PROFILE, 0, profile};
    struct store_resource r;
    struct findings ignored;
    struct model_profile *p;
    findings_init(&ignored, c->arena);
    *ret = STR("");
    err_code code = store_txn_get(c->txn, &k, c->arena, &r, e);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (!code)
        code = model_profile_read(c->arena, profile, r.body, MODEL_IMPORT, &ignored, &p, e);
    if (!code)
        *ret = p->refs[MODEL_IGNITION];
    return code;
}

static bool is_butane(struct str name)
{
    return name.n && !ignition_is_raw(name);
}

struct groups_of {
    struct checking *c;
    struct str template_name;
};

static err_code each_group(void *arg, const struct store_resource *r, struct err *e)
{
    struct groups_of *g = arg;
    return check_group(g->c, r->key.name, g->template_name, e);
}

/* Every group that uses the profile. */
static err_code check_profile(struct checking *c, struct str profile, struct err *e)
{
    struct groups_of g = {.c = c};
    err_code code = ignition_of_profile(c, profile, &g.template_name, e);
    if (code || !is_butane(g.template_name))
        return code;
    struct store_list l = {.type = STORE_GROUP, .profile = profile};
    return store_txn_for_each(c->txn, &l, each_group, &g, e);
}

static err_code check_template(struct checking *c, const struct store_key *k, struct err *e)
{
    if (k->kind != MODEL_IGNITION || !is_butane(k->name))
        return ERR_OK;
    struct store_key *profiles = arena_alloc(c->arena, PROFILES_MAX * sizeof *profiles);
    uint32_t n = 0;
    if (!profiles)
        return nomem(e);
    err_code code = store_txn_users(c->txn, k, c->arena, profiles, PROFILES_MAX, &n, e);
    for (uint32_t i = 0; !code && i < n; i++)
        code = check_profile(c, profiles[i].name, e);
    return code;
}

static err_code check_one_group(struct checking *c, struct str id, struct err *e)
{
    struct model_group *g;
    struct str name = STR("");
    err_code code = read_group(c, id, &g, e);
    if (!code)
        code = ignition_of_profile(c, g->profile, &name, e);
    if (code || !is_butane(name))
        return code;
    return check_group(c, id, name, e);
}

err_code check_documents(struct store_txn *t, const struct store_key *k, struct arena *a,
                         struct findings *f, struct err *e)
{
    struct checking c = {.txn = t, .findings = f, .arena = a, .left = GROUPS_MAX};
    arena_init(&c.scratch, 64u << 20);
    err_code code = k->type == STORE_GROUP     ? check_one_group(&c, k->name, e)
                    : k->type == STORE_PROFILE ? check_profile(&c, k->name, e)
                                               : check_template(&c, k, e);
    render_template_free(c.tmpl);
    arena_free(&c.scratch);
    return code;
}
