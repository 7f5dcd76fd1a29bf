#include "certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/always.h"

#define DAY         86400
#define WARN_BEFORE (30 * DAY)

struct certificates {
    struct http_tls *tls;
    struct log_sink log;
    uint64_t warn_at; /* when the next warnings are due, in seconds since 1970 */
};

/* --- flags ------------------------------------------------------------------------------------ */

static const char *name_in(struct arena *a, struct str s)
{
    struct str copy;
    return arena_str(a, s, &copy) ? copy.p : NULL;
}

/* Pairs the nth certificate with the nth key. */
static err_code pair_files(const struct certificates_flags *f, struct arena *a,
                           struct http_tls_config *c, struct err *e)
{
    struct str certs = str_c(f->cert_files.text), keys = str_c(f->key_files.text);
    while (certs.n || keys.n) {
        struct str cert = str_cut(certs, ',', &certs), key = str_cut(keys, ',', &keys);
        if (!cert.n || !key.n)
            return err_set(e, ERR_INVALID,
                           "each --tls-cert-file needs its --tls-key-file, in the same order");
        if (c->pairs_n == HTTP_TLS_PAIRS)
            return err_set(e, ERR_INVALID, "at most %d pairs of --tls-cert-file and --tls-key-file",
                           HTTP_TLS_PAIRS);
        c->pairs[c->pairs_n].cert_file = name_in(a, cert);
        c->pairs[c->pairs_n].key_file = name_in(a, key);
        if (!c->pairs[c->pairs_n].cert_file || !c->pairs[c->pairs_n].key_file)
            return err_set(e, ERR_NOMEM, "out of memory for certificates");
        c->pairs_n++;
    }
    return ERR_OK;
}

err_code certificates_read(const struct certificates_flags *f, const struct log_sink *log,
                           struct certificates **ret, struct err *e)
{
    ARENA_LOCAL(a, 1u << 16);
    struct http_tls_config config = {.ca_file = f->ca_file[0] ? f->ca_file : NULL};
    err_code code = pair_files(f, &a, &config, e);
    if (code)
        return code;
    if (!config.pairs_n) {
        *ret = NULL;
        return f->ca_file[0] ? err_set(e, ERR_INVALID,
                                       "--tls-ca-file needs --tls-cert-file and --tls-key-file")
                             : ERR_OK;
    }
    struct certificates *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory for certificates");
    c->log = *log;
    code = http_tls_make(&config, &c->tls, e);
    if (code)
        certificates_free(c);
    else
        *ret = c;
    return code;
}

void certificates_free(struct certificates *c)
{
    if (c)
        http_tls_free(c->tls);
    free(c);
}

struct http_tls *certificates_tls(const struct certificates *c)
{
    return c ? c->tls : NULL;
}

/* --- what is logged --------------------------------------------------------------------------- */

static void warn_of(void *arg, const struct http_certificate *cert)
{
    struct certificates *c = arg;
    uint64_t now = (uint64_t)time(NULL);
    if (cert->expires > now + WARN_BEFORE)
        return;
    bool over = cert->expires <= now;
    uint64_t days = over ? 0 : (cert->expires - now) / DAY;
    struct log_field f[] = {log_text("file", str_c(cert->file)), log_number("days_left", days)};
    log_event(&c->log, over ? LOG_ERROR_LEVEL : LOG_WARN_LEVEL,
              over ? "tls-certificate-expired" : "tls-certificate-expires", f, 2);
}

static void tell_failure(struct certificates *c, const struct err *e)
{
    struct log_field f[] = {log_text("why", str_c(e->msg))};
    log_event(&c->log, LOG_ERROR_LEVEL, "tls-not-reloaded", f, 1);
}

static void tell_reload(struct certificates *c)
{
    log_event(&c->log, LOG_INFO_LEVEL, "tls-reloaded", NULL, 0);
    c->warn_at = 0;
}

bool certificates_reload(struct certificates *c)
{
    struct err e = ERR_INIT;
    if (http_tls_reload(c->tls, &e)) {
        tell_failure(c, &e);
        return false;
    }
    tell_reload(c);
    return true;
}

bool certificates_tick(struct certificates *c)
{
    struct err e = ERR_INIT;
    enum http_tls_check is = http_tls_check(c->tls, &e);
    uint64_t now = (uint64_t)time(NULL);
    if (is == HTTP_TLS_FAILED)
        tell_failure(c, &e);
    if (is == HTTP_TLS_RELOADED)
        tell_reload(c);
    if (now >= c->warn_at) {
        http_tls_each(c->tls, warn_of, c);
        c->warn_at = now + DAY;
    }
    return is == HTTP_TLS_RELOADED;
}

static void add_pin(void *arg, const struct http_certificate *cert)
{
    struct buf *b = arg;
    buf_addf(b, "%ssha256//%s", b->n ? ";" : "", cert->pin);
}

void certificates_pins(const struct certificates *c, char *dst, size_t size)
{
    BUF_LOCAL(text, size);
    dst[0] = '\0';
    if (c)
        http_tls_each(c->tls, add_pin, &text);
    const char *all = buf_c(&text);
    if (all)
        snprintf(dst, size, "%s", all);
}
