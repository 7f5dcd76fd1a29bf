/*
 * Bodies: who is told before the first byte that none is wanted, and what is kept where. The
 * admission refuses /no with 401, takes 1,000 bytes for /small, no body for /none, and 200 MB in a
 * file for all else.
 */
#include "../support/check.h"
#include "support.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"

#define MANY  (100u << 20)
#define BLOCK 65536

static struct site site;
static char dir[] = "/tmp/http-body-XXXXXX";
static char block[BLOCK];
static int quiet; /* descriptors that are open while nobody is connected */

static bool admit(void *ctx, struct http_request *q, struct http_admission *ret,
                  struct http_response *r)
{
    (void)ctx;
    ret->max_body = str_is(q->path, "/small") ? 1000 : str_is(q->path, "/none") ? 0 : 200u << 20;
    ret->spool = true;
    if (!str_is(q->path, "/no"))
        return true;
    http_text(q, r, 401, "no");
    http_add_header(r, "WWW-Authenticate", "Bearer");
    return false;
}

/* Counts what a folder holds. */
static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n - 2;
}

static void start(bool thread_each, unsigned body_ms)
{
    site_start(&site, (struct http_config){.threads = 1,
                                           .thread_each = thread_each,
                                           .body_ms = body_ms,
                                           .spool_dir = dir,
                                           .admit = admit});
    quiet = entries("/proc/self/fd");
}

/* Waits, for ten seconds at most, until that many descriptors are open. */
static bool descriptors_become(int n)
{
    uint64_t end = clock_ms() + 10000;
    while (entries("/proc/self/fd") != n && clock_ms() < end)
        poll(NULL, 0, 2);
    return entries("/proc/self/fd") == n;
}

static bool send_blocks(struct client *c, uint64_t n)
{
    bool open = true;
    for (; n && open; n -= n < BLOCK ? n : BLOCK)
        open = client_send(c, block, n < BLOCK ? n : BLOCK);
    return open;
}

static bool send_chunks(struct client *c, uint64_t n)
{
    bool open = true;
    for (; n && open; n -= BLOCK)
        open = client_send(c, "10000\r\n", 7) && client_send(c, block, BLOCK) &&
               client_send(c, "\r\n", 2);
    return open && client_send(c, "0\r\n\r\n", 5);
}

/* --- refusals -------------------------------------------------------------------------------- */

static void refused_before_the_body(void)
{
    static const char *const lengths[] = {"Content-Length: 100000000",
                                          "Transfer-Encoding: chunked"};
    for (int i = 0; i < 2; i++) {
        struct client c;
        int handled = atomic_load(&site.handled), done = atomic_load(&site.done);
        client_open(&c, site.port);
        client_say(&c, "PUT /no HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", lengths[i]);
        struct reply r = client_read(&c, false);
        CHECK(r.status == 401 && str_is(r.body, "no\n"), "%d", r.status);
        CHECK(str_is(reply_header(&r, "WWW-Authenticate"), "Bearer"));
        CHECK(str_is(reply_header(&r, "Connection"), "close"));
        CHECK(reply_header(&r, "Date").n == 29);
        CHECK(client_at_end(&c));
        client_close(&c);
        while (atomic_load(&site.done) == done)
            poll(NULL, 0, 1);
        CHECK(atomic_load(&site.last_status) == 401);
        CHECK(atomic_load(&site.handled) == handled);
    }
}

