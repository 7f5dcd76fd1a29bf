/* A small certificate authority: a root, and code-signing certificates by it (RFC 5280). */
#include <sodium.h>
#include <string.h>

#include "sign/cms.h"
#include "sign/packet.h"
#include "sign/x509.h"

#define BITS         2048 /* what every iPXE takes */
#define DAY          86400
#define YEAR         (36525 * 864ull) /* seconds */
#define KEY_ID_BYTES 20

err_code sign_tls_error(struct err *e, err_code c, int rc, const char *what)
{
    if (rc == GNUTLS_E_MEMORY_ERROR)
        c = ERR_NOMEM;
    return err_set(e, c, "%s: %s", what, gnutls_strerror(rc));
}

err_code sign_put_certificate(gnutls_x509_crt_t c, struct buf *dst, struct err *e)
{
    gnutls_datum_t pem;
    int rc = gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &pem);
    if (rc < 0)
        return sign_tls_error(e, ERR_INVALID, rc, "a certificate cannot be written");
    buf_add(dst, pem.data, pem.size);
    gnutls_free(pem.data);
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a certificate") : ERR_OK;
}

err_code sign_put_private_key(gnutls_x509_privkey_t k, struct buf *dst, struct err *e)
{
    gnutls_datum_t pem;
    int rc =
        gnutls_x509_privkey_export2_pkcs8(k, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (rc < 0)
        return sign_tls_error(e, ERR_INVALID, rc, "a private key cannot be written");
    buf_add(dst, pem.data, pem.size);
    sodium_memzero(pem.data, pem.size);
    gnutls_free(pem.data);
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a key") : ERR_OK;
}

static int new_key(gnutls_x509_privkey_t *ret)
{
    int rc = gnutls_x509_privkey_init(ret);
    return rc < 0 ? rc : gnutls_x509_privkey_generate(*ret, GNUTLS_PK_RSA, BITS, 0);
}

/* Everything that both kinds of certificates have. */
static int fill(gnutls_x509_crt_t c, gnutls_x509_privkey_t key, const struct sign_certificate *in,
                uint64_t years)
{
    unsigned char serial[SIGN_SERIAL_BYTES], id[KEY_ID_BYTES];
    size_t n = sizeof id;
    memcpy(serial, in->serial, sizeof serial);
    serial[0] = (unsigned char)((serial[0] & 0x3F) | 0x40); /* positive, and never shorter */
    int rc = gnutls_x509_crt_set_version(c, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(c, serial, sizeof serial);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(c, (time_t)(in->now - DAY));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(c, (time_t)(in->now + years * YEAR));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, in->name,
                                           (unsigned)strlen(in->name));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(c, key);
    if (rc >= 0)
        rc = gnutls_x509_crt_get_key_id(c, 0, id, &n);
    return rc < 0 ? rc : gnutls_x509_crt_set_subject_key_id(c, id, n);
}

static err_code write_pair(gnutls_x509_privkey_t key, gnutls_x509_crt_t c, struct buf *dst,
                           struct err *e)
{
    err_code code = sign_put_private_key(key, dst, e);
    return code ? code : sign_put_certificate(c, dst, e);
}

err_code sign_ca_make(const struct sign_certificate *in, struct buf *dst, struct err *e)
{
    SIGN_PRIVKEY_LOCAL key = NULL;
    SIGN_CRT_LOCAL c = NULL;
    int rc = new_key(&key);
    if (rc >= 0)
        rc = gnutls_x509_crt_init(&c);
    if (rc >= 0)
        rc = fill(c, key, in, SIGN_CA_YEARS);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(c, 1, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc >= 0)
        rc = gnutls_x509_crt_sign2(c, c, key, GNUTLS_DIG_SHA256, 0);
    return rc < 0 ? sign_tls_error(e, ERR_IO, rc, "no certificate authority could be made")
                  : write_pair(key, c, dst, e);
}

static int sign_by(gnutls_x509_crt_t c, gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
    unsigned char id[64];
    size_t n = sizeof id;
    int rc = gnutls_x509_crt_set_basic_constraints(c, 0, -1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(c, SIGN_KEY_PURPOSE, 0);
    if (rc >= 0 && gnutls_x509_crt_get_subject_key_id(ca, id, &n, NULL) >= 0)
        rc = gnutls_x509_crt_set_authority_key_id(c, id, n);
    return rc < 0 ? rc : gnutls_x509_crt_sign2(c, ca, ca_key, GNUTLS_DIG_SHA256, 0);
}

err_code sign_ca_issue(struct str ca, const struct sign_certificate *in, struct buf *dst,
                       struct err *e)
{
    SIGN_PRIVKEY_LOCAL ca_key = NULL;
    SIGN_PRIVKEY_LOCAL key = NULL;
    SIGN_CRT_LOCAL ca_crt = NULL;
    SIGN_CRT_LOCAL c = NULL;
    gnutls_datum_t pem = sign_datum(ca);
    int rc = gnutls_x509_privkey_init(&ca_key);
    if (rc >= 0)
        rc = gnutls_x509_privkey_import(ca_key, &pem, GNUTLS_X509_FMT_PEM);
    if (rc >= 0)
        rc = gnutls_x509_crt_init(&ca_crt);
    if (rc >= 0)
        rc = gnutls_x509_crt_import(ca_crt, &pem, GNUTLS_X509_FMT_PEM);
    if (rc < 0)
        return sign_tls_error(e, ERR_INVALID, rc,
                              "the certificate authority has no private key and certificate");
    rc = new_key(&key);
    if (rc >= 0)
        rc = gnutls_x509_crt_init(&c);
    if (rc >= 0)
        rc = fill(c, key, in, SIGN_SIGNER_YEARS);
    if (rc >= 0)
        rc = sign_by(c, ca_crt, ca_key);
    if (rc < 0)
        return sign_tls_error(e, ERR_IO, rc, "no certificate could be made");
    err_code code = write_pair(key, c, dst, e);
    return code ? code : sign_put_certificate(ca_crt, dst, e);
}
