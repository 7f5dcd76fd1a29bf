/*
 * store.h - the durable truth: groups, profiles and templates in SQLite, with their history.
 *
 * Every change belongs to a revision (who, when, why); revisions are numbered from 1 without gaps.
 * A write is a job that runs inside a transaction, one at a time, so what it reads there cannot
 * change under it; jobs that wait together share one commit to disk (group commit), and a job that
 * fails leaves no trace of itself. A write is durable when store_write returns (WAL,
 * synchronous=FULL). Several processes may write to one file.
 *
 * The store keeps what it is given: it does not parse resources. References are by name and may
 * dangle; who may make a dangling one is the business of `service`.
 *
 * Thread rule: all functions may be called from any thread, but the store_txn_ ones only inside the
 * job that was given the transaction. Only this folder includes sqlite3.h.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/model.h"

struct store;
struct store_txn;

enum store_type { STORE_GROUP = 1, STORE_PROFILE = 2, STORE_TEMPLATE = 3 };

/* Names one resource. kind is 0 but for templates. */
struct store_key {
    enum store_type type;
    enum model_kind kind;
    struct str name;
};

/* A name of another resource inside one: a group's profile, a profile's template. */
struct store_ref {
    enum store_type type;
    enum model_kind kind;
    struct str name;
};

struct store_resource {
    struct store_key key;
    struct str body;     /* canonical JSON of a group or profile, bytes of a template */
    struct str selector; /* groups: canonical JSON of the selector's pairs (model_selector_write);
                            else "" */
    const struct store_ref *refs;
    uint32_t refs_n;
    uint64_t revision; /* that last changed it; set by the store */
};

struct store_options {
    const char *path;        /* the database file; its folder must exist */
    bool read_only;          /* no writes, no migration, nothing is created */
    int busy_ms;             /* how long to wait for another process's lock; 0: 5000 */
    uint64_t keep_revisions; /* of history, or up to 1 % more; 0: this store trims nothing */
};

/*
 * Opens or creates (mode 0600) the database and brings its schema up to date in one transaction.
 * ERR_NOT_FOUND: the folder, or with read_only the file, is missing; ERR_CORRUPT: it is no database
 * of ours, or damaged; ERR_UNSUPPORTED: made by a newer Vesta; ERR_DENIED: read-only or not
 * permitted; ERR_BUSY: another process has it locked; ERR_IO. Each message says what to do, and
 * e->file names the file. With read_only, SQLite may still make its -shm and -wal beside it.
 */
err_code store_open(const struct store_options *o, struct store **ret, struct err *e);
/* No call may still run. The last to close takes the -wal file's content into the database and
   removes it, so what a clean stop leaves is one file. */
void store_close(struct store *s);

/* --- writing --------------------------------------------------------------------------------- */

struct store_note {
    struct str who;     /* a token's name, or "cli:USER" */
    struct str message; /* may be empty */
};

/* Returns anything but ERR_OK to undo all that it did. It may run again from the start after a
   failed commit that it shared with others, so it must not change anything but through txn and its
   own results. It runs on the thread of somebody who writes at the same time, or the caller's. */
typedef err_code store_job(struct store_txn *txn, void *arg, struct err *e);

/*
 * Runs job in a transaction and commits it. *ret_revision (it may be NULL) is the new revision, or
 * the current one if the job changed nothing. note may be NULL. Errors: the job's own; ERR_IO (a
 * full disk: nothing was changed, reading goes on), ERR_BUSY, ERR_CORRUPT, ERR_DENIED (read-only),
 * ERR_UNSUPPORTED (a newer Vesta has upgraded the file in the meantime). A job must not write to
 * the store but through its txn.
 */
err_code store_write(struct store *s, const struct store_note *note, store_job *job, void *arg,
                     uint64_t *ret_revision, struct err *e);

/* Inserts or replaces; the same content, selector and refs again are no change. A large import is
   several times faster when groups come in the order of their ids. If a store_txn_ function fails
   with anything but ERR_NOT_FOUND, the whole job fails, whatever it returns. */
err_code store_txn_put(struct store_txn *t, const struct store_resource *r, struct err *e);
/* ERR_NOT_FOUND. */
err_code store_txn_delete(struct store_txn *t, const struct store_key *k, struct err *e);
/* ERR_NOT_FOUND; ERR_NOMEM if a is full. The result lives in a. refs are not filled. */
err_code store_txn_get(struct store_txn *t, const struct store_key *k, struct arena *a,
                       struct store_resource *ret, struct err *e);
bool store_txn_exists(struct store_txn *t, const struct store_key *k);
/* Id of the first other group, by id, with this selector, or with a combination of its lists;
   ERR_NOT_FOUND if there is none. */
err_code store_txn_selector_owner(struct store_txn *t, struct str selector, struct str but_id,
                                  struct arena *a, struct str *ret, struct err *e);
/* The same of all groups, the first whose id is greater; "" is less than any id. */
err_code store_txn_selector_next(struct store_txn *t, struct str selector, struct str after_id,
                                 struct arena *a, struct str *ret, struct err *e);
