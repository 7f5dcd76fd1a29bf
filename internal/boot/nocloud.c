#include "boot/nocloud.h"

#include "base/buf.h"

#define ROOT "/nocloud"

static bool file_of(struct str name, enum render_document *ret)
{
    enum render_document d;
    if (!render_from_name(name, &d) || d < RENDER_USER_DATA)
        return false;
    *ret = d;
    return true;
}

/* "a=1;b=x+y" as a query string: "a=1&b=x%2By". */
static void add_pairs(struct buf *dst, struct str pairs)
{
    for (size_t i = 0; i < pairs.n; i++) {
        char c = pairs.p[i];
        if (c == ';')
            buf_add_byte(dst, '&');
        else if (c == '+')
            buf_add_lit(dst, "%2B");
        else if (c == '&')
            buf_add_lit(dst, "%26");
        else
            buf_add_byte(dst, c);
    }
}

/* The query without its `file`, whose value is the name of the file: the first one counts. */
static struct str cut_file(struct buf *dst, struct str query)
{
    struct str file = {NULL, 0};
    while (query.p) {
        struct str pair = str_cut(query, '&', &query);
        if (str_starts(pair, STR("file="))) {
            if (!file.p)
                file = str_skip(pair, 5);
            continue;
        }
        if (dst->n)
            buf_add_byte(dst, '&');
        buf_add_str(dst, pair);
    }
    return file;
}

err_code nocloud_read(struct arena *a, struct str raw_path, struct str raw_query,
                      struct nocloud_ask *ret, struct err *e)
{
    struct buf query;
    buf_in_arena(&query, a, 1u << 20);
    struct str name;
    struct str rest = str_skip(raw_path, sizeof ROOT - 1);
    if (rest.n == 0) {
        name = cut_file(&query, raw_query);
    } else {
        rest = str_skip(rest, 1);
        struct str pairs = str_cut(rest, '/', &name);
        if (!name.p) {
            /* /nocloud/meta-data: a seed for whoever the default group is for. */
            name = pairs;
            pairs = STR("");
        }
        add_pairs(&query, pairs);
        if (raw_query.n) {
            if (query.n)
                buf_add_byte(&query, '&');
            buf_add_str(&query, raw_query);
        }
    }
    if (query.failed)
        return err_set(e, ERR_NOMEM, "out of memory while reading the path");
    if (!file_of(name, &ret->document))
        return err_set(e, ERR_NOT_FOUND,
                       "a NoCloud seed has meta-data, user-data, vendor-data and network-config");
    ret->raw_query = query.n ? buf_str(&query) : STR("");
    return ERR_OK;
}
