/*
 * A file as an answer: validators, conditional requests (RFC 9110, 13) and one range (14).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/etag.h"
#include "http/http.h"
#include "http/range.h"

#define DATE_SIZE 32

/* What the file is now, as the client is told. */
struct validators {
    char etag[72];
    char date[DATE_SIZE]; /* of Last-Modified; empty: not known */
    time_t mtime;
};

/* --- dates ----------------------------------------------------------------------------------- */

/* RFC 9110, 5.6.7: the form that is sent, and the two old ones that are accepted too. */
static bool date_parse(struct str s, time_t *ret)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y"};
    char text[64];
    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm t = {0};
        const char *end = strptime(text, forms[i], &t);
        if (end && *end == '\0') {
            *ret = timegm(&t);
            return true;
        }
    }
    return false;
}

static void date_format(time_t when, char dst[DATE_SIZE])
{
    struct tm t;
    dst[0] = '\0';
    if (when > 0 && gmtime_r(&when, &t))
        strftime(dst, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &t);
}

static struct validators validators_of(const struct stat *st)
{
    struct validators v = {.mtime = st->st_mtim.tv_sec};
    snprintf(v.etag, sizeof v.etag, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 ".%lx\"",
             (uint64_t)st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
             (unsigned long)st->st_mtim.tv_nsec);
    date_format(v.mtime, v.date);
    return v;
}

/* --- preconditions --------------------------------------------------------------------------- */

/* 0, 304 or 412, in the order of RFC 9110, 13.2.2. A date that is none is ignored. */
static int precondition(const struct http_request *q, const struct validators *v)
{
    bool reads = http_is_head(q) || str_eq(q->method, STR("GET"));
    struct str match = http_header(q, "If-Match");
    struct str none_match = http_header(q, "If-None-Match");
    time_t t;
    if (match.p) {
        if (!etag_in_list(match, v->etag, true))
            return 412;
    } else if (date_parse(http_header(q, "If-Unmodified-Since"), &t) && v->date[0] &&
               v->mtime > t) {
        return 412;
    }
    if (none_match.p)
        return !etag_in_list(none_match, v->etag, false) ? 0 : reads ? 304 : 412;
    if (reads && v->date[0] && date_parse(http_header(q, "If-Modified-Since"), &t) && v->mtime <= t)
        return 304;
    return 0;
}

/* Whether a Range counts: there is no If-Range, or it names just what we have. */
static bool range_allowed(const struct http_request *q, const struct validators *v)
{
    struct str condition = http_header(q, "If-Range");
    time_t t;
    if (condition.n == 0)
        return true;
    if (condition.p[0] == '"' || str_starts(condition, STR("W/")))
        return str_is(condition, v->etag);
    return v->date[0] && date_parse(condition, &t) && t == v->mtime;
}

/* --- the answer ------------------------------------------------------------------------------ */

static const char *kept(struct http_request *q, const char *text)
{
    struct str copy;
    return arena_str(q->arena, str_c(text), &copy) ? copy.p : NULL;
}

/* A header whose value is on the stack. Without memory it is left out: all of them may be. */
static void add_copy(struct http_request *q, struct http_response *r, const char *name,
                     const char *value)
{
    const char *copy = kept(q, value);
    if (copy)
        http_add_header(r, name, copy);
}

static void not_satisfiable(struct http_request *q, struct http_response *r, enum range_kind kind,
                            uint64_t size)
{
    if (kind == RANGE_NOT_A_RANGE) {
        http_text(q, r, 416, "invalid range");
        return;
    }
    char value[48];
    snprintf(value, sizeof value, "bytes */%" PRIu64, size);
    http_text(q, r, 416, "invalid range: failed to overlap");
    add_copy(q, r, "Content-Range", value);
}

static void send_part(struct http_request *q, struct http_response *r, struct range part,
                      uint64_t size)
{
    /* An empty part has no last byte: as the peer does, it is written as one before the first. */
    char value[80];
    snprintf(value, sizeof value, "bytes %" PRIu64 "-%" PRId64 "/%" PRIu64, part.first,
             (int64_t)(part.first + part.length) - 1, size);
    r->status = 206;
    r->offset = part.first;
    r->length = part.length;
    add_copy(q, r, "Content-Range", value);
}

/* What a 304 says is what a 200 would have said; the file itself is not sent then. */
static void send_file(struct http_request *q, struct http_response *r, int fd,
                      const struct validators *v, uint64_t size, int status)
{
    r->status = status;
    r->kind = HTTP_BODY_FILE;
    r->fd = fd;
    r->offset = 0;
    r->length = size;
    http_add_header(r, "Accept-Ranges", "bytes");
    add_copy(q, r, "ETag", v->etag);
    if (v->date[0])
        add_copy(q, r, "Last-Modified", v->date);
}

void http_file(struct http_request *q, struct http_response *r, int fd, const struct stat *st,
               const char *content_type)
{
    if (!S_ISREG(st->st_mode) || st->st_size < 0) {
        close(fd);
        http_text(q, r, 404, "404 page not found");
        return;
    }
    struct validators v = validators_of(st);
    uint64_t size = (uint64_t)st->st_size;
    int status = precondition(q, &v);
    struct range part;
    enum range_kind kind = RANGE_WHOLE;
    if (!status && str_eq(q->method, STR("GET")) && range_allowed(q, &v))
        kind = range_parse(http_header(q, "Range"), size, &part);
    if (status == 412 || kind == RANGE_NO_OVERLAP || kind == RANGE_NOT_A_RANGE) {
        close(fd);
        if (status == 412)
            http_text(q, r, 412, "412 the file is not the one that the request is about");
        else
            not_satisfiable(q, r, kind, size);
        return;
    }
    send_file(q, r, fd, &v, size, status ? status : 200);
    if (status != 304)
        r->content_type = str_c(content_type);
    if (kind == RANGE_PART)
        send_part(q, r, part, size);
}
