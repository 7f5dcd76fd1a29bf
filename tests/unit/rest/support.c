#include "support.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/always.h"
#include "store/store.h"

#define PATIENCE_S 30

const char *admin_token = "token-of-the-admin";
const char *write_token = "token-of-a-writer";
const char *read_token = "token-of-a-reader";
const char *expired_token = "token-of-long-ago";
const char *wrong_token = "token-of-nobody";

static struct {
    char dir[64];
    char database[96];
    struct service *service;
    struct rest *rest;
    struct http_server *server;
    struct arena arena;
    pthread_mutex_t lock; /* guards log */
    pthread_cond_t logged;
    struct buf log;
} api = {.lock = PTHREAD_MUTEX_INITIALIZER, .logged = PTHREAD_COND_INITIALIZER};

static void must(err_code c, const struct err *e)
{
    if (c == ERR_OK)
        return;
    fprintf(stderr, "%s: %s\n", e->file, e->msg);
    exit(1);
}

/* --- the server ------------------------------------------------------------------------------ */

static void add_token(struct store *s, const char *name, enum store_role role, const char *secret,
                      uint64_t expires)
{
    struct store_token t = {
        .id = str_c(name), .name = str_c(name), .role = role, .created = 1, .expires = expires};
    crypto_hash_sha256(t.hash, (const unsigned char *)secret, strlen(secret));
    struct err e = ERR_INIT;
    must(store_token_put(s, &t, &e), &e);
}

static void add_tokens(void)
{
    struct store *s;
    struct err e = ERR_INIT;
    must(store_open(&(struct store_options){.path = api.database}, &s, &e), &e);
    add_token(s, "root", STORE_ROLE_ADMIN, admin_token, 0);
    add_token(s, "writer", STORE_ROLE_WRITE, write_token, 0);
    add_token(s, "reader", STORE_ROLE_READ, read_token, 0);
    add_token(s, "gone", STORE_ROLE_ADMIN, expired_token, 2);
    store_close(s);
}

static void keep_line(void *ctx, enum log_level level, const char *event,
                      const struct log_field *fields, size_t n)
{
    struct log_clock clock = {0};
    (void)ctx;
    pthread_mutex_lock(&api.lock);
    log_line(&api.log, LOG_TEXT, &clock, 0, level, event, fields, n);
    pthread_cond_broadcast(&api.logged);
    pthread_mutex_unlock(&api.lock);
}

static void start_server(void)
{
    struct err e = ERR_INIT;
    struct rest_config rc = {
        .service = api.service, .log = {.write = keep_line}, .version = "1.2.3", .commit = "abc"};
    must(rest_make(&rc, &api.rest, &e), &e);
    struct http_config hc = {.address = "127.0.0.1:0",
                             .thread_each = true,
                             .spool_dir = api.dir,
                             .admit = rest_admit,
                             .handler = rest_handle,
                             .refuse = rest_refuse,
                             .done = rest_done,
                             .ctx = api.rest};
    must(http_start(&hc, &api.server, &e), &e);
    rest_watch(api.rest, "api", api.server, rest_counts(api.rest));
}

void api_start(void)
{
    snprintf(api.dir, sizeof api.dir, "/tmp/vesta-rest-XXXXXX");
    always(mkdtemp(api.dir));
    snprintf(api.database, sizeof api.database, "%s/vesta.db", api.dir);
    arena_init(&api.arena, (size_t)1 << 30);
    buf_init(&api.log, 16 << 20);
    struct err e = ERR_INIT;
    struct service_options so = {.data_path = api.dir, .create = true};
    must(service_open(&so, &api.service, &e), &e);
    add_tokens();
    start_server();
}

void api_before_ready(void (*questions)(void))
{
    struct http_server *server = api.server;
    struct rest *rest = api.rest;
    struct service *service = api.service;
    struct err e = ERR_INIT;
    struct service_options so = {.data_path = api.dir, .store_only = true};
    must(service_open(&so, &api.service, &e), &e);
    start_server();
    questions();
    http_stop(api.server, 5000);
    rest_free(api.rest);
    service_close(api.service);
    api.server = server;
    api.rest = rest;
    api.service = service;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

void api_stop(void)
{
    http_stop(api.server, 5000);
    rest_free(api.rest);
    service_close(api.service);
    arena_free(&api.arena);
    buf_free(&api.log);
    nftw(api.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *api_database(void)
{
    return api.database;
}

bool api_log_has(const char *part)
{
    pthread_mutex_lock(&api.lock);
    bool found = has(buf_str(&api.log), part);
    pthread_mutex_unlock(&api.lock);
    return found;
}

bool api_logged(const char *part)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&api.lock);
    int rc = 0;
    while (!has(buf_str(&api.log), part) && rc == 0)
        rc = pthread_cond_timedwait(&api.logged, &api.lock, &until);
    pthread_mutex_unlock(&api.lock);
    return rc == 0;
}

/* --- the client ------------------------------------------------------------------------------ */

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_port(api.server))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    always(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    return fd;
}

/* The server may answer and close before it has read all, so a failure to send is none here. */
static void send_all(int fd, struct str s)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        s = str_skip(s, (size_t)n);
    }
}

