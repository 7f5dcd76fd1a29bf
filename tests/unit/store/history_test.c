/* The past, against a model that remembers every state as a whole. */
#include <stdlib.h>

#include "../support/check.h"
#include "support.h"

#define KEYS      7
#define REVISIONS 120

/* Groups a to c, profiles a and b, templates a of two kinds; two of them have the same name. */
static const struct store_key keys[KEYS] = {
    {STORE_GROUP, 0, STR_INIT("a")},
    {STORE_GROUP, 0, STR_INIT("b")},
    {STORE_GROUP, 0, STR_INIT("c")},
    {STORE_PROFILE, 0, STR_INIT("a")},
    {STORE_PROFILE, 0, STR_INIT("b")},
    {STORE_TEMPLATE, MODEL_CLOUD, STR_INIT("a")},
    {STORE_TEMPLATE, MODEL_GENERIC, STR_INIT("a")},
};

/* Bodies by revision and key: a letter, or 0 for what is not there. */
static char states[REVISIONS + 1][KEYS];

static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* One to three changes in one revision. */
static err_code change_some(struct store_txn *t, void *arg, struct err *e)
{
    char *now = arg;
    err_code c = ERR_OK;
    for (uint32_t i = 0, n = 1 + random_below(3); i < n && !c; i++) {
        uint32_t k = random_below(KEYS);
        if (now[k] && random_below(3) == 0) {
            now[k] = 0;
            c = store_txn_delete(t, &keys[k], e);
        } else {
            now[k] = (char)('p' + random_below(4));
            struct store_resource r = {
                .key = keys[k], .body = str_of(&now[k], 1), .selector = keys[k].name};
            c = store_txn_put(t, &r, e);
        }
    }
    return c;
}

/* Fills a store with revisions and `states` with what they left. */
static void make_history(struct store *s)
{
    struct store_note note = {STR("me"), STR("why")};
    uint64_t n = 0;
    memset(states, 0, sizeof states);
    while (n < REVISIONS) {
        char now[KEYS];
        uint64_t revision = 0;
        memcpy(now, states[n], KEYS);
        CHECK(store_write(s, &note, change_some, now, &revision, NULL) == ERR_OK);
        CHECK(revision == n || revision == n + 1);
        /* A change that was taken back in the same job makes a revision and no difference. */
        memcpy(states[revision], now, KEYS);
        n = revision;
    }
}

struct seen {
    const char *from, *to;
    int found, at;
};

static int place_of(const struct store_key *k)
{
    for (int i = 0; i < KEYS; i++)
        if (keys[i].type == k->type && str_eq(keys[i].name, k->name) &&
            (k->type != STORE_TEMPLATE || keys[i].kind == k->kind))
            return i;
    return -1;
}

static bool body_is(struct str body, char want)
{
    return want ? body.p && body.n == 1 && body.p[0] == want : !body.p;
}

static err_code see(void *arg, const struct store_difference *d, struct err *e)
{
    (void)e;
    struct seen *s = arg;
    int i = place_of(&d->key);
    CHECK(i > s->at, "in order, each once: %d after %d", i, s->at);
    if (i < 0)
        return ERR_OK;
    CHECK(s->from[i] != s->to[i], "%d is the same", i);
    CHECK(body_is(d->from, s->from[i]) && body_is(d->to, s->to[i]), "bodies of %d", i);
    s->found++;
    s->at = i;
    return ERR_OK;
}

static void check_pair(struct store *s, uint64_t from, uint64_t to)
{
    struct seen seen = {states[from], states[to], 0, -1};
    struct err e = ERR_INIT;
    int want = 0;
    for (int i = 0; i < KEYS; i++)
        want += states[from][i] != states[to][i];
    CHECK(store_differences(s, from, to, see, &seen, &e) == ERR_OK, "%s", e.msg);
    CHECK(seen.found == want, "%d of %d from %d to %d", seen.found, want, (int)from, (int)to);
}

static void check_state(struct store *s, uint64_t n)
{
    ARENA_LOCAL(a, 1 << 16);
    for (int i = 0; i < KEYS; i++) {
        struct str body = {NULL, 0};
        struct err e = ERR_INIT;
        err_code c = store_get_at(s, &keys[i], n, &a, &body, &e);
        CHECK(c == (states[n][i] ? ERR_OK : ERR_NOT_FOUND), "%d: %s", c, e.msg);
        CHECK(body_is(body, states[n][i]), "key %d in revision %d", i, (int)n);
    }
}

static void any_two_revisions_can_be_compared(void)
{
    struct store *s = must_open(fresh("history.db"));
    seed = 1;
    make_history(s);
    for (uint64_t from = 0; from <= REVISIONS; from += 3)
        for (uint64_t to = 0; to <= REVISIONS; to += 2)
            check_pair(s, from, to);
    for (uint64_t n = 0; n <= REVISIONS; n++)
        check_state(s, n);
    struct err e = ERR_INIT;
    ARENA_LOCAL(a, 1 << 16);
    struct str body;
    CHECK(store_differences(s, 1, REVISIONS + 1, see, NULL, &e) == ERR_NOT_FOUND);
    CHECK(strstr(e.msg, "the newest is 120"), "%s", e.msg);
    CHECK(store_get_at(s, &keys[0], REVISIONS + 1, &a, &body, &e) == ERR_NOT_FOUND, "%s", e.msg);
    store_close(s);
}

struct listed {
    uint64_t first, last, n, changes;
};

