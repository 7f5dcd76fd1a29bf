#include "sign/signature.h"

#include <sodium.h>

#include "base/always.h"

#define VERSION      4
#define PART_MAX     32 /* bytes of R and of S */
#define HASHED_MAX   256
#define DIGEST_MAX   crypto_hash_sha512_BYTES
#define LEFT_BYTES   2
#define FINGERPRINT  (1 + SIGN_FINGERPRINT_BYTES) /* with the key's version */
#define HASH_SHA256  8                            /* RFC 4880, 9.4 */
#define HASH_SHA512  10
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

/* --- digests ---------------------------------------------------------------------------------- */

struct digest {
    uint8_t hash;
    union {
        crypto_hash_sha256_state sha256;
        crypto_hash_sha512_state sha512;
    };
};

static bool digest_start(struct digest *d, uint8_t hash)
{
    d->hash = hash;
    if (hash == HASH_SHA256)
        crypto_hash_sha256_init(&d->sha256);
    else if (hash == HASH_SHA512)
        crypto_hash_sha512_init(&d->sha512);
    else
        return false;
    return true;
}

static void digest_add(struct digest *d, struct str s)
{
    if (s.n == 0)
        return;
    if (d->hash == HASH_SHA256)
        crypto_hash_sha256_update(&d->sha256, (const unsigned char *)s.p, s.n);
    else
        crypto_hash_sha512_update(&d->sha512, (const unsigned char *)s.p, s.n);
}

/*
 * Canonical text (RFC 4880, 5.2.4): a line feed without a carriage return before it gets one. gpg
 * 2.2 leaves out a carriage return before CR LF or at the end; such texts verify only where they
 * were signed by this rule.
 */
static void digest_add_text(struct digest *d, struct str s)
{
    size_t from = 0;
    for (size_t at = str_find_byte(s, '\n', 0); at < s.n; at = str_find_byte(s, '\n', at + 1)) {
        if (at > 0 && s.p[at - 1] == '\r')
            continue;
        digest_add(d, str_sub(s, from, at));
        digest_add(d, STR("\r"));
        from = at;
    }
    digest_add(d, str_skip(s, from));
}

/* The signed part of the packet, the trailer of RFC 4880, 5.2.4, and the result's length. */
static size_t digest_finish(struct digest *d, struct str hashed, unsigned char ret[DIGEST_MAX])
{
    const uint32_t n = (uint32_t)hashed.n;
    const char trailer[6] = {VERSION,         (char)TRAILER_MARK, (char)(n >> 24),
                             (char)(n >> 16), (char)(n >> 8),     (char)n};
    digest_add(d, hashed);
    digest_add(d, str_of(trailer, sizeof trailer));
    if (d->hash == HASH_SHA256) {
        crypto_hash_sha256_final(&d->sha256, ret);
        return crypto_hash_sha256_BYTES;
    }
    crypto_hash_sha512_final(&d->sha512, ret);
    return crypto_hash_sha512_BYTES;
}

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
    case SUBPACKET_KEY_EXPIRATION:
    case SUBPACKET_PREFERRED_CIPHERS:
    case SUBPACKET_PREFERRED_HASHES:
    case SUBPACKET_PREFERRED_COMPRESSION:
    case SUBPACKET_SERVER_PREFERENCES:
    case SUBPACKET_PRIMARY_USER_ID:
    case SUBPACKET_KEY_FLAGS:
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
    if (s.algorithm == SIGN_ALGORITHM_EDDSA) {
        s.r = sign_reader_mpi(&r);
        s.s = sign_reader_mpi(&r);
        r.failed = r.failed || s.r.n > PART_MAX || s.s.n > PART_MAX || !sign_reader_done(&r);
    }
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

