/* Texts of every length around sixteen, each in memory of just that length, as sanitizers see. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/counter.h"
#include "base/span.h"

#define LONGEST 50

SPAN_DEFINE(no_digit, SPAN_IN(v, '0', '9'))

static char *of_length(size_t n)
{
    char *p = malloc(n ? n : 1);
    memset(p, 'x', n);
    return p;
}

Test(span, finds_a_byte_wherever_it_is)
{
    static const struct {
        char c;
        bool digit;
    } cases[] = {{'0', true},  {'9', true},  {'5', true},
                 {'/', false}, {':', false}, {'\xB5', false}};
    for (size_t n = 0; n < LONGEST; n++) {
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char *p = of_length(n);
                p[at] = cases[i].c;
                cr_expect_eq(no_digit(str_of(p, n)), !cases[i].digit, "%zu of %zu", at, n);
                free(p);
            }
        }
    }
    cr_expect(no_digit(STR("")) && no_digit(str_of(NULL, 0)));
}

Test(span, blocks_are_the_text)
{
    for (size_t n = 1; n < LONGEST; n++) {
        char *p = malloc(n);
        for (size_t i = 0; i < n; i++)
            p[i] = (char)('A' + i);
        for (size_t at = 0; at < n; at++) {
            struct span_block b = span_block(str_of(p, n), at);
            size_t seen = 0;
            for (unsigned i = 0; i < SPAN; i++)
                if (b.of >> i & 1) {
                    cr_expect(b.from + i >= at && b.from + i < n &&
                              b.v[i] == (unsigned)p[b.from + i]);
                    seen++;
                }
            cr_expect_eq(seen, n - at < SPAN ? n - at : SPAN);
            cr_expect_eq(span_mask(SPAN_IS(b.v, p[at])) & b.of, 1u << (at - b.from));
        }
        free(p);
    }
}

Test(str, words_sort_as_texts_do)
{
    static const char *const texts[] = {
        "",     "a", "ab",     "abc", "abcd", "abcde",  "abd",      "abcdefgh", "abcdefghi",
        "\xFF", "b", "abcdef", "mac", "uuid", "serial", "hostname", "MAC",      "abcdefg"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            struct str a = str_c(texts[i]), b = str_c(texts[k]);
            uint64_t x = str_word(a), y = str_word(b);
            cr_expect(x == y ? str_eq(a, b) || (a.n >= 8 && b.n >= 8)
                             : (x < y) == (str_cmp(a, b) < 0),
                      "%s %s", texts[i], texts[k]);
        }
    }
}

Test(str, is_put)
{
    for (size_t n = 0; n < LONGEST; n++) {
        char *from = of_length(n), *to = of_length(n + 1);
        for (size_t i = 0; i < n; i++)
            from[i] = (char)('A' + i);
        to[n] = '!';
        cr_expect_eq(str_put(to, str_of(from, n)), to + n);
        cr_expect(memcmp(to, from, n) == 0 && to[n] == '!', "%zu", n);
        free(from);
        free(to);
    }
}

Test(str, numbers_are_put)
{
    BUF_LOCAL(want, 64);
    for (uint64_t n = 1; n && n < UINT64_MAX / 3; n = n * 3 + 1) {
        for (uint64_t k = n - 1; k <= n + 1; k++) {
            char *got = malloc(20);
            buf_clear(&want);
            buf_addf(&want, "%llu", (unsigned long long)k);
            cr_expect(str_eq(str_of(got, (size_t)(str_put_u64(got, k) - got)), buf_str(&want)));
            free(got);
        }
    }
    for (uint64_t n = 1; n <= UINT64_MAX / 10; n *= 10) {
        char got[20];
        cr_expect_eq(str_put_u64(got, n) - str_put_u64(got, n - 1), n > 1);
    }
    char got[20];
    cr_expect(
        str_is(str_of(got, (size_t)(str_put_u64(got, UINT64_MAX) - got)), "18446744073709551615"));
}

Test(arena, gives_what_is_left_and_no_more)
{
    _Alignas(16) char room[70];
    struct arena a;
    arena_init_fixed(&a, room, sizeof room);
    cr_expect_null(arena_alloc(&a, 0));
    cr_expect_null(arena_alloc(&a, SIZE_MAX));
    cr_expect_null(arena_alloc(&a, SIZE_MAX - 15));
    cr_expect_eq(arena_alloc(&a, 17), room);
    cr_expect_eq(arena_alloc(&a, 16), room + 32);
    cr_expect_null(arena_alloc(&a, 17));
    cr_expect_eq(arena_alloc(&a, 1), room + 48);
    cr_expect_null(arena_alloc(&a, 7), "the last six bytes are not aligned room for sixteen");
}

Test(counter, keeps_to_one_shard)
{
    struct counter c = {0};
    unsigned own = counter_shard();
    for (int i = 0; i < 1000; i++)
        counter_add(&c, 2);
    cr_expect_eq(counter_get(&c), 2000);
    cr_expect(own < COUNTER_SHARDS && counter_shard() == own);
    cr_expect_eq(c.shard[own].n, 2000);
}
