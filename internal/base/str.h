/*
 * str.h - byte slices: a pointer and a length, never owning, not ended by a NUL, any bytes.
 *
 * {NULL,0} is "absent", {"",0} is "empty"; both have n == 0 and are equal to each other.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(lit) ((struct str){"" lit "", sizeof(lit) - 1})
#define STR_INIT(lit)                                                                              \
    {                                                                                              \
        "" lit "", sizeof(lit) - 1                                                                 \
    }
/* For printf's "%.*s". Cuts at INT_MAX, which no text of ours reaches. */
#define STR_FMT(s) (int)(s).n, (s).n ? (s).p : ""

static inline struct str str_of(const char *p, size_t n)
{
    return (struct str){p, n};
}

/* Of a C string; NULL gives the absent slice. */
static inline struct str str_c(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_c(z));
}

/*
 * The first eight bytes of s as a number that sorts as they do, with zeros where there are less.
 * Of a literal the compiler knows it: texts of up to eight bytes are equal when their numbers and
 * lengths are.
 */
static inline uint64_t str_word(struct str s)
{
    uint64_t x = 0;
    if (s.n >= 8) {
        memcpy(&x, s.p, 8);
        return be64toh(x);
    }
    if (s.n >= 4) { /* the last four bytes may be some of the first */
        uint32_t from, to;
        memcpy(&from, s.p, 4);
        memcpy(&to, s.p + s.n - 4, 4);
        return (uint64_t)be32toh(from) << 32 | (uint32_t)((uint64_t)be32toh(to) << (64 - 8 * s.n));
    }
    for (size_t i = 0; i < s.n; i++)
        x |= (uint64_t)(unsigned char)s.p[i] << (56 - 8 * i);
    return x;
}

/* Byte order; a prefix sorts before what it is a prefix of. */
int str_cmp(struct str a, struct str b);
/* Equal but for the case of A-Z. */
bool str_ieq(struct str a, struct str b);
/* Index of the first c at or after from, or s.n. */
size_t str_find_byte(struct str s, char c, size_t from);
/* Index of the first needle at or after from, or s.n. An empty needle is found at from. */
size_t str_find(struct str s, struct str needle, size_t from);
/* s without its first k bytes (k may be larger than s.n). */
static inline struct str str_skip(struct str s, size_t k)
{
    if (k > s.n)
        k = s.n;
    return (struct str){s.p ? s.p + k : NULL, s.n - k};
}
struct str str_sub(struct str s, size_t from, size_t to);
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_of(s.p, prefix.n), prefix);
}
static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}
/* Cuts s at the first sep: the head is returned, *rest is what follows it (absent if none). */
struct str str_cut(struct str s, char sep, struct str *rest);

/* Decimal digits only, the whole slice, at most max. False otherwise. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* Copies s to at, which has room for it, and returns where it ends: for texts of a few bytes. */
static inline char *str_put(char *at, struct str s)
{
    if (s.n > 16) {
        memcpy(at, s.p, s.n);
    } else if (s.n >= 8) {
        uint64_t from, to;
        memcpy(&from, s.p, 8);
        memcpy(&to, s.p + s.n - 8, 8);
        memcpy(at, &from, 8);
        memcpy(at + s.n - 8, &to, 8);
    } else if (s.n >= 4) {
        uint32_t from, to;
        memcpy(&from, s.p, 4);
        memcpy(&to, s.p + s.n - 4, 4);
        memcpy(at, &from, 4);
        memcpy(at + s.n - 4, &to, 4);
    } else if (s.n) {
        at[0] = s.p[0];
        at[s.n / 2] = s.p[s.n / 2];
        at[s.n - 1] = s.p[s.n - 1];
    }
    return at + s.n;
}

/* Writes n in decimal to at, at most 20 bytes, and returns where it ends. */
char *str_put_u64(char *at, uint64_t n);

#endif
