/* Following the store: what changed since a revision, here and in another process. */
#include <stdlib.h>
#include <string.h>

#include "../support/check.h"
#include "support.h"

/* Changes as "revision type name=body ", a deletion with "-" for its body. */
struct followed {
    char text[1024];
    int stop_after, n;
};

static err_code follow(void *arg, const struct store_change *c, struct err *e)
{
    struct followed *f = arg;
    size_t n = strlen(f->text);
    snprintf(f->text + n, sizeof f->text - n, "%d %c%d %.*s=%.*s%.*s ", (int)c->revision,
             "?gpt"[c->r.key.type], c -> r.key.kind, STR_FMT(c->r.key.name),
             STR_FMT(c->deleted ? STR("-") : c->r.body), STR_FMT(c->r.selector));
    if (c->r.revision != c->revision)
        return err_set(e, ERR_INVALID, "two different revisions");
    if (++f->n == f->stop_after)
        return err_set(e, ERR_LIMIT, "enough");
    return ERR_OK;
}

static void follows(struct store *s, uint64_t since, const char *want, uint64_t want_revision)
{
    struct followed f = {.text = ""};
    uint64_t now = 0;
    struct err e = ERR_INIT;
    CHECK(store_changes_since(s, since, follow, &f, &now, &e) == ERR_OK, "%s", e.msg);
    CHECK(strcmp(f.text, want) == 0, "got: %s, not: %s", f.text, want);
    CHECK(now == want_revision, "revision %d, not %d", (int)now, (int)want_revision);
}

static err_code several(struct store_txn *t, void *arg, struct err *e)
{
    (void)arg;
    struct store_resource g = {.key = group_key("g"), .body = STR("G1"), .selector = STR("mac=1")};
    struct store_resource p = {.key = {STORE_PROFILE, 0, STR("p")}, .body = STR("P1")};
    struct store_resource c = {.key = {STORE_TEMPLATE, MODEL_CLOUD, STR("c")}, .body = STR("C1")};
    struct store_key gone = group_key("gone");
    err_code rc = store_txn_put(t, &c, e);
    rc = rc ? rc : store_txn_put(t, &g, e);
    g.body = STR("G2");
    rc = rc ? rc : store_txn_put(t, &g, e);
    rc = rc ? rc : store_txn_put(t, &p, e);
    return rc ? rc : store_txn_delete(t, &gone, e);
}

static void changes_come_in_order(void)
{
    struct store *s = must_open(fresh("changes.db"));
    follows(s, 0, "", 0);
    CHECK(put_group(s, "gone", "X", NULL, NULL) == ERR_OK);
    CHECK(store_write(s, NULL, several, NULL, NULL, NULL) == ERR_OK);
    CHECK(put_group(s, "g", "G3", NULL, NULL) == ERR_OK);
    follows(s, 1, "2 t1 c=C1 2 g0 g=G2mac=1 2 p0 p=P1 2 g0 gone=- 3 g0 g=G3 ", 3);
    follows(s, 2, "3 g0 g=G3 ", 3);
    follows(s, 3, "", 3);
    follows(s, 0, "2 t1 c=C1 2 p0 p=P1 3 g0 g=G3 ", 3);
    struct followed f = {.stop_after = 2};
    uint64_t now = 55;
    CHECK(store_changes_since(s, 1, follow, &f, &now, NULL) == ERR_LIMIT && now == 55 && f.n == 2);
    store_close(s);
}

static void a_gap_is_stale(void)
{
    const char *path = fresh("stale.db");
    struct store *s = must_open(path);
    for (int i = 0; i < 5; i++) {
        char body[2] = {(char)('0' + i), 0};
        CHECK(put_group(s, "g", body, NULL, NULL) == ERR_OK);
    }
    struct err e = ERR_INIT;
    uint64_t now = 55;
    struct followed f = {.text = ""};
    CHECK(store_changes_since(s, 6, follow, &f, &now, &e) == ERR_STALE, "the future: %s", e.msg);
    raw_run(path, "DELETE FROM history WHERE revision <= 3;"
                  "UPDATE meta SET value = 3 WHERE key = 'history_from'");
    CHECK(store_changes_since(s, 2, follow, &f, &now, &e) == ERR_STALE, "%s", e.msg);
    CHECK(now == 55 && f.n == 0);
    follows(s, 3, "4 g0 g=3 5 g0 g=4 ", 5);
    follows(s, 0, "5 g0 g=4 ", 5);
    store_close(s);
}

