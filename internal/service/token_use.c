/*
 * When tokens were last seen. A request only notes a time in memory; a thread of its own writes
 * what was noted a minute after the first note, so that neither requests nor the follower wait for
 * a disk or for another process's lock. A crash loses the last minute.
 */
#include <stdlib.h>
#include <time.h>

#include "service/parts.h"

#define WRITE_EVERY_S 60

struct use {
    struct use *next;
    uint64_t at;
    bool written;
    struct str id; /* behind the struct */
};

struct token_uses {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t wake;
    struct use *first; /* as many as there are tokens: a list will do */
    bool noted, stop;
};

static struct use *find(struct token_uses *u, struct str id)
{
    struct use *x = u->first;
    while (x && !str_eq(x->id, id))
        x = x->next;
    return x;
}

static struct use *add(struct token_uses *u, struct str id)
{
    struct use *x = calloc(1, sizeof *x + id.n);
    if (!x)
        return NULL;
    char *text = (char *)(x + 1);
    memcpy(text, id.p, id.n);
    x->id = str_of(text, id.n);
    x->next = u->first;
    u->first = x;
    return x;
}

void token_uses_note(struct token_uses *u, struct str id, uint64_t at)
{
    if (!id.n)
        return;
    pthread_mutex_lock(&u->lock);
    struct use *x = find(u, id);
    if (!x)
        x = add(u, id);
    if (x && at > x->at) {
        x->at = at;
        x->written = false;
        if (!u->noted)
            pthread_cond_signal(&u->wake);
        u->noted = true;
    }
    pthread_mutex_unlock(&u->lock);
}

uint64_t token_uses_get(struct token_uses *u, struct str id)
{
    pthread_mutex_lock(&u->lock);
    const struct use *x = find(u, id);
    uint64_t at = x ? x->at : 0;
    pthread_mutex_unlock(&u->lock);
    return at;
}

/* --- writing -------------------------------------------------------------------------------------
 */

/* What is being written, apart from the list, which requests go on changing. */
struct noted {
    struct use *use; /* its id never changes */
    uint64_t at;
};
struct batch {
    struct noted *v;
    size_t n;
};

/* The lock must be held. Empty without memory. */
static struct batch take_batch(const struct token_uses *u)
{
    struct batch b = {NULL, 0};
    size_t max = 0;
    for (const struct use *x = u->first; x; x = x->next)
        max++;
    b.v = max ? calloc(max, sizeof *b.v) : NULL;
    for (struct use *x = u->first; x && b.v; x = x->next)
        if (!x->written)
            b.v[b.n++] = (struct noted){x, x->at};
    return b;
}

static err_code run_write(struct store_txn *t, void *arg, struct err *e)
{
    const struct batch *b = arg;
    err_code c = ERR_OK;
    for (size_t i = 0; i < b->n && !c; i++)
        c = store_txn_token_used(t, b->v[i].use->id, b->v[i].at, e);
    return c;
}

/* The lock must be held, and is let go meanwhile. What failed is tried again with the next note. */
static void write_noted(struct token_uses *u)
{
    struct batch b = take_batch(u);
    u->noted = false;
    pthread_mutex_unlock(&u->lock);
    bool written = b.n && store_write(u->store, NULL, run_write, &b, NULL, NULL) == ERR_OK;
    pthread_mutex_lock(&u->lock);
    for (size_t i = 0; i < b.n && written; i++)
        b.v[i].use->written = b.v[i].use->at == b.v[i].at;
    free(b.v);
}

static void *main_loop(void *arg)
{
    struct token_uses *u = arg;
    pthread_mutex_lock(&u->lock);
    for (;;) {
        while (!u->noted && !u->stop)
            pthread_cond_wait(&u->wake, &u->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += WRITE_EVERY_S;
        while (!u->stop && pthread_cond_timedwait(&u->wake, &u->lock, &until) == 0)
            ;
        write_noted(u);
        if (u->stop)
            break;
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

/* --- starting and stopping -----------------------------------------------------------------------
 */

err_code token_uses_start(struct store *store, struct token_uses **ret, struct err *e)
{
    struct token_uses *u = calloc(1, sizeof *u);
    if (!u)
        return err_set(e, ERR_NOMEM, "out of memory while starting");
    u->store = store;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&u->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&u->lock, NULL);
    int rc = pthread_create(&u->thread, NULL, main_loop, u);
    if (rc) {
        pthread_mutex_destroy(&u->lock);
        pthread_cond_destroy(&u->wake);
        free(u);
        return err_errno(e, ERR_IO, rc, "cannot start the thread that notes the use of tokens");
    }
    *ret = u;
    return ERR_OK;
}

void token_uses_stop(struct token_uses *u)
{
    if (!u)
        return;
    pthread_mutex_lock(&u->lock);
    u->stop = true;
    pthread_cond_signal(&u->wake);
    pthread_mutex_unlock(&u->lock);
    pthread_join(u->thread, NULL);
    for (struct use *x = u->first, *next; x; x = next) {
        next = x->next;
        free(x);
    }
    pthread_mutex_destroy(&u->lock);
    pthread_cond_destroy(&u->wake);
    free(u);
}
