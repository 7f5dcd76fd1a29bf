/* Full disks and sudden death: nothing that was acknowledged is lost, nothing else is there. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/check.h"
#include "support.h"

/* --- kill -9 --------------------------------------------------------------------------------- */

#define WRITERS 4

/* One acknowledged write, as the child tells it over the pipe: one atomic write(2). */
struct ack {
    uint64_t round, thread, i, revision;
};

struct endless {
    struct store *s;
    uint64_t round, thread;
};

static void ack_id(char dst[64], const struct ack *a)
{
    snprintf(dst, 64, "r%d-t%d-%d", (int)a->round, (int)a->thread, (int)a->i);
}

static void *write_endlessly(void *arg)
{
    const struct endless *x = arg;
    struct ack a = {.round = x->round, .thread = x->thread};
    for (;; a.i++) {
        char id[64];
        ack_id(id, &a);
        if (put_group(x->s, id, id, &a.revision, NULL))
            _exit(3);
        if (write(STDOUT_FILENO, &a, sizeof a) != (ssize_t)sizeof a)
            _exit(4);
    }
}

int child_write_for_ever(const char *path, const char *arg)
{
    struct store *s = NULL;
    if (store_open(&(struct store_options){.path = path}, &s, NULL))
        return 1;
    struct endless x[WRITERS];
    for (uint64_t i = 0; i < WRITERS; i++) {
        pthread_t t;
        x[i] = (struct endless){s, (uint64_t)atoi(arg), i};
        if (pthread_create(&t, NULL, write_endlessly, &x[i]))
            return 2;
    }
    for (;;)
        pause();
}

/* Kills the child after `enough` acknowledged writes, and reads what it had still said. */
static size_t collect_acks(pid_t pid, int out, size_t enough, struct ack *acks, size_t max)
{
    size_t n = 0;
    while (n < max && read(out, &acks[n], sizeof *acks) == (ssize_t)sizeof *acks)
        if (++n == enough)
            kill(pid, SIGKILL);
    return n;
}

static void check_after_crash(const char *path, const struct ack *acks, size_t n)
{
    struct store *s = must_open(path);
    for (size_t i = 0; i < n; i++) {
        ARENA_LOCAL(a, 4096);
        char id[64];
        ack_id(id, &acks[i]);
        struct store_key k = group_key(id);
        struct store_resource r;
        struct err e = ERR_INIT;
        CHECK(store_get(s, &k, &a, &r, &e) == ERR_OK, "acknowledged and lost: %s", id);
        CHECK(e.code || r.revision == acks[i].revision, "%s has another revision", id);
    }
    uint64_t revision = 0;
    CHECK(store_revision(s, &revision, NULL) == ERR_OK && revision >= n);
    store_close(s);
    CHECK(strcmp(raw_integrity(path), "ok") == 0, "%s", raw_integrity(path));
    CHECK(raw_number(path, "SELECT count(*) = max(n) AND min(n) = 1 FROM revisions") == 1);
    CHECK(raw_number(path,
                     "SELECT (SELECT count(*) FROM groups) = (SELECT max(n) FROM revisions)"
                     " AND (SELECT count(*) FROM history) = (SELECT max(n) FROM revisions)") == 1,
          "half a job was kept");
}

static void killed_in_the_middle(void)
{
    const char *path = fresh("killed.db");
    static struct ack acks[200000];
    size_t n = 0;
    srand(4711);
    for (int round = 0; round < 10; round++) {
        char arg[16];
        snprintf(arg, sizeof arg, "%d", round);
        int out;
        pid_t pid = spawn("write-for-ever", path, arg, &out);
        size_t max = sizeof acks / sizeof *acks - n;
        size_t enough = 1 + (size_t)rand() % 300;
        size_t got = collect_acks(pid, out, enough, acks + n, max);
        close(out);
        CHECK(wait_for(pid) == 128 + SIGKILL, "it ended by itself");
        CHECK(got >= enough && got < max, "%zu of %zu", got, enough);
        n += got;
        check_after_crash(path, acks, n);
    }
}

/* --- a full disk ----------------------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit l;
    CHECK(getrlimit(RLIMIT_FSIZE, &l) == 0);
    l.rlim_cur = bytes;
    CHECK(setrlimit(RLIMIT_FSIZE, &l) == 0);
}

static rlim_t size_of(const char *path, const char *suffix)
{
    char name[300];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (rlim_t)st.st_size : 0;
}

struct filling {
    struct store *s;
    int thread;
    bool big;
    err_code codes[8];
};

static struct str big_body(void)
{
    static const char body[2 << 20];
    return str_of(body, sizeof body);
}

/* What a full disk may not do: put half of a job there, or keep a job that looked away. */
static err_code careless_job(struct store_txn *t, void *arg, struct err *e)
{
    struct store_resource r = {.key = {STORE_TEMPLATE, MODEL_CLOUD, STR("careless")},
                               .body = *(struct str *)arg};
    struct store_key k = group_key("before");
    for (int i = 0; i < 20; i++) { /* more than the writer's cache holds */
        char name[32];
        snprintf(name, sizeof name, "careless%d", i);
        r.key.name = str_c(name);
        (void)store_txn_put(t, &r, e);
    }
    ARENA_LOCAL(a, 1 << 20);
    struct str owner;
    uint32_t n = 99;
    CHECK(store_txn_put(t, &r, e) == ERR_IO && store_txn_delete(t, &k, e) == ERR_IO);
    CHECK(store_txn_get(t, &k, &a, &r, e) == ERR_IO && !store_txn_exists(t, &k));
    CHECK(store_txn_selector_owner(t, STR(""), STR(""), &a, &owner, e) == ERR_IO);
    CHECK(store_txn_users(t, &k, &a, &k, 1, &n, e) == ERR_IO && n == 99);
    return ERR_OK;
}

