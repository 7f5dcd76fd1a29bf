/* Backups are of one moment and whole; what is no backup is refused; nothing is lost by restoring.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/check.h"
#include "support.h"

static void fill(struct store *s, int from, int to)
{
    for (int i = from; i < to; i++) {
        char id[20], body[40];
        snprintf(id, sizeof id, "g%d", i);
        snprintf(body, sizeof body, "{\"id\":\"g%d\"}", i);
        CHECK(put_group(s, id, body, NULL, NULL) == ERR_OK);
    }
}

static void must_back_up(const char *path, const char *file)
{
    struct err e = ERR_INIT;
    CHECK(store_backup(path, file, NULL, NULL, &e) == ERR_OK, "%s: %s", e.file, e.msg);
}

static uint64_t must_restore(const char *path, const char *file, char *kept, size_t size)
{
    struct err e = ERR_INIT;
    struct store_restored r = {0, ""};
    CHECK(store_restore(path, file, &r, NULL, NULL, &e) == ERR_OK, "%s: %s", e.file, e.msg);
    snprintf(kept, size, "%s", r.kept);
    return r.revision;
}

static void refuses(const char *path, const char *file, err_code code, const char *words)
{
    struct err e = ERR_INIT;
    struct store_restored r = {0, "untouched"};
    err_code c = store_restore(path, file, &r, NULL, NULL, &e);
    CHECK(c == code && strstr(e.msg, words), "%d %s: %s", c, e.file, e.msg);
    CHECK(strcmp(r.kept, "untouched") == 0);
}

static bool count_progress(void *arg, uint64_t done, uint64_t all)
{
    uint64_t *last = arg;
    CHECK(done <= all && done >= *last);
    *last = done;
    return true;
}

/* A number of calls are answered with "go on". */
static bool stop_after(void *arg, uint64_t done, uint64_t all)
{
    unsigned *left = arg;
    (void)done, (void)all;
    return (*left)-- > 0;
}

static void stopping_leaves_nothing(void)
{
    const char *path = fresh("bk-stop.db"), *file = fresh("bk-stop.backup");
    const char *to = fresh("bk-stopped.db");
    char part[400];
    struct store *s = must_open(path);
    fill(s, 0, 20);
    store_close(s);
    struct err e = ERR_INIT;
    unsigned left = 0;
    CHECK(store_backup(path, file, stop_after, &left, &e) == ERR_BUSY, "%d", e.code);
    CHECK(strstr(e.msg, "stopped before it was done"), "%s", e.msg);
    snprintf(part, sizeof part, "%s.part-%ld", file, (long)getpid());
    CHECK(!file_exists(file) && !file_exists(part));
    must_back_up(path, file);
    struct store_restored r;
    left = 0;
    CHECK(store_restore(to, file, &r, stop_after, &left, &e) == ERR_BUSY);
    snprintf(part, sizeof part, "%s.restore-%ld", to, (long)getpid());
    CHECK(!file_exists(to) && !file_exists(part));
}

