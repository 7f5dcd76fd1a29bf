#include "catalog/bulk.h"
#include "catalog/hamt.h"

#include <stdlib.h>

#include "../support/check.h"
#include "hamt_model.h"
#include "suites.h"

static const void *item(uintptr_t i)
{
    return (const void *)i;
}

/* An edit of one change, whose old nodes are freed at once. */
static struct hamt with(struct hamt h, uint64_t hash, uintptr_t i)
{
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    hamt_edit_begin(&e, h, &replaced);
    CHECK(hamt_insert(&e, hash, item(i)) == ERR_OK);
    struct hamt next = hamt_edit_commit(&e);
    grace_batch_free(&replaced);
    return next;
}

static struct hamt without(struct hamt h, uint64_t hash, uintptr_t i)
{
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    hamt_edit_begin(&e, h, &replaced);
    CHECK(hamt_remove(&e, hash, item(i)) == ERR_OK);
    struct hamt next = hamt_edit_commit(&e);
    grace_batch_free(&replaced);
    return next;
}

static uintptr_t only(const struct hamt *h, uint64_t hash)
{
    const void *const *items;
    return hamt_find(h, hash, &items) == 1 ? (uintptr_t)*items : 0;
}

/* --- small tables --- */

static void empty_table_has_nothing(void)
{
    struct hamt h = {0};
    const void *const *items = NULL;
    size_t walked = 0;
    CHECK(hamt_find(&h, 0, &items) == 0 && items == NULL);
    CHECK(hamt_each(&h, model_counts_one, &walked) && walked == 0);
    CHECK(hamt_measure(&h).nodes == 0);
    hamt_free(&h);
}

static void empty_edit_changes_nothing(void)
{
    struct hamt h = with((struct hamt){0}, 5, 1);
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    hamt_edit_begin(&e, h, &replaced);
    struct hamt next = hamt_edit_commit(&e);
    CHECK(next.root == h.root && next.count == 1 && grace_batch_count(&replaced) == 0);
    hamt_free(&next);
}

/* The hashes differ first at depth 0, at 5, in the last four bits, and not at all. */
static void splits_a_slot_at_any_depth(void)
{
    static const struct {
        uint64_t a, b;
        size_t depth;
    } cases[] = {{1, 2, 1},
                 {7, 7 | (uint64_t)1 << 30, 6},
                 {9, 9 | (uint64_t)1 << 63, 11},
                 {UINT64_MAX, UINT64_MAX >> 1, 11},
                 {3, 3, 12}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct hamt h = with(with((struct hamt){0}, cases[i].a, 1), cases[i].b, 2);
        CHECK(hamt_measure(&h).depth == cases[i].depth, "case %zu: depth %zu", i,
              hamt_measure(&h).depth);
        const void *const *items;
        if (cases[i].a == cases[i].b)
            CHECK(hamt_find(&h, cases[i].a, &items) == 2);
        else
            CHECK(only(&h, cases[i].a) == 1 && only(&h, cases[i].b) == 2, "case %zu", i);
        h = without(h, cases[i].a, 1);
        CHECK(only(&h, cases[i].b) == 2 && hamt_measure(&h).nodes == 1,
              "case %zu: what remains is back in the root", i);
        h = without(h, cases[i].b, 2);
        CHECK(h.root == NULL && h.count == 0, "case %zu", i);
    }
}

static void all_with_one_hash(void)
{
    struct hamt h = {0};
    for (uintptr_t i = 1; i <= 20; i++)
        h = with(h, 42, i);
    const void *const *items;
    CHECK(hamt_find(&h, 42, &items) == 20);
    CHECK(hamt_find(&h, 43, &items) == 0);
    for (uintptr_t i = 20; i >= 2; i--)
        h = without(h, 42, i);
    CHECK(only(&h, 42) == 1 && hamt_measure(&h).nodes == 1);
    hamt_free(&h);
}

