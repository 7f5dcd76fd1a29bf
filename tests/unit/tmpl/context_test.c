/* What marked values may be in each context, and what makes them harmless. */
#include <criterion/criterion.h>
#include <string.h>

#include "run.h"

/* Everything that needs no care anywhere. */
#define PLAIN "azAZ09._:/@%+,=~-"

static const enum tmpl_context contexts[] = {TMPL_GENERIC, TMPL_IPXE, TMPL_PXELINUX,
                                             TMPL_GRUB,    TMPL_YAML, TMPL_SCRIPT};
static const char *const names[] = {"generic", "ipxe",   "pxelinux", "grub",
                                    "yaml",    "script", "trusted"};
#define CONTEXTS 6

static void mark_all(struct value *v)
{
    v->marked = true;
    if (v->kind == VALUE_LIST)
        for (uint32_t i = 0; i < v->n; i++)
            mark_all((struct value *)&v->list[i]);
    else if (value_is_map(*v))
        for (uint32_t i = 0; i < v->n; i++)
            mark_all((struct value *)&v->map[i].v);
}

/* .v is the text, marked; .q is {"k": .v, "list": [.v], .v: "x"}, marked; .o is {"k": "a b\n"}. */
static err_code execute(enum tmpl_context context, const char *source, struct str text,
                        struct buf *out, struct err *e)
{
    ARENA_LOCAL(a, 64 << 20);
    struct tmpl *t = NULL;
    struct value v = value_str(text), list = {.kind = VALUE_LIST, .n = 1, .list = &v};
    struct value_pair q[] = {{STR("k"), v}, {STR("list"), list}, {text, value_str(STR("x"))}};
    struct value_pair o[] = {{STR("k"), value_str(STR("a b\n"))}};
    struct value_pair all[] = {
        {STR("o"), value_map(VALUE_MAP, o, 1)}, {STR("q"), value_nil()}, {STR("v"), v}};
    all[1].v = value_map(VALUE_MAP, q, 3);
    mark_all(&all[1].v);
    mark_all(&all[2].v);
    struct value data = value_map(VALUE_MAP, all, 3);
    struct tmpl_options options = {.context = context};
    err_code code = tmpl_compile(STR("t"), str_c(source), &t, e);
    cr_assert_eq(code, ERR_OK, "%s: %s", source, e->msg);
    code = tmpl_execute(t, &data, &a, &options, out, e);
    tmpl_free(t);
    return code;
}

static void expect(enum tmpl_context context, const char *source, struct str text, bool good)
{
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    err_code code = execute(context, source, text, &out, &e);
    cr_expect_eq(code, good ? ERR_OK : ERR_RENDER, "%s in %s: %s [%s]", source, names[context],
                 code ? e.msg : "printed", code ? "" : buf_c(&out));
}

/* good has a letter for each context in which it may be printed: g i p u y s (u is GRUB). */
static void expect_in(const char *source, const char *text, const char *good)
{
    for (size_t i = 0; i < CONTEXTS; i++)
        expect(contexts[i], source, str_c(text), strchr(good, "gipuys"[i]) != NULL);
    expect(TMPL_TRUSTED, source, str_c(text), true);
}

/* The function itself says no, whoever is trusted. */
static void expect_refused(const char *source, const char *text)
{
    for (int i = 0; i < TMPL_CONTEXTS; i++)
        expect((enum tmpl_context)i, source, str_c(text), false);
}

Test(contexts, plain_text_passes_everywhere)
{
    expect_in("{{.v}}", PLAIN, "gipuys");
    expect_in("{{.v}}", "", "gipuys");
    expect_in("{{.q.k}}{{index .q.list 0}}{{range .q.list}}{{.}}{{end}}", PLAIN, "gipuys");
    expect_in("{{with .v}}{{$x := .}}{{if $x}}{{$x}}{{end}}{{end}}", PLAIN, "gipuys");
    expect_in("{{define \"d\"}}{{.}}{{end}}{{template \"d\" .v}}", PLAIN, "gipuys");
}

