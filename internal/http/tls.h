/*
 * tls.h - certificates, keys and client CAs of servers, that can be changed while they serve.
 *
 * TLS 1.2 and 1.3 (RFC 5246, RFC 8446) by GnuTLS, without renegotiation: a client that asks for it
 * is closed. Several pairs are served at once, and each client gets one that it can use, so one of
 * RSA (for iPXE) and one of ECDSA can stand side by side. Connections keep what they began with;
 * new ones get what was read last. Thread rule: any thread may call any of these. Cost: reading
 * again is some milliseconds, on the caller's thread.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/err.h"
#include "base/str.h"

struct http_tls;

#define HTTP_TLS_PAIRS 8

struct http_tls_config {
    struct {
        const char *cert_file; /* PEM: the certificate, then those up to the root's */
        const char *key_file;  /* PEM, without a passphrase */
    } pairs[HTTP_TLS_PAIRS];
    unsigned pairs_n; /* at least one */
    const char
        *ca_file; /* PEM; clients are asked for a certificate of these CAs; NULL: not asked */
};

/*
 * ERR_IO: a file cannot be read; ERR_INVALID: it does not hold what it should, or a key is not that
 * of its certificate. The file is named. An expired certificate is taken. c is copied.
 */
err_code http_tls_make(const struct http_tls_config *c, struct http_tls **ret, struct err *e);
/* After the servers that use it were stopped. */
void http_tls_free(struct http_tls *t);

/*
 * Reads all files again. On an error the old ones stay; so they do, with ERR_INVALID, when a new
 * certificate has expired and the old ones have not.
 */
err_code http_tls_reload(struct http_tls *t, struct err *e);

enum http_tls_check { HTTP_TLS_SAME, HTTP_TLS_RELOADED, HTTP_TLS_FAILED };
/*
 * To be called every second or so: reads the files again if they have changed and then stayed as
 * they are since the last call. FAILED, once for each change: the old ones stay, e says why.
 */
enum http_tls_check http_tls_check(struct http_tls *t, struct err *e);

#define HTTP_TLS_PIN 48

struct http_certificate {
    const char *file;
    uint64_t expires;       /* seconds since 1970; the earliest of all in the file */
    char pin[HTTP_TLS_PIN]; /* SHA-256 of its public key in base64, as HPKP (RFC 7469) has it */
};
typedef void http_each_certificate(void *arg, const struct http_certificate *c);
/* The servers' own certificates that new connections get. */
void http_tls_each(struct http_tls *t, http_each_certificate *each, void *arg);

/* Whether clients are asked for a certificate. */
bool http_tls_asks(const struct http_tls *t);

#endif
