/*
 * Groups whose selectors have lists: a row of group_lists for each combination, so that two groups
 * which some machine could not tell apart are found by equality, as without lists.
 */
#include "store/state.h"

#define SCRATCH_MAX ((size_t)64 << 20)
#define TEXT_MAX    (2 * MODEL_RESOURCE_MAX)

/* Cheap, and true of some selectors without lists too. */
bool lists_perhaps(struct str selector)
{
    return str_find(selector, STR(":["), 0) < selector.n;
}

err_code store_selector_each(struct str selector, store_each_selector *fn, void *arg, struct err *e)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    BUF_LOCAL(text, TEXT_MAX);
    struct model_group *g;
    struct label pairs[MODEL_SELECTORS];
    if (!lists_perhaps(selector))
        return fn(arg, selector, e);
    err_code c = model_group_selector_read(&a, selector, &g, e);
    uint32_t n = c ? 0 : model_group_combinations(g);
    for (uint32_t i = 0; i < n && !c; i++) {
        struct labels one = {.v = pairs, .n = g->selector.n};
        model_group_combination(g, i, pairs);
        buf_clear(&text);
        model_selector_write(&text, &one);
        c = text.failed ? err_set(e, ERR_NOMEM, "out of memory") : fn(arg, buf_str(&text), e);
    }
    return c;
}

static err_code run_with_id(struct store_txn *t, const char *sql, struct str selector,
                            struct str id)
{
    SQL_LOCAL(q);
    bool row;
    err_code c = sql_start(&q, t->c, sql, &t->err);
    if (c)
        return c;
    sql_bind_text(&q, 1, selector);
    sql_bind_text(&q, 2, id);
    return sql_step(&q, &row, &t->err);
}

err_code lists_drop(struct store_txn *t, struct str id)
{
    return run_with_id(t, "DELETE FROM group_lists WHERE id = ?2", STR(""), id);
}

struct writing {
    struct store_txn *txn;
    struct str id, selector;
};

static err_code write_one(void *arg, struct str text, struct err *e)
{
    const struct writing *w = arg;
    (void)e;
    if (str_eq(text, w->selector))
        return ERR_OK; /* it has no list */
    return run_with_id(w->txn, "INSERT INTO group_lists (selector, id) VALUES (?1, ?2)", text,
                       w->id);
}

err_code lists_write(struct store_txn *t, struct str id, struct str selector)
{
    struct writing w = {t, id, selector};
    err_code c = lists_drop(t, id);
    return c ? c : store_selector_each(selector, write_one, &w, &t->err);
}

struct owning {
    struct store_txn *txn;
    struct str but_id, after_id; /* of one it is another, and comes after the other */
    struct arena *arena;
    struct str first; /* absent: none so far */
};

static err_code find_owner(void *arg, struct str text, struct err *e)
{
    struct owning *o = arg;
    SQL_LOCAL(q);
    bool row;
    err_code c =
        sql_start(&q, o->txn->c,
                  "SELECT id FROM groups WHERE selector = ?1 AND id <> ?2 AND id > ?3 UNION ALL"
                  " SELECT id FROM group_lists WHERE selector = ?1 AND id <> ?2 AND id > ?3"
                  " ORDER BY id LIMIT 1",
                  e);
    if (c)
        return c;
    sql_bind_text(&q, 1, text);
    sql_bind_text(&q, 2, o->but_id);
    sql_bind_text(&q, 3, o->after_id);
    c = sql_step(&q, &row, e);
    if (c || !row)
        return c;
    struct str id = sql_column_str(&q, 0);
    if (o->first.p && str_cmp(o->first, id) <= 0)
        return ERR_OK;
    return arena_str(o->arena, id, &o->first) ? ERR_OK : err_set(e, ERR_NOMEM, "out of memory");
}

static err_code first_owner(struct owning *o, struct str selector, struct str *ret, struct err *e)
{
    struct store_txn *t = o->txn;
    if (t->broken)
        return txn_end(t, t->broken, e);
    err_code c = store_selector_each(selector, find_owner, o, &t->err);
    if (!c && !o->first.p)
        return err_set(e, ERR_NOT_FOUND, "no such group has this selector");
    if (!c)
        *ret = o->first;
    return txn_end(t, c, e);
}

err_code store_txn_selector_owner(struct store_txn *t, struct str selector, struct str but_id,
                                  struct arena *a, struct str *ret, struct err *e)
{
    struct owning o = {t, but_id, STR(""), a, {NULL, 0}};
    return first_owner(&o, selector, ret, e);
}

err_code store_txn_selector_next(struct store_txn *t, struct str selector, struct str after_id,
                                 struct arena *a, struct str *ret, struct err *e)
{
    struct owning o = {t, STR(""), after_id, a, {NULL, 0}};
    return first_owner(&o, selector, ret, e);
}
