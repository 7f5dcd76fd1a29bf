/*
 * How a template is executed.
 *
 * The tree is walked: run goes through a list of nodes, eval_pipe computes a value. Both recurse,
 * but only into blocks, parentheses and invoked templates, and each of those takes one unit of the
 * depth limit, so the C stack is bounded whatever the template is.
 *
 * All variables and pending arguments are on one stack of values. An invocation of a template has
 * its frame there (slot 0 is $), the arguments of the function that is about to be called lie above
 * it. The stack begins on the C stack and moves to the caller's arena when it has to grow, so it is
 * addressed by index; most templates never need the arena at all, and text goes straight from the
 * data to the output.
 *
 * An error is final and gives the place, the expression and, for a missing key, the key: never a
 * value, since metadata holds secrets.
 */
#include <stdio.h>

#include "tmpl/format.h"
#include "tmpl/lex.h"
#include "tmpl/mark.h"
#include "tmpl/options.h"
#include "tmpl/tree.h"

#define STACK_FIRST 64
#define SHOWN_MAX   80 /* bytes of an expression in a message */

/* The kind of a slot whose declaration has not been executed: see struct slot_ref. */
#define KIND_UNSET 101

struct exec {
    const struct tmpl *t;
    const struct definition *def; /* the one that is being executed */
    struct arena *arena;
    struct buf *out;
    struct buf text, scratch; /* for functions */
    struct err *e;
    struct value dot;
    struct value *stack;
    uint32_t n, cap;
    uint32_t frame; /* where the slots begin */
    uint32_t depth;
    const struct pipe *pipe; /* the innermost that is being evaluated */
    uint64_t steps;          /* left */
    struct tmpl_options limits;
};

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE };

/* --- errors and limits ----------------------------------------------------------------------- */

static struct str shown(const struct exec *x, struct span at)
{
    return str_sub(x->t->source, at.pos, at.pos + (at.n < SHOWN_MAX ? at.n : SHOWN_MAX));
}

/* The place is that of `at`; the expression that is shown may be a longer one around it. */
static err_code set_error_within(struct exec *x, struct span at, struct span around, err_code code,
                                 const char *msg)
{
    int line, column;
    char name[100] = "";
    lex_place(x->t->source, at.pos, &line, &column);
    if (x->def->name.n)
        snprintf(name, sizeof name, " in template \"%.*s\"", STR_FMT(x->def->name));
    struct str expr = shown(x, around);
    return err_at(x->e, code, line, column, "executing <%.*s%s>%s: %s", STR_FMT(expr),
                  expr.n < around.n ? "..." : "", name, msg);
}

static err_code set_error(struct exec *x, struct span at, err_code code, const char *msg)
{
    return set_error_within(x, at, at, code, msg);
}

