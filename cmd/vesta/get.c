/* `vesta get`: resources as tables for people, and as they are for programs. */
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/query.h"
#include "base/utf8.h"
#include "client.h"
#include "command.h"
#include "output.h"
#include "resource.h"
#include "target.h"

#define LABELS_MAX   32
#define QUERY_MAX    7000
#define TARGET_MAX   16384
#define PAGE_ITEMS   200 /* so that a page of large resources stays readable */
#define ANSWER_ARENA (256u << 20)
#define NO_BODY      ((struct str){NULL, 0})

struct getting {
    struct target target;
    const char *profile, *prefix;
    bool quiet;
    enum output output;
    const char *collection;
};

/* --- one -------------------------------------------------------------------------------------- */

/* A template as bundles have it: {"kind","name","content"}, "content_b64" if it is no text. */
static void print_template(const struct getting *g, struct str name, struct str bytes)
{
    BUF_LOCAL(base64, 4u << 20);
    bool text = utf8_valid(bytes);
    if (!text)
        enc_base64(&base64, bytes);
    struct str rest;
    struct value_pair p[] = {
        {STR("kind"), value_str(str_cut(name, '/', &rest))},
        {STR("name"), value_str(rest)},
        {text ? STR("content") : STR("content_b64"), value_str(text ? bytes : buf_str(&base64))}};
    struct value v = value_map(VALUE_MAP, p, 3);
    output_value(g->output, &v);
}

static err_code print_resource(const struct getting *g, const char *name, struct str body,
                               struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct value v;
    bool template = strcmp(g->collection, "templates") == 0;
    if (g->output == OUTPUT_NAME) {
        printf("%s\n", name);
    } else if (template && g->output == OUTPUT_TABLE) {
        fwrite(body.p, 1, body.n, stdout);
    } else if (template) {
        print_template(g, str_c(name), body);
    } else {
        err_code code = value_from_json(&a, body, &v, e);
        if (code)
            return code;
        output_value(g->output, &v);
    }
    return ERR_OK;
}

