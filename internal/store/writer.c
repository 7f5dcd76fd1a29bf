/*
 * Group commit.
 *
 * Whoever writes puts a struct write from its own stack into the queue. Who finds that nobody
 * writes leads: it takes all that wait and runs them in one transaction, each in a savepoint of its
 * own, so that they share one sync of the disk and a job that fails takes nothing with it but its
 * own changes. While the disk syncs, the next batch gathers; the first of it leads next, and the
 * others sleep until they are done. So who writes alone waits for no other thread.
 *
 * A transaction can be lost as a whole: COMMIT fails, or SQLite rolls back by itself because the
 * disk is full. Then none of its jobs has happened, not even in what another job of the batch has
 * seen; so each is run again, alone, and gets its own answer. Nothing is acknowledged before the
 * COMMIT that holds it has returned.
 */
#include <pthread.h>
#include <time.h>

#include "base/always.h"
#include "store/state.h"

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static err_code begin(struct sql_conn *c, uint64_t *ret_revision, struct err *e)
{
    err_code rc = sql_run(c, "BEGIN IMMEDIATE", e);
    if (!rc)
        rc = migrate_unchanged(c, e);
    if (!rc)
        rc = sql_number(c, SQL_LAST_REVISION, ret_revision, e);
    return rc;
}

/* Runs one job; its result is in w. */
static void run_job(struct sql_conn *c, struct write *w, uint64_t revision)
{
    struct store_txn t = {.c = c, .note = w->note, .revision = revision};
    w->err = ERR_INIT;
    w->code = w->job(&t, w->arg, &w->err);
    if (t.broken) { /* even if the job did not mind */
        w->code = t.broken;
        w->err = t.err;
    }
    w->revision = w->code ? revision : t.revision;
}

/* Each job in its savepoint. An error is one of the transaction: all of it is lost. */
static err_code run_batch(struct sql_conn *c, struct write *list, uint64_t revision, struct err *e)
{
    for (struct write *w = list; w; w = w->next) {
        err_code rc = sql_run(c, "SAVEPOINT job", e);
        if (rc)
            return rc;
        run_job(c, w, revision);
        if (sqlite3_get_autocommit(c->db))
            return err_set(e, ERR_IO, "SQLite has rolled the transaction back");
        if (w->code)
            rc = sql_run(c, "ROLLBACK TO job", e);
        if (!rc)
            rc = sql_run(c, "RELEASE job", e);
        if (rc)
            return rc;
        revision = w->revision;
    }
    return ERR_OK;
}

static void refuse_all(struct write *list, err_code rc, const struct err *e)
{
    for (struct write *w = list; w; w = w->next) {
        w->code = rc;
        w->err = *e;
    }
}

static void count(struct writer *wr, const struct write *list, uint64_t before, bool written,
                  uint64_t us)
{
    pthread_mutex_lock(&wr->lock);
    wr->stats.commits += written;
    wr->stats.write_us += written ? us : 0;
    for (const struct write *w = list; w; w = w->next) {
        wr->stats.revisions += w->code == ERR_OK && w->revision > before;
        wr->stats.failures += w->code != ERR_OK;
        before = w->revision;
    }
    pthread_mutex_unlock(&wr->lock);
}

/* The jobs have run; if they made revisions, the oldest ones may have to go. */
static err_code trim(struct writer *wr, const struct write *list, uint64_t before, struct err *e)
{
    uint64_t revision = before;
    for (const struct write *w = list; w; w = w->next)
        revision = w->revision;
    return revision > before ? history_trim(wr->c, revision, wr->keep_revisions, e) : ERR_OK;
}