static void there_and_back(void)
{
    const char *path = fresh("bk-site.db"), *file = fresh("bk-site.backup");
    char kept[400];
    struct store *s = must_open(path);
    fill(s, 0, 20);
    uint64_t pages = 0;
    struct err e = ERR_INIT;
    CHECK(store_backup(path, file, count_progress, &pages, &e) == ERR_OK, "%s", e.msg);
    CHECK(pages > 0);
    struct stat st;
    CHECK(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(!file_exists(scratch("bk-site.backup-wal")) &&
          !file_exists(scratch("bk-site.backup-journal")));
    CHECK(strcmp(raw_integrity(file), "ok") == 0);
    fill(s, 20, 30);
    CHECK(store_backup(path, file, NULL, NULL, &e) == ERR_CONFLICT && strstr(e.msg, "already"),
          "%s", e.msg);
    refuses(path, file, ERR_BUSY, "another process has the database open");
    CHECK(has_group(s, "g29"), "the database goes on");
    store_close(s);
    CHECK(must_restore(path, file, kept, sizeof kept) == 20);
    CHECK(strstr(kept, ".before-20") && file_exists(kept), "%s", kept);
    s = must_open(path);
    CHECK(has_group(s, "g19") && !has_group(s, "g20"));
    fill(s, 40, 41);
    store_close(s);
    s = must_open(kept);
    CHECK(has_group(s, "g29"), "what was there before is kept");
    store_close(s);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
}

static void onto_nothing(void)
{
    const char *path = fresh("bk-first.db"), *file = fresh("bk-first.backup"),
               *to = fresh("bk-empty.db");
    char kept[400];
    struct store *s = must_open(path);
    fill(s, 0, 3);
    store_close(s);
    must_back_up(path, file);
    CHECK(must_restore(to, file, kept, sizeof kept) == 3);
    CHECK(kept[0] == '\0', "%s", kept);
    s = must_open(to);
    CHECK(has_group(s, "g2"));
    store_close(s);
}

/* With a log that belongs to it: that must not be read into the new database. */
static void a_damaged_database_is_replaced(void)
{
    const char *path = fresh("bk-damaged.db"), *file = fresh("bk-damaged.backup");
    char kept[400];
    struct store *s = must_open(path);
    fill(s, 0, 5);
    store_close(s);
    must_back_up(path, file);
    write_file(path, "not a database at all, but long enough to be looked at", 54);
    write_file(scratch("bk-damaged.db-wal"), "some log", 8);
    CHECK(must_restore(path, file, kept, sizeof kept) == 5);
    CHECK(file_exists(kept) && !file_exists(scratch("bk-damaged.db-wal")));
    s = must_open(path);
    CHECK(has_group(s, "g4"));
    store_close(s);
}

static void what_is_no_backup_is_refused(void)
{
    char path[256]; /* scratch's buffers take turns, and here are many */
    snprintf(path, sizeof path, "%s", fresh("bk-kept.db"));
    struct store *s = must_open(path);
    fill(s, 0, 5);
    store_close(s);
    static char bytes[9000] = "this is a text and not a database";
    write_file(fresh("bk-text"), bytes, sizeof bytes);
    write_file(fresh("bk-nothing"), "", 0);
    raw_run(fresh("bk-other.db"), "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    raw_run(fresh("bk-newer.backup"),
            "PRAGMA application_id = 1448301633; PRAGMA user_version = 99");
    refuses(path, scratch("bk-text"), ERR_CORRUPT, "no backup of Vesta");
    refuses(path, scratch("bk-nothing"), ERR_CORRUPT, "empty");
    refuses(path, scratch("bk-other.db"), ERR_CORRUPT, "another program");
    refuses(path, scratch("bk-newer.backup"), ERR_UNSUPPORTED, "newer Vesta");
    refuses(path, scratch("bk-not-there"), ERR_NOT_FOUND, "cannot read it");
    refuses(path, scratch(""), ERR_CORRUPT, "not a file");
    refuses(path, path, ERR_INVALID, "the database itself");
    s = must_open(path);
    CHECK(has_group(s, "g4"));
    store_close(s);
}

/* A backup with a page that was overwritten: its first page still says that it is one. */
static void a_damaged_backup_is_refused(void)
{
    const char *path = fresh("bk-whole.db"), *file = fresh("bk-broken.backup");
    struct store *s = must_open(path);
    fill(s, 0, 300);
    store_close(s);
    must_back_up(path, file);
    FILE *f = fopen(file, "r+b");
    CHECK(f && fseek(f, 4096 * 3 + 8, SEEK_SET) == 0);
    for (int i = 0; i < 30000; i++)
        fputc(0xA5, f);
    fclose(f);
    refuses(path, file, ERR_CORRUPT, "no backup of Vesta");
    CHECK(store_backup(file, fresh("bk-broken.backup.2"), NULL, NULL, NULL) != ERR_OK);
    CHECK(!file_exists(scratch("bk-broken.backup.2")));
}

static void where_there_is_no_room(void)
{
    const char *path = fresh("bk-somewhere.db");
    store_close(must_open(path));
    struct err e = ERR_INIT;
    CHECK(store_backup(path, scratch("no/such/folder"), NULL, NULL, &e) == ERR_NOT_FOUND, "%s",
          e.msg);
    CHECK(store_backup(scratch("bk-not-there.db"), scratch("bk-x"), NULL, NULL, &e) ==
              ERR_NOT_FOUND,
          "%s", e.msg);
    CHECK(!file_exists(scratch("bk-x")));
}

/* --- while others write ------------------------------------------------------------------------
 */

struct writing {
    struct store *store;
    _Atomic bool stop;
    int written;
};

/* Both in one revision, so a copy of one moment has them alike. */
static err_code write_twins(struct store_txn *t, void *arg, struct err *e)
{
    char body[30];
    snprintf(body, sizeof body, "{\"n\":%d}", *(int *)arg);
    struct store_resource r = {
        .key = {STORE_PROFILE, 0, STR("left")}, .body = str_c(body), .selector = STR("")};
    err_code c = store_txn_put(t, &r, e);
    r.key.name = STR("right");
    return c ? c : store_txn_put(t, &r, e);
}

static void *keep_writing(void *arg)
{
    struct writing *w = arg;
    while (!atomic_load(&w->stop)) {
        int n = w->written + 1;
        if (store_write(w->store, NULL, write_twins, &n, NULL, NULL) != ERR_OK)
            return "a write failed";
        w->written = n;
    }
    return NULL;
}

static void while_others_write(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s", fresh("bk-busy.db"));
    struct store *s = must_open(path);
    struct writing w = {.store = s};
    fill(s, 0, 200);
    pthread_t thread;
    void *trouble;
    CHECK(pthread_create(&thread, NULL, keep_writing, &w) == 0);
    for (int i = 0; i < 10; i++) {
        char name[30];
        snprintf(name, sizeof name, "bk-busy.backup.%d", i);
        const char *file = fresh(name);
        must_back_up(path, file);
        CHECK(raw_number(file, "SELECT count(DISTINCT body) FROM profiles") <= 1, "of one moment");
        CHECK(raw_number(file, "SELECT count(*) FROM groups") == 200);
        CHECK(raw_number(file, "SELECT max(n) = count(*) FROM revisions") == 1);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, &trouble);
    CHECK(!trouble && w.written > 0);
    store_close(s);
}

struct tally backup_tests(void)
{
    RUN(there_and_back);
    RUN(stopping_leaves_nothing);
    RUN(onto_nothing);
    RUN(a_damaged_database_is_replaced);
    RUN(what_is_no_backup_is_refused);
    RUN(a_damaged_backup_is_refused);
    RUN(where_there_is_no_room);
    RUN(while_others_write);
    check_done();
    return (struct tally){check_passed, check_failed};
}
