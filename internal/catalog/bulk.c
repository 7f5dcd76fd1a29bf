#include "catalog/bulk.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/always.h"

#define CHUNK      ((size_t)2 << 20)
#define RANGE      ((size_t)16 << 30) /* of addresses; memory is only what is used of it */
#define CHUNKS     (RANGE / CHUNK)
#define LARGEST    (CHUNK / 16)
#define NO_CHUNK   UINT32_MAX
#define CACHE_LINE 64

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FROM_MALLOC 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FROM_MALLOC 1
#endif
#ifndef FROM_MALLOC
#define FROM_MALLOC 0
#endif

/* At the start of each chunk. */
struct chunk {
    uint64_t live; /* things in it, and one for the bulk that it belongs to; atomic */
};

static struct {
    pthread_once_t once;
    char *from; /* NULL: there is no range */
    pthread_mutex_t lock;
    uint32_t used; /* chunks below this have been in use */
    uint32_t idle; /* the newest that is not any more; NO_CHUNK: there is none */
    uint32_t *next_idle;
} range = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .idle = NO_CHUNK};

static void reserve(void)
{
    if (FROM_MALLOC)
        return;
    range.next_idle = malloc(CHUNKS * sizeof *range.next_idle);
    char *p =
        mmap(NULL, RANGE + CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!range.next_idle || p == MAP_FAILED)
        return;
    p += (CHUNK - (uintptr_t)p % CHUNK) % CHUNK;
    __atomic_store_n(&range.from, p, __ATOMIC_RELEASE);
}

static uint32_t take_number(void)
{
    pthread_mutex_lock(&range.lock);
    uint32_t n = range.idle;
    if (n != NO_CHUNK)
        range.idle = range.next_idle[n];
    else if (range.used < CHUNKS)
        n = range.used++;
    pthread_mutex_unlock(&range.lock);
    return n;
}

static void give_number(uint32_t n)
{
    pthread_mutex_lock(&range.lock);
    range.next_idle[n] = range.idle;
    range.idle = n;
    pthread_mutex_unlock(&range.lock);
}

static struct chunk *chunk_make(void)
{
    pthread_once(&range.once, reserve);
    uint32_t n = range.from ? take_number() : NO_CHUNK;
    if (n == NO_CHUNK)
        return NULL;
    char *p = range.from + n * CHUNK;
    if (mprotect(p, CHUNK, PROT_READ | PROT_WRITE) != 0) {
        give_number(n);
        return NULL;
    }
    madvise(p, CHUNK, MADV_HUGEPAGE); /* small pages serve too */
    struct chunk *c = (struct chunk *)(void *)p;
    c->live = 1;
    return c;
}

static void chunk_drop(struct chunk *c)
{
    uint64_t live = __atomic_fetch_sub(&c->live, 1, __ATOMIC_ACQ_REL);
    always(live > 0);
    if (live > 1)
        return;
    madvise(c, CHUNK, MADV_DONTNEED);
    give_number((uint32_t)((size_t)((char *)c - range.from) / CHUNK));
}

static struct chunk *chunk_of(const void *p)
{
    return (struct chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK - 1));
}

void *bulk_alloc(struct bulk *b, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    if (!b || n > LARGEST)
        return malloc(n);
    if ((size_t)(b->end - b->at) < n) {
        bulk_end(b);
        struct chunk *c = chunk_make();
        if (!c)
            return malloc(n);
        b->at = (char *)c + CACHE_LINE;
        b->end = (char *)c + CHUNK;
    }
    void *p = b->at;
    b->at += n;
    __atomic_fetch_add(&chunk_of(p)->live, 1, __ATOMIC_RELAXED);
    return p;
}

void bulk_end(struct bulk *b)
{
    if (!b || !b->end)
        return;
    chunk_drop((struct chunk *)(void *)(b->end - CHUNK));
    *b = (struct bulk){NULL, NULL};
}

void bulk_free(void *p)
{
    char *from = __atomic_load_n(&range.from, __ATOMIC_ACQUIRE);
    if (from && (char *)p >= from && (char *)p < from + RANGE)
        chunk_drop(chunk_of(p));
    else
        free(p);
}