/* Runs a list in one transaction. False if that was lost and each should be tried alone. */
static bool transact(struct writer *wr, struct write *list)
{
    struct sql_conn *c = wr->c;
    struct err e = ERR_INIT;
    uint64_t start = now_us(), revision = 0;
    sqlite3_int64 changes = sqlite3_total_changes64(c->db);
    err_code rc = sql_in_place(c, &e);
    if (!rc)
        rc = begin(c, &revision, &e);
    bool begun = rc == ERR_OK;
    if (begun && list->next) {
        rc = run_batch(c, list, revision, &e);
    } else if (begun) {
        run_job(c, list, revision); /* alone it needs no savepoint */
        rc = list->code;
        e = list->err;
    }
    if (!rc)
        rc = trim(wr, list, revision, &e);
    if (!rc)
        rc = sql_run(c, "COMMIT", &e);
    if (rc) {
        sql_rollback(c);
        if (begun && list->next)
            return false;
        refuse_all(list, rc, &e);
    }
    count(wr, list, revision, !rc && sqlite3_total_changes64(c->db) > changes, now_us() - start);
    return true;
}

/* The lock is held. */
static void finish(struct write *list)
{
    for (struct write *w = list, *next; w; w = next) {
        next = w->next; /* w is gone once its thread runs */
        w->done = true;
        pthread_cond_signal(&w->wake);
    }
}

static void run_each_alone(struct writer *wr, struct write *list)
{
    for (struct write *w = list, *next; w; w = next) {
        next = w->next;
        w->next = NULL;
        bool decided = transact(wr, w);
        always(decided);
        pthread_mutex_lock(&wr->lock);
        finish(w);
        pthread_mutex_unlock(&wr->lock);
    }
}

/* All that wait now, the caller's own write among them; comes and goes with the lock. */
static void lead(struct writer *wr)
{
    struct write *list = wr->first;
    wr->first = NULL;
    wr->last = &wr->first;
    wr->leader = pthread_self();
    wr->running = true;
    pthread_mutex_unlock(&wr->lock);
    bool together = transact(wr, list);
    if (!together)
        run_each_alone(wr, list);
    pthread_mutex_lock(&wr->lock);
    wr->running = false;
    if (together)
        finish(list);
    wr->led = wr->first != NULL;
    if (wr->led) {
        wr->first->leads = true;
        pthread_cond_signal(&wr->first->wake);
    }
}

void writer_start(struct writer *wr)
{
    wr->last = &wr->first;
    pthread_mutex_init(&wr->lock, NULL);
}

void writer_stop(struct writer *wr)
{
    always(!wr->led);
    pthread_mutex_destroy(&wr->lock);
}

static void run_write(struct writer *wr, struct write *w)
{
    pthread_mutex_lock(&wr->lock);
    /* A job that writes would wait for itself. */
    always(!wr->running || !pthread_equal(pthread_self(), wr->leader));
    *wr->last = w;
    wr->last = &w->next;
    if (!wr->led)
        w->leads = wr->led = true;
    while (!w->done && !w->leads)
        pthread_cond_wait(&w->wake, &wr->lock);
    if (!w->done)
        lead(wr);
    pthread_mutex_unlock(&wr->lock);
}

err_code store_write(struct store *s, const struct store_note *note, store_job *job, void *arg,
                     uint64_t *ret_revision, struct err *e)
{
    if (s->read_only) {
        err_set(e, ERR_DENIED, "the database was opened for reading only");
        err_in_file(e, s->path);
        return ERR_DENIED;
    }
    struct write w = {.note = note, .job = job, .arg = arg};
    pthread_cond_init(&w.wake, NULL);
    run_write(&s->writer, &w);
    pthread_cond_destroy(&w.wake);
    if (w.code) {
        if (e)
            *e = w.err;
        return w.code;
    }
    if (ret_revision)
        *ret_revision = w.revision;
    return ERR_OK;
}

void store_stats(struct store *s, struct store_stats *ret)
{
    *ret = (struct store_stats){0};
    if (s->read_only)
        return;
    pthread_mutex_lock(&s->writer.lock);
    *ret = s->writer.stats;
    pthread_mutex_unlock(&s->writer.lock);
}
