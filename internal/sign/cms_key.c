/* Code-signing keys: from PEM, with everything checked that iPXE will check. */
#include "sign/cms_key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sign/packet.h"

#define PEM_MAX         (256u << 10)
#define CERTIFICATE_MAX 8192
#define COMMON_NAME_MAX 256

/* The certificates of a PEM file while it is read. */
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
#define CHAIN_LOCAL __attribute__((cleanup(chain_free))) struct chain

void sign_cms_free(struct sign_cms *k)
{
    if (!k)
        return;
    sign_rsa_free(k->rsa);
    if (k->private_key)
        gnutls_x509_privkey_deinit(k->private_key);
    for (size_t i = 0; i < SIGN_CHAIN_MAX; i++)
        buf_free(&k->chain[i]);
    buf_free(&k->issuer);
    buf_free(&k->serial);
    buf_free(&k->name);
    free(k);
}

static struct sign_cms *new_key(void)
{
    struct sign_cms *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    for (size_t i = 0; i < SIGN_CHAIN_MAX; i++)
        buf_init(&k->chain[i], CERTIFICATE_MAX);
    buf_init(&k->issuer, CERTIFICATE_MAX);
    buf_init(&k->serial, 64);
    buf_init(&k->name, COMMON_NAME_MAX);
    return k;
}

/* --- the private key ---------------------------------------------------------------------------
 */

static err_code read_private(struct sign_cms *k, struct str pem, struct str passphrase,
                             struct err *e)
{
    BUF_LOCAL(text, 4096);
    gnutls_datum_t in = sign_datum(pem);
    const char *password = NULL;
    if (passphrase.p) {
        buf_add_str(&text, passphrase);
        password = buf_c(&text);
    }
    int rc = gnutls_x509_privkey_init(&k->private_key);
    if (rc >= 0)
        rc = gnutls_x509_privkey_import2(k->private_key, &in, GNUTLS_X509_FMT_PEM, password, 0);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    if (rc >= 0)
        return ERR_OK;
    bool encrypted = str_find(pem, STR("ENCRYPTED"), 0) < pem.n;
    if (encrypted && !passphrase.p)
        return err_set(e, ERR_DENIED,
                       "the private key is encrypted: give its passphrase with --passphrase-file "
                       "or VESTA_PASSPHRASE");
    if (encrypted && (rc == GNUTLS_E_DECRYPTION_FAILED || rc == GNUTLS_E_ASN1_DER_ERROR ||
                      rc == GNUTLS_E_ASN1_TAG_ERROR))
        return err_set(e, ERR_DENIED, "the passphrase is wrong for the private key");
    return sign_tls_error(e, ERR_INVALID, rc, "there is no private key that can be read");
}

static void wipe(gnutls_datum_t *d)
{
    if (d->data)
        sodium_memzero(d->data, d->size);
    gnutls_free(d->data);
}

static struct str str_of_datum(const gnutls_datum_t *d)
{
    return str_of((const char *)d->data, d->size);
}

static err_code take_numbers(struct sign_cms *k, struct err *e)
{
    gnutls_datum_t m = {NULL, 0}, x = m, d = m, p = m, q = m, u = m;
    if (gnutls_x509_privkey_get_pk_algorithm(k->private_key) != GNUTLS_PK_RSA)
        return err_set(e, ERR_UNSUPPORTED,
                       "the private key is not RSA, which iPXE needs: make one with `openssl "
                       "genrsa 2048`, or take `vesta keygen cms`");
    int rc = gnutls_x509_privkey_export_rsa_raw(k->private_key, &m, &x, &d, &p, &q, &u);
    if (rc < 0)
        return sign_tls_error(e, ERR_INVALID, rc, "the private key does not parse");
    err_code c = sign_rsa_make(str_of_datum(&m), str_of_datum(&x), &k->rsa, e);
    if (!c)
        c = sign_rsa_set_secret(k->rsa, str_of_datum(&d), str_of_datum(&p), str_of_datum(&q), e);
    gnutls_free(m.data);
    gnutls_free(x.data);
    wipe(&d);
    wipe(&p);
    wipe(&q);
    wipe(&u);
    return c;
}

/* --- the certificates --------------------------------------------------------------------------
 */

