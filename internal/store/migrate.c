/*
 * The schema's versions. Each file schema/NNNN-name.sql brings a database from version NNNN-1 to
 * NNNN; PRAGMA user_version holds the number, PRAGMA application_id says that the file is ours.
 */
#include <stdio.h>
#include <time.h>

#include "base/always.h"
#include "base/buf.h"
#include "base/embedded.h"
#include "store/state.h"

#define APPLICATION_ID 0x56535441 /* "VSTA" */

static struct str migration(uint64_t version)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "internal/store/schema/%04u-", (unsigned)version);
    for (const struct embedded_file *f = embedded_files; f->name; f++)
        if (str_starts(str_c(f->name), str_c(prefix)))
            return str_of(f->p, f->n);
    return (struct str){NULL, 0};
}

uint64_t migrate_latest(void)
{
    uint64_t n = 0;
    while (migration(n + 1).p)
        n++;
    always(n > 0);
    return n;
}

static err_code check_newer(const struct sql_conn *c, uint64_t version, struct err *e)
{
    if (version <= migrate_latest())
        return ERR_OK;
    err_set(e, ERR_UNSUPPORTED,
            "the database has schema %llu, made by a newer Vesta, and this one knows schemas up to "
            "%llu; start the newer Vesta, or restore a backup from before the upgrade",
            (unsigned long long)version, (unsigned long long)migrate_latest());
    err_in_file(e, c->path);
    return ERR_UNSUPPORTED;
}

err_code migrate_version(struct sql_conn *c, uint64_t *ret, struct err *e)
{
    /* One statement, so that all three are of one moment. */
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, c,
                            "SELECT application_id, user_version,"
                            " (SELECT count(*) FROM sqlite_schema)"
                            " FROM pragma_application_id, pragma_user_version",
                            e);
    if (!rc)
        rc = sql_step(&q, &row, e);
    if (rc)
        return rc;
    always(row);
    uint64_t id = sql_column_u64(&q, 0), version = sql_column_u64(&q, 1);
    uint64_t things = sql_column_u64(&q, 2);
    bool empty = id == 0 && version == 0 && things == 0;
    if (id != APPLICATION_ID && !empty) {
        err_set(e, ERR_CORRUPT,
                "this is a database of another program, not of Vesta; check the data path, nothing "
                "was changed");
        err_in_file(e, c->path);
        return ERR_CORRUPT;
    }
    rc = check_newer(c, version, e);
    if (!rc)
        *ret = version;
    return rc;
}

static err_code run_script(struct sql_conn *c, struct str text, struct err *e)
{
    BUF_LOCAL(script, 1 << 20);
    buf_add_str(&script, text);
    const char *z = buf_c(&script);
    if (!z)
        return err_set(e, ERR_NOMEM, "out of memory");
    int rc = sqlite3_exec(c->db, z, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : sql_fail(c, rc, e);
}

static err_code upgrade(struct sql_conn *c, struct err *e)
{
    uint64_t version;
    err_code rc = migrate_version(c, &version, e); /* again: another process may have been first */
    uint64_t latest = migrate_latest();
    if (rc || version == latest)
        return rc;
    for (uint64_t v = version + 1; v <= latest && !rc; v++)
        rc = run_script(c, migration(v), e);
    char stamp[128];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %u",
             APPLICATION_ID, (unsigned)latest);
    return rc ? rc : run_script(c, str_c(stamp), e);
}

static err_code ask_for_wal(struct sql_conn *c, struct err *e)
{
    SQL_LOCAL(q);
    bool row = false;
    err_code rc = sql_start(&q, c, "PRAGMA journal_mode = WAL", e);
    if (!rc)
        rc = sql_step(&q, &row, e);
    if (rc || (row && str_is(sql_column_str(&q, 0), "wal")))
        return rc;
    err_set(e, ERR_UNSUPPORTED,
            "SQLite cannot keep a write-ahead log here; put the data path on a local file system "
            "that has shared memory");
    err_in_file(e, c->path);
    return ERR_UNSUPPORTED;
}

/* Turning WAL on needs the file for itself, and SQLite does not wait for that in every case. */
static err_code turn_wal_on(struct sql_conn *c, int busy_ms, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int64_t end = sql_now_ms() + busy_ms;
    err_code rc = ask_for_wal(c, e);
    while (rc == ERR_BUSY && sql_now_ms() < end) {
        nanosleep(&pause, NULL);
        rc = ask_for_wal(c, e);
    }
    return rc;
}

err_code migrate(struct sql_conn *c, int busy_ms, struct err *e)
{
    uint64_t version;
    err_code rc = migrate_version(c, &version, e);
    if (!rc)
        rc = turn_wal_on(c, busy_ms, e);
    if (rc || version == migrate_latest())
        return rc;
    rc = sql_run(c, "BEGIN IMMEDIATE", e);
    if (!rc)
        rc = upgrade(c, e);
    if (!rc)
        rc = sql_run(c, "COMMIT", e);
    if (rc)
        sql_rollback(c);
    return rc;
}

err_code migrate_unchanged(struct sql_conn *c, struct err *e)
{
    uint64_t version;
    err_code rc = sql_number(c, "PRAGMA user_version", &version, e);
    return rc ? rc : check_newer(c, version, e);
}
