/*
 * match.h - which group a set of labels belongs to, and why.
 *
 * The rules are matchbox's: a group matches when every pair of its selector is among the machine's
 * labels, where a label that is absent reads as ""; of the groups that match, the one with most
 * pairs wins, then the one whose text "key=value,key=value" (pairs sorted as strings) is greater in
 * byte order. A group without a selector matches everything.
 *
 * Tuple-space search: groups are filed under the *shape* of their selector, which is its set of
 * keys, each with whether it wants a value or wants none. A request computes one hash for each
 * shape that its labels can satisfy, so matching costs with the number of shapes, a handful, and
 * not with the number of groups. (Srinivasan, Suri, Varghese: Packet Classification using Tuple
 * Space Search, SIGCOMM 1999.)
 *
 * Pure; values, shared freely.
 */
#ifndef MATCH_MATCH_H
#define MATCH_MATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/model.h"

struct match_key {
    struct str key;
    bool empty; /* the selector's value is "": the label must be absent or empty */
};

struct match_shape {
    const struct match_key *keys; /* sorted by key */
    uint32_t n;
    uint64_t hash;
    uint64_t wants; /* a bit for each key with a value; see match_bits */
    bool plain;     /* no key holds a '=': match_shape_order is certain */
};

/* Hash of the shape of a selector. */
uint64_t match_shape_hash(const struct labels *selector);
/* The shape itself, its texts included, in a. False when out of memory. */
bool match_shape_of(struct arena *a, const struct labels *selector, struct match_shape *ret);
/* Does the selector have this shape? Told apart from a mere collision of hashes. */
bool match_shape_is(const struct match_shape *shape, const struct labels *selector);

/*
 * A bit for the key of each label that is not empty, chosen by its hash. Labels can satisfy a shape
 * only if they have all bits that it wants; most shapes that they cannot are seen so at once.
 */
uint64_t match_bits(const struct labels *machine);
/*
 * Below 0 when a's groups come before b's in the order of match_order, for any machine that belongs
 * to both. Which value a pair has does not matter where the machine has the same for both, so the
 * keys decide; but for keys with a '=' in them. 0: the same keys.
 */
int match_shape_order(const struct match_shape *a, const struct match_shape *b);

/* Hash of a selector, shape and values; what it is filed under. */
uint64_t match_selector_hash(const struct labels *selector);
/*
 * The hash that a group of this shape would be filed under if it matched these labels. False when
 * no group of the shape can match them.
 */
bool match_probe(const struct match_shape *shape, const struct labels *machine, uint64_t *ret);

/* Does every pair hold? */
bool match_holds(const struct labels *selector, const struct labels *machine);
/* Below 0 when a comes before b: more pairs first, then the greater text. */
int match_order(const struct labels *a, const struct labels *b);
/* The text that decides ties: pairs as "key=value", sorted as strings, joined by ','. */
void match_text(struct buf *dst, const struct labels *selector);

#endif
