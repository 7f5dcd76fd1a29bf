/*
 * support.h - the API on a port of its own over a new data path, and a client for it.
 */
#ifndef TESTS_REST_SUPPORT_H
#define TESTS_REST_SUPPORT_H

#include "rest/rest.h"
#include "support/tally.h"
#include "value/value.h"

void access_tests(struct tally *t);
void resource_tests(struct tally *t);
void condition_tests(struct tally *t);
void invalid_tests(struct tally *t);
void list_tests(struct tally *t);
void race_tests(struct tally *t);
void explain_tests(struct tally *t);
void gzip_tests(struct tally *t);
void openapi_tests(struct tally *t);
void token_tests(struct tally *t);
void plan_tests(struct tally *t);
void revision_tests(struct tally *t);
void metrics_tests(struct tally *t);

/* --- the server ------------------------------------------------------------------------------ */

/* Starts a server with an empty site. Stops the program if it cannot. */
void api_start(void);
void api_stop(void);
/* Questions that ask() in it puts are for a second server of the same data, which has no catalog.
 */
void api_before_ready(void (*questions)(void));
/* vesta.db below the data path. */
const char *api_database(void);
/* Whether the access log has that in it, or gets it within ten seconds. */
bool api_logged(const char *part);
/* Whether the access log has it in it now. */
bool api_log_has(const char *part);

/* Tokens of three roles, one that has expired, and one that nobody has. */
extern const char *admin_token, *write_token, *read_token, *expired_token, *wrong_token;

/* --- the client ------------------------------------------------------------------------------ */

struct reply {
    int status; /* 0: no answer */
    struct str head, body;
    struct value json; /* of the body; nil when it is none */
};

struct question {
    const char *method, *path;
    const char *token;   /* NULL: none is sent */
    const char *headers; /* lines that end in CRLF, or NULL */
    struct str body;     /* absent: none is sent */
};

/* One request on a connection of its own; the reply lives in a. Any thread. */
struct reply ask_in(struct arena *a, const struct question *q);
/* With the admin's token; body and headers may be NULL. Lives until api_stop. */
struct reply ask(const char *method, const char *path, const char *headers, const char *body);
struct reply ask_as(const char *token, const char *method, const char *path, const char *body);
struct reply ask_bytes(const char *method, const char *path, struct str body);

/* The value of a header; absent without it. */
struct str header_of(const struct reply *r, const char *name);
/* The text at a JSON pointer of the body; "" when there is no text. Numbers are negative if absent.
 */
struct str text_at(const struct reply *r, const char *pointer);
double number_at(const struct reply *r, const char *pointer);
/* How many items the list there has; -1 when it is no list. */
int count_at(const struct reply *r, const char *pointer);
bool has(struct str text, const char *part);
/* A problem with this status and type, as RFC 9457 wants it. */
bool is_problem(const struct reply *r, int status, const char *type);
/* A header line for a request: "NAME: VALUE\r\n"; lives until api_stop. */
const char *line(const char *name, struct str value);

#endif
