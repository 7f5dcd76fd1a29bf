/* Why a machine gets what it gets, and what it gets. */
#include <sodium.h>
#include <stdlib.h>

#include "../support/check.h"
#include "base/always.h"
#include "base/enc.h"
#include "support.h"

static void put_all(void)
{
    static const char *const resources[][2] = {
        {"templates/generic/role", "role={{.role}} mac={{.request.query.mac}}\n"},
        {"templates/generic/broken", "one\ntwo {{.nothing}}\n"},
        {"templates/cloud/seed", "#cloud-config\nhostname: {{.name}}\n"},
        {"profiles/p", "{\"boot\":{\"kernel\":\"/k\"},\"generic_id\":\"role\"}"},
        {"profiles/bad", "{\"generic_id\":\"broken\",\"cloud_id\":\"seed\"}"},
        {"groups/default", "{\"profile\":\"p\",\"metadata\":{\"role\":\"none\"}}"},
        {"groups/site", "{\"profile\":\"p\",\"selector\":{\"site\":\"ams\"}}"},
        {"groups/one", "{\"profile\":\"p\",\"selector\":{\"mac\":\"52-54-00-00-00-01\"},"
                       "\"metadata\":{\"role\":\"top-secret\",\"mac\":\"hidden\",\"MAC\":\"x\"}}"},
        {"groups/both", "{\"profile\":\"p\",\"selector\":{\"mac\":\"52:54:00:00:00:02\","
                        "\"OS\":\"installed\"},\"metadata\":{\"role\":\"top-secret\"}}"},
        {"groups/bad", "{\"profile\":\"bad\",\"selector\":{\"site\":\"bad\"},"
                       "\"metadata\":{\"password\":\"top-secret\"}}"},
        {"profiles/bare", "{}"},
        {"groups/bare", "{\"profile\":\"bare\",\"selector\":{\"site\":\"bare\"}}"},
    };
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        char path[100];
        snprintf(path, sizeof path, "/api/v1/%s", resources[i][0]);
        struct reply r = ask("PUT", path, NULL, resources[i][1]);
        CHECK(r.status == 201, "%s: %d %.*s", path, r.status, STR_FMT(r.body));
    }
}

static struct reply explain(const char *labels)
{
    char path[4000];
    snprintf(path, sizeof path, "/api/v1/explain?%s", labels);
    struct reply r = ask("GET", path, NULL, NULL);
    CHECK(r.status == 200, "%s: %d %.*s", labels, r.status, STR_FMT(r.body));
    CHECK(!has(r.body, "top-secret"), "no value of metadata is shown");
    return r;
}

static const struct value *item(const struct reply *r, const char *list, uint32_t i)
{
    static const struct value nothing = {.kind = VALUE_NIL};
    const struct value *v = value_get(&r->json, str_c(list));
    return v && v->kind == VALUE_LIST && i < v->n ? &v->list[i] : &nothing;
}

static bool is_bool(const struct value *v, const char *key, bool want)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_BOOL && x->b == want;
}

static bool is_null(const struct reply *r, const char *key)
{
    const struct value *v = value_get(&r->json, str_c(key));
    return v && v->kind == VALUE_NIL;
}

static void groups_are_ranked_with_reasons(void)
{
    struct reply r = explain("mac=52-54-00-00-00-01&site=ams&OS=installed");
    CHECK(str_is(text_at(&r, "/labels/mac"), "52:54:00:00:00:01"));
    CHECK(str_is(text_at(&r, "/winner"), "site") && str_is(text_at(&r, "/profile"), "p"));
    CHECK(str_is(text_at(&r, "/groups/0/id"), "site"));
    CHECK(str_is(text_at(&r, "/groups/0/reason"),
                 "1 of 1 labels match; as many labels as \"one\", and its text \"site=ams\" is "
                 "greater than \"mac=52:54:00:00:00:01\""),
          "%.*s", STR_FMT(text_at(&r, "/groups/0/reason")));
    CHECK(str_is(text_at(&r, "/groups/1/id"), "one"));
    CHECK(has(text_at(&r, "/groups/1/reason"), "is less than \"site=ams\""));
    CHECK(str_is(text_at(&r, "/groups/2/id"), "default"));
    CHECK(str_is(text_at(&r, "/groups/2/reason"),
                 "it asks for no label and matches every machine; fewer labels than \"site\""));
    CHECK(str_is(text_at(&r, "/groups/3/id"), "both"));
    CHECK(is_bool(item(&r, "groups", 2), "matched", true));
    CHECK(is_bool(item(&r, "groups", 3), "matched", false));
    CHECK(str_is(text_at(&r, "/groups/3/predicates/0/key"), "OS"));
    CHECK(str_is(text_at(&r, "/groups/3/predicates/1/want"), "52:54:00:00:00:02"));
    CHECK(str_is(text_at(&r, "/groups/3/predicates/1/got"), "52:54:00:00:00:01"));
    CHECK(
        has(r.body, "{\"got\":\"installed\",\"held\":true,\"key\":\"OS\",\"want\":\"installed\"}"));
    CHECK(count_at(&r, "/groups") == 6 && count_at(&r, "/groups/2/predicates") == 0);
    CHECK(header_of(&r, "Vesta-Revision").n > 0);
    r = explain("mac=52-54-00-00-00-02&OS=installed");
    CHECK(str_is(text_at(&r, "/groups/0/reason"),
                 "2 of 2 labels match; more labels than \"default\""));
    r = explain("mac=52-54-00-00-00-02");
    CHECK(has(r.body, "{\"got\":null,\"held\":false,\"key\":\"OS\",\"want\":\"installed\"}"));
}

