#include "base/buf.h"
#include "base/query.h"
#include "rest/route.h"

#define READ  STORE_ROLE_READ
#define WRITE STORE_ROLE_WRITE
#define ADMIN STORE_ROLE_ADMIN

static const struct rest_body resource[] = {{"application/json", MODEL_RESOURCE_MAX, false},
                                            {.max = 0}};
static const struct rest_body patch[] = {
    {"application/merge-patch+json", MODEL_RESOURCE_MAX, false},
    {"application/json", MODEL_RESOURCE_MAX, false},
    {.max = 0}};
static const struct rest_body template[] = {{"", MODEL_TEMPLATE_MAX, false}, {.max = 0}};
static const struct rest_body token[] = {{"application/json", 16384, false}, {.max = 0}};

static const struct rest_body bundle[] = {{"application/json", 16u << 20, true},
                                          {"application/x-ndjson", (uint64_t)2 << 30, true},
                                          {.max = 0}};

static const struct rest_route routes[] = {
    {"GET", "/healthz", REST_PUBLIC, 0, public_health, NULL},
    {"GET", "/readyz", REST_PUBLIC, 0, public_ready, NULL},
    {"GET", "/metrics", READ, 0, metrics_get, NULL},
    {"GET", "/api/v1/openapi.json", REST_PUBLIC, 0, public_openapi, NULL},

    {"GET", "/api/v1/groups", READ, STORE_GROUP, list_resources, NULL},
    {"GET", "/api/v1/groups/{id}", READ, STORE_GROUP, resource_get, NULL},
    {"PUT", "/api/v1/groups/{id}", WRITE, STORE_GROUP, resource_put, resource},
    {"PATCH", "/api/v1/groups/{id}", WRITE, STORE_GROUP, resource_patch, patch},
    {"DELETE", "/api/v1/groups/{id}", WRITE, STORE_GROUP, resource_delete, NULL},

    {"GET", "/api/v1/profiles", READ, STORE_PROFILE, list_resources, NULL},
    {"GET", "/api/v1/profiles/{id}", READ, STORE_PROFILE, resource_get, NULL},
    {"PUT", "/api/v1/profiles/{id}", WRITE, STORE_PROFILE, resource_put, resource},
    {"PATCH", "/api/v1/profiles/{id}", WRITE, STORE_PROFILE, resource_patch, patch},
    {"DELETE", "/api/v1/profiles/{id}", WRITE, STORE_PROFILE, resource_delete, NULL},

    {"GET", "/api/v1/templates", READ, STORE_TEMPLATE, list_resources, NULL},
    {"GET", "/api/v1/templates/{kind}", READ, STORE_TEMPLATE, list_templates_of_kind, NULL},
    {"GET", "/api/v1/templates/{kind}/{name...}", READ, STORE_TEMPLATE, resource_get, NULL},
    {"PUT", "/api/v1/templates/{kind}/{name...}", WRITE, STORE_TEMPLATE, resource_put, template},
    {"DELETE", "/api/v1/templates/{kind}/{name...}", WRITE, STORE_TEMPLATE, resource_delete, NULL},

    {"GET", "/api/v1/explain", READ, 0, explain_labels, NULL},
    {"GET", "/api/v1/render/{kind}", READ, 0, explain_render, NULL},

    {"POST", "/api/v1/plan", READ, 0, plan_bundle, bundle},
    {"POST", "/api/v1/apply", WRITE, 0, apply_bundle, bundle},

    {"GET", "/api/v1/revisions", READ, 0, revisions_list, NULL},
    {"GET", "/api/v1/revisions/{n}", READ, 0, revisions_get, NULL},
    {"GET", "/api/v1/revisions/{n}/diff", READ, 0, revisions_diff, NULL},
    {"POST", "/api/v1/revisions/{n}/rollback", WRITE, 0, revisions_rollback, NULL},

    {"GET", "/api/v1/tokens", ADMIN, 0, tokens_list, NULL},
    {"POST", "/api/v1/tokens", ADMIN, 0, tokens_create, token},
    {"DELETE", "/api/v1/tokens/{id}", ADMIN, 0, tokens_delete, NULL},
};

const struct rest_route *rest_routes(size_t *ret_n)
{
    *ret_n = sizeof routes / sizeof *routes;
    return routes;
}

