/* `vesta revisions` and `vesta rollback`: the history over the API. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "output.h"
#include "target.h"

#define ANSWER_ARENA (512u << 20)
#define PAGE         1000
#define NO_BODY      ((struct str){NULL, 0})

static double number_at(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_FLOAT ? x->f : 0;
}

static err_code list_at(const struct value *v, const char *key, const struct value **ret,
                        struct err *e)
{
    const struct value *x = value_get(v, str_c(key));
    if (!x || x->kind != VALUE_LIST)
        return err_set(e, ERR_INVALID, "the server's answer has no list \"%s\"", key);
    *ret = x;
    return ERR_OK;
}

/* --- list ------------------------------------------------------------------------------------- */

static void print_line(const struct value *r)
{
    printf("%-9.0f %-21.*s ", number_at(r, "revision"), STR_FMT(text_at(r, "at")));
    output_text(text_at(r, "who"), 20);
    printf(" %-8.0f ", number_at(r, "changes"));
    output_text(text_at(r, "message"), 0);
    printf("\n");
}

static void print_item(const struct value *r, enum output o)
{
    if (o == OUTPUT_JSON)
        output_line(r);
    else if (o == OUTPUT_YAML)
        printf("---\n"), output_value(o, r);
    else if (o == OUTPUT_NAME)
        printf("%.0f\n", number_at(r, "revision"));
    else
        print_line(r);
}

/* One page; path becomes that of the next one, or empty. */
static err_code list_page(const struct client *c, enum output o, unsigned *left, char *path,
                          size_t size, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct value v;
    const struct value *items = NULL;
    err_code code = client_json(c, "GET", path, NO_BODY, &a, &v, e);
    if (!code)
        code = list_at(&v, "items", &items, e);
    for (uint32_t i = 0; !code && i < items->n && *left; i++, --*left)
        print_item(&items->list[i], o);
    struct str next = code ? STR("") : text_at(&v, "next");
    path[0] = '\0';
    if (next.n && *left)
        snprintf(path, size, "/api/v1/revisions?limit=%d&after=%.*s", PAGE, STR_FMT(next));
    return code;
}

static err_code list_revisions(const struct client *c, enum output o, unsigned limit, struct err *e)
{
    char path[200];
    unsigned left = limit;
    err_code code = ERR_OK;
    snprintf(path, sizeof path, "/api/v1/revisions?limit=%u", limit < PAGE ? limit : PAGE);
    if (o == OUTPUT_TABLE)
        printf("%-9s %-21s %-20s %-8s %s\n", "REVISION", "AT", "WHO", "CHANGES", "MESSAGE");
    while (!code && path[0])
        code = list_page(c, o, &left, path, sizeof path, e);
    return code;
}

/* --- one, and what is between two --------------------------------------------------------------
 */

static void tell_truncated(const struct value *v)
{
    const struct value *t = value_get(v, STR("truncated"));
    if (t && t->kind == VALUE_BOOL && t->b)
        fputs("vesta: there is more than the server tells at once; ask for revisions that are "
              "nearer to each other\n",
              stderr);
}

static err_code show_revision(const struct client *c, const char *n, enum output o, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    char path[100];
    struct value v;
    const struct value *changes = NULL;
    snprintf(path, sizeof path, "/api/v1/revisions/%s", n);
    err_code code = client_json(c, "GET", path, NO_BODY, &a, &v, e);
    if (!code)
        code = list_at(&v, "changes", &changes, e);
    if (code)
        return code;
    if (o == OUTPUT_JSON || o == OUTPUT_YAML) {
        output_value(o, &v);
        return ERR_OK;
    }
    bool names = o == OUTPUT_NAME;
    if (!names) {
        printf("revision  %.0f\nat        %.*s\nwho       ", number_at(&v, "revision"),
               STR_FMT(text_at(&v, "at")));
        output_text(text_at(&v, "who"), 0);
        printf("\nmessage   ");
        output_text(text_at(&v, "message"), 0);
        printf("\n\n");
    }
    for (uint32_t i = 0; i < changes->n; i++) {
        if (!names)
            printf("%-8.*s", STR_FMT(text_at(&changes->list[i], "action")));
        printf("%.*s\n", STR_FMT(text_at(&changes->list[i], "resource")));
    }
    tell_truncated(&v);
    return ERR_OK;
}

