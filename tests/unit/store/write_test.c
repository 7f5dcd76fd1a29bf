/* Jobs, transactions and group commit. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/check.h"
#include "support.h"

static void revisions_count_changes(void)
{
    struct store *s = must_open(fresh("revisions.db"));
    uint64_t n = 0;
    CHECK(put_group(s, "a", "{}", &n, NULL) == ERR_OK && n == 1);
    CHECK(put_group(s, "a", "{}", &n, NULL) == ERR_OK && n == 1, "the same again: %d", (int)n);
    CHECK(put_group(s, "a", "{\"x\":1}", &n, NULL) == ERR_OK && n == 2);
    struct store_resource r = {
        .key = group_key("a"), .body = STR("{\"x\":1}"), .selector = STR("mac=1")};
    CHECK(put_resource(s, &r, &n, NULL) == ERR_OK && n == 3, "another selector");
    const struct store_ref ref = {STORE_PROFILE, 5, STR("p")};
    r.refs = &ref;
    r.refs_n = 1;
    CHECK(put_resource(s, &r, &n, NULL) == ERR_OK && n == 4, "another reference");
    const struct store_ref twice[] = {ref, ref};
    r.refs = twice;
    r.refs_n = 2;
    CHECK(put_resource(s, &r, &n, NULL) == ERR_OK && n == 4, "the same one twice");
    const struct store_ref other = {STORE_PROFILE, 0, STR("other")};
    r.refs = &other;
    r.refs_n = 1;
    CHECK(put_resource(s, &r, &n, NULL) == ERR_OK && n == 5, "one for another");
    r.refs_n = 0;
    CHECK(put_resource(s, &r, &n, NULL) == ERR_OK && n == 6, "none");
    r.refs_n = 1;
    CHECK(put_resource(s, &r, &n, NULL) == ERR_OK && n == 7);
    struct store_key k = group_key("a");
    CHECK(delete_resource(s, &k, NULL) == ERR_OK);
    struct err e = ERR_INIT;
    CHECK(delete_resource(s, &k, &e) == ERR_NOT_FOUND, "%s", e.msg);
    CHECK(strcmp(e.msg, "there is no group \"a\"") == 0, "%s", e.msg);
    CHECK(store_revision(s, &n, NULL) == ERR_OK && n == 8);
    struct store_stats stats;
    store_stats(s, &stats);
    CHECK(stats.revisions == 8 && stats.commits == 8 && stats.failures == 1);
    store_close(s);
    const char *path = scratch("revisions.db");
    CHECK(raw_number(path, "SELECT count(*) FROM revisions WHERE who = 'tester'"
                           " AND message = 'a test' AND at > 1500000000") == 7);
    CHECK(raw_number(path, "SELECT count(*) FROM history WHERE name = 'a'") == 8);
    CHECK(raw_number(path, "SELECT count(*) FROM uses") == 0, "gone with what used");
}

/* One job that does everything that a transaction can, and looks at what it did. */
static err_code look_around(struct store_txn *t, void *arg, struct err *e)
{
    struct arena *a = arg;
    const struct store_ref refs[] = {{STORE_PROFILE, 0, STR("p")}};
    struct store_resource r = {.key = group_key("b"),
                               .body = STR("{\"b\":1}"),
                               .selector = STR("mac=2"),
                               .refs = refs,
                               .refs_n = 1};
    uint64_t before = store_txn_revision(t);
    CHECK(store_txn_put(t, &r, e) == ERR_OK);
    CHECK(store_txn_revision(t) == before + 1);
    r.key = group_key("a");
    CHECK(store_txn_put(t, &r, e) == ERR_OK);
    r.key = group_key("c");
    r.selector = STR("");
    CHECK(store_txn_put(t, &r, e) == ERR_OK);
    CHECK(store_txn_revision(t) == before + 1, "one job, one revision");

    struct store_resource got;
    struct store_key k = group_key("b");
    CHECK(store_txn_get(t, &k, a, &got, e) == ERR_OK && str_is(got.body, "{\"b\":1}"));
    CHECK(str_is(got.selector, "mac=2") && got.revision == before + 1);
    CHECK(store_txn_exists(t, &k));
    k = group_key("nobody");
    CHECK(!store_txn_exists(t, &k));
    CHECK(store_txn_get(t, &k, a, &got, e) == ERR_NOT_FOUND);

    struct str owner = {NULL, 0};
    CHECK(store_txn_selector_owner(t, STR("mac=2"), STR("b"), a, &owner, e) == ERR_OK);
    CHECK(str_is(owner, "a"));
    CHECK(store_txn_selector_owner(t, STR("mac=2"), STR("a"), a, &owner, e) == ERR_OK);
    CHECK(str_is(owner, "b"));
    CHECK(store_txn_selector_owner(t, STR(""), STR("c"), a, &owner, e) == ERR_NOT_FOUND);

    struct store_key users[8];
    uint32_t n = 0;
    struct store_key p = {STORE_PROFILE, 0, STR("p")};
    CHECK(store_txn_users(t, &p, a, users, 8, &n, e) == ERR_OK && n == 3);
    CHECK(str_is(users[0].name, "a") && str_is(users[2].name, "c"));
    CHECK(users[0].type == STORE_GROUP);
    CHECK(store_txn_users(t, &p, a, users, 2, &n, e) == ERR_OK && n == 2);
    k = group_key("a");
    CHECK(store_txn_delete(t, &k, e) == ERR_OK && !store_txn_exists(t, &k));
    CHECK(store_txn_users(t, &p, a, users, 8, &n, e) == ERR_OK && n == 2);
    CHECK(store_txn_delete(t, &k, e) == ERR_NOT_FOUND);
    return ERR_OK;
}

