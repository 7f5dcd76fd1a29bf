/* What functions share: their arguments, what they cost, their results. */
#include <math.h>

#include "tmpl/format.h"
#include "tmpl/func.h"

/* Looking at this many bytes, or copying them, is about as much work as evaluating a node. */
#define BYTES_A_STEP 16

const char *func_type(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL: return "<nil>";
    case VALUE_BOOL: return "bool";
    case VALUE_INT: return "int";
    case VALUE_BYTE: return "uint8";
    case VALUE_FLOAT: return "float64";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "[]interface {}";
    case VALUE_MAP: return "map[string]interface {}";
    case VALUE_STRMAP: return "map[string]string";
    default: return "complex128";
    }
}

bool func_truth(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL: return false;
    case VALUE_BOOL: return v->b;
    case VALUE_INT:
    case VALUE_BYTE: return v->i != 0;
    case VALUE_FLOAT: return v->f != 0;
    case TMPL_COMPLEX: return v->list[0].f != 0 || v->list[1].f != 0;
    default: return v->n > 0;
    }
}

bool func_marked(const struct call *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->args[i].marked)
            return true;
    return false;
}

/* --- arguments ------------------------------------------------------------------------------- */

static err_code wrong_kind(struct call *c, uint32_t i, const char *wanted)
{
    return err_set(c->e, ERR_RENDER, "argument %u must be %s, not %s", i + 1, wanted,
                   func_type(&c->args[i]));
}

err_code func_arg_str(struct call *c, uint32_t i, struct str *ret)
{
    const struct value *v = &c->args[i];
    if (v->kind != VALUE_STRING)
        return wrong_kind(c, i, "a string");
    func_charge_bytes(c, v->n);
    *ret = v->n ? value_as_str(*v) : STR("");
    return ERR_OK;
}

err_code func_arg_int(struct call *c, uint32_t i, int64_t *ret)
{
    const struct value *v = &c->args[i];
    if (v->kind == VALUE_INT || v->kind == VALUE_BYTE) {
        *ret = v->i;
        return ERR_OK;
    }
    if (v->kind != VALUE_FLOAT)
        return wrong_kind(c, i, "a whole number");
    if (trunc(v->f) != v->f || fabs(v->f) > 0x1p53)
        return err_set(c->e, ERR_RENDER, "argument %u must be a whole number of at most 2^53",
                       i + 1);
    *ret = (int64_t)v->f;
    return ERR_OK;
}

err_code func_arg_bool(struct call *c, uint32_t i, bool *ret)
{
    if (c->args[i].kind != VALUE_BOOL)
        return wrong_kind(c, i, "true or false");
    *ret = c->args[i].b;
    return ERR_OK;
}

err_code func_arg_list(struct call *c, uint32_t i, const struct value **ret)
{
    if (c->args[i].kind != VALUE_LIST)
        return wrong_kind(c, i, "a list");
    *ret = &c->args[i];
    return ERR_OK;
}

err_code func_arg_map(struct call *c, uint32_t i, const struct value **ret)
{
    if (!value_is_map(c->args[i]))
        return wrong_kind(c, i, "a map");
    *ret = &c->args[i];
    return ERR_OK;
}

err_code func_printed(struct call *c, const struct printer *p)
{
    func_charge(c, p->visited);
    if (p->too_deep)
        return err_set(c->e, ERR_LIMIT, "lists and maps are nested more than %d deep",
                       PRINT_DEPTH_MAX);
    if (p->too_many)
        return err_set(c->e, ERR_LIMIT, "the value has more parts than the steps limit leaves");
    return ERR_OK;
}

