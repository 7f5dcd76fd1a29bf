/*
 * How a template is parsed.
 *
 * The grammar is small: a source is a list of texts and actions, an action is a block (if, with,
 * range, define, block), a command word (template, break, continue, else, end) or a pipeline whose
 * value is printed. It is read by recursive descent with three tokens of look-ahead, as Go reads
 * it, and to the same verdict: what Go refuses when it parses is refused here, and what Go refuses
 * only when it gets there (a wrong number of arguments, an unknown template) compiles.
 *
 * Two things differ. The depth of blocks and parentheses is limited (TMPL_NESTING_MAX), so that
 * neither parsing nor execution can use up the stack; a chain of {{else if}} is a list and no
 * depth. And names are resolved here and not at run time, which is more than it seems, because a
 * variable is in scope for the parser before, and sometimes without, having a value: see
 * struct scope_var.
 */
#include "tmpl/parse.h"

#include <stdio.h>

#include "base/always.h"
#include "tmpl/chars.h"

/* --- tokens and errors ----------------------------------------------------------------------- */

err_code parse_next(struct parser *p, struct token *ret)
{
    if (p->nlook) {
        *ret = p->look[--p->nlook];
        return ERR_OK;
    }
    return lex_next(&p->lex, ret, p->e);
}

void parse_back(struct parser *p, struct token t)
{
    always(p->nlook < 3);
    p->look[p->nlook++] = t;
}

err_code parse_peek(struct parser *p, struct token *ret)
{
    TRY(parse_next(p, ret));
    parse_back(p, *ret);
    return ERR_OK;
}

err_code parse_next_non_space(struct parser *p, struct token *ret)
{
    do
        TRY(parse_next(p, ret));
    while (ret->kind == TOKEN_SPACE);
    return ERR_OK;
}

err_code parse_peek_non_space(struct parser *p, struct token *ret)
{
    TRY(parse_next_non_space(p, ret));
    parse_back(p, *ret);
    return ERR_OK;
}

__attribute__((format(printf, 4, 0))) static err_code fail_with(struct parser *p, err_code code,
                                                                uint32_t pos, const char *fmt,
                                                                va_list ap)
{
    char msg[400];
    int line, column;
    vsnprintf(msg, sizeof msg, fmt, ap);
    lex_place(p->t->source, pos, &line, &column);
    return err_at(p->e, code, line, column, "%s", msg);
}

err_code parse_fail(struct parser *p, uint32_t pos, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_code c = fail_with(p, ERR_INVALID, pos, fmt, ap);
    va_end(ap);
    return c;
}

err_code parse_limit(struct parser *p, uint32_t pos, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_code c = fail_with(p, ERR_LIMIT, pos, fmt, ap);
    va_end(ap);
    return c;
}

err_code parse_out_of_memory(struct parser *p)
{
    struct arena *a = &p->t->arena;
    if (a->used > a->max / 2) {
        err_set(p->e, ERR_LIMIT, "the compiled template would be larger than %zu bytes", a->max);
        return ERR_LIMIT;
    }
    err_set(p->e, ERR_NOMEM, "out of memory while compiling a template");
    return ERR_NOMEM;
}

err_code parse_unexpected(struct parser *p, const struct token *t, const char *context)
{
    if (t->kind == TOKEN_EOF)
        return parse_fail(p, t->pos, "unexpected end of the template in %s", context);
    if (t->kind >= TOKEN_BLOCK)
        return parse_fail(p, t->pos, "unexpected <%.*s> in %s", STR_FMT(t->text), context);
    int shown = t->text.n > 20 ? 20 : (int)t->text.n;
    return parse_fail(p, t->pos, "unexpected \"%.*s%s\" in %s", shown, t->text.p,
                      t->text.n > 20 ? "..." : "", context);
}

err_code parse_enter(struct parser *p, uint32_t pos)
{
    if (p->nesting == TMPL_NESTING_MAX)
        return parse_limit(p, pos, "blocks and parentheses are nested more than %d deep",
                           TMPL_NESTING_MAX);
    p->nesting++;
    return ERR_OK;
}

void parse_leave(struct parser *p)
{
    p->nesting--;
}

