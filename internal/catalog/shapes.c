/*
 * The shapes that groups have, in the order in which their groups win: for a machine that belongs
 * to groups of two shapes, the one of the earlier shape comes first (match_shape_order).
 */
#include <stdlib.h>

#include "base/always.h"
#include "catalog/view.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while filing a group");
}

struct shape_table *shapes_copy(const struct shape_table *from)
{
    size_t n = from ? from->n : 0;
    struct shape_table *t = malloc(sizeof *t + n * sizeof *t->v);
    if (!t)
        return NULL;
    *t = (struct shape_table){.n = n, .odd = from ? from->odd : 0};
    if (n)
        memcpy(t->v, from->v, n * sizeof *t->v);
    return t;
}

static struct shape_entry *find(struct shape_table *t, const struct labels *selector)
{
    uint64_t hash = match_shape_hash(selector);
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].hash == hash && match_shape_is(&t->v[i].object->shape, selector))
            return &t->v[i];
    return NULL;
}

/* The first place whose shape does not come before it. */
static size_t place_of(const struct shape_table *t, const struct match_shape *s)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (match_shape_order(&t->v[mid].object->shape, s) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Takes the object over; on failure it is freed. */
static err_code add(struct shape_table **table, struct shape_object *o, size_t groups,
                    struct grace_batch *made, struct err *e)
{
    struct shape_table *t = realloc(*table, sizeof *t + ((*table)->n + 1) * sizeof *(*table)->v);
    if (t)
        *table = t;
    if (!t || (made && grace_batch_reserve(made, 1) != ERR_OK)) {
        shape_object_free(o);
        return nomem(e);
    }
    size_t at = place_of(t, &o->shape);
    memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof *t->v);
    t->v[at] = (struct shape_entry){o->shape.hash, o->shape.wants, o, groups};
    t->n++;
    t->odd += !o->shape.plain;
    if (made)
        grace_batch_add(made, o, shape_object_free);
    return ERR_OK;
}

err_code shapes_use(struct shape_table **table, const struct labels *selector,
                    struct grace_batch *made, struct err *e)
{
    struct shape_entry *found = find(*table, selector);
    if (found) {
        found->groups++;
        return ERR_OK;
    }
    struct shape_object *o;
    err_code c = shape_object_make(selector, &o, e);
    return c ? c : add(table, o, 1, made, e);
}

err_code shapes_drop(struct shape_table *t, const struct labels *selector,
                     struct grace_batch *replaced, struct err *e)
{
    struct shape_entry *found = find(t, selector);
    always(found && found->groups > 0);
    if (--found->groups > 0)
        return ERR_OK;
    if (grace_batch_reserve(replaced, 1) != ERR_OK)
        return nomem(e);
    grace_batch_add(replaced, found->object, shape_object_free);
    t->odd -= !found->object->shape.plain;
    size_t at = (size_t)(found - t->v);
    memmove(&t->v[at], &t->v[at + 1], (t->n - at - 1) * sizeof *t->v);
    t->n--;
    return ERR_OK;
}

static bool same_keys(const struct match_shape *a, const struct match_shape *b)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->keys[i].empty != b->keys[i].empty || !str_eq(a->keys[i].key, b->keys[i].key))
            return false;
    return true;
}

err_code shapes_merge(struct shape_table **table, struct shape_table *from,
                      struct grace_batch *made, struct err *e)
{
    while (from->n) {
        struct shape_entry x = from->v[from->n - 1];
        struct shape_entry *same = NULL;
        for (size_t i = 0; i < (*table)->n && !same; i++) {
            const struct match_shape *s = &(*table)->v[i].object->shape;
            if (s->hash == x.hash && s->n == x.object->shape.n && same_keys(s, &x.object->shape))
                same = &(*table)->v[i];
        }
        from->n--;
        err_code c = ERR_OK;
        if (same) {
            same->groups += x.groups;
            shape_object_free(x.object);
        } else {
            c = add(table, x.object, x.groups, made, e);
        }
        if (c)
            return c;
    }
    return ERR_OK;
}
