#include "base/always.h"
#include "render/parts.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while making a template's data");
}

static bool lower_key(struct arena *a, struct str key, struct str *ret)
{
    if (!arena_str(a, key, ret))
        return false;
    char *p = (char *)(uintptr_t)ret->p;
    for (size_t i = 0; i < ret->n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + 32);
    return true;
}

/*
 * value_map keeps the last of equal keys, so what comes later wins, as in matchbox. A selector's
 * value is marked, since it is what the request brought.
 */
err_code render_group_data(struct arena *a, const struct model_group *g, struct value *ret,
                           struct err *e)
{
    always(g->metadata.kind == VALUE_MAP);
    uint32_t n = 0;
    struct value_pair *p = arena_calloc(a, (size_t)g->metadata.n + g->selector.n + 1, sizeof *p);
    if (!p)
        return nomem(e);
    for (uint32_t i = 0; i < g->metadata.n; i++)
        p[n++] = g->metadata.map[i];
    for (uint32_t i = 0; i < g->selector.n; i++, n++) {
        if (!lower_key(a, g->selector.v[i].key, &p[n].key))
            return nomem(e);
        p[n].v = value_marked(value_str(g->selector.v[i].value));
    }
    p[n++] = (struct value_pair){STR("request"), value_nil()};
    *ret = value_map(VALUE_MAP, p, n);
    return ERR_OK;
}

err_code render_request_data(struct arena *a, const struct labels *labels, struct str raw_query,
                             struct value *ret, struct err *e)
{
    struct value_pair *query = labels->n ? arena_alloc(a, labels->n * sizeof *query) : NULL;
    struct value_pair *request = arena_alloc(a, 2 * sizeof *request);
    if ((labels->n && !query) || !request)
        return nomem(e);
    for (uint32_t i = 0; i < labels->n; i++)
        query[i] =
            (struct value_pair){labels->v[i].key, value_marked(value_str(labels->v[i].value))};
    struct value map = value_marked(value_map(VALUE_STRMAP, query, labels->n));
    request[0] = (struct value_pair){STR("query"), map};
    request[1] = (struct value_pair){STR("raw_query"), value_marked(value_str(raw_query))};
    *ret = value_map(VALUE_MAP, request, 2);
    return ERR_OK;
}
