/*
 * sql.h - a connection to SQLite and the statements prepared on it. Private to this folder.
 *
 * A connection belongs to one thread at a time. Statements are prepared once and kept with their
 * connection, found by the address of their text: each text is a constant. All errors of SQLite
 * become ours in one function, sql_fail.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#define SQL_KEPT 80

enum sql_mode {
    SQL_WRITER,    /* the file must exist */
    SQL_READER,    /* of a store that writes too */
    SQL_READ_ONLY, /* of a store that only reads */
};

struct sql_conn {
    sqlite3 *db;
    const char *path; /* of the caller, who keeps it; for messages */
    struct {
        const char *text;
        sqlite3_stmt *stmt;
    } kept[SQL_KEPT];
    uint32_t kept_n;
    struct sql_conn *next; /* in the pool */
    int busy_ms;           /* for how long another process's lock is waited for */
    int64_t busy_since;    /* sql_now_ms */
};

/* The monotonic clock. */
int64_t sql_now_ms(void);

/* ERR_DENIED, ERR_BUSY, ERR_CORRUPT, ERR_IO, ERR_NOMEM. path must outlive the connection. */
err_code sql_open(const char *path, enum sql_mode mode, int busy_ms, struct sql_conn **ret,
                  struct err *e);
void sql_close(struct sql_conn *c);

/* Turns SQLite's result code into an error that names the file and says what to do. */
err_code sql_fail(const struct sql_conn *c, int rc, struct err *e);

/* A running statement. Bound texts must stay until it is done. */
struct sql_query {
    const struct sql_conn *c;
    sqlite3_stmt *stmt;
    int bind_rc;
    bool kept;
};
void sql_done(struct sql_query *q);
#define SQL_LOCAL(name) __attribute__((cleanup(sql_done))) struct sql_query name = {0}

/* text is a constant that is kept prepared. */
err_code sql_start(struct sql_query *q, struct sql_conn *c, const char *text, struct err *e);
/* For a text that is made up for one use. */
err_code sql_start_once(struct sql_query *q, struct sql_conn *c, struct str text, struct err *e);
/* A failed bind is reported by the next sql_step. */
void sql_bind_u64(struct sql_query *q, int i, uint64_t v);
void sql_bind_text(struct sql_query *q, int i, struct str s);
void sql_bind_blob(struct sql_query *q, int i, struct str s);
/* ?1 type, ?2 kind (0 but for templates), ?3 name: the numbers that all statements here use. */
void sql_bind_key(struct sql_query *q, const struct store_key *k);
/* A template's bytes as a blob, the JSON of others as text. */
void sql_bind_body(struct sql_query *q, int i, enum store_type type, struct str body);

err_code sql_step(struct sql_query *q, bool *ret_row, struct err *e);
uint64_t sql_column_u64(const struct sql_query *q, int i);
/* Never absent; gone at the next step. */
struct str sql_column_str(const struct sql_query *q, int i);

/* Is the file still where it was opened? ERR_IO: it was moved, removed or replaced, and what is
   written to it now is lost to whoever opens that path. */
err_code sql_in_place(struct sql_conn *c, struct err *e);

/* Runs a kept statement that gives no rows. */
err_code sql_run(struct sql_conn *c, const char *text, struct err *e);
/* The first column of the only row; 0 if it is NULL or there is no row. */
err_code sql_number(struct sql_conn *c, const char *text, uint64_t *ret, struct err *e);
/* Ends the transaction, if one is open, without keeping anything. */
void sql_rollback(struct sql_conn *c);

#define SQL_LAST_REVISION "SELECT max(n) FROM revisions"
#define SQL_HISTORY_FROM  "SELECT value FROM meta WHERE key = 'history_from'"

#endif