static err_code expect(struct parser *p, enum token_kind kind, const char *context,
                       struct token *ret)
{
    TRY(parse_next_non_space(p, ret));
    return ret->kind == kind ? ERR_OK : parse_unexpected(p, ret, context);
}

/* --- lists ----------------------------------------------------------------------------------- */

/* What a list of nodes ended with. */
struct list_end {
    enum token_kind kind;    /* TOKEN_EOF, TOKEN_END or TOKEN_ELSE */
    enum token_kind chained; /* after else: TOKEN_IF or TOKEN_WITH if it is {{else if}}... */
    uint32_t pos;
};

static err_code list(struct parser *p, bool top, const struct node **ret, struct list_end *end);

/* NULL when out of memory. */
static struct node *new_node(struct parser *p, enum node_kind kind, uint32_t pos)
{
    struct node *n = arena_calloc(&p->t->arena, 1, sizeof *n);
    if (n) {
        n->kind = (uint8_t)kind;
        n->at.pos = pos;
    }
    return n;
}

/* --- definitions ----------------------------------------------------------------------------- */

static bool is_blank(const struct node *n)
{
    for (; n; n = n->next)
        if (n->kind != NODE_TEXT || !chars_blank(n->text))
            return false;
    return true;
}

static struct definition *find_definition(const struct tmpl *t, struct str name)
{
    struct definition *d = t->definitions;
    while (d && !str_eq(d->name, name))
        d = d->next;
    return d;
}

/* A template of that name, unless there is one: then the one that is not blank wins. */
static err_code define(struct parser *p, uint32_t pos, struct str name, const struct node *body)
{
    struct tmpl *t = p->t;
    struct definition *d = find_definition(t, name);
    bool blank = is_blank(body);
    if (d && !d->blank && !blank)
        return parse_fail(p, pos, "multiple definition of template \"%.*s\"", STR_FMT(name));
    if (d && !d->blank)
        return ERR_OK;
    if (!d) {
        if (t->ndefinitions == TMPL_DEFINITIONS_MAX)
            return parse_limit(p, pos, "more than %d templates are defined", TMPL_DEFINITIONS_MAX);
        d = arena_calloc(&t->arena, 1, sizeof *d);
        if (!d)
            return parse_out_of_memory(p);
        d->name = name;
        d->index = t->ndefinitions++;
        d->next = t->definitions;
        t->definitions = d;
    }
    d->body = body;
    d->blank = blank;
    d->nslots = p->scope.nslots;
    return ERR_OK;
}

/* The body of a {{define}} or {{block}}, with variables of its own, up to its {{end}}. */
static err_code definition_body(struct parser *p, uint32_t pos, struct str name,
                                const char *context)
{
    struct scope outer;
    struct list_end end;
    const struct node *body = NULL;
    TRY(parse_enter(p, pos));
    TRY(scope_begin(p, &outer));
    TRY(list(p, false, &body, &end));
    if (end.kind != TOKEN_END)
        return parse_fail(p, end.pos, "unexpected {{else}} in %s", context);
    TRY(define(p, pos, name, body));
    scope_end(p, &outer);
    parse_leave(p);
    return ERR_OK;
}

static err_code template_name(struct parser *p, const char *context, struct str *ret)
{
    struct token t;
    TRY(parse_next_non_space(p, &t));
    if (t.kind != TOKEN_STRING && t.kind != TOKEN_RAW_STRING)
        return parse_unexpected(p, &t, context);
    return parse_string(p, &t, ret);
}

/* {{define "x"}} ... {{end}}; the keyword is past. */
static err_code define_action(struct parser *p, uint32_t pos)
{
    struct token t;
    struct str name;
    TRY(template_name(p, "define clause", &name));
    TRY(expect(p, TOKEN_RIGHT_DELIM, "define clause", &t));
    return definition_body(p, pos, name, "define clause");
}

