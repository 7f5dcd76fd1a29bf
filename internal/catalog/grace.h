/*
 * grace.h - reading without locks, freeing once nobody reads any more (read-copy-update).
 *
 * A reader encloses what it does with published objects in grace_enter and grace_leave, and gets at
 * them with grace_load. A writer builds a new object, publishes it with grace_publish, and puts
 * what it replaced into a batch; the batch is freed after a grace period, that is when every reader
 * that was inside when the batch was handed over has left. Readers wait for nobody and write no
 * shared memory.
 *
 * This is the only face over liburcu (the "bp" flavour: a thread registers by itself when it first
 * enters, since libmicrohttpd gives no hook at the start of its threads). Under the thread
 * sanitizer the grace periods, which it cannot see, are told to it.
 *
 * How a writer frees what it replaces, without a step that can fail after it has published:
 *
 *     struct grace_batch old = {0};
 *     if (grace_batch_reserve(&old, 1) != ERR_OK) ...    give up: nothing has changed
 *     grace_batch_add(&old, grace_exchange(&published, fresh), free);
 *     grace_defer(&limbo, &old);                         cannot fail
 */
#ifndef CATALOG_GRACE_H
#define CATALOG_GRACE_H

#include <stddef.h>

#include "base/err.h"

/* --- readers: any thread --- */

/*
 * What is loaded between the two stays valid until grace_leave. Sections nest. Short: no waiting
 * for a client or a disk inside, since memory is kept back for as long. Never fail; a few
 * nanoseconds, but for the first in a thread.
 */
void grace_enter(void);
void grace_leave(void);

/* The published pointer at pp (load-acquire). */
#define grace_load(pp) __atomic_load_n((pp), __ATOMIC_ACQUIRE)
/* Publishes p at pp: who loads it sees all that was written to it before (store-release). */
#define grace_publish(pp, p) __atomic_store_n((pp), (p), __ATOMIC_RELEASE)
/* As grace_publish, and returns what was there; for objects that several threads replace. */
#define grace_exchange(pp, p) __atomic_exchange_n((pp), (p), __ATOMIC_ACQ_REL)

/* --- batches: one thread at a time --- */

/* Things that are to be freed together. All zero is an empty one. */
struct grace_batch {
    struct grace_block *block;
};

/* Makes room for n more than there are now. ERR_NOMEM; the batch is then as before. */
err_code grace_batch_reserve(struct grace_batch *b, size_t n);
/* Takes p, to be freed with free_fn; never fails, but needs room that was reserved. */
void grace_batch_add(struct grace_batch *b, void *p, void (*free_fn)(void *p));
size_t grace_batch_count(const struct grace_batch *b);
/* Forgets what is in it: the transaction was abandoned, the things live on. Empty afterwards. */
void grace_batch_forget(struct grace_batch *b);
/* Frees what is in it at once: there are no readers. Empty afterwards. */
void grace_batch_free(struct grace_batch *b);

/* --- limbo: what waits for its grace period --- */

/* All zero is an empty one. */
struct grace_limbo {
    struct grace_block *blocks;
};

/* Moves a batch into limbo; any thread, inside a read section or not; never fails or waits. */
void grace_defer(struct grace_limbo *l, struct grace_batch *b);
/*
 * Waits for one grace period and frees what was in limbo before, in no particular order; returns
 * how many things. Returns 0 at once if limbo is empty. Must not be called inside a read section
 * (it would wait for itself).
 */
size_t grace_drain(struct grace_limbo *l);

#endif
