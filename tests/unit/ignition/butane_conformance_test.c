/*
 * The recorded cases: a Butane config, the Ignition config that butane 0.29 made of it, and what it
 * reported. Ignition configs are compared as JSON, and compressed contents after unpacking, since
 * no two programs compress alike; findings by kind, path, line and column, in any order.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/enc.h"
#include "ignition/butane.h"
#include "value/value.h"

#define CASES "tests/conformance/butane.jsonl"

static struct str text_of(const struct value *map, const char *key)
{
    const struct value *v = value_get(map, str_c(key));
    return v && v->kind == VALUE_STRING ? value_as_str(*v) : (struct str){NULL, 0};
}

/* --- Ignition configs */
static bool unzip(struct str packed, struct buf *dst)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return false;
    int rc = Z_OK;
    while (rc == Z_OK) {
        char part[4096];
        z.next_out = (Bytef *)part;
        z.avail_out = sizeof part;
        rc = inflate(&z, Z_NO_FLUSH);
        buf_add(dst, part, sizeof part - z.avail_out);
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END && z.avail_in == 0;
}

/* What a resource with a data URL holds. */
static bool contents_of(const struct value *resource, struct buf *dst)
{
    struct str url = str_skip(text_of(resource, "source"), strlen("data:"));
    BUF_LOCAL(raw, 1u << 20);
    bool good = str_starts(url, STR(";base64,"))
                    ? enc_base64_decode(&raw, str_skip(url, strlen(";base64,")))
                    : enc_percent_decode(&raw, str_skip(url, 1), false);
    if (good && str_is(text_of(resource, "compression"), "gzip"))
        return unzip(buf_str(&raw), dst);
    buf_add_str(dst, buf_str(&raw));
    return good;
}

static bool is_packed(const struct value *v)
{
    return v->kind == VALUE_MAP && str_is(text_of(v, "compression"), "gzip") &&
           str_starts(text_of(v, "source"), STR("data:"));
}

static bool same_contents(const struct value *a, const struct value *b)
{
    BUF_LOCAL(one, 1u << 20);
    BUF_LOCAL(other, 1u << 20);
    return contents_of(a, &one) && contents_of(b, &other) && str_eq(buf_str(&one), buf_str(&other));
}

static bool same(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind || a->n != b->n)
        return is_packed(a) && is_packed(b) && same_contents(a, b);
    bool packed = is_packed(a) && is_packed(b);
    if (packed && !same_contents(a, b))
        return false;
    if (a->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < a->n; i++)
            if (!same(&a->list[i], &b->list[i]))
                return false;
        return true;
    }
    if (a->kind != VALUE_MAP)
        return value_equal(a, b);
    for (uint32_t i = 0; i < a->n; i++) {
        if (!str_eq(a->map[i].key, b->map[i].key))
            return false;
        if (!(packed && str_is(a->map[i].key, "source")) && !same(&a->map[i].v, &b->map[i].v))
            return false;
    }
    return true;
}

/* --- findings, each as "error $.storage.files.0 5 7" */
#define FINDINGS 64

struct lines {
    char text[FINDINGS][256];
    size_t n;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void add_ours(struct lines *l, const struct finding *x)
{
    cr_assert_lt(l->n, FINDINGS);
    int n = snprintf(l->text[l->n], sizeof l->text[0], "%s $%.*s %d %d",
                     x->severity == FINDING_ERROR ? "error" : "warning", STR_FMT(x->pointer),
                     x->line, x->column);
    cr_assert_lt(n, (int)sizeof l->text[0]);
    for (char *p = l->text[l->n]; *p; p++)
        if (*p == '/')
            *p = '.';
    l->n++;
}

/* "warning at $.foo, line 3 col 1: unused key foo" */
static void add_recorded(struct lines *l, struct str line)
{
    struct str rest, path = STR("$");
    cr_assert_lt(l->n, FINDINGS);
    struct str kind = str_cut(line, ' ', &rest);
    cr_assert(str_starts(rest, STR("at ")));
    rest = str_skip(rest, 3);
    if (str_starts(rest, STR("$"))) {
        path = str_cut(rest, ',', &rest);
        rest = str_skip(rest, 1);
    }
    struct str row, column;
    cr_assert(str_starts(rest, STR("line ")), "%.*s", STR_FMT(rest));
    row = str_cut(str_skip(rest, 5), ' ', &rest);
    cr_assert(str_starts(rest, STR("col ")));
    column = str_cut(str_skip(rest, 4), ':', &rest);
    snprintf(l->text[l->n++], sizeof l->text[0], "%.*s %.*s %.*s %.*s", STR_FMT(kind),
             STR_FMT(path), STR_FMT(row), STR_FMT(column));
}

static bool same_findings(const struct findings *f, struct str report)
{
    struct lines ours = {.n = 0}, theirs = {.n = 0};
    for (const struct finding *x = f->first; x; x = x->next)
        add_ours(&ours, x);
    while (report.n)
        add_recorded(&theirs, str_cut(report, '\n', &report));
    qsort(ours.text, ours.n, sizeof ours.text[0], by_text);
    qsort(theirs.text, theirs.n, sizeof theirs.text[0], by_text);
    size_t i = 0;
    while (i < ours.n && i < theirs.n && strcmp(ours.text[i], theirs.text[i]) == 0)
        i++;
    if (i == ours.n && i == theirs.n)
        return true;
    for (i = 0; i < ours.n; i++)
        fprintf(stderr, "  ours   %s\n", ours.text[i]);
    for (i = 0; i < theirs.n; i++)
        fprintf(stderr, "  theirs %s\n", theirs.text[i]);
    return false;
}

/* --- cases */

/* Recorded with a result, and refused by us: MachineConfigs, and specifications that change. */
static bool is_refused(struct str name)
{
    return str_starts(name, STR("other-openshift")) || str_ends(name, STR("-experimental"));
}

static bool one_case(struct str json)
{
    ARENA_LOCAL(a, 64 << 20);
    BUF_LOCAL(out, 1 << 20);
    struct value line, got;
    struct err e = ERR_INIT;
    struct findings f;
    struct ignition_version version = {0, 0, 0};
    cr_assert_eq(value_from_json(&a, json, &line, &e), ERR_OK, "%s", e.msg);
    findings_init(&f, &a);
    struct str name = text_of(&line, "name");
    err_code c = butane_translate(text_of(&line, "butane"), NULL, &a, &f, &out, &version, &e);
    bool should_fail = value_get(&line, STR("error")) != NULL;
    bool good;
    if (is_refused(name)) {
        good = c == ERR_UNSUPPORTED && out.n == 0 && f.first == NULL;
    } else {
        good = should_fail == (c != ERR_OK);
        if (good && !c) {
            cr_assert_eq(value_from_json(&a, buf_str(&out), &got, &e), ERR_OK, "%s", e.msg);
            good = same(&got, value_get(&line, STR("ignition"))) && version.major == 3;
        }
        good = same_findings(&f, text_of(&line, "report")) && good;
    }
    if (!good)
        fprintf(stderr, "%.*s: %s\n%.*s\n", STR_FMT(name), c ? e.msg : "translated",
                STR_FMT(buf_str(&out)));
    return good;
}

Test(butane_conformance, recorded_cases, .timeout = 120)
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
    cr_expect_geq(cases, 236);
}
