/*
 * Is every document that a write touches still one? What a template gives without the request is
 * the same for every machine of a group, so it can be made now, while whoever wrote it is looking,
 * and not at night when a machine asks. What could not be made before the write is not its fault.
 */
#include <stdlib.h>

#include "service/affected.h"
#include "service/bundle.h"

/* Groups that are looked at for one write; more are left to the request. */
#define GROUPS_MAX 10000
#define NAMES_MAX  (256u << 20)
#define BODIES_MAX (16u << 20)

struct checked {
    const struct store_key *keys;
    size_t n;
};

static int by_key(const void *a, const void *b)
{
    return bundle_key_cmp(a, b);
}

static bool is_checked(void *arg, struct str group)
{
    const struct checked *x = arg;
    struct store_key k = {STORE_GROUP, 0, group};
    return bsearch(&k, x->keys, x->n, sizeof k, by_key) != NULL;
}

/* ERR_NOT_FOUND is an answer. */
static err_code body_in(const struct state *s, const struct store_key *k, struct arena *a,
                        struct str *ret, struct err *e)
{
    err_code c = state_get(s, k, a, ret, e);
    return c == ERR_NOT_FOUND ? ERR_OK : c;
}

static err_code check_group(struct affected *x, const struct store_key *k, struct err *e)
{
    ARENA_LOCAL(a, BODIES_MAX);
    struct str before = {NULL, 0}, after = {NULL, 0};
    err_code c = body_in(&x->comparison->before.state, k, &a, &before, e);
    if (!c)
        c = body_in(&x->comparison->after.state, k, &a, &after, e);
    return c || !after.p ? c : affected_compare(x, k->name, before, after, e);
}

err_code check_documents(struct service *s, struct store_txn *t, const struct state *before,
                         const struct store_key *keys, size_t n, struct findings *f, struct err *e)
{
    ARENA_LOCAL(names, NAMES_MAX);
    struct state after = {.txn = t};
    struct comparison comparison;
    compare_init(&comparison, s, before, &after, f);
    struct checked checked = {keys, n};
    struct affected x = {.txn = t,
                         .comparison = &comparison,
                         .arena = &names,
                         .left = GROUPS_MAX,
                         .own = is_checked,
                         .arg = &checked};
    err_code c = ERR_OK;
    for (size_t i = 0; !c && i < n; i++)
        c = affected_touch(&x, &keys[i], e);
    if (!c)
        c = affected_touched(&x, e);
    for (size_t i = 0; !c && i < n; i++)
        if (keys[i].type == STORE_GROUP)
            c = check_group(&x, &keys[i], e);
    if (!c)
        c = affected_compare_others(&x, e);
    compare_free(&comparison);
    return c;
}
