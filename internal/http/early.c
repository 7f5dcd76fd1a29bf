/*
 * Answers that libmicrohttpd cannot send: before or amid a body that is not wanted, or when it has
 * no memory left for a head. It would take an answer before the body, but then closes a socket that
 * holds unread bytes, and the reset overtakes the answer; amid a body it takes none. So these are
 * written to the connection here, and what the client still sends is thrown away for a while.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/always.h"
#include "http/server.h"

#define HEAD_MAX 4096
/* How long, and how much of, an unwanted body is thrown away, so that the answer is seen. */
#define DISCARD_MS  5000
#define DISCARD_MAX ((uint64_t)64 << 20)

static void add_head(struct buf *to, const struct http_response *p)
{
    char date[64];
    time_t now = time(NULL);
    struct tm t;
    buf_addf(to, "HTTP/1.1 %d %s\r\nConnection: close\r\n", p->status,
             MHD_get_reason_phrase_for((unsigned)p->status));
    if (gmtime_r(&now, &t) && strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &t))
        buf_addf(to, "Date: %s\r\n", date);
    if (p->content_type.p)
        buf_addf(to, "Content-Type: %.*s\r\n", STR_FMT(p->content_type));
    for (int i = 0; i < p->headers_n; i++)
        buf_addf(to, "%s: %s\r\n", p->headers[i].name, p->headers[i].value);
    buf_addf(to, "Content-Length: %zu\r\n\r\n", p->body.n);
}

/* The first bytes of an answer go into an empty buffer of the system's at once. */
static bool write_out(struct connection *c, struct str s)
{
    if (c->session)
        return tls_send_last(c, s);
    return send(c->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)s.n;
}

void early_write(struct request *r, const struct http_response *p)
{
    always(p->kind == HTTP_BODY_COPY || p->kind == HTTP_BODY_STATIC);
    struct connection *c = r->connection;
    BUF_LOCAL(text, HEAD_MAX + p->body.n);
    add_head(&text, p);
    if (!http_is_head(&r->q))
        buf_add_str(&text, p->body);
    r->stage = STAGE_DISCARD;
    if (!text.failed && write_out(c, buf_str(&text))) {
        r->status = p->status;
        r->bytes = p->body.n;
        r->sent_early = true;
    }
    shutdown(c->fd, SHUT_WR);
}

enum MHD_Result early_answer(struct request *r, const struct http_response *p)
{
    bool begun = r->stage == STAGE_BODY;
    early_write(r, p);
    connection_enter(r->connection, PHASE_BODY, DISCARD_MS);
    /* Else libmicrohttpd sends its 100 now; and a client that waits for it sends no body. */
    return !begun && http_header(&r->q, "Expect").n ? MHD_NO : MHD_YES;
}

enum MHD_Result early_discard(struct request *r, size_t *size)
{
    bool at_end = *size == 0;
    r->discarded += *size;
    *size = 0;
    return at_end || r->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result early_refuse_without_memory(struct request *r)
{
    struct http_response p = {.status = 431};
    early_write(r, &p);
    r->stage = STAGE_ANSWERED;
    return MHD_NO;
}
