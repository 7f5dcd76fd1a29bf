#include <errno.h>
#include <sched.h>
#include <time.h>

#include "base/always.h"
#include "service/parts.h"

#define LOAD_THREADS 16
#define POLL_MS      200
#define WAIT_SECONDS 60
/* Revisions whose predecessors' parts may wait to be freed. */
#define SETTLE_AFTER 64

struct carrying {
    struct service *service;
    struct catalog_edit *edit;
    struct catalog_batch *batch; /* where groups go when the whole site is loaded */
    size_t changes;
};

static err_code apply(struct carrying *c, const struct store_change *change, struct err *e)
{
    const struct store_key *k = &change->r.key;
    if (c->batch && k->type == STORE_GROUP)
        return catalog_batch_add(c->batch, k->name, change->r.body, e);
    switch (k->type) {
    case STORE_GROUP:
        return change->deleted ? catalog_delete_group(c->edit, k->name, e)
                               : catalog_put_group(c->edit, k->name, change->r.body, e);
    case STORE_PROFILE:
        return change->deleted ? catalog_delete_profile(c->edit, k->name, e)
                               : catalog_put_profile(c->edit, k->name, change->r.body, e);
    case STORE_TEMPLATE:
        return change->deleted ? catalog_delete_template(c->edit, k->kind, k->name, e)
                               : catalog_put_template(c->edit, k->kind, k->name, change->r.body, e);
    }
    return ERR_OK;
}

/* What cannot be read is told and left out: the rest of the site is served all the same. */
static err_code carry(void *arg, const struct store_change *change, struct err *e)
{
    static const char *const types[] = {"", "group", "profile", "template"};
    struct carrying *c = arg;
    const struct store_key *k = &change->r.key;
    struct err why = ERR_INIT;
    c->changes++;
    err_code code = apply(c, change, &why);
    if (code == ERR_INVALID || code == ERR_LIMIT || code == ERR_UNSUPPORTED) {
        char text[1200];
        err_format(&why, text, sizeof text);
        struct log_field f[] = {log_text("type", str_c(types[k->type])), log_text("name", k->name),
                                log_text("reason", str_c(text))};
        log_event(&c->service->log, LOG_ERROR_LEVEL, "unreadable-resource", f, 3);
        return ERR_OK;
    }
    if (code && e)
        *e = why;
    return code;
}

/* The old state is served on when the store cannot be followed, so somebody must be told. */
static void tell_trouble(struct service *s, const struct err *now)
{
    if (now->code && strcmp(now->msg, s->trouble.msg) != 0) {
        struct log_field f[] = {log_text("reason", str_c(now->msg)),
                                log_number("revision", s->revision)};
        log_event(&s->log, LOG_ERROR_LEVEL, "database-not-followed", f, 2);
    } else if (!now->code && s->trouble.code) {
        log_event(&s->log, LOG_INFO_LEVEL, "database-followed-again", NULL, 0);
    }
}

static unsigned usable_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}

/* The whole site, by as many threads as there are cores. */
static err_code load_groups(struct service *s, struct catalog_edit *x, uint64_t *ret, struct err *e)
{
    struct carrying parts[LOAD_THREADS];
    struct catalog_batch *batches[LOAD_THREADS];
    void *args[LOAD_THREADS];
    unsigned threads = usable_cores(), n = 0;
    err_code c = ERR_OK;
    for (; n < threads && n < LOAD_THREADS; n++) {
        c = catalog_batch_make(x, &batches[n], e);
        if (c)
            break;
        parts[n] = (struct carrying){s, x, batches[n], 0};
        args[n] = &parts[n];
    }
    if (!c)
        c = store_present(s->store, n, carry, args, ret, e);
    if (!c)
        c = catalog_put_batches(x, batches, n, e);
    for (unsigned i = 0; i < n; i++)
        catalog_batch_free(batches[i]);
    return c;
}

static err_code load(struct service *s, uint64_t *ret, struct err *e)
{
    struct catalog_edit *x;
    uint64_t revision = 0;
    err_code c = catalog_edit_begin(s->catalog, true, &x, e);
    if (c)
        return c;
    c = load_groups(s, x, &revision, e);
    if (c) {
        catalog_edit_abandon(x);
        return c;
    }
    catalog_edit_commit(x, revision);
    *ret = revision;
    return ERR_OK;
}

static err_code follow_from(struct service *s, uint64_t since, uint64_t *ret, struct err *e)
{
    struct carrying c = {.service = s};
    err_code code = catalog_edit_begin(s->catalog, false, &c.edit, e);
    if (code)
        return code;
    uint64_t revision = since;
    code = store_changes_since(s->store, since, carry, &c, &revision, e);
    if (code || (c.changes == 0 && revision == since))
        catalog_edit_abandon(c.edit);
    else
        catalog_edit_commit(c.edit, revision);
    if (!code)
        *ret = revision;
    return code;
}

/* As the newest revision, which has changed nothing else. */
static err_code publish_one(struct service *s, const struct store_change *own, uint64_t *ret,
                            struct err *e)
{
    struct carrying c = {.service = s};
    err_code code = catalog_edit_begin(s->catalog, false, &c.edit, e);
    if (code)
        return code;
    code = carry(&c, own, e);
    if (code) {
        catalog_edit_abandon(c.edit);
        return code;
    }
    catalog_edit_commit(c.edit, own->revision);
    *ret = own->revision;
    return ERR_OK;
}

