/*
 * lex.h - a template's source as tokens, as Go's text/template/parse cuts it.
 *
 * Outside actions everything is text up to the next "{{"; inside, tokens stand next to each other
 * and runs of white space are tokens too, because the grammar needs them. Trim markers ("{{- " and
 * " -}}") and comments are gone afterwards: the lexer has cut the text that they trim.
 */
#ifndef TMPL_LEX_H
#define TMPL_LEX_H

#include "base/err.h"
#include "base/str.h"

enum token_kind {
    TOKEN_EOF,
    TOKEN_TEXT,
    TOKEN_LEFT_DELIM,
    TOKEN_RIGHT_DELIM,
    TOKEN_SPACE,
    TOKEN_ASSIGN,  /* = */
    TOKEN_DECLARE, /* := */
    TOKEN_PIPE,
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_CHAR, /* any other printable ASCII character */
    TOKEN_BOOL,
    TOKEN_CHAR_CONSTANT,
    TOKEN_COMPLEX, /* 1+2i; a lone 2i is a number */
    TOKEN_NUMBER,
    TOKEN_STRING,     /* with its quotes */
    TOKEN_RAW_STRING, /* with its backquotes */
    TOKEN_IDENTIFIER,
    TOKEN_FIELD,    /* with its dot */
    TOKEN_VARIABLE, /* with its dollar sign */
    TOKEN_DOT,
    TOKEN_NIL,
    /* The keywords that begin an action. */
    TOKEN_BLOCK,
    TOKEN_BREAK,
    TOKEN_CONTINUE,
    TOKEN_DEFINE,
    TOKEN_ELSE,
    TOKEN_END,
    TOKEN_IF,
    TOKEN_RANGE,
    TOKEN_TEMPLATE,
    TOKEN_WITH,
};

struct token {
    enum token_kind kind;
    uint32_t pos; /* byte offset in the source */
    struct str text;
};

struct lexer {
    struct str source;
    uint32_t pos;
    uint32_t start;  /* of the token that is being read */
    uint32_t action; /* where the action that is being read begins */
    uint32_t paren_depth;
    bool in_action;
};

void lex_init(struct lexer *l, struct str source);
/* After TOKEN_EOF it gives TOKEN_EOF again. ERR_INVALID with the place. */
err_code lex_next(struct lexer *l, struct token *ret, struct err *e);

/* Line and column, both from 1 and the column in bytes, of an offset in source. */
void lex_place(struct str source, uint32_t pos, int *line, int *column);

#endif
