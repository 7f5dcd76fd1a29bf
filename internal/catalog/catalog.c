#include "catalog/catalog.h"

#include <stdlib.h>

#include "base/always.h"
#include "base/hash.h"
#include "catalog/view.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while publishing a revision");
}

/* --- life --------------------------------------------------------------------------------------
 */

err_code catalog_make(struct catalog **ret, struct err *e)
{
    struct catalog *c = calloc(1, sizeof *c);
    struct catalog_view *v = calloc(1, sizeof *v);
    struct shape_table *s = shapes_copy(NULL);
    if (!c || !v || !s) {
        free(c);
        free(v);
        free(s);
        return nomem(e);
    }
    v->t.shapes = s;
    c->view = v;
    c->kept_max = DOCS_KEPT_MAX;
    *ret = c;
    return ERR_OK;
}

static bool free_group(const void *item, void *arg)
{
    (void)arg;
    group_object_free((void *)(uintptr_t)item);
    return true;
}

static bool free_profile(const void *item, void *arg)
{
    (void)arg;
    profile_object_free((void *)(uintptr_t)item);
    return true;
}

static bool free_template(const void *item, void *arg)
{
    (void)arg;
    template_object_free((void *)(uintptr_t)item);
    return true;
}

static bool free_unreadable(const void *item, void *arg)
{
    (void)arg;
    free((void *)(uintptr_t)item);
    return true;
}

/* A view that shares nothing with any other, and all that is in it. */
static void free_whole_view(void *p)
{
    struct catalog_view *v = p;
    hamt_free(&v->t.selectors);
    hamt_each(&v->t.groups, free_group, NULL);
    hamt_free(&v->t.groups);
    hamt_each(&v->t.profiles, free_profile, NULL);
    hamt_free(&v->t.profiles);
    hamt_each(&v->t.templates, free_template, NULL);
    hamt_free(&v->t.templates);
    hamt_each(&v->t.unreadable, free_unreadable, NULL);
    hamt_free(&v->t.unreadable);
    for (size_t i = 0; i < v->t.shapes->n; i++)
        shape_object_free(v->t.shapes->v[i].object);
    free((void *)(uintptr_t)v->t.shapes);
    free(v);
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    while (grace_drain(&c->limbo))
        continue;
    free_whole_view(c->view);
    free(c);
}

const struct catalog_view *catalog_enter(struct catalog *c)
{
    grace_enter();
    return grace_load(&c->view);
}

void catalog_leave(struct catalog *c)
{
    (void)c;
    grace_leave();
}

void catalog_settle(struct catalog *c)
{
    grace_drain(&c->limbo);
}

/* --- editing -----------------------------------------------------------------------------------
 */

err_code catalog_edit_begin(struct catalog *c, bool fresh, struct catalog_edit **ret, struct err *e)
{
    static const struct tables empty;
    const struct catalog_view *now = c->view;
    const struct tables *base = fresh ? &empty : &now->t;
    struct catalog_edit *x = calloc(1, sizeof *x);
    struct catalog_view *view = calloc(1, sizeof *view);
    struct shape_table *shapes = shapes_copy(base->shapes);
    struct grace_batch old_view = {0};
    if (!x || !view || !shapes || grace_batch_reserve(&old_view, 2) != ERR_OK) {
        free(x);
        free(view);
        free(shapes);
        return nomem(e);
    }
    x->old_view = old_view;
    x->catalog = c;
    x->view = view;
    x->shapes = shapes;
    x->fresh = fresh;
    x->broken = fresh ? 0 : now->broken;
    x->files = now->files;
    hamt_edit_begin(&x->groups, base->groups, &x->replaced);
    hamt_edit_begin(&x->selectors, base->selectors, &x->replaced);
    x->selectors.order = group_object_order;
    hamt_edit_begin(&x->profiles, base->profiles, &x->replaced);
    hamt_edit_begin(&x->templates, base->templates, &x->replaced);
    hamt_edit_begin(&x->unreadable, base->unreadable, &x->replaced);
    *ret = x;
    return ERR_OK;
}

