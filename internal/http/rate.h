/*
 * rate.h - how often an address may do something: so many times a minute, and a minute's worth at
 * once.
 *
 * A table of fixed size, so that no number of addresses makes it grow: when it is full, who did
 * least is forgotten. IPv6 addresses count by their first 64 bits, which one client has all of.
 * Loopback is never limited. Thread rule: any thread; nothing blocks. Cost: a load while nobody is
 * over the limit; 128 KiB.
 */
#ifndef HTTP_RATE_H
#define HTTP_RATE_H

#include "base/err.h"
#include "http/http.h"

struct http_rate;

#define HTTP_RATE_MAX 60000

/* per_minute: 1 to HTTP_RATE_MAX. ERR_NOMEM. */
err_code http_rate_make(unsigned per_minute, struct http_rate **ret, struct err *e);
void http_rate_free(struct http_rate *r);
/* Who asks did it once more. r: NULL does nothing. */
void http_rate_spend(struct http_rate *r, const struct http_request *q);
/* Seconds until who asks may do it again; 0: now. r: NULL is 0. */
unsigned http_rate_wait(struct http_rate *r, const struct http_request *q);

#endif
