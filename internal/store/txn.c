/*
 * What a job may do inside its transaction.
 *
 * A statement that fails breaks the transaction: everything after it answers the same error, and
 * the writer undoes the job whatever it returns. So a disk that fills up in the middle of a job
 * cannot leave half of it behind, even if the job does not look at its errors.
 */
#include <time.h>

#include "base/always.h"
#include "store/state.h"

/* Statements by type, from 1. ?1 type, ?2 kind, ?3 name, ?4 selector, ?5 body, ?6 revision. */
static const char *const compare_sql[] = {
    [STORE_GROUP] = "SELECT body = ?5, selector = ?4, instr(selector, ':[') FROM groups"
                    " WHERE id = ?3",
    [STORE_PROFILE] = "SELECT body = ?5, 1, 0 FROM profiles WHERE id = ?3",
    [STORE_TEMPLATE] = "SELECT body = ?5, 1, 0 FROM templates WHERE kind = ?2 AND name = ?3",
};
static const char *const insert_sql[] = {
    [STORE_GROUP] = "INSERT INTO groups (id, selector, body, revision) VALUES (?3, ?4, ?5, ?6)",
    [STORE_PROFILE] = "INSERT INTO profiles (id, body, revision) VALUES (?3, ?5, ?6)",
    [STORE_TEMPLATE] = "INSERT INTO templates (kind, name, body, revision)"
                       " VALUES (?2, ?3, ?5, ?6)",
};
static const char *const update_sql[] = {
    [STORE_GROUP] = "UPDATE groups SET body = ?5, revision = ?6 WHERE id = ?3",
    [STORE_PROFILE] = "UPDATE profiles SET body = ?5, revision = ?6 WHERE id = ?3",
    [STORE_TEMPLATE] = "UPDATE templates SET body = ?5, revision = ?6"
                       " WHERE kind = ?2 AND name = ?3",
};
static const char update_selector_sql[] =
    "UPDATE groups SET selector = ?4, body = ?5, revision = ?6 WHERE id = ?3";
static const char *const delete_sql[] = {
    [STORE_GROUP] = "DELETE FROM groups WHERE id = ?3",
    [STORE_PROFILE] = "DELETE FROM profiles WHERE id = ?3",
    [STORE_TEMPLATE] = "DELETE FROM templates WHERE kind = ?2 AND name = ?3",
};
static const char *const exists_sql[] = {
    [STORE_GROUP] = "SELECT 1 FROM groups WHERE id = ?3",
    [STORE_PROFILE] = "SELECT 1 FROM profiles WHERE id = ?3",
    [STORE_TEMPLATE] = "SELECT 1 FROM templates WHERE kind = ?2 AND name = ?3",
};

/* --- breaking -------------------------------------------------------------------------------- */

err_code txn_end(struct store_txn *t, err_code rc, struct err *e)
{
    if (rc && !t->broken)
        t->broken = rc;
    if (rc && e)
        *e = t->err;
    return rc;
}

/* --- changes --------------------------------------------------------------------------------- */

static err_code refuse_write(struct store_txn *t)
{
    return err_set(&t->err, ERR_DENIED, "this transaction only reads");
}

/* The row of this job's revision, made when the job first changes something. */
static err_code need_revision(struct store_txn *t)
{
    if (t->changed)
        return ERR_OK;
    if (t->reads_only)
        return refuse_write(t);
    if (t->revision >= INT64_MAX)
        return err_set(&t->err, ERR_CORRUPT,
                       "the newest revision has the largest number that there is, so the database "
                       "is damaged; restore a backup");
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(
        &q, t->c, "INSERT INTO revisions (n, at, who, message) VALUES (?1, ?2, ?3, ?4)", &t->err);
    if (rc)
        return rc;
    time_t at = time(NULL);
    sql_bind_u64(&q, 1, t->revision + 1);
    sql_bind_u64(&q, 2, at < 0 ? 0 : (uint64_t)at);
    sql_bind_text(&q, 3, t->note ? t->note->who : STR(""));
    sql_bind_text(&q, 4, t->note ? t->note->message : STR(""));
    rc = sql_step(&q, &row, &t->err);
    if (!rc) {
        t->changed = true;
        t->revision++;
    }
    return rc;
}

static err_code write_history(struct store_txn *t, const struct store_key *k,
                              const struct store_resource *r)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc =
        sql_start(&q, t->c,
                  "INSERT INTO history (type, kind, name, selector, body, revision)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (type, kind, name, revision)"
                  " DO UPDATE SET selector = excluded.selector, body = excluded.body",
                  &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    sql_bind_text(&q, 4, r ? r->selector : STR(""));
    if (r)
        sql_bind_body(&q, 5, k->type, r->body);
    sql_bind_u64(&q, 6, t->revision);
    return sql_step(&q, &row, &t->err);
}