static err_code fail(struct exec *x, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static err_code fail(struct exec *x, struct span at, const char *fmt, ...)
{
    char msg[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return set_error(x, at, ERR_RENDER, msg);
}

static err_code out_of_memory(struct exec *x, struct span at)
{
    char msg[160];
    snprintf(msg, sizeof msg, "the memory for rendering is used up; its limit is %zu bytes",
             x->limits.memory);
    return set_error(x, at, ERR_NOMEM, msg);
}

static err_code over_limit(struct exec *x, struct span at, const char *what, uint64_t limit)
{
    char msg[160];
    snprintf(msg, sizeof msg, "the %s limit of %llu is reached", what, (unsigned long long)limit);
    return set_error(x, at, ERR_LIMIT, msg);
}

static inline err_code step(struct exec *x, struct span at)
{
    if (x->steps == 0)
        return over_limit(x, at, "steps", x->limits.steps);
    x->steps--;
    return ERR_OK;
}

static err_code enter(struct exec *x, struct span at)
{
    if (x->depth == x->limits.depth)
        return over_limit(x, at, "depth", x->limits.depth);
    x->depth++;
    return ERR_OK;
}

static inline err_code check_output(struct exec *x, struct span at)
{
    bool over = x->out->n > x->out->max; /* a buffer may have more room than it may fill */
    if (!x->out->failed && !over)
        return ERR_OK;
    if (x->out->overflow || over)
        return over_limit(x, at, "output", x->limits.output);
    return out_of_memory(x, at);
}

/* --- the stack of values --------------------------------------------------------------------- */

/* Room for more values above those that are there. */
static err_code reserve(struct exec *x, struct span at, uint32_t more)
{
    if (x->cap - x->n >= more)
        return ERR_OK;
    if (more > UINT32_MAX / 2 - x->cap)
        return out_of_memory(x, at);
    uint32_t cap = x->cap * 2 > x->n + more ? x->cap * 2 : x->n + more;
    struct value *p = arena_calloc(x->arena, cap, sizeof *p);
    if (!p)
        return out_of_memory(x, at);
    memcpy(p, x->stack, x->n * sizeof *p);
    x->stack = p;
    x->cap = cap;
    return ERR_OK;
}

static struct value *slot(struct exec *x, uint32_t i)
{
    return &x->stack[x->frame + i];
}

/* The variable that the name means at this moment, or NULL. */
static struct value *variable(struct exec *x, const struct slot_ref *ref)
{
    while (ref && ref->maybe_unset && slot(x, ref->slot)->kind == KIND_UNSET)
        ref = ref->otherwise;
    return ref ? slot(x, ref->slot) : NULL;
}

/* --- expressions ----------------------------------------------------------------------------- */

static err_code eval_pipe(struct exec *x, const struct pipe *pipe, struct value *ret);
static err_code eval_operand(struct exec *x, const struct operand *op, struct value *ret);

static err_code no_field(struct exec *x, const struct operand *op, const struct value *v,
                         struct str name)
{
    if (v->kind == VALUE_NIL)
        return fail(x, op->at, "nil data; no entry for key \"%.*s\"", STR_FMT(name));
    if (value_is_map(*v))
        return fail(x, op->at, "map has no entry for key \"%.*s\"", STR_FMT(name));
    return fail(x, op->at, "can't evaluate field %.*s in type %s", STR_FMT(name), func_type(v));
}

/* The operand's fields, one after the other, from v on. */
static err_code eval_fields(struct exec *x, const struct operand *op, const struct value *v,
                            struct value *ret)
{
    for (uint32_t i = 0; i < op->nfields; i++) {
        const struct value *next = value_get(v, op->fields[i]);
        if (!next)
            return no_field(x, op, v, op->fields[i]);
        v = next;
    }
    *ret = *v;
    return ERR_OK;
}

static err_code eval_var(struct exec *x, const struct operand *op, struct value *ret)
{
    const struct value *v = variable(x, op->var);
    if (!v)
        return fail(x, op->at, "undefined variable: its declaration has not been executed");
    return eval_fields(x, op, v, ret);
}

static err_code eval_paren(struct exec *x, const struct operand *op, struct value *ret)
{
    TRY(enter(x, op->at));
    TRY(eval_pipe(x, op->pipe, ret));
    x->depth--;
    return ERR_OK;
}

static err_code push(struct exec *x, struct span at, struct value v)
{
    TRY(reserve(x, at, 1));
    x->stack[x->n++] = v;
    return ERR_OK;
}

/* Calls a function whose arguments are on the stack from base on, and takes them off. */
static err_code run_function(struct exec *x, const struct operand *op, uint32_t base,
                             struct value *ret)
{
    struct call c = {.func = op->func,
                     .args = x->stack + base,
                     .n = x->n - base,
                     .literal = op->next && op->next->kind == OPERAND_CONST,
                     .arena = x->arena,
                     .text = &x->text,
                     .scratch = &x->scratch,
                     .steps = &x->steps,
                     .width = x->limits.width,
                     .e = x->e};
    buf_clear(&x->text);
    err_code code = op->func->run(&c, ret);
    x->n = base;
    if (code == ERR_NOMEM)
        return out_of_memory(x, op->at);
    if (code) {
        char msg[sizeof x->e->msg + 32];
        snprintf(msg, sizeof msg, "%s: %s", op->func->name, x->e->msg);
        return set_error_within(x, op->at, x->pipe->at, code, msg);
    }
    return ERR_OK;
}

/* `and` and `or`: the first argument that decides, or the last one. */
static err_code run_logic(struct exec *x, const struct command *cmd, const struct value *final,
                          struct value *ret)
{
    bool wanted = cmd->first->func->kind == FUNC_OR;
    for (uint32_t i = cmd->unset_from; i < cmd->unset_to; i++)
        slot(x, i)->kind = KIND_UNSET;
    for (const struct operand *a = cmd->first->next; a; a = a->next) {
        TRY(eval_operand(x, a, ret));
        if (func_truth(ret) == wanted)
            return ERR_OK;
    }
    if (final)
        *ret = *final;
    return ERR_OK;
}

static err_code check_count(struct exec *x, const struct operand *op, uint32_t n)
{
    const struct func *f = op->func;
    if (n >= f->min && (n <= f->max || f->max == FUNC_ANY_NUMBER))
        return ERR_OK;
    return fail(x, op->at, "wrong number of args for %s: want %s%u got %u", f->name,
                f->min == f->max ? ""
                : n < f->min     ? "at least "
                                 : "at most ",
                (unsigned)(n < f->min ? f->min : f->max), (unsigned)n);
}

static err_code eval_call(struct exec *x, const struct command *cmd, const struct value *final,
                          struct value *ret)
{
    const struct operand *op = cmd->first;
    uint32_t base = x->n;
    TRY(check_count(x, op, cmd->nargs + (final != NULL)));
    if (op->func->kind != FUNC_PLAIN)
        return run_logic(x, cmd, final, ret);
    for (const struct operand *a = op->next; a; a = a->next) {
        struct value v;
        TRY(eval_operand(x, a, &v));
        TRY(push(x, a->at, v));
    }
    if (final)
        TRY(push(x, op->at, *final));
    return run_function(x, op, base, ret);
}

/* A function's name as an argument: it is called without any. */
static err_code eval_bare_call(struct exec *x, const struct operand *op, struct value *ret)
{
    TRY(check_count(x, op, 0));
    return run_function(x, op, x->n, ret);
}

static err_code eval_operand(struct exec *x, const struct operand *op, struct value *ret)
{
    struct value base;
    TRY(step(x, op->at));
    switch ((enum operand_kind)op->kind) {
    case OPERAND_FIELD: return eval_fields(x, op, &x->dot, ret);
    case OPERAND_DOT: *ret = x->dot; return ERR_OK;
    case OPERAND_NIL: *ret = value_nil(); return ERR_OK;
    case OPERAND_CONST: *ret = op->constant; return ERR_OK;
    case OPERAND_OVERFLOW: return fail(x, op->at, "the constant overflows int");
    case OPERAND_VAR: return eval_var(x, op, ret);
    case OPERAND_CHAIN:
        TRY(eval_operand(x, op->base, &base));
        return eval_fields(x, op, &base, ret);
    case OPERAND_PIPE: return eval_paren(x, op, ret);
    case OPERAND_CALL: return eval_bare_call(x, op, ret);
    }
    return fail(x, op->at, "not an expression");
}

/* final is the value that is piped in, or NULL. */
static err_code eval_command(struct exec *x, const struct command *cmd, const struct value *final,
                             struct value *ret)
{
    const struct operand *op = cmd->first;
    if (op->kind == OPERAND_CALL) {
        TRY(step(x, op->at));
        return eval_call(x, cmd, final, ret);
    }
    if (cmd->nargs || final)
        return fail(x, op->at, "it is no function but has arguments");
    if (op->kind == OPERAND_NIL)
        return fail(x, op->at, "nil is not a command");
    return eval_operand(x, op, ret);
}

static err_code set_variables(struct exec *x, const struct pipe *pipe, const struct value *first,
                              const struct value *second)
{
    for (uint8_t i = 0; i < pipe->ndecl; i++) {
        const struct slot_ref *ref = pipe->decl[i];
        struct value *v = !ref ? NULL : pipe->assign ? variable(x, ref) : slot(x, ref->slot);
        if (!v)
            return fail(x, pipe->at, "undefined variable: = needs an earlier :=");
        *v = i == 0 ? *first : *second;
    }
    return ERR_OK;
}

static err_code eval_pipe(struct exec *x, const struct pipe *pipe, struct value *ret)
{
    const struct command *cmd = pipe->commands;
    const struct pipe *outer = x->pipe;
    struct value v;
    x->pipe = pipe;
    TRY(eval_command(x, cmd, NULL, &v));
    while ((cmd = cmd->next)) {
        struct value final = v;
        TRY(eval_command(x, cmd, &final, &v));
    }
    x->pipe = outer;
    if (pipe->ndecl)
        TRY(set_variables(x, pipe, &v, &v));
    *ret = v;
    return ERR_OK;
}

/* --- nodes ----------------------------------------------------------------------------------- */

static err_code run(struct exec *x, const struct node *list, enum flow *flow);

/* May something marked be printed here that may stand in these contexts? See mark.h. */
static err_code check_mark(struct exec *x, const struct node *n, uint8_t contexts)
{
    enum tmpl_context here = x->limits.context;
    if (here == TMPL_TRUSTED || contexts & MARK_IN(here))
        return ERR_OK;
    return fail(x, n->pipe->at, "what came with the request %s", mark_advice(here));
}

static err_code print_other(struct exec *x, const struct node *n, const struct value *v)
{
    struct printer p;
    print_init(&p, x->out, &x->scratch, x->limits.width, x->steps);
    print_value(&p, v);
    x->steps -= p.visited < x->steps ? p.visited : x->steps;
    if (p.too_deep)
        return over_limit(x, n->pipe->at, "print depth", PRINT_DEPTH_MAX);
    if (p.too_many)
        return over_limit(x, n->pipe->at, "steps", x->limits.steps);
    TRY(check_output(x, n->pipe->at));
    return p.marked ? check_mark(x, n, p.clean) : ERR_OK;
}

/* The one place where a value reaches the output. */
static err_code print_action(struct exec *x, const struct node *n, const struct value *v)
{
    if (v->kind == VALUE_STRING) {
        if (v->marked)
            TRY(check_mark(x, n, mark_contexts(v)));
        buf_add_str(x->out, value_as_str(*v));
        return check_output(x, n->pipe->at);
    }
    if (v->kind == VALUE_NIL) {
        buf_add_lit(x->out, "<no value>");
        return check_output(x, n->pipe->at);
    }
    return print_other(x, n, v);
}

static err_code run_action(struct exec *x, const struct node *n)
{
    struct value v;
    TRY(eval_pipe(x, n->pipe, &v));
    return n->pipe->ndecl ? ERR_OK : print_action(x, n, &v);
}

static err_code run_text(struct exec *x, const struct node *n)
{
    buf_add_str(x->out, n->text);
    return check_output(x, n->at);
}

/* if and with: the first branch of the chain whose pipeline is true. */
static err_code run_branches(struct exec *x, const struct node *n, enum flow *flow)
{
    TRY(enter(x, n->pipe->at));
    for (; n; n = n->chained) {
        struct value v;
        TRY(eval_pipe(x, n->pipe, &v));
        if (!func_truth(&v)) {
            if (!n->chained)
                TRY(run(x, n->otherwise, flow));
            continue;
        }
        struct value dot = x->dot;
        if (n->kind == NODE_WITH)
            x->dot = v;
        TRY(run(x, n->body, flow));
        x->dot = dot;
        break;
    }
    x->depth--;
    return ERR_OK;
}

/* The element of a range at i; its index or key. */
static struct value range_element(const struct value *v, int64_t i, struct value *key)
{
    if (v->kind == VALUE_LIST) {
        *key = value_int(i);
        key->marked = v->marked;
        return v->list[i];
    }
    if (value_is_map(*v)) {
        *key = value_str(v->map[i].key);
        key->marked = v->marked;
        return v->map[i].v;
    }
    *key = value_nil();
    return (struct value){.kind = v->kind, .marked = v->marked, .i = i};
}

/* How often the range runs; an error for what has no elements. */
static err_code range_count(struct exec *x, const struct node *n, const struct value *v,
                            int64_t *ret)
{
    bool integer = v->kind == VALUE_INT || v->kind == VALUE_BYTE;
    if (integer && n->pipe->ndecl > 1)
        return fail(x, n->pipe->at, "can't use an int to iterate over more than one variable");
    if (integer)
        *ret = v->i;
    else if (v->kind == VALUE_LIST || value_is_map(*v))
        *ret = v->n;
    else if (v->kind == VALUE_NIL)
        *ret = 0;
    else
        return fail(x, n->pipe->at, "range can't iterate over type %s", func_type(v));
    return ERR_OK;
}

static err_code run_range(struct exec *x, const struct node *n, enum flow *flow)
{
    struct value v, key, dot = x->dot;
    int64_t count = 0;
    TRY(enter(x, n->pipe->at));
    TRY(eval_pipe(x, n->pipe, &v));
    TRY(range_count(x, n, &v, &count));
    for (int64_t i = 0; i < count; i++) {
        enum flow inner = FLOW_NEXT;
        TRY(step(x, n->pipe->at));
        x->dot = range_element(&v, i, &key);
        if (n->pipe->ndecl)
            TRY(set_variables(x, n->pipe, n->pipe->ndecl == 1 ? &x->dot : &key, &x->dot));
        TRY(run(x, n->body, &inner));
        if (inner == FLOW_BREAK)
            break;
    }
    x->dot = dot;
    if (count <= 0)
        TRY(run(x, n->otherwise, flow));
    x->depth--;
    return ERR_OK;
}

static err_code run_template(struct exec *x, const struct node *n)
{
    struct value v = value_nil();
    enum flow flow = FLOW_NEXT;
    if (!n->target)
        return fail(x, n->at, "template \"%.*s\" not defined", STR_FMT(n->name));
    TRY(enter(x, n->at));
    if (n->pipe)
        TRY(eval_pipe(x, n->pipe, &v));
    TRY(reserve(x, n->at, n->target->nslots));
    const struct definition *def = x->def;
    struct value dot = x->dot;
    uint32_t frame = x->frame;
    x->def = n->target;
    x->frame = x->n;
    x->n += n->target->nslots;
    *slot(x, 0) = x->dot = v;
    TRY(run(x, n->target->body, &flow));
    x->n = x->frame;
    x->frame = frame;
    x->dot = dot;
    x->def = def;
    x->depth--;
    return ERR_OK;
}

static err_code run(struct exec *x, const struct node *n, enum flow *flow)
{
    for (; n && *flow == FLOW_NEXT; n = n->next) {
        TRY(step(x, n->at));
        switch ((enum node_kind)n->kind) {
        case NODE_TEXT: TRY(run_text(x, n)); break;
        case NODE_ACTION: TRY(run_action(x, n)); break;
        case NODE_IF:
        case NODE_WITH: TRY(run_branches(x, n, flow)); break;
        case NODE_RANGE: TRY(run_range(x, n, flow)); break;
        case NODE_TEMPLATE: TRY(run_template(x, n)); break;
        case NODE_BREAK: *flow = FLOW_BREAK; break;
        case NODE_CONTINUE: *flow = FLOW_CONTINUE; break;
        }
    }
    return ERR_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static err_code execute(struct exec *x, const struct value *data)
{
    enum flow flow = FLOW_NEXT;
    struct span nowhere = {0, 0};
    TRY(reserve(x, nowhere, x->def->nslots));
    x->n = x->def->nslots;
    x->dot = *data;
    *slot(x, 0) = *data;
    return run(x, x->def->body, &flow);
}

err_code tmpl_execute(const struct tmpl *t, const struct value *data, struct arena *a,
                      const struct tmpl_options *options, struct buf *out, struct err *e)
{
    struct value stack[STACK_FIRST];
    struct err unused = ERR_INIT;
    struct exec x = {.t = t,
                     .def = t->root,
                     .arena = a,
                     .out = out,
                     .e = e ? e : &unused,
                     .stack = stack,
                     .cap = STACK_FIRST,
                     .limits = options_effective(options)};
    size_t out_max = out->max, arena_max = a->max;
    x.steps = x.limits.steps;
    options_limit(&x.limits, out, a);
    buf_in_arena(&x.text, a, x.limits.output);
    buf_in_arena(&x.scratch, a, x.limits.output);
    err_code code = execute(&x, data);
    out->max = out_max;
    a->max = arena_max;
    if (code && e)
        err_in_file(e, t->name.p);
    return code;
}
