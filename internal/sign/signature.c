#include "sign/signature.h"

#include <sodium.h>

#include "base/always.h"
#include "sign/key.h"

#define VERSION      4
#define PART_MAX     32 /* bytes of R and of S in EdDSA */
#define HASHED_MAX   256
#define LEFT_BYTES   2
#define FINGERPRINT  (1 + SIGN_FINGERPRINT_BYTES) /* with the key's version */
#define TRAILER_MARK 0xFF

/* RFC 4880, 5.2.3.1. Those without a meaning here are only known: gpg may mark them critical. */
enum subpacket {
    SUBPACKET_CREATION_TIME = 2,
    SUBPACKET_SIGNATURE_EXPIRATION = 3,
    SUBPACKET_KEY_EXPIRATION = 9,
    SUBPACKET_PREFERRED_CIPHERS = 11,
    SUBPACKET_ISSUER = 16,
    SUBPACKET_PREFERRED_HASHES = 21,
    SUBPACKET_PREFERRED_COMPRESSION = 22,
    SUBPACKET_SERVER_PREFERENCES = 23,
    SUBPACKET_PRIMARY_USER_ID = 25,
    SUBPACKET_KEY_FLAGS = 27,
    SUBPACKET_REVOCATION_REASON = 29,
    SUBPACKET_FEATURES = 30,
    SUBPACKET_ISSUER_FINGERPRINT = 33,
};

/* --- reading ---------------------------------------------------------------------------------- */

static void take_subpacket(struct sign_signature *s, const struct sign_subpacket *p, bool hashed)
{
    struct sign_reader r = sign_reader_of(p->data, 0);
    switch (p->type) {
    case SUBPACKET_CREATION_TIME:
        if (hashed && p->data.n == 4) {
            s->made = sign_reader_u32(&r);
            s->has_made = true;
        }
        break;
    case SUBPACKET_ISSUER_FINGERPRINT:
        if (p->data.n == FINGERPRINT && p->data.p[0] == VERSION)
            s->issuers[0] = str_skip(p->data, 1);
        break;
    case SUBPACKET_ISSUER:
        if (p->data.n == SIGN_KEY_ID_BYTES)
            s->issuers[1] = p->data;
        break;
    case SUBPACKET_KEY_FLAGS:
        if (hashed)
            s->key_flags = p->data;
        break;
    case SUBPACKET_KEY_EXPIRATION:
    case SUBPACKET_PREFERRED_CIPHERS:
    case SUBPACKET_PREFERRED_HASHES:
    case SUBPACKET_PREFERRED_COMPRESSION:
    case SUBPACKET_SERVER_PREFERENCES:
    case SUBPACKET_PRIMARY_USER_ID:
    case SUBPACKET_REVOCATION_REASON:
    case SUBPACKET_FEATURES: break;
    default:
        if (hashed && (p->critical || p->type == SUBPACKET_SIGNATURE_EXPIRATION))
            s->unknown = p->type;
    }
}

static bool read_subpackets(struct sign_signature *s, struct str area, bool hashed)
{
    struct sign_reader r = sign_reader_of(area, 0);
    struct sign_subpacket p;
    while (sign_subpacket_read(&r, &p))
        take_subpacket(s, &p, hashed);
    return !r.failed;
}

static void read_numbers(struct sign_reader *r, struct sign_signature *s)
{
    bool two = s->algorithm == SIGN_ALGORITHM_EDDSA;
    size_t most = two ? PART_MAX : SIGN_RSA_BYTES_MAX;
    s->numbers[0] = sign_reader_mpi(r);
    if (two)
        s->numbers[1] = sign_reader_mpi(r);
    r->failed =
        r->failed || s->numbers[0].n > most || s->numbers[1].n > most || !sign_reader_done(r);
}

