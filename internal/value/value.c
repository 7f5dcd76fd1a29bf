#include "value/value.h"

#include <stdlib.h>

const struct value *value_get(const struct value *map, struct str key)
{
    if (!value_is_map(*map))
        return NULL;
    uint32_t lo = 0, hi = map->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(map->map[mid].key, key);
        if (c == 0)
            return &map->map[mid].v;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* A stable merge sort would need memory; insertion is stable and our maps are short or sorted. */
static void sort_pairs(struct value_pair *p, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct value_pair x = p[i];
        uint32_t k = i;
        for (; k > 0 && str_cmp(p[k - 1].key, x.key) > 0; k--)
            p[k] = p[k - 1];
        p[k] = x;
    }
}

struct ordered_pair {
    struct value_pair pair;
    uint32_t at;
};

static int ordered_cmp(const void *a, const void *b)
{
    const struct ordered_pair *x = a, *y = b;
    int c = str_cmp(x->pair.key, y->pair.key);
    return c ? c : x->at < y->at ? -1 : x->at > y->at;
}

static void sort_many(struct value_pair *p, uint32_t n)
{
    struct ordered_pair *o = calloc(n, sizeof *o);
    if (!o) {
        sort_pairs(p, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        o[i] = (struct ordered_pair){p[i], i};
    qsort(o, n, sizeof *o, ordered_cmp);
    for (uint32_t i = 0; i < n; i++)
        p[i] = o[i].pair;
    free(o);
}

struct value value_map(enum value_kind kind, struct value_pair *pairs, uint32_t n)
{
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++)
        sorted = str_cmp(pairs[i - 1].key, pairs[i].key) < 0;
    if (!sorted) {
        if (n > 32)
            sort_many(pairs, n);
        else
            sort_pairs(pairs, n);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (kept && str_eq(pairs[kept - 1].key, pairs[i].key))
                pairs[kept - 1] = pairs[i];
            else
                pairs[kept++] = pairs[i];
        }
        n = kept;
    }
    return (struct value){.kind = (uint8_t)kind, .n = n, .map = pairs};
}

static err_code out_of_memory(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while copying a value");
}

err_code value_copy(struct arena *a, const struct value *v, struct value *ret, struct err *e)
{
    struct value out = *v;
    if (v->kind == VALUE_STRING) {
        struct str s;
        if (!arena_str(a, value_as_str(*v), &s))
            return out_of_memory(e);
        out.s = s.p;
    } else if (v->kind == VALUE_LIST && v->n) {
        struct value *items = arena_calloc(a, v->n, sizeof *items);
        if (!items)
            return out_of_memory(e);
        for (uint32_t i = 0; i < v->n; i++) {
            err_code c = value_copy(a, &v->list[i], &items[i], e);
            if (c)
                return c;
        }
        out.list = items;
    } else if (value_is_map(*v) && v->n) {
        struct value_pair *pairs = arena_calloc(a, v->n, sizeof *pairs);
        if (!pairs)
            return out_of_memory(e);
        for (uint32_t i = 0; i < v->n; i++) {
            if (!arena_str(a, v->map[i].key, &pairs[i].key))
                return out_of_memory(e);
            err_code c = value_copy(a, &v->map[i].v, &pairs[i].v, e);
            if (c)
                return c;
        }
        out.map = pairs;
    }
    *ret = out;
    return ERR_OK;
}

static uint64_t float_bits(double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch ((enum value_kind)a->kind) {
    case VALUE_NIL: return true;
    case VALUE_BOOL: return a->b == b->b;
    case VALUE_INT:
    case VALUE_BYTE: return a->i == b->i;
    case VALUE_FLOAT: return float_bits(a->f) == float_bits(b->f);
    case VALUE_STRING: return str_eq(value_as_str(*a), value_as_str(*b));
    case VALUE_LIST:
        if (a->n != b->n)
            return false;
        for (uint32_t i = 0; i < a->n; i++)
            if (!value_equal(&a->list[i], &b->list[i]))
                return false;
        return true;
    case VALUE_MAP:
    case VALUE_STRMAP:
        if (a->n != b->n)
            return false;
        for (uint32_t i = 0; i < a->n; i++)
            if (!str_eq(a->map[i].key, b->map[i].key) || !value_equal(&a->map[i].v, &b->map[i].v))
                return false;
        return true;
    }
    return false;
}
