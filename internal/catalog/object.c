#include <stdlib.h>

#include "base/hash.h"
#include "catalog/view.h"

#define SCRATCH_MAX  (256u << 20)
#define HEADER(type) ((sizeof(type) + 15) & ~(size_t)15)

uint64_t view_id_hash(struct str id)
{
    return hash_bytes(id, 0x6964);
}

uint64_t view_template_hash(enum model_kind k, struct str name)
{
    return hash_bytes(name, 0x746D706C + (uint64_t)k);
}

static err_code nomem(struct err *e, const char *what, struct str name)
{
    return err_set(e, ERR_NOMEM, "out of memory while loading %s %.*s", what, STR_FMT(name));
}

/* --- groups ------------------------------------------------------------------------------------
 */

static bool copy_labels(struct arena *a, const struct labels *from, struct labels *ret)
{
    struct label *v = from->n ? arena_alloc(a, from->n * sizeof *v) : NULL;
    if (from->n && !v)
        return false;
    for (uint32_t i = 0; i < from->n; i++)
        if (!arena_str(a, from->v[i].key, &v[i].key) ||
            !arena_str(a, from->v[i].value, &v[i].value))
            return false;
    *ret = (struct labels){v, from->n};
    return true;
}

/* Everything that a group in the catalog has, in one arena; the name is for people and stays out.
 */
static err_code lay_out_group(struct arena *a, const struct model_group *g,
                              struct catalog_group *ret, struct err *e)
{
    struct model_group copy = {.name = STR("")};
    if (!arena_str(a, g->id, &copy.id) || !arena_str(a, g->profile, &copy.profile) ||
        !copy_labels(a, &g->selector, &copy.selector))
        return nomem(e, "group", g->id);
    err_code c = value_copy(a, &g->metadata, &copy.metadata, e);
    if (!c)
        c = render_group_data(a, &copy, &ret->data, e);
    ret->model = copy;
    return c;
}

/*
 * Laid out twice: once to see how large it is, once into a block of just that size. A million
 * groups in arenas of their own would waste more than they hold.
 */
err_code group_object_make(struct str id, struct str body, struct group_object **ret, struct err *e)
{
    ARENA_LOCAL(scratch, SCRATCH_MAX);
    ARENA_LOCAL(trial, SCRATCH_MAX);
    struct findings findings;
    findings_init(&findings, &scratch);
    struct model_group *g;
    err_code c = model_group_read(&scratch, id, body, MODEL_IMPORT, &findings, &g, e);
    if (c)
        return c;
    struct catalog_group tried;
    c = lay_out_group(&trial, g, &tried, e);
    if (c)
        return c;
    size_t size = arena_given(&trial);
    struct group_object *o = malloc(HEADER(struct group_object) + size);
    if (!o)
        return nomem(e, "group", id);
    *o = (struct group_object){.docs = NULL};
    struct arena fixed;
    arena_init_fixed(&fixed, (char *)o + HEADER(struct group_object), size);
    c = lay_out_group(&fixed, g, &o->face, e);
    if (c) {
        free(o);
        return c;
    }
    o->selector_hash = match_selector_hash(&o->face.model.selector);
    o->id_hash = view_id_hash(id);
    *ret = o;
    return ERR_OK;
}

void group_object_free(void *p)
{
    struct group_object *o = p;
    docs_free(o->docs);
    free(o);
}

/* --- profiles ----------------------------------------------------------------------------------
 */

static bool copy_strings(struct arena *a, const struct str *from, uint32_t n,
                         const struct str **ret)
{
    struct str *v = n ? arena_alloc(a, n * sizeof *v) : NULL;
    if (n && !v)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!arena_str(a, from[i], &v[i]))
            return false;
    *ret = v;
    return true;
}

static err_code lay_out_profile(struct arena *a, const struct model_profile *p,
                                struct catalog_profile *ret, struct err *e)
{
    struct model_profile copy = *p;
    bool ok = arena_str(a, p->id, &copy.id) && arena_str(a, p->name, &copy.name) &&
              arena_str(a, p->kernel, &copy.kernel) &&
              copy_strings(a, p->initrd, p->initrd_n, &copy.initrd) &&
              copy_strings(a, p->args, p->args_n, &copy.args);
    for (int k = 0; ok && k < MODEL_PROFILE_KINDS; k++)
        ok = arena_str(a, p->refs[k], &copy.refs[k]);
    if (!ok)
        return nomem(e, "profile", p->id);
    ret->model = copy;
    return render_boot_data(a, &copy, &ret->boot, e);
}

err_code profile_object_make(struct str id, struct str body, struct profile_object **ret,
                             struct err *e)
{
    ARENA_LOCAL(scratch, SCRATCH_MAX);
    ARENA_LOCAL(trial, SCRATCH_MAX);
    struct findings findings;
    findings_init(&findings, &scratch);
    struct model_profile *p;
    err_code c = model_profile_read(&scratch, id, body, MODEL_IMPORT, &findings, &p, e);
    if (c)
        return c;
    struct catalog_profile tried;
    c = lay_out_profile(&trial, p, &tried, e);
    if (c)
        return c;
    size_t size = arena_given(&trial);
    struct profile_object *o = malloc(HEADER(struct profile_object) + size);
    if (!o)
        return nomem(e, "profile", id);
    *o = (struct profile_object){.docs = NULL};
    struct arena fixed;
    arena_init_fixed(&fixed, (char *)o + HEADER(struct profile_object), size);
    c = lay_out_profile(&fixed, p, &o->face, e);
    if (c) {
        free(o);
        return c;
    }
    o->id_hash = view_id_hash(id);
    *ret = o;
    return ERR_OK;
}

void profile_object_free(void *p)
{
    struct profile_object *o = p;
    docs_free(o->docs);
    free(o);
}

/* --- templates ---------------------------------------------------------------------------------
 */

err_code template_object_make(enum model_kind k, struct str name, struct str source,
                              struct template_object **ret, struct err *e)
{
    size_t size = HEADER(struct template_object) + name.n + 1;
    struct template_object *o = malloc(size);
    if (!o)
        return nomem(e, "template", name);
    *o = (struct template_object){.face = {.kind = k}};
    char *text = (char *)o + HEADER(struct template_object);
    if (name.n)
        memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    o->face.name = str_of(text, name.n);
    o->name_hash = view_template_hash(k, name);
    err_code c = render_template_make(k, name, source, &o->owned, &o->face.broken);
    if (c == ERR_NOMEM) {
        free(o);
        return nomem(e, "template", name);
    }
    o->face.render = o->owned;
    *ret = o;
    return ERR_OK;
}

void template_object_free(void *p)
{
    struct template_object *o = p;
    render_template_free(o->owned);
    free(o);
}

/* --- shapes ------------------------------------------------------------------------------------
 */

err_code shape_object_make(const struct labels *selector, struct shape_object **ret, struct err *e)
{
    struct shape_object *o = malloc(sizeof *o);
    if (!o)
        return err_set(e, ERR_NOMEM, "out of memory while filing a group");
    arena_init(&o->arena, 1u << 20);
    if (!match_shape_of(&o->arena, selector, &o->shape)) {
        shape_object_free(o);
        return err_set(e, ERR_NOMEM, "out of memory while filing a group");
    }
    *ret = o;
    return ERR_OK;
}

void shape_object_free(void *p)
{
    struct shape_object *o = p;
    arena_free(&o->arena);
    free(o);
}
