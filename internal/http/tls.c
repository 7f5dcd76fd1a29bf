/*
 * libmicrohttpd takes its certificates and CAs once, at its start. But each connection has a GnuTLS
 * session of its own, which is told here, before its handshake, whose credentials it uses: a set
 * of all that was read at one time. Sets are counted, since a connection may outlive its set's
 * being the newest.
 */
#include "http/tls.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/always.h"
#include "base/hash.h"
#include "http/server.h"

#define CHAIN_MAX 16
/* How long a client's certificate, once verified, is good on its connection. */
#define VERIFY_MS 60000

struct tls_set {
    _Atomic unsigned refs;
    uint64_t number;                              /* no other set has or had it; not 0 */
    gnutls_certificate_credentials_t credentials; /* with the CAs */
    struct http_certificate certificates[HTTP_TLS_PAIRS];
};

struct http_tls {
    struct http_tls_config config; /* with copies of the names */
    gnutls_datum_t ticket_key;
    pthread_mutex_t lock; /* guards what follows */
    struct tls_set *now;
    uint64_t stamp; /* of the files when they were read last */
    uint64_t seen;  /* at the last check */
};

/* --- sets ------------------------------------------------------------------------------------ */

static void set_drop(struct tls_set *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    if (s->credentials)
        gnutls_certificate_free_credentials(s->credentials);
    free(s);
}

static struct tls_set *set_take(struct http_tls *t)
{
    pthread_mutex_lock(&t->lock);
    struct tls_set *s = t->now;
    atomic_fetch_add(&s->refs, 1);
    pthread_mutex_unlock(&t->lock);
    return s;
}

/* --- reading --------------------------------------------------------------------------------- */

static void datum_free(gnutls_datum_t *d)
{
    gnutls_memset(d->data, 0, d->size);
    gnutls_free(d->data);
}

static err_code load(const char *path, gnutls_datum_t *ret, struct err *e)
{
    errno = 0;
    if (gnutls_load_file(path, ret) == 0)
        return ERR_OK;
    return err_errno(e, ERR_IO, errno ? errno : EIO, "cannot read %s", path);
}

struct chain {
    gnutls_x509_crt_t *v;
    unsigned n;
};

static void chain_free(struct chain *c)
{
    for (unsigned i = 0; i < c->n; i++)
        gnutls_x509_crt_deinit(c->v[i]);
    gnutls_free(c->v);
}

