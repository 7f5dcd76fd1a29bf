#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/abstract.h>

#include "base/always.h"
#include "http/server.h"

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

static unsigned usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

static unsigned or_default(unsigned given, unsigned otherwise)
{
    return given ? given : otherwise;
}

static struct http_config with_defaults(const struct http_config *given)
{
    struct http_config c = *given;
    c.threads = c.thread_each ? 1 : or_default(c.threads, usable_cores());
    c.max_connections = or_default(c.max_connections, c.thread_each ? 256 : 10000);
    c.max_files = or_default(c.max_files, c.max_connections);
    c.max_per_address = or_default(c.max_per_address, 1000);
    c.max_target = c.max_target ? c.max_target : 8000;
    c.header_ms = or_default(c.header_ms, 10 * 1000);
    c.body_ms = or_default(c.body_ms, 60 * 1000);
    c.idle_ms = or_default(c.idle_ms, 60 * 1000);
    c.pool = !c.pool ? 16 * 1024 : c.pool < 4096 ? 4096 : c.pool;
    c.max_arena = c.max_arena ? c.max_arena : 64 * 1024 * 1024;
    return c;
}

/* libmicrohttpd decodes the path in place with this; ours is read before and is not to change. */
static size_t keep_escapes(void *unused, struct MHD_Connection *mhd, char *s)
{
    (void)unused, (void)mhd;
    return strlen(s);
}

/* libmicrohttpd wants to know where certificates come from; tls.c gives each session its own. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int names_n,
                          const gnutls_pk_algorithm_t *algorithms, int algorithms_n,
                          gnutls_pcert_st **chain, unsigned *chain_n, gnutls_privkey_t *key)
{
    (void)session, (void)names, (void)names_n, (void)algorithms, (void)algorithms_n;
    (void)chain, (void)chain_n, (void)key;
    return -1;
}

static struct MHD_Daemon *start_daemon(struct http_server *s)
{
    const struct http_config *c = &s->config;
    unsigned mode = c->thread_each ? MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL : MHD_USE_EPOLL;
    /* Close without a shutdown before, and read at once: a tenth of a connection's cost. TLS needs
       its own goodbye, which TURBO leaves out too. */
    if (!c->thread_each && !c->tls)
        mode |= MHD_USE_TURBO;
    struct MHD_OptionItem more[4] = {{MHD_OPTION_END, 0, NULL}}, *next = more;
    if (!c->thread_each)
        *next++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)c->threads, NULL};
    if (c->tls) {
        mode |= MHD_USE_TLS;
        *next++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES};
        *next++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
                                          (void *)(uintptr_t)no_certificate};
    }
    *next = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        mode | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_IPv6, 0, NULL, NULL,
        request_on_access, s, MHD_OPTION_ARRAY, more, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, c->max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        c->pool, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION, connection_notify,
        s, MHD_OPTION_NOTIFY_COMPLETED, request_on_completed, s, MHD_OPTION_URI_LOG_CALLBACK,
        request_on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
}

static void init_lock(struct http_server *s)
{
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &a);
    pthread_condattr_destroy(&a);
}

static void end_reaper(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->reaper_ends = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->reaper, NULL);
}