static err_code list_one(void *arg, const struct store_revision *r, struct err *e)
{
    (void)e;
    struct listed *l = arg;
    CHECK(!l->n || r->n == l->last - 1, "newest first");
    CHECK(str_is(r->who, "me") && str_is(r->message, "why") && r->at > 1600000000);
    l->first = l->n ? l->first : r->n;
    l->last = r->n;
    l->changes += r->changes;
    l->n++;
    return ERR_OK;
}

static struct listed list_revisions(struct store *s, uint64_t before, uint64_t limit)
{
    struct listed l = {0};
    CHECK(store_revisions(s, before, limit, list_one, &l, NULL) == ERR_OK);
    return l;
}

static void revisions_are_listed_in_pages(void)
{
    const char *path = fresh("listed.db");
    struct store *s = must_open(path);
    struct listed l = list_revisions(s, 0, 10);
    CHECK(l.n == 0);
    seed = 2;
    make_history(s);
    l = list_revisions(s, 0, 1000);
    CHECK(l.n == REVISIONS && l.first == REVISIONS && l.last == 1);
    CHECK(l.changes == (uint64_t)raw_number(path, "SELECT count(*) FROM history"));
    l = list_revisions(s, 0, 7);
    CHECK(l.n == 7 && l.first == REVISIONS && l.last == REVISIONS - 6);
    l = list_revisions(s, l.last, 7);
    CHECK(l.n == 7 && l.first == REVISIONS - 7);
    l = list_revisions(s, 1, 7);
    CHECK(l.n == 0);
    store_close(s);
}

static err_code ignore_change(void *arg, const struct store_change *c, struct err *e)
{
    (void)arg;
    (void)c;
    (void)e;
    return ERR_OK;
}

static void trimming_keeps_what_it_says(void)
{
    const char *path = fresh("trimmed.db");
    struct store *s = NULL;
    struct err e = ERR_INIT;
    struct store_options o = {.path = path, .keep_revisions = 20};
    CHECK(store_open(&o, &s, &e) == ERR_OK, "%s", e.msg);
    seed = 3;
    make_history(s);
    const uint64_t oldest = REVISIONS - 20;
    CHECK(raw_number(path, "SELECT value FROM meta WHERE key = 'history_from'") ==
          (long long)oldest);
    for (uint64_t from = oldest; from <= REVISIONS; from++) {
        check_state(s, from);
        for (uint64_t to = oldest; to <= REVISIONS; to++)
            check_pair(s, from, to);
    }
    CHECK(store_differences(s, oldest - 1, REVISIONS, see, NULL, &e) == ERR_NOT_FOUND);
    CHECK(strstr(e.msg, "no longer kept; the oldest that is known is 100"), "%s", e.msg);
    struct listed l = list_revisions(s, 0, 1000);
    CHECK(l.n == 20 && l.last == oldest + 1, "%d", (int)l.n);
    uint64_t now = 0;
    CHECK(store_changes_since(s, oldest - 1, ignore_change, NULL, &now, &e) == ERR_STALE);
    CHECK(store_changes_since(s, oldest, ignore_change, NULL, &now, &e) == ERR_OK &&
          now == REVISIONS);
    CHECK(raw_number(path, "SELECT count(*) FROM history WHERE revision <= 100") <= KEYS);
    CHECK(raw_number(path, "SELECT count(*) FROM history WHERE revision <= 100 AND body IS NULL") ==
          0);
    store_close(s);
    /* Who is not told to trim does not. */
    s = must_open(path);
    CHECK(put_group(s, "z", "{}", NULL, &e) == ERR_OK, "%s", e.msg);
    CHECK(put_group(s, "z", "{ }", NULL, &e) == ERR_OK, "%s", e.msg);
    CHECK(raw_number(path, "SELECT value FROM meta WHERE key = 'history_from'") ==
          (long long)oldest);
    store_close(s);
}

static err_code see_in_job(struct store_txn *t, void *arg, struct err *e)
{
    ARENA_LOCAL(a, 1 << 16);
    struct str body;
    struct store_resource r = {.key = keys[0], .body = STR("Z"), .selector = STR("")};
    err_code c = store_txn_put(t, &r, e);
    if (!c)
        c = store_txn_differences(t, REVISIONS, store_txn_revision(t), see, arg, e);
    CHECK(store_txn_get_at(t, &keys[0], REVISIONS + 2, &a, &body, NULL) == ERR_NOT_FOUND);
    CHECK(store_txn_get_at(t, &keys[0], REVISIONS + 1, &a, &body, NULL) == ERR_OK);
    CHECK(body_is(body, 'Z'));
    return c;
}

static void a_job_sees_its_own_revision(void)
{
    struct store *s = must_open(fresh("own.db"));
    seed = 4;
    make_history(s);
    char after[KEYS];
    memcpy(after, states[REVISIONS], KEYS);
    after[0] = 'Z';
    struct seen seen = {states[REVISIONS], after, 0, -1};
    struct err e = ERR_INIT;
    CHECK(store_write(s, NULL, see_in_job, &seen, NULL, &e) == ERR_OK, "%s", e.msg);
    CHECK(seen.found == 1);
    store_close(s);
}

struct tally history_tests(void)
{
    RUN(any_two_revisions_can_be_compared);
    RUN(revisions_are_listed_in_pages);
    RUN(trimming_keeps_what_it_says);
    RUN(a_job_sees_its_own_revision);
    check_done();
    return (struct tally){check_passed, check_failed};
}
