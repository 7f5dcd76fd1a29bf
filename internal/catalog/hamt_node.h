/* hamt_node.h - what the files of the trie share: its nodes. The essay is in hamt.c. */
#ifndef CATALOG_HAMT_NODE_H
#define CATALOG_HAMT_NODE_H

#include "catalog/hamt.h"

#define BITS   6
#define LEVELS 11 /* the depth at which the hash is used up: ceil(64 / BITS) */

struct hamt_node {
    uint64_t generation;
    union {
        uint64_t entry_map;
        uint64_t item_count; /* in a collision node */
    };
    uint64_t child_map; /* 0 in a collision node */
    struct hamt_node *children[];
};

_Static_assert(sizeof(struct hamt_entry) % sizeof(void *) == 0 && _Alignof(struct hamt_entry) <= 8,
               "entries follow the children without a gap");

/* Sums of bits in pairs, in fours, in bytes, and by the product of all bytes in the highest.
 * Without an instruction for it, which x86-64 need not have, gcc's builtin is a call of a function.
 */
static inline unsigned count_bits(uint64_t map)
{
    map -= (map >> 1) & 0x5555555555555555u;
    map = (map & 0x3333333333333333u) + ((map >> 2) & 0x3333333333333333u);
    map = (map + (map >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return (unsigned)((map * 0x0101010101010101u) >> 56);
}

/* The bit of the slot that the hash has in a node at that depth, which is less than LEVELS. */
static inline uint64_t slot_of(uint64_t hash, unsigned depth)
{
    return (uint64_t)1 << ((hash >> (depth * BITS)) & ((1u << BITS) - 1));
}

static inline struct hamt_node **child_at(struct hamt_node *n, uint64_t slot)
{
    return n->children + count_bits(n->child_map & (slot - 1));
}

static inline struct hamt_entry *entries_of(struct hamt_node *n)
{
    return (struct hamt_entry *)(void *)(n->children + count_bits(n->child_map));
}

static inline struct hamt_entry *entry_at(struct hamt_node *n, uint64_t slot)
{
    return entries_of(n) + count_bits(n->entry_map & (slot - 1));
}

static inline const void **items_of(struct hamt_node *collision)
{
    return (const void **)(void *)collision->children;
}

static inline size_t node_size(const struct hamt_node *n, unsigned depth)
{
    if (depth == LEVELS)
        return sizeof(*n) + n->item_count * sizeof(void *);
    return sizeof(*n) + count_bits(n->child_map) * sizeof(void *) +
           count_bits(n->entry_map) * sizeof(struct hamt_entry);
}

/* Frees n and what is below it, but nothing older than a generation. */
void hamt_free_below(struct hamt_node *n, uint64_t oldest);

#endif