static err_code read_chain(const char *path, struct chain *ret, struct err *e)
{
    __attribute__((cleanup(datum_free))) gnutls_datum_t text = {NULL, 0};
    err_code c = load(path, &text, e);
    if (c)
        return c;
    int rc = gnutls_x509_crt_list_import2(&ret->v, &ret->n, &text, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (rc == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
        return err_set(e, ERR_INVALID,
                       "the certificates in %s are not in order: the server's own comes first, "
                       "then the one that signed it, and so on",
                       path);
    if (rc >= 0 && ret->n > 0 && ret->n <= CHAIN_MAX)
        return ERR_OK;
    return err_set(e, ERR_INVALID, "%s holds no certificate in PEM (-----BEGIN CERTIFICATE): %s",
                   path, rc < 0 ? gnutls_strerror(rc) : "there are none, or too many");
}

static err_code read_key(const char *path, gnutls_x509_privkey_t key, struct err *e)
{
    __attribute__((cleanup(datum_free))) gnutls_datum_t text = {NULL, 0};
    err_code c = load(path, &text, e);
    if (c)
        return c;
    int rc = gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc == GNUTLS_E_DECRYPTION_FAILED)
        return err_set(e, ERR_INVALID,
                       "the key in %s has a passphrase, which nobody is there to type: write it "
                       "without one, as `openssl pkey` does, readable by this server only",
                       path);
    if (rc < 0)
        return err_set(e, ERR_INVALID, "%s holds no private key in PEM: %s", path,
                       gnutls_strerror(rc));
    return ERR_OK;
}

static void describe(const struct chain *chain, const char *file, struct http_certificate *ret)
{
    unsigned char id[32];
    size_t n = sizeof id;
    *ret = (struct http_certificate){.file = file, .expires = UINT64_MAX};
    for (unsigned i = 0; i < chain->n; i++) {
        time_t end = gnutls_x509_crt_get_expiration_time(chain->v[i]);
        if (end >= 0 && (uint64_t)end < ret->expires)
            ret->expires = (uint64_t)end;
    }
    if (gnutls_x509_crt_get_key_id(chain->v[0], GNUTLS_KEYID_USE_SHA256, id, &n) != 0)
        return;
    gnutls_datum_t raw = {id, (unsigned)n}, text = {NULL, 0};
    if (gnutls_base64_encode2(&raw, &text) == 0)
        snprintf(ret->pin, sizeof ret->pin, "%.*s", (int)text.size, (const char *)text.data);
    gnutls_free(text.data);
}

static err_code add_pair(struct tls_set *s, const struct http_tls_config *c, unsigned i,
                         struct err *e)
{
    const char *cert_file = c->pairs[i].cert_file, *key_file = c->pairs[i].key_file;
    __attribute__((cleanup(chain_free))) struct chain chain = {NULL, 0};
    gnutls_x509_privkey_t key;
    if (gnutls_x509_privkey_init(&key) != 0)
        return err_set(e, ERR_NOMEM, "out of memory for a key");
    err_code code = read_chain(cert_file, &chain, e);
    if (!code)
        code = read_key(key_file, key, e);
    int rc = code ? 0 : gnutls_certificate_set_x509_key(s->credentials, chain.v, (int)chain.n, key);
    if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        code = err_set(e, ERR_INVALID, "the key in %s is not that of the certificate in %s",
                       key_file, cert_file);
    else if (rc < 0)
        code = err_set(e, ERR_INVALID, "%s and %s cannot be served: %s", cert_file, key_file,
                       gnutls_strerror(rc));
    else if (!code)
        describe(&chain, cert_file, &s->certificates[i]);
    gnutls_x509_privkey_deinit(key);
    return code;
}

static err_code add_authorities(struct tls_set *s, const char *path, struct err *e)
{
    __attribute__((cleanup(datum_free))) gnutls_datum_t text = {NULL, 0};
    err_code c = load(path, &text, e);
    if (c)
        return c;
    int n = gnutls_certificate_set_x509_trust_mem(s->credentials, &text, GNUTLS_X509_FMT_PEM);
    if (n > 0)
        return ERR_OK;
    return err_set(e, ERR_INVALID, "%s holds no CA certificate in PEM: %s", path,
                   n < 0 ? gnutls_strerror(n) : "there are none");
}

static err_code set_read(const struct http_tls_config *c, struct tls_set **ret, struct err *e)
{
    struct tls_set *s = calloc(1, sizeof *s);
    if (!s || gnutls_certificate_allocate_credentials(&s->credentials) != 0) {
        free(s);
        return err_set(e, ERR_NOMEM, "out of memory for certificates");
    }
    static _Atomic uint64_t numbers;
    atomic_init(&s->refs, 1);
    s->number = atomic_fetch_add(&numbers, 1) + 1;
    err_code code = ERR_OK;
    for (unsigned i = 0; !code && i < c->pairs_n; i++)
        code = add_pair(s, c, i, e);
    if (!code && c->ca_file)
        code = add_authorities(s, c->ca_file, e);
    if (code)
        set_drop(s);
    else
        *ret = s;
    return code;
}

/* --- changes --------------------------------------------------------------------------------- */

static uint64_t stamp_file(uint64_t seed, const char *path)
{
    struct stat st = {0};
    if (!path || stat(path, &st) != 0)
        return hash_mix(seed, 1);
    uint64_t of[] = {st.st_dev, st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                     (uint64_t)st.st_mtim.tv_nsec};
    return hash_bytes(str_of((const char *)of, sizeof of), seed);
}

/* Changes when a file is written or replaced. */
static uint64_t stamp_of(const struct http_tls_config *c)
{
    uint64_t stamp = stamp_file(0, c->ca_file);
    for (unsigned i = 0; i < c->pairs_n; i++)
        stamp = stamp_file(stamp_file(stamp, c->pairs[i].cert_file), c->pairs[i].key_file);
    return stamp;
}

/* A certificate that has expired, or NULL. */
static const struct http_certificate *expired(const struct tls_set *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (s->certificates[i].expires <= (uint64_t)time(NULL))
            return &s->certificates[i];
    return NULL;
}

err_code http_tls_reload(struct http_tls *t, struct err *e)
{
    struct tls_set *fresh;
    uint64_t stamp = stamp_of(&t->config);
    err_code c = set_read(&t->config, &fresh, e);
    pthread_mutex_lock(&t->lock);
    t->stamp = t->seen = stamp;
    unsigned n = t->config.pairs_n;
    const struct http_certificate *old = c ? NULL : expired(fresh, n);
    if (old && !expired(t->now, n))
        c = err_set(e, ERR_INVALID, "the certificate in %s has expired; the one before has not",
                    old->file);
    struct tls_set *drop = c == ERR_OK ? t->now : old ? fresh : NULL;
    if (c == ERR_OK)
        t->now = fresh;
    pthread_mutex_unlock(&t->lock);
    set_drop(drop);
    return c;
}

enum http_tls_check http_tls_check(struct http_tls *t, struct err *e)
{
    uint64_t stamp = stamp_of(&t->config);
    pthread_mutex_lock(&t->lock);
    bool settled = stamp == t->seen, changed = stamp != t->stamp;
    t->seen = stamp;
    pthread_mutex_unlock(&t->lock);
    if (!changed || !settled)
        return HTTP_TLS_SAME;
    return http_tls_reload(t, e) ? HTTP_TLS_FAILED : HTTP_TLS_RELOADED;
}

/* --- coming and going ------------------------------------------------------------------------ */

static bool keep(const char **name)
{
    if (*name)
        *name = strdup(*name);
    return *name != NULL;
}

static err_code copy_config(const struct http_tls_config *c, struct http_tls *t, struct err *e)
{
    bool ok = true;
    t->config.pairs_n = c->pairs_n;
    for (unsigned i = 0; i < c->pairs_n; i++) {
        t->config.pairs[i] = c->pairs[i];
        ok &= keep(&t->config.pairs[i].cert_file);
        ok &= keep(&t->config.pairs[i].key_file);
    }
    t->config.ca_file = c->ca_file;
    if (c->ca_file)
        ok &= keep(&t->config.ca_file);
    return ok ? ERR_OK : err_set(e, ERR_NOMEM, "out of memory for certificates");
}

err_code http_tls_make(const struct http_tls_config *c, struct http_tls **ret, struct err *e)
{
    always(c->pairs_n > 0 && c->pairs_n <= HTTP_TLS_PAIRS);
    struct http_tls *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_NOMEM, "out of memory for certificates");
    pthread_mutex_init(&t->lock, NULL);
    err_code code = copy_config(c, t, e);
    if (!code && gnutls_session_ticket_key_generate(&t->ticket_key) != 0)
        code = err_set(e, ERR_IO, "no random bytes for TLS");
    t->stamp = t->seen = stamp_of(&t->config);
    if (!code)
        code = set_read(&t->config, &t->now, e);
    if (code)
        http_tls_free(t);
    else
        *ret = t;
    return code;
}

