#include "store/sql.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/always.h"

static err_code disk_full(const struct sql_conn *c, struct err *e)
{
    err_set(e, ERR_IO,
            "the disk is full (or a quota or file size limit is reached), so the change was not "
            "made; free some space and try again");
    err_in_file(e, c->path);
    return ERR_IO;
}

static err_code io_error(const struct sql_conn *c, int rc, int why, struct err *e)
{
    if (why == ENOSPC || why == EDQUOT || why == EFBIG)
        return disk_full(c, e);
    err_code code = why == EACCES || why == EPERM || why == EROFS ? ERR_DENIED : ERR_IO;
    if (why)
        err_errno(e, code, why,
                  "the disk did not do what was asked (SQLite %d); look at the kernel's log, and "
                  "at the permissions of the file and of its folder",
                  rc);
    else
        err_set(e, code,
                "the disk did not do what was asked (SQLite %d, %s); look at the kernel's log", rc,
                sqlite3_errstr(rc));
    err_in_file(e, c->path);
    return code;
}

/* why is the errno that goes with it, 0 if it is not known. */
static err_code fail(const struct sql_conn *c, int rc, int why, struct err *e)
{
    const char *detail = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    err_code code = ERR_IO;
    switch (rc & 0xff) {
    case SQLITE_FULL: return disk_full(c, e);
    case SQLITE_IOERR: return io_error(c, rc, why, e);
    case SQLITE_NOMEM: code = err_set(e, ERR_NOMEM, "out of memory"); break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = err_set(e, ERR_BUSY,
                       "another process holds the database locked; try again, or find it with "
                       "\"fuser\" on this file");
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        code = err_set(e, ERR_DENIED,
                       "the database cannot be written (%s); check the permissions of the file and "
                       "of its folder, and that the file system is not mounted read-only",
                       detail);
        break;
    case SQLITE_CANTOPEN:
        code = err_set(e, ERR_DENIED,
                       "the database, or the -wal and -shm files beside it, cannot be opened or "
                       "made; check the permissions of the file and of its folder");
        break;
    case SQLITE_NOTADB:
        code = err_set(e, ERR_CORRUPT,
                       "this is not a database, or its first bytes are damaged; check the path, or "
                       "restore a backup");
        break;
    case SQLITE_CORRUPT:
        code = err_set(e, ERR_CORRUPT,
                       "the database is damaged or cut short (%s); stop Vesta, keep a copy of the "
                       "file, and restore a backup",
                       detail);
        break;
    case SQLITE_TOOBIG:
        code = err_set(e, ERR_LIMIT, "a name or a body is larger than the database takes");
        break;
    default: code = err_set(e, ERR_IO, "SQLite failed (%d): %s", rc, detail); break;
    }
    err_in_file(e, c->path);
    return code;
}

err_code sql_fail(const struct sql_conn *c, int rc, struct err *e)
{
    return fail(c, rc, c->db ? sqlite3_system_errno(c->db) : 0, e);
}

