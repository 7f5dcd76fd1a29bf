/* What must not be served: requests with two meanings, and such as are too long. */
#include "../support/check.h"
#include "support.h"

static struct site site;

/* Refused requests are answered and the connection ends, without the handler. */
static void refused(const char *what, const char *request, size_t n, int status)
{
    struct client c;
    int handled = atomic_load(&site.handled);
    client_open(&c, site.port);
    client_send(&c, request, n);
    struct reply r = client_read(&c, false);
    CHECK(r.status == status, "%s: status %d", what, r.status);
    CHECK(str_is(reply_header(&r, "Connection"), "close"), "%s", what);
    CHECK(client_at_end(&c), "%s: the connection stays", what);
    CHECK(atomic_load(&site.handled) == handled, "%s: the handler was called", what);
    client_close(&c);
}

#define REFUSED(status, literal) refused(literal, "" literal "", sizeof(literal) - 1, (status))

static void ambiguous_framing_is_refused(void)
{
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                 "Content-Length: 3\r\n\r\n0\r\n\r\n");
    REFUSED(400,
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n");
    REFUSED(400,
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REFUSED(501, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
    REFUSED(501, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n");
}

static void invalid_lengths_are_refused(void)
{
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\nabcde");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nabcde");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nabcde");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n");
    REFUSED(413, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n");
}

static void host_must_be_one(void)
{
    REFUSED(400, "GET /echo HTTP/1.1\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: u@a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
    CHECK(STATUS_OF(site.port, "GET /echo HTTP/1.0\r\n\r\n") == 200);
    CHECK(STATUS_OF(site.port, "GET /echo HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n") == 200);
    CHECK(STATUS_OF(site.port, "GET /echo HTTP/1.1\r\nHOST:10.0.2.2:18080\r\n\r\n") == 200);
}

static void target_must_be_in_origin_or_absolute_form(void)
{
    REFUSED(400, "GET http:///echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://?x HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http:/a/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://u@a/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://a\\b/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://a#b/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET ftp://a/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://a/ec ho HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://a/echo HTTP/1.1\r\n\r\n");
    REFUSED(400, "GET a/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET ?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void bad_bytes_are_refused(void)
{
    REFUSED(400, "GET /ec ho HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /ec\tho HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /ec\rho HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /ec\0ho HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo?a\0b HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /ec\x7Fho HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET  /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo  HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1 \r\nHost: a\r\n\r\n");
    REFUSED(400, "G\0T /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "G(T /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n");
}

static void bad_field_lines_are_refused(void)
{
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\t0\r\n\r\nabcd");
    REFUSED(400, "GET /echo HTTP/1.1\r\n Host: a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost : a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\nX\0Y: b\r\n\r\n");
    REFUSED(400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nabcde");
}

static void bare_line_feeds_are_refused(void)
{
    REFUSED(400, "GET /echo HTTP/1.1\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\nX: b\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.1\r\nHost: a\r\n\n");
    REFUSED(400, "GET /echo HTTP/1.1\n\n");
}

static void other_versions_are_refused(void)
{
    REFUSED(505, "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n");
    REFUSED(505, "GET /echo HTTP/0.9\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo http/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo HTTP/1.10\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET /echo\r\n\r\n");
}

/* A head of the size that is asked for: the target, one long field, some cookies. */
static int long_head(size_t target, size_t field, size_t cookies)
{
    BUF_LOCAL(b, 1024 * 1024);
    buf_add_lit(&b, "GET /echo?");
    for (size_t i = 10; i < target + 4; i++)
        buf_add_byte(&b, 'a');
    buf_add_lit(&b, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ");
    for (size_t i = 0; i < field; i++)
        buf_add_byte(&b, 'x');
    if (cookies)
        buf_add_lit(&b, "\r\nCookie: ");
    for (size_t i = 0; i < cookies; i++)
        buf_add_lit(&b, "k=v;");
    buf_add_lit(&b, "\r\n\r\n");
    return status_of(site.port, b.p, b.n);
}

static void long_targets_pass_up_to_the_limit(void)
{
    CHECK(long_head(3000, 0, 0) == 200);
    CHECK(long_head(8000, 0, 0) == 200);
    CHECK(long_head(8001, 0, 0) == 414);
    CHECK(long_head(12000, 0, 0) == 414);
    CHECK(long_head(20000, 0, 0) == 414);
    CHECK(long_head(200000, 0, 0) == 414);
}

/* At every size there is an answer: of ours, or of libmicrohttpd's, never silence. */
static void heads_of_any_size_are_answered(void)
{
    for (size_t n = 13000; n < 18000; n += 61) {
        int status = long_head(20, n, 0);
        CHECK(status == (n < 14500 ? 200 : status == 200 ? 200 : 431), "%zu: %d", n, status);
    }
    CHECK(long_head(20, 100000, 0) == 431);
    for (size_t n = 1; n < 1000; n += 13) {
        int status = long_head(20, 0, n);
        CHECK(status == (n < 100 ? 200 : status == 200 ? 200 : 431), "%zu: %d", n, status);
    }
}

/* libmicrohttpd alone would lose track of a query with more parameters than its memory holds. */
static void many_parameters_pass(void)
{
    BUF_LOCAL(b, 65536);
    buf_add_lit(&b, "GET /echo?");
    for (int i = 0; i < 3900; i++)
        buf_add_lit(&b, "a&");
    buf_add_lit(&b, " HTTP/1.1\r\nHost: a\r\n\r\n");
    struct client c;
    client_open(&c, site.port);
    client_send(&c, b.p, b.n);
    struct reply r = client_read(&c, false);
    CHECK(r.status == 200, "%d", r.status);
    CHECK(str_find(r.body, STR("a&a&a&\nagent="), 0) < r.body.n);
    client_close(&c);
}

static void header_that_does_not_fit_is_answered(void)
{
    for (unsigned n = 1000; n < 30000; n += 1000) {
        struct client c;
        client_open(&c, site.port);
        client_say(&c, "GET /header?%u HTTP/1.1\r\nHost: a\r\n\r\n", n);
        struct reply r = client_read(&c, false);
        CHECK(r.status == (n < 16000 ? 200 : 431) || n == 16000, "%u: %d", n, r.status);
        CHECK(r.status != 200 || reply_header(&r, "X-Long").n == n);
        client_close(&c);
    }
}

static void bodies_are_refused_by_default(void)
{
    REFUSED(413, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    REFUSED(
        413,
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    CHECK(STATUS_OF(site.port, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n") ==
          200);
}

/* Garbage must not be answered as if it were a request, and must not stay. */
static void garbage_is_closed(void)
{
    static const char *const garbage[] = {"GARBAGE\r\n\r\n", "\x16\x03\x01\x02\x01\xFC\x03\x03\n",
                                          " / HTTP/1.1\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        struct client c;
        client_open(&c, site.port);
        client_send(&c, garbage[i], strlen(garbage[i]));
        CHECK(client_at_end(&c), "%zu", i);
        client_close(&c);
    }
}

/* With less memory for each connection the bounds are lower, and as clean. */
static void small_pools_answer_too(void)
{
    static const size_t pools[] = {1, 4096, 8192};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        size_t pool = pools[i] < 4096 ? 4096 : pools[i];
        site_stop(&site);
        site_start(&site, (struct http_config){.threads = 2, .pool = pools[i]});
        for (size_t n = 100; n < pool + 3000; n += 97) {
            int status = long_head(n, 0, 0);
            CHECK(n < pool - 1500 ? status == 200
                  : n > pool      ? status == 414
                                  : status != 0,
                  "pool %zu, target %zu: %d", pool, n, status);
            status = long_head(20, n, 0);
            CHECK(n < pool - 1500 ? status == 200
                  : n > pool      ? status == 431
                                  : status != 0,
                  "pool %zu, field %zu: %d", pool, n, status);
        }
    }
}

void refuse_tests(struct tally *t)
{
    site_start(&site, (struct http_config){.threads = 2});
    RUN(ambiguous_framing_is_refused);
    RUN(invalid_lengths_are_refused);
    RUN(host_must_be_one);
    RUN(target_must_be_in_origin_or_absolute_form);
    RUN(bad_bytes_are_refused);
    RUN(bad_field_lines_are_refused);
    RUN(bare_line_feeds_are_refused);
    RUN(other_versions_are_refused);
    RUN(long_targets_pass_up_to_the_limit);
    RUN(heads_of_any_size_are_answered);
    RUN(many_parameters_pass);
    RUN(header_that_does_not_fit_is_answered);
    RUN(bodies_are_refused_by_default);
    RUN(garbage_is_closed);
    RUN(small_pools_answer_too);
    site_stop(&site);
    TALLY(t);
}
