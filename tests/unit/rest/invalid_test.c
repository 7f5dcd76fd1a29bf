/* What is refused, and that the answer says where and why. */
#include <stdlib.h>

#include "../support/check.h"
#include "base/always.h"
#include "support.h"

#define GROUP   "/api/v1/groups/g"
#define PROFILE "/api/v1/profiles/p"
#define CLOUD   "/api/v1/templates/cloud/c"

static void make_profile(void)
{
    struct reply r = ask("PUT", PROFILE, NULL, "{}");
    CHECK(r.status == 200 || r.status == 201, "%d", r.status);
}

static void invalid_resources_are_422(void)
{
    const struct {
        const char *method, *path, *body, *pointer, *message;
    } cases[] = {
        {"PUT", GROUP, "{\"profile\":\"p\",\"selector\":{\"mac\":\"52:54\"}}", "/selector/mac",
         "is no MAC address"},
        {"PUT", GROUP, "{\"selector\":{\"os\":\"a\"}}", "/profile", "names no profile"},
        {"PUT", GROUP, "{\"profile\":\"nope\"}", "/profile", "there is no profile \"nope\""},
        {"PUT", GROUP, "{\"profile\":\"p\",\"id\":\"h\"}", "/id", "known as \"g\""},
        {"PUT", GROUP, "{\"profile\":\"p\",\"selector\":{\"a\":1}}", "/selector/a", "a string"},
        {"PUT", GROUP, "{\"profile\":\"p\",\"Metadata\":{}}", "/Metadata", "spelled \"metadata\""},
        {"PUT", GROUP, "{\"profile\":\"p\",\"x\":1}", "/x", "unknown field"},
        {"PUT", GROUP, "{\"profile\":\"../p\"}", "/profile", "cannot be the name"},
        {"PUT", GROUP, "[]", "", "must be a JSON object"},
        {"PUT", GROUP, "null", "", "must be a JSON object"},
        {"PUT", PROFILE, "{\"cloud_id\":\"no.yaml\"}", "/cloud_id", "no cloud template"},
        {"PUT", PROFILE, "{\"boot\":{\"args\":\"a\"}}", "/boot/args", "a list of strings"},
        {"PUT", PROFILE, "{\"id\":\"q\"}", "/id", "known as \"p\""},
        {"PATCH", PROFILE, "{\"id\":\"q\"}", "/id", "known as \"p\""},
        {"PATCH", PROFILE, "{\"boot\":7}", "/boot", "an object"},
        {"PATCH", PROFILE, "[1]", "", "must be a JSON object"},
    };
    make_profile();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask(cases[i].method, cases[i].path, NULL, cases[i].body);
        CHECK(is_problem(&r, 422, "invalid"), "%s", cases[i].body);
        CHECK(count_at(&r, "/findings") == 1, "%.*s", STR_FMT(r.body));
        CHECK(str_is(text_at(&r, "/findings/0/severity"), "error"));
        CHECK(str_is(text_at(&r, "/findings/0/pointer"), cases[i].pointer), "%.*s",
              STR_FMT(r.body));
        CHECK(has(text_at(&r, "/findings/0/message"), cases[i].message), "%.*s", STR_FMT(r.body));
    }
    struct reply r = ask("GET", GROUP, NULL, NULL);
    CHECK(r.status == 404, "nothing was stored: %d", r.status);
}

static void every_finding_is_told(void)
{
    struct reply r = ask("PUT", GROUP, NULL,
                         "{\"id\":\"h\",\"name\":1,\"selector\":{\"mac\":\"x\",\"a\":2},\"z\":0}");
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(count_at(&r, "/findings") == 6, "%.*s", STR_FMT(r.body));
}

static void text_that_is_no_json_has_a_place(void)
{
    const struct {
        const char *body;
        int line;
    } cases[] = {
        {"", 1},
        {"{", 1},
        {"{\n \"profile\": \"p\",\n}", 3},
        {"{\n\"profile\":\"p\",\n\"profile\":\"q\"}", 3},
        {"{\"profile\":\"p\"} x", 1},
        {"{\"name\":\"\xFF\"}", 1},
        {"{'profile':'p'}", 1},
        {"\xEF\xBB\xBF{}", 1},
    };
    const char *const methods[] = {"PUT", "PATCH"};
    make_profile();
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const char *body = cases[i / 2].body;
        struct reply r = ask(methods[i % 2], PROFILE, NULL, body);
        CHECK(is_problem(&r, 422, "invalid"), "%s", body);
        CHECK(count_at(&r, "/findings") == 1, "%.*s", STR_FMT(r.body));
        CHECK(number_at(&r, "/findings/0/line") == cases[i / 2].line, "%s: %.*s", body,
              STR_FMT(r.body));
        CHECK(number_at(&r, "/findings/0/column") >= 0, "%.*s", STR_FMT(r.body));
    }
}

