#include "sign/key.h"

#include <nettle/sha1.h>
#include <stdlib.h>

#include "base/always.h"
#include "base/utf8.h"
#include "sign/armor.h"

err_code sign_key_alloc(struct sign_key **ret, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "libsodium cannot start: the system gives no random numbers");
    struct sign_key *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, ERR_NOMEM, "no memory for a key");
    k->algorithm = SIGN_ALGORITHM_EDDSA;
    buf_init(&k->body, SIGN_KEY_BODY_MAX);
    buf_init(&k->user_id, SIGN_USER_ID_MAX);
    buf_init(&k->certification, SIGN_INPUT_MAX);
    *ret = k;
    return ERR_OK;
}

void sign_key_free(struct sign_key *k)
{
    if (!k)
        return;
    sodium_free(k->secret_key);
    sign_rsa_free(k->rsa);
    buf_free(&k->body);
    buf_free(&k->user_id);
    buf_free(&k->certification);
    free(k);
}

bool sign_key_is_secret(const struct sign_key *k)
{
    return k->rsa ? sign_rsa_is_secret(k->rsa) : k->secret_key != NULL;
}

void sign_key_fingerprint(const struct sign_key *k, unsigned char ret[SIGN_FINGERPRINT_BYTES])
{
    memcpy(ret, k->fingerprint, SIGN_FINGERPRINT_BYTES);
}

void sign_key_hex(const struct sign_key *k, char ret[2 * SIGN_FINGERPRINT_BYTES + 1])
{
    sodium_bin2hex(ret, 2 * SIGN_FINGERPRINT_BYTES + 1, k->fingerprint, sizeof k->fingerprint);
}

bool sign_key_is_rsa(const struct sign_key *k)
{
    return k->rsa != NULL;
}

struct str sign_key_user_id(const struct sign_key *k)
{
    return buf_str(&k->user_id);
}

/* --- making ----------------------------------------------------------------------------------- */

err_code sign_key_set_seed(struct sign_key *k, const unsigned char seed[SIGN_SEED_BYTES],
                           struct err *e)
{
    unsigned char *secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
    if (!secret)
        return err_set(e, ERR_NOMEM, "no locked memory for a secret key: see `ulimit -l`");
    crypto_sign_seed_keypair(k->public_key, secret, seed);
    sodium_mprotect_readonly(secret);
    sodium_free(k->secret_key);
    k->secret_key = secret;
    return ERR_OK;
}

static void put_rsa_number(const struct sign_key *k, enum sign_rsa_number which, struct buf *dst)
{
    unsigned char bytes[SIGN_RSA_BYTES_MAX];
    sign_put_mpi(dst, bytes, sign_rsa_number(k->rsa, which, bytes));
}

/* As it enters fingerprints and certifications: 0x99, two bytes of length; then the body. */
static void hashed_key_head(const struct sign_key *k, char ret[3])
{
    ret[0] = (char)0x99;
    ret[1] = (char)(k->body.n >> 8);
    ret[2] = (char)k->body.n;
}

err_code sign_key_set_body(struct sign_key *k, struct err *e)
{
    static const char bits_and_prefix[] = {0x01, 0x07, SIGN_POINT_PREFIX};
    struct buf *b = &k->body;
    buf_clear(b);
    buf_add_byte(b, SIGN_KEY_VERSION);
    sign_put_u32(b, k->created);
    buf_add_byte(b, (char)k->algorithm);
    if (k->rsa) {
        put_rsa_number(k, SIGN_RSA_N, b);
        put_rsa_number(k, SIGN_RSA_E, b);
    } else {
        buf_add(b, SIGN_CURVE, sizeof SIGN_CURVE - 1);
        buf_add(b, bits_and_prefix, sizeof bits_and_prefix);
        buf_add(b, k->public_key, sizeof k->public_key);
    }
    if (b->failed)
        return err_set(e, ERR_NOMEM, "no memory for a key");
    sign_key_set_fingerprint(k);
    return ERR_OK;
}

void sign_key_set_fingerprint(struct sign_key *k)
{
    char head[3];
    hashed_key_head(k, head);
    struct sha1_ctx sha1;
    sha1_init(&sha1);
    sha1_update(&sha1, sizeof head, (const uint8_t *)head);
    sha1_update(&sha1, k->body.n, (const uint8_t *)k->body.p);
    sha1_digest(&sha1, sizeof k->fingerprint, k->fingerprint);
}

