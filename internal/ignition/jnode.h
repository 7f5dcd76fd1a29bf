/*
 * jnode.h - a JSON text as a tree that knows where everything was written.
 *
 * Beside value_from_json, which keeps neither places nor how a number was spelt ("420.0" is no
 * integer for Ignition), and beside YAML's reader, which has other escapes, counts columns in
 * characters and takes more than JSON.
 *
 * Strict (RFC 8259), and stricter than Ignition: a key that stands twice in an object and invalid
 * UTF-8 are errors. As Ignition, and unlike value_from_json, it reads a lone surrogate as U+FFFD.
 */
#ifndef IGNITION_JNODE_H
#define IGNITION_JNODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define JNODE_MAX_DEPTH 512
#define JNODE_MAX_NODES 200000

enum jnode_kind {
    JNODE_NULL,
    JNODE_FALSE,
    JNODE_TRUE,
    JNODE_NUMBER,
    JNODE_STRING,
    JNODE_ARRAY,
    JNODE_OBJECT,
};

struct jnode {
    enum jnode_kind kind;
    /* From 1, the column in bytes; of a scalar the first character, of an array or object, as in
     * Ignition's reports, the one after the bracket that opens it. */
    int line, column;
    /* Where Ignition reports that the type is wrong: after a scalar, and as above of the others;
     * 0, 0 if that is the end of the text. */
    int after_line, after_column;
    struct str text; /* a number as it was written; a string's characters */
    struct str key;  /* of a member of an object */
    int key_line, key_column;
    size_t n; /* items or members */
    const struct jnode *first, *next;
};

/*
 * The tree lives in a; strings without escapes point into the text. ERR_INVALID with line and
 * column: as in Ignition's reports those of the character after the offending one, and 0, 0 if the
 * text ends too early. ERR_LIMIT, ERR_NOMEM.
 */
err_code jnode_read(struct arena *a, struct str text, const struct jnode **ret, struct err *e);

/* "an array", "a number" … */
const char *jnode_kind_name(enum jnode_kind kind);

#endif