Test(contexts, every_other_byte_passes_in_generic_only_and_controls_nowhere)
{
    for (int c = 0; c < 256; c++) {
        char bytes[3] = {'a', (char)c, 'b'};
        bool plain = c && strchr("._:/@%+,=~-", c);
        plain = plain || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
        for (size_t i = 0; i < CONTEXTS; i++)
            expect(contexts[i], "{{.v}}", str_of(bytes, 3),
                   plain || (contexts[i] == TMPL_GENERIC && !control));
    }
    expect_in("{{.v}}", "a:", "gipus");
    expect_in("{{print .v \" b\"}}", "-", "gipus");
    expect_in("{{.v}}", "...", "gipus");
    expect_in("{{.v}}", "-a", "gipuys");
    expect_in("{{.v}}", "\xC3\xA9", "g");
    expect_in("{{.v}}", "\xC2\x85", "");     /* NEL */
    expect_in("{{.v}}", "\xE2\x80\xA8", ""); /* U+2028 */
    expect_in("{{.v}}", "\xE2\x80\xA9", "");
    expect_in("{{.v}}", "\xE2\x80\xAA", "g");
}

Test(contexts, no_way_of_printing_loses_the_mark)
{
    static const char *const ways[] = {
        "{{.v}}",
        "{{.q.k}}",
        "{{$x := .v}}{{$x}}",
        "{{range .q.list}}{{.}}{{end}}",
        "{{range $k, $_ := .q}}{{$k}}{{end}}",
        "{{print .v}}",
        "{{printf \"%s\" .v}}",
        "{{printf \"%v\" .q}}",
        "{{printf .v}}",
        "{{printf \"%.99s\" .v}}",
        "{{println .v}}",
        "{{.q}}",
        "{{.q.list}}",
        "{{index .q \"k\"}}",
        "{{get .q \"k\"}}",
        "{{slice .v 0}}",
        "{{printf \"%c\" (index .v 1)}}",
        "{{printf \"%c%c\" 97 (index .v 1)}}",
        "{{default \"d\" .v}}",
        "{{required \"m\" .v}}",
        "{{ternary .v 1 true}}",
        "{{coalesce \"\" .v}}",
        "{{dig \"k\" \"d\" .q}}",
        "{{dig \"zz\" .v .q}}",
        "{{first (list .v)}}",
        "{{first .q.list}}",
        "{{index (concat .q.list list) 0}}",
        "{{join \",\" .q.list}}",
        "{{join .v (list 1 2)}}",
        "{{index (splitList \"zz\" .v) 0}}",
        "{{(split \"zz\" .v)._0}}",
        "{{(dict \"a\" .v).a}}",
        "{{range $k, $_ := dict .v 1}}{{$k}}{{end}}",
        "{{print (dict .v 1)}}",
        "{{indent 0 .v}}",
        "{{nindent 0 .v}}",
        "{{trim .v}}",
        "{{trimAll \"zz\" .v}}",
        "{{trimPrefix \"zz\" .v}}",
        "{{trimSuffix \"zz\" .v}}",
        "{{upper .v}}",
        "{{lower .v}}",
        "{{title .v}}",
        "{{replace \"zz\" \"\" .v}}",
        "{{replace \"zz\" .v \"zz\"}}",
        "{{toString .v}}",
        "{{b64dec (b64enc .v)}}",
        "{{fromJson (toJson .v)}}",
        "{{squote .v}}",
        "{{(fromJson (toJson .q)).k}}",
        "{{index (fromJson (toJson .q)).list 0}}",
        "{{range $k, $_ := fromJson (toJson .q)}}{{$k}}{{end}}",
        "{{define \"d\"}}{{.}}{{end}}{{template \"d\" .v}}",
        "{{or .v 1}}",
        "{{and 1 .v}}",
        "{{with .v}}{{.}}{{end}}",
        "{{(list .v 1)}}",
        "{{.v | print | trim | toString}}",
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (size_t k = 1; k < CONTEXTS; k++)
            expect(contexts[k], ways[i], STR("a\nb c"), false);
        expect(TMPL_GENERIC, ways[i], STR("a\nb c"), false);
        expect(TMPL_TRUSTED, ways[i], STR("a\nb c"), true);
    }
    static const char *const also[] = {
        "{{html .v}}",          "{{js .v}}",     "{{quote .v}}", "{{shquote .v}}",
        "{{printf \"%q\" .v}}", "{{toYaml .v}}", "{{karg .v}}"};
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        for (size_t k = 1; k < CONTEXTS; k++)
            expect(contexts[k], also[i], STR("a $(b)"), false);
}

