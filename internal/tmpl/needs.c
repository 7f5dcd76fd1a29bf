/*
 * What can the result of a template depend on?
 *
 * The answer decides whether a rendered document can be kept for the next request, so it must never
 * be too low. The template is executed with classes of values rather than values, all branches of
 * it, and the highest class that is looked at is the answer:
 *
 *   CONST    made from literals
 *   DATA     a part of the data, but not of .request
 *   ROOT     the data as a whole (or maybe a part of it): a field of it other than .request is DATA
 *   REQUEST  .request, or something that may have been made from it
 *
 * They are ordered so that the larger one is the safe guess, so two paths that meet take the
 * maximum. ROOT itself counts as REQUEST as soon as it is used for more than taking a field of it,
 * passing it to a template or giving it a name. Variables and the dots of templates are joined over
 * the whole template until nothing changes; that is quick, because each can only rise three times,
 * and after PASSES_MAX passes the answer is REQUEST.
 */
#include "tmpl/tree.h"

#define PASSES_MAX 20

enum origin { CLASS_CONST, CLASS_DATA, CLASS_ROOT, CLASS_REQUEST };

struct needs {
    const struct tmpl *t;
    uint8_t *dots;   /* by definition: the class of its dot, UNREACHED if nothing invokes it */
    uint8_t **slots; /* by definition: the classes of its variables */
    const struct definition *def;
    enum origin dot;
    enum origin seen; /* the highest class that was used; ROOT never */
    bool changed;
};

#define UNREACHED 255

static enum origin pipe_class(struct needs *x, const struct pipe *pipe);

static void see(struct needs *x, enum origin c)
{
    if (c == CLASS_ROOT)
        c = CLASS_REQUEST;
    if (c > x->seen)
        x->seen = c;
}

static void raise_slot(struct needs *x, const struct slot_ref *ref, enum origin c)
{
    for (; ref; ref = ref->maybe_unset ? ref->otherwise : NULL) {
        uint8_t *slot = &x->slots[x->def->index][ref->slot];
        if (c > *slot) {
            *slot = (uint8_t)c;
            x->changed = true;
        }
    }
}

static enum origin slot_class(const struct needs *x, const struct slot_ref *ref)
{
    enum origin c = CLASS_CONST;
    for (; ref; ref = ref->maybe_unset ? ref->otherwise : NULL) {
        enum origin one = x->slots[x->def->index][ref->slot];
        c = one > c ? one : c;
    }
    return c;
}

static enum origin field_class(struct needs *x, enum origin base, struct str name)
{
    enum origin c = base;
    if (base == CLASS_ROOT)
        c = str_is(name, "request") ? CLASS_REQUEST : CLASS_DATA;
    see(x, c);
    return c;
}

static enum origin operand_class(struct needs *x, const struct operand *op)
{
    enum origin c = CLASS_CONST;
    switch ((enum operand_kind)op->kind) {
    case OPERAND_NIL:
    case OPERAND_CONST:
    case OPERAND_OVERFLOW:
    case OPERAND_CALL: break; /* without arguments */
    case OPERAND_DOT:
    case OPERAND_FIELD: c = x->dot; break;
    case OPERAND_VAR: c = slot_class(x, op->var); break;
    case OPERAND_CHAIN: c = operand_class(x, op->base); break;
    case OPERAND_PIPE: c = pipe_class(x, op->pipe); break;
    }
    for (uint32_t i = 0; i < op->nfields; i++)
        c = field_class(x, c, op->fields[i]);
    return c;
}

/* index . "key" is a field access in other words, and so are get and hasKey. */
static bool is_literal_index(const struct command *cmd)
{
    const struct operand *key = cmd->nargs >= 2 ? cmd->first->next->next : NULL;
    func_run *run = cmd->first->func->run;
    return key && (run == func_index || run == func_get || run == func_has_key) &&
           key->kind == OPERAND_CONST && key->constant.kind == VALUE_STRING;
}

/* The result of a function is made from all of its arguments. */
static enum origin call_class(struct needs *x, const struct command *cmd, enum origin final)
{
    enum origin c = final;
    bool index = is_literal_index(cmd);
    see(x, final);
    for (const struct operand *a = cmd->first->next; a; a = a->next) {
        enum origin one = operand_class(x, a);
        if (index && a == cmd->first->next)
            one = field_class(x, one, value_as_str(a->next->constant));
        see(x, one);
        c = one > c ? one : c;
    }
    return c == CLASS_ROOT ? CLASS_REQUEST : c;
}