static void a_job_sees_what_it_did(void)
{
    struct store *s = must_open(fresh("job.db"));
    ARENA_LOCAL(a, 1 << 20);
    uint64_t n = 0;
    CHECK(store_write(s, NULL, look_around, &a, &n, NULL) == ERR_OK && n == 1);
    CHECK(!has_group(s, "a") && has_group(s, "b") && has_group(s, "c"));
    store_close(s);
}

static void templates_use_and_are_used_by_kind(void)
{
    struct store *s = must_open(fresh("kinds.db"));
    const struct store_ref refs[] = {{STORE_TEMPLATE, MODEL_CLOUD, STR("x")},
                                     {STORE_TEMPLATE, MODEL_IPXE, STR("x")}};
    struct store_resource p = {
        .key = {STORE_PROFILE, 0, STR("p")}, .body = STR("{}"), .refs = refs, .refs_n = 2};
    CHECK(put_resource(s, &p, NULL, NULL) == ERR_OK);
    struct store_resource t = {.key = {STORE_TEMPLATE, MODEL_CLOUD, STR("x")}, .body = STR("c")};
    CHECK(put_resource(s, &t, NULL, NULL) == ERR_OK);
    t.key.kind = MODEL_IPXE;
    t.body = STR("i");
    CHECK(put_resource(s, &t, NULL, NULL) == ERR_OK);
    CHECK(has_body(s, &t.key, STR("i")));
    struct store_key cloud = {STORE_TEMPLATE, MODEL_CLOUD, STR("x")};
    CHECK(has_body(s, &cloud, STR("c")));
    CHECK(delete_resource(s, &t.key, NULL) == ERR_OK);
    CHECK(has_body(s, &cloud, STR("c")), "the other kind stays");
    struct err e = ERR_INIT;
    CHECK(delete_resource(s, &t.key, &e) == ERR_NOT_FOUND);
    CHECK(strcmp(e.msg, "there is no ipxe template \"x\"") == 0, "%s", e.msg);
    store_close(s);
}

