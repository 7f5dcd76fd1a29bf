/*
 * Clients that are slow on purpose. The deadlines are short here; the reaper looks often then. Its
 * clock may lag a few milliseconds, so a cut may come that much early.
 */
#include "../support/check.h"
#include "support.h"

#include <poll.h>
#include <sys/socket.h>

static struct site site;

/* Sends a byte each 20 ms until the server has closed. Milliseconds until then; 0: it never did. */
static uint64_t drip(struct client *c, const char *text, char forever)
{
    uint64_t began = clock_ms();
    for (int i = 0; clock_ms() - began < 8000; i++) {
        char byte = *text ? *text++ : forever;
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (poll(&p, 1, 20) == 1 || !client_send(c, &byte, 1))
            return clock_ms() - began + 1;
    }
    return 0;
}

static void slow_head_is_cut(void)
{
    struct client c;
    client_open(&c, site.port);
    uint64_t ms = drip(&c, "GET /echo HTTP/1.1\r\nHost: a\r\nX: ", 'x');
    CHECK(ms >= 280 && ms < 3000, "after %llu ms", (unsigned long long)ms);
    client_close(&c);
}

static void slow_request_line_is_cut(void)
{
    struct client c;
    client_open(&c, site.port);
    uint64_t ms = drip(&c, "GET /", 'x');
    CHECK(ms >= 280 && ms < 3000, "after %llu ms", (unsigned long long)ms);
    client_close(&c);
    client_open(&c, site.port);
    ms = drip(&c, "", '\n');
    CHECK(ms >= 280 && ms < 3000, "empty lines: after %llu ms", (unsigned long long)ms);
    client_close(&c);
}

static void slow_body_is_cut(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
    uint64_t ms = drip(&c, "", 'x');
    CHECK(ms >= 580 && ms < 4000, "after %llu ms", (unsigned long long)ms);
    client_close(&c);
    client_open(&c, site.port);
    client_say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n");
    ms = drip(&c, "", 'x');
    CHECK(ms >= 580 && ms < 4000, "chunked: after %llu ms", (unsigned long long)ms);
    client_close(&c);
}

static void silent_client_is_cut(void)
{
    struct client c;
    uint64_t began = clock_ms();
    client_open(&c, site.port);
    CHECK(client_at_end(&c));
    CHECK(clock_ms() - began < 3000);
    client_close(&c);
}

static void idle_connection_is_cut(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client_read(&c, false).status == 200);
    uint64_t began = clock_ms();
    CHECK(client_at_end(&c));
    CHECK(clock_ms() - began >= 480 && clock_ms() - began < 4000);
    client_close(&c);
}

/* Longer than each deadline, but never silent for long: that is what a handler and a reader may. */
static void long_handler_is_not_cut(void)
{
    struct client c, other;
    client_open(&c, site.port);
    client_say(&c, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    site_wait_for_handler(&site);
    client_open(&other, site.port);
    CHECK(client_at_end(&other));
    client_close(&other);
    client_open(&other, site.port);
    CHECK(client_at_end(&other));
    client_close(&other);
    client_open(&other, site.port);
    CHECK(client_at_end(&other));
    client_close(&other);
    site_open_gate(&site);
    CHECK(client_read(&c, false).status == 200);
    client_close(&c);
}

static void reader_that_stops_is_cut(void)
{
    struct client c;
    int incomplete = atomic_load(&site.done_incomplete);
    client_open_small_window(&c, site.port);
    client_say(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    uint64_t began = clock_ms();
    while (atomic_load(&site.done_incomplete) == incomplete && clock_ms() - began < 8000)
        poll(NULL, 0, 5);
    CHECK(atomic_load(&site.done_incomplete) == incomplete + 1, "it is still served");
    CHECK(clock_ms() - began >= 380);
    client_close(&c);
}

static void slow_reader_is_served(void)
{
    struct client c;
    int done = atomic_load(&site.done), incomplete = atomic_load(&site.done_incomplete);
    client_open_small_window(&c, site.port);
    client_say(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    static char chunk[256 * 1024];
    size_t got = 0;
    uint64_t began = clock_ms();
    while (clock_ms() - began < 1500) {
        ssize_t n = recv(c.fd, chunk, 32 * 1024, 0);
        if (n <= 0)
            break;
        got += (size_t)n;
        poll(NULL, 0, 20);
    }
    CHECK(clock_ms() - began >= 1500, "cut after %zu bytes", got);
    for (ssize_t n; got < 8 * 1024 * 1024 && (n = recv(c.fd, chunk, sizeof chunk, 0)) > 0;)
        got += (size_t)n;
    CHECK(got >= 8 * 1024 * 1024, "%zu", got);
    client_say(&c, "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(recv(c.fd, chunk, sizeof chunk, 0) > 0);
    CHECK(atomic_load(&site.done) >= done + 1 && atomic_load(&site.done_incomplete) == incomplete);
    client_close(&c);
}

static void cuts_are_counted(void)
{
    struct http_stats st;
    http_stats(site.server, &st);
    CHECK(st.timed_out >= 8, "%llu", (unsigned long long)st.timed_out);
}

/* libmicrohttpd does not see all of them go, but one in a hundred stays for its deadline. */
static void clients_that_leave_amid_a_request_are_given_up(void)
{
    static const char *const parts[] = {
        "GET /sta", "GET /static HTTP/1.1\r\nHost: a\r\n",
        "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"};
    for (int i = 0; i < 600; i++) {
        struct client c;
        client_open(&c, site.port);
        client_say(&c, "%s", parts[i % 3]);
        client_close(&c);
    }
    uint64_t began = clock_ms();
    struct http_stats st;
    do {
        poll(NULL, 0, 10);
        http_stats(site.server, &st);
    } while (st.active > 0 && clock_ms() - began < 20000);
    CHECK(st.active == 0, "%llu are still there", (unsigned long long)st.active);
}

static void all(void)
{
    RUN(slow_head_is_cut);
    RUN(slow_request_line_is_cut);
    RUN(slow_body_is_cut);
    RUN(silent_client_is_cut);
    RUN(idle_connection_is_cut);
    RUN(reader_that_stops_is_cut);
    RUN(slow_reader_is_served);
    RUN(long_handler_is_not_cut);
    RUN(cuts_are_counted);
}

void deadline_tests(struct tally *t)
{
    site_start(&site, (struct http_config){.threads = 1, .max_body = 1000, .header_ms = 60000});
    RUN(clients_that_leave_amid_a_request_are_given_up);
    site_stop(&site);
    struct http_config c = {
        .threads = 2, .max_body = 100000, .header_ms = 300, .body_ms = 600, .idle_ms = 400};
    site_start(&site, c);
    all();
    site_stop(&site);
    c.thread_each = true;
    site_start(&site, c);
    all();
    site_stop(&site);
    TALLY(t);
}
