#include "log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_MS    50
#define WAITING_MAX (4u << 20)
/* How long machines wait for whoever reads the log; after that, lines are dropped and counted. */
#define STUCK_MS 1000
/* What nearly every line fits into, and what the longest takes. */
#define LINE_ROOM      2048
#define LINE_MAX_BYTES (256u << 10)

struct log_writer {
    int fd;
    enum log_format format;
    enum log_level level;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* there is something urgent, or stop */
    pthread_cond_t flushed; /* there is room */
    struct buf waiting;
    bool urgent, stop;
    bool stuck;    /* nobody reads: do not wait for room */
    uint64_t lost; /* lines */
};

static bool stopping(struct log_writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

/*
 * In pieces that a pipe takes whole once it is ready, so that write does not block: a program that
 * is told to stop must not wait for ever for a reader that sleeps.
 */
static void write_all(struct log_writer *w, const char *p, size_t n)
{
    while (n) {
        struct pollfd f = {.fd = w->fd, .events = POLLOUT};
        int ready = poll(&f, 1, STUCK_MS);
        if (ready == 0 && stopping(w))
            return;
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t k = ready < 0 ? -1 : write(w->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
        if (k < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (k <= 0)
            return;
        p += k;
        n -= (size_t)k;
    }
}

static struct timespec from_now(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Under the lock. */
static void add_line(struct log_writer *w, const struct buf *line)
{
    size_t had = w->waiting.n;
    buf_add(&w->waiting, line->p, line->n);
    if (w->waiting.failed) {
        buf_clear(&w->waiting);
        w->waiting.n = had;
        w->lost++;
    }
}

/* Under the lock, when all that was handed over is written. */
static void tell_lost(struct log_writer *w)
{
    struct log_field f = log_number("lines", w->lost);
    struct log_clock clock = {0};
    w->stuck = false;
    w->lost = 0;
    if (f.number)
        log_line(&w->waiting, w->format, &clock, wall_ms(), LOG_WARN_LEVEL, "log-lost", &f, 1);
}

static void *run(void *arg)
{
    struct log_writer *w = arg;
    struct buf out;
    buf_init(&out, WAITING_MAX);
    pthread_mutex_lock(&w->lock);
    while (!w->stop || w->waiting.n) {
        struct timespec until = from_now(FLUSH_MS);
        int rc = 0;
        while (!w->stop && !w->urgent && rc == 0)
            rc = pthread_cond_timedwait(&w->wake, &w->lock, &until);
        w->urgent = false;
        struct buf full = w->waiting;
        w->waiting = out;
        out = full;
        pthread_cond_broadcast(&w->flushed);
        pthread_mutex_unlock(&w->lock);
        write_all(w, out.p, out.n);
        buf_clear(&out);
        pthread_mutex_lock(&w->lock);
        tell_lost(w);
    }
    pthread_mutex_unlock(&w->lock);
    buf_free(&out);
    return NULL;
}

err_code log_writer_start(int fd, enum log_format format, enum log_level level,
                          struct log_writer **ret, struct err *e)
{
    struct log_writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_set(e, ERR_NOMEM, "out of memory while starting the log");
    *w = (struct log_writer){.fd = fd, .format = format, .level = level};
    buf_init(&w->waiting, WAITING_MAX);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &attr);
    pthread_cond_init(&w->flushed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&w->thread, NULL, run, w);
    if (rc) {
        free(w);
        return err_errno(e, ERR_IO, rc, "cannot start the log's thread");
    }
    *ret = w;
    return ERR_OK;
}

void log_writer_stop(struct log_writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->flushed);
    pthread_mutex_destroy(&w->lock);
    buf_free(&w->waiting);
    free(w);
}

static void write_line(void *ctx, enum log_level level, const char *event,
                       const struct log_field *fields, size_t n)
{
    static _Thread_local struct log_clock clock;
    struct log_writer *w = ctx;
    if (level < w->level)
        return;
    /* Made outside of the lock, which is then held for a copy only. */
    char room[LINE_ROOM];
    struct buf line;
    buf_over(&line, room, sizeof room, LINE_MAX_BYTES);
    log_line(&line, w->format, &clock, wall_ms(), level, event, fields, n);
    pthread_mutex_lock(&w->lock);
    while (w->waiting.n > WAITING_MAX / 2 && !w->stop && !w->stuck) {
        struct timespec until = from_now(STUCK_MS);
        w->urgent = true;
        pthread_cond_signal(&w->wake);
        if (pthread_cond_timedwait(&w->flushed, &w->lock, &until) == ETIMEDOUT)
            w->stuck = true;
    }
    if (w->stuck || line.failed)
        w->lost++;
    else
        add_line(w, &line);
    if (level >= LOG_WARN_LEVEL && !w->urgent) {
        w->urgent = true;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    buf_free(&line);
}

struct log_sink log_writer_sink(struct log_writer *w)
{
    return (struct log_sink){write_line, w};
}
