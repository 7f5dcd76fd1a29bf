/*
 * Backup and restore, with SQLite's backup API. A copy is made under a name of its own and checked
 * before it gets the name that was asked for, so that what has that name is whole.
 *
 * The source of a backup is read inside one read transaction: that is one moment of it, and since
 * the database has a write-ahead log, writers go on and do not make the copy start again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/state.h"

#define STEP_PAGES 1024
#define BUSY_MS    2000
/* Of SQLite's machine, between two looks at whether to stop. */
#define CHECK_STEPS 1000000
#define NAME_MAX_N  4000

static void close_conn(struct sql_conn **c)
{
    sql_close(*c);
}
#define CONN_LOCAL(name) __attribute__((cleanup(close_conn))) struct sql_conn *name = NULL

/* --- copying --------------------------------------------------------------------------------- */

struct watched {
    store_progress *progress;
    void *arg;
    uint64_t done, all;
    bool stopped;
};

static bool go_on(struct watched *w)
{
    if (w->progress && !w->progress(w->arg, w->done, w->all))
        w->stopped = true;
    return !w->stopped;
}

/* Of SQLite's progress handler: true interrupts what it does. */
static int asked_to_stop(void *watched)
{
    return !go_on(watched);
}

static err_code stopped(struct err *e)
{
    return err_set(e, ERR_BUSY, "stopped before it was done: nothing was written");
}

static err_code copy_pages(struct sql_conn *from, struct sql_conn *to, struct watched *w,
                           struct err *e)
{
    sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
    if (!b)
        return sql_fail(to, sqlite3_errcode(to->db), e);
    int rc;
    do {
        rc = sqlite3_backup_step(b, STEP_PAGES);
        int all = sqlite3_backup_pagecount(b), left = sqlite3_backup_remaining(b);
        w->done = (uint64_t)(all - left);
        w->all = (uint64_t)all;
    } while ((rc == SQLITE_OK || rc == SQLITE_DONE) && go_on(w) && rc == SQLITE_OK);
    sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? ERR_OK : sql_fail(to, rc, e);
}

/* Is it a database of ours that this program can read, with nothing broken inside? */
static err_code check_ours(struct sql_conn *c, struct err *e)
{
    uint64_t version;
    err_code rc = migrate_version(c, &version, e);
    if (!rc && version == 0) {
        err_set(e, ERR_CORRUPT, "the file is empty");
        return err_in_file(e, c->path), ERR_CORRUPT;
    }
    SQL_LOCAL(q);
    bool row = false;
    if (!rc)
        rc = sql_start(&q, c, "PRAGMA integrity_check(1)", e);
    if (!rc)
        rc = sql_step(&q, &row, e);
    if (rc || (row && str_is(sql_column_str(&q, 0), "ok")))
        return rc;
    err_set(e, ERR_CORRUPT, "the database in it is damaged: %.*s", STR_FMT(sql_column_str(&q, 0)));
    err_in_file(e, c->path);
    return ERR_CORRUPT;
}

/* One statement whose row, if it has one, does not matter. */
static err_code run(struct sql_conn *c, const char *text, struct err *e)
{
    int rc = sqlite3_exec(c->db, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : sql_fail(c, rc, e);
}

static err_code sync_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    err_code rc = ERR_OK;
    if (fd < 0 || fsync(fd) != 0)
        rc = err_errno(e, ERR_IO, errno, "cannot write %s to disk", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* A new, checked copy at path, as one file without a log beside it. */
static err_code copy_checked(struct sql_conn *from, const char *path, store_progress *progress,
                             void *arg, struct err *e)
{
    struct watched w = {.progress = progress, .arg = arg};
    CONN_LOCAL(to);
    err_code rc = sql_open(path, SQL_WRITER, BUSY_MS, &to, e);
    if (!rc)
        rc = copy_pages(from, to, &w, e);
    if (!rc)
        rc = run(to, "PRAGMA journal_mode = DELETE", e);
    if (!rc)
        sqlite3_progress_handler(to->db, CHECK_STEPS, asked_to_stop, &w);
    if (!rc)
        rc = check_ours(to, e);
    return w.stopped ? stopped(e) : rc;
}

/* The same in a file that is made for it, and goes away if it fails. */
static err_code copy_to_new(struct sql_conn *from, const char *path, store_progress *progress,
                            void *arg, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e,
                         errno == ENOENT   ? ERR_NOT_FOUND
                         : errno == EACCES ? ERR_DENIED
                                           : ERR_IO,
                         errno, "cannot create %s", path);
    close(fd);
    err_code rc = copy_checked(from, path, progress, arg, e);
    if (!rc)
        rc = sync_file(path, e);
    if (rc)
        unlink(path);
    return rc;
}

static err_code sync_folder_of(const char *path, struct err *e)
{
    char *folder = store_folder(path);
    err_code rc = folder ? store_sync_folder(folder, e) : err_set(e, ERR_NOMEM, "out of memory");
    free(folder);
    return rc;
}

/* --- backup ---------------------------------------------------------------------------------- */

static err_code check_source(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        int why = errno;
        err_errno(e, why == ENOENT || why == ENOTDIR ? ERR_NOT_FOUND : ERR_DENIED, why,
                  "cannot read it");
        return err_in_file(e, path), why == ENOENT || why == ENOTDIR ? ERR_NOT_FOUND : ERR_DENIED;
    }
    if (S_ISREG(st.st_mode))
        return ERR_OK;
    err_set(e, ERR_CORRUPT, "this is not a file");
    err_in_file(e, path);
    return ERR_CORRUPT;
}

