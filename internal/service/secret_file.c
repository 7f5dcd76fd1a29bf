#include "service/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS 077 /* permissions of whoever is not the owner */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define FD_LOCAL __attribute__((cleanup(close_fd))) int

/* The folder that a path is in; false if it names none. */
static bool folder_of(const char *path, char folder[SECRET_PATH_BYTES])
{
    snprintf(folder, SECRET_PATH_BYTES, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return false;
    slash[slash == folder] = '\0';
    return true;
}

static err_code open_error(struct err *e, const char *path)
{
    int errnum = errno;
    err_code c = errnum == ENOENT ? ERR_NOT_FOUND : errnum == EACCES ? ERR_DENIED : ERR_IO;
    return err_errno(e, c, errnum, "cannot open %s", path);
}

/* mode is what a closed one would have. */
static err_code check_mode(const struct stat *st, const char *path, unsigned mode, struct err *e)
{
    if (st->st_mode & OTHERS)
        return err_set(e, ERR_DENIED,
                       "%s can be read or written by others (mode %04o), so the secrets in it may "
                       "be known. If you are sure that they are not: chmod %o %s",
                       path, st->st_mode & 07777u, mode, path);
    return ERR_OK;
}

static err_code check_closed(int fd, const char *path, unsigned mode, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_IO, errno, "cannot look at %s", path);
    return check_mode(&st, path, mode, e);
}

err_code secret_check(const char *path, struct err *e)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? check_mode(&st, path, 0600, e) : ERR_OK;
}

err_code secret_path(const char *folder, const char *name, char dst[SECRET_PATH_BYTES],
                     struct err *e)
{
    int n = snprintf(dst, SECRET_PATH_BYTES, "%s/%s", folder, name);
    return n > 0 && n < SECRET_PATH_BYTES ? ERR_OK
                                          : err_set(e, ERR_INVALID, "the data path is too long");
}

/*
 * What root makes in a folder of the user that the server runs as is for that user: a command that
 * root runs would otherwise leave a key that the server cannot read.
 */
static void give_to_owner_of_folder(int fd, const char *path)
{
    char folder[SECRET_PATH_BYTES];
    struct stat st;
    if (geteuid() != 0 || !folder_of(path, folder))
        return;
    if (stat(folder, &st) == 0 && st.st_uid != 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
        return; /* it stays root's, and the server says that it cannot read it */
}

err_code secret_folder(const char *path, bool create, struct err *e)
{
    bool made = create && mkdir(path, 0700) == 0;
    if (create && !made && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "cannot create %s", path);
    FD_LOCAL fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return open_error(e, path);
    if (made)
        give_to_owner_of_folder(fd, path);
    return check_closed(fd, path, 0700, e);
}

static err_code read_open(int fd, const char *path, struct buf *dst, struct err *e)
{
    for (;;) {
        char *at = buf_reserve(dst, 4096);
        if (!at)
            return err_set(e, ERR_LIMIT, "%s is larger than a key file can be", path);
        ssize_t n = read(fd, at, 4096);
        if (n == 0)
            return ERR_OK;
        if (n > 0)
            dst->n += (size_t)n;
        else if (errno != EINTR)
            return err_errno(e, ERR_IO, errno, "cannot read %s", path);
    }
}

err_code secret_read(const char *path, struct buf *dst, struct err *e)
{
    FD_LOCAL fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return open_error(e, path);
    err_code c = check_closed(fd, path, 0600, e);
    return c ? c : read_open(fd, path, dst, e);
}

err_code secret_read_exposed(const char *path, struct buf *dst, bool *exposed, struct err *e)
{
    FD_LOCAL fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return open_error(e, path);
    *exposed = check_closed(fd, path, 0600, NULL) != ERR_OK;
    return read_open(fd, path, dst, e);
}

/* The name itself must survive a power failure too. */
static void sync_folder_of(const char *path)
{
    char folder[SECRET_PATH_BYTES];
    if (!folder_of(path, folder))
        return;
    FD_LOCAL fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

static err_code write_all(int fd, const char *path, struct str bytes, struct err *e)
{
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR)
            return err_errno(e, ERR_IO, errno, "cannot write %s", path);
        if (n > 0)
            at += (size_t)n;
    }
    return fsync(fd) == 0 ? ERR_OK : err_errno(e, ERR_IO, errno, "cannot write %s", path);
}

/*
 * A temporary file is synced and takes its name by link, so that of two starting servers one wins,
 * or by rename.
 */
static err_code put(const char *path, struct str bytes, bool replace, struct err *e)
{
    char tmp[SECRET_PATH_BYTES + 32];
    snprintf(tmp, sizeof tmp, "%s.%ld.new", path, (long)getpid());
    unlink(tmp);
    FD_LOCAL fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot create %s", tmp);
    give_to_owner_of_folder(fd, path);
    err_code c = write_all(fd, tmp, bytes, e);
    if (!c && (replace ? rename(tmp, path) : link(tmp, path)) != 0)
        c = err_errno(e, errno == EEXIST ? ERR_CONFLICT : ERR_IO, errno, "cannot create %s", path);
    unlink(tmp);
    if (!c)
        sync_folder_of(path);
    return c;
}

err_code secret_write(const char *path, struct str bytes, struct err *e)
{
    return put(path, bytes, false, e);
}

err_code secret_replace(const char *path, struct str bytes, struct err *e)
{
    return put(path, bytes, true, e);
}

err_code secret_rename(const char *from, const char *to, struct err *e)
{
    if (rename(from, to) != 0)
        return err_errno(e, ERR_IO, errno, "cannot move %s to %s", from, to);
    sync_folder_of(from);
    sync_folder_of(to);
    return ERR_OK;
}
