/*
 * yaml.h - YAML, and with it JSON, as a tree that knows where everything was written.
 *
 * The syntax is libyaml's (YAML 1.1); what a scalar means follows Go's gopkg.in/yaml.v3, which the
 * tools read with that our operators' files are written for. JSON is YAML in flow style, so a JSON
 * text gives its positions by the same reader.
 *
 * A tree is immutable and lives in the arena that it was read into; the text may go. An alias is a
 * node of its own, with the position of the `*name`, that shares everything below with the node
 * that it names; so a tree may be walked without knowing of aliases, and a walk of all of it visits
 * at most YAML_MAX_NODES nodes and is at most YAML_MAX_DEPTH deep. Thread rule: shared freely once
 * read.
 */
#ifndef VALUE_YAML_H
#define VALUE_YAML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define YAML_MAX_DEPTH 512
#define YAML_MAX_NODES 200000 /* with what aliases repeat */

enum yaml_kind {
    YAML_NULL,   /* ~, null, Null, NULL, nothing at all */
    YAML_BOOL,   /* true, false (True, TRUE …); yes and no are strings, but see yaml_as_bool */
    YAML_INT,    /* 420, 0644, 0o644, 0x1A4, 0b1, 1_000 */
    YAML_UINT,   /* an integer above INT64_MAX */
    YAML_FLOAT,  /* 1.5, 1e3, .inf, -.inf, .nan; also an integer of more than 64 bits */
    YAML_STRING, /* every other scalar; timestamps and binary data, too */
    YAML_SEQUENCE,
    YAML_MAPPING,
};

/* How it was written. */
enum yaml_style {
    YAML_PLAIN,
    YAML_SINGLE_QUOTED,
    YAML_DOUBLE_QUOTED,
    YAML_LITERAL, /* | */
    YAML_FOLDED,  /* > */
    YAML_BLOCK,   /* a sequence or mapping by indentation */
    YAML_FLOW,    /* [] or {} */
};

struct yaml_pair;

struct yaml_node {
    uint8_t kind;  /* enum yaml_kind, resolved */
    uint8_t style; /* enum yaml_style */
    bool tagged;   /* the tag was written */
    bool merges;   /* a mapping with a plain `<<` key */
    uint32_t n;    /* items of a sequence, pairs of a mapping, else 0 */
    /*
     * From 1, the column in characters. A block mapping is where its first key is, a flow mapping
     * at its `{`, a scalar at its first character; what nobody wrote is where it would be. 0 and 0
     * for the null node of a text without any document.
     */
    int line, column;
    /*
     * The short form that Go's messages show: !!null !!bool !!int !!float !!str !!timestamp
     * !!binary !!merge !!seq !!map, or what was written (!custom).
     */
    struct str tag;
    /*
     * Of a scalar: what was written, without quotes, escapes and folding ("0644", "~", "yes"); of
     * !!binary the decoded bytes. Ended by a NUL that is not counted. Absent otherwise.
     */
    struct str text;
    const struct yaml_node *alias_of; /* the node that `*name` stands for; NULL for no alias */
    union {
        bool b;                         /* YAML_BOOL */
        int64_t i;                      /* YAML_INT */
        uint64_t u;                     /* YAML_UINT */
        double f;                       /* YAML_FLOAT */
        const struct yaml_node **items; /* YAML_SEQUENCE */
        const struct yaml_pair *pairs;  /* YAML_MAPPING, in the order of the text */
    };
};

struct yaml_pair {
    const struct yaml_node *key; /* any kind; has its own position */
    const struct yaml_node *value;
    bool merge; /* key is a plain `<<`; value is a mapping or a sequence of mappings */
};

struct yaml_document {
    const struct yaml_node *root; /* never NULL */
    bool more;                    /* another document follows; it was not read */
};

/*
 * Reads the first document of a text: UTF-8 (or UTF-16 with a byte order mark), LF or CRLF. A text
 * without a document has a null root. Errors are bad syntax, up to where a second document begins,
 * and: a key that stands twice in one mapping, an unknown anchor, one that contains itself, a `<<`
 * that is no mapping, a scalar that is not what its tag says. ERR_INVALID with line and column;
 * ERR_LIMIT for YAML_MAX_DEPTH and YAML_MAX_NODES, also with a place; ERR_NOMEM.
 */
err_code yaml_read(struct arena *a, struct str text, struct yaml_document *ret, struct err *e);

/* The pair whose key is a scalar of that text, or NULL; merges are not followed, `<<` is found. */
const struct yaml_pair *yaml_find(const struct yaml_node *map, struct str key);
/*
 * As yaml_find, and if there is none, through the merges: the mapping itself wins over what it
 * merges, earlier merged mappings over later ones. Never finds a `<<` that merges.
 */
const struct yaml_pair *yaml_find_merged(const struct yaml_node *map, struct str key);

/*
 * A scalar as yaml.v3 decodes it into a typed field; false if that would be an error, and ret is
 * then as it was. Null is no value of any type: look at the kind first. For a string field every
 * scalar is good, by its text.
 */
bool yaml_as_bool(const struct yaml_node *x, bool *ret);   /* also yes no on off y n */
bool yaml_as_int(const struct yaml_node *x, int64_t *ret); /* also 420.0; a fraction is cut off */
static inline bool yaml_is_scalar(const struct yaml_node *x)
{
    return x->kind != YAML_SEQUENCE && x->kind != YAML_MAPPING;
}

/*
 * The node at a JSON pointer (RFC 6901), or its deepest ancestor that is written there; *exact,
 * which may be NULL, tells which. Neither merges nor aliases are followed: what a merge brings in
 * is where its mapping is, what is below an alias is where the `*name` is.
 */
const struct yaml_node *yaml_at(const struct yaml_node *root, struct str pointer, bool *exact);
/* The position of yaml_at; true if it is exact. */
bool yaml_locate(const struct yaml_node *root, struct str pointer, int *line, int *column);

#endif
