/*
 * What is committed lies in the write-ahead log; now and then its pages go into the database file,
 * so that the log begins anew. SQLite would do that at the end of some commit, which then takes a
 * tenth of a second; here a thread with a connection of its own does it while writes go on.
 *
 * The log begins anew only once all of it is in the file, and while the thread works more is
 * committed. So it goes over the log again, with less to do each time, and the writer itself does
 * the little that is left after its next commit, where nobody adds more.
 */
#include <stdlib.h>

#include "base/always.h"
#include "store/state.h"

/* Pages of 4 KiB in the log from which on the thread works. */
#define WORK_PAGES 4000
/* From which on the writer does it: the thread cannot keep up, or does not run. */
#define LATE_PAGES 40000
/* Little enough for the writer. */
#define LITTLE_PAGES 400
#define ROUNDS       4

struct checkpointer {
    struct sql_conn *c;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    /* Under the lock. */
    bool wanted, stop;
    bool rest; /* little is left, for the writer to do */
};

/* After each commit, on the thread of who wrote, without a lock on the database. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct checkpointer *k = arg;
    pthread_mutex_lock(&k->lock);
    bool here = k->rest || pages >= LATE_PAGES;
    k->rest = false;
    if (!here && pages >= WORK_PAGES) {
        k->wanted = true;
        pthread_cond_signal(&k->work);
    }
    pthread_mutex_unlock(&k->lock);
    if (here)
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

/*
 * Until little was committed while it worked; what that was is not known, since SQLite tells of the
 * log as it was at the start. What fails here fails again where somebody is told: at the next
 * write.
 */
static bool run(struct checkpointer *k)
{
    int before = 0, log = 0, done = 0;
    for (int i = 0; i < ROUNDS && (i == 0 || log - before > LITTLE_PAGES); i++) {
        before = log;
        if (sqlite3_wal_checkpoint_v2(k->c->db, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &done) !=
            SQLITE_OK)
            return false;
    }
    return true;
}

static void *checkpointer_main(void *arg)
{
    struct checkpointer *k = arg;
    pthread_mutex_lock(&k->lock);
    for (;;) {
        while (!k->wanted && !k->stop)
            pthread_cond_wait(&k->work, &k->lock);
        if (k->stop)
            break;
        pthread_mutex_unlock(&k->lock);
        bool done = run(k);
        pthread_mutex_lock(&k->lock);
        k->rest = done;
        /* Only one may work at a time: this thread is not to be in the writer's way. */
        k->wanted = false;
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

err_code checkpointer_start(struct store *s, struct err *e)
{
    struct checkpointer *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, ERR_NOMEM, "out of memory");
    err_code rc = sql_open(s->path, SQL_WRITER, s->busy_ms, &k->c, e);
    if (rc) {
        free(k);
        return rc;
    }
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->work, NULL);
    int why = pthread_create(&k->thread, NULL, checkpointer_main, k);
    if (why) {
        sql_close(k->c);
        free(k);
        return err_errno(e, ERR_NOMEM, why, "cannot start the checkpoint thread");
    }
    sqlite3_wal_hook(s->writer.c->db, on_commit, k);
    s->checkpointer = k;
    return ERR_OK;
}

void checkpointer_stop(struct store *s)
{
    struct checkpointer *k = s->checkpointer;
    if (!k)
        return;
    sqlite3_wal_hook(s->writer.c->db, NULL, NULL);
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->work);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->work);
    pthread_mutex_destroy(&k->lock);
    sql_close(k->c);
    free(k);
    s->checkpointer = NULL;
}
