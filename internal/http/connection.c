/*
 * Connections: who is connected, how many from where, and the reaper, which cuts those that are
 * late. libmicrohttpd knows only a timeout of silence, which a client that sends one byte a second
 * never meets; so deadlines are ours. A descriptor is shut down, never closed, and only while its
 * connection is in the list, under the lock: libmicrohttpd closes it after the connection has left.
 */
#include <linux/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/always.h"
#include "base/hash.h"
#include "http/networks.h"
#include "http/server.h"

uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- addresses ------------------------------------------------------------------------------- */

static struct in6_addr peer_address(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET6)
        return ((const struct sockaddr_in6 *)a)->sin6_addr;
    struct in6_addr mapped = {.s6_addr = {[10] = 0xFF, [11] = 0xFF}};
    if (a->sa_family == AF_INET)
        memcpy(mapped.s6_addr + 12, &((const struct sockaddr_in *)a)->sin_addr, 4);
    return mapped;
}

static struct peer **peer_place(struct http_server *s, const struct in6_addr *address)
{
    struct str key = str_of((const char *)address, sizeof *address);
    struct peer **at = &s->peers[hash_bytes(key, s->seed) % PEER_BUCKETS];
    while (*at && memcmp(&(*at)->address, address, sizeof *address) != 0)
        at = &(*at)->next;
    return at;
}

/* Counts one more connection from that address; NULL without memory. */
static struct peer *peer_take(struct http_server *s, const struct sockaddr *a)
{
    struct in6_addr address = peer_address(a);
    struct peer **at = peer_place(s, &address);
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (!*at)
            return NULL;
        (*at)->address = address;
    }
    (*at)->connections++;
    return *at;
}

static void peer_give_back(struct http_server *s, struct peer *p)
{
    if (!p || --p->connections > 0)
        return;
    struct peer **at = peer_place(s, &p->address);
    always(*at == p);
    *at = p->next;
    free(p);
}

/* --- the state word -------------------------------------------------------------------------- */

static uint64_t state_word(enum phase phase, uint64_t deadline)
{
    return deadline << 3 | (uint64_t)phase;
}

static enum phase phase_of(uint64_t word)
{
    return (enum phase)(word & 7);
}

void connection_enter(struct connection *c, enum phase phase, uint64_t wait_ms)
{
    uint64_t old = atomic_load(&c->state);
    uint64_t wanted = state_word(phase, wait_ms ? now_ms() + wait_ms : 0);
    while (phase_of(old) != PHASE_CUT && !atomic_compare_exchange_weak(&c->state, &old, wanted))
        ;
}

unsigned connections_busy(const struct http_server *s)
{
    unsigned n = 0;
    for (const struct connection *c = s->connections; c; c = c->next) {
        enum phase phase = phase_of(atomic_load(&c->state));
        n += phase != PHASE_IDLE && phase != PHASE_CUT;
    }
    return n;
}

/* --- coming and going ------------------------------------------------------------------------ */

static const union MHD_ConnectionInfo *info(struct MHD_Connection *mhd,
                                            enum MHD_ConnectionInfoType what)
{
    return MHD_get_connection_info(mhd, what);
}

