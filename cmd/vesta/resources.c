#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "model/model.h"
#include "server_file.h"
#include "value/value.h"

struct target {
    const char *server, *token_file, *data_path, *output;
};

#define TARGET_DEFAULT                                                                             \
    {                                                                                              \
        "", "", DEFAULT_DATA_PATH, ""                                                              \
    }
#define TARGET_FLAGS(t)                                                                            \
    {"server", FLAG_TEXT, &(t).server, true, "URL", "the API (default: the data path's server)"},  \
        {"token-file", FLAG_TEXT, &(t).token_file,                                                 \
         true,         "FILE",    "a token (or VESTA_TOKEN; default: the data path's)"},           \
    {                                                                                              \
        "data-path", FLAG_TEXT, &(t).data_path, true, "DIR", "whose server is asked"               \
    }

/* "group", "groups"; NULL for what is neither. */
static const char *collection_of(const char *word)
{
    static const char *const names[] = {"groups", "profiles", "templates"};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(names[i]);
        if (strcmp(word, names[i]) == 0 ||
            (strlen(word) == n - 1 && strncmp(word, names[i], n - 1) == 0))
            return names[i];
    }
    return NULL;
}

/* The path of a resource; names that no resource can have are refused, so nothing needs escapes. */
static err_code resource_path(const char *collection, const char *name, char *dst, size_t size,
                              struct err *e)
{
    struct str s = str_c(name), rest = s;
    bool ok = model_id_valid(s);
    if (strcmp(collection, "templates") == 0) {
        enum model_kind k;
        ok = model_kind_from_name(str_cut(s, '/', &rest), &k) && model_name_valid(rest);
        if (!ok)
            return err_set(e, ERR_INVALID, "a template is named KIND/NAME, such as cloud/web.yaml");
    }
    if (!ok)
        return err_set(e, ERR_INVALID, "\"%s\" cannot be the name of anything", name);
    snprintf(dst, size, "/api/v1/%s/%s", collection, name);
    return ERR_OK;
}

static void print_selector(const struct value *selector)
{
    if (!selector || selector->n == 0) {
        printf("(default)");
        return;
    }
    for (uint32_t i = 0; i < selector->n; i++)
        printf("%s%.*s=%.*s", i ? "," : "", STR_FMT(selector->map[i].key),
               STR_FMT(value_as_str(selector->map[i].v)));
}

static struct str text_at(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_STRING ? value_as_str(*x) : STR("");
}

static void print_item(const char *collection, const struct value *item, bool names_only)
{
    bool template = strcmp(collection, "templates") == 0;
    if (template)
        printf("%.*s/%.*s", STR_FMT(text_at(item, "kind")), STR_FMT(text_at(item, "name")));
    else if (names_only)
        printf("%.*s", STR_FMT(text_at(item, "id")));
    else
        printf("%-24.*s ", STR_FMT(text_at(item, "id")));
    if (!names_only && strcmp(collection, "groups") == 0) {
        printf("%-20.*s ", STR_FMT(text_at(item, "profile")));
        print_selector(value_get(item, STR("selector")));
    } else if (!names_only && !template) {
        printf("%.*s", STR_FMT(text_at(item, "name")));
    }
    printf("\n");
}

static void print_header(const char *collection)
{
    if (strcmp(collection, "groups") == 0)
        printf("%-24s %-20s %s\n", "GROUP", "PROFILE", "SELECTOR");
    else if (strcmp(collection, "profiles") == 0)
        printf("%-24s %s\n", "PROFILE", "NAME");
    else
        printf("TEMPLATE\n");
}

/* One page; *more is the path of the next one, or empty. */
static err_code list_page(const struct client *c, const char *collection, const char *output,
                          char *path, size_t size, struct err *e)
{
    struct client_answer answer;
    err_code code = client_request(c, "GET", path, (struct str){NULL, 0}, NULL, &answer, e);
    if (code)
        return code;
    ARENA_LOCAL(a, 256u << 20);
    struct value v;
    code = value_from_json(&a, buf_str(&answer.body), &v, e);
    const struct value *items = code ? NULL : value_get(&v, STR("items"));
    if (!code && (!items || items->kind != VALUE_LIST))
        code = err_set(e, ERR_INVALID, "the server's answer has no list");
    for (uint32_t i = 0; !code && i < items->n; i++) {
        if (strcmp(output, "json") == 0) {
            BUF_LOCAL(text, 64u << 20);
            value_to_json(&text, &items->list[i], 0);
            printf("%.*s\n", STR_FMT(buf_str(&text)));
        } else {
            print_item(collection, &items->list[i], strcmp(output, "name") == 0);
        }
    }
    path[0] = '\0';
    struct str next = code ? STR("") : text_at(&v, "next");
    if (next.n)
        snprintf(path, size, "/api/v1/%s?limit=1000&after=%.*s", collection, STR_FMT(next));
    buf_free(&answer.body);
    return code;
}

