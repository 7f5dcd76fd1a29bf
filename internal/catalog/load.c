/*
 * A whole site at once. Each thread makes objects, and notes their hashes and shapes; what is left
 * to do with all of them together is to sort the hashes into two tries, one on this thread and one
 * on another.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/always.h"
#include "catalog/view.h"

/* A site with fewer groups is not worth chunks of 2 MiB, nor a thread. */
#define BULK_MIN 4096

struct unread {
    struct str id; /* on the arena */
    err_code why;
};

struct catalog_batch {
    struct catalog *catalog;
    struct hamt_entry *ids, *selectors;
    size_t n, cap;
    bool any_lists; /* one of the groups has lists in its selector */
    struct shape_table *shapes;
    struct unread *unread;
    size_t unread_n, unread_cap;
    struct arena arena;
    struct bulk bulk;
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while loading the groups");
}

err_code catalog_batch_make(struct catalog_edit *x, struct catalog_batch **ret, struct err *e)
{
    struct catalog_batch *b = calloc(1, sizeof *b);
    struct shape_table *shapes = shapes_copy(NULL);
    if (!b || !shapes) {
        free(b);
        free(shapes);
        return nomem(e);
    }
    b->catalog = x->catalog;
    b->shapes = shapes;
    arena_init(&b->arena, (size_t)1 << 30);
    *ret = b;
    return ERR_OK;
}

void catalog_batch_free(struct catalog_batch *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++)
        group_object_free((void *)(uintptr_t)b->ids[i].item);
    for (size_t i = 0; i < b->shapes->n; i++)
        shape_object_free(b->shapes->v[i].object);
    bulk_end(&b->bulk);
    arena_free(&b->arena);
    free(b->ids);
    free(b->selectors);
    free(b->shapes);
    free(b->unread);
    free(b);
}

static void *grown(void *old, size_t cap, size_t size)
{
    return cap <= SIZE_MAX / size ? realloc(old, cap * size) : NULL;
}

static bool make_room(struct catalog_batch *b)
{
    if (b->n < b->cap)
        return true;
    size_t cap = b->cap ? b->cap * 2 : 256;
    struct hamt_entry *ids = grown(b->ids, cap, sizeof *ids);
    if (ids)
        b->ids = ids;
    struct hamt_entry *selectors = grown(b->selectors, cap, sizeof *selectors);
    if (selectors)
        b->selectors = selectors;
    if (!ids || !selectors)
        return false;
    b->cap = cap;
    return true;
}

/* Returns the error that it was given. */
static err_code note_unread(struct catalog_batch *b, struct str id, err_code why, struct err *e)
{
    if (b->unread_n == b->unread_cap) {
        size_t cap = b->unread_cap ? b->unread_cap * 2 : 16;
        struct unread *v = grown(b->unread, cap, sizeof *v);
        if (!v)
            return nomem(e);
        b->unread = v;
        b->unread_cap = cap;
    }
    struct unread *u = &b->unread[b->unread_n];
    if (!arena_str(&b->arena, id, &u->id))
        return nomem(e);
    u->why = why;
    b->unread_n++;
    return why;
}

err_code catalog_batch_add(struct catalog_batch *b, struct str id, struct str body, struct err *e)
{
    struct group_object *o;
    if (!make_room(b))
        return nomem(e);
    err_code c = group_object_make(id, body, b->n < BULK_MIN ? NULL : &b->bulk, &o, e);
    if (c)
        return c == ERR_NOMEM ? c : note_unread(b, id, c, e);
    c = shapes_use(&b->shapes, &o->face.model.selector, NULL, e);
    if (c) {
        group_object_free(o);
        return c;
    }
    o->face.generation = __atomic_add_fetch(&b->catalog->generation, 1, __ATOMIC_RELAXED);
    b->any_lists |= o->lists != NULL;
    b->ids[b->n] = (struct hamt_entry){o->id_hash, o};
    b->selectors[b->n] = (struct hamt_entry){o->selector_hash, o};
    b->n++;
    return ERR_OK;
}

