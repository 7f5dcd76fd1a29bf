/*
 * support.h - a server with a small handler, and a client that sends just the bytes it is told to.
 */
#ifndef TESTS_HTTP_SUPPORT_H
#define TESTS_HTTP_SUPPORT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "http/http.h"
#include "support/tally.h"

void refuse_tests(struct tally *t);
void serve_tests(struct tally *t);
void limit_tests(struct tally *t);
void deadline_tests(struct tally *t);
void stop_tests(struct tally *t);
void file_tests(struct tally *t);
void counts_tests(struct tally *t);
void body_tests(struct tally *t);
void address_tests(struct tally *t);
void raw_tests(struct tally *t);

/* --- the server ------------------------------------------------------------------------------ */

/*
 * The handler's paths: /echo answers what it was asked; /hold waits at the gate; /held, /copy and
 * /static answer by each kind of body; /big answers 8 MiB; /file answers the site's file; /header
 * answers with a header as long as the query says; /sum answers the length and a hash of the body;
 * others are 404.
 */
struct site {
    struct http_server *server;
    unsigned port;
    int file; /* for /file; -1: none */
    const char *file_type;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int waiting; /* handlers at the gate */
    bool open;   /* the gate */
    _Atomic int released, handled, done, done_incomplete, last_status;
};

/* Address, handler, done and ctx of c are filled in here. Stops the program if it cannot start. */
void site_start(struct site *s, struct http_config c);
void site_stop(struct site *s);
void site_wait_for_handler(struct site *s);
void site_open_gate(struct site *s);

/* --- the client ------------------------------------------------------------------------------ */

struct client {
    int fd;
    struct buf in;
    size_t read_n; /* bytes of in that the last reply took */
};

struct reply {
    int status;      /* 0: the connection ended, or ten seconds went by, before a head was there */
    struct str head; /* in the client's buffer until the next read */
    struct str body;
    bool whole; /* all of the body that was announced came */
};

void client_open(struct client *c, unsigned port);
void client_open_small_window(struct client *c, unsigned port);
void client_close(struct client *c);
bool client_send(struct client *c, const void *p, size_t n);
/* Sends printf's text. */
void client_say(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next reply; to_head: its body does not come. */
struct reply client_read(struct client *c, bool to_head);
/* The value of a header of a reply; absent without it. */
struct str reply_header(const struct reply *r, const char *name);
/* Whether the server has closed: no byte comes, within ten seconds. */
bool client_at_end(struct client *c);
/* One request on a connection of its own; the text goes to it as it is. The status. */
int status_of(unsigned port, const char *request, size_t n);
#define STATUS_OF(port, literal) status_of((port), "" literal "", sizeof(literal) - 1)

uint64_t clock_ms(void);

#endif
