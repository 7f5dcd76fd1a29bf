/*
 * Answers that are written to the connection here, past libmicrohttpd: what it cannot send at all
 * (early.c), and the last of a connection that ends after its first request. libmicrohttpd sends
 * such an answer, pushes it out by another system call, and closes, which sends a segment of its
 * own; here the answer and the end leave together. A machine that boots from a hall of them asks
 * for each thing over a new connection.
 */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "base/always.h"
#include "http/server.h"

#define HEAD_MAX 4096
/* So much goes into an empty send buffer, whatever its size is set to. */
#define LAST_MAX 4096

/* IMF-fixdate (RFC 9110, 5.6.7), made once a second. */
static struct str date_now(void)
{
    static _Thread_local time_t made;
    static _Thread_local char text[40];
    static _Thread_local size_t n;
    time_t now = time(NULL);
    if (now != made || n == 0) {
        struct tm t;
        n = gmtime_r(&now, &t) ? strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &t) : 0;
        made = now;
    }
    return str_of(text, n);
}

static void add_field(struct buf *to, struct str name, struct str value)
{
    buf_add_str(to, name);
    buf_add_lit(to, ": ");
    buf_add_str(to, value);
    buf_add_lit(to, "\r\n");
}

static void add_head(struct buf *to, const struct http_response *p)
{
    buf_add_lit(to, "HTTP/1.1 ");
    buf_add_u64(to, (uint64_t)p->status);
    buf_add_byte(to, ' ');
    buf_add_str(to, str_c(MHD_get_reason_phrase_for((unsigned)p->status)));
    buf_add_lit(to, "\r\nConnection: close\r\n");
    add_field(to, STR("Date"), date_now());
    if (p->content_type.p)
        add_field(to, STR("Content-Type"), p->content_type);
    for (int i = 0; i < p->headers_n; i++)
        add_field(to, str_c(p->headers[i].name), str_c(p->headers[i].value));
    buf_add_lit(to, "Content-Length: ");
    buf_add_u64(to, p->body.n);
    buf_add_lit(to, "\r\n\r\n");
}

/* The first bytes of an answer go into an empty buffer of the system's at once. */
static ssize_t write_out(struct connection *c, struct str s, int flags)
{
    if (c->session)
        return tls_send_last(c, s) ? (ssize_t)s.n : -1;
    return send(c->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
}

/* flags: of send. Bytes written of ret_n; -1 with errno. */
static ssize_t write_answer(struct request *r, const struct http_response *p, int flags,
                            size_t *ret_n)
{
    struct buf text;
    buf_in_arena(&text, r->q.arena, HEAD_MAX + p->body.n);
    add_head(&text, p);
    if (!http_is_head(&r->q))
        buf_add_str(&text, p->body);
    *ret_n = text.n;
    errno = ENOMEM;
    return text.failed ? -1 : write_out(r->connection, buf_str(&text), flags);
}

static void set_sent(struct request *r, const struct http_response *p)
{
    r->status = p->status;
    r->bytes = p->body.n;
    r->sent_direct = true;
}

void direct_write(struct request *r, const struct http_response *p)
{
    always(p->kind == HTTP_BODY_COPY || p->kind == HTTP_BODY_STATIC);
    size_t n;
    if (write_answer(r, p, 0, &n) == (ssize_t)n)
        set_sent(r, p);
    shutdown(r->connection->fd, SHUT_WR);
}

static bool ends_connection(const struct request *r, const struct http_response *p)
{
    return p->close || str_ieq(http_header(&r->q, "Connection"), STR("close"));
}

static bool is_plain(const struct http_response *p)
{
    return p->kind != HTTP_BODY_FILE && p->body.n <= LAST_MAX && p->status >= 200 &&
           p->status <= 599 && p->status != 204 && p->status != 304;
}

bool direct_last(struct request *r, const struct http_response *p)
{
    struct connection *c = r->connection;
    if (c->session || atomic_load_explicit(&c->requests, memory_order_relaxed) != 1 ||
        !is_plain(p) || !ends_connection(r, p))
        return false;
    size_t n;
    ssize_t sent = write_answer(r, p, MSG_MORE, &n);
    if (sent < 0)
        return false;
    r->status = p->status;
    if (sent == (ssize_t)n)
        set_sent(r, p);
    return true;
}
