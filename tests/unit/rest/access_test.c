/* Who may do what: tokens, roles, paths and methods. */
#include "../support/check.h"
#include "support.h"

static void health_needs_no_token(void)
{
    struct reply r = ask_as(NULL, "GET", "/healthz", NULL);
    CHECK(r.status == 200 && str_is(r.body, "ok\n"), "%d %.*s", r.status, STR_FMT(r.body));
    r = ask_as(NULL, "GET", "/readyz", NULL);
    CHECK(r.status == 200, "%d", r.status);
    r = ask_as(wrong_token, "HEAD", "/healthz", NULL);
    CHECK(r.status == 200 && r.body.n == 0, "%d", r.status);
}

/* A path of that pattern: what is in braces becomes a name. */
static const char *path_of(const struct rest_route *route, char *dst, size_t size)
{
    size_t n = 0;
    for (const char *p = route->pattern; *p && n + 10 < size; p++) {
        if (*p != '{') {
            dst[n++] = *p;
            continue;
        }
        n += (size_t)snprintf(dst + n, size - n, "%s", strncmp(p, "{kind}", 6) ? "a" : "cloud");
        p = strchr(p, '}');
    }
    dst[n] = '\0';
    return dst;
}

static void every_route_needs_a_token(void)
{
    const char *const tokens[] = {NULL, wrong_token, expired_token,
                                  "",   "vesta_",    "token-of-the-admi"};
    size_t n;
    const struct rest_route *routes = rest_routes(&n);
    CHECK(n > 10);
    for (size_t i = 0; i < n; i++) {
        char path[100];
        path_of(&routes[i], path, sizeof path);
        if (routes[i].role == REST_PUBLIC)
            continue;
        for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++) {
            struct reply r = ask_as(tokens[k], routes[i].method, path, "{}");
            CHECK(is_problem(&r, 401, "unauthorized"), "%s %s", routes[i].method, path);
            CHECK(str_is(header_of(&r, "WWW-Authenticate"), "Bearer"), "%s", path);
        }
    }
}

/* Nothing that these requests name is there, so what a role may do is mostly 404 or 422. */
static void every_route_asks_for_its_role(void)
{
    const struct {
        const char *token;
        int role;
    } tokens[] = {{read_token, STORE_ROLE_READ},
                  {write_token, STORE_ROLE_WRITE},
                  {admin_token, STORE_ROLE_ADMIN}};
    size_t n, refused = 0, admitted = 0;
    const struct rest_route *routes = rest_routes(&n);
    for (size_t i = 0; i < 3 * n; i++) {
        const struct rest_route *route = &routes[i / 3];
        char path[100];
        path_of(route, path, sizeof path);
        struct reply r = ask_as(tokens[i % 3].token, route->method, path, "{}");
        if (tokens[i % 3].role < route->role) {
            refused++;
            CHECK(is_problem(&r, 403, "forbidden"), "%s %s", route->method, path);
        } else {
            admitted++;
            CHECK(r.status != 401 && r.status != 403 && r.status > 0 && r.status < 500, "%s %s: %d",
                  route->method, path, r.status);
        }
    }
    CHECK(refused >= 10 && admitted >= 30, "%zu %zu", refused, admitted);
}

/* What changes something asks for more than the role read. */
static void reading_is_all_that_a_reader_may(void)
{
    size_t n;
    const struct rest_route *routes = rest_routes(&n);
    for (size_t i = 0; i < n; i++)
        CHECK(strcmp(routes[i].method, "GET") == 0 ||
                  strcmp(routes[i].pattern, "/api/v1/plan") == 0 ||
                  routes[i].role >= STORE_ROLE_WRITE,
              "%s %s", routes[i].method, routes[i].pattern);
}

static void writer_may_write(void)
{
    struct reply r = ask_as(write_token, "PUT", "/api/v1/profiles/w", "{}");
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    r = ask_as(write_token, "DELETE", "/api/v1/profiles/w", NULL);
    CHECK(r.status == 204, "%d", r.status);
}

static void scheme_is_bearer_in_any_case(void)
{
    const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Authorization: bearer token-of-a-reader\r\n", 200},
        {"Authorization: BEARER   token-of-a-reader\r\n", 200},
        {"Authorization: Basic token-of-a-reader\r\n", 401},
        {"Authorization: token-of-a-reader\r\n", 401},
        {"Authorization: Bearertoken-of-a-reader\r\n", 401},
        {"Authorization: Bearer\r\n", 401},
        {"Authorization: Bearer token-of-a-reader x\r\n", 401},
        {"X-Token: token-of-a-reader\r\n", 401},
    };
    ARENA_LOCAL(a, 8 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct question q = {.method = "GET", .path = "/api/v1/groups", .headers = cases[i].header};
        struct reply r = ask_in(&a, &q);
        CHECK(r.status == cases[i].status, "%d for %s", r.status, cases[i].header);
    }
    struct reply r = ask_as(NULL, "GET", "/api/v1/groups?token=token-of-a-reader", NULL);
    CHECK(r.status == 401, "%d", r.status);
}

