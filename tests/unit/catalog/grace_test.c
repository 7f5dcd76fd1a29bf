#include "catalog/grace.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../support/check.h"
#include "base/hash.h"
#include "catalog/hamt.h"
#include "suites.h"

/* --- batches and limbo, one thread --- */

static void count_free(void *p)
{
    __atomic_fetch_add((int *)p, 1, __ATOMIC_RELAXED);
}

static void batch_frees_each_thing_once(void)
{
    int freed[100] = {0};
    struct grace_batch b = {0};
    CHECK(grace_batch_count(&b) == 0);
    for (int i = 0; i < 100; i++) {
        CHECK(grace_batch_reserve(&b, 1) == ERR_OK);
        grace_batch_add(&b, &freed[i], count_free);
    }
    CHECK(grace_batch_count(&b) == 100);
    grace_batch_free(&b);
    CHECK(grace_batch_count(&b) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(freed[i] == 1, "thing %d was freed %d times", i, freed[i]);
}

static void batch_forgets(void)
{
    int freed = 0;
    struct grace_batch b = {0};
    CHECK(grace_batch_reserve(&b, 1) == ERR_OK);
    grace_batch_add(&b, &freed, count_free);
    grace_batch_forget(&b);
    grace_batch_free(&b);
    CHECK(freed == 0 && grace_batch_count(&b) == 0);
}

static void reserve_refuses_what_cannot_be(void)
{
    int freed = 0;
    struct grace_batch b = {0};
    CHECK(grace_batch_reserve(&b, 3) == ERR_OK);
    grace_batch_add(&b, &freed, count_free);
    CHECK(grace_batch_reserve(&b, SIZE_MAX) == ERR_NOMEM);
    CHECK(grace_batch_reserve(&b, SIZE_MAX / 16) == ERR_NOMEM);
    CHECK(grace_batch_count(&b) == 1, "a failed reserve keeps what is there");
    grace_batch_free(&b);
    CHECK(freed == 1);
}

static void drain_frees_all_batches(void)
{
    int freed[3] = {0};
    struct grace_limbo limbo = {0};
    CHECK(grace_drain(&limbo) == 0);
    for (int i = 0; i < 3; i++) {
        struct grace_batch b = {0};
        CHECK(grace_batch_reserve(&b, 1) == ERR_OK);
        grace_batch_add(&b, &freed[i], count_free);
        grace_enter();
        grace_defer(&limbo, &b);
        grace_leave();
        CHECK(grace_batch_count(&b) == 0 && freed[i] == 0);
    }
    struct grace_batch empty = {0};
    CHECK(grace_batch_reserve(&empty, 10) == ERR_OK);
    grace_defer(&limbo, &empty);
    CHECK(grace_drain(&limbo) == 3);
    CHECK(freed[0] == 1 && freed[1] == 1 && freed[2] == 1);
    CHECK(grace_drain(&limbo) == 0);
}

/* --- a drain waits for the readers that are inside --- */

struct waiting {
    bool inside, drains;
    int freed;
    int freed_while_inside;
};

static void *reads_slowly(void *arg)
{
    struct waiting *w = arg;
    grace_enter();
    grace_enter();
    grace_publish(&w->inside, true);
    grace_leave();
    while (!grace_load(&w->drains))
        sched_yield();
    for (int i = 0; i < 2000; i++) {
        w->freed_while_inside += __atomic_load_n(&w->freed, __ATOMIC_RELAXED);
        sched_yield();
    }
    grace_leave();
    return NULL;
}

static void drain_waits_for_readers(void)
{
    struct waiting w = {0};
    pthread_t reader;
    if (pthread_create(&reader, NULL, reads_slowly, &w) != 0) {
        CHECK(false, "no thread for the test");
        return;
    }
    while (!grace_load(&w.inside))
        sched_yield();
    struct grace_limbo limbo = {0};
    struct grace_batch b = {0};
    CHECK(grace_batch_reserve(&b, 1) == ERR_OK);
    grace_batch_add(&b, &w.freed, count_free);
    grace_defer(&limbo, &b);
    grace_publish(&w.drains, true);
    CHECK(grace_drain(&limbo) == 1);
    pthread_join(reader, NULL);
    CHECK(w.freed == 1 && w.freed_while_inside == 0);
}

/* --- readers walk published revisions while a writer replaces them --- */

#define READERS   3
#define REVISIONS 600
#define KEYS      100

struct thing {
    uint64_t key;
    uint64_t revision; /* in which it was made */
};

/* Two tables with the same keys; an item of one is of the same revision as its peer in the other.
 */
struct revision {
    uint64_t number;
    struct hamt a, b;
};

struct site {
    struct revision *current;
    struct thing *note; /* replaced by the readers */
    struct grace_limbo limbo;
    bool done;
};

struct reader {
    struct site *site;
    uint64_t revisions_seen, wrong, notes;
};

static uint64_t hash_of(uint64_t key)
{
    return key % 10 == 0 ? 4711 : hash_mix(key, 3);
}

static const struct thing *thing_in(const struct hamt *h, uint64_t key)
{
    const void *const *items;
    size_t n = hamt_find(h, hash_of(key), &items);
    for (size_t i = 0; i < n; i++)
        if (((const struct thing *)items[i])->key == key)
            return items[i];
    return NULL;
}

struct walk {
    const struct revision *revision;
    size_t things;
    uint64_t wrong;
};

static bool walk_thing(const void *item, void *arg)
{
    struct walk *w = arg;
    const struct thing *mine = item, *peer = thing_in(&w->revision->b, mine->key);
    w->things++;
    w->wrong += !peer || peer->revision != mine->revision || mine->revision > w->revision->number ||
                thing_in(&w->revision->a, mine->key) != mine;
    return true;
}

/* Puts a new note in the place of the one that is there, as a request that fills a cache would. */
static void leave_note(struct reader *r, uint64_t number)
{
    struct grace_batch old = {0};
    struct thing *fresh = malloc(sizeof(*fresh));
    if (!fresh || grace_batch_reserve(&old, 1) != ERR_OK) {
        free(fresh);
        r->wrong++;
        return;
    }
    *fresh = (struct thing){.revision = number};
    struct thing *before = grace_exchange(&r->site->note, fresh);
    if (before)
        grace_batch_add(&old, before, free);
    grace_defer(&r->site->limbo, &old);
    r->notes++;
}

static void *reads_revisions(void *arg)
{
    struct reader *r = arg;
    uint64_t last = 0;
    do {
        grace_enter();
        const struct revision *now = grace_load(&r->site->current);
        struct walk w = {.revision = now};
        hamt_each(&now->a, walk_thing, &w);
        r->wrong += w.wrong + (w.things != now->a.count) + (now->a.count != now->b.count) +
                    (now->number < last);
        r->revisions_seen += now->number != last;
        last = now->number;
        const struct thing *note = grace_load(&r->site->note);
        r->wrong += note && note->revision > REVISIONS;
        if (!note || note->revision != last)
            leave_note(r, last);
        grace_leave();
    } while (!grace_load(&r->site->done));
    return NULL;
}

/* An item goes into the batch before the change that drops it: if the change fails, the batch is
 * forgotten with the rest. */
static err_code replaces(struct grace_batch *old, const struct thing *before)
{
    err_code rc = grace_batch_reserve(old, 1);
    if (rc == ERR_OK)
        grace_batch_add(old, (void *)before, free);
    return rc;
}

static err_code put(struct hamt_edit *e, struct grace_batch *old, uint64_t key, uint64_t revision)
{
    const struct thing *before = thing_in(&e->now, key);
    if (before && replaces(old, before) != ERR_OK)
        return ERR_NOMEM;
    struct thing *fresh = malloc(sizeof(*fresh));
    if (!fresh)
        return ERR_NOMEM;
    *fresh = (struct thing){key, revision};
    err_code rc =
        before ? hamt_replace(e, hash_of(key), before, fresh) : hamt_insert(e, hash_of(key), fresh);
    if (rc != ERR_OK)
        free(fresh);
    return rc;
}

static err_code drop(struct hamt_edit *e, struct grace_batch *old, uint64_t key)
{
    const struct thing *before = thing_in(&e->now, key);
    if (!before)
        return ERR_OK;
    err_code rc = replaces(old, before);
    return rc == ERR_OK ? hamt_remove(e, hash_of(key), before) : rc;
}

static err_code change(struct hamt_edit *e, struct grace_batch *old, uint64_t number)
{
    err_code rc = ERR_OK;
    for (uint64_t i = 0; i < 5 && rc == ERR_OK; i++) {
        uint64_t random = hash_mix(number, i), key = random % KEYS;
        rc = random >> 32 & 1 ? drop(e, old, key) : put(e, old, key, number);
    }
    return rc;
}

static err_code next_revision(struct site *site)
{
    struct revision *now = site->current, *next = malloc(sizeof(*next));
    struct grace_batch old = {0};
    if (!next || grace_batch_reserve(&old, 1) != ERR_OK) {
        free(next);
        return ERR_NOMEM;
    }
    grace_batch_add(&old, now, free);
    struct hamt_edit a, b;
    hamt_edit_begin(&a, now->a, &old);
    hamt_edit_begin(&b, now->b, &old);
    if (change(&a, &old, now->number + 1) != ERR_OK ||
        change(&b, &old, now->number + 1) != ERR_OK) {
        hamt_edit_abandon(&a);
        hamt_edit_abandon(&b);
        grace_batch_forget(&old);
        free(next);
        return ERR_NOMEM;
    }
    *next = (struct revision){now->number + 1, hamt_edit_commit(&a), hamt_edit_commit(&b)};
    grace_publish(&site->current, next);
    grace_defer(&site->limbo, &old);
    return ERR_OK;
}

static bool free_thing(const void *item, void *arg)
{
    (void)arg;
    free((void *)item);
    return true;
}

static void free_site(struct site *site)
{
    grace_drain(&site->limbo);
    hamt_each(&site->current->a, free_thing, NULL);
    hamt_each(&site->current->b, free_thing, NULL);
    hamt_free(&site->current->a);
    hamt_free(&site->current->b);
    free(site->current);
    free(site->note);
}

static void readers_see_whole_revisions(void)
{
    struct site site = {.current = calloc(1, sizeof(struct revision))};
    if (!site.current) {
        CHECK(site.current, "no memory for the test");
        return;
    }
    pthread_t threads[READERS];
    struct reader readers[READERS] = {0};
    size_t started = 0;
    for (; started < READERS; started++) {
        readers[started].site = &site;
        if (pthread_create(&threads[started], NULL, reads_revisions, &readers[started]) != 0)
            break;
    }
    CHECK(started == READERS, "no thread for the test");
    err_code rc = ERR_OK;
    size_t freed = 0;
    for (int i = 0; i < REVISIONS && rc == ERR_OK; i++) {
        rc = next_revision(&site);
        if (i % 3 == 0)
            freed += grace_drain(&site.limbo);
    }
    grace_publish(&site.done, true);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        CHECK(readers[i].wrong == 0, "reader %zu: wrong %llu times", i,
              (unsigned long long)readers[i].wrong);
        CHECK(readers[i].revisions_seen > 0, "reader %zu saw nothing", i);
    }
    CHECK(rc == ERR_OK && site.current->number == REVISIONS && freed > REVISIONS);
    free_site(&site);
}

struct tally grace_suite(void)
{
    RUN(batch_frees_each_thing_once);
    RUN(batch_forgets);
    RUN(reserve_refuses_what_cannot_be);
    RUN(drain_frees_all_batches);
    RUN(drain_waits_for_readers);
    RUN(readers_see_whole_revisions);
    return SUITE_TALLY;
}
