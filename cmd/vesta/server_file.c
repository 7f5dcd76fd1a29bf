#include "server_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "command.h"
#include "value/value.h"

#define FILE_MAX 4096

static void path_of(const char *data_path, char *dst, size_t size)
{
    snprintf(dst, size, "%s/server.json", data_path);
}

err_code server_file_write(const char *data_path, const char *boot_url, const char *api_url,
                           const char *pins, struct err *e)
{
    char path[4096], tmp[4112];
    path_of(data_path, path, sizeof path);
    snprintf(tmp, sizeof tmp, "%s.new", path);
    struct value_pair p[] = {{STR("api"), value_str(str_c(api_url))},
                             {STR("boot"), value_str(str_c(boot_url))},
                             {STR("pid"), value_int(getpid())},
                             {STR("pins"), value_str(str_c(pins))}};
    struct value v = value_map(VALUE_MAP, p, sizeof p / sizeof *p);
    BUF_LOCAL(text, FILE_MAX);
    value_to_json(&text, &v, VALUE_JSON_PRETTY);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && !text.failed && write(fd, text.p, text.n) == (ssize_t)text.n;
    if (fd >= 0)
        close(fd);
    if (!ok || rename(tmp, path) != 0)
        return err_errno(e, ERR_IO, errno, "cannot write %s", path);
    return ERR_OK;
}

static err_code read_all(const char *data_path, struct arena *a, struct value *ret, struct err *e)
{
    char path[4096];
    path_of(data_path, path, sizeof path);
    BUF_LOCAL(text, 1u << 17);
    if (access(path, R_OK) != 0)
        return err_set(e, ERR_NOT_FOUND, "no server runs on %s", data_path);
    err_code c = read_file(path, &text, e);
    if (!c)
        c = value_from_json(a, buf_str(&text), ret, e);
    if (!c && ret->kind != VALUE_MAP)
        c = err_set(e, ERR_INVALID, "%s is not what a server writes", path);
    return c;
}

void server_file_remove(const char *data_path)
{
    ARENA_LOCAL(a, 1u << 20);
    struct value v;
    char path[4096];
    if (read_all(data_path, &a, &v, NULL) != ERR_OK)
        return;
    const struct value *pid = value_get(&v, STR("pid"));
    path_of(data_path, path, sizeof path);
    if (pid && pid->kind == VALUE_FLOAT && pid->f == (double)getpid())
        unlink(path);
}

err_code server_file_read(const char *data_path, const char *key, char *dst, size_t size,
                          struct err *e)
{
    ARENA_LOCAL(a, 1u << 20);
    struct value v;
    err_code c = read_all(data_path, &a, &v, e);
    if (c)
        return c;
    const struct value *pid = value_get(&v, STR("pid"));
    const struct value *text = value_get(&v, str_c(key));
    bool alive = pid && pid->kind == VALUE_FLOAT && (kill((pid_t)pid->f, 0) == 0 || errno == EPERM);
    if (!alive || !text || text->kind != VALUE_STRING)
        return err_set(e, ERR_NOT_FOUND, "no server runs on %s", data_path);
    snprintf(dst, size, "%.*s", STR_FMT(value_as_str(*text)));
    return ERR_OK;
}
