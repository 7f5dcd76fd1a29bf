/* Lists, paging, and reading while others read and write. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../support/check.h"
#include "support.h"

/* What a list gave, as "kind:name kind:name ". */
struct listed {
    char text[512];
    int n;
    int stop_after;
};

static err_code note(void *arg, const struct store_resource *r, struct err *e)
{
    struct listed *l = arg;
    size_t n = strlen(l->text);
    if (r->key.type == STORE_TEMPLATE)
        snprintf(l->text + n, sizeof l->text - n, "%d:%.*s ", r->key.kind, STR_FMT(r->key.name));
    else
        snprintf(l->text + n, sizeof l->text - n, "%.*s ", STR_FMT(r->key.name));
    if (++l->n == l->stop_after)
        return err_set(e, ERR_LIMIT, "enough");
    return ERR_OK;
}

#define LISTS(s, want, ...)                                                                        \
    do {                                                                                           \
        struct listed listed = {.text = ""};                                                       \
        struct store_list list = {__VA_ARGS__};                                                    \
        CHECK(store_for_each(s, &list, note, &listed, NULL) == ERR_OK);                            \
        CHECK(strcmp(listed.text, want) == 0, "got: %s", listed.text);                             \
    } while (0)

static void put_of(struct store *s, enum store_type type, enum model_kind kind, struct str name,
                   const char *profile)
{
    struct store_ref ref = {STORE_PROFILE, 0, str_c(profile)};
    struct store_resource r = {.key = {type, kind, name}, .body = STR("{}")};
    if (profile) {
        r.refs = &ref;
        r.refs_n = 1;
    }
    CHECK(put_resource(s, &r, NULL, NULL) == ERR_OK);
}

static void groups_in_order_and_in_pages(void)
{
    struct store *s = must_open(fresh("lists.db"));
    static const char *const names[] = {"b", "a", "B", "ab", "a.b", "a~", "c", "aa"};
    for (int i = 0; i < 8; i++)
        put_of(s, STORE_GROUP, 0, str_c(names[i]), i % 2 ? "odd" : "even");
    put_of(s, STORE_PROFILE, 0, STR("a-profile"), NULL);
    LISTS(s, "B a a.b aa ab a~ b c ", .type = STORE_GROUP);
    LISTS(s, "a-profile ", .type = STORE_PROFILE);
    LISTS(s, "B a a.b ", .type = STORE_GROUP, .limit = 3);
    LISTS(s, "aa ab a~ ", .type = STORE_GROUP, .limit = 3, .has_after = true, .after = STR("a.b"));
    LISTS(s, "b c ", .type = STORE_GROUP, .limit = 3, .has_after = true, .after = STR("a~"));
    LISTS(s, "", .type = STORE_GROUP, .has_after = true, .after = STR("c"));
    LISTS(s, "a a.b aa ab a~ ", .type = STORE_GROUP, .prefix = STR("a"));
    LISTS(s, "aa ab ", .type = STORE_GROUP, .prefix = STR("a"), .has_after = true,
          .after = STR("a.b"), .limit = 2);
    LISTS(s, "a aa ab a~ ", .type = STORE_GROUP, .profile = STR("odd"));
    LISTS(s, "ab a~ ", .type = STORE_GROUP, .profile = STR("odd"), .has_after = true,
          .after = STR("aa"));
    LISTS(s, "aa ", .type = STORE_GROUP, .profile = STR("odd"), .prefix = STR("aa"));
    LISTS(s, "a ", .type = STORE_GROUP, .profile = STR("odd"), .limit = 1);
    LISTS(s, "", .type = STORE_GROUP, .profile = STR("none"));
    LISTS(s, "", .type = STORE_GROUP, .profile = STR(""));
    store_close(s);
}

static void put_selector(struct store *s, const char *id, const char *selector, const char *profile)
{
    struct store_ref ref = {STORE_PROFILE, 0, str_c(profile)};
    struct store_resource r = {.key = {STORE_GROUP, 0, str_c(id)},
                               .body = STR("{}"),
                               .selector = str_c(selector),
                               .refs = &ref,
                               .refs_n = 1};
    CHECK(put_resource(s, &r, NULL, NULL) == ERR_OK);
}

