#include "service/state.h"

err_code state_get(const struct state *s, const struct store_key *k, struct arena *a,
                   struct str *ret_body, struct err *e)
{
    bool decides = false;
    struct str body = {NULL, 0};
    struct store_resource r;
    err_code c = s->over ? s->over(s->ctx, k, a, &decides, &body, e) : ERR_OK;
    if (!c && decides && !body.p)
        c = err_set(e, ERR_NOT_FOUND, "there is no \"%.*s\"", STR_FMT(k->name));
    if (!c && !decides) {
        c = store_txn_get(s->txn, k, a, &r, e);
        body = c ? body : r.body;
    }
    if (!c)
        *ret_body = body;
    return c;
}

struct listing {
    const struct state *state;
    struct arena *arena;
    state_name *add;
    void *arg;
};

/* What is laid over says of itself whether it is there. */
static err_code add_stored(void *arg, const struct store_resource *r, struct err *e)
{
    struct listing *x = arg;
    const struct state *s = x->state;
    bool decides = false;
    struct str body;
    err_code c = s->over ? s->over(s->ctx, &r->key, x->arena, &decides, &body, e) : ERR_OK;
    if (!c && !decides)
        x->add(x->arg, r->key.name);
    return c;
}

err_code state_each_file(const struct state *s, struct str prefix, struct arena *a, state_name *add,
                         void *arg, struct err *e)
{
    struct listing x = {s, a, add, arg};
    struct store_list list = {
        .type = STORE_TEMPLATE, .one_kind = true, .kind = MODEL_FILES, .prefix = prefix};
    err_code c = store_txn_for_each(s->txn, &list, add_stored, &x, e);
    if (!c && s->files)
        s->files(s->ctx, prefix, add, arg);
    return c;
}
