/* What must be served, and how: the forms in which real clients ask. */
#include "../support/check.h"
#include "support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static struct site site;

static bool has(struct str body, const char *text)
{
    return str_find(body, str_c(text), 0) < body.n;
}

static void request_reaches_the_handler(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /echo?mac=52%%3A54&x=<\"'{}|\\^`>#f HTTP/1.1\r\nConnection: keep-alive\r\n"
                   "User-Agent:  iPXE/1.0.0 \t\r\nHost: 10.0.2.2:18080\r\n\r\n");
    struct reply r = client_read(&c, false);
    CHECK(r.status == 200, "%d", r.status);
    CHECK(has(r.body, "method=GET\n"));
    CHECK(has(r.body, "target=/echo?mac=52%3A54&x=<\"'{}|\\^`>#f\n"));
    CHECK(has(r.body, "path=/echo\n"));
    CHECK(has(r.body, "query=mac=52%3A54&x=<\"'{}|\\^`>#f\n"));
    CHECK(has(r.body, "agent=iPXE/1.0.0\n"), "%.*s", STR_FMT(r.body));
    CHECK(has(r.body, "remote=127.0.0.1\n"));
    char local[64];
    snprintf(local, sizeof local, "local=127.0.0.1:%u\n", site.port);
    CHECK(has(r.body, local));
    CHECK(reply_header(&r, "Date").n == 29);
    client_close(&c);
}

static void query_may_be_absent_or_empty(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(client_read(&c, false).body, "query=(none)\n"));
    client_say(&c, "GET /echo? HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(client_read(&c, false).body, "query=\n"));
    client_say(&c, "GET /echo?? HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(client_read(&c, false).body, "query=?\n"));
    client_say(&c, "GET /echo?\xFF%%00 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(client_read(&c, false).body, "query=\xFF%00\n"));
    client_close(&c);
}

/* RFC 9112, 3.2.2: a server must take it, and the host in it is that of the request. */
static void whole_urls_are_taken(void)
{
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        {"http://other.example/echo?a=http://b/?c", "path=/echo\n", "query=a=http://b/?c\n"},
        {"HTTP://[::1]:80/echo", "path=/echo\n", "query=(none)\n"},
        {"https://a/echo?", "path=/echo\n", "query=\n"},
        {"http://a/echo?http://b/c", "path=/echo\n", "query=http://b/c\n"},
    };
    struct client c;
    client_open(&c, site.port);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        client_say(&c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].target);
        struct reply r = client_read(&c, false);
        CHECK(r.status == 200 && has(r.body, cases[i].path) && has(r.body, cases[i].query),
              "%s: %.*s", cases[i].target, STR_FMT(r.body));
    }
    static const char *const roots[] = {"http://a", "http://a?x=1", "http://a/", "http://a//echo",
                                        "/http://a/echo"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        client_say(&c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", roots[i]);
        CHECK(client_read(&c, false).status == 404, "%s", roots[i]);
    }
    client_close(&c);
}

static void escapes_in_the_path_are_kept(void)
{
    CHECK(STATUS_OF(site.port, "GET /echo%00x HTTP/1.1\r\nHost: a\r\n\r\n") == 404);
    CHECK(STATUS_OF(site.port, "GET /%65cho HTTP/1.1\r\nHost: a\r\n\r\n") == 404);
}

/* lpxelinux sends HTTP/1.0, closes, and puts what it knows into a long cookie. */
static void pxelinux_cookie_passes(void)
{
    char cookie[1025];
    memset(cookie, 'x', sizeof cookie - 1);
    for (size_t i = 0; i < sizeof cookie - 1; i += 64)
        memcpy(cookie + i, ";_Syslinux_BOOTIF=", 18);
    cookie[sizeof cookie - 1] = '\0';
    struct client c;
    client_open(&c, site.port);
    client_say(&c,
               "GET /echo HTTP/1.0\r\nHost: 10.0.2.2:80\r\nUser-Agent: Syslinux/6.04\r\n"
               "Connection: close\r\nCookie: _Syslinux_ip=1%s\r\n\r\n",
               cookie);
    CHECK(client_read(&c, false).status == 200);
    CHECK(client_at_end(&c));
    client_close(&c);
}

