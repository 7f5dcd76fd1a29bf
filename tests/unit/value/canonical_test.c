/* Whatever the fast reader takes, the strict one takes too, with the same result. */
#include "value/canonical.h"

#include <criterion/criterion.h>

/* What was read must be what value_from_json reads, and be written back to what it was. */
static bool taken(struct str text)
{
    ARENA_LOCAL(a, 1 << 22);
    ARENA_LOCAL(b, 1 << 22);
    struct value fast, strict;
    struct err e = ERR_INIT;
    struct canonical c = canonical_begin(text);
    struct str skipped;
    bool skips = canonical_skip(&c, &skipped) && canonical_at_end(&c);
    err_code got = value_from_canonical(&a, text, &fast);
    cr_assert_eq(skips, got == ERR_OK, "skipping and reading disagree on %.*s", STR_FMT(text));
    if (got)
        return false;
    cr_assert_eq(value_from_json(&b, text, &strict, &e), ERR_OK, "%.*s: %s", STR_FMT(text), e.msg);
    cr_assert(value_equal(&fast, &strict), "%.*s", STR_FMT(text));
    return true;
}

static const char *const good[] = {
    "{}",
    "[]",
    "\"\"",
    "{\"a\":1,\"b\":[true,false,null,\"x\"],\"c\":{\"d\":-0.5e-7}}",
    "[\"\\u0000\\u001f\\n\\\"\\\\\\/\\u00e9\",\"\xC3\xA9\xF0\x9F\x98\x80\"]",
    "-0",
    "[-0,0,12345678901234567890,0.30000000000000004,1e21,5e-324,999999999999999]",
    "{\"\":{},\"A\":[],\"a\":[[[]]],\"a-b\":1,\"aa\":2,\"\xC3\xA9\":3}",
    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,"
    "[34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,"
    "65,66,67],68]",
};

Test(canonical, reads_what_is_stored)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(taken(str_c(good[i])), "%s", good[i]);
}

Test(canonical, leaves_the_rest_to_others)
{
    static const char *const cases[] = {
        "",
        " {}",
        "{} ",
        "{\"a\": 1}",
        "{\"b\":1,\"a\":2}",
        "[1,]",
        "{\"a\":1,}",
        "\"\\ud800\"",
        "\"\xFF\"",
        "{\"a\":1,\"a\":2}",
        "01",
        "1.",
        "+1",
        "1e",
        "{\"\\n\":1}",
        "nul",
        "truex",
        "\"\n\"",
        "[1",
        "{\"a\":",
        "\"\\x\"",
        "\"\\u12\"",
        "\"",
        "\"\\",
        "\xEF\xBB\xBF{}",
        "1e999",
        "{\"a\"}",
        "{1:2}",
        "[1 2]",
        "\"\\u12g4\"",
        "-",
        "\"\xED\xA0\x80\"",
        "\"\xC0\x80\"",
        "//\n1",
        "[}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_not(taken(str_c(cases[i])), "%s", cases[i]);
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    cr_expect_not(taken(str_of(deep, sizeof deep)));
    cr_expect(taken(str_of(deep + 150, 100)));
}

/* Every text with one byte changed, left out or put twice. */
Test(canonical, agrees_with_the_strict_reader_on_what_is_nearly_json)
{
    static const char bytes[] = "\"\\{}[]:,0179-+.eEtfnu/ab\n \x01\x7F\xC3\xA9\xED\xA0\x80\xF4";
    size_t accepted = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[512];
        size_t n = strlen(good[i]);
        for (size_t at = 0; at < n; at++) {
            memcpy(text, good[i], n);
            for (size_t k = 0; k < sizeof bytes; k++) {
                text[at] = bytes[k];
                accepted += taken(str_of(text, n));
            }
            memmove(text + at, good[i] + at + 1, n - at - 1);
            accepted += taken(str_of(text, n - 1));
            memcpy(text, good[i], at + 1);
            memcpy(text + at + 1, good[i] + at, n - at);
            accepted += taken(str_of(text, n + 1));
        }
    }
    cr_expect_gt(accepted, 1000);
}
