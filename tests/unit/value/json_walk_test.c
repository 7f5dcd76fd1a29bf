#include <criterion/criterion.h>

#include "value/json_walk.h"
#include "value/value.h"

/* The members as "KEY=VALUE;", or "!AT MESSAGE" at the first error. */
static const char *walked(const char *text, struct buf *b)
{
    struct json_walk w;
    struct json_member m;
    struct err e = ERR_INIT;
    bool more = true;
    buf_clear(b);
    err_code c = json_walk_begin(&w, str_c(text), &e);
    while (!c && !(c = json_walk_next(&w, &m, &more, &e)) && more)
        buf_addf(b, "%.*s=%.*s;", STR_FMT(m.key), STR_FMT(m.value));
    if (c)
        buf_addf(b, "!%zu", w.at);
    return buf_c(b) ? buf_c(b) : "";
}

Test(json_walk, members_are_slices)
{
    static const char *const cases[][2] = {
        {"{}", ""},
        {" [ ] ", ""},
        {"[1]", "=1;"},
        {"{\"a\":1,\"b\":[1,{\"c\":\"]}\"}]}", "\"a\"=1;\"b\"=[1,{\"c\":\"]}\"}];"},
        {"\n[ \"x\\\"]\" ,\tnull\r, {} ]\n", "=\"x\\\"]\";=null;={};"},
        {"{\"a\\\"b\" : true}", "\"a\\\"b\"=true;"},
        /* What is no JSON inside of a member is for those who read it. */
        {"[nope, {]}]", "=nope;={];!9"},
    };
    BUF_LOCAL(b, 1 << 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(walked(cases[i][0], &b), cases[i][1], "%s: %s", cases[i][0], buf_c(&b));
}

Test(json_walk, errors_have_their_place)
{
    static const char *const cases[][2] = {
        {"", "!0"},
        {"  ", "!2"},
        {"1", "!0"},
        {"[1", "=1;!2"},
        {"[1,]", "=1;!3"},
        {"[,1]", "!1"},
        {"[1 2]", "=1;!3"},
        {"[1] 2", "=1;!4"},
        {"[\"a]", "!1"},
        {"[[1]", "=[1];!4"},
        {"[\"\\", "!1"},
        {"{\"a\"}", "!4"},
        {"{\"a\":}", "!5"},
        {"{a:1}", "!1"},
        {"{\"a\":1,}", "\"a\"=1;!7"},
        {"{\"a\":1", "\"a\"=1;!6"},
    };
    BUF_LOCAL(b, 1 << 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(walked(cases[i][0], &b), cases[i][1], "%s: %s", cases[i][0], buf_c(&b));
}

Test(json_walk, strings_are_read)
{
    ARENA_LOCAL(a, 1 << 20);
    struct str s;
    struct err e = ERR_INIT;
    cr_expect_eq(json_walk_string(&a, STR("\"plain\""), &s, &e), ERR_OK);
    cr_expect(str_is(s, "plain"));
    cr_expect_eq(json_walk_string(&a, STR("\"\""), &s, &e), ERR_OK);
    cr_expect(s.n == 0 && s.p);
    cr_expect_eq(json_walk_string(&a, STR("\"a\\u0041\\n\""), &s, &e), ERR_OK);
    cr_expect(str_is(s, "aA\n"));
    cr_expect_eq(json_walk_string(&a, STR("\"\xff\""), &s, &e), ERR_INVALID);
    cr_expect_eq(json_walk_string(&a, STR("\"a\"b\""), &s, &e), ERR_INVALID);
    cr_expect_eq(json_walk_string(&a, STR("\"tab\t\""), &s, &e), ERR_INVALID);
    cr_expect_eq(json_walk_string(&a, STR("12"), &s, &e), ERR_INVALID);
    cr_expect_eq(json_walk_string(&a, STR("\""), &s, &e), ERR_INVALID);
}
