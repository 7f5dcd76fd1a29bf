#include "http/counts.h"

#include <stdlib.h>

#include "base/counter.h"

#define STATUS_FIRST 200
#define STATUS_LAST  599
/* Slot 0 is for what is no status. */
#define SLOTS (STATUS_LAST - STATUS_FIRST + 2)

const uint64_t http_bucket_us[HTTP_BUCKETS - 1] = {100,   250,   500,    1000,    2500,   5000,
                                                   10000, 50000, 250000, 1000000, 5000000};

/* What one class has on one shard. */
struct cell {
    _Atomic uint64_t statuses[SLOTS];
    _Atomic uint64_t buckets[HTTP_BUCKETS];
    _Atomic uint64_t sum_us;
};

struct http_counts {
    const char *const *names;
    unsigned n;
    struct cell *cells; /* by class, then by shard */
};

err_code http_counts_make(const char *const *names, struct http_counts **ret, struct err *e)
{
    struct http_counts *c = calloc(1, sizeof *c);
    unsigned n = 0;
    while (names[n])
        n++;
    struct cell *cells = calloc((size_t)n * COUNTER_SHARDS, sizeof *cells);
    if (!c || !cells) {
        free(c);
        free(cells);
        return err_set(e, ERR_NOMEM, "out of memory for counters");
    }
    *c = (struct http_counts){names, n, cells};
    *ret = c;
    return ERR_OK;
}

void http_counts_free(struct http_counts *c)
{
    if (c)
        free(c->cells);
    free(c);
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void http_counts_add(struct http_counts *c, unsigned path_class, const struct http_done *d)
{
    if (path_class >= c->n)
        path_class = 0;
    struct cell *cell = &c->cells[path_class * COUNTER_SHARDS + counter_shard()];
    bool known = d->status >= STATUS_FIRST && d->status <= STATUS_LAST;
    unsigned bucket = 0;
    while (bucket < HTTP_BUCKETS - 1 && d->duration_us > http_bucket_us[bucket])
        bucket++;
    add(&cell->statuses[known ? d->status - STATUS_FIRST + 1 : 0], 1);
    add(&cell->buckets[bucket], 1);
    add(&cell->sum_us, d->duration_us);
}

void http_counts_each(const struct http_counts *c, http_each_count *each, void *arg)
{
    for (unsigned k = 0; k < c->n; k++) {
        const struct cell *cells = &c->cells[k * COUNTER_SHARDS];
        for (int slot = 0; slot < SLOTS; slot++) {
            uint64_t n = 0;
            for (unsigned i = 0; i < COUNTER_SHARDS; i++)
                n += get(&cells[i].statuses[slot]);
            if (n)
                each(arg, c->names[k], slot ? slot - 1 + STATUS_FIRST : 0, n);
        }
    }
}

bool http_counts_durations(const struct http_counts *c, unsigned path_class,
                           struct http_durations *ret)
{
    if (path_class >= c->n)
        return false;
    *ret = (struct http_durations){.path_class = c->names[path_class]};
    for (unsigned i = 0; i < COUNTER_SHARDS; i++) {
        const struct cell *cell = &c->cells[path_class * COUNTER_SHARDS + i];
        for (int b = 0; b < HTTP_BUCKETS; b++)
            ret->n[b] += get(&cell->buckets[b]);
        ret->sum_us += get(&cell->sum_us);
    }
    return true;
}
