#include "sign/protect.h"

#include <nettle/aes.h>
#include <nettle/cast128.h>
#include <nettle/cfb.h>
#include <nettle/des.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <sodium.h>

#include "base/always.h"

#define SALT_BYTES  8
#define KEY_MAX     32
#define BLOCK_MAX   16
#define SUM_BYTES   2
#define CONTEXT_MAX 512 /* bytes of any of the hashes' states */

enum s2k { S2K_SIMPLE = 0, S2K_SALTED = 1, S2K_ITERATED = 3, S2K_GNU = 101 };

uint16_t sign_checksum(struct str s)
{
    uint16_t sum = 0;
    for (size_t i = 0; i < s.n; i++)
        sum = (uint16_t)(sum + (unsigned char)s.p[i]);
    return sum;
}

/* --- the key from the passphrase ---------------------------------------------------------------
 */

struct string_to_key {
    uint8_t kind;
    const struct nettle_hash *hash;
    struct str salt; /* empty in the simple kind */
    size_t count;    /* bytes to be hashed at least */
};

/* RFC 4880, 9.4. */
static const struct nettle_hash *hash_of(uint8_t id)
{
    switch (id) {
    case 2: return &nettle_sha1;
    case 3: return &nettle_ripemd160;
    case 8: return &nettle_sha256;
    case 9: return &nettle_sha384;
    case 10: return &nettle_sha512;
    case 11: return &nettle_sha224;
    default: return NULL;
    }
}

static err_code read_s2k(struct sign_reader *r, const char *who, struct string_to_key *ret,
                         struct err *e)
{
    struct string_to_key s = {.salt = STR("")};
    s.kind = sign_reader_u8(r);
    uint8_t hash = sign_reader_u8(r);
    if (r->failed)
        return ERR_OK; /* told with the rest */
    if (s.kind == S2K_GNU)
        return err_set(e, ERR_UNSUPPORTED,
                       "the secret part of key %s is not in this file: gpg keeps it elsewhere (a "
                       "card, or another computer). Export it where it is",
                       who);
    if (s.kind != S2K_SIMPLE && s.kind != S2K_SALTED && s.kind != S2K_ITERATED)
        return err_set(e, ERR_UNSUPPORTED,
                       "the secret key's passphrase is hashed in a way (%u) that is not known",
                       s.kind);
    s.hash = hash_of(hash);
    if (!s.hash)
        return err_set(e, ERR_UNSUPPORTED,
                       "the secret key's passphrase is hashed with algorithm %u, which is not "
                       "known: SHA-1, SHA-2 and RIPEMD-160 are",
                       hash);
    if (s.kind != S2K_SIMPLE)
        s.salt = sign_reader_bytes(r, SALT_BYTES);
    if (s.kind == S2K_ITERATED) {
        unsigned c = sign_reader_u8(r);
        s.count = (size_t)(16 + (c & 15)) << ((c >> 4) + 6);
    }
    *ret = s;
    return ERR_OK;
}

/* One instance: `zeros` zero bytes, then salt and passphrase over and over (RFC 4880, 3.7.1.3). */
static void hash_passphrase(const struct string_to_key *s, struct str passphrase, size_t zeros,
                            uint8_t *dst, size_t n)
{
    _Alignas(16) unsigned char context[CONTEXT_MAX];
    static const uint8_t zero[KEY_MAX];
    always(s->hash->context_size <= sizeof context && zeros <= sizeof zero);
    size_t all = s->salt.n + passphrase.n;
    size_t left = s->count > all ? s->count : all;
    s->hash->init(context);
    s->hash->update(context, zeros, zero);
    while (left) {
        size_t salt = s->salt.n < left ? s->salt.n : left;
        s->hash->update(context, salt, (const uint8_t *)s->salt.p);
        left -= salt;
        size_t text = passphrase.n < left ? passphrase.n : left;
        s->hash->update(context, text, (const uint8_t *)passphrase.p);
        left -= text;
    }
    s->hash->digest(context, n, dst);
    sodium_memzero(context, sizeof context);
}

static void make_key(const struct string_to_key *s, struct str passphrase, uint8_t key[KEY_MAX],
                     size_t n)
{
    always(n <= KEY_MAX);
    size_t step = s->hash->digest_size;
    for (size_t at = 0, zeros = 0; at < n; at += step, zeros++)
        hash_passphrase(s, passphrase, zeros, key + at, n - at < step ? n - at : step);
}

/* --- ciphers ---------------------------------------------------------------------------------- */

union cipher_state {
    struct aes128_ctx aes128;
    struct aes192_ctx aes192;
    struct aes256_ctx aes256;
    struct des3_ctx des3;
    struct cast128_ctx cast128;
};

static void set_aes128(union cipher_state *c, const uint8_t *key)
{
    aes128_set_encrypt_key(&c->aes128, key);
}
static void set_aes192(union cipher_state *c, const uint8_t *key)
{
    aes192_set_encrypt_key(&c->aes192, key);
}
static void set_aes256(union cipher_state *c, const uint8_t *key)
{
    aes256_set_encrypt_key(&c->aes256, key);
}
static void set_des3(union cipher_state *c, const uint8_t *key)
{
    des3_set_key(&c->des3, key);
}
static void set_cast128(union cipher_state *c, const uint8_t *key)
{
    cast128_set_key(&c->cast128, key);
}

