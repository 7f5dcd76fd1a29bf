/* Networks, who is behind a proxy, and how often an address may do something. */
#include "../support/check.h"
#include "support.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>

#include "http/networks.h"
#include "http/rate.h"
#include "http/server.h"

static struct in6_addr address(const char *text)
{
    struct in6_addr a = {0};
    CHECK(network_address(str_c(text), &a), "%s", text);
    return a;
}

static void networks_hold_what_they_should(void)
{
    static const struct {
        const char *network, *inside, *outside;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"0.0.0.0/0", "255.1.2.3", "2001:db8::1"},
        {"::/0", "192.0.2.1", NULL},
        {"10.0.0.0/9", "10.127.255.255", "10.128.0.0"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::8000/113", "2001:db8::ffff", "2001:db8::7fff"},
        {"::1", "::1", "::2"},
        {"192.0.2.1/32", "::ffff:192.0.2.1", "192.0.2.0"},
        {"192.0.2.0/31", "192.0.2.1", "192.0.2.2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct networks s = {.n = 0};
        struct err e = ERR_INIT;
        CHECK(networks_add(&s, STR("198.51.100.0/24"), &e) == ERR_OK);
        CHECK(networks_add(&s, str_c(cases[i].network), &e) == ERR_OK, "%s", e.msg);
        struct in6_addr in = address(cases[i].inside);
        CHECK(networks_have(&s, &in), "%s", cases[i].network);
        struct in6_addr out = address(cases[i].outside ? cases[i].outside : "::");
        CHECK(!cases[i].outside || !networks_have(&s, &out), "%s", cases[i].network);
    }
}

static void what_is_no_network_is_said(void)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "192.0.2.0/",
                                      "192.0.2.0/33",
                                      "192.0.2.1/24",
                                      "2001:db8::1/64",
                                      "2001:db8::/129",
                                      "192.0.2/24",
                                      "example.org",
                                      "192.0.2.0/-1",
                                      "192.0.2.0/24/24",
                                      "[::1]",
                                      "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cc"};
    struct networks s = {.n = 0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = ERR_INIT;
        CHECK(networks_add(&s, str_c(bad[i]), &e) == ERR_INVALID && e.msg[0], "%s", bad[i]);
    }
    CHECK(s.n == 0);
    struct err e = ERR_INIT;
    for (int i = 0; i < NETWORKS_MAX; i++)
        CHECK(networks_add(&s, STR("::1"), &e) == ERR_OK);
    CHECK(networks_add(&s, STR("::1"), &e) == ERR_LIMIT);
}

static void addresses_have_many_spellings(void)
{
    static const char *const good[] = {"192.0.2.1", "192.0.2.1:8080", "[::ffff:192.0.2.1]",
                                       "[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1"};
    static const char *const bad[] = {"",       "unknown", "_hidden", "[192.0.2.1", "[]",
                                      "[::1]x", "192.0.2", "::1::",   "192.0.2.1 "};
    struct in6_addr want = address("192.0.2.1"), a;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(network_address(str_c(good[i]), &a) && memcmp(&a, &want, sizeof a) == 0, "%s",
              good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!network_address(str_c(bad[i]), &a), "%s", bad[i]);
    struct in6_addr own = address("127.9.9.9"), other = address("128.0.0.1"), six = address("::1");
    CHECK(network_is_loopback(&own) && network_is_loopback(&six) && !network_is_loopback(&other));
}

/* --- proxies --------------------------------------------------------------------------------- */

static struct site site;