static void what_is_ignored_is_said(void)
{
    struct reply r = explain("mac=zz&site=ams&site=fra&a=%zz");
    CHECK(count_at(&r, "/ignored") == 3);
    CHECK(str_is(text_at(&r, "/ignored/0/key"), "mac"));
    CHECK(str_is(text_at(&r, "/ignored/0/value"), "zz"));
    CHECK(has(text_at(&r, "/ignored/0/reason"), "not a MAC address"));
    CHECK(str_is(text_at(&r, "/ignored/1/value"), "fra"));
    CHECK(has(text_at(&r, "/ignored/1/reason"), "repeated"));
    CHECK(has(text_at(&r, "/ignored/2/reason"), "percent-encoded"));
    CHECK(str_is(text_at(&r, "/winner"), "site"));
    r = explain("");
    CHECK(count_at(&r, "/ignored") == 0 && str_is(text_at(&r, "/winner"), "default"));
}

static const struct value *document(const struct reply *r, const char *kind)
{
    for (int i = 0; i < count_at(r, "/documents"); i++) {
        const struct value *d = item(r, "documents", (uint32_t)i);
        if (str_is(value_as_str(*value_get(d, STR("kind"))), kind))
            return d;
    }
    CHECK(false, "no document %s", kind);
    return item(r, "documents", UINT32_MAX);
}

static struct str field(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_STRING ? value_as_str(*x) : STR("");
}

static int status_of(const struct value *v)
{
    const struct value *x = value_get(v, STR("status"));
    return x && x->kind == VALUE_FLOAT ? (int)x->f : 0;
}

static void documents_have_the_sum_of_what_is_rendered(void)
{
    struct reply r = explain("mac=52-54-00-00-00-01");
    struct reply text = ask("GET", "/api/v1/render/generic?mac=52-54-00-00-00-01", NULL, NULL);
    CHECK(text.status == 200, "%.*s", STR_FMT(text.body));
    CHECK(str_is(text.body, "role=top-secret mac=52:54:00:00:00:01\n"), "%.*s", STR_FMT(text.body));
    CHECK(str_is(header_of(&text, "Content-Type"), "text/plain; charset=utf-8"));
    CHECK(str_starts(header_of(&text, "Vesta-Match"), STR("group=one; revision=")));
    unsigned char sum[32];
    BUF_LOCAL(hex, 64);
    crypto_hash_sha256(sum, (const unsigned char *)text.body.p, text.body.n);
    enc_hex(&hex, str_of((const char *)sum, sizeof sum));
    const struct value *d = document(&r, "generic");
    CHECK(status_of(d) == 200 && str_eq(field(d, "sha256"), buf_str(&hex)));
    CHECK(str_is(field(d, "template"), "role"));
    d = document(&r, "ipxe");
    CHECK(status_of(d) == 200 && is_bool(d, "builtin", true) && !field(d, "template").n);
    d = document(&r, "cloud");
    CHECK(status_of(d) == 404 && !field(d, "sha256").n && has(field(d, "error"), "no cloud"));
    CHECK(status_of(document(&r, "metadata")) == 200);
}

