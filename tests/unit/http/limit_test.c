/* How many may be connected, and how a server fails to start. */
#include "../support/check.h"
#include "support.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct site site;

static bool served(struct client *c)
{
    client_say(c, "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
    return client_read(c, false).status == 200;
}

static void one_address_has_a_limit(void)
{
    site_start(&site, (struct http_config){.threads = 2, .max_per_address = 3});
    struct client c[4], again;
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], site.port);
        CHECK(served(&c[i]), "%d", i);
    }
    client_open(&c[3], site.port);
    CHECK(client_at_end(&c[3]));
    struct http_stats st;
    http_stats(site.server, &st);
    CHECK(st.refused == 1 && st.accepted == 3 && st.requests == 3);
    client_close(&c[0]);
    bool came_back = false;
    for (int i = 0; i < 1000 && !came_back; i++) {
        client_open(&again, site.port);
        came_back = served(&again);
        client_close(&again);
    }
    CHECK(came_back, "the place of a connection that ended is not given away");
    for (int i = 1; i < 4; i++)
        client_close(&c[i]);
    site_stop(&site);
}

static void fill(struct client c[3])
{
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], site.port);
        CHECK(served(&c[i]), "%d", i);
    }
    struct http_stats st;
    http_stats(site.server, &st);
    CHECK(st.active == 3, "%llu", (unsigned long long)st.active);
}

static void over_the_limit_clients_wait(void)
{
    site_start(&site, (struct http_config){.threads = 1, .max_connections = 3});
    struct client c[4];
    fill(c);
    client_open(&c[3], site.port);
    client_say(&c[3], "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
    struct pollfd p = {.fd = c[3].fd, .events = POLLIN};
    CHECK(poll(&p, 1, 200) == 0, "a fourth was served");
    client_close(&c[0]);
    CHECK(client_read(&c[3], false).status == 200);
    for (int i = 1; i < 4; i++)
        client_close(&c[i]);
    site_stop(&site);
}

static void over_the_limit_of_threads_clients_are_closed(void)
{
    site_start(&site, (struct http_config){.thread_each = true, .max_connections = 3});
    struct client c[4];
    fill(c);
    client_open(&c[3], site.port);
    CHECK(client_at_end(&c[3]));
    for (int i = 0; i < 4; i++)
        client_close(&c[i]);
    site_stop(&site);
}

/* Each file that is sent is a descriptor; who asks for one too many is told to come again. */
static void files_have_a_limit(void)
{
    char name[] = "/tmp/http-limit-XXXXXX";
    struct client c[3];
    site_start(&site, (struct http_config){.threads = 1, .max_files = 2});
    site.file = mkstemp(name);
    unlink(name);
    CHECK(site.file >= 0 && ftruncate(site.file, 64 << 20) == 0);
    for (int i = 0; i < 2; i++) {
        client_open_small_window(&c[i], site.port);
        client_say(&c[i], "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
        char byte;
        CHECK(recv(c[i].fd, &byte, 1, 0) == 1);
    }
    client_open(&c[2], site.port);
    client_say(&c[2], "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    struct reply r = client_read(&c[2], false);
    CHECK(r.status == 503 && str_is(reply_header(&r, "Retry-After"), "1"), "%d", r.status);
    CHECK(served(&c[2]));
    client_close(&c[0]);
    int status = 503;
    for (int i = 0; i < 5000 && status == 503; i++) {
        client_say(&c[2], "HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n");
        status = client_read(&c[2], true).status;
        poll(NULL, 0, 1);
    }
    CHECK(status == 200, "the place of a file that is not sent any more is not given away");
    client_close(&c[1]);
    client_close(&c[2]);
    close(site.file);
    site_stop(&site);
}

static void nothing(void *ctx, struct http_request *q, struct http_response *r)
{
    (void)ctx, (void)q;
    r->status = 204;
}

static err_code start_on(const char *address, struct http_server **s, struct err *e)
{
    struct http_config c = {.address = address, .handler = nothing};
    *e = ERR_INIT;
    return http_start(&c, s, e);
}

static void taken_port_is_said(void)
{
    struct http_server *s = NULL, *other = NULL;
    struct err e;
    CHECK(start_on("127.0.0.1:0", &s, &e) == ERR_OK, "%s", e.msg);
    char address[64], wanted[200];
    snprintf(address, sizeof address, "127.0.0.1:%u", http_port(s));
    CHECK(start_on(address, &other, &e) == ERR_IO);
    snprintf(wanted, sizeof wanted,
             "address %s is already in use: another process listens there; choose another with "
             "--address",
             address);
    CHECK(strcmp(e.msg, wanted) == 0, "%s", e.msg);
    CHECK(!other);
    http_stop(s, 0);
    CHECK(start_on(address, &s, &e) == ERR_OK, "%s", e.msg);
    http_stop(s, 0);
}

static void bad_addresses_are_said(void)
{
    static const char *const bad[] = {"",
                                      "8080",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "::1:80",
                                      "[::1]",
                                      "127.0.0.1:65536",
                                      "localhost:80",
                                      "a:b:c",
                                      "[::1:80",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:8o80",
                                      "300.1.1.1:80"};
    struct http_server *s = NULL;
    struct err e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(start_on(bad[i], &s, &e) == ERR_INVALID && e.msg[0], "%s", bad[i]);
    CHECK(start_on("192.0.2.77:0", &s, &e) == ERR_IO);
    CHECK(strstr(e.msg, "not one of this machine"), "%s", e.msg);
    CHECK(!s);
}

static void all_addresses_are_served(void)
{
    struct http_server *s = NULL;
    struct err e;
    CHECK(start_on(":0", &s, &e) == ERR_OK, "%s", e.msg);
    CHECK(STATUS_OF(http_port(s), "GET / HTTP/1.0\r\n\r\n") == 204);
    http_stop(s, 0);
    http_stop(NULL, 0);
}

void limit_tests(struct tally *t)
{
    RUN(one_address_has_a_limit);
    RUN(over_the_limit_clients_wait);
    RUN(over_the_limit_of_threads_clients_are_closed);
    RUN(files_have_a_limit);
    RUN(taken_port_is_said);
    RUN(bad_addresses_are_said);
    RUN(all_addresses_are_served);
    TALLY(t);
}