/* Remembers an object of this edit; on failure it is freed here. */
static err_code keep_made(struct catalog_edit *x, void *object, void (*free_fn)(void *),
                          struct err *e)
{
    if (grace_batch_reserve(&x->made, 1) != ERR_OK) {
        free_fn(object);
        return nomem(e);
    }
    grace_batch_add(&x->made, object, free_fn);
    return ERR_OK;
}

static err_code drop_later(struct catalog_edit *x, const void *object, void (*free_fn)(void *),
                           struct err *e)
{
    if (grace_batch_reserve(&x->replaced, 1) != ERR_OK)
        return nomem(e);
    grace_batch_add(&x->replaced, (void *)(uintptr_t)object, free_fn);
    return ERR_OK;
}

/* --- what cannot be read --- */

static uint64_t unreadable_hash(bool profile, struct str name)
{
    return hash_bytes(name, profile ? 2 : 1);
}

static err_code forget_unreadable(struct catalog_edit *x, bool profile, struct str name,
                                  struct err *e)
{
    const void *const *items;
    uint64_t hash = unreadable_hash(profile, name);
    size_t n = hamt_find(&x->unreadable.now, hash, &items);
    for (size_t i = 0; i < n; i++) {
        const struct unreadable_object *o = items[i];
        if (o->profile != profile || !str_eq(str_of(o->name, o->name_n), name))
            continue;
        err_code c = drop_later(x, o, free, e);
        return c ? c : hamt_remove(&x->unreadable, hash, o) ? nomem(e) : ERR_OK;
    }
    return ERR_OK;
}

err_code edit_note_unreadable(struct catalog_edit *x, bool profile, struct str name, err_code why,
                              struct err *e)
{
    struct unreadable_object *o = NULL;
    if (grace_batch_reserve(&x->made, 1) == ERR_OK)
        o = malloc(sizeof *o + name.n);
    if (!o)
        return nomem(e);
    o->profile = profile;
    o->name_n = name.n;
    if (name.n)
        memcpy(o->name, name.p, name.n);
    grace_batch_add(&x->made, o, free);
    err_code c = ERR_OK;
    if (hamt_insert(&x->unreadable, unreadable_hash(profile, name), o) != ERR_OK)
        c = nomem(e);
    return c ? c : why;
}

/* --- puts and deletes --- */

err_code catalog_delete_group(struct catalog_edit *x, struct str id, struct err *e)
{
    err_code c = forget_unreadable(x, false, id, e);
    if (c)
        return c;
    const struct group_object *old = view_find_group(&x->groups.now, id);
    if (!old)
        return ERR_OK;
    c = shapes_drop(x->shapes, &old->face.model.selector, &x->replaced, e);
    if (!c)
        c = group_lists_unfile(x, old, e);
    if (!c && (hamt_remove(&x->groups, old->id_hash, old) != ERR_OK ||
               hamt_remove(&x->selectors, old->selector_hash, old) != ERR_OK))
        c = nomem(e);
    return c ? c : drop_later(x, old, group_object_free, e);
}

err_code catalog_put_group(struct catalog_edit *x, struct str id, struct str body, struct err *e)
{
    err_code c = catalog_delete_group(x, id, e);
    if (c)
        return c;
    struct group_object *o;
    c = group_object_make(id, body, NULL, &o, e);
    if (c)
        return c == ERR_NOMEM ? c : edit_note_unreadable(x, false, id, c, e);
    o->face.generation = ++x->catalog->generation;
    c = keep_made(x, o, group_object_free, e);
    if (!c)
        c = shapes_use(&x->shapes, &o->face.model.selector, &x->made, e);
    if (!c && (hamt_insert(&x->groups, o->id_hash, o) != ERR_OK ||
               hamt_insert(&x->selectors, o->selector_hash, o) != ERR_OK))
        c = nomem(e);
    if (!c)
        c = group_lists_file(x, o, e);
    return c;
}