void http_tls_free(struct http_tls *t)
{
    if (!t)
        return;
    set_drop(t->now);
    for (unsigned i = 0; i < t->config.pairs_n; i++) {
        free((char *)(uintptr_t)t->config.pairs[i].cert_file);
        free((char *)(uintptr_t)t->config.pairs[i].key_file);
    }
    free((char *)(uintptr_t)t->config.ca_file);
    datum_free(&t->ticket_key);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void http_tls_each(struct http_tls *t, http_each_certificate *each, void *arg)
{
    struct tls_set *s = set_take(t);
    for (unsigned i = 0; i < t->config.pairs_n; i++)
        each(arg, &s->certificates[i]);
    set_drop(s);
}

bool http_tls_asks(const struct http_tls *t)
{
    return t->config.ca_file != NULL;
}

/* --- connections ----------------------------------------------------------------------------- */

bool tls_begin(struct connection *c, struct gnutls_session_int *session)
{
    struct http_tls *t = c->server->config.tls;
    c->session = session;
    c->tls_set = set_take(t);
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->tls_set->credentials) != 0 ||
        gnutls_session_ticket_enable_server(session, &t->ticket_key) != 0)
        return false;
    if (t->config.ca_file)
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    return true;
}

void tls_end(struct connection *c)
{
    set_drop(c->tls_set);
    gnutls_free(c->client.text);
}

