#include "base/always.h"
#include "base/buf.h"
#include "store/state.h"

/* Columns of all that reads resources: kind, name, selector, body, revision. */
static const char *const get_sql[] = {
    [STORE_GROUP] = "SELECT 0, id, selector, body, revision FROM groups WHERE id = ?3",
    [STORE_PROFILE] = "SELECT 0, id, '', body, revision FROM profiles WHERE id = ?3",
    [STORE_TEMPLATE] = "SELECT kind, name, '', body, revision FROM templates"
                       " WHERE kind = ?2 AND name = ?3",
};

struct store_resource read_row(const struct sql_query *q, enum store_type type)
{
    return (struct store_resource){
        .key = {type, (enum model_kind)sql_column_u64(q, 0), sql_column_str(q, 1)},
        .selector = sql_column_str(q, 2),
        .body = sql_column_str(q, 3),
        .revision = sql_column_u64(q, 4),
    };
}

err_code read_missing(const struct store_key *k, struct err *e)
{
    if (k->type == STORE_TEMPLATE)
        return err_set(e, ERR_NOT_FOUND, "there is no %s template \"%.*s\"",
                       model_kind_name(k->kind), STR_FMT(k->name));
    return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.*s\"",
                   k->type == STORE_GROUP ? "group" : "profile", STR_FMT(k->name));
}

err_code read_one(struct sql_conn *c, const struct store_key *k, struct arena *a,
                  struct store_resource *ret, bool *found, struct err *e)
{
    always(k->type >= STORE_GROUP && k->type <= STORE_TEMPLATE);
    SQL_LOCAL(q);
    bool row;
    err_code rc = sql_start(&q, c, get_sql[k->type], e);
    if (rc)
        return rc;
    sql_bind_key(&q, k);
    rc = sql_step(&q, &row, e);
    if (rc || !row) {
        *found = false;
        return rc;
    }
    struct store_resource r = read_row(&q, k->type);
    if (!arena_str(a, r.key.name, &r.key.name) || !arena_str(a, r.selector, &r.selector) ||
        !arena_str(a, r.body, &r.body))
        return err_set(e, ERR_NOMEM, "out of memory");
    *found = true;
    *ret = r;
    return ERR_OK;
}

err_code store_get(struct store *s, const struct store_key *k, struct arena *a,
                   struct store_resource *ret, struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    bool found = false;
    rc = read_one(c, k, a, ret, &found, e);
    store_give(s, c);
    return rc || found ? rc : read_missing(k, e);
}

err_code store_revision(struct store *s, uint64_t *ret, struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = sql_number(c, SQL_LAST_REVISION, ret, e);
    store_give(s, c);
    return rc;
}

/* --- lists ----------------------------------------------------------------------------------- */

#define FIRST_LABEL 8            /* the number of the first label's parameter */
#define LABEL_MAX   (64u * 1024) /* bytes of a pair as JSON; no request has as many */

/* The least text above all that begin with prefix; false if there is none. */
static bool prefix_end(struct str prefix, struct buf *dst)
{
    while (prefix.n && (unsigned char)prefix.p[prefix.n - 1] == 0xFF)
        prefix.n--;
    if (!prefix.n)
        return false;
    buf_add_str(dst, prefix);
    if (!dst->failed)
        dst->p[dst->n - 1]++;
    return true;
}

/* ?8 and on are pairs as the selector's JSON has them. A '{' or ',' before a pair's quote is never
 * inside a string: there the quote would be escaped. Lists are looked for by their combinations. */
static void labels_sql(struct buf *dst, const struct store_list *l)
{
    for (uint32_t i = 0; i < l->labels.n; i++)
        buf_addf(dst,
                 " AND (instr(selector, '{' || ?%u) = 1 OR instr(selector, ',' || ?%u) > 0"
                 " OR (instr(selector, ':[') > 0 AND EXISTS"
                 " (SELECT 1 FROM group_lists AS l WHERE l.id = groups.id"
                 " AND (instr(l.selector, '{' || ?%u) = 1 OR instr(l.selector, ',' || ?%u) > 0))))",
                 FIRST_LABEL + i, FIRST_LABEL + i, FIRST_LABEL + i, FIRST_LABEL + i);
}

/*
 * One statement for one list, so that SQLite sees which index serves it: with ?6 the groups of a
 * profile come from uses_to, which holds them in order.
 */
