#include "http/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http/http.h"

static const struct body_trouble fine = {0, NULL};
static const struct body_trouble too_large = {413, "the body is too large"};
static const struct body_trouble no_memory = {503, "out of memory"};
static const struct body_trouble no_room = {507, "the server's disk has no room for the body"};
static const struct body_trouble no_file = {
    503, "the server could not write the body to a file of its data path"};

void body_init(struct body *b, uint64_t max, const char *dir)
{
    size_t in_memory = dir ? HTTP_SPOOL_MIN : SIZE_MAX / 2;
    *b = (struct body){.max = max, .dir = dir, .fd = -1};
    buf_init(&b->bytes, max < in_memory ? (size_t)max : in_memory);
}

void body_free(struct body *b)
{
    buf_free(&b->bytes);
    if (b->map)
        munmap(b->map, (size_t)b->n);
    if (b->fd >= 0)
        close(b->fd);
    b->map = NULL;
    b->fd = -1;
}

/* Not every file system knows O_TMPFILE (overlayfs of old kernels, NFS). */
static int open_nameless(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/body.XXXXXX", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static struct body_trouble of_errno(int errnum)
{
    return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG ? no_room : no_file;
}

static struct body_trouble append(struct body *b, struct str s)
{
    while (s.n) {
        ssize_t n = write(b->fd, s.p, s.n);
        if (n < 0 && errno != EINTR)
            return of_errno(errno);
        if (n > 0)
            s = str_skip(s, (size_t)n);
    }
    return fine;
}

/* Opens the file and carries over what came before it. */
static struct body_trouble begin_file(struct body *b)
{
    b->fd = open_nameless(b->dir);
    if (b->fd < 0)
        return of_errno(errno);
    struct body_trouble t = append(b, buf_str(&b->bytes));
    buf_free(&b->bytes);
    return t;
}

struct body_trouble body_add(struct body *b, const void *p, size_t n)
{
    struct body_trouble t = fine;
    if (n > b->max - b->n)
        return too_large;
    b->n += n;
    if (b->fd < 0 && b->dir && b->n > HTTP_SPOOL_MIN)
        t = begin_file(b);
    if (t.status)
        return t;
    if (b->fd >= 0)
        return append(b, str_of(p, n));
    buf_add(&b->bytes, p, n);
    return b->bytes.failed ? no_memory : fine;
}

struct body_trouble body_whole(struct body *b, struct str *ret)
{
    if (b->fd < 0) {
        *ret = buf_str(&b->bytes);
        return fine;
    }
    void *map = mmap(NULL, (size_t)b->n, PROT_READ, MAP_PRIVATE, b->fd, 0);
    if (map == MAP_FAILED)
        return no_memory;
    b->map = map;
    *ret = str_of(map, (size_t)b->n);
    return fine;
}
