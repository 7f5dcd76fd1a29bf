/*
 * sign.h - signing keys, and the signatures that clients verify.
 *
 * OpenPGP v4 (RFC 4880) as gpg 2.2 and GRUB take it: Ed25519 ("EdDSA legacy", algorithm 22,
 * draft-ietf-openpgp-rfc4880bis) over libsodium, and RSA of 2048 to 4096 bits over nettle, both
 * with SHA-256. A struct sign_key is immutable once made and may be used by any thread; its secret
 * part is in memory that is locked and wiped when it is freed. Pure: time and randomness are
 * arguments, but for the blinding of RSA, which libsodium gives and no signature shows.
 */
#ifndef SIGN_SIGN_H
#define SIGN_SIGN_H

#include <sodium.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sign/digest.h"

struct sign_key;

#define SIGN_SEED_BYTES        32
#define SIGN_FINGERPRINT_BYTES 20

/*
 * A key from 32 random bytes. created in seconds since 1970, at most UINT32_MAX (it is part of the
 * fingerprint); user_id is UTF-8 such as "Vesta <vesta@host>". The same arguments give the same
 * key, bit for bit. ERR_INVALID, ERR_NOMEM, ERR_IO (libsodium cannot start).
 */
err_code sign_key_make(const unsigned char seed[SIGN_SEED_BYTES], uint64_t created,
                       struct str user_id, struct sign_key **ret, struct err *e);
/*
 * A key from a transferable secret or public key (RFC 4880, 11.1 and 11.2), binary or armored, as
 * gpg exports it and as matchbox's key rings are. Only the first primary key is used, never a
 * subkey. passphrase may be absent; it is asked for only if the key is encrypted (see protect.h for
 * the ciphers): ERR_DENIED when it is absent or wrong. Another algorithm, or a primary key that may
 * not sign, is ERR_UNSUPPORTED with what to do; ERR_INVALID with the offset of what does not parse
 * (in armor: of what was decoded, or the line). A secret key is checked against its public half. Of
 * the first user ID the newest good self-signature is kept; a key without one, or a revoked one, is
 * ERR_INVALID. Expiry is not looked at: there is no clock here. ERR_NOMEM, ERR_IO as above.
 */
#define SIGN_NO_PASSPHRASE ((struct str){NULL, 0})
err_code sign_key_read(struct str bytes, struct str passphrase, struct sign_key **ret,
                       struct err *e);
void sign_key_free(struct sign_key *k);

bool sign_key_is_secret(const struct sign_key *k);
bool sign_key_is_rsa(const struct sign_key *k);
void sign_key_fingerprint(const struct sign_key *k, unsigned char ret[SIGN_FINGERPRINT_BYTES]);
struct str sign_key_user_id(const struct sign_key *k);

/*
 * Transferable keys with a self-signature, appended to dst. The secret one is not encrypted: store
 * it with mode 0600 and wipe dst; it needs a key that has its secret part.
 */
void sign_key_write_public(const struct sign_key *k, bool armored, struct buf *dst);
void sign_key_write_secret(const struct sign_key *k, bool armored, struct buf *dst);
/* The armor of several public keys, which were written one after the other and not armored. */
void sign_armor_keys(struct str keys, struct buf *dst);

/* Enough for a detached binary signature, in bytes. */
#define SIGN_SIGNATURE_MAX 640

/*
 * A detached signature over body, made at `now` (seconds since 1970): of type 0x00, or with text of
 * type 0x01, which does not tell LF from CR LF (what matchbox makes). Costs one SHA-256 of body and
 * 17 µs with Ed25519, 1.2 to 1.8 ms with RSA of 2048 bits. ERR_INVALID when the key has no secret
 * part; ERR_NOMEM; ERR_CORRUPT.
 */
err_code sign_detached(const struct sign_key *k, bool text, struct str body, uint64_t now,
                       struct buf *dst, struct err *e);

/* What is to be signed, hashed as it comes; about 2 ns a byte. A value. */
struct sign_content {
    struct sign_digest sha256;
    crypto_generichash_state blake2b; /* 64 bytes */
};
void sign_content_start(struct sign_content *c, bool text);
void sign_content_add(struct sign_content *c, struct str s);
/* As sign_detached, over what was added. c can be used further. */
err_code sign_openpgp(const struct sign_key *k, const struct sign_content *c, uint64_t now,
                      struct buf *dst, struct err *e);

/* The ASCII armor (RFC 4880, 6.2) of a binary signature. */
void sign_armor_signature(struct str signature, struct buf *dst);

struct sign_verdict {
    bool good;
    uint64_t made; /* seconds since 1970, as the signature says */
};
/*
 * Checks a detached signature, binary or armored, of type 0x00 or 0x01. ERR_INVALID if it does not
 * parse, ERR_NOT_FOUND if another key made it, ERR_UNSUPPORTED for a hash other than SHA-256 and
 * SHA-512; a signature that does not fit the body is ERR_OK with good == false. Expiry is not
 * looked at.
 */
err_code sign_verify(const struct sign_key *k, struct str body, struct str signature,
                     struct sign_verdict *ret, struct err *e);

#endif
