/*
 * arena.h - many allocations, one free.
 *
 * A request has one, and so has each published object while it is built. Memory comes in blocks
 * that double up to 256 KiB; all of it goes at once. Nothing in an arena may point into a younger
 * arena. Cost of an allocation: an addition and a compare. Thread rule: one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
    char *at;
    char *end;
    struct arena_block *blocks;
    size_t used;  /* bytes in all blocks */
    size_t given; /* bytes given out of full blocks */
    size_t max;
};

/* max: bytes that all blocks together may take. Allocates nothing yet. */
void arena_init(struct arena *a, size_t max);
/*
 * An arena over memory of the caller's, which must stay and be aligned to 16; it never grows and
 * arena_free must not be called on it.
 */
void arena_init_fixed(struct arena *a, void *mem, size_t size);
/* Bytes given out since the start (with what alignment took), but for the ends of full blocks. */
size_t arena_given(const struct arena *a);
/* Frees every block; the arena may be used again. */
void arena_free(struct arena *a);
/* Keeps the oldest block for the next use and frees the others. */
void arena_reset(struct arena *a);

#define ARENA_ALIGN ((size_t)16)

void *arena_alloc_slow(struct arena *a, size_t n);

/* n bytes aligned to 16, not cleared. NULL at the maximum, when memory is out, or when n is 0. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
    char *p = a->at;
    if (n - 1 >= ((size_t)(a->end - p) & ~(ARENA_ALIGN - 1)))
        return arena_alloc_slow(a, n);
    a->at = p + ((n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1));
    return p;
}

/* As arena_alloc, cleared, for count things of size bytes; NULL on overflow too. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* Grows a block that arena_alloc gave: in place if it is the newest, else a copy. */
void *arena_grow(struct arena *a, void *old, size_t old_n, size_t new_n);
/* A copy of s with a NUL after it (not counted). Absent with n == 0 when out of memory: see ret. */
bool arena_str(struct arena *a, struct str s, struct str *ret);

static inline void arena_cleanup(struct arena *a)
{
    arena_free(a);
}
/* A local arena that is freed when its scope ends. */
#define ARENA_LOCAL(name, max_bytes)                                                               \
    __attribute__((cleanup(arena_cleanup))) struct arena name;                                     \
    arena_init(&name, max_bytes)

#endif