static void two_stores_see_each_other(void)
{
    const char *path = fresh("two.db");
    struct store *a = must_open(path), *b = must_open(path);
    CHECK(!store_changed(a) && !store_changed(b));
    CHECK(put_group(a, "from-a", "A", NULL, NULL) == ERR_OK);
    CHECK(store_changed(b), "b sees a's");
    CHECK(store_changed(a), "a sees its own");
    CHECK(!store_changed(a) && !store_changed(b), "once");
    follows(b, 0, "1 g0 from-a=A ", 1);
    uint64_t n = 0;
    CHECK(put_group(b, "from-b", "B", &n, NULL) == ERR_OK && n == 2);
    CHECK(store_changed(a));
    follows(a, 1, "2 g0 from-b=B ", 2);
    CHECK(put_group(a, "again", "A", &n, NULL) == ERR_OK && n == 3);
    struct store *r = NULL;
    CHECK(store_open(&(struct store_options){.path = path, .read_only = true}, &r, NULL) == ERR_OK);
    CHECK(put_group(a, "more", "M", &n, NULL) == ERR_OK && n == 4);
    CHECK(store_changed(r));
    follows(r, 3, "4 g0 more=M ", 4);
    store_close(r);
    store_close(b);
    CHECK(put_group(a, "last", "L", &n, NULL) == ERR_OK && n == 5, "b's closing took no lock of a");
    store_close(a);
    CHECK(strcmp(raw_integrity(path), "ok") == 0);
}

/* Writes as many groups as arg says. */
int child_write(const char *path, const char *arg)
{
    struct store *s = NULL;
    if (store_open(&(struct store_options){.path = path}, &s, NULL))
        return 1;
    int count = atoi(arg), bad = 0;
    for (int i = 0; i < count; i++) {
        char id[32];
        snprintf(id, sizeof id, "child-%d", i);
        bad |= put_group(s, id, id, NULL, NULL) != ERR_OK;
    }
    store_close(s);
    return bad;
}

static err_code count_changes(void *arg, const struct store_change *c, struct err *e)
{
    int *n = arg;
    if (str_starts(c->r.key.name, STR("child-")))
        ++*n;
    return e && c->deleted ? ERR_INVALID : ERR_OK;
}

static void another_process_writes_too(void)
{
    const char *path = fresh("process.db");
    struct store *s = must_open(path);
    CHECK(put_group(s, "parent", "P", NULL, NULL) == ERR_OK);
    CHECK(store_changed(s));
    pid_t pid = spawn("write", path, "60", NULL);
    uint64_t seen = 1;
    for (int i = 0; i < 60; i++) {
        char id[32];
        snprintf(id, sizeof id, "parent-%d", i);
        CHECK(put_group(s, id, id, NULL, NULL) == ERR_OK, "both write at once");
    }
    CHECK(wait_for(pid) == 0);
    CHECK(store_changed(s));
    int n = 0;
    struct err e = ERR_INIT;
    CHECK(store_changes_since(s, 1, count_changes, &n, &seen, &e) == ERR_OK && n == 60, "%d", n);
    CHECK(seen == 121);
    CHECK(!store_changed(s));
    pid = spawn("write", path, "61", NULL); /* one that is new, the others the same */
    CHECK(wait_for(pid) == 0 && store_changed(s));
    follows(s, 121, "122 g0 child-60=child-60 ", 122);
    store_close(s);
}

