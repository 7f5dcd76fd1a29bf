#include "show_plan.h"

#include <stdio.h>

#include "target.h"
#include "value/json_walk.h"

#define ITEM_MAX ((size_t)64 << 20)

/* The members of the answer, as they are written. */
struct answer {
    struct str changes, documents, findings, summary;
    double revision;
};

static err_code unreadable(struct err *e)
{
    if (e)
        err_prefix(e, "the server's answer cannot be read");
    return ERR_INVALID;
}

static err_code read_answer(struct str text, struct answer *ret, struct err *e)
{
    ARENA_LOCAL(a, 1u << 16);
    struct json_walk w;
    struct json_member m;
    struct value v;
    bool more = true;
    *ret = (struct answer){.changes = STR("[]"), .documents = STR("[]"), .findings = STR("[]")};
    err_code c = json_walk_begin(&w, text, e);
    while (!c && !(c = json_walk_next(&w, &m, &more, e)) && more) {
        struct str key = str_sub(m.key, 1, m.key.n - 1);
        if (str_is(key, "changes"))
            ret->changes = m.value;
        else if (str_is(key, "documents"))
            ret->documents = m.value;
        else if (str_is(key, "findings"))
            ret->findings = m.value;
        else if (str_is(key, "summary"))
            ret->summary = m.value;
        else if (str_is(key, "revision") && value_from_json(&a, m.value, &v, e) == ERR_OK)
            ret->revision = v.kind == VALUE_FLOAT ? v.f : 0;
    }
    return c ? unreadable(e) : ERR_OK;
}

typedef void each_item(const struct value *item);

static err_code walk_list(struct str list, each_item *each, struct err *e)
{
    ARENA_LOCAL(a, ITEM_MAX);
    struct json_walk w;
    struct json_member m;
    struct value v;
    bool more = true;
    err_code c = json_walk_begin(&w, list, e);
    while (!c && !(c = json_walk_next(&w, &m, &more, e)) && more) {
        arena_reset(&a);
        c = value_from_json(&a, m.value, &v, e);
        if (!c)
            each(&v);
    }
    return c ? unreadable(e) : ERR_OK;
}

static void print_diff(struct str diff)
{
    while (diff.n) {
        struct str rest, line = str_cut(diff, '\n', &rest);
        char first = line.n ? line.p[0] : ' ';
        bool coloured = first == '+' || first == '-' || first == '@';
        if (coloured)
            output_colour(first == '+' ? COLOUR_GOOD : first == '-' ? COLOUR_BAD : COLOUR_DOUBT);
        fwrite(line.p, 1, line.n, stdout);
        if (coloured)
            output_colour(COLOUR_PLAIN);
        fputc('\n', stdout);
        diff = rest;
    }
}

static void print_change(const struct value *item)
{
    printf("%.*s %.*s\n", STR_FMT(text_at(item, "action")), STR_FMT(text_at(item, "resource")));
    print_diff(text_at(item, "diff"));
}

static void print_document(const struct value *item)
{
    printf("%.*s: %.*s\n", STR_FMT(text_at(item, "group")), STR_FMT(text_at(item, "kind")));
    print_diff(text_at(item, "diff"));
}

static void print_name(const struct value *item)
{
    printf("%.*s\n", STR_FMT(text_at(item, "resource")));
}

static double count_at(const struct value *summary, const char *key)
{
    const struct value *x = value_get(summary, str_c(key));
    return x && x->kind == VALUE_FLOAT ? x->f : 0;
}

static void print_left_out(const struct value *s)
{
    if (count_at(s, "documents_left_out") > 0)
        printf("%.0f more documents are not shown\n", count_at(s, "documents_left_out"));
    if (count_at(s, "diffs_left_out") > 0)
        printf("%.0f differences are not shown, since there are too many\n",
               count_at(s, "diffs_left_out"));
    if (count_at(s, "groups_left_out") > 0)
        printf("%.0f more groups were not rendered\n", count_at(s, "groups_left_out"));
}

static void print_summary(const struct answer *x, const struct value *s, bool applied)
{
    double changes = count_at(s, "added") + count_at(s, "changed") + count_at(s, "removed");
    const char *to = applied ? "" : "to ";
    if (changes <= 0)
        printf("nothing %s: %.0f resources are as they should be at revision %.0f\n",
               applied ? "changed" : "to change", count_at(s, "unchanged"), x->revision);
    else
        printf("%.0f %sadd%s, %.0f %schange%s, %.0f %sremove%s, %.0f unchanged; %s %.0f\n",
               count_at(s, "added"), to, applied ? "ed" : "", count_at(s, "changed"), to,
               applied ? "d" : "", count_at(s, "removed"), to, applied ? "d" : "",
               count_at(s, "unchanged"), applied ? "now at revision" : "planned at revision",
               x->revision);
}

static err_code show_table(const struct answer *x, bool applied, struct err *e)
{
    ARENA_LOCAL(a, 1u << 16);
    struct value s;
    err_code c = x->summary.n ? value_from_json(&a, x->summary, &s, e)
                              : err_set(e, ERR_INVALID, "it has no summary");
    if (c)
        return unreadable(e);
    c = walk_list(x->changes, print_change, e);
    double groups = count_at(&s, "groups");
    if (!c && groups > 0)
        printf("%.0f group%s now render%s a different document:\n", groups, groups > 1 ? "s" : "",
               groups > 1 ? "" : "s");
    if (!c)
        c = walk_list(x->documents, print_document, e);
    if (c)
        return c;
    print_left_out(&s);
    print_summary(x, &s, applied);
    return ERR_OK;
}

err_code show_plan_warnings(const struct client *c, struct str answer, struct err *e)
{
    ARENA_LOCAL(a, ITEM_MAX);
    struct answer x;
    struct value v;
    err_code code = read_answer(answer, &x, e);
    if (code || value_from_json(&a, x.findings, &v, e) != ERR_OK)
        return code ? code : unreadable(e);
    client_print_findings(c, &v);
    return ERR_OK;
}

err_code show_plan(const struct client *c, struct str answer, enum output o, bool applied,
                   struct err *e)
{
    ARENA_LOCAL(a, ITEM_MAX);
    struct answer x;
    struct value v;
    err_code code = show_plan_warnings(c, answer, e);
    if (!code)
        code = read_answer(answer, &x, e);
    if (code)
        return code;
    if (o == OUTPUT_TABLE)
        return show_table(&x, applied, e);
    if (o == OUTPUT_NAME)
        return walk_list(x.changes, print_name, e);
    code = value_from_json(&a, answer, &v, e);
    if (code == ERR_OK)
        output_value(o, &v);
    else if (o == OUTPUT_JSON && (code == ERR_LIMIT || code == ERR_NOMEM)) {
        /* Too much for a tree is still an answer. */
        fwrite(answer.p, 1, answer.n, stdout);
        fputc('\n', stdout);
        return ERR_OK;
    }
    return code ? unreadable(e) : ERR_OK;
}
