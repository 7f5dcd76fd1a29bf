/* route.h - what the files of rest share: a request on its way from its route to its answer. */
#ifndef REST_ROUTE_H
#define REST_ROUTE_H

#include "rest/rest.h"
#include "value/value.h"

#define REST_PARAMS 2

struct route_match {
    const struct rest_route *route; /* NULL: nothing is served here by this method */
    struct str param[REST_PARAMS];
    const char *allow; /* methods of the path, "GET, HEAD, PUT"; NULL: there is no such path */
    bool below_api;    /* the path is /api or below it */
};

/* What is known of a request since it was admitted; on its arena. */
struct rest_note {
    struct route_match match;
    uint64_t max_body;  /* bytes that were admitted */
    struct str subject; /* of the client's certificate; absent without one */
    bool admin;         /* the token has that role */
    struct str who;     /* the token's name; absent when none was asked for or it was wrong */
    struct str reason;  /* of a problem, also what the client is not told; absent without one */
};

struct rest_call {
    const struct rest *rest;
    struct service *service;
    struct http_request *q;
    struct http_response *r;
    const struct rest_route *route;
    struct rest_note *note;
    struct str param[REST_PARAMS]; /* what the pattern's braces took, in order, decoded */
    bool json;                     /* the answer was made by answer_json */
};

/* --- routes.c */

/* Looks a request up. ERR_NOMEM. */
err_code route_find(const struct http_request *q, struct route_match *ret, struct err *e);

/* --- answer.c */

/* An answer with JSON that lives on the request's arena. */
void answer_json(struct rest_call *c, int status, struct str json);
void answer_value(struct rest_call *c, int status, const struct value *v);
/* Adds the header Vesta-Revision. */
void answer_revision(struct rest_call *c, uint64_t revision);
/* Adds the headers ETag and Vesta-Revision. */
void answer_version(struct rest_call *c, const char *etag, uint64_t revision);

/* {"type","resource","kind","name","action"} of a resource that changes, without the brace at the
   end. */
void answer_change(struct buf *json, const struct store_key *k, enum service_action action);
/* Seconds since 1970 as a string (RFC 3339, UTC); 0 is nil. False without memory. */
bool answer_time(struct arena *a, uint64_t at, struct value *ret);

/*
 * Adds the header Vesta-Findings, a JSON list in ASCII, if there is anything to be told of what was
 * done all the same. What does not fit into 2 KiB is only counted.
 */
void answer_findings(struct rest_call *c, const struct findings *f);

/* --- problem.c */

/*
 * One as clients see it. A place in a body of JSON is a pointer, of which "" is the whole; in a
 * template it is a file. False without memory.
 */
bool finding_value(struct arena *a, const struct finding *x, struct value *ret);

/* Answers with a problem of that status; the text is its detail. */
void problem(struct rest_call *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The problem that an error is for a client, with what was found; f may be NULL. */
void problem_err(struct rest_call *c, const struct err *e, const struct findings *f);

/* --- body.c */

/*
 * What the route takes of a body of the type that is announced. False after it has answered 415. A
 * request without a body passes.
 */
bool body_admit(struct rest_call *c, struct http_admission *ret);
/* type/subtype of the body, without parameters. */
struct str body_type(const struct rest_call *c);

/* What was found as a list, as problems have it. False without memory. */
bool problem_findings(struct arena *a, const struct findings *f, struct value *ret);

/* --- condition.c: RFC 9110, 13 */

/* What a write asks for. False after it has answered with a problem. */
bool condition_of_write(struct rest_call *c, struct service_condition *ret);
/* The status of a read of what has this ETag: 200, 304 or 412. */
int condition_of_read(const struct http_request *q, const char *etag);

/* --- gzip.c */

/* Compresses the answer if it is of JSON and the client asks for it; at the end of each request. */
void gzip_answer(struct rest_call *c);
/* Is gzip asked for, by this Accept-Encoding? */
bool gzip_wanted(struct str accept_encoding);
/* A list of ETags with those of compressed answers as they are without. False without memory. */
bool gzip_plain_etags(struct arena *a, struct str list, struct str *ret);

/* --- handlers */

void public_health(struct rest_call *c);
void public_ready(struct rest_call *c);
void public_openapi(struct rest_call *c);

void list_resources(struct rest_call *c);
void list_templates_of_kind(struct rest_call *c);

void explain_labels(struct rest_call *c);
void explain_render(struct rest_call *c);

void resource_get(struct rest_call *c);
void resource_put(struct rest_call *c);
void resource_patch(struct rest_call *c);
void resource_delete(struct rest_call *c);
/* Who writes, and why as the client says. */
struct service_author resource_author(const struct rest_call *c);
/* The kind that a path names. False after it has answered 404. */
bool resource_kind(struct rest_call *c, struct str name, enum model_kind *ret);
/* {"kind","name","etag","size"} of a template, and "revision" unless that is 0. */
bool resource_template_value(struct arena *a, const struct store_key *k, const char *etag,
                             size_t size, uint64_t revision, struct value *ret);

void plan_bundle(struct rest_call *c);
void apply_bundle(struct rest_call *c);

void revisions_list(struct rest_call *c);
void revisions_get(struct rest_call *c);
void revisions_diff(struct rest_call *c);
void revisions_rollback(struct rest_call *c);

/* "read", "write", "admin". */
const char *rest_role_name(int role);
void tokens_list(struct rest_call *c);
void tokens_create(struct rest_call *c);
void tokens_delete(struct rest_call *c);

/* --- metrics.c */

struct rest_plane {
    const char *name;
    const struct http_server *server;
    const struct http_counts *counts;
};
struct rest {
    struct service *service;
    const char *spool_dir;
    struct log_sink log;
    struct str boot_url;
    bool boot_url_public;
    bool client_certificates;
    const char *version, *commit;
    struct http_counts *counts;
    struct rest_plane planes[REST_PLANES];
    _Atomic unsigned planes_n;
};
/* Ended by NULL. */
extern const char *const metrics_classes[];
/* The class that a route is counted in; of NULL too. */
unsigned metrics_class(const struct rest_route *route);
void metrics_get(struct rest_call *c);

#endif