static void names_what_is_not_there(void)
{
    struct hamt h = with(with((struct hamt){0}, 1, 10), 2, 20);
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    hamt_edit_begin(&e, h, &replaced);
    CHECK(hamt_remove(&e, 3, item(10)) == ERR_NOT_FOUND, "no such hash");
    CHECK(hamt_remove(&e, 1, item(20)) == ERR_NOT_FOUND, "another item has the hash");
    CHECK(hamt_replace(&e, 3, item(10), item(11)) == ERR_NOT_FOUND);
    CHECK(hamt_replace(&e, 1, item(20), item(11)) == ERR_NOT_FOUND);
    CHECK(e.now.root == h.root && e.now.count == 2);
    CHECK(hamt_replace(&e, 1, item(10), item(11)) == ERR_OK);
    CHECK(only(&e.now, 1) == 11 && only(&h, 1) == 10 && e.now.count == 2);
    h = hamt_edit_commit(&e);
    grace_batch_free(&replaced);
    hamt_free(&h);
}

static bool stops_at_three(const void *x, void *arg)
{
    (void)x;
    return ++*(int *)arg < 3;
}

static void each_can_be_stopped(void)
{
    struct hamt h = {0};
    for (uintptr_t i = 1; i <= 10; i++)
        h = with(h, i % 2 ? 7 : i, i);
    int seen = 0;
    CHECK(!hamt_each(&h, stops_at_three, &seen) && seen == 3);
    hamt_free(&h);
}

static void two_tables_share_a_batch(void)
{
    struct hamt a = with((struct hamt){0}, 1, 1), b = with((struct hamt){0}, 2, 2);
    struct grace_batch replaced = {0};
    for (int commits = 0; commits < 2; commits++) {
        struct hamt_edit in_a, in_b;
        hamt_edit_begin(&in_a, a, &replaced);
        hamt_edit_begin(&in_b, b, &replaced);
        CHECK(hamt_insert(&in_a, 65, item(3)) == ERR_OK);
        CHECK(hamt_remove(&in_b, 2, item(2)) == ERR_OK);
        CHECK(grace_batch_count(&replaced) == 2);
        if (commits) {
            a = hamt_edit_commit(&in_a);
            b = hamt_edit_commit(&in_b);
            grace_batch_free(&replaced);
        } else {
            hamt_edit_abandon(&in_a);
            hamt_edit_abandon(&in_b);
            grace_batch_forget(&replaced);
            CHECK(a.count == 1 && only(&a, 1) == 1 && only(&a, 65) == 0 && only(&b, 2) == 2);
        }
    }
    CHECK(only(&a, 65) == 3 && a.count == 2 && b.root == NULL);
    hamt_free(&a);
}

/* --- a large table --- */

static void loads_and_empties_in_bulk(void)
{
    enum { N = 200000 };
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    hamt_edit_begin(&e, (struct hamt){0}, &replaced);
    for (uintptr_t i = 1; i <= N; i++)
        hamt_insert(&e, hash_mix(i, 0), item(i));
    struct hamt h = hamt_edit_commit(&e);
    CHECK(h.count == N && grace_batch_count(&replaced) == 0, "an own node was kept");
    size_t wrong = 0;
    for (uintptr_t i = 1; i <= N; i++)
        wrong += only(&h, hash_mix(i, 0)) != i;
    CHECK(wrong == 0, "%zu items not found", wrong);

    struct hamt_stats stats = hamt_measure(&h);
    size_t heap = stats.bytes + 16 * stats.nodes;
    CHECK(heap <= 40 * (size_t)N, "%zu bytes for %d items", heap, N);
    CHECK(stats.depth <= 7, "depth %zu", stats.depth);

    struct hamt smaller = without(h, hash_mix(1, 0), 1);
    hamt_edit_begin(&e, smaller, &replaced);
    for (uintptr_t i = 2; i <= N; i++)
        wrong += hamt_remove(&e, hash_mix(i, 0), item(i)) != ERR_OK;
    CHECK(wrong == 0 && e.now.root == NULL && e.now.count == 0);
    CHECK(grace_batch_count(&replaced) == hamt_measure(&smaller).nodes, "each old node once");
    h = hamt_edit_commit(&e);
    grace_batch_free(&replaced);
}

