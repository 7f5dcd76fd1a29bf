/* Opening, closing, and all that a file can be but a database of ours. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/check.h"
#include "support.h"

static err_code try_open(const char *path, bool read_only, struct err *e)
{
    struct store *s = NULL;
    *e = ERR_INIT;
    err_code rc = store_open(
        &(struct store_options){.path = path, .read_only = read_only, .busy_ms = 100}, &s, e);
    if (rc)
        CHECK(!s, "the out-parameter was touched");
    store_close(s);
    return rc;
}

/* Fails with that code, names the file, and says a part of a sentence. */
#define REFUSES(path, read_only, want, words)                                                      \
    do {                                                                                           \
        struct err refused;                                                                        \
        err_code got = try_open(path, read_only, &refused);                                        \
        CHECK(got == (want), "code %d: %s", got, refused.msg);                                     \
        CHECK(strstr(refused.msg, words), "it says: %s", refused.msg);                             \
        CHECK(strcmp(refused.file, path) == 0, "it names: %s", refused.file);                      \
    } while (0)

static void a_new_database_is_private(void)
{
    const char *path = fresh("new.db");
    mode_t old = umask(0);
    struct store *s = must_open(path);
    umask(old);
    uint64_t revision = 99;
    CHECK(store_revision(s, &revision, NULL) == ERR_OK && revision == 0);
    CHECK(put_group(s, "g", "{}", NULL, NULL) == ERR_OK);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        struct stat st;
        CHECK(stat(name, &st) == 0 && (st.st_mode & 07777) == 0600, "%s: %o", name, st.st_mode);
    }
    store_close(s);
    CHECK(!file_exists(scratch("new.db-wal")), "a clean close leaves no log");
    CHECK(raw_number(path, "PRAGMA application_id") == 0x56535441);
    CHECK(raw_number(path, "PRAGMA user_version") == 4);
    CHECK(raw_number(path, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'") ==
          1);
}

static void it_is_there_after_reopening(void)
{
    const char *path = fresh("again.db");
    struct store *s = must_open(path);
    uint64_t revision = 0;
    CHECK(put_group(s, "g", "{\"a\":1}", &revision, NULL) == ERR_OK && revision == 1);
    store_close(s);
    s = must_open(path);
    struct store_key k = group_key("g");
    CHECK(has_body(s, &k, STR("{\"a\":1}")));
    CHECK(store_revision(s, &revision, NULL) == ERR_OK && revision == 1);
    store_close(s);
    store_close(NULL);
}

static void odd_paths_are_only_paths(void)
{
    char was[4096];
    CHECK(getcwd(was, sizeof was) && chdir(scratch("")) == 0);
    static const char *const names[] = {":memory:", "file:odd.db?mode=memory", "plain"};
    for (int i = 0; i < 3; i++) {
        struct store *s = must_open(names[i]);
        CHECK(put_group(s, "g", "{}", NULL, NULL) == ERR_OK);
        store_close(s);
        CHECK(file_exists(names[i]), "%s", names[i]);
    }
    CHECK(chdir(was) == 0);
}

static void other_files_are_refused(void)
{
    const char *path = fresh("text.db");
    char text[5000];
    memset(text, 'x', sizeof text);
    write_file(path, text, sizeof text);
    REFUSES(path, false, ERR_CORRUPT, "not a database");
    REFUSES(path, true, ERR_CORRUPT, "not a database");
    path = fresh("short.db");
    write_file(path, "SQL", 3);
    REFUSES(path, false, ERR_CORRUPT, "not a database");
    path = fresh("other.db");
    raw_run(path, "CREATE TABLE t (x); PRAGMA application_id = 7");
    REFUSES(path, false, ERR_CORRUPT, "another program");
    path = fresh("unmarked.db");
    raw_run(path, "CREATE TABLE t (x)");
    REFUSES(path, false, ERR_CORRUPT, "another program");
    CHECK(raw_number(path, "SELECT count(*) FROM sqlite_schema") == 1, "it was changed");
    path = fresh("folder.db");
    CHECK(mkdir(path, 0700) == 0);
    REFUSES(path, false, ERR_CORRUPT, "not a file");
    REFUSES(fresh("none/x.db"), false, ERR_NOT_FOUND, "folder");
    REFUSES(fresh("none.db"), true, ERR_NOT_FOUND, "no database");
    CHECK(!file_exists(scratch("none.db")), "reading only makes no file");
    path = fresh("empty.db");
    write_file(path, "", 0);
    REFUSES(path, true, ERR_CORRUPT, "empty");
    struct store *s = must_open(path); /* an empty file becomes a database */
    CHECK(put_group(s, "g", "{}", NULL, NULL) == ERR_OK);
    store_close(s);
}

