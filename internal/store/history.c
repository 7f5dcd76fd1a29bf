/*
 * The past. `history` has a row for each resource in each revision that changed it, so the state
 * that a revision left is, for each resource, its newest row up to then. Trimming to a revision H
 * keeps that state: of each resource the newest row up to H stays, however old, and what was
 * deleted by then leaves nothing. So every revision from H on can be read as before.
 */
#include "store/state.h"

/* ?1 type, ?2 kind, ?3 name, ?4 revision. The bodies of two revisions are looked at side by side,
   and a statement that runs cannot be started again; so there are two of them. */
#define AT_SQL                                                                                     \
    "SELECT body, body IS NULL FROM history"                                                       \
    " WHERE type = ?1 AND kind = ?2 AND name = ?3 AND revision <= ?4"                              \
    " ORDER BY revision DESC LIMIT 1"
static const char from_sql[] = AT_SQL;
static const char to_sql[] = AT_SQL;

/* --- how far it reaches ---------------------------------------------------------------------- */

static err_code check_revision(struct sql_conn *c, uint64_t n, struct err *e)
{
    uint64_t newest = 0, oldest = 0;
    err_code rc = sql_number(c, SQL_LAST_REVISION, &newest, e);
    if (!rc)
        rc = sql_number(c, SQL_HISTORY_FROM, &oldest, e);
    if (rc)
        return rc;
    if (n > newest)
        return err_set(e, ERR_NOT_FOUND, "there is no revision %llu yet; the newest is %llu",
                       (unsigned long long)n, (unsigned long long)newest);
    if (n < oldest)
        return err_set(e, ERR_NOT_FOUND,
                       "revision %llu is no longer kept; the oldest that is known is %llu",
                       (unsigned long long)n, (unsigned long long)oldest);
    return ERR_OK;
}

/* --- one resource ---------------------------------------------------------------------------- */

/* Starts q on the body as a revision left it; *ret is absent if it was not there. It stays until q
   is done. */
static err_code body_at(struct sql_query *q, struct sql_conn *c, const char *text,
                        const struct store_key *k, uint64_t revision, struct str *ret,
                        struct err *e)
{
    bool row;
    err_code rc = sql_start(q, c, text, e);
    if (rc)
        return rc;
    sql_bind_key(q, k);
    sql_bind_u64(q, 4, revision);
    rc = sql_step(q, &row, e);
    if (!rc)
        *ret = row && !sql_column_u64(q, 1) ? sql_column_str(q, 0) : (struct str){NULL, 0};
    return rc;
}

/* *found false, and *ret untouched, if it was not there. */
static err_code get_at(struct sql_conn *c, const struct store_key *k, uint64_t revision,
                       struct arena *a, struct str *ret, bool *found, struct err *e)
{
    SQL_LOCAL(q);
    struct str body = {NULL, 0};
    err_code rc = body_at(&q, c, from_sql, k, revision, &body, e);
    *found = !rc && body.p;
    if (*found && !arena_str(a, body, ret))
        return err_set(e, ERR_NOMEM, "out of memory");
    return rc;
}

static err_code not_there_then(const struct store_key *k, uint64_t revision, struct err *e)
{
    read_missing(k, e);
    if (e)
        err_prefix(e, "in revision %llu", (unsigned long long)revision);
    return ERR_NOT_FOUND;
}

err_code store_get_at(struct store *s, const struct store_key *k, uint64_t revision,
                      struct arena *a, struct str *ret, struct err *e)
{
    struct sql_conn *c;
    bool found = false;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = sql_run(c, "BEGIN", e);
    if (!rc)
        rc = check_revision(c, revision, e);
    if (!rc)
        rc = get_at(c, k, revision, a, ret, &found, e);
    store_give(s, c);
    return rc || found ? rc : not_there_then(k, revision, e);
}

err_code store_txn_get_at(struct store_txn *t, const struct store_key *k, uint64_t revision,
                          struct arena *a, struct str *ret, struct err *e)
{
    if (t->broken)
        return txn_end(t, t->broken, e);
    bool found = false;
    err_code rc = check_revision(t->c, revision, &t->err);
    if (rc == ERR_NOT_FOUND) {
        if (e)
            *e = t->err;
        return rc;
    }
    if (!rc)
        rc = get_at(t->c, k, revision, a, ret, &found, &t->err);
    if (!rc && !found)
        return not_there_then(k, revision, e);
    return txn_end(t, rc, e);
}

/* --- between two revisions ------------------------------------------------------------------- */

static err_code compare_one(struct sql_conn *c, const struct store_key *k, uint64_t from,
                            uint64_t to, store_each_difference *each, void *arg, struct err *e)
{
    SQL_LOCAL(old);
    SQL_LOCAL(new);
    struct store_difference d = {.key = *k};
    err_code rc = body_at(&old, c, from_sql, k, from, &d.from, e);
    if (!rc)
        rc = body_at(&new, c, to_sql, k, to, &d.to, e);
    bool same = (d.from.p != NULL) == (d.to.p != NULL) && str_eq(d.from, d.to);
    return rc || same ? rc : each(arg, &d, e);
}

