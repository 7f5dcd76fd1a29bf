#include "base/always.h"
#include "tmpl/literal.h"
#include "tmpl/parse.h"

err_code parse_string(struct parser *p, const struct token *t, struct str *ret)
{
    switch (literal_string(&p->t->arena, t, ret)) {
    case LITERAL_OK: return ERR_OK;
    case LITERAL_NOMEM: return parse_out_of_memory(p);
    default: return parse_fail(p, t->pos, "invalid escape in the string %.*s", STR_FMT(t->text));
    }
}

static struct span span_to(const struct parser *p, uint32_t pos)
{
    const struct token *next = p->nlook ? &p->look[p->nlook - 1] : NULL;
    uint32_t end = next ? next->pos : p->lex.start;
    while (end > pos && strchr(" \t\r\n", p->t->source.p[end - 1]))
        end--;
    return (struct span){pos, end - pos};
}

static struct operand *new_operand(struct parser *p, enum operand_kind kind, uint32_t pos)
{
    struct operand *op = arena_calloc(&p->t->arena, 1, sizeof *op);
    if (op) {
        op->kind = (uint8_t)kind;
        op->at.pos = pos;
    }
    return op;
}

/* Appends the field of a token such as ".name". */
static err_code add_field(struct parser *p, struct operand *op, struct str token)
{
    uint32_t n = op->nfields;
    struct str *fields = (struct str *)op->fields;
    if ((n & (n - 1)) == 0) { /* full at 0, 1, 2, 4, 8... */
        size_t more = n ? n * 2u : 1;
        fields = arena_grow(&p->t->arena, fields, n * sizeof *fields, more * sizeof *fields);
        if (!fields)
            return parse_out_of_memory(p);
    }
    fields[n] = str_skip(token, 1);
    op->fields = fields;
    op->nfields = n + 1;
    return ERR_OK;
}

static err_code set_number(struct parser *p, const struct token *t, struct operand *op)
{
    switch (literal_number(&p->t->arena, t, &op->constant)) {
    case LITERAL_OK: op->kind = OPERAND_CONST; return ERR_OK;
    case LITERAL_OVERFLOW: op->kind = OPERAND_OVERFLOW; return ERR_OK;
    case LITERAL_NOMEM: return parse_out_of_memory(p);
    case LITERAL_TOO_BIG:
        return parse_fail(p, t->pos, "the number %.*s is too large", STR_FMT(t->text));
    case LITERAL_BAD: break;
    }
    return parse_fail(p, t->pos, "illegal number syntax: %.*s", STR_FMT(t->text));
}

static err_code set_call(struct parser *p, const struct token *t, struct operand *op)
{
    op->kind = OPERAND_CALL;
    op->func = func_find(t->text);
    if (!op->func)
        return parse_fail(p, t->pos, "function \"%.*s\" not defined", STR_FMT(t->text));
    return ERR_OK;
}

static err_code set_variable(struct parser *p, const struct token *t, struct operand *op)
{
    if (!scope_knows(p, t->text))
        return parse_fail(p, t->pos, "undefined variable \"%.*s\"", STR_FMT(t->text));
    op->kind = OPERAND_VAR;
    op->var = scope_find(p, t->text);
    return ERR_OK;
}

static err_code set_string(struct parser *p, const struct token *t, struct operand *op)
{
    struct str s;
    TRY(parse_string(p, t, &s));
    op->kind = OPERAND_CONST;
    op->constant = value_str(s);
    return ERR_OK;
}

static err_code set_paren(struct parser *p, const struct token *t, struct operand *op)
{
    struct pipe *pipe = NULL;
    TRY(parse_enter(p, t->pos));
    TRY(parse_pipe(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN, &pipe));
    parse_leave(p);
    op->kind = OPERAND_PIPE;
    op->pipe = pipe;
    return ERR_OK;
}

/* One term: a literal, a function, a field, a variable or a parenthesized pipeline. */
static err_code set_term(struct parser *p, const struct token *t, struct operand *op)
{
    switch (t->kind) {
    case TOKEN_IDENTIFIER: return set_call(p, t, op);
    case TOKEN_DOT: op->kind = OPERAND_DOT; return ERR_OK;
    case TOKEN_NIL: op->kind = OPERAND_NIL; return ERR_OK;
    case TOKEN_VARIABLE: return set_variable(p, t, op);
    case TOKEN_FIELD: op->kind = OPERAND_FIELD; return add_field(p, op, t->text);
    case TOKEN_BOOL:
        op->kind = OPERAND_CONST;
        op->constant = value_bool(str_is(t->text, "true"));
        return ERR_OK;
    case TOKEN_CHAR_CONSTANT:
    case TOKEN_COMPLEX:
    case TOKEN_NUMBER: return set_number(p, t, op);
    case TOKEN_LEFT_PAREN: return set_paren(p, t, op);
    default: return set_string(p, t, op);
    }
}

