/* Tokens: kept by id, without a revision; and how a database gets what it lacks. */
#include <stdlib.h>

#include "../support/check.h"
#include "base/embedded.h"
#include "support.h"

static err_code keep_token(void *arg, const struct store_token *t, struct err *e)
{
    (void)e;
    char *dst = arg;
    size_t n = strlen(dst);
    snprintf(dst + n, 512 - n, "%.*s/%.*s/%d/%02x%02x/%llu/%llu/%llu ", STR_FMT(t->id),
             STR_FMT(t->name), t->role, t->hash[0], t->hash[31], (unsigned long long)t->created,
             (unsigned long long)t->expires, (unsigned long long)t->used);
    return ERR_OK;
}

static err_code stop_at_once(void *arg, const struct store_token *t, struct err *e)
{
    (void)arg;
    (void)t;
    return err_set(e, ERR_LIMIT, "enough");
}

static bool tokens_are(struct store *s, const char *want)
{
    char got[512] = "";
    CHECK(store_tokens(s, keep_token, got, NULL) == ERR_OK);
    CHECK(strcmp(got, want) == 0, "%s", got);
    return strcmp(got, want) == 0;
}

static struct store_token some_token(void)
{
    struct store_token t = {.id = STR("b"),
                            .name = STR("ci"),
                            .role = STORE_ROLE_WRITE,
                            .created = 1700000000,
                            .expires = 1800000000};
    t.hash[0] = 0xAB;
    t.hash[31] = 0xCD;
    return t;
}

static err_code run_delete(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_token_delete(t, str_c(arg), e);
}

static err_code run_use(struct store_txn *t, void *arg, struct err *e)
{
    const struct store_token *x = arg;
    return store_txn_token_used(t, x->id, x->used, e);
}

static void note_use(struct store *s, const char *id, uint64_t at)
{
    struct store_token x = {.id = str_c(id), .used = at};
    CHECK(store_write(s, NULL, run_use, &x, NULL, NULL) == ERR_OK);
}

static void kept_by_id(void)
{
    struct store *s = must_open(fresh("tokens.db"));
    struct store_token t = some_token();
    CHECK(store_token_put(s, &t, NULL) == ERR_OK);
    t.id = STR("a");
    t.expires = 0;
    CHECK(store_token_put(s, &t, NULL) == ERR_OK);
    t.role = STORE_ROLE_ADMIN;
    CHECK(store_token_put(s, &t, NULL) == ERR_OK, "replaced");
    tokens_are(s, "a/ci/3/abcd/1700000000/0/0 b/ci/2/abcd/1700000000/1800000000/0 ");
    CHECK(store_tokens(s, stop_at_once, NULL, NULL) == ERR_LIMIT);
    CHECK(store_write(s, NULL, run_delete, "b", NULL, NULL) == ERR_OK);
    struct err e = ERR_INIT;
    CHECK(store_write(s, NULL, run_delete, "b", NULL, &e) == ERR_NOT_FOUND, "%s", e.msg);
    t.expires = UINT64_MAX;
    CHECK(store_token_put(s, &t, &e) == ERR_INVALID);
    uint64_t n = 9;
    CHECK(store_revision(s, &n, NULL) == ERR_OK && n == 0, "tokens make no revision");
    store_close(s);
}

static void found_by_hash(void)
{
    struct store *s = must_open(fresh("hashes.db"));
    struct store_token t = some_token(), other = some_token();
    other.id = STR("c");
    other.hash[31] = 0xCE;
    CHECK(store_token_put(s, &t, NULL) == ERR_OK && store_token_put(s, &other, NULL) == ERR_OK);
    char got[512] = "";
    CHECK(store_tokens_of_hash(s, other.hash, keep_token, got, NULL) == ERR_OK);
    CHECK(strcmp(got, "c/ci/2/abce/1700000000/1800000000/0 ") == 0, "%s", got);
    other.hash[0] = 0;
    got[0] = '\0';
    CHECK(store_tokens_of_hash(s, other.hash, keep_token, got, NULL) == ERR_OK && !got[0], "%s",
          got);
    CHECK(store_tokens_of_hash(s, t.hash, stop_at_once, NULL, NULL) == ERR_LIMIT);
    store_close(s);
}

