#include <criterion/criterion.h>

#include "value/value.h"
#include "value/yaml.h"

/* Recorded from sigs.k8s.io/yaml 1.3 over goyaml.v2 2.4, but for the controls that it refuses. */
static const struct {
    const char *json, *yaml;
} golden[] = {
    {"null", "null\n"},
    {"true", "true\n"},
    {"12.5", "12.5\n"},
    {"\"\"", "\"\"\n"},
    {"\"plain text\"", "plain text\n"},
    {"[]", "[]\n"},
    {"{}", "{}\n"},
    {"{\"b\":1,\"a\":[1,2,{\"x\":null,\"y\":[]}],\"c\":{}}", "a:\n"
                                                             "- 1\n"
                                                             "- 2\n"
                                                             "- x: null\n"
                                                             "  \"y\": []\n"
                                                             "b: 1\n"
                                                             "c: {}\n"},
    {"[[1,2],[{\"a\":1,\"b\":2},[]],[[[\"deep\"]]]]", "- - 1\n"
                                                      "  - 2\n"
                                                      "- - a: 1\n"
                                                      "    b: 2\n"
                                                      "  - []\n"
                                                      "- - - - deep\n"},
    {"{\"a10\":1,\"a2\":2,\"a1\":3,\"B\":4,\"_\":5,\"10\":6,\"9\":7,\"\303\251\":8}",
     "_: 5\n"
     "\"9\": 7\n"
     "\"10\": 6\n"
     "B: 4\n"
     "a1: 3\n"
     "a2: 2\n"
     "a10: 1\n"
     "\303\251: 8\n"},
    {"[\"true\",\"no\",\"Off\",\"y\",\"N\",\"null\",\"~\",\"123\",\"0x1F\",\"0644\",\"1e3\",\".5\","
     "\".inf\",\"12:30:45\",\"2001-01-01\",\"1_000\",\"=\",\"0o17\"]",
     "- \"true\"\n"
     "- \"no\"\n"
     "- \"Off\"\n"
     "- \"y\"\n"
     "- \"N\"\n"
     "- \"null\"\n"
     "- \"~\"\n"
     "- \"123\"\n"
     "- \"0x1F\"\n"
     "- \"0644\"\n"
     "- \"1e3\"\n"
     "- \".5\"\n"
     "- \".inf\"\n"
     "- \"12:30:45\"\n"
     "- \"2001-01-01\"\n"
     "- \"1_000\"\n"
     "- =\n"
     "- \"0o17\"\n"},
    {"[\"a: b\",\"a:b\",\"a #b\",\"a#b\",\"- a\",\"-a\",\"#a\",\"?\",\"? "
     "a\",\"?a\",\":a\",\"a:\",\"&a\",\"*a\",\"!a\",\"|\",\"> "
     "a\",\"%a\",\"@a\",\"`a\",\"{\",\"[a]\",\"a]\",\"---\",\"--- "
     "a\",\"...\",\"it's\",\"'q'\",\"\\\"q\\\"\",\"a,b\"]",
     "- 'a: b'\n"
     "- a:b\n"
     "- 'a #b'\n"
     "- a#b\n"
     "- '- a'\n"
     "- -a\n"
     "- '#a'\n"
     "- '?'\n"
     "- '? a'\n"
     "- ?a\n"
     "- :a\n"
     "- 'a:'\n"
     "- '&a'\n"
     "- '*a'\n"
     "- '!a'\n"
     "- '|'\n"
     "- '> a'\n"
     "- '%a'\n"
     "- '@a'\n"
     "- '`a'\n"
     "- '{'\n"
     "- '[a]'\n"
     "- a]\n"
     "- '---'\n"
     "- '--- a'\n"
     "- '...'\n"
     "- it's\n"
     "- '''q'''\n"
     "- '\"q\"'\n"
     "- a,b\n"},
    {"[\" lead\",\"trail \",\" "
     "\",\"tab\\there\",\"cr\\rhere\",\"esc\\u001b\",\"bell\\u0007\",\"back\\\\slash\","
     "\"back\\\\and "
     "\\\"quote\\\"\\t\",\"nbsp\\u00a0here\",\"\303\251\346\227\245\346\234\254\","
     "\"\360\237\230\200\",\"del\\u0080\",\"\\u2028x\" ]",
     "- ' lead'\n"
     "- 'trail '\n"
     "- ' '\n"
     "- \"tab\\there\"\n"
     "- \"cr\\rhere\"\n"
     "- \"esc\\e\"\n"
     "- \"bell\\a\"\n"
     "- back\\slash\n"
     "- \"back\\\\and \\\"quote\\\"\\t\"\n"
     "- nbsp\302\240here\n"
     "- \303\251\346\227\245\346\234\254\n"
     "- \"\\U0001F600\"\n"
     "- \"del\\x80\"\n"
     "- \"\\Lx\"\n"},
    {"[\"a\\nb\",\"a\\nb\\n\",\"a\\n\\nb\\n\\n\",\"\\n\",\"\\na\",\" a\\nb\",\"a \\nb\",\"a\\n b "
     "\",\"a\\tb\\nc\",\"a\\nb: c # d\"]",
     "- |-\n"
     "  a\n"
     "  b\n"
     "- |\n"
     "  a\n"
     "  b\n"
     "- |+\n"
     "  a\n"
     "\n"
     "  b\n"
     "\n"
     "- |2+\n"
     "\n"
     "- |2-\n"
     "\n"
     "  a\n"
     "- |2-\n"
     "   a\n"
     "  b\n"
     "- \"a \\nb\"\n"
     "- \"a\\n b \"\n"
     "- \"a\\tb\\nc\"\n"
     "- |-\n"
     "  a\n"
     "  b: c # d\n"},
    {"{\"text\":\"line 1\\nline 2\\n\",\"list\":[\"x\\ny\",{\"k\":\"p\\nq\\n\"}],\"z\":1}",
     "list:\n"
     "- |-\n"
     "  x\n"
     "  y\n"
     "- k: |\n"
     "    p\n"
     "    q\n"
     "text: |\n"
     "  line 1\n"
     "  line 2\n"
     "z: 1\n"},
    {"{\"a\\nb\":1,\"\":2,\"a: b\":3,\"true\":4,\"1\":5,\"with space\":6,\" x\":7}",
     "\"\": 2\n"
     "' x': 7\n"
     "\"1\": 5\n"
     "? |-\n"
     "  a\n"
     "  b\n"
     ": 1\n"
     "'a: b': 3\n"
     "\"true\": 4\n"
     "with space: 6\n"},
    {"{\"multi\\nline\":[1,2],\"multi\\nline2\":{\"a\":1}}", "? |-\n"
                                                             "  multi\n"
                                                             "  line\n"
                                                             ": - 1\n"
                                                             "  - 2\n"
                                                             "? |-\n"
                                                             "  multi\n"
                                                             "  line2\n"
                                                             ": a: 1\n"},
    {"[0,-0,1,-1,1000000,1e6,1e20,1e21,123456789012345680,18446744073709551615,9007199254740993,-"
     "9223372036854775808,1e-4,0.00001,1e-7,0.1,999999.5,1234567.5,-2.5e-9,1e300]",
     "- 0\n"
     "- 0\n"
     "- 1\n"
     "- -1\n"
     "- 1000000\n"
     "- 1000000\n"
     "- 1e+20\n"
     "- 1e+21\n"
     "- 123456789012345680\n"
     "- 1.8446744073709552e+19\n"
     "- 9007199254740992\n"
     "- -9.223372036854776e+18\n"
     "- 0.0001\n"
     "- 1e-05\n"
     "- 1e-07\n"
     "- 0.1\n"
     "- 999999.5\n"
     "- 1.2345675e+06\n"
     "- -2.5e-09\n"
     "- 1e+300\n"},
    {"[\"192.168.0.1/24\",\"52:54:00:12:34:56\",\"http://a.example/"
     "x?y=1&z\",\"--flag=1\",\"$6$salt$hash\",\"ssh-ed25519 AAAA "
     "core@host\",\"/dev/sda\",\"*\",\"a|b\",\"1.2.3\"]",
     "- 192.168.0.1/24\n"
     "- \"52:54:00:12:34:56\"\n"
     "- http://a.example/x?y=1&z\n"
     "- --flag=1\n"
     "- $6$salt$hash\n"
     "- ssh-ed25519 AAAA core@host\n"
     "- /dev/sda\n"
     "- '*'\n"
     "- a|b\n"
     "- 1.2.3\n"},
};

