#include "catalog/hamt.h"

#include <string.h>

#include "catalog/bulk.h"
#include "catalog/hamt_node.h"

/*
 * Why a trie that never changes
 * -----------------------------
 * Requests look groups and profiles up while operators change them. A lock-free mutable hash table
 * would let both go on at once, but one row at a time: a reader could meet the new profile and the
 * old group that named its predecessor. What is wanted is that a change to several tables is seen
 * as a whole or not at all, and that a request which looks five things up sees one revision of all
 * five. With tables that are never changed this is free: a revision is a small struct with a root
 * for each table, publishing it is one store of a pointer, and a reader that has loaded it has a
 * snapshot for as long as it likes (within its read section, see grace.h). Undoing a change that
 * failed half-way is free too: drop the new nodes.
 *
 * The price is that a writer copies what it changes. Copying a whole table would make one write to
 * a site of a million groups cost a million; here it copies the path from the root to the place of
 * the change, and everything beside the path is shared with the revision before.
 *
 * The trie
 * --------
 * (P. Bagwell, "Ideal Hash Trees", 2001; the separation of entries and children within a node is
 * from M. Steindorfer and J. Vinju, "Optimizing Hash-Array Mapped Tries", 2015.) A node at depth d
 * looks at the hash's bits 6d to 6d+5 and has up to 64 slots. A slot is empty, holds an entry
 * (hash and item), or holds a child when two or more entries fall into it. Empty slots take no
 * memory: two 64-bit maps say what each slot is, and how many bits are set below a slot's own is
 * its index in the array of children or of entries:
 *
 *     generation | entry_map | child_map | children, one a bit | entries, one a bit
 *
 * After 11 levels all 64 bits are used up. What is left at depth 11 are items with equal hashes, in
 * a collision node: entry_map is their number there, and the array holds the items alone.
 *
 * The shape depends on the contents alone, not on their history, because of one invariant: below
 * every node but the root are at least two entries. A removal that leaves one entry in a node moves
 * it up, past all nodes that had no other purpose than to lead to it.
 *
 * Edits
 * -----
 * A node carries the generation of the edit that made it. Every edit has a generation higher than
 * all in the table that it begins with, so a node of the edit's own generation is one that nobody
 * else has seen: it is changed in place, and freed at once if it is replaced by a larger or smaller
 * one. All others are copied, and what was replaced goes to the batch that is freed after a grace
 * period. A committed node is never written again. All ancestors of an edit's own node are its own.
 *
 * Every change is done in an order that leaves the contents as they were if memory runs out: first
 * room in the batch, then own copies of the path (same contents), then the new node at its end, and
 * only then the store that links it.
 *
 * Cost
 * ----
 * With n items a lookup visits about log64(n) + 1 nodes: four at a million. A write copies as many;
 * inner nodes of a large table are full, 64 children in 536 bytes, so it copies under 2 KiB at a
 * million and at sixteen million. Six bits a level rather than five save a level at little cost: a
 * node's header is 24 bytes with two maps of 64 bits, which the allocator rounds to the same size
 * as the 16 bytes with two maps of 32.
 *
 * The hash is kept beside the item, so that splitting a slot needs no look at the items (cache
 * misses in a bulk load) and the table need not know what they are. That is 16 bytes of an item;
 * the nodes around it, with what glibc's allocator adds, are 8 to 13 more depending on how full the
 * deepest level is, 11 (27 in all) at a million items. Measured with tests/bench/hamt_bench.c on
 * two shared cores: at ten, ten thousand and a million items a lookup takes 6, 19 and 180 ns (cache
 * misses), an insertion in bulk 220, 200 and 400 ns, a write that is an edit of its own 110, 210
 * and 500 ns. A table that is made at once (hamt_fill.c) lies in large pages, in the trie's order.
 */

/* --- reading --- */

size_t hamt_find(const struct hamt *h, uint64_t hash, const void *const **ret_items)
{
    struct hamt_node *n = h->root;
    if (!n)
        return 0;
    for (unsigned depth = 0; depth < LEVELS; depth++) {
        uint64_t slot = slot_of(hash, depth);
        if (n->child_map & slot) {
            n = *child_at(n, slot);
            /* Most of the lowest nodes end in their second cache line; it comes with the first. */
            __builtin_prefetch((const char *)n + 64);
            continue;
        }
        if (!(n->entry_map & slot))
            return 0;
        struct hamt_entry *found = entry_at(n, slot);
        if (found->hash != hash)
            return 0;
        *ret_items = &found->item;
        return 1;
    }
    *ret_items = items_of(n);
    return n->item_count;
}

typedef bool each_fn(const void *item, void *arg);

