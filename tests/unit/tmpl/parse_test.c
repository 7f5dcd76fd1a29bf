/* Tokens, and what is refused when a template is compiled: the exact place and the reason. */
#include <criterion/criterion.h>
#include <string.h>

#include "run.h"
#include "tmpl/lex.h"

static const char kinds[][12] = {
    [TOKEN_EOF] = "EOF",         [TOKEN_TEXT] = "text",      [TOKEN_LEFT_DELIM] = "{{",
    [TOKEN_RIGHT_DELIM] = "}}",  [TOKEN_SPACE] = "space",    [TOKEN_ASSIGN] = "=",
    [TOKEN_DECLARE] = ":=",      [TOKEN_PIPE] = "|",         [TOKEN_LEFT_PAREN] = "(",
    [TOKEN_RIGHT_PAREN] = ")",   [TOKEN_CHAR] = "char",      [TOKEN_BOOL] = "bool",
    [TOKEN_CHAR_CONSTANT] = "'", [TOKEN_COMPLEX] = "cplx",   [TOKEN_NUMBER] = "num",
    [TOKEN_STRING] = "str",      [TOKEN_RAW_STRING] = "raw", [TOKEN_IDENTIFIER] = "id",
    [TOKEN_FIELD] = "field",     [TOKEN_VARIABLE] = "var",   [TOKEN_DOT] = "dot",
    [TOKEN_NIL] = "nil",         [TOKEN_BLOCK] = "block",    [TOKEN_BREAK] = "break",
    [TOKEN_CONTINUE] = "cont",   [TOKEN_DEFINE] = "define",  [TOKEN_ELSE] = "else",
    [TOKEN_END] = "end",         [TOKEN_IF] = "if",          [TOKEN_RANGE] = "range",
    [TOKEN_TEMPLATE] = "tmpl",   [TOKEN_WITH] = "with",
};

static void expect_tokens(const char *source, const char *want)
{
    BUF_LOCAL(got, 4096);
    struct lexer l;
    struct token t = {.kind = TOKEN_TEXT};
    struct err e = ERR_INIT;
    lex_init(&l, str_c(source));
    while (t.kind != TOKEN_EOF) {
        cr_assert_eq(lex_next(&l, &t, &e), ERR_OK, "%s: %s", source, e.msg);
        buf_addf(&got, "%s@%u ", kinds[t.kind], t.pos);
    }
    cr_expect_str_eq(buf_c(&got), want, "%s: got %s", source, buf_c(&got));
}

Test(lex, cuts_a_source_into_tokens)
{
    expect_tokens("a{{.b}}", "text@0 {{@1 field@3 }}@5 EOF@7 ");
    expect_tokens("{{$x := 1 | len}}",
                  "{{@0 var@2 space@4 :=@5 space@7 num@8 space@9 |@10 space@11 "
                  "id@12 }}@15 EOF@17 ");
    expect_tokens("x \n{{- . -}}\n y", "text@0 {{@3 dot@7 }}@8 text@14 EOF@15 ");
    expect_tokens("a{{/* c */}}b", "text@0 text@12 EOF@13 ");
    expect_tokens("{{1+2i}}{{'a'}}{{`r`}}{{\"s\"}}",
                  "{{@0 cplx@2 }}@6 {{@8 '@10 }}@13 {{@15 raw@17 }}@20 {{@22 str@24 }}@27 EOF@29 ");
    expect_tokens("{{if true}}{{break}}{{end}}",
                  "{{@0 if@2 space@4 bool@5 }}@9 {{@11 break@13 }}@18 {{@20 end@22 }}@25 EOF@27 ");
    expect_tokens("{{(.a.b)}}", "{{@0 (@2 field@3 field@5 )@7 }}@8 EOF@10 ");
    expect_tokens("", "EOF@0 ");
}

