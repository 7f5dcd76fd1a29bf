/* Counters of requests: nothing is lost between threads, and nobody makes them grow. */
#include "http/counts.h"

#include <pthread.h>

#include "../support/check.h"
#include "support.h"

#define THREADS 8
#define EACH    20000

static const char *const names[] = {"other", "one", "two", NULL};

static struct http_counts *make(void)
{
    struct http_counts *c = NULL;
    struct err e = ERR_INIT;
    CHECK(http_counts_make(names, &c, &e) == ERR_OK, "%s", e.msg);
    return c;
}

struct seen {
    char text[2000];
    uint64_t n;
};

static void see(void *arg, const char *path_class, int status, uint64_t n)
{
    struct seen *s = arg;
    size_t at = strlen(s->text);
    snprintf(s->text + at, sizeof s->text - at, "%s/%d=%d ", path_class, status, (int)n);
    s->n += n;
}

static void count(struct http_counts *c, unsigned path_class, int status, uint64_t us)
{
    struct http_done d = {.status = status, .duration_us = us};
    http_counts_add(c, path_class, &d);
}

static void by_class_and_status(void)
{
    struct http_counts *c = make();
    struct seen s = {.text = ""};
    http_counts_each(c, see, &s);
    CHECK(s.n == 0, "%s", s.text);
    count(c, 1, 200, 1);
    count(c, 1, 200, 1);
    count(c, 2, 599, 1);
    count(c, 1, 0, 1);
    count(c, 1, 199, 1);
    count(c, 1, 600, 1);
    count(c, 1, -5, 1);
    count(c, 3, 404, 1);
    count(c, 4000000000u, 404, 1);
    http_counts_each(c, see, &s);
    CHECK(strcmp(s.text, "other/404=2 one/0=4 one/200=2 two/599=1 ") == 0, "%s", s.text);
    http_counts_free(c);
    http_counts_free(NULL);
}

static void by_duration(void)
{
    struct http_counts *c = make();
    struct http_durations d;
    count(c, 1, 200, 0);
    for (int b = 0; b < HTTP_BUCKETS - 1; b++) {
        CHECK(b == 0 || http_bucket_us[b] > http_bucket_us[b - 1]);
        count(c, 1, 200, http_bucket_us[b]);
        count(c, 1, 500, http_bucket_us[b] + 1);
    }
    CHECK(http_counts_durations(c, 1, &d) && strcmp(d.path_class, "one") == 0);
    uint64_t sum = 0;
    for (int b = 0; b < HTTP_BUCKETS; b++) {
        /* The end of a bucket is in it, a microsecond more in the next. */
        CHECK(d.n[b] == (b == HTTP_BUCKETS - 1 ? 1 : 2), "%d: %d", b, (int)d.n[b]);
        sum += b < HTTP_BUCKETS - 1 ? 2 * http_bucket_us[b] + 1 : 0;
    }
    CHECK(d.sum_us == sum);
    CHECK(http_counts_durations(c, 2, &d) && d.n[0] == 0 && d.sum_us == 0);
    CHECK(!http_counts_durations(c, 3, &d));
    http_counts_free(c);
}

static void *count_many(void *arg)
{
    for (int i = 0; i < EACH; i++)
        count(arg, (unsigned)i % 3, 200 + i % 2, 50);
    return NULL;
}

static void from_many_threads(void)
{
    struct http_counts *c = make();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, count_many, c) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct seen s = {.text = ""};
    struct http_durations d;
    uint64_t n = 0;
    http_counts_each(c, see, &s);
    CHECK(s.n == THREADS * EACH, "%s", s.text);
    for (unsigned k = 0; http_counts_durations(c, k, &d); k++)
        n += d.n[0];
    CHECK(n == THREADS * EACH);
    http_counts_free(c);
}

void counts_tests(struct tally *t)
{
    RUN(by_class_and_status);
    RUN(by_duration);
    RUN(from_many_threads);
    TALLY(t);
}
