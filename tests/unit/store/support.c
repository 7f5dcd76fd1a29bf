#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/always.h"

extern char **environ;

static char folder[64];

void scratch_make(void)
{
    snprintf(folder, sizeof folder, "/tmp/vesta-store-XXXXXX");
    always(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

void scratch_remove(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *name)
{
    static char turns[8][256];
    static unsigned turn;
    char *p = turns[turn++ % 8];
    snprintf(p, sizeof turns[0], "%s/%s", folder, name);
    return p;
}

const char *fresh(const char *name)
{
    const char *p = scratch(name);
    always(!file_exists(p));
    return p;
}

bool file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    always(f);
    always(fwrite(p, 1, n, f) == n);
    always(fclose(f) == 0);
}

pid_t spawn(const char *role, const char *path, const char *arg, int *ret_out)
{
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    always(n > 0);
    self[n] = '\0';
    char *const argv[] = {self, (char *)role, (char *)path, (char *)arg, NULL};
    int out[2];
    always(pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    always(posix_spawn_file_actions_init(&actions) == 0);
    if (ret_out)
        always(posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO) == 0);
    pid_t pid;
    always(posix_spawn(&pid, self, &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    if (ret_out)
        *ret_out = out[0];
    else
        close(out[0]);
    return pid;
}

int wait_for(pid_t pid)
{
    int status;
    always(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct store *must_open(const char *path)
{
    struct store *s = NULL;
    struct err e = ERR_INIT;
    if (store_open(&(struct store_options){.path = path}, &s, &e)) {
        fprintf(stderr, "%s: %s\n", e.file, e.msg);
        exit(1);
    }
    return s;
}

struct store_key group_key(const char *id)
{
    return (struct store_key){STORE_GROUP, 0, str_c(id)};
}

static err_code put_job(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_put(t, arg, e);
}

err_code put_resource(struct store *s, const struct store_resource *r, uint64_t *ret_revision,
                      struct err *e)
{
    struct store_resource copy = *r;
    struct store_note note = {STR("tester"), STR("a test")};
    return store_write(s, &note, put_job, &copy, ret_revision, e);
}

err_code put_group(struct store *s, const char *id, const char *body, uint64_t *ret_revision,
                   struct err *e)
{
    struct store_resource r = {.key = group_key(id), .body = str_c(body)};
    return put_resource(s, &r, ret_revision, e);
}

static err_code delete_job(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_delete(t, arg, e);
}

err_code delete_resource(struct store *s, const struct store_key *k, struct err *e)
{
    struct store_key copy = *k;
    return store_write(s, NULL, delete_job, &copy, NULL, e);
}

bool has_body(struct store *s, const struct store_key *k, struct str body)
{
    ARENA_LOCAL(a, 8 << 20);
    struct store_resource r;
    return store_get(s, k, &a, &r, NULL) == ERR_OK && str_eq(r.body, body) &&
           str_eq(r.key.name, k->name);
}

bool has_group(struct store *s, const char *id)
{
    ARENA_LOCAL(a, 8 << 20);
    struct store_resource r;
    struct store_key k = group_key(id);
    return store_get(s, &k, &a, &r, NULL) == ERR_OK;
}

static sqlite3 *raw_open(const char *path)
{
    sqlite3 *db;
    always(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

void raw_run(const char *path, const char *sql)
{
    sqlite3 *db = raw_open(path);
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "%s: %s: %s\n", path, sql, why);
        exit(1);
    }
    sqlite3_close(db);
}

long long raw_number(const char *path, const char *sql)
{
    sqlite3 *db = raw_open(path);
    sqlite3_stmt *stmt;
    always(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    always(sqlite3_step(stmt) == SQLITE_ROW);
    long long n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

const char *raw_integrity(const char *path)
{
    static char said[256];
    sqlite3 *db = raw_open(path);
    sqlite3_stmt *stmt;
    always(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK);
    always(sqlite3_step(stmt) == SQLITE_ROW);
    snprintf(said, sizeof said, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return said;
}