static void remote_is(const char *fields, const char *want)
{
    struct client c;
    char line[80];
    client_open(&c, site.port);
    client_say(&c, "GET /echo HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    struct reply r = client_read(&c, false);
    snprintf(line, sizeof line, "\nremote=%s\n", want);
    CHECK(str_find(r.body, str_c(line), 0) < r.body.n, "%s: %.*s", fields, STR_FMT(r.body));
    client_close(&c);
}

static void strangers_are_not_believed(void)
{
    remote_is("X-Forwarded-For: 203.0.113.1\r\n", "127.0.0.1");
    remote_is("Forwarded: for=203.0.113.1\r\n", "127.0.0.1");
    remote_is("X-Real-IP: 203.0.113.1\r\n", "127.0.0.1");
}

static void the_rightmost_that_is_not_trusted_counts(void)
{
    remote_is("", "127.0.0.1");
    remote_is("X-Forwarded-For: 203.0.113.1\r\n", "203.0.113.1");
    remote_is("x-forwarded-for: 198.51.100.1, 203.0.113.1\r\n", "203.0.113.1");
    remote_is("X-Forwarded-For: 198.51.100.1,203.0.113.1 , 10.1.2.3,10.1.2.4\r\n", "203.0.113.1");
    remote_is("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.1\r\n", "203.0.113.1");
    remote_is("X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 10.1.2.3\r\n", "203.0.113.1");
    remote_is("X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7");
    remote_is("X-Forwarded-For: 203.0.113.1:4711\r\n", "203.0.113.1");
    remote_is("X-Forwarded-For: 10.1.2.3, 10.1.2.4\r\n", "10.1.2.3");
    remote_is("X-Forwarded-For: 203.0.113.1, unknown\r\n", "127.0.0.1");
    remote_is("X-Forwarded-For: 203.0.113.1, junk, 10.1.2.3\r\n", "10.1.2.3");
    remote_is("X-Forwarded-For: 203.0.113.1,\r\n", "127.0.0.1");
    remote_is("X-Forwarded-For:\r\n", "127.0.0.1");
    remote_is("Forwarded: for=203.0.113.1\r\n", "127.0.0.1");
    BUF_LOCAL(many, 65536);
    for (int i = 0; i < 100; i++)
        buf_addf(&many, "X-Forwarded-For: 198.51.100.%d\r\n", i);
    buf_add_lit(&many, "X-Forwarded-For: 203.0.113.1\r\n");
    remote_is(buf_c(&many), "203.0.113.1");
}

static void a_proxy_has_no_limit_of_connections(void)
{
    struct client c[6];
    for (int i = 0; i < 6; i++) {
        client_open(&c[i], site.port);
        client_say(&c[i], "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client_read(&c[i], false).status == 200, "%d", i);
    }
    for (int i = 0; i < 6; i++)
        client_close(&c[i]);
}

/* --- rates ----------------------------------------------------------------------------------- */

struct asker {
    struct in6_addr address;
    struct request request;
};

static const struct http_request *from(struct asker *a, const char *text)
{
    a->address = address(text);
    a->request.address = &a->address;
    a->request.q.connection = &a->request;
    return &a->request.q;
}

static struct http_rate *rate(unsigned per_minute)
{
    struct http_rate *r = NULL;
    struct err e = ERR_INIT;
    CHECK(http_rate_make(per_minute, &r, &e) == ERR_OK, "%s", e.msg);
    return r;
}

static void an_address_has_a_minutes_worth(void)
{
    static struct asker a, b, c, d;
    struct http_rate *r = rate(60);
    const struct http_request *one = from(&a, "203.0.113.1"), *other = from(&b, "203.0.113.2");
    for (int i = 0; i < 60; i++) {
        CHECK(http_rate_wait(r, one) == 0, "%d", i);
        http_rate_spend(r, one);
    }
    CHECK(http_rate_wait(r, one) == 0);
    http_rate_spend(r, one);
    CHECK(http_rate_wait(r, one) == 1);
    CHECK(http_rate_wait(r, other) == 0);
    /* Of IPv6 a client has 64 bits; loopback has no limit. */
    for (int i = 0; i < 70; i++)
        http_rate_spend(r, from(&c, "2001:db8:1:2::1"));
    CHECK(http_rate_wait(r, from(&c, "2001:db8:1:2:ffff::2")) > 5);
    CHECK(http_rate_wait(r, from(&c, "2001:db8:1:3::1")) == 0);
    for (int i = 0; i < 70; i++)
        http_rate_spend(r, from(&d, "127.0.0.1"));
    CHECK(http_rate_wait(r, from(&d, "127.0.0.1")) == 0);
    http_rate_free(r);
    http_rate_spend(NULL, one);
    CHECK(http_rate_wait(NULL, one) == 0);
    http_rate_free(NULL);
}

static void time_heals(void)
{
    static struct asker a;
    struct http_rate *r = rate(6000);
    const struct http_request *one = from(&a, "203.0.113.1");
    for (int round = 0; round < 3; round++) {
        while (http_rate_wait(r, one) == 0)
            http_rate_spend(r, one);
        while (http_rate_wait(r, one) > 0)
            poll(NULL, 0, 1);
    }
    http_rate_free(r);
}

/* More addresses than there is room for: those that did least are forgotten. */
static void the_table_does_not_grow(void)
{
    static struct asker a;
    char text[40];
    struct http_rate *r = rate(60);
    for (int i = 0; i < 200; i++)
        http_rate_spend(r, from(&a, "203.0.113.1"));
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        http_rate_spend(r, from(&a, text));
    }
    CHECK(http_rate_wait(r, from(&a, "203.0.113.1")) > 100);
    CHECK(http_rate_wait(r, from(&a, "10.0.0.1")) == 0);
    http_rate_free(r);
}

static void *spend_many(void *arg)
{
    struct asker a;
    for (int i = 0; i < 20000; i++)
        http_rate_spend(arg, from(&a, i % 2 ? "203.0.113.1" : "203.0.113.2"));
    return NULL;
}

static void from_many_threads(void)
{
    static struct asker a;
    struct http_rate *r = rate(60);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, spend_many, r) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    /* 40,000 seconds' worth each, of which none is lost; some of them have gone by. */
    CHECK(http_rate_wait(r, from(&a, "203.0.113.1")) > 39000);
    CHECK(http_rate_wait(r, from(&a, "203.0.113.2")) > 39000);
    http_rate_free(r);
}

void address_tests(struct tally *t)
{
    RUN(networks_hold_what_they_should);
    RUN(what_is_no_network_is_said);
    RUN(addresses_have_many_spellings);
    site_start(&site, (struct http_config){.threads = 1});
    RUN(strangers_are_not_believed);
    site_stop(&site);
    struct networks trusted = {.n = 0};
    struct err e = ERR_INIT;
    CHECK(networks_add(&trusted, STR("127.0.0.0/8"), &e) == ERR_OK);
    CHECK(networks_add(&trusted, STR("10.0.0.0/8"), &e) == ERR_OK);
    site_start(&site, (struct http_config){
                          .threads = 1, .pool = 32768, .max_per_address = 3, .trusted = &trusted});
    RUN(the_rightmost_that_is_not_trusted_counts);
    RUN(a_proxy_has_no_limit_of_connections);
    site_stop(&site);
    RUN(an_address_has_a_minutes_worth);
    RUN(time_heals);
    RUN(the_table_does_not_grow);
    RUN(from_many_threads);
    TALLY(t);
}
