#include "run.h"

#include <criterion/criterion.h>
#include <string.h>

static struct value_pair *pair(const struct value *map, const char *key)
{
    return (struct value_pair *)((char *)value_get(map, str_c(key)) -
                                 offsetof(struct value_pair, v));
}

void run_fix_query(struct arena *a, struct value *data)
{
    (void)a;
    const struct value *request = value_get(data, STR("request"));
    if (request && value_get(request, STR("query")))
        pair(request, "query")->v.kind = VALUE_STRMAP;
}

err_code run_template(struct str source, const char *json, const struct tmpl_options *limits,
                      struct buf *out, struct err *e)
{
    ARENA_LOCAL(a, 64 << 20);
    struct value data;
    struct tmpl *t = NULL;
    cr_assert_eq(value_from_json(&a, str_c(json ? json : "{}"), &data, e), ERR_OK, "%s", e->msg);
    run_fix_query(&a, &data);
    err_code code = tmpl_compile(STR("t"), source, &t, e);
    if (!code)
        code = tmpl_execute(t, &data, &a, limits, out, e);
    tmpl_free(t);
    return code;
}

void run_expect(const char *source, const char *json, const char *want)
{
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    err_code code = run_template(str_c(source), json, NULL, &out, &e);
    cr_expect_eq(code, ERR_OK, "%s: %d:%d %s", source, e.line, e.column, e.msg);
    if (!code)
        cr_expect_str_eq(buf_c(&out), want, "%s: got [%s] want [%s]", source, buf_c(&out), want);
}

void run_expect_error(const char *source, const char *json, err_code code, int line, int column,
                      const char *in_message)
{
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    err_code got = run_template(str_c(source), json, NULL, &out, &e);
    cr_expect_eq(got, code, "%s: %d %s", source, got, e.msg);
    cr_expect(e.line == line && e.column == column, "%s: at %d:%d (%s)", source, e.line, e.column,
              e.msg);
    cr_expect(strstr(e.msg, in_message), "%s: [%s]", source, e.msg);
    cr_expect_str_eq(e.file, "t");
}
