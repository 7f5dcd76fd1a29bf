/*
 * hamt_bench.c - what the catalog's index costs: time of a lookup, of an insertion in bulk, of a
 * write that is an edit of its own, and memory. Prints one line for each size.
 * "heap" counts what malloc keeps for later use too, so it means something for large tables only.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "catalog/hamt.h"

#define LOOKUPS 2000000
#define WRITES  20000

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t hash_of(size_t i)
{
    return hash_mix(i, 1);
}

static const void *item_of(size_t i)
{
    return (const void *)(uintptr_t)(i + 1);
}

static void must(err_code rc)
{
    if (rc != ERR_OK) {
        fprintf(stderr, "hamt_bench: error %d\n", rc);
        exit(1);
    }
}

static struct hamt load(size_t n, double *ret_ns)
{
    struct grace_batch replaced = {0};
    struct hamt_edit edit;
    double start = now_ns();
    hamt_edit_begin(&edit, (struct hamt){0}, &replaced);
    for (size_t i = 0; i < n; i++)
        must(hamt_insert(&edit, hash_of(i), item_of(i)));
    struct hamt h = hamt_edit_commit(&edit);
    *ret_ns = (now_ns() - start) / (double)n;
    grace_batch_free(&replaced);
    return h;
}

static double lookup_ns(const struct hamt *h, size_t n, size_t first)
{
    size_t found = 0;
    uint64_t random = 1;
    double start = now_ns();
    for (size_t k = 0; k < LOOKUPS; k++) {
        random = hash_mix(random, k);
        const void *const *items;
        found += hamt_find(h, hash_of(first + random % n), &items);
    }
    double ns = (now_ns() - start) / LOOKUPS;
    if (found != (first ? 0 : LOOKUPS))
        must(ERR_NOT_FOUND);
    return ns;
}

/* One edit for each write: a random item out and in again, alternately. */
static double write_ns(struct hamt *h, size_t n)
{
    double start = now_ns();
    size_t i = 0;
    for (size_t k = 0; k < WRITES; k++) {
        struct grace_batch replaced = {0};
        struct hamt_edit edit;
        hamt_edit_begin(&edit, *h, &replaced);
        if (k % 2 == 0) {
            i = hash_mix(k, 7) % n;
            must(hamt_remove(&edit, hash_of(i), item_of(i)));
        } else {
            must(hamt_insert(&edit, hash_of(i), item_of(i)));
        }
        *h = hamt_edit_commit(&edit);
        grace_batch_free(&replaced);
    }
    return (now_ns() - start) / WRITES;
}

int main(void)
{
    static const size_t sizes[] = {10, 10000, 100000, 300000, 1000000, 3000000};
    printf("%8s %8s %8s %8s %8s %12s %12s %6s\n", "items", "bulk ns", "hit ns", "miss ns",
           "write ns", "node B/item", "heap B/item", "depth");
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
        size_t n = sizes[k];
        size_t before = mallinfo2().uordblks;
        double bulk;
        struct hamt h = load(n, &bulk);
        double bytes = (double)(mallinfo2().uordblks - before) / (double)n;
        double hit = lookup_ns(&h, n, 0), miss = lookup_ns(&h, n, n);
        double write = write_ns(&h, n);
        struct hamt_stats stats = hamt_measure(&h);
        printf("%8zu %8.0f %8.1f %8.1f %8.0f %12.1f %12.1f %6zu\n", n, bulk, hit, miss, write,
               (double)stats.bytes / (double)n, bytes, stats.depth);
        hamt_free(&h);
    }
    return 0;
}
