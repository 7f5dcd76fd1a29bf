/* Files as answers: ranges, conditions, large ones. */
#include "../support/check.h"
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/range.h"

static struct site site;

static const char content[] = "line one\nline two\n";

/* Monday, 1 July 2024, 12:00:00 UTC, and a fraction. */
#define WHEN 1719835200

static int make_file(const void *p, size_t n, off_t size)
{
    char name[] = "/tmp/http-test-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    unlink(name);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n || (size && ftruncate(fd, size) != 0)) {
        perror("cannot make a test file");
        exit(1);
    }
    struct timespec times[2] = {{.tv_sec = WHEN, .tv_nsec = 5}, {.tv_sec = WHEN, .tv_nsec = 5}};
    futimens(fd, times);
    return fd;
}

static struct reply ask(struct client *c, const char *method, const char *headers)
{
    client_open(c, site.port);
    client_say(c, "%s /file HTTP/1.1\r\nHost: a\r\n%s\r\n", method, headers);
    return client_read(c, strcmp(method, "HEAD") == 0);
}

struct range_case {
    const char *value;
    int status;
    const char *content_range; /* NULL: none */
    const char *body;
};

static const struct range_case range_cases[] = {
    {"bytes=0-3", 206, "bytes 0-3/18", "line"},
    {"bytes=-4", 206, "bytes 14-17/18", "two\n"},
    {"bytes=-0", 206, "bytes 18-17/18", ""},
    {"bytes=-999", 206, "bytes 0-17/18", content},
    {"bytes=0-0", 206, "bytes 0-0/18", "l"},
    {"bytes=17-17", 206, "bytes 17-17/18", "\n"},
    {"bytes=5-", 206, "bytes 5-17/18", content + 5},
    {"bytes=0-999", 206, "bytes 0-17/18", content},
    {"bytes=9-9223372036854775807", 206, "bytes 9-17/18", content + 9},
    {"bytes= 2 - 3 ", 206, "bytes 2-3/18", "ne"},
    {"bytes=,0-3,", 206, "bytes 0-3/18", "line"},
    {"bytes=18-,0-3", 206, "bytes 0-3/18", "line"},
    {"bytes=18-", 416, "bytes */18", "invalid range: failed to overlap\n"},
    {"bytes=99-100", 416, "bytes */18", "invalid range: failed to overlap\n"},
    {"bytes=18-x", 416, "bytes */18", "invalid range: failed to overlap\n"},
    {"bytes=3-2", 416, NULL, "invalid range\n"},
    {"bytes=a-b", 416, NULL, "invalid range\n"},
    {"bytes=3", 416, NULL, "invalid range\n"},
    {"bytes=-", 416, NULL, "invalid range\n"},
    {"bytes=--1", 416, NULL, "invalid range\n"},
    {"bytes=0--1", 416, NULL, "invalid range\n"},
    {"bytes=0-3,x", 416, NULL, "invalid range\n"},
    {"bytes=9223372036854775808-", 416, NULL, "invalid range\n"},
    {"bytes=-99999999999999999999", 416, NULL, "invalid range\n"},
    {"items=0-3", 416, NULL, "invalid range\n"},
    {"bytes 0-3", 416, NULL, "invalid range\n"},
    {"bytes=", 200, NULL, content},
    {"bytes=0-3,5-6", 200, NULL, content},
    {"bytes=0-,0-,0-", 200, NULL, content},
};

static void ranges_are_served_as_by_the_peer(void)
{
    for (size_t i = 0; i < sizeof range_cases / sizeof *range_cases; i++) {
        const struct range_case *k = &range_cases[i];
        char header[128];
        snprintf(header, sizeof header, "Range: %s\r\n", k->value);
        struct client c;
        struct reply r = ask(&c, "GET", header);
        CHECK(r.status == k->status, "%s: %d", k->value, r.status);
        CHECK(str_is(r.body, k->body), "%s: %.*s", k->value, STR_FMT(r.body));
        struct str range = reply_header(&r, "Content-Range");
        CHECK(!range.p == !k->content_range, "%s: %.*s", k->value, STR_FMT(range));
        CHECK(!range.p || str_is(range, k->content_range), "%s: %.*s", k->value, STR_FMT(range));
        CHECK(r.status == 416 || str_is(reply_header(&r, "Accept-Ranges"), "bytes"));
        client_close(&c);
    }
}

static void range_is_for_get_only(void)
{
    struct client c;
    struct reply r = ask(&c, "HEAD", "Range: bytes=0-3\r\n");
    CHECK(r.status == 200 && str_is(reply_header(&r, "Content-Length"), "18"));
    client_close(&c);
    r = ask(&c, "BREW", "Range: bytes=0-3\r\n");
    CHECK(r.status == 200 && str_is(r.body, content));
    client_close(&c);
}