static void send_question(int fd, const struct question *q)
{
    BUF_LOCAL(head, 1 << 20);
    buf_addf(&head, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n", q->method, q->path);
    if (q->token)
        buf_addf(&head, "Authorization: Bearer %s\r\n", q->token);
    if (q->headers)
        buf_add_str(&head, str_c(q->headers));
    if (q->body.p)
        buf_addf(&head, "Content-Length: %zu\r\n", q->body.n);
    buf_add_lit(&head, "\r\n");
    always(!head.failed);
    send_all(fd, buf_str(&head));
    send_all(fd, q->body);
}

static void receive_all(int fd, struct buf *in)
{
    char chunk[65536];
    for (ssize_t n; (n = recv(fd, chunk, sizeof chunk, 0)) > 0;)
        buf_add(in, chunk, (size_t)n);
}

struct reply ask_in(struct arena *a, const struct question *q)
{
    struct reply r = {.json = value_nil()};
    BUF_LOCAL(in, 64 << 20);
    struct str all;
    int fd = dial();
    send_question(fd, q);
    receive_all(fd, &in);
    close(fd);
    always(arena_str(a, buf_str(&in), &all));
    size_t end = str_find(all, STR("\r\n\r\n"), 0);
    uint64_t status;
    if (end == all.n || all.n < 12 || !str_to_u64(str_sub(all, 9, 12), 999, &status))
        return r;
    r.status = (int)status;
    r.head = str_sub(all, 0, end + 2);
    r.body = str_skip(all, end + 4);
    if (value_from_json(a, r.body, &r.json, NULL) != ERR_OK)
        r.json = value_nil();
    return r;
}

struct reply ask(const char *method, const char *path, const char *headers, const char *body)
{
    struct question q = {method, path, admin_token, headers, str_c(body)};
    return ask_in(&api.arena, &q);
}

struct reply ask_as(const char *token, const char *method, const char *path, const char *body)
{
    struct question q = {method, path, token, NULL, str_c(body)};
    return ask_in(&api.arena, &q);
}

struct reply ask_bytes(const char *method, const char *path, struct str body)
{
    struct question q = {method, path, admin_token, NULL, body};
    return ask_in(&api.arena, &q);
}

/* --- looking at replies ---------------------------------------------------------------------- */

struct str header_of(const struct reply *r, const char *name)
{
    for (struct str rest = r->head; rest.n;) {
        struct str one = str_cut(rest, '\n', &rest);
        size_t colon = str_find_byte(one, ':', 0);
        if (colon == one.n || !str_ieq(str_sub(one, 0, colon), str_c(name)))
            continue;
        struct str value = str_skip(one, colon + 2);
        value.n -= value.n && value.p[value.n - 1] == '\r';
        return value;
    }
    return (struct str){NULL, 0};
}

/* Pointers of these tests have no escapes. */
static const struct value *at(const struct reply *r, const char *pointer)
{
    const struct value *v = &r->json;
    struct str rest = str_c(pointer);
    if (rest.n == 0)
        return v;
    for (rest = str_skip(rest, 1); v && rest.p;) {
        struct str key = str_cut(rest, '/', &rest);
        uint64_t i;
        if (v->kind == VALUE_LIST)
            v = str_to_u64(key, UINT32_MAX, &i) && i < v->n ? &v->list[i] : NULL;
        else
            v = value_get(v, key);
    }
    return v;
}

struct str text_at(const struct reply *r, const char *pointer)
{
    const struct value *v = at(r, pointer);
    return v && v->kind == VALUE_STRING ? value_as_str(*v) : STR("");
}

double number_at(const struct reply *r, const char *pointer)
{
    const struct value *v = at(r, pointer);
    return v && v->kind == VALUE_FLOAT ? v->f : -1;
}

int count_at(const struct reply *r, const char *pointer)
{
    const struct value *v = at(r, pointer);
    return v && v->kind == VALUE_LIST ? (int)v->n : -1;
}

bool has(struct str text, const char *part)
{
    return str_find(text, str_c(part), 0) < text.n;
}

bool is_problem(const struct reply *r, int status, const char *type)
{
    char urn[100];
    snprintf(urn, sizeof urn, "urn:vesta:problem:%s", type);
    bool is = r->status == status &&
              str_is(header_of(r, "Content-Type"), "application/problem+json") &&
              str_is(text_at(r, "/type"), urn) && (int)number_at(r, "/status") == status &&
              text_at(r, "/title").n && text_at(r, "/detail").n && text_at(r, "/instance").n &&
              count_at(r, "/findings") >= 0;
    if (!is)
        fprintf(stderr, "not the problem %d %s: %d %.*s\n", status, type, r->status,
                STR_FMT(r->body));
    return is;
}

const char *line(const char *name, struct str value)
{
    struct buf b;
    buf_in_arena(&b, &api.arena, 64 * 1024);
    buf_addf(&b, "%s: ", name);
    buf_add_str(&b, value);
    buf_add_lit(&b, "\r\n");
    const char *text = buf_c(&b);
    always(text);
    return text;
}
