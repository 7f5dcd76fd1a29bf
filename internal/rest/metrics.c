/*
 * /metrics: the Prometheus text format, 0.0.4. Every label comes from a list in this program, so
 * that no client can make the number of series grow.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "http/tls.h"
#include "rest/route.h"

#define TEXT_MAX (4u << 20)

/* The first segment after /api/v1 of a route, or of the whole path. */
const char *const metrics_classes[] = {
    "other",   "healthz", "readyz",    "metrics", "openapi.json", "groups", "profiles", "templates",
    "explain", "render",  "revisions", "tokens",  "plan",         "apply",  NULL};

unsigned metrics_class(const struct rest_route *route)
{
    if (!route)
        return 0;
    struct str path = str_c(route->pattern), rest;
    struct str api = STR("/api/v1/");
    path = str_skip(path, str_starts(path, api) ? api.n : 1);
    struct str word = str_cut(path, '/', &rest);
    for (unsigned i = 1; metrics_classes[i]; i++)
        if (str_is(word, metrics_classes[i]))
            return i;
    return 0;
}

/* --- one metric ------------------------------------------------------------------------------- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct buf *out, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    head(out, name, type, help);
    buf_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

/* Microseconds as seconds, exactly. */
static void add_seconds(struct buf *out, uint64_t us)
{
    buf_addf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000));
}

/* --- HTTP ------------------------------------------------------------------------------------- */

struct counting {
    struct buf *out;
    const char *plane;
};

static void add_count(void *arg, const char *path_class, int status, uint64_t n)
{
    struct counting *c = arg;
    buf_addf(c->out, "vesta_http_requests_total{plane=\"%s\",path=\"%s\",status=\"", c->plane,
             path_class);
    if (status)
        buf_addf(c->out, "%d", status);
    else
        buf_add_lit(c->out, "none");
    buf_addf(c->out, "\"} %llu\n", (unsigned long long)n);
}

static void add_durations(struct buf *out, const char *plane, const struct http_durations *d)
{
    static const char name[] = "vesta_http_request_duration_seconds";
    uint64_t n = 0;
    for (int b = 0; b < HTTP_BUCKETS; b++) {
        n += d->n[b];
        buf_addf(out, "%s_bucket{plane=\"%s\",path=\"%s\",le=\"", name, plane, d->path_class);
        if (b < HTTP_BUCKETS - 1)
            add_seconds(out, http_bucket_us[b]);
        else
            buf_add_lit(out, "+Inf");
        buf_addf(out, "\"} %llu\n", (unsigned long long)n);
    }
    buf_addf(out, "%s_sum{plane=\"%s\",path=\"%s\"} ", name, plane, d->path_class);
    add_seconds(out, d->sum_us);
    buf_addf(out, "\n%s_count{plane=\"%s\",path=\"%s\"} %llu\n", name, plane, d->path_class,
             (unsigned long long)n);
}

static void add_requests(struct buf *out, const struct rest_plane *planes, unsigned n)
{
    head(out, "vesta_http_requests_total", "counter",
         "Requests by the kind of path and the status; none: no answer was sent.");
    for (unsigned i = 0; i < n; i++) {
        struct counting c = {out, planes[i].name};
        if (planes[i].counts)
            http_counts_each(planes[i].counts, add_count, &c);
    }
    head(out, "vesta_http_request_duration_seconds", "histogram",
         "From the first byte of a request to the last of its answer.");
    for (unsigned i = 0; i < n; i++) {
        struct http_durations d;
        for (unsigned k = 0; planes[i].counts && http_counts_durations(planes[i].counts, k, &d);
             k++)
            add_durations(out, planes[i].name, &d);
    }
}

static void add_connections(struct buf *out, const struct rest_plane *planes, unsigned n)
{
    static const struct {
        const char *name, *type, *help;
        size_t offset;
    } all[] = {
        {"vesta_http_connections", "gauge", "Connections that are open.",
         offsetof(struct http_stats, active)},
        {"vesta_http_connections_accepted_total", "counter", "Connections that were accepted.",
         offsetof(struct http_stats, accepted)},
        {"vesta_http_connections_refused_total", "counter",
         "Connections over the limit of their address.", offsetof(struct http_stats, refused)},
        {"vesta_http_connections_timed_out_total", "counter", "Connections that a deadline ended.",
         offsetof(struct http_stats, timed_out)},
    };
    struct http_stats stats[REST_PLANES];
    for (unsigned i = 0; i < n; i++)
        http_stats(planes[i].server, &stats[i]);
    for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
        head(out, all[m].name, all[m].type, all[m].help);
        for (unsigned i = 0; i < n; i++) {
            uint64_t value;
            memcpy(&value, (const char *)&stats[i] + all[m].offset, sizeof value);
            buf_addf(out, "%s{plane=\"%s\"} %llu\n", all[m].name, planes[i].name,
                     (unsigned long long)value);
        }
    }
}

