/*
 * counter.h - a number that many threads add to and hardly anybody reads.
 *
 * It is spread over some cache lines, and each thread adds to one of them, in turn, so that cores
 * do not fight for it: a few nanoseconds. Reading adds them up; what is added meanwhile
 * may or may not be in it, so two counters that are read one after another need not fit together.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#define COUNTER_SHARDS 8u

struct counter {
    struct {
        _Alignas(64) _Atomic uint64_t n;
    } shard[COUNTER_SHARDS];
};

/* The shard of this thread, from 1; 0 until it has one. */
extern _Thread_local unsigned counter_own_shard;
/* Gives it the next. */
unsigned counter_take_shard(void);

/* Any would be right. */
static inline unsigned counter_shard(void)
{
    unsigned own = counter_own_shard;
    return own ? own - 1 : counter_take_shard();
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