Test(yaml_write, writes_as_goyaml_does)
{
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        ARENA_LOCAL(a, 1 << 20);
        BUF_LOCAL(b, 1 << 20);
        struct value v;
        struct err e = ERR_INIT;
        cr_assert_eq(value_from_json(&a, str_c(golden[i].json), &v, &e), ERR_OK, "%s", e.msg);
        value_to_yaml(&b, &v);
        cr_expect_str_eq(buf_c(&b), golden[i].yaml);
    }
}

static void expect_written(struct value v, const char *yaml)
{
    BUF_LOCAL(b, 4096);
    value_to_yaml(&b, &v);
    cr_expect_str_eq(buf_c(&b), yaml);
}

Test(yaml_write, writes_what_json_has_not)
{
    struct value_pair pairs[] = {{STR("<<"), value_int(1)}, {STR("k"), value_str(STR("v"))}};
    expect_written(value_int(-42), "-42\n");
    expect_written((struct value){.kind = VALUE_BYTE, .i = 65}, "65\n");
    expect_written(value_float(1.0 / 0.0), ".inf\n");
    expect_written(value_float(-1.0 / 0.0), "-.inf\n");
    expect_written(value_float(0.0 / 0.0), ".nan\n");
    expect_written(value_str(STR("a\xFF"
                                 "b")),
                   "a\xEF\xBF\xBD"
                   "b\n");
    expect_written(value_str((struct str){NULL, 0}), "\"\"\n");
    expect_written(value_map(VALUE_STRMAP, pairs, 2), "\"<<\": 1\nk: v\n");
}

