#include "http/raw.h"

#include <strings.h>

#include "base/span.h"

enum { TOKEN = 1, HOST = 2, VALUE = 4 };

/* What a byte may be part of. A value: what is printable, bytes above 127, and the tab. */
static const unsigned char kinds[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = VALUE | TOKEN | HOST,
    ['"'] = VALUE,
    ['#'] = VALUE | TOKEN,
    ['$'] = VALUE | TOKEN | HOST,
    ['%'] = VALUE | TOKEN | HOST,
    ['&'] = VALUE | TOKEN | HOST,
    ['\''] = VALUE | TOKEN | HOST,
    ['('] = VALUE | HOST,
    [')'] = VALUE | HOST,
    ['*'] = VALUE | TOKEN | HOST,
    ['+'] = VALUE | TOKEN | HOST,
    [','] = VALUE,
    ['-'] = VALUE | TOKEN | HOST,
    ['.'] = VALUE | TOKEN | HOST,
    ['/'] = VALUE,
    ['0' ... '9'] = VALUE | TOKEN | HOST,
    [':'] = VALUE | HOST,
    [';'] = VALUE | HOST,
    ['<'] = VALUE,
    ['='] = VALUE | HOST,
    ['>' ... '@'] = VALUE,
    ['A' ... 'Z'] = VALUE | TOKEN | HOST,
    ['['] = VALUE | HOST,
    ['\\'] = VALUE,
    [']'] = VALUE | HOST,
    ['^'] = VALUE | TOKEN,
    ['_'] = VALUE | TOKEN | HOST,
    ['`'] = VALUE | TOKEN,
    ['a' ... 'z'] = VALUE | TOKEN | HOST,
    ['{'] = VALUE,
    ['|'] = VALUE | TOKEN,
    ['}'] = VALUE,
    ['~'] = VALUE | TOKEN | HOST,
    [0x80 ... 0xFF] = VALUE,
};

/* Wider than RFC 3986: real boot clients send quotes, brackets and bytes above 127 as they are. */
SPAN_DEFINE(is_visible, (v <= ' ') | (v == 0x7F))

/* Of the bytes that are tokens and hosts, those that nearly all are made of. */
static inline span_bytes common(span_bytes v)
{
    return SPAN_IN(v | 0x20, 'a', 'z') | SPAN_IN(v, '0', '9') | SPAN_IN(v, '-', '.');
}

SPAN_DEFINE(is_common, ~common(v))

static bool all_of_kind(struct str s, unsigned kind)
{
    if (is_common(s))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (!(kinds[(unsigned char)s.p[i]] & kind))
            return false;
    return true;
}

bool raw_token(struct str s)
{
    if (s.n == 3 && memcmp(s.p, "GET", 3) == 0)
        return true;
    return s.n > 0 && all_of_kind(s, TOKEN);
}

bool raw_host(struct str s)
{
    return all_of_kind(s, HOST);
}

/* The bytes before the authority: "http://"; 0 if target is not in absolute form. */
static size_t scheme_length(struct str target)
{
    if (target.n >= 7 && strncasecmp(target.p, "http://", 7) == 0)
        return 7;
    return target.n >= 8 && strncasecmp(target.p, "https://", 8) == 0 ? 8 : 0;
}

static size_t authority_end(struct str target, size_t at)
{
    while (at < target.n && target.p[at] != '/' && target.p[at] != '?')
        at++;
    return at;
}

struct str raw_origin_form(struct str target)
{
    size_t scheme = target.n && target.p[0] != '/' ? scheme_length(target) : 0;
    return scheme ? str_skip(target, authority_end(target, scheme)) : target;
}

const char *raw_target(struct str target)
{
    if (target.n == 0 || target.p[0] != '/') {
        size_t scheme = scheme_length(target), end = authority_end(target, scheme);
        if (scheme == 0)
            return "the request target must begin with a slash, or be a URL of http or https";
        if (end == scheme || !raw_host(str_sub(target, scheme, end)))
            return "the request target is a URL with no host";
    }
    if (!is_visible(target))
        return "the request target holds a space or a control character";
    return NULL;
}

static bool name_is(struct str name, const char *lower, size_t n)
{
    return name.n == n && strncasecmp(name.p, lower, n) == 0;
}

static void note_field(struct raw_head *h, struct str name, struct str value)
{
    h->fields++;
    const uint64_t lower = (uint64_t)0x20202020 << 32;
    if (name.n == 4 && (str_word(name) | lower) == str_word(STR("host"))) {
        h->hosts++;
        h->host = value;
    } else if (name_is(name, "content-length", 14)) {
        h->content_lengths++;
        h->content_length = value;
    } else if (name_is(name, "transfer-encoding", 17)) {
        h->transfer_encodings++;
        h->transfer_encoding = value;
    }
}

/* The two NULs that a CRLF left. */
static bool at_line_end(struct str s, size_t at)
{
    return s.n - at >= 2 && memcmp(s.p + at, "\0", 2) == 0;
}

static struct str trim(const char *p, size_t n)
{
    while (n && (*p == ' ' || *p == '\t'))
        p++, n--;
    while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    return str_of(p, n);
}

/* --- field lines --- */

static inline span_bytes no_value(span_bytes v)
{
    return (SPAN_IN(v, 0, 0x1F) & ~SPAN_IS(v, '\t')) | SPAN_IS(v, 0x7F);
}

static size_t far_value_end(struct str s, size_t at)
{
    for (; at < s.n; at += SPAN) {
        struct span_block b = span_block(s, at);
        unsigned ends = span_mask(no_value(b.v)) & b.of;
        if (ends)
            return b.from + (size_t)__builtin_ctz(ends);
    }
    return s.n;
}

/* Where the first byte from `at` on is that no VALUE holds; s.n without one. */
static inline size_t value_end(struct str s, size_t at)
{
    unsigned ends = s.n - at >= SPAN ? span_mask(no_value(span_load(s.p + at))) : 0;
    if (ends)
        return at + (size_t)__builtin_ctz(ends);
    return far_value_end(s, s.n - at >= SPAN ? at + SPAN : at);
}

/* The same for a name; *ret_token: it is a token. */
static inline size_t name_end(struct str s, size_t at, bool *ret_token)
{
    if (s.n - at >= SPAN) {
        span_bytes v = span_load(s.p + at);
        unsigned ends = span_mask(no_value(v)), first = ends & -ends;
        if (first > 1 && (span_mask(common(v)) & (first - 1)) == first - 1) {
            *ret_token = true;
            return at + (size_t)__builtin_ctz(ends);
        }
    }
    size_t to = far_value_end(s, at);
    *ret_token = raw_token(str_sub(s, at, to));
    return to;
}

const char *raw_scan(const char *p, const char *end, struct raw_head *ret)
{
    struct raw_head h = {0};
    const struct str all = str_of(p, (size_t)(end - p));
    for (size_t at = 0;;) {
        if (!at_line_end(all, at))
            return "a line of the head does not end in CRLF, or holds a control character";
        at += 2;
        if (at_line_end(all, at) && at + 2 == all.n)
            break;
        if (at < all.n && (p[at] == ' ' || p[at] == '\t'))
            return "a header field is folded over several lines";
        bool token;
        size_t to = name_end(all, at, &token);
        if (!token || to == all.n || p[to] != '\0')
            return "a header field has no valid name followed by a colon";
        struct str name = str_of(p + at, to - at);
        at = to + 1;
        to = value_end(all, at);
        note_field(&h, name, trim(p + at, to - at));
        at = to;
    }
    *ret = h;
    return NULL;
}
