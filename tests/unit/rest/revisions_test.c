/* Revisions: what is told of them, and the way back. */
#include "../support/check.h"
#include "support.h"

#define PROFILE "/api/v1/profiles/p"
#define GROUP   "/api/v1/groups/g"
#define CLOUD   "/api/v1/templates/cloud/t.yaml"

static void must(const struct reply *r)
{
    CHECK(r->status == 200 || r->status == 201 || r->status == 204, "%d %.*s", r->status,
          STR_FMT(r->body));
}

static void put(const char *path, const char *body)
{
    struct reply r = ask("PUT", path, NULL, body);
    must(&r);
}

static void drop(const char *path)
{
    struct reply r = ask("DELETE", path, NULL, NULL);
    must(&r);
}

static struct reply get(const char *fmt, unsigned a, unsigned b)
{
    char path[200];
    snprintf(path, sizeof path, "/api/v1/revisions/");
    size_t n = strlen(path);
    if (strcmp(fmt, "diff") == 0)
        snprintf(path + n, sizeof path - n, "%u/diff?to=%u", a, b);
    else
        snprintf(path + n, sizeof path - n, "%u", a);
    return ask("GET", path, NULL, NULL);
}

static struct reply go_back(unsigned n)
{
    char path[200];
    snprintf(path, sizeof path, "/api/v1/revisions/%u/rollback", n);
    return ask("POST", path, "Vesta-Message: oops\r\n", "");
}

static unsigned newest(void)
{
    struct reply r = ask("GET", "/api/v1/revisions?limit=1", NULL, NULL);
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
    double n = number_at(&r, "/items/0/revision");
    return n > 0 ? (unsigned)n : 0;
}

static void an_empty_site_has_none(void)
{
    struct reply r = ask("GET", "/api/v1/revisions", NULL, NULL);
    CHECK(r.status == 200 && count_at(&r, "/items") == 0 && str_is(text_at(&r, "/next"), ""));
    r = get("", 1, 0);
    CHECK(is_problem(&r, 404, "not-found"));
    r = get("diff", 0, 0);
    CHECK(r.status == 200 && count_at(&r, "/changes") == 0, "%d", r.status);
    r = go_back(1);
    CHECK(is_problem(&r, 404, "not-found"));
    r = go_back(0);
    CHECK(is_problem(&r, 404, "not-found"));
}

static void each_change_is_told(void)
{
    put(CLOUD, "#cloud-config\na: 1\n");
    put(PROFILE, "{\"cloud_id\":\"t.yaml\"}");
    put(GROUP, "{\"profile\":\"p\"}");
    struct reply r = ask("PUT", CLOUD, "Vesta-Message: two\r\n", "#cloud-config\na: 2\n");
    must(&r);
    unsigned n = newest();
    CHECK(n == 4, "%u", n);
    r = get("", n, 0);
    CHECK(str_is(text_at(&r, "/who"), "root") && str_is(text_at(&r, "/message"), "two"));
    CHECK(text_at(&r, "/at").n == 20 && count_at(&r, "/changes") == 1);
    CHECK(str_is(text_at(&r, "/changes/0/resource"), "templates/cloud/t.yaml"));
    CHECK(str_is(text_at(&r, "/changes/0/action"), "change"));
    CHECK(str_is(text_at(&r, "/changes/0/kind"), "cloud"));
    r = get("diff", n - 1, n);
    CHECK(str_is(text_at(&r, "/changes/0/diff"),
                 "--- a/cloud/t.yaml\n+++ b/cloud/t.yaml\n@@ -1,2 +1,2 @@\n #cloud-config\n"
                 "-a: 1\n+a: 2\n"),
          "%.*s", STR_FMT(r.body));
    r = get("diff", n, n - 1);
    CHECK(has(text_at(&r, "/changes/0/diff"), "-a: 2\n+a: 1\n"));
    r = get("diff", 0, n);
    CHECK(count_at(&r, "/changes") == 3);
    CHECK(str_is(text_at(&r, "/changes/0/resource"), "groups/g"));
    CHECK(has(text_at(&r, "/changes/0/diff"), "--- /dev/null\n+++ b/groups/g.json\n@@ -0,0 +1,4"),
          "%.*s", STR_FMT(r.body));
    CHECK(str_is(text_at(&r, "/changes/0/action"), "add"));
    r = ask("GET", "/api/v1/revisions/3/diff", NULL, NULL);
    CHECK((unsigned)number_at(&r, "/to") == n && count_at(&r, "/changes") == 1);
}

