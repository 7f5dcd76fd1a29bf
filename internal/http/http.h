/*
 * http.h - an HTTP/1.1 server over libmicrohttpd, which only this folder includes.
 *
 * libmicrohttpd 0.9.75 is lenient, so this module looks at the raw request itself: it takes the
 * target as it was sent and refuses what has two meanings, with 400 and the end of the connection:
 * Transfer-Encoding beside Content-Length, or in HTTP/1.0; a repeated Content-Length,
 * Transfer-Encoding or Host; a missing Host in HTTP/1.1; a target that is neither in origin form
 * nor a URL of http or https, or has a space or a control character; a bare LF, a NUL or a folded
 * line in the head. A target that is too long is 414, a head 431, a body 413, another coding than
 * chunked 501. After a chunked body the connection ends. RFC 9110, RFC 9112.
 *
 * A request is read whole (with its body, up to a maximum), then the handler is called once on one
 * of the server's threads, fills a response and returns. Before the body is read, another function
 * may refuse it, or say how much of it is taken and whether it is kept in a file. A refusal is sent
 * at once; what the client still sends is thrown away for a while, so that it reads the answer and
 * not a reset. What the handler puts on the request's arena lives until the response is sent. Slow
 * clients, of a TLS handshake too, are cut by deadlines of our own, which one thread watches.
 * Thread rule: handlers run on many threads at once; a struct http_server is started and stopped by
 * one. Cost beside libmicrohttpd's: about 2,000 instructions a request, no system call; 24 KiB for
 * each connection.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct http_server;
struct http_tls; /* tls.h */
struct networks; /* networks.h */
struct stat;

struct http_request {
    struct arena *arena;
    struct str method;
    struct str target;    /* as sent; a whole URL is fine, of which the host is of no account */
    struct str path;      /* raw, before the '?' */
    struct str raw_query; /* raw, after the '?'; absent (p == NULL) without one */
    struct str body;      /* in memory or a mapped file, until the response is sent */
    const char *remote;   /* "192.0.2.1"; behind a trusted proxy the client, not the proxy */
    bool secure;          /* it came by TLS */
    void *note;           /* the handler's, for the done callback; on the arena */
    void *connection;     /* this module's */
};

/* The first header of that name (any case), or absent. */
struct str http_header(const struct http_request *r, const char *name);
bool http_is_head(const struct http_request *r);
/* "192.0.2.9:8080", the accepted connection's own end. */
const char *http_local(const struct http_request *r);

enum http_client_certificate {
    HTTP_CLIENT_ANONYMOUS, /* none was sent, or asked for */
    HTTP_CLIENT_VERIFIED,  /* a CA of ours signed it, it is for clients, and in time */
    HTTP_CLIENT_REFUSED,   /* it is not so */
};
/*
 * Who the client is, by the certificate of its connection. *ret_text, on the request's arena: the
 * subject as RFC 4514 writes it ("CN=node-1,O=Example"), or what is wrong, as a sentence. Verified
 * again each minute, and when the CAs were read again.
 */
enum http_client_certificate http_client(const struct http_request *r, struct str *ret_text);

enum http_body {
    HTTP_BODY_COPY,   /* bytes that the handler has put on the request's arena, sent from there */
    HTTP_BODY_STATIC, /* bytes that never go away */
    HTTP_BODY_HELD,   /* release(held) is called when they were sent or the client is gone */
    HTTP_BODY_FILE,   /* length bytes of fd from offset, by sendfile; fd is closed after */
};

#define HTTP_HEADERS_MAX 12

struct http_response {
    int status;              /* 200 to 599, else it is sent as 500; 204 and 304 send no body, but
                                a 304 tells its length: give it the body that a 200 would have */
    struct str content_type; /* absent: none */
    enum http_body kind;
    struct str body;
    void (*release)(void *);
    void *held;
    int fd;
    uint64_t offset, length;
    struct {
        const char *name;
        const char *value; /* ended by NUL; on the request's arena or static */
    } headers[HTTP_HEADERS_MAX];
    int headers_n;
    bool close; /* end the connection after this */
};