err_code sign_signature_read(const struct sign_packet *p, struct sign_signature *ret, struct err *e)
{
    struct sign_reader r = p->body;
    struct sign_signature s = {0};
    uint8_t version = sign_reader_u8(&r);
    if (!r.failed && version != VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "byte %zu: a signature of version %u; only version 4 is known (RFC 4880)",
                       p->body.start, version);
    s.type = sign_reader_u8(&r);
    s.algorithm = sign_reader_u8(&r);
    s.hash = sign_reader_u8(&r);
    struct str hashed = sign_reader_bytes(&r, sign_reader_u16(&r));
    s.hashed = str_sub(r.bytes, 0, r.at);
    struct str unhashed = sign_reader_bytes(&r, sign_reader_u16(&r));
    s.left = sign_reader_bytes(&r, LEFT_BYTES);
    if (s.algorithm == SIGN_ALGORITHM_EDDSA || s.algorithm == SIGN_ALGORITHM_RSA)
        read_numbers(&r, &s);
    /* What is hashed is read last: where both areas say who signed, that is what counts. */
    if (r.failed || !read_subpackets(&s, unhashed, false) || !read_subpackets(&s, hashed, true))
        return err_set(e, ERR_INVALID, "byte %zu: the signature does not parse", p->body.start);
    if (!s.has_made)
        return err_set(e, ERR_INVALID, "byte %zu: the signature does not say when it was made",
                       p->body.start);
    *ret = s;
    return ERR_OK;
}

bool sign_signature_is_by(const struct sign_signature *s,
                          const unsigned char fingerprint[SIGN_FINGERPRINT_BYTES])
{
    struct str whole = str_of((const char *)fingerprint, SIGN_FINGERPRINT_BYTES);
    return (!s->issuers[0].p || str_eq(s->issuers[0], whole)) &&
           (!s->issuers[1].p ||
            str_eq(s->issuers[1], str_skip(whole, SIGN_FINGERPRINT_BYTES - SIGN_KEY_ID_BYTES)));
}

static void pad_left(unsigned char dst[PART_MAX], struct str s)
{
    always(s.n <= PART_MAX);
    memset(dst, 0, PART_MAX - s.n);
    if (s.n)
        memcpy(dst + PART_MAX - s.n, s.p, s.n);
}

/* The trailer of RFC 4880, 5.2.4, after the signed part of the packet. */
static size_t finish(struct sign_digest *d, struct str hashed, unsigned char ret[SIGN_DIGEST_MAX])
{
    const uint32_t n = (uint32_t)hashed.n;
    const char trailer[6] = {VERSION,         (char)TRAILER_MARK, (char)(n >> 24),
                             (char)(n >> 16), (char)(n >> 8),     (char)n};
    d->text = false;
    sign_digest_add(d, hashed);
    sign_digest_add(d, str_of(trailer, sizeof trailer));
    return sign_digest_finish(d, ret);
}

static bool start(const struct sign_signature *s, struct sign_digest *d)
{
    bool over_document = s->type == SIGN_BINARY || s->type == SIGN_TEXT;
    return !(s->hash == SIGN_SHA1 && over_document) &&
           sign_digest_start(d, s->hash, s->type == SIGN_TEXT);
}

err_code sign_signature_check(const struct sign_signature *s, const struct sign_key *k,
                              const struct sign_subject *subject, bool *ret, struct err *e)
{
    struct sign_digest d;
    if (s->algorithm != k->algorithm)
        return err_set(e, ERR_UNSUPPORTED,
                       "the signature's algorithm is %u, but the key's is %u (1 is RSA, 22 is "
                       "Ed25519)",
                       s->algorithm, k->algorithm);
    if (s->unknown)
        return err_set(
            e, ERR_UNSUPPORTED,
            "the signature depends on a subpacket of type %u (RFC 4880, 5.2.3.1), which is "
            "not supported: sign without expiry and other conditions",
            s->unknown);
    if (!start(s, &d))
        return err_set(e, ERR_UNSUPPORTED,
                       "the signature's hash is %u; only SHA-256 (8) and SHA-512 (10) are known: "
                       "sign with --digest-algo SHA256",
                       s->hash);
    for (size_t i = 0; i < SIGN_PARTS; i++)
        sign_digest_add(&d, subject->parts[i]);
    unsigned char digest[SIGN_DIGEST_MAX], both[2 * PART_MAX];
    size_t n = finish(&d, s->hashed, digest);
    if (memcmp(digest, s->left.p, LEFT_BYTES) != 0) {
        *ret = false;
    } else if (k->rsa) {
        *ret = sign_rsa_verify(k->rsa, s->hash, digest, s->numbers[0]);
    } else {
        pad_left(both, s->numbers[0]);
        pad_left(both + PART_MAX, s->numbers[1]);
        *ret = crypto_sign_verify_detached(both, digest, n, k->public_key) == 0;
    }
    return ERR_OK;
}