static void damaged_files_are_refused(void)
{
    const char *path = fresh("damaged.db");
    struct store *s = must_open(path);
    char body[3000];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "g%d", i);
        CHECK(put_group(s, id, body, NULL, NULL) == ERR_OK);
    }
    store_close(s);
    CHECK(truncate(path, 20000) == 0);
    REFUSES(path, false, ERR_CORRUPT, "restore a backup");
    REFUSES(path, true, ERR_CORRUPT, "restore a backup");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(pwrite(fd, "XXXXXXXX", 8, 0) == 8);
    close(fd);
    REFUSES(path, false, ERR_CORRUPT, "not a database");
}

static void a_page_that_is_damaged_is_an_error(void)
{
    const char *path = fresh("page.db");
    struct store *s = must_open(path);
    CHECK(put_group(s, "g", "{}", NULL, NULL) == ERR_OK);
    store_close(s);
    long long page = raw_number(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'groups'");
    char junk[4096];
    memset(junk, 0xEE, sizeof junk);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(pwrite(fd, junk, sizeof junk, (page - 1) * 4096) == (ssize_t)sizeof junk);
    close(fd);
    s = must_open(path);
    ARENA_LOCAL(a, 1 << 20);
    struct store_key k = group_key("g");
    struct store_resource r;
    struct err e = ERR_INIT;
    CHECK(store_get(s, &k, &a, &r, &e) == ERR_CORRUPT, "%s", e.msg);
    CHECK(strcmp(e.file, path) == 0);
    CHECK(put_group(s, "g", "{\"b\":1}", NULL, &e) == ERR_CORRUPT, "%s", e.msg);
    store_close(s);
}

static void the_last_revision_is_an_error(void)
{
    const char *path = fresh("last.db");
    store_close(must_open(path));
    raw_run(path, "INSERT INTO revisions VALUES (9223372036854775807, 0, '', '')");
    struct store *s = must_open(path);
    struct err e = ERR_INIT;
    CHECK(put_group(s, "g", "{}", NULL, &e) == ERR_CORRUPT, "%s", e.msg);
    CHECK(!has_group(s, "g"));
    store_close(s);
}

static void a_newer_schema_is_refused(void)
{
    const char *path = fresh("newer.db");
    struct store *s = must_open(path);
    CHECK(put_group(s, "before", "{}", NULL, NULL) == ERR_OK);
    raw_run(path, "PRAGMA user_version = 99");
    struct err e = ERR_INIT;
    CHECK(put_group(s, "g", "{}", NULL, &e) == ERR_UNSUPPORTED, "upgraded under our feet");
    CHECK(strstr(e.msg, "newer Vesta"), "%s", e.msg);
    CHECK(!has_group(s, "g") && has_group(s, "before"));
    store_close(s);
    REFUSES(path, false, ERR_UNSUPPORTED, "newer Vesta");
    REFUSES(path, true, ERR_UNSUPPORTED, "newer Vesta");
    CHECK(raw_number(path, "PRAGMA user_version") == 99);
}

static void read_only_reads_and_writes_nothing(void)
{
    const char *path = fresh("read-only.db");
    struct store *s = must_open(path);
    CHECK(put_group(s, "g", "{}", NULL, NULL) == ERR_OK);
    for (int while_open = 1; while_open >= 0; while_open--) {
        struct store *r = NULL;
        struct err e = ERR_INIT;
        CHECK(store_open(&(struct store_options){.path = path, .read_only = true}, &r, &e) ==
                  ERR_OK,
              "%s", e.msg);
        CHECK(has_group(r, "g"));
        CHECK(put_group(r, "h", "{}", NULL, &e) == ERR_DENIED, "%s", e.msg);
        CHECK(store_token_put(r, &(struct store_token){.id = STR("t")}, &e) == ERR_DENIED);
        struct store_stats stats;
        store_stats(r, &stats);
        CHECK(stats.commits == 0);
        store_close(r);
        if (while_open)
            store_close(s);
    }
}

/* Permissions do not hold root back, so this opens as another user and exits with the code. */
int child_nobody(const char *path, const char *arg)
{
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        return 98;
    struct store *s = NULL;
    struct err e = ERR_INIT;
    err_code rc =
        store_open(&(struct store_options){.path = path, .read_only = *arg == 'r'}, &s, &e);
    store_close(s);
    return rc && !e.file[0] ? 97 : (int)rc;
}

static void permissions_are_denied(void)
{
    const char *folder = fresh("locked");
    CHECK(mkdir(folder, 0755) == 0 && chmod(scratch(""), 0755) == 0);
    const char *path = scratch("locked/x.db");
    if (geteuid() != 0)
        CHECK(chmod(folder, 0555) == 0);
    CHECK(wait_for(spawn("nobody", path, "w", NULL)) == ERR_DENIED, "a folder of another");
    CHECK(chmod(folder, 0755) == 0);
    store_close(must_open(path));
    CHECK(chmod(path, 0000) == 0);
    CHECK(wait_for(spawn("nobody", path, "w", NULL)) == ERR_DENIED, "a file of another");
    CHECK(wait_for(spawn("nobody", path, "r", NULL)) == ERR_DENIED, "to read it");
    CHECK(chmod(path, 0444) == 0);
    CHECK(wait_for(spawn("nobody", path, "w", NULL)) == ERR_DENIED, "a read-only file");
    CHECK(chmod(path, 0666) == 0 && chmod(folder, 0555) == 0);
    CHECK(wait_for(spawn("nobody", path, "w", NULL)) == ERR_DENIED, "a read-only folder");
    CHECK(chmod(folder, 0777) == 0);
    CHECK(wait_for(spawn("nobody", path, "w", NULL)) == ERR_OK, "all is permitted");
    CHECK(wait_for(spawn("nobody", path, "r", NULL)) == ERR_OK, "all is permitted");
}

/* Holds the database in a way that arg names, says so, and waits to be ended. */
int child_lock(const char *path, const char *arg)
{
    sqlite3 *db;
    const char *sql = strcmp(arg, "all") == 0
                          ? "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (y)"
                          : "BEGIN IMMEDIATE";
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return 1;
    if (write(STDOUT_FILENO, "!", 1) != 1)
        return 2;
    for (;;)
        pause();
}

static pid_t lock_by_another(const char *path, const char *how)
{
    int out;
    char c = 0;
    pid_t pid = spawn("lock", path, how, &out);
    CHECK(read(out, &c, 1) == 1 && c == '!', "the other process did not get its lock");
    close(out);
    return pid;
}

static void another_process_holds_it(void)
{
    const char *path = fresh("held.db");
    struct store *s = must_open(path);
    store_close(s);
    pid_t pid = lock_by_another(path, "all");
    REFUSES(path, false, ERR_BUSY, "another process");
    REFUSES(path, true, ERR_BUSY, "another process");
    kill(pid, SIGKILL);
    CHECK(wait_for(pid) == 128 + SIGKILL);
    CHECK(store_open(&(struct store_options){.path = path, .busy_ms = 100}, &s, NULL) == ERR_OK);
    CHECK(put_group(s, "g", "{}", NULL, NULL) == ERR_OK);
    pid = lock_by_another(path, "writes");
    struct err e = ERR_INIT;
    CHECK(put_group(s, "h", "{}", NULL, &e) == ERR_BUSY, "%s", e.msg);
    CHECK(has_group(s, "g"), "reading goes on");
    kill(pid, SIGKILL);
    CHECK(wait_for(pid) == 128 + SIGKILL);
    CHECK(put_group(s, "h", "{}", NULL, &e) == ERR_OK, "%s", e.msg);
    store_close(s);
}

struct tally open_tests(void)
{
    RUN(a_new_database_is_private);
    RUN(it_is_there_after_reopening);
    RUN(odd_paths_are_only_paths);
    RUN(other_files_are_refused);
    RUN(damaged_files_are_refused);
    RUN(a_page_that_is_damaged_is_an_error);
    RUN(the_last_revision_is_an_error);
    RUN(a_newer_schema_is_refused);
    RUN(read_only_reads_and_writes_nothing);
    RUN(permissions_are_denied);
    RUN(another_process_holds_it);
    check_done();
    return (struct tally){check_passed, check_failed};
}
