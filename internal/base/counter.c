#include "base/counter.h"

_Thread_local unsigned counter_own_shard;

unsigned counter_take_shard(void)
{
    static _Atomic unsigned taken;
    unsigned shard = atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed) % COUNTER_SHARDS;
    counter_own_shard = shard + 1;
    return shard;
}