static void free_server(struct http_server *s)
{
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* The reaper and libmicrohttpd's threads; s->listen_fd is libmicrohttpd's or closed after. */
static err_code start_threads(struct http_server *s, struct err *e)
{
    int errnum = pthread_create(&s->reaper, NULL, reaper_main, s);
    if (errnum) {
        close(s->listen_fd);
        return err_errno(e, ERR_IO, errnum, "cannot start the thread that watches deadlines");
    }
    errno = 0;
    s->daemon = start_daemon(s);
    if (!s->daemon) {
        /* Whether it closed the socket depends on where it failed; one left open is the lesser
           evil than one closed twice. */
        errnum = errno ? errno : ENOMEM;
        end_reaper(s);
        return err_errno(e, ERR_IO, errnum, "cannot start the HTTP server on %s",
                         s->config.address);
    }
    return ERR_OK;
}

/* raw.c knows how it leaves a request's head in memory, which its interface does not promise. */
static bool library_is_known(void)
{
    return str_starts(str_c(MHD_get_version()), STR("0.9.7"));
}

err_code http_start(const struct http_config *c, struct http_server **ret, struct err *e)
{
    always(c->handler);
    if (!library_is_known())
        return err_set(e, ERR_UNSUPPORTED,
                       "libmicrohttpd %s is here, but this program needs 0.9.75 or one close to it",
                       MHD_get_version());
    if (c->tls && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return err_set(e, ERR_UNSUPPORTED, "this libmicrohttpd was built without TLS");
    int fd = c->listener;
    err_code code = fd ? ERR_OK : http_listen(c->address, &fd, e);
    if (code)
        return code;
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    s->config = with_defaults(c);
    s->listen_fd = fd;
    s->port = listen_port(fd);
    if (getrandom(&s->seed, sizeof s->seed, 0) != sizeof s->seed)
        s->seed = now_us();
    init_lock(s);
    code = start_threads(s, e);
    if (code) {
        free_server(s);
        return code;
    }
    *ret = s;
    return ERR_OK;
}

struct http_tls *http_server_tls(const struct http_server *s)
{
    return s->config.tls;
}

unsigned http_port(const struct http_server *s)
{
    return s->port;
}

/* --- stopping -------------------------------------------------------------------------------- */

/* A socket that listens where nobody can connect, since nobody knows its name. */
static int unknown_listener(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&a, sizeof a.sun_family) != 0 || listen(fd, 1))) {
        close(fd);
        return -1;
    }
    return fd;
}

/*
 * A thread of libmicrohttpd 0.9.75 that has as many connections as it may takes the listening
 * socket out of its epoll set, and aborts the process if it is not there. The socket has been shut,
 * so no connection comes any more but one for each thread that is accepted and not counted yet.
 */
static bool nobody_is_at_the_limit(const struct http_server *s)
{
    unsigned threads = s->config.threads;
    return s->config.thread_each || s->stats.active + threads < s->config.max_connections / threads;
}

/*
 * After the shutdown the address is free and nobody is accepted. But a socket that was shut is
 * always ready, and the threads would turn in circles; so another takes over its descriptor, and
 * closing the old one takes it out of every set. MHD_quiesce_daemon is there for that, but two
 * threads then take the socket out of the same set, and when the second finds it gone
 * libmicrohttpd aborts (a delay put between shows it).
 */
static bool give_up_listener(struct http_server *s)
{
    if (!nobody_is_at_the_limit(s))
        return false;
    int other = unknown_listener();
    if (other < 0)
        return false;
    /* By its number: the thread sanitizer's dup3 calls this a race, as it would be for a file. */
    syscall(SYS_dup3, other, s->listen_fd, O_CLOEXEC);
    close(other);
    return true;
}

/* Requests that are under way are waited for. */
static void stop_listening(struct http_server *s, unsigned grace_ms)
{
    uint64_t end = now_us() / 1000 + grace_ms;
    struct timespec until = {.tv_sec = (time_t)(end / 1000),
                             .tv_nsec = (long)(end % 1000) * 1000000};
    shutdown(s->listen_fd, SHUT_RDWR);
    pthread_mutex_lock(&s->lock);
    bool given_up = give_up_listener(s);
    while (connections_busy(s) > 0 &&
           pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
        given_up = given_up || give_up_listener(s);
    pthread_mutex_unlock(&s->lock);
}

void http_stop(struct http_server *s, unsigned grace_ms)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    stop_listening(s, grace_ms);
    MHD_stop_daemon(s->daemon);
    end_reaper(s);
    always(!s->connections);
    free_server(s);
}

void http_stats(const struct http_server *server, struct http_stats *ret)
{
    struct http_server *s = (struct http_server *)(uintptr_t)server;
    pthread_mutex_lock(&s->lock);
    struct http_stats stats = s->stats;
    for (const struct connection *c = s->connections; c; c = c->next)
        stats.requests += atomic_load_explicit(&c->requests, memory_order_relaxed);
    pthread_mutex_unlock(&s->lock);
    *ret = stats;
}