/* Brings the catalog to the store's newest revision; from the start if history has a hole. */
static err_code catch_up(struct service *s, uint64_t since, uint64_t *ret, struct err *e)
{
    err_code c = since ? follow_from(s, since, ret, e) : ERR_STALE;
    if (c != ERR_STALE)
        return c;
    *e = (struct err)ERR_INIT;
    return load(s, ret, e);
}

static struct timespec from_now(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* --- whose turn it is --------------------------------------------------------------------------
 *
 * One carries at a time, and s->lock is not held meanwhile: the follower, or whoever has just
 * written, which spares it two hand-overs.
 */

static void turn_begin(struct service *s)
{
    always(!s->carrying);
    s->carrying = true;
    pthread_mutex_unlock(&s->lock);
}

/* Back with the lock. The revision is the catalog's now; a failure has left it as it was. */
static void turn_end(struct service *s, uint64_t revision, const struct err *e)
{
    tell_trouble(s, e);
    pthread_mutex_lock(&s->lock);
    s->trouble = *e;
    if (!e->code) {
        s->revision = revision;
        __atomic_store_n(&s->loaded, true, __ATOMIC_RELEASE);
    }
    s->carrying = false;
    pthread_cond_broadcast(&s->applied);
}

/* What was written elsewhere, and a failure that may be over. */
static void look_again(struct service *s)
{
    bool behind = !service_ready(s) || s->trouble.code != ERR_OK;
    uint64_t revision = s->revision, since = revision;
    turn_begin(s);
    struct err e = ERR_INIT;
    /* A failure is tried again at the next turn: the old state is served on. */
    if (!store_in_place(s->store, &e) && (store_changed(s->store) || behind))
        catch_up(s, since, &revision, &e);
    turn_end(s, revision, &e);
}

/* What edits and requests have replaced. */
static void settle(struct service *s)
{
    s->published = 0;
    pthread_mutex_unlock(&s->lock);
    catalog_settle(s->catalog);
    pthread_mutex_lock(&s->lock);
}

static void *follow(void *arg)
{
    struct service *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->carrying)
            look_again(s);
        struct timespec until = from_now(POLL_MS);
        for (int rc = 0; !s->stop && rc == 0;) {
            if (s->published >= SETTLE_AFTER)
                settle(s);
            else
                rc = pthread_cond_timedwait(&s->wake, &s->lock, &until);
        }
        settle(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/*
 * The catalog's next revision after a write. If it has all others, what was written is known and
 * need not be read again.
 */
static void carry_own(struct service *s, uint64_t written, const struct store_change *own)
{
    uint64_t revision = s->revision, since = revision;
    turn_begin(s);
    struct err e = ERR_INIT;
    if (own && since + 1 == written)
        publish_one(s, own, &revision, &e);
    else
        catch_up(s, since, &revision, &e);
    turn_end(s, revision, &e);
    if (++s->published == SETTLE_AFTER)
        pthread_cond_signal(&s->wake);
}

static void init_cond(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

err_code follower_start(struct service *s, struct err *e)
{
    pthread_mutex_init(&s->lock, NULL);
    init_cond(&s->wake);
    init_cond(&s->applied);
    int rc = pthread_create(&s->follower, NULL, follow, s);
    if (rc) {
        pthread_cond_destroy(&s->wake);
        pthread_cond_destroy(&s->applied);
        pthread_mutex_destroy(&s->lock);
        return err_errno(e, ERR_IO, rc, "cannot start the thread that follows the database");
    }
    s->follower_runs = true;
    return ERR_OK;
}

void follower_stop(struct service *s)
{
    if (!s->follower_runs)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->follower, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->applied);
    pthread_mutex_destroy(&s->lock);
    s->follower_runs = false;
}

err_code follower_wait(struct service *s, uint64_t revision, const struct store_change *own,
                       struct err *e)
{
    if (!s->follower_runs)
        return ERR_OK;
    err_code c = ERR_OK;
    struct timespec until = from_now(WAIT_SECONDS * 1000L);
    bool tried = false;
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    while (s->revision < revision && rc == 0) {
        /* What is in trouble is the follower's to try again. */
        if (!tried && !s->carrying && service_ready(s) && !s->trouble.code) {
            carry_own(s, revision, own);
            tried = true;
        } else {
            rc = pthread_cond_timedwait(&s->applied, &s->lock, &until);
        }
    }
    if (s->revision < revision)
        c = err_set(e, ERR_BUSY, "revision %llu is stored, but is not served yet: %s",
                    (unsigned long long)revision,
                    s->trouble.code ? s->trouble.msg : "the server is still loading it");
    pthread_mutex_unlock(&s->lock);
    return c;
}

bool service_ready(struct service *s)
{
    return __atomic_load_n(&s->loaded, __ATOMIC_ACQUIRE);
}

err_code service_wait_ready(struct service *s, struct err *e)
{
    if (!s->follower_runs)
        return ERR_OK;
    err_code c = ERR_OK;
    pthread_mutex_lock(&s->lock);
    while (!service_ready(s) && s->trouble.code == ERR_OK)
        pthread_cond_wait(&s->applied, &s->lock);
    if (!service_ready(s)) {
        c = s->trouble.code;
        if (e)
            *e = s->trouble;
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}
