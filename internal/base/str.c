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

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

/* Below 1,000. */
static inline char *put_small(char *at, unsigned n)
{
    if (n >= 100) {
        *at++ = (char)('0' + n / 100);
        memcpy(at, pairs + n % 100 * 2, 2);
        return at + 2;
    }
    if (n >= 10) {
        memcpy(at, pairs + n * 2, 2);
        return at + 2;
    }
    *at = (char)('0' + n);
    return at + 1;
}

__attribute__((noinline)) static char *put_large(char *at, uint64_t n)
{
    char digits[20], *from = digits + sizeof digits;
    for (; n >= 1000; n /= 100) {
        from -= 2;
        memcpy(from, pairs + n % 100 * 2, 2);
    }
    at = put_small(at, (unsigned)n);
    return str_put(at, str_of(from, (size_t)(digits + sizeof digits - from)));
}

char *str_put_u64(char *at, uint64_t n)
{
    if (n < 1000)
        return put_small(at, (unsigned)n);
    if (n >= 100000)
        return put_large(at, n);
    at = put_small(at, (unsigned)n / 100);
    memcpy(at, pairs + n % 100 * 2, 2);
    return at + 2;
}