Test(yaml_write, long_keys_are_set_apart)
{
    char key[200];
    memset(key, 'k', sizeof key);
    for (size_t n = 128; n <= 129; n++) {
        struct value_pair p = {str_of(key, n), value_bool(true)};
        struct value v = value_map(VALUE_MAP, &p, 1);
        BUF_LOCAL(b, 4096);
        value_to_yaml(&b, &v);
        cr_expect_eq(str_starts(buf_str(&b), STR("? ")), n == 129);
        cr_expect(str_ends(buf_str(&b), n == 129 ? STR("k\n: true\n") : STR("k: true\n")));
    }
}

/* A list in a list … depth times. */
static struct value nested(struct value *levels, int depth)
{
    levels[0] = value_nil();
    for (int i = 1; i <= depth; i++)
        levels[i] = (struct value){.kind = VALUE_LIST, .n = 1, .list = &levels[i - 1]};
    return levels[depth];
}

Test(yaml_write, fails_beyond_the_depth_that_can_be_read)
{
    static struct value levels[YAML_MAX_DEPTH + 2];
    ARENA_LOCAL(a, 16 << 20);
    BUF_LOCAL(b, 1 << 20);
    struct value back, v = nested(levels, YAML_MAX_DEPTH);
    value_to_yaml(&b, &v);
    cr_expect(!b.failed);
    cr_expect_eq(value_from_yaml(&a, buf_str(&b), &back, NULL), ERR_OK);
    cr_expect(value_equal(&v, &back));
    v = nested(levels, YAML_MAX_DEPTH + 1);
    value_to_yaml(&b, &v);
    cr_expect(b.failed);
}

Test(yaml_write, fails_at_the_maximum_of_the_buffer)
{
    BUF_LOCAL(b, 16);
    struct value v = value_str(STR("a string of more than sixteen bytes"));
    value_to_yaml(&b, &v);
    cr_expect(b.failed && b.overflow);
}

