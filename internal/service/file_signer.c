#include "service/file_signer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "service/keyring.h"
#include "service/signature_cache.h"
#include "service/signer.h"
#include "sign/minisign.h"

#define KEPT_BYTES    (16u << 20)
#define PIECE         (1u << 20)
#define NAME_BYTES    201
#define SIGNATURE_MAX SIGN_CMS_MAX

/* What says whether a file is still the same. */
struct identity {
    uint64_t dev, ino, size;
    int64_t seconds, nanoseconds;
};

struct job {
    int fd; /* its own */
    struct identity id;
    char name[NAME_BYTES];
};

struct file_signer {
    const struct keyring *keys;
    struct signer *small;
    struct log_sink log;
    struct signature_cache *kept;
    _Atomic bool stop;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct job jobs[FILE_SIGNER_QUEUE]; /* a ring; the first one is being done */
    size_t first, n;
};

static struct identity identity_of(const struct stat *st)
{
    return (struct identity){.dev = st->st_dev,
                             .ino = st->st_ino,
                             .size = (uint64_t)st->st_size,
                             .seconds = st->st_mtim.tv_sec,
                             .nanoseconds = st->st_mtim.tv_nsec};
}

static void hash_identity(const struct identity *id, enum service_form form,
                          unsigned char ret[SIGNATURE_ID_BYTES])
{
    crypto_generichash_state h;
    const unsigned char how = (unsigned char)form;
    crypto_generichash_init(&h, NULL, 0, SIGNATURE_ID_BYTES);
    crypto_generichash_update(&h, &how, 1);
    crypto_generichash_update(&h, (const unsigned char *)id, sizeof *id);
    crypto_generichash_final(&h, ret, SIGNATURE_ID_BYTES);
}

/* --- one file
 * ------------------------------------------------------------------------------------- */

static err_code hash_file(const struct file_signer *f, const struct job *j, struct sign_content *c,
                          struct err *e)
{
    char *piece = malloc(PIECE);
    if (!piece)
        return err_set(e, ERR_NOMEM, "no memory to read %s", j->name);
    sign_content_start(c, false);
    uint64_t at = 0;
    err_code rc = ERR_OK;
    while (!rc && at < j->id.size) {
        ssize_t n = pread(j->fd, piece, PIECE, (off_t)at);
        if (n > 0) {
            sign_content_add(c, str_of(piece, (size_t)n));
            at += (uint64_t)n;
        } else if (n == 0) {
            rc = err_set(e, ERR_BUSY, "%s is being written; ask again", j->name);
        } else if (errno != EINTR) {
            rc = err_errno(e, ERR_IO, errno, "cannot read %s", j->name);
        }
        if (atomic_load_explicit(&f->stop, memory_order_relaxed))
            rc = err_set(e, ERR_BUSY, "the server is stopping");
    }
    free(piece);
    struct stat st;
    struct identity now = {0};
    if (!rc && fstat(j->fd, &st) == 0)
        now = identity_of(&st);
    if (!rc && memcmp(&now, &j->id, sizeof now) != 0)
        rc = err_set(e, ERR_BUSY, "%s is being written; ask again", j->name);
    return rc;
}

static void keep(struct file_signer *f, const struct identity *id, enum service_form form,
                 const struct buf *signature)
{
    unsigned char hash[SIGNATURE_ID_BYTES];
    hash_identity(id, form, hash);
    if (!signature->failed)
        signature_cache_put(f->kept, hash, buf_str(signature));
}

static err_code sign_all(struct file_signer *f, const struct job *j, struct err *e)
{
    struct sign_content content;
    BUF_LOCAL(sig, SIGNATURE_MAX);
    BUF_LOCAL(asc, SIGNATURE_MAX);
    BUF_LOCAL(minisig, SIGNATURE_MAX);
    BUF_LOCAL(cms, SIGNATURE_MAX);
    const uint64_t now = (uint64_t)time(NULL);
    err_code c = hash_file(f, j, &content, e);
    if (!c)
        c = sign_openpgp(keyring_openpgp(f->keys), &content, now, &sig, e);
    if (!c)
        c = sign_minisign_hashed(f->keys->signing, &content, now, str_c(j->name), &minisig, e);
    if (!c)
        c = sign_cms_detached(f->keys->cms, &content, &cms, e);
    if (c)
        return c;
    sign_armor_signature(buf_str(&sig), &asc);
    keep(f, &j->id, SERVICE_SIG, &sig);
    keep(f, &j->id, SERVICE_ASC, &asc);
    keep(f, &j->id, SERVICE_MINISIG, &minisig);
    keep(f, &j->id, SERVICE_CMS, &cms);
    return ERR_OK;
}

