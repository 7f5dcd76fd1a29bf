#include <stdlib.h>

#include "base/hash.h"
#include "catalog/view.h"
#include "value/canonical.h"

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

/* A group as it is read from its body, before it is laid out. */
struct read_group {
    struct label room[MODEL_SELECTORS];
    struct model_group model;
    struct str metadata;
};

/* The slow way, for a text that is not as we would write it; the texts are in a then. */
static err_code read_any_group(struct arena *a, struct str id, struct str body,
                               struct read_group *ret, struct err *e)
{
    struct findings findings;
    struct model_group *g;
    struct buf metadata;
    findings_init(&findings, a);
    err_code c = model_group_read(a, id, body, MODEL_IMPORT, &findings, &g, e);
    if (c)
        return c;
    buf_in_arena(&metadata, a, 8 * MODEL_STORED_MAX);
    value_to_json(&metadata, &g->metadata, 0);
    if (metadata.failed)
        return nomem(e, "group", id);
    ret->model = *g;
    ret->metadata = buf_str(&metadata);
    return ERR_OK;
}

static size_t text_size(const struct read_group *r, struct str id)
{
    size_t n = id.n + r->model.profile.n + r->metadata.n;
    for (uint32_t i = 0; i < r->model.selector.n; i++)
        n += r->model.selector.v[i].key.n + r->model.selector.v[i].value.n;
    return n;
}

static struct str put_text(char **at, struct str s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return str_of(p, s.n);
}

/*
 * One block: the object, the pairs of its selector, then the texts, what a request compares and
 * writes first and the metadata last.
 */
static void lay_out_group(struct group_object *o, const struct read_group *r, struct str id)
{
    const struct labels *from = &r->model.selector;
    struct label *v = (struct label *)(void *)((char *)o + HEADER(struct group_object));
    char *at = (char *)(v + from->n);
    for (uint32_t i = 0; i < from->n; i++) {
        v[i].key = put_text(&at, from->v[i].key);
        v[i].value = put_text(&at, from->v[i].value);
    }
    o->face.model = (struct model_group){.name = STR(""), .metadata = {.kind = VALUE_MAP}};
    o->face.model.selector = (struct labels){.v = from->n ? v : NULL, .n = from->n};
    o->face.model.id = put_text(&at, id);
    o->face.model.profile = put_text(&at, r->model.profile);
    o->face.metadata = put_text(&at, r->metadata);
}

err_code group_object_make(struct str id, struct str body, struct bulk *bulk,
                           struct group_object **ret, struct err *e)
{
    ARENA_LOCAL(scratch, SCRATCH_MAX);
    struct read_group r;
    if (!model_group_scan(body, r.room, &r.model, &r.metadata)) {
        err_code c = read_any_group(&scratch, id, body, &r, e);
        if (c)
            return c;
    }
    if (!r.metadata.p)
        r.metadata = STR("{}");
    size_t size =
        HEADER(struct group_object) + r.model.selector.n * sizeof *r.room + text_size(&r, id);
    struct group_object *o = bulk_alloc(bulk, size);
    if (!o)
        return nomem(e, "group", id);
    *o = (struct group_object){.docs = NULL};
    lay_out_group(o, &r, id);
    o->selector_hash = match_selector_hash(&o->face.model.selector);
    o->id_hash = view_id_hash(id);
    if (r.model.any_n) {
        err_code c = group_lists_make(o, &r.model, e);
        if (c) {
            bulk_free(o);
            return c;
        }
    }
    *ret = o;
    return ERR_OK;
}

void group_object_free(void *p)
{
    struct group_object *o = p;
    docs_free(o->docs);
    group_lists_free(o->lists);
    bulk_free(o);
}

int group_object_order(const void *a, const void *b)
{
    const struct group_object *x = a, *y = b;
    return str_cmp(x->face.model.id, y->face.model.id);
}

err_code catalog_group_data(const struct catalog_group *g, struct arena *a, struct value *ret,
                            struct err *e)
{
    struct model_group whole = g->model;
    err_code c = value_from_canonical(a, g->metadata, &whole.metadata);
    if (c == ERR_NOMEM)
        return err_set(e, c, "out of memory while reading a group's metadata");
    if (c)
        c = value_from_json(a, g->metadata, &whole.metadata, e);
    return c ? c : render_group_data(a, &whole, ret, e);
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

static bool copy_boot(struct arena *a, struct model_boot *b)
{
    return arena_str(a, b->kernel, &b->kernel) && arena_str(a, b->efi, &b->efi) &&
           copy_strings(a, b->initrd, b->initrd_n, &b->initrd) &&
           copy_strings(a, b->args, b->args_n, &b->args);
}

static bool copy_archs(struct arena *a, const struct model_profile *p, struct model_profile *copy)
{
    size_t size = p->archs_n * sizeof *p->archs;
    struct model_boot_arch *v = size ? arena_alloc(a, size) : NULL;
    if (size && !v)
        return false;
    for (uint32_t i = 0; i < p->archs_n; i++) {
        v[i] = p->archs[i];
        if (!arena_str(a, v[i].arch, &v[i].arch) || !copy_boot(a, &v[i].boot))
            return false;
    }
    copy->archs = v;
    return true;
}

static err_code lay_out_profile(struct arena *a, const struct model_profile *p,
                                struct catalog_profile *ret, struct err *e)
{
    struct model_profile copy = *p;
    bool ok = arena_str(a, p->id, &copy.id) && arena_str(a, p->name, &copy.name) &&
              copy_boot(a, &copy.boot) && copy_archs(a, p, &copy);
    for (int k = 0; ok && k < MODEL_PROFILE_KINDS; k++)
        ok = arena_str(a, p->refs[k], &copy.refs[k]);
    if (!ok)
        return nomem(e, "profile", p->id);
    ret->model = copy;
    return ERR_OK;
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