static err_code show_one(const struct client *c, const struct getting *g, const char *name,
                         struct err *e)
{
    BUF_LOCAL(path, TARGET_MAX);
    struct client_answer answer;
    err_code code = resource_path(g->collection, name, &path, e);
    if (!code)
        code = client_request(c, "GET", buf_c(&path), NO_BODY, NULL, &answer, e);
    if (code)
        return code;
    code = print_resource(g, name, answer.body.n ? buf_str(&answer.body) : STR(""), e);
    buf_free(&answer.body);
    return code;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void print_selector(const struct value *selector)
{
    if (!selector || selector->n == 0)
        printf("(default)");
    for (uint32_t i = 0; selector && i < selector->n; i++) {
        const struct value *v = &selector->map[i].v;
        printf("%s", i ? "," : "");
        output_text(selector->map[i].key, 0);
        printf("=");
        if (v->kind == VALUE_STRING)
            output_text(value_as_str(*v), 0);
        for (uint32_t k = 0; v->kind == VALUE_LIST && k < v->n; k++) {
            printf("%s", k ? "|" : "");
            output_text(value_as_str(v->list[k]), 0);
        }
    }
}

static void print_row(const char *collection, const struct value *item)
{
    if (strcmp(collection, "templates") == 0) {
        printf("%.*s/%.*s", STR_FMT(text_at(item, "kind")), STR_FMT(text_at(item, "name")));
    } else if (strcmp(collection, "groups") == 0) {
        output_text(text_at(item, "id"), 24);
        printf(" ");
        output_text(text_at(item, "profile"), 20);
        printf(" ");
        print_selector(value_get(item, STR("selector")));
    } else {
        output_text(text_at(item, "id"), 24);
        printf(" ");
        output_text(text_at(item, "name"), 0);
    }
    putchar('\n');
}

/* A JSON object a line; YAML documents; names. */
static void print_item(const struct getting *g, const struct value *item)
{
    if (g->output == OUTPUT_TABLE) {
        print_row(g->collection, item);
    } else if (g->output == OUTPUT_NAME) {
        struct str kind = text_at(item, "kind"), id = text_at(item, "id");
        printf("%.*s%s%.*s\n", STR_FMT(kind), kind.n ? "/" : "",
               STR_FMT(id.n ? id : text_at(item, "name")));
    } else if (g->output == OUTPUT_YAML) {
        printf("---\n");
        output_value(OUTPUT_YAML, item);
    } else {
        output_line(item);
    }
}

static void print_header(const struct getting *g)
{
    if (g->output != OUTPUT_TABLE || g->quiet)
        return;
    if (strcmp(g->collection, "groups") == 0)
        printf("%-24s %-20s %s\n", "GROUP", "PROFILE", "SELECTOR");
    else if (strcmp(g->collection, "profiles") == 0)
        printf("%-24s %s\n", "PROFILE", "NAME");
    else
        printf("TEMPLATE\n");
}

/* One page; *next becomes the cursor of the next one, or empty. */
static err_code list_page(const struct client *c, const struct getting *g, struct str question,
                          struct buf *next, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    BUF_LOCAL(path, TARGET_MAX);
    struct value v;
    buf_addf(&path, "/api/v1/%s?%.*s&after=%.*s", g->collection, STR_FMT(question),
             STR_FMT(buf_str(next)));
    if (path.failed)
        return err_set(e, ERR_LIMIT, "the labels are too long");
    err_code code = client_json(c, "GET", buf_c(&path), NO_BODY, &a, &v, e);
    if (code)
        return code;
    const struct value *items = value_get(&v, STR("items"));
    if (!items || items->kind != VALUE_LIST)
        return err_set(e, ERR_INVALID, "the server's answer has no list");
    for (uint32_t i = 0; i < items->n; i++)
        print_item(g, &items->list[i]);
    buf_clear(next);
    buf_add_str(next, text_at(&v, "next"));
    return next->failed ? err_set(e, ERR_NOMEM, "out of memory") : ERR_OK;
}

static err_code list_all(const struct client *c, const struct getting *g, struct str question,
                         struct err *e)
{
    BUF_LOCAL(next, 8192);
    print_header(g);
    err_code code;
    do
        code = list_page(c, g, question, &next, e);
    while (!code && next.n);
    return code;
}

/* --- the command ------------------------------------------------------------------------------ */

/* Labels are known by their '=', which no name has. */
static bool is_label(const char *word)
{
    return strchr(word, '=') != NULL;
}

static const char *add_question(const struct getting *g, char *const *labels, int n,
                                struct buf *dst)
{
    bool groups = strcmp(g->collection, "groups") == 0;
    buf_addf(dst, "limit=%d", PAGE_ITEMS);
    if (!groups && (n || g->profile[0]))
        return "labels and --profile choose among groups only";
    if (g->profile[0])
        query_add(dst, STR("profile"), str_c(g->profile));
    if (g->prefix[0])
        query_add(dst, STR("prefix"), str_c(g->prefix));
    for (int i = 0; i < n; i++) {
        struct str value;
        struct str key = str_cut(str_c(labels[i]), '=', &value);
        if (!value.p)
            return "after a type comes one NAME, or labels as key=value";
        if (str_is(key, "limit") || str_is(key, "after") || str_is(key, "prefix") ||
            str_is(key, "profile"))
            return "labels named limit, after, prefix and profile cannot be asked for";
        query_add(dst, key, value);
    }
    return dst->failed ? "the labels are too long" : NULL;
}

int command_get(int argc, char **argv)
{
    struct getting g = {.target = TARGET_DEFAULT, .profile = "", .prefix = ""};
    const struct flag flags[] = {
        TARGET_FLAGS(g.target),
        OUTPUT_FLAGS(g.target),
        {"profile", FLAG_TEXT, &g.profile, false, "ID", "only groups of this profile"},
        {"prefix", FLAG_TEXT, &g.prefix, false, "TEXT", "only what is named so from the start"},
        QUIET_FLAGS(g.quiet, "no header"),
        FLAGS_END,
    };
    char *rest[LABELS_MAX + 1];
    int status;
    int n = flags_parse(argc, argv, flags, 1, LABELS_MAX + 1, rest, &status);
    if (n < 0)
        return status;
    g.collection = resource_collection(rest[0]);
    if (!g.collection)
        return resource_unknown("get", rest[0]);
    if (!output_read("get", g.target.output, &g.output))
        return EXIT_USAGE;
    bool one = n == 2 && !is_label(rest[1]);
    BUF_LOCAL(question, QUERY_MAX);
    const char *why = one ? NULL : add_question(&g, rest + 1, n - 1, &question);
    if (one && (g.profile[0] || g.prefix[0]))
        why = "--profile and --prefix are for lists, not for one resource";
    if (why) {
        fprintf(stderr, "vesta get: %s\n", why);
        return EXIT_USAGE;
    }
    struct err e = ERR_INIT;
    CLIENT_LOCAL(c);
    const struct target *t = &g.target;
    err_code code = client_open_site(&c, t, &e);
    if (!code)
        code = one ? show_one(&c, &g, rest[1], &e) : list_all(&c, &g, buf_str(&question), &e);
    return code ? complain(&e) : EXIT_DONE;
}
