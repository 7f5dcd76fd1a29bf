/* If-Match and If-None-Match (RFC 9110, 13). */
#include "../support/check.h"
#include "support.h"

#define PATH "/api/v1/profiles/p"

static int put_if(const char *header, struct str value, const char *body)
{
    struct reply r = ask("PUT", PATH, line(header, value), body);
    if (r.status == 412)
        CHECK(is_problem(&r, 412, "precondition-failed"));
    return r.status;
}

static void none_match_star_only_creates(void)
{
    CHECK(put_if("If-None-Match", STR("*"), "{}") == 201);
    CHECK(put_if("If-None-Match", STR("*"), "{\"name\":\"again\"}") == 412);
    struct reply r = ask("GET", PATH, NULL, NULL);
    CHECK(text_at(&r, "/name").n == 0, "a refused write changes nothing");
    r = ask("PUT", PATH, "If-None-Match: \"abc\"\r\n", "{}");
    CHECK(is_problem(&r, 400, "bad-request"));
}

static void match_must_be_the_present_version(void)
{
    struct reply r = ask("PUT", PATH, NULL, "{\"name\":\"1\"}");
    struct str old = header_of(&r, "ETag");
    CHECK(put_if("If-Match", old, "{\"name\":\"2\"}") == 200);
    CHECK(put_if("If-Match", old, "{\"name\":\"3\"}") == 412);
    CHECK(put_if("If-Match", STR("\"x\""), "{\"name\":\"3\"}") == 412);
    CHECK(put_if("If-Match", STR(""), "{\"name\":\"3\"}") == 412);
    CHECK(put_if("If-Match", STR("*"), "{\"name\":\"3\"}") == 200);
    r = ask("GET", PATH, NULL, NULL);
    char list[200];
    snprintf(list, sizeof list, "\"x\" , %.*s", STR_FMT(header_of(&r, "ETag")));
    CHECK(put_if("If-Match", str_c(list), "{\"name\":\"4\"}") == 200);
    r = ask("PUT", "/api/v1/profiles/none", "If-Match: *\r\n", "{}");
    CHECK(is_problem(&r, 412, "precondition-failed"));
}

static void patch_and_delete_look_too(void)
{
    struct reply r = ask("PUT", PATH, NULL, "{\"name\":\"1\"}");
    const char *old = line("If-Match", header_of(&r, "ETag"));
    r = ask("PATCH", PATH, old, "{\"name\":\"2\"}");
    CHECK(r.status == 200, "%d", r.status);
    r = ask("PATCH", PATH, old, "{\"name\":\"3\"}");
    CHECK(is_problem(&r, 412, "precondition-failed"));
    r = ask("DELETE", PATH, old, NULL);
    CHECK(is_problem(&r, 412, "precondition-failed"));
    r = ask("GET", PATH, NULL, NULL);
    r = ask("DELETE", PATH, line("If-Match", header_of(&r, "ETag")), NULL);
    CHECK(r.status == 204, "%d", r.status);
}

static void unchanged_is_304(void)
{
    ask("PUT", PATH, NULL, "{\"name\":\"1\"}");
    struct reply got = ask("GET", PATH, NULL, NULL);
    struct str etag = header_of(&got, "ETag");
    char weak[100];
    snprintf(weak, sizeof weak, "\"y\",W/%.*s", STR_FMT(etag));
    const struct {
        struct str value;
        int status;
    } cases[] = {{etag, 304}, {str_c(weak), 304}, {STR("*"), 304}, {STR("\"y\""), 200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask("GET", PATH, line("If-None-Match", cases[i].value), NULL);
        CHECK(r.status == cases[i].status, "%d for %.*s", r.status, STR_FMT(cases[i].value));
        CHECK((r.status == 304) == (r.body.n == 0));
        CHECK(str_eq(header_of(&r, "ETag"), etag));
    }
    struct reply r = ask("GET", PATH, line("If-Match", STR("\"y\"")), NULL);
    CHECK(is_problem(&r, 412, "precondition-failed"));
    r = ask("GET", PATH, line("If-Match", etag), NULL);
    CHECK(r.status == 200, "%d", r.status);
}

void condition_tests(struct tally *t)
{
    RUN(none_match_star_only_creates);
    RUN(match_must_be_the_present_version);
    RUN(patch_and_delete_look_too);
    RUN(unchanged_is_304);
    TALLY(t);
}
