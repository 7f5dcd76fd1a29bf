/*
 * parse.h - what the two halves of the parser share: parse.c reads blocks, expr.c the pipelines in
 * them, scope.c knows which variable a name means.
 */
#ifndef TMPL_PARSE_H
#define TMPL_PARSE_H

#include "tmpl/lex.h"
#include "tmpl/tree.h"

/*
 * A declared variable. The name can be used from the declaration on (Go checks that), but until its
 * pipeline has been evaluated, and in branches that run without it, it is not there yet: not live.
 * So {{$x := $x}} means the outer $x.
 */
struct scope_var {
    struct str name;
    const struct slot_ref *ref;
    bool live;
};

/* The definition that is being parsed; a {{block}} begins another one inside it. */
struct scope {
    uint32_t first_var; /* of this definition, in struct parser's vars */
    uint32_t next_slot;
    uint32_t nslots;
    uint32_t range_depth;
    uint32_t maybe_depth; /* inside arguments of `and` and `or` that may not be evaluated */
};

struct parser {
    struct tmpl *t;
    struct lexer lex;
    struct token look[3]; /* tokens that were given back, the next one last */
    int nlook;
    uint32_t nesting;
    struct scope scope;
    struct scope_var *vars;
    uint32_t nvars;
    struct err *e;
};

/* Tokens. */
err_code parse_next(struct parser *p, struct token *ret);
err_code parse_next_non_space(struct parser *p, struct token *ret);
/* Puts a token back; at most three at a time, the last one read first. */
void parse_back(struct parser *p, struct token t);
err_code parse_peek(struct parser *p, struct token *ret);
/* Skips spaces for good. */
err_code parse_peek_non_space(struct parser *p, struct token *ret);

/* Errors. */
err_code parse_fail(struct parser *p, uint32_t pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
err_code parse_limit(struct parser *p, uint32_t pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
err_code parse_unexpected(struct parser *p, const struct token *t, const char *context);
err_code parse_out_of_memory(struct parser *p);
/* Counts blocks and parentheses; each enter that succeeds has a leave. */
err_code parse_enter(struct parser *p, uint32_t pos);
void parse_leave(struct parser *p);

/*
 * A pipeline up to and with end, which is TOKEN_RIGHT_DELIM or TOKEN_RIGHT_PAREN. context is the
 * word for messages; declarations of two variables are for "range".
 */
err_code parse_pipe(struct parser *p, const char *context, enum token_kind end, struct pipe **ret);
/* The text of a string token. */
err_code parse_string(struct parser *p, const struct token *t, struct str *ret);

/* Variables. */
err_code scope_begin(struct parser *p, struct scope *outer); /* of a definition */
void scope_end(struct parser *p, const struct scope *outer);
/* Makes a name known that is not live yet; its index is p->nvars - 1. */
err_code scope_declare(struct parser *p, uint32_t pos, struct str name);
/* From here on the variable has its value; gives it a slot. */
err_code scope_make_live(struct parser *p, uint32_t index);
bool scope_knows(const struct parser *p, struct str name);
/* What the name means here, or NULL. */
const struct slot_ref *scope_find(const struct parser *p, struct str name);
/* Forgets the variables from mark on; or keeps their names but not their values. */
void scope_forget(struct parser *p, uint32_t mark);
void scope_bury(struct parser *p, uint32_t mark);

#endif