/* --- paths ------------------------------------------------------------------------------------ */

struct path {
    struct str *segments;
    uint32_t n;
};

/*
 * Decoded once. A segment that has no decoded form, or one with a '/' in it, stays as it was sent:
 * with its '%' it is no word of a pattern and no name that a resource can have.
 */
static err_code decode_segment(struct arena *a, struct str raw, struct str *ret, struct err *e)
{
    struct str decoded;
    err_code c = query_path_decode(a, raw, &decoded, e);
    if (c && c != ERR_INVALID)
        return c;
    bool usable = !c && str_find_byte(decoded, '/', 0) == decoded.n;
    *ret = usable ? decoded : raw;
    return ERR_OK;
}

static err_code split_path(const struct http_request *q, struct path *ret, struct err *e)
{
    uint32_t slashes = 0;
    for (size_t i = 0; i < q->path.n; i++)
        slashes += q->path.p[i] == '/';
    struct str *segments = arena_calloc(q->arena, slashes + 1, sizeof *segments);
    if (!segments)
        return err_set(e, ERR_NOMEM, "out of memory for the path");
    uint32_t n = 0;
    for (struct str rest = str_skip(q->path, 1); rest.p; n++) {
        struct str raw = str_cut(rest, '/', &rest);
        err_code c = decode_segment(q->arena, raw, &segments[n], e);
        if (c)
            return c;
    }
    *ret = (struct path){segments, n};
    return ERR_OK;
}

/* --- patterns --------------------------------------------------------------------------------- */

/* The segments from one on, as one text. */
static err_code join(struct arena *a, const struct path *p, uint32_t from, struct str *ret,
                     struct err *e)
{
    size_t n = 0;
    for (uint32_t i = from; i < p->n; i++)
        n += p->segments[i].n + 1;
    struct buf b;
    buf_in_arena(&b, a, n);
    for (uint32_t i = from; i < p->n; i++) {
        if (i > from)
            buf_add_byte(&b, '/');
        buf_add_str(&b, p->segments[i]);
    }
    if (b.failed)
        return err_set(e, ERR_NOMEM, "out of memory for the path");
    *ret = buf_str(&b);
    return ERR_OK;
}

/* Sets the first *ret_n of ret to what the braces took. */
static err_code match(struct arena *a, const char *pattern, const struct path *p, struct str *ret,
                      bool *ret_matches, struct err *e)
{
    uint32_t i = 0, params = 0;
    *ret_matches = false;
    for (struct str rest = str_skip(str_c(pattern), 1); rest.p; i++) {
        struct str word = str_cut(rest, '/', &rest);
        if (i >= p->n)
            return ERR_OK;
        if (str_ends(word, STR("...}"))) {
            *ret_matches = true;
            return join(a, p, i, &ret[params], e);
        }
        if (str_starts(word, STR("{")))
            ret[params++] = p->segments[i];
        else if (!str_eq(word, p->segments[i]))
            return ERR_OK;
    }
    *ret_matches = i == p->n;
    return ERR_OK;
}

static void add_allowed(struct buf *allow, const char *method)
{
    buf_addf(allow, "%s%s", allow->n ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        buf_add_lit(allow, ", HEAD");
}

err_code route_find(const struct http_request *q, struct route_match *ret, struct err *e)
{
    struct route_match m = {0};
    struct path path = {NULL, 0};
    struct str method = http_is_head(q) ? STR("GET") : q->method;
    struct buf allow;
    buf_in_arena(&allow, q->arena, 256);
    err_code c = split_path(q, &path, e);
    for (size_t i = 0; !c && i < sizeof routes / sizeof *routes; i++) {
        struct str param[REST_PARAMS] = {{NULL, 0}};
        bool matches;
        c = match(q->arena, routes[i].pattern, &path, param, &matches, e);
        if (c || !matches)
            continue;
        add_allowed(&allow, routes[i].method);
        if (!str_is(method, routes[i].method))
            continue;
        m.route = &routes[i];
        memcpy(m.param, param, sizeof m.param);
    }
    if (c)
        return c;
    m.below_api = path.n && str_is(path.segments[0], "api");
    m.allow = allow.n ? buf_c(&allow) : NULL;
    if (allow.failed)
        return err_set(e, ERR_NOMEM, "out of memory for the path");
    *ret = m;
    return ERR_OK;
}
