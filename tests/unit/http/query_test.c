#include "../support/check.h"
#include "support.h"

struct query_case {
    const char *raw;
    const char *pairs; /* key=value; for each, in order */
    uint32_t dropped;
};

static void pairs_are_read_as_go_does(void)
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
        struct http_pair *pairs = NULL;
        uint32_t n = 0, dropped = 99;
        struct err e = ERR_INIT;
        err_code code = http_query(&a, str_c(cases[i].raw), 100, &pairs, &n, &dropped, &e);
        CHECK(code == ERR_OK, "%s: %s", cases[i].raw, e.msg);
        for (uint32_t k = 0; k < n; k++)
            buf_addf(&got, "%.*s=%.*s;", STR_FMT(pairs[k].key), STR_FMT(pairs[k].value));
        CHECK(str_is(buf_str(&got), cases[i].pairs), "%s: %.*s", cases[i].raw,
              STR_FMT(buf_str(&got)));
        CHECK(dropped == cases[i].dropped, "%s: %u dropped", cases[i].raw, dropped);
    }
}

static void values_may_hold_any_byte(void)
{
    ARENA_LOCAL(a, 1 << 20);
    struct http_pair *pairs = NULL;
    uint32_t n = 0, dropped = 0;
    CHECK(http_query(&a, STR("k=%00%ff\xfe"), 10, &pairs, &n, &dropped, NULL) == ERR_OK);
    CHECK(n == 1 && str_eq(pairs[0].value, str_of("\0\xff\xfe", 3)));
}

static void pairs_have_a_limit(void)
{
    ARENA_LOCAL(a, 1 << 20);
    struct http_pair *pairs = NULL;
    uint32_t n = 77, dropped = 77;
    struct err e = ERR_INIT;
    CHECK(http_query(&a, STR("a&b&c"), 2, &pairs, &n, &dropped, &e) == ERR_LIMIT);
    CHECK(!pairs && n == 77 && dropped == 77 && strstr(e.msg, "2"), "%s", e.msg);
    CHECK(http_query(&a, STR("a&b&&%&;&"), 2, &pairs, &n, &dropped, &e) == ERR_OK);
    CHECK(n == 2 && dropped == 2);
    arena_free(&a);
    a.max = 16;
    CHECK(http_query(&a, STR("a=b"), 2, &pairs, &n, &dropped, &e) == ERR_NOMEM);
}

static void text_without_escapes_is_not_copied(void)
{
    ARENA_LOCAL(a, 1 << 20);
    struct str raw = STR("mac=52:54");
    struct http_pair *pairs = NULL;
    uint32_t n, dropped;
    CHECK(http_query(&a, raw, 2, &pairs, &n, &dropped, NULL) == ERR_OK);
    CHECK(pairs[0].key.p == raw.p && pairs[0].value.p == raw.p + 4);
}

static void paths_are_decoded(void)
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
        err_code code = http_path_decode(&a, str_c(cases[i][0]), &got, NULL);
        CHECK(code == (cases[i][1] ? ERR_OK : ERR_INVALID), "%s", cases[i][0]);
        CHECK(str_is(got, cases[i][1] ? cases[i][1] : "untouched"), "%s", cases[i][0]);
    }
    ARENA_LOCAL(a, 1 << 20);
    struct str got;
    CHECK(http_path_decode(&a, str_of("a\0b", 3), &got, NULL) == ERR_INVALID);
}

void query_tests(struct tally *t)
{
    RUN(pairs_are_read_as_go_does);
    RUN(values_may_hold_any_byte);
    RUN(pairs_have_a_limit);
    RUN(text_without_escapes_is_not_copied);
    RUN(paths_are_decoded);
    TALLY(t);
}
