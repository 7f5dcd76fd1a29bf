/* SignedData, written by hand (RFC 5652, 5): what is fixed stands as bytes. */
#include "sign/cms.h"

#include <stdlib.h>

#include "base/always.h"
#include "sign/cms_key.h"
#include "sign/digest.h"

/* Tags of DER (X.690, 8.1.2). */
enum { SEQUENCE = 0x30, SET = 0x31, OCTETS = 0x04, INTEGER = 0x02, EXPLICIT_0 = 0xA0 };

/* OBJECT IDENTIFIERs and AlgorithmIdentifiers, whole. */
#define SIGNED_DATA STR("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02") /* 1.2.840.113549.1.7.2 */
#define DATA_CONTENT                                                                               \
    STR("\x30\x0B\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01") /* { 1.2.840.113549.1.7.1 } */
#define SHA256_ID                                                                                  \
    STR("\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01") /* { 2.16.840.1.101.3.4.2.1 } */
#define RSA_ID                                                                                     \
    STR("\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00") /* { …1.1.1, NULL } */
#define VERSION_1 STR("\x02\x01\x01")

static void put(struct buf *dst, unsigned tag, struct str content)
{
    buf_add_byte(dst, (char)tag);
    if (content.n < 0x80) {
        buf_add_byte(dst, (char)content.n);
    } else if (content.n < 0x100) {
        buf_add_byte(dst, (char)0x81);
        buf_add_byte(dst, (char)content.n);
    } else {
        always(content.n <= UINT16_MAX);
        buf_add_byte(dst, (char)0x82);
        buf_add_byte(dst, (char)(content.n >> 8));
        buf_add_byte(dst, (char)content.n);
    }
    buf_add_str(dst, content);
}

/* What is put into inner comes out of outer as one element; inner is then empty. */
static void wrap(struct buf *outer, unsigned tag, struct buf *inner)
{
    put(outer, tag, buf_str(inner));
    outer->failed = outer->failed || inner->failed;
    buf_clear(inner);
}

/* SET { SignerInfo { 1, { issuer, serial }, SHA-256, RSA, signature } }. */
static void put_signer(const struct sign_cms *k, struct str signature, struct buf *dst)
{
    BUF_LOCAL(inner, SIGN_CMS_MAX);
    BUF_LOCAL(info, SIGN_CMS_MAX);
    BUF_LOCAL(whole, SIGN_CMS_MAX);
    buf_add_str(&inner, buf_str(&k->issuer));
    put(&inner, INTEGER, buf_str(&k->serial));
    buf_add_str(&info, VERSION_1);
    wrap(&info, SEQUENCE, &inner);
    buf_add_str(&info, SHA256_ID);
    buf_add_str(&info, RSA_ID);
    put(&info, OCTETS, signature);
    wrap(&whole, SEQUENCE, &info);
    wrap(dst, SET, &whole);
}

/* X.690, 11.6: the elements of a SET OF stand in the order of their bytes. */
static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void put_certificates(const struct sign_cms *k, struct buf *dst)
{
    struct str sorted[SIGN_CHAIN_MAX] = {{NULL, 0}};
    BUF_LOCAL(all, SIGN_CMS_MAX);
    for (size_t i = 0; i < k->chain_n; i++)
        sorted[i] = buf_str(&k->chain[i]);
    qsort(sorted, k->chain_n, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < k->chain_n; i++)
        buf_add_str(&all, sorted[i]);
    wrap(dst, EXPLICIT_0, &all); /* IMPLICIT here, of the same tag */
}

err_code sign_cms_detached(const struct sign_cms *k, const struct sign_content *c, struct buf *dst,
                           struct err *e)
{
    unsigned char digest[SIGN_DIGEST_MAX], signature[SIGN_RSA_BYTES_MAX];
    struct sign_digest d = c->sha256;
    always(!d.text && d.hash == SIGN_SHA256);
    sign_digest_finish(&d, digest);
    err_code rc = sign_rsa_sign(k->rsa, digest, signature, e);
    if (rc)
        return rc;
    BUF_LOCAL(data, SIGN_CMS_MAX);
    BUF_LOCAL(whole, SIGN_CMS_MAX);
    buf_add_str(&data, VERSION_1);
    put(&data, SET, SHA256_ID);
    buf_add_str(&data, DATA_CONTENT);
    put_certificates(k, &data);
    put_signer(k, str_of((const char *)signature, sign_rsa_bytes(k->rsa)), &data);
    wrap(&whole, SEQUENCE, &data);
    buf_add_str(&data, SIGNED_DATA);
    wrap(&data, EXPLICIT_0, &whole);
    wrap(dst, SEQUENCE, &data);
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a signature") : ERR_OK;
}