bool tls_send_last(struct connection *c, struct str s)
{
    bool sent = gnutls_record_send(c->session, s.p, s.n) == (ssize_t)s.n;
    gnutls_bye(c->session, GNUTLS_SHUT_WR);
    return sent;
}

/* --- clients' certificates ------------------------------------------------------------------- */

/* False: they are no certificates. */
static bool import_chain(const gnutls_datum_t *raw, unsigned n, gnutls_x509_crt_t *v,
                         struct chain *ret)
{
    ret->v = v;
    for (ret->n = 0; ret->n < n; ret->n++) {
        if (gnutls_x509_crt_init(&v[ret->n]) != 0)
            return false;
        if (gnutls_x509_crt_import(v[ret->n], &raw[ret->n], GNUTLS_X509_FMT_DER) != 0) {
            gnutls_x509_crt_deinit(v[ret->n]);
            return false;
        }
    }
    return true;
}

/* *ret_text: the subject, or what is wrong; to be freed with gnutls_free. */
static enum http_client_certificate judge(const struct chain *chain, struct tls_set *s,
                                          char **ret_text)
{
    gnutls_x509_trust_list_t list;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;
    gnutls_datum_t text = {NULL, 0};
    gnutls_certificate_get_trust_list(s->credentials, &list);
    if (gnutls_x509_trust_list_verify_crt2(list, chain->v, chain->n, &purpose, 1,
                                           GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status,
                                           NULL) != 0)
        status |= GNUTLS_CERT_INVALID;
    int rc = status
                 ? gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0)
                 : gnutls_x509_crt_get_dn3(chain->v[0], &text, 0);
    *ret_text = rc == 0 ? (char *)text.data : NULL;
    return status || rc != 0 ? HTTP_CLIENT_REFUSED : HTTP_CLIENT_VERIFIED;
}

static void verify(struct connection *c, struct tls_set *s)
{
    unsigned n = 0;
    gnutls_x509_crt_t v[CHAIN_MAX];
    struct chain chain = {v, 0};
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(c->session, &n);
    gnutls_free(c->client.text);
    c->client.text = NULL;
    c->client.state = raw && n ? HTTP_CLIENT_REFUSED : HTTP_CLIENT_ANONYMOUS;
    if (c->client.state == HTTP_CLIENT_ANONYMOUS || n > CHAIN_MAX)
        return;
    if (import_chain(raw, n, v, &chain))
        c->client.state = judge(&chain, s, &c->client.text);
    for (unsigned i = 0; i < chain.n; i++)
        gnutls_x509_crt_deinit(v[i]);
}

enum http_client_certificate http_client(const struct http_request *q, struct str *ret_text)
{
    const struct request *r = q->connection;
    struct connection *c = r->connection;
    struct http_tls *t = c->server->config.tls;
    *ret_text = STR("");
    if (!c->session || !t->config.ca_file)
        return HTTP_CLIENT_ANONYMOUS;
    struct tls_set *s = set_take(t);
    uint64_t now = now_ms();
    if (c->client.set != s->number || now - c->client.verified_ms >= VERIFY_MS) {
        verify(c, s);
        c->client.set = s->number;
        c->client.verified_ms = now;
    }
    set_drop(s);
    if (c->client.state != HTTP_CLIENT_ANONYMOUS &&
        !arena_str(q->arena, str_c(c->client.text ? c->client.text : "it cannot be read"),
                   ret_text))
        return HTTP_CLIENT_REFUSED;
    return c->client.state;
}
