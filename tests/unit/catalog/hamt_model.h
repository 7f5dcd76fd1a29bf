/*
 * hamt_model.h - the simplest table that could be right: an array of (hash, item) in sorted order,
 * to compare the trie with. And random numbers that are the same in every run.
 */
#ifndef TESTS_CATALOG_HAMT_MODEL_H
#define TESTS_CATALOG_HAMT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "catalog/hamt.h"

#define MODEL_MAX 4096

struct model_entry {
    uint64_t hash;
    uintptr_t item;
};

struct model {
    size_t n;
    struct model_entry entries[MODEL_MAX];
};

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
    return hash_mix(r->state++, 0x5DEECE66Du);
}

static inline uint64_t random_below(struct random *r, uint64_t n)
{
    return random_next(r) % n;
}

/* The index of the first entry that is not less. */
static inline size_t model_place(const struct model *m, uint64_t hash, uintptr_t item)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct model_entry *x = &m->entries[mid];
        if (x->hash < hash || (x->hash == hash && x->item < item))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static inline bool model_has(const struct model *m, uint64_t hash, uintptr_t item)
{
    size_t at = model_place(m, hash, item);
    return at < m->n && m->entries[at].hash == hash && m->entries[at].item == item;
}

static inline void model_insert(struct model *m, uint64_t hash, uintptr_t item)
{
    size_t at = model_place(m, hash, item);
    memmove(&m->entries[at + 1], &m->entries[at], (m->n - at) * sizeof(*m->entries));
    m->entries[at] = (struct model_entry){hash, item};
    m->n++;
}

static inline void model_remove(struct model *m, uint64_t hash, uintptr_t item)
{
    size_t at = model_place(m, hash, item);
    m->n--;
    memmove(&m->entries[at], &m->entries[at + 1], (m->n - at) * sizeof(*m->entries));
}

static inline void model_copy(struct model *dst, const struct model *src)
{
    dst->n = src->n;
    memcpy(dst->entries, src->entries, src->n * sizeof(*src->entries));
}

/* Whether the trie finds exactly the model's items of that hash. */
static inline bool model_agrees_at(const struct model *m, const struct hamt *h, uint64_t hash)
{
    const void *const *items = NULL;
    size_t n = hamt_find(h, hash, &items);
    size_t first = model_place(m, hash, 0), last = first;
    while (last < m->n && m->entries[last].hash == hash)
        last++;
    if (n != last - first)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!model_has(m, hash, (uintptr_t)items[i]))
            return false;
    return true;
}

static inline bool model_counts_one(const void *item, void *arg)
{
    (void)item;
    ++*(size_t *)arg;
    return true;
}

/* Whether both have the same contents. */
static inline bool model_agrees(const struct model *m, const struct hamt *h)
{
    if (h->count != m->n)
        return false;
    size_t walked = 0;
    hamt_each(h, model_counts_one, &walked);
    if (walked != m->n)
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (!model_agrees_at(m, h, m->entries[i].hash))
            return false;
    return true;
}

#endif
