/*
 * record.h - a config as a tree of records, each after one struct of the schema.
 *
 * What both languages are read into, what the rules are checked on, what is merged and written.
 * Every value knows its place in the source; what is made out of something (a mount unit, a
 * mirrored boot disk) has the place of what it was made of. So findings about a generated value
 * name what the author wrote.
 *
 * Everything lives in one arena. Records may be changed while they are built; thread rule: one at a
 * time.
 */
#ifndef IGNITION_RECORD_H
#define IGNITION_RECORD_H

#include "base/arena.h"
#include "base/finding.h"
#include "base/str.h"
#include "ignition/schema.h"

/*
 * A place in the source. The path is the chain up to the root, which has no up and no name:
 * /storage/files/0 is item 0 of field "files" of field "storage" of the root. line and column
 * count from 1, column in bytes.
 */
struct place {
    const struct place *up;
    struct str name; /* of a field; absent: an item */
    size_t index;    /* of an item */
    int line, column;
};

enum datum_kind {
    DATUM_NONE, /* not given, or given as null */
    DATUM_STRING,
    DATUM_INT,
    DATUM_BOOL,
    DATUM_RECORD,
    DATUM_LIST,
};

struct record;
struct datum_list;

struct datum {
    enum datum_kind kind;
    const struct place *place; /* NULL if it is not written, not even as null */
    union {
        struct str text;
        int64_t number;
        bool truth;
        struct record *record;
        struct datum_list *list;
    };
};

/* Items are strings or records, as the field's type says. */
struct datum_list {
    size_t n;
    struct datum *items;
};

struct record {
    const struct schema_struct *type;
    const struct place *place;
    struct datum fields[]; /* fields[i] is of type->fields[i] */
};

/* A place below up: a field, or the item of that index. NULL without memory. */
const struct place *place_field(struct arena *a, const struct place *up, struct str name, int line,
                                int column);
const struct place *place_item(struct arena *a, const struct place *up, size_t index, int line,
                               int column);
/* As a JSON pointer (RFC 6901): "/storage/files/0/path"; empty for the root. */
void place_pointer(const struct place *p, struct buf *dst);

/* With every field DATUM_NONE. NULL without memory. */
struct record *record_new(struct arena *a, const struct schema_struct *type,
                          const struct place *place);

/*
 * The field of that JSON name (YAML name, if only Butane has it), which the struct must have; r may
 * be NULL (then it is not given). Of a field with rows for several types it is the one that is set.
 */
const struct datum *record_get(const struct record *r, const char *name);
/* The same by type; absent, 0, false, NULL or an empty list if the field is not given. */
struct str record_text(const struct record *r, const char *name);
int64_t record_number(const struct record *r, const char *name);
bool record_truth(const struct record *r, const char *name);
const struct record *record_sub(const struct record *r, const char *name);
const struct datum_list *record_list(const struct record *r, const char *name);
/* Was it given (also as an empty string or zero)? */
bool record_has(const struct record *r, const char *name);

/* Sets the field's row for that minor version, which the struct must have. */
void record_set(struct record *r, unsigned minor, const char *name, struct datum value);

/*
 * The key that tells a list's items apart: of a string its text, of a record what its struct's key
 * says. Appended to dst.
 */
void datum_key(const struct datum *item, struct buf *dst);

#endif