static void unknown_paths_ask_for_the_token_first(void)
{
    const char *const paths[] = {"/api/v1/nothing",
                                 "/api/v2/groups",
                                 "/api",
                                 "/api/",
                                 "/api/v1",
                                 "/%61pi/v1/groupz",
                                 "/api/v1/groups/a/b",
                                 "/api/v1/templates/cloud",
                                 "/api/v1//groups",
                                 "/api/%zz",
                                 "/api/v1/openapi.json/x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply r = ask_as(NULL, "GET", paths[i], NULL);
        CHECK(is_problem(&r, 401, "unauthorized"), "%s", paths[i]);
        if (strstr(paths[i], "templates"))
            continue;
        r = ask_as(read_token, "GET", paths[i], NULL);
        CHECK(is_problem(&r, 404, "not-found"), "%s", paths[i]);
        CHECK(str_is(text_at(&r, "/instance"), paths[i]));
    }
    struct reply r = ask_as(NULL, "GET", "/nothing", NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    r = ask_as(NULL, "GET", "/%61pi/v1/groups", NULL);
    CHECK(r.status == 401, "an escaped path is the same path: %d", r.status);
}

static void wrong_methods(void)
{
    const struct {
        const char *method, *path, *allow;
    } cases[] = {
        {"POST", "/api/v1/groups", "GET, HEAD"},
        {"DELETE", "/api/v1/templates/cloud", "GET, HEAD"},
        {"POST", "/api/v1/groups/a", "GET, HEAD, PUT, PATCH, DELETE"},
        {"OPTIONS", "/api/v1/profiles/a", "GET, HEAD, PUT, PATCH, DELETE"},
        {"PATCH", "/api/v1/templates/cloud/a", "GET, HEAD, PUT, DELETE"},
        {"BREW", "/api/v1/templates/cloud/a/b", "GET, HEAD, PUT, DELETE"},
        {"PUT", "/api/v1/openapi.json", "GET, HEAD"},
        {"get", "/api/v1/groups", "GET, HEAD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask_as(NULL, cases[i].method, cases[i].path, "{}");
        CHECK(r.status == 401, "%s: %d", cases[i].path, r.status);
        r = ask(cases[i].method, cases[i].path, NULL, "{}");
        CHECK(is_problem(&r, 405, "method-not-allowed"), "%s", cases[i].path);
        CHECK(str_is(header_of(&r, "Allow"), cases[i].allow), "%s", cases[i].path);
    }
    struct reply r = ask_as(NULL, "POST", "/healthz", NULL);
    CHECK(is_problem(&r, 405, "method-not-allowed"));
}

static void log_says_who_and_never_a_token(void)
{
    ask_as(read_token, "GET", "/api/v1/profiles?prefix=logged", NULL);
    ask_as(read_token, "PUT", "/api/v1/profiles/logged", "{}");
    ask_as(wrong_token, "GET", "/api/v1/profiles/logged", NULL);
    struct reply r = ask_as(NULL, "GET", "/healthz", NULL);
    CHECK(r.status == 200);
    CHECK(api_logged("method=GET path=/healthz status=200"));
    CHECK(api_logged("method=GET path=/api/v1/profiles status=200"));
    CHECK(api_logged("method=GET path=/api/v1/profiles/logged status=401"));
    CHECK(api_logged("who=reader"));
    CHECK(
        api_logged("reason=\"the token \\\"reader\\\" has the role read, and this needs write\""));
    CHECK(!api_log_has("token-of"));
}

static void questions_before_ready(void)
{
    struct reply r = ask_as(NULL, "GET", "/readyz", NULL);
    CHECK(r.status == 503 && str_starts(r.body, STR("not ready: ")), "%d %.*s", r.status,
          STR_FMT(r.body));
    r = ask_as(NULL, "GET", "/healthz", NULL);
    CHECK(r.status == 200, "%d", r.status);
    r = ask("GET", "/api/v1/explain?mac=52:54:00:00:00:01", NULL, NULL);
    CHECK(is_problem(&r, 503, "unavailable"), "%.*s", STR_FMT(r.body));
    CHECK(str_is(header_of(&r, "Retry-After"), "1"));
    r = ask("GET", "/api/v1/render/ipxe", NULL, NULL);
    CHECK(is_problem(&r, 503, "unavailable"), "%.*s", STR_FMT(r.body));
    r = ask("GET", "/api/v1/groups", NULL, NULL);
    CHECK(r.status == 200, "what is stored can be read: %d", r.status);
}

static void before_the_catalog_is_loaded(void)
{
    api_before_ready(questions_before_ready);
    struct reply r = ask_as(NULL, "GET", "/readyz", NULL);
    CHECK(r.status == 200, "%d", r.status);
}

void access_tests(struct tally *t)
{
    RUN(before_the_catalog_is_loaded);
    RUN(health_needs_no_token);
    RUN(every_route_needs_a_token);
    RUN(every_route_asks_for_its_role);
    RUN(reading_is_all_that_a_reader_may);
    RUN(writer_may_write);
    RUN(scheme_is_bearer_in_any_case);
    RUN(unknown_paths_ask_for_the_token_first);
    RUN(wrong_methods);
    RUN(log_says_who_and_never_a_token);
    TALLY(t);
}