/* A read transaction begins with what it reads first. */
static err_code begin_reading(struct sql_conn *c, struct err *e)
{
    uint64_t version;
    err_code rc = run(c, "BEGIN", e);
    if (!rc)
        rc = migrate_version(c, &version, e);
    if (!rc && version == 0)
        rc = err_set(e, ERR_CORRUPT, "the database is empty: there is nothing to back up");
    return rc;
}

err_code store_backup(const char *path, const char *file, store_progress *progress, void *arg,
                      struct err *e)
{
    char part[NAME_MAX_N + 64];
    if (strlen(file) > NAME_MAX_N)
        return err_set(e, ERR_INVALID, "the file's name is too long");
    struct stat st;
    if (lstat(file, &st) == 0)
        return err_set(e, ERR_CONFLICT, "%s is there already: name a new file, or remove it first",
                       file);
    CONN_LOCAL(from);
    err_code rc = check_source(path, e);
    if (!rc)
        rc = sql_open(path, SQL_READ_ONLY, BUSY_MS, &from, e);
    if (!rc)
        rc = begin_reading(from, e);
    if (rc)
        return rc;
    snprintf(part, sizeof part, "%s.part-%ld", file, (long)getpid());
    unlink(part);
    rc = copy_to_new(from, part, progress, arg, e);
    sql_rollback(from);
    if (rc)
        return rc;
    if (rename(part, file) != 0) {
        rc = err_errno(e, ERR_IO, errno, "cannot give the backup its name, %s", file);
        unlink(part);
        return rc;
    }
    return sync_folder_of(file, e);
}

/* --- restore --------------------------------------------------------------------------------- */

/*
 * Takes the old database for ourselves: its log is taken into the file, and nobody else can open
 * it until c is closed. One that is too damaged for that is left to be moved as it is.
 */
static err_code lock_old(const char *path, struct sql_conn **c, struct err *e)
{
    err_code rc = sql_open(path, SQL_WRITER, BUSY_MS, c, e);
    if (!rc)
        rc = run(*c,
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE;"
                 "BEGIN EXCLUSIVE",
                 e);
    if (rc == ERR_BUSY) {
        err_set(e, rc,
                "another process has the database open: stop the server, or find who it is with "
                "\"fuser\" on this file");
        err_in_file(e, path);
    }
    if (rc != ERR_CORRUPT)
        return rc;
    sql_close(*c);
    *c = NULL;
    return ERR_OK;
}

/* The database and what is left of its log get another name; the database keeps its own until the
   new one takes that. */
static err_code keep_old(const char *path, const char *kept, bool there, struct err *e)
{
    static const char *const suffixes[] = {"-wal", "-shm"};
    if (there && link(path, kept) != 0)
        return err_errno(e, ERR_IO, errno, "cannot keep the old database as %s", kept);
    for (int i = 0; i < 2; i++) {
        char from[NAME_MAX_N + 100], to[NAME_MAX_N + 100];
        snprintf(from, sizeof from, "%s%s", path, suffixes[i]);
        snprintf(to, sizeof to, "%s%s", kept, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return err_errno(e, ERR_IO, errno, "cannot move %s out of the way", from);
    }
    return ERR_OK;
}

/* "PATH.before-20260131-080000Z" */
static void kept_name(const char *path, char *dst, size_t size)
{
    char stamp[32] = "restore";
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%SZ", &tm);
    snprintf(dst, size, "%s.before-%s", path, stamp);
}

static err_code swap(const char *path, const char *new, struct store_restored *ret, struct err *e)
{
    CONN_LOCAL(old);
    struct stat st;
    bool there = lstat(path, &st) == 0;
    kept_name(path, ret->kept, sizeof ret->kept);
    err_code rc = there ? lock_old(path, &old, e) : ERR_OK;
    if (!rc)
        rc = keep_old(path, ret->kept, there, e);
    if (!rc && rename(new, path) != 0)
        rc = err_errno(e, ERR_IO, errno, "cannot put the new database in its place, %s", path);
    if (!there)
        ret->kept[0] = '\0';
    return rc ? rc : sync_folder_of(path, e);
}

/* The backup, opened and found good. */
static err_code open_backup(const char *path, const char *file, struct sql_conn **ret,
                            uint64_t *ret_revision, struct err *e)
{
    struct stat mine, theirs;
    err_code rc = check_source(file, e);
    if (!rc && stat(path, &mine) == 0 && stat(file, &theirs) == 0 && mine.st_ino == theirs.st_ino &&
        mine.st_dev == theirs.st_dev)
        return err_set(e, ERR_INVALID, "%s is the database itself, not a backup", file);
    if (!rc)
        rc = sql_open(file, SQL_READ_ONLY, BUSY_MS, ret, e);
    if (!rc)
        rc = check_ours(*ret, e);
    if (!rc)
        rc = sql_number(*ret, SQL_LAST_REVISION, ret_revision, e);
    if (rc == ERR_CORRUPT)
        err_prefix(e, "this is no backup of Vesta, and nothing was changed");
    return rc;
}

err_code store_restore(const char *path, const char *file, struct store_restored *ret,
                       store_progress *progress, void *arg, struct err *e)
{
    char new[NAME_MAX_N + 64];
    struct store_restored done = {0, ""};
    if (strlen(path) > NAME_MAX_N)
        return err_set(e, ERR_INVALID, "the data path is too long");
    CONN_LOCAL(from);
    err_code rc = open_backup(path, file, &from, &done.revision, e);
    if (rc)
        return rc;
    snprintf(new, sizeof new, "%s.restore-%ld", path, (long)getpid());
    unlink(new);
    rc = copy_to_new(from, new, progress, arg, e);
    if (!rc)
        rc = swap(path, new, &done, e);
    if (rc)
        unlink(new);
    else
        *ret = done;
    return rc;
}
