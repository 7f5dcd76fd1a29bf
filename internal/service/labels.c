#include "service/labels.h"

#include "base/query.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading the query");
}

/* The pair that counts for this key: there is one. */
static const struct label *first_of(const struct labels *first, struct str key)
{
    uint32_t lo = 0, hi = first->n;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (str_cmp(first->v[mid].key, key) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return &first->v[lo];
}

/* Keys point to their own places in the query, so a pair is the first one if it is that one. */
static bool is_ignored(const struct labels *first, const struct query_pair *pair,
                       const struct labels *taken, struct service_ignored *ret)
{
    const struct label *counts = first_of(first, pair->key);
    bool repeated = counts->key.p != pair->key.p;
    *ret = (struct service_ignored){
        .why = repeated ? SERVICE_IGNORED_REPEATED : SERVICE_IGNORED_MAC,
        .key = pair->key,
        .value = pair->value,
        .conflict = repeated && !str_eq(counts->value, pair->value),
    };
    return repeated || !model_label_get(taken, pair->key);
}

static err_code collect_ignored(struct arena *a, const struct query_pair *pairs, uint32_t n,
                                const struct labels *first, struct service_labels *ret,
                                struct err *e)
{
    struct service_ignored *v = arena_calloc(a, n, sizeof *v);
    if (!v)
        return nomem(e);
    for (uint32_t i = 0; i < n; i++)
        if (is_ignored(first, &pairs[i], &ret->labels, &v[ret->ignored_n]))
            ret->ignored_n++;
    ret->ignored = v;
    return ERR_OK;
}

err_code service_labels_read(struct arena *a, struct str raw_query, struct service_labels *ret,
                             struct err *e)
{
    struct query_pair *pairs;
    uint32_t n;
    struct service_labels out = {.labels = {NULL, 0}};
    err_code c = query_read(a, raw_query, SERVICE_PAIRS_MAX, &pairs, &n, &out.undecodable, e);
    if (c)
        return c;
    struct label *v = n ? arena_alloc(a, 2 * n * sizeof *v) : NULL;
    if (n && !v)
        return nomem(e);
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct label){pairs[i].key, pairs[i].value};
    struct labels first = {v, model_labels_sort(v, n)};
    struct label *taken = v + n;
    for (uint32_t i = 0; i < first.n; i++) {
        c = model_label_normalise(a, v[i].key, v[i].value, &taken[out.labels.n]);
        if (c == ERR_NOMEM)
            return nomem(e);
        out.labels.n += c == ERR_OK;
    }
    c = ERR_OK;
    out.labels.v = taken;
    if (out.labels.n < n)
        c = collect_ignored(a, pairs, n, &first, &out, e);
    if (!c)
        *ret = out;
    return c;
}
