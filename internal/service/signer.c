#include "service/signer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"

#define THREADS_MAX 16
#define ADDRESSES   4096

struct job {
    signer_job *run;
    void *arg;
    bool done;
    struct job *next;
};

/* What an address has left: a bucket that fills with SIGNER_RATE a second up to SIGNER_BURST. Two
   addresses may fall into one place; the newer one then starts afresh. */
struct allowance {
    uint64_t address; /* its hash */
    uint64_t at_ms;
    uint64_t thousandths;
};

struct signer {
    pthread_mutex_t lock;
    pthread_cond_t wake;     /* there is a job, or stop */
    pthread_cond_t finished; /* some job is done */
    struct job *first, **end;
    unsigned waiting, threads_n;
    bool stop;
    pthread_t threads[THREADS_MAX];
    uint64_t seed;
    struct allowance allowances[ADDRESSES];
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void *work(void *arg)
{
    struct signer *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first && !s->stop)
            pthread_cond_wait(&s->wake, &s->lock);
        struct job *j = s->first;
        if (!j)
            break;
        s->first = j->next;
        if (!s->first)
            s->end = &s->first;
        s->waiting--;
        pthread_mutex_unlock(&s->lock);
        j->run(j->arg);
        pthread_mutex_lock(&s->lock);
        j->done = true;
        pthread_cond_broadcast(&s->finished);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

err_code signer_start(unsigned threads, struct signer **ret, struct err *e)
{
    struct signer *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory for the signing threads");
    s->end = &s->first;
    s->seed = now_ms();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    pthread_cond_init(&s->finished, NULL);
    for (unsigned i = 0; i < threads && i < THREADS_MAX; i++) {
        int errnum = pthread_create(&s->threads[i], NULL, work, s);
        if (errnum) {
            signer_stop(s);
            return err_errno(e, ERR_IO, errnum, "cannot start a signing thread");
        }
        s->threads_n++;
    }
    *ret = s;
    return ERR_OK;
}

void signer_stop(struct signer *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->threads_n; i++)
        pthread_join(s->threads[i], NULL);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->finished);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* The lock is held. */
static bool within_rate(struct signer *s, const char *remote)
{
    const uint64_t full = SIGNER_BURST * 1000;
    uint64_t h = hash_bytes(str_c(remote), s->seed), now = now_ms();
    struct allowance *a = &s->allowances[h % ADDRESSES];
    if (a->address != h)
        *a = (struct allowance){h, now, full};
    uint64_t passed = now - a->at_ms;
    a->at_ms = now;
    a->thousandths += passed > full ? full : passed * SIGNER_RATE;
    if (a->thousandths > full)
        a->thousandths = full;
    if (a->thousandths < 1000)
        return false;
    a->thousandths -= 1000;
    return true;
}

err_code signer_run(struct signer *s, const char *remote, signer_job *job, void *arg, struct err *e)
{
    struct job j = {.run = job, .arg = arg};
    err_code c = ERR_OK;
    pthread_mutex_lock(&s->lock);
    if (s->waiting == SIGNER_QUEUE_MAX)
        c = err_set(e, ERR_BUSY, "too many signatures are being made; ask again");
    else if (!within_rate(s, remote))
        c = err_set(e, ERR_BUSY,
                    "this address asks for more than %d new signatures a second; ask again",
                    SIGNER_RATE);
    if (!c) {
        *s->end = &j; /* which stays until it is done */
        // cppcheck-suppress autoVariables
        s->end = &j.next;
        s->waiting++;
        pthread_cond_signal(&s->wake);
        while (!j.done)
            pthread_cond_wait(&s->finished, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}
