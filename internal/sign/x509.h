/* x509.h - what the files of CMS share over GnuTLS. Internal to sign. */
#ifndef SIGN_X509_H
#define SIGN_X509_H

#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/err.h"

#define SIGN_CHAIN_MAX   8
#define SIGN_KEY_PURPOSE GNUTLS_KP_CODE_SIGNING

/* err_set with ": " and what GnuTLS says of rc. ERR_NOMEM if that is what it is. */
err_code sign_tls_error(struct err *e, err_code c, int rc, const char *what);

static inline gnutls_datum_t sign_datum(struct str s)
{
    /* Not const in the interface, but not written to. */
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)(s.n ? s.p : ""), (unsigned)s.n};
}
/* Appends a certificate's or a private key's PEM. */
err_code sign_put_certificate(gnutls_x509_crt_t c, struct buf *dst, struct err *e);
err_code sign_put_private_key(gnutls_x509_privkey_t k, struct buf *dst, struct err *e);

static inline void sign_crt_cleanup(gnutls_x509_crt_t *c)
{
    if (*c)
        gnutls_x509_crt_deinit(*c);
}
static inline void sign_privkey_cleanup(gnutls_x509_privkey_t *k)
{
    if (*k)
        gnutls_x509_privkey_deinit(*k);
}
#define SIGN_CRT_LOCAL     __attribute__((cleanup(sign_crt_cleanup))) gnutls_x509_crt_t
#define SIGN_PRIVKEY_LOCAL __attribute__((cleanup(sign_privkey_cleanup))) gnutls_x509_privkey_t

#endif
