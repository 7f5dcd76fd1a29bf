/*
 * The generic cell rate algorithm: for each address the time at which it would be through if what
 * it did were spread evenly. How far that lies ahead is what it did at once. Time and address are
 * one word, so that no lock is needed; two addresses of a set whose tags are the same (one in 8
 * million) are taken for one.
 */
#include "http/rate.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/always.h"
#include "base/hash.h"
#include "http/networks.h"
#include "http/server.h"

#define SETS     4096
#define WAYS     4
#define TAG_BITS 24
#define TAG_MASK (((uint64_t)1 << TAG_BITS) - 1)

struct http_rate {
    uint64_t seed;
    uint64_t interval_ms, ahead_ms;  /* each costs an interval; ahead is the most */
    _Atomic uint64_t limited_until;  /* nobody is limited from then on; 0: nobody is */
    _Atomic uint64_t v[SETS * WAYS]; /* milliseconds << TAG_BITS | tag; 0: free */
};

err_code http_rate_make(unsigned per_minute, struct http_rate **ret, struct err *e)
{
    always(per_minute > 0 && per_minute <= HTTP_RATE_MAX);
    struct http_rate *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory for a table of addresses");
    if (getrandom(&r->seed, sizeof r->seed, 0) != sizeof r->seed)
        r->seed = now_us();
    r->interval_ms = 60000 / per_minute;
    r->ahead_ms = r->interval_ms * per_minute;
    *ret = r;
    return ERR_OK;
}

void http_rate_free(struct http_rate *r)
{
    free(r);
}

/* Where an address may stand, and as what: not 0. */
struct where {
    _Atomic uint64_t *set;
    uint64_t tag;
};

static struct where find(struct http_rate *r, const struct in6_addr *a)
{
    size_t n = IN6_IS_ADDR_V4MAPPED(a) ? sizeof *a : sizeof *a / 2;
    uint64_t h = hash_bytes(str_of((const char *)a, n), r->seed);
    return (struct where){&r->v[h % SETS * WAYS], h >> (64 - TAG_BITS) | 1};
}

static uint64_t time_in(uint64_t word)
{
    return word >> TAG_BITS;
}

/* The word of that tag, or the one whose time is the earliest. */
static _Atomic uint64_t *place_in(struct where w)
{
    _Atomic uint64_t *least = w.set, *at = w.set;
    for (int i = 0; i < WAYS; i++, at++) {
        uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
        if ((word & TAG_MASK) == w.tag)
            return at;
        if (time_in(word) < time_in(atomic_load_explicit(least, memory_order_relaxed)))
            least = at;
    }
    return least;
}

static void raise_to(_Atomic uint64_t *to, uint64_t value)
{
    uint64_t old = atomic_load_explicit(to, memory_order_relaxed);
    while (old < value && !atomic_compare_exchange_weak(to, &old, value))
        ;
}

void http_rate_spend(struct http_rate *r, const struct http_request *q)
{
    const struct in6_addr *address = request_address(q);
    if (!r || network_is_loopback(address))
        return;
    struct where w = find(r, address);
    uint64_t now = now_ms(), through;
    _Atomic uint64_t *place = place_in(w);
    uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
    do {
        through = (old & TAG_MASK) == w.tag && time_in(old) > now ? time_in(old) : now;
        through += r->interval_ms;
    } while (!atomic_compare_exchange_weak(place, &old, through << TAG_BITS | w.tag));
    if (through > now + r->ahead_ms)
        raise_to(&r->limited_until, through - r->ahead_ms);
}

unsigned http_rate_wait(struct http_rate *r, const struct http_request *q)
{
    if (!r || atomic_load_explicit(&r->limited_until, memory_order_relaxed) == 0)
        return 0;
    uint64_t now = now_ms(), until = atomic_load(&r->limited_until);
    if (now >= until) {
        atomic_compare_exchange_strong(&r->limited_until, &until, 0);
        return 0;
    }
    struct where w = find(r, request_address(q));
    uint64_t word = atomic_load(place_in(w));
    uint64_t free_at = time_in(word) > r->ahead_ms ? time_in(word) - r->ahead_ms : 0;
    if ((word & TAG_MASK) != w.tag || free_at <= now)
        return 0;
    return (unsigned)((free_at - now + 999) / 1000);
}