/*
 * Calls fn with the texts of the selectors without lists that a selector stands for, of which one
 * without lists is the only one. Ends with its error; ERR_CORRUPT, ERR_NOMEM.
 */
typedef err_code store_each_selector(void *arg, struct str selector, struct err *e);
err_code store_selector_each(struct str selector, store_each_selector *fn, void *arg,
                             struct err *e);
/* Up to max keys of resources that refer to k, by name; *ret_n is how many were stored. */
err_code store_txn_users(struct store_txn *t, const struct store_key *k, struct arena *a,
                         struct store_key *keys, uint32_t max, uint32_t *ret_n, struct err *e);
/* The current revision as this transaction sees it. */
uint64_t store_txn_revision(struct store_txn *t);

/* --- reading --------------------------------------------------------------------------------- */

/*
 * Runs job on the calling thread in a transaction that only reads: all that it sees is of one
 * moment, whatever is written meanwhile, and no writer waits for it. The functions that write
 * answer ERR_DENIED, which fails the job. It runs once. Errors: the job's own; ERR_IO, ERR_BUSY,
 * ERR_CORRUPT.
 */
err_code store_read(struct store *s, store_job *job, void *arg, struct err *e);

/* ERR_NOT_FOUND; ERR_NOMEM if a is full. The result lives in a. refs are not filled. */
err_code store_get(struct store *s, const struct store_key *k, struct arena *a,
                   struct store_resource *ret, struct err *e);

/* Called for each resource, refs not filled; what r points to is gone afterwards. Not ERR_OK stops
   and is returned. No lock is held: it may read from the store and write to it. */
typedef err_code store_each(void *arg, const struct store_resource *r, struct err *e);

#define STORE_LIST_LABELS 32

struct store_list {
    enum store_type type;
    bool one_kind; /* templates: only of `kind` */
    enum model_kind kind;
    struct str after; /* names greater than this; with one_kind false: after_kind, then name */
    enum model_kind after_kind;
    bool has_after;
    struct str prefix;  /* names that begin so */
    struct str profile; /* groups only: that name this profile; absent (p == NULL): any */
    /* Groups only: whose selector has all of these pairs; at most STORE_LIST_LABELS. There is no
       index for them: every group that the rest of this allows is looked at, until limit. */
    struct labels labels;
    uint64_t limit; /* 0: all */
};
/*
 * In byte order of names (templates: kind, then name), all of one moment. The first as the job's
 * transaction sees it; its callback may read in the same transaction.
 */
err_code store_txn_for_each(struct store_txn *t, const struct store_list *l, store_each *each,
                            void *arg, struct err *e);
err_code store_for_each(struct store *s, const struct store_list *l, store_each *each, void *arg,
                        struct err *e);

/* Current revision; 0 in an empty database. */
err_code store_revision(struct store *s, uint64_t *ret, struct err *e);

/*
 * True if this store or any other, in this process or another, has committed since this was last
 * asked, or since the opening (PRAGMA data_version of a connection that only this uses). It is for
 * one follower: who asks next is told of later commits only. A few microseconds, no disk.
 */
bool store_changed(struct store *s);

/* Is the database file still where it was opened? ERR_IO: it was moved, removed or replaced, and
   writes are refused until it is back. One system call; for the same follower. */
err_code store_in_place(struct store *s, struct err *e);

struct store_change {
    uint64_t revision;
    bool deleted;
    struct store_resource r; /* body empty when deleted */
};
typedef err_code store_each_change(void *arg, const struct store_change *c, struct err *e);
/*
 * All changes after revision `since`, in order, from one consistent snapshot; *ret_revision is the
 * revision of that snapshot. With since == 0 it gives the present state (each resource once,
 * templates, profiles, groups), which is also what ERR_STALE asks the caller to do: the history no
 * longer reaches back to `since`, or `since` is newer than the database (a backup was restored).
 * refs are not filled; each may use the store, as in store_for_each.
 */
err_code store_changes_since(struct store *s, uint64_t since, store_each_change *each, void *arg,
                             uint64_t *ret_revision, struct err *e);

/*
 * The present state as store_changes_since gives it with since == 0, read by this thread and up to
 * threads - 1 more at once: each gets args[0] on this thread, which has all templates and profiles,
 * and args[i] on another; in what order groups come and to whom is not said. Of one moment all the
 * same. An error of any ends all.
 */
err_code store_present(struct store *s, unsigned threads, store_each_change *each,
                       void *const *args, uint64_t *ret_revision, struct err *e);

/* --- history ---------------------------------------------------------------------------------- */

/*
 * The states of resources are known as each revision left them, from the oldest one that history
 * reaches back to; before the first there is the empty site, revision 0. Functions that are given
 * another revision answer ERR_NOT_FOUND and say how far history goes.
 */