static err_code put_two_and_fail(struct store_txn *t, void *arg, struct err *e)
{
    (void)arg;
    struct store_resource r = {.key = group_key("one"), .body = STR("{}")};
    CHECK(store_txn_put(t, &r, e) == ERR_OK);
    r.key = group_key("kept");
    CHECK(store_txn_delete(t, &r.key, e) == ERR_OK);
    return err_set(e, ERR_CONFLICT, "on purpose");
}

static void a_failing_job_leaves_nothing(void)
{
    struct store *s = must_open(fresh("failing.db"));
    CHECK(put_group(s, "kept", "{}", NULL, NULL) == ERR_OK);
    uint64_t n = 77;
    struct err e = ERR_INIT;
    CHECK(store_write(s, NULL, put_two_and_fail, NULL, &n, &e) == ERR_CONFLICT);
    CHECK(n == 77 && strcmp(e.msg, "on purpose") == 0, "%s", e.msg);
    CHECK(has_group(s, "kept") && !has_group(s, "one"));
    CHECK(store_revision(s, &n, NULL) == ERR_OK && n == 1);
    CHECK(put_group(s, "next", "{}", &n, NULL) == ERR_OK && n == 2, "no gap");
    store_close(s);
    CHECK(raw_number(scratch("failing.db"), "SELECT count(*) FROM history") == 2);
}

static void bytes_of_any_value(void)
{
    struct store *s = must_open(fresh("bytes.db"));
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    const struct str names[] = {STR(""),         STR("\0"),       STR("a\0b"),   STR("a\0c"),
                                STR("\xff\xfe"), STR("\xc3\x28"), STR("a'b\"c"), str_of(all, 256)};
    for (size_t i = 0; i < 8; i++) {
        for (int type = STORE_GROUP; type <= STORE_TEMPLATE; type++) {
            struct store_resource r = {.key = {(enum store_type)type, MODEL_GENERIC, names[i]},
                                       .body = names[7 - i],
                                       .selector = type == STORE_GROUP ? names[i] : STR("")};
            CHECK(put_resource(s, &r, NULL, NULL) == ERR_OK, "%zu %d", i, type);
        }
    }
    for (size_t i = 0; i < 8; i++) {
        for (int type = STORE_GROUP; type <= STORE_TEMPLATE; type++) {
            struct store_key k = {(enum store_type)type, MODEL_GENERIC, names[i]};
            CHECK(has_body(s, &k, names[7 - i]), "%zu %d", i, type);
        }
    }
    uint64_t n;
    CHECK(store_revision(s, &n, NULL) == ERR_OK && n == 24);
    store_close(s);
}

static void large_templates(void)
{
    struct store *s = must_open(fresh("large.db"));
    size_t n = MODEL_TEMPLATE_MAX;
    char *p = malloc(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + (i >> 8));
    struct store_resource r = {.key = {STORE_TEMPLATE, MODEL_IGNITION, STR("big")},
                               .body = str_of(p, n)};
    CHECK(put_resource(s, &r, NULL, NULL) == ERR_OK);
    CHECK(has_body(s, &r.key, r.body));
    ARENA_LOCAL(small, 1 << 20);
    struct store_resource got = {.revision = 42};
    CHECK(store_get(s, &r.key, &small, &got, NULL) == ERR_NOMEM && got.revision == 42);
    free(p);
    store_close(s);
}

#define THREADS 16
#define EACH    40

struct crowd {
    struct store *s;
    int id;
    uint64_t revisions[EACH];
    err_code codes[EACH];
};

static err_code crowd_job(struct store_txn *t, void *arg, struct err *e)
{
    const char *id = arg;
    struct store_resource r = {.key = group_key(id), .body = str_c(id)};
    err_code rc = store_txn_put(t, &r, e);
    if (!rc && strstr(id, "-bad"))
        return err_set(e, ERR_CONFLICT, "on purpose");
    return rc;
}

