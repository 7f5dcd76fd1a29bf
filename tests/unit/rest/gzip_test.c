/* Compressed answers: who gets them, and what their ETags are good for. */
#include <stdlib.h>
#include <zlib.h>

#include "../support/check.h"
#include "base/always.h"
#include "rest/route.h"
#include "support.h"

#define PATH "/api/v1/profiles/large"
#define ROOM (1 << 20)

static void who_wants_it(void)
{
    static const struct {
        const char *header;
        bool wanted;
    } cases[] = {
        {"gzip", true},
        {"", false},
        {"deflate, br", false},
        {"deflate, GZip;q=0.5", true},
        {"x-gzip", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"gzip ; q=0.001", true},
        {"gzip;q=2", false},
        {"gzip;q=x", false},
        {"gzip;q=0.1234", false},
        {"gzip;level=1", false},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"gzip, *;q=0", true},
        {"identity", false},
        {"identity, gzip", true},
        {"identity, gzip;q=0.9", false},
        {"identity;q=0.5, gzip;q=0.9", true},
        {"identity;q=0", false},
        {",,gzip", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(gzip_wanted(str_c(cases[i].header)) == cases[i].wanted, "%s", cases[i].header);
    CHECK(!gzip_wanted((struct str){NULL, 0}));
}

static void etags_of_both_forms_are_one_version(void)
{
    static const char *const cases[][2] = {
        {"\"a\"", "\"a\""},
        {"\"a-gzip\"", "\"a\""},
        {"\"a-gzip\", W/\"b-gzip\",\"c\"", "\"a\", W/\"b\",\"c\""},
        {"*", "*"},
        {"\"a-gzip", "\"a-gzip"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 16);
        struct str got;
        CHECK(gzip_plain_etags(&a, str_c(cases[i][0]), &got));
        CHECK(str_is(got, cases[i][1]), "%s: %.*s", cases[i][0], STR_FMT(got));
    }
}

/* A profile of about n bytes. */
static void put_large(size_t n)
{
    char *text = malloc(n + 64);
    always(text);
    int head = snprintf(text, 64, "{\"boot\":{\"args\":[\"");
    for (size_t i = 0; i < n; i++)
        text[(size_t)head + i] = (char)('a' + i % 20);
    memcpy(text + (size_t)head + n, "\"]}}", 5);
    struct reply r = ask("PUT", PATH, "Accept-Encoding: gzip\r\n", text);
    CHECK(r.status == 200 || r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    CHECK(!header_of(&r, "Content-Encoding").p, "an answer to a write is not compressed");
    free(text);
}

static size_t unzip(struct str in, char *out)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    always(inflateInit2(&z, 15 + 16) == Z_OK);
    z.next_out = (Bytef *)out;
    z.avail_out = ROOM;
    int rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    CHECK(rc == Z_STREAM_END && z.avail_in == 0);
    return rc == Z_STREAM_END ? ROOM - z.avail_out : 0;
}

static void the_bytes_are_the_same(void)
{
    put_large(5000);
    struct reply plain = ask("GET", PATH, NULL, NULL);
    struct reply zipped = ask("GET", PATH, "Accept-Encoding: br, gzip\r\n", NULL);
    CHECK(plain.status == 200 && zipped.status == 200);
    CHECK(str_is(header_of(&plain, "Vary"), "Accept-Encoding"));
    CHECK(str_is(header_of(&zipped, "Vary"), "Accept-Encoding"));
    CHECK(!header_of(&plain, "Content-Encoding").p);
    CHECK(str_is(header_of(&zipped, "Content-Encoding"), "gzip"));
    CHECK(str_is(header_of(&zipped, "Content-Type"), "application/json"));
    CHECK(zipped.body.n < plain.body.n / 2, "%zu of %zu", zipped.body.n, plain.body.n);
    char *text = malloc(ROOM);
    always(text);
    CHECK(str_eq(str_of(text, unzip(zipped.body, text)), plain.body));
    free(text);
    struct reply again = ask("GET", PATH, "Accept-Encoding: gzip\r\n", NULL);
    CHECK(str_eq(again.body, zipped.body), "a strong ETag is of bytes");
    struct reply head = ask("HEAD", PATH, "Accept-Encoding: gzip\r\n", NULL);
    CHECK(str_eq(header_of(&head, "Content-Length"), header_of(&zipped, "Content-Length")));
    CHECK(str_is(header_of(&head, "Content-Encoding"), "gzip") && head.body.n == 0);
}

static void etags_stay_strong(void)
{
    put_large(5000);
    struct reply plain = ask("GET", PATH, NULL, NULL);
    struct reply zipped = ask("GET", PATH, "Accept-Encoding: gzip\r\n", NULL);
    struct str a = header_of(&plain, "ETag"), b = header_of(&zipped, "ETag");
    CHECK(a.n && b.n == a.n + 5 && str_ends(b, STR("-gzip\"")) && b.p[0] == '"');
    const struct str both[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        struct reply r = ask("GET", PATH, line("If-None-Match", both[i]), NULL);
        CHECK(r.status == 304 && str_eq(header_of(&r, "ETag"), a), "%d", r.status);
        char headers[300];
        snprintf(headers, sizeof headers, "Accept-Encoding: gzip\r\n%s",
                 line("If-None-Match", both[i]));
        r = ask("GET", PATH, headers, NULL);
        CHECK(r.status == 304 && str_eq(header_of(&r, "ETag"), b), "%d", r.status);
        CHECK(str_is(header_of(&r, "Vary"), "Accept-Encoding"));
    }
    struct reply r = ask("PUT", PATH, line("If-Match", b), "{\"name\":\"new\"}");
    CHECK(r.status == 200, "what was read compressed can be changed: %d", r.status);
    r = ask("PUT", PATH, line("If-Match", b), "{\"name\":\"newer\"}");
    CHECK(is_problem(&r, 412, "precondition-failed"));
}

static void what_stays_as_it_is(void)
{
    put_large(900);
    struct reply r = ask("GET", PATH, "Accept-Encoding: gzip\r\n", NULL);
    CHECK(!header_of(&r, "Content-Encoding").p && r.body.n <= 1024, "%zu", r.body.n);
    static char text[5000];
    memset(text, 'a', sizeof text - 1);
    CHECK(ask("PUT", "/api/v1/templates/generic/t", NULL, text).status == 201);
    r = ask("GET", "/api/v1/templates/generic/t", "Accept-Encoding: gzip\r\n", NULL);
    CHECK(!header_of(&r, "Content-Encoding").p && str_is(r.body, text));
    r = ask("GET", "/api/v1/profiles?limit=x", "Accept-Encoding: gzip\r\n", NULL);
    CHECK(is_problem(&r, 422, "invalid"));
    r = ask("GET", "/api/v1/openapi.json", "Accept-Encoding: gzip\r\n", NULL);
    CHECK(r.status == 404 || str_is(header_of(&r, "Content-Encoding"), "gzip"));
    for (int i = 0; i < 30; i++) {
        char path[64];
        snprintf(path, sizeof path, "/api/v1/profiles/p%d", i);
        ask("PUT", path, NULL, "{\"name\":\"a name that is not very short\"}");
    }
    r = ask("GET", "/api/v1/profiles", "Accept-Encoding: gzip\r\n", NULL);
    CHECK(str_is(header_of(&r, "Content-Encoding"), "gzip"), "lists are compressed");
}

void gzip_tests(struct tally *t)
{
    RUN(who_wants_it);
    RUN(etags_of_both_forms_are_one_version);
    RUN(the_bytes_are_the_same);
    RUN(etags_stay_strong);
    RUN(what_stays_as_it_is);
    TALLY(t);
}