static void groups_that_have_labels(void)
{
    struct store *s = must_open(fresh("labels.db"));
    put_selector(s, "a", "{}", "p");
    put_selector(s, "b", "{\"k\":\"1\"}", "p");
    put_selector(s, "c", "{\"j\":\"2\",\"k\":\"1\"}", "q");
    put_selector(s, "d", "{\"k\":\"12\"}", "q");
    put_selector(s, "e", "{\"kk\":\"1\",\"x\":\"{\\\"k\\\":\\\"1\\\",\\\"k\\\":\\\"1\\\"\"}", "q");
    put_selector(s, "f", "{\"q\\\"k\":\"1\"}", "q");
    put_selector(s, "g", "{\"k\":\"1\",\"z\":\"\"}", "p");
    static const struct label k1[] = {{STR_INIT("k"), STR_INIT("1")},
                                      {STR_INIT("j"), STR_INIT("2")}};
    static const struct label odd[] = {{STR_INIT("q\"k"), STR_INIT("1")}};
    static const struct label z[] = {{STR_INIT("z"), STR_INIT("")}};
    LISTS(s, "b c g ", .type = STORE_GROUP, .labels = {.v = k1, .n = 1});
    LISTS(s, "c ", .type = STORE_GROUP, .labels = {.v = k1, .n = 2});
    LISTS(s, "f ", .type = STORE_GROUP, .labels = {.v = odd, .n = 1});
    LISTS(s, "g ", .type = STORE_GROUP, .labels = {.v = z, .n = 1});
    LISTS(s, "b g ", .type = STORE_GROUP, .labels = {.v = k1, .n = 1}, .profile = STR("p"));
    LISTS(s, "c g ", .type = STORE_GROUP, .labels = {.v = k1, .n = 1}, .has_after = true,
          .after = STR("b"));
    LISTS(s, "b c ", .type = STORE_GROUP, .labels = {.v = k1, .n = 1}, .limit = 2);
    struct label all[STORE_LIST_LABELS];
    for (int i = 0; i < STORE_LIST_LABELS; i++)
        all[i] = k1[0];
    LISTS(s, "b c g ", .type = STORE_GROUP, .labels = {.v = all, .n = STORE_LIST_LABELS});
    store_close(s);
}

static void prefixes_of_the_last_byte(void)
{
    struct store *s = must_open(fresh("prefix.db"));
    const struct str names[] = {STR("a"), STR("a\xff"), STR("a\xff\xff"), STR("a\xff\x01"),
                                STR("b"), STR("\xff"),  STR("\xff\xff")};
    for (int i = 0; i < 7; i++)
        put_of(s, STORE_GROUP, 0, names[i], NULL);
    LISTS(s, "a\xff a\xff\x01 a\xff\xff ", .type = STORE_GROUP, .prefix = STR("a\xff"));
    LISTS(s, "a\xff\xff ", .type = STORE_GROUP, .prefix = STR("a\xff\xff"));
    LISTS(s, "\xff \xff\xff ", .type = STORE_GROUP, .prefix = STR("\xff"));
    store_close(s);
}

static void templates_by_kind_and_name(void)
{
    struct store *s = must_open(fresh("templates.db"));
    put_of(s, STORE_TEMPLATE, MODEL_IPXE, STR("b"), NULL);
    put_of(s, STORE_TEMPLATE, MODEL_IPXE, STR("a/x"), NULL);
    put_of(s, STORE_TEMPLATE, MODEL_IGNITION, STR("z"), NULL);
    put_of(s, STORE_TEMPLATE, MODEL_GRUB, STR("a"), NULL);
    LISTS(s, "0:z 3:a/x 3:b 4:a ", .type = STORE_TEMPLATE);
    LISTS(s, "3:a/x 3:b ", .type = STORE_TEMPLATE, .one_kind = true, .kind = MODEL_IPXE);
    LISTS(s, "3:b ", .type = STORE_TEMPLATE, .one_kind = true, .kind = MODEL_IPXE,
          .has_after = true, .after = STR("a/x"));
    LISTS(s, "3:b 4:a ", .type = STORE_TEMPLATE, .has_after = true, .after_kind = MODEL_IPXE,
          .after = STR("a/x"));
    LISTS(s, "3:a/x 3:b ", .type = STORE_TEMPLATE, .has_after = true, .after_kind = MODEL_IGNITION,
          .after = STR("z"), .limit = 2);
    LISTS(s, "3:a/x 4:a ", .type = STORE_TEMPLATE, .prefix = STR("a"));
    store_close(s);
}

static void a_callback_can_stop(void)
{
    struct store *s = must_open(fresh("stop.db"));
    for (int i = 0; i < 5; i++)
        put_of(s, STORE_GROUP, 0, str_of(&"abcde"[i], 1), NULL);
    struct listed l = {.stop_after = 2};
    struct err e = ERR_INIT;
    CHECK(store_for_each(s, &(struct store_list){.type = STORE_GROUP}, note, &l, &e) == ERR_LIMIT);
    CHECK(strcmp(l.text, "a b ") == 0 && strcmp(e.msg, "enough") == 0, "%s %s", l.text, e.msg);
    ARENA_LOCAL(a, 4096);
    struct store_key k = group_key("nobody");
    struct store_resource r;
    CHECK(store_get(s, &k, &a, &r, &e) == ERR_NOT_FOUND);
    CHECK(strcmp(e.msg, "there is no group \"nobody\"") == 0, "%s", e.msg);
    store_close(s);
}

