#include "service/planning.h"

/* How often the site may move away from under a plan until the next one holds up the writers. */
#define TRIES 3

static err_code write_all(struct planning *p, struct store_txn *t, struct err *e)
{
    err_code c = ERR_OK;
    for (size_t i = 0; !c && i < p->bundle.n; i++) {
        struct store_resource r;
        if (!plan_changes(&p->bundle.v[i]))
            continue;
        arena_reset(&p->scratch);
        c = bundle_resource(&p->bundle, &p->bundle.v[i], &p->scratch, NULL, &r, e);
        if (!c)
            c = store_txn_put(t, &r, e);
    }
    for (const struct plan_removed *x = p->removed; !c && x; x = x->next)
        c = store_txn_delete(t, &x->key, e);
    return c;
}

static err_code apply_plan(struct store_txn *t, void *planning, struct err *e)
{
    struct planning *p = planning;
    if (store_txn_revision(t) != p->result.revision)
        return err_set(e, ERR_STALE, "the site has moved on while this was planned");
    return write_all(p, t, e);
}

static err_code plan_and_apply(struct store_txn *t, void *planning, struct err *e)
{
    err_code c = planning_run(t, planning, e);
    return c ? c : write_all(planning, t, e);
}

static err_code apply(struct planning *p, const struct store_note *note, uint64_t *ret_revision,
                      struct err *e)
{
    struct store *s = p->service->store;
    for (int i = 0; i < TRIES; i++) {
        err_code c = store_read(s, planning_run, p, e);
        const struct service_planned *r = &p->result;
        *ret_revision = r->revision;
        if (c || r->added + r->changed + r->removed == 0)
            return c;
        c = store_write(s, note, apply_plan, p, ret_revision, e);
        if (c != ERR_STALE)
            return c;
    }
    return store_write(s, note, plan_and_apply, p, ret_revision, e);
}

err_code service_apply(struct service *s, const struct service_bundle *b,
                       const struct service_plan_options *o, const struct service_author *author,
                       const struct service_plan_sink *sink, struct findings *f,
                       struct service_planned *ret, struct err *e)
{
    struct planning p;
    uint64_t revision = 0;
    err_code c = planning_open(&p, s, b, o, sink, f, e);
    struct store_note note = {author->who, author->message};
    if (!note.message.n && p.bundle.message.n)
        note.message = p.bundle.message;
    if (!c)
        c = apply(&p, &note, &revision, e);
    if (!c)
        c = follower_wait(s, revision, NULL, e);
    if (!c) {
        *ret = p.result;
        ret->revision = revision;
    }
    planning_close(&p);
    return c;
}
