/*
 * mark.h - where may text that somebody on the network chose be printed as it is?
 *
 * A marked value (value.h) is checked when an action prints it. In boot scripts and in YAML there
 * are characters that would end the value and begin something else, so only PLAIN ones pass:
 *
 *     A-Z a-z 0-9 . _ : / @ % + , = ~ -
 *
 * In YAML the text must not be only dashes or only dots or end with a colon, which make lists, maps
 * and ends of documents. A control character passes nowhere; they are U+0000 to U+001F, U+007F to
 * U+009F and, since they end lines too, U+2028 and U+2029. Functions that make any text harmless
 * for a context say so in the value's `clean`, a set of contexts: `ipxe` for iPXE and PXELINUX,
 * `grubquote` for GRUB, `toJson` for YAML. (What urlquery and b64enc give is plain anyway.) A set
 * that was earned is kept where text is joined to other text, as print and join do, and lost where
 * it is changed or cut, as by replace or slice: then the characters of the result decide again.
 */
#ifndef TMPL_MARK_H
#define TMPL_MARK_H

#include "tmpl/tmpl.h"

/* A context as a member of a set. */
#define MARK_IN(context) ((uint8_t)(1u << (context)))
#define MARK_EVERYWHERE  0xFF

/* The contexts in which marked text may stand because of the characters that it has. */
uint8_t mark_judge(struct str s);
/* The same for a marked string, with those that it has earned. */
uint8_t mark_contexts(const struct value *v);
/* Is there no control character? */
bool mark_one_line(struct str s);
/* What is wrong with a marked value that may not stand in this context, and what to do. */
const char *mark_advice(enum tmpl_context context);

#endif
