/* What a template's result can depend on. Too much is a lost chance, too little would be wrong. */
#include <criterion/criterion.h>

#include "tmpl/tmpl.h"

#define NOTHING TMPL_NEEDS_NOTHING
#define FIELDS  TMPL_NEEDS_DATA
#define REQUEST TMPL_NEEDS_REQUEST

static const struct {
    const char *source;
    enum tmpl_needs needs;
} cases[] = {
    {"", NOTHING},
    {"plain text", NOTHING},
    {"{{1}}{{printf \"%d\" 3}}{{$x := 5}}{{$x}}", NOTHING},
    {"{{range 3}}{{.}}{{end}}", NOTHING},
    {"{{.a}}", FIELDS},
    {"{{$.a.b}}", FIELDS},
    {"{{if .a}}x{{end}}", FIELDS},
    {"{{range .l}}{{.}}{{.x}}{{end}}", FIELDS},
    {"{{range $i, $e := .l}}{{$e}}{{end}}", FIELDS},
    {"{{with .m}}{{.}}{{.k}}{{$.s}}{{end}}", FIELDS},
    {"{{range .l}}{{.request}}{{end}}", FIELDS},
    {"{{$root := .}}{{range .l}}{{$root.s}}{{end}}", FIELDS},
    {"{{index . \"a\"}}{{index $ \"a\" \"b\"}}", FIELDS},
    {"{{(.m).k | printf \"%s\"}}", FIELDS},
    {"{{define \"x\"}}{{.a}}{{end}}{{template \"x\" .}}", FIELDS},
    {"{{define \"x\"}}{{.}}{{end}}{{template \"x\" .a}}", FIELDS},
    {"{{define \"x\"}}{{.}}{{end}}{{template \"x\"}}", NOTHING},
    {"{{define \"x\"}}{{.request}}{{end}}text", NOTHING},
    {"{{define \"x\"}}{{.a}}{{template \"x\" .}}{{end}}{{template \"x\" .}}", FIELDS},
    {"{{block \"x\" .}}{{.a}}{{end}}", FIELDS},
    {"{{template \"gone\" .}}", NOTHING},
    {"{{or .a .b}}{{and .a .b}}", FIELDS},
    {"{{.request}}", REQUEST},
    {"{{.request.query.os}}", REQUEST},
    {"{{$.request.raw_query}}", REQUEST},
    {"{{if .request.query}}x{{end}}", REQUEST},
    {"{{if index .request.query \"x\"}}y{{end}}", REQUEST},
    {"{{index . \"request\"}}", REQUEST},
    {"{{index . .key}}", REQUEST},
    {"{{index $ (print \"request\")}}", REQUEST},
    {"{{\"request\" | index .}}", REQUEST},
    {"{{.}}", REQUEST},
    {"{{$}}", REQUEST},
    {"{{len .}}", REQUEST},
    {"{{range .}}{{.}}{{end}}", REQUEST},
    {"{{range $k, $v := $}}{{$v}}{{end}}", REQUEST},
    {"{{print .}}", REQUEST},
    {"{{. | html}}", REQUEST},
    {"{{$r := .}}{{$r.request}}", REQUEST},
    {"{{$r := .}}{{$r}}", REQUEST},
    {"{{$x := 1}}{{range 2}}{{$x}}{{$x = $.request}}{{end}}", REQUEST},
    {"{{with $r := .request}}{{$r.query}}{{end}}", REQUEST},
    {"{{with $}}{{.request}}{{end}}", REQUEST},
    {"{{(.).request}}", REQUEST},
    {"{{(or .nothing .).request}}", REQUEST},
    {"{{define \"x\"}}{{.request}}{{end}}{{template \"x\" .}}", REQUEST},
    {"{{define \"x\"}}{{template \"y\" .}}{{end}}{{define \"y\"}}{{.}}{{end}}{{template \"x\" .}}",
     REQUEST},
    {"{{define \"x\"}}{{$.request}}{{end}}{{range .l}}{{template \"x\" $}}{{end}}", REQUEST},
    {"{{$x := 1}}{{and 0 ($x := .request)}}{{$x}}", REQUEST},
    {"{{template \"\" .a}}{{.request}}", REQUEST},
};

Test(needs, are_known_from_the_source)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tmpl *t = NULL;
        struct err e = ERR_INIT;
        cr_assert_eq(tmpl_compile(STR("n"), str_c(cases[i].source), &t, &e), ERR_OK, "%s: %s",
                     cases[i].source, e.msg);
        cr_expect_eq(tmpl_needs(t), cases[i].needs, "%s: %d", cases[i].source, tmpl_needs(t));
        tmpl_free(t);
    }
}

Test(needs, of_a_chain_that_is_too_long_to_follow_are_all)
{
    BUF_LOCAL(b, 1 << 20);
    for (int i = 0; i < 100; i++)
        buf_addf(&b, "{{define \"t%d\"}}{{template \"t%d\" .}}{{end}}", i, i + 1);
    buf_add_lit(&b, "{{define \"t100\"}}{{.request}}{{end}}{{template \"t0\" .}}");
    struct tmpl *t = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(tmpl_compile(STR("n"), buf_str(&b), &t, &e), ERR_OK, "%s", e.msg);
    cr_expect_eq(tmpl_needs(t), TMPL_NEEDS_REQUEST);
    tmpl_free(t);
}
