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

/* How many bytes from p on are of that kind. */
static inline size_t span(const char *p, const char *end, unsigned kind)
{
    const char *at = p;
    while (at < end && kinds[(unsigned char)*at] & kind)
        at++;
    return (size_t)(at - p);
}

bool raw_token(struct str s)
{
    return s.n > 0 && span(s.p, s.p + s.n, TOKEN) == s.n;
}

bool raw_host(struct str s)
{
    return s.n == 0 || span(s.p, s.p + s.n, HOST) == s.n;
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
    if (name_is(name, "host", 4)) {
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
static bool at_line_end(const char *p, const char *end)
{
    return end - p >= 2 && p[0] == '\0' && p[1] == '\0';
}

static struct str trim(const char *p, size_t n)
{
    while (n && (*p == ' ' || *p == '\t'))
        p++, n--;
    while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    return str_of(p, n);
}

const char *raw_scan(const char *p, const char *end, struct raw_head *ret)
{
    struct raw_head h = {0};
    for (;;) {
        if (!at_line_end(p, end))
            return "a line of the head does not end in CRLF, or holds a control character";
        p += 2;
        if (at_line_end(p, end) && p + 2 == end)
            break;
        if (p < end && (*p == ' ' || *p == '\t'))
            return "a header field is folded over several lines";
        size_t n = span(p, end, TOKEN);
        if (n == 0 || p + n >= end || p[n] != '\0')
            return "a header field has no valid name followed by a colon";
        struct str name = str_of(p, n);
        p += n + 1;
        n = span(p, end, VALUE);
        note_field(&h, name, trim(p, n));
        p += n;
    }
    *ret = h;
    return NULL;
}