/* --- making ----------------------------------------------------------------------------------- */

/* The packet's body up to the end of what is signed with the data. */
static void put_hashed(struct buf *dst, const struct sign_key *k, enum sign_type type, uint32_t now,
                       struct str more)
{
    unsigned char issuer[FINGERPRINT] = {VERSION};
    memcpy(issuer + 1, k->fingerprint, SIGN_FINGERPRINT_BYTES);
    const unsigned char time[4] = {(unsigned char)(now >> 24), (unsigned char)(now >> 16),
                                   (unsigned char)(now >> 8), (unsigned char)now};
    const char head[4] = {VERSION, (char)type, (char)k->algorithm, SIGN_SHA256};
    buf_add(dst, head, sizeof head);
    sign_put_u16(dst, (uint16_t)(2 + sizeof issuer + 2 + sizeof time + more.n));
    sign_put_subpacket(dst, SUBPACKET_ISSUER_FINGERPRINT, issuer, sizeof issuer);
    sign_put_subpacket(dst, SUBPACKET_CREATION_TIME, time, sizeof time);
    buf_add_str(dst, more);
}

static err_code put_numbers(struct buf *dst, const struct sign_key *k,
                            const unsigned char digest[SHA256_DIGEST_SIZE], struct err *e)
{
    unsigned char out[SIGN_RSA_BYTES_MAX];
    if (k->rsa) {
        err_code rc = sign_rsa_sign(k->rsa, digest, out, e);
        if (!rc)
            sign_put_mpi(dst, out, sign_rsa_bytes(k->rsa));
        return rc;
    }
    crypto_sign_detached(out, NULL, digest, SHA256_DIGEST_SIZE, k->secret_key);
    sign_put_mpi(dst, out, PART_MAX);
    sign_put_mpi(dst, out + PART_MAX, PART_MAX);
    return ERR_OK;
}

err_code sign_signature_make(const struct sign_key *k, enum sign_type type, uint32_t now,
                             struct str more, struct sign_digest *d, struct buf *dst, struct err *e)
{
    always(more.n <= HASHED_MAX && d->hash == SIGN_SHA256);
    BUF_LOCAL(body, 2 * HASHED_MAX + SIGN_RSA_BYTES_MAX);
    put_hashed(&body, k, type, now, more);
    unsigned char digest[SIGN_DIGEST_MAX];
    finish(d, buf_str(&body), digest);

    sign_put_u16(&body, 2 + SIGN_KEY_ID_BYTES);
    sign_put_subpacket(&body, SUBPACKET_ISSUER,
                       k->fingerprint + SIGN_FINGERPRINT_BYTES - SIGN_KEY_ID_BYTES,
                       SIGN_KEY_ID_BYTES);
    buf_add(&body, digest, LEFT_BYTES);
    err_code rc = put_numbers(&body, k, digest, e);
    if (rc)
        return rc;
    if (!body.failed)
        sign_put_packet(dst, SIGN_TAG_SIGNATURE, buf_str(&body));
    return body.failed || dst->failed ? err_set(e, ERR_NOMEM, "no memory for a signature") : ERR_OK;
}
