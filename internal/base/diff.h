/*
 * diff.h - the difference of two texts, as `diff -u` and `patch` know it.
 *
 * Lines are compared as bytes and end after '\n'. The lines that are kept are a longest common
 * subsequence, found by Myers' algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986)
 * in linear space, so that the diff is the smallest there is; for texts with so much difference
 * that this takes more than DIFF_STEPS, the parts not yet looked at are replaced as a whole, which
 * is as right and only longer. Pure: nothing is kept. Thread rule: none.
 */
#ifndef BASE_DIFF_H
#define BASE_DIFF_H

#include "base/buf.h"
#include "base/err.h"

#define DIFF_STEPS 20000000u /* steps of a comparison; about 100 ms */

/*
 * Appends a unified diff with three lines of context from one text to another, under these names
 * ("/dev/null" for a text that is not there); nothing if the texts are the same. ERR_NOMEM;
 * ERR_LIMIT: more than 2^30 bytes. A dst that is full is a flag of its own, see buf.h.
 */
err_code diff_unified(struct buf *dst, struct str from, struct str to, struct str from_name,
                      struct str to_name, struct err *e);

/* Would a terminal, or `patch`, take it for text? Valid UTF-8 without NUL. */
bool diff_is_text(struct str s);

#endif
