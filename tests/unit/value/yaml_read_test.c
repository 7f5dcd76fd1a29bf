#include <criterion/criterion.h>
#include <math.h>

#include "value/yaml.h"

static const struct yaml_node *read_root(struct arena *a, const char *text)
{
    struct yaml_document doc;
    struct err e = ERR_INIT;
    cr_assert_eq(yaml_read(a, str_c(text), &doc, &e), ERR_OK, "%s: %d:%d: %s", text, e.line,
                 e.column, e.msg);
    return doc.root;
}

static const struct yaml_node *at(const struct yaml_node *root, const char *pointer)
{
    bool exact;
    const struct yaml_node *x = yaml_at(root, str_c(pointer), &exact);
    cr_assert(exact, "%s is not there", pointer);
    return x;
}

Test(yaml_read, resolves_plain_scalars)
{
    static const struct {
        const char *text, *tag;
        enum yaml_kind kind;
        double number;
    } cases[] = {
        {"~", "!!null", YAML_NULL, 0},
        {"null", "!!null", YAML_NULL, 0},
        {"nUll", "!!str", YAML_STRING, 0},
        {"true", "!!bool", YAML_BOOL, 1},
        {"FALSE", "!!bool", YAML_BOOL, 0},
        {"yes", "!!str", YAML_STRING, 0},
        {"n", "!!str", YAML_STRING, 0},
        {"0", "!!int", YAML_INT, 0},
        {"420", "!!int", YAML_INT, 420},
        {"-1", "!!int", YAML_INT, -1},
        {"+1", "!!int", YAML_INT, 1},
        {"0644", "!!int", YAML_INT, 420},
        {"0o644", "!!int", YAML_INT, 420},
        {"-0o17", "!!int", YAML_INT, -15},
        {"0x1A4", "!!int", YAML_INT, 420},
        {"0b110", "!!int", YAML_INT, 6},
        {"1_000", "!!int", YAML_INT, 1000},
        {"08", "!!float", YAML_FLOAT, 8},
        {"-9223372036854775808", "!!int", YAML_INT, -0x1p63},
        {"-9223372036854775809", "!!float", YAML_FLOAT, -0x1p63},
        {"18446744073709551615", "!!int", YAML_UINT, 0x1p64},
        {"18446744073709551616", "!!float", YAML_FLOAT, 0x1p64},
        {"+9223372036854775808", "!!float", YAML_FLOAT, 0x1p63},
        {"0x", "!!str", YAML_STRING, 0},
        {"1.5", "!!float", YAML_FLOAT, 1.5},
        {"1.", "!!float", YAML_FLOAT, 1},
        {"-.5", "!!float", YAML_FLOAT, -.5},
        {".5e1", "!!float", YAML_FLOAT, 5},
        {".1_5", "!!float", YAML_FLOAT, .15},
        {"._5", "!!str", YAML_STRING, 0},
        {"1e3", "!!float", YAML_FLOAT, 1000},
        {"1e", "!!str", YAML_STRING, 0},
        {"1e999", "!!str", YAML_STRING, 0},
        {".inf", "!!float", YAML_FLOAT, HUGE_VAL},
        {"-.INF", "!!float", YAML_FLOAT, -HUGE_VAL},
        {"inf", "!!str", YAML_STRING, 0},
        {".", "!!str", YAML_STRING, 0},
        {"1.2.3", "!!str", YAML_STRING, 0},
        {"12:30:45", "!!str", YAML_STRING, 0},
        {"2001-01-01", "!!timestamp", YAML_STRING, 0},
        {"2001-2-29", "!!str", YAML_STRING, 0},
        {"2000-2-29", "!!timestamp", YAML_STRING, 0},
        {"2001-12-14t21:59:43.10-05:00", "!!timestamp", YAML_STRING, 0},
        {"2001-12-14 21:59:43.1", "!!timestamp", YAML_STRING, 0},
        {"2001-12-14 24:59:43", "!!str", YAML_STRING, 0},
        {"'123'", "!!str", YAML_STRING, 0},
        {"\"true\"", "!!str", YAML_STRING, 0},
        {"!!str 12", "!!str", YAML_STRING, 0},
        {"!!int '12'", "!!int", YAML_INT, 12},
        {"!!float 12", "!!float", YAML_FLOAT, 12},
        {"! 12", "!!int", YAML_INT, 12},
        {"!mine 12", "!mine", YAML_STRING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        const struct yaml_node *x = read_root(&a, cases[i].text);
        double number = x->kind == YAML_INT     ? (double)x->i
                        : x->kind == YAML_UINT  ? (double)x->u
                        : x->kind == YAML_FLOAT ? x->f
                        : x->kind == YAML_BOOL  ? x->b
                                                : 0;
        cr_expect_eq(x->kind, cases[i].kind, "%s is of kind %d", cases[i].text, x->kind);
        cr_expect(str_is(x->tag, cases[i].tag), "%s is %s", cases[i].text, x->tag.p);
        cr_expect_eq(number, cases[i].number, "%s is %g", cases[i].text, number);
    }
    ARENA_LOCAL(a, 1 << 20);
    cr_expect(isnan(read_root(&a, ".NaN")->f));
}

Test(yaml_read, keeps_text_and_style)
{
    static const struct {
        const char *yaml, *text;
        enum yaml_style style;
    } cases[] = {
        {"0644", "0644", YAML_PLAIN},
        {"a\n  b", "a b", YAML_PLAIN},
        {"'it''s'", "it's", YAML_SINGLE_QUOTED},
        {"\"\\u00e9\\n\"", "\xC3\xA9\n", YAML_DOUBLE_QUOTED},
        {"|\n  a\n  b\n", "a\nb\n", YAML_LITERAL},
        {"|-\r\n  a\r\n  b\r\n", "a\nb", YAML_LITERAL},
        {">\n  a\n  b\n", "a b\n", YAML_FOLDED},
        {"!!binary |\n  aGVs\n  bG8=\n", "hello", YAML_LITERAL},
        {"\xEF\xBB\xBFx", "x", YAML_PLAIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        const struct yaml_node *x = read_root(&a, cases[i].yaml);
        cr_expect(str_is(x->text, cases[i].text), "%s: '%s'", cases[i].yaml, x->text.p);
        cr_expect_eq(x->style, cases[i].style, "%s", cases[i].yaml);
    }
}

Test(yaml_read, knows_where_everything_is)
{
    static const char text[] = "# comment\n"
                               "storage:\n"
                               "  files:\n"
                               "    - path: /a\n"
                               "      mode: 0644\n"
                               "    - {path: /b, user: {name: x}}\n"
                               "    -\n"
                               "  links: [1,\n"
                               "    two]\n"
                               "a/b~c: |\n"
                               "  text\n"
                               "empty:\n";
    static const struct {
        const char *pointer;
        int line, column;
        bool exact;
    } cases[] = {
        {"", 2, 1, true},
        {"/storage", 3, 3, true},
        {"/storage/files", 4, 5, true},
        {"/storage/files/0", 4, 7, true},
        {"/storage/files/0/path", 4, 13, true},
        {"/storage/files/0/mode", 5, 13, true},
        {"/storage/files/0/nope/deeper", 4, 7, false},
        {"/storage/files/1", 6, 7, true},
        {"/storage/files/1/user", 6, 24, true},
        {"/storage/files/1/user/name", 6, 31, true},
        {"/storage/files/2", 7, 6, true},
        {"/storage/files/3", 4, 5, false},
        {"/storage/files/01", 4, 5, false},
        {"/storage/files/-", 4, 5, false},
        {"/storage/links", 8, 10, true},
        {"/storage/links/1", 9, 5, true},
        {"/a~1b~0c", 10, 8, true},
        {"/a~1b~0", 2, 1, false},
        {"/empty", 12, 7, true},
        {"storage", 2, 1, false},
        {"/", 2, 1, false},
    };
    ARENA_LOCAL(a, 1 << 20);
    const struct yaml_node *root = read_root(&a, text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int line, column;
        bool exact = yaml_locate(root, str_c(cases[i].pointer), &line, &column);
        cr_expect_eq(exact, cases[i].exact, "%s", cases[i].pointer);
        cr_expect(line == cases[i].line && column == cases[i].column, "%s is at %d:%d",
                  cases[i].pointer, line, column);
    }
    const struct yaml_pair *p = yaml_find(at(root, "/storage/files/0"), STR("mode"));
    cr_expect(p && p->key->line == 5 && p->key->column == 7);
    cr_expect_eq(root->style, YAML_BLOCK);
    cr_expect_eq(at(root, "/storage/files/1")->style, YAML_FLOW);
}

Test(yaml_read, takes_json)
{
    ARENA_LOCAL(a, 1 << 20);
    const struct yaml_node *root =
        read_root(&a, "{\n\t\"a\": [1, {\"b\": \"\\ud83d\\ude00\\/\"}],\n\t\"c\": null\n}\n");
    cr_expect(at(root, "/a/1/b")->line == 2 && at(root, "/a/1/b")->column == 17);
    cr_expect(str_is(at(root, "/a/1/b")->text, "\xF0\x9F\x98\x80/"));
    cr_expect_eq(at(root, "/c")->kind, YAML_NULL);
    root = read_root(&a, "{\"a\":[1,\"x\",{\"b\":true}],\"c\":\"y\"}");
    cr_expect_eq(at(root, "/a/2/b")->column, 18);
    cr_expect_eq(at(root, "/c")->column, 29, "%d", at(root, "/c")->column);
}

Test(yaml_read, takes_surrogate_pairs_of_json)
{
    static const char text[] =
        "{\"a\": [\"\\\\ud83d \\ud83d\\uDE00!\", 2],\n \"\\uDBFF\\uDFFF\": 3}";
    ARENA_LOCAL(a, 1 << 20);
    const struct yaml_node *root = read_root(&a, text);
    cr_expect(str_is(at(root, "/a/0")->text, "\\ud83d \xF0\x9F\x98\x80!"));
    cr_expect_eq(at(root, "/a/1")->column, 33, "%d", at(root, "/a/1")->column);
    cr_expect_eq(at(root, "/\xF4\x8F\xBF\xBF")->i, 3);
    static const char *const refused[] = {"\"\\ud83d\"",
                                          "\"\\ude00\\ud83d\"",
                                          "\"\\ud83dx\\ude00\"",
                                          "\"\xEE\x80\x80 \\ud83d\\ude00\"",
                                          "\"\\ue000 \\ud83d\\ude00\"",
                                          "x: \"\\ud83d\\ude00\""};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct yaml_document doc;
        cr_expect_eq(yaml_read(&a, str_c(refused[i]), &doc, NULL), ERR_INVALID, "%s", refused[i]);
    }
}

Test(yaml_read, shares_what_aliases_name)
{
    ARENA_LOCAL(a, 1 << 20);
    const struct yaml_node *root = read_root(&a, "x: &n {k: [1, 2]}\ny: *n\nz: &n 5\nw: *n\n");
    const struct yaml_node *x = at(root, "/x"), *y = at(root, "/y");
    cr_expect_eq(y->alias_of, x);
    cr_expect_eq(y->pairs, x->pairs);
    cr_expect(y->line == 2 && y->column == 4);
    cr_expect_eq(at(root, "/w")->i, 5);
    bool exact;
    cr_expect_eq(yaml_at(root, STR("/y/k"), &exact), y);
    cr_expect(!exact, "what is below an alias is not written there");
}

Test(yaml_read, finds_through_merges)
{
    ARENA_LOCAL(a, 1 << 20);
    const struct yaml_node *root = read_root(&a, "a: &a {x: 1, y: 1}\n"
                                                 "b: &b {<<: *a, y: 2, z: 2}\n"
                                                 "c:\n  <<: [*b, {z: 3, v: 3}]\n  w: 4\n"
                                                 "d: {'<<': 1}\n");
    const struct yaml_node *c = at(root, "/c");
    static const struct {
        const char *key;
        int64_t i;
    } cases[] = {{"x", 1}, {"y", 2}, {"z", 2}, {"v", 3}, {"w", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct yaml_pair *p = yaml_find_merged(c, str_c(cases[i].key));
        cr_assert(p, "%s", cases[i].key);
        cr_expect_eq(p->value->i, cases[i].i, "%s", cases[i].key);
    }
    cr_expect(c->merges);
    cr_expect_null(yaml_find(c, STR("x")));
    cr_expect_null(yaml_find_merged(c, STR("<<")));
    cr_expect_null(yaml_find_merged(c, STR("q")));
    cr_expect(yaml_find(c, STR("<<"))->merge);
    cr_expect(!at(root, "/d")->merges && yaml_find_merged(at(root, "/d"), STR("<<")));
    cr_expect_null(yaml_find(at(root, "/a/x"), STR("x")), "a scalar has no keys");
}

Test(yaml_read, decodes_into_types)
{
    ARENA_LOCAL(a, 1 << 20);
    const struct yaml_node *x =
        read_root(&a, "[true, yes, OFF, 'y', 'true', 1, 420.0, 1.9, '1', 1e19, .nan]");
    static const int bools[] = {1, 1, 0, 1, -1, -1, -1, -1, -1, -1, -1};
    static const int64_t ints[] = {-7, -7, -7, -7, -7, 1, 420, 1, -7, -7, -7};
    cr_assert_eq(x->n, sizeof bools / sizeof *bools);
    for (uint32_t i = 0; i < x->n; i++) {
        bool b = false;
        int64_t n = -7;
        cr_expect_eq(yaml_as_bool(x->items[i], &b), bools[i] >= 0, "%u", i);
        cr_expect_eq(b, bools[i] == 1, "%u", i);
        cr_expect_eq(yaml_as_int(x->items[i], &n), ints[i] != -7, "%u", i);
        cr_expect_eq(n, ints[i], "%u", i);
    }
}

Test(yaml_read, takes_the_first_document)
{
    static const struct {
        const char *text;
        enum yaml_kind kind;
        bool more;
    } cases[] = {
        {"", YAML_NULL, false},          {"# only a comment\n", YAML_NULL, false},
        {"---\n", YAML_NULL, false},     {"--- 1\n...\n", YAML_INT, false},
        {"1\n---\n2\n", YAML_INT, true}, {"a: 1\n---\n[", YAML_MAPPING, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        struct yaml_document doc;
        cr_assert_eq(yaml_read(&a, str_c(cases[i].text), &doc, NULL), ERR_OK);
        cr_expect_eq(doc.root->kind, cases[i].kind, "%s", cases[i].text);
        cr_expect_eq(doc.more, cases[i].more, "%s", cases[i].text);
    }
    ARENA_LOCAL(a, 1 << 20);
    cr_expect_eq(read_root(&a, "")->line, 0);
    cr_expect_eq(read_root(&a, "\n---\n")->line, 3);
}

Test(yaml_read, refuses_with_a_place)
{
    static const struct {
        const char *text;
        int line, column;
        const char *message;
    } cases[] = {
        {"a: [1,\n", 2, 1, NULL},
        {"a:\n\tb: 1\n", 2, 1, NULL},
        {"a: b: c\n", 1, 5, NULL},
        {"a: 1\nb: 2\na: 3\n", 3, 1, "mapping key \"a\" already defined at line 1"},
        {"{1: a, '1': b}", 1, 8, "mapping key \"1\" already defined at line 1"},
        {"c: 0\na: 1\nb: 2\nb: 3\na: 4\n", 4, 1, "mapping key \"b\" already defined at line 3"},
        {"a: *nope\n", 1, 4, "unknown anchor 'nope' referenced"},
        {"a: &x [1, *x]\n", 1, 11, "anchor 'x' value contains itself"},
        {"<<: 1\n", 1, 5, "map merge requires map or sequence of maps as the value"},
        {"<<: [{}, 1]\n", 1, 5, "map merge requires map or sequence of maps as the value"},
        {"a: &a [{}]\nb: {<<: *a}\n", 2, 9,
         "map merge requires map or sequence of maps as the value"},
        {"x: !!int abc\n", 1, 4, "cannot decode !!str `abc` as a !!int"},
        {"x: !!binary '?'\n", 1, 4, "the !!binary value is not base64"},
        {"a: 1\nb: \xFF\n", 2, 4, NULL},
        {"a: \x01\n", 1, 4, NULL},
        {"'a' 'b'\n", 1, 5, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        struct yaml_document doc = {.more = true};
        struct err e = ERR_INIT;
        cr_expect_eq(yaml_read(&a, str_c(cases[i].text), &doc, &e), ERR_INVALID, "%s",
                     cases[i].text);
        cr_expect(e.line == cases[i].line && e.column == cases[i].column, "%s: %d:%d: %s",
                  cases[i].text, e.line, e.column, e.msg);
        if (cases[i].message)
            cr_expect_str_eq(e.msg, cases[i].message);
        else
            cr_expect(str_starts(str_c(e.msg), STR("not YAML: ")), "%s", e.msg);
        cr_expect(!doc.root && doc.more, "the result is untouched");
    }
}

Test(yaml_read, unique_keys_of_a_large_mapping)
{
    ARENA_LOCAL(a, 64 << 20);
    BUF_LOCAL(b, 16 << 20);
    for (int i = 0; i < 90000; i++)
        buf_addf(&b, "k%d: &a%d %d\n", i * 7919 % 90001, i, i);
    const struct yaml_node *root = read_root(&a, buf_c(&b));
    cr_expect_eq(root->n, 90000);
    buf_add_lit(&b, "k5: again\n");
    struct yaml_document doc;
    struct err e = ERR_INIT;
    cr_expect_eq(yaml_read(&a, buf_str(&b), &doc, &e), ERR_INVALID);
    cr_expect_eq(e.line, 90001);
}

/* --- limits */

static err_code read_repeated(const char *open, int n, const char *close, struct err *e)
{
    ARENA_LOCAL(a, 128 << 20);
    BUF_LOCAL(b, 8 << 20);
    struct yaml_document doc;
    for (int i = 0; i < n; i++)
        buf_add_str(&b, str_c(open));
    for (int i = 0; i < n; i++)
        buf_add_str(&b, str_c(close));
    cr_assert(!b.failed);
    return yaml_read(&a, buf_str(&b), &doc, e);
}

Test(yaml_read, limits_depth_and_nodes)
{
    struct err e = ERR_INIT;
    cr_expect_eq(read_repeated("[", 512, "]", &e), ERR_OK, "%s", e.msg);
    cr_expect_eq(read_repeated("[", 513, "]", &e), ERR_LIMIT);
    cr_expect(e.line == 1 && e.column == 513, "%d:%d", e.line, e.column);
    cr_expect_eq(read_repeated("- ", 513, "", &e), ERR_LIMIT);
    cr_expect_eq(read_repeated("- 1\n", 199999, "", &e), ERR_OK, "%s", e.msg);
    cr_expect_eq(read_repeated("- 1\n", 200000, "", &e), ERR_LIMIT);
    cr_expect_eq(e.line, 200000);
}

Test(yaml_read, limits_what_aliases_repeat)
{
    ARENA_LOCAL(a, 1 << 20);
    BUF_LOCAL(b, 1 << 16);
    struct yaml_document doc;
    struct err e = ERR_INIT;
    buf_add_lit(&b, "a0: &a0 [x]\n");
    for (int i = 1; i < 12; i++)
        buf_addf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1);
    cr_expect_eq(yaml_read(&a, buf_str(&b), &doc, &e), ERR_LIMIT);
    cr_expect_eq(e.line, 9, "%d", e.line);

    buf_clear(&b);
    buf_add_lit(&b, "a0: &a0 [x]\n");
    for (int i = 1; i < 520; i++)
        buf_addf(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    cr_expect_eq(yaml_read(&a, buf_str(&b), &doc, &e), ERR_LIMIT);
    cr_expect_eq(e.line, 512, "an alias is as deep as what it names, not line %d", e.line);
}

Test(yaml_read, says_when_memory_is_out)
{
    static const char text[] = "a: &x [1, 'two', {b: !mine c}]\nd: *x\ne: !!binary aGVsbG8=\n";
    for (size_t max = 0, done = 0; !done; max += 16) {
        char mem[8192] __attribute__((aligned(16)));
        struct arena a;
        struct yaml_document doc;
        struct err e = ERR_INIT;
        cr_assert_lt(max, sizeof mem);
        arena_init_fixed(&a, mem, max);
        err_code c = yaml_read(&a, str_c(text), &doc, &e);
        cr_expect(c == ERR_OK || c == ERR_NOMEM, "%d: %s", c, e.msg);
        done = c == ERR_OK;
    }
}
