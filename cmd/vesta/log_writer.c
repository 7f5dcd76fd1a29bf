#include "log_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_MS    50
#define WAITING_MAX (4u << 20)

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
};

static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && errno == EAGAIN) {
            /* Somebody made our stderr non-blocking: wait as write would have. */
            usleep(1000);
            continue;
        }
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
        write_all(w->fd, out.p, out.n);
        buf_clear(&out);
        pthread_mutex_lock(&w->lock);
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
    struct log_writer *w = ctx;
    if (level < w->level)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    pthread_mutex_lock(&w->lock);
    while (w->waiting.n > WAITING_MAX / 2 && !w->stop) {
        w->urgent = true;
        pthread_cond_signal(&w->wake);
        pthread_cond_wait(&w->flushed, &w->lock);
    }
    size_t had = w->waiting.n;
    log_line(&w->waiting, w->format, ms, level, event, fields, n);
    if (w->waiting.failed) {
        buf_clear(&w->waiting);
        w->waiting.n = had;
    }
    if (level >= LOG_WARN_LEVEL && !w->urgent) {
        w->urgent = true;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
}

struct log_sink log_writer_sink(struct log_writer *w)
{
    return (struct log_sink){write_line, w};
}