/* {{template "x"}}, {{template "x" pipeline}} and {{block "x" pipeline}} ... {{end}}. */
static err_code template_action(struct parser *p, uint32_t pos, bool block, struct node **ret)
{
    const char *context = block ? "block clause" : "template clause";
    struct token t;
    struct str name;
    struct node *n = NULL;
    struct pipe *pipe = NULL;
    TRY(template_name(p, context, &name));
    TRY(parse_peek_non_space(p, &t));
    if (!block && t.kind == TOKEN_RIGHT_DELIM)
        TRY(parse_next(p, &t));
    else
        TRY(parse_pipe(p, context, TOKEN_RIGHT_DELIM, &pipe));
    if (block)
        TRY(definition_body(p, pos, name, context));
    n = new_node(p, NODE_TEMPLATE, pos);
    if (!n)
        return parse_out_of_memory(p);
    n->name = name;
    n->pipe = pipe;
    *ret = n;
    return ERR_OK;
}

/* --- blocks ---------------------------------------------------------------------------------- */

/* One branch of an if or with, or a range: its pipeline and its lists. */
static err_code branch(struct parser *p, struct node *n, struct list_end *end)
{
    static const char *const contexts[] = {
        [NODE_IF] = "if", [NODE_WITH] = "with", [NODE_RANGE] = "range"};
    struct pipe *pipe = NULL;
    TRY(parse_pipe(p, contexts[n->kind], TOKEN_RIGHT_DELIM, &pipe));
    n->pipe = pipe;
    uint32_t declared = p->nvars;
    p->scope.range_depth += n->kind == NODE_RANGE;
    TRY(list(p, false, &n->body, end));
    p->scope.range_depth -= n->kind == NODE_RANGE;
    scope_bury(p, declared);
    if (end->kind == TOKEN_END)
        return ERR_OK;
    enum token_kind chained = end->chained;
    if ((n->kind == NODE_IF && chained == TOKEN_IF) ||
        (n->kind == NODE_WITH && chained == TOKEN_WITH)) {
        struct token t;
        return parse_next(p, &t); /* the second keyword; the caller goes on with its branch */
    }
    if (chained != TOKEN_EOF)
        return parse_fail(p, end->pos, "{{else %s}} cannot follow {{%s}}",
                          chained == TOKEN_IF ? "if" : "with", contexts[n->kind]);
    TRY(list(p, false, &n->otherwise, end));
    if (end->kind != TOKEN_END)
        return parse_fail(p, end->pos, "expected {{end}}; found {{else}}");
    return ERR_OK;
}

static err_code block_action(struct parser *p, enum node_kind kind, uint32_t pos, struct node **ret)
{
    struct node *first, *n;
    struct list_end end;
    uint32_t mark = p->nvars;
    TRY(parse_enter(p, pos));
    first = new_node(p, kind, pos);
    if (!first)
        return parse_out_of_memory(p);
    TRY(branch(p, first, &end));
    for (n = first; end.kind == TOKEN_ELSE; n = (struct node *)n->chained) {
        struct node *next = new_node(p, kind, end.pos);
        if (!next)
            return parse_out_of_memory(p);
        n->chained = next;
        TRY(branch(p, next, &end));
    }
    scope_forget(p, mark);
    parse_leave(p);
    *ret = first;
    return ERR_OK;
}

static err_code loop_action(struct parser *p, const struct token *t, struct node **ret)
{
    bool is_break = t->kind == TOKEN_BREAK;
    struct token end;
    TRY(expect(p, TOKEN_RIGHT_DELIM, is_break ? "{{break}}" : "{{continue}}", &end));
    if (p->scope.range_depth == 0)
        return parse_fail(p, t->pos, "{{%.*s}} outside {{range}}", STR_FMT(t->text));
    *ret = new_node(p, is_break ? NODE_BREAK : NODE_CONTINUE, t->pos);
    return *ret ? ERR_OK : parse_out_of_memory(p);
}

static err_code else_action(struct parser *p, uint32_t pos, struct list_end *end)
{
    struct token t;
    *end = (struct list_end){.kind = TOKEN_ELSE, .chained = TOKEN_EOF, .pos = pos};
    TRY(parse_peek_non_space(p, &t));
    if (t.kind == TOKEN_IF || t.kind == TOKEN_WITH) {
        end->chained = t.kind;
        return ERR_OK;
    }
    return expect(p, TOKEN_RIGHT_DELIM, "else", &t);
}

static err_code pipeline_action(struct parser *p, uint32_t pos, struct node **ret)
{
    struct pipe *pipe = NULL;
    struct node *n = NULL;
    TRY(parse_pipe(p, "command", TOKEN_RIGHT_DELIM, &pipe));
    n = new_node(p, NODE_ACTION, pos);
    if (!n)
        return parse_out_of_memory(p);
    n->pipe = pipe;
    *ret = n;
    return ERR_OK;
}

