/* Groups with lists in their selectors: see struct group_lists. */
#include <stdlib.h>

#include "catalog/view.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while filing a group by its lists");
}

static bool copy_any(struct arena *a, const struct model_group *from, const struct model_any **ret)
{
    struct model_any *any = arena_calloc(a, from->any_n, sizeof *any);
    if (!any)
        return false;
    for (uint32_t i = 0; i < from->any_n; i++) {
        const struct model_any *x = &from->any[i];
        struct str *values = arena_calloc(a, x->n, sizeof *values);
        any[i] = (struct model_any){x->key, values, x->n};
        if (!values || !arena_str(a, x->key, &any[i].key))
            return false;
        for (uint32_t k = 0; k < x->n; k++)
            if (!arena_str(a, x->values[k], &values[k]))
                return false;
    }
    *ret = any;
    return true;
}

err_code group_lists_make(struct group_object *o, const struct model_group *read, struct err *e)
{
    if (!read->any_n)
        return ERR_OK;
    uint32_t n = model_group_combinations(read) - 1;
    struct group_lists *l = calloc(1, sizeof *l + n * sizeof *l->v);
    if (!l)
        return nomem(e);
    arena_init(&l->arena, (size_t)256 << 20);
    struct model_group *g = &o->face.model;
    bool ok = copy_any(&l->arena, read, &g->any);
    g->any_n = ok ? read->any_n : 0;
    for (uint32_t i = 0; ok && i < n; i++) {
        struct label *pairs = arena_calloc(&l->arena, g->selector.n, sizeof *pairs);
        ok = pairs != NULL;
        if (!ok)
            break;
        model_group_combination(g, i + 1, pairs);
        l->v[i] = (struct group_object){.face = o->face, .id_hash = o->id_hash};
        l->v[i].face.model.selector = (struct labels){.v = pairs, .n = g->selector.n};
        l->v[i].selector_hash = match_selector_hash(&l->v[i].face.model.selector);
        l->n++;
    }
    if (!ok) {
        group_lists_free(l);
        return nomem(e);
    }
    o->lists = l;
    return ERR_OK;
}

void group_lists_free(struct group_lists *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < l->n; i++)
        docs_free(l->v[i].docs);
    arena_free(&l->arena);
    free(l);
}

err_code group_lists_file(struct catalog_edit *x, const struct group_object *o, struct err *e)
{
    err_code c = ERR_OK;
    for (uint32_t i = 0; o->lists && i < o->lists->n && !c; i++) {
        struct group_object *v = &o->lists->v[i];
        v->face.generation = o->face.generation;
        c = shapes_use(&x->shapes, &v->face.model.selector, &x->made, e);
        if (!c && hamt_insert(&x->selectors, v->selector_hash, v) != ERR_OK)
            c = nomem(e);
    }
    return c;
}

err_code group_lists_unfile(struct catalog_edit *x, const struct group_object *o, struct err *e)
{
    err_code c = ERR_OK;
    for (uint32_t i = 0; o->lists && i < o->lists->n && !c; i++) {
        const struct group_object *v = &o->lists->v[i];
        c = shapes_drop(x->shapes, &v->face.model.selector, &x->replaced, e);
        if (!c && hamt_remove(&x->selectors, v->selector_hash, v) != ERR_OK)
            c = nomem(e);
    }
    return c;
}
