/*
 * server.h - what the files of this folder share: the server, its connections, their requests.
 *
 * Memory: a server owns its connections, a connection owns one request and one arena, both used
 * again for each request that comes over it. Threads: a connection belongs to the libmicrohttpd
 * thread that serves it; other threads touch only what is atomic or guarded by the server's lock.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include <microhttpd.h>

#include "http/body.h"
#include "http/http.h"
#include "http/tls.h"

struct tls_set;
struct gnutls_session_int;

#define PEER_BUCKETS 1024

/* An address that has connections. */
struct peer {
    struct peer *next;
    struct in6_addr address;
    unsigned connections;
};

enum request_stage {
    STAGE_NONE,
    STAGE_TARGET,
    STAGE_BODY,
    STAGE_DISCARD, /* it was answered by early_answer */
    STAGE_ANSWERED,
};

struct request {
    struct http_request q;
    struct connection *connection;
    struct MHD_Connection *mhd;
    const struct in6_addr *address; /* the client's; IPv4 as IPv4-mapped IPv6 */
    enum request_stage stage;
    const char *sent_target; /* where the target lies in libmicrohttpd's memory, cut at its '?' */
    size_t target_n;
    bool target_too_long;
    bool chunked;
    size_t room; /* bytes that libmicrohttpd has left for the head of the answer */
    struct body body;
    bool spooled;                  /* its deadline is moved as it comes */
    uint64_t progress;             /* bytes of the body that had come when it was moved */
    bool sends_file;               /* it counts among the server's files */
    bool sent_direct;              /* the answer went out past libmicrohttpd */
    uint64_t discarded;            /* bytes of a body that is not wanted */
    struct http_response *refusal; /* of a request without a body; on the arena */
    int status;                    /* of the answer; 0 before there is one */
    uint64_t bytes;
    uint64_t began_us;
    void (*release)(void *);
    void *held;
    bool held_back; /* TCP_CORK is set on the connection */
};

/*
 * What a connection waits for. With its deadline it is one word, so that the reaper and the thread
 * that serves the connection agree on who was first without a lock.
 */
enum phase {
    PHASE_IDLE,     /* a request line */
    PHASE_HEADERS,  /* the rest of the head */
    PHASE_BODY,     /* the rest of the body */
    PHASE_HANDLING, /* the handler: no deadline */
    PHASE_SENDING,  /* the client, to take the answer */
    PHASE_CUT,      /* nothing: it was shut down and goes away */
};

struct connection {
    struct http_server *server;
    struct connection *prev, *next; /* in the server's list, under its lock */
    struct peer *peer;
    int fd;
    bool proxy;             /* it is of those that are trusted */
    bool refused;           /* over a limit: shut down at once, nothing is served */
    _Atomic uint64_t state; /* milliseconds of the deadline << 3 | phase; deadline 0: none */
    _Atomic uint64_t requests;
    uint64_t acked;                     /* bytes that the client had acknowledged; the reaper's */
    struct gnutls_session_int *session; /* NULL: no TLS */
    struct tls_set *tls_set;            /* what the session uses */
    struct {
        enum http_client_certificate state;
        uint64_t set, verified_ms; /* with which set and when; 0: not yet */
        char *text;                /* the subject, or what is wrong; GnuTLS's memory */
    } client;
    struct arena arena;
    struct request request;
    char remote[INET6_ADDRSTRLEN];
    char local[INET6_ADDRSTRLEN + sizeof "[]:65535"]; /* empty until somebody asks */
};

struct http_server {
    struct http_config config; /* no zeros left in it */
    struct MHD_Daemon *daemon;
    int listen_fd;
    unsigned port;
    _Atomic bool stopping;
    _Atomic unsigned files; /* that are being sent */
    pthread_t reaper;
    uint64_t seed;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool reaper_ends;
    struct connection *connections;
    struct peer *peers[PEER_BUCKETS];
    struct http_stats stats; /* requests: of connections that are closed */
};

/* --- listen.c --- */

/* The port that a socket is bound to, in host order; 0 if it cannot be known. */
unsigned listen_port(int fd);
/* "192.0.2.9", "2001:db8::1"; an IPv4 address inside IPv6 is written as IPv4. */
void address_text(const struct sockaddr *a, char *dst, size_t size);
/* As address_text with the port: "192.0.2.9:8080", "[2001:db8::1]:8080". */
void address_port_text(const struct sockaddr *a, char *dst, size_t size);

/* --- connection.c --- */

void connection_notify(void *server, struct MHD_Connection *mhd, void **context,
                       enum MHD_ConnectionNotificationCode what);
struct connection *connection_of(struct MHD_Connection *mhd);
/* What it waits for now and for how long at most; wait_ms 0: for ever. */
void connection_enter(struct connection *c, enum phase phase, uint64_t wait_ms);
/* Requests that are under way. The lock must be held. */
unsigned connections_busy(const struct http_server *s);
void *reaper_main(void *server);
/* The monotonic clock; now_ms may lag a few milliseconds, and is the cheaper by far. */
uint64_t now_us(void);
uint64_t now_ms(void);

/* --- tls.c --- */

/* Before the handshake. False: nothing can be served. */
bool tls_begin(struct connection *c, struct gnutls_session_int *session);
/* Also when it was never begun. */
void tls_end(struct connection *c);
/* Sends the last bytes of a connection, in one record, and says so. False: not all of them. */
bool tls_send_last(struct connection *c, struct str s);

/* --- request.c --- */

void *request_on_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result request_on_access(void *server, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context);
void request_on_completed(void *server, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode why);
/* Gives back what the request holds; nothing if there is none. */
void request_end(struct connection *c, bool completed);

/* Who asks. */
static inline const struct in6_addr *request_address(const struct http_request *q)
{
    return ((const struct request *)q->connection)->address;
}

/* --- forwarded.c --- */

/* Finds who is behind a trusted proxy: changes the request's address and q.remote. */
void forwarded_read(struct request *r);

/* --- direct.c --- */

/* Writes an answer to the connection, past libmicrohttpd, and that no more will come. */
void direct_write(struct request *r, const struct http_response *p);
/*
 * The same for the answer to a whole request, if it is the only one of its connection and small.
 * True: it is in the send buffer and leaves when the connection is closed, which the caller sees
 * to. False: nothing was sent, libmicrohttpd has to.
 */
bool direct_last(struct request *r, const struct http_response *p);

/* --- early.c --- */

/* direct_write while a body may come, of which early_discard takes the rest. For MHD's callback. */
enum MHD_Result early_answer(struct request *r, const struct http_response *p);
enum MHD_Result early_discard(struct request *r, size_t *size);
/* Answers 431 where libmicrohttpd has no memory for an answer, and ends the connection. */
enum MHD_Result early_refuse_without_memory(struct request *r);

/* --- response.c --- */

/* Hands the response to libmicrohttpd; MHD_NO closes the connection. */
enum MHD_Result response_send(struct request *r, struct http_response *p);

#endif