static const struct {
    const char *source;
    int line, column;
    const char *message;
} refused[] = {
    {"{{", 1, 1, "unclosed action"},
    {"ab\n  {{.x", 2, 3, "unclosed action"},
    {"{{/* x", 1, 1, "unclosed comment"},
    {"{{/* x */ }}", 1, 10, "comment ends before closing delimiter"},
    {"{{\"a}}", 1, 3, "unterminated quoted string"},
    {"{{\"a\nb\"}}", 1, 3, "unterminated quoted string"},
    {"{{`a}}", 1, 3, "unterminated raw quoted string"},
    {"{{'a}}", 1, 3, "unterminated character constant"},
    {"{{.a-b}}", 1, 5, "bad character in a name"},
    {"\n\n {{.a.b;}}", 3, 8, "U+003B"},
    {"{{\xC2\xA0}}", 1, 3, "unrecognized character in action: U+00A0"},
    {"{{1a}}", 1, 3, "bad number syntax"},
    {"{{1+2}}", 1, 3, "bad number syntax"},
    {"{{:}}", 1, 3, "expected :="},
    {"{{)}}", 1, 3, "unexpected right paren"},
    {"{{(1}}", 1, 5, "unclosed left paren"},
    {"{{}}", 1, 3, "missing value for command"},
    {"{{nofunc 1}}", 1, 3, "function \"nofunc\" not defined"},
    {"a\n{{ $x }}", 2, 4, "undefined variable \"$x\""},
    {"{{if}}{{end}}", 1, 5, "missing value for if"},
    {"{{if 1}}", 1, 9, "{{end}} is missing"},
    {"{{end}}", 1, 3, "unexpected {{end}}"},
    {"{{else}}", 1, 3, "unexpected {{else}}"},
    {"{{if 1}}{{else}}{{else}}{{end}}", 1, 19, "expected {{end}}"},
    {"{{range 1}}{{else if 1}}{{end}}", 1, 14, "cannot follow {{range}}"},
    {"{{break}}", 1, 3, "outside {{range}}"},
    {"{{range 1}}{{else}}{{continue}}{{end}}", 1, 22, "outside {{range}}"},
    {"{{range 1}}{{block \"b\" .}}{{break}}{{end}}{{end}}", 1, 29, "outside {{range}}"},
    {"{{break 1}}", 1, 9, "in {{break}}"},
    {"{{\"\\q\"}}", 1, 3, "invalid escape"},
    {"{{'ab'}}", 1, 3, "illegal number syntax"},
    {"{{089}}", 1, 3, "illegal number syntax"},
    {"{{99999999999999999999}}", 1, 3, "too large"},
    {"{{1e999}}", 1, 3, "too large"},
    {"{{1 | 2}}", 1, 7, "non executable command in pipeline stage 2"},
    {"{{| 1}}", 1, 3, "unexpected \"|\" in command"},
    {"{{print(1)}}", 1, 8, "unexpected \"(\" in operand"},
    {"{{1.x}}", 1, 3, "bad number syntax"},
    {"{{\"a\".x}}", 1, 6, "unexpected . after term"},
    {"{{$a, $b := .l}}", 1, 3, "too many declarations in command"},
    {"{{range $a, $b, $c := .l}}{{end}}", 1, 13, "too many declarations in range"},
    {"{{range $a, 1}}{{end}}", 1, 13, "range can only initialize variables"},
    {"{{template .x}}", 1, 12, "unexpected \".x\" in template clause"},
    {"{{block \"b\"}}{{end}}", 1, 12, "missing value for block clause"},
    {"{{define \"a\"}}x{{end}}\n{{define \"a\"}}y{{end}}", 2, 3, "multiple definition"},
    {"{{if 1}}{{define \"a\"}}x{{end}}{{end}}", 1, 11, "must not stand inside"},
    {"{{define \"a\"}}{{else}}{{end}}", 1, 17, "unexpected {{else}} in define clause"},
    {"{{define a}}{{end}}", 1, 10, "unexpected \"a\" in define clause"},
    {"{{if 1}}{{$y := 1}}{{end}}{{$y}}", 1, 29, "undefined variable"},
};

Test(parse, refuses_with_the_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        run_expect_error(refused[i].source, NULL, ERR_INVALID, refused[i].line, refused[i].column,
                         refused[i].message);
}

/* n times head, then tail n times. */
static err_code compile_nested(const char *head, const char *middle, const char *tail, int n,
                               struct err *e)
{
    BUF_LOCAL(b, 4 << 20);
    struct tmpl *t = NULL;
    for (int i = 0; i < n; i++)
        buf_add_str(&b, str_c(head));
    buf_add_str(&b, str_c(middle));
    for (int i = 0; i < n; i++)
        buf_add_str(&b, str_c(tail));
    cr_assert(!b.failed);
    err_code code = tmpl_compile(STR("deep"), buf_str(&b), &t, e);
    tmpl_free(t);
    return code;
}

