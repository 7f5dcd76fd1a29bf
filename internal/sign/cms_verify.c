/* Checking CMS signatures: GnuTLS's work, so that ours is not its own judge. */
#include <gnutls/pkcs7.h>

#include "sign/cms.h"
#include "sign/x509.h"

static void pkcs7_cleanup(gnutls_pkcs7_t *p)
{
    if (*p)
        gnutls_pkcs7_deinit(*p);
}

static void list_cleanup(gnutls_x509_trust_list_t *l)
{
    if (*l)
        gnutls_x509_trust_list_deinit(*l, 1);
}

static err_code import(struct str signature, gnutls_pkcs7_t *ret, struct err *e)
{
    gnutls_datum_t in = sign_datum(signature);
    bool pem = str_starts(signature, STR("-----BEGIN"));
    int rc = gnutls_pkcs7_init(ret);
    if (rc >= 0)
        rc = gnutls_pkcs7_import(*ret, &in, pem ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER);
    return rc < 0 ? sign_tls_error(e, ERR_INVALID, rc, "the CMS signature does not parse") : ERR_OK;
}

static err_code trust(struct str roots, gnutls_x509_trust_list_t *ret, struct err *e)
{
    gnutls_datum_t in = sign_datum(roots);
    int rc = gnutls_x509_trust_list_init(ret, 0);
    if (rc >= 0)
        rc = gnutls_x509_trust_list_add_trust_mem(*ret, &in, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    return rc <= 0 ? sign_tls_error(e, ERR_INVALID, rc < 0 ? rc : GNUTLS_E_NO_CERTIFICATE_FOUND,
                                    "there is no certificate to trust")
                   : ERR_OK;
}

typedef bool certificate_test(gnutls_pkcs7_t p, gnutls_x509_crt_t c, const void *arg);

/* How many certificates inside pass the test; their number is in *all. */
static int count(gnutls_pkcs7_t p, certificate_test *test, const void *arg, int *all)
{
    int good = 0;
    *all = gnutls_pkcs7_get_crt_count(p);
    for (int i = 0; i < *all; i++) {
        SIGN_CRT_LOCAL c = NULL;
        gnutls_datum_t der;
        if (gnutls_pkcs7_get_crt_raw2(p, (unsigned)i, &der) < 0)
            continue;
        good += gnutls_x509_crt_init(&c) >= 0 &&
                gnutls_x509_crt_import(c, &der, GNUTLS_X509_FMT_DER) >= 0 && test(p, c, arg);
        gnutls_free(der.data);
    }
    return good;
}

static bool is_in_time(gnutls_pkcs7_t p, gnutls_x509_crt_t c, const void *now)
{
    uint64_t t = *(const uint64_t *)now;
    (void)p;
    return (uint64_t)gnutls_x509_crt_get_activation_time(c) <= t &&
           (uint64_t)gnutls_x509_crt_get_expiration_time(c) >= t;
}

static bool made_it(gnutls_pkcs7_t p, gnutls_x509_crt_t c, const void *body)
{
    return gnutls_pkcs7_verify_direct(p, c, 0, (const gnutls_datum_t *)body, 0) >= 0;
}

err_code sign_cms_verify(struct str roots, struct str body, struct str signature, uint64_t now,
                         struct sign_verdict *ret, struct err *e)
{
    __attribute__((cleanup(pkcs7_cleanup))) gnutls_pkcs7_t p = NULL;
    __attribute__((cleanup(list_cleanup))) gnutls_x509_trust_list_t list = NULL;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)SIGN_KEY_PURPOSE};
    gnutls_datum_t data = sign_datum(body);
    err_code c = import(signature, &p, e);
    if (!c)
        c = trust(roots, &list, e);
    if (c)
        return c;
    int all;
    struct sign_verdict v = {.good = count(p, made_it, &data, &all) > 0};
    if (!v.good) {
        *ret = v;
        return ERR_OK;
    }
    int rc = gnutls_pkcs7_verify(p, list, &purpose, 1, 0, &data,
                                 GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
                                     GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS);
    if (rc < 0)
        return err_set(e, ERR_DENIED,
                       "the signature fits, but its certificates do not lead to one that is "
                       "trusted here, or are not for signing code");
    if (count(p, is_in_time, &now, &all) != all)
        return err_set(e, ERR_DENIED,
                       "the signature fits, but one of its certificates has expired, or is not "
                       "valid yet");
    *ret = v;
    return ERR_OK;
}