err_code catalog_delete_profile(struct catalog_edit *x, struct str id, struct err *e)
{
    err_code c = forget_unreadable(x, true, id, e);
    if (c)
        return c;
    const struct profile_object *old = view_find_profile(&x->profiles.now, id);
    if (!old)
        return ERR_OK;
    if (hamt_remove(&x->profiles, old->id_hash, old) != ERR_OK)
        return nomem(e);
    return drop_later(x, old, profile_object_free, e);
}

err_code catalog_put_profile(struct catalog_edit *x, struct str id, struct str body, struct err *e)
{
    err_code c = catalog_delete_profile(x, id, e);
    if (c)
        return c;
    struct profile_object *o;
    c = profile_object_make(id, body, &o, e);
    if (c)
        return c == ERR_NOMEM ? c : edit_note_unreadable(x, true, id, c, e);
    o->face.generation = ++x->catalog->generation;
    c = keep_made(x, o, profile_object_free, e);
    if (!c && hamt_insert(&x->profiles, o->id_hash, o) != ERR_OK)
        c = nomem(e);
    return c;
}

err_code catalog_delete_template(struct catalog_edit *x, enum model_kind k, struct str name,
                                 struct err *e)
{
    const struct template_object *old = view_find_template(&x->templates.now, k, name);
    if (!old)
        return ERR_OK;
    if (hamt_remove(&x->templates, old->name_hash, old) != ERR_OK)
        return nomem(e);
    if (k == MODEL_FILES)
        x->files = ++x->catalog->generation;
    if (!old->face.render)
        x->broken--;
    return drop_later(x, old, template_object_free, e);
}

err_code catalog_put_template(struct catalog_edit *x, enum model_kind k, struct str name,
                              struct str source, struct err *e)
{
    err_code c = catalog_delete_template(x, k, name, e);
    if (c)
        return c;
    struct template_object *o;
    c = template_object_make(k, name, source, &o, e);
    if (c)
        return c;
    o->face.generation = ++x->catalog->generation;
    if (k == MODEL_FILES)
        x->files = o->face.generation;
    if (!o->face.render)
        x->broken++;
    c = keep_made(x, o, template_object_free, e);
    if (!c && hamt_insert(&x->templates, o->name_hash, o) != ERR_OK)
        c = nomem(e);
    if (!c && !o->face.render) {
        c = o->face.broken.code;
        if (e)
            *e = o->face.broken;
    }
    return c;
}

void catalog_edit_commit(struct catalog_edit *x, uint64_t revision)
{
    struct catalog *c = x->catalog;
    struct catalog_view *next = x->view;
    *next = (struct catalog_view){
        .t = {.groups = hamt_edit_commit(&x->groups),
              .selectors = hamt_edit_commit(&x->selectors),
              .profiles = hamt_edit_commit(&x->profiles),
              .templates = hamt_edit_commit(&x->templates),
              .unreadable = hamt_edit_commit(&x->unreadable),
              .shapes = x->shapes},
        .revision = revision,
        .files = x->files,
        .broken = x->broken,
    };
    struct catalog_view *old = c->view;
    grace_batch_forget(&x->made);
    grace_publish(&c->view, next);
    grace_defer(&c->limbo, &x->replaced);
    if (x->fresh) {
        grace_batch_add(&x->old_view, old, free_whole_view);
    } else {
        grace_batch_add(&x->old_view, (void *)(uintptr_t)old->t.shapes, free);
        grace_batch_add(&x->old_view, old, free);
    }
    grace_defer(&c->limbo, &x->old_view);
    free(x);
}

void catalog_edit_abandon(struct catalog_edit *x)
{
    if (!x)
        return;
    hamt_edit_abandon(&x->groups);
    hamt_edit_abandon(&x->selectors);
    hamt_edit_abandon(&x->profiles);
    hamt_edit_abandon(&x->templates);
    hamt_edit_abandon(&x->unreadable);
    grace_batch_free(&x->made);
    grace_batch_forget(&x->replaced);
    grace_batch_forget(&x->old_view);
    free(x->shapes);
    free(x->view);
    free(x);
}
