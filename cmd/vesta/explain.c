/* `vesta explain` and `vesta render`: what a machine with some labels gets, and why. */
#include <stdio.h>
#include <string.h>

#include "base/query.h"
#include "client.h"
#include "command.h"
#include "output.h"
#include "render/render.h"
#include "target.h"
#include "value/value.h"

#define LABELS_MAX   256
#define QUERY_MAX    7000
#define ANSWER_ARENA (64u << 20)
#define NEAR_MISSES  5
#define NO_BODY      ((struct str){NULL, 0})
#define SUM_SHOWN    16 /* digits of a checksum that a person compares */

/* "/api/v1/explain" and the labels as its query. */
static err_code add_labels(struct buf *path, char *const *labels, int n, struct err *e)
{
    BUF_LOCAL(query, QUERY_MAX);
    for (int i = 0; i < n; i++) {
        struct str value;
        struct str key = str_cut(str_c(labels[i]), '=', &value);
        if (!value.p)
            return err_set(e, ERR_INVALID, "\"%s\" is no label: write key=value", labels[i]);
        query_add(&query, key, value);
    }
    if (query.n)
        buf_addf(path, "?%.*s", STR_FMT(buf_str(&query)));
    if (query.failed || path->failed)
        return err_set(e, ERR_LIMIT, "the labels are longer than %d bytes", QUERY_MAX);
    return ERR_OK;
}

/* --- the explanation for people --------------------------------------------------------------- */

static const struct value *list_at(const struct value *v, const char *key, uint32_t *ret_n)
{
    const struct value *list = value_get(v, str_c(key));
    bool good = list && list->kind == VALUE_LIST;
    *ret_n = good ? list->n : 0;
    return good ? list->list : NULL;
}

static bool is_true(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_BOOL && x->b;
}

static void print_labels(const struct value *v)
{
    const struct value *labels = value_get(v, STR("labels"));
    uint32_t n;
    const struct value *ignored = list_at(v, "ignored", &n);
    printf("labels:");
    for (uint32_t i = 0; labels && labels->kind == VALUE_MAP && i < labels->n; i++) {
        putchar(' ');
        output_text(labels->map[i].key, 0);
        putchar('=');
        output_text(value_as_str(labels->map[i].v), 0);
    }
    printf("%s\n", labels && labels->n ? "" : " none");
    for (uint32_t i = 0; i < n; i++) {
        printf("ignored: ");
        if (value_get(&ignored[i], STR("key"))) {
            output_text(text_at(&ignored[i], "key"), 0);
            putchar('=');
            output_text(text_at(&ignored[i], "value"), 0);
            printf(": ");
        }
        printf("%.*s\n", STR_FMT(text_at(&ignored[i], "reason")));
    }
}

/* A text, or a list as "one|two". */
static void print_want(const struct value *v)
{
    if (v && v->kind == VALUE_STRING)
        output_text(value_as_str(*v), 0);
    for (uint32_t i = 0; v && v->kind == VALUE_LIST && i < v->n; i++) {
        printf("%s", i ? "|" : "");
        output_text(value_as_str(v->list[i]), 0);
    }
}

static void print_predicate(const struct value *p)
{
    const struct value *got = value_get(p, STR("got"));
    bool missing = !got || got->kind != VALUE_STRING, held = is_true(p, "held");
    output_colour(held ? COLOUR_GOOD : missing ? COLOUR_DOUBT : COLOUR_BAD);
    printf("    %-8s ", held ? "ok" : missing ? "missing" : "differs");
    output_colour(COLOUR_PLAIN);
    output_text(text_at(p, "key"), 0);
    putchar('=');
    print_want(value_get(p, STR("want")));
    if (!held && !missing) {
        printf(got->n ? "   the machine has " : "   the machine has it empty");
        output_text(value_as_str(*got), 0);
    }
    putchar('\n');
}

/* Good wins, doubtful loses, plain does not match. */
static void print_group(const struct value *g, enum colour state)
{
    uint32_t n;
    const struct value *predicates = list_at(g, "predicates", &n);
    output_colour(state);
    printf("  %.*s%s: ", STR_FMT(text_at(g, "id")),
           state == COLOUR_GOOD    ? " wins"
           : state == COLOUR_DOUBT ? " loses"
                                   : "");
    output_colour(COLOUR_PLAIN);
    output_text(text_at(g, "reason"), 0);
    putchar('\n');
    for (uint32_t i = 0; i < n; i++)
        print_predicate(&predicates[i]);
}

