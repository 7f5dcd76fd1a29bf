#include "store/state.h"

static err_code put_job(struct store_txn *t, void *arg, struct err *e)
{
    const struct store_token *token = arg;
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c,
                            "INSERT INTO tokens (id, name, role, hash, created, expires)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET"
                            " name = excluded.name, role = excluded.role, hash = excluded.hash,"
                            " created = excluded.created, expires = excluded.expires",
                            e);
    if (rc)
        return rc;
    sql_bind_text(&q, 1, token->id);
    sql_bind_text(&q, 2, token->name);
    sql_bind_u64(&q, 3, token->role);
    sql_bind_blob(&q, 4, str_of((const char *)token->hash, sizeof token->hash));
    sql_bind_u64(&q, 5, token->created);
    sql_bind_u64(&q, 6, token->expires);
    return sql_step(&q, &row, e);
}

err_code store_token_put(struct store *s, const struct store_token *t, struct err *e)
{
    if (t->created > INT64_MAX || t->expires > INT64_MAX)
        return err_set(e, ERR_INVALID, "a token's times are seconds, at most 2^63 - 1");
    struct store_token copy = *t;
    return store_write(s, NULL, put_job, &copy, NULL, e);
}

static err_code delete_job(struct store_txn *t, void *arg, struct err *e)
{
    const struct str *id = arg;
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c, "DELETE FROM tokens WHERE id = ?1", e);
    if (rc)
        return rc;
    sql_bind_text(&q, 1, *id);
    rc = sql_step(&q, &row, e);
    if (!rc && sqlite3_changes(t->c->db) == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no token \"%.*s\"", STR_FMT(*id));
    return rc;
}

err_code store_token_delete(struct store *s, struct str id, struct err *e)
{
    return store_write(s, NULL, delete_job, &id, NULL, e);
}

/* On a connection that no one else uses, so each may call the store. */
err_code store_tokens(struct store *s, store_each_token *each, void *arg, struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    SQL_LOCAL(q);
    rc = sql_start(&q, c, "SELECT id, name, role, hash, created, expires FROM tokens ORDER BY id",
                   e);
    for (bool row; !rc;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            break;
        struct store_token t = {
            .id = sql_column_str(&q, 0),
            .name = sql_column_str(&q, 1),
            .role = (enum store_role)sql_column_u64(&q, 2),
            .created = sql_column_u64(&q, 4),
            .expires = sql_column_u64(&q, 5),
        };
        struct str hash = sql_column_str(&q, 3);
        memcpy(t.hash, hash.p, hash.n < sizeof t.hash ? hash.n : sizeof t.hash);
        rc = each(arg, &t, e);
    }
    sql_done(&q);
    store_give(s, c);
    return rc;
}
