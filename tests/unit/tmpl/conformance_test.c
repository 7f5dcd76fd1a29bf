/*
 * The recorded cases: a template, data, and what Go's text/template made of them.
 *
 * JSON cannot carry invalid UTF-8, so where "out" was recorded from output that has some, it shows
 * U+FFFD; our output is compared after the same replacement. out_b64 is exact.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/utf8.h"
#include "run.h"

#define CASES "tests/conformance/templates.jsonl"

static void replace_invalid(struct buf *dst, struct str s)
{
    while (s.n) {
        size_t len;
        uint32_t c = utf8_decode(s, &len);
        if (c == UTF8_BAD && len == 1)
            buf_add_lit(dst, "\xEF\xBF\xBD");
        else
            buf_add(dst, s.p, len);
        s = str_skip(s, len);
    }
}

static struct str text_of(const struct value *line, const char *key)
{
    const struct value *v = value_get(line, str_c(key));
    return v && v->kind == VALUE_STRING ? value_as_str(*v) : (struct str){NULL, 0};
}

/* The large widths are Go's; our own limit has a test of its own. */
static const struct tmpl_options wide = {.memory = 64 << 20, .output = 32 << 20, .width = 10000010};

static bool output_fits(const struct value *line, struct str got)
{
    BUF_LOCAL(same, 64 << 20);
    struct str exact = text_of(line, "out_b64"), want = text_of(line, "out");
    if (exact.p)
        cr_assert(enc_base64_decode(&same, exact));
    else
        replace_invalid(&same, got);
    return exact.p ? str_eq(buf_str(&same), got) : str_eq(buf_str(&same), want);
}

/* True if the case came out as recorded; what is wrong goes to stderr. */
static bool one_case(struct str json)
{
    ARENA_LOCAL(a, 64 << 20);
    BUF_LOCAL(out, 32 << 20);
    struct value line, data;
    struct err e = ERR_INIT;
    struct tmpl *t = NULL;
    cr_assert_eq(value_from_json(&a, json, &line, &e), ERR_OK, "%s", e.msg);
    data = *value_get(&line, STR("data"));
    run_fix_query(&a, &data);
    bool should_fail = value_get(&line, STR("error")) != NULL;
    struct str stage = text_of(&line, "stage");
    err_code code = tmpl_compile(STR("case"), text_of(&line, "template"), &t, &e);
    bool failed_in_parse = code != ERR_OK;
    if (!code)
        code = tmpl_execute(t, &data, &a, &wide, &out, &e);
    tmpl_free(t);
    bool ok = should_fail == (code != ERR_OK);
    if (ok && !should_fail)
        ok = output_fits(&line, buf_str(&out));
    if (ok && should_fail && stage.n)
        ok = failed_in_parse == str_is(stage, "parse");
    if (!ok)
        fprintf(stderr, "%.*s: %.*s: got %s [%.*s]\n", STR_FMT(text_of(&line, "name")),
                STR_FMT(text_of(&line, "template")), code ? e.msg : "output",
                STR_FMT(buf_str(&out)));
    return ok;
}

Test(conformance, recorded_cases, .timeout = 120)
{
    FILE *f = fopen(CASES, "r");
    cr_assert(f, "%s is missing: tests run from the source root", CASES);
    char *line = NULL;
    size_t size = 0;
    int cases = 0, wrong = 0;
    for (ssize_t n; (n = getline(&line, &size, f)) > 0; cases++)
        wrong += !one_case(str_of(line, (size_t)n));
    free(line);
    fclose(f);
    cr_expect_eq(wrong, 0, "%d of %d cases came out wrong", wrong, cases);
    cr_expect_geq(cases, 844);
}