/* Its large jobs fail in the middle, and not only at COMMIT, while others share the batch. */
static void *careless_main(void *arg)
{
    struct str body = big_body();
    for (int i = 0; i < 3; i++)
        if (store_write(arg, NULL, careless_job, &body, NULL, NULL) != ERR_IO)
            return "a job that did not fit was kept";
    return NULL;
}

static void fill_id(char dst[32], int thread, int i)
{
    snprintf(dst, 32, "fill-%d-%d", thread, i);
}

static void *fill_main(void *arg)
{
    struct filling *f = arg;
    for (int i = 0; i < 8; i++) {
        char id[32];
        fill_id(id, f->thread, i);
        struct store_resource r = {.key = {STORE_TEMPLATE, MODEL_CLOUD, str_c(id)},
                                   .body = f->big ? big_body() : STR("small")};
        f->codes[i] = put_resource(f->s, &r, NULL, NULL);
    }
    return NULL;
}

#define FILLERS 6

static void check_filling(const struct filling *f, struct store *s)
{
    for (int i = 0; i < 8; i++) {
        char id[32];
        fill_id(id, f->thread, i);
        struct store_key k = {STORE_TEMPLATE, MODEL_CLOUD, str_c(id)};
        bool there = has_body(s, &k, f->big ? big_body() : STR("small"));
        CHECK(f->codes[i] == ERR_OK || f->codes[i] == ERR_IO, "%s: %d", id, f->codes[i]);
        CHECK(there == (f->codes[i] == ERR_OK), "%s: %d", id, f->codes[i]);
        CHECK(!f->big || f->codes[i] == ERR_IO, "%s did not fit", id);
    }
}

/* Large and small writes share commits that fail; each gets its own right answer. */
static void fill_by_threads(struct store *s)
{
    static struct filling f[FILLERS];
    pthread_t threads[FILLERS], careless;
    CHECK(pthread_create(&careless, NULL, careless_main, s) == 0);
    for (int i = 0; i < FILLERS; i++) {
        f[i] = (struct filling){.s = s, .thread = i, .big = i % 2 == 0};
        CHECK(pthread_create(&threads[i], NULL, fill_main, &f[i]) == 0);
    }
    for (int i = 0; i < FILLERS; i++)
        pthread_join(threads[i], NULL);
    void *why = NULL;
    pthread_join(careless, &why);
    CHECK(!why, "%s", (char *)why);
    for (int i = 0; i < FILLERS; i++)
        check_filling(&f[i], s);
}

static void disk_fills_up(const char *path)
{
    struct store *s = must_open(path);
    CHECK(put_group(s, "before", "{}", NULL, NULL) == ERR_OK);
    limit_files(size_of(path, "-wal") + 200000);
    struct err e = ERR_INIT;
    struct store_resource big = {.key = {STORE_TEMPLATE, MODEL_CLOUD, STR("big")},
                                 .body = big_body()};
    uint64_t n = 77;
    CHECK(put_resource(s, &big, &n, &e) == ERR_IO && n == 77, "%d %s", e.code, e.msg);
    CHECK(strstr(e.msg, "disk is full") && strcmp(e.file, path) == 0, "%s: %s", e.file, e.msg);
    CHECK(store_write(s, NULL, careless_job, &big.body, &n, &e) == ERR_IO && n == 77, "%s", e.msg);
    CHECK(has_group(s, "before"), "reading goes on");
    CHECK(store_revision(s, &n, NULL) == ERR_OK && n == 1);
    fill_by_threads(s);
    CHECK(store_revision(s, &n, NULL) == ERR_OK);
    struct store_stats stats;
    store_stats(s, &stats);
    CHECK(stats.revisions == n && stats.failures >= 5 + 8 * FILLERS / 2);

    limit_files(RLIM_INFINITY);
    uint64_t after = 0;
    CHECK(put_resource(s, &big, &after, &e) == ERR_OK && after == n + 1, "%s", e.msg);
    CHECK(has_body(s, &big.key, big.body) && has_group(s, "before"));
    store_close(s);
    CHECK(strcmp(raw_integrity(path), "ok") == 0);
    CHECK(raw_number(path, "SELECT count(*) = max(n) AND min(n) = 1 FROM revisions") == 1);
    CHECK(raw_number(path, "SELECT count(*) FROM history WHERE name LIKE 'careless%'") == 0);
}

/* The limit is of a whole process, so this runs in one of its own; it exits with the outcome. */
int child_full_disk(const char *path, const char *arg)
{
    (void)arg;
    signal(SIGXFSZ, SIG_IGN);
    disk_fills_up(path);
    return check_bad;
}

static void a_full_disk_loses_nothing(void)
{
    CHECK(wait_for(spawn("full", fresh("full.db"), "", NULL)) == 0, "see above");
}

struct tally crash_tests(void)
{
    RUN(killed_in_the_middle);
    RUN(a_full_disk_loses_nothing);
    check_done();
    return (struct tally){check_passed, check_failed};
}