err_code sign_signature_check(const struct sign_signature *s, const unsigned char public_key[32],
                              const struct sign_subject *subject, bool *ret, struct err *e)
{
    struct digest d;
    if (s->algorithm != SIGN_ALGORITHM_EDDSA)
        return err_set(e, ERR_UNSUPPORTED,
                       "the signature's algorithm is %u; only Ed25519 (22) is known", s->algorithm);
    if (s->unknown)
        return err_set(
            e, ERR_UNSUPPORTED,
            "the signature depends on a subpacket of type %u (RFC 4880, 5.2.3.1), which is "
            "not supported: sign without expiry and other conditions",
            s->unknown);
    if (!digest_start(&d, s->hash))
        return err_set(e, ERR_UNSUPPORTED,
                       "the signature's hash is %u; only SHA-256 (8) and SHA-512 (10) are known: "
                       "sign with --digest-algo SHA256",
                       s->hash);
    for (size_t i = 0; i < 3; i++) {
        if (s->type == SIGN_TEXT)
            digest_add_text(&d, subject->parts[i]);
        else
            digest_add(&d, subject->parts[i]);
    }
    unsigned char digest[DIGEST_MAX];
    size_t n = digest_finish(&d, s->hashed, digest);
    unsigned char both[2 * PART_MAX];
    pad_left(both, s->r);
    pad_left(both + PART_MAX, s->s);
    *ret = memcmp(digest, s->left.p, LEFT_BYTES) == 0 &&
           crypto_sign_verify_detached(both, digest, n, public_key) == 0;
    return ERR_OK;
}

/* --- making ----------------------------------------------------------------------------------- */

/* The packet's body up to the end of what is signed with the data. */
static void put_hashed(struct buf *dst, const unsigned char fingerprint[SIGN_FINGERPRINT_BYTES],
                       enum sign_type type, uint32_t now, struct str more)
{
    unsigned char issuer[FINGERPRINT] = {VERSION};
    memcpy(issuer + 1, fingerprint, SIGN_FINGERPRINT_BYTES);
    const unsigned char time[4] = {(unsigned char)(now >> 24), (unsigned char)(now >> 16),
                                   (unsigned char)(now >> 8), (unsigned char)now};
    const char head[4] = {VERSION, (char)type, SIGN_ALGORITHM_EDDSA, HASH_SHA256};
    buf_add(dst, head, sizeof head);
    sign_put_u16(dst, (uint16_t)(2 + sizeof issuer + 2 + sizeof time + more.n));
    sign_put_subpacket(dst, SUBPACKET_ISSUER_FINGERPRINT, issuer, sizeof issuer);
    sign_put_subpacket(dst, SUBPACKET_CREATION_TIME, time, sizeof time);
    buf_add_str(dst, more);
}

void sign_signature_make(const unsigned char secret_key[64],
                         const unsigned char fingerprint[SIGN_FINGERPRINT_BYTES],
                         enum sign_type type, uint32_t now, struct str hashed,
                         const struct sign_subject *subject, struct buf *dst)
{
    always(hashed.n <= HASHED_MAX);
    BUF_LOCAL(body, 2 * HASHED_MAX);
    put_hashed(&body, fingerprint, type, now, hashed);
    struct digest d;
    always(digest_start(&d, HASH_SHA256));
    for (size_t i = 0; i < 3; i++)
        digest_add(&d, subject->parts[i]);
    unsigned char digest[DIGEST_MAX], both[2 * PART_MAX];
    size_t n = digest_finish(&d, buf_str(&body), digest);
    crypto_sign_detached(both, NULL, digest, n, secret_key);

    sign_put_u16(&body, 2 + SIGN_KEY_ID_BYTES);
    sign_put_subpacket(&body, SUBPACKET_ISSUER,
                       fingerprint + SIGN_FINGERPRINT_BYTES - SIGN_KEY_ID_BYTES, SIGN_KEY_ID_BYTES);
    buf_add(&body, digest, LEFT_BYTES);
    sign_put_mpi(&body, both, PART_MAX);
    sign_put_mpi(&body, both + PART_MAX, PART_MAX);
    if (body.failed)
        dst->failed = true;
    else
        sign_put_packet(dst, SIGN_TAG_SIGNATURE, buf_str(&body));
}
