/* eq, ne, lt, le, gt and ge: Go compares values of the same basic kind and nothing else. */
#include "tmpl/func.h"

#define BYTES_A_STEP 256

enum basic { BASIC_NONE, BASIC_BOOL, BASIC_INT, BASIC_FLOAT, BASIC_COMPLEX, BASIC_STRING };

/* Signed and unsigned integers are one kind here: their values decide. */
static enum basic basic_kind(const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL: return BASIC_BOOL;
    case VALUE_INT:
    case VALUE_BYTE: return BASIC_INT;
    case VALUE_FLOAT: return BASIC_FLOAT;
    case TMPL_COMPLEX: return BASIC_COMPLEX;
    case VALUE_STRING: return BASIC_STRING;
    default: return BASIC_NONE;
    }
}

/* Comparing long strings is work that the step limit has to see. */
static void charge(struct call *c, const struct value *a, const struct value *b)
{
    if (a->kind != VALUE_STRING || b->kind != VALUE_STRING)
        return;
    func_charge(c, (a->n < b->n ? a->n : b->n) / BYTES_A_STEP);
}

static err_code incompatible(struct call *c, const struct value *a, const struct value *b)
{
    const char *hint = "";
    bool int_float = (a->kind == VALUE_FLOAT && b->kind == VALUE_INT) ||
                     (a->kind == VALUE_INT && b->kind == VALUE_FLOAT);
    if (int_float)
        hint = "; numbers in the data are float64: write 3.0 rather than 3";
    return err_set(c->e, ERR_RENDER, "incompatible types for comparison: %s and %s%s", func_type(a),
                   func_type(b), hint);
}

static err_code equal(struct call *c, const struct value *a, const struct value *b, bool *ret)
{
    enum basic k = basic_kind(a);
    charge(c, a, b);
    if (k != basic_kind(b)) {
        if (a->kind != VALUE_NIL && b->kind != VALUE_NIL)
            return incompatible(c, a, b);
        *ret = false;
        return ERR_OK;
    }
    switch (k) {
    case BASIC_BOOL: *ret = a->b == b->b; return ERR_OK;
    case BASIC_INT: *ret = a->i == b->i; return ERR_OK;
    case BASIC_FLOAT: *ret = a->f == b->f; return ERR_OK;
    case BASIC_COMPLEX:
        *ret = a->list[0].f == b->list[0].f && a->list[1].f == b->list[1].f;
        return ERR_OK;
    case BASIC_STRING: *ret = str_eq(value_as_str(*a), value_as_str(*b)); return ERR_OK;
    case BASIC_NONE: break;
    }
    if (a->kind != VALUE_NIL && b->kind != VALUE_NIL)
        return err_set(c->e, ERR_RENDER, "non-comparable type %s", func_type(b));
    *ret = a->kind == b->kind;
    return ERR_OK;
}

static err_code less(struct call *c, const struct value *a, const struct value *b, bool *ret)
{
    enum basic k = basic_kind(a);
    charge(c, a, b);
    if (k == BASIC_NONE || basic_kind(b) == BASIC_NONE)
        return err_set(c->e, ERR_RENDER, "invalid type for comparison: %s",
                       func_type(k == BASIC_NONE ? a : b));
    if (k != basic_kind(b))
        return incompatible(c, a, b);
    switch (k) {
    case BASIC_INT: *ret = a->i < b->i; return ERR_OK;
    case BASIC_FLOAT: *ret = a->f < b->f; return ERR_OK;
    case BASIC_STRING: *ret = str_cmp(value_as_str(*a), value_as_str(*b)) < 0; return ERR_OK;
    default: return err_set(c->e, ERR_RENDER, "invalid type for comparison: %s", func_type(a));
    }
}

static err_code less_or_equal(struct call *c, bool *ret)
{
    err_code code = less(c, &c->args[0], &c->args[1], ret);
    return code || *ret ? code : equal(c, &c->args[0], &c->args[1], ret);
}

/* Does the first equal any of the others? */
err_code func_eq(struct call *c, struct value *ret)
{
    bool yes = false;
    if (c->n < 2)
        return err_set(c->e, ERR_RENDER, "missing argument for comparison");
    for (uint32_t i = 1; i < c->n && !yes; i++) {
        err_code code = equal(c, &c->args[0], &c->args[i], &yes);
        if (code)
            return code;
    }
    *ret = value_bool(yes);
    return ERR_OK;
}

err_code func_ne(struct call *c, struct value *ret)
{
    bool yes = false;
    err_code code = equal(c, &c->args[0], &c->args[1], &yes);
    *ret = value_bool(!yes);
    return code;
}

err_code func_lt(struct call *c, struct value *ret)
{
    bool yes = false;
    err_code code = less(c, &c->args[0], &c->args[1], &yes);
    *ret = value_bool(yes);
    return code;
}

err_code func_le(struct call *c, struct value *ret)
{
    bool yes = false;
    err_code code = less_or_equal(c, &yes);
    *ret = value_bool(yes);
    return code;
}

err_code func_gt(struct call *c, struct value *ret)
{
    bool yes = false;
    err_code code = less_or_equal(c, &yes);
    *ret = value_bool(!yes);
    return code;
}

err_code func_ge(struct call *c, struct value *ret)
{
    bool yes = false;
    err_code code = less(c, &c->args[0], &c->args[1], &yes);
    *ret = value_bool(!yes);
    return code;
}