/* False when there is no room. value must hold no CR, LF or NUL: such a header is left out. */
bool http_add_header(struct http_response *r, const char *name, const char *value);
/* A response of one line of text (a newline is added), text/plain; charset=utf-8, nosniff. */
void http_text(struct http_request *q, struct http_response *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

typedef void http_handler(void *ctx, struct http_request *q, struct http_response *r);

struct http_admission {
    uint64_t max_body; /* bytes; more is 413. Preset to the server's max_body */
    bool spool;        /* what is over HTTP_SPOOL_MIN bytes goes to a file, see spool_dir */
};
/*
 * Called once, when the head was read and before any of the body is: may the request be served?
 * False: r, whose body is HTTP_BODY_COPY or HTTP_BODY_STATIC, is the answer, and the handler is not
 * called. If a body was announced, the connection ends then.
 */
typedef bool http_admit_fn(void *ctx, struct http_request *q, struct http_admission *ret,
                           struct http_response *r);

/* Fills the answer to a request whose body is not taken; as for http_admit_fn. why: a phrase. */
typedef void http_refuse_fn(void *ctx, struct http_request *q, int status, const char *why,
                            struct http_response *r);

#define HTTP_SPOOL_MIN (1u << 20)
/* A spooled body may take any time, but that many bytes of it must come each body_ms. */
#define HTTP_SPOOL_PROGRESS (64u << 10)

/* After the last byte was sent or the connection was lost; for logs and counters. */
struct http_done {
    int status;           /* 0: no answer of ours; the client left, was late, or sent no HTTP */
    uint64_t bytes;       /* of the body, as the response says */
    uint64_t duration_us; /* from the first call for this request to here */
    bool completed;       /* all was handed to the system to be sent */
};
/* For each request whose request line was read, refused ones too; on the thread that served it. */
typedef void http_done_fn(void *ctx, const struct http_request *q, const struct http_done *d);

struct http_config {
    const char *address;      /* "127.0.0.1:8080", "[::1]:8080", ":8080", "0.0.0.0:0" (any port) */
    int listener;             /* a socket of http_listen, which it takes over; 0: opens address */
    unsigned threads;         /* epoll threads; 0: one for each core that we may use */
    struct http_tls *tls;     /* NULL: no TLS; stays the caller's, and may be shared */
    bool thread_each;         /* a thread for each connection instead: for handlers that wait */
    unsigned max_connections; /* in all, more wait (are closed); 0: 10,000 (256 with thread_each) */
    unsigned max_per_address; /* 0: 1,000; loopback counts like any, trusted proxies do not */
    /*
     * Proxies whose X-Forwarded-For is believed: the client is the rightmost address in it that is
     * not one of these. NULL: that header means nothing. Kept by reference.
     */
    const struct networks *trusted;
    unsigned max_files; /* that are sent at a time, more are 503; 0: as many as connections */
    size_t max_target;  /* bytes of the target; 0: 8,000. More is 414 */
    size_t max_body;    /* unless admit says otherwise; 0: no body is taken. More is 413 */
    unsigned header_ms; /* from the first byte to the end of the headers; 0: 10,000 */
    unsigned body_ms;   /* for the whole body, but see HTTP_SPOOL_PROGRESS; 0: 60,000 */
    unsigned idle_ms;   /* between requests, and without progress while sending; 0: 60,000 */
    size_t pool;        /* bytes for head and answer's head of each connection; 0: 16,384 */
    size_t max_arena;   /* bytes of a request's arena; 0: 64 MiB */
    /*
     * Where bodies are spooled, on files without a name, which are gone when the request is over or
     * the process dies. Writing may wait for the disk: for servers with thread_each.
     */
    const char *spool_dir; /* NULL: nothing is spooled */
    http_admit_fn *admit;  /* may be NULL */
    http_handler *handler;
    http_refuse_fn *refuse; /* 413, 503 (no memory) and 507 (no room in spool_dir); NULL: a text */
    http_done_fn *done;     /* may be NULL */
    void *ctx;
};

/*
 * A socket that listens on an address as in http_config, for a process that gives up the right to
 * open it before it starts the server. Errors as http_start.
 */
err_code http_listen(const char *address, int *ret_fd, struct err *e);
/* ERR_IO: the address is taken or not ours, said so; ERR_INVALID: no address. */
err_code http_start(const struct http_config *c, struct http_server **ret, struct err *e);
/* The certificates that it serves; NULL without TLS. */
struct http_tls *http_server_tls(const struct http_server *s);
/* The port it listens on, in host order. */
unsigned http_port(const struct http_server *s);
/*
 * Frees the address at once, lets requests that are under way finish for up to grace_ms, then
 * closes all connections. A handler that runs is waited for even longer: it cannot be ended.
 */
void http_stop(struct http_server *s, unsigned grace_ms);

struct http_stats {
    uint64_t accepted;  /* connections */
    uint64_t refused;   /* connections that were over the limit of their address */
    uint64_t active;    /* connections that are open now */
    uint64_t requests;  /* whose request line was read */
    uint64_t timed_out; /* connections that a deadline ended */
};
void http_stats(const struct http_server *s, struct http_stats *ret);

/* --- files ----------------------------------------------------------------------------------- */

/*
 * Answers with an open file, of which st is true now, closing fd in any case; 404 if it is not a
 * regular one: ETag (strong, from inode, size and
 * mtime with nanoseconds), Last-Modified, Accept-Ranges, If-None-Match, If-Modified-Since,
 * If-Match, If-Unmodified-Since, If-Range, one Range (206, 416) and several (the whole file, 200,
 * which RFC 9110, 14.2 allows). content_type is kept by reference.
 */
void http_file(struct http_request *q, struct http_response *r, int fd, const struct stat *st,
               const char *content_type);

#endif
