/* `vesta token`: list, create and revoke tokens over the API. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "model/model.h"
#include "output.h"
#include "target.h"

#define ANSWER_ARENA (64u << 20)
#define NO_BODY      ((struct str){NULL, 0})

struct token_flags {
    struct target target;
    const char *name, *role, *expires;
};

/* "30d", "12h", "90m", "3600s": seconds; 0 for "". False for anything else. */
static bool read_lifetime(const char *text, uint64_t *ret)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    struct str s = str_c(text);
    uint64_t n;
    *ret = 0;
    if (s.n == 0)
        return true;
    char unit = s.p[--s.n];
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (unit == units[i].unit && str_to_u64(s, 1u << 30, &n) && n > 0) {
            *ret = n * units[i].seconds;
            return true;
        }
    return false;
}

static void print_token(const struct value *t)
{
    struct str expires = text_at(t, "expires"), used = text_at(t, "last_used");
    printf("%-18.*s %-24.*s %-6.*s %-21.*s %.*s\n", STR_FMT(text_at(t, "id")),
           STR_FMT(text_at(t, "name")), STR_FMT(text_at(t, "role")),
           STR_FMT(expires.n ? expires : STR("never")), STR_FMT(used.n ? used : STR("never")));
}

static err_code list_tokens(const struct client *c, enum output o, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct value v;
    err_code code = client_json(c, "GET", "/api/v1/tokens", NO_BODY, &a, &v, e);
    const struct value *items = code ? NULL : value_get(&v, STR("items"));
    if (code)
        return code;
    if (!items || items->kind != VALUE_LIST)
        return err_set(e, ERR_INVALID, "the server's answer has no list");
    if (o == OUTPUT_JSON || o == OUTPUT_YAML) {
        output_value(o, items);
        return ERR_OK;
    }
    bool names = o == OUTPUT_NAME;
    if (!names)
        printf("%-18s %-24s %-6s %-21s %s\n", "ID", "NAME", "ROLE", "EXPIRES", "LAST USED");
    for (uint32_t i = 0; i < items->n; i++) {
        if (names)
            printf("%.*s\n", STR_FMT(text_at(&items->list[i], "id")));
        else
            print_token(&items->list[i]);
    }
    return ERR_OK;
}

/* The token alone is on standard output, for programs. */
static err_code create_token(const struct client *c, const struct token_flags *f, uint64_t lifetime,
                             enum output o, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    BUF_LOCAL(body, 1u << 16);
    struct value_pair p[] = {
        {STR("name"), value_str(str_c(f->name))},
        {STR("role"), value_str(str_c(f->role))},
        {STR("expires_in"), lifetime ? value_float((double)lifetime) : value_nil()}};
    struct value request = value_map(VALUE_MAP, p, 3), v;
    value_to_json(&body, &request, 0);
    err_code code = client_json(c, "POST", "/api/v1/tokens", buf_str(&body), &a, &v, e);
    if (code)
        return code;
    if (o == OUTPUT_JSON || o == OUTPUT_YAML) {
        output_value(o, &v);
        return ERR_OK;
    }
    struct str expires = text_at(&v, "expires");
    fprintf(stderr,
            "created the token \"%.*s\" (%.*s), id %.*s, expires %.*s; keep it: it is not "
            "shown again\n",
            STR_FMT(text_at(&v, "name")), STR_FMT(text_at(&v, "role")), STR_FMT(text_at(&v, "id")),
            STR_FMT(expires.n ? expires : STR("never")));
    printf("%.*s\n", STR_FMT(text_at(&v, "token")));
    return ERR_OK;
}

static err_code delete_token(const struct client *c, const char *id, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct value v;
    char path[300];
    if (!model_id_valid(str_c(id)))
        return err_set(e, ERR_INVALID, "\"%s\" is no id of a token; `vesta token list` shows them",
                       id);
    snprintf(path, sizeof path, "/api/v1/tokens/%s", id);
    err_code code = client_json(c, "DELETE", path, NO_BODY, &a, &v, e);
    if (!code)
        printf("token %s deleted\n", id);
    return code;
}

static int wrong(const char *why)
{
    fprintf(stderr, "vesta token: %s\n`vesta token --help` tells more.\n", why);
    return EXIT_USAGE;
}

/* What is wrong with the arguments, or NULL. */
static const char *check_usage(const char *action, int n, const struct token_flags *f)
{
    bool list = strcmp(action, "list") == 0, create = strcmp(action, "create") == 0;
    if (!list && !create && strcmp(action, "delete") != 0)
        return "say list, create or delete";
    if (n != (list || create ? 1 : 2))
        return list || create ? "there is an argument too many" : "delete needs the id of a token";
    if (create && (!f->name[0] || !f->role[0]))
        return "create needs --name and --role";
    if (!create && (f->name[0] || f->role[0] || f->expires[0]))
        return "--name, --role and --expires are for create";
    return NULL;
}

int command_token(int argc, char **argv)
{
    struct token_flags f = {TARGET_DEFAULT, "", "", ""};
    const struct flag flags[] = {
        TARGET_FLAGS(f.target),
        {"name", FLAG_TEXT, &f.name, false, "NAME", "create: who it is for; the history shows it"},
        {"role", FLAG_TEXT, &f.role, false, "ROLE", "create: read, write or admin"},
        {"expires", FLAG_TEXT, &f.expires, false, "TIME",
         "create: after how long, as 30d, 12h, 90m (default: never)"},
        OUTPUT_FLAGS(f.target),
        FLAGS_END,
    };
    char *rest[2];
    int status;
    int n = flags_parse(argc, argv, flags, 1, 2, rest, &status);
    if (n < 0)
        return status;
    const char *why = check_usage(rest[0], n, &f);
    if (why)
        return wrong(why);
    enum output o;
    uint64_t lifetime;
    if (!output_read("token", f.target.output, &o))
        return EXIT_USAGE;
    if (!read_lifetime(f.expires, &lifetime))
        return wrong("--expires takes a number and a unit: 30d, 12h, 90m, 3600s");
    struct err e = ERR_INIT;
    CLIENT_LOCAL(c);
    const struct target *t = &f.target;
    bool list = rest[0][0] == 'l';
    err_code code = list ? client_open_site(&c, t, &e) : client_open(&c, t, &e);
    if (!code && list)
        code = list_tokens(&c, o, &e);
    else if (!code && rest[0][0] == 'c')
        code = create_token(&c, &f, lifetime, o, &e);
    else if (!code)
        code = delete_token(&c, rest[1], &e);
    return code ? complain(&e) : EXIT_DONE;
}