static struct job job_of(const struct service_file *file)
{
    struct job j = {.fd = file->fd, .id = identity_of(file->st)};
    size_t n = file->name.n < NAME_BYTES - 1 ? file->name.n : NAME_BYTES - 1;
    if (n)
        memcpy(j.name, file->name.p, n);
    return j;
}

/* --- large ones
 * ----------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct file_signer *f = arg;
    pthread_mutex_lock(&f->lock);
    while (!f->stop) {
        if (!f->n) {
            pthread_cond_wait(&f->wake, &f->lock);
            continue;
        }
        struct job j = f->jobs[f->first];
        pthread_mutex_unlock(&f->lock);
        struct err e = ERR_INIT;
        if (sign_all(f, &j, &e) && e.code != ERR_BUSY) {
            struct log_field field[] = {log_text("file", str_c(j.name)),
                                        log_text("reason", str_c(e.msg))};
            log_event(&f->log, LOG_WARN_LEVEL, "file-not-signed", field, 2);
        }
        close(j.fd);
        pthread_mutex_lock(&f->lock);
        f->first = (f->first + 1) % FILE_SIGNER_QUEUE;
        f->n--;
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* Puts it into the queue, if it is not there and there is room. */
static void enqueue(struct file_signer *f, const struct service_file *file)
{
    struct job j = job_of(file);
    pthread_mutex_lock(&f->lock);
    bool there = f->n == FILE_SIGNER_QUEUE;
    for (size_t i = 0; i < f->n && !there; i++) {
        const struct job *x = &f->jobs[(f->first + i) % FILE_SIGNER_QUEUE];
        there = memcmp(&x->id, &j.id, sizeof j.id) == 0;
    }
    if (!there && (j.fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0)) >= 0) {
        f->jobs[(f->first + f->n++) % FILE_SIGNER_QUEUE] = j;
        pthread_cond_signal(&f->wake);
    }
    pthread_mutex_unlock(&f->lock);
}

err_code file_signer_start(const struct keyring *keys, struct signer *small,
                           const struct log_sink *log, struct file_signer **ret, struct err *e)
{
    struct file_signer *f = calloc(1, sizeof *f);
    if (!f)
        return err_set(e, ERR_NOMEM, "out of memory for the signatures of files");
    f->keys = keys;
    f->small = small;
    f->log = *log;
    err_code c = signature_cache_make(KEPT_BYTES, &f->kept, e);
    if (c) {
        free(f);
        return c;
    }
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
    int errnum = pthread_create(&f->thread, NULL, work, f);
    if (errnum) {
        signature_cache_free(f->kept);
        free(f);
        return err_errno(e, ERR_IO, errnum, "cannot start a signing thread");
    }
    *ret = f;
    return ERR_OK;
}

void file_signer_stop(struct file_signer *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    for (; f->n; f->n--, f->first = (f->first + 1) % FILE_SIGNER_QUEUE)
        close(f->jobs[f->first].fd);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    signature_cache_free(f->kept);
    free(f);
}

/* --- asking
 * --------------------------------------------------------------------------------------- */

struct making {
    struct file_signer *signer;
    struct job job;
    struct err err;
};

static void make(void *arg)
{
    struct making *m = arg;
    sign_all(m->signer, &m->job, &m->err);
}

static bool is_kept(struct file_signer *f, const struct service_file *file, enum service_form form,
                    struct buf *dst)
{
    unsigned char hash[SIGNATURE_ID_BYTES];
    struct identity id = identity_of(file->st);
    hash_identity(&id, form, hash);
    return signature_cache_get(f->kept, hash, dst);
}

err_code file_signer_get(struct file_signer *f, const struct service_file *file,
                         enum service_form form, const char *remote, struct buf *dst, struct err *e)
{
    if (is_kept(f, file, form, dst))
        return ERR_OK;
    if (file->st->st_size > FILE_SIGNER_SMALL) {
        enqueue(f, file);
        return err_set(e, ERR_BUSY, "the file is being read for its signature; ask again");
    }
    struct making m = {.signer = f, .job = job_of(file), .err = ERR_INIT};
    err_code c = signer_run(f->small, remote, make, &m, e);
    if (!c && m.err.code) {
        c = m.err.code;
        if (e)
            *e = m.err;
    }
    if (!c && !is_kept(f, file, form, dst))
        c = err_set(e, ERR_NOMEM, "out of memory while signing");
    return c;
}

void file_signer_prepare(struct file_signer *f, const struct service_file *file)
{
    BUF_LOCAL(unused, SIGNATURE_MAX);
    if (file->st->st_size > FILE_SIGNER_SMALL && !is_kept(f, file, SERVICE_SIG, &unused))
        enqueue(f, file);
}
