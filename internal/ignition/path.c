#include "ignition/path.h"

const char *path_check(struct str path)
{
    if (path.n == 0)
        return "the path is not specified";
    if (path.p[0] != '/')
        return "the path is not absolute";
    struct str part, rest = str_skip(path, 1);
    while (rest.p && path.n > 1) {
        part = str_cut(rest, '/', &rest);
        if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
            return "the path is not fully simplified: write it without //, /./, /../ and / at the "
                   "end";
    }
    return NULL;
}

void path_clean(struct str path, struct buf *dst)
{
    buf_clear(dst);
    while (path.p) {
        struct str part = str_cut(path, '/', &path);
        if (str_is(part, "..")) {
            while (dst->n && dst->p[--dst->n] != '/')
                continue;
        } else if (part.n && !str_is(part, ".")) {
            buf_add_byte(dst, '/');
            buf_add_str(dst, part);
        }
    }
    if (dst->n == 0)
        buf_add_byte(dst, '/');
}

struct str path_extension(struct str path)
{
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--)
        if (path.p[i - 1] == '.')
            return str_skip(path, i - 1);
    return STR("");
}
