#include "http/range.h"

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' || s.p[0] == '\n'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r' ||
                   s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

/* A number as Go's ParseInt takes it, which allows a plus sign; not negative. */
static bool position(struct str s, uint64_t *ret)
{
    if (s.n && s.p[0] == '+')
        s = str_skip(s, 1);
    return str_to_u64(s, INT64_MAX, ret);
}

/* One "first-last", "first-" or "-suffix". */
static enum range_kind parse_one(struct str s, uint64_t size, struct range *ret)
{
    size_t dash = str_find_byte(s, '-', 0);
    if (dash == s.n)
        return RANGE_NOT_A_RANGE;
    struct str first = trim(str_sub(s, 0, dash));
    struct str last = trim(str_skip(s, dash + 1));
    uint64_t n;
    if (first.n == 0) {
        if (!position(last, &n))
            return RANGE_NOT_A_RANGE;
        ret->length = n < size ? n : size;
        ret->first = size - ret->length;
        return RANGE_PART;
    }
    if (!position(first, &ret->first))
        return RANGE_NOT_A_RANGE;
    if (ret->first >= size)
        return RANGE_NO_OVERLAP;
    if (last.n == 0) {
        ret->length = size - ret->first;
        return RANGE_PART;
    }
    if (!position(last, &n) || n < ret->first)
        return RANGE_NOT_A_RANGE;
    ret->length = (n < size ? n : size - 1) - ret->first + 1;
    return RANGE_PART;
}

enum range_kind range_parse(struct str value, uint64_t size, struct range *ret)
{
    if (value.n == 0)
        return RANGE_WHOLE;
    if (!str_starts(value, STR("bytes=")))
        return RANGE_NOT_A_RANGE;
    unsigned parts = 0;
    bool behind = false;
    struct range found = {0, 0};
    for (struct str rest = str_skip(value, 6); rest.p;) {
        struct str piece = trim(str_cut(rest, ',', &rest));
        struct range one;
        if (piece.n == 0)
            continue;
        enum range_kind kind = parse_one(piece, size, &one);
        if (kind == RANGE_NOT_A_RANGE)
            return kind;
        behind |= kind == RANGE_NO_OVERLAP;
        if (kind == RANGE_PART && parts++ == 0)
            found = one;
    }
    if (size == 0 || parts > 1)
        return RANGE_WHOLE;
    if (parts == 0)
        return behind ? RANGE_NO_OVERLAP : RANGE_WHOLE;
    *ret = found;
    return RANGE_PART;
}