struct deep {
    struct store *s;
    int n;
};

/* Reads, lists and writes from inside a list, which goes on with what it began with. */
static err_code read_and_write_inside(void *arg, const struct store_resource *r, struct err *e)
{
    struct deep *d = arg;
    d->n++;
    CHECK(has_body(d->s, &r->key, r->body));
    struct listed l = {.text = ""};
    CHECK(store_for_each(d->s, &(struct store_list){.type = STORE_GROUP}, note, &l, e) == ERR_OK);
    CHECK(l.n == 3 + d->n - 1, "%d", l.n);
    char id[16];
    snprintf(id, sizeof id, "x%d", d->n);
    return put_group(d->s, id, "{}", NULL, e);
}

static void callbacks_may_use_the_store(void)
{
    struct store *s = must_open(fresh("inside.db"));
    for (int i = 0; i < 3; i++)
        put_of(s, STORE_GROUP, 0, str_of(&"abc"[i], 1), NULL);
    struct deep d = {.s = s};
    CHECK(store_for_each(s, &(struct store_list){.type = STORE_GROUP}, read_and_write_inside, &d,
                         NULL) == ERR_OK);
    CHECK(d.n == 3 && has_group(s, "x3"), "one moment is listed: %d", d.n);
    store_close(s);
}

struct pair {
    struct store *s;
    atomic_bool stop;
};

/* Both members of the pair in one job, always equal. */
static err_code write_pair(struct store_txn *t, void *arg, struct err *e)
{
    struct store_resource r = {.key = group_key("left"), .body = str_c(arg)};
    err_code rc = store_txn_put(t, &r, e);
    r.key = group_key("right");
    return rc ? rc : store_txn_put(t, &r, e);
}

static void *pair_main(void *arg)
{
    struct pair *p = arg;
    for (unsigned i = 0; !atomic_load(&p->stop); i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", i);
        if (store_write(p->s, NULL, write_pair, text, NULL, NULL))
            return "a write failed";
    }
    return NULL;
}

struct snapshot {
    struct store *s;
    char bodies[2][16];
    uint64_t revisions[2];
    int n;
};

static err_code snap(void *arg, const struct store_resource *r, struct err *e)
{
    struct snapshot *x = arg;
    if (x->n < 2) {
        snprintf(x->bodies[x->n], sizeof x->bodies[0], "%.*s", STR_FMT(r->body));
        x->revisions[x->n] = r->revision;
    }
    x->n++;
    uint64_t now; /* another read in between; the writer goes on meanwhile */
    return store_revision(x->s, &now, e);
}

static err_code snap_change(void *arg, const struct store_change *c, struct err *e)
{
    return snap(arg, &c->r, e);
}

static void snapshots_are_of_one_moment(void)
{
    struct pair p = {.s = must_open(fresh("snapshot.db"))};
    CHECK(store_write(p.s, NULL, write_pair, "first", NULL, NULL) == ERR_OK);
    pthread_t writer;
    CHECK(pthread_create(&writer, NULL, pair_main, &p) == 0);
    for (int i = 0; i < 100; i++) {
        struct snapshot x = {.s = p.s};
        uint64_t revision = 0;
        if (i % 2)
            CHECK(store_for_each(p.s, &(struct store_list){.type = STORE_GROUP}, snap, &x, NULL) ==
                  ERR_OK);
        else
            CHECK(store_changes_since(p.s, 0, snap_change, &x, &revision, NULL) == ERR_OK);
        CHECK(x.n == 2 && strcmp(x.bodies[0], x.bodies[1]) == 0, "%s %s", x.bodies[0], x.bodies[1]);
        CHECK(x.revisions[0] == x.revisions[1]);
        if (i % 2 == 0)
            CHECK(revision == x.revisions[0], "the snapshot's revision");
    }
    atomic_store(&p.stop, true);
    void *why = NULL;
    pthread_join(writer, &why);
    CHECK(!why, "%s", (char *)why);
    store_close(p.s);
}

#define READERS 12

static void *reader_main(void *arg)
{
    struct store *s = arg;
    for (int i = 0; i < 100; i++) {
        struct store_key k = group_key("g");
        if (!has_body(s, &k, STR("{}")))
            return "not there";
        store_changed(s);
    }
    return NULL;
}