static void the_latest_use_stays(void)
{
    struct store *s = must_open(fresh("used.db"));
    struct store_token t = some_token();
    CHECK(store_token_put(s, &t, NULL) == ERR_OK);
    note_use(s, "b", 50);
    note_use(s, "b", 40);
    note_use(s, "nobody", 60);
    tokens_are(s, "b/ci/2/abcd/1700000000/1800000000/50 ");
    CHECK(store_token_put(s, &t, NULL) == ERR_OK);
    tokens_are(s, "b/ci/2/abcd/1700000000/1800000000/50 ");
    store_close(s);
}

struct inside {
    char before[512], after[512];
    err_code stopped;
};

static err_code look_and_delete(struct store_txn *t, void *arg, struct err *e)
{
    struct inside *x = arg;
    *x = (struct inside){.before = ""};
    err_code c = store_txn_tokens(t, keep_token, x->before, e);
    x->stopped = store_txn_tokens(t, stop_at_once, NULL, e);
    if (!c)
        c = store_txn_token_delete(t, STR("a"), e);
    return c ? c : store_txn_tokens(t, keep_token, x->after, e);
}

static void a_job_sees_what_it_did(void)
{
    struct store *s = must_open(fresh("in-job.db"));
    struct store_token t = some_token();
    CHECK(store_token_put(s, &t, NULL) == ERR_OK);
    t.id = STR("a");
    CHECK(store_token_put(s, &t, NULL) == ERR_OK);
    struct inside x;
    CHECK(store_write(s, NULL, look_and_delete, &x, NULL, NULL) == ERR_OK);
    CHECK(strstr(x.before, "a/ci") && strstr(x.before, "b/ci"), "%s", x.before);
    CHECK(!strstr(x.after, "a/ci") && strstr(x.after, "b/ci"), "%s", x.after);
    CHECK(x.stopped == ERR_LIMIT, "a callback may stop, and the job goes on");
    store_close(s);
}

/* A database as the first schema made it, with a token and a group in it. */
static void an_old_database_is_brought_up_to_date(void)
{
    const char *path = fresh("old.db");
    struct str schema = embedded_get("internal/store/schema/0001-initial.sql");
    BUF_LOCAL(script, 1 << 20);
    buf_add_str(&script, schema);
    buf_add_lit(&script, "INSERT INTO tokens VALUES ('t', 'old', 3, zeroblob(32), 7, 0);"
                         "INSERT INTO revisions VALUES (1, 5, 'w', 'm');"
                         "INSERT INTO groups VALUES ('g', '{}', '{\"id\":\"g\"}', 1);"
                         "INSERT INTO history VALUES (1, 1, 1, 0, 'g', '{}', '{\"id\":\"g\"}');"
                         "PRAGMA application_id = 1448301633; PRAGMA user_version = 1;");
    raw_run(path, buf_c(&script));
    struct store *s = NULL;
    struct err e = ERR_INIT;
    struct store_options read_only = {.path = path, .read_only = true};
    CHECK(store_open(&read_only, &s, &e) == ERR_UNSUPPORTED && strstr(e.msg, "older"), "%s", e.msg);
    s = must_open(path);
    tokens_are(s, "t/old/3/0000/7/0/0 ");
    note_use(s, "t", 9);
    tokens_are(s, "t/old/3/0000/7/0/9 ");
    CHECK(has_group(s, "g"));
    store_close(s);
    CHECK(raw_number(path, "PRAGMA user_version") == 4);
}

struct tally token_tests(void)
{
    RUN(kept_by_id);
    RUN(found_by_hash);
    RUN(the_latest_use_stays);
    RUN(a_job_sees_what_it_did);
    RUN(an_old_database_is_brought_up_to_date);
    check_done();
    return (struct tally){check_passed, check_failed};
}
