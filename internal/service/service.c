#include "service/service.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/file_signer.h"
#include "service/keyring.h"
#include "service/parts.h"
#include "service/signature_cache.h"
#include "service/signer.h"

#define PATH_BYTES 4096

/* The database's path. With create, the folder is made if it is not there. */
static err_code database_path(const char *data_path, bool create, char dst[PATH_BYTES],
                              struct err *e)
{
    if (create && mkdir(data_path, 0700) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "cannot create the data path %s", data_path);
    struct stat st;
    if (stat(data_path, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "the data path %s is a file; name a folder", data_path);
    int n = snprintf(dst, PATH_BYTES, "%s/%s", data_path, SERVICE_DATABASE);
    if (n < 0 || n >= PATH_BYTES)
        return err_set(e, ERR_INVALID, "the data path is too long");
    return ERR_OK;
}

static err_code open_store(struct service *s, const struct service_options *o, struct err *e)
{
    char path[PATH_BYTES];
    err_code c = database_path(o->data_path, o->create, path, e);
    struct store_options so = {
        .path = path, .read_only = o->read_only, .keep_revisions = o->keep_revisions};
    return c ? c : store_open(&so, &s->store, e);
}

/* Slow signatures get half of the processors. */
static unsigned signing_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 2 ? (unsigned)n / 2 : 1;
}

static err_code open_keys(struct service *s, const struct service_options *o, struct err *e)
{
    struct keyring_options ko = {
        .data_path = o->data_path, .ring_path = o->key_ring_path, .passphrase = o->passphrase};
    err_code c = keyring_open(&ko, &s->keys, e);
    if (!c)
        c = signature_cache_make(SIGNATURE_CACHE_BYTES, &s->signatures, e);
    if (!c)
        c = signer_start(signing_threads(), &s->signer, e);
    if (!c && o->sign_files)
        c = file_signer_start(s->keys, s->signer, &s->log, &s->files, e);
    if (!c && s->keys->exposed) {
        struct log_field f[] = {log_text("file", str_c(o->key_ring_path))};
        log_event(&s->log, LOG_WARN_LEVEL, "key-ring-readable-by-others", f, 1);
    }
    return c;
}

static err_code open_secrets(struct service *s, const struct service_options *o, struct err *e)
{
    err_code c = open_keys(s, o, e);
    if (!c)
        c = tokens_bootstrap(s, e);
    return c ? c : token_uses_start(s->store, &s->uses, e);
}

static err_code open_catalog(struct service *s, struct err *e)
{
    err_code c = render_builtins_make(&s->builtins, e);
    if (!c)
        c = catalog_make(&s->catalog, e);
    return c ? c : follower_start(s, e);
}

err_code service_open(const struct service_options *o, struct service **ret, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "libsodium cannot start: the system gives no random bytes");
    struct service *s = aligned_alloc(_Alignof(struct service), sizeof *s);
    if (s)
        memset(s, 0, sizeof *s);
    if (!s || !(s->data_path = strdup(o->data_path))) {
        free(s);
        return err_set(e, ERR_NOMEM, "out of memory while starting");
    }
    s->trust_request = o->trust_request;
    sem_init(&s->plan_turns, 0, SERVICE_PLANS_AT_ONCE);
    s->log = o->log;
    if (o->read_only && o->own_token)
        token_hash(str_c(o->own_token), s->own_token);
    s->has_own_token = o->read_only && o->own_token;
    err_code c = secrets_make(o->data_path, &s->secrets, e);
    if (!c)
        c = open_store(s, o, e);
    if (!c && !o->store_only && !o->read_only)
        c = open_secrets(s, o, e);
    if (!c && !o->store_only)
        c = open_catalog(s, e);
    if (c)
        service_close(s);
    else
        *ret = s;
    return c;
}

void service_close(struct service *s)
{
    if (!s)
        return;
    follower_stop(s);
    token_uses_stop(s->uses);
    catalog_free(s->catalog);
    file_signer_stop(s->files);
    signer_stop(s->signer);
    signature_cache_free(s->signatures);
    render_builtins_free(&s->builtins);
    keyring_free(s->keys);
    store_close(s->store);
    secrets_free(s->secrets);
    sem_destroy(&s->plan_turns);
    free(s->data_path);
    free(s);
}

err_code service_backup(const char *data_path, const char *file, store_progress *progress,
                        void *arg, struct err *e)
{
    char path[PATH_BYTES];
    err_code c = database_path(data_path, false, path, e);
    return c ? c : store_backup(path, file, progress, arg, e);
}

err_code service_restore(const char *data_path, const char *file, struct store_restored *ret,
                         store_progress *progress, void *arg, struct err *e)
{
    char path[PATH_BYTES];
    err_code c = database_path(data_path, true, path, e);
    return c ? c : store_restore(path, file, ret, progress, arg, e);
}

struct str service_public_key(struct service *s, enum service_form form)
{
    return buf_str(form == SERVICE_MINISIG ? &s->keys->minisign
                   : form == SERVICE_CMS   ? &s->keys->pem
                                           : &s->keys->asc);
}

void service_stats(struct service *s, struct service_stats *ret)
{
    *ret = (struct service_stats){0};
    if (s->catalog) {
        const struct catalog_view *v = catalog_enter(s->catalog);
        ret->revision = catalog_revision(v);
        catalog_stats(v, &ret->catalog);
        catalog_leave(s->catalog);
    }
    ret->matches = counter_get(&s->matches);
    ret->misses = counter_get(&s->misses);
    for (int d = 0; d < RENDER_DOCUMENTS; d++)
        ret->render_errors[d] = counter_get(&s->render_errors[d]);
    store_stats(s->store, &ret->store);
}
