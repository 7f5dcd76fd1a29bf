/* The signature cache, and the threads for slow signatures, by themselves. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "service/signature_cache.h"
#include "service/signer.h"
#include "suites.h"
#include "support/check.h"

static void id_of(unsigned n, unsigned char id[SIGNATURE_ID_BYTES])
{
    memset(id, 0, SIGNATURE_ID_BYTES);
    for (unsigned i = 0; i < 4; i++)
        id[i] = id[i + 20] = (unsigned char)(n * 2654435761u >> 8 * i);
    memcpy(id + 8, &n, sizeof n);
}

static void put(struct signature_cache *c, unsigned n, size_t size)
{
    unsigned char id[SIGNATURE_ID_BYTES];
    BUF_LOCAL(text, 8192);
    id_of(n, id);
    buf_addf(&text, "%0*u", (int)size, n);
    signature_cache_put(c, id, buf_str(&text));
}

static bool has(struct signature_cache *c, unsigned n)
{
    unsigned char id[SIGNATURE_ID_BYTES];
    BUF_LOCAL(text, 8192);
    id_of(n, id);
    if (!signature_cache_get(c, id, &text))
        return false;
    CHECK((unsigned)strtoul(buf_c(&text), NULL, 10) == n);
    return true;
}

static void what_was_not_asked_for_goes_first(void)
{
    struct signature_cache *c;
    struct err e = ERR_INIT;
    CHECK(signature_cache_make(4u << 20, &c, &e) == ERR_OK, "%s", e.msg);
    put(c, 0, 500);
    unsigned kept = 0;
    for (unsigned n = 1; n < 20000; n++) {
        put(c, n, 500);
        CHECK(has(c, 0), "used each time, gone after %u", n);
    }
    for (unsigned n = 1; n < 20000; n++)
        kept += has(c, n);
    /* About 3.5 MB hold entries of about 600 bytes. */
    CHECK(kept > 4000 && kept < 7000, "%u", kept);
    CHECK(has(c, 19999) && !has(c, 1));
    signature_cache_free(c);
}

static void the_first_signature_stays(void)
{
    struct signature_cache *c;
    struct err e = ERR_INIT;
    unsigned char id[SIGNATURE_ID_BYTES] = {7};
    BUF_LOCAL(got, 100);
    CHECK(signature_cache_make(4u << 20, &c, &e) == ERR_OK, "%s", e.msg);
    CHECK(!signature_cache_get(c, id, &got));
    signature_cache_put(c, id, STR("first"));
    signature_cache_put(c, id, STR("second"));
    CHECK(signature_cache_get(c, id, &got) && str_is(buf_str(&got), "first"));
    signature_cache_free(c);
}

static void *use_cache(void *arg)
{
    struct signature_cache *c = arg;
    for (unsigned n = 0; n < 3000; n++) {
        put(c, n % 700, 300);
        has(c, (n * 7) % 700);
    }
    return NULL;
}

static void many_may_use_the_cache(void)
{
    struct signature_cache *c;
    struct err e = ERR_INIT;
    pthread_t threads[4];
    CHECK(signature_cache_make(1u << 20, &c, &e) == ERR_OK, "%s", e.msg);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, use_cache, c) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    signature_cache_free(c);
}

/* --- slow signatures ---------------------------------------------------------------------------
 */

static void add_one(void *arg)
{
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

struct asker {
    struct signer *s;
    _Atomic unsigned *made;
    unsigned done, busy;
    char address[32];
};

static void *ask_often(void *arg)
{
    struct asker *a = arg;
    for (int i = 0; i < 200; i++) {
        struct err e = ERR_INIT;
        err_code c = signer_run(a->s, a->address, add_one, a->made, &e);
        CHECK(c == ERR_OK || c == ERR_BUSY, "%s", e.msg);
        a->done += c == ERR_OK;
        a->busy += c == ERR_BUSY;
    }
    return NULL;
}

static void every_job_is_done_before_its_asker_returns(void)
{
    struct signer *s;
    struct err e = ERR_INIT;
    _Atomic unsigned made = 0;
    struct asker askers[8];
    pthread_t threads[8];
    unsigned done = 0;
    CHECK(signer_start(2, &s, &e) == ERR_OK, "%s", e.msg);
    for (int i = 0; i < 8; i++) {
        askers[i] = (struct asker){.s = s, .made = &made};
        snprintf(askers[i].address, sizeof askers[i].address, "192.0.2.%d", i);
        CHECK(pthread_create(&threads[i], NULL, ask_often, &askers[i]) == 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        CHECK(askers[i].busy == 0, "200 are within the burst of each address");
        done += askers[i].done;
    }
    CHECK(done == 1600 && made == 1600, "%u %u", done, made);
    signer_stop(s);
}

static void an_address_has_a_rate(void)
{
    struct signer *s;
    struct err e = ERR_INIT;
    _Atomic unsigned made = 0;
    unsigned busy = 0;
    CHECK(signer_start(1, &s, &e) == ERR_OK, "%s", e.msg);
    for (int i = 0; i < 100 * SIGNER_BURST && !busy; i++)
        busy += signer_run(s, "192.0.2.1", add_one, &made, &e) == ERR_BUSY;
    CHECK(busy == 1 && made >= SIGNER_BURST, "%u after %u", busy, made);
    CHECK(strstr(e.msg, "this address") != NULL, "%s", e.msg);
    CHECK(signer_run(s, "2001:db8::1", add_one, &made, &e) == ERR_OK, "another: %s", e.msg);
    signer_stop(s);
}

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned inside;
};

static void wait_at(void *arg)
{
    struct gate *g = arg;
    pthread_mutex_lock(&g->lock);
    g->inside++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

struct waiter {
    struct signer *s;
    struct gate *gate;
    _Atomic unsigned *busy;
};

static void *ask_once(void *arg)
{
    struct waiter *w = arg;
    struct err e = ERR_INIT;
    err_code c = signer_run(w->s, "192.0.2.1", wait_at, w->gate, &e);
    CHECK(c == ERR_OK || (c == ERR_BUSY && strstr(e.msg, "too many")), "%s", e.msg);
    atomic_fetch_add(w->busy, c == ERR_BUSY);
    return NULL;
}

/* One job holds the only thread; then 64 wait, and the others are told to come back. */
static void the_queue_is_bounded(void)
{
    enum { ASKERS = SIGNER_QUEUE_MAX + 1 + 8 };
    static pthread_t threads[ASKERS];
    struct gate g = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    struct signer *s;
    struct err e = ERR_INIT;
    _Atomic unsigned busy = 0;
    CHECK(signer_start(1, &s, &e) == ERR_OK, "%s", e.msg);
    struct waiter w = {s, &g, &busy};
    CHECK(pthread_create(&threads[0], NULL, ask_once, &w) == 0);
    pthread_mutex_lock(&g.lock);
    while (!g.inside)
        pthread_cond_wait(&g.changed, &g.lock);
    pthread_mutex_unlock(&g.lock);
    for (int i = 1; i < ASKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, ask_once, &w) == 0);
    while (busy < 8)
        sched_yield();
    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(busy == 8 && g.inside == SIGNER_QUEUE_MAX + 1, "%u %u", busy, g.inside);
    signer_stop(s);
}

struct tally signing_suite(void)
{
    RUN(what_was_not_asked_for_goes_first);
    RUN(the_first_signature_stays);
    RUN(many_may_use_the_cache);
    RUN(every_job_is_done_before_its_asker_returns);
    RUN(an_address_has_a_rate);
    RUN(the_queue_is_bounded);
    return SUITE_TALLY;
}
