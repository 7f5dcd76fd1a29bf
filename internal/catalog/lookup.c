#include "catalog/view.h"

#define CACHE_LINE 64
/* Where what a match compares and an answer names lies in a group. */
#define GROUP_TEXTS ((sizeof(struct group_object) + 15) & ~(size_t)15)

const struct group_object *view_find_group(const struct hamt *groups, struct str id)
{
    const void *const *items;
    size_t n = hamt_find(groups, view_id_hash(id), &items);
    for (size_t i = 0; i < n; i++) {
        const struct group_object *o = items[i];
        if (str_eq(o->face.model.id, id))
            return o;
    }
    return NULL;
}

const struct profile_object *view_find_profile(const struct hamt *profiles, struct str id)
{
    const void *const *items;
    size_t n = hamt_find(profiles, view_id_hash(id), &items);
    for (size_t i = 0; i < n; i++) {
        const struct profile_object *o = items[i];
        if (str_eq(o->face.model.id, id))
            return o;
    }
    return NULL;
}

const struct template_object *view_find_template(const struct hamt *templates, enum model_kind k,
                                                 struct str name)
{
    const void *const *items;
    size_t n = hamt_find(templates, view_template_hash(k, name), &items);
    for (size_t i = 0; i < n; i++) {
        const struct template_object *o = items[i];
        if (o->face.kind == k && str_eq(o->face.name, name))
            return o;
    }
    return NULL;
}

/*
 * The object, the pairs behind it and their texts: one machine of a million finds none of them in a
 * cache, and so waits for all of them together.
 */
static void fetch_group(const struct group_object *o)
{
    for (size_t at = CACHE_LINE; at < GROUP_TEXTS + CACHE_LINE; at += CACHE_LINE)
        __builtin_prefetch((const char *)o + at);
}

/*
 * Of groups with the same selector the first by id is active, the others are shadowed. A hash's
 * items are in that order (group_object_order).
 */
static const struct group_object *active(const struct hamt *selectors, uint64_t hash,
                                         const struct labels *machine)
{
    const void *const *items;
    size_t n = hamt_find(selectors, hash, &items);
    for (size_t i = 0; i < n; i++) {
        const struct group_object *o = items[i];
        fetch_group(o);
        if (match_holds(&o->face.model.selector, machine))
            return o;
    }
    return NULL;
}

/*
 * Shapes are in the order in which their groups win, so the first that is found is it; only keys
 * with a '=' in them make it necessary to compare the selectors themselves.
 */
const struct catalog_group *catalog_match(const struct catalog_view *v,
                                          const struct labels *machine)
{
    const struct shape_table *shapes = v->t.shapes;
    const struct group_object *best = NULL;
    uint64_t missing = ~match_bits(machine);
    for (size_t i = 0; i < shapes->n; i++) {
        if (shapes->v[i].wants & missing)
            continue;
        const struct match_shape *s = &shapes->v[i].object->shape;
        if (best && s->n < best->face.model.selector.n)
            break;
        uint64_t hash;
        if (!match_probe(s, machine, &hash))
            continue;
        const struct group_object *o = active(&v->t.selectors, hash, machine);
        if (o && (!best || match_order(&o->face.model.selector, &best->face.model.selector) < 0))
            best = o;
        if (best && !shapes->odd)
            break;
    }
    return best ? &best->face : NULL;
}

const struct catalog_group *catalog_group(const struct catalog_view *v, struct str id)
{
    const struct group_object *o = view_find_group(&v->t.groups, id);
    return o ? &o->face : NULL;
}

const struct catalog_profile *catalog_profile(const struct catalog_view *v, struct str id)
{
    const struct profile_object *o = view_find_profile(&v->t.profiles, id);
    return o ? &o->face : NULL;
}

const struct catalog_template *catalog_template(const struct catalog_view *v, enum model_kind k,
                                                struct str name)
{
    const struct template_object *o = view_find_template(&v->t.templates, k, name);
    return o ? &o->face : NULL;
}

struct each {
    enum model_kind kind;
    void (*fn)(void *arg, const struct catalog_template *t);
    void *arg;
};

static bool of_kind(const void *item, void *arg)
{
    const struct template_object *o = item;
    const struct each *x = arg;
    if (o->face.kind == x->kind)
        x->fn(x->arg, &o->face);
    return true;
}

void catalog_each_template(const struct catalog_view *v, enum model_kind k,
                           void (*fn)(void *arg, const struct catalog_template *t), void *arg)
{
    struct each x = {k, fn, arg};
    hamt_each(&v->t.templates, of_kind, &x);
}

uint64_t catalog_files_generation(const struct catalog_view *v)
{
    return v->files;
}

uint64_t catalog_revision(const struct catalog_view *v)
{
    return v->revision;
}

void catalog_stats(const struct catalog_view *v, struct catalog_stats *ret)
{
    *ret = (struct catalog_stats){
        .groups = v->t.groups.count,
        .profiles = v->t.profiles.count,
        .templates = v->t.templates.count,
        .shapes = v->t.shapes->n,
        .broken = v->broken + v->t.unreadable.count,
    };
}
