/*
 * A request from its first line to its answer.
 *
 * libmicrohttpd calls three times or more: with the target, when the request line was read; with
 * the head; with each piece of a body; and once more when all is there. Only then the handler is
 * called, since an answer that is queued earlier closes the connection. That is just what a request
 * with two meanings deserves, so it is answered at the head. One that is not admitted is answered
 * there too if a body would follow, but by early.c.
 */
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/always.h"
#include "http/raw.h"
#include "http/server.h"

/* Room for the head of an ordinary answer in libmicrohttpd's memory for the connection. */
#define ANSWER_ROOM 1024
/* What libmicrohttpd keeps for each header field, and for each pair of a cookie. */
#define FIELD_COST 64

/* --- the request line ------------------------------------------------------------------------ */

/*
 * Hides the query from libmicrohttpd, which would split it into a record for each pair; when they
 * do not fit its memory it loses track of the request and never answers (0.9.75).
 */
static void hide_query(const char *target, size_t n)
{
    const char *mark = memchr(target, '?', n);
    if (mark && mark + 1 < target + n)
        ((char *)(uintptr_t)mark)[1] = '\0';
}

static void split_target(struct http_request *q)
{
    struct str origin = raw_origin_form(q->target);
    size_t mark = str_find_byte(origin, '?', 0);
    q->path = mark ? str_sub(origin, 0, mark) : STR("/");
    if (mark < origin.n)
        q->raw_query = str_skip(origin, mark + 1);
}

static struct request *request_begin(struct connection *c, struct MHD_Connection *mhd)
{
    struct request *r = &c->request;
    always(r->stage == STAGE_NONE);
    *r = (struct request){
        .q = {.arena = &c->arena,
              .remote = c->remote,
              .secure = c->session != NULL,
              .connection = r},
        .connection = c,
        .mhd = mhd,
        .address = &c->peer->address,
        .stage = STAGE_TARGET,
        .body = {.fd = -1},
        .began_us = now_us(),
    };
    atomic_fetch_add_explicit(&c->requests, 1, memory_order_relaxed);
    return r;
}

void *request_on_target(void *server, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *s = server;
    struct connection *c = connection_of(mhd);
    if (!c || c->refused || !target)
        return NULL;
    struct request *r = request_begin(c, mhd);
    connection_enter(c, PHASE_HEADERS, s->config.header_ms);
    r->sent_target = target;
    r->target_n = strlen(target);
    r->target_too_long = r->target_n > s->config.max_target;
    if (!r->target_too_long && arena_str(&c->arena, str_of(target, r->target_n), &r->q.target))
        split_target(&r->q);
    hide_query(target, r->target_n);
    return r;
}

/* --- the head -------------------------------------------------------------------------------- */

struct refusal {
    int status;
    const char *why;
};

static struct refusal check_fields(const struct raw_head *h, bool http_1_0)
{
    if (h->hosts > 1)
        return (struct refusal){400, "more than one Host"};
    if (h->hosts == 0 && !http_1_0)
        return (struct refusal){400, "HTTP/1.1 needs a Host"};
    if (!raw_host(h->host))
        return (struct refusal){400, "the Host is not a host"};
    if (h->content_lengths > 1)
        return (struct refusal){400, "more than one Content-Length"};
    if (h->transfer_encodings > 1)
        return (struct refusal){400, "more than one Transfer-Encoding"};
    if (h->transfer_encodings && h->content_lengths)
        return (struct refusal){400, "Transfer-Encoding beside Content-Length"};
    if (h->transfer_encodings && http_1_0)
        return (struct refusal){400, "Transfer-Encoding in HTTP/1.0"};
    if (h->transfer_encodings && !str_ieq(h->transfer_encoding, STR("chunked")))
        return (struct refusal){501, "the only Transfer-Encoding here is chunked"};
    return (struct refusal){0, NULL};
}

/*
 * The request line, of which libmicrohttpd gives three strings: they must lie one behind the other
 * with one byte between, or there was more between them than one space.
 */
