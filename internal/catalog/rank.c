/* Which groups match, and which nearly do: for people who ask why, not for machines that boot. */
#include "catalog/view.h"

/* Groups that are looked at for those that nearly match: about a tenth of a second. */
#define WALK_MAX 200000

struct ranking {
    const struct labels *machine;
    struct catalog_ranked *v; /* best first */
    uint32_t n, max;
    size_t walked;
};

static uint32_t count_held(const struct model_group *g, const struct labels *machine)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < g->selector.n; i++) {
        const struct str *got = model_label_get(machine, g->selector.v[i].key);
        held += model_group_pair_holds(g, i, got ? *got : STR(""));
    }
    return held;
}

/* Below 0 when a comes before b. */
static int rank_order(const struct catalog_ranked *a, const struct catalog_ranked *b)
{
    const struct model_group *x = &a->group->model, *y = &b->group->model;
    if (a->matches != b->matches)
        return a->matches ? -1 : 1;
    int c = 0;
    if (a->matches)
        c = match_order(&x->selector, &y->selector);
    else if (a->held != b->held)
        c = a->held > b->held ? -1 : 1;
    else if (x->selector.n != y->selector.n)
        c = x->selector.n < y->selector.n ? -1 : 1;
    return c ? c : str_cmp(x->id, y->id);
}

/* Puts it in its place, if it is among the best. */
static void add_ranked(struct ranking *r, const struct catalog_ranked *x)
{
    uint32_t at = r->n;
    while (at > 0 && rank_order(x, &r->v[at - 1]) < 0)
        at--;
    if (at == r->max)
        return;
    if (r->n < r->max)
        r->n++;
    memmove(&r->v[at + 1], &r->v[at], (r->n - 1 - at) * sizeof *r->v);
    r->v[at] = *x;
}

static void add_matching(struct ranking *r, const struct catalog_view *v)
{
    for (size_t i = 0; i < v->t.shapes->n; i++) {
        const struct match_shape *s = &v->t.shapes->v[i].object->shape;
        const void *const *items;
        uint64_t hash;
        size_t n = match_probe(s, r->machine, &hash) ? hamt_find(&v->t.selectors, hash, &items) : 0;
        for (size_t k = 0; k < n; k++) {
            const struct group_object *o = items[k];
            const struct labels *selector = &o->face.model.selector;
            struct catalog_ranked x = {&o->face, selector->n, true, NULL};
            if (match_shape_is(s, selector) && match_holds(selector, r->machine))
                add_ranked(r, &x);
        }
    }
}

static bool add_near(const void *item, void *arg)
{
    struct ranking *r = arg;
    const struct group_object *o = item;
    const struct labels *selector = &o->face.model.selector;
    if (r->walked++ == WALK_MAX)
        return false;
    struct catalog_ranked x = {&o->face, count_held(&o->face.model, r->machine), false, NULL};
    if (x.held < selector->n)
        add_ranked(r, &x);
    return true;
}

static bool same_selector(const struct labels *a, const struct labels *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!str_eq(a->v[i].key, b->v[i].key) || !str_eq(a->v[i].value, b->v[i].value))
            return false;
    return true;
}

/* The first group by id that has the same selector, if that is another one. */
static const struct catalog_group *shadow_of(const struct catalog_view *v,
                                             const struct catalog_group *g)
{
    const void *const *items;
    const struct catalog_group *first = g;
    size_t n = hamt_find(&v->t.selectors, match_selector_hash(&g->model.selector), &items);
    for (size_t i = 0; i < n; i++) {
        const struct group_object *o = items[i];
        if (same_selector(&o->face.model.selector, &g->model.selector) &&
            str_cmp(o->face.model.id, first->model.id) < 0)
            first = &o->face;
    }
    return first == g ? NULL : first;
}

uint32_t catalog_rank(const struct catalog_view *v, const struct labels *machine,
                      struct catalog_ranked *ret, uint32_t max, bool *ret_whole)
{
    struct ranking r = {.machine = machine, .v = ret, .max = max};
    add_matching(&r, v);
    *ret_whole = hamt_each(&v->t.groups, add_near, &r);
    for (uint32_t i = 0; i < r.n; i++)
        ret[i].shadowed_by = shadow_of(v, ret[i].group);
    return r.n;
}