err_code func_to_text(struct call *c, const struct value *v, struct value *ret)
{
    if (v->kind == VALUE_STRING) {
        func_charge_bytes(c, v->n);
        *ret = *v;
        return ERR_OK;
    }
    struct str s;
    struct printer p;
    size_t from = c->text->n;
    print_init(&p, c->text, c->scratch, c->width, *c->steps);
    print_value(&p, v);
    err_code code = func_printed(c, &p);
    if (code)
        return code;
    if (c->text->failed)
        return func_text(c, false, ret); /* says why */
    if (!arena_str(c->arena, str_of(c->text->p + from, c->text->n - from), &s))
        return func_nomem(c);
    func_charge_bytes(c, s.n);
    c->text->n = from;
    *ret = value_str(s);
    ret->marked = p.marked;
    return ERR_OK;
}

err_code func_arg_text(struct call *c, uint32_t i, struct value *ret)
{
    return func_to_text(c, &c->args[i], ret);
}

struct visit {
    struct call *call;
    uint64_t left; /* nodes that may still be visited */
    bool marked;
};

static err_code visit(struct visit *x, const struct value *v, uint32_t depth);

static err_code visit_pair(struct visit *x, const struct value_pair *p, uint32_t depth)
{
    struct value key = value_str(p->key);
    err_code code = visit(x, &key, depth);
    return code ? code : visit(x, &p->v, depth);
}

static err_code visit(struct visit *x, const struct value *v, uint32_t depth)
{
    struct err *e = x->call->e;
    uint64_t cost = v->kind == VALUE_STRING  ? 1 + v->n / BYTES_A_STEP
                    : v->kind == VALUE_FLOAT ? PRINT_FLOAT_COST
                                             : 1;
    if (x->left < cost)
        return err_set(e, ERR_LIMIT, "the value has more parts than the steps limit leaves");
    if (depth > FUNC_DEPTH_MAX)
        return err_set(e, ERR_LIMIT, "lists and maps are nested more than %d deep", FUNC_DEPTH_MAX);
    if (v->kind == TMPL_COMPLEX || (v->kind == VALUE_FLOAT && !isfinite(v->f)))
        return err_set(e, ERR_RENDER,
                       "a number is none that can be written: complex, infinite or "
                       "not a number");
    x->left -= cost;
    x->marked = x->marked || v->marked;
    err_code code = ERR_OK;
    if (v->kind == VALUE_LIST)
        for (uint32_t i = 0; i < v->n && !code; i++)
            code = visit(x, &v->list[i], depth + 1);
    else if (value_is_map(*v))
        for (uint32_t i = 0; i < v->n && !code; i++)
            code = visit_pair(x, &v->map[i], depth + 1);
    return code;
}

err_code func_check_tree(struct call *c, const struct value *v, bool *marked)
{
    struct visit x = {.call = c, .left = *c->steps};
    err_code code = visit(&x, v, 0);
    *c->steps = x.left;
    *marked = x.marked;
    return code;
}

/* --- what it costs --------------------------------------------------------------------------- */

void func_charge(struct call *c, uint64_t steps)
{
    *c->steps -= steps < *c->steps ? steps : *c->steps;
}

void func_charge_bytes(struct call *c, size_t bytes)
{
    func_charge(c, bytes / BYTES_A_STEP);
}

err_code func_charge_all(struct call *c, uint64_t steps)
{
    if (steps > *c->steps)
        return err_set(c->e, ERR_LIMIT, "that is more work than the steps limit leaves");
    *c->steps -= steps;
    return ERR_OK;
}

err_code func_nomem(struct call *c)
{
    return err_set(c->e, ERR_NOMEM, "the memory for rendering is used up");
}

/* --- results --------------------------------------------------------------------------------- */

err_code func_text(struct call *c, bool marked, struct value *ret)
{
    struct str s;
    if (c->text->overflow || c->text->n > UINT32_MAX)
        return err_set(c->e, ERR_LIMIT, "the text is longer than the output limit of %zu bytes",
                       c->text->max);
    if (c->text->failed || !arena_str(c->arena, buf_str(c->text), &s))
        return func_nomem(c);
    func_charge_bytes(c, s.n);
    *ret = value_str(s);
    ret->marked = marked;
    return ERR_OK;
}

struct value func_list(const struct value *items, uint32_t n)
{
    return (struct value){.kind = VALUE_LIST, .n = n, .list = items};
}
