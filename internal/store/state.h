/*
 * state.h - what an open store is made of. Private to this folder.
 *
 * One connection belongs to whoever writes, one to store_changed, and reads take theirs from a
 * pool, so that a long read holds up neither the others nor the follower. Lock order: none; no lock
 * is held while another is taken or while a callback runs.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <pthread.h>

#include "store/sql.h"
#include "store/store.h"

/* A write that waits, on the stack of the thread that waits for it. */
struct write {
    struct write *next;
    const struct store_note *note;
    store_job *job;
    void *arg;
    bool done, leads;
    err_code code;
    struct err err;
    uint64_t revision;
    pthread_cond_t wake;
};

struct checkpointer;

struct writer {
    struct sql_conn *c; /* the leader's */
    uint64_t keep_revisions;
    pthread_mutex_t lock; /* of all that follows */
    struct write *first, **last;
    bool led;     /* somebody leads, or has been told to */
    bool running; /* leader runs jobs */
    pthread_t leader;
    struct store_stats stats;
};

struct store {
    char *path;
    bool read_only;
    int busy_ms;
    struct {
        pthread_mutex_t lock;
        struct sql_conn *idle;
        uint32_t idle_n;
    } pool;
    struct {
        pthread_mutex_t lock;
        struct sql_conn *c;
        uint64_t version; /* PRAGMA data_version when last asked */
    } watch;
    struct writer writer;
    struct checkpointer *checkpointer; /* NULL when reading only */
};

struct store_txn {
    struct sql_conn *c;
    const struct store_note *note;
    uint64_t revision; /* the newest that is there, this job's own included */
    bool changed;      /* this job has made one */
    bool reads_only;   /* of store_read */
    err_code broken;   /* a statement failed: nothing more may run, and the job has failed */
    struct err err;
};

/* txn.c */
/* The end of each store_txn_ function: what failed breaks the transaction. t->err was set if rc is
   not ERR_OK, and is copied to e. */
err_code txn_end(struct store_txn *t, err_code rc, struct err *e);

/* lists.c: selectors with lists; as in txn.c, errors are in t->err */
/* Does a stored selector have a list, perhaps? */
bool lists_perhaps(struct str selector);
/* Puts what a group's selector stands for in the place of what is there. */
err_code lists_write(struct store_txn *t, struct str id, struct str selector);
err_code lists_drop(struct store_txn *t, struct str id);

/* store.c */
/* The folder of path as a new string; NULL without memory. */
char *store_folder(const char *path);
/* A new name is durable only when its folder is. */
err_code store_sync_folder(const char *folder, struct err *e);

/* pool: store.c */
err_code store_take(struct store *s, struct sql_conn **ret, struct err *e);
void store_give(struct store *s, struct sql_conn *c);

/* migrate.c */
/* Whether the file is ours and how old: ERR_CORRUPT, ERR_UNSUPPORTED when newer. 0: it is empty. */
err_code migrate_version(struct sql_conn *c, uint64_t *ret, struct err *e);
/* The version that this program writes. */
uint64_t migrate_latest(void);
/* Brings the schema up to date in one transaction. */
err_code migrate(struct sql_conn *c, int busy_ms, struct err *e);
/* Inside a write: ERR_UNSUPPORTED if another process has upgraded the file in the meantime. */
err_code migrate_unchanged(struct sql_conn *c, struct err *e);

/* writer.c */
void writer_start(struct writer *w);
/* Nobody may write any more. */
void writer_stop(struct writer *w);

/* checkpoint.c */
/* Takes the writer's log into the file from now on; nobody may write yet. */
err_code checkpointer_start(struct store *s, struct err *e);
/* Nobody may write any more. */
void checkpointer_stop(struct store *s);

/* history.c */
/* Inside a write that has made a revision: forgets what is more than `keep` (0: nothing). */
err_code history_trim(struct sql_conn *c, uint64_t revision, uint64_t keep, struct err *e);

/* changes.c */
/* All templates and profiles, which is all that groups are made of. */
err_code present_parts(struct sql_conn *c, store_each_change *each, void *arg, struct err *e);

/* read.c */
/* Of a row with the columns kind, name, selector, body, revision; gone at the next step. */
struct store_resource read_row(const struct sql_query *q, enum store_type type);
/* One resource by key, copied to a. *found false, and *ret untouched, if it is not there. */
err_code read_one(struct sql_conn *c, const struct store_key *k, struct arena *a,
                  struct store_resource *ret, bool *found, struct err *e);
/* ERR_NOT_FOUND in words. */
err_code read_missing(const struct store_key *k, struct err *e);

#endif
