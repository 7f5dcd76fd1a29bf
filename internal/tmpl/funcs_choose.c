/* Functions that choose a value, or refuse to: after Sprig and, for required, Helm. */
#include "tmpl/func.h"

err_code func_default(struct call *c, struct value *ret)
{
    *ret = c->n == 2 && func_truth(&c->args[1]) ? c->args[1] : c->args[0];
    return ERR_OK;
}

/*
 * A message that stands in the template as a literal is shown. One that was put together there may
 * hold anything, a password too, and errors are logged and sent to machines.
 */
static err_code refuse(struct call *c)
{
    struct str msg;
    err_code code = func_arg_str(c, 0, &msg);
    if (code)
        return code;
    if (!c->literal)
        return err_set(c->e, ERR_RENDER,
                       "the template refuses; its message is no literal, so it is not shown");
    return err_set(c->e, ERR_RENDER, "%.*s", STR_FMT(msg));
}

err_code func_required(struct call *c, struct value *ret)
{
    const struct value *v = &c->args[1];
    if (v->kind == VALUE_NIL || (v->kind == VALUE_STRING && v->n == 0))
        return refuse(c);
    *ret = *v;
    return ERR_OK;
}

err_code func_fail(struct call *c, struct value *ret)
{
    (void)ret;
    return refuse(c);
}

err_code func_ternary(struct call *c, struct value *ret)
{
    bool first;
    err_code code = func_arg_bool(c, 2, &first);
    if (!code)
        *ret = c->args[first ? 0 : 1];
    return code;
}

err_code func_coalesce(struct call *c, struct value *ret)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (func_truth(&c->args[i])) {
            *ret = c->args[i];
            return ERR_OK;
        }
    }
    *ret = value_nil();
    return ERR_OK;
}

err_code func_empty(struct call *c, struct value *ret)
{
    *ret = value_bool(!func_truth(&c->args[0]));
    return ERR_OK;
}
