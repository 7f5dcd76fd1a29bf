/*
 * tree.h - a compiled template: what parse.c makes, exec.c runs and needs.c judges.
 *
 * Everything lives in the arena of the struct tmpl and never changes after tmpl_compile. Names are
 * resolved by then: functions and templates to pointers, variables to slots of the invocation's
 * frame, so that execution compares no names but those of map keys.
 */
#ifndef TMPL_TREE_H
#define TMPL_TREE_H

#include "tmpl/func.h"
#include "tmpl/tmpl.h"

#define TMPL_NESTING_MAX     200  /* blocks and parentheses inside each other */
#define TMPL_DEFINITIONS_MAX 1000 /* templates in one source */
#define TMPL_VARIABLES_MAX   1000 /* variables that are in scope at the same time */

/* A stretch of the source: the place and the wording of an expression, for errors. */
struct span {
    uint32_t pos, n;
};

/*
 * Where a variable's value is. A declaration inside an argument of `and` or `or` may not have been
 * executed when the name is read: then the slot is unset, and the name means what it meant before
 * (otherwise), or nothing (NULL).
 */
struct slot_ref {
    uint32_t slot;
    bool maybe_unset;
    const struct slot_ref *otherwise;
};

enum operand_kind {
    OPERAND_DOT,
    OPERAND_NIL,
    OPERAND_CONST,
    OPERAND_OVERFLOW, /* an integer literal that no int64 holds: an error when it is evaluated */
    OPERAND_FIELD,    /* .a.b */
    OPERAND_VAR,      /* $x or $x.a.b */
    OPERAND_CHAIN,    /* (pipeline).a.b */
    OPERAND_PIPE,     /* (pipeline) */
    OPERAND_CALL,     /* a function's name */
};

struct operand {
    uint8_t kind;
    struct span at;
    uint32_t nfields;
    const struct str *fields;
    const struct operand *next; /* the next word of the command */
    union {
        struct value constant;
        const struct slot_ref *var; /* NULL: not declared on any path that leads here */
        const struct operand *base; /* of a chain */
        const struct pipe *pipe;
        const struct func *func;
    };
};

struct command {
    const struct operand *first;
    uint32_t nargs;                /* words after the first */
    uint32_t unset_from, unset_to; /* slots that an `and` or `or` has to unset before it starts */
    const struct command *next;
};

struct pipe {
    struct span at;
    const struct command *commands;
    bool assign; /* = rather than := */
    uint8_t ndecl;
    const struct slot_ref *decl[2]; /* NULL: assignment to a variable that is not there */
};

enum node_kind {
    NODE_TEXT,
    NODE_ACTION,
    NODE_IF,
    NODE_WITH,
    NODE_RANGE,
    NODE_TEMPLATE,
    NODE_BREAK,
    NODE_CONTINUE,
};

struct node {
    uint8_t kind;
    struct span at;
    const struct node *next;
    union {
        struct str text;
        struct {
            const struct pipe *pipe; /* NULL only for {{template "x"}} */
            union {
                struct { /* if, with, range */
                    const struct node *body;
                    const struct node *otherwise; /* {{else}} */
                    const struct node *chained;   /* {{else if}} or {{else with}}, one node */
                };
                struct { /* template */
                    struct str name;
                    const struct definition *target; /* NULL: not defined */
                };
            };
        };
    };
};

struct definition {
    struct str name;
    const struct node *body;
    bool blank;      /* nothing but white space: another definition may replace it */
    uint32_t nslots; /* of its frame; slot 0 is $ */
    uint32_t index;  /* among the definitions of the template */
    struct definition *next;
};

struct tmpl {
    struct arena arena;
    struct str name; /* ended by a NUL */
    struct str source;
    struct definition *definitions;
    uint32_t ndefinitions;
    const struct definition *root;
    enum tmpl_needs needs;
};

/* Parses t->source into t. ERR_INVALID and ERR_LIMIT with a place, ERR_NOMEM. */
err_code parse_template(struct tmpl *t, struct err *e);
/* See tmpl_needs. */
enum tmpl_needs needs_of(const struct tmpl *t);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        err_code try_code = (call);                                                                \
        if (try_code)                                                                              \
            return try_code;                                                                       \
    } while (0)

#endif
