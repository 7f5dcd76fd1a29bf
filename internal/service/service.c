#include "service/service.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "service/parts.h"

static err_code open_store(struct service *s, const struct service_options *o, struct err *e)
{
    if (o->create && mkdir(o->data_path, 0700) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "cannot create the data path %s", o->data_path);
    struct stat st;
    if (stat(o->data_path, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "the data path %s is a file; name a folder", o->data_path);
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", o->data_path, SERVICE_DATABASE);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_INVALID, "the data path is too long");
    struct store_options so = {
        .path = path, .read_only = o->read_only, .keep_revisions = o->keep_revisions};
    return store_open(&so, &s->store, e);
}

err_code service_open(const struct service_options *o, struct service **ret, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "libsodium cannot start: the system gives no random bytes");
    struct service *s = calloc(1, sizeof *s);
    if (!s || !(s->data_path = strdup(o->data_path))) {
        free(s);
        return err_set(e, ERR_NOMEM, "out of memory while starting");
    }
    s->trust_request = o->trust_request;
    s->log = o->log;
    err_code c = open_store(s, o, e);
    if (!c && !o->store_only) {
        c = keys_load(s, e);
        if (!c)
            c = tokens_bootstrap(s, e);
        if (!c)
            c = token_uses_start(s->store, &s->uses, e);
        if (!c)
            c = render_builtins_make(&s->builtins, e);
        if (!c)
            c = signature_cache_make(&s->signatures, e);
        if (!c)
            c = catalog_make(&s->catalog, e);
        if (!c)
            c = follower_start(s, e);
    }
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
    signature_cache_free(s->signatures);
    render_builtins_free(&s->builtins);
    sign_key_free(s->key);
    buf_free(&s->public_key);
    store_close(s->store);
    free(s->data_path);
    free(s);
}

struct str service_public_key(struct service *s)
{
    return buf_str(&s->public_key);
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
    store_stats(s->store, &ret->store);
}
