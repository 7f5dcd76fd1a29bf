/*
 * A second copy of hamt.c, under other names, whose allocations fail when the test says so.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/bulk.h"
#include "catalog/grace.h"

static long allocations_left = -1; /* until one fails; negative: none does */

static bool allocation_fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

static void *flaky_bulk_alloc(struct bulk *b, size_t n)
{
    return allocation_fails() ? NULL : bulk_alloc(b, n);
}

static err_code flaky_reserve(struct grace_batch *b, size_t n)
{
    return allocation_fails() ? ERR_NOMEM : grace_batch_reserve(b, n);
}

#define hamt_find         flaky_hamt_find
#define hamt_each         flaky_hamt_each
#define hamt_free         flaky_hamt_free
#define hamt_measure      flaky_hamt_measure
#define hamt_edit_begin   flaky_hamt_edit_begin
#define hamt_insert       flaky_hamt_insert
#define hamt_replace      flaky_hamt_replace
#define hamt_remove       flaky_hamt_remove
#define hamt_edit_commit  flaky_hamt_edit_commit
#define hamt_edit_abandon flaky_hamt_edit_abandon
#define hamt_free_below   flaky_hamt_free_below
#define hamt_fill         flaky_hamt_fill

#define grace_batch_reserve flaky_reserve
#define bulk_alloc          flaky_bulk_alloc
#include "catalog/hamt.c"
#include "catalog/hamt_fill.c"
#undef bulk_alloc
#undef grace_batch_reserve

#include "../support/check.h"
#include "hamt_model.h"
#include "suites.h"

enum kind { INSERT, REPLACE, REMOVE };

struct change {
    enum kind kind;
    uint64_t hash;
    uintptr_t item, new_item;
};

static err_code do_change(struct hamt_edit *e, struct change c)
{
    const void *item = (const void *)c.item, *new_item = (const void *)c.new_item;
    switch (c.kind) {
    case INSERT: return hamt_insert(e, c.hash, item);
    case REPLACE: return hamt_replace(e, c.hash, item, new_item);
    case REMOVE: break;
    }
    return hamt_remove(e, c.hash, item);
}

static struct change some_change(struct random *r, const struct model *m, uintptr_t *items)
{
    if (m->n == 0 || (m->n < 100 && random_below(r, 2) == 0)) {
        uint64_t hash = random_below(r, 32) << (6 * random_below(r, 11));
        return (struct change){.kind = INSERT, .hash = hash, .item = ++*items};
    }
    struct model_entry x = m->entries[random_below(r, m->n)];
    if (random_below(r, 2) == 0)
        return (struct change){.kind = REMOVE, .hash = x.hash, .item = x.item};
    return (struct change){.kind = REPLACE, .hash = x.hash, .item = x.item, .new_item = ++*items};
}

static void do_in_model(struct model *m, struct change c)
{
    if (c.kind != INSERT)
        model_remove(m, c.hash, c.item);
    if (c.kind != REMOVE)
        model_insert(m, c.hash, c.kind == INSERT ? c.item : c.new_item);
}

/* Lets the first allocation of the change fail, then the second, and so on until it succeeds.
 * Returns how often it failed. */
static size_t fail_until_done(struct hamt_edit *e, struct model *m, struct change c)
{
    for (long fails_at = 0;; fails_at++) {
        allocations_left = fails_at;
        err_code rc = do_change(e, c);
        allocations_left = -1;
        if (rc == ERR_OK) {
            do_in_model(m, c);
            CHECK(model_agrees(m, &e->now));
            return (size_t)fails_at;
        }
        CHECK(rc == ERR_NOMEM && model_agrees(m, &e->now), "changed by a failed change");
        if (check_bad)
            return (size_t)fails_at;
    }
}

static void failed_changes_change_nothing(void)
{
    struct random r = {.state = 99};
    static struct model model, before;
    struct hamt now = {0};
    uintptr_t items = 0;
    size_t failures = 0;
    for (int edit = 0; edit < 1500 && !check_bad; edit++) {
        struct grace_batch replaced = {0};
        struct hamt_edit e;
        hamt_edit_begin(&e, now, &replaced);
        model_copy(&before, &model);
        for (uint64_t n = random_below(&r, 4); n > 0 && !check_bad; n--)
            failures += fail_until_done(&e, &model, some_change(&r, &model, &items));
        CHECK(model_agrees(&before, &now), "the base was changed");
        if (random_below(&r, 3) == 0) {
            hamt_edit_abandon(&e);
            grace_batch_forget(&replaced);
            model_copy(&model, &before);
        } else {
            now = hamt_edit_commit(&e);
            grace_batch_free(&replaced);
        }
        CHECK(model_agrees(&model, &now));
    }
    CHECK(failures > 5000, "only %zu failures", failures);
    hamt_free(&now);
}

static void a_failed_fill_leaves_nothing(void)
{
    enum { N = 300 };
    struct hamt_entry entries[N], scratch[N];
    struct bulk bulk = {NULL, NULL};
    for (long fails_at = 0;; fails_at++) {
        struct grace_batch replaced = {0};
        struct hamt_edit e;
        hamt_edit_begin(&e, (struct hamt){0}, &replaced);
        for (uintptr_t i = 0; i < N; i++)
            entries[i] = (struct hamt_entry){i % 7 ? hash_mix(i, 5) : i % 3, (void *)(i + 1)};
        allocations_left = fails_at;
        err_code rc = hamt_fill(&e, entries, scratch, N, &bulk);
        allocations_left = -1;
        CHECK(rc == ERR_OK ? e.now.count == N : !e.now.root && e.now.count == 0);
        struct hamt h = hamt_edit_commit(&e);
        hamt_free(&h);
        if (rc == ERR_OK) {
            CHECK(fails_at > 30, "%ld", fails_at);
            break;
        }
    }
    bulk_end(&bulk);
}

struct tally hamt_nomem_suite(void)
{
    RUN(a_failed_fill_leaves_nothing);
    RUN(failed_changes_change_nothing);
    return SUITE_TALLY;
}
