/*
 * The present state by several threads, each with a connection of its own. That they see the same
 * moment is certain because every change of what is read makes a revision: who finds another one
 * than the caller does nothing, and the caller, who takes part, does it all in the end.
 */
#include <stdlib.h>

#include "base/always.h"
#include "store/state.h"

#define THREADS_MAX 64
/* Rows of the table that a thread takes at a time. */
#define STEP 8192

struct present {
    struct store *store;
    store_each_change *each;
    uint64_t revision;
    uint64_t rows; /* the last row's number */
    uint64_t next; /* rows up to this are taken; atomic */
};

struct reader {
    struct present *present;
    void *arg;
    pthread_t thread;
    err_code code;
    struct err err;
};

static err_code read_rows(struct sql_conn *c, uint64_t from, uint64_t to, store_each_change *each,
                          void *arg, struct err *e)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, c,
                            "SELECT 0, id, selector, body, revision FROM groups"
                            " WHERE rowid > ?1 AND rowid <= ?2",
                            e);
    if (rc)
        return rc;
    sql_bind_u64(&q, 1, from);
    sql_bind_u64(&q, 2, to);
    for (bool row;;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            return rc;
        struct store_change change = {.r = read_row(&q, STORE_GROUP)};
        change.revision = change.r.revision;
        rc = each(arg, &change, e);
        if (rc)
            return rc;
    }
}

/* Takes rows until there are no more; at an error the others find none left. */
static err_code read_share(struct sql_conn *c, struct present *p, void *arg, struct err *e)
{
    for (;;) {
        uint64_t from = __atomic_fetch_add(&p->next, STEP, __ATOMIC_RELAXED);
        if (from >= p->rows)
            return ERR_OK;
        err_code rc = read_rows(c, from, from + STEP, p->each, arg, e);
        if (rc) {
            __atomic_store_n(&p->next, p->rows, __ATOMIC_RELAXED);
            return rc;
        }
    }
}

static void *reader_main(void *arg)
{
    struct reader *r = arg;
    struct present *p = r->present;
    struct sql_conn *c;
    uint64_t revision = 0;
    r->code = store_take(p->store, &c, &r->err);
    if (r->code)
        return NULL;
    r->code = sql_run(c, "BEGIN", &r->err);
    if (!r->code)
        r->code = sql_number(c, SQL_LAST_REVISION, &revision, &r->err);
    if (!r->code && revision == p->revision)
        r->code = read_share(c, p, r->arg, &r->err);
    store_give(p->store, c);
    return NULL;
}

/* The caller's own share and that of the others, as far as threads can be had. */
static err_code read_groups(struct sql_conn *c, struct present *p, unsigned threads,
                            void *const *args, struct err *e)
{
    struct reader others[THREADS_MAX];
    unsigned n = 0;
    for (unsigned i = 1; i < threads && i < THREADS_MAX && p->rows > STEP; i++) {
        struct reader *r = &others[n];
        *r = (struct reader){.present = p, .arg = args[i], .err = ERR_INIT};
        n += pthread_create(&r->thread, NULL, reader_main, r) == 0;
    }
    err_code rc = read_share(c, p, args[0], e);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(others[i].thread, NULL);
        if (others[i].code && !rc) {
            rc = others[i].code;
            if (e)
                *e = others[i].err;
        }
    }
    return rc;
}

static err_code read_all(struct sql_conn *c, struct present *p, unsigned threads, void *const *args,
                         struct err *e)
{
    err_code rc = sql_run(c, "BEGIN", e);
    if (!rc)
        rc = sql_number(c, SQL_LAST_REVISION, &p->revision, e);
    if (!rc)
        rc = sql_number(c, "SELECT max(rowid) FROM groups", &p->rows, e);
    if (!rc)
        rc = present_parts(c, p->each, args[0], e);
    return rc ? rc : read_groups(c, p, threads, args, e);
}

err_code store_present(struct store *s, unsigned threads, store_each_change *each,
                       void *const *args, uint64_t *ret_revision, struct err *e)
{
    always(threads > 0);
    struct present p = {.store = s, .each = each};
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = read_all(c, &p, threads, args, e);
    store_give(s, c); /* which ends the transaction */
    if (!rc)
        *ret_revision = p.revision;
    return rc;
}