static uint64_t kind_of(enum store_type type, enum model_kind kind)
{
    return type == STORE_TEMPLATE ? kind : 0;
}

static bool ref_is(const struct store_ref *r, uint64_t type, uint64_t kind, struct str name)
{
    return r->type == type && kind_of(r->type, r->kind) == kind && str_eq(r->name, name);
}

static bool has_ref(const struct store_ref *refs, uint32_t n, uint64_t type, uint64_t kind,
                    struct str name)
{
    for (uint32_t i = 0; i < n; i++)
        if (ref_is(&refs[i], type, kind, name))
            return true;
    return false;
}

static uint64_t distinct_refs(const struct store_resource *r)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < r->refs_n; i++) {
        const struct store_ref *x = &r->refs[i];
        n += !has_ref(r->refs, i, x->type, kind_of(x->type, x->kind), x->name);
    }
    return n;
}

/* What is there already, so that a write touches no index that stays as it is. */
struct existing {
    bool there, same_body, same_selector;
    bool any_refs, same_refs;
    bool lists; /* perhaps: see lists_perhaps */
};

/* Resources have a handful of references, so comparing each with each is the cheapest. */
static err_code compare_refs(struct store_txn *t, const struct store_resource *r,
                             struct existing *ret)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, t->c,
                            "SELECT to_type, to_kind, to_name FROM uses"
                            " WHERE type = ?1 AND kind = ?2 AND name = ?3",
                            &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, &r->key);
    uint64_t stored = 0;
    bool all_wanted = true;
    for (bool row;; stored++) {
        rc = sql_step(&q, &row, &t->err);
        if (rc)
            return rc;
        if (!row)
            break;
        all_wanted = all_wanted && has_ref(r->refs, r->refs_n, sql_column_u64(&q, 0),
                                           sql_column_u64(&q, 1), sql_column_str(&q, 2));
    }
    ret->any_refs = stored > 0;
    ret->same_refs = all_wanted && stored == distinct_refs(r);
    return ERR_OK;
}

static err_code compare(struct store_txn *t, const struct store_resource *r, struct existing *ret)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, t->c, compare_sql[r->key.type], &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, &r->key);
    if (r->key.type == STORE_GROUP)
        sql_bind_text(&q, 4, r->selector);
    sql_bind_body(&q, 5, r->key.type, r->body);
    rc = sql_step(&q, &ret->there, &t->err);
    if (rc || !ret->there)
        return rc;
    ret->same_body = sql_column_u64(&q, 0) != 0;
    ret->same_selector = sql_column_u64(&q, 1) != 0;
    ret->lists = sql_column_u64(&q, 2) != 0;
    return compare_refs(t, r, ret);
}

static err_code drop_refs(struct store_txn *t, const struct store_key *k)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(
        &q, t->c, "DELETE FROM uses WHERE type = ?1 AND kind = ?2 AND name = ?3", &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    return sql_step(&q, &row, &t->err);
}

static err_code write_ref(struct store_txn *t, const struct store_key *k, const struct store_ref *r)
{
    always(r->type >= STORE_GROUP && r->type <= STORE_TEMPLATE);
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c,
                            "INSERT OR IGNORE INTO uses"
                            " (type, kind, name, to_type, to_kind, to_name)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                            &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    sql_bind_u64(&q, 4, r->type);
    sql_bind_u64(&q, 5, kind_of(r->type, r->kind));
    sql_bind_text(&q, 6, r->name);
    return sql_step(&q, &row, &t->err);
}

static err_code write_refs(struct store_txn *t, const struct store_resource *r,
                           const struct existing *x)
{
    if (x->same_refs)
        return ERR_OK;
    err_code rc = x->any_refs ? drop_refs(t, &r->key) : ERR_OK;
    for (uint32_t i = 0; i < r->refs_n && !rc; i++)
        rc = write_ref(t, &r->key, &r->refs[i]);
    return rc;
}

static err_code write_resource(struct store_txn *t, const struct store_resource *r,
                               const struct existing *x)
{
    const char *text = !x->there           ? insert_sql[r->key.type]
                       : !x->same_selector ? update_selector_sql
                                           : update_sql[r->key.type];
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c, text, &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, &r->key);
    sql_bind_text(&q, 4, r->selector);
    sql_bind_body(&q, 5, r->key.type, r->body);
    sql_bind_u64(&q, 6, t->revision);
    return sql_step(&q, &row, &t->err);
}