static struct refusal check_line(const struct request *r, const char *method, const char *version)
{
    if (r->target_too_long)
        return (struct refusal){414, "the request target is too long"};
    if (!r->q.target.p)
        return (struct refusal){503, "out of memory"};
    const char *why = raw_target(r->q.target);
    if (why)
        return (struct refusal){400, why};
    if (!raw_token(r->q.method))
        return (struct refusal){400, "the method is not a token"};
    if (method + r->q.method.n + 1 != r->sent_target || r->sent_target + r->target_n + 1 != version)
        return (struct refusal){400, "the request line is not made of three words"};
    return (struct refusal){0, NULL};
}

/* ret_length: what Content-Length says; 0 without one. */
static struct refusal check_head(struct request *r, const char *method, const char *version,
                                 size_t head_n, struct raw_head *head, uint64_t *ret_length)
{
    struct refusal no = check_line(r, method, version);
    if (no.status)
        return no;
    const char *why = raw_scan(version + strlen(version), method + head_n, head);
    if (why)
        return (struct refusal){400, why};
    if (head->content_lengths && !str_to_u64(head->content_length, UINT64_MAX, ret_length))
        return (struct refusal){400, "Content-Length is not a number"};
    return check_fields(head, strcmp(version, "HTTP/1.0") == 0);
}

/*
 * What libmicrohttpd's memory for the connection has left beside the head: it keeps a record for
 * each field, a copy of the cookie, and a record for each pair in that.
 */
static size_t room_left(struct request *r, size_t head_n)
{
    int records = MHD_get_connection_values(r->mhd, MHD_HEADER_KIND | MHD_COOKIE_KIND, NULL, NULL);
    size_t used = head_n + (size_t)records * FIELD_COST + http_header(&r->q, "Cookie").n;
    size_t pool = r->connection->server->config.pool;
    return used < pool ? pool - used : 0;
}

static enum MHD_Result refuse(struct request *r, struct refusal no)
{
    struct http_response p = {0};
    p.close = true;
    http_text(&r->q, &p, no.status, "%d %s", no.status, no.why);
    return response_send(r, &p);
}

/* --- admission ------------------------------------------------------------------------------- */

/* The answer to a request whose body is not taken. */
static void fill_refusal(struct request *r, int status, const char *why, struct http_response *p)
{
    const struct http_config *config = &r->connection->server->config;
    if (config->refuse)
        config->refuse(config->ctx, &r->q, status, why, p);
    else
        http_text(&r->q, p, status, "%d %s", status, why);
}

static enum MHD_Result refuse_body(struct request *r, int status, const char *why)
{
    struct http_response p = {0};
    fill_refusal(r, status, why, &p);
    return early_answer(r, &p);
}

/* Without a body the answer waits for the last call, so that the connection stays. */
static enum MHD_Result not_admitted(struct request *r, const struct http_response *p, bool body)
{
    if (body)
        return early_answer(r, p);
    r->refusal = arena_alloc(r->q.arena, sizeof *r->refusal);
    if (!r->refusal)
        return MHD_NO;
    *r->refusal = *p;
    r->stage = STAGE_BODY;
    return MHD_YES;
}

/* length: of a body that is announced so; 0 for one in chunks. */
static enum MHD_Result admit(struct request *r, uint64_t length)
{
    struct connection *c = r->connection;
    const struct http_config *config = &c->server->config;
    bool body = r->chunked || length > 0;
    struct http_admission a = {.max_body = config->max_body};
    struct http_response p = {0};
    if (config->admit && !config->admit(config->ctx, &r->q, &a, &p))
        return not_admitted(r, &p, body);
    if (length > a.max_body || (r->chunked && a.max_body == 0))
        return refuse_body(r, 413, "the body is too large");
    r->stage = STAGE_BODY;
    if (!body)
        return MHD_YES;
    r->spooled = a.spool && config->spool_dir;
    body_init(&r->body, a.max_body, r->spooled ? config->spool_dir : NULL);
    connection_enter(c, PHASE_BODY, config->body_ms);
    return MHD_YES;
}