/* All find no database, make it, and write the same groups. */
static void several_make_it_at_once(void)
{
    enum { MAKERS = 4 };
    for (int round = 0; round < 5; round++) {
        char name[32];
        snprintf(name, sizeof name, "made-%d.db", round);
        const char *path = fresh(name);
        pid_t pids[MAKERS];
        for (int i = 0; i < MAKERS; i++)
            pids[i] = spawn("write", path, "10", NULL);
        for (int i = 0; i < MAKERS; i++)
            CHECK(wait_for(pids[i]) == 0, "process %d", i);
        CHECK(raw_number(path, "SELECT max(n) FROM revisions") == 10, "the same is no change");
        CHECK(strcmp(raw_integrity(path), "ok") == 0);
    }
}

/* --- the present state by several threads --- */

enum { MANY = 20000 };

struct part {
    size_t groups, others;
    uint64_t sum;
    int fails_at;
};

static err_code put_many(struct store_txn *t, void *arg, struct err *e)
{
    (void)arg;
    struct store_resource p = {.key = {STORE_PROFILE, 0, STR("p")}, .body = STR("P")};
    err_code rc = store_txn_put(t, &p, e);
    for (unsigned i = 0; i < MANY && !rc; i++) {
        char id[16], body[16];
        snprintf(id, sizeof id, "g%u", i);
        snprintf(body, sizeof body, "%u", i);
        struct store_resource g = {.key = group_key(id), .body = str_c(body)};
        rc = store_txn_put(t, &g, e);
    }
    return rc;
}

static err_code take_part(void *arg, const struct store_change *c, struct err *e)
{
    struct part *p = arg;
    uint64_t n;
    if (c->r.key.type != STORE_GROUP) {
        p->others++;
        return ERR_OK;
    }
    if (!str_to_u64(c->r.body, MANY, &n) || c->deleted || c->revision != 1)
        return err_set(e, ERR_INVALID, "not what was put");
    p->sum += n;
    if (++p->groups == (size_t)p->fails_at)
        return err_set(e, ERR_LIMIT, "enough");
    return ERR_OK;
}

static void threads_share_the_present_state(void)
{
    struct store *s = must_open(fresh("present.db"));
    uint64_t revision = 7;
    struct err e = ERR_INIT;
    struct part parts[4] = {0};
    void *args[4] = {&parts[0], &parts[1], &parts[2], &parts[3]};
    CHECK(store_present(s, 4, take_part, args, &revision, &e) == ERR_OK && revision == 0);
    CHECK(store_write(s, NULL, put_many, NULL, NULL, &e) == ERR_OK, "%s", e.msg);
    for (unsigned threads = 1; threads <= 4; threads++) {
        memset(parts, 0, sizeof parts);
        CHECK(store_present(s, threads, take_part, args, &revision, &e) == ERR_OK, "%s", e.msg);
        size_t groups = 0;
        uint64_t sum = 0;
        for (unsigned i = 0; i < 4; i++) {
            groups += parts[i].groups;
            sum += parts[i].sum;
        }
        CHECK(groups == MANY && sum == (uint64_t)MANY * (MANY - 1) / 2 && revision == 1);
        CHECK(parts[0].others == 1 && parts[1].others + parts[2].others + parts[3].others == 0);
    }
    for (unsigned failing = 0; failing < 2; failing++) {
        memset(parts, 0, sizeof parts);
        parts[0].fails_at = failing ? 3 : 0;
        parts[1].fails_at = failing ? 0 : 3;
        revision = 7;
        err_code rc = store_present(s, failing ? 1 : 2, take_part, args, &revision, &e);
        CHECK(rc == ERR_LIMIT ? revision == 7 : !failing && parts[1].groups < 3);
    }
    store_close(s);
}

struct tally changes_tests(void)
{
    RUN(threads_share_the_present_state);
    RUN(changes_come_in_order);
    RUN(a_gap_is_stale);
    RUN(two_stores_see_each_other);
    RUN(another_process_writes_too);
    RUN(several_make_it_at_once);
    check_done();
    return (struct tally){check_passed, check_failed};
}
