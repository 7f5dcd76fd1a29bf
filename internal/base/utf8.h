/*
 * utf8.h - UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

#define UTF8_BAD 0xFFFD

/*
 * The first character of s (s.n > 0). *len is its length in bytes; for a byte that begins no valid
 * sequence the result is UTF8_BAD with *len 1, as Go decodes it.
 */
uint32_t utf8_decode(struct str s, size_t *len);
/* Writes 1 to 4 bytes; a code point that is none is written as U+FFFD. Returns the count. */
size_t utf8_encode(uint32_t cp, char dst[4]);
bool utf8_valid(struct str s);
/*
 * Simple case mapping (one character to one), for Latin, Greek and Cyrillic up to U+045F; all
 * others are returned as they are. U+00DF has no single upper-case character and stays, as in Go.
 */
uint32_t utf8_upper(uint32_t cp);
uint32_t utf8_lower(uint32_t cp);
/* Characters in s; each invalid byte counts as one. */
size_t utf8_count(struct str s);

#endif