struct cipher {
    uint8_t id; /* RFC 4880, 9.2 */
    uint8_t key_bytes, block_bytes;
    void (*set_key)(union cipher_state *c, const uint8_t *key);
    nettle_cipher_func *encrypt;
};

static const struct cipher ciphers[] = {
    {2, DES3_KEY_SIZE, DES3_BLOCK_SIZE, set_des3, (nettle_cipher_func *)des3_encrypt},
    {3, CAST128_KEY_SIZE, CAST128_BLOCK_SIZE, set_cast128, (nettle_cipher_func *)cast128_encrypt},
    {7, AES128_KEY_SIZE, AES_BLOCK_SIZE, set_aes128, (nettle_cipher_func *)aes128_encrypt},
    {8, AES192_KEY_SIZE, AES_BLOCK_SIZE, set_aes192, (nettle_cipher_func *)aes192_encrypt},
    {9, AES256_KEY_SIZE, AES_BLOCK_SIZE, set_aes256, (nettle_cipher_func *)aes256_encrypt},
};

static const struct cipher *cipher_of(uint8_t id)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].id == id)
            return &ciphers[i];
    return NULL;
}

static void decrypt(const struct cipher *c, const uint8_t key[KEY_MAX], struct str iv,
                    struct str in, uint8_t *out)
{
    union cipher_state state;
    uint8_t block[BLOCK_MAX];
    memcpy(block, iv.p, c->block_bytes);
    c->set_key(&state, key);
    cfb_decrypt(&state, c->encrypt, c->block_bytes, block, in.n, out, (const uint8_t *)in.p);
    sodium_memzero(&state, sizeof state);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Whether what stands at the end of the numbers fits them; *check is how long it is. */
static bool intact(uint8_t usage, struct str s, size_t *check)
{
    *check = usage == SIGN_USAGE_SHA1 ? SHA1_DIGEST_SIZE : SUM_BYTES;
    if (s.n < *check)
        return false;
    struct str numbers = str_sub(s, 0, s.n - *check);
    const unsigned char *end = (const unsigned char *)s.p + numbers.n;
    if (usage == SIGN_USAGE_SUM)
        return sign_checksum(numbers) == (end[0] << 8 | end[1]);
    struct sha1_ctx sha1;
    uint8_t digest[SHA1_DIGEST_SIZE];
    sha1_init(&sha1);
    sha1_update(&sha1, numbers.n, (const uint8_t *)numbers.p);
    sha1_digest(&sha1, sizeof digest, digest);
    return memcmp(digest, end, sizeof digest) == 0;
}

static err_code open_numbers(uint8_t usage, const struct cipher *c, const struct string_to_key *s2k,
                             struct str passphrase, struct str iv, struct str in, struct buf *dst)
{
    uint8_t key[KEY_MAX];
    size_t check;
    char *out = buf_reserve(dst, in.n);
    if (!out)
        return ERR_NOMEM;
    make_key(s2k, passphrase, key, c->key_bytes);
    decrypt(c, key, iv, in, (uint8_t *)out);
    sodium_memzero(key, sizeof key);
    if (!intact(usage, str_of(out, in.n), &check))
        return ERR_DENIED;
    dst->n += in.n - check;
    return ERR_OK;
}

err_code sign_unprotect(struct sign_reader *r, struct str passphrase, const char *who,
                        struct buf *dst, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    uint8_t usage = sign_reader_u8(r);
    uint8_t id = sign_reader_u8(r);
    if (!r->failed && usage != SIGN_USAGE_SHA1 && usage != SIGN_USAGE_SUM)
        return err_set(e, ERR_UNSUPPORTED,
                       "the secret key %s is encrypted in a way (%u) that is not known; export it "
                       "with gpg 2.2, or take the passphrase off with `gpg --passwd %s` first",
                       who, usage, who);
    struct string_to_key s2k = {0};
    err_code rc = read_s2k(r, who, &s2k, e);
    if (rc)
        return rc;
    const struct cipher *c = cipher_of(id);
    if (!r->failed && !c)
        return err_set(e, ERR_UNSUPPORTED,
                       "the secret key %s is encrypted with cipher %u; AES, 3DES and CAST5 are "
                       "known: take the passphrase off with `gpg --passwd %s` first",
                       who, id, who);
    struct str iv = sign_reader_bytes(r, c ? c->block_bytes : 0);
    if (r->failed)
        return err_set(e, ERR_INVALID, "byte %zu: the secret key does not parse", offset);
    struct str in = sign_reader_bytes(r, r->bytes.n - r->at);
    if (!passphrase.p)
        return err_set(e, ERR_DENIED,
                       "the secret key %s is encrypted: give its passphrase with "
                       "--passphrase-file or VESTA_PASSPHRASE",
                       who);
    rc = open_numbers(usage, c, &s2k, passphrase, iv, in, dst);
    if (rc == ERR_NOMEM)
        return err_set(e, rc, "no memory for a key");
    if (rc)
        return err_set(e, rc, "the passphrase is wrong for the secret key %s", who);
    return ERR_OK;
}
