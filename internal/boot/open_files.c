#include "boot/open_files.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"

#define SLOTS   64
#define IDLE_MS 10000

/* One path; where another one has the same slot, it takes its place. */
struct slot {
    char *path; /* NULL: empty */
    int fd;
    struct stat st;
    uint64_t used_ms;
};

struct open_files {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
    uint64_t swept_ms;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void let_go(struct slot *s)
{
    if (!s->path)
        return;
    close(s->fd);
    free(s->path);
    *s = (struct slot){.fd = -1};
}

struct open_files *open_files_make(void)
{
    struct open_files *o = calloc(1, sizeof *o);
    if (o)
        pthread_mutex_init(&o->lock, NULL);
    return o;
}

void open_files_free(struct open_files *o)
{
    if (!o)
        return;
    for (int i = 0; i < SLOTS; i++)
        let_go(&o->slots[i]);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static struct slot *slot_of(struct open_files *o, const char *path)
{
    return &o->slots[hash_bytes(str_c(path), 0) % SLOTS];
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

/* Once a second at most. */
static void sweep(struct open_files *o, uint64_t now)
{
    if (now - o->swept_ms < 1000)
        return;
    o->swept_ms = now;
    for (int i = 0; i < SLOTS; i++)
        if (now - o->slots[i].used_ms > IDLE_MS)
            let_go(&o->slots[i]);
}

int open_files_get(struct open_files *o, const char *path, struct stat *st)
{
    struct stat now;
    bool there = stat(path, &now) == 0;
    int fd = -1;
    pthread_mutex_lock(&o->lock);
    struct slot *s = slot_of(o, path);
    if (s->path && strcmp(s->path, path) == 0) {
        if (there && same_file(&now, &s->st)) {
            fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
            s->used_ms = now_ms();
        } else {
            let_go(s);
        }
    }
    sweep(o, now_ms());
    pthread_mutex_unlock(&o->lock);
    if (fd >= 0)
        *st = now;
    return fd;
}

void open_files_keep(struct open_files *o, const char *path, int fd, const struct stat *st)
{
    char *copy = strdup(path);
    int own = copy ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (own < 0) {
        free(copy);
        return;
    }
    pthread_mutex_lock(&o->lock);
    struct slot *s = slot_of(o, path);
    let_go(s);
    *s = (struct slot){copy, own, *st, now_ms()};
    pthread_mutex_unlock(&o->lock);
}
