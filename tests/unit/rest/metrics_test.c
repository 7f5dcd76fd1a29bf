/* /metrics: a line for what happened, in the format that Prometheus reads. */
#include <stdlib.h>

#include "../support/check.h"
#include "support.h"

static struct reply scrape(void)
{
    struct reply r = ask_as(read_token, "GET", "/metrics", NULL);
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
    return r;
}

/* The value of a series; -1 without it. */
static double series(const struct reply *r, const char *name)
{
    char line[300];
    double value = -1;
    for (struct str rest = r->body; rest.n;) {
        struct str one = str_cut(rest, '\n', &rest);
        snprintf(line, sizeof line, "%.*s", STR_FMT(one));
        size_t n = strlen(name);
        if (strncmp(line, name, n) != 0 || line[n] != ' ')
            continue;
        CHECK(value < 0, "%s is there twice", name);
        value = strtod(line + n + 1, NULL);
    }
    return value;
}

static void asks_for_a_token(void)
{
    struct reply r = ask_as(NULL, "GET", "/metrics", NULL);
    CHECK(is_problem(&r, 401, "unauthorized"));
    r = scrape();
    CHECK(str_is(header_of(&r, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8"));
    CHECK(has(r.body, "vesta_build_info{version=\"1.2.3\",commit=\"abc\"} 1\n"));
    r = ask_as(read_token, "HEAD", "/metrics", NULL);
    CHECK(r.status == 200 && r.body.n == 0);
}

/* A request is counted when it has been sent, so after its client knows of it. */
static double wait_for_series(const char *name, double want)
{
    double value = -1;
    for (int i = 0; i < 1000 && value < want; i++) {
        struct reply r = scrape();
        value = series(&r, name);
    }
    return value;
}

#define GROUPS "vesta_http_requests_total{plane=\"api\",path=\"groups\",status="

static void requests_are_counted(void)
{
    for (int i = 0; i < 3; i++)
        ask("GET", "/api/v1/groups/nobody", NULL, NULL);
    ask("GET", "/api/v1/groups", NULL, NULL);
    ask_as(NULL, "DELETE", "/api/v1/groups/x", NULL);
    ask_as(NULL, "GET", "/api/v1/nonsense-that-a-client-made-up", NULL);
    CHECK(wait_for_series(GROUPS "\"404\"}", 3) == 3);
    CHECK(wait_for_series(GROUPS "\"200\"}", 1) == 1);
    CHECK(wait_for_series(GROUPS "\"401\"}", 1) == 1);
    CHECK(wait_for_series("vesta_http_requests_total{plane=\"api\",path=\"other\",status=\"401\"}",
                          1) == 1);
    struct reply r = scrape();
    CHECK(!has(r.body, "nonsense") && !has(r.body, "nobody"));
    double n =
        series(&r, "vesta_http_request_duration_seconds_count{plane=\"api\",path=\"groups\"}");
    CHECK(n == 5, "%f", n);
    n = series(&r, "vesta_http_request_duration_seconds_bucket{plane=\"api\",path=\"groups\",le=\""
                   "+Inf\"}");
    CHECK(n == 5, "%f", n);
    CHECK(series(&r, "vesta_http_connections{plane=\"api\"}") >= 1);
    CHECK(series(&r, "vesta_http_connections_accepted_total{plane=\"api\"}") > 6);
}

static void the_catalog_and_the_store(void)
{
    struct reply r = scrape();
    CHECK(series(&r, "vesta_ready") == 1);
    double before = series(&r, "vesta_revision"), profiles = series(&r, "vesta_catalog_profiles");
    double commits = series(&r, "vesta_store_commits_total");
    double failures = series(&r, "vesta_store_failures_total");
    double seconds = series(&r, "vesta_store_write_seconds_total");
    r = ask("PUT", "/api/v1/profiles/counted", NULL, "{}");
    CHECK(r.status == 201);
    r = ask("DELETE", "/api/v1/profiles/not-there", NULL, NULL);
    CHECK(r.status == 404);
    r = scrape();
    CHECK(series(&r, "vesta_revision") == before + 1);
    CHECK(series(&r, "vesta_catalog_profiles") == profiles + 1);
    CHECK(series(&r, "vesta_store_commits_total") >= commits + 1);
    CHECK(series(&r, "vesta_store_revisions_total") == before + 1);
    CHECK(series(&r, "vesta_store_failures_total") == failures + 1);
    CHECK(series(&r, "vesta_store_write_seconds_total") > seconds);
    CHECK(series(&r, "vesta_matches_total") == 0 && series(&r, "vesta_misses_total") == 0);
    CHECK(series(&r, "vesta_render_errors_total{kind=\"ignition\"}") == 0);
}

void metrics_tests(struct tally *t)
{
    RUN(asks_for_a_token);
    RUN(requests_are_counted);
    RUN(the_catalog_and_the_store);
    TALLY(t);
}