static void template_that_does_not_parse(void)
{
    struct reply r = ask("PUT", CLOUD, NULL, "#cloud-config\nname: {{.name}\nx: 1\n");
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(count_at(&r, "/findings") == 1, "%.*s", STR_FMT(r.body));
    CHECK(has(text_at(&r, "/findings/0/file"), "c"), "%.*s", STR_FMT(r.body));
    CHECK(number_at(&r, "/findings/0/line") == 2, "%.*s", STR_FMT(r.body));
    CHECK(number_at(&r, "/findings/0/column") > 0, "%.*s", STR_FMT(r.body));
    CHECK(text_at(&r, "/findings/0/message").n > 0);
    r = ask("PUT", "/api/v1/templates/generic/c", NULL, "a{{if}}b");
    CHECK(is_problem(&r, 422, "invalid"));
    r = ask("PUT", "/api/v1/templates/ignition/c.ign", NULL, "{\"ignition\":{\"version\":\"99\"}}");
    CHECK(is_problem(&r, 422, "invalid"));
    r = ask("GET", CLOUD, NULL, NULL);
    CHECK(r.status == 404, "%d", r.status);
}

static void selectors_belong_to_one_group(void)
{
    make_profile();
    const char *body = "{\"profile\":\"p\",\"selector\":{\"mac\":\"52:54:00:00:00:01\"}}";
    struct reply r = ask("PUT", "/api/v1/groups/first", NULL, body);
    CHECK(r.status == 201, "%d", r.status);
    r = ask("PUT", "/api/v1/groups/second", NULL,
            "{\"profile\":\"p\",\"selector\":{\"mac\":\"52-54-00-00-00-01\"}}");
    CHECK(is_problem(&r, 409, "conflict"));
    CHECK(has(text_at(&r, "/detail"), "\"first\""), "%.*s", STR_FMT(r.body));
    r = ask("PUT", "/api/v1/groups/first", NULL, body);
    CHECK(r.status == 200, "%d", r.status);
    ask("DELETE", "/api/v1/groups/first", NULL, NULL);
}

static void what_is_used_stays(void)
{
    ask("PUT", CLOUD, NULL, "#cloud-config\n");
    struct reply r = ask("PUT", PROFILE, NULL, "{\"cloud_id\":\"c\"}");
    CHECK(r.status == 200 || r.status == 201, "%d", r.status);
    r = ask("PUT", "/api/v1/groups/user", NULL, "{\"profile\":\"p\"}");
    CHECK(r.status == 201, "%d", r.status);
    r = ask("DELETE", PROFILE, NULL, NULL);
    CHECK(is_problem(&r, 409, "conflict"));
    CHECK(has(text_at(&r, "/detail"), "group \"user\""), "%.*s", STR_FMT(r.body));
    r = ask("DELETE", CLOUD, NULL, NULL);
    CHECK(is_problem(&r, 409, "conflict"));
    CHECK(has(text_at(&r, "/detail"), "profile \"p\""), "%.*s", STR_FMT(r.body));
    CHECK(ask("DELETE", "/api/v1/groups/user", NULL, NULL).status == 204);
    CHECK(ask("DELETE", PROFILE, NULL, NULL).status == 204);
    CHECK(ask("DELETE", CLOUD, NULL, NULL).status == 204);
}

