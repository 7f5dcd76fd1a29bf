#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"

#define PATIENCE_S 10
#define BIG        (8 * 1024 * 1024)

uint64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- the server ------------------------------------------------------------------------------ */

static void wait_at_gate(struct site *s)
{
    pthread_mutex_lock(&s->lock);
    s->waiting++;
    pthread_cond_broadcast(&s->changed);
    while (!s->open)
        pthread_cond_wait(&s->changed, &s->lock);
    s->waiting--;
    pthread_mutex_unlock(&s->lock);
}

static void release_body(void *site)
{
    atomic_fetch_add(&((struct site *)site)->released, 1);
}

static void answer_echo(struct http_request *q, struct http_response *r)
{
    struct buf b;
    buf_in_arena(&b, q->arena, 1024 * 1024);
    struct str agent = http_header(q, "user-agent");
    buf_addf(&b,
             "method=%.*s\ntarget=%.*s\npath=%.*s\nquery=%s%.*s\nagent=%.*s\nremote=%s\n"
             "local=%s\nbody=",
             STR_FMT(q->method), STR_FMT(q->target), STR_FMT(q->path),
             q->raw_query.p ? "" : "(none)", STR_FMT(q->raw_query), STR_FMT(agent), q->remote,
             http_local(q));
    buf_add_str(&b, q->body);
    r->status = 200;
    r->kind = HTTP_BODY_COPY;
    r->body = buf_str(&b);
    r->content_type = STR("text/plain");
}

static void answer_header(struct http_request *q, struct http_response *r)
{
    uint64_t n = 0;
    str_to_u64(q->raw_query, 100000, &n);
    char *value = arena_alloc(q->arena, n + 1);
    memset(value, 'v', n);
    value[n] = '\0';
    r->status = 200;
    http_add_header(r, "X-Long", value);
    r->kind = HTTP_BODY_STATIC;
    r->body = STR("ok");
}

static void answer_sum(struct http_request *q, struct http_response *r)
{
    struct buf b;
    buf_in_arena(&b, q->arena, 100);
    buf_addf(&b, "%zu %016llx", q->body.n, (unsigned long long)hash_bytes(q->body, 1));
    r->status = 200;
    r->kind = HTTP_BODY_COPY;
    r->body = buf_str(&b);
}

static void answer_copy(struct http_request *q, struct http_response *r)
{
    char local[] = "copied";
    struct str copy = {NULL, 0};
    arena_str(q->arena, str_c(local), &copy);
    r->status = 200;
    r->kind = HTTP_BODY_COPY;
    r->body = copy;
}

static void answer_held(struct site *s, struct http_response *r)
{
    r->status = 200;
    r->kind = HTTP_BODY_HELD;
    r->body = STR("held");
    r->release = release_body;
    r->held = s;
}

static void answer_big(struct http_request *q, struct http_response *r)
{
    char *p = arena_alloc(q->arena, BIG);
    memset(p, 'b', BIG);
    r->status = 200;
    r->kind = HTTP_BODY_COPY;
    r->body = str_of(p, BIG);
}

static void handle(void *ctx, struct http_request *q, struct http_response *r)
{
    struct site *s = ctx;
    atomic_fetch_add(&s->handled, 1);
    if (str_is(q->path, "/echo")) {
        answer_echo(q, r);
    } else if (str_is(q->path, "/sum")) {
        answer_sum(q, r);
    } else if (str_is(q->path, "/hold")) {
        wait_at_gate(s);
        http_text(q, r, 200, "let through");
    } else if (str_is(q->path, "/held")) {
        answer_held(s, r);
    } else if (str_is(q->path, "/copy")) {
        answer_copy(q, r);
    } else if (str_is(q->path, "/static")) {
        r->status = 200;
        r->kind = HTTP_BODY_STATIC;
        r->body = STR("static");
    } else if (str_is(q->path, "/big")) {
        answer_big(q, r);
    } else if (str_is(q->path, "/header")) {
        answer_header(q, r);
    } else if (str_is(q->path, "/file") && s->file >= 0) {
        int fd = dup(s->file);
        struct stat st = {0};
        fstat(fd, &st);
        http_file(q, r, fd, &st, s->file_type);
    } else {
        http_text(q, r, 404, "404 page not found");
    }
}

