/*
 * Answers of JSON are compressed for who asks for it (RFC 9110, 8.4.1.3; RFC 1952).
 *
 * An ETag is of one representation (RFC 9110, 8.8.3.3), and ours stay strong: a compressed answer's
 * has "-gzip" before its closing quote. In conditions both mean the same version, so a client may
 * read a compressed group and send what it got in If-Match. The same text compresses to the same
 * bytes, since the header of our gzip has no time in it.
 */
#include <zlib.h>

#include "base/always.h"
#include "rest/route.h"

#define GZIP_MIN     1025 /* bytes; what is smaller fits a packet anyway */
#define GZIP_LEVEL   4
#define GZIP_WINDOW  (15 + 16) /* the largest; 16 makes zlib write gzip's header */
#define GZIP_MEMORY  8
#define ETAG_SUFFIX  "-gzip\""
#define QUALITY_NONE -1

/* --- what the client wants -------------------------------------------------------------------- */

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Thousandths of "q=0.5" (RFC 9110, 12.4.2); 1000 without one, 0 for what is no quality. */
static int quality(struct str parameter)
{
    struct str value, fraction;
    parameter = trim(parameter);
    if (!parameter.n)
        return 1000;
    if (!str_ieq(trim(str_cut(parameter, '=', &value)), STR("q")))
        return 0;
    struct str whole = str_cut(trim(value), '.', &fraction);
    uint64_t digits = 0;
    if (fraction.n > 3 || (fraction.n && !str_to_u64(fraction, 999, &digits)))
        return 0;
    for (size_t i = fraction.n; i < 3; i++)
        digits *= 10;
    return str_is(whole, "1") ? 1000 : str_is(whole, "0") ? (int)digits : 0;
}

static bool is_gzip(struct str coding)
{
    return str_ieq(coding, STR("gzip")) || str_ieq(coding, STR("x-gzip"));
}

bool gzip_wanted(struct str accept_encoding)
{
    int gzip = QUALITY_NONE, identity = QUALITY_NONE, any = QUALITY_NONE;
    for (struct str rest = accept_encoding; rest.p;) {
        struct str parameter;
        struct str coding = trim(str_cut(str_cut(rest, ',', &rest), ';', &parameter));
        int q = quality(parameter);
        if (is_gzip(coding))
            gzip = q;
        else if (str_ieq(coding, STR("identity")))
            identity = q;
        else if (str_is(coding, "*"))
            any = q;
    }
    if (gzip == QUALITY_NONE)
        gzip = any;
    return gzip > 0 && gzip >= identity;
}

/* --- ETags ------------------------------------------------------------------------------------ */

/* The header ETag becomes that of the compressed answer. False without memory. */
static bool mark_etag(struct rest_call *c)
{
    for (int i = 0; i < c->r->headers_n; i++) {
        if (strcmp(c->r->headers[i].name, "ETag") != 0)
            continue;
        struct str plain = str_c(c->r->headers[i].value);
        always(plain.n && plain.p[plain.n - 1] == '"');
        struct buf marked;
        buf_in_arena(&marked, c->q->arena, 2 * SERVICE_ETAG_MAX);
        buf_add(&marked, plain.p, plain.n - 1);
        buf_add_lit(&marked, ETAG_SUFFIX);
        const char *text = buf_c(&marked);
        if (!text)
            return false;
        c->r->headers[i].value = text;
    }
    return true;
}

bool gzip_plain_etags(struct arena *a, struct str list, struct str *ret)
{
    struct str suffix = STR(ETAG_SUFFIX);
    struct buf plain;
    buf_in_arena(&plain, a, list.n);
    *ret = list;
    if (str_find(list, suffix, 0) == list.n)
        return true;
    for (size_t at = 0; at < list.n;) {
        size_t end = str_find(list, suffix, at);
        buf_add_str(&plain, str_sub(list, at, end));
        if (end < list.n)
            buf_add_byte(&plain, '"');
        at = end < list.n ? end + suffix.n : end;
    }
    *ret = buf_str(&plain);
    return !plain.failed;
}

/* --- compressing ------------------------------------------------------------------------------ */

/* False when memory is out, or the result would not be smaller. */
static bool compress_text(struct arena *a, struct str text, struct str *ret)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)text.p, .avail_in = (uInt)text.n};
    char *out = arena_alloc(a, text.n);
    if (!out || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                             Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)text.n;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    *ret = str_of(out, text.n - z.avail_out);
    deflateEnd(&z);
    return done;
}

void gzip_answer(struct rest_call *c)
{
    struct http_response *r = c->r;
    struct str small;
    bool read = str_is(c->q->method, "GET") || http_is_head(c->q);
    if (!read || !c->json || !str_is(r->content_type, "application/json") ||
        (r->status != 200 && r->status != 304) || r->body.n < GZIP_MIN)
        return;
    http_add_header(r, "Vary", "Accept-Encoding");
    if (!gzip_wanted(http_header(c->q, "Accept-Encoding")) ||
        !compress_text(c->q->arena, r->body, &small) || !mark_etag(c))
        return;
    if (!http_add_header(r, "Content-Encoding", "gzip"))
        return;
    r->kind = HTTP_BODY_COPY;
    r->body = small;
}