static bool has_held(const struct value *g)
{
    uint32_t n;
    const struct value *predicates = list_at(g, "predicates", &n);
    for (uint32_t i = 0; i < n; i++)
        if (is_true(&predicates[i], "held"))
            return true;
    return false;
}

/* Groups that match, then a few that nearly do: any at all only when there is nothing better. */
static void print_groups(const struct value *v)
{
    uint32_t n, matched = 0, near = 0;
    const struct value *groups = list_at(v, "groups", &n);
    while (matched < n && is_true(&groups[matched], "matched"))
        matched++;
    printf("\ngroups that match:%s\n", matched ? "" : " none");
    for (uint32_t i = 0; i < matched; i++)
        print_group(&groups[i], i == 0 ? COLOUR_GOOD : COLOUR_DOUBT);
    for (uint32_t i = matched; i < n && near < NEAR_MISSES; i++) {
        if (matched && !has_held(&groups[i]))
            break;
        if (near++ == 0)
            printf("\ngroups that do not match, the nearest first:\n");
        print_group(&groups[i], COLOUR_PLAIN);
    }
    if (matched + near < n)
        printf("  and %u more: -o json shows them\n", n - matched - near);
    if (is_true(v, "partial"))
        printf("  (there are too many groups to look at all of them for near misses)\n");
}

/* Nothing is wrong with a document that the profile does not name. */
static bool is_not_asked_for(const struct value *d)
{
    const struct value *status = value_get(d, STR("status"));
    return status && status->kind == VALUE_FLOAT && (int)status->f == 404 &&
           !text_at(d, "template").n;
}

static void print_document(const struct value *d)
{
    const struct value *status = value_get(d, STR("status"));
    char kind[64], code[16], template[256];
    struct str sha256 = text_at(d, "sha256"), name = text_at(d, "template");
    if (!name.n)
        name = is_true(d, "builtin") ? STR("(built in)") : STR("-");
    snprintf(kind, sizeof kind, "%.*s", STR_FMT(text_at(d, "kind")));
    snprintf(code, sizeof code, "%.0f", status && status->kind == VALUE_FLOAT ? status->f : 0);
    snprintf(template, sizeof template, "%.*s", STR_FMT(name));
    output_colour(sha256.n ? COLOUR_GOOD : COLOUR_BAD);
    printf("  %-14s %-6s %-28s ", kind, code, template);
    output_colour(COLOUR_PLAIN);
    output_text(sha256.n ? str_sub(sha256, 0, SUM_SHOWN) : text_at(d, "error"), 0);
    putchar('\n');
}

static void print_documents(const struct value *v)
{
    uint32_t n, quiet = 0;
    const struct value *documents = list_at(v, "documents", &n);
    if (!n)
        return;
    struct str profile = text_at(v, "profile");
    printf("\nprofile: ");
    output_text(profile.n ? profile : STR("the group names none"), 0);
    printf("\n\n");
    printf("  %-14s %-6s %-28s %s\n", "DOCUMENT", "STATUS", "TEMPLATE",
           "SHA-256, OR WHY THERE IS NONE");
    for (uint32_t i = 0; i < n; i++) {
        if (is_not_asked_for(&documents[i]))
            quiet++;
        else
            print_document(&documents[i]);
    }
    /* They differ in nothing but their names. */
    for (uint32_t i = 0, at = 0; quiet && i < n; i++) {
        if (!is_not_asked_for(&documents[i]))
            continue;
        printf("%s%.*s", at ? ", " : "  404 for ", STR_FMT(text_at(&documents[i], "kind")));
        if (++at < quiet)
            continue;
        printf(": ");
        output_text(text_at(&documents[i], "error"), 0);
        putchar('\n');
    }
}