/* --- whatever is written reads back */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static struct str random_text(struct arena *a, uint64_t *r)
{
    static const char *const parts[] = {"a",
                                        "key",
                                        " ",
                                        "  ",
                                        "\n",
                                        "\n\n",
                                        ":",
                                        ": ",
                                        " #",
                                        "-",
                                        "- ",
                                        "?",
                                        "? ",
                                        "!",
                                        "&a",
                                        "*a",
                                        "'",
                                        "\"",
                                        "|",
                                        ">",
                                        "%",
                                        "@",
                                        "`",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        "\t",
                                        "\r",
                                        "\xC3\xA9",
                                        "\xF0\x9F\x98\x80",
                                        "\xE2\x80\xA8",
                                        "\xC2\x85",
                                        "\xEF\xBB\xBF",
                                        "\x7F",
                                        "\x01",
                                        "0",
                                        "1",
                                        "10",
                                        "_",
                                        ".",
                                        "e",
                                        "E",
                                        "+",
                                        "true",
                                        "no",
                                        "null",
                                        "~",
                                        "<<",
                                        "=",
                                        "---",
                                        "...",
                                        "0x1F",
                                        "0o17",
                                        "1e3",
                                        ".inf",
                                        "\\",
                                        "Off",
                                        "y",
                                        "12:30:45",
                                        "2001-01-01",
                                        " x",
                                        "x ",
                                        "a\n b",
                                        "\n- a",
                                        "# c"};
    struct buf b;
    buf_in_arena(&b, a, 4096);
    for (uint64_t n = next_random(r) % 6; n > 0; n--)
        buf_add_str(&b, str_c(parts[next_random(r) % (sizeof parts / sizeof *parts)]));
    for (uint64_t n = next_random(r) % 50 == 0 ? 130 : 0; n > 0; n--)
        buf_add_byte(&b, 'x');
    cr_assert(!b.failed);
    return buf_str(&b);
}

static struct value random_number(uint64_t *r)
{
    union {
        uint64_t bits;
        double f;
    } x = {.bits = next_random(r) << 33 ^ next_random(r) << 10 ^ next_random(r)};
    bool finite = x.f - x.f == 0, is_negative_zero = x.f == 0;
    if (next_random(r) % 2 || !finite || is_negative_zero)
        return value_float((double)(next_random(r) % 2000) - 1000);
    return value_float(x.f);
}

static struct value random_value(struct arena *a, uint64_t *r, int depth)
{
    uint64_t kind = next_random(r) % (depth < 5 ? 10 : 5);
    uint32_t n = (uint32_t)(next_random(r) % 4);
    if (kind < 2)
        return value_str(random_text(a, r));
    if (kind == 2)
        return random_number(r);
    if (kind < 5)
        return kind == 3 ? value_nil() : value_bool(n & 1);
    if (kind < 7) {
        struct value *items = arena_calloc(a, n + 1, sizeof *items);
        cr_assert(items);
        for (uint32_t i = 0; i < n; i++)
            items[i] = random_value(a, r, depth + 1);
        return (struct value){.kind = VALUE_LIST, .n = n, .list = items};
    }
    struct value_pair *pairs = arena_calloc(a, n + 1, sizeof *pairs);
    cr_assert(pairs);
    for (uint32_t i = 0; i < n; i++) {
        struct str key = random_text(a, r);
        pairs[i] = (struct value_pair){key, random_value(a, r, depth + 1)};
    }
    return value_map(VALUE_MAP, pairs, n);
}

Test(yaml_write, reads_back)
{
    uint64_t r = 20;
    for (int i = 0; i < 8000; i++) {
        ARENA_LOCAL(a, 16 << 20);
        BUF_LOCAL(b, 1 << 20);
        struct value v = random_value(&a, &r, 0), back;
        struct err e = ERR_INIT;
        value_to_yaml(&b, &v);
        cr_assert(!b.failed);
        cr_assert_eq(value_from_yaml(&a, buf_str(&b), &back, &e), ERR_OK, "value %d: %s\n%s", i,
                     e.msg, buf_c(&b));
        cr_assert(value_equal(&v, &back), "value %d:\n%s", i, buf_c(&b));
        cr_assert_eq(value_check_yaml(buf_str(&b), NULL), ERR_OK);
    }
}