Test(contexts, what_clears_it)
{
    expect_in("{{urlquery .v}}", "a b\n${x}\"", "gipuys");
    expect_in("{{b64enc .v}}", "a b\n${x}\"", "gipuys");
    expect_in("{{sha256sum .v}}", "a b\n", "gipuys");
    expect_in("{{ipxe .v}}", "a!b", "gipu");
    expect_in("{{ipxe .v}}", "a;reboot", "gip"); /* a second command in GRUB */
    expect_in("{{ipxe .v}}", "$x", "gip");
    expect_refused("{{ipxe .v}}", "a b");
    expect_in("{{grubquote .v}}", "a b;$x{}'\"", "gu");
    expect_in("{{toJson .v}}", "a b: \n- c\"'\\", "gy");
    expect_in("{{toJson .q}}", "a b", "gy");
    expect_in("{{toJson .v}}", "a\x7F", "");
    expect_in("{{toJson .v}}", "a\xC2\x85", "");
    expect_in("{{toJson .v}}", "a\xE2\x80\xA8", "gy");
    expect_in("{{quote .v}}", "a b", "g");
    expect_in("{{shquote .v}}", "a b", "g");
}

Test(contexts, what_was_earned_is_kept_beside_other_text)
{
    expect_in("{{print \"h: \" (toJson .v) \"\\n\"}}", "a b", "gy");
    expect_in("{{printf \"%s = %v\\n\" (toJson .v) (toJson .q.k)}}", "a b", "gy");
    expect_in("{{toJson .v | nindent 4}}", "a b", "gy");
    expect_in("{{join \" \" (list (toJson .v) \"x y\")}}", "a b", "gy");
    expect_in("{{printf \"set x %s\\n\" .v}}", PLAIN, "gipuys");
    expect_in("{{printf \"set x %s\\n\" .v}}", "a b", "g");
    expect_in("{{printf \"%-20s|\" .v}}", "a", "gipuys");
    expect_in("{{print (toJson .v) .v}}", "a b", "g");
    expect_in("{{print (grubquote .v) (toJson .v)}}", "a b", "g");
}

Test(contexts, what_was_earned_is_lost_when_it_is_changed)
{
    static const char *const changes[] = {"{{toJson .v | trimPrefix \"\\\"\"}}",
                                          "{{toJson .v | upper}}",
                                          "{{toJson .v | replace \"x\" \"y\"}}",
                                          "{{slice (toJson .v) 1}}",
                                          "{{printf \"%.3s\" (toJson .v)}}",
                                          "{{printf \"%q\" (toJson .v)}}",
                                          "{{toJson .v | trim}}",
                                          "{{toJson .v | quote}}",
                                          "{{toJson .v | squote}}",
                                          "{{toJson .v | html}}",
                                          "{{list (toJson .v)}}",
                                          "{{splitList \",\" .v | join \" \"}}"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect_in(changes[i], "a, b", "g");
    expect_in("{{slice (ipxe .v) 1}}", "a#b", "g");
}

Test(contexts, two_values_make_nothing_that_one_may_not_be)
{
    expect_refused("{{ipxe .v}}{{ipxe .v}}", "&");
    expect_refused("{{ipxe .v}}{{ipxe .v}}", "|");
    expect_refused("{{ipxe .v}}", "a$");
}

Test(contexts, operators_values_are_printed_as_they_are)
{
    expect_in("{{.o.k}}{{print .o.k}}{{.o}}{{upper .o.k}}", "x", "gipuys");
    expect_in("{{index .o (slice .v 0 1)}}{{get .o (slice .v 0 1)}}{{dig .v \"\" .o}}", "k",
              "gipuys");
    expect_in("{{ternary \"a b\" \"c d\" (eq .v \"x\")}}{{hasPrefix \"x\" .v}}", "x y", "gipuys");
    expect_in("{{default .o.k \"\"}}{{has .v (list 1)}}{{len .v}}{{int .v}}", "x y", "gipuys");
}

Test(contexts, the_error_says_where_and_what_to_do)
{
    static const char *const advice[] = {"control character", "use ipxe",   "use ipxe",
                                         "use grubquote",     "use toJson", "use urlquery"};
    for (size_t i = 0; i < CONTEXTS; i++) {
        BUF_LOCAL(out, 1 << 20);
        struct err e = ERR_INIT;
        cr_expect_eq(execute(contexts[i], "a\n b {{.q.k}}", STR("secret \n"), &out, &e),
                     ERR_RENDER);
        cr_expect(e.line == 2 && e.column == 6, "%d:%d", e.line, e.column);
        cr_expect(strstr(e.msg, "<.q.k>") && strstr(e.msg, advice[i]), "%s", e.msg);
        cr_expect_not(strstr(e.msg, "secret"), "%s", e.msg);
        cr_expect_str_eq(e.file, "t");
        cr_expect_not(strstr(buf_c(&out), "secret"));
    }
}