static err_code pragmas(struct sql_conn *c, enum sql_mode mode, struct err *e)
{
    /* temp_store: savepoints then need no temporary file outside of our folder.
       journal_size_limit: what a large import leaves behind is given back. */
    const char *text = mode == SQL_WRITER
                           ? "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                             "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
                             "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536"
                           : "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                             "PRAGMA query_only = ON; PRAGMA cache_size = -1024";
    int rc = sqlite3_exec(c->db, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : sql_fail(c, rc, e);
}

int64_t sql_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Another process has the lock. SQLite's own waits grow to a tenth of a second; between two of them
 * a server that writes all the time has the lock again, and nobody else would ever get it.
 */
static int wait_for_lock(void *conn, int tries)
{
    struct sql_conn *c = conn;
    int64_t now = sql_now_ms();
    if (tries == 0)
        c->busy_since = now;
    if (now - c->busy_since >= c->busy_ms)
        return 0;
    poll(NULL, 0, 1);
    return 1;
}

static err_code open_file(struct sql_conn *c, enum sql_mode mode, int busy_ms, struct err *e)
{
    /* With "./" before it, no path is taken for an URI or for SQLite's ":memory:". */
    char *name = sqlite3_mprintf("%s%s", c->path[0] == '/' ? "" : "./", c->path);
    if (!name)
        return err_set(e, ERR_NOMEM, "out of memory");
    int access = mode == SQL_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc =
        sqlite3_open_v2(name, &c->db, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    sqlite3_free(name);
    if (rc != SQLITE_OK)
        return sql_fail(c, rc, e);
    if (mode != SQL_READ_ONLY && sqlite3_db_readonly(c->db, "main") == 1)
        return sql_fail(c, SQLITE_READONLY, e);
    c->busy_ms = busy_ms;
    sqlite3_busy_handler(c->db, wait_for_lock, c);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return pragmas(c, mode, e);
}

err_code sql_open(const char *path, enum sql_mode mode, int busy_ms, struct sql_conn **ret,
                  struct err *e)
{
    always(sqlite3_threadsafe());
    struct sql_conn *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    c->path = path;
    err_code rc = open_file(c, mode, busy_ms, e);
    if (rc) {
        sql_close(c);
        return rc;
    }
    *ret = c;
    return ERR_OK;
}

void sql_close(struct sql_conn *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->kept_n; i++)
        sqlite3_finalize(c->kept[i].stmt);
    int rc = sqlite3_close(c->db);
    always(rc == SQLITE_OK);
    free(c);
}

void sql_done(struct sql_query *q)
{
    if (!q->stmt)
        return;
    if (q->kept) {
        sqlite3_reset(q->stmt);
        sqlite3_clear_bindings(q->stmt);
    } else {
        sqlite3_finalize(q->stmt);
    }
    q->stmt = NULL;
}

static sqlite3_stmt *find_kept(const struct sql_conn *c, const char *text)
{
    for (uint32_t i = 0; i < c->kept_n; i++)
        if (c->kept[i].text == text)
            return c->kept[i].stmt;
    return NULL;
}

err_code sql_start(struct sql_query *q, struct sql_conn *c, const char *text, struct err *e)
{
    sqlite3_stmt *stmt = find_kept(c, text);
    if (!stmt) {
        always(c->kept_n < SQL_KEPT);
        int rc = sqlite3_prepare_v3(c->db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        if (rc != SQLITE_OK)
            return sql_fail(c, rc, e);
        c->kept[c->kept_n].text = text;
        c->kept[c->kept_n++].stmt = stmt;
    }
    always(!sqlite3_stmt_busy(stmt));
    *q = (struct sql_query){.c = c, .stmt = stmt, .kept = true};
    return ERR_OK;
}

err_code sql_start_once(struct sql_query *q, struct sql_conn *c, struct str text, struct err *e)
{
    always(text.n < INT32_MAX);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, text.p, (int)text.n, &stmt, NULL);
    if (rc != SQLITE_OK)
        return sql_fail(c, rc, e);
    *q = (struct sql_query){.c = c, .stmt = stmt};
    return ERR_OK;
}

static void bound(struct sql_query *q, int rc)
{
    if (q->bind_rc == SQLITE_OK)
        q->bind_rc = rc;
}

void sql_bind_u64(struct sql_query *q, int i, uint64_t v)
{
    always(v <= INT64_MAX);
    bound(q, sqlite3_bind_int64(q->stmt, i, (sqlite3_int64)v));
}

void sql_bind_text(struct sql_query *q, int i, struct str s)
{
    bound(q, sqlite3_bind_text64(q->stmt, i, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8));
}

void sql_bind_blob(struct sql_query *q, int i, struct str s)
{
    bound(q, sqlite3_bind_blob64(q->stmt, i, s.n ? s.p : "", s.n, SQLITE_STATIC));
}

void sql_bind_key(struct sql_query *q, const struct store_key *k)
{
    sql_bind_u64(q, 1, k->type);
    sql_bind_u64(q, 2, k->type == STORE_TEMPLATE ? k->kind : 0);
    sql_bind_text(q, 3, k->name);
}

void sql_bind_body(struct sql_query *q, int i, enum store_type type, struct str body)
{
    if (type == STORE_TEMPLATE)
        sql_bind_blob(q, i, body);
    else
        sql_bind_text(q, i, body);
}

err_code sql_step(struct sql_query *q, bool *ret_row, struct err *e)
{
    if (q->bind_rc != SQLITE_OK)
        return sql_fail(q->c, q->bind_rc, e);
    errno = 0; /* sqlite3_system_errno does not know of a COMMIT that failed */
    int rc = sqlite3_step(q->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return fail(q->c, rc, errno, e);
    *ret_row = rc == SQLITE_ROW;
    return ERR_OK;
}

uint64_t sql_column_u64(const struct sql_query *q, int i)
{
    sqlite3_int64 v = sqlite3_column_int64(q->stmt, i);
    return v < 0 ? 0 : (uint64_t)v;
}

struct str sql_column_str(const struct sql_query *q, int i)
{
    const char *p = sqlite3_column_blob(q->stmt, i);
    int n = sqlite3_column_bytes(q->stmt, i);
    return p ? str_of(p, (size_t)n) : STR("");
}

err_code sql_run(struct sql_conn *c, const char *text, struct err *e)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, c, text, e);
    return rc ? rc : sql_step(&q, &row, e);
}

err_code sql_number(struct sql_conn *c, const char *text, uint64_t *ret, struct err *e)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, c, text, e);
    if (!rc)
        rc = sql_step(&q, &row, e);
    if (!rc)
        *ret = row ? sql_column_u64(&q, 0) : 0;
    return rc;
}

void sql_rollback(struct sql_conn *c)
{
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

err_code sql_in_place(struct sql_conn *c, struct err *e)
{
    int moved = 0;
    if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return ERR_OK;
    err_set(e, ERR_IO,
            "the database was moved, removed or replaced while it is in use: put it back, or "
            "restart the server to use what is there now");
    err_in_file(e, c->path);
    return ERR_IO;
}
