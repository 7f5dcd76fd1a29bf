/*
 * str.h - byte slices: a pointer and a length, never owning, not ended by a NUL, any bytes.
 *
 * {NULL,0} is "absent", {"",0} is "empty"; both have n == 0 and are equal to each other.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

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

/* Byte order; a prefix sorts before what it is a prefix of. */
int str_cmp(struct str a, struct str b);
/* Equal but for the case of A-Z. */
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first c at or after from, or s.n. */
size_t str_find_byte(struct str s, char c, size_t from);
/* Index of the first needle at or after from, or s.n. An empty needle is found at from. */
size_t str_find(struct str s, struct str needle, size_t from);
/* s without its first k bytes (k may be larger than s.n). */
struct str str_skip(struct str s, size_t k);
struct str str_sub(struct str s, size_t from, size_t to);
/* Cuts s at the first sep: the head is returned, *rest is what follows it (absent if none). */
struct str str_cut(struct str s, char sep, struct str *rest);

/* Decimal digits only, the whole slice, at most max. False otherwise. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

#endif
