/* Numbers: after Sprig, which computes with int64. What does not fit in one is an error here. */
#include <math.h>

#include "tmpl/func.h"
#include "tmpl/literal.h"

#define LEAST_INT64 (-9223372036854775808.0)

static err_code overflow(struct call *c)
{
    return err_set(c->e, ERR_RENDER, "the result does not fit in 64 bits");
}

/* Any value as an int: a float is cut, text that is no int is 0, as are nil, lists and maps. */
static err_code to_int(struct call *c, const struct value *v, int64_t *ret)
{
    *ret = 0;
    switch (v->kind) {
    case VALUE_BOOL: *ret = v->b; break;
    case VALUE_INT:
    case VALUE_BYTE: *ret = v->i; break;
    case VALUE_FLOAT:
        if (!(v->f >= LEAST_INT64 && v->f < -LEAST_INT64))
            return overflow(c);
        *ret = (int64_t)v->f;
        break;
    case VALUE_STRING:
        func_charge_bytes(c, v->n);
        if (!literal_parse_int(value_as_str(*v), ret))
            *ret = 0;
        break;
    default: break;
    }
    return ERR_OK;
}

err_code func_int(struct call *c, struct value *ret)
{
    int64_t i;
    err_code code = to_int(c, &c->args[0], &i);
    if (code)
        return code;
    *ret = value_int(i);
    ret->marked = c->args[0].marked;
    return ERR_OK;
}

err_code func_float64(struct call *c, struct value *ret)
{
    const struct value *v = &c->args[0];
    double f = 0;
    switch (v->kind) {
    case VALUE_BOOL: f = v->b; break;
    case VALUE_INT:
    case VALUE_BYTE: f = (double)v->i; break;
    case VALUE_FLOAT: f = v->f; break;
    case VALUE_STRING:
        func_charge_bytes(c, v->n);
        if (!literal_parse_float(c->arena, value_as_str(*v), &f))
            f = 0;
        break;
    default: break;
    }
    *ret = value_float(f);
    ret->marked = v->marked;
    return ERR_OK;
}

/* One step of a computation: *a becomes the result of *a and b. */
typedef err_code operation(struct call *c, int64_t *a, int64_t b);

static err_code op_add(struct call *c, int64_t *a, int64_t b)
{
    return __builtin_add_overflow(*a, b, a) ? overflow(c) : ERR_OK;
}

static err_code op_sub(struct call *c, int64_t *a, int64_t b)
{
    return __builtin_sub_overflow(*a, b, a) ? overflow(c) : ERR_OK;
}

static err_code op_mul(struct call *c, int64_t *a, int64_t b)
{
    return __builtin_mul_overflow(*a, b, a) ? overflow(c) : ERR_OK;
}

static err_code divisible(struct call *c, int64_t a, int64_t b)
{
    if (b == 0)
        return err_set(c->e, ERR_RENDER, "division by zero");
    return a == INT64_MIN && b == -1 ? overflow(c) : ERR_OK;
}

static err_code op_div(struct call *c, int64_t *a, int64_t b)
{
    err_code code = divisible(c, *a, b);
    if (!code)
        *a /= b;
    return code;
}

static err_code op_mod(struct call *c, int64_t *a, int64_t b)
{
    err_code code = divisible(c, *a, b);
    if (!code)
        *a %= b;
    return code;
}

static err_code op_max(struct call *c, int64_t *a, int64_t b)
{
    (void)c;
    *a = b > *a ? b : *a;
    return ERR_OK;
}

static err_code op_min(struct call *c, int64_t *a, int64_t b)
{
    (void)c;
    *a = b < *a ? b : *a;
    return ERR_OK;
}

/* The first argument with each of the others. */
static err_code compute(struct call *c, operation *op, struct value *ret)
{
    int64_t result = 0, b;
    err_code code = c->n ? to_int(c, &c->args[0], &result) : ERR_OK;
    for (uint32_t i = 1; i < c->n && !code; i++) {
        code = to_int(c, &c->args[i], &b);
        if (!code)
            code = op(c, &result, b);
    }
    if (code)
        return code;
    *ret = value_int(result);
    ret->marked = func_marked(c);
    return ERR_OK;
}

err_code func_add(struct call *c, struct value *ret)
{
    return compute(c, op_add, ret);
}

err_code func_sub(struct call *c, struct value *ret)
{
    return compute(c, op_sub, ret);
}

err_code func_mul(struct call *c, struct value *ret)
{
    return compute(c, op_mul, ret);
}

err_code func_div(struct call *c, struct value *ret)
{
    return compute(c, op_div, ret);
}

err_code func_mod(struct call *c, struct value *ret)
{
    return compute(c, op_mod, ret);
}

err_code func_max(struct call *c, struct value *ret)
{
    return compute(c, op_max, ret);
}

err_code func_min(struct call *c, struct value *ret)
{
    return compute(c, op_min, ret);
}
