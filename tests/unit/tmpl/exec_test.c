/* Execution: scoping, errors with their place, and the limits. */
#include <criterion/criterion.h>
#include <string.h>

#include "run.h"

#define DATA "{\"n\":3,\"l\":[\"a\",\"b\"],\"m\":{\"k\":\"v\"},\"nul\":null,\"s\":\"secret-value\"}"

Test(exec, scopes_variables_as_go_does)
{
    run_expect("{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", NULL, "21");
    run_expect("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", NULL, "2");
    run_expect("{{$x := 1}}{{$x := print $x 2}}{{$x}}", NULL, "1 2");
    run_expect("{{$x := 1}}{{if false}}{{$x := 2}}{{else}}{{$x}}{{end}}", NULL, "1");
    run_expect("{{range $i, $e := .l}}{{$x := $e}}{{$i}}{{$x}}{{end}}", DATA, "0a1b");
    run_expect("{{with $x := 5}}{{end}}{{$ := 7}}{{$}}", NULL, "7");
    run_expect("{{define \"a\"}}{{$x := .}}{{$x}}{{end}}{{$x := 1}}{{template \"a\" 2}}{{$x}}",
               NULL, "21");
    run_expect("{{($x := 4)}}{{$x}}", NULL, "44");
}

Test(exec, a_declaration_that_was_skipped_leaves_the_outer_variable)
{
    run_expect("{{$x := 1}}{{and 0 ($x := 2)}}{{$x}}", NULL, "01");
    run_expect("{{$x := 1}}{{and 1 ($x := 2)}}{{$x}}", NULL, "22");
    run_expect("{{$x := 9}}{{range $i := 2}}{{and $i ($x := 5)}}{{$x}}{{end}}", NULL, "0955");
    run_expect("{{or 0 ($y := 3)}}{{$y}}", NULL, "33");
    run_expect("{{$x := 1}}{{and 0 ($x := 2)}}{{$x = 8}}{{$x}}", NULL, "08");
    run_expect_error("{{or 1 ($y := 3)}}{{$y}}", NULL, ERR_RENDER, 1, 21, "undefined variable");
}

Test(exec, ranges)
{
    run_expect("{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}", NULL, "01201");
    run_expect("{{range 0}}x{{else}}none{{end}}{{range -1}}x{{else}}none{{end}}", NULL, "nonenone");
    run_expect("{{range $k, $v := .m}}{{$k}}={{$v}}{{end}}", DATA, "k=v");
    run_expect("{{range .l}}{{range $.l}}{{.}}{{break}}{{end}}{{continue}}x{{end}}", DATA, "aa");
    run_expect("{{range .nul}}x{{else}}e{{end}}", DATA, "e");
    run_expect("{{$x := 0}}{{range $x = .l}}{{end}}{{$x}}", DATA, "b");
    run_expect("{{range index .s 0}}x{{break}}{{end}}", DATA, "x");
    run_expect_error("{{range $i, $v := 3}}{{end}}", NULL, ERR_RENDER, 1, 9,
                     "more than one variable");
    run_expect_error("{{range .s}}{{end}}", DATA, ERR_RENDER, 1, 9,
                     "can't iterate over type string");
}

Test(exec, chains_of_branches)
{
    static const char t[] = "{{with .e}}a{{else with .b}}{{.}}{{else}}{{.c}}{{end}}";
    run_expect(t, "{\"e\":\"\",\"b\":\"B\",\"c\":1}", "B");
    run_expect(t, "{\"e\":\"\",\"b\":\"\",\"c\":1}", "1");
    run_expect("{{if 0}}a{{else if 0}}b{{else if 1}}c{{else}}d{{end}}", NULL, "c");
    run_expect("{{if 0}}a{{else if 0}}b{{end}}.", NULL, ".");
    run_expect("{{if $x := 0}}{{else if $y := 2}}{{$x}}{{$y}}{{end}}", NULL, "02");
}

Test(exec, the_main_template_has_no_name)
{
    run_expect("{{define \"\"}}x{{end}}  \n", NULL, "x");
    run_expect("{{define \"t\"}}inner{{end}}outer {{template \"t\"}}", NULL, "outer inner");
    run_expect_error("{{define \"\"}}x{{end}}y", NULL, ERR_INVALID, 1, 1, "multiple definition");
}