struct store_revision {
    uint64_t n;
    uint64_t at; /* seconds since 1970 */
    struct str who, message;
    uint64_t changes; /* resources that it changed */
};
typedef err_code store_each_revision(void *arg, const struct store_revision *r, struct err *e);
/* Newest first, those before `before` (0: all), at most limit; as store_for_each in all else. */
err_code store_revisions(struct store *s, uint64_t before, uint64_t limit,
                         store_each_revision *each, void *arg, struct err *e);

struct store_difference {
    struct store_key key;
    struct str from, to; /* bodies; absent where it is not there */
};
typedef err_code store_each_difference(void *arg, const struct store_difference *d, struct err *e);
/* Each resource that is not the same in both revisions, by type, kind and name; either may be the
   older one. each may use the store, as in store_for_each. */
err_code store_differences(struct store *s, uint64_t from, uint64_t to, store_each_difference *each,
                           void *arg, struct err *e);
/* Inside a job; `to` may be the revision that it is making. each must not use the transaction. */
err_code store_txn_differences(struct store_txn *t, uint64_t from, uint64_t to,
                               store_each_difference *each, void *arg, struct err *e);

/* The body of a resource as a revision left it, in a. ERR_NOT_FOUND too when it was not there. */
err_code store_get_at(struct store *s, const struct store_key *k, uint64_t revision,
                      struct arena *a, struct str *ret, struct err *e);
err_code store_txn_get_at(struct store_txn *t, const struct store_key *k, uint64_t revision,
                          struct arena *a, struct str *ret, struct err *e);

/* --- tokens: only hashes are kept ---------------------------------------------------------------
 */

enum store_role { STORE_ROLE_READ = 1, STORE_ROLE_WRITE = 2, STORE_ROLE_ADMIN = 3 };

#define STORE_HASH 32

struct store_token {
    struct str id; /* short, not secret */
    struct str name;
    enum store_role role;
    unsigned char hash[STORE_HASH]; /* of the secret; who makes it chooses the hash */
    uint64_t created, expires;      /* seconds since 1970; expires 0: never */
    uint64_t used;                  /* when it was last noted; 0: never. store_token_put keeps it */
};
/* Inserts or replaces by id. ERR_INVALID: a time above 2^63 - 1. Tokens make no revision. */
err_code store_token_put(struct store *s, const struct store_token *t, struct err *e);
typedef err_code store_each_token(void *arg, const struct store_token *t, struct err *e);
/* In order of ids. */
err_code store_tokens(struct store *s, store_each_token *each, void *arg, struct err *e);
/* Those with this hash. O(log n). */
err_code store_tokens_of_hash(struct store *s, const unsigned char hash[STORE_HASH],
                              store_each_token *each, void *arg, struct err *e);

/* The same inside a job. each must not use the transaction. */
err_code store_txn_token_put(struct store_txn *t, const struct store_token *token, struct err *e);
err_code store_txn_tokens(struct store_txn *t, store_each_token *each, void *arg, struct err *e);
/* ERR_NOT_FOUND. */
err_code store_txn_token_delete(struct store_txn *t, struct str id, struct err *e);
/* Notes a use, unless a later one is noted; a token that is not there is no error. */
err_code store_txn_token_used(struct store_txn *t, struct str id, uint64_t at, struct err *e);

/* --- backup and restore ------------------------------------------------------------------------
 */

/* Called now and then with how much of how much is done; the units are the same. False: stop;
   the call then fails with ERR_BUSY, and a backup or restore leaves nothing behind. */
typedef bool store_progress(void *arg, uint64_t done, uint64_t all);

/*
 * Writes the database at path, which others may have open and write to meanwhile, as of one moment
 * to a new file (0600), checks it, and gives it its name only then. ERR_CONFLICT: there is such a
 * file; ERR_NOT_FOUND, ERR_CORRUPT, ERR_UNSUPPORTED, ERR_DENIED, ERR_IO. progress may be NULL.
 */
err_code store_backup(const char *path, const char *file, store_progress *progress, void *arg,
                      struct err *e);

struct store_restored {
    uint64_t revision; /* of the backup */
    char kept[4096];   /* where the database that was there is now; "" if there was none */
};
/*
 * Puts a backup in the place of the database at path, which nobody may have open: ERR_BUSY. The
 * file is copied and checked first (application id, schema, PRAGMA integrity_check): ERR_CORRUPT
 * or ERR_UNSUPPORTED says what it is instead, and nothing has changed. The old database, which may
 * be damaged, stays beside the new one under another name. ERR_NOT_FOUND, ERR_DENIED, ERR_IO.
 */
err_code store_restore(const char *path, const char *file, struct store_restored *ret,
                       store_progress *progress, void *arg, struct err *e);

/* Since the opening. */
struct store_stats {
    uint64_t commits;   /* transactions that changed something */
    uint64_t revisions; /* writes that made one */
    uint64_t failures;  /* writes that returned an error, their job's own included */
    uint64_t write_us;  /* sum of the time of those transactions, from BEGIN to the synced COMMIT */
};
void store_stats(struct store *s, struct store_stats *ret);

#endif