static void file_has_validators(char etag[64])
{
    struct client c;
    struct reply r = ask(&c, "GET", "");
    CHECK(r.status == 200 && str_is(r.body, content));
    CHECK(str_is(reply_header(&r, "Last-Modified"), "Mon, 01 Jul 2024 12:00:00 GMT"));
    CHECK(str_is(reply_header(&r, "Content-Type"), "application/octet-stream"));
    struct str tag = reply_header(&r, "ETag");
    CHECK(tag.n > 2 && tag.n < 64 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"');
    snprintf(etag, 64, "%.*s", STR_FMT(tag));
    client_close(&c);
}

struct condition {
    const char *method;
    const char *headers; /* %s is the ETag */
    int status;
};

static const struct condition conditions[] = {
    {"GET", "If-None-Match: %s\r\n", 304},
    {"HEAD", "If-None-Match: %s\r\n", 304},
    {"PUT", "If-None-Match: %s\r\n", 412},
    {"GET", "If-None-Match: W/%s\r\n", 304},
    {"GET", "If-None-Match: \"x\", %s\r\n", 304},
    {"GET", "If-None-Match: *\r\n", 304},
    {"GET", "If-None-Match: \"x\"\r\n", 200},
    {"GET", "If-None-Match: broken, %s\r\n", 200},
    {"GET", "If-None-Match: \"x\"\r\nIf-Modified-Since: Mon, 01 Jul 2024 12:00:00 GMT\r\n", 200},
    {"GET", "If-Modified-Since: Mon, 01 Jul 2024 12:00:00 GMT\r\n", 304},
    {"GET", "If-Modified-Since: Monday, 01-Jul-24 12:00:00 GMT\r\n", 304},
    {"GET", "If-Modified-Since: Mon Jul  1 12:00:00 2024\r\n", 304},
    {"GET", "If-Modified-Since: Mon, 01 Jul 2024 11:59:59 GMT\r\n", 200},
    {"GET", "If-Modified-Since: yesterday\r\n", 200},
    {"GET", "If-Modified-Since: Mon, 01 Jul 2024 12:00:00 GMT and more\r\n", 200},
    {"PUT", "If-Modified-Since: Mon, 01 Jul 2024 12:00:00 GMT\r\n", 200},
    {"GET", "If-Match: %s\r\n", 200},
    {"GET", "If-Match: *\r\n", 200},
    {"GET", "If-Match: \"x\", %s\r\n", 200},
    {"GET", "If-Match: W/%s\r\n", 412},
    {"GET", "If-Match: \"x\"\r\n", 412},
    {"GET", "If-Match: %s\r\nIf-None-Match: %s\r\n", 304},
    {"GET", "If-Unmodified-Since: Mon, 01 Jul 2024 12:00:00 GMT\r\n", 200},
    {"GET", "If-Unmodified-Since: Mon, 01 Jul 2024 11:59:59 GMT\r\n", 412},
    {"GET", "If-Match: %s\r\nIf-Unmodified-Since: Mon, 01 Jul 2024 11:59:59 GMT\r\n", 200},
    {"GET", "Range: bytes=0-3\r\nIf-Range: %s\r\n", 206},
    {"GET", "Range: bytes=0-3\r\nIf-Range: W/%s\r\n", 200},
    {"GET", "Range: bytes=0-3\r\nIf-Range: \"x\"\r\n", 200},
    {"GET", "Range: bytes=0-3\r\nIf-Range: Mon, 01 Jul 2024 12:00:00 GMT\r\n", 206},
    {"GET", "Range: bytes=0-3\r\nIf-Range: Mon, 01 Jul 2024 12:00:01 GMT\r\n", 200},
    {"GET", "Range: bytes=18-\r\nIf-Range: \"x\"\r\n", 200},
    {"GET", "Range: bytes=0-3\r\nIf-None-Match: %s\r\n", 304},
};

/* The text with each "%s" replaced. */
static void fill_in(struct buf *dst, const char *text, const char *etag)
{
    for (const char *at; (at = strstr(text, "%s")); text = at + 2) {
        buf_add(dst, text, (size_t)(at - text));
        buf_add_str(dst, str_c(etag));
    }
    buf_add_str(dst, str_c(text));
}

static void conditions_are_followed(void)
{
    char etag[64];
    file_has_validators(etag);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        const struct condition *k = &conditions[i];
        BUF_LOCAL(headers, 4096);
        fill_in(&headers, k->headers, etag);
        struct client c;
        struct reply r = ask(&c, k->method, buf_c(&headers));
        CHECK(r.status == k->status, "%s %s: %d", k->method, headers.p, r.status);
        CHECK(r.status != 304 || str_is(reply_header(&r, "ETag"), etag));
        CHECK(r.status != 304 || str_is(reply_header(&r, "Content-Length"), "18"));
        client_close(&c);
    }
}

