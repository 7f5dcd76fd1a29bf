/* api/openapi.yaml and the route table say the same; the examples beside it work. */
#include <stdlib.h>

#include "../support/check.h"
#include "base/always.h"
#include "support.h"

#define FILE_MAX (4u << 20)

static struct str read_whole(struct arena *a, const char *path)
{
    char *text = arena_alloc(a, FILE_MAX);
    FILE *f = fopen(path, "rb");
    always(f && text);
    size_t n = fread(text, 1, FILE_MAX, f);
    fclose(f);
    return str_of(text, n);
}

static const struct value *must_get(const struct value *v, struct str key)
{
    const struct value *found = v ? value_get(v, key) : NULL;
    CHECK(found, "no %.*s", STR_FMT(key));
    return found;
}

static bool read_description(struct arena *a, struct value *ret)
{
    struct err e = ERR_INIT;
    err_code c = value_from_yaml(a, read_whole(a, "api/openapi.yaml"), ret, &e);
    CHECK(c == ERR_OK, "%d:%d: %s", e.line, e.column, e.msg);
    return c == ERR_OK;
}

/* In the description "{name...}" is "{name}". */
static struct str described_path(const struct rest_route *route, char *dst, size_t size)
{
    struct str s = str_c(route->pattern);
    bool rest = str_ends(s, STR("...}"));
    int n = snprintf(dst, size, "%.*s%s", (int)(rest ? s.n - 4 : s.n), s.p, rest ? "}" : "");
    return str_of(dst, (size_t)n);
}

static const struct value *operation_of(const struct value *paths, const struct rest_route *route)
{
    char path[100], method[20];
    const struct value *item = value_get(paths, described_path(route, path, sizeof path));
    size_t n = 0;
    for (; route->method[n]; n++)
        method[n] = (char)(route->method[n] | 0x20);
    return item ? value_get(item, str_of(method, n)) : NULL;
}

static void every_route_is_described(void)
{
    ARENA_LOCAL(a, 64 << 20);
    struct value v;
    if (!read_description(&a, &v))
        return;
    size_t n;
    const struct rest_route *routes = rest_routes(&n);
    for (size_t i = 0; i < n; i++) {
        const struct value *op = operation_of(must_get(&v, STR("paths")), &routes[i]);
        CHECK(op, "%s %s", routes[i].method, routes[i].pattern);
        if (!op)
            continue;
        const struct value *security = value_get(op, STR("security"));
        bool open = security && security->kind == VALUE_LIST && security->n == 0;
        CHECK(open == (routes[i].role == REST_PUBLIC), "%s %s", routes[i].method,
              routes[i].pattern);
    }
}

static bool is_method(struct str key)
{
    static const char *const methods[] = {"get", "put", "patch", "delete", "post"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_is(key, methods[i]))
            return true;
    return false;
}

static void every_operation_is_served(void)
{
    ARENA_LOCAL(a, 64 << 20);
    struct value v;
    if (!read_description(&a, &v))
        return;
    size_t n, described = 0, served = 0;
    const struct rest_route *routes = rest_routes(&n);
    const struct value *paths = must_get(&v, STR("paths"));
    for (uint32_t i = 0; paths && i < paths->n; i++)
        for (uint32_t k = 0; k < paths->map[i].v.n; k++)
            described += is_method(paths->map[i].v.map[k].key);
    for (size_t i = 0; i < n; i++)
        served += operation_of(paths, &routes[i]) != NULL;
    CHECK(described == served, "%zu described, %zu served", described, served);
}

/* It is served as JSON, whole, to anybody. */
static void description_is_public(void)
{
    struct reply r = ask_as(NULL, "GET", "/api/v1/openapi.json", NULL);
    ARENA_LOCAL(a, 64 << 20);
    struct value v;
    CHECK(r.status == 200, "%d", r.status);
    CHECK(str_is(header_of(&r, "Content-Type"), "application/json"));
    if (read_description(&a, &v))
        CHECK(value_equal(&r.json, &v));
}

static void examples_can_be_put(void)
{
    const struct {
        const char *file, *path;
    } cases[] = {
        {"api/examples/cloud.yaml", "/api/v1/templates/cloud/web.yaml"},
        {"api/examples/profile.json", "/api/v1/profiles/web"},
        {"api/examples/group.json", "/api/v1/groups/web-1"},
    };
    ARENA_LOCAL(a, 64 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask_bytes("PUT", cases[i].path, read_whole(&a, cases[i].file));
        CHECK(r.status == 201, "%s: %d %.*s", cases[i].file, r.status, STR_FMT(r.body));
    }
    struct str patch = read_whole(&a, "api/examples/group.patch.json");
    struct reply r = ask_bytes("PATCH", "/api/v1/groups/web-1", patch);
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
}

void openapi_tests(struct tally *t)
{
    RUN(every_route_is_described);
    RUN(every_operation_is_served);
    RUN(description_is_public);
    RUN(examples_can_be_put);
    TALLY(t);
}
