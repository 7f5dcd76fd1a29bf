/*
 * json_walk.h - the members of one JSON object, or the items of one array, as slices of the text.
 *
 * For texts that are too large to become a tree (value.h takes 200,000 values): a list of a million
 * resources is walked, and each becomes a tree and goes by itself. Only what is between the members
 * is checked here; a member's text is what brackets and quotes say, and value_from_json tells
 * whether it is JSON. Nothing is allocated and nothing recurses. Time is linear in the text. Thread
 * rule: a value of the caller's.
 */
#ifndef VALUE_JSON_WALK_H
#define VALUE_JSON_WALK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct json_walk {
    struct str text;
    size_t at; /* where an error is */
    bool array;
    bool begun;
};

struct json_member {
    struct str key;   /* with its quotes, as written; absent in an array */
    struct str value; /* as written, no white space around it */
};

/* Whether the text is an object ('{') or array ('['), white space aside. ERR_INVALID: neither. */
err_code json_walk_begin(struct json_walk *w, struct str text, struct err *e);
/*
 * The next one; *ret_more is false after the last, and then it was checked that nothing follows.
 * ERR_INVALID: the text is no JSON at w->at; the error has no line and column.
 */
err_code json_walk_next(struct json_walk *w, struct json_member *ret, bool *ret_more,
                        struct err *e);
/* The value of a JSON string as written: in a, or a part of raw. ERR_INVALID: it is none. */
err_code json_walk_string(struct arena *a, struct str raw, struct str *ret, struct err *e);

#endif