static void odd_methods_reach_the_handler(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "BREW /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(client_read(&c, false).body, "method=BREW\n"));
    client_say(&c, "get /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(client_read(&c, false).body, "method=get\n"));
    client_close(&c);
}

static void head_has_the_headers_only(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "HEAD /static HTTP/1.1\r\nHost: 10.77.0.1\r\nAccept: */*\r\n\r\n");
    struct reply r = client_read(&c, true);
    CHECK(r.status == 200);
    CHECK(str_is(reply_header(&r, "Content-Length"), "6"));
    client_say(&c, "GET /static HTTP/1.1\r\nHost: 10.77.0.1\r\nAccept: */*\r\n\r\n");
    r = client_read(&c, false);
    CHECK(str_is(r.body, "static"), "%.*s", STR_FMT(r.body));
    client_close(&c);
}

static void hundred_requests_on_one_connection(void)
{
    struct client c;
    client_open(&c, site.port);
    for (int i = 0; i < 100; i++) {
        client_say(&c, "GET /echo?n=%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
        struct reply r = client_read(&c, false);
        char line[32];
        snprintf(line, sizeof line, "query=n=%d\n", i);
        CHECK(r.status == 200 && has(r.body, line), "%d: %d", i, r.status);
        CHECK(!reply_header(&r, "Connection").p);
    }
    client_close(&c);
}

static void pipelined_requests_are_answered_in_order(void)
{
    struct client c;
    BUF_LOCAL(b, 1024 * 1024);
    for (int i = 0; i < 300; i++)
        buf_addf(&b, "GET /echo?n=%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    client_open(&c, site.port);
    client_send(&c, b.p, b.n);
    for (int i = 0; i < 300; i++) {
        char line[32];
        snprintf(line, sizeof line, "query=n=%d\n", i);
        CHECK(has(client_read(&c, false).body, line), "%d", i);
    }
    client_close(&c);
}

static void request_may_come_byte_by_byte(void)
{
    static const char request[] = "\r\nPOST /echo?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                  "User-Agent: slow\r\n\r\nabcde";
    struct client c;
    client_open(&c, site.port);
    for (size_t i = 0; i + 1 < sizeof request; i++)
        client_send(&c, request + i, 1);
    struct reply r = client_read(&c, false);
    CHECK(r.status == 200 && has(r.body, "query=a=b\n") && has(r.body, "body=abcde"));
    CHECK(has(r.body, "agent=slow\n"));
    client_close(&c);
}

static void bodies_are_read_whole(void)
{
    struct client c;
    BUF_LOCAL(body, 1024 * 1024);
    for (int i = 0; body.n < 60000; i++)
        buf_addf(&body, "%d,", i);
    client_open(&c, site.port);
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", body.n);
    client_send(&c, body.p, body.n);
    struct reply r = client_read(&c, false);
    CHECK(r.status == 200 && r.body.n > body.n);
    CHECK(r.body.n > body.n && str_ends(r.body, buf_str(&body)));
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 2\r\n\r\n");
    CHECK(client_read(&c, true).status == 100);
    client_say(&c, "ok");
    CHECK(str_ends(client_read(&c, false).body, STR("body=ok")));
    client_close(&c);
}

/* Chunks have many spellings; so that no proxy is fooled, nothing follows them. */
static void chunked_body_is_read_and_the_connection_ends(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                   "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    struct reply r = client_read(&c, false);
    CHECK(r.status == 200 && str_ends(r.body, STR("body=abcde")));
    CHECK(str_is(reply_header(&r, "Connection"), "close"));
    CHECK(client_at_end(&c));
    client_close(&c);
    CHECK(STATUS_OF(site.port, "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "zz\r\n") == 400);
    CHECK(STATUS_OF(site.port, "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "fffffffffffffffffffff\r\n") == 413);
}

static void too_large_a_body_is_413(void)
{
    struct client c;
    CHECK(STATUS_OF(site.port, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n") ==
          413);
    client_open(&c, site.port);
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[1000];
    memset(chunk, 'c', sizeof chunk);
    for (int i = 0; i < 101; i++) {
        client_say(&c, "3e8\r\n");
        client_send(&c, chunk, sizeof chunk);
        client_say(&c, "\r\n");
    }
    client_say(&c, "0\r\n\r\n");
    CHECK(client_read(&c, false).status == 413);
    client_close(&c);
}

/* One that never ends is not read for ever. */
static void endless_body_is_cut(void)
{
    struct client c;
    char chunk[1000];
    memset(chunk, 'c', sizeof chunk);
    client_open(&c, site.port);
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    uint64_t sent = 0;
    bool open = true;
    while (open && sent < 200 * 1000 * 1000) {
        open = client_send(&c, "3e8\r\n", 5) && client_send(&c, chunk, sizeof chunk) &&
               client_send(&c, "\r\n", 2);
        sent += sizeof chunk;
    }
    CHECK(!open, "%llu bytes were taken", (unsigned long long)sent);
    client_close(&c);
}

static void every_kind_of_body_is_sent(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /copy HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(str_is(client_read(&c, false).body, "copied"));
    int released = atomic_load(&site.released);
    client_say(&c, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(str_is(client_read(&c, false).body, "held"));
    client_say(&c, "HEAD /held HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client_read(&c, true).status == 200);
    client_say(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    struct reply r = client_read(&c, false);
    CHECK(r.whole && r.body.n == 8 * 1024 * 1024);
    CHECK(atomic_load(&site.released) == released + 2);
    client_close(&c);
}

static void half_closed_client_is_answered(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /static HTTP/1.0\r\n\r\n");
    shutdown(c.fd, SHUT_WR);
    CHECK(str_is(client_read(&c, false).body, "static"));
    client_close(&c);
}

static int tcp_state(const struct client *c)
{
    struct tcp_info t = {0};
    socklen_t n = sizeof t;
    CHECK(getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &t, &n) == 0);
    return t.tcpi_state;
}

/* The only answer of a connection and its end come in one segment; others are still whole. */
static void last_answer_comes_with_the_end(void)
{
    static const struct {
        const char *method, *path, *body;
    } cases[] = {{"GET", "/static", "static"},
                 {"GET", "/held", "held"},
                 {"GET", "/copy", "copied"},
                 {"HEAD", "/static", ""},
                 {"GET", "/none", "404 page not found\n"}};
    int held = atomic_load(&site.released), incomplete = atomic_load(&site.done_incomplete);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client c;
        client_open(&c, site.port);
        client_say(&c, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", cases[i].method,
                   cases[i].path);
        bool head = cases[i].body[0] == '\0';
        struct reply r = client_read(&c, head);
        CHECK(tcp_state(&c) == TCP_CLOSE_WAIT, "%s: the end came later", cases[i].path);
        CHECK(r.status == (i == 4 ? 404 : 200) && r.whole && str_is(r.body, cases[i].body));
        CHECK(str_is(reply_header(&r, "Connection"), "close"));
        CHECK(!head || str_is(reply_header(&r, "Content-Length"), "6"));
        CHECK(client_at_end(&c));
        client_close(&c);
    }
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(client_read(&c, false).whole && client_at_end(&c));
    client_close(&c);
    CHECK(atomic_load(&site.released) == held + 1);
    CHECK(atomic_load(&site.done_incomplete) == incomplete);
}

static void bad_headers_of_the_handler_are_left_out(void)
{
    struct http_response r = {0};
    CHECK(!http_add_header(&r, "Location", "/a\r\nX: b"));
    CHECK(!http_add_header(&r, "Location", "/a\nX: b"));
    CHECK(r.headers_n == 0);
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        CHECK(http_add_header(&r, "A", "b"));
    CHECK(!http_add_header(&r, "A", "b"));
}

static void all(void)
{
    RUN(request_reaches_the_handler);
    RUN(query_may_be_absent_or_empty);
    RUN(whole_urls_are_taken);
    RUN(escapes_in_the_path_are_kept);
    RUN(pxelinux_cookie_passes);
    RUN(odd_methods_reach_the_handler);
    RUN(head_has_the_headers_only);
    RUN(hundred_requests_on_one_connection);
    RUN(pipelined_requests_are_answered_in_order);
    RUN(request_may_come_byte_by_byte);
    RUN(bodies_are_read_whole);
    RUN(chunked_body_is_read_and_the_connection_ends);
    RUN(too_large_a_body_is_413);
    RUN(endless_body_is_cut);
    RUN(every_kind_of_body_is_sent);
    RUN(half_closed_client_is_answered);
    RUN(last_answer_comes_with_the_end);
}

void serve_tests(struct tally *t)
{
    site_start(&site, (struct http_config){.threads = 2, .max_body = 100000});
    all();
    site_stop(&site);
    site_start(&site, (struct http_config){.thread_each = true, .max_body = 100000});
    all();
    site_stop(&site);
    RUN(bad_headers_of_the_handler_are_left_out);
    TALLY(t);
}
