#include "service/site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_MAX_HERE 2048
#define READ_BYTES    65536
/* Files of a folder that the disk is asked for before they are read. */
#define AHEAD 32

struct walk {
    int root;
    struct findings *findings;
    site_each *each;
    void *arg;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define FD_LOCAL __attribute__((cleanup(close_fd))) int

/* Never above root, whatever links are on the way. */
static int open_below(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static void not_read(struct walk *w, const char *path, enum finding_severity severity,
                     const char *why)
{
    w->findings->file = str_c(path);
    findings_add(w->findings, severity, NULL, 0, 0, "%s", why);
    w->findings->file = STR("");
}

static int name_cmp(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int real_entry(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

struct entries {
    struct dirent **v;
    int n;
};

static void entries_free(struct entries *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

/* Sorted names in a folder; none (n == 0) when the folder is not there. */
static err_code list_folder(struct walk *w, const char *path, struct entries *ret, struct err *e)
{
    FD_LOCAL fd = open_below(w->root, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return ERR_OK;
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot read the folder %s", path);
    ret->n = scandirat(fd, ".", &ret->v, real_entry, name_cmp);
    if (ret->n < 0) {
        ret->n = 0;
        return err_errno(e, ERR_IO, errno, "cannot read the folder %s", path);
    }
    return ERR_OK;
}

static err_code read_whole(int fd, size_t max, struct buf *dst, struct err *e)
{
    for (;;) {
        char *at = buf_reserve(dst, READ_BYTES);
        if (!at)
            return err_set(e, ERR_LIMIT, "the file is larger than %zu bytes", max);
        ssize_t n = read(fd, at, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, errno, "cannot be read");
        if (n == 0)
            return ERR_OK;
        dst->n += (size_t)n;
        if ((size_t)n < READ_BYTES) /* of a regular file: it ends here */
            return ERR_OK;
    }
}

static int open_file(struct walk *w, const char *path)
{
    return open_below(w->root, path, O_RDONLY | O_NONBLOCK);
}

/* opened is of open_file, with its errno, and is closed here. */
static err_code visit_file(struct walk *w, const struct store_key *k, const char *path, int opened,
                           int errnum, struct err *e)
{
    FD_LOCAL fd = opened;
    if (fd < 0) {
        not_read(w, path, FINDING_ERROR,
                 errnum == EXDEV    ? "not read: the link leads out of the site directory"
                 : errnum == ENOENT ? "not read: the link leads nowhere"
                                    : "not read: it cannot be opened");
        return ERR_OK;
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        not_read(w, path, FINDING_ERROR, "not read: it is not a regular file");
        return ERR_OK;
    }
    size_t max = k->type == STORE_TEMPLATE ? MODEL_TEMPLATE_MAX : MODEL_RESOURCE_MAX;
    BUF_LOCAL(bytes, max + READ_BYTES);
    struct err why = ERR_INIT;
    if (read_whole(fd, max, &bytes, &why) != ERR_OK) {
        not_read(w, path, FINDING_ERROR, why.msg);
        return ERR_OK;
    }
    struct site_file f = {*k, str_c(path), bytes.n ? buf_str(&bytes) : STR("")};
    w->findings->file = f.path;
    err_code c = w->each(w->arg, &f, e);
    w->findings->file = STR("");
    return c;
}

static bool is_folder(struct walk *w, const char *path)
{
    FD_LOCAL fd = open_below(w->root, path, O_PATH | O_DIRECTORY);
    return fd >= 0;
}

/* Links to folders are not followed: a few that point upwards would make a site without end. */
static bool is_folder_link(struct walk *w, const char *path)
{
    struct stat st;
    return fstatat(w->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
           is_folder(w, path);
}

static err_code walk_templates(struct walk *w, enum model_kind kind, const char *folder, int depth,
                               struct err *e)
{
    __attribute__((cleanup(entries_free))) struct entries l = {NULL, 0};
    err_code c = list_folder(w, folder, &l, e);
    for (int i = 0; !c && i < l.n; i++) {
        char path[PATH_MAX_HERE];
        int n = snprintf(path, sizeof path, "%s/%s", folder, l.v[i]->d_name);
        if (n < 0 || (size_t)n >= sizeof path)
            continue;
        bool inside = is_folder(w, path);
        if (is_folder_link(w, path)) {
            not_read(w, path, FINDING_WARNING, "not read: links to folders are not followed");
            continue;
        }
        if (inside && depth < MODEL_NAME_PARTS) {
            c = walk_templates(w, kind, path, depth + 1, e);
        } else if (inside) {
            not_read(w, path, FINDING_WARNING, "not read: folders are nested too deep");
        } else {
            struct str name = str_skip(str_c(path), strlen(model_kind_name(kind)) + 1);
            struct store_key k = {STORE_TEMPLATE, kind, name};
            int fd = open_file(w, path);
            c = visit_file(w, &k, path, fd, errno, e);
        }
    }
    return c;
}

/* --- groups and profiles: folders without folders, of a million files ---- */

struct ahead {
    int fd[AHEAD], errnum[AHEAD]; /* of file i at i % AHEAD */
    int next;                     /* the first that is not open yet */
};

static void json_path(const char *folder, const struct dirent *d, char path[PATH_MAX_HERE])
{
    snprintf(path, PATH_MAX_HERE, "%s/%s", folder, d->d_name);
}

/* So that the disk finds many files at a time, and not each when the one before it is stored. */
static void open_ahead(struct walk *w, const char *folder, const struct entries *l, int at,
                       struct ahead *a)
{
    for (; a->next < l->n && a->next < at + AHEAD; a->next++) {
        char path[PATH_MAX_HERE];
        int i = a->next % AHEAD;
        json_path(folder, l->v[a->next], path);
        a->fd[i] = open_file(w, path);
        a->errnum[i] = errno;
        if (a->fd[i] >= 0)
            posix_fadvise(a->fd[i], 0, 0, POSIX_FADV_WILLNEED);
    }
}

static bool is_folder_entry(struct walk *w, const struct dirent *d, const char *path)
{
    return d->d_type != DT_REG && is_folder(w, path);
}

static err_code visit_json(struct walk *w, enum store_type type, const char *folder,
                           const struct dirent *d, int opened, int errnum, struct err *e)
{
    char path[PATH_MAX_HERE];
    struct str file = str_c(d->d_name);
    json_path(folder, d, path);
    const char *why = NULL;
    if (is_folder_entry(w, d, path))
        why = "not read: sub-folders are not looked into";
    else if (!str_ends(file, STR(".json")))
        why = "not read: the name does not end in .json";
    if (why) {
        close_fd(&opened);
        not_read(w, path, FINDING_WARNING, why);
        return ERR_OK;
    }
    struct store_key k = {type, 0, str_sub(file, 0, file.n - 5)};
    return visit_file(w, &k, path, opened, errnum, e);
}

static err_code walk_json(struct walk *w, enum store_type type, const char *folder, struct err *e)
{
    __attribute__((cleanup(entries_free))) struct entries l = {NULL, 0};
    err_code c = list_folder(w, folder, &l, e);
    struct ahead a = {.next = 0};
    int i = 0;
    for (; !c && i < l.n; i++) {
        open_ahead(w, folder, &l, i, &a);
        c = visit_json(w, type, folder, l.v[i], a.fd[i % AHEAD], a.errnum[i % AHEAD], e);
    }
    for (; i < a.next; i++)
        close_fd(&a.fd[i % AHEAD]);
    return c;
}

err_code site_walk(const char *dir, struct findings *f, site_each *each, void *arg, struct err *e)
{
    FD_LOCAL root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, errno,
                         "cannot open the site directory %s", dir);
    struct walk w = {root, f, each, arg};
    if (!is_folder(&w, "groups") && !is_folder(&w, "profiles"))
        return err_set(e, ERR_NOT_FOUND,
                       "%s has neither a groups nor a profiles folder: is it a site directory?",
                       dir);
    err_code c = ERR_OK;
    for (int k = 0; !c && k < MODEL_KINDS; k++)
        c = walk_templates(&w, (enum model_kind)k, model_kind_name((enum model_kind)k), 1, e);
    if (!c)
        c = walk_json(&w, STORE_PROFILE, "profiles", e);
    if (!c)
        c = walk_json(&w, STORE_GROUP, "groups", e);
    return c;
}

/* --- writing -----------------------------------------------------------------------------------
 */

err_code site_create(const char *dir, int *ret_fd, struct err *e)
{
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "cannot create %s", dir);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot open %s", dir);
    struct entries l = {NULL, 0};
    l.n = scandirat(fd, ".", &l.v, real_entry, name_cmp);
    bool empty = l.n == 0;
    if (l.n < 0)
        l.n = 0;
    entries_free(&l);
    if (!empty) {
        close(fd);
        return err_set(e, ERR_CONFLICT, "%s is not empty: name a new folder", dir);
    }
    /* Both are there even when they stay empty: that is how an import knows a site directory. */
    if (mkdirat(fd, "groups", 0755) != 0 || mkdirat(fd, "profiles", 0755) != 0) {
        err_code c = err_errno(e, ERR_IO, errno, "cannot create a folder in %s", dir);
        close(fd);
        return c;
    }
    *ret_fd = fd;
    return ERR_OK;
}

/* The folders of a path, those that are missing. */
static err_code make_folders(int dir, char *path, struct err *e)
{
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdirat(dir, path, 0755);
        int errnum = errno;
        if (rc != 0 && errnum != EEXIST) {
            err_code c = err_errno(e, ERR_IO, errnum, "cannot create the folder %s", path);
            *slash = '/';
            return c;
        }
        *slash = '/';
    }
    return ERR_OK;
}

void site_name(const struct store_key *k, struct buf *dst)
{
    const char *folder = k->type == STORE_GROUP     ? "groups"
                         : k->type == STORE_PROFILE ? "profiles"
                                                    : model_kind_name(k->kind);
    buf_addf(dst, "%s/%.*s%s", folder, STR_FMT(k->name), k->type == STORE_TEMPLATE ? "" : ".json");
}

err_code site_write(int dir, const struct store_key *k, struct str bytes, struct err *e)
{
    BUF_LOCAL(name, PATH_MAX_HERE);
    bool named = k->type == STORE_TEMPLATE ? model_name_valid(k->name) : model_id_valid(k->name);
    if (!named)
        return err_set(e, ERR_INVALID, "\"%.*s\" cannot be the name of a file", STR_FMT(k->name));
    site_name(k, &name);
    if (!buf_c(&name))
        return err_set(e, ERR_NOMEM, "out of memory while exporting");
    char *path = name.p;
    err_code c = make_folders(dir, path, e);
    if (c)
        return c;
    FD_LOCAL fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot create %s", path);
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR)
            return err_errno(e, ERR_IO, errno, "cannot write %s", path);
        if (n > 0)
            at += (size_t)n;
    }
    return ERR_OK;
}
