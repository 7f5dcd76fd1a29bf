#include "store/state.h"

/* --- inside a job ---------------------------------------------------------------------------- */

static err_code put(struct store_txn *t, const struct store_token *token)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c,
                            "INSERT INTO tokens (id, name, role, hash, created, expires)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET"
                            " name = excluded.name, role = excluded.role, hash = excluded.hash,"
                            " created = excluded.created, expires = excluded.expires",
                            &t->err);
    if (rc)
        return rc;
    sql_bind_text(&q, 1, token->id);
    sql_bind_text(&q, 2, token->name);
    sql_bind_u64(&q, 3, token->role);
    sql_bind_blob(&q, 4, str_of((const char *)token->hash, sizeof token->hash));
    sql_bind_u64(&q, 5, token->created);
    sql_bind_u64(&q, 6, token->expires);
    return sql_step(&q, &row, &t->err);
}

err_code store_txn_token_put(struct store_txn *t, const struct store_token *token, struct err *e)
{
    if (!t->broken && (token->created > INT64_MAX || token->expires > INT64_MAX))
        return txn_end(
            t, err_set(&t->err, ERR_INVALID, "a token's times are seconds, at most 2^63 - 1"), e);
    return txn_end(t, t->broken ? t->broken : put(t, token), e);
}

static err_code delete_one(struct store_txn *t, struct str id, bool *found)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c, "DELETE FROM tokens WHERE id = ?1", &t->err);
    if (rc)
        return rc;
    sql_bind_text(&q, 1, id);
    rc = sql_step(&q, &row, &t->err);
    *found = sqlite3_changes(t->c->db) > 0;
    return rc;
}

err_code store_txn_token_delete(struct store_txn *t, struct str id, struct err *e)
{
    bool found = false;
    err_code rc = t->broken ? t->broken : delete_one(t, id, &found);
    if (!rc && !found)
        return err_set(e, ERR_NOT_FOUND, "there is no token with the id \"%.*s\"", STR_FMT(id));
    return txn_end(t, rc, e);
}

static err_code note_use(struct store_txn *t, struct str id, uint64_t at)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc =
        sql_start(&q, t->c, "UPDATE tokens SET used = ?2 WHERE id = ?1 AND used < ?2", &t->err);
    if (rc)
        return rc;
    sql_bind_text(&q, 1, id);
    sql_bind_u64(&q, 2, at);
    return sql_step(&q, &row, &t->err);
}

err_code store_txn_token_used(struct store_txn *t, struct str id, uint64_t at, struct err *e)
{
    return txn_end(t, t->broken ? t->broken : note_use(t, id, at), e);
}

/* --- reading --------------------------------------------------------------------------------- */

#define TOKENS "SELECT id, name, role, hash, created, expires, used FROM tokens"

/* Those with a hash, or all if it is NULL. *stopped: the error is each's own. */
static err_code list(struct sql_conn *c, const unsigned char *hash, store_each_token *each,
                     void *arg, bool *stopped, struct err *e)
{
    static const char all[] = TOKENS " ORDER BY id", of_hash[] = TOKENS " WHERE hash = ?1";
    SQL_LOCAL(q);
    *stopped = false;
    err_code rc = sql_start(&q, c, hash ? of_hash : all, e);
    if (!rc && hash)
        sql_bind_blob(&q, 1, str_of((const char *)hash, STORE_HASH));
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
            .used = sql_column_u64(&q, 6),
        };
        struct str stored = sql_column_str(&q, 3);
        memcpy(t.hash, stored.p, stored.n < sizeof t.hash ? stored.n : sizeof t.hash);
        rc = each(arg, &t, e);
        *stopped = rc != ERR_OK;
    }
    return rc;
}

err_code store_txn_tokens(struct store_txn *t, store_each_token *each, void *arg, struct err *e)
{
    if (t->broken)
        return txn_end(t, t->broken, e);
    bool stopped;
    struct err why = ERR_INIT;
    err_code rc = list(t->c, NULL, each, arg, &stopped, &why);
    if (rc && e)
        *e = why;
    if (!rc || stopped)
        return rc;
    t->err = why;
    return txn_end(t, rc, e);
}

/* --- outside --------------------------------------------------------------------------------- */

static err_code put_job(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_token_put(t, arg, e);
}

err_code store_token_put(struct store *s, const struct store_token *t, struct err *e)
{
    struct store_token copy = *t;
    return store_write(s, NULL, put_job, &copy, NULL, e);
}

/* On a connection that no one else uses, so each may call the store. */
static err_code read_tokens(struct store *s, const unsigned char *hash, store_each_token *each,
                            void *arg, struct err *e)
{
    struct sql_conn *c;
    bool stopped;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = list(c, hash, each, arg, &stopped, e);
    store_give(s, c);
    return rc;
}

err_code store_tokens(struct store *s, store_each_token *each, void *arg, struct err *e)
{
    return read_tokens(s, NULL, each, arg, e);
}

err_code store_tokens_of_hash(struct store *s, const unsigned char hash[STORE_HASH],
                              store_each_token *each, void *arg, struct err *e)
{
    return read_tokens(s, hash, each, arg, e);
}