static bool each_below(struct hamt_node *n, unsigned depth, each_fn *fn, void *arg)
{
    if (depth == LEVELS) {
        for (size_t i = 0; i < n->item_count; i++)
            if (!fn(items_of(n)[i], arg))
                return false;
        return true;
    }
    struct hamt_entry *entries = entries_of(n);
    for (unsigned i = 0; i < count_bits(n->entry_map); i++)
        if (!fn(entries[i].item, arg))
            return false;
    for (unsigned i = 0; i < count_bits(n->child_map); i++)
        if (!each_below(n->children[i], depth + 1, fn, arg))
            return false;
    return true;
}

bool hamt_each(const struct hamt *h, each_fn *fn, void *arg)
{
    return !h->root || each_below(h->root, 0, fn, arg);
}

static void measure_below(const struct hamt_node *n, unsigned depth, struct hamt_stats *stats)
{
    stats->nodes++;
    stats->bytes += node_size(n, depth);
    if (stats->depth < depth + 1)
        stats->depth = depth + 1;
    for (unsigned i = 0; i < count_bits(n->child_map); i++)
        measure_below(n->children[i], depth + 1, stats);
}

struct hamt_stats hamt_measure(const struct hamt *h)
{
    struct hamt_stats stats = {0};
    if (h->root)
        measure_below(h->root, 0, &stats);
    return stats;
}

void hamt_free_below(struct hamt_node *n, uint64_t oldest)
{
    if (n->generation < oldest)
        return;
    for (unsigned i = 0; i < count_bits(n->child_map); i++)
        hamt_free_below(n->children[i], oldest);
    bulk_free(n);
}

void hamt_free(struct hamt *h)
{
    if (h->root)
        hamt_free_below(h->root, 0);
    *h = (struct hamt){0};
}

/* --- new nodes: all return NULL when memory is out, with nothing changed --- */

/* With room for what the maps say, not filled. */
static struct hamt_node *node_new(const struct hamt_edit *e, uint64_t entry_map, uint64_t child_map)
{
    struct hamt_node shape = {
        .generation = e->now.generation, .entry_map = entry_map, .child_map = child_map};
    struct hamt_node *n = bulk_alloc(NULL, node_size(&shape, 0));
    if (n)
        *n = shape;
    return n;
}

static struct hamt_node *collision_new(const struct hamt_edit *e, size_t items)
{
    struct hamt_node *n = bulk_alloc(NULL, sizeof(*n) + items * sizeof(void *));
    if (n)
        *n = (struct hamt_node){.generation = e->now.generation, .item_count = items};
    return n;
}

/* A copy that has the slots of the given maps; the slots that old has not are left to be filled. */
static struct hamt_node *node_with_maps(const struct hamt_edit *e, struct hamt_node *old,
                                        uint64_t entry_map, uint64_t child_map)
{
    struct hamt_node *n = node_new(e, entry_map, child_map);
    if (!n)
        return NULL;
    for (uint64_t left = child_map & old->child_map; left; left &= left - 1)
        *child_at(n, left & -left) = *child_at(old, left & -left);
    for (uint64_t left = entry_map & old->entry_map; left; left &= left - 1)
        *entry_at(n, left & -left) = *entry_at(old, left & -left);
    return n;
}

static struct hamt_node *node_copy(const struct hamt_edit *e, const struct hamt_node *old,
                                   unsigned depth)
{
    size_t size = node_size(old, depth);
    struct hamt_node *n = bulk_alloc(NULL, size);
    if (!n)
        return NULL;
    memcpy(n, old, size);
    n->generation = e->now.generation;
    return n;
}

/* The subtree of two entries whose hashes are equal in the bits above depth. */
static struct hamt_node *node_of_two(const struct hamt_edit *e, unsigned depth, struct hamt_entry a,
                                     struct hamt_entry b)
{
    struct hamt_node *n;
    if (depth == LEVELS) {
        n = collision_new(e, 2);
        bool b_first = e->order && e->order(b.item, a.item) < 0;
        if (n) {
            items_of(n)[b_first] = a.item;
            items_of(n)[!b_first] = b.item;
        }
        return n;
    }
    uint64_t slot_a = slot_of(a.hash, depth), slot_b = slot_of(b.hash, depth);
    if (slot_a != slot_b) {
        n = node_new(e, slot_a | slot_b, 0);
        if (n) {
            *entry_at(n, slot_a) = a;
            *entry_at(n, slot_b) = b;
        }
        return n;
    }
    n = node_new(e, 0, slot_a);
    struct hamt_node *child = n ? node_of_two(e, depth + 1, a, b) : NULL;
    if (!child) {
        bulk_free(n);
        return NULL;
    }
    *child_at(n, slot_a) = child;
    return n;
}

