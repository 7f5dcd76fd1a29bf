#include <criterion/criterion.h>

#include "value/value.h"
#include "value/yaml.h"

Test(yaml_value, is_what_its_json_would_be)
{
    static const char *const cases[][2] = {
        {"", "null"},
        {"a: 1\nb: [true, ~, x, 1.5]\n", "{\"a\":1,\"b\":[true,null,\"x\",1.5]}"},
        {"{\"json\": [1, \"\\u00e9\", {}]}", "{\"json\":[1,\"\xC3\xA9\",{}]}"},
        {"mode: 0644\nbig: 18446744073709551615\n", "{\"big\":18446744073709552000,\"mode\":420}"},
        {"d: 2001-01-01\ny: yes\nt: 12:30\n",
         "{\"d\":\"2001-01-01\",\"t\":\"12:30\",\"y\":\"yes\"}"},
        {"1: a\n0x10: b\ntrue: c\n1.50: d\n'x': e\n9007199254740993: f\n",
         "{\"1\":\"a\",\"1.5\":\"d\",\"16\":\"b\",\"9007199254740993\":\"f\",\"true\":\"c\","
         "\"x\":\"e\"}"},
        {"a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\n", "{\"a\":{\"x\":1,\"y\":1},\"b\":{\"x\":1,"
                                                    "\"y\":2}}"},
        {"b: {y: 2, <<: [{x: 3}, {x: 4, y: 5, z: 6}]}\n", "{\"b\":{\"x\":3,\"y\":2,\"z\":6}}"},
        {"{a: !!binary aGk=, b: !!str 5}", "{\"a\":\"hi\",\"b\":\"5\"}"},
        {"- &x [1]\n- *x\n- *x\n", "[[1],[1],[1]]"},
        {"{z: 1, a: 2, m: 3}", "{\"a\":2,\"m\":3,\"z\":1}"},
        {"a: 1\n---\nb: 2\n", "{\"a\":1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        BUF_LOCAL(b, 1 << 16);
        struct value v;
        struct err e = ERR_INIT;
        cr_assert_eq(value_from_yaml(&a, str_c(cases[i][0]), &v, &e), ERR_OK, "%s: %s", cases[i][0],
                     e.msg);
        value_to_json(&b, &v, 0);
        cr_expect_str_eq(buf_c(&b), cases[i][1]);
    }
}

Test(yaml_value, refuses_what_json_cannot_say)
{
    static const struct {
        const char *text;
        int line, column;
    } cases[] = {
        {"a: 1\nb: .inf\n", 2, 4}, {"[.nan]", 1, 2},  {"? [a]\n: 1\n", 1, 3},
        {"{~: 1}", 1, 2},          {"a: [\n", 2, 1},  {"x: 1\nx: 2\n", 2, 1},
        {"{.inf: 1}", 1, 2},       {"a: *b\n", 1, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        struct value v = value_int(7);
        struct err e = ERR_INIT;
        cr_expect_eq(value_from_yaml(&a, str_c(cases[i].text), &v, &e), ERR_INVALID, "%s",
                     cases[i].text);
        cr_expect(e.line == cases[i].line && e.column == cases[i].column, "%s: %d:%d: %s",
                  cases[i].text, e.line, e.column, e.msg);
        cr_expect_eq(v.i, 7, "the result is untouched");
    }
}

Test(yaml_value, says_when_memory_is_out)
{
    static const char text[] = "a: &x {b: [1, two]}\nc: {<<: *x, 5: d}\n";
    for (size_t max = 0, done = 0; !done; max += 16) {
        char mem[4096] __attribute__((aligned(16)));
        struct arena a;
        struct value v;
        cr_assert_lt(max, sizeof mem);
        arena_init_fixed(&a, mem, max);
        err_code c = value_from_yaml(&a, str_c(text), &v, NULL);
        cr_expect(c == ERR_OK || c == ERR_NOMEM, "%d", c);
        done = c == ERR_OK;
    }
}

/* Merges of merges repeat mappings; the limit on nodes holds for them, too. */
Test(yaml_value, limits_what_merges_repeat)
{
    ARENA_LOCAL(a, 64 << 20);
    BUF_LOCAL(b, 1 << 16);
    struct value v;
    buf_add_lit(&b, "a0: &a0 {x: 1}\n");
    for (int i = 1; i < 30; i++)
        buf_addf(&b, "a%d: &a%d {<<: [*a%d, *a%d], k%d: 1}\n", i, i, i - 1, i - 1, i);
    cr_expect_eq(value_from_yaml(&a, buf_str(&b), &v, NULL), ERR_LIMIT);
}
