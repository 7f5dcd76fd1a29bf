#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"

static void name_of(uid_t uid, char *dst, size_t size)
{
    const struct passwd *p = getpwuid(uid);
    if (p)
        snprintf(dst, size, "%s", p->pw_name);
    else
        snprintf(dst, size, "%lu", (unsigned long)uid);
}

/* --- the data path -------------------------------------------------------------------------------
 * Commands that root runs leave files of root's there. Only root's are given away, and only what no
 * other name outside leads to: who can write there could otherwise make root give away a file of
 * the system by a link to it.
 */

static err_code give(int dir, const char *name, const struct passwd *to, bool folder, struct err *e)
{
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : err_errno(e, ERR_IO, errno, "cannot open %s", name);
    bool wanted = fstat(fd, &st) == 0 && st.st_uid == 0 &&
                  (folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode) && st.st_nlink == 1);
    err_code c = ERR_OK;
    if (wanted && fchownat(fd, "", to->pw_uid, to->pw_gid, AT_EMPTY_PATH) != 0)
        c = err_errno(e, ERR_IO, errno, "cannot give %s to %s", name, to->pw_name);
    close(fd);
    return c;
}

/* A folder and the files in it, but not what is in its folders: assets may be many. Closes fd. */
static err_code give_folder(int fd, const struct passwd *to, struct err *e)
{
    err_code c = give(fd, ".", to, true, e);
    DIR *d = fdopendir(fd);
    const struct dirent *x;
    while (d && !c && (x = readdir(d)))
        c = give(fd, x->d_name, to, false, e);
    if (d)
        closedir(d);
    else
        close(fd);
    return c;
}

static err_code give_data_path(const char *path, const struct passwd *to, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot open the data path %s", path);
    int keys = openat(fd, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    err_code c = give_folder(fd, to, e);
    if (keys >= 0 && !c)
        c = give_folder(keys, to, e);
    else if (keys >= 0)
        close(keys);
    return c;
}

static err_code make_data_path(const char *path, struct err *e)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "cannot create the data path %s", path);
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "the data path %s is a file; name a folder", path);
    return ERR_OK;
}

/* --- the user ------------------------------------------------------------------------------------
 */

static err_code become(const struct passwd *p, struct err *e)
{
    if (initgroups(p->pw_name, p->pw_gid) != 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
        setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0)
        return err_errno(e, ERR_IO, errno, "cannot become the user %s", p->pw_name);
    if (setuid(0) == 0)
        return err_set(e, ERR_IO, "could become root again after becoming %s", p->pw_name);
    return ERR_OK;
}

/* Whom to become; *ret is NULL if nobody. */
static err_code choose(const char *name, const struct passwd **ret, struct err *e)
{
    bool by_name = name[0] != '\0';
    uid_t now = geteuid();
    *ret = NULL;
    if (!by_name && now != 0)
        return ERR_OK;
    errno = 0;
    const struct passwd *p = getpwnam(by_name ? name : SANDBOX_DEFAULT_USER);
    if (!p && by_name)
        return err_set(e, ERR_NOT_FOUND,
                       "there is no user \"%s\" to run as: useradd --system --user-group "
                       "--no-create-home --shell /usr/sbin/nologin %s",
                       name, name);
    if (!p || p->pw_uid == now)
        return ERR_OK;
    if (now != 0)
        return err_set(e, ERR_DENIED,
                       "only root can become the user \"%s\": start it as that user, or without "
                       "--user",
                       name);
    *ret = p;
    return ERR_OK;
}

err_code sandbox_user(const struct sandbox_options *o, struct sandbox *s, struct err *e)
{
    const struct passwd *p;
    err_code c = choose(o->user, &p, e);
    if (!c)
        c = make_data_path(o->data_path, e);
    if (!c && p)
        c = give_data_path(o->data_path, p, e);
    if (!c && p)
        c = become(p, e);
    if (c)
        return c;
    name_of(geteuid(), s->user, sizeof s->user);
    s->root = geteuid() == 0 && !o->user[0];
    if (p && access(o->data_path, R_OK | W_OK | X_OK) != 0)
        return err_errno(e, ERR_DENIED, errno,
                         "the data path %s cannot be used by the user %s, as which the server "
                         "runs. Give it to that user (chown -R %s %s) and let it reach the folders "
                         "above, or choose another with --user",
                         o->data_path, s->user, s->user, o->data_path);
    return ERR_OK;
}