static void on_done(void *ctx, const struct http_request *q, const struct http_done *d)
{
    struct site *s = ctx;
    (void)q;
    atomic_store(&s->last_status, d->status);
    if (!d->completed)
        atomic_fetch_add(&s->done_incomplete, 1);
    atomic_fetch_add(&s->done, 1);
}

void site_start(struct site *s, struct http_config c)
{
    *s = (struct site){.file = -1, .file_type = "application/octet-stream"};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    c.address = "127.0.0.1:0";
    c.handler = handle;
    c.done = on_done;
    c.ctx = s;
    struct err e = ERR_INIT;
    if (http_start(&c, &s->server, &e)) {
        fprintf(stderr, "cannot start the server: %s\n", e.msg);
        exit(1);
    }
    s->port = http_port(s->server);
}

void site_stop(struct site *s)
{
    site_open_gate(s);
    http_stop(s->server, 5000);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

void site_wait_for_handler(struct site *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->waiting == 0)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void site_open_gate(struct site *s)
{
    pthread_mutex_lock(&s->lock);
    s->open = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* --- the client ------------------------------------------------------------------------------ */

static void open_with(struct client *c, unsigned port, int receive_buffer)
{
    c->read_n = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    buf_init(&c->in, (size_t)4 << 30);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(c->fd);
        c->fd = -1;
    }
}

void client_open(struct client *c, unsigned port)
{
    open_with(c, port, 0);
}

void client_open_small_window(struct client *c, unsigned port)
{
    open_with(c, port, 4096);
}

void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    buf_free(&c->in);
}

bool client_send(struct client *c, const void *p, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        ssize_t k = send(c->fd, (const char *)p + sent, n - sent, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        sent += (size_t)k;
    }
    return true;
}

void client_say(struct client *c, const char *fmt, ...)
{
    BUF_LOCAL(text, 1024 * 1024);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    client_send(c, text.p, text.n);
}

static bool receive(struct client *c)
{
    char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return false;
    buf_add(&c->in, chunk, (size_t)n);
    return true;
}

struct str reply_header(const struct reply *r, const char *name)
{
    struct str rest = r->head;
    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        size_t colon = str_find_byte(line, ':', 0);
        if (colon == line.n || !str_ieq(str_sub(line, 0, colon), str_c(name)))
            continue;
        struct str value = str_skip(line, colon + 2);
        value.n -= value.n && value.p[value.n - 1] == '\r';
        return value;
    }
    return (struct str){NULL, 0};
}

/* Forgets the reply that was read before. */
static void drop_read(struct client *c)
{
    if (c->read_n)
        memmove(c->in.p, c->in.p + c->read_n, c->in.n - c->read_n);
    c->in.n -= c->read_n;
    c->read_n = 0;
}

static uint64_t body_length(const struct reply *r, bool to_head)
{
    uint64_t n = 0;
    if (!to_head && r->status != 304 && r->status != 204)
        str_to_u64(reply_header(r, "Content-Length"), UINT64_MAX, &n);
    return n;
}

struct reply client_read(struct client *c, bool to_head)
{
    struct reply r = {0};
    drop_read(c);
    size_t end;
    while ((end = str_find(buf_str(&c->in), STR("\r\n\r\n"), 0)) == c->in.n)
        if (!receive(c))
            return r;
    end += 4;
    uint64_t status = 0;
    str_to_u64(str_sub(buf_str(&c->in), 9, 12), 999, &status);
    r.status = (int)status;
    r.head = str_of(c->in.p, end);
    uint64_t length = body_length(&r, to_head);
    while (c->in.n - end < length && receive(c))
        ;
    r.whole = c->in.n - end >= length;
    r.head = str_of(c->in.p, end);
    r.body = str_of(c->in.p + end, r.whole ? length : c->in.n - end);
    c->read_n = end + r.body.n;
    return r;
}

bool client_at_end(struct client *c)
{
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

int status_of(unsigned port, const char *request, size_t n)
{
    struct client c;
    client_open(&c, port);
    client_send(&c, request, n);
    int status = client_read(&c, false).status;
    client_close(&c);
    return status;
}