static err_code read_certificates(struct str pem, struct chain *ret, struct err *e)
{
    gnutls_datum_t in = sign_datum(pem);
    int rc = gnutls_x509_crt_list_import2(&ret->v, &ret->n, &in, GNUTLS_X509_FMT_PEM, 0);
    if (rc < 0) {
        *ret = (struct chain){NULL, 0};
        return sign_tls_error(e, ERR_INVALID, rc, "there is no certificate that can be read");
    }
    if (ret->n > SIGN_CHAIN_MAX)
        return err_set(e, ERR_INVALID, "a chain of %u certificates; the most is %d", ret->n,
                       SIGN_CHAIN_MAX);
    return ERR_OK;
}

static bool fits(gnutls_x509_crt_t c, gnutls_x509_privkey_t key)
{
    unsigned char of_crt[64], of_key[64];
    size_t n = sizeof of_crt, m = sizeof of_key;
    return gnutls_x509_crt_get_key_id(c, 0, of_crt, &n) >= 0 &&
           gnutls_x509_privkey_get_key_id(key, 0, of_key, &m) >= 0 && n == m &&
           memcmp(of_crt, of_key, n) == 0;
}

static void swap(gnutls_x509_crt_t *a, gnutls_x509_crt_t *b)
{
    gnutls_x509_crt_t t = *a;
    *a = *b;
    *b = t;
}

/* The key's certificate first, then each one's issuer; how many are in the chain. */
static unsigned sort_chain(struct chain *c, gnutls_x509_privkey_t key)
{
    for (unsigned i = 0; i < c->n; i++)
        if (fits(c->v[i], key))
            swap(&c->v[0], &c->v[i]);
    unsigned n = 1;
    while (n < c->n && !gnutls_x509_crt_check_issuer(c->v[n - 1], c->v[n - 1])) {
        unsigned i = n;
        while (i < c->n && !gnutls_x509_crt_check_issuer(c->v[n - 1], c->v[i]))
            i++;
        if (i == c->n)
            break;
        swap(&c->v[n++], &c->v[i]);
    }
    return n;
}

static bool is_for_code_signing(gnutls_x509_crt_t c)
{
    char oid[128];
    for (unsigned i = 0;; i++) {
        size_t n = sizeof oid;
        int rc = gnutls_x509_crt_get_key_purpose_oid(c, i, oid, &n, NULL);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return false;
        if (rc >= 0 && strcmp(oid, SIGN_KEY_PURPOSE) == 0)
            return true;
    }
}

static err_code check_signer(gnutls_x509_crt_t c, gnutls_x509_privkey_t key, struct err *e)
{
    unsigned usage = 0;
    if (!fits(c, key))
        return err_set(e, ERR_INVALID, "the private key belongs to none of the certificates");
    if (gnutls_x509_crt_get_key_usage(c, &usage, NULL) < 0 ||
        !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE) || !is_for_code_signing(c))
        return err_set(e, ERR_INVALID,
                       "the certificate is not for signing code: iPXE needs keyUsage "
                       "digitalSignature and extendedKeyUsage codeSigning in it");
    return ERR_OK;
}

/* Each by the next one, the last by itself. */
static err_code check_links(const struct chain *c, unsigned n, struct err *e)
{
    for (unsigned i = 0; i < n; i++) {
        gnutls_x509_crt_t above = i + 1 < n ? c->v[i + 1] : c->v[i];
        unsigned status = 0;
        int rc = gnutls_x509_crt_verify(
            c->v[i], &above, 1,
            GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS, &status);
        if (i + 1 == n && (n == 1 || !gnutls_x509_crt_check_issuer(above, above)))
            return err_set(e, ERR_INVALID,
                           "the chain does not reach a root: append the certificates above the "
                           "signer's, up to the one that is signed by itself");
        if (i > 0 && gnutls_x509_crt_get_ca_status(c->v[i], NULL) <= 0)
            return err_set(e, ERR_INVALID,
                           "certificate %u of the chain is not that of a certificate authority "
                           "(CA:TRUE)",
                           i + 1);
        if (rc < 0 || status)
            return err_set(e, ERR_INVALID,
                           "certificate %u of the chain is not signed by the one above it", i + 1);
    }
    return ERR_OK;
}

