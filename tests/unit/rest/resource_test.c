/* Reading and writing groups, profiles and templates when all is well. */
#include <sqlite3.h>

#include "../support/check.h"
#include "base/always.h"
#include "support.h"

static void profile_from_birth_to_death(void)
{
    struct reply r = ask("PUT", "/api/v1/profiles/worker", "Content-Type: application/json\r\n",
                         "{\"id\":\"worker\",\"name\":\"W\",\"boot\":{\"kernel\":\"/k\","
                         "\"args\":[\"a=b\"]}}");
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    CHECK(str_is(header_of(&r, "Content-Type"), "application/json"));
    CHECK(str_is(text_at(&r, "/boot/args/0"), "a=b"));
    CHECK(header_of(&r, "ETag").n > 10);
    CHECK(header_of(&r, "Vesta-Revision").n > 0);
    struct reply got = ask("GET", "/api/v1/profiles/worker", NULL, NULL);
    CHECK(got.status == 200);
    CHECK(str_eq(got.body, r.body));
    CHECK(str_eq(header_of(&got, "ETag"), header_of(&r, "ETag")));
    CHECK(str_eq(header_of(&got, "Vesta-Revision"), header_of(&r, "Vesta-Revision")));
    CHECK(str_is(header_of(&got, "X-Content-Type-Options"), "nosniff"));
    r = ask("PUT", "/api/v1/profiles/worker", NULL, "{\"name\":\"W2\"}");
    CHECK(r.status == 200, "%d", r.status);
    CHECK(str_is(text_at(&r, "/id"), "worker"));
    CHECK(text_at(&r, "/boot/kernel").n == 0, "PUT replaces");
    CHECK(!str_eq(header_of(&got, "ETag"), header_of(&r, "ETag")));
    r = ask("DELETE", "/api/v1/profiles/worker", NULL, NULL);
    CHECK(r.status == 204 && r.body.n == 0, "%d", r.status);
    CHECK(header_of(&r, "Vesta-Revision").n > 0);
    r = ask("DELETE", "/api/v1/profiles/worker", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    r = ask("GET", "/api/v1/profiles/worker", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
}

static void group_is_normalised(void)
{
    ask("PUT", "/api/v1/profiles/p", NULL, "{}");
    struct reply r = ask("PUT", "/api/v1/groups/g", NULL,
                         "{\"profile\":\"p\",\"selector\":{\"mac\":\"52-54-00-AB-CD-EF\"},"
                         "\"metadata\":{\"n\":1.5,\"s\":\"\\u00e9\\u2028\\\"\"}}");
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    CHECK(str_is(text_at(&r, "/selector/mac"), "52:54:00:ab:cd:ef"));
    CHECK(number_at(&r, "/metadata/n") == 1.5);
    CHECK(str_is(text_at(&r, "/metadata/s"), "\xC3\xA9\xE2\x80\xA8\""));
    ask("DELETE", "/api/v1/groups/g", NULL, NULL);
}

static void same_put_again_changes_nothing(void)
{
    struct reply one = ask("PUT", "/api/v1/profiles/same", NULL, "{\"name\":\"n\"}");
    ask("PUT", "/api/v1/profiles/other", NULL, "{}");
    struct reply two = ask("PUT", "/api/v1/profiles/same", NULL, "{ \"name\" : \"n\" }");
    CHECK(two.status == 200, "%d", two.status);
    CHECK(str_eq(header_of(&one, "ETag"), header_of(&two, "ETag")));
    CHECK(str_eq(header_of(&one, "Vesta-Revision"), header_of(&two, "Vesta-Revision")));
}

static void patch_merges(void)
{
    ask("PUT", "/api/v1/profiles/p", NULL, "{}");
    ask("PUT", "/api/v1/groups/m", NULL,
        "{\"profile\":\"p\",\"selector\":{\"os\":\"x\"},\"metadata\":{\"a\":\"1\",\"b\":{\"c\":"
        "\"2\",\"d\":\"3\"}}}");
    struct reply r =
        ask("PATCH", "/api/v1/groups/m", "Content-Type: application/merge-patch+json\r\n",
            "{\"name\":\"N\",\"metadata\":{\"a\":null,\"b\":{\"c\":\"4\"}}}");
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
    CHECK(str_is(text_at(&r, "/name"), "N"));
    CHECK(text_at(&r, "/metadata/a").n == 0);
    CHECK(str_is(text_at(&r, "/metadata/b/c"), "4"));
    CHECK(str_is(text_at(&r, "/metadata/b/d"), "3"));
    CHECK(str_is(text_at(&r, "/selector/os"), "x"));
    r = ask("PATCH", "/api/v1/groups/m", "content-type: Application/JSON; charset=utf-8\r\n",
            "{\"name\":\"N2\"}");
    CHECK(r.status == 200, "%d", r.status);
    r = ask("PATCH", "/api/v1/groups/none", NULL, "{}");
    CHECK(is_problem(&r, 404, "not-found"));
}

static void template_is_bytes(void)
{
    static const char bytes[] = "\x00\x01{{not a template\xFF\r\n";
    struct str body = str_of(bytes, sizeof bytes - 1);
    struct reply r = ask_bytes("PUT", "/api/v1/templates/files/etc/motd", body);
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    CHECK(str_is(header_of(&r, "Content-Type"), "application/json"));
    CHECK(str_is(text_at(&r, "/kind"), "files"));
    CHECK(str_is(text_at(&r, "/name"), "etc/motd"));
    CHECK(number_at(&r, "/size") == (double)body.n);
    CHECK(number_at(&r, "/revision") > 0);
    CHECK(str_eq(text_at(&r, "/etag"), header_of(&r, "ETag")));
    struct reply got = ask("GET", "/api/v1/templates/files/etc/motd", NULL, NULL);
    CHECK(got.status == 200 && str_eq(got.body, body), "%d", got.status);
    CHECK(str_is(header_of(&got, "Content-Type"), "application/octet-stream"));
    CHECK(str_is(header_of(&got, "X-Content-Type-Options"), "nosniff"));
    CHECK(str_eq(header_of(&got, "ETag"), header_of(&r, "ETag")));
    r = ask("PUT", "/api/v1/templates/files/etc/motd", "Content-Type: text/x-anything\r\n", "");
    CHECK(r.status == 200 && number_at(&r, "/size") == 0, "%d", r.status);
    r = ask("DELETE", "/api/v1/templates/files/etc/motd", NULL, NULL);
    CHECK(r.status == 204, "%d", r.status);
    r = ask("GET", "/api/v1/templates/files/etc/motd", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    r = ask("GET", "/api/v1/templates/sausage/a", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    CHECK(has(text_at(&r, "/detail"), "network-config"));
}

static void head_is_get_without_a_body(void)
{
    ask("PUT", "/api/v1/profiles/h", NULL, "{\"name\":\"h\"}");
    struct reply get = ask("GET", "/api/v1/profiles/h", NULL, NULL);
    struct reply head = ask("HEAD", "/api/v1/profiles/h", NULL, NULL);
    CHECK(head.status == 200 && head.body.n == 0, "%d", head.status);
    CHECK(str_eq(header_of(&head, "ETag"), header_of(&get, "ETag")));
    CHECK(str_eq(header_of(&head, "Content-Length"), header_of(&get, "Content-Length")));
    head = ask("HEAD", "/api/v1/profiles/none", NULL, NULL);
    CHECK(head.status == 404 && head.body.n == 0, "%d", head.status);
}

/* "who|message" of the newest revision. */
static const char *last_revision(void)
{
    static char text[1200];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    always(sqlite3_open(api_database(), &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    always(sqlite3_prepare_v2(db, "SELECT who || '|' || message FROM revisions ORDER BY n DESC", -1,
                              &stmt, NULL) == SQLITE_OK);
    always(sqlite3_step(stmt) == SQLITE_ROW);
    snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return text;
}

static void revision_says_who_and_why(void)
{
    char longest[501], headers[600];
    memset(longest, 'm', 500);
    longest[500] = '\0';
    ask("PUT", "/api/v1/profiles/a", "Vesta-Message: na\xC3\xAFve \"fix\"\r\n", "{\"name\":\"1\"}");
    CHECK(strcmp(last_revision(), "root|na\xC3\xAFve \"fix\"") == 0, "%s", last_revision());
    ask("PUT", "/api/v1/profiles/a", "Vesta-Message: \xFF\r\n", "{\"name\":\"2\"}");
    CHECK(strcmp(last_revision(), "root|") == 0, "%s", last_revision());
    snprintf(headers, sizeof headers, "Vesta-Message: %s\r\n", longest);
    ask("DELETE", "/api/v1/profiles/a", headers, NULL);
    CHECK(strlen(last_revision()) == 505, "%s", last_revision());
    snprintf(headers, sizeof headers, "Vesta-Message: %sm\r\n", longest);
    ask("PUT", "/api/v1/profiles/a", headers, "{\"name\":\"3\"}");
    CHECK(strcmp(last_revision(), "root|") == 0, "%s", last_revision());
    ask_as(write_token, "PUT", "/api/v1/profiles/a", "{\"name\":\"4\"}");
    CHECK(strcmp(last_revision(), "writer|") == 0, "%s", last_revision());
}

void resource_tests(struct tally *t)
{
    RUN(profile_from_birth_to_death);
    RUN(group_is_normalised);
    RUN(same_put_again_changes_nothing);
    RUN(patch_merges);
    RUN(template_is_bytes);
    RUN(head_is_get_without_a_body);
    RUN(revision_says_who_and_why);
    TALLY(t);
}
