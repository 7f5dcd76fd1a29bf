/* Tokens: shown once, refused at once when they are gone. */
#include <time.h>
#include <unistd.h>

#include "../support/check.h"
#include "support.h"

static struct reply create(const char *name, const char *role, int expires_in)
{
    char body[300];
    int n = snprintf(body, sizeof body, "{\"name\":\"%s\",\"role\":\"%s\"", name, role);
    if (expires_in)
        n += snprintf(body + n, sizeof body - (size_t)n, ",\"expires_in\":%d", expires_in);
    snprintf(body + n, sizeof body - (size_t)n, "}");
    return ask("POST", "/api/v1/tokens", NULL, body);
}

/* A reply's text as a C string that stays for a while: four of them take turns. */
static const char *kept(struct str s)
{
    static char turns[4][200];
    static unsigned turn;
    char *p = turns[turn++ % 4];
    snprintf(p, 200, "%.*s", STR_FMT(s));
    return p;
}

static int status_with(const char *token, const char *method, const char *path)
{
    return ask_as(token, method, path, "{}").status;
}

static void shown_once_and_never_listed(void)
{
    struct reply r = create("ci", "write", 3600);
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    struct str secret = text_at(&r, "/token");
    CHECK(secret.n == 38 && str_starts(secret, STR("vesta_")), "%.*s", STR_FMT(secret));
    CHECK(str_is(header_of(&r, "Cache-Control"), "no-store"));
    CHECK(str_is(text_at(&r, "/name"), "ci") && str_is(text_at(&r, "/role"), "write"));
    CHECK(text_at(&r, "/expires").n == 20 && text_at(&r, "/id").n == 16);
    const char *token = kept(secret);
    CHECK(status_with(token, "PUT", "/api/v1/profiles/by-ci") == 201);
    CHECK(status_with(token, "GET", "/api/v1/tokens") == 403);
    r = ask("GET", "/api/v1/tokens", NULL, NULL);
    CHECK(r.status == 200 && has(r.body, "\"name\":\"ci\""), "%.*s", STR_FMT(r.body));
    CHECK(!has(r.body, "vesta_") && !has(r.body, "hash"), "%.*s", STR_FMT(r.body));
    CHECK(api_logged("path=/api/v1/profiles/by-ci status=201"));
    CHECK(api_log_has("who=ci") && !api_log_has("vesta_"));
}

static void refused_with_every_finding(void)
{
    struct reply r = ask("POST", "/api/v1/tokens", NULL,
                         "{\"name\":\"a b\",\"role\":\"root\",\"expires_in\":0.5,\"x\":1}");
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(count_at(&r, "/findings") == 4, "%.*s", STR_FMT(r.body));
    const char *const bad[] = {"",
                               "[]",
                               "{}",
                               "nonsense",
                               "{\"name\":\"a\"}",
                               "{\"name\":\"a\",\"role\":1}",
                               "{\"name\":\"..\",\"role\":\"read\"}",
                               "{\"name\":\"a\",\"role\":\"read\",\"expires_in\":\"1d\"}",
                               "{\"name\":\"a\",\"role\":\"read\",\"expires_in\":-1}",
                               "{\"name\":\"a\",\"role\":\"read\",\"expires_in\":1e300}",
                               "{\"name\":\"a\",\"role\":\"read\",\"role\":\"admin\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r = ask("POST", "/api/v1/tokens", NULL, bad[i]);
        CHECK(is_problem(&r, 422, "invalid"), "%s", bad[i]);
        CHECK(count_at(&r, "/findings") > 0, "%s", bad[i]);
    }
    r = ask("POST", "/api/v1/tokens", "Content-Type: text/plain\r\n", "{}");
    CHECK(is_problem(&r, 415, "unsupported-media-type"));
    r = create("twice", "read", 0);
    CHECK(r.status == 201, "%d", r.status);
    r = create("twice", "read", 0);
    CHECK(is_problem(&r, 409, "conflict") && has(r.body, "another name"));
    r = ask("GET", "/api/v1/tokens", NULL, NULL);
    CHECK(!has(r.body, "\"name\":\"a\""));
}

