#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/always.h"
#include "store/state.h"

#define BUSY_MS  5000
#define IDLE_MAX 32 /* connections that wait for the next read; to open one takes much longer */

static err_code in_file(const char *path, err_code code, struct err *e)
{
    err_in_file(e, path);
    return code;
}

char *store_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

err_code store_sync_folder(const char *folder, struct err *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot open the folder %s", folder);
    err_code rc = ERR_OK;
    if (fsync(fd) < 0 && errno != EINVAL)
        rc = err_errno(e, ERR_IO, errno, "cannot write the folder %s to disk", folder);
    close(fd);
    return rc;
}

/*
 * mknod and not open, because to close a descriptor of the file would drop the locks that another
 * connection in this process has on it (POSIX advisory locks).
 */
static err_code make_file(const char *path, const char *folder, struct err *e)
{
    if (mknod(path, S_IFREG | 0600, 0) == 0)
        return store_sync_folder(folder, e);
    int why = errno;
    if (why == EEXIST)
        return ERR_OK;
    if (why == ENOENT || why == ENOTDIR)
        return err_set(e, ERR_NOT_FOUND, "the folder %s does not exist; make it first", folder);
    if (why == EACCES || why == EPERM || why == EROFS)
        return err_errno(e, ERR_DENIED, why,
                         "cannot make the database in %s; check who owns the folder and that it is "
                         "not mounted read-only",
                         folder);
    return err_errno(e, ERR_IO, why, "cannot make the database in %s", folder);
}

/* What stat and access can say more clearly than SQLite would. */
static err_code check_file(const char *path, const char *folder, bool read_only, struct err *e)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        int why = errno;
        if (why == ENOENT || why == ENOTDIR)
            return err_set(e, ERR_NOT_FOUND,
                           "there is no database here; check the data path, or start \"vesta "
                           "serve\" or \"vesta import\" once to make it");
        return err_errno(e, why == EACCES ? ERR_DENIED : ERR_IO, why,
                         "cannot look at the database");
    }
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_CORRUPT, "this is not a file, so it cannot be the database");
    if (faccessat(AT_FDCWD, path, R_OK | (read_only ? 0 : W_OK), AT_EACCESS) < 0)
        return err_errno(e, ERR_DENIED, errno,
                         "the database cannot be %s by user %u; check who owns it",
                         read_only ? "read" : "written", (unsigned)geteuid());
    if (!read_only && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
        return err_errno(e, ERR_DENIED, errno,
                         "the folder %s cannot be written by user %u, and SQLite keeps two files "
                         "beside the database; check who owns it",
                         folder, (unsigned)geteuid());
    return ERR_OK;
}

static err_code prepare_file(const char *path, bool read_only, struct err *e)
{
    char *folder = store_folder(path);
    if (!folder)
        return err_set(e, ERR_NOMEM, "out of memory");
    err_code rc = read_only ? ERR_OK : make_file(path, folder, e);
    if (!rc)
        rc = check_file(path, folder, read_only, e);
    free(folder);
    return rc ? in_file(path, rc, e) : ERR_OK;
}

/* --- the pool of reading connections --------------------------------------------------------- */

err_code store_take(struct store *s, struct sql_conn **ret, struct err *e)
{
    pthread_mutex_lock(&s->pool.lock);
    struct sql_conn *c = s->pool.idle;
    if (c) {
        s->pool.idle = c->next;
        s->pool.idle_n--;
    }
    pthread_mutex_unlock(&s->pool.lock);
    if (!c) {
        enum sql_mode mode = s->read_only ? SQL_READ_ONLY : SQL_READER;
        err_code rc = sql_open(s->path, mode, s->busy_ms, &c, e);
        if (rc)
            return rc;
    }
    *ret = c;
    return ERR_OK;
}

void store_give(struct store *s, struct sql_conn *c)
{
    sql_rollback(c);
    pthread_mutex_lock(&s->pool.lock);
    bool keep = s->pool.idle_n < IDLE_MAX;
    if (keep) {
        c->next = s->pool.idle;
        s->pool.idle = c;
        s->pool.idle_n++;
    }
    pthread_mutex_unlock(&s->pool.lock);
    if (!keep)
        sql_close(c);
}

/* --- opening and closing --------------------------------------------------------------------- */

/* A store that only reads changes nothing, so it cannot bring an old schema up to date. */
static err_code check_schema(struct sql_conn *c, struct err *e)
{
    uint64_t version;
    err_code rc = migrate_version(c, &version, e);
    if (rc || version == migrate_latest())
        return rc;
    if (version == 0)
        err_set(e, ERR_CORRUPT, "the file is empty; check the data path, or restore a backup");
    else
        err_set(e, ERR_UNSUPPORTED,
                "the database has schema %llu of an older Vesta, and reading it needs %llu; start "
                "\"vesta serve\" once to bring it up to date",
                (unsigned long long)version, (unsigned long long)migrate_latest());
    return in_file(c->path, version == 0 ? ERR_CORRUPT : ERR_UNSUPPORTED, e);
}

static err_code open_connections(struct store *s, struct err *e)
{
    err_code rc;
    if (!s->read_only) {
        rc = sql_open(s->path, SQL_WRITER, s->busy_ms, &s->writer.c, e);
        if (!rc)
            rc = migrate(s->writer.c, s->busy_ms, e);
        if (rc)
            return rc;
    }
    rc = sql_open(s->path, s->read_only ? SQL_READ_ONLY : SQL_READER, s->busy_ms, &s->watch.c, e);
    if (!rc && s->read_only)
        rc = check_schema(s->watch.c, e);
    if (!rc)
        rc = sql_number(s->watch.c, "PRAGMA data_version", &s->watch.version, e);
    return rc;
}

/* The writer's goes last: it can take the write-ahead log's content into the file. */
static void free_store(struct store *s)
{
    while (s->pool.idle) {
        struct sql_conn *c = s->pool.idle;
        s->pool.idle = c->next;
        sql_close(c);
    }
    checkpointer_stop(s);
    sql_close(s->watch.c);
    sql_close(s->writer.c);
    writer_stop(&s->writer);
    pthread_mutex_destroy(&s->pool.lock);
    pthread_mutex_destroy(&s->watch.lock);
    free(s->path);
    free(s);
}

static struct store *new_store(const struct store_options *o)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->path = strdup(o->path);
    if (!s->path) {
        free(s);
        return NULL;
    }
    s->read_only = o->read_only;
    s->writer.keep_revisions = o->keep_revisions;
    s->busy_ms = o->busy_ms > 0 ? o->busy_ms : BUSY_MS;
    pthread_mutex_init(&s->pool.lock, NULL);
    pthread_mutex_init(&s->watch.lock, NULL);
    writer_start(&s->writer);
    return s;
}

err_code store_open(const struct store_options *o, struct store **ret, struct err *e)
{
    err_code rc = prepare_file(o->path, o->read_only, e);
    if (rc)
        return rc;
    struct store *s = new_store(o);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory");
    rc = open_connections(s, e);
    if (!rc && !s->read_only)
        rc = checkpointer_start(s, e);
    if (rc) {
        free_store(s);
        return rc;
    }
    *ret = s;
    return ERR_OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    free_store(s);
}
