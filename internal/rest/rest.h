/*
 * rest.h - the API plane: paths, headers and JSON to calls of `service` and back.
 *
 * Every request under /api needs a bearer token, whether the path is known or not, except for the
 * routes whose role is REST_PUBLIC. Errors are application/problem+json (RFC 9457) with every
 * finding. Nothing here is kept between requests, so a struct rest may be used by any number of
 * threads; it must outlive the server that calls rest_handle.
 */
#ifndef REST_REST_H
#define REST_REST_H

#include "base/err.h"
#include "base/log.h"
#include "http/counts.h"
#include "http/http.h"
#include "service/service.h"

struct rest;
struct rest_call;

struct rest_config {
    struct service *service; /* stays the caller's */
    struct log_sink log;
    const char *boot_url; /* where machines reach the boot plane, for the scripts that are shown;
                             stays the caller's */
    bool boot_url_public; /* an operator said so, so it is in all scripts */
    bool client_certificates;     /* every request needs a verified one, and a token still */
    const char *version, *commit; /* of the program, for /metrics; NULL: not told */
    const char *spool_dir; /* where large answers are kept until they are sent, in files without a
                              name; by reference; NULL: in memory */
};

/* ERR_NOMEM. */
err_code rest_make(const struct rest_config *c, struct rest **ret, struct err *e);
void rest_free(struct rest *r);

/*
 * For struct http_config, together; rest is the struct rest. Token, role and the body's type and
 * announced length are looked at in rest_admit, before a byte of the body is read; how large a body
 * may be is the route's. A write returns when it is on disk and served.
 */
bool rest_admit(void *rest, struct http_request *q, struct http_admission *ret,
                struct http_response *r);
void rest_handle(void *rest, struct http_request *q, struct http_response *r);
void rest_refuse(void *rest, struct http_request *q, int status, const char *why,
                 struct http_response *r);

/*
 * An http_done_fn for requests of rest_handle: counts, and writes the access log, with the token's
 * name and, where the answer is a problem, its reason. Never a token.
 */
void rest_done(void *rest, const struct http_request *q, const struct http_done *d);

#define REST_PLANES 3

/*
 * From now on /metrics tells of this server: its connections and certificates, and requests as they
 * are counted there; counts is NULL where another server's are those of this one too. plane is
 * constant. Both must stay until rest_handle is not called any more. At most
 * REST_PLANES times.
 */
void rest_watch(struct rest *r, const char *plane, const struct http_server *server,
                const struct http_counts *counts);
/* The requests of rest_handle itself, by what they were about; lives as long as r. */
const struct http_counts *rest_counts(const struct rest *r);

/* --- the route table --------------------------------------------------------------------------
 */

#define REST_PUBLIC 0 /* a role: no token is asked for */

/*
 * A kind of body that a route takes. A body of no such type is 415; one without a type, or of the
 * type that curl gives to whatever it sends (application/x-www-form-urlencoded), is taken for the
 * first kind.
 */
struct rest_body {
    const char *type; /* media type; "": any */
    uint64_t max;     /* bytes; 0 ends a list */
    bool spool;       /* in a file if it is large, so that memory stays flat */
};

struct rest_route {
    const char *method;   /* one; GET stands for HEAD too */
    const char *pattern;  /* "/api/v1/groups/{id}"; a last "{name...}" takes all that is left */
    int role;             /* the least enum store_role that may, or REST_PUBLIC */
    enum store_type type; /* of the resources that it is about; 0: none */
    void (*handler)(struct rest_call *);
    const struct rest_body *bodies; /* NULL: a small one of any type is ignored */
};

/* All that is served: one row for each operation of api/openapi.yaml. Constant. */
const struct rest_route *rest_routes(size_t *ret_n);

#endif
