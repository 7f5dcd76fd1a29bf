/*
 * The way back to a revision: all that differs from it is put as it was, or deleted, in one
 * transaction. Whether the result is valid is asked when all of it is in place, so that the order
 * does not matter; if it is not, the transaction is undone.
 */
#include <stdlib.h>

#include "service/bundle.h"
#include "service/site.h"
#include "service/state.h"

#define JOB_ARENA_MAX      ((size_t)1 << 30)
#define RESOURCE_ARENA_MAX (64u << 20)

/* One resource that goes back, with what is asked of it in the end. */
struct step {
    struct step *next;
    struct store_key key;
    bool removed;
    struct str selector;
    struct store_ref *refs;
    uint32_t refs_n;
};

struct rollback {
    struct service *service;
    uint64_t from, to;
    struct arena *arena; /* of the steps */
    struct step *first, **last;
    struct store_key *keys; /* of the steps, sorted */
    size_t steps;
    struct findings *findings;
};

/* What the site before is read from. */
struct before {
    const struct rollback *r;
    struct store_txn *txn;
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while going back");
}

static err_code add_step(void *arg, const struct store_difference *d, struct err *e)
{
    struct rollback *r = arg;
    struct step *s = arena_calloc(r->arena, 1, sizeof *s);
    if (!s)
        return nomem(e);
    s->key = d->key;
    s->removed = !d->to.p;
    if (!arena_str(r->arena, d->key.name, &s->key.name))
        return nomem(e);
    *r->last = s;
    r->last = &s->next;
    r->steps++;
    return ERR_OK;
}

/* Findings of what follows name the resource's file in a site. */
static err_code name_file(struct rollback *r, const struct store_key *k, struct err *e)
{
    struct buf name;
    buf_in_arena(&name, r->findings->arena, 4096);
    site_name(k, &name);
    if (name.failed)
        return nomem(e);
    r->findings->file = buf_str(&name);
    return ERR_OK;
}

static err_code keep_refs(struct rollback *r, struct step *s, const struct store_resource *x,
                          struct err *e)
{
    s->refs = x->refs_n ? arena_calloc(r->arena, x->refs_n, sizeof *s->refs) : NULL;
    if ((x->refs_n && !s->refs) || !arena_str(r->arena, x->selector, &s->selector))
        return nomem(e);
    for (uint32_t i = 0; i < x->refs_n; i++) {
        s->refs[i] = x->refs[i];
        if (!arena_str(r->arena, x->refs[i].name, &s->refs[i].name))
            return nomem(e);
    }
    s->refs_n = x->refs_n;
    return ERR_OK;
}

/* Puts it as it was. What is not valid becomes findings, and the others are gone on with. */
static err_code put_back(struct store_txn *t, struct rollback *r, struct step *s, struct err *e)
{
    ARENA_LOCAL(a, RESOURCE_ARENA_MAX);
    struct str body;
    struct store_resource x;
    struct err why = ERR_INIT;
    err_code c = store_txn_get_at(t, &s->key, r->to, &a, &body, e);
    if (c)
        return c;
    size_t errors = r->findings->errors;
    c = validate_resource(r->service->secrets, &a, &s->key, body, MODEL_STRICT, r->findings, &x,
                          &why);
    if (c == ERR_NOMEM) {
        if (e)
            *e = why;
        return c;
    }
    if (c && r->findings->errors == errors)
        findings_add_err(r->findings, FINDING_ERROR, &why);
    if (c)
        return ERR_OK;
    c = keep_refs(r, s, &x, e);
    return c ? c : store_txn_put(t, &x, e);
}

/* A conflict becomes a finding; other errors are passed on. */
static err_code as_finding(struct rollback *r, err_code c, const struct err *why, struct err *e)
{
    if (c == ERR_CONFLICT)
        findings_add(r->findings, FINDING_ERROR, NULL, 0, 0, "%s", why->msg);
    else if (c && e)
        *e = *why;
    return c == ERR_CONFLICT ? ERR_OK : c;
}

static err_code check_step(struct store_txn *t, struct rollback *r, const struct step *s,
                           struct err *e)
{
    ARENA_LOCAL(a, RESOURCE_ARENA_MAX);
    struct err why = ERR_INIT;
    if (s->removed)
        return as_finding(r, check_users(t, &s->key, &a, &why), &why, e);
    struct store_resource x = {
        .key = s->key, .selector = s->selector, .refs = s->refs, .refs_n = s->refs_n};
    check_references(t, &x, r->findings);
    return as_finding(r, check_selector(t, &x, &a, &why), &why, e);
}

