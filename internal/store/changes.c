#include "store/state.h"

bool store_changed(struct store *s)
{
    pthread_mutex_lock(&s->watch.lock);
    uint64_t version = 0;
    struct err e;
    /* If even this fails, whoever asks shall read, and get the error there. */
    bool changed = sql_number(s->watch.c, "PRAGMA data_version", &version, &e) != ERR_OK ||
                   version != s->watch.version;
    s->watch.version = version;
    pthread_mutex_unlock(&s->watch.lock);
    return changed;
}

err_code store_in_place(struct store *s, struct err *e)
{
    pthread_mutex_lock(&s->watch.lock);
    err_code rc = sql_in_place(s->watch.c, e);
    pthread_mutex_unlock(&s->watch.lock);
    return rc;
}

/*
 * Templates first and groups last, so that what a resource names has mostly been seen before it.
 * In the order of the file and not of names, which is several times faster when groups were added
 * in no order.
 */
static const struct {
    enum store_type type;
    const char *text;
} present_sql[] = {
    {STORE_TEMPLATE, "SELECT kind, name, '', body, revision FROM templates NOT INDEXED"},
    {STORE_PROFILE, "SELECT 0, id, '', body, revision FROM profiles NOT INDEXED"},
    {STORE_GROUP, "SELECT 0, id, selector, body, revision FROM groups NOT INDEXED"},
};

static err_code present_of(struct sql_conn *c, enum store_type type, const char *text,
                           store_each_change *each, void *arg, struct err *e)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, c, text, e);
    for (bool row; !rc;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            break;
        struct store_change change = {.r = read_row(&q, type)};
        change.revision = change.r.revision;
        rc = each(arg, &change, e);
    }
    return rc;
}

err_code present_parts(struct sql_conn *c, store_each_change *each, void *arg, struct err *e)
{
    err_code rc = ERR_OK;
    for (size_t i = 0; present_sql[i].type != STORE_GROUP && !rc; i++)
        rc = present_of(c, present_sql[i].type, present_sql[i].text, each, arg, e);
    return rc;
}

static err_code present_state(struct sql_conn *c, store_each_change *each, void *arg, struct err *e)
{
    err_code rc = present_parts(c, each, arg, e);
    size_t groups = sizeof present_sql / sizeof *present_sql - 1;
    return rc ? rc : present_of(c, STORE_GROUP, present_sql[groups].text, each, arg, e);
}

static err_code history_after(struct sql_conn *c, uint64_t since, store_each_change *each,
                              void *arg, struct err *e)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, c,
                            "SELECT revision, type, kind, name, selector, body, body IS NULL"
                            " FROM history WHERE revision > ?1 ORDER BY revision, seq",
                            e);
    if (rc)
        return rc;
    sql_bind_u64(&q, 1, since);
    for (bool row;;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            return rc;
        struct store_change change = {
            .revision = sql_column_u64(&q, 0),
            .deleted = sql_column_u64(&q, 6) != 0,
            .r = {.key = {(enum store_type)sql_column_u64(&q, 1),
                          (enum model_kind)sql_column_u64(&q, 2), sql_column_str(&q, 3)},
                  .selector = sql_column_str(&q, 4),
                  .body = sql_column_str(&q, 5),
                  .revision = sql_column_u64(&q, 0)},
        };
        rc = each(arg, &change, e);
        if (rc)
            return rc;
    }
}

static err_code changes_in_snapshot(struct sql_conn *c, uint64_t since, store_each_change *each,
                                    void *arg, uint64_t *ret_revision, struct err *e)
{
    uint64_t now = 0, from = 0;
    err_code rc = sql_number(c, SQL_LAST_REVISION, &now, e);
    if (!rc)
        rc = sql_number(c, SQL_HISTORY_FROM, &from, e);
    if (rc)
        return rc;
    if (since > now)
        return err_set(e, ERR_STALE,
                       "revision %llu is newer than the database's, %llu: an older one was put in "
                       "its place; read the whole state",
                       (unsigned long long)since, (unsigned long long)now);
    if (since > 0 && since < from)
        return err_set(e, ERR_STALE,
                       "the history reaches back to revision %llu only, not to %llu; read the "
                       "whole state",
                       (unsigned long long)from, (unsigned long long)since);
    rc = since == 0 ? present_state(c, each, arg, e) : history_after(c, since, each, arg, e);
    if (!rc)
        *ret_revision = now;
    return rc;
}

err_code store_changes_since(struct store *s, uint64_t since, store_each_change *each, void *arg,
                             uint64_t *ret_revision, struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = sql_run(c, "BEGIN", e);
    if (!rc)
        rc = changes_in_snapshot(c, since, each, arg, ret_revision, e);
    store_give(s, c); /* which ends the transaction */
    return rc;
}
