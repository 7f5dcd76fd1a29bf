/*
 * Ignition's merge of configs (https://coreos.github.io/ignition/operator-notes/#config-merging):
 * what the child says wins, records are merged field by field, lists by the keys of their items.
 */
#include "base/hash.h"
#include "ignition/butane_parts.h"

/* --- the items of one or more lists by their keys; of equal keys the last one counts */
struct slot {
    struct str key; /* absent: free */
    const struct datum_list *list;
    size_t index;
};

struct keys {
    struct slot *slots;
    size_t mask;
};

static bool keys_init(struct butane *b, struct keys *k, size_t n)
{
    size_t size = 4;
    while (size < 2 * n)
        size *= 2;
    *k = (struct keys){arena_calloc(b->a, size, sizeof *k->slots), size - 1};
    if (!k->slots)
        b->failed = ERR_NOMEM;
    return k->slots;
}

static struct slot *find(const struct keys *k, struct str key)
{
    size_t i = hash_bytes(key, 0) & k->mask;
    while (k->slots[i].key.p && !str_eq(k->slots[i].key, key))
        i = (i + 1) & k->mask;
    return &k->slots[i];
}

static struct str key_of(struct butane *b, const struct datum *item)
{
    struct buf key;
    buf_in_arena(&key, b->a, BUTANE_MAX_TEXT);
    datum_key(item, &key);
    if (key.failed)
        b->failed = ERR_NOMEM;
    return key.n ? buf_str(&key) : STR("");
}

static void keys_add(struct butane *b, struct keys *k, const struct datum_list *l)
{
    for (size_t i = 0; l && i < l->n; i++) {
        struct str key = key_of(b, &l->items[i]);
        *find(k, key) = (struct slot){key, l, i};
    }
}

static const struct datum_list *list_of(const struct datum *d)
{
    return d->kind == DATUM_LIST ? d->list : NULL;
}

static size_t count(const struct datum_list *l)
{
    return l ? l->n : 0;
}

/* --- lists */
static const struct place *list_place(const struct datum *parent, const struct datum *child)
{
    return child->kind == DATUM_LIST ? child->place : parent->place;
}

static struct datum make_list(struct butane *b, const struct butane_list *items,
                              const struct place *p)
{
    struct datum_list *l = arena_alloc(b->a, sizeof *l);
    if (!l) {
        b->failed = ERR_NOMEM;
        return (struct datum){.kind = DATUM_NONE};
    }
    *l = (struct datum_list){.n = items->n, .items = items->items};
    return (struct datum){.kind = DATUM_LIST, .place = p, .list = l};
}

static struct datum append_lists(struct butane *b, const struct datum *parent,
                                 const struct datum *child)
{
    struct butane_list all = {0};
    butane_push_all(b, &all, list_of(parent));
    butane_push_all(b, &all, list_of(child));
    return make_list(b, &all, list_place(parent, child));
}

/* The child's lists that share their keys with this field's: itself, and others of the record. */
static bool index_children(struct butane *b, const struct record *child, size_t field,
                           struct keys *k)
{
    bool shared = child->type->fields[field].flags & SCHEMA_SHARED_KEYS;
    size_t n = 0;
    for (size_t i = 0; i < child->type->n; i++)
        n += count(list_of(&child->fields[i]));
    if (!keys_init(b, k, n))
        return false;
    for (size_t i = 0; i < child->type->n; i++)
        if (i == field || (shared && child->type->fields[i].flags & SCHEMA_SHARED_KEYS))
            keys_add(b, k, list_of(&child->fields[i]));
    return true;
}

static struct datum merge_items(struct butane *b, const struct datum *parent,
                                const struct datum *child)
{
    if (parent->kind != DATUM_RECORD || child->kind != DATUM_RECORD)
        return *child;
    struct record *r = butane_merge(b, parent->record, child->record);
    return (struct datum){.kind = DATUM_RECORD, .place = child->place, .record = r};
}

/*
 * The parent's items in order, each merged with the child's item of the same key, or dropped if the
 * child has that key in another list (a path that was a file is a link now); then what only the
 * child has.
 */
static struct datum merge_lists(struct butane *b, const struct record *parent,
                                const struct record *child, size_t field)
{
    const struct datum_list *old = list_of(&parent->fields[field]);
    const struct datum_list *new = list_of(&child->fields[field]);
    struct datum none = {.kind = DATUM_NONE};
    struct butane_list all = {0};
    struct keys children, parents;
    if (!index_children(b, child, field, &children) || !keys_init(b, &parents, count(old)))
        return none;
    keys_add(b, &parents, old);
    for (size_t i = 0; i < count(old); i++) {
        const struct slot *same = find(&children, key_of(b, &old->items[i]));
        if (!same->key.p)
            butane_push(b, &all, old->items[i]);
        else if (same->list == new)
            butane_push(b, &all, merge_items(b, &old->items[i], &new->items[same->index]));
    }
    for (size_t i = 0; i < count(new); i++)
        if (!find(&parents, key_of(b, &new->items[i]))->key.p)
            butane_push(b, &all, new->items[i]);
    return make_list(b, &all, list_place(&parent->fields[field], &child->fields[field]));
}

/* --- records */
static struct datum merge_field(struct butane *b, const struct record *parent,
                                const struct record *child, size_t i)
{
    const struct schema_field *f = &parent->type->fields[i];
    const struct datum *old = &parent->fields[i], *new = &child->fields[i];
    if (old->kind == DATUM_NONE || !f->json)
        return *new;
    if (new->kind == DATUM_NONE && !(f->flags & SCHEMA_SHARED_KEYS))
        return *old;
    if (f->type == SCHEMA_STRUCT && !(f->flags & SCHEMA_POINTER))
        return merge_items(b, old, new);
    if ((f->type == SCHEMA_STRINGS || f->type == SCHEMA_STRUCTS) && f->flags & SCHEMA_APPEND)
        return append_lists(b, old, new);
    if (f->type == SCHEMA_STRINGS || f->type == SCHEMA_STRUCTS)
        return merge_lists(b, parent, child, i);
    return *new;
}

struct record *butane_merge(struct butane *b, struct record *parent, struct record *child)
{
    if (!parent || b->failed)
        return child;
    struct record *r = butane_record(b, child->type, child->place);
    for (size_t i = 0; r && i < r->type->n; i++)
        r->fields[i] = merge_field(b, parent, child, i);
    return r ? r : child;
}