static enum MHD_Result on_head(struct request *r, const char *method, const char *version)
{
    size_t head_n =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    r->q.method = str_c(method);
    struct raw_head head = {0};
    uint64_t length = 0;
    struct refusal no = check_head(r, method, version, head_n, &head, &length);
    r->room = room_left(r, head_n);
    if (r->room < ANSWER_ROOM)
        return early_refuse_without_memory(r);
    if (no.status)
        return refuse(r, no);
    if (r->connection->proxy)
        forwarded_read(r);
    r->chunked = head.transfer_encodings > 0;
    return admit(r, length);
}

/* --- the body -------------------------------------------------------------------------------- */

/* More than the announced length never comes, so only a chunked body can be too large here. */
static enum MHD_Result on_piece(struct request *r, const char *data, size_t *size)
{
    const struct http_config *config = &r->connection->server->config;
    struct body_trouble t = body_add(&r->body, data, *size);
    *size = 0;
    if (t.status) {
        body_free(&r->body);
        return refuse_body(r, t.status, t.why);
    }
    if (r->spooled && r->body.n - r->progress >= HTTP_SPOOL_PROGRESS) {
        r->progress = r->body.n;
        connection_enter(r->connection, PHASE_BODY, config->body_ms);
    }
    return MHD_YES;
}

static enum MHD_Result on_whole(struct request *r)
{
    struct connection *c = r->connection;
    const struct http_config *config = &c->server->config;
    struct http_response p = {0};
    connection_enter(c, PHASE_HANDLING, 0);
    struct body_trouble t = body_whole(&r->body, &r->q.body);
    if (r->refusal)
        p = *r->refusal;
    else if (t.status)
        fill_refusal(r, t.status, t.why, &p);
    else
        config->handler(config->ctx, &r->q, &p);
    if (r->chunked || t.status || atomic_load(&c->server->stopping))
        p.close = true;
    return response_send(r, &p);
}

enum MHD_Result request_on_access(void *server, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    (void)server, (void)mhd, (void)url;
    struct request *r = *context;
    if (!r)
        return MHD_NO;
    switch (r->stage) {
    case STAGE_TARGET: return on_head(r, method, version);
    case STAGE_BODY: return *size ? on_piece(r, data, size) : on_whole(r);
    case STAGE_DISCARD: return early_discard(r, size);
    case STAGE_NONE:
    case STAGE_ANSWERED: break;
    }
    return MHD_NO;
}

/* --- the end --------------------------------------------------------------------------------- */

static void tell_done(struct connection *c, const struct request *r, bool completed)
{
    const struct http_config *config = &c->server->config;
    if (!config->done)
        return;
    struct http_done d = {
        .status = r->status,
        .bytes = r->bytes,
        .duration_us = now_us() - r->began_us,
        .completed = r->status && (completed || r->sent_direct),
    };
    config->done(config->ctx, &r->q, &d);
}

void request_end(struct connection *c, bool completed)
{
    struct http_server *s = c->server;
    struct request *r = &c->request;
    if (r->stage == STAGE_NONE)
        return;
    int off = 0;
    if (r->held_back && r->mhd)
        setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
    if (r->sends_file)
        atomic_fetch_sub(&s->files, 1);
    tell_done(c, r, completed);
    if (r->release)
        r->release(r->held);
    body_free(&r->body);
    arena_reset(&c->arena);
    r->stage = STAGE_NONE;
    connection_enter(c, PHASE_IDLE, (uint64_t)s->config.idle_ms + s->config.header_ms);
    if (atomic_load(&s->stopping)) {
        pthread_mutex_lock(&s->lock);
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
    }
}

void request_on_completed(void *server, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode why)
{
    (void)server;
    if (!*context)
        return;
    *context = NULL;
    request_end(connection_of(mhd), why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

/* --- what handlers call ---------------------------------------------------------------------- */

struct str http_header(const struct http_request *q, const char *name)
{
    const struct request *r = q->connection;
    const char *value = NULL;
    size_t n = 0;
    if (MHD_lookup_connection_value_n(r->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &n) ==
            MHD_NO ||
        !value)
        return (struct str){NULL, 0};
    while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        n--;
    return str_of(value, n);
}

bool http_is_head(const struct http_request *q)
{
    return str_eq(q->method, STR("HEAD"));
}
