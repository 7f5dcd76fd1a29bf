/*
 * canonical.h - JSON in the form in which it is stored, read in place.
 *
 * A subset of JSON: no white space, keys in ascending order of their bytes and without escapes, not
 * too deep and not too large. Whatever is taken here, value_from_json takes too, with the same
 * result (a test compares them); what is refused here may be valid all the same and goes there.
 * That makes this a fast path of some 15 lines a kind of value, and no second opinion on JSON.
 *
 * The cursor reads token by token for those who want a few members of an object; strings without
 * escapes are slices of the text. Pure. Cost: about a nanosecond a byte, no allocation.
 */
#ifndef VALUE_CANONICAL_H
#define VALUE_CANONICAL_H

#include "value/value.h"

struct canonical {
    const char *at, *end;
    uint32_t values; /* skipped so far */
};

static inline struct canonical canonical_begin(struct str text)
{
    return (struct canonical){text.p, text.p + text.n, 0};
}
static inline bool canonical_at_end(const struct canonical *c)
{
    return c->at == c->end;
}
/* Takes that byte if it is next. */
static inline bool canonical_byte(struct canonical *c, char byte)
{
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}
/* A string without escapes, with its quotes in the text and without them in *ret. */
bool canonical_string(struct canonical *c, struct str *ret);
/* The key of a member and its ':'; *last is the key before, absent (p == NULL) at first. */
bool canonical_key(struct canonical *c, struct str *last);
/* One whole value; *ret is its text. */
bool canonical_skip(struct canonical *c, struct str *ret);

/*
 * A whole text as a value that refers to the text, which must stay; the rest is in a. ERR_INVALID,
 * without a message, if it is not in this form; ERR_NOMEM.
 */
err_code value_from_canonical(struct arena *a, struct str text, struct value *ret);

#endif