/* What `patch -p1` takes in an exported site. */
static err_code show_diff(const struct client *c, const char *from, const char *to, enum output o,
                          struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    char path[200];
    struct value v;
    const struct value *changes = NULL;
    snprintf(path, sizeof path, "/api/v1/revisions/%s/diff%s%s", from, to ? "?to=" : "",
             to ? to : "");
    err_code code = client_json(c, "GET", path, NO_BODY, &a, &v, e);
    if (!code)
        code = list_at(&v, "changes", &changes, e);
    if (code)
        return code;
    if (o == OUTPUT_JSON || o == OUTPUT_YAML) {
        output_value(o, &v);
        return ERR_OK;
    }
    bool names = o == OUTPUT_NAME;
    for (uint32_t i = 0; i < changes->n; i++) {
        struct str text = text_at(&changes->list[i], names ? "resource" : "diff");
        fwrite(text.p, 1, text.n, stdout);
        if (names)
            printf("\n");
    }
    tell_truncated(&v);
    return ERR_OK;
}

/* --- the commands ----------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
    uint64_t n;
    return str_to_u64(str_c(text), INT64_MAX, &n);
}

/* What is wrong with the arguments, or NULL. */
static const char *check_usage(int n, char **rest)
{
    bool diff = n > 0 && strcmp(rest[0], "diff") == 0;
    if (diff && n < 2)
        return "diff needs a revision: diff A, or diff A B";
    if (!diff && n > 1)
        return "there is an argument too many";
    for (int i = diff ? 1 : 0; i < n; i++)
        if (!is_number(rest[i]))
            return "a revision is a number";
    return NULL;
}

int command_revisions(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    unsigned limit = 20;
    const struct flag flags[] = {
        TARGET_FLAGS(t),
        {"limit", FLAG_COUNT, &limit, false, "N", "how many are listed, newest first (20)"},
        OUTPUT_FLAGS(t),
        FLAGS_END,
    };
    char *rest[3];
    int status;
    int n = flags_parse(argc, argv, flags, 0, 3, rest, &status);
    if (n < 0)
        return status;
    const char *why = limit ? check_usage(n, rest) : "--limit must be at least 1";
    if (why) {
        fprintf(stderr, "vesta revisions: %s\n`vesta revisions --help` tells more.\n", why);
        return EXIT_USAGE;
    }
    enum output o;
    if (!output_read("revisions", t.output, &o))
        return EXIT_USAGE;
    struct err e = ERR_INIT;
    CLIENT_LOCAL(c);
    err_code code = client_open_site(&c, &t, &e);
    if (!code && n == 0)
        code = list_revisions(&c, o, limit, &e);
    else if (!code && n == 1)
        code = show_revision(&c, rest[0], o, &e);
    else if (!code)
        code = show_diff(&c, rest[1], n == 3 ? rest[2] : NULL, o, &e);
    return code ? complain(&e) : EXIT_DONE;
}

int command_rollback(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const char *message = "";
    const struct flag flags[] = {
        TARGET_FLAGS(t),
        {"message", FLAG_TEXT, &message, false, "TEXT", "why, for the history"},
        FLAGS_END,
    };
    char *rest[1], path[100];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    if (!is_number(rest[0])) {
        fprintf(stderr, "vesta rollback: a revision is a number\n");
        return EXIT_USAGE;
    }
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct err e = ERR_INIT;
    struct client c;
    struct value v;
    snprintf(path, sizeof path, "/api/v1/revisions/%s/rollback", rest[0]);
    err_code code = client_open(&c, &t, &e);
    if (!code) {
        c.message = message;
        code = client_json(&c, "POST", path, NO_BODY, &a, &v, &e);
    }
    if (code)
        return complain(&e);
    printf("revision %.0f has what revision %s had\n", number_at(&v, "revision"), rest[0]);
    return EXIT_DONE;
}
