/*
 * No template can take more than its share, whatever it calls. What is measured is what the limits
 * count, steps and bytes of the arena, so the tests say the same on every machine.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define MIB       ((size_t)1 << 20)
#define BIG       MIB
#define ARENA_MAX (64 * MIB)

/* .big is 1 MiB of text, .json a JSON list of 100,000 numbers, .deep 400 nested lists. */
static struct value make_data(struct arena *a, struct value_pair *pairs)
{
    char *big = arena_alloc(a, BIG);
    struct buf json, deep;
    struct err e = ERR_INIT;
    buf_in_arena(&json, a, MIB);
    buf_in_arena(&deep, a, MIB);
    cr_assert_not_null(big);
    memset(big, 'a', BIG);
    for (int i = 0; i < 100000; i++)
        buf_add_str(&json, i ? STR(",1") : STR("[1"));
    buf_add_byte(&json, ']');
    for (int i = 0; i < 400; i++)
        buf_add_byte(&deep, '[');
    for (int i = 0; i < 400; i++)
        buf_add_byte(&deep, ']');
    pairs[0] = (struct value_pair){STR("big"), value_str(str_of(big, BIG))};
    pairs[1] = (struct value_pair){STR("deep"), value_nil()};
    pairs[2] = (struct value_pair){STR("json"), value_str(buf_str(&json))};
    cr_assert_eq(value_from_json(a, buf_str(&deep), &pairs[1].v, &e), ERR_OK, "%s", e.msg);
    return value_map(VALUE_MAP, pairs, 3);
}

/* Executes with output to the heap; *used is what the arena held more afterwards. */
static err_code execute(const char *source, const struct tmpl_options *options, size_t *used,
                        struct err *e)
{
    ARENA_LOCAL(a, ARENA_MAX);
    BUF_LOCAL(out, ARENA_MAX);
    struct tmpl *t = NULL;
    struct value_pair pairs[3];
    struct value data = make_data(&a, pairs);
    size_t before = a.used, max = a.max;
    cr_assert_eq(tmpl_compile(STR("t"), str_c(source), &t, e), ERR_OK, "%s: %s", source, e->msg);
    err_code code = tmpl_execute(t, &data, &a, options, &out, e);
    *used = a.used - before;
    cr_expect_eq(a.max, max, "the arena's own maximum is restored");
    cr_expect_leq(out.n, 8 * MIB, "%s: output of %zu bytes", source, out.n);
    tmpl_free(t);
    return code;
}

/* It must end with one of the limits. */
static void expect_stopped_at(const char *source, const struct tmpl_options *options)
{
    size_t used;
    struct err e = ERR_INIT;
    err_code code = execute(source, options, &used, &e);
    cr_expect(code == ERR_LIMIT || code == ERR_NOMEM, "%s: %d %s", source, code, e.msg);
    cr_expect(strstr(e.msg, "limit") || strstr(e.msg, "nested more than"), "%s: %s", source, e.msg);
    cr_expect_leq(used, 32 * MIB, "%s: %zu bytes", source, used);
}

/* With the limits as they are by default. */
static void expect_stopped(const char *source)
{
    expect_stopped_at(source, NULL);
}

/* A tenth of the usual steps, to be quick about it. */
static const struct tmpl_options fewer = {.steps = 500000};

Test(limits, work_on_long_text_is_counted)
{
    static const char *const calls[] = {"contains \"b\" $.big",
                                        "hasPrefix $.big $.big",
                                        "hasSuffix $.big $.big",
                                        "sha256sum $.big",
                                        "trim $.big",
                                        "trimAll \"a\" $.big",
                                        "trimPrefix $.big $.big",
                                        "trimSuffix $.big $.big",
                                        "upper $.big",
                                        "lower $.big",
                                        "title $.big",
                                        "replace \"b\" \"c\" $.big",
                                        "replace $.big \"\" $.big",
                                        "b64enc $.big",
                                        "quote $.big",
                                        "squote $.big",
                                        "indent 1 $.big",
                                        "nindent 1 $.big",
                                        "splitList \"b\" $.big",
                                        "split \"b\" $.big",
                                        "join $.big (list 1 2)",
                                        "join \",\" (list $.big $.big)",
                                        "toJson $.big",
                                        "toYaml $.big",
                                        "toJson (list $.big)",
                                        "toJson (dict $.big 1)",
                                        "int $.big",
                                        "float64 $.big",
                                        "toString $.big",
                                        "ipxe $.big",
                                        "grubquote $.big",
                                        "shquote $.big",
                                        "karg $.big",
                                        "has $.big (list $.big)",
                                        "get $ $.big",
                                        "hasKey $ $.big",
                                        "dig $.big 1 $",
                                        "index $ $.big",
                                        "dict $.big 1",
                                        "add $.big",
                                        "max $.big",
                                        "urlquery $.big",
                                        "html $.big",
                                        "js $.big",
                                        "print $.big 1",
                                        "printf \"%s\" $.big",
                                        "printf \"%q\" $.big",
                                        "printf $.big",
                                        "has (dict $.big 1) (list (dict $.big 1))"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char source[200];
        snprintf(source, sizeof source, "{{range 1000}}{{$x := %s}}{{end}}", calls[i]);
        expect_stopped_at(source, &fewer);
    }
}

