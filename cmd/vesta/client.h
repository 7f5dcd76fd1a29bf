/*
 * client.h - HTTP requests to a Vesta server, by libcurl.
 */
#ifndef VESTA_CLIENT_H
#define VESTA_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "value/value.h"

struct local;
struct target;
struct progress;
struct finding;

struct client {
    char url[300]; /* of the server, without a path */
    char token[200];
    const char *ca_file, *cert_file, *key_file; /* "": none */
    char pins[1000];     /* the server is whoever has one of these keys; "": its certificate says */
    const char *message; /* why, for the history of writes; NULL: nothing is said */
    const char *if_match;      /* an ETag that the resource must have; NULL: any */
    struct local *local;       /* NULL: a server is asked */
    unsigned seconds;          /* that a request may take; 0: 120 */
    struct progress *progress; /* of a body that is sent; NULL: nothing is shown */
    /* Gives what the server has found the place that its author knows; NULL: it has it. */
    void (*place)(void *arg, struct finding *x);
    void *place_arg;
};

/*
 * Finds the server: --server if it is given, else the one of the data path, which is known by its
 * key if it has TLS; the token from --token-file, VESTA_TOKEN, or the data path's admin.token. The
 * texts of t must stay. ERR_NOT_FOUND says where it was looked for.
 */
err_code client_open(struct client *c, const struct target *t, struct err *e);

/*
 * The same for what only reads: where no server runs, the data path is read in this process, by
 * the code that a server has. To be closed.
 */
err_code client_open_site(struct client *c, const struct target *t, struct err *e);
/* The same for what machines get. public_url: how they would reach the server that is not there; ""
   for its default. */
err_code client_open_machines(struct client *c, const struct target *t, const char *public_url,
                              struct err *e);
/* Only what these two have opened needs it. Does nothing to an empty client. */
void client_close(struct client *c);

/* A local client that is closed when its scope ends. */
#define CLIENT_LOCAL(name) __attribute__((cleanup(client_close))) struct client name = {.url = ""}

#define CLIENT_ETAG_MAX 100

struct client_answer {
    long status;
    struct buf body;            /* to be freed */
    char etag[CLIENT_ETAG_MAX]; /* "" without one */
};
/*
 * One request; body may be absent. ERR_IO when the server cannot be reached. A status of 400 and
 * more is an error with the server's own words: ERR_NOT_FOUND for 404, ERR_DENIED for 401 and 403,
 * ERR_CONFLICT for 409, ERR_STALE for 412, else ERR_INVALID. Findings are printed on stderr.
 */
err_code client_request(const struct client *c, const char *method, const char *path,
                        struct str body, const char *content_type, struct client_answer *ret,
                        struct err *e);
/* The same for an answer of JSON, which lives in a; nil when there is none. body: JSON or absent.
 */
err_code client_json(const struct client *c, const char *method, const char *path, struct str body,
                     struct arena *a, struct value *ret, struct err *e);

/* A list of findings as the API has them, a line each on stderr. */
void client_print_findings(const struct client *c, const struct value *list);

#endif
