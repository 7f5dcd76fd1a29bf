/*
 * yaml_pairs.h - surrogate pairs. JSON writes a character above U+FFFF as two escapes, which YAML
 * does not have and libyaml refuses. So they are hidden from it as two private characters, which
 * take as many columns, and put right in the scalars that come out. Inside this module only.
 */
#ifndef VALUE_YAML_PAIRS_H
#define VALUE_YAML_PAIRS_H

#include "base/buf.h"

/*
 * Appends the text with its pairs hidden. False if it is not JSON by its first character, has no
 * pair, or has one of those private characters already; dst is then of no use.
 */
bool pairs_hide(struct buf *dst, struct str text);
/* Appends a scalar of a text with hidden pairs as it was meant. */
void pairs_restore(struct buf *dst, struct str scalar);

#endif
