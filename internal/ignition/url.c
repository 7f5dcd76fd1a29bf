#include "ignition/url.h"

#include <arpa/inet.h>

#include "base/buf.h"
#include "base/enc.h"

#define NOT_A_URL "not a URL that can be parsed"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* At s.p[i] is "%XX"; its value, or -1. */
static int escape_at(struct str s, size_t i)
{
    if (i + 2 >= s.n)
        return -1;
    int high = enc_hex_digit(s.p[i + 1]), low = enc_hex_digit(s.p[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool escapes_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '%' && escape_at(s, i) < 0)
            return false;
    return true;
}

/* --- user@host:port */

static bool host_char(char c)
{
    return (unsigned char)c >= 0x80 || is_letter(c) || is_digit(c) ||
           is_one_of(c, "-_.~!$&'()*+,;=:[]<>\"");
}

/* In a host only non-ASCII bytes and '%' may be escaped; zones of addresses may escape more. */
static bool host_valid(struct str s, bool zone)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            if (!host_char(s.p[i]))
                return false;
            continue;
        }
        int v = escape_at(s, i);
        bool allowed = zone ? v == ' ' || host_char((char)v) : v >= 0x80;
        if (v < 0 || (v != '%' && !allowed))
            return false;
        i += 2;
    }
    return true;
}

static bool port_valid(struct str s)
{
    if (s.n == 0)
        return true;
    if (s.p[0] != ':')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    return true;
}

static bool ipv6_valid(struct str s)
{
    char text[64];
    struct in6_addr address;
    if (s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return strlen(text) == s.n && inet_pton(AF_INET6, text, &address) == 1;
}

/* "[fe80::1%25eth0]:80" */
static bool bracketed_valid(struct str s)
{
    size_t end = s.n;
    while (end > 0 && s.p[end - 1] != ']')
        end--;
    if (end == 0 || !port_valid(str_skip(s, end)))
        return false;
    struct str inside = str_sub(s, 1, end - 1);
    size_t zone = str_find(inside, STR("%25"), 0);
    if (!host_valid(str_skip(inside, zone), true))
        return false;
    return ipv6_valid(str_sub(inside, 0, zone));
}

static bool user_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && !is_one_of(s.p[i], "-._:~!$&'()*+,;=%@"))
            return false;
    return escapes_valid(s);
}

static bool authority_valid(struct str s)
{
    size_t host = s.n;
    while (host > 0 && s.p[host - 1] != '@')
        host--;
    if (host > 0 && !user_valid(str_sub(s, 0, host - 1)))
        return false;
    s = str_skip(s, host);
    size_t bracket = str_find_byte(s, '[', 0);
    if (bracket < s.n)
        return bracket == 0 && bracketed_valid(s);
    return host_valid(s, false) && port_valid(str_skip(s, str_find_byte(s, ':', 0)));
}

/* --- the whole */

/* The scheme's length; 0 if there is none. */
static size_t scheme_length(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ':')
            return i;
        bool later = is_digit(s.p[i]) || is_one_of(s.p[i], "+-.");
        if (!is_letter(s.p[i]) && !(later && i > 0))
            return 0;
    }
    return 0;
}

static bool has_control_char(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

bool url_parse(struct str s, struct url *ret)
{
    struct str fragment, query, rest = str_cut(s, '#', &fragment);
    if (has_control_char(rest) || !escapes_valid(fragment) || (rest.n && rest.p[0] == ':'))
        return false;
    size_t n = scheme_length(rest);
    *ret = (struct url){.scheme = str_sub(rest, 0, n)};
    if (n == 0)
        return true;
    rest = str_cut(str_skip(rest, n + 1), '?', &query);
    ret->query = query;
    if (rest.n == 0 || rest.p[0] != '/') {
        ret->opaque = rest;
        return true;
    }
    if (str_starts(rest, STR("//"))) {
        size_t path = str_find_byte(rest, '/', 2);
        if (!authority_valid(str_sub(rest, 2, path)))
            return false;
        rest = str_skip(rest, path);
    }
    return escapes_valid(rest);
}

/* Is there a versionId in the query that is empty? The first one counts. */
static bool version_id_empty(struct str query)
{
    while (query.n) {
        struct str value, pair = str_cut(query, '&', &query), key = str_cut(pair, '=', &value);
        BUF_LOCAL(name, 64);
        if (str_find_byte(pair, ';', 0) < pair.n || !escapes_valid(value) ||
            !enc_percent_decode(&name, key, true))
            continue;
        if (str_is(buf_str(&name), "versionId"))
            return value.n == 0;
    }
    return false;
}

/* arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY, the resource also accesspoint/NAME/KEY. */
static const char *check_arn(const struct url *u)
{
    static const char wrong[] = "not the ARN of an object in S3";
    struct str rest = u->opaque, section = {NULL, 0};
    for (int i = 0; i < 4; i++) {
        section = str_cut(rest, ':', &rest);
        if (!rest.p)
            return wrong;
        if (i == 1 && !str_is(section, "s3"))
            return wrong;
    }
    size_t slashes = 0;
    for (size_t i = 0; i < u->opaque.n; i++)
        slashes += u->opaque.p[i] == '/';
    if (slashes < (str_starts(rest, STR("accesspoint/")) ? 2 : 1))
        return wrong;
    return version_id_empty(u->query) ? "the versionId is empty" : NULL;
}

const char *url_check_source(struct str s, unsigned minor)
{
    struct url u;
    if (!url_parse(s, &u))
        return NOT_A_URL;
    if (str_ieq(u.scheme, STR("http")) || str_ieq(u.scheme, STR("https")) ||
        str_ieq(u.scheme, STR("tftp")) || (str_ieq(u.scheme, STR("gs")) && minor >= 2))
        return NULL;
    if (str_ieq(u.scheme, STR("s3")))
        return version_id_empty(u.query) ? "the versionId is empty" : NULL;
    if (str_ieq(u.scheme, STR("arn")) && minor >= 4)
        return check_arn(&u);
    if (str_ieq(u.scheme, STR("data")))
        return url_check_data(s);
    return minor >= 4   ? "the scheme must be http, https, tftp, s3, gs, arn or data"
           : minor >= 2 ? "the scheme must be http, https, tftp, s3, gs or data"
                        : "the scheme must be http, https, tftp, s3 or data";
}

const char *url_check_http(struct str s)
{
    struct url u;
    if (!url_parse(s, &u))
        return NOT_A_URL;
    bool good = str_ieq(u.scheme, STR("http")) || str_ieq(u.scheme, STR("https"));
    return good ? NULL : "the scheme must be http or https";
}
