/*
 * value.h - the data that templates see: an immutable tree.
 *
 * What Go's encoding/json gives to text/template: nil, bool, float64, string, []any,
 * map[string]any; and what templates make themselves: int, uint8 and map[string]string. Maps are
 * sorted by key in byte order, so iteration and printing need no sorting and lookup is a binary
 * search. A value is 16 bytes and may be copied; what it points to belongs to the arena (or to the
 * constant data) that it was made in and never changes. Thread rule: shared freely once made.
 *
 * The mark: a value that came from the network carries `marked`, so that the template engine can
 * see it where it is printed. A container's mark says nothing of its items: each has its own.
 */
#ifndef VALUE_VALUE_H
#define VALUE_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum value_kind {
    VALUE_NIL,
    VALUE_BOOL,
    VALUE_INT,    /* int64: template literals, len, range index; never from JSON */
    VALUE_BYTE,   /* uint8: what indexing a string gives */
    VALUE_FLOAT,  /* every JSON number */
    VALUE_STRING, /* any bytes */
    VALUE_LIST,
    VALUE_MAP,    /* map[string]any */
    VALUE_STRMAP, /* map[string]string: request.query. Same layout as VALUE_MAP */
};

struct value_pair;

struct value {
    uint8_t kind;
    bool marked;
    uint8_t clean; /* of a marked string: a set that belongs to tmpl/mark.h */
    uint32_t n;    /* bytes of a string, items of a list, pairs of a map */
    union {
        bool b;
        int64_t i; /* VALUE_INT and VALUE_BYTE */
        double f;
        const char *s;
        const struct value *list;
        const struct value_pair *map;
    };
};

struct value_pair {
    struct str key;
    struct value v;
};

static inline struct value value_nil(void)
{
    return (struct value){.kind = VALUE_NIL};
}
static inline struct value value_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .b = b};
}
static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}
static inline struct value value_float(double f)
{
    return (struct value){.kind = VALUE_FLOAT, .f = f};
}
/* s must stay where it is; at most UINT32_MAX bytes (more is cut). */
static inline struct value value_str(struct str s)
{
    return (struct value){
        .kind = VALUE_STRING, .n = s.n > UINT32_MAX ? UINT32_MAX : (uint32_t)s.n, .s = s.p};
}
static inline struct value value_marked(struct value v)
{
    v.marked = true;
    return v;
}
static inline struct str value_as_str(struct value v)
{
    return str_of(v.s, v.n);
}
static inline bool value_is_map(struct value v)
{
    return v.kind == VALUE_MAP || v.kind == VALUE_STRMAP;
}

/* The value at key of a map, or NULL. O(log n). NULL for what is no map. */
const struct value *value_get(const struct value *map, struct str key);

/*
 * Sorts pairs by key and makes a map of them; the pairs must stay. Of equal keys the last wins.
 * kind is VALUE_MAP or VALUE_STRMAP.
 */
struct value value_map(enum value_kind kind, struct value_pair *pairs, uint32_t n);

/* A copy in another arena that shares nothing with the original. ERR_NOMEM. */
err_code value_copy(struct arena *a, const struct value *v, struct value *ret, struct err *e);

/* Same kind, same content (marks do not count; -0 and 0 differ, NaN equals itself). */
bool value_equal(const struct value *a, const struct value *b);

/*
 * Reads one JSON text (RFC 8259). Stricter than Go: duplicate keys, invalid UTF-8, lone surrogates,
 * a byte order mark and anything after the value are errors. Numbers are floats; one that does not
 * fit is an error. Limits: depth 512, 200,000 values. ERR_INVALID with line and column, ERR_LIMIT,
 * ERR_NOMEM. The result lives in a; text may go.
 */
err_code value_from_json(struct arena *a, struct str text, struct value *ret, struct err *e);

enum value_json_flags {
    VALUE_JSON_PRETTY = 1,      /* two spaces, a newline at the end */
    VALUE_JSON_HTML_ESCAPE = 2, /* as Go's encoding/json: < > & U+2028 U+2029 as \u escapes */
};
/*
 * Writes JSON: keys in byte order, floats as Go's encoding/json writes them (so whole numbers look
 * like integers and every float reads back to the same bits), invalid UTF-8 as U+FFFD. A float that
 * is not finite is written as null.
 */
void value_to_json(struct buf *dst, const struct value *v, int flags);
/* A JSON string with its quotes; the same rules. */
void value_json_string(struct buf *dst, struct str s, int flags);

/* Shortest decimal that reads back to f, as digits d1d2d3… and the exponent of 0.d1d2d3… × 10^exp.
 */
struct value_decimal {
    bool negative;
    int n; /* digits, at least 1 (a zero has one digit 0) */
    int exp;
    char digits[20];
};
void value_shortest(double f, struct value_decimal *ret);

/*
 * The first document of a YAML text (see yaml.h, which has the positions) as the value that its
 * JSON would be: merges applied, numbers as floats, timestamps and binary data as strings, keys
 * that are numbers or booleans as their JSON text. An empty text is nil. Errors of yaml_read, and
 * ERR_INVALID with a place for what JSON cannot say: .inf, .nan, a key that is null or no scalar.
 * The result lives in a; text may go.
 */
err_code value_from_yaml(struct arena *a, struct str text, struct value *ret, struct err *e);

/*
 * Writes YAML in block style, byte for byte as Go's sigs.k8s.io/yaml does (goyaml.v2): keys sorted
 * with the digits in them as numbers (a2 before a10), strings quoted only where they would be read
 * as something else, a newline at the end. Invalid UTF-8 becomes U+FFFD. Unlike there, infinite
 * floats are .inf, and a key `<<` and U+2028 are quoted so that they read back. Fails dst when v is
 * nested more than 512 levels deep.
 */
void value_to_yaml(struct buf *dst, const struct value *v);

/*
 * Does the text parse as YAML 1.1 (every document of it)? Anchors must be known where they are
 * used. Limits: depth 512, 200,000 events. ERR_INVALID with line and column, ERR_LIMIT, ERR_NOMEM.
 */
err_code value_check_yaml(struct str text, struct err *e);

#endif
