#include "boot/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/query.h"
#include "boot/open_files.h"

struct assets {
    char *root;
    struct open_files *open;
};

/* --- types ----------------------------------------------------------------------------------- */

struct extension {
    const char *name;
    const char *type;
};

#define TEXT   "text/plain; charset=utf-8"
#define BINARY "application/octet-stream"

static const struct extension extensions[] = {
    {"asc", TEXT},
    {"bz2", "application/x-bzip2"},
    {"cfg", TEXT},
    {"conf", TEXT},
    {"css", "text/css; charset=utf-8"},
    {"efi", "application/efi"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ign", "application/json"},
    {"ipxe", TEXT},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"ks", TEXT},
    {"pem", "application/x-pem-file"},
    {"png", "image/png"},
    {"sh", TEXT},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"txt", TEXT},
    {"wasm", "application/wasm"},
    {"xml", "text/xml; charset=utf-8"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

static const char *type_of(struct str path)
{
    size_t dot = path.n;
    while (dot > 0 && path.p[dot - 1] != '.' && path.p[dot - 1] != '/')
        dot--;
    if (dot == 0 || path.p[dot - 1] != '.')
        return BINARY;
    struct str name = str_skip(path, dot);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (str_ieq(name, str_c(extensions[i].name)))
            return extensions[i].type;
    return BINARY;
}

/* --- opening --------------------------------------------------------------------------------- */

/* O_NONBLOCK, so that a FIFO without a writer is opened, seen to be no file, and closed. */
static int open_beneath(int root, const char *path)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    /* EAGAIN: something on the way was renamed meanwhile, so the kernel could not be sure. */
    long fd;
    int tries = 16;
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return (int)fd;
}

/* The file, or -1 with errno. */
static int open_in_root(const struct assets *a, const char *path)
{
    int root = open(a->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -1;
    int fd = open_beneath(root, path);
    int errnum = errno;
    close(root);
    errno = errnum;
    return fd;
}

/* The same, and what it is; whole is the root, a slash and path. */
static int open_asset(struct assets *a, const char *path, const char *whole, struct stat *st)
{
    int fd = open_files_get(a->open, whole, st);
    if (fd >= 0)
        return fd;
    fd = open_in_root(a, path);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) != 0) {
        int errnum = errno;
        close(fd);
        errno = errnum;
        return -1;
    }
    if (S_ISREG(st->st_mode))
        open_files_keep(a->open, whole, fd, st);
    return fd;
}

err_code assets_open(const char *root, struct assets **ret, struct err *e)
{
    int fd = open_beneath(AT_FDCWD, ".");
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
        return err_errno(e, ERR_UNSUPPORTED, errno,
                         "assets cannot be served from %s: this kernel, or the sandbox around this "
                         "process, has no openat2 (Linux 5.6), which keeps paths inside",
                         root);
    if (fd >= 0)
        close(fd);
    struct assets *a = calloc(1, sizeof *a);
    if (a) {
        a->root = strdup(root);
        a->open = open_files_make();
    }
    if (!a || !a->root || !a->open) {
        assets_free(a);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    *ret = a;
    return ERR_OK;
}

void assets_free(struct assets *a)
{
    if (!a)
        return;
    open_files_free(a->open);
    free(a->root);
    free(a);
}

#define DEPTH_MAX 16

/* Takes the folder's descriptor. */
static void walk(int folder, unsigned depth, assets_each *each, void *arg)
{
    DIR *d = fdopendir(folder);
    if (!d) {
        close(folder);
        return;
    }
    for (const struct dirent *x; (x = readdir(d));) {
        struct stat st;
        struct str name = str_c(x->d_name);
        if (str_is(name, ".") || str_is(name, ".."))
            continue;
        int fd = openat(folder, x->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        bool known = fstat(fd, &st) == 0;
        if (known && S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            walk(fd, depth + 1, each, arg);
            continue;
        }
        if (known && S_ISREG(st.st_mode))
            each(arg, fd, &st, name);
        close(fd);
    }
    closedir(d);
}

void assets_walk(const struct assets *a, assets_each *each, void *arg)
{
    int root = open(a->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0)
        walk(root, 0, each, arg);
}

/* --- answering ------------------------------------------------------------------------------- */

/* Inside the root it would do no harm, but no client that is up to good asks for it. */
static bool climbs(struct str path)
{
    for (struct str rest = path; rest.p;)
        if (str_is(str_cut(rest, '/', &rest), ".."))
            return true;
    return false;
}

static bool out_of_resources(int errnum)
{
    return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM || errnum == EAGAIN;
}

int assets_find(struct assets *a, struct str path_below_assets_raw, struct http_request *q,
                struct http_response *r, struct stat *ret_st, struct str *ret_name)
{
    struct str decoded;
    if (query_path_decode(q->arena, path_below_assets_raw, &decoded, NULL) || climbs(decoded)) {
        http_text(q, r, 404, "404 page not found");
        return -1;
    }
    struct buf text;
    buf_in_arena(&text, q->arena, strlen(a->root) + decoded.n + 2);
    buf_add_str(&text, str_c(a->root));
    buf_add_byte(&text, '/');
    size_t root_n = text.n;
    buf_add_str(&text, decoded);
    const char *whole = buf_c(&text);
    if (!whole) {
        http_text(q, r, 503, "503 out of memory");
        return -1;
    }
    int fd = open_asset(a, whole + root_n, whole, ret_st);
    if (fd < 0 && out_of_resources(errno))
        http_text(q, r, 503, "503 out of file descriptors or memory");
    else if (fd < 0)
        http_text(q, r, 404, "404 page not found");
    *ret_name = decoded;
    return fd;
}

void assets_respond(struct assets *a, struct str path_below_assets_raw, const char *type,
                    struct http_request *q, struct http_response *r)
{
    struct stat st;
    struct str name;
    int fd = assets_find(a, path_below_assets_raw, q, r, &st, &name);
    if (fd < 0)
        return;
    if (!type)
        type = type_of(name);
    http_file(q, r, fd, &st, type);
    if (r->kind == HTTP_BODY_FILE && str_starts(str_c(type), STR("text/")))
        http_add_header(r, "X-Content-Type-Options", "nosniff");
}