/* The answer must not be lost to a reset, though the client reads only when it has sent all. */
static void refused_while_the_body_comes(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "PUT /no HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    CHECK(send_blocks(&c, 20000000));
    CHECK(client_read(&c, false).status == 401);
    CHECK(client_at_end(&c));
    client_close(&c);
    client_open(&c, site.port);
    client_say(&c, "PUT /no HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(send_chunks(&c, 50u << 20));
    CHECK(client_read(&c, false).status == 401);
    client_close(&c);
}

static void refused_without_a_body_the_connection_stays(void)
{
    struct client c;
    client_open(&c, site.port);
    for (int i = 0; i < 3; i++) {
        client_say(&c, "GET /no HTTP/1.1\r\nHost: a\r\n\r\n");
        struct reply r = client_read(&c, false);
        CHECK(r.status == 401 && !reply_header(&r, "Connection").p, "%d", r.status);
        client_say(&c, "GET /static HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client_read(&c, false).status == 200);
        client_say(&c, "PUT /no HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        CHECK(client_read(&c, false).status == 401);
        client_say(&c, "HEAD /no HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client_read(&c, true).status == 401);
    }
    client_close(&c);
}

static void expectations_are_met(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 65536\r\n\r\n");
    CHECK(client_read(&c, true).status == 100);
    client_send(&c, block, BLOCK);
    CHECK(client_read(&c, false).status == 200);
    client_say(&c, "PUT /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 65536\r\n\r\n");
    CHECK(client_read(&c, false).status == 401);
    CHECK(client_at_end(&c));
    client_close(&c);
    client_open(&c, site.port);
    client_say(&c, "PUT /small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 65536\r\n\r\n");
    CHECK(client_read(&c, false).status == 413);
    CHECK(client_at_end(&c));
    client_close(&c);
}

static void limits_are_those_of_the_request(void)
{
    struct client c;
    CHECK(STATUS_OF(site.port, "PUT /small HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n") ==
          413);
    CHECK(STATUS_OF(site.port, "PUT /none HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n") ==
          413);
    CHECK(STATUS_OF(site.port,
                    "PUT /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == 413);
    CHECK(STATUS_OF(site.port, "PUT /none HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n") ==
          404);
    client_open(&c, site.port);
    client_say(&c, "PUT /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(send_chunks(&c, 50u << 20));
    CHECK(client_read(&c, false).status == 413);
    CHECK(client_at_end(&c));
    client_close(&c);
}

/* --- files ----------------------------------------------------------------------------------- */

/* Bytes of memory that are this process's own, which the page cache is not. */
static size_t own_memory(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long all, resident = 0, shared = 0;
    if (f && fscanf(f, "%lu %lu %lu", &all, &resident, &shared) != 3)
        resident = shared = 0;
    if (f)
        fclose(f);
    return (resident - shared) * 4096;
}

static void sum_of(uint64_t n, char dst[64])
{
    char *all = malloc(n ? n : 1);
    for (uint64_t i = 0; i < n; i += BLOCK)
        memcpy(all + i, block, n - i < BLOCK ? n - i : BLOCK);
    snprintf(dst, 64, "%llu %016llx", (unsigned long long)n,
             (unsigned long long)hash_bytes(str_of(all, n), 1));
    free(all);
}

/* Around the size from which there is a file, in both codings. */
static void bodies_arrive_as_they_were_sent(void)
{
    static const uint32_t sizes[] = {
        0, 1, 65536, HTTP_SPOOL_MIN - 1, HTTP_SPOOL_MIN, HTTP_SPOOL_MIN + 1, 5u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct client c;
        char want[64];
        sum_of(sizes[i], want);
        client_open(&c, site.port);
        for (int k = 0; k < 2; k++) {
            client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", sizes[i]);
            CHECK(send_blocks(&c, sizes[i]));
            struct reply r = client_read(&c, false);
            CHECK(r.status == 200 && str_is(r.body, want), "%u: %.*s", sizes[i], STR_FMT(r.body));
        }
        if (sizes[i] % BLOCK == 0) {
            client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            CHECK(send_chunks(&c, sizes[i]));
            struct reply r = client_read(&c, false);
            CHECK(r.status == 200 && str_is(r.body, want), "%u: %.*s", sizes[i], STR_FMT(r.body));
        }
        client_close(&c);
    }
}

static void memory_stays_flat(void)
{
    struct client c;
    client_open(&c, site.port);
    client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", MANY);
    size_t before = own_memory(), most = 0;
    for (unsigned sent = 0; sent < MANY; sent += BLOCK) {
        CHECK(client_send(&c, block, BLOCK));
        size_t now = sent % (8u << 20) ? 0 : own_memory();
        most = now > most ? now : most;
    }
    CHECK(entries(dir) == 0, "the file has a name");
    struct reply r = client_read(&c, false);
    most = own_memory() > most ? own_memory() : most;
    CHECK(r.status == 200 && str_starts(r.body, STR("104857600 ")), "%.*s", STR_FMT(r.body));
#ifndef __SANITIZE_THREAD__ /* which keeps a shadow of all that is read */
    CHECK(most < before + (16u << 20), "%zu bytes, then %zu", before, most);
#endif
    client_close(&c);
    CHECK(descriptors_become(quiet));
}

static void client_that_leaves_leaves_nothing(void)
{
    int handled = atomic_load(&site.handled);
    for (int i = 0; i < 2; i++) {
        struct client c;
        client_open(&c, site.port);
        client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n%s",
                   i ? "Transfer-Encoding: chunked" : "Content-Length: 20000000",
                   i ? "1000000\r\n" : "");
        CHECK(send_blocks(&c, 10000000));
        /* The connection's two ends and the file. */
        CHECK(descriptors_become(quiet + 3), "%d: there is no file to lose", i);
        client_close(&c);
        CHECK(descriptors_become(quiet), "%d: a descriptor stays open", i);
    }
    CHECK(entries(dir) == 0);
    CHECK(atomic_load(&site.handled) == handled);
}

/* A limit on a file's size stands for a full disk. */
static void full_disk_is_told(void)
{
    struct rlimit old, small;
    struct client c;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    small = old;
    small.rlim_cur = 3u << 20;
    setrlimit(RLIMIT_FSIZE, &small);
    client_open(&c, site.port);
    client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    send_blocks(&c, 20000000);
    struct reply r = client_read(&c, false);
    CHECK(r.status == 507, "%d", r.status);
    CHECK(str_find(r.body, STR("disk has no room"), 0) < r.body.n, "%.*s", STR_FMT(r.body));
    CHECK(client_at_end(&c));
    client_close(&c);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    CHECK(descriptors_become(quiet));
}

static void folder_that_is_gone_is_told(void)
{
    struct site gone;
    site_start(&gone, (struct http_config){
                          .thread_each = true, .spool_dir = "/nonexistent", .admit = admit});
    struct client c;
    client_open(&c, gone.port);
    client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
    send_blocks(&c, 2000000);
    CHECK(client_read(&c, false).status == 503);
    client_close(&c);
    site_stop(&gone);
}

/* --- time ------------------------------------------------------------------------------------ */

/* What comes slowly is taken, however long it lasts; what stalls is cut. */
static void slow_uploads_are_taken_and_stalled_ones_cut(void)
{
    struct client c;
    uint64_t began = clock_ms();
    client_open(&c, site.port);
    client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", 30 * BLOCK);
    for (int i = 0; i < 30; i++) {
        CHECK(client_send(&c, block, BLOCK), "cut at %d", i);
        poll(NULL, 0, 50);
    }
    CHECK(client_read(&c, false).status == 200);
    CHECK(clock_ms() - began > 1000);
    client_close(&c);
    struct http_stats before, after;
    http_stats(site.server, &before);
    client_open(&c, site.port);
    client_say(&c, "PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", 40 * BLOCK);
    send_blocks(&c, 30 * BLOCK);
    for (int i = 0; i < 1000 && client_send(&c, "x", 1); i++)
        poll(NULL, 0, 10);
    CHECK(client_read(&c, false).status == 0);
    http_stats(site.server, &after);
    CHECK(after.timed_out == before.timed_out + 1);
    client_close(&c);
}

static void all(void)
{
    RUN(refused_before_the_body);
    RUN(refused_while_the_body_comes);
    RUN(refused_without_a_body_the_connection_stays);
    RUN(expectations_are_met);
    RUN(limits_are_those_of_the_request);
    RUN(bodies_arrive_as_they_were_sent);
}

void body_tests(struct tally *t)
{
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = (char)(i * i >> 5);
    if (!mkdtemp(dir)) {
        perror("cannot make a folder");
        exit(1);
    }
    start(false, 0);
    all();
    site_stop(&site);
    start(true, 0);
    all();
    RUN(memory_stays_flat);
    RUN(client_that_leaves_leaves_nothing);
    RUN(full_disk_is_told);
    site_stop(&site);
    start(true, 800);
    RUN(slow_uploads_are_taken_and_stalled_ones_cut);
    site_stop(&site);
    RUN(folder_that_is_gone_is_told);
    rmdir(dir);
    TALLY(t);
}
