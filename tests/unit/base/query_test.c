#include <criterion/criterion.h>

#include "base/query.h"

struct query_case {
    const char *raw;
    const char *pairs; /* key=value; for each, in order */
    uint32_t dropped;
};

Test(query, pairs_are_read_as_go_does)
{
    static const struct query_case cases[] = {
        {"", "", 0},
        {"a=1&b=2", "a=1;b=2;", 0},
        {"site", "site=;", 0},
        {"a=1;b=2&site=ams", "site=ams;", 1},
        {"a=1%3Bb&site=ams", "a=1;b;site=ams;", 0},
        {"%zz=1&site=ams", "site=ams;", 1},
        {"a=%&b=%4&c=%4g&d=1", "d=1;", 3},
        {"x=<&site=ams", "x=<;site=ams;", 0},
        {"x=\"a\"'b'&site=ams", "x=\"a\"'b';site=ams;", 0},
        {"site=ams#frag", "site=ams#frag;", 0},
        {"a[]=1&site=ams", "a[]=1;site=ams;", 0},
        {"a=b=c", "a=b=c;", 0},
        {"=v&=", "=v;=;", 0},
        {"&&a=1&&b=2&", "a=1;b=2;", 0},
        {"a+b=c+d", "a b=c d;", 0},
        {"a%2Bb=%2b", "a+b=+;", 0},
        {"a=1&a=2&A=3", "a=1;a=2;A=3;", 0},
        {"%6dac=x", "mac=x;", 0},
        {"a=%250a", "a=%0a;", 0},
        {"?a=1", "?a=1;", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        BUF_LOCAL(got, 1 << 16);
        struct query_pair *pairs = NULL;
        uint32_t n = 0, dropped = 99;
        struct err e = ERR_INIT;
        err_code code = query_read(&a, str_c(cases[i].raw), 100, &pairs, &n, &dropped, &e);
        cr_expect(code == ERR_OK, "%s: %s", cases[i].raw, e.msg);
        for (uint32_t k = 0; k < n; k++)
            buf_addf(&got, "%.*s=%.*s;", STR_FMT(pairs[k].key), STR_FMT(pairs[k].value));
        cr_expect(str_is(buf_str(&got), cases[i].pairs), "%s: %.*s", cases[i].raw,
                  STR_FMT(buf_str(&got)));
        cr_expect(dropped == cases[i].dropped, "%s: %u dropped", cases[i].raw, dropped);
    }
}

Test(query, values_may_hold_any_byte)
{
    ARENA_LOCAL(a, 1 << 20);
    struct query_pair *pairs = NULL;
    uint32_t n = 0, dropped = 0;
    cr_expect(query_read(&a, STR("k=%00%ff\xfe"), 10, &pairs, &n, &dropped, NULL) == ERR_OK);
    cr_expect(n == 1 && str_eq(pairs[0].value, str_of("\0\xff\xfe", 3)));
}

Test(query, pairs_have_a_limit)
{
    ARENA_LOCAL(a, 1 << 20);
    struct query_pair *pairs = NULL;
    uint32_t n = 77, dropped = 77;
    struct err e = ERR_INIT;
    cr_expect(query_read(&a, STR("a&b&c"), 2, &pairs, &n, &dropped, &e) == ERR_LIMIT);
    cr_expect(!pairs && n == 77 && dropped == 77 && strstr(e.msg, "2"), "%s", e.msg);
    cr_expect(query_read(&a, STR("a&b&&%&;&"), 2, &pairs, &n, &dropped, &e) == ERR_OK);
    cr_expect(n == 2 && dropped == 2);
    arena_free(&a);
    a.max = 16;
    cr_expect(query_read(&a, STR("a=b"), 2, &pairs, &n, &dropped, &e) == ERR_NOMEM);
}

Test(query, text_without_escapes_is_not_copied)
{
    ARENA_LOCAL(a, 1 << 20);
    struct str raw = STR("mac=52:54");
    struct query_pair *pairs = NULL;
    uint32_t n, dropped;
    cr_expect(query_read(&a, raw, 2, &pairs, &n, &dropped, NULL) == ERR_OK);
    cr_expect(pairs[0].key.p == raw.p && pairs[0].value.p == raw.p + 4);
}

Test(query, paths_are_decoded)
{
    static const char *const cases[][2] = {
        {"/a/b", "/a/b"},
        {"/a%20b", "/a b"},
        {"/a+b", "/a+b"},
        {"%2e%2e%2f", "../"},
        {"pct%2541.txt", "pct%41.txt"},
        {"", ""},
        {"%C3%BC", "\xC3\xBC"},
        {"/a%", NULL},
        {"/a%4", NULL},
        {"/a%zz", NULL},
        {"/a%00b", NULL},
        {"%ff", "\xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        struct str got = STR("untouched");
        err_code code = query_path_decode(&a, str_c(cases[i][0]), &got, NULL);
        cr_expect(code == (cases[i][1] ? ERR_OK : ERR_INVALID), "%s", cases[i][0]);
        cr_expect(str_is(got, cases[i][1] ? cases[i][1] : "untouched"), "%s", cases[i][0]);
    }
    ARENA_LOCAL(a, 1 << 20);
    struct str got;
    cr_expect(query_path_decode(&a, str_of("a\0b", 3), &got, NULL) == ERR_INVALID);
}

Test(query, what_is_added_is_read_back)
{
    ARENA_LOCAL(a, 1 << 20);
    BUF_LOCAL(text, 1 << 16);
    static const struct query_pair want[] = {
        {STR_INIT("mac"), STR_INIT("52:54:00:00:00:01")},
        {STR_INIT("a b&c=d"), STR_INIT("+;%\"\xff\n")},
        {STR_INIT(""), STR_INIT("")},
    };
    for (size_t i = 0; i < 3; i++)
        query_add(&text, want[i].key, want[i].value);
    cr_expect(str_starts(buf_str(&text), STR("mac=52:54:00:00:00:01&a%20b%26c%3Dd=%2B%3B%25")));
    struct query_pair *pairs = NULL;
    uint32_t n = 0, dropped = 0;
    cr_expect(query_read(&a, buf_str(&text), 10, &pairs, &n, &dropped, NULL) == ERR_OK);
    cr_assert(n == 3 && dropped == 0);
    for (size_t i = 0; i < 3; i++)
        cr_expect(str_eq(pairs[i].key, want[i].key) && str_eq(pairs[i].value, want[i].value));
}