/* --- against the model --- */

#define ROUNDS          60
#define EDITS_A_ROUND   400
#define SNAPSHOTS       4
#define CHANGES_AN_EDIT 16

struct trial {
    struct random random;
    struct hamt now;
    struct model model;
    struct model before; /* what an abandoned edit goes back to */
    struct {
        struct hamt hamt;
        struct model model;
    } snapshots[SNAPSHOTS];
    struct grace_limbo limbo;
    uintptr_t items;
    size_t most; /* items in the table */
    size_t changes, collisions, abandoned;
};

/* Hashes that are random, or differ in few bits at some depth only, or are often the same. */
static uint64_t some_hash(struct random *r)
{
    switch (random_below(r, 5)) {
    case 0: return random_below(r, 16) * 0x1111111111111111u;
    case 1: return random_below(r, 64) << random_below(r, 60);
    case 2: return 0xABCDEF | random_below(r, 8) << 58;
    case 3: return ~(random_below(r, 512) << 31);
    default: return random_next(r);
    }
}

static void one_change(struct trial *t, struct hamt_edit *e)
{
    struct random *r = &t->random;
    struct model *m = &t->model;
    uint64_t kind = random_below(r, 8);
    if (m->n == 0 || (kind < 3 && m->n < t->most) || (kind == 3 && m->n < MODEL_MAX)) {
        uint64_t hash = some_hash(r);
        uintptr_t i = ++t->items;
        const void *const *items;
        t->collisions += hamt_find(&e->now, hash, &items) > 0;
        CHECK(hamt_insert(e, hash, item(i)) == ERR_OK);
        model_insert(m, hash, i);
    } else {
        struct model_entry x = m->entries[random_below(r, m->n)];
        model_remove(m, x.hash, x.item);
        if (kind >= 6) {
            uintptr_t i = ++t->items;
            CHECK(hamt_replace(e, x.hash, item(x.item), item(i)) == ERR_OK);
            model_insert(m, x.hash, i);
        } else {
            CHECK(hamt_remove(e, x.hash, item(x.item)) == ERR_OK);
        }
        CHECK(model_agrees_at(m, &e->now, x.hash));
    }
    uint64_t other = some_hash(r);
    CHECK(model_agrees_at(m, &e->now, other));
    CHECK(e->now.count == m->n);
    t->changes++;
}

static void one_edit(struct trial *t)
{
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    model_copy(&t->before, &t->model);
    hamt_edit_begin(&e, t->now, &replaced);
    for (uint64_t n = random_below(&t->random, CHANGES_AN_EDIT + 1); n > 0; n--)
        one_change(t, &e);
    if (random_below(&t->random, 4) == 0) {
        hamt_edit_abandon(&e);
        grace_batch_forget(&replaced);
        model_copy(&t->model, &t->before);
        t->abandoned++;
    } else {
        t->now = hamt_edit_commit(&e);
        grace_defer(&t->limbo, &replaced);
    }
}