static enum origin pipe_class(struct needs *x, const struct pipe *pipe)
{
    enum origin c = CLASS_CONST;
    for (const struct command *cmd = pipe->commands; cmd; cmd = cmd->next)
        c = cmd->first->kind == OPERAND_CALL ? call_class(x, cmd, c) : operand_class(x, cmd->first);
    for (uint8_t i = 0; i < pipe->ndecl; i++)
        raise_slot(x, pipe->decl[i], c);
    return c;
}

static void list_class(struct needs *x, const struct node *n);

static void loop_class(struct needs *x, const struct node *n, enum origin c)
{
    see(x, c);
    if (c == CLASS_ROOT)
        c = CLASS_REQUEST;
    for (uint8_t i = 0; i < n->pipe->ndecl; i++)
        raise_slot(x, n->pipe->decl[i], c);
    enum origin dot = x->dot;
    x->dot = c;
    list_class(x, n->body);
    x->dot = dot;
    list_class(x, n->otherwise);
}

static void branches_class(struct needs *x, const struct node *n)
{
    for (; n; n = n->chained) {
        enum origin c = pipe_class(x, n->pipe), dot = x->dot;
        see(x, c);
        if (n->kind == NODE_WITH)
            x->dot = c;
        list_class(x, n->body);
        x->dot = dot;
        list_class(x, n->otherwise);
    }
}

static void template_class(struct needs *x, const struct node *n)
{
    enum origin c = n->pipe ? pipe_class(x, n->pipe) : CLASS_CONST;
    if (!n->target)
        return;
    uint8_t *dot = &x->dots[n->target->index];
    if (*dot == UNREACHED || c > *dot) {
        *dot = (uint8_t)c;
        x->changed = true;
    }
}

static void list_class(struct needs *x, const struct node *n)
{
    for (; n; n = n->next) {
        switch ((enum node_kind)n->kind) {
        case NODE_ACTION: {
            enum origin c = pipe_class(x, n->pipe);
            if (!n->pipe->ndecl)
                see(x, c);
            break;
        }
        case NODE_RANGE: loop_class(x, n, pipe_class(x, n->pipe)); break;
        case NODE_IF:
        case NODE_WITH: branches_class(x, n); break;
        case NODE_TEMPLATE: template_class(x, n); break;
        case NODE_TEXT:
        case NODE_BREAK:
        case NODE_CONTINUE: break;
        }
    }
}

static void one_pass(struct needs *x)
{
    for (const struct definition *d = x->t->definitions; d; d = d->next) {
        if (x->dots[d->index] == UNREACHED)
            continue;
        x->def = d;
        x->dot = x->dots[d->index];
        if (x->slots[d->index][0] < x->dot)
            x->slots[d->index][0] = (uint8_t)x->dot;
        list_class(x, d->body);
    }
}

static bool set_up(struct needs *x, struct arena *a)
{
    const struct tmpl *t = x->t;
    x->dots = arena_calloc(a, t->ndefinitions, 1);
    x->slots = arena_calloc(a, t->ndefinitions, sizeof *x->slots);
    if (!x->dots || !x->slots)
        return false;
    memset(x->dots, UNREACHED, t->ndefinitions);
    for (const struct definition *d = t->definitions; d; d = d->next)
        if (!(x->slots[d->index] = arena_calloc(a, d->nslots, 1)))
            return false;
    x->dots[t->root->index] = CLASS_ROOT;
    return true;
}

enum tmpl_needs needs_of(const struct tmpl *t)
{
    ARENA_LOCAL(scratch, 4 << 20);
    struct needs x = {.t = t, .changed = true};
    if (!set_up(&x, &scratch))
        return TMPL_NEEDS_REQUEST;
    for (int pass = 0; x.changed; pass++) {
        if (pass == PASSES_MAX || x.seen == CLASS_REQUEST)
            return TMPL_NEEDS_REQUEST;
        x.changed = false;
        one_pass(&x);
    }
    return x.seen == CLASS_CONST  ? TMPL_NEEDS_NOTHING
           : x.seen == CLASS_DATA ? TMPL_NEEDS_DATA
                                  : TMPL_NEEDS_REQUEST;
}