/* --- all together --- */

/* One of the two tries, from one of the arrays of all batches. */
struct filling {
    struct hamt_edit *edit;
    struct hamt_entry *entries, *scratch;
    size_t n;
    err_code code;
};

static void *fill(void *arg)
{
    struct filling *f = arg;
    struct bulk bulk = {NULL, NULL};
    f->code = hamt_fill(f->edit, f->entries, f->scratch, f->n, f->n < BULK_MIN ? NULL : &bulk);
    bulk_end(&bulk);
    return NULL;
}

static bool filling_make(struct filling *f, struct hamt_edit *edit, size_t n)
{
    *f = (struct filling){.edit = edit, .n = n};
    f->entries = calloc(n + 1, sizeof *f->entries);
    f->scratch = calloc(n + 1, sizeof *f->scratch);
    return f->entries && f->scratch;
}

static void filling_free(struct filling *f)
{
    free(f->entries);
    free(f->scratch);
}

static err_code fill_both(struct filling *ids, struct filling *selectors)
{
    pthread_t thread;
    bool other = ids->n >= BULK_MIN && pthread_create(&thread, NULL, fill, selectors) == 0;
    fill(ids);
    if (other)
        pthread_join(thread, NULL);
    else
        fill(selectors);
    return ids->code ? ids->code : selectors->code;
}

static err_code fill_tables(struct catalog_edit *x, struct catalog_batch *const *batches, size_t n,
                            size_t groups)
{
    struct filling ids, selectors = {0};
    bool ok =
        filling_make(&ids, &x->groups, groups) && filling_make(&selectors, &x->selectors, groups);
    for (size_t i = 0, at = 0; ok && i < n; at += batches[i++]->n) {
        const struct catalog_batch *b = batches[i];
        if (!b->n)
            continue;
        memcpy(ids.entries + at, b->ids, b->n * sizeof *b->ids);
        memcpy(selectors.entries + at, b->selectors, b->n * sizeof *b->selectors);
    }
    err_code c = ok ? fill_both(&ids, &selectors) : ERR_NOMEM;
    filling_free(&ids);
    filling_free(&selectors);
    return c;
}

/* The edit's now: freed if it is abandoned. There is room in `made`. */
static void hand_over(struct catalog_edit *x, struct catalog_batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        grace_batch_add(&x->made, (void *)(uintptr_t)b->ids[i].item, group_object_free);
    b->n = 0;
}

/* What lists stand for comes after all else, one by one: few groups have any. */
static err_code file_lists(struct catalog_edit *x, const struct catalog_batch *b, struct err *e)
{
    err_code c = ERR_OK;
    for (size_t i = 0; b->any_lists && i < b->n && !c; i++)
        c = group_lists_file(x, b->ids[i].item, e);
    return c;
}

err_code catalog_put_batches(struct catalog_edit *x, struct catalog_batch *const *batches, size_t n,
                             struct err *e)
{
    size_t groups = 0;
    always(x->groups.now.count == 0);
    for (size_t i = 0; i < n; i++)
        groups += batches[i]->n;
    err_code c = grace_batch_reserve(&x->made, groups) ? nomem(e) : ERR_OK;
    for (size_t i = 0; i < n && !c; i++)
        c = shapes_merge(&x->shapes, batches[i]->shapes, &x->made, e);
    if (!c && fill_tables(x, batches, n, groups))
        c = nomem(e);
    for (size_t i = 0; i < n && !c; i++)
        c = file_lists(x, batches[i], e);
    if (c)
        return c;
    if (grace_batch_reserve(&x->made, groups))
        return nomem(e);
    for (size_t i = 0; i < n; i++)
        hand_over(x, batches[i]);
    for (size_t i = 0; i < n && !c; i++)
        for (size_t k = 0; k < batches[i]->unread_n && !c; k++) {
            const struct unread *u = &batches[i]->unread[k];
            if (edit_note_unreadable(x, false, u->id, u->why, e) == ERR_NOMEM)
                c = ERR_NOMEM;
        }
    return c;
}
