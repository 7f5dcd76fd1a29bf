#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "service/parts.h"

#define KEY_FILE_MAX (64u << 10)

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define FD_LOCAL __attribute__((cleanup(close_fd))) int

static bool path_of(const struct service *s, const char *name, char *dst, size_t size)
{
    int n = snprintf(dst, size, "%s/%s", s->data_path, name);
    return n > 0 && (size_t)n < size;
}

/* All of a small file. ERR_NOT_FOUND, ERR_DENIED, ERR_IO, ERR_LIMIT. */
static err_code read_small(const char *path, struct buf *dst, struct err *e)
{
    FD_LOCAL fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e,
                         errno == ENOENT   ? ERR_NOT_FOUND
                         : errno == EACCES ? ERR_DENIED
                                           : ERR_IO,
                         errno, "cannot open %s", path);
    for (;;) {
        char *at = buf_reserve(dst, 4096);
        if (!at)
            return err_set(e, ERR_LIMIT, "%s is larger than a key file can be", path);
        ssize_t n = read(fd, at, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, errno, "cannot read %s", path);
        if (n == 0)
            return ERR_OK;
        dst->n += (size_t)n;
    }
}

/* The name itself must survive a power failure too. */
static void sync_folder(const char *path)
{
    char folder[4200];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return;
    *slash = '\0';
    FD_LOCAL fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

/*
 * Writes a secret where nobody else can read it, whole or not at all: a temporary file (0600) is
 * synced and linked to its name, so that of two starting servers one wins. ERR_CONFLICT when the
 * name is taken.
 */
static err_code write_secret(const char *path, struct str bytes, struct err *e)
{
    char tmp[4200];
    snprintf(tmp, sizeof tmp, "%s.%ld.new", path, (long)getpid());
    unlink(tmp);
    FD_LOCAL fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot create %s", tmp);
    err_code c = ERR_OK;
    for (size_t at = 0; !c && at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR)
            c = err_errno(e, ERR_IO, errno, "cannot write %s", tmp);
        else if (n > 0)
            at += (size_t)n;
    }
    if (!c && fsync(fd) != 0)
        c = err_errno(e, ERR_IO, errno, "cannot write %s", tmp);
    if (!c && link(tmp, path) != 0)
        c = err_errno(e, errno == EEXIST ? ERR_CONFLICT : ERR_IO, errno, "cannot create %s", path);
    unlink(tmp);
    if (!c)
        sync_folder(path);
    return c;
}

/* --- the signing key ---------------------------------------------------------------------------
 */

static err_code make_key(const char *path, struct err *e)
{
    unsigned char seed[SIGN_SEED_BYTES];
    char host[256] = "localhost", user_id[300];
    gethostname(host, sizeof host - 1);
    snprintf(user_id, sizeof user_id, "Vesta <vesta@%s>", host);
    randombytes_buf(seed, sizeof seed);
    struct sign_key *key;
    err_code c = sign_key_make(seed, (uint64_t)time(NULL), str_c(user_id), &key, e);
    sodium_memzero(seed, sizeof seed);
    if (c)
        return c;
    BUF_LOCAL(text, KEY_FILE_MAX);
    sign_key_write_secret(key, true, &text);
    sign_key_free(key);
    c = text.failed ? err_set(e, ERR_NOMEM, "out of memory while making a key")
                    : write_secret(path, buf_str(&text), e);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    return c == ERR_CONFLICT ? ERR_OK : c;
}

err_code keys_load(struct service *s, struct err *e)
{
    char path[4096];
    if (!path_of(s, SERVICE_KEY_FILE, path, sizeof path))
        return err_set(e, ERR_INVALID, "the data path is too long");
    BUF_LOCAL(text, KEY_FILE_MAX);
    err_code c = read_small(path, &text, e);
    if (c == ERR_NOT_FOUND) {
        c = make_key(path, e);
        if (!c)
            c = read_small(path, &text, e);
    }
    if (!c) {
        c = sign_key_read(buf_str(&text), SIGN_NO_PASSPHRASE, &s->key, e);
        if (!c && !sign_key_is_secret(s->key))
            c = err_set(e, ERR_INVALID, "it has only a public key, which cannot sign");
        if (c)
            err_prefix(e, "the signing key %s", path);
    }
    if (text.p)
        sodium_memzero(text.p, text.cap);
    if (c)
        return c;
    buf_init(&s->public_key, KEY_FILE_MAX);
    sign_key_write_public(s->key, true, &s->public_key);
    return s->public_key.failed ? err_set(e, ERR_NOMEM, "out of memory while loading the key")
                                : ERR_OK;
}

/* --- the first token -----------------------------------------------------------------------------
 */

err_code tokens_bootstrap(struct service *s, struct err *e)
{
    bool found;
    char text[TOKEN_TEXT_MAX], path[4096], line[TOKEN_TEXT_MAX + 1];
    err_code c = token_admin_exists(s, &found, e);
    if (c || found)
        return c;
    struct store_token t = {.id = STR("admin"),
                            .name = STR("admin"),
                            .role = STORE_ROLE_ADMIN,
                            .created = (uint64_t)time(NULL)};
    token_make_secret(text, t.hash);
    if (!path_of(s, SERVICE_TOKEN_FILE, path, sizeof path))
        return err_set(e, ERR_INVALID, "the data path is too long");
    /* A file that an earlier start left without its database row is of no use to anybody. */
    unlink(path);
    int len = snprintf(line, sizeof line, "%s\n", text);
    c = write_secret(path, str_of(line, (size_t)len), e);
    if (!c)
        c = store_token_put(s->store, &t, e);
    sodium_memzero(text, sizeof text);
    sodium_memzero(line, sizeof line);
    return c;
}