/* Where an item goes in a collision node. */
static size_t place_among(const struct hamt_edit *e, struct hamt_node *n, const void *item)
{
    size_t low = e->order ? 0 : n->item_count, high = n->item_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (e->order(items_of(n)[mid], item) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct hamt_node *collision_with(const struct hamt_edit *e, struct hamt_node *old,
                                        const void *item)
{
    struct hamt_node *n = collision_new(e, old->item_count + 1);
    if (!n)
        return NULL;
    size_t at = place_among(e, old, item);
    memcpy(items_of(n), items_of(old), at * sizeof(void *));
    memcpy(items_of(n) + at + 1, items_of(old) + at, (old->item_count - at) * sizeof(void *));
    items_of(n)[at] = item;
    return n;
}

static struct hamt_node *collision_without(const struct hamt_edit *e, struct hamt_node *old,
                                           const void *item)
{
    struct hamt_node *n = collision_new(e, old->item_count - 1);
    if (!n)
        return NULL;
    size_t kept = 0;
    bool gone = false;
    for (size_t i = 0; i < old->item_count; i++) {
        if (!gone && items_of(old)[i] == item)
            gone = true;
        else
            items_of(n)[kept++] = items_of(old)[i];
    }
    return n;
}

/* A copy of old, which has no child in the new entry's slot, with that entry. */
static struct hamt_node *node_with(const struct hamt_edit *e, struct hamt_node *old, unsigned depth,
                                   struct hamt_entry added)
{
    uint64_t slot = slot_of(added.hash, depth);
    struct hamt_node *n;
    if (!(old->entry_map & slot)) {
        n = node_with_maps(e, old, old->entry_map | slot, old->child_map);
        if (n)
            *entry_at(n, slot) = added;
        return n;
    }
    struct hamt_node *child = node_of_two(e, depth + 1, *entry_at(old, slot), added);
    if (!child)
        return NULL;
    n = node_with_maps(e, old, old->entry_map & ~slot, old->child_map | slot);
    if (!n) {
        hamt_free_below(child, e->now.generation);
        return NULL;
    }
    *child_at(n, slot) = child;
    return n;
}

/* --- paths --- */

/* From the root down to the node that has no child in the hash's slot. */
struct path {
    struct hamt_node *nodes[LEVELS + 1];
    unsigned last;
};

static struct path path_to(const struct hamt *h, uint64_t hash)
{
    struct path p = {.nodes = {h->root}};
    while (p.last < LEVELS) {
        struct hamt_node *n = p.nodes[p.last];
        uint64_t slot = slot_of(hash, p.last);
        if (!(n->child_map & slot))
            break;
        p.nodes[++p.last] = *child_at(n, slot);
    }
    return p;
}

/* The table no longer refers to n. There is room in the batch, see own_path. */
static void discard(struct hamt_edit *e, struct hamt_node *n)
{
    if (n->generation == e->now.generation)
        bulk_free(n);
    else
        grace_batch_add(e->replaced, n, bulk_free);
}

/* Makes the node that place refers to the edit's own; place is in a node that already is. */
static bool own(struct hamt_edit *e, struct hamt_node **place, unsigned depth)
{
    struct hamt_node *old = *place;
    if (old->generation == e->now.generation)
        return true;
    struct hamt_node *n = node_copy(e, old, depth);
    if (!n)
        return false;
    *place = n;
    discard(e, old);
    return true;
}

/*
 * Makes the nodes of p above depth the edit's own and returns the place that refers to the node at
 * depth; NULL if memory is out. Reserves room for discarding every node of the path.
 */
static struct hamt_node **own_path(struct hamt_edit *e, struct path *p, uint64_t hash,
                                   unsigned depth)
{
    if (grace_batch_reserve(e->replaced, LEVELS + 1) != ERR_OK)
        return NULL;
    struct hamt_node **place = &e->now.root;
    for (unsigned d = 0; d < depth; d++) {
        if (!own(e, place, d))
            return NULL;
        p->nodes[d] = *place;
        place = child_at(*place, slot_of(hash, d));
    }
    return place;
}

/* --- edits --- */

void hamt_edit_begin(struct hamt_edit *e, struct hamt base, struct grace_batch *replaced)
{
    e->now = base;
    e->now.generation++;
    e->replaced = replaced;
    e->order = NULL;
}

struct hamt hamt_edit_commit(struct hamt_edit *e)
{
    struct hamt next = e->now;
    *e = (struct hamt_edit){0};
    return next;
}

void hamt_edit_abandon(struct hamt_edit *e)
{
    if (e->now.root)
        hamt_free_below(e->now.root, e->now.generation);
    *e = (struct hamt_edit){0};
}

err_code hamt_insert(struct hamt_edit *e, uint64_t hash, const void *item)
{
    struct hamt_entry added = {hash, item};
    struct hamt_node *n;
    if (!e->now.root) {
        n = node_new(e, slot_of(hash, 0), 0);
        if (!n)
            return ERR_NOMEM;
        *entries_of(n) = added;
        e->now.root = n;
        e->now.count = 1;
        return ERR_OK;
    }
    struct path p = path_to(&e->now, hash);
    struct hamt_node **place = own_path(e, &p, hash, p.last);
    if (!place)
        return ERR_NOMEM;
    if (p.last == LEVELS)
        n = collision_with(e, *place, item);
    else
        n = node_with(e, *place, p.last, added);
    if (!n)
        return ERR_NOMEM;
    discard(e, *place);
    *place = n;
    e->now.count++;
    return ERR_OK;
}

/* The index of the item among those with its hash, or -1. */
static ptrdiff_t find_item(const struct hamt *h, uint64_t hash, const void *item)
{
    const void *const *items = NULL;
    size_t n = hamt_find(h, hash, &items);
    for (size_t i = 0; i < n; i++)
        if (items[i] == item)
            return (ptrdiff_t)i;
    return -1;
}

err_code hamt_replace(struct hamt_edit *e, uint64_t hash, const void *old_item,
                      const void *new_item)
{
    ptrdiff_t at = find_item(&e->now, hash, old_item);
    if (at < 0)
        return ERR_NOT_FOUND;
    struct path p = path_to(&e->now, hash);
    struct hamt_node **place = own_path(e, &p, hash, p.last);
    if (!place || !own(e, place, p.last))
        return ERR_NOMEM;
    if (p.last == LEVELS)
        items_of(*place)[at] = new_item;
    else
        entry_at(*place, slot_of(hash, p.last))->item = new_item;
    return ERR_OK;
}

/* Whether nothing but one entry remains of the path's last node without that item. */
static bool leaves_one(const struct path *p, uint64_t hash, const void *item,
                       struct hamt_entry *ret)
{
    struct hamt_node *n = p->nodes[p->last];
    if (p->last == LEVELS) {
        if (n->item_count != 2)
            return false;
        *ret = (struct hamt_entry){hash, items_of(n)[items_of(n)[0] == item]};
        return true;
    }
    if (n->child_map || count_bits(n->entry_map) != 2)
        return false;
    *ret = *entry_at(n, n->entry_map & ~slot_of(hash, p->last));
    return true;
}

/* Puts the one entry that remains below into the deepest node that has anything else, or the root,
 * in place of the child that led to it. */
static err_code collapse(struct hamt_edit *e, struct path *p, uint64_t hash,
                         struct hamt_entry remaining)
{
    unsigned depth = p->last - 1;
    while (depth > 0 && !p->nodes[depth]->entry_map && count_bits(p->nodes[depth]->child_map) == 1)
        depth--;
    struct hamt_node **place = own_path(e, p, hash, depth);
    if (!place)
        return ERR_NOMEM;
    struct hamt_node *old = *place;
    uint64_t slot = slot_of(hash, depth);
    struct hamt_node *n = node_with_maps(e, old, old->entry_map | slot, old->child_map & ~slot);
    if (!n)
        return ERR_NOMEM;
    *entry_at(n, slot) = remaining;
    for (unsigned d = depth; d <= p->last; d++)
        discard(e, p->nodes[d]);
    *place = n;
    return ERR_OK;
}

static err_code shrink(struct hamt_edit *e, struct path *p, uint64_t hash, const void *item)
{
    struct hamt_node **place = own_path(e, p, hash, p->last);
    if (!place)
        return ERR_NOMEM;
    struct hamt_node *old = *place, *n = NULL;
    if (e->now.count > 1) {
        if (p->last == LEVELS)
            n = collision_without(e, old, item);
        else
            n = node_with_maps(e, old, old->entry_map & ~slot_of(hash, p->last), old->child_map);
        if (!n)
            return ERR_NOMEM;
    }
    discard(e, old);
    *place = n;
    return ERR_OK;
}

err_code hamt_remove(struct hamt_edit *e, uint64_t hash, const void *item)
{
    if (find_item(&e->now, hash, item) < 0)
        return ERR_NOT_FOUND;
    struct path p = path_to(&e->now, hash);
    struct hamt_entry remaining;
    err_code rc;
    if (p.last > 0 && leaves_one(&p, hash, item, &remaining))
        rc = collapse(e, &p, hash, remaining);
    else
        rc = shrink(e, &p, hash, item);
    if (rc == ERR_OK)
        e->now.count--;
    return rc;
}
