#include "service/affected.h"

#include <stdlib.h>

#include "base/hash.h"
#include "ignition/ignition.h"

#define USERS_MAX   65536
#define PROFILE_MAX (16u << 20)

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while looking for what a change concerns");
}

/* --- a set of names ----------------------------------------------------------------------------
 */

/* Where a name is, or would be. */
static size_t slot_of(const struct str *v, size_t cap, struct str name)
{
    size_t i = hash_bytes(name, 0) & (cap - 1);
    while (v[i].p && !str_eq(v[i], name))
        i = (i + 1) & (cap - 1);
    return i;
}

static bool grow(struct affected *x)
{
    size_t cap = x->profiles_cap ? x->profiles_cap * 2 : 256;
    struct str *v = arena_calloc(x->arena, cap, sizeof *v);
    if (!v)
        return false;
    for (size_t i = 0; i < x->profiles_cap; i++)
        if (x->profiles[i].p)
            v[slot_of(v, cap, x->profiles[i])] = x->profiles[i];
    x->profiles = v;
    x->profiles_cap = cap;
    return true;
}

static err_code add_profile(struct affected *x, struct str id, struct err *e)
{
    if (x->profiles_n * 2 >= x->profiles_cap && !grow(x))
        return nomem(e);
    struct str *slot = &x->profiles[slot_of(x->profiles, x->profiles_cap, id)];
    if (slot->p)
        return ERR_OK;
    if (!arena_str(x->arena, id, slot))
        return nomem(e);
    x->profiles_n++;
    return ERR_OK;
}

bool affected_profile(const struct affected *x, struct str id)
{
    return x->profiles_n && x->profiles[slot_of(x->profiles, x->profiles_cap, id)].p;
}

/* --- what is touched ---------------------------------------------------------------------------
 */

static err_code touch_template(struct affected *x, const struct store_key *k, struct err *e)
{
    ARENA_LOCAL(a, (size_t)USERS_MAX * (sizeof(struct store_key) + MODEL_ID_MAX + 32));
    struct store_key *users = arena_alloc(&a, USERS_MAX * sizeof *users);
    uint32_t n = 0;
    if (!users)
        return nomem(e);
    err_code c = store_txn_users(x->txn, k, &a, users, USERS_MAX, &n, e);
    for (uint32_t i = 0; !c && i < n; i++)
        c = add_profile(x, users[i].name, e);
    return c;
}

err_code affected_touch(struct affected *x, const struct store_key *k, struct err *e)
{
    if (k->type == STORE_PROFILE)
        return add_profile(x, k->name, e);
    if (k->type != STORE_TEMPLATE)
        return ERR_OK;
    if (k->kind != MODEL_FILES)
        return touch_template(x, k, e);
    x->comparison->files_changed = true;
    return ERR_OK;
}

/* A profile that can only be read by its groups' documents is as good as not there. */
static err_code touch_butane(void *arg, const struct store_resource *r, struct err *e)
{
    struct affected *x = arg;
    ARENA_LOCAL(a, PROFILE_MAX);
    struct findings ignored;
    struct model_profile *p;
    findings_init(&ignored, &a);
    err_code c = model_profile_read(&a, r->key.name, r->body, MODEL_IMPORT, &ignored, &p, NULL);
    if (c)
        return c == ERR_NOMEM ? nomem(e) : ERR_OK;
    struct str name = p->refs[MODEL_IGNITION];
    return name.n && !ignition_is_raw(name) ? add_profile(x, r->key.name, e) : ERR_OK;
}

err_code affected_touched(struct affected *x, struct err *e)
{
    struct store_list all = {.type = STORE_PROFILE};
    if (!x->comparison->files_changed)
        return ERR_OK;
    return store_txn_for_each(x->txn, &all, touch_butane, x, e);
}

/* --- comparing ---------------------------------------------------------------------------------
 */

err_code affected_compare(struct affected *x, struct str group, struct str before, struct str after,
                          struct err *e)
{
    if (x->left == 0) {
        x->passed_over++;
        return ERR_OK;
    }
    x->left--;
    x->compared++;
    return compare_group(x->comparison, group, before, after, e);
}

static err_code compare_other(void *arg, const struct store_resource *r, struct err *e)
{
    struct affected *x = arg;
    if (x->own && x->own(x->arg, r->key.name))
        return ERR_OK;
    return affected_compare(x, r->key.name, r->body, r->body, e);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

err_code affected_compare_others(struct affected *x, struct err *e)
{
    size_t n = 0;
    struct str *names = x->profiles_n ? arena_calloc(x->arena, x->profiles_n, sizeof *names) : NULL;
    if (x->profiles_n && !names)
        return nomem(e);
    for (size_t i = 0; i < x->profiles_cap; i++)
        if (x->profiles[i].p)
            names[n++] = x->profiles[i];
    if (n)
        qsort(names, n, sizeof *names, by_name);
    err_code c = ERR_OK;
    for (size_t i = 0; !c && i < n; i++) {
        struct store_list groups = {.type = STORE_GROUP, .profile = names[i]};
        c = store_txn_for_each(x->txn, &groups, compare_other, x, e);
    }
    return c;
}