static void list_sql(struct buf *dst, const struct store_list *l, bool has_end)
{
    const char *name = l->type == STORE_TEMPLATE ? "name" : "id";
    bool by_profile = l->type == STORE_GROUP && l->profile.p;
    if (by_profile)
        buf_add_lit(dst, "SELECT 0, id, selector, groups.body, groups.revision"
                         " FROM uses CROSS JOIN groups ON id = uses.name"
                         " WHERE to_type = 2 AND to_kind = 0 AND to_name = ?6"
                         " AND uses.type = 1 AND uses.kind = 0");
    else if (l->type == STORE_GROUP)
        buf_add_lit(dst, "SELECT 0, id, selector, body, revision FROM groups WHERE 1");
    else if (l->type == STORE_PROFILE)
        buf_add_lit(dst, "SELECT 0, id, '', body, revision FROM profiles WHERE 1");
    else
        buf_add_lit(dst, "SELECT kind, name, '', body, revision FROM templates WHERE 1");
    if (by_profile)
        name = "uses.name";
    bool all_kinds = l->type == STORE_TEMPLATE && !l->one_kind;
    if (l->type == STORE_TEMPLATE && l->one_kind)
        buf_add_lit(dst, " AND kind = ?2");
    if (l->has_after && all_kinds)
        buf_add_lit(dst, " AND (kind, name) > (?1, ?3)");
    else if (l->has_after)
        buf_addf(dst, " AND %s > ?3", name);
    if (l->prefix.n)
        buf_addf(dst, " AND %s >= ?4", name);
    if (l->prefix.n && has_end)
        buf_addf(dst, " AND %s < ?5", name);
    labels_sql(dst, l);
    buf_addf(dst, " ORDER BY %s%s LIMIT ?7", all_kinds ? "kind, " : "", name);
}

/* The texts live in a. */
static err_code labels_bind(struct sql_query *q, const struct store_list *l, struct arena *a,
                            struct err *e)
{
    for (uint32_t i = 0; i < l->labels.n; i++) {
        struct labels one = {.v = &l->labels.v[i], .n = 1};
        struct buf text;
        buf_in_arena(&text, a, LABEL_MAX);
        model_selector_write(&text, &one);
        if (text.failed)
            return err_set(e, ERR_NOMEM, "out of memory");
        sql_bind_text(q, FIRST_LABEL + (int)i, str_sub(buf_str(&text), 1, text.n - 1));
    }
    return ERR_OK;
}

static void list_bind(struct sql_query *q, const struct store_list *l, struct str end)
{
    if (l->has_after) {
        sql_bind_u64(q, 1, l->after_kind);
        sql_bind_text(q, 3, l->after);
    }
    sql_bind_u64(q, 2, l->kind);
    sql_bind_text(q, 4, l->prefix);
    sql_bind_text(q, 5, end);
    sql_bind_text(q, 6, l->profile);
    sql_bind_u64(q, 7, l->limit && l->limit < INT64_MAX ? l->limit : INT64_MAX);
}

static err_code read_list(struct sql_conn *c, const struct store_list *l, store_each *each,
                          void *arg, struct err *e)
{
    always(l->type >= STORE_GROUP && l->type <= STORE_TEMPLATE);
    always(l->labels.n <= STORE_LIST_LABELS);
    ARENA_LOCAL(labels, (size_t)STORE_LIST_LABELS * LABEL_MAX);
    BUF_LOCAL(text, 16384);
    BUF_LOCAL(end, l->prefix.n);
    bool has_end = prefix_end(l->prefix, &end);
    list_sql(&text, l, has_end);
    if (text.failed || end.failed)
        return err_set(e, ERR_NOMEM, "out of memory");
    SQL_LOCAL(q);
    err_code rc = sql_start_once(&q, c, buf_str(&text), e);
    if (!rc)
        rc = labels_bind(&q, l, &labels, e);
    if (rc)
        return rc;
    list_bind(&q, l, buf_str(&end));
    for (bool row;;) {
        rc = sql_step(&q, &row, e);
        if (rc || !row)
            return rc;
        struct store_resource r = read_row(&q, l->type);
        rc = each(arg, &r, e);
        if (rc)
            return rc;
    }
}

err_code store_txn_for_each(struct store_txn *t, const struct store_list *l, store_each *each,
                            void *arg, struct err *e)
{
    if (t->broken)
        return txn_end(t, t->broken, e);
    return txn_end(t, read_list(t->c, l, each, arg, &t->err), e);
}

err_code store_for_each(struct store *s, const struct store_list *l, store_each *each, void *arg,
                        struct err *e)
{
    struct sql_conn *c;
    err_code rc = store_take(s, &c, e);
    if (rc)
        return rc;
    rc = read_list(c, l, each, arg, e);
    store_give(s, c);
    return rc;
}
