#include "boot/labels.h"

#include "http/http.h"

/* The first key that came with two different values, given what was kept of each. */
static struct str find_conflict(const struct http_pair *pairs, uint32_t n,
                                const struct labels *kept)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct str *first = model_label_get(kept, pairs[i].key);
        if (first && !str_eq(*first, pairs[i].value))
            return pairs[i].key.p ? pairs[i].key : STR("");
    }
    return (struct str){NULL, 0};
}

err_code boot_labels_read(struct arena *a, struct str raw_query, struct boot_labels *ret,
                          struct err *e)
{
    struct http_pair *pairs;
    uint32_t n, dropped;
    err_code c = http_query(a, raw_query, BOOT_PAIRS_MAX, &pairs, &n, &dropped, e);
    if (c)
        return c;
    struct boot_labels out = {.labels = {NULL, 0}};
    struct label *v = n ? arena_alloc(a, n * sizeof *v) : NULL;
    if (n && !v)
        return err_set(e, ERR_NOMEM, "out of memory while reading the query");
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct label){pairs[i].key, pairs[i].value};
    uint32_t kept = model_labels_sort(v, n);
    out.labels = (struct labels){v, kept};
    if (kept < n)
        out.conflict = find_conflict(pairs, n, &out.labels);
    uint32_t good = 0;
    for (uint32_t i = 0; i < kept; i++) {
        if (model_label_normalise(a, v[i].key, v[i].value, &v[good]))
            good++;
        else if (v[i].value.n)
            out.ignored_mac = v[i].value;
    }
    out.labels.n = good;
    *ret = out;
    return ERR_OK;
}