static err_code keep_certificate(struct sign_cms *k, gnutls_x509_crt_t c, struct err *e)
{
    gnutls_datum_t der;
    int rc = gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_DER, &der);
    if (rc < 0)
        return sign_tls_error(e, ERR_INVALID, rc, "a certificate does not parse");
    struct buf *to = &k->chain[k->chain_n++];
    buf_add(to, der.data, der.size);
    gnutls_free(der.data);
    uint64_t from = (uint64_t)gnutls_x509_crt_get_activation_time(c);
    uint64_t until = (uint64_t)gnutls_x509_crt_get_expiration_time(c);
    if (from > k->not_before)
        k->not_before = from;
    if (k->chain_n == 1 || until < k->until)
        k->until = until;
    return to->failed
               ? err_set(e, ERR_INVALID, "a certificate is larger than %d bytes", CERTIFICATE_MAX)
               : ERR_OK;
}

static err_code keep_signer(struct sign_cms *k, gnutls_x509_crt_t c, struct err *e)
{
    char name[COMMON_NAME_MAX] = "";
    unsigned char serial[64];
    size_t n = sizeof serial, name_n = sizeof name;
    gnutls_datum_t issuer;
    int rc = gnutls_x509_crt_get_raw_issuer_dn(c, &issuer);
    if (rc >= 0) {
        buf_add(&k->issuer, issuer.data, issuer.size);
        gnutls_free(issuer.data);
        rc = gnutls_x509_crt_get_serial(c, serial, &n);
    }
    if (rc < 0)
        return sign_tls_error(e, ERR_INVALID, rc, "the signer's certificate does not parse");
    buf_add(&k->serial, serial, n);
    if (gnutls_x509_crt_get_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &name_n) >= 0)
        buf_add(&k->name, name, name_n);
    return k->issuer.failed || k->serial.failed || k->name.failed
               ? err_set(e, ERR_INVALID, "the signer's certificate has too long names")
               : ERR_OK;
}

err_code sign_cms_read(struct str pem, struct str passphrase, struct sign_cms **ret, struct err *e)
{
    CHAIN_LOCAL chain = {NULL, 0};
    if (pem.n > PEM_MAX)
        return err_set(e, ERR_INVALID, "%zu bytes are too many for a key and its chain", pem.n);
    struct sign_cms *k = new_key();
    if (!k)
        return err_set(e, ERR_NOMEM, "no memory for a key");
    err_code c = read_private(k, pem, passphrase, e);
    if (!c)
        c = take_numbers(k, e);
    if (!c)
        c = read_certificates(pem, &chain, e);
    unsigned n = c ? 0 : sort_chain(&chain, k->private_key);
    if (!c)
        c = check_signer(chain.v[0], k->private_key, e);
    if (!c)
        c = check_links(&chain, n, e);
    for (unsigned i = 0; !c && i < n; i++)
        c = keep_certificate(k, chain.v[i], e);
    if (!c)
        c = keep_signer(k, chain.v[0], e);
    if (c)
        sign_cms_free(k);
    else
        *ret = k;
    return c;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void put_pem(const struct buf *der, struct buf *dst)
{
    gnutls_datum_t in = sign_datum(buf_str(der)), out;
    if (gnutls_pem_base64_encode2("CERTIFICATE", &in, &out) < 0) {
        dst->failed = true;
        return;
    }
    buf_add(dst, out.data, out.size);
    gnutls_free(out.data);
}

err_code sign_cms_write_secret(const struct sign_cms *k, struct buf *dst, struct err *e)
{
    err_code c = sign_put_private_key(k->private_key, dst, e);
    if (c)
        return c;
    sign_cms_write_chain(k, dst);
    sign_cms_write_root(k, dst);
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a key") : ERR_OK;
}

void sign_cms_write_root(const struct sign_cms *k, struct buf *dst)
{
    put_pem(&k->chain[k->chain_n - 1], dst);
}

void sign_cms_write_chain(const struct sign_cms *k, struct buf *dst)
{
    for (size_t i = 0; i + 1 < k->chain_n; i++)
        put_pem(&k->chain[i], dst);
}

static void sha256(const struct buf *b, unsigned char ret[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx h;
    sha256_init(&h);
    sha256_update(&h, b->n, (const uint8_t *)b->p);
    sha256_digest(&h, SHA256_DIGEST_SIZE, ret);
}

void sign_cms_describe(const struct sign_cms *k, struct sign_cms_info *ret)
{
    *ret = (struct sign_cms_info){
        .name = buf_str(&k->name), .not_before = k->not_before, .until = k->until};
    sha256(&k->chain[k->chain_n - 1], ret->root);
    sha256(&k->chain[0], ret->signer);
}