Test(limits, work_on_many_elements_is_counted)
{
    static const char *const calls[] = {
        "toJson $l",        "toYaml $l",       "join \",\" $l", "concat $l $l",
        "has 2 $l",         "quote $l",        "toString $l",   "print $l",
        "has $l (list $l)", "fromJson $.json", "until 100000",  "splitList \",\" $.json"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char source[200];
        snprintf(source, sizeof source,
                 "{{$l := fromJson $.json}}{{range 1000}}{{$x := %s}}{{end}}", calls[i]);
        expect_stopped_at(source, &fewer);
    }
}

Test(limits, small_calls_are_counted)
{
    static const char *const calls[] = {"cidrhost \"10.0.0.0/8\" 1",
                                        "cidrsubnet \"::/0\" 64 1",
                                        "cidrnetmask \"10.0.0.0/8\"",
                                        "add 1 2",
                                        "int \"1\"",
                                        "list 1",
                                        "dict \"a\" 1",
                                        "first (list 1)",
                                        "empty 1",
                                        "sha256sum \"\"",
                                        "toJson 1",
                                        "toYaml 1",
                                        "fromJson \"1\"",
                                        "ipxe \"a\"",
                                        "contains \"a\" \"b\""};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char source[200];
        snprintf(source, sizeof source, "{{range 1000000000}}{{$x := %s}}{{end}}", calls[i]);
        expect_stopped_at(source, &fewer);
    }
}