static void names_that_nothing_can_have(void)
{
    char longest[300] = "/api/v1/profiles/";
    memset(longest + strlen(longest), 'x', 200);
    const char *const paths[] = {
        "/api/v1/profiles/a%2Fb",
        "/api/v1/profiles/..",
        "/api/v1/profiles/.",
        "/api/v1/profiles/%2e%2E",
        "/api/v1/profiles/a%00b",
        "/api/v1/profiles/%0a",
        "/api/v1/profiles/",
        "/api/v1/profiles/a%zz",
        "/api/v1/profiles/a%",
        "/api/v1/profiles/%ff",
        "/api/v1/profiles/a%252fb",
        "/api/v1/profiles/a b%20",
        "/api/v1/profiles/a\xC3\xA9",
        longest,
        "/api/v1/templates/cloud/a/../b",
        "/api/v1/templates/cloud/a%2fb",
        "/api/v1/templates/cloud/a//b",
        "/api/v1/templates/cloud/",
        "/api/v1/templates/cloud/%00",
        "/api/v1/templates/cloud/1/2/3/4/5/6/7/8/9",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (strchr(paths[i], ' '))
            continue; /* not a target that can be sent */
        struct reply r = ask("PUT", paths[i], NULL, "{}");
        CHECK(is_problem(&r, 422, "invalid"), "%s", paths[i]);
        r = ask("GET", paths[i], NULL, NULL);
        CHECK(is_problem(&r, 404, "not-found"), "%s", paths[i]);
        r = ask("DELETE", paths[i], NULL, NULL);
        CHECK(is_problem(&r, 404, "not-found"), "%s", paths[i]);
    }
    char most[300] = "/api/v1/profiles/";
    memset(most + strlen(most), 'x', MODEL_ID_MAX);
    CHECK(ask("PUT", most, NULL, "{}").status == 201);
}

static void content_types(void)
{
    struct reply r = ask("PUT", PROFILE, "Content-Type: text/yaml\r\n", "{}");
    CHECK(is_problem(&r, 415, "unsupported-media-type"));
    r = ask("PUT", PROFILE, "Content-Type: application/merge-patch+json\r\n", "{}");
    CHECK(is_problem(&r, 415, "unsupported-media-type"));
    r = ask("PATCH", PROFILE, "Content-Type: application/json-patch+json\r\n", "[]");
    CHECK(is_problem(&r, 415, "unsupported-media-type"));
    CHECK(has(header_of(&r, "Accept-Patch"), "application/merge-patch+json"));
}

/* JSON of n bytes: an object with a long name. */
static struct str json_of(size_t n, char *dst)
{
    memset(dst, 'a', n);
    memcpy(dst, "{\"name\":\"", 9);
    memcpy(dst + n - 2, "\"}", 2);
    return str_of(dst, n);
}

static void bodies_have_a_limit(void)
{
    char *text = malloc(MODEL_TEMPLATE_MAX + 100);
    always(text);
    struct reply r = ask_bytes("PUT", PROFILE, json_of(MODEL_RESOURCE_MAX, text));
    CHECK(r.status == 200 || r.status == 201, "%d", r.status);
    r = ask_bytes("PUT", PROFILE, json_of(MODEL_RESOURCE_MAX + 1, text));
    CHECK(is_problem(&r, 413, "too-large"));
    r = ask_bytes("PATCH", PROFILE, json_of(MODEL_RESOURCE_MAX + 1, text));
    CHECK(is_problem(&r, 413, "too-large"));
    memset(text, '#', MODEL_TEMPLATE_MAX + 100);
    r = ask_bytes("PUT", CLOUD, str_of(text, MODEL_TEMPLATE_MAX));
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    r = ask_bytes("PUT", CLOUD, str_of(text, MODEL_TEMPLATE_MAX + 1));
    CHECK(is_problem(&r, 413, "too-large"));
    r = ask_bytes("PUT", CLOUD, str_of(text, MODEL_TEMPLATE_MAX + 100));
    CHECK(r.status == 413, "the server's own: %d", r.status);
    memset(text, '[', 100000);
    r = ask_bytes("PUT", PROFILE, str_of(text, 100000));
    CHECK(r.status == 413 || r.status == 422, "a deep one: %d", r.status);
    CHECK(count_at(&r, "/findings") == 1);
    free(text);
    ask("DELETE", PROFILE, NULL, NULL);
    ask("DELETE", CLOUD, NULL, NULL);
}

void invalid_tests(struct tally *t)
{
    RUN(invalid_resources_are_422);
    RUN(every_finding_is_told);
    RUN(text_that_is_no_json_has_a_place);
    RUN(template_that_does_not_parse);
    RUN(selectors_belong_to_one_group);
    RUN(what_is_used_stays);
    RUN(names_that_nothing_can_have);
    RUN(content_types);
    RUN(bodies_have_a_limit);
    TALLY(t);
}
