#include "rest/rest.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/always.h"
#include "rest/route.h"

err_code rest_make(const struct rest_config *c, struct rest **ret, struct err *e)
{
    struct rest *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory while starting the API");
    r->service = c->service;
    r->log = c->log;
    r->boot_url = str_c(c->boot_url ? c->boot_url : "http://127.0.0.1:8080");
    r->boot_url_public = c->boot_url_public;
    r->spool_dir = c->spool_dir;
    r->client_certificates = c->client_certificates;
    r->version = c->version ? c->version : "";
    r->commit = c->commit ? c->commit : "";
    err_code code = http_counts_make(metrics_classes, &r->counts, e);
    if (code)
        rest_free(r);
    else
        *ret = r;
    return code;
}

void rest_free(struct rest *r)
{
    if (r)
        http_counts_free(r->counts);
    free(r);
}

void rest_watch(struct rest *r, const char *plane, const struct http_server *server,
                const struct http_counts *counts)
{
    unsigned n = atomic_load(&r->planes_n);
    always(n < REST_PLANES);
    r->planes[n] = (struct rest_plane){plane, server, counts};
    atomic_store(&r->planes_n, n + 1);
}

const struct http_counts *rest_counts(const struct rest *r)
{
    return r->counts;
}

/* --- who asks --------------------------------------------------------------------------------- */

/* The token of "Bearer TOKEN" (RFC 6750, 2.1); absent if there is none. */
static struct str bearer_token(const struct http_request *q)
{
    struct str token;
    struct str scheme = str_cut(http_header(q, "Authorization"), ' ', &token);
    if (!str_ieq(scheme, STR("Bearer")))
        return (struct str){NULL, 0};
    while (token.n && token.p[0] == ' ')
        token = str_skip(token, 1);
    return token;
}

static void refuse_stranger(struct rest_call *c, const char *why)
{
    http_add_header(c->r, "WWW-Authenticate", "Bearer");
    problem(c, 401, "%s", why);
}

/* False after it has answered. */
static bool authenticate(struct rest_call *c, struct service_identity *ret)
{
    struct str token = bearer_token(c->q), name;
    if (!token.n) {
        refuse_stranger(c, "this needs a token: send \"Authorization: Bearer TOKEN\"; the first "
                           "token is in admin.token in the server's data path");
        return false;
    }
    struct err e = ERR_INIT;
    err_code code = service_authenticate(c->service, token, ret, &e);
    if (code == ERR_DENIED) {
        refuse_stranger(c, "no token is this one, or it has expired");
        return false;
    }
    if (!code && !arena_str(c->q->arena, str_c(ret->name), &name))
        code = err_set(&e, ERR_NOMEM, "out of memory for a request");
    if (code) {
        problem_err(c, &e, NULL);
        return false;
    }
    c->note->who = name;
    return true;
}

/* The client's certificate, which is looked at first. False after it has answered. */
static bool certified(struct rest_call *c)
{
    struct str text;
    enum http_client_certificate is = http_client(c->q, &text);
    if (is == HTTP_CLIENT_VERIFIED) {
        c->note->subject = text;
        return true;
    }
    if (!c->rest->client_certificates)
        return true;
    if (is == HTTP_CLIENT_REFUSED)
        problem(c, 403, "the client certificate is refused: %.*s", STR_FMT(text));
    else
        problem(c, 403, "this needs a client certificate, signed by a CA of --tls-ca-file");
    return false;
}

/* Is the token's role enough? Also a path that does not exist is told only to who may read. */
static bool may(struct rest_call *c, const struct route_match *m)
{
    int needed = m->route ? m->route->role : m->below_api ? STORE_ROLE_READ : REST_PUBLIC;
    struct service_identity who = {.role = STORE_ROLE_READ};
    if (needed == REST_PUBLIC)
        return true;
    if (!authenticate(c, &who))
        return false;
    c->note->admin = who.role == STORE_ROLE_ADMIN;
    if ((int)who.role >= needed)
        return true;
    problem(c, 403, "the token \"%s\" has the role %s, and this needs %s", who.name,
            rest_role_name((int)who.role), rest_role_name(needed));
    return false;
}

/* --- a request -------------------------------------------------------------------------------- */

static struct rest_call call_of(struct rest *self, struct http_request *q, struct http_response *r)
{
    struct rest_note *note = q->note;
    struct rest_call c = {.rest = self,
                          .service = self->service,
                          .q = q,
                          .r = r,
                          .route = note->match.route,
                          .note = note};
    memcpy(c.param, note->match.param, sizeof c.param);
    return c;
}

/* False after it has answered. */
static bool find_route(struct rest_call *c)
{
    struct route_match m;
    struct err e = ERR_INIT;
    if (route_find(c->q, &m, &e)) {
        problem_err(c, &e, NULL);
        return false;
    }
    c->note->match = m;
    c->route = m.route;
    if (!may(c, &m))
        return false;
    if (!m.route && m.allow) {
        http_add_header(c->r, "Allow", m.allow);
        problem(c, 405, "%.*s is not possible here; %s is", STR_FMT(c->q->method), m.allow);
    } else if (!m.route) {
        problem(c, 404, "there is nothing at this path");
    }
    return m.route != NULL;
}

bool rest_admit(void *rest, struct http_request *q, struct http_admission *ret,
                struct http_response *r)
{
    struct rest_note *note = arena_calloc(q->arena, 1, sizeof *note);
    if (!note) {
        http_text(q, r, 500, "out of memory");
        return false;
    }
    q->note = note;
    struct rest_call c = call_of(rest, q, r);
    if (!certified(&c) || !find_route(&c) || !body_admit(&c, ret))
        return false;
    note->max_body = ret->max_body;
    return true;
}

void rest_refuse(void *rest, struct http_request *q, int status, const char *why,
                 struct http_response *r)
{
    struct rest_call c = call_of(rest, q, r);
    if (status == 413)
        problem(&c, status, "%s: the most is %llu bytes", why,
                (unsigned long long)c.note->max_body);
    else
        problem(&c, status, "%s", why);
}

void rest_handle(void *rest, struct http_request *q, struct http_response *r)
{
    struct rest_call c = call_of(rest, q, r);
    c.route->handler(&c);
    gzip_answer(&c);
}

void rest_done(void *rest, const struct http_request *q, const struct http_done *d)
{
    struct rest *self = rest;
    const struct rest_note *note = q->note;
    http_counts_add(self->counts, metrics_class(note ? note->match.route : NULL), d);
    struct log_field f[9];
    size_t n = 0;
    f[n++] = log_text("method", q->method);
    f[n++] = log_text("path", q->path);
    f[n++] = log_number("status", (uint64_t)d->status);
    f[n++] = log_number("duration_us", d->duration_us);
    f[n++] = log_number("bytes", d->bytes);
    if (note && note->who.p)
        f[n++] = log_text("who", note->who);
    if (note && note->subject.p)
        f[n++] = log_text("tls_subject", note->subject);
    f[n++] = log_text("remote", str_c(q->remote));
    if (note && note->reason.p)
        f[n++] = log_text("reason", note->reason);
    log_event(&self->log, d->status >= 500 ? LOG_WARN_LEVEL : LOG_INFO_LEVEL, "api-request", f, n);
}
