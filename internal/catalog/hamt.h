/*
 * hamt.h - a persistent hash array mapped trie: from a 64-bit hash to an item pointer.
 *
 * A struct hamt is a value: a copy of it is a snapshot of the table that stays as it is while later
 * revisions are made, for as long as its nodes are not freed. A writer derives the next revision in
 * an edit; the two share all nodes but O(log n). All zero is the empty table.
 *
 *     struct grace_batch replaced = {0};
 *     struct hamt_edit edit;
 *     hamt_edit_begin(&edit, current, &replaced);
 *     if (hamt_insert(&edit, hash, item) != ERR_OK) {
 *         hamt_edit_abandon(&edit);              current is untouched
 *         grace_batch_forget(&replaced);
 *     } else {
 *         struct hamt next = hamt_edit_commit(&edit);
 *         ...                                    publish next
 *         grace_defer(&limbo, &replaced);        then free what only current had
 *     }
 *
 * The table never looks into items: who finds one compares its key. Items belong to the caller, and
 * must live as long as any revision that has them. Their hashes are kept beside the pointers.
 *
 * Thread rule: any number of threads may read a committed table while one thread edits. One edit of
 * a line of revisions at a time: each begins at what the one before committed.
 */
#ifndef CATALOG_HAMT_H
#define CATALOG_HAMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "catalog/grace.h"

struct hamt_node;
struct bulk;

struct hamt {
    struct hamt_node *root;
    size_t count;        /* of items */
    uint64_t generation; /* of the edit that made it; no node has a higher one */
};

/*
 * How many items have exactly this hash: 0, nearly always 1, more when all 64 bits collide (finding
 * and changing are then linear in their number: not meant as a multimap). If any, *ret_items is
 * their array, which lives as long as the table's nodes. Allocates nothing.
 */
size_t hamt_find(const struct hamt *h, uint64_t hash, const void *const **ret_items);

/* Calls fn for every item in no particular order until it says false; false if it did. */
bool hamt_each(const struct hamt *h, bool (*fn)(const void *item, void *arg), void *arg);

/* Frees all nodes at once, not the items; the table is then empty. Other revisions that share nodes
 * with it must be gone, and so must its readers. */
void hamt_free(struct hamt *h);

struct hamt_stats {
    size_t nodes;
    size_t bytes; /* of all nodes, without the allocator's own 8 to 16 for each */
    size_t depth; /* nodes on the longest way down; at most 12 */
};
/* Walks the whole table. */
struct hamt_stats hamt_measure(const struct hamt *h);

/*
 * One transaction of a writer on one table. Nodes that it makes are its own: further changes edit
 * them in place, so that loading a million items copies nothing twice. now may be read (hamt_find,
 * hamt_each) between changes, but a copy of it is no snapshot until the commit.
 */
struct hamt_edit {
    struct hamt now;
    struct grace_batch *replaced;
    /* How items with one hash follow each other in hamt_find's array, as qsort has it; NULL, which
       hamt_edit_begin sets: in any order. The same for all edits of a table. */
    int (*order)(const void *a, const void *b);
};

/*
 * Begins at base. Nodes that base has and the next revision has not are put into replaced; edits of
 * several tables may share it, and their items too. It stands or falls with them: after committing
 * all, defer it; after abandoning all, forget it. Changes use up room in it; so put an item that
 * goes into it before the change, not after.
 */
void hamt_edit_begin(struct hamt_edit *e, struct hamt base, struct grace_batch *replaced);

/*
 * ERR_NOMEM and, if that item is not there under this hash, ERR_NOT_FOUND; the contents are then as
 * before and the edit may go on. hamt_insert adds without asking whether an equal item is there.
 */
err_code hamt_insert(struct hamt_edit *e, uint64_t hash, const void *item);
err_code hamt_replace(struct hamt_edit *e, uint64_t hash, const void *old_item,
                      const void *new_item);
err_code hamt_remove(struct hamt_edit *e, uint64_t hash, const void *item);

struct hamt_entry {
    uint64_t hash;
    const void *item;
};
/*
 * Puts n entries into an edit of an empty table at once, several times faster than one by one; the
 * nodes come from bulk, which may be NULL. Both arrays have room for n and are scrambled.
 * ERR_NOMEM; the table is then empty still.
 */
err_code hamt_fill(struct hamt_edit *e, struct hamt_entry *entries, struct hamt_entry *scratch,
                   size_t n, struct bulk *bulk);

/* Ends the edit and returns the next revision, whose nodes nobody changes any more. */
struct hamt hamt_edit_commit(struct hamt_edit *e);
/* Ends the edit and frees the nodes that it made. */
void hamt_edit_abandon(struct hamt_edit *e);

#endif