Test(parse, limits_nesting)
{
    static const char *const shapes[][3] = {
        {"{{if 1}}", "", "{{end}}"},    {"{{with 1}}", "", "{{end}}"},
        {"{{range 1}}", "", "{{end}}"}, {"{{block \"\"1}}", "", "{{end}}"},
        {"{{block \"b\" .}}", "", ""},
    };
    struct err e = ERR_INIT;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        err_code c = compile_nested(shapes[i][0], shapes[i][1], shapes[i][2], 100000, &e);
        cr_expect_eq(c, ERR_LIMIT, "%s: %s", shapes[i][0], e.msg);
        cr_expect(strstr(e.msg, "nested more than 200 deep"), "%s", e.msg);
    }
    BUF_LOCAL(b, 1 << 20);
    buf_add_lit(&b, "{{");
    for (int i = 0; i < 100000; i++)
        buf_add_byte(&b, '(');
    struct tmpl *t = NULL;
    cr_expect_eq(tmpl_compile(STR("p"), buf_str(&b), &t, &e), ERR_LIMIT);
    cr_expect(e.line == 1 && e.column == 203, "%d:%d", e.line, e.column);
    cr_expect_eq(compile_nested("{{if 1}}", "x", "{{end}}", 200, &e), ERR_OK, "%s", e.msg);
}

Test(parse, a_long_else_if_chain_is_not_deep)
{
    BUF_LOCAL(b, 4 << 20);
    buf_add_lit(&b, "{{$x := 1}}{{if eq $x 0}}a");
    for (int i = 0; i < 20000; i++)
        buf_add_lit(&b, "{{else if eq $x 2}}b");
    buf_add_lit(&b, "{{else}}c{{end}}");
    BUF_LOCAL(out, 100);
    struct err e = ERR_INIT;
    cr_expect_eq(run_template(buf_str(&b), NULL, NULL, &out, &e), ERR_OK, "%s", e.msg);
    cr_expect_str_eq(buf_c(&out), "c");
}

Test(parse, limits_definitions_and_variables_and_size)
{
    struct err e = ERR_INIT;
    struct tmpl *t = NULL;
    BUF_LOCAL(defines, 1 << 20);
    BUF_LOCAL(vars, 1 << 20);
    BUF_LOCAL(large, 4 << 20);
    for (int i = 0; i < 1001; i++) {
        buf_addf(&defines, "{{define \"t%d\"}}x{{end}}", i);
        buf_addf(&vars, "{{$v%d := 1}}", i);
    }
    cr_expect_eq(tmpl_compile(STR("d"), buf_str(&defines), &t, &e), ERR_LIMIT);
    cr_expect(strstr(e.msg, "1000 templates"), "%s", e.msg);
    cr_expect_eq(tmpl_compile(STR("v"), buf_str(&vars), &t, &e), ERR_LIMIT);
    cr_expect(strstr(e.msg, "1000 variables"), "%s", e.msg);
    char *p = buf_reserve(&large, TMPL_SOURCE_MAX + 1);
    memset(p, 'x', TMPL_SOURCE_MAX + 1);
    cr_expect_eq(tmpl_compile(STR("s"), str_of(p, TMPL_SOURCE_MAX + 1), &t, &e), ERR_LIMIT);
    cr_expect_eq(tmpl_compile(STR("s"), str_of(p, TMPL_SOURCE_MAX), &t, &e), ERR_OK);
    cr_expect_geq(tmpl_memory(t), TMPL_SOURCE_MAX);
    tmpl_free(t);
}

Test(parse, assignments_do_not_use_up_variables)
{
    BUF_LOCAL(b, 1 << 20);
    buf_add_lit(&b, "{{$x := 0}}");
    for (int i = 0; i < 3000; i++)
        buf_add_lit(&b, "{{$x = 1}}");
    struct tmpl *t = NULL;
    struct err e = ERR_INIT;
    cr_expect_eq(tmpl_compile(STR("a"), buf_str(&b), &t, &e), ERR_OK, "%s", e.msg);
    tmpl_free(t);
}