static void etag_changes_with_the_file(void)
{
    char before[64], after[64];
    file_has_validators(before);
    struct timespec times[2] = {{.tv_sec = WHEN, .tv_nsec = 6}, {.tv_sec = WHEN, .tv_nsec = 6}};
    futimens(site.file, times);
    file_has_validators(after);
    CHECK(strcmp(before, after) != 0, "%s", after);
}

static void empty_file_is_whole(void)
{
    int old = site.file;
    site.file = make_file("", 0, 0);
    static const char *const headers[] = {"", "Range: bytes=0-\r\n", "Range: bytes=-5\r\n",
                                          "Range: bytes=0-0\r\n"};
    for (size_t i = 0; i < 4; i++) {
        struct client c;
        struct reply r = ask(&c, "GET", headers[i]);
        CHECK(r.status == 200 && r.whole && r.body.n == 0, "%s: %d", headers[i], r.status);
        CHECK(str_is(reply_header(&r, "Content-Length"), "0"));
        client_close(&c);
    }
    close(site.file);
    site.file = old;
}

static void only_regular_files_are_served(void)
{
    int old = site.file;
    site.file = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct client c;
    CHECK(ask(&c, "GET", "").status == 404);
    client_close(&c);
    close(site.file);
    site.file = old;
}

static size_t resident_kb(void)
{
    char text[128] = {0};
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    const char *space = n > 0 ? strchr(text, ' ') : NULL;
    return space ? strtoul(space, NULL, 10) * 4 : 0;
}

/* Reads what is left of a body without keeping it; the last byte that came. */
static uint64_t drain(struct client *c, uint64_t want, char *last)
{
    static char chunk[1 << 20];
    uint64_t got = 0;
    ssize_t n;
    while (got < want && (n = recv(c->fd, chunk, sizeof chunk, 0)) > 0) {
        got += (uint64_t)n;
        *last = chunk[n - 1];
    }
    return got;
}

static void two_gigabytes_take_no_memory(void)
{
    const off_t size = ((off_t)2 << 30) + 12345;
    int old = site.file;
    site.file = make_file("begin", 5, size);
    CHECK(pwrite(site.file, "E", 1, size - 1) == 1);
    size_t before = resident_kb();
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    char head[4096] = {0}, last = 0;
    ssize_t n = recv(c.fd, head, sizeof head - 1, MSG_PEEK);
    while (n > 0 && !strstr(head, "\r\n\r\n"))
        n = recv(c.fd, head, sizeof head - 1, MSG_PEEK);
    const char *end = strstr(head, "\r\n\r\n");
    CHECK(end && strstr(head, "Content-Length: 2147495993\r\n"), "%s", head);
    recv(c.fd, head, end ? (size_t)(end + 4 - head) : 0, MSG_WAITALL);
    CHECK(drain(&c, (uint64_t)size, &last) == (uint64_t)size);
    CHECK(last == 'E');
    size_t after = resident_kb();
    CHECK(after < before + 32 * 1024, "from %zu to %zu KiB", before, after);
    client_close(&c);
    struct reply r = ask(&c, "GET", "Range: bytes=-1\r\n");
    CHECK(r.status == 206 && str_is(r.body, "E"));
    CHECK(str_is(reply_header(&r, "Content-Range"), "bytes 2147495992-2147495992/2147495993"));
    client_close(&c);
    close(site.file);
    site.file = old;
}

/* A file that shrinks while it is sent: the connection ends, since the rest never comes. */
static void file_that_shrinks_ends_the_connection(void)
{
    struct site other;
    site_start(&other, (struct http_config){.threads = 1, .idle_ms = 200});
    other.file = make_file("x", 1, (off_t)64 << 20);
    struct client c;
    client_open_small_window(&c, other.port);
    client_say(&c, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    char byte;
    CHECK(recv(c.fd, &byte, 1, 0) == 1);
    CHECK(ftruncate(other.file, 100) == 0);
    char last;
    CHECK(drain(&c, UINT64_MAX, &last) < 64 << 20);
    client_close(&c);
    close(other.file);
    site_stop(&other);
    CHECK(atomic_load(&other.done_incomplete) == 1);
}

void file_tests(struct tally *t)
{
    site_start(&site, (struct http_config){.threads = 2});
    site.file = make_file(content, sizeof content - 1, 0);
    RUN(ranges_are_served_as_by_the_peer);
    RUN(range_is_for_get_only);
    RUN(conditions_are_followed);
    RUN(etag_changes_with_the_file);
    RUN(empty_file_is_whole);
    RUN(only_regular_files_are_served);
    RUN(two_gigabytes_take_no_memory);
    RUN(file_that_shrinks_ends_the_connection);
    close(site.file);
    site_stop(&site);
    TALLY(t);
}