err_code sign_key_set_user_id(struct sign_key *k, struct str user_id, struct err *e)
{
    if (user_id.n == 0 || user_id.n > SIGN_USER_ID_MAX)
        return err_set(e, ERR_INVALID, "a key's user ID has 1 to %d bytes, this one %zu",
                       SIGN_USER_ID_MAX, user_id.n);
    if (!utf8_valid(user_id))
        return err_set(e, ERR_INVALID, "the key's user ID is not UTF-8");
    for (size_t i = 0; i < user_id.n; i++)
        if ((unsigned char)user_id.p[i] < 0x20 || user_id.p[i] == 0x7F)
            return err_set(e, ERR_INVALID, "the key's user ID has a control character in it");
    buf_clear(&k->user_id);
    buf_add_str(&k->user_id, user_id);
    return k->user_id.failed ? err_set(e, ERR_NOMEM, "no memory for a key") : ERR_OK;
}

void sign_key_subject(const struct sign_key *k, struct sign_key_subject *room)
{
    uint32_t n = (uint32_t)k->user_id.n;
    const char header[5] = {(char)0xB4, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    hashed_key_head(k, room->key);
    memcpy(room->user_id, header, sizeof header);
    room->subject =
        (struct sign_subject){{str_of(room->key, sizeof room->key), buf_str(&k->body),
                               str_of(room->user_id, sizeof room->user_id), buf_str(&k->user_id)}};
}

/* The key's own certification, as of `created`, so that it is always the same. */
static err_code certify(struct sign_key *k, struct err *e)
{
    /* What gpg writes: may certify and sign; AES-256, -192, -128; SHA-256, -512; ZLIB, BZip2, ZIP;
     * modification detection; key servers must not modify. */
    static const char subpackets[] = "\x02\x1B\x03"
                                     "\x04\x0B\x09\x08\x07"
                                     "\x03\x15\x08\x0A"
                                     "\x04\x16\x02\x03\x01"
                                     "\x02\x1E\x01"
                                     "\x02\x17\x80";
    struct sign_key_subject room;
    struct sign_digest d;
    sign_key_subject(k, &room);
    always(sign_digest_start(&d, SIGN_SHA256, false));
    for (size_t i = 0; i < SIGN_PARTS; i++)
        sign_digest_add(&d, room.subject.parts[i]);
    buf_clear(&k->certification);
    return sign_signature_make(k, SIGN_CERTIFICATION_LAST, k->created,
                               str_of(subpackets, sizeof subpackets - 1), &d, &k->certification, e);
}

err_code sign_key_make(const unsigned char seed[SIGN_SEED_BYTES], uint64_t created,
                       struct str user_id, struct sign_key **ret, struct err *e)
{
    __attribute__((cleanup(sign_key_cleanup))) struct sign_key *k = NULL;
    if (created > UINT32_MAX)
        return err_set(e, ERR_INVALID,
                       "an OpenPGP key cannot be created after the year 2106: is the clock right?");
    err_code rc = sign_key_alloc(&k, e);
    if (!rc)
        rc = sign_key_set_user_id(k, user_id, e);
    if (!rc)
        rc = sign_key_set_seed(k, seed, e);
    if (rc)
        return rc;
    k->created = (uint32_t)created;
    rc = sign_key_set_body(k, e);
    if (!rc)
        rc = certify(k, e);
    if (rc)
        return rc;
    *ret = k;
    k = NULL;
    return ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_key(const struct sign_key *k, enum sign_tag tag, struct str body, struct buf *dst)
{
    sign_put_packet(dst, tag, body);
    sign_put_packet(dst, SIGN_TAG_USER_ID, buf_str(&k->user_id));
    buf_add_str(dst, buf_str(&k->certification));
}

static void write_transferable(const struct sign_key *k, enum sign_tag tag, struct str body,
                               bool armored, struct buf *dst)
{
    if (!armored) {
        write_key(k, tag, body, dst);
        return;
    }
    size_t room = body.n + k->user_id.n + k->certification.n + 16;
    SIGN_SECRET_BUF_LOCAL(binary, room);
    buf_reserve(&binary, room);
    write_key(k, tag, body, &binary);
    if (binary.failed)
        dst->failed = true;
    else
        sign_armor_write(tag == SIGN_TAG_SECRET_KEY ? "PRIVATE KEY BLOCK" : "PUBLIC KEY BLOCK",
                         buf_str(&binary), dst);
}

void sign_key_write_public(const struct sign_key *k, bool armored, struct buf *dst)
{
    write_transferable(k, SIGN_TAG_PUBLIC_KEY, buf_str(&k->body), armored, dst);
}

void sign_key_write_secret(const struct sign_key *k, bool armored, struct buf *dst)
{
    always(sign_key_is_secret(k));
    size_t room = k->body.n + SIGN_SECRET_PART_MAX;
    SIGN_SECRET_BUF_LOCAL(body, room);
    buf_reserve(&body, room);
    buf_add_str(&body, buf_str(&k->body));
    sign_key_put_secret(k, &body);
    if (body.failed)
        dst->failed = true;
    else
        write_transferable(k, SIGN_TAG_SECRET_KEY, buf_str(&body), armored, dst);
}
