#include <criterion/criterion.h>

#include "value/value.h"

static const char *written(const char *json, int flags, struct buf *b)
{
    ARENA_LOCAL(a, 1 << 20);
    struct value v;
    struct err e = ERR_INIT;
    cr_assert_eq(value_from_json(&a, str_c(json), &v, &e), ERR_OK, "%s", e.msg);
    buf_clear(b);
    value_to_json(b, &v, flags);
    return buf_c(b);
}

Test(json, writes_what_it_read)
{
    static const char *const cases[][2] = {
        {"{\"b\":1,\"a\":[true,false,null]}", "{\"a\":[true,false,null],\"b\":1}"},
        {"12345678901234567890", "12345678901234567000"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"1e21", "1e+21"},
        {"1E-7", "1e-7"},
        {"-0", "-0"},
        {"5e-324", "5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"100", "100"},
        {"0.00001", "0.00001"},
        {"\"\\u0000\\u001f\\n\\\"\"", "\"\\u0000\\u001f\\n\\\"\""},
        {"{}", "{}"},
        {"[]", "[]"},
    };
    BUF_LOCAL(b, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(written(cases[i][0], 0, &b), cases[i][1]);
    cr_expect_str_eq(written("{\"a\":[1,{}]}", VALUE_JSON_PRETTY, &b),
                     "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n");
    cr_expect_str_eq(written("\"<&>\"", VALUE_JSON_HTML_ESCAPE, &b), "\"\\u003c\\u0026\\u003e\"");
}

Test(json, refuses_with_a_place)
{
    static const struct {
        const char *text;
        int line;
    } cases[] = {
        {"", 1},
        {"{\"a\":1,\n\"a\":2}", 2},
        {"{}\n{}", 2},
        {"\xEF\xBB\xBF{}", 1},
        {"{\"a\":1e999}", 1},
        {"\"\\ud800\"", 1},
        {"\"\xFF\"", 1},
        {"{\"a\": // no\n1}", 1},
        {"[1,]", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        struct value v = value_int(7);
        struct err e = ERR_INIT;
        cr_expect_eq(value_from_json(&a, str_c(cases[i].text), &v, &e), ERR_INVALID, "%s",
                     cases[i].text);
        cr_expect_eq(e.line, cases[i].line, "%s: line %d", cases[i].text, e.line);
        cr_expect(e.column > 0);
        cr_expect_eq(v.i, 7, "the result is untouched");
    }
}

Test(json, quotes_no_value_in_an_error)
{
    static const char *const cases[] = {"{\"password\": hunter2}", "[1,\"x\" hunter2]",
                                        "{\"password\":\"hunter2\\q\"}"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        struct value v;
        struct err e = ERR_INIT;
        cr_expect_eq(value_from_json(&a, str_c(cases[i]), &v, &e), ERR_INVALID);
        cr_expect_null(strstr(e.msg, "hunter"), "%s", e.msg);
    }
}

Test(json, limits_depth)
{
    BUF_LOCAL(b, 1 << 20);
    for (int i = 0; i < 600; i++)
        buf_add_byte(&b, '[');
    for (int i = 0; i < 600; i++)
        buf_add_byte(&b, ']');
    ARENA_LOCAL(a, 1 << 20);
    struct value v;
    struct err e = ERR_INIT;
    cr_expect_eq(value_from_json(&a, buf_str(&b), &v, &e), ERR_LIMIT, "%s", e.msg);
}

Test(value, map_lookup)
{
    ARENA_LOCAL(a, 1 << 20);
    struct value v;
    cr_assert_eq(value_from_json(&a, STR("{\"z\":1,\"\":2,\"m\":3}"), &v, NULL), ERR_OK);
    cr_expect_eq(value_get(&v, STR("m"))->f, 3);
    cr_expect_eq(value_get(&v, STR(""))->f, 2);
    cr_expect_null(value_get(&v, STR("q")));
    cr_expect(str_is(v.map[0].key, ""));
}

Test(value, later_of_equal_keys_wins)
{
    struct value_pair p[] = {
        {STR("b"), value_int(1)}, {STR("a"), value_int(2)}, {STR("b"), value_int(3)}};
    struct value m = value_map(VALUE_MAP, p, 3);
    cr_expect_eq(m.n, 2);
    cr_expect_eq(value_get(&m, STR("b"))->i, 3);
}

Test(yaml, checks_syntax)
{
    struct err e = ERR_INIT;
    cr_expect_eq(value_check_yaml(STR("#cloud-config\nhostname: a\nx: &y [1]\nz: *y\n"), &e),
                 ERR_OK);
    cr_expect_eq(value_check_yaml(STR(""), &e), ERR_OK);
    cr_expect_eq(value_check_yaml(STR("a: [unclosed\n"), &e), ERR_INVALID);
    cr_expect_eq(e.line, 2);
    cr_expect_eq(value_check_yaml(STR("a: *nope\n"), &e), ERR_INVALID);
    cr_expect_eq(e.line, 1);
    cr_expect_eq(e.column, 4);
}