/* An action whose "{{" is past: a node, the end of the list, or neither (a definition). */
static err_code action(struct parser *p, bool top, struct node **ret, struct list_end *end)
{
    struct token t;
    TRY(parse_next_non_space(p, &t));
    switch (t.kind) {
    case TOKEN_DEFINE:
        if (!top)
            return parse_fail(p, t.pos, "{{define}} must not stand inside another block");
        return define_action(p, t.pos);
    case TOKEN_BLOCK: return template_action(p, t.pos, true, ret);
    case TOKEN_TEMPLATE: return template_action(p, t.pos, false, ret);
    case TOKEN_IF: return block_action(p, NODE_IF, t.pos, ret);
    case TOKEN_WITH: return block_action(p, NODE_WITH, t.pos, ret);
    case TOKEN_RANGE: return block_action(p, NODE_RANGE, t.pos, ret);
    case TOKEN_BREAK:
    case TOKEN_CONTINUE: return loop_action(p, &t, ret);
    case TOKEN_ELSE: return else_action(p, t.pos, end);
    case TOKEN_END:
        *end = (struct list_end){.kind = TOKEN_END, .pos = t.pos};
        return expect(p, TOKEN_RIGHT_DELIM, "end", &t);
    default: parse_back(p, t); return pipeline_action(p, t.pos, ret);
    }
}

/* Nodes up to an {{end}} or {{else}}; the list of a whole source goes on to the end of the text. */
static err_code list(struct parser *p, bool top, const struct node **ret, struct list_end *end)
{
    struct node **link = (struct node **)ret;
    *ret = NULL;
    for (;;) {
        struct token t;
        struct node *n = NULL;
        *end = (struct list_end){.kind = TOKEN_EOF};
        TRY(parse_next_non_space(p, &t));
        if (t.kind == TOKEN_EOF && !top)
            return parse_fail(p, t.pos, "unexpected end of the template: {{end}} is missing");
        if (t.kind == TOKEN_EOF)
            return ERR_OK;
        if (t.kind == TOKEN_TEXT) {
            n = new_node(p, NODE_TEXT, t.pos);
            if (!n)
                return parse_out_of_memory(p);
            n->text = t.text;
        } else {
            TRY(action(p, top, &n, end));
        }
        if (end->kind != TOKEN_EOF && top)
            return parse_fail(p, end->pos, "unexpected {{%s}}",
                              end->kind == TOKEN_END ? "end" : "else");
        if (end->kind != TOKEN_EOF)
            return ERR_OK;
        if (!n)
            continue;
        *link = n;
        link = (struct node **)&n->next;
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

static void resolve_templates(const struct tmpl *t, const struct node *n)
{
    for (; n; n = n->next) {
        if (n->kind == NODE_TEMPLATE)
            ((struct node *)n)->target = find_definition(t, n->name);
        if (n->kind != NODE_IF && n->kind != NODE_WITH && n->kind != NODE_RANGE)
            continue;
        for (const struct node *b = n; b; b = b->chained) {
            resolve_templates(t, b->body);
            resolve_templates(t, b->otherwise);
        }
    }
}

static err_code parse_all(struct parser *p)
{
    struct tmpl *t = p->t;
    struct scope outer;
    struct list_end end;
    const struct node *body = NULL;
    TRY(scope_begin(p, &outer));
    TRY(list(p, true, &body, &end));
    TRY(define(p, 0, STR(""), body));
    for (const struct definition *d = t->definitions; d; d = d->next)
        resolve_templates(t, d->body);
    t->root = find_definition(t, STR(""));
    return ERR_OK;
}

err_code parse_template(struct tmpl *t, struct err *e)
{
    ARENA_LOCAL(scratch, 1 << 20);
    struct err unused = ERR_INIT;
    struct parser p = {.t = t, .e = e ? e : &unused};
    p.vars = arena_calloc(&scratch, TMPL_VARIABLES_MAX, sizeof *p.vars);
    if (!p.vars)
        return parse_out_of_memory(&p);
    lex_init(&p.lex, t->source);
    return parse_all(&p);
}