static void what_is_no_text_is_only_said_to_differ(void)
{
    static const char bytes[] = {'a', 0, (char)0xFF};
    struct reply r = ask_bytes("PUT", "/api/v1/templates/generic/blob", str_of(bytes, 3));
    must(&r);
    unsigned n = newest();
    r = get("diff", n - 1, n);
    CHECK(str_is(text_at(&r, "/changes/0/diff"),
                 "Binary files /dev/null and b/generic/blob differ\n"),
          "%.*s", STR_FMT(r.body));
    drop("/api/v1/templates/generic/blob");
}

static void pages_do_not_shift(void)
{
    struct reply r = ask("GET", "/api/v1/revisions?limit=2", NULL, NULL);
    unsigned top = newest();
    CHECK(count_at(&r, "/items") == 2);
    char path[100];
    put("/api/v1/profiles/later", "{}");
    snprintf(path, sizeof path, "/api/v1/revisions?limit=2&after=%.*s",
             STR_FMT(text_at(&r, "/next")));
    r = ask("GET", path, NULL, NULL);
    CHECK((unsigned)number_at(&r, "/items/0/revision") == top - 2, "%.*s", STR_FMT(r.body));
    r = ask("GET", "/api/v1/revisions?limit=1&after=", NULL, NULL);
    CHECK((unsigned)number_at(&r, "/items/0/revision") == top + 1, "%.*s", STR_FMT(r.body));
    r = ask("GET", "/api/v1/revisions?after=1", NULL, NULL);
    CHECK(count_at(&r, "/items") == 0 && text_at(&r, "/next").n == 0);
}

static void wrong_questions(void)
{
    const struct {
        const char *path;
        int status;
    } cases[] = {{"/api/v1/revisions?limit=0", 422},
                 {"/api/v1/revisions?limit=1001", 422},
                 {"/api/v1/revisions?limit=x", 422},
                 {"/api/v1/revisions?limit=1&limit=2", 422},
                 {"/api/v1/revisions?prefix=a", 422},
                 {"/api/v1/revisions?after=%zz", 422},
                 {"/api/v1/revisions/1/diff?to=-1", 422},
                 {"/api/v1/revisions/1/diff?to=99999999999999999999", 422},
                 {"/api/v1/revisions/1/diff?to=9999", 404},
                 {"/api/v1/revisions/9999/diff", 404},
                 {"/api/v1/revisions/0", 404},
                 {"/api/v1/revisions/01", 404},
                 {"/api/v1/revisions/-1", 404},
                 {"/api/v1/revisions/one", 404},
                 {"/api/v1/revisions/9223372036854775807", 404},
                 {"/api/v1/revisions/99999999999999999999", 404}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask("GET", cases[i].path, NULL, NULL);
        CHECK(is_problem(&r, cases[i].status, cases[i].status == 404 ? "not-found" : "invalid"),
              "%s", cases[i].path);
    }
}

static void back_and_forth(void)
{
    unsigned before = newest();
    put(PROFILE, "{\"cloud_id\":\"t.yaml\",\"name\":\"changed\"}");
    put("/api/v1/groups/extra", "{\"profile\":\"p\",\"selector\":{\"a\":\"b\"}}");
    drop(GROUP);
    unsigned after = newest();
    struct reply r = go_back(before);
    CHECK(r.status == 200 && (unsigned)number_at(&r, "/revision") == after + 1, "%d %.*s", r.status,
          STR_FMT(r.body));
    r = get("diff", before, after + 1);
    CHECK(count_at(&r, "/changes") == 0, "%.*s", STR_FMT(r.body));
    r = get("", after + 1, 0);
    char want[100];
    snprintf(want, sizeof want, "back to revision %u: oops", before);
    CHECK(str_is(text_at(&r, "/message"), want), "%.*s", STR_FMT(r.body));
    CHECK(count_at(&r, "/changes") == 3);
    r = ask("GET", GROUP, NULL, NULL);
    CHECK(r.status == 200, "%d", r.status);
    r = ask("GET", "/api/v1/groups/extra", NULL, NULL);
    CHECK(r.status == 404, "%d", r.status);
    r = go_back(before);
    CHECK(r.status == 200 && (unsigned)number_at(&r, "/revision") == after + 1,
          "nothing to do makes no revision");
    r = go_back(after);
    CHECK(r.status == 200 && (unsigned)number_at(&r, "/revision") == after + 2);
    r = get("diff", after, after + 2);
    CHECK(count_at(&r, "/changes") == 0);
}

