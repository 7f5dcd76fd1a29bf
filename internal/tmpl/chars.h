/*
 * chars.h - the classes of characters that Go's lexer and quoting ask for.
 *
 * From UnicodeData.txt of Unicode 15.0.0, as in Go 1.21 and later.
 */
#ifndef TMPL_CHARS_H
#define TMPL_CHARS_H

#include "base/str.h"

/* A letter (L*), a decimal digit (Nd) or '_': what names are made of. */
bool chars_is_name(uint32_t cp);
/* As Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
bool chars_is_print(uint32_t cp);
/* As Go's unicode.IsSpace: Unicode White_Space. */
bool chars_is_space(uint32_t cp);
/* Nothing but white space (Unicode White_Space), the empty text included. */
bool chars_blank(struct str s);

#endif