static void add_expiry(void *arg, const struct http_certificate *cert)
{
    struct counting *c = arg;
    buf_addf(c->out, "vesta_tls_certificate_expiry_timestamp_seconds{plane=\"%s\",file=\"",
             c->plane);
    for (const char *p = cert->file; *p; p++) {
        if (*p == '\\' || *p == '"')
            buf_add_byte(c->out, '\\');
        if (*p == '\n')
            buf_add_lit(c->out, "\\n");
        else
            buf_add_byte(c->out, *p);
    }
    buf_addf(c->out, "\"} %llu\n", (unsigned long long)cert->expires);
}

static void add_certificates(struct buf *out, const struct rest_plane *planes, unsigned n)
{
    bool any = false;
    for (unsigned i = 0; i < n; i++) {
        struct counting c = {out, planes[i].name};
        struct http_tls *tls = http_server_tls(planes[i].server);
        if (tls && !any)
            head(out, "vesta_tls_certificate_expiry_timestamp_seconds", "gauge",
                 "When the first certificate of a chain that is served expires.");
        if (tls)
            http_tls_each(tls, add_expiry, &c);
        any |= tls != NULL;
    }
}

/* --- the service ------------------------------------------------------------------------------ */

static void add_catalog(struct buf *out, const struct service_stats *s, bool ready)
{
    single(out, "vesta_ready", "gauge", "1 once the catalog is loaded.", ready);
    single(out, "vesta_revision", "gauge", "The revision that machines are served.", s->revision);
    single(out, "vesta_catalog_groups", "gauge", "Groups.", s->catalog.groups);
    single(out, "vesta_catalog_profiles", "gauge", "Profiles.", s->catalog.profiles);
    single(out, "vesta_catalog_templates", "gauge", "Templates.", s->catalog.templates);
    single(out, "vesta_catalog_broken", "gauge",
           "Resources that are stored and cannot be read; machines that need them get a 500.",
           s->catalog.broken);
}

static void add_answers(struct buf *out, const struct service_stats *s)
{
    single(out, "vesta_matches_total", "counter", "Questions for a document that a group matched.",
           s->matches);
    single(out, "vesta_misses_total", "counter", "Questions for a document that no group matched.",
           s->misses);
    head(out, "vesta_render_errors_total", "counter",
         "Documents that were there and could not be made, by kind.");
    for (int d = 0; d < RENDER_DOCUMENTS; d++)
        buf_addf(out, "vesta_render_errors_total{kind=\"%s\"} %llu\n",
                 render_name((enum render_document)d), (unsigned long long)s->render_errors[d]);
}

static void add_store(struct buf *out, const struct store_stats *s)
{
    single(out, "vesta_store_commits_total", "counter", "Transactions that changed something.",
           s->commits);
    single(out, "vesta_store_revisions_total", "counter", "Writes that made a revision.",
           s->revisions);
    single(out, "vesta_store_failures_total", "counter", "Writes that were refused or failed.",
           s->failures);
    head(out, "vesta_store_write_seconds_total", "counter",
         "Time of transactions, from their begin to the disk.");
    buf_add_lit(out, "vesta_store_write_seconds_total ");
    add_seconds(out, s->write_us);
    buf_add_byte(out, '\n');
}

void metrics_get(struct rest_call *c)
{
    const struct rest *r = c->rest;
    struct service_stats stats;
    struct buf out;
    buf_in_arena(&out, c->q->arena, TEXT_MAX);
    service_stats(c->service, &stats);
    unsigned planes = atomic_load(&r->planes_n);
    head(&out, "vesta_build_info", "gauge", "Always 1; the labels say what runs.");
    buf_addf(&out, "vesta_build_info{version=\"%s\",commit=\"%s\"} 1\n", r->version, r->commit);
    add_catalog(&out, &stats, service_ready(c->service));
    add_answers(&out, &stats);
    add_requests(&out, r->planes, planes);
    add_connections(&out, r->planes, planes);
    add_certificates(&out, r->planes, planes);
    add_store(&out, &stats.store);
    if (out.failed) {
        problem(c, 500, "out of memory for the answer");
        return;
    }
    c->r->status = 200;
    c->r->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    c->r->kind = HTTP_BODY_COPY;
    c->r->body = buf_str(&out);
}