static void what_is_broken_is_shown_with_its_place(void)
{
    struct reply r = explain("site=bad");
    const struct value *d = document(&r, "generic");
    CHECK(status_of(d) == 500 && str_is(field(d, "template"), "broken"));
    CHECK(str_starts(field(d, "error"), STR("broken:2:")), "%.*s", STR_FMT(field(d, "error")));
    CHECK(has(field(d, "error"), "nothing"));
    r = ask("GET", "/api/v1/render/generic?site=bad", NULL, NULL);
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(str_is(text_at(&r, "/findings/0/file"), "broken"));
    CHECK(number_at(&r, "/findings/0/line") == 2 && number_at(&r, "/findings/0/column") > 4);
    r = ask("GET", "/api/v1/render/cloud?site=bad", NULL, NULL);
    CHECK(is_problem(&r, 422, "invalid") && !has(r.body, "top-secret"));
    r = ask("GET", "/api/v1/render/ignition?site=bad", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    r = ask("GET", "/api/v1/render/sausage?site=bad", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    r = explain("site=bare");
    CHECK(str_is(text_at(&r, "/profile"), "bare"));
    CHECK(status_of(document(&r, "ipxe")) == 404 &&
          has(field(document(&r, "ipxe"), "error"), "nothing to boot"));
}

static bool variable_is_from(const struct reply *r, const char *name, const char *from)
{
    int found = 0;
    for (int i = 0; i < count_at(r, "/variables"); i++) {
        const struct value *v = item(r, "variables", (uint32_t)i);
        if (str_is(field(v, "name"), name))
            found += str_is(field(v, "from"), from) ? 1 : 100;
    }
    return found == 1;
}

static void variables_have_a_source(void)
{
    struct reply r = explain("mac=52-54-00-00-00-01&x=1");
    CHECK(variable_is_from(&r, "role", "metadata"));
    CHECK(variable_is_from(&r, "mac", "selector"), "the selector covers metadata");
    CHECK(variable_is_from(&r, "MAC", "metadata"));
    CHECK(variable_is_from(&r, "request.query.x", "request"));
    CHECK(variable_is_from(&r, "request.raw_query", "request"));
    CHECK(count_at(&r, "/variables") == 6, "%d", count_at(&r, "/variables"));
    r = explain("mac=52-54-00-00-00-02&OS=installed");
    CHECK(variable_is_from(&r, "os", "selector"), "in lower case, as templates see it");
}

static void without_a_match_there_is_no_document(void)
{
    CHECK(ask("DELETE", "/api/v1/groups/default", NULL, NULL).status == 204);
    struct reply r = explain("site=zrh");
    CHECK(is_null(&r, "winner") && is_null(&r, "profile"));
    CHECK(count_at(&r, "/documents") == 0 && count_at(&r, "/variables") == 0);
    CHECK(count_at(&r, "/groups") == 5);
    r = ask("GET", "/api/v1/render/ipxe?site=zrh", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found") && has(text_at(&r, "/detail"), "no group matches"));
}

/* Selectors of a mebibyte in all: the answer has its bounds, and the winner. */
static void large_selectors_are_cut(void)
{
    size_t n = 600000;
    char *text = malloc(n + 100);
    always(text);
    for (int i = 0; i < 3; i++) {
        char path[64];
        int at = snprintf(text, 100, "{\"profile\":\"p\",\"selector\":{\"vast\":\"%d", i);
        memset(text + at, 'x', n);
        memcpy(text + (size_t)at + n, "\"}}", 4);
        snprintf(path, sizeof path, "/api/v1/groups/vast-%d", i);
        CHECK(ask("PUT", path, NULL, text).status == 201);
    }
    free(text);
    struct reply r = explain("site=ams&vast=y");
    CHECK(str_is(text_at(&r, "/winner"), "site"));
    CHECK(has(r.body, "\"partial\":true") && r.body.n < 2000000, "%zu", r.body.n);
    for (int i = 0; i < 2; i++) {
        char path[64], body[2000], value[1000] = "";
        memset(value, 'v', 900);
        snprintf(path, sizeof path, "/api/v1/groups/wide-%d", i);
        snprintf(body, sizeof body, "{\"profile\":\"p\",\"selector\":{\"w%d\":\"%s\"}}", i, value);
        CHECK(ask("PUT", path, NULL, body).status == 201);
        snprintf(body, sizeof body, "/api/v1/explain?w0=%s&w1=%s", value, value);
        r = ask("GET", body, NULL, NULL);
    }
    CHECK(str_is(text_at(&r, "/winner"), "wide-1"));
    CHECK(has(text_at(&r, "/groups/0/reason"), "vvv...\" is greater than \"w0=vv"));
    CHECK(text_at(&r, "/groups/0/reason").n < 600);
}

static void who_may_and_how_much(void)
{
    struct reply r = ask_as(NULL, "GET", "/api/v1/explain?site=ams", NULL);
    CHECK(is_problem(&r, 401, "unauthorized"));
    r = ask_as(NULL, "GET", "/api/v1/render/ipxe?site=ams", NULL);
    CHECK(is_problem(&r, 401, "unauthorized"));
    CHECK(ask_as(read_token, "GET", "/api/v1/explain?site=ams", NULL).status == 200);
    CHECK(ask_as(read_token, "GET", "/api/v1/render/ipxe?site=ams", NULL).status == 200);
    char path[4000] = "/api/v1/explain?a";
    for (size_t n = strlen(path); n < 2 * 1001; n += 2)
        memcpy(path + n, "&a", 3);
    r = ask("GET", path, NULL, NULL);
    CHECK(r.status == 200, "%d", r.status);
    memcpy(path + strlen(path), "&b&c&d&e&f&g&h&i&j&k&l", 23);
    r = ask("GET", path, NULL, NULL);
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(ask("HEAD", "/api/v1/render/ipxe?site=ams", NULL, NULL).body.n == 0);
}

void explain_tests(struct tally *t)
{
    RUN(put_all);
    RUN(groups_are_ranked_with_reasons);
    RUN(what_is_ignored_is_said);
    RUN(documents_have_the_sum_of_what_is_rendered);
    RUN(what_is_broken_is_shown_with_its_place);
    RUN(variables_have_a_source);
    RUN(without_a_match_there_is_no_document);
    RUN(large_selectors_are_cut);
    RUN(who_may_and_how_much);
    TALLY(t);
}
