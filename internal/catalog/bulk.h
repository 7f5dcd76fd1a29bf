/*
 * bulk.h - memory for what is loaded all at once: a million objects and the nodes above them.
 *
 * Taken from 2 MiB chunks, one after another, for which the kernel is asked for huge pages: a
 * machine's lookup goes to places all over a few hundred MiB, and with pages of 4 KiB each of them
 * misses the TLB too. A chunk goes back to the system when the last thing in it is freed. What is
 * made one at a time later comes from malloc, so that a chunk of long-lived things does not grow
 * around short-lived ones: however much is rewritten, there are never more chunks than at the load.
 *
 * bulk_free takes things of both kinds and tells them apart by their address; all chunks lie in one
 * range of addresses, which is reserved at the first use. Without such a range, and under the
 * address sanitizer, which does not see into chunks, everything comes from malloc.
 *
 * Thread rule: a struct bulk belongs to one thread at a time; bulk_free may be called by any.
 */
#ifndef CATALOG_BULK_H
#define CATALOG_BULK_H

#include <stddef.h>

/* Where one thread's next thing comes from. All zero is an empty one. */
struct bulk {
    char *at, *end;
};

/* n bytes, aligned to 16; NULL when memory is out. b may be NULL: from malloc. */
void *bulk_alloc(struct bulk *b, size_t n);
/* Nothing more comes from b; what came from it stays. b may be NULL. */
void bulk_end(struct bulk *b);
/* p may be NULL. */
void bulk_free(void *p);

#endif