static void print_variables(const struct value *v)
{
    static const char *const from[] = {"metadata", "selector", "request"};
    uint32_t n;
    const struct value *variables = list_at(v, "variables", &n);
    if (!n)
        return;
    printf("\nvariables of templates:\n");
    for (size_t k = 0; k < sizeof from / sizeof *from; k++) {
        printf("  %-10s", from[k]);
        for (uint32_t i = 0; i < n; i++) {
            if (!str_is(text_at(&variables[i], "from"), from[k]))
                continue;
            putchar(' ');
            output_text(text_at(&variables[i], "name"), 0);
        }
        putchar('\n');
    }
}

static void print_explanation(const struct value *v)
{
    print_labels(v);
    print_groups(v);
    print_documents(v);
    print_variables(v);
}

/* --- commands --------------------------------------------------------------------------------- */

#define PUBLIC_URL_FLAG(url)                                                                       \
    {                                                                                              \
        "public-url", FLAG_TEXT, &(url), true, "URL",                                              \
            "where no server runs: how machines would reach it"                                    \
    }

static int wrong(const char *command, const char *why)
{
    fprintf(stderr, "vesta %s: %s\n`vesta %s --help` tells more.\n", command, why, command);
    return EXIT_USAGE;
}

static int no_such_document(const char *name)
{
    fprintf(stderr, "vesta render: there is no document \"%s\"; there are:", name);
    for (int d = 0; d < RENDER_DOCUMENTS; d++)
        fprintf(stderr, " %s", render_name((enum render_document)d));
    fputc('\n', stderr);
    return EXIT_USAGE;
}

int command_explain(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const char *public_url = "";
    const struct flag flags[] = {TARGET_FLAGS(t), PUBLIC_URL_FLAG(public_url), OUTPUT_FLAGS(t),
                                 FLAGS_END};
    char *labels[LABELS_MAX];
    int status;
    int n = flags_parse(argc, argv, flags, 0, LABELS_MAX, labels, &status);
    if (n < 0)
        return status;
    enum output output;
    if (!output_read("explain", t.output, &output))
        return EXIT_USAGE;
    struct err e = ERR_INIT;
    BUF_LOCAL(path, 2 * QUERY_MAX);
    buf_addf(&path, "/api/v1/explain");
    if (add_labels(&path, labels, n, &e))
        return wrong("explain", e.msg);
    CLIENT_LOCAL(c);
    struct value v;
    ARENA_LOCAL(a, ANSWER_ARENA);
    err_code code = client_open_machines(&c, &t, public_url, &e);
    if (!code)
        code = client_json(&c, "GET", buf_c(&path), NO_BODY, &a, &v, &e);
    if (code)
        return complain(&e);
    if (output == OUTPUT_TABLE)
        print_explanation(&v);
    else if (output == OUTPUT_NAME)
        printf("%.*s\n", STR_FMT(text_at(&v, "winner")));
    else
        output_value(output, &v);
    return EXIT_DONE;
}

int command_render(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const char *public_url = "";
    const struct flag flags[] = {TARGET_FLAGS(t), PUBLIC_URL_FLAG(public_url), FLAGS_END};
    char *rest[LABELS_MAX];
    int status;
    int n = flags_parse(argc, argv, flags, 1, LABELS_MAX, rest, &status);
    if (n < 0)
        return status;
    struct err e = ERR_INIT;
    BUF_LOCAL(path, 2 * QUERY_MAX);
    enum render_document d;
    if (!render_from_name(str_c(rest[0]), &d))
        return no_such_document(rest[0]);
    buf_addf(&path, "/api/v1/render/%s", rest[0]);
    if (add_labels(&path, rest + 1, n - 1, &e))
        return wrong("render", e.msg);
    CLIENT_LOCAL(c);
    struct client_answer answer;
    err_code code = client_open_machines(&c, &t, public_url, &e);
    if (!code)
        code = client_request(&c, "GET", buf_c(&path), NO_BODY, NULL, &answer, &e);
    if (code)
        return complain(&e);
    bool whole = fwrite(answer.body.p, 1, answer.body.n, stdout) == answer.body.n;
    buf_free(&answer.body);
    if (whole && fflush(stdout) == 0)
        return EXIT_DONE;
    fputs("vesta: cannot write the output\n", stderr);
    return EXIT_FAILED;
}
