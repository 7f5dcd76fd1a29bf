/*
 * counter.h - a number that many threads add to and hardly anybody reads.
 *
 * It is spread over some cache lines, and a thread adds to the one of the core that it runs on, so
 * that cores do not fight for it: a few nanoseconds. Reading adds them up; what is added meanwhile
 * may or may not be in it, so two counters that are read one after another need not fit together.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#define COUNTER_SHARDS 8u

struct counter {
    struct {
        _Alignas(64) _Atomic uint64_t n;
    } shard[COUNTER_SHARDS];
};

/* The shard of this core. Any would be right. */
static inline unsigned counter_shard(void)
{
    int cpu = sched_getcpu();
    return (unsigned)(cpu < 0 ? 0 : cpu) % COUNTER_SHARDS;
}

static inline void counter_add(struct counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->shard[counter_shard()].n, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const struct counter *c)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < COUNTER_SHARDS; i++)
        sum += atomic_load_explicit(&c->shard[i].n, memory_order_relaxed);
    return sum;
}

#endif