Test(limits, growth_ends)
{
    static const char *const sources[] = {
        "{{until 1000000000}}",
        "{{until 9223372036854775807}}",
        "{{until -9223372036854775808}}",
        "{{len (until 4000000)}}",
        "{{indent 1000000000000 \"a\"}}",
        "{{indent 4000 (replace \"a\" \"\\n\" .big)}}",
        "{{replace \"\" .big .big}}",
        "{{replace \"a\" .big .big}}",
        "{{$x := \"ab\"}}{{range 100}}{{$x = print $x $x}}{{end}}",
        "{{$x := \"ab\"}}{{range 100}}{{$x = join $x (list $x $x)}}{{end}}",
        "{{$x := \"ab\"}}{{range 100}}{{$x = replace \"a\" $x $x}}{{end}}",
        "{{$x := list 1}}{{range 100}}{{$x = concat $x $x}}{{end}}",
        "{{$x := \"a\"}}{{range 100}}{{$x = b64enc $x}}{{end}}",
        "{{$x := \"a\"}}{{range 100}}{{$x = toJson (list $x $x)}}{{end}}",
        "{{$x := \"\\\"\"}}{{range 100}}{{$x = quote $x}}{{end}}",
        "{{range until 100000}}{{printf \"%4000d\" .}}{{end}}",
        "{{range 10000}}{{.}}{{range 1000}}          {{end}}{{end}}",
        "{{range 100}}{{$.big}}{{end}}",
        "{{trimAll .big .big}}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        expect_stopped(sources[i]);
}

/* Each level holds the one below twice, so that there are 2^60 ways through few bytes. */
#define BOMB "{{$x := list 1}}{{range 60}}{{$x = list $x $x}}{{end}}"
#define MAPS "{{$x := list 1}}{{range 60}}{{$x = dict \"a\" $x \"b\" $x}}{{end}}"

Test(limits, shared_values_are_no_bomb)
{
    static const char *const calls[] = {
        "{{toJson $x}}",     "{{toYaml $x}}",   "{{$x}}",
        "{{quote $x}}",      "{{print $x}}",    "{{printf \"%d\" $x}}",
        "{{join \",\" $x}}", "{{toString $x}}", "{{html $x}}",
        "{{dict $x 1}}",     "{{ipxe $x}}"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        BUF_LOCAL(source, 1000);
        buf_addf(&source, BOMB "%s", calls[i]);
        expect_stopped_at(buf_c(&source), &fewer);
        buf_clear(&source);
        buf_addf(&source, MAPS "%s", calls[i]);
        expect_stopped_at(buf_c(&source), &fewer);
    }
    expect_stopped("{{$x := list (fromJson \"1\")}}{{range 60}}{{$x = list $x $x}}{{end}}{{$x}}");
    expect_stopped(BOMB "{{$a := $x}}{{$x = list 1}}{{range 60}}{{$x = list $x $x}}{{end}}"
                        "{{has $a (list $x)}}");
}

Test(limits, depth_is_bounded_for_what_recurses)
{
    static const char *const calls[] = {"{{toJson $x}}", "{{toYaml $x}}", "{{$x}}", "{{quote $x}}",
                                        "{{has $x (list $y)}}"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        BUF_LOCAL(source, 1000);
        buf_addf(
            &source,
            "{{$x := list}}{{$y := list}}{{range 200000}}{{$x = list $x}}{{$y = list $y}}{{end}}%s",
            calls[i]);
        expect_stopped(buf_c(&source));
    }
    size_t used;
    struct err e = ERR_INIT;
    cr_expect_eq(execute("{{toJson .deep}}{{toYaml .deep}}{{.deep}}{{has .deep (list .deep)}}",
                         NULL, &used, &e),
                 ERR_OK, "%s", e.msg);
    expect_stopped("{{$x := .deep}}{{range 200}}{{$x = list $x}}{{end}}{{toJson $x}}");
}

Test(limits, the_memory_limit_holds_with_the_output_in_the_same_arena)
{
    ARENA_LOCAL(a, 1024 * MIB);
    struct buf out;
    struct tmpl *t = NULL;
    struct value data = value_nil();
    struct err e = ERR_INIT;
    buf_in_arena(&out, &a, 8 * MIB);
    const char source[] = "{{range 800}}{{printf \"%4096d\" 1}}{{printf \"%4096d\" 1}}{{end}}";
    cr_assert_eq(tmpl_compile(STR("t"), str_c(source), &t, &e), ERR_OK);
    cr_expect_eq(tmpl_execute(t, &data, &a, NULL, &out, &e), ERR_OK, "%s", e.msg);
    cr_expect_eq(out.n, 800 * 2 * 4096);
    cr_expect_leq(a.used, 48 * MIB);
    tmpl_free(t);
    t = NULL;
    arena_free(&a);
    buf_in_arena(&out, &a, 8 * MIB);
    cr_assert_eq(tmpl_compile(STR("t"),
                              STR("{{range 1000000}}{{$x := printf \"%200d\" .}}x{{end}}"), &t, &e),
                 ERR_OK);
    cr_expect_eq(tmpl_execute(t, &data, &a, NULL, &out, &e), ERR_NOMEM, "%s", e.msg);
    cr_expect_leq(a.used, 48 * MIB);
    tmpl_free(t);
}

Test(limits, output_stops_at_the_limit_even_in_a_larger_buffer)
{
    ARENA_LOCAL(a, MIB);
    BUF_LOCAL(out, MIB);
    struct tmpl *t = NULL;
    struct value data = value_nil();
    struct err e = ERR_INIT;
    struct tmpl_options options = {.output = 10};
    cr_assert_not_null(buf_reserve(&out, 1000));
    cr_assert_eq(tmpl_compile(STR("t"), STR("{{range 3}}{{.}}abc{{end}}"), &t, &e), ERR_OK);
    cr_expect_eq(tmpl_execute(t, &data, &a, &options, &out, &e), ERR_LIMIT);
    cr_expect(strstr(e.msg, "output limit of 10"), "%s", e.msg);
    tmpl_free(t);
}

Test(limits, sources_are_bounded)
{
    struct tmpl *t = NULL;
    struct err e = ERR_INIT;
    char *large = malloc(TMPL_SOURCE_MAX + 1);
    cr_assert_not_null(large);
    memset(large, 'x', TMPL_SOURCE_MAX + 1);
    cr_expect_eq(tmpl_compile(STR("t"), str_of(large, TMPL_SOURCE_MAX + 1), &t, &e), ERR_LIMIT);
    cr_expect(strstr(e.msg, "2097152"), "%s", e.msg);
    cr_expect_eq(tmpl_compile(STR("t"), str_of(large, TMPL_SOURCE_MAX), &t, &e), ERR_OK);
    tmpl_free(t);
    free(large);
}
