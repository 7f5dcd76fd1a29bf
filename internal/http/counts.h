/*
 * counts.h - how many requests there were, how they ended, and how long they took.
 *
 * Requests are counted by a class of paths and by status. Classes are a fixed list that who handles
 * the requests makes up, so no client can make the counters grow. Thread rule: any thread may count
 * and read; nothing blocks.
 */
#ifndef HTTP_COUNTS_H
#define HTTP_COUNTS_H

#include "base/err.h"
#include "http/http.h"

struct http_counts;

/* names: at least one, constant, ended by NULL. ERR_NOMEM. */
err_code http_counts_make(const char *const *names, struct http_counts **ret, struct err *e);
void http_counts_free(struct http_counts *c);

/* path_class is a place in names; what is beyond is counted as the first. */
void http_counts_add(struct http_counts *c, unsigned path_class, const struct http_done *d);

/* Called for each class and status (0: no answer was sent) that was there at least once. */
typedef void http_each_count(void *arg, const char *path_class, int status, uint64_t n);
void http_counts_each(const struct http_counts *c, http_each_count *each, void *arg);

#define HTTP_BUCKETS 12
/* Upper ends of the buckets in microseconds, included; the last bucket has none. */
extern const uint64_t http_bucket_us[HTTP_BUCKETS - 1];

struct http_durations {
    const char *path_class;
    uint64_t n[HTTP_BUCKETS]; /* of each bucket alone */
    uint64_t sum_us;
};
/* False when there is no such class: they are numbered from 0. */
bool http_counts_durations(const struct http_counts *c, unsigned path_class,
                           struct http_durations *ret);

#endif
