/*
 * Documents that do not depend on the request are rendered once. They hang on an object that is
 * otherwise immutable: the slots are the one place that request threads write to, each with an
 * atomic exchange. A document knows the generations of what it was made of, so nothing needs to be
 * told when a profile or template changes; the next request sees that it is stale.
 */
#include <stdlib.h>

#include "base/always.h"
#include "catalog/view.h"

/*
 * Until a group has slots there is a number in place of the pointer: the documents that were asked
 * for once, a bit for each, above a lowest bit that no pointer has.
 */
static bool is_pointer(const struct catalog_docs *slots)
{
    return slots && ((uintptr_t)slots & 1) == 0;
}

/* The owner's slots, from the public face of the object that it is the first member of. */
static struct catalog_docs **slots_of(const struct catalog_group *g,
                                      const struct catalog_profile *p)
{
    if (g)
        return &((struct group_object *)(uintptr_t)g)->docs;
    return &((struct profile_object *)(uintptr_t)p)->docs;
}

struct catalog_doc *catalog_doc_get(const struct catalog_group *g, const struct catalog_profile *p,
                                    enum render_document d, uint64_t tmpl_generation)
{
    struct catalog_docs *slots = grace_load(slots_of(g, p));
    if (!is_pointer(slots))
        return NULL;
    struct catalog_doc *doc = grace_load(&slots->v[d]);
    if (!doc || doc->profile != p->generation || doc->tmpl != tmpl_generation)
        return NULL;
    return doc;
}

static struct catalog_docs *slots_or_make(const struct catalog_group *g,
                                          const struct catalog_profile *p)
{
    struct catalog_docs **at = slots_of(g, p);
    struct catalog_docs *slots = grace_load(at);
    if (is_pointer(slots))
        return slots;
    struct catalog_docs *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return NULL;
    while (!is_pointer(slots))
        if (__atomic_compare_exchange_n(at, &slots, fresh, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return fresh;
    free(fresh);
    return slots;
}

bool catalog_doc_wanted(const struct catalog_group *g, enum render_document d)
{
    _Static_assert(RENDER_DOCUMENTS < 63, "a bit for each beside the lowest");
    if (!g)
        return true;
    struct catalog_docs **at = slots_of(g, NULL);
    struct catalog_docs *slots = grace_load(at);
    uintptr_t bit = (uintptr_t)2 << d;
    while (!is_pointer(slots)) {
        uintptr_t asked = (uintptr_t)slots;
        if (asked & bit)
            return true;
        if (__atomic_compare_exchange_n(at, &slots, (struct catalog_docs *)(asked | bit | 1), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return false;
    }
    return true;
}

static uint64_t size_of(const struct catalog_doc *doc)
{
    return sizeof *doc + doc->bytes.n;
}

/* A copy that is counted, with one user; NULL if there is no room or no memory for it. */
static struct catalog_doc *make_doc(struct catalog *c, struct str bytes, uint64_t profile,
                                    uint64_t tmpl)
{
    uint64_t size = sizeof(struct catalog_doc) + bytes.n;
    bool fits = __atomic_add_fetch(&c->kept_bytes, size, __ATOMIC_RELAXED) <= c->kept_max;
    struct catalog_doc *doc = fits ? malloc(size) : NULL;
    if (!doc) {
        __atomic_sub_fetch(&c->kept_bytes, size, __ATOMIC_RELAXED);
        return NULL;
    }
    char *copy = (char *)(doc + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    *doc = (struct catalog_doc){.bytes = str_of(copy, bytes.n),
                                .profile = profile,
                                .tmpl = tmpl,
                                .kept_bytes = &c->kept_bytes,
                                .users = 1};
    return doc;
}

/* For the first document of an object nothing is taken away. */
static bool put_first(struct catalog_doc **slot, struct catalog_doc *doc)
{
    struct catalog_doc *none = NULL;
    return doc &&
           __atomic_compare_exchange_n(slot, &none, doc, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void catalog_doc_put(struct catalog *c, const struct catalog_group *g,
                     const struct catalog_profile *p, enum render_document d,
                     uint64_t tmpl_generation, struct str bytes)
{
    struct catalog_docs *slots = slots_or_make(g, p);
    if (!slots)
        return;
    struct catalog_doc *doc = make_doc(c, bytes, p->generation, tmpl_generation);
    if (put_first(&slots->v[d], doc))
        return;
    struct grace_batch old = {0};
    if (grace_batch_reserve(&old, 1) != ERR_OK) {
        if (doc)
            catalog_doc_release(doc);
        return;
    }
    /* What cannot be kept still takes the stale one away, which gives its room back. */
    struct catalog_doc *was = grace_exchange(&slots->v[d], doc);
    if (was)
        grace_batch_add(&old, was, catalog_doc_release);
    grace_defer(&c->limbo, &old);
}

struct catalog_doc *catalog_doc_hold(struct catalog_doc *doc)
{
    __atomic_fetch_add(&doc->users, 1, __ATOMIC_RELAXED);
    return doc;
}

enum { HASH_NONE, HASH_BEING_WRITTEN, HASH_THERE };

void catalog_doc_hash(struct catalog_doc *doc, catalog_doc_hasher *make,
                      unsigned char ret[CATALOG_DOC_HASH_BYTES])
{
    if (__atomic_load_n(&doc->hash_state, __ATOMIC_ACQUIRE) == HASH_THERE) {
        memcpy(ret, doc->hash, CATALOG_DOC_HASH_BYTES);
        return;
    }
    make(doc->bytes, ret);
    uint32_t none = HASH_NONE;
    if (!__atomic_compare_exchange_n(&doc->hash_state, &none, HASH_BEING_WRITTEN, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    memcpy(doc->hash, ret, CATALOG_DOC_HASH_BYTES);
    __atomic_store_n(&doc->hash_state, HASH_THERE, __ATOMIC_RELEASE);
}

void catalog_doc_release(void *p)
{
    struct catalog_doc *doc = p;
    uint32_t users = __atomic_fetch_sub(&doc->users, 1, __ATOMIC_ACQ_REL);
    always(users > 0);
    if (users == 1) {
        __atomic_sub_fetch(doc->kept_bytes, size_of(doc), __ATOMIC_RELAXED);
        free(doc);
    }
}

void docs_free(struct catalog_docs *d)
{
    if (!is_pointer(d))
        return;
    for (int i = 0; i < RENDER_DOCUMENTS; i++)
        if (d->v[i])
            catalog_doc_release(d->v[i]);
    free(d);
}