static err_code run_put(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_put(t, arg, e);
}

static err_code run_drop(struct store_txn *t, void *arg, struct err *e)
{
    return store_txn_delete(t, arg, e);
}

/* Past the service: what an older Vesta, or an import, may have left in the history. */
static void write_past_the_service(store_job *job, void *arg)
{
    struct store *s;
    struct err e = ERR_INIT;
    CHECK(store_open(&(struct store_options){.path = api_database()}, &s, &e) == ERR_OK, "%s",
          e.msg);
    CHECK(store_write(s, NULL, job, arg, NULL, &e) == ERR_OK, "%s", e.msg);
    store_close(s);
}

static void what_is_no_longer_valid_is_refused(void)
{
    struct store_resource broken = {.key = {STORE_TEMPLATE, MODEL_CLOUD, STR("broken.yaml")},
                                    .body = STR("a\n{{ if }}\n")};
    struct store_resource dangling = {.key = {STORE_PROFILE, 0, STR("dangling")},
                                      .body =
                                          STR("{\"cloud_id\":\"nothing\",\"id\":\"dangling\"}")};
    unsigned good = newest();
    write_past_the_service(run_put, &broken);
    write_past_the_service(run_put, &dangling);
    unsigned bad = newest();
    write_past_the_service(run_drop, &dangling.key);
    unsigned only_broken = newest();
    write_past_the_service(run_drop, &broken.key);
    unsigned clean = newest();
    CHECK(clean == good + 4, "%u %u", clean, good);
    struct reply r = go_back(bad);
    CHECK(is_problem(&r, 422, "invalid") && has(r.body, "no longer valid"));
    CHECK(str_is(text_at(&r, "/findings/0/file"), "cloud/broken.yaml"), "%.*s", STR_FMT(r.body));
    CHECK((int)number_at(&r, "/findings/0/line") == 2);
    r = go_back(only_broken);
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(newest() == clean, "nothing was changed");
    write_past_the_service(run_put, &dangling);
    unsigned only_dangling = newest();
    write_past_the_service(run_drop, &dangling.key);
    r = go_back(only_dangling);
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(str_is(text_at(&r, "/findings/0/file"), "profiles/dangling.json"), "%.*s",
          STR_FMT(r.body));
    CHECK(has(text_at(&r, "/findings/0/message"), "there is no cloud template \"nothing\""));
    CHECK(newest() == only_dangling + 1, "nothing was changed");
    r = go_back(good);
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
}

/* To a revision in which another group had the selector, and a profile that is used was not there.
 */
static void the_end_is_what_must_be_valid(void)
{
    put("/api/v1/groups/one", "{\"profile\":\"p\",\"selector\":{\"x\":\"y\"}}");
    unsigned first = newest();
    drop("/api/v1/groups/one");
    put("/api/v1/profiles/new", "{}");
    put("/api/v1/groups/two", "{\"profile\":\"new\",\"selector\":{\"x\":\"y\"}}");
    struct reply r = go_back(first);
    CHECK(r.status == 200, "all of it goes back at once: %d %.*s", r.status, STR_FMT(r.body));
    struct store_resource twin = {.key = {STORE_GROUP, 0, STR("twin")},
                                  .selector = STR("{\"x\":\"y\"}"),
                                  .body = STR("{\"id\":\"twin\",\"profile\":\"p\",\"selector\":{"
                                              "\"x\":\"y\"}}")};
    write_past_the_service(run_put, &twin);
    unsigned both = newest();
    write_past_the_service(run_drop, &twin.key);
    r = go_back(both);
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(has(text_at(&r, "/findings/0/message"), "has the same selector"), "%.*s",
          STR_FMT(r.body));
}

void revision_tests(struct tally *t)
{
    RUN(an_empty_site_has_none);
    RUN(each_change_is_told);
    RUN(what_is_no_text_is_only_said_to_differ);
    RUN(pages_do_not_shift);
    RUN(wrong_questions);
    RUN(back_and_forth);
    RUN(what_is_no_longer_valid_is_refused);
    RUN(the_end_is_what_must_be_valid);
    TALLY(t);
}
