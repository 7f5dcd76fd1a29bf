/*
 * query.h - what a URL carries: the pairs of a query string, percent-encoded paths.
 *
 * Decoded texts live in the arena; texts without escapes point into what was read. Pure. Format of
 * queries: application/x-www-form-urlencoded, as Go's url.ParseQuery reads it; of paths: RFC 3986.
 */
#ifndef BASE_QUERY_H
#define BASE_QUERY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct query_pair {
    struct str key, value;
};
/*
 * The pairs of a raw query: '&' separates, '+' is a space, a pair with ';' or a bad escape is
 * dropped (*dropped counts them), order and repetitions are kept. At most max_pairs (ERR_LIMIT).
 */
err_code query_read(struct arena *a, struct str raw, uint32_t max_pairs, struct query_pair **ret,
                    uint32_t *ret_n, uint32_t *dropped, struct err *e);
/* Appends "KEY=VALUE" as query_read reads it back; before it a '&', unless dst is empty. */
void query_add(struct buf *dst, struct str key, struct str value);

/* A path segment or a whole path, %XX decoded, '+' kept. ERR_INVALID on a bad escape or a NUL. */
err_code query_path_decode(struct arena *a, struct str raw, struct str *ret, struct err *e);

#endif
