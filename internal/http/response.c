#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

bool http_add_header(struct http_response *r, const char *name, const char *value)
{
    if (r->headers_n >= HTTP_HEADERS_MAX)
        return false;
    if (value[strcspn(value, "\r\n")] != '\0')
        return false;
    r->headers[r->headers_n].name = name;
    r->headers[r->headers_n].value = value;
    r->headers_n++;
    return true;
}

void http_text(struct http_request *q, struct http_response *r, int status, const char *fmt, ...)
{
    struct buf text;
    buf_in_arena(&text, q->arena, 64 * 1024);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    buf_add_byte(&text, '\n');
    r->status = status;
    r->content_type = STR("text/plain; charset=utf-8");
    r->kind = HTTP_BODY_COPY;
    r->body = text.failed ? STR("out of memory\n") : buf_str(&text);
    http_add_header(r, "X-Content-Type-Options", "nosniff");
}

static bool add_headers(struct MHD_Response *m, struct http_request *q,
                        const struct http_response *p)
{
    bool ok = true;
    if (p->content_type.p) {
        struct str type = {NULL, 0};
        ok = arena_str(q->arena, p->content_type, &type) &&
             MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, type.p) == MHD_YES;
    }
    for (int i = 0; ok && i < p->headers_n; i++)
        ok = MHD_add_response_header(m, p->headers[i].name, p->headers[i].value) == MHD_YES;
    if (ok && p->close)
        ok = MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    return ok;
}

/* Bytes of the answer's head, with what libmicrohttpd adds; not less than it will be. */
static size_t head_size(const struct http_response *p)
{
    size_t n = 256 + p->content_type.n;
    for (int i = 0; i < p->headers_n; i++)
        n += strlen(p->headers[i].name) + strlen(p->headers[i].value) + sizeof ": \r\n" - 1;
    return n;
}

static struct MHD_Response *from_bytes(struct str body)
{
    /* Not const in the interface, but not written to: the bytes are PERSISTENT, not MUST_FREE. */
    return MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)(body.n ? body.p : ""),
                                           MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *from_file(struct http_response *p)
{
    if (p->length == 0) {
        close(p->fd);
        return from_bytes(STR(""));
    }
    struct MHD_Response *m = MHD_create_response_from_fd_at_offset64(p->length, p->fd, p->offset);
    if (!m)
        close(p->fd);
    return m;
}

/* One more file is being sent, if so many may be; request_end takes it back. */
static bool file_may_be_sent(struct request *r)
{
    struct http_server *s = r->connection->server;
    if (atomic_fetch_add(&s->files, 1) < s->config.max_files) {
        r->sends_file = true;
        return true;
    }
    atomic_fetch_sub(&s->files, 1);
    return false;
}

/* The descriptor is for a connection that waits rather than for this file. */
static void too_many_files(struct request *r, struct http_response *p)
{
    close(p->fd);
    *p = (struct http_response){.status = 503};
    http_text(&r->q, p, 503, "too many files are being sent: wait a second");
    http_add_header(p, "Retry-After", "1");
}

/*
 * The head and the file leave in one piece: libmicrohttpd writes them one after the other, and a
 * head that arrives alone wakes the client twice. request_end lets go of what is held back then.
 */
static void hold_back(struct request *r, const struct http_response *p)
{
    int on = 1;
    r->held_back = p->kind == HTTP_BODY_FILE && p->length > 0 &&
                   setsockopt(r->connection->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0;
}

enum MHD_Result response_send(struct request *r, struct http_response *p)
{
    struct connection *c = r->connection;
    bool whole = r->stage == STAGE_BODY;
    r->stage = STAGE_ANSWERED;
    if (p->kind == HTTP_BODY_FILE && !file_may_be_sent(r))
        too_many_files(r, p);
    if (p->kind == HTTP_BODY_HELD) {
        r->release = p->release;
        r->held = p->held;
    }
    if (whole && direct_last(r, p))
        return MHD_NO;
    int status = p->status >= 200 && p->status <= 599 ? p->status : 500;
    struct MHD_Response *m = p->kind == HTTP_BODY_FILE ? from_file(p) : from_bytes(p->body);
    if (!m)
        return MHD_NO;
    enum MHD_Result queued = MHD_NO;
    if (head_size(p) > r->room) {
        queued = early_refuse_without_memory(r);
    } else if (add_headers(m, &r->q, p)) {
        r->status = status;
        if (status != 304 && status != 204)
            r->bytes = p->kind == HTTP_BODY_FILE ? p->length : p->body.n;
        connection_enter(c, PHASE_SENDING, c->server->config.idle_ms);
        hold_back(r, p);
        queued = MHD_queue_response(r->mhd, (unsigned)status, m);
    }
    MHD_destroy_response(m);
    return queued;
}