static bool begins_operand(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_BOOL:
    case TOKEN_CHAR_CONSTANT:
    case TOKEN_COMPLEX:
    case TOKEN_NUMBER:
    case TOKEN_STRING:
    case TOKEN_RAW_STRING:
    case TOKEN_IDENTIFIER:
    case TOKEN_FIELD:
    case TOKEN_VARIABLE:
    case TOKEN_DOT:
    case TOKEN_NIL:
    case TOKEN_LEFT_PAREN: return true;
    default: return false;
    }
}

/* The fields that follow a term without a space. */
static err_code fields_after(struct parser *p, struct operand **op)
{
    struct token t;
    TRY(parse_peek(p, &t));
    if (t.kind != TOKEN_FIELD)
        return ERR_OK;
    struct operand *base = *op;
    if (base->kind == OPERAND_DOT || base->kind == OPERAND_NIL || base->kind == OPERAND_CONST ||
        base->kind == OPERAND_OVERFLOW)
        return parse_fail(p, t.pos, "unexpected . after term \"%.*s\"",
                          STR_FMT(str_sub(p->t->source, base->at.pos, t.pos)));
    if (base->kind == OPERAND_PIPE || base->kind == OPERAND_CALL) {
        base->at = span_to(p, base->at.pos);
        *op = new_operand(p, OPERAND_CHAIN, base->at.pos);
        if (!*op)
            return parse_out_of_memory(p);
        (*op)->base = base;
    }
    while (t.kind == TOKEN_FIELD) {
        TRY(parse_next(p, &t));
        TRY(add_field(p, *op, t.text));
        TRY(parse_peek(p, &t));
    }
    return ERR_OK;
}

/* NULL if the next token begins none. */
static err_code operand(struct parser *p, struct operand **ret)
{
    struct token t;
    *ret = NULL;
    TRY(parse_peek_non_space(p, &t));
    if (!begins_operand(t.kind))
        return ERR_OK;
    TRY(parse_next(p, &t));
    struct operand *op = new_operand(p, OPERAND_DOT, t.pos);
    if (!op)
        return parse_out_of_memory(p);
    TRY(set_term(p, &t, op));
    TRY(fields_after(p, &op));
    op->at = span_to(p, op->at.pos);
    *ret = op;
    return ERR_OK;
}

static bool is_short_circuit(const struct operand *op)
{
    return op && op->kind == OPERAND_CALL && op->func->kind != FUNC_PLAIN;
}

/* Words up to "|", which is consumed, or the end of the pipeline, which is not. */
static err_code command(struct parser *p, struct command **ret)
{
    struct token t;
    struct operand *first = NULL, **link = &first, *op = NULL;
    uint32_t words = 0, maybe_from = 0;
    bool maybe = false;
    TRY(parse_peek_non_space(p, &t));
    uint32_t pos = t.pos;
    do {
        if (!maybe && words == 2 && is_short_circuit(first)) {
            maybe = true;
            maybe_from = p->scope.next_slot;
            p->scope.maybe_depth++;
        }
        TRY(operand(p, &op));
        if (op) {
            *link = op;
            link = (struct operand **)&op->next;
            words++;
        }
        TRY(parse_next(p, &t));
    } while (t.kind == TOKEN_SPACE);
    if (t.kind == TOKEN_RIGHT_DELIM || t.kind == TOKEN_RIGHT_PAREN)
        parse_back(p, t);
    else if (t.kind != TOKEN_PIPE)
        return parse_unexpected(p, &t, "operand");
    if (!first)
        return parse_fail(p, pos, "empty command");
    struct command *c = arena_calloc(&p->t->arena, 1, sizeof *c);
    if (!c)
        return parse_out_of_memory(p);
    c->first = first;
    c->nargs = words - 1;
    if (maybe) {
        p->scope.maybe_depth--;
        c->unset_from = maybe_from;
        c->unset_to = p->scope.next_slot;
    }
    *ret = c;
    return ERR_OK;
}

