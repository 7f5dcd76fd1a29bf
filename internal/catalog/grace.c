#include "catalog/grace.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <urcu-bp.h>

#include "base/always.h"

/*
 * What a reader did before it left happens before what is freed after the grace period. liburcu
 * orders the two with barriers that the thread sanitizer does not see, so it is told.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GRACE_TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define GRACE_TSAN 1
#endif

#ifdef GRACE_TSAN
#include <sanitizer/tsan_interface.h>
static char readers_left;
#define tell_reader_leaves() __tsan_release(&readers_left)
#define tell_readers_left()  __tsan_acquire(&readers_left)
#else
#define tell_reader_leaves() ((void)0)
#define tell_readers_left()  ((void)0)
#endif

void grace_enter(void)
{
    urcu_bp_read_lock();
}

void grace_leave(void)
{
    tell_reader_leaves();
    urcu_bp_read_unlock();
}

/* --- batches --- */

struct grace_item {
    void *p;
    void (*free_fn)(void *p);
};

struct grace_block {
    struct grace_block *next; /* in limbo */
    size_t n;
    size_t cap;
    struct grace_item items[];
};

#define BLOCK_MIN_ITEMS 16

err_code grace_batch_reserve(struct grace_batch *b, size_t n)
{
    size_t used = grace_batch_count(b);
    if (b->block && b->block->cap - used >= n)
        return ERR_OK;
    size_t most = (SIZE_MAX / 2 - sizeof(struct grace_block)) / sizeof(struct grace_item);
    if (n > most - used)
        return ERR_NOMEM;
    size_t cap = used <= most / 2 ? used * 2 : most;
    if (cap < used + n)
        cap = used + n;
    if (cap < BLOCK_MIN_ITEMS)
        cap = BLOCK_MIN_ITEMS;
    struct grace_block *block =
        realloc(b->block, sizeof(struct grace_block) + cap * sizeof(struct grace_item));
    if (!block)
        return ERR_NOMEM;
    block->next = NULL;
    block->n = used;
    block->cap = cap;
    b->block = block;
    return ERR_OK;
}

void grace_batch_add(struct grace_batch *b, void *p, void (*free_fn)(void *p))
{
    struct grace_block *block = b->block;
    always(block && block->n < block->cap);
    block->items[block->n++] = (struct grace_item){p, free_fn};
}

size_t grace_batch_count(const struct grace_batch *b)
{
    return b->block ? b->block->n : 0;
}

void grace_batch_forget(struct grace_batch *b)
{
    free(b->block);
    b->block = NULL;
}

static size_t free_block(struct grace_block *block)
{
    if (!block)
        return 0;
    size_t n = block->n;
    for (size_t i = 0; i < n; i++)
        block->items[i].free_fn(block->items[i].p);
    free(block);
    return n;
}

void grace_batch_free(struct grace_batch *b)
{
    struct grace_block *block = b->block;
    b->block = NULL;
    free_block(block);
}

/* --- limbo --- */

/*
 * A stack that threads push on and that is only ever emptied as a whole, so that a block cannot
 * come back between a look at the top and the exchange (no ABA problem).
 */
void grace_defer(struct grace_limbo *l, struct grace_batch *b)
{
    struct grace_block *block = b->block;
    if (grace_batch_count(b) == 0) {
        grace_batch_forget(b);
        return;
    }
    b->block = NULL;
    block->next = __atomic_load_n(&l->blocks, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&l->blocks, &block->next, block, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

size_t grace_drain(struct grace_limbo *l)
{
    struct grace_block *block = __atomic_exchange_n(&l->blocks, NULL, __ATOMIC_ACQUIRE);
    if (!block)
        return 0;
    always(!urcu_bp_read_ongoing());
    urcu_bp_synchronize_rcu();
    tell_readers_left();
    size_t freed = 0;
    while (block) {
        struct grace_block *next = block->next;
        freed += free_block(block);
        block = next;
    }
    return freed;
}