static err_code differences(struct sql_conn *c, uint64_t from, uint64_t to,
                            store_each_difference *each, void *arg, struct err *e)
{
    err_code rc = check_revision(c, from, e);
    if (!rc)
        rc = check_revision(c, to, e);
    if (rc)
        return rc;
    SQL_LOCAL(q);
    rc = sql_start(&q, c,
                   "SELECT DISTINCT type, kind, name FROM history"
                   " WHERE revision > ?1 AND revision <= ?2 ORDER BY type, kind, name",
                   e);
    if (rc)
        return rc;
    sql_bind_u64(&q, 1, from < to ? from : to);
    sql_bind_u64(&q, 2, from < to ? to : from);
    for (bool row;;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            return rc;
        struct store_key k = {(enum store_type)sql_column_u64(&q, 0),
                              (enum model_kind)sql_column_u64(&q, 1), sql_column_str(&q, 2)};
        rc = compare_one(c, &k, from, to, each, arg, e);
        if (rc)
            return rc;
    }
}

err_code store_differences(struct store *s, uint64_t from, uint64_t to, store_each_difference *each,
                           void *arg, struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = sql_run(c, "BEGIN", e);
    if (!rc)
        rc = differences(c, from, to, each, arg, e);
    store_give(s, c);
    return rc;
}

err_code store_txn_differences(struct store_txn *t, uint64_t from, uint64_t to,
                               store_each_difference *each, void *arg, struct err *e)
{
    if (t->broken)
        return txn_end(t, t->broken, e);
    err_code rc = differences(t->c, from, to, each, arg, &t->err);
    if (rc == ERR_NOT_FOUND) {
        if (e)
            *e = t->err;
        return rc;
    }
    return txn_end(t, rc, e);
}

/* --- revisions ------------------------------------------------------------------------------- */

static err_code list_revisions(struct sql_conn *c, uint64_t before, uint64_t limit,
                               store_each_revision *each, void *arg, struct err *e)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, c,
                            "SELECT n, at, who, message,"
                            " (SELECT count(*) FROM history WHERE revision = n) FROM revisions"
                            " WHERE n < ?1 AND n > (" SQL_HISTORY_FROM ") ORDER BY n DESC LIMIT ?2",
                            e);
    if (rc)
        return rc;
    sql_bind_u64(&q, 1, before && before < INT64_MAX ? before : INT64_MAX);
    sql_bind_u64(&q, 2, limit < INT64_MAX ? limit : INT64_MAX);
    for (bool row;;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            return rc;
        struct store_revision r = {.n = sql_column_u64(&q, 0),
                                   .at = sql_column_u64(&q, 1),
                                   .who = sql_column_str(&q, 2),
                                   .message = sql_column_str(&q, 3),
                                   .changes = sql_column_u64(&q, 4)};
        rc = each(arg, &r, e);
        if (rc)
            return rc;
    }
}

err_code store_revisions(struct store *s, uint64_t before, uint64_t limit,
                         store_each_revision *each, void *arg, struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = list_revisions(c, before, limit, each, arg, e);
    store_give(s, c);
    return rc;
}

/* --- trimming -------------------------------------------------------------------------------- */

/* ?1 the old end of history, ?2 the new one. Before, each resource has one row up to ?1 at most. */
static const char superseded_sql[] =
    "DELETE FROM history WHERE seq IN (SELECT older.seq FROM history AS newer"
    " JOIN history AS older ON older.type = newer.type AND older.kind = newer.kind"
    " AND older.name = newer.name AND older.revision < newer.revision"
    " WHERE newer.revision > ?1 AND newer.revision <= ?2)";
static const char deleted_sql[] =
    "DELETE FROM history WHERE revision > ?1 AND revision <= ?2 AND body IS NULL";
static const char revisions_sql[] = "DELETE FROM revisions WHERE n > ?1 AND n <= ?2";
static const char end_sql[] =
    "UPDATE meta SET value = ?2 WHERE key = 'history_from' AND value = ?1";

static err_code trim_with(struct sql_conn *c, const char *text, uint64_t from, uint64_t to,
                          struct err *e)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, c, text, e);
    if (rc)
        return rc;
    sql_bind_u64(&q, 1, from);
    sql_bind_u64(&q, 2, to);
    return sql_step(&q, &row, e);
}

err_code history_trim(struct sql_conn *c, uint64_t revision, uint64_t keep, struct err *e)
{
    uint64_t from = 0;
    if (keep == 0 || revision <= keep)
        return ERR_OK;
    err_code rc = sql_number(c, SQL_HISTORY_FROM, &from, e);
    /* A percent at a time, so that most writes have nothing to trim. */
    if (rc || revision - keep <= from + keep / 100)
        return rc;
    uint64_t to = revision - keep;
    rc = trim_with(c, superseded_sql, from, to, e);
    if (!rc)
        rc = trim_with(c, deleted_sql, from, to, e);
    if (!rc)
        rc = trim_with(c, revisions_sql, from, to, e);
    return rc ? rc : trim_with(c, end_sql, from, to, e);
}