/* The variables that a pipeline declares or assigns, by their index in p->vars or by name. */
struct declarations {
    uint32_t n;
    struct token names[2];
    uint32_t vars[2];
    bool assign;
};

static err_code add_declaration(struct parser *p, struct declarations *d, const struct token *name)
{
    d->names[d->n] = *name;
    d->vars[d->n] = p->nvars;
    d->n++;
    if (d->assign && scope_knows(p, name->text))
        return ERR_OK;
    return scope_declare(p, name->pos, name->text);
}

/*
 * "$x :=", "$x =" and, in a range, "$i, $x :=". Up to three tokens have to be read to see that a
 * variable is no declaration; they are given back then.
 */
static err_code declarations(struct parser *p, const char *context, struct declarations *d)
{
    for (;;) {
        struct token var, after, next;
        TRY(parse_peek_non_space(p, &var));
        if (var.kind != TOKEN_VARIABLE)
            return ERR_OK;
        TRY(parse_next(p, &var));
        TRY(parse_peek(p, &after));
        TRY(parse_peek_non_space(p, &next));
        bool comma = next.kind == TOKEN_CHAR && str_is(next.text, ",");
        if (next.kind == TOKEN_ASSIGN || next.kind == TOKEN_DECLARE) {
            TRY(parse_next(p, &next));
            d->assign = next.kind == TOKEN_ASSIGN;
            return add_declaration(p, d, &var);
        }
        if (!comma) {
            if (after.kind == TOKEN_SPACE)
                parse_back(p, after);
            parse_back(p, var);
            return ERR_OK;
        }
        if (strcmp(context, "range") != 0 || d->n == 1)
            return parse_fail(p, var.pos, "too many declarations in %s", context);
        TRY(parse_next(p, &next));
        TRY(add_declaration(p, d, &var));
        TRY(parse_peek_non_space(p, &next));
        if (next.kind != TOKEN_VARIABLE && next.kind != TOKEN_RIGHT_DELIM &&
            next.kind != TOKEN_RIGHT_PAREN)
            return parse_fail(p, next.pos, "range can only initialize variables");
    }
}

static err_code resolve_declarations(struct parser *p, const struct declarations *d,
                                     struct pipe *pipe)
{
    pipe->ndecl = (uint8_t)d->n;
    pipe->assign = d->assign;
    for (uint32_t i = 0; i < d->n; i++) {
        if (!d->assign)
            TRY(scope_make_live(p, d->vars[i]));
        pipe->decl[i] = d->assign ? scope_find(p, d->names[i].text) : p->vars[d->vars[i]].ref;
    }
    return ERR_OK;
}

/* Only the first command of a pipeline can be something that takes no argument. */
static err_code check_commands(struct parser *p, const struct pipe *pipe)
{
    int stage = 2;
    for (const struct command *c = pipe->commands->next; c; c = c->next, stage++) {
        uint8_t kind = c->first->kind;
        if (kind == OPERAND_DOT || kind == OPERAND_NIL || kind == OPERAND_CONST ||
            kind == OPERAND_OVERFLOW)
            return parse_fail(p, c->first->at.pos, "non executable command in pipeline stage %d",
                              stage);
    }
    return ERR_OK;
}

err_code parse_pipe(struct parser *p, const char *context, enum token_kind end, struct pipe **ret)
{
    struct token t;
    struct declarations d = {.n = 0};
    struct pipe *pipe = arena_calloc(&p->t->arena, 1, sizeof *pipe);
    if (!pipe)
        return parse_out_of_memory(p);
    TRY(parse_peek_non_space(p, &t));
    uint32_t pos = t.pos;
    TRY(declarations(p, context, &d));
    struct command *c = NULL, **link = (struct command **)&pipe->commands;
    for (;;) {
        TRY(parse_next_non_space(p, &t));
        if (t.kind == end)
            break;
        if (!begins_operand(t.kind))
            return parse_unexpected(p, &t, context);
        parse_back(p, t);
        TRY(command(p, &c));
        always(c != NULL);
        *link = c;
        link = (struct command **)&c->next;
    }
    if (!pipe->commands)
        return parse_fail(p, t.pos, "missing value for %s", context);
    parse_back(p, t);
    pipe->at = span_to(p, pos);
    TRY(parse_next(p, &t));
    TRY(check_commands(p, pipe));
    TRY(resolve_declarations(p, &d, pipe));
    *ret = pipe;
    return ERR_OK;
}
