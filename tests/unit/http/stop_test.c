/* Stopping: requests under way are finished, others do not delay it. */
#include "../support/check.h"
#include "support.h"

#include <sched.h>

static struct site site;

struct stopper {
    pthread_t thread;
    unsigned grace_ms;
};

static void *stop(void *p)
{
    http_stop(site.server, ((struct stopper *)p)->grace_ms);
    return NULL;
}

static void stop_in_thread(struct stopper *s, unsigned grace_ms)
{
    s->grace_ms = grace_ms;
    pthread_create(&s->thread, NULL, stop, s);
}

/* Whether somebody listens, or still does after five seconds. */
static bool listens_no_more(unsigned port)
{
    uint64_t began = clock_ms();
    while (clock_ms() - began < 5000) {
        struct client c;
        client_open(&c, port);
        bool refused = c.fd < 0;
        client_close(&c);
        if (refused)
            return true;
    }
    return false;
}

static void request_under_way_is_finished(bool thread_each)
{
    site_start(&site, (struct http_config){.threads = 2, .thread_each = thread_each});
    struct client c, idle;
    struct stopper s;
    client_open(&idle, site.port);
    client_say(&idle, "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client_read(&idle, false).status == 200);
    client_open(&c, site.port);
    client_say(&c, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    site_wait_for_handler(&site);
    stop_in_thread(&s, 60000);
    CHECK(listens_no_more(site.port));
    site_open_gate(&site);
    struct reply r = client_read(&c, false);
    CHECK(r.status == 200 && str_is(r.body, "let through\n"));
    CHECK(str_is(reply_header(&r, "Connection"), "close"));
    pthread_join(s.thread, NULL);
    CHECK(client_at_end(&idle));
    client_close(&c);
    client_close(&idle);
}

static void epoll_finishes_requests(void)
{
    request_under_way_is_finished(false);
}

static void thread_each_finishes_requests(void)
{
    request_under_way_is_finished(true);
}

static void idle_connections_do_not_delay(void)
{
    site_start(&site, (struct http_config){.threads = 2});
    struct client c[8];
    for (int i = 0; i < 8; i++) {
        client_open(&c[i], site.port);
        client_say(&c[i], "GET /static HTTP/1.1\r\nHost: a\r\n\r\nGET /unfinished");
        CHECK(client_read(&c[i], false).status == 200);
    }
    uint64_t began = clock_ms();
    http_stop(site.server, 30000);
    CHECK(clock_ms() - began < 5000);
    for (int i = 0; i < 8; i++) {
        CHECK(client_at_end(&c[i]));
        client_close(&c[i]);
    }
}

/* One that never completes its head holds it up for the grace, not for its own deadline. */
static void grace_is_the_most(void)
{
    site_start(&site, (struct http_config){.threads = 2});
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "GET /static HTTP/1.1\r\nHost: a\r\n\r\nGET /static HTTP/1.1\r\nHost:");
    CHECK(client_read(&c, false).status == 200);
    uint64_t began = clock_ms();
    http_stop(site.server, 100);
    CHECK(clock_ms() - began < 5000);
    CHECK(atomic_load(&site.done) == 1 || atomic_load(&site.done_incomplete) == 1);
    client_close(&c);
}

static void *ask_for_ever(void *port)
{
    for (;;) {
        struct client c;
        client_open(&c, *(unsigned *)port);
        bool refused = c.fd < 0;
        if (!refused) {
            client_say(&c, "GET /static HTTP/1.0\r\n\r\n");
            client_read(&c, false);
        }
        client_close(&c);
        if (refused)
            return NULL;
    }
}

/* Under load, again and again: the library's own way to stop listening aborts here at times. */
static void stopping_under_load_is_clean(void)
{
    for (int round = 0; round < 30; round++) {
        site_start(&site, (struct http_config){.threads = 2, .thread_each = round % 3 == 2});
        pthread_t askers[3];
        for (int i = 0; i < 3; i++)
            pthread_create(&askers[i], NULL, ask_for_ever, &site.port);
        while (atomic_load(&site.handled) < 20)
            sched_yield();
        http_stop(site.server, 5000);
        for (int i = 0; i < 3; i++)
            pthread_join(askers[i], NULL);
        CHECK(atomic_load(&site.done) >= atomic_load(&site.handled), "a request was lost");
    }
}

/* Just when a thread has as many connections as it may, and is about to accept no more. */
static void stopping_at_the_limit_is_clean(void)
{
    for (int round = 0; round < 300; round++) {
        site_start(&site, (struct http_config){.threads = 1, .max_connections = 1});
        struct client c;
        client_open(&c, site.port);
        client_say(&c, "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client_read(&c, false).status == 200);
        http_stop(site.server, 5000);
        CHECK(client_at_end(&c));
        client_close(&c);
    }
}

void stop_tests(struct tally *t)
{
    RUN(epoll_finishes_requests);
    RUN(thread_each_finishes_requests);
    RUN(idle_connections_do_not_delay);
    RUN(grace_is_the_most);
    RUN(stopping_under_load_is_clean);
    RUN(stopping_at_the_limit_is_clean);
    TALLY(t);
}
