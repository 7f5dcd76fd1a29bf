/* Every recorded verdict of ignition-validate 2.26, with its findings. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "ignition/ignition.h"
#include "value/value.h"

#define CASES "tests/conformance/ignition.jsonl"

/* Where Vesta means to differ. */
static const struct {
    const char *name;
    bool valid;
    const char *why;
} differences[] = {
    {"ver-2.0.0", true, "2.x is passed through"},
    {"ver-2.3.0", true, "2.x is passed through"},
    {"full-2.3.0", true, "2.x is passed through"},
    {"dupkey", false, "a key that stands twice is an error"},
    {"dup-obj-merge", false, "a key that stands twice is an error"},
    {"deep", false, "JSON may be 512 levels deep, not 10,000"},
};

static struct str field(const struct value *line, const char *name)
{
    const struct value *v = value_get(line, str_c(name));
    return v ? value_as_str(*v) : STR("");
}

/* "$.a.0.b" as a JSON pointer. */
static void add_pointer(struct buf *dst, struct str path)
{
    for (size_t i = 1; i < path.n; i++)
        buf_add_byte(dst, path.p[i] == '.' ? '/' : path.p[i]);
}

/*
 * One finding a line, "error /a/0 1:12". A recorded line is "error at $.a.0, line 1 col 12: …", or
 * without the path, or "couldn't parse config: …", which has no place ("error").
 */
static void expected_line(struct buf *dst, struct str line)
{
    if (str_starts(line, STR("couldn't parse config"))) {
        buf_add_lit(dst, "error\n");
        return;
    }
    struct str rest = str_skip(line, str_find_byte(line, ' ', 0) + 4), path = {NULL, 0};
    size_t comma = str_find(rest, STR(", line "), 0);
    if (rest.p[0] == '$') {
        path = str_sub(rest, 0, comma);
        rest = str_skip(rest, comma + 2);
    }
    rest = str_skip(rest, 5);
    struct str number = str_cut(rest, ' ', &rest), column = str_cut(str_skip(rest, 4), ':', &rest);
    buf_add_str(dst, str_cut(line, ' ', &line));
    buf_add_byte(dst, ' ');
    add_pointer(dst, path);
    buf_addf(dst, " %.*s:%.*s\n", STR_FMT(number), STR_FMT(column));
}

static void found_line(struct buf *dst, const struct finding *x, bool place)
{
    buf_addf(dst, "%s", x->severity == FINDING_ERROR ? "error" : "warning");
    if (place)
        buf_addf(dst, " %.*s %d:%d", STR_FMT(x->pointer), x->line, x->column);
    buf_add_byte(dst, '\n');
}

static size_t count_lines(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

/* Is each line of a also one of b? */
static bool lines_within(struct str a, struct str b)
{
    while (a.n) {
        struct str line = str_sub(a, 0, str_find_byte(a, '\n', 0) + 1);
        size_t at = str_find(b, line, 0);
        while (at < b.n && at > 0 && b.p[at - 1] != '\n')
            at = str_find(b, line, at + 1);
        if (at >= b.n)
            return false;
        a = str_skip(a, line.n);
    }
    return true;
}

static void check_findings(struct str name, struct str report, const struct findings *f)
{
    BUF_LOCAL(expected, 1 << 20);
    BUF_LOCAL(found, 1 << 20);
    bool place = !str_starts(report, STR("couldn't parse config"));
    while (report.n)
        expected_line(&expected, str_cut(report, '\n', &report));
    for (const struct finding *x = f->first; x; x = x->next)
        found_line(&found, x, place);
    struct str want = buf_str(&expected), got = buf_str(&found);
    cr_expect(count_lines(want) == count_lines(got) && lines_within(want, got) &&
                  lines_within(got, want),
              "%.*s: expected\n%.*sbut found\n%.*s", STR_FMT(name), STR_FMT(want), STR_FMT(got));
}

static void check_case(const struct value *line)
{
    ARENA_LOCAL(a, 64u << 20);
    struct findings f;
    struct ignition_version version;
    struct err e = ERR_INIT;
    struct str name = field(line, "name");
    bool valid = value_get(line, STR("valid"))->b, differs = false;
    findings_init(&f, &a);
    err_code c = ignition_validate(field(line, "ignition"), &a, &f, &version, &e);
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        if (!str_is(name, differences[i].name))
            continue;
        valid = differences[i].valid;
        differs = true;
    }
    cr_expect_eq(c == ERR_OK, valid, "%.*s: %s", STR_FMT(name), e.msg);
    cr_expect_eq(c == ERR_OK, f.errors == 0);
    cr_expect(c == ERR_OK || e.msg[0] != '\0');
    if (!differs)
        check_findings(name, field(line, "report"), &f);
}

Test(conformance, recorded_cases)
{
    FILE *file = fopen(CASES, "r");
    cr_assert(file != NULL, CASES " is missing");
    char *text = NULL;
    size_t cap = 0, n = 0;
    for (ssize_t len; (len = getline(&text, &cap, file)) > 0; n++) {
        ARENA_LOCAL(a, 16u << 20);
        struct value line;
        struct err e = ERR_INIT;
        cr_assert_eq(value_from_json(&a, str_of(text, (size_t)len), &line, &e), ERR_OK, "%s",
                     e.msg);
        check_case(&line);
    }
    free(text);
    fclose(file);
    cr_expect_geq(n, 35);
}