struct connection *connection_of(struct MHD_Connection *mhd)
{
    return info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Puts it into the list and says whether it may stay. */
static bool enlist(struct http_server *s, struct connection *c, const struct sockaddr *from)
{
    pthread_mutex_lock(&s->lock);
    c->next = s->connections;
    if (c->next)
        c->next->prev = c;
    s->connections = c;
    c->peer = peer_take(s, from);
    bool may = c->peer && (c->proxy || c->peer->connections <= s->config.max_per_address) &&
               !atomic_load(&s->stopping);
    s->stats.active++;
    s->stats.accepted += may;
    s->stats.refused += !may;
    pthread_mutex_unlock(&s->lock);
    return may;
}

static void delist(struct http_server *s, struct connection *c)
{
    pthread_mutex_lock(&s->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->connections = c->next;
    if (c->next)
        c->next->prev = c->prev;
    peer_give_back(s, c->peer);
    s->stats.active--;
    s->stats.requests += atomic_load(&c->requests);
    if (atomic_load(&s->stopping)) /* or each connection would wake the reaper, for nothing */
        pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

const char *http_local(const struct http_request *q)
{
    const struct request *r = q->connection;
    struct connection *c = r->connection;
    if (!c->local[0]) {
        struct sockaddr_storage local = {0};
        socklen_t n = sizeof local;
        getsockname(c->fd, (struct sockaddr *)&local, &n);
        address_port_text((struct sockaddr *)&local, c->local, sizeof c->local);
    }
    return c->local;
}

static struct connection *begin(struct http_server *s, struct MHD_Connection *mhd, int fd)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = s;
    c->fd = fd;
    arena_init(&c->arena, s->config.max_arena);
    const struct sockaddr *from = info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    address_text(from, c->remote, sizeof c->remote);
    atomic_init(&c->state, state_word(PHASE_IDLE, now_ms() + s->config.header_ms));
    const struct in6_addr address = peer_address(from);
    c->proxy = s->config.trusted && networks_have(s->config.trusted, &address);
    if (s->config.tls)
        c->refused = !tls_begin(c, info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    c->refused |= !enlist(s, c, from);
    return c;
}

void connection_notify(void *server, struct MHD_Connection *mhd, void **context,
                       enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = server;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        struct connection *c = begin(s, mhd, fd);
        *context = c;
        if (!c || c->refused)
            shutdown(fd, SHUT_RDWR);
        return;
    }
    struct connection *c = *context;
    *context = NULL;
    if (!c)
        return;
    c->request.mhd = NULL;
    request_end(c, false);
    delist(s, c);
    tls_end(c);
    arena_free(&c->arena);
    free(c);
}

/* --- the reaper ------------------------------------------------------------------------------ */

static unsigned smallest(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* A quarter of the shortest wait, within 10 and 250 ms. */
static unsigned reaper_tick_ms(const struct http_config *c)
{
    unsigned tick = smallest(smallest(c->header_ms, c->body_ms), c->idle_ms) / 4;
    return tick < 10 ? 10 : smallest(tick, 250);
}

/* TCP_CLOSE_WAIT of <netinet/tcp.h>, which cannot be included beside <linux/tcp.h>: the client has
   said that it sends no more. */
#define TCP_STATE_CLOSE_WAIT 8
/* How long a client that has left is waited for when there is nothing on the way. */
#define LEFT_MS 1000

/*
 * A client that takes bytes, however slowly, has its deadline moved. One that has left while
 * nothing is on the way, because a file has become shorter than its answer said, is soon given up:
 * libmicrohttpd hears of neither.
 */
static bool move_deadline(struct connection *c, uint64_t word, uint64_t now)
{
    struct tcp_info t = {0};
    socklen_t n = sizeof t;
    uint64_t wait_ms = c->server->config.idle_ms;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &t, &n))
        return false;
    if (t.tcpi_bytes_acked == c->acked) {
        wait_ms = LEFT_MS;
        if (t.tcpi_state != TCP_STATE_CLOSE_WAIT || t.tcpi_unacked || t.tcpi_notsent_bytes ||
            word >> 3 <= now + wait_ms)
            return false;
    }
    c->acked = t.tcpi_bytes_acked;
    atomic_compare_exchange_strong(&c->state, &word, state_word(PHASE_SENDING, now + wait_ms));
    return true;
}

/*
 * Whether a client has left amid what it was sending. libmicrohttpd is told of edges only, and does
 * not see an end that came together with the last bytes. It may still be busy with them: hence a
 * second in which nothing has changed; and thousands may be slow, so they are asked once a second.
 */
static bool has_left(const struct connection *c, uint64_t word, uint64_t now)
{
    const struct http_config *config = &c->server->config;
    enum phase phase = phase_of(word);
    uint64_t wait_ms = 0;
    if (phase == PHASE_BODY)
        wait_ms = config->body_ms;
    else if (phase == PHASE_HEADERS || (phase == PHASE_IDLE && atomic_load(&c->requests) == 0))
        wait_ms = config->header_ms;
    uint64_t since = now + wait_ms - (word >> 3);
    char byte;
    return wait_ms && since >= LEFT_MS && since % LEFT_MS < reaper_tick_ms(config) &&
           recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * Thousands of slow clients that came together are late together. Ending all of them at once would
 * keep the threads that serve from others for a tenth of a second, so it is done bit by bit.
 */
#define CUTS_AT_ONCE  32
#define CUTS_EVERY_MS 5

/* senders: those that take an answer are looked at too. Whether some are left for the next time. */
static bool reap(struct http_server *s, uint64_t now, bool senders)
{
    unsigned cuts = 0;
    for (struct connection *c = s->connections; c; c = c->next) {
        uint64_t word = atomic_load(&c->state);
        uint64_t deadline = word >> 3;
        bool sends = phase_of(word) == PHASE_SENDING;
        if (sends && (!senders || move_deadline(c, word, now)))
            continue;
        bool late = deadline > 0 && now >= deadline;
        if (!late && !has_left(c, word, now))
            continue;
        if (cuts == CUTS_AT_ONCE)
            return true;
        if (atomic_compare_exchange_strong(&c->state, &word, state_word(PHASE_CUT, 0))) {
            shutdown(c->fd, SHUT_RDWR);
            s->stats.timed_out += late;
            cuts++;
        }
    }
    return false;
}

void *reaper_main(void *server)
{
    struct http_server *s = server;
    uint64_t tick = reaper_tick_ms(&s->config);
    uint64_t next = now_us() / 1000 + tick;
    bool more = false;
    pthread_mutex_lock(&s->lock);
    while (!s->reaper_ends) {
        struct timespec until = {.tv_sec = (time_t)(next / 1000),
                                 .tv_nsec = (long)(next % 1000) * 1000000};
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
        uint64_t now = now_us() / 1000;
        if (now < next)
            continue;
        more = reap(s, now, !more);
        if (atomic_load(&s->stopping))
            pthread_cond_broadcast(&s->changed); /* for who waits until nobody is busy */
        next = now + (more ? CUTS_EVERY_MS : tick);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
