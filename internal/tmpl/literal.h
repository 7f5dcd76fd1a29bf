/*
 * literal.h - what the literals of a template mean: numbers, characters and strings.
 *
 * The rules are those of Go's literals, as strconv.ParseInt, ParseFloat and Unquote read them.
 */
#ifndef TMPL_LITERAL_H
#define TMPL_LITERAL_H

#include "tmpl/lex.h"
#include "value/value.h"

enum literal_result {
    LITERAL_OK,
    LITERAL_BAD,      /* it is not written as it must be */
    LITERAL_TOO_BIG,  /* no number of ours is that large */
    LITERAL_OVERFLOW, /* a uint64 but no int64: an error only when it is evaluated */
    LITERAL_NOMEM,
};

/* The value of a TOKEN_NUMBER, TOKEN_COMPLEX or TOKEN_CHAR_CONSTANT. A complex one needs a. */
enum literal_result literal_number(struct arena *a, const struct token *t, struct value *ret);
/* The text of a TOKEN_STRING or TOKEN_RAW_STRING. */
enum literal_result literal_string(struct arena *a, const struct token *t, struct str *ret);

/* Text as Go's strconv.ParseInt(s, 0, 64) and ParseFloat read it; false if it is none that fits. */
bool literal_parse_int(struct str s, int64_t *ret);
bool literal_parse_float(struct arena *a, struct str s, double *ret);

#endif
