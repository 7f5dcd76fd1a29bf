/* The functions beyond Go's, against what Sprig, Helm and Terraform give. */
#include <criterion/criterion.h>
#include <string.h>

#include "run.h"

#define DATA                                                                                       \
    "{\"n\":3,\"f\":3.7,\"big\":1234567,\"s\":\"a b\",\"e\":\"\",\"nul\":null,\"no\":false,"       \
    "\"l\":[\"x\",2,null,\"y\"],\"m\":{\"a\":{\"b\":\"deep\",\"z\":null}},\"u\":"                  \
    "\"\\u00e9t\\u00e9\"}"

struct example {
    const char *source, *want;
};

static void expect_all(const struct example *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_expect(x[i].source, DATA, x[i].want);
}
#define EXPECT_ALL(x) expect_all(x, sizeof(x) / sizeof *(x))

/* The message is not compared; the place is that of the call. */
static void expect_failures(const char *const *source, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_expect_error(source[i], DATA, ERR_RENDER, 1, 3, "executing <");
}
#define EXPECT_FAILURES(x) expect_failures(x, sizeof(x) / sizeof *(x))

Test(funcs, choose)
{
    static const struct example good[] = {
        {"{{default \"d\" .s}}|{{.e | default \"d\"}}|{{.no | default 5}}|{{.nul | default 1}}",
         "a b|d|5|1"},
        {"{{default \"d\" 0}}{{default \"d\" 0.0}}{{default \"d\" list}}{{default \"d\" dict}}",
         "dddd"},
        {"{{default \"d\"}}", "d"},
        {"{{index . \"gone\" | default \"x\"}}{{get . \"gone\" | default \"y\"}}", "xy"},
        {"{{required \"need\" .s}}{{required \"need\" .no}}{{required \"need\" 0}}", "a bfalse0"},
        {"{{ternary \"yes\" \"no\" true}}{{false | ternary \"yes\" \"no\"}}", "yesno"},
        {"{{coalesce .nul .e 0 .s \"z\"}}{{coalesce}}{{coalesce \"\" 0}}",
         "a b<no value><no value>"},
        {"{{empty .e}}{{empty .s}}{{empty 0}}{{empty .m}}{{empty list}}{{empty .nul}}",
         "truefalsetruefalsetruetrue"},
    };
    static const char *const bad[] = {"{{ternary 1 2 3}}",         "{{ternary 1 2 \"true\"}}",
                                      "{{.gone | default \"x\"}}", "{{required \"m\" .nul}}",
                                      "{{required \"m\" .e}}",     "{{fail \"no\"}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

Test(funcs, a_refusal_shows_its_message_only_if_it_is_a_literal)
{
    run_expect_error("a\n{{fail \"set the rack\"}}", DATA, ERR_RENDER, 2, 3, "set the rack");
    run_expect_error("{{required \"set e\" .e}}", DATA, ERR_RENDER, 1, 3, "set e");
    run_expect_error("{{.e | required \"set e\"}}", DATA, ERR_RENDER, 1, 8, "set e");
    static const char *const made[] = {"{{fail .s}}", "{{required .s .e}}",
                                       "{{fail (print \"x\" .s)}}", "{{$x := .s}}{{fail $x}}",
                                       "{{.s | fail}}"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        BUF_LOCAL(out, 1000);
        struct err e = ERR_INIT;
        cr_expect_eq(run_template(str_c(made[i]), DATA, NULL, &out, &e), ERR_RENDER);
        cr_expect_not(strstr(e.msg, "a b"), "%s: %s", made[i], e.msg);
        cr_expect(strstr(e.msg, "not shown"), "%s: %s", made[i], e.msg);
    }
}

Test(funcs, maps)
{
    static const struct example good[] = {
        {"{{get .m \"a\"}}|{{get .m \"q\"}}|{{.m | hasKey}}", ""},
        {"{{get .m \"a\"}}|{{get .m \"q\"}}|", "map[b:deep z:<nil>]||"},
        {"{{hasKey .m \"a\"}}{{hasKey . \"gone\"}}{{hasKey . \"nul\"}}", "truefalsetrue"},
        {"{{dig \"m\" \"a\" \"b\" \"d\" .}}|{{dig \"m\" \"q\" \"b\" \"d\" .}}|"
         "{{dig \"a\" \"q\" \"d\" .m}}|{{.m | dig \"a\" \"b\" 1}}",
         "deep|d|d|deep"},
        {"{{dig \"m\" \"a\" \"z\" \"d\" .}}", "<no value>"},
        {"{{dict}}{{dict \"b\" 1 \"a\" 2 \"b\" 3}}{{dict \"k\"}}", "map[]map[a:2 b:3]map[k:]"},
        {"{{dict 1 2}}{{(dict \"x\" .l).x}}", "map[1:2][x 2 <nil> y]"},
    };
    static const char *const bad[] = {
        "{{get .s \"a\"}}",    "{{get .nul \"a\"}}",      "{{get .m 1}}",
        "{{hasKey .l \"a\"}}", "{{dig \"s\" \"q\" 1 .}}", "{{dig \"nul\" \"q\" 1 .}}",
        "{{dig \"a\" 1}}",     "{{dig \"a\" 1 .s}}",      "{{dig 1 \"d\" .m}}"};
    expect_all(good + 1, sizeof good / sizeof *good - 1);
    EXPECT_FAILURES(bad);
    run_expect_error(good[0].source, DATA, ERR_RENDER, 1, 38, "wrong number of args for hasKey");
}

Test(funcs, lists)
{
    static const struct example good[] = {
        {"{{list}}{{list 1 \"a\" .nul}}", "[][1 a <nil>]"},
        {"{{first .l}}{{first list}}", "x<no value>"},
        {"{{has 2.0 .l}}{{has 2 .l}}{{has \"y\" .l}}{{has .nul .l}}{{has 1 .nul}}",
         "truefalsetruetruefalse"},
        {"{{has (list 1 \"a\") (list (list 1) (list 1 \"a\"))}}"
         "{{has (dict \"a\" 1) (list (dict \"a\" 2) (dict \"b\" 1))}}",
         "truefalse"},
        {"{{concat .l (list 1) list}}{{concat}}", "[x 2 <nil> y 1][]"},
        {"{{until 3}}{{until 0}}{{until -3}}{{until .n}}", "[0 1 2][][0 -1 -2][0 1 2]"},
        {"{{join \"-\" .l}}|{{join \",\" \"s\"}}|{{join \",\" 5}}|{{join \",\" .nul}}|"
         "{{list 1 2.5 true | join \", \"}}",
         "x-2-y|s|5||1, 2.5, true"},
        {"{{range splitList \",\" \"a,b,,c\"}}[{{.}}]{{end}}", "[a][b][][c]"},
        {"{{len (splitList \",\" \"\")}}{{splitList \"\" \"a\xC3\xA9\"}}{{splitList \"\" \"\"}}",
         "1[a \xC3\xA9][]"},
        {"{{(split \"/\" \"a/b\")._1}}{{split \"$\" \"x\"}}", "bmap[_0:x]"},
    };
    static const char *const bad[] = {"{{first .s}}",     "{{first .nul}}",       "{{has 1 .s}}",
                                      "{{concat .l .s}}", "{{until .f}}",         "{{until \"3\"}}",
                                      "{{join 1 .l}}",    "{{splitList \",\" 1}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

Test(funcs, text)
{
    static const struct example good[] = {
        {"{{quote .s}}{{quote \"a\\\"b\\n\" .nul 3 .n}}|{{quote}}|{{quote .nul}}",
         "\"a b\"\"a\\\"b\\n\" \"3\" \"3\"||"},
        {"{{quote .l}}{{quote .u}}{{quote true}}",
         "\"[x 2 <nil> y]\"\"\xC3\xA9t\xC3\xA9\"\"true\""},
        {"{{squote .s}}{{squote \"it's\" 1 .nul}}", "'a b''it's' '1'"},
        {"{{indent 2 \"a\\n\\nb\"}}|{{nindent 1 \"x\"}}|{{indent 0 \"\"}}|{{indent 2 \"a\\n\"}}",
         "  a\n  \n  b|\n x||  a\n  "},
        {"[{{trim \" \\t a b\\u00a0\\n\"}}][{{trim \"\"}}][{{trim \"  \"}}]", "[a b][][]"},
        {"{{trimAll \"/-\" \"/-a-b/\"}}{{trimAll \"\\u00e9\" .u}}{{trimAll \"\" \"x\"}}", "a-btx"},
        {"{{trimPrefix \"a\" \"aab\"}}{{trimSuffix \".x\" \"f.x\"}}{{trimSuffix \"y\" \"f\"}}",
         "abff"},
        {"{{upper .u}}{{lower \"ABC\xC3\x89\"}}{{title \"hello wOrld-x it's a_b 2nd\"}}",
         "\xC3\x89T\xC3\x89"
         "abc\xC3\xA9Hello WOrld-X It'S A_b 2nd"},
        {"{{replace \"a\" \"bb\" \"banana\"}}|{{replace \"\" \"-\" \"ab\"}}|"
         "{{replace \"x\" \"y\" \"\"}}|{{replace \"ana\" \"\" \"banana\"}}",
         "bbbnbbnbb|-a-b-||bna"},
        {"{{contains \"b\" \"abc\"}}{{contains \"\" \"\"}}{{contains \"z\" \"abc\"}}",
         "truetruefalse"},
        {"{{hasPrefix \"ab\" \"abc\"}}{{hasSuffix \"ab\" \"abc\"}}{{hasSuffix \"\" \"\"}}",
         "truefalsetrue"},
        {"{{toString 5}}{{toString .big}}{{toString .nul}}{{toString .l}}{{len (toString true)}}",
         "51.234567e+06<nil>[x 2 <nil> y]4"},
    };
    static const char *const bad[] = {"{{upper 5}}",
                                      "{{trim .n}}",
                                      "{{indent -1 \"a\"}}",
                                      "{{indent \"2\" \"a\"}}",
                                      "{{replace \"a\" 1 \"b\"}}",
                                      "{{contains 1 \"b\"}}",
                                      "{{nindent 2 .nul}}",
                                      "{{indent 1.5 \"a\"}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

Test(funcs, numbers)
{
    static const struct example good[] = {
        {"{{int .f}}{{int -3.7}} {{int \"12\"}} {{int \"0x10\"}} {{int true}}{{int .nul}}",
         "3-3 12 16 10"},
        {"{{int \"abc\"}}{{int \"3.7\"}}{{int .big}}{{eq (int .n) 3}}", "001234567true"},
        {"{{range int .n}}{{.}}{{end}}{{int \"-5\"}}{{int \"99999999999999999999\"}}", "012-50"},
        {"{{float64 \"1.5\"}} {{float64 2}} {{float64 \"x\"}} {{float64 true}} {{float64 \"1e3\"}}",
         "1.5 2 0 1 1000"},
        {"{{eq (float64 3) .n}}{{add 1 2 3}} {{add}} {{add .n \"4\"}} {{sub 1 5}} {{mul 2 3 4}}",
         "true6 0 7 -4 24"},
        {"{{div 7 2}} {{div -7 2}} {{mod 7 3}} {{mod -7 3}} {{max 1 9 3}} {{min 4 -2 7}}",
         "3 -3 1 -1 9 -2"},
    };
    static const char *const bad[] = {"{{div 1 0}}",
                                      "{{mod 1 0}}",
                                      "{{div -9223372036854775808 -1}}",
                                      "{{mul 9223372036854775807 2}}",
                                      "{{add 9223372036854775807 1}}",
                                      "{{int 1e19}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

Test(funcs, encoding)
{
    static const struct example good[] = {
        {"{{toJson .m}}{{toJson .l}}", "{\"a\":{\"b\":\"deep\",\"z\":null}}[\"x\",2,null,\"y\"]"},
        {"{{toJson \"<a&b>\\u2028\\n\"}}{{mustToJson .big}}{{toJson 1e-9}}{{toJson (index .s 0)}}",
         "\"\\u003ca\\u0026b\\u003e\\u2028\\n\"12345671e-997"},
        {"{{toJson (dict \"z\" 1 \"a\" (list 1.5 true))}}", "{\"a\":[1.5,true],\"z\":1}"},
        {"{{(fromJson \"{\\\"a\\\":[1,2]}\").a}}{{fromJson \"3\" | printf \"%T\"}}"
         "{{fromJson \" null \"}}",
         "[1 2]float64<no value>"},
        {"{{toYaml .m}}|{{toYaml .l}}|{{toYaml .s}}|{{toYaml \"1\"}}|{{toYaml dict}}|{{toYaml 3}}",
         "a:\n  b: deep\n  z: null|- x\n- 2\n- null\n- \"y\"|a b|\"1\"|{}|3"},
        {"x:{{toYaml (list 1 (dict \"k\" (list 2))) | nindent 2}}", "x:\n  - 1\n  - k:\n    - 2"},
        {"{{b64enc \"hello\"}} {{b64enc \"\"}}{{b64dec \"aGVsbG8=\"}}{{\"a\" | b64enc | b64dec}}",
         "aGVsbG8= helloa"},
        {"{{sha256sum \"abc\"}}",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"{{sha256sum \"\"}}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    };
    static const char *const bad[] = {
        "{{toJson 2i}}",          "{{toYaml 2i}}",        "{{fromJson \"{\"}}",
        "{{fromJson .n}}",        "{{fromJson \"1 2\"}}", "{{b64dec \"a\"}}",
        "{{b64dec \"aGVsbG8\"}}", "{{b64enc 1}}",         "{{sha256sum .nul}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

/* The examples of Terraform's documentation among them. */
Test(funcs, addresses)
{
    static const struct example good[] = {
        {"{{cidrhost \"10.12.112.0/20\" 16}} {{cidrhost \"10.12.112.0/20\" 268}}",
         "10.12.112.16 10.12.113.12"},
        {"{{cidrhost \"fd00:fd12:3456:7890:00a2::/72\" 34}}", "fd00:fd12:3456:7890::22"},
        {"{{cidrhost \"192.168.0.7/24\" -1}} {{cidrhost \"192.168.0.0/24\" -256}} "
         "{{cidrhost \"10.0.0.0/8\" .n}}",
         "192.168.0.255 192.168.0.0 10.0.0.3"},
        {"{{cidrhost \"1.2.3.4/32\" 0}} {{cidrhost \"::/0\" -1}} {{cidrhost \"::/128\" 0}}",
         "1.2.3.4 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::"},
        {"{{cidrhost \"2001:db8:0:0:1::/80\" 0}} {{cidrhost \"1:0:0:2:0:0:0:3/128\" 0}} "
         "{{cidrhost \"1:0:2:3:4:5:6:0/112\" 0}}",
         "2001:db8:0:0:1:: 1:0:0:2::3 1:0:2:3:4:5:6:0"},
        {"{{cidrnetmask \"172.16.0.0/12\"}} {{cidrnetmask \"0.0.0.0/0\"}} "
         "{{cidrnetmask \"1.1.1.1/32\"}}",
         "255.240.0.0 0.0.0.0 255.255.255.255"},
        {"{{cidrsubnet \"172.16.0.0/12\" 4 2}} {{cidrsubnet \"10.1.2.0/24\" 4 15}} "
         "{{cidrsubnet \"fd00:fd12:3456:7890::/56\" 16 162}}",
         "172.18.0.0/16 10.1.2.240/28 fd00:fd12:3456:7800:a200::/72"},
        {"{{cidrsubnet \"10.0.0.0/8\" 0 0}} {{cidrsubnet \"::/0\" 128 5}} {{cidrsubnet \"::/0\" 0 "
         "0}}",
         "10.0.0.0/8 ::5/128 ::/0"},
    };
    static const char *const bad[] = {"{{cidrhost \"10.0.0.0/24\" 256}}",
                                      "{{cidrhost \"10.0.0.0/24\" -257}}",
                                      "{{cidrhost \"10.0.0.0\" 1}}",
                                      "{{cidrhost \"10.0.0/24\" 1}}",
                                      "{{cidrhost \"10.0.0.0/33\" 1}}",
                                      "{{cidrhost \"10.0.0.0/08\" 1}}",
                                      "{{cidrhost \"x/8\" 1}}",
                                      "{{cidrhost \"\" 1}}",
                                      "{{cidrhost \"/\" 1}}",
                                      "{{cidrhost \"10.0.0.0/8\" \"1\"}}",
                                      "{{cidrhost \"10.0.0.0/8 \" 1}}",
                                      "{{cidrnetmask \"::/8\"}}",
                                      "{{cidrsubnet \"10.0.0.0/8\" 25 0}}",
                                      "{{cidrsubnet \"10.0.0.0/8\" -1 0}}",
                                      "{{cidrsubnet \"10.0.0.0/8\" 2 4}}",
                                      "{{cidrsubnet \"10.0.0.0/8\" 2 -1}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

Test(funcs, boot_scripts)
{
    static const struct example good[] = {
        {"{{ipxe \"http://h/a?b=c&d=e#f\"}}{{ipxe 5}}{{ipxe \"\"}}{{ipxe \"\xC3\xA9;\"}}",
         "http://h/a?b=c&d=e#f5\xC3\xA9;"},
        {"{{grubquote \"a'b $x;{\"}}{{grubquote 3}}", "'a'\\''b $x;{''3'"},
        {"{{shquote \"a'b\\n$(id)\"}}{{shquote \"\"}}", "'a'\\''b\n$(id)'''"},
        {"{{karg \"a=b\"}} x={{karg \"a b\"}} {{karg .n}}", "a=b x=\"a b\" 3"},
    };
    static const char *const bad[] = {
        "{{ipxe \"a b\"}}",        "{{ipxe \"a\\nb\"}}",     "{{ipxe \"a\\tb\"}}",
        "{{ipxe \"\\x7f\"}}",      "{{ipxe \"a\\x00\"}}",    "{{ipxe \"a\\\\\"}}",
        "{{ipxe \"a${b}\"}}",      "{{ipxe \"#a\"}}",        "{{ipxe \"-a\"}}",
        "{{ipxe \"&&\"}}",         "{{ipxe \"||\"}}",        "{{ipxe \";\"}}",
        "{{ipxe \"|\"}}",          "{{ipxe \"a$\"}}",        "{{grubquote \"a\\nb\"}}",
        "{{grubquote \"\\x00\"}}", "{{shquote \"a\\x00\"}}", "{{karg \"a\\\"b\"}}",
        "{{karg \"a\\nb\"}}",      "{{karg \"--\"}}"};
    EXPECT_ALL(good);
    EXPECT_FAILURES(bad);
}

Test(funcs, messages_never_show_data)
{
    static const char *const failing[] = {"{{ternary 1 2 .s}}",
                                          "{{get .m .s | fail}}",
                                          "{{required .s .nul}}",
                                          "{{dig \"a\" \"b\" .s 1 .m}}",
                                          "{{until .s}}",
                                          "{{cidrhost .s 1}}",
                                          "{{fromJson .s}}",
                                          "{{b64dec .s}}",
                                          "{{ipxe .s}}",
                                          "{{karg (print .s \"\\\"\")}}",
                                          "{{indent .s .s}}",
                                          "{{first .s}}",
                                          "{{grubquote (print .s \"\\n\")}}",
                                          "{{cidrsubnet \"1.1.1.1/8\" .s 1}}",
                                          "{{has 1 .s}}",
                                          "{{concat .s}}",
                                          "{{div 1 .s}}",
                                          "{{shquote (print .s \"\\x00\")}}"};
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        BUF_LOCAL(out, 1000);
        struct err e = ERR_INIT;
        cr_expect_eq(run_template(str_c(failing[i]), DATA, NULL, &out, &e), ERR_RENDER, "%s",
                     failing[i]);
        cr_expect_not(strstr(e.msg, "a b"), "%s: %s", failing[i], e.msg);
    }
}