static void many_read_at_once(void)
{
    struct store *s = must_open(fresh("readers.db"));
    put_of(s, STORE_GROUP, 0, STR("g"), NULL);
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        CHECK(pthread_create(&threads[i], NULL, reader_main, s) == 0);
    for (int i = 0; i < READERS; i++) {
        void *why = NULL;
        pthread_join(threads[i], &why);
        CHECK(!why, "%s", (char *)why);
    }
    store_close(s);
}

/* --- transactions that only read --- */

struct looking {
    struct store *store;
    uint64_t revision;
    bool a, b, wrote, users;
    err_code put, removed;
};

static err_code look(struct store_txn *t, void *arg, struct err *e)
{
    struct looking *l = arg;
    ARENA_LOCAL(a, 1u << 16);
    struct store_key first = group_key("a"), second = group_key("b"), users[2];
    struct store_resource r;
    struct str other;
    uint32_t n = 0;
    struct listed listed = {.text = ""};
    struct store_list all = {.type = STORE_GROUP};
    struct store_key profile = {STORE_PROFILE, 0, STR("p")};
    l->revision = store_txn_revision(t);
    /* Whatever is committed now is of another moment. */
    CHECK(put_group(l->store, "b", "{}", NULL, NULL) == ERR_OK);
    CHECK(store_txn_revision(t) == l->revision);
    l->a = store_txn_exists(t, &first) && store_txn_get(t, &first, &a, &r, e) == ERR_OK;
    l->b = store_txn_exists(t, &second) || store_txn_get(t, &second, &a, &r, e) == ERR_OK;
    CHECK(store_txn_for_each(t, &all, note, &listed, e) == ERR_OK);
    CHECK(strcmp(listed.text, "a ") == 0, "got: %s", listed.text);
    CHECK(store_txn_users(t, &profile, &a, users, 2, &n, e) == ERR_OK);
    l->users = n == 1 && str_is(users[0].name, "a");
    CHECK(store_txn_selector_owner(t, STR(""), STR("x"), &a, &other, e) == ERR_OK);
    CHECK(store_txn_selector_next(t, STR(""), STR(""), &a, &other, e) == ERR_OK);
    CHECK(str_is(other, "a"));
    CHECK(store_txn_selector_next(t, STR(""), STR("a"), &a, &other, e) == ERR_NOT_FOUND);
    return ERR_OK;
}

static err_code try_to_put(struct store_txn *t, void *arg, struct err *e)
{
    struct looking *l = arg;
    struct store_resource r = {
        .key = group_key("a"), .body = STR("{\"x\":1}"), .selector = STR("")};
    l->put = store_txn_put(t, &r, e);
    return ERR_OK; /* which does not help */
}

static err_code try_to_delete(struct store_txn *t, void *arg, struct err *e)
{
    struct looking *l = arg;
    struct store_key k = group_key("a");
    l->removed = store_txn_delete(t, &k, e);
    return l->removed;
}

static err_code fail_by_itself(struct store_txn *t, void *arg, struct err *e)
{
    (void)t;
    (void)arg;
    return err_set(e, ERR_CONFLICT, "my own");
}

static void a_transaction_that_only_reads(void)
{
    struct store *s = must_open(fresh("only-reads.db"));
    struct looking l = {.store = s};
    struct err e = ERR_INIT;
    put_of(s, STORE_GROUP, 0, STR("a"), "p");
    CHECK(store_read(s, look, &l, &e) == ERR_OK, "%s", e.msg);
    CHECK(l.a && !l.b && l.users && l.revision == 1);
    CHECK(has_group(s, "b"));
    CHECK(store_read(s, try_to_put, &l, &e) == ERR_DENIED && l.put == ERR_DENIED);
    CHECK(strstr(e.msg, "only reads"), "%s", e.msg);
    CHECK(store_read(s, try_to_delete, &l, &e) == ERR_DENIED && l.removed == ERR_DENIED);
    CHECK(store_read(s, fail_by_itself, NULL, &e) == ERR_CONFLICT);
    CHECK(strcmp(e.msg, "my own") == 0);
    uint64_t n = 0;
    CHECK(store_revision(s, &n, NULL) == ERR_OK && n == 2);
    CHECK(has_group(s, "a"));
    store_close(s);
}

struct tally read_tests(void)
{
    RUN(groups_in_order_and_in_pages);
    RUN(groups_that_have_labels);
    RUN(prefixes_of_the_last_byte);
    RUN(templates_by_kind_and_name);
    RUN(a_callback_can_stop);
    RUN(callbacks_may_use_the_store);
    RUN(snapshots_are_of_one_moment);
    RUN(many_read_at_once);
    check_done();
    RUN(a_transaction_that_only_reads);
    return (struct tally){check_passed, check_failed};
}