/* --- documents: the site before, in the transaction that has gone back ----------------------- */

static int by_key(const void *a, const void *b)
{
    return bundle_key_cmp(a, b);
}

static err_code over(void *ctx, const struct store_key *k, struct arena *a, bool *ret_decides,
                     struct str *ret_body, struct err *e)
{
    const struct before *b = ctx;
    *ret_body = (struct str){NULL, 0};
    *ret_decides = bsearch(k, b->r->keys, b->r->steps, sizeof *k, by_key) != NULL;
    err_code c = *ret_decides ? store_txn_get_at(b->txn, k, b->r->from, a, ret_body, e) : ERR_OK;
    return c == ERR_NOT_FOUND ? ERR_OK : c;
}

static void over_files(void *ctx, struct str prefix, state_name *add, void *arg)
{
    const struct before *b = ctx;
    for (size_t i = 0; i < b->r->steps; i++) {
        const struct store_key *k = &b->r->keys[i];
        ARENA_LOCAL(a, RESOURCE_ARENA_MAX);
        struct str body;
        if (k->type == STORE_TEMPLATE && k->kind == MODEL_FILES && str_starts(k->name, prefix) &&
            store_txn_get_at(b->txn, k, b->r->from, &a, &body, NULL) == ERR_OK)
            add(arg, k->name);
    }
}

static err_code check_all_documents(struct store_txn *t, struct rollback *r, struct err *e)
{
    size_t n = 0;
    struct before before = {r, t};
    struct state state = {.txn = t, .over = over, .files = over_files, .ctx = &before};
    r->keys = r->steps ? arena_calloc(r->arena, r->steps, sizeof *r->keys) : NULL;
    if (r->steps && !r->keys)
        return nomem(e);
    for (const struct step *s = r->first; s; s = s->next)
        r->keys[n++] = s->key;
    if (n)
        qsort(r->keys, n, sizeof *r->keys, by_key);
    return check_documents(r->service, t, &state, r->keys, n, r->findings, e);
}

static err_code run_rollback(struct store_txn *t, void *arg, struct err *e)
{
    struct rollback *r = arg;
    arena_reset(r->arena);
    findings_init(r->findings, r->findings->arena);
    r->first = NULL;
    r->last = &r->first;
    r->steps = 0;
    r->from = store_txn_revision(t);
    err_code c = store_txn_differences(t, r->from, r->to, add_step, r, e);
    for (struct step *s = r->first; s && !c; s = s->next) {
        c = name_file(r, &s->key, e);
        if (!c)
            c = s->removed ? store_txn_delete(t, &s->key, e) : put_back(t, r, s, e);
    }
    /* References to what did not come back would only say the same again. */
    bool all_there = !c && !r->findings->errors;
    for (struct step *s = r->first; s && !c && all_there; s = s->next) {
        c = name_file(r, &s->key, e);
        if (!c)
            c = check_step(t, r, s, e);
    }
    r->findings->file = (struct str){NULL, 0};
    if (!c && !r->findings->errors)
        c = check_all_documents(t, r, e);
    if (!c && r->findings->errors)
        c = err_set(e, ERR_INVALID,
                    "revision %llu is no longer valid as it was: nothing was changed",
                    (unsigned long long)r->to);
    return c;
}

err_code service_rollback(struct service *s, uint64_t n, const struct service_author *author,
                          struct findings *f, uint64_t *ret_revision, struct err *e)
{
    ARENA_LOCAL(arena, JOB_ARENA_MAX);
    BUF_LOCAL(message, 64 * 1024);
    struct rollback r = {.service = s, .to = n, .arena = &arena, .findings = f};
    uint64_t revision;
    if (n == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no revision 0: the first one is 1");
    buf_addf(&message, "back to revision %llu%s", (unsigned long long)n,
             author->message.n ? ": " : "");
    buf_add_str(&message, author->message);
    if (message.failed)
        return nomem(e);
    struct store_note note = {author->who, buf_str(&message)};
    err_code c = store_write(s->store, &note, run_rollback, &r, &revision, e);
    if (!c)
        c = follower_wait(s, revision, NULL, e);
    if (!c)
        *ret_revision = revision;
    return c;
}