static void check_filled(const struct trial *t)
{
    static struct hamt_entry entries[MODEL_MAX], scratch[MODEL_MAX];
    struct grace_batch replaced = {0};
    struct bulk bulk = {NULL, NULL};
    struct hamt_edit e;
    hamt_edit_begin(&e, (struct hamt){0}, &replaced);
    for (size_t i = 0; i < t->model.n; i++) {
        struct model_entry x = t->model.entries[(i * 7919 + 13) % t->model.n];
        entries[i] = (struct hamt_entry){x.hash, item(x.item)};
    }
    bool each_once = t->model.n % 7919 != 0;
    CHECK(hamt_fill(&e, entries, scratch, t->model.n, t->model.n % 2 ? &bulk : NULL) == ERR_OK);
    bulk_end(&bulk);
    struct hamt filled = hamt_edit_commit(&e);
    struct hamt_stats a = hamt_measure(&t->now), b = hamt_measure(&filled);
    CHECK(!each_once || (a.nodes == b.nodes && a.bytes == b.bytes && a.depth == b.depth),
          "%zu nodes one by one, %zu at once", a.nodes, b.nodes);
    CHECK(!each_once || model_agrees(&t->model, &filled));
    /* What was made at once is changed one by one like any other. */
    for (size_t i = 0; i < t->model.n && i < 50; i++)
        filled = without(filled, t->model.entries[i].hash, t->model.entries[i].item);
    CHECK(filled.count == (t->model.n < 50 ? 0 : t->model.n - 50));
    hamt_free(&filled);
}

/* A table with the same contents, made in one edit in another order. */
static void check_shape(const struct trial *t)
{
    struct grace_batch replaced = {0};
    struct hamt_edit e;
    hamt_edit_begin(&e, (struct hamt){0}, &replaced);
    for (size_t i = t->model.n; i > 0; i--)
        hamt_insert(&e, t->model.entries[i - 1].hash, item(t->model.entries[i - 1].item));
    struct hamt fresh = hamt_edit_commit(&e);
    struct hamt_stats a = hamt_measure(&t->now), b = hamt_measure(&fresh);
    CHECK(a.nodes == b.nodes && a.bytes == b.bytes && a.depth == b.depth,
          "%zu nodes with this history, %zu without", a.nodes, b.nodes);
    hamt_free(&fresh);
    grace_batch_free(&replaced);
}

/* What edits replaced is freed at the end of a round only, after a look at the round's snapshots.
 */
static void one_round(struct trial *t)
{
    for (size_t i = 0; i < EDITS_A_ROUND; i++) {
        if (i % (EDITS_A_ROUND / SNAPSHOTS) == 0) {
            size_t k = i / (EDITS_A_ROUND / SNAPSHOTS);
            t->snapshots[k].hamt = t->now;
            model_copy(&t->snapshots[k].model, &t->model);
        }
        one_edit(t);
    }
    CHECK(model_agrees(&t->model, &t->now), "after %zu changes", t->changes);
    for (size_t k = 0; k < SNAPSHOTS; k++)
        CHECK(model_agrees(&t->snapshots[k].model, &t->snapshots[k].hamt),
              "snapshot %zu after %zu changes", k, t->changes);
    check_shape(t);
    check_filled(t);
    grace_drain(&t->limbo);
}

static void agrees_with_a_sorted_array(void)
{
    struct trial *t = calloc(1, sizeof(*t));
    if (!t) {
        CHECK(t, "no memory for the test");
        return;
    }
    for (size_t round = 0; round < ROUNDS && !check_bad; round++) {
        t->most = round % 3 == 0 ? 8 : round % 3 == 1 ? 100 : 2000;
        one_round(t);
    }
    CHECK(t->changes > 150000 && t->collisions > 1000 && t->abandoned > 1000,
          "%zu changes, %zu collisions, %zu abandoned: not what it is meant to try", t->changes,
          t->collisions, t->abandoned);
    while (t->model.n > 0) {
        struct model_entry x = t->model.entries[random_below(&t->random, t->model.n)];
        t->now = without(t->now, x.hash, x.item);
        model_remove(&t->model, x.hash, x.item);
    }
    CHECK(t->now.root == NULL && t->now.count == 0);
    free(t);
}

struct tally hamt_suite(void)
{
    RUN(empty_table_has_nothing);
    RUN(empty_edit_changes_nothing);
    RUN(splits_a_slot_at_any_depth);
    RUN(all_with_one_hash);
    RUN(names_what_is_not_there);
    RUN(each_can_be_stopped);
    RUN(two_tables_share_a_batch);
    RUN(loads_and_empties_in_bulk);
    RUN(agrees_with_a_sorted_array);
    return SUITE_TALLY;
}