static err_code list_all(const struct client *c, const char *collection, const char *output,
                         struct err *e)
{
    char path[2000];
    snprintf(path, sizeof path, "/api/v1/%s?limit=1000", collection);
    if (!output[0])
        print_header(collection);
    err_code code = ERR_OK;
    while (!code && path[0])
        code = list_page(c, collection, output, path, sizeof path, e);
    return code;
}

static err_code show_one(const struct client *c, const char *collection, const char *name,
                         struct err *e)
{
    char path[2000];
    struct client_answer answer;
    err_code code = resource_path(collection, name, path, sizeof path, e);
    if (!code)
        code = client_request(c, "GET", path, (struct str){NULL, 0}, NULL, &answer, e);
    if (code)
        return code;
    ARENA_LOCAL(a, 256u << 20);
    struct value v;
    BUF_LOCAL(pretty, 64u << 20);
    bool json = strcmp(collection, "templates") != 0 &&
                value_from_json(&a, buf_str(&answer.body), &v, NULL) == ERR_OK;
    if (json)
        value_to_json(&pretty, &v, VALUE_JSON_PRETTY);
    struct str text = json ? buf_str(&pretty) : buf_str(&answer.body);
    fwrite(text.p, 1, text.n, stdout);
    buf_free(&answer.body);
    return ERR_OK;
}

static int unknown_type(const char *command, const char *word)
{
    fprintf(stderr, "vesta %s: \"%s\" is no type of resource: groups, profiles, templates\n",
            command, word);
    return EXIT_USAGE;
}

int command_get(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const struct flag flags[] = {
        TARGET_FLAGS(t),
        {"output", FLAG_TEXT, &t.output, false, "FORM", "json or name, for programs"},
        {"o", FLAG_TEXT, &t.output, false, "FORM", "the same"},
        FLAGS_END,
    };
    char *rest[2];
    int status;
    int n = flags_parse(argc, argv, flags, 1, 2, rest, &status);
    if (n < 0)
        return status;
    const char *collection = collection_of(rest[0]);
    if (!collection)
        return unknown_type("get", rest[0]);
    if (t.output[0] && strcmp(t.output, "json") != 0 && strcmp(t.output, "name") != 0) {
        fprintf(stderr, "vesta get: --output must be json or name\n");
        return EXIT_USAGE;
    }
    struct err e = ERR_INIT;
    struct client c;
    err_code code = client_open(&c, t.server, t.token_file, t.data_path, &e);
    if (!code)
        code =
            n == 2 ? show_one(&c, collection, rest[1], &e) : list_all(&c, collection, t.output, &e);
    return code ? complain(&e) : EXIT_DONE;
}

/* put and delete: one resource by its path. */
static int change(const char *command, struct target *t, char **rest, bool with_file)
{
    const char *collection = collection_of(rest[0]);
    if (!collection)
        return unknown_type(command, rest[0]);
    struct err e = ERR_INIT;
    struct client c;
    char path[2000];
    BUF_LOCAL(body, MODEL_TEMPLATE_MAX);
    struct client_answer answer;
    err_code code = client_open(&c, t->server, t->token_file, t->data_path, &e);
    if (!code)
        code = resource_path(collection, rest[1], path, sizeof path, &e);
    if (!code && with_file)
        code = read_file(rest[2], &body, &e);
    struct str bytes = !with_file ? (struct str){NULL, 0} : body.n ? buf_str(&body) : STR("");
    const char *type =
        strcmp(collection, "templates") == 0 ? "application/octet-stream" : "application/json";
    if (!code)
        code = client_request(&c, with_file ? "PUT" : "DELETE", path, bytes, type, &answer, &e);
    if (code)
        return complain(&e);
    printf("%s %s %s\n", rest[0], rest[1],
           !with_file             ? "deleted"
           : answer.status == 201 ? "created"
                                  : "changed");
    buf_free(&answer.body);
    return EXIT_DONE;
}

int command_put(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const struct flag flags[] = {TARGET_FLAGS(t), FLAGS_END};
    char *rest[3];
    int status;
    if (flags_parse(argc, argv, flags, 3, 3, rest, &status) < 0)
        return status;
    return change("put", &t, rest, true);
}

int command_delete(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const struct flag flags[] = {TARGET_FLAGS(t), FLAGS_END};
    char *rest[2];
    int status;
    if (flags_parse(argc, argv, flags, 2, 2, rest, &status) < 0)
        return status;
    return change("delete", &t, rest, false);
}

int command_health(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const struct flag flags[] = {
        {"server", FLAG_TEXT, &t.server, true, "URL", "the boot plane or the API"},
        {"data-path", FLAG_TEXT, &t.data_path, true, "DIR", "whose server is asked"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    struct client c = {.url = ""};
    struct client_answer answer;
    err_code code = ERR_OK;
    if (t.server[0])
        snprintf(c.url, sizeof c.url, "%s", t.server);
    else
        code = server_file_read(t.data_path, "boot", c.url, sizeof c.url, &e);
    if (!code)
        code = client_request(&c, "GET", "/readyz", (struct str){NULL, 0}, NULL, &answer, &e);
    if (code)
        return complain(&e);
    fwrite(answer.body.p, 1, answer.body.n, stdout);
    buf_free(&answer.body);
    return EXIT_DONE;
}
