/*
 * Many entries at once. They are sorted by the bits that the root looks at, then each part by the
 * next six bits, and so on (a radix sort from the trie's top), so that each node is made once, in
 * its final size, and the nodes of a subtree lie side by side in memory.
 */
#include <stdlib.h>

#include "base/always.h"
#include "catalog/bulk.h"
#include "catalog/hamt_node.h"

#define SLOTS (1u << BITS)

struct filling {
    uint64_t generation;
    struct bulk *bulk;
    int (*order)(const void *a, const void *b);
};

/* What lies where in the sorted array: slot s from starts[s] to starts[s + 1]. */
struct parts {
    size_t starts[SLOTS + 1];
};

static unsigned slot_number(uint64_t hash, unsigned depth)
{
    return (unsigned)(hash >> (depth * BITS)) & (SLOTS - 1);
}

static void sort_by_slot(const struct hamt_entry *from, struct hamt_entry *to, size_t n,
                         unsigned depth, struct parts *ret)
{
    size_t at[SLOTS] = {0};
    for (size_t i = 0; i < n; i++)
        at[slot_number(from[i].hash, depth)]++;
    size_t sum = 0;
    for (unsigned s = 0; s < SLOTS; s++) {
        ret->starts[s] = sum;
        sum += at[s];
        at[s] = ret->starts[s];
    }
    ret->starts[SLOTS] = sum;
    for (size_t i = 0; i < n; i++)
        to[at[slot_number(from[i].hash, depth)]++] = from[i];
}

static int by_order(const void *a, const void *b, void *order)
{
    int (*compare)(const void *, const void *) = order;
    return compare(*(const void *const *)a, *(const void *const *)b);
}

static struct hamt_node *fill_collision(const struct filling *f, const struct hamt_entry *entries,
                                        size_t n)
{
    struct hamt_node *node = bulk_alloc(f->bulk, sizeof *node + n * sizeof(void *));
    if (!node)
        return NULL;
    *node = (struct hamt_node){.generation = f->generation, .item_count = n};
    for (size_t i = 0; i < n; i++)
        items_of(node)[i] = entries[i].item;
    if (f->order)
        qsort_r(items_of(node), n, sizeof(void *), by_order, f->order);
    return node;
}

/* The node of these entries, which are equal in the bits above depth. NULL without memory. */
static struct hamt_node *fill_below(const struct filling *f, struct hamt_entry *entries,
                                    struct hamt_entry *scratch, size_t n, unsigned depth)
{
    if (depth == LEVELS)
        return fill_collision(f, entries, n);
    struct parts parts;
    struct hamt_node shape = {.generation = f->generation};
    sort_by_slot(entries, scratch, n, depth, &parts);
    for (unsigned s = 0; s < SLOTS; s++) {
        size_t in_slot = parts.starts[s + 1] - parts.starts[s];
        shape.entry_map |= (uint64_t)(in_slot == 1) << s;
        shape.child_map |= (uint64_t)(in_slot > 1) << s;
    }
    struct hamt_node *node = bulk_alloc(f->bulk, node_size(&shape, depth));
    if (!node)
        return NULL;
    *node = shape;
    struct hamt_entry *to = entries_of(node);
    unsigned children = 0;
    for (unsigned s = 0; s < SLOTS; s++) {
        size_t from = parts.starts[s], in_slot = parts.starts[s + 1] - from;
        if (in_slot == 1)
            *to++ = scratch[from];
        if (in_slot < 2)
            continue;
        struct hamt_node *child = fill_below(f, scratch + from, entries + from, in_slot, depth + 1);
        if (!child) {
            /* Only the children that are there are to be freed. */
            for (unsigned i = 0; i < children; i++)
                hamt_free_below(node->children[i], f->generation);
            bulk_free(node);
            return NULL;
        }
        node->children[children++] = child;
    }
    return node;
}

err_code hamt_fill(struct hamt_edit *e, struct hamt_entry *entries, struct hamt_entry *scratch,
                   size_t n, struct bulk *bulk)
{
    always(!e->now.root);
    if (n == 0)
        return ERR_OK;
    struct filling f = {e->now.generation, bulk, e->order};
    struct hamt_node *root = fill_below(&f, entries, scratch, n, 0);
    if (!root)
        return ERR_NOMEM;
    e->now.root = root;
    e->now.count = n;
    return ERR_OK;
}