static void revoked_is_refused_at_once(void)
{
    struct reply r = create("short-lived", "read", 0);
    const char *token = kept(text_at(&r, "/token"));
    char path[100];
    snprintf(path, sizeof path, "/api/v1/tokens/%s", kept(text_at(&r, "/id")));
    CHECK(status_with(token, "GET", "/api/v1/groups") == 200);
    CHECK(status_with(token, "DELETE", path) == 403);
    r = ask("DELETE", path, NULL, NULL);
    CHECK(r.status == 204, "%d", r.status);
    CHECK(status_with(token, "GET", "/api/v1/groups") == 401);
    r = ask("DELETE", path, NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
}

static err_code run_delete(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_token_delete(t, *(struct str *)arg, e);
}

/* Past the server, as another process does it. */
static void revoked_elsewhere_is_refused_too(void)
{
    struct reply r = create("elsewhere", "read", 0);
    const char *token = kept(text_at(&r, "/token"));
    struct str id = text_at(&r, "/id");
    struct store *s;
    struct err e = ERR_INIT;
    CHECK(status_with(token, "GET", "/api/v1/groups") == 200);
    CHECK(store_open(&(struct store_options){.path = api_database()}, &s, &e) == ERR_OK, "%s",
          e.msg);
    CHECK(store_write(s, NULL, run_delete, &id, NULL, &e) == ERR_OK, "%s", e.msg);
    store_close(s);
    CHECK(status_with(token, "GET", "/api/v1/groups") == 401);
}

static void expires(void)
{
    struct reply r = create("moment", "read", 1);
    const char *token = kept(text_at(&r, "/token"));
    int status = 200;
    time_t end = time(NULL) + 10;
    while (status == 200 && time(NULL) < end) {
        status = status_with(token, "GET", "/api/v1/groups");
        usleep(20000);
    }
    CHECK(status == 401, "%d", status);
    r = ask("GET", "/api/v1/tokens", NULL, NULL);
    CHECK(has(r.body, "\"name\":\"moment\""), "it is still listed");
}

/* The seeded tokens have the ids root, writer, reader, gone, and admin is the server's own. */
static void the_last_admin_stays(void)
{
    struct reply r = ask("DELETE", "/api/v1/tokens/admin", NULL, NULL);
    CHECK(r.status == 204, "%d", r.status);
    r = ask("DELETE", "/api/v1/tokens/root", NULL, NULL);
    CHECK(is_problem(&r, 409, "conflict") && has(r.body, "create another one"));
    CHECK(status_with(admin_token, "GET", "/api/v1/tokens") == 200);
    r = ask("DELETE", "/api/v1/tokens/gone", NULL, NULL);
    CHECK(r.status == 204, "an admin's that has expired may go: %d", r.status);
    r = create("root-2", "admin", 0);
    CHECK(r.status == 201);
    const char *second = kept(text_at(&r, "/token"));
    char path[100];
    snprintf(path, sizeof path, "/api/v1/tokens/%s", kept(text_at(&r, "/id")));
    CHECK(status_with(second, "DELETE", "/api/v1/tokens/root") == 204);
    CHECK(status_with(admin_token, "GET", "/api/v1/groups") == 401);
    CHECK(status_with(second, "DELETE", path) == 409);
}

static void last_use_is_listed(void)
{
    struct reply r = create("watched", "read", 0);
    const char *token = kept(text_at(&r, "/token"));
    r = ask("GET", "/api/v1/tokens", NULL, NULL);
    CHECK(has(r.body, "\"last_used\":null,\"name\":\"watched\""), "%.*s", STR_FMT(r.body));
    CHECK(status_with(token, "GET", "/api/v1/groups") == 200);
    r = ask("GET", "/api/v1/tokens", NULL, NULL);
    CHECK(has(r.body, "Z\",\"name\":\"watched\""), "%.*s", STR_FMT(r.body));
}

void token_tests(struct tally *t)
{
    RUN(shown_once_and_never_listed);
    RUN(refused_with_every_finding);
    RUN(revoked_is_refused_at_once);
    RUN(revoked_elsewhere_is_refused_too);
    RUN(expires);
    RUN(last_use_is_listed);
    RUN(the_last_admin_stays);
    TALLY(t);
}