Test(exec, names_the_place_and_the_key)
{
    run_expect_error("a\n  {{.m.missing}}", DATA, ERR_RENDER, 2, 5,
                     "executing <.m.missing>: map has no entry for key \"missing\"");
    run_expect_error("{{print 1 (.nul.x)}}", DATA, ERR_RENDER, 1, 12,
                     "executing <.nul.x>: nil data; no entry for key \"x\"");
    run_expect_error("{{.s.x}}", DATA, ERR_RENDER, 1, 3, "can't evaluate field x in type string");
    run_expect_error("{{$.gone}}", DATA, ERR_RENDER, 1, 3, "no entry for key \"gone\"");
    run_expect_error("{{define \"d\"}}{{.x}}{{end}}\n{{template \"d\" .m}}", DATA, ERR_RENDER, 1,
                     17, "executing <.x> in template \"d\": map has no entry");
    run_expect_error("{{ template \"gone\" . }}", DATA, ERR_RENDER, 1, 4,
                     "template \"gone\" not defined");
    run_expect_error("{{eq .n 3}}", DATA, ERR_RENDER, 1, 3, "write 3.0 rather than 3");
    run_expect_error("{{index .l 5}}", DATA, ERR_RENDER, 1, 3, "index: index out of range");
    run_expect_error("{{len .n}}", DATA, ERR_RENDER, 1, 3, "len of type float64");
    run_expect_error("{{len}}", DATA, ERR_RENDER, 1, 3,
                     "wrong number of args for len: want 1 got 0");
    run_expect_error("{{.s 1}}", DATA, ERR_RENDER, 1, 3, "no function but has arguments");
    run_expect_error("{{nil}}", DATA, ERR_RENDER, 1, 3, "nil is not a command");
    run_expect_error("{{10000000000000000000}}", DATA, ERR_RENDER, 1, 3, "overflows int");
    run_expect_error("{{$x = 1}}", DATA, ERR_RENDER, 1, 3, "undefined variable");
    run_expect_error("{{call .s}}", DATA, ERR_RENDER, 1, 3, "non-function of type string");
}

Test(exec, messages_never_show_data)
{
    static const char *const failing[] = {
        "{{.s.x}}",
        "{{range .s}}{{end}}",
        "{{index .s \"a\"}}",
        "{{slice .s 99}}",
        "{{eq .s 1}}",
        "{{lt .s 1}}",
        "{{call .s}}",
        "{{index .m .n}}",
        "{{printf .l .s}}",
        "{{slice .m .s}}",
        "{{index .l .s}}",
        "{{.s 1}}",
        "{{index .l (len .s)}}",
        "{{.s | .s}}",
    };
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        BUF_LOCAL(out, 1000);
        struct err e = ERR_INIT;
        cr_expect_eq(run_template(str_c(failing[i]), DATA, NULL, &out, &e), ERR_RENDER, "%s",
                     failing[i]);
        cr_expect_not(strstr(e.msg, "secret"), "%s: %s", failing[i], e.msg);
    }
}

static void expect_limit(const char *source, struct tmpl_options limits, const char *message)
{
    BUF_LOCAL(out, 64 << 20);
    struct err e = ERR_INIT;
    err_code code = run_template(str_c(source), DATA, &limits, &out, &e);
    cr_expect_eq(code, ERR_LIMIT, "%s: %d %s", source, code, e.msg);
    cr_expect(strstr(e.msg, message), "%s: %s", source, e.msg);
    cr_expect_gt(e.line, 0);
}

Test(exec, limits_stop_it)
{
    struct tmpl_options none = {.depth = 0};
    expect_limit("{{template \"\" .}}", none, "the depth limit of 200");
    expect_limit(
        "{{define \"a\"}}{{template \"b\"}}{{end}}{{define \"b\"}}{{template \"a\"}}{{end}}"
        "{{template \"a\"}}",
        none, "the depth limit of 200");
    expect_limit("{{template \"\" .}}", (struct tmpl_options){.depth = 1000000},
                 "the depth limit of 1000");
    expect_limit("{{range 1000000000}}{{end}}", none, "the steps limit of 5000000");
    expect_limit("{{range 100}}{{range 100}}{{end}}{{end}}", (struct tmpl_options){.steps = 5000},
                 "the steps limit of 5000");
    expect_limit("{{range 100}}0123456789{{end}}", (struct tmpl_options){.output = 999},
                 "the output limit of 999");
    expect_limit("{{range 100}}{{.}}0123456789{{end}}", (struct tmpl_options){.output = 100},
                 "the output limit of 100");
    expect_limit("{{range 2000000}}0123456789{{end}}", none, "the output limit of 8388608");
    expect_limit("{{len (printf \"%4000d%4000d\" 1 2)}}", (struct tmpl_options){.output = 5000},
                 "output limit of 5000");
    expect_limit("{{if (((1)))}}{{end}}", (struct tmpl_options){.depth = 3},
                 "the depth limit of 3");
}

