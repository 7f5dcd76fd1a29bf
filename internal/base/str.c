#include "base/str.h"

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_of(s.p, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

size_t str_find_byte(struct str s, char c, size_t from)
{
    if (from >= s.n)
        return s.n;
    const char *at = memchr(s.p + from, c, s.n - from);
    return at ? (size_t)(at - s.p) : s.n;
}

size_t str_find(struct str s, struct str needle, size_t from)
{
    if (needle.n == 0)
        return from <= s.n ? from : s.n;
    if (from >= s.n)
        return s.n;
    const char *at = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return at ? (size_t)(at - s.p) : s.n;
}

struct str str_skip(struct str s, size_t k)
{
    if (k > s.n)
        k = s.n;
    return (struct str){s.p ? s.p + k : NULL, s.n - k};
}

struct str str_sub(struct str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (struct str){s.p ? s.p + from : NULL, to - from};
}

struct str str_cut(struct str s, char sep, struct str *rest)
{
    size_t at = str_find_byte(s, sep, 0);
    *rest = at < s.n ? str_skip(s, at + 1) : (struct str){NULL, 0};
    return str_sub(s, 0, at);
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
    if (s.n == 0)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t d = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    if (v > max)
        return false;
    *ret = v;
    return true;
}
