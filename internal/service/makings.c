#include "service/makings.h"

#include "base/hash.h"
#include "service/files.h"

#define ARENA_MAX  ((size_t)1 << 30)
#define SOURCE_MAX (MODEL_TEMPLATE_MAX + 65536)
/* A compiled template is about so many times as large as its source. */
#define COMPILED_TIMES 16

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while looking at documents");
}

void makings_init(struct makings *m, const struct state *s, struct makings *under)
{
    *m = (struct makings){.state = *s, .under = under};
    arena_init(&m->arena, ARENA_MAX);
}

void makings_free(struct makings *m)
{
    for (size_t i = 0; i < MAKINGS_BUCKETS; i++) {
        for (struct made_template *t = m->templates[i]; t; t = t->next)
            render_template_free(t->tmpl);
        m->templates[i] = NULL;
        m->profiles[i] = NULL;
        m->files[i] = NULL;
    }
    m->compiled = 0;
    arena_free(&m->arena);
}

bool makings_trim(struct makings *m)
{
    if (m->compiled * COMPILED_TIMES + m->arena.used < MAKINGS_MAX)
        return false;
    makings_free(m);
    return true;
}

/* Is the resource as it is in the state below? */
static err_code unchanged(struct makings *m, const struct store_key *k, bool *ret, struct err *e)
{
    ARENA_LOCAL(a, SOURCE_MAX);
    struct str body;
    bool decides = false;
    err_code c =
        m->under && m->state.over ? m->state.over(m->state.ctx, k, &a, &decides, &body, e) : ERR_OK;
    *ret = m->under && !decides;
    return c;
}

static err_code make_template(struct makings *m, struct made_template *t, struct err *e)
{
    ARENA_LOCAL(a, SOURCE_MAX);
    struct store_key k = {STORE_TEMPLATE, t->kind, t->name};
    struct str body;
    err_code c = state_get(&m->state, &k, &a, &body, e);
    if (c == ERR_NOT_FOUND)
        return ERR_OK;
    if (c)
        return c;
    if (render_template_make(t->kind, t->name, body, &t->tmpl, &t->broken) == ERR_NOMEM)
        return nomem(e);
    m->compiled += body.n + 1024;
    return ERR_OK;
}

err_code makings_template(struct makings *m, enum model_kind kind, struct str name,
                          const struct made_template **ret, struct err *e)
{
    struct made_template **slot = &m->templates[hash_bytes(name, kind) % MAKINGS_BUCKETS], *t;
    for (t = *slot; t; t = t->next) {
        if (t->kind == kind && str_eq(t->name, name)) {
            *ret = t;
            return ERR_OK;
        }
    }
    struct store_key k = {STORE_TEMPLATE, kind, name};
    bool below;
    err_code c = unchanged(m, &k, &below, e);
    if (c || below)
        return c ? c : makings_template(m->under, kind, name, ret, e);
    t = arena_calloc(&m->arena, 1, sizeof *t);
    if (!t || !arena_str(&m->arena, name, &t->name))
        return nomem(e);
    t->kind = kind;
    c = make_template(m, t, e);
    if (c)
        return c;
    t->next = *slot;
    *slot = t;
    *ret = t;
    return ERR_OK;
}

static err_code make_profile(struct makings *m, struct made_profile *p, struct err *e)
{
    struct store_key k = {STORE_PROFILE, 0, p->id};
    struct str body;
    struct findings ignored;
    struct model_profile *model;
    findings_init(&ignored, &m->arena);
    err_code c = state_get(&m->state, &k, &m->arena, &body, e);
    if (c == ERR_NOT_FOUND)
        return ERR_OK;
    if (!c)
        c = model_profile_read(&m->arena, p->id, body, MODEL_IMPORT, &ignored, &model, e);
    if (c == ERR_INVALID || c == ERR_LIMIT)
        return ERR_OK;
    if (!c)
        p->model = model;
    return c;
}

err_code makings_profile(struct makings *m, struct str id, struct made_profile **ret, struct err *e)
{
    struct made_profile **slot = &m->profiles[hash_bytes(id, 0) % MAKINGS_BUCKETS], *p;
    for (p = *slot; p; p = p->next) {
        if (str_eq(p->id, id)) {
            *ret = p;
            return ERR_OK;
        }
    }
    struct store_key k = {STORE_PROFILE, 0, id};
    bool below;
    err_code c = unchanged(m, &k, &below, e);
    if (c || below)
        return c ? c : makings_profile(m->under, id, ret, e);
    p = arena_calloc(&m->arena, 1, sizeof *p);
    if (!p || !arena_str(&m->arena, id, &p->id))
        return nomem(e);
    c = make_profile(m, p, e);
    if (c)
        return c;
    p->next = *slot;
    *slot = p;
    *ret = p;
    return ERR_OK;
}

/* --- files -------------------------------------------------------------------------------------
 */

static err_code find_file(struct makings *m, struct str name, struct str *ret, struct err *e)
{
    struct made_file **slot = &m->files[hash_bytes(name, 0) % MAKINGS_BUCKETS], *f;
    for (f = *slot; f; f = f->next) {
        if (str_eq(f->name, name)) {
            *ret = f->body;
            return ERR_OK;
        }
    }
    struct store_key k = {STORE_TEMPLATE, MODEL_FILES, name};
    bool below;
    err_code c = unchanged(m, &k, &below, e);
    if (c || below)
        return c ? c : find_file(m->under, name, ret, e);
    f = arena_calloc(&m->arena, 1, sizeof *f);
    if (!f || !arena_str(&m->arena, name, &f->name))
        return nomem(e);
    c = state_get(&m->state, &k, &m->arena, &f->body, e);
    if (c && c != ERR_NOT_FOUND)
        return c;
    f->next = *slot;
    *slot = f;
    *ret = f->body;
    return ERR_OK;
}

static err_code read_file(void *ctx, struct str path, struct str *ret, struct err *e)
{
    const struct makings_files *s = ctx;
    struct str body;
    err_code c = find_file(s->makings, path, &body, e);
    if (!c && !body.p)
        c = err_set(e, ERR_NOT_FOUND, "there is no file \"%.*s\" in the site's files folder",
                    STR_FMT(path));
    if (!c)
        *ret = body;
    return c;
}

static void add_name(void *arg, struct str name)
{
    struct files_listing *l = arg;
    struct str kept;
    if (arena_str(l->arena, name, &kept))
        files_listing_add(l, kept);
    else
        l->failed = true;
}

static err_code list_tree(void *ctx, struct str path, const struct butane_tree_entry **ret,
                          size_t *ret_n, struct err *e)
{
    const struct makings_files *s = ctx;
    struct files_listing l;
    err_code c = files_listing_begin(s->arena, path, &l, e);
    if (!c)
        c = state_each_file(&s->makings->state, l.root, s->arena, add_name, &l, e);
    return c ? c : files_listing_end(&l, ret, ret_n, e);
}

struct butane_files makings_files(struct makings_files *source)
{
    return (struct butane_files){source, read_file, list_tree};
}