static void crowd_id(char dst[32], int thread, int i)
{
    snprintf(dst, 32, "t%d-%d%s", thread, i, i % 5 == 3 ? "-bad" : "");
}

static void *crowd_main(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < EACH; i++) {
        char id[32];
        crowd_id(id, c->id, i);
        c->codes[i] = store_write(c->s, NULL, crowd_job, id, &c->revisions[i], NULL);
    }
    return NULL;
}

static void a_crowd_writes(void)
{
    static struct crowd crowd[THREADS];
    static unsigned char seen[THREADS * EACH + 1];
    pthread_t threads[THREADS];
    struct store *s = must_open(fresh("crowd.db"));
    for (int t = 0; t < THREADS; t++) {
        crowd[t] = (struct crowd){.s = s, .id = t};
        CHECK(pthread_create(&threads[t], NULL, crowd_main, &crowd[t]) == 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    uint64_t good = 0, last = 0;
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < EACH; i++) {
            char id[32];
            crowd_id(id, t, i);
            bool bad = strstr(id, "-bad");
            CHECK(crowd[t].codes[i] == (bad ? ERR_CONFLICT : ERR_OK), "%s", id);
            CHECK(has_group(s, id) == !bad, "%s", id);
            if (bad)
                continue;
            good++;
            CHECK(crowd[t].revisions[i] <= THREADS * EACH && !seen[crowd[t].revisions[i]]++,
                  "revision %d was given twice", (int)crowd[t].revisions[i]);
        }
    }
    CHECK(store_revision(s, &last, NULL) == ERR_OK && last == good, "revisions without gaps");
    struct store_stats stats;
    store_stats(s, &stats);
    CHECK(stats.revisions == good && stats.failures == THREADS * EACH - good);
    CHECK(stats.commits > 0 && stats.commits <= good && stats.write_us > 0);
    store_close(s);
    CHECK(raw_number(scratch("crowd.db"),
                     "SELECT count(*) = max(n) AND min(n) = 1 FROM revisions") == 1);
}

/* --- the log --- */

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* What is committed gets into the file while the store is open, and the log begins anew. */
static void the_log_is_taken_into_the_file(void)
{
    const char *path = fresh("log.db");
    char wal[4200];
    snprintf(wal, sizeof wal, "%s-wal", path);
    struct store *s = must_open(path);
    size_t n = 64u << 10;
    char *body = malloc(n + 1);
    CHECK(body);
    uint64_t written = 0;
    unsigned i = 0;
    /* Until the file holds what the log is allowed to: only the checkpointer puts it there. */
    for (; size_of(path) < (8u << 20) && i < 20000; i++) {
        char id[32];
        snprintf(id, sizeof id, "g%u", i % 100);
        memset(body, 'a' + (int)(i % 26), n);
        body[n] = '\0';
        CHECK(put_group(s, id, body, NULL, NULL) == ERR_OK);
        written += n;
    }
    CHECK(i < 20000, "%u writes", i);
    for (unsigned k = 0; k < 1500; k++) {
        body[0] = (char)('a' + k % 26);
        body[1] = (char)('a' + k / 26 % 26);
        CHECK(put_group(s, "one", body, NULL, NULL) == ERR_OK);
        written += n;
    }
    CHECK(size_of(wal) < written, "the log has %llu bytes after %llu were written",
          (unsigned long long)size_of(wal), (unsigned long long)written);
    free(body);
    store_close(s);
    CHECK(strcmp(raw_integrity(path), "ok") == 0);
}

struct tally write_tests(void)
{
    RUN(the_log_is_taken_into_the_file);
    RUN(revisions_count_changes);
    RUN(a_job_sees_what_it_did);
    RUN(templates_use_and_are_used_by_kind);
    RUN(a_failing_job_leaves_nothing);
    RUN(bytes_of_any_value);
    RUN(large_templates);
    RUN(a_crowd_writes);
    check_done();
    return (struct tally){check_passed, check_failed};
}
