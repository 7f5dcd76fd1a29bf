/* URLs, data URLs, units, paths and JSON by themselves. */
#include <criterion/criterion.h>

#include "ignition/jnode.h"
#include "ignition/path.h"
#include "ignition/unit.h"
#include "ignition/url.h"

Test(syntax, urls)
{
    static const char *const good[] = {
        "http://a",          "HTTPS://a:80/b",      "http://[::1]:80/x", "http://[fe80::1%25eth0]/",
        "http://u:p%20@h/",  "http:///x",           "http:a b",          "http://h?x y%",
        "http://h/%41#%41",  "http://a%C3%A9/",     "http://h:/",        "http://\xC3\xA9/",
        "http://h/\xC3\xA9", "http://h/ unescaped",
    };
    static const char *const bad[] = {
        "",
        "x",
        ":x",
        "/x",
        "1http://x",
        "ftp://h/",
        "http://a b",
        "http://a:8x/",
        "http://[::1/",
        "http://[1.2.3.4]/",
        "http://a/%",
        "http://a%41/",
        "http://u p@h/",
        "http://h/\n",
        "http://h/#%zz",
        "http://::1/",
        "http://a[b/",
        "http://[fe80::1%25\\]/",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(!url_check_http(str_c(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(url_check_http(str_c(bad[i])), "%s", bad[i]);
}

Test(syntax, data_urls)
{
    static const char *const good[] = {
        "data:,",
        "data:,a%20b",
        "data:;base64,",
        "data:;base64,YQ==",
        "data:;base64,YR==",
        "data:text/plain;charset=utf-8,x",
        "data:text/plain;charset=\"a \\\"b\\x41\";base64,YWJj",
        "data:x-a/b,c",
        "data:text/,x",
    };
    static const char *const bad[] = {
        "data:",
        "DATA:,x",
        "data:x",
        "data:,a b",
        "data:,%4",
        "data:,<",
        "data:;base64,Y",
        "data:;base64,=",
        "data:;base64,!!",
        "data:foo/bar,x",
        "data:text,x",
        "data:;a=,x",
        "data:;a=%,x",
        "data:;,x",
        "data:;base65,x",
        "data:;a=\"b,x",
        "data:;a=\"\\q\",",
        "data:;a=\"b\"c,",
        "data:,\xC3\xA9",
        "data:;base64,YQ===",
        "data:/plain,x",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(!url_check_data(str_c(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(url_check_data(str_c(bad[i])), "%s", bad[i]);
}

Test(syntax, units)
{
    static const struct {
        const char *text;
        bool good, install;
    } cases[] = {
        {"", true, false},
        {"x=y\n", true, false},
        {"[Unit]\nA=b\n[Install]\nWantedBy=x\n", true, true},
        {"[Install]\n#A=b\n", true, false},
        {"[Install]\nA=b\\\n[x]\n", true, true},
        {"#[Install\n;[x \\\n[y\n[Install]\r\nA=b\r\n", true, true},
        {"[Unit", false, false},
        {"[Unit] x", false, false},
        {"[Unit]\nA\n", false, false},
        {"[Unit]\nA", false, false},
        {"[Install]\nA=b\n[Unit", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = str_c(cases[i].text);
        cr_expect_eq(unit_check(text) == NULL, cases[i].good, "%s", cases[i].text);
        cr_expect_eq(unit_has_install(text), cases[i].install, "%s", cases[i].text);
    }
}

/* A long line is an error only where 2048 bytes of it are ahead in the buffer. */
Test(syntax, long_lines_of_units)
{
    static char text[8192];
    memset(text, 'x', sizeof text);
    memcpy(text, "[U]\nA=", 6);
    text[4 + 2047] = '\n';
    cr_expect(!unit_check(str_of(text, 4 + 2048)));
    text[4 + 2047] = 'x';
    text[4 + 2048] = '\n';
    cr_expect(unit_check(str_of(text, 4 + 2049)));
    cr_expect(unit_check(str_of(text, sizeof text)));
}

Test(syntax, paths)
{
    static const char *const cleaned[][2] = {
        {"/", "/"},         {"/a/b", "/a/b"},     {"//a//b/", "/a/b"},
        {"/a/./b", "/a/b"}, {"/a/../../b", "/b"}, {"/..", "/"},
    };
    BUF_LOCAL(b, 1000);
    for (size_t i = 0; i < sizeof cleaned / sizeof *cleaned; i++) {
        path_clean(str_c(cleaned[i][0]), &b);
        cr_expect_str_eq(buf_c(&b), cleaned[i][1]);
        cr_expect_eq(path_check(str_c(cleaned[i][0])) == NULL,
                     strcmp(cleaned[i][0], cleaned[i][1]) == 0, "%s", cleaned[i][0]);
    }
    cr_expect(path_check(STR("")));
    cr_expect(path_check(STR("a")));
    cr_expect(str_is(path_extension(STR("a.b/c.conf")), ".conf"));
    cr_expect(str_is(path_extension(STR("a.b/c")), ""));
}

Test(syntax, json)
{
    static const struct {
        const char *text;
        err_code code;
        int line, column;
    } cases[] = {
        {"", ERR_INVALID, 0, 0},
        {" 1 ", ERR_OK, 0, 0},
        {"{\"a\":1}", ERR_OK, 0, 0},
        {"[1,\n2,]", ERR_INVALID, 0, 0},
        {"[1,\n2,] ", ERR_INVALID, 2, 4},
        {"{\"a\":1,\"a\":2}", ERR_INVALID, 1, 8},
        {"{\"a\":1,\"\\u0061\":2}", ERR_INVALID, 1, 8},
        {"01", ERR_INVALID, 0, 0},
        {"1.e5 ", ERR_INVALID, 1, 4},
        {"\"\xFF\"", ERR_INVALID, 1, 2},
        {"\"\\ud800\"", ERR_OK, 0, 0},
        {"\"a\n\"", ERR_INVALID, 2, 1},
        {"\xEF\xBB\xBF{}", ERR_INVALID, 1, 2},
        {"{} x", ERR_INVALID, 0, 0},
        {"nul", ERR_INVALID, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        const struct jnode *root;
        struct err e = ERR_INIT;
        cr_expect_eq(jnode_read(&a, str_c(cases[i].text), &root, &e), cases[i].code, "%s: %s",
                     cases[i].text, e.msg);
        cr_expect(e.line == cases[i].line && e.column == cases[i].column, "%s: %d:%d",
                  cases[i].text, e.line, e.column);
    }
}

Test(syntax, json_strings)
{
    ARENA_LOCAL(a, 1 << 20);
    const struct jnode *root;
    cr_assert_eq(jnode_read(&a, STR("\"\\ud83d\\ude00\\ud83d\\n\\/\\u00e9\""), &root, NULL),
                 ERR_OK);
    cr_expect(str_is(root->text, "\xF0\x9F\x98\x80\xEF\xBF\xBD\n/\xC3\xA9"));
}

Test(syntax, json_limits)
{
    ARENA_LOCAL(a, 64u << 20);
    BUF_LOCAL(text, 1 << 20);
    const struct jnode *root;
    for (int i = 0; i < JNODE_MAX_DEPTH; i++)
        buf_add_byte(&text, '[');
    for (int i = 0; i < JNODE_MAX_DEPTH; i++)
        buf_add_byte(&text, ']');
    cr_expect_eq(jnode_read(&a, buf_str(&text), &root, NULL), ERR_OK);
    buf_clear(&text);
    for (int i = 0; i <= JNODE_MAX_DEPTH; i++)
        buf_add_byte(&text, '[');
    cr_expect_eq(jnode_read(&a, buf_str(&text), &root, NULL), ERR_LIMIT);
    buf_clear(&text);
    buf_add_byte(&text, '[');
    for (int i = 0; i < JNODE_MAX_NODES; i++)
        buf_add_lit(&text, "1,");
    buf_add_lit(&text, "1]");
    cr_expect_eq(jnode_read(&a, buf_str(&text), &root, NULL), ERR_LIMIT);
}