err_code store_txn_put(struct store_txn *t, const struct store_resource *r, struct err *e)
{
    always(r->key.type >= STORE_GROUP && r->key.type <= STORE_TEMPLATE);
    if (t->broken)
        return txn_end(t, t->broken, e);
    struct existing x = {0};
    err_code rc = compare(t, r, &x);
    if (rc || (x.there && x.same_body && x.same_selector && x.same_refs))
        return txn_end(t, rc, e);
    rc = need_revision(t);
    if (!rc)
        rc = write_resource(t, r, &x);
    if (!rc)
        rc = write_refs(t, r, &x);
    if (!rc && !x.same_selector && (x.lists || lists_perhaps(r->selector)))
        rc = lists_write(t, r->key.name, r->selector);
    if (!rc)
        rc = write_history(t, &r->key, r);
    return txn_end(t, rc, e);
}

/* --- reading --------------------------------------------------------------------------------- */

static err_code exists(struct store_txn *t, const struct store_key *k, bool *ret)
{
    always(k->type >= STORE_GROUP && k->type <= STORE_TEMPLATE);
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, t->c, exists_sql[k->type], &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    return sql_step(&q, ret, &t->err);
}

bool store_txn_exists(struct store_txn *t, const struct store_key *k)
{
    bool there = false;
    err_code rc = t->broken ? t->broken : exists(t, k, &there);
    return !txn_end(t, rc, NULL) && there;
}

static err_code delete_resource(struct store_txn *t, const struct store_key *k)
{
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, t->c, delete_sql[k->type], &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    return sql_step(&q, &row, &t->err);
}

err_code store_txn_delete(struct store_txn *t, const struct store_key *k, struct err *e)
{
    if (t->broken)
        return txn_end(t, t->broken, e);
    bool there = false;
    err_code rc = exists(t, k, &there);
    if (!rc && !there)
        return read_missing(k, e);
    if (!rc)
        rc = need_revision(t);
    if (!rc)
        rc = delete_resource(t, k);
    if (!rc)
        rc = drop_refs(t, k);
    if (!rc && k->type == STORE_GROUP)
        rc = lists_drop(t, k->name);
    if (!rc)
        rc = write_history(t, k, NULL);
    return txn_end(t, rc, e);
}

err_code store_txn_get(struct store_txn *t, const struct store_key *k, struct arena *a,
                       struct store_resource *ret, struct err *e)
{
    if (t->broken)
        return txn_end(t, t->broken, e);
    bool found = false;
    err_code rc = read_one(t->c, k, a, ret, &found, &t->err);
    if (!rc && !found)
        return read_missing(k, e);
    return txn_end(t, rc, e);
}

static err_code users(struct store_txn *t, const struct store_key *k, struct arena *a,
                      struct store_key *keys, uint32_t max, uint32_t *ret_n)
{
    SQL_LOCAL(q);
    err_code rc = sql_start(&q, t->c,
                            "SELECT type, kind, name FROM uses"
                            " WHERE to_type = ?1 AND to_kind = ?2 AND to_name = ?3"
                            " ORDER BY type, kind, name LIMIT ?4",
                            &t->err);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    sql_bind_u64(&q, 4, max);
    uint32_t n = 0;
    for (bool row; n < max; n++) {
        rc = sql_step(&q, &row, &t->err);
        if (rc)
            return rc;
        if (!row)
            break;
        struct store_key *x = &keys[n];
        x->type = (enum store_type)sql_column_u64(&q, 0);
        x->kind = (enum model_kind)sql_column_u64(&q, 1);
        if (!arena_str(a, sql_column_str(&q, 2), &x->name))
            return err_set(&t->err, ERR_NOMEM, "out of memory");
    }
    *ret_n = n;
    return ERR_OK;
}

err_code store_txn_users(struct store_txn *t, const struct store_key *k, struct arena *a,
                         struct store_key *keys, uint32_t max, uint32_t *ret_n, struct err *e)
{
    err_code rc = t->broken ? t->broken : users(t, k, a, keys, max, ret_n);
    return txn_end(t, rc, e);
}

uint64_t store_txn_revision(struct store_txn *t)
{
    return t->revision;
}

/* --- transactions that only read ------------------------------------------------------------- */

err_code store_read(struct store *s, store_job *job, void *arg, struct err *e)
{
    struct store_txn t = {.reads_only = true};
    err_code rc = store_take(s, &t.c, e);
    if (rc)
        return rc;
    rc = sql_run(t.c, "BEGIN", e);
    /* The first read is what fixes the moment. */
    if (!rc)
        rc = sql_number(t.c, SQL_LAST_REVISION, &t.revision, e);
    if (!rc)
        rc = job(&t, arg, e);
    if (!rc && t.broken) { /* even if the job did not mind */
        rc = t.broken;
        if (e)
            *e = t.err;
    }
    store_give(s, t.c); /* which ends the transaction */
    return rc;
}