Test(exec, a_doubling_string_ends)
{
    BUF_LOCAL(out, 64 << 20);
    struct err e = ERR_INIT;
    err_code code = run_template(STR("{{$x := \"ab\"}}{{range 100}}{{$x = print $x $x}}{{end}}"),
                                 NULL, NULL, &out, &e);
    cr_expect_eq(code, ERR_NOMEM, "%s", e.msg);
    cr_expect(strstr(e.msg, "limit is 33554432 bytes"), "%s", e.msg);
}

Test(exec, the_arena_is_a_limit_too)
{
    ARENA_LOCAL(a, 1 << 20);
    BUF_LOCAL(out, 64 << 20);
    struct value data = value_nil();
    struct tmpl *t = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(
        tmpl_compile(STR("m"), STR("{{range 100000}}{{$x := printf \"%100d\" 1}}{{end}}"), &t, &e),
        ERR_OK);
    cr_expect_eq(tmpl_execute(t, &data, &a, NULL, &out, &e), ERR_NOMEM);
    cr_expect(strstr(e.msg, "memory"), "%s", e.msg);
    tmpl_free(t);
}

Test(exec, widths_are_limited)
{
    run_expect("{{printf \"%4097d|%.4097f|%*d\" 1 1.5 4097 2}}", NULL,
               "%!(BADWIDTH)1|%!(BADPREC)1.500000|%!(BADWIDTH)2");
    run_expect("{{len (printf \"%4096d\" 1)}}", NULL, "4096");
    run_expect("{{printf \"%10000000000d\" 1}}", NULL, "%!(NOVERB)%!(EXTRA int=1)");
}

Test(exec, out_keeps_its_maximum_and_what_was_there)
{
    ARENA_LOCAL(a, 1 << 20);
    BUF_LOCAL(out, 10);
    struct value data = value_nil();
    struct tmpl *t = NULL;
    struct err e = ERR_INIT;
    buf_add_lit(&out, "12345");
    cr_assert_eq(tmpl_compile(STR("o"), STR("abcde"), &t, &e), ERR_OK);
    cr_expect_eq(tmpl_execute(t, &data, &a, NULL, &out, &e), ERR_OK, "%s", e.msg);
    cr_expect_str_eq(buf_c(&out), "12345abcde");
    cr_expect_eq(out.max, 10);
    cr_expect_eq(tmpl_execute(t, &data, &a, NULL, &out, NULL), ERR_LIMIT);
    cr_expect_eq(out.max, 10);
    tmpl_free(t);
}

Test(exec, many_arguments_and_variables_move_the_stack)
{
    BUF_LOCAL(b, 1 << 20);
    BUF_LOCAL(want, 1 << 20);
    for (int i = 0; i < 300; i++)
        buf_addf(&b, "{{$v%d := %d}}", i, i);
    buf_add_lit(&b, "{{print");
    for (int i = 0; i < 300; i++) {
        buf_addf(&b, " (print $v%d)", i);
        buf_addf(&want, "%d", i);
    }
    buf_add_lit(&b, "}}");
    run_expect(buf_c(&b), NULL, buf_c(&want));
}

Test(print, shows_a_value_as_an_action_does)
{
    ARENA_LOCAL(a, 1 << 16);
    BUF_LOCAL(out, 1000);
    struct err e = ERR_INIT;
    struct value v, nil = value_nil();
    cr_assert_eq(value_from_json(&a, STR("{\"a\":[1000000,null,\"x\",0.1]}"), &v, &e), ERR_OK);
    tmpl_print(&out, &v);
    tmpl_print(&out, &nil);
    cr_expect_str_eq(buf_c(&out), "map[a:[1e+06 <nil> x 0.1]]<no value>");
}
