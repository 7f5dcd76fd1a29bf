#include "sign/armor.h"
#include "sign/key.h"

#define HOW_TO_MAKE_ONE                                                                            \
    "make one with `vesta keygen`, or with `gpg --quick-generate-key NAME ed25519 sign never`"

/* RFC 4880, 9.1, and what came after it. */
static const char *algorithm_name(uint8_t algorithm)
{
    switch (algorithm) {
    case 1:
    case 2:
    case 3: return "RSA";
    case 16: return "Elgamal";
    case 17: return "DSA";
    case 18: return "ECDH";
    case 19: return "ECDSA";
    case 27: return "Ed25519 in the form of RFC 9580, which gpg 2 does not read";
    case 28: return "Ed448";
    default: return "not known here";
    }
}

static err_code read_public_part(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    uint8_t version = sign_reader_u8(r);
    if (!r->failed && version != SIGN_KEY_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "the key has OpenPGP version %u; only version 4 is known: " HOW_TO_MAKE_ONE,
                       version);
    k->created = sign_reader_u32(r);
    uint8_t algorithm = sign_reader_u8(r);
    if (!r->failed && algorithm != SIGN_ALGORITHM_EDDSA)
        return err_set(e, ERR_UNSUPPORTED,
                       "the key's algorithm is %u (%s); keys must be Ed25519: " HOW_TO_MAKE_ONE,
                       algorithm, algorithm_name(algorithm));
    uint8_t curve_bytes = sign_reader_u8(r);
    struct str curve = sign_reader_bytes(r, curve_bytes);
    if (!r->failed && !str_eq(curve, str_skip(STR(SIGN_CURVE), 1)))
        return err_set(e, ERR_UNSUPPORTED,
                       "the key is EdDSA on another curve than Ed25519: " HOW_TO_MAKE_ONE);
    struct str point = sign_reader_mpi(r);
    if (r->failed || point.n != 1 + sizeof k->public_key || point.p[0] != SIGN_POINT_PREFIX)
        return err_set(e, ERR_INVALID, "byte %zu: the public key does not parse", offset);
    memcpy(k->public_key, point.p + 1, sizeof k->public_key);
    sign_key_set_fingerprint(k);
    return ERR_OK;
}

/* usage is one of RFC 4880, 5.5.3: 254 and 255 are followed by a cipher and a string-to-key. */
static err_code refuse_protected(struct sign_reader *r, uint8_t usage, const struct sign_key *k,
                                 struct err *e)
{
    enum { SHA1_CHECKED = 254, SUM_CHECKED = 255, S2K_GNU = 101 };
    char id[2 * SIGN_FINGERPRINT_BYTES + 1];
    sodium_bin2hex(id, sizeof id, k->fingerprint, sizeof k->fingerprint);
    if (usage == SHA1_CHECKED || usage == SUM_CHECKED) {
        sign_reader_u8(r);
        if (sign_reader_u8(r) == S2K_GNU)
            return err_set(e, ERR_UNSUPPORTED,
                           "the secret part of key %s is not in this file: gpg keeps it elsewhere "
                           "(a card, or another computer). Export it where it is",
                           id);
    }
    return err_set(e, ERR_UNSUPPORTED,
                   "the secret key is encrypted with a passphrase, which must be taken off first: "
                   "`gpg --passwd %s` with an empty new one, then `gpg --export-secret-keys %s` "
                   "again",
                   id, id);
}

static err_code read_secret_part(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    uint8_t usage = sign_reader_u8(r);
    if (!r->failed && usage != SIGN_USAGE_PLAIN)
        return refuse_protected(r, usage, k, e);
    size_t from = r->at;
    struct str number = sign_reader_mpi(r);
    struct str summed = str_sub(r->bytes, from, r->at);
    uint16_t sum = sign_reader_u16(r);
    if (r->failed || number.n > SIGN_SEED_BYTES)
        return err_set(e, ERR_INVALID, "byte %zu: the secret key does not parse", offset);
    if (sum != sign_checksum(summed))
        return err_set(e, ERR_INVALID, "byte %zu: the secret key's checksum is wrong", offset);

    unsigned char said[crypto_sign_PUBLICKEYBYTES];
    memcpy(said, k->public_key, sizeof said);
    unsigned char seed[SIGN_SEED_BYTES] = {0};
    if (number.n)
        memcpy(seed + sizeof seed - number.n, number.p, number.n);
    err_code rc = sign_key_set_seed(k, seed, e);
    sodium_memzero(seed, sizeof seed);
    if (!rc && memcmp(said, k->public_key, sizeof said) != 0)
        rc =
            err_set(e, ERR_INVALID,
                    "byte %zu: the secret key does not belong to the public key before it", offset);
    return rc;
}

/* --- what follows the key packet -------------------------------------------------------------- */

/* A signature packet: kept if it is the key's newest on its first user ID. Others' do not count. */
static err_code take_signature(struct sign_key *k, const struct sign_packet *p, uint32_t *newest,
                               struct err *e)
{
    struct sign_signature s;
    struct sign_key_subject room;
    bool good = false;
    if (sign_signature_read(p, &s, NULL) || !sign_signature_is_by(&s, k->fingerprint))
        return ERR_OK;
    sign_key_subject(k, &room);
    bool of_user_id = s.type >= SIGN_CERTIFICATION_FIRST && s.type <= SIGN_CERTIFICATION_LAST;
    if (s.type == SIGN_KEY_REVOCATION)
        room.subject.parts[1] = room.subject.parts[2] = (struct str){NULL, 0};
    else if (!of_user_id || k->user_id.n == 0 || (k->certification.n && s.made < *newest))
        return ERR_OK;
    if (sign_signature_check(&s, k->public_key, &room.subject, &good, NULL) || !good)
        return ERR_OK;
    if (!of_user_id)
        return err_set(e, ERR_INVALID, "the key was revoked: " HOW_TO_MAKE_ONE);
    *newest = s.made;
    buf_clear(&k->certification);
    buf_add_str(&k->certification, p->whole);
    return k->certification.failed ? err_set(e, ERR_NOMEM, "no memory for a key") : ERR_OK;
}

/* The first user ID and the signatures on it; what comes after them is only checked for form. */
static err_code read_certified(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    bool looking = true;
    uint32_t newest = 0;
    while (!sign_reader_done(r)) {
        struct sign_packet p;
        err_code rc = sign_packet_read(r, &p, e);
        if (rc)
            return rc;
        if (p.tag == SIGN_TAG_PUBLIC_KEY || p.tag == SIGN_TAG_SECRET_KEY)
            break;
        if (p.tag == SIGN_TAG_TRUST || p.tag == SIGN_TAG_MARKER)
            continue;
        bool first_user_id = p.tag == SIGN_TAG_USER_ID && k->user_id.n == 0;
        looking = looking && (first_user_id || p.tag == SIGN_TAG_SIGNATURE);
        if (first_user_id && looking)
            rc = sign_key_set_user_id(k, p.body.bytes, e);
        else if (looking)
            rc = take_signature(k, &p, &newest, e);
        if (rc)
            return rc;
    }
    if (k->user_id.n == 0)
        return err_set(e, ERR_INVALID, "byte %zu: the key has no user ID", sign_reader_offset(r));
    if (k->certification.n)
        return ERR_OK;
    return err_set(
        e, ERR_INVALID,
        "the key's user ID has no signature by the key itself that is good (with SHA-256 "
        "or SHA-512): export the key again");
}

static err_code read_key(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    struct sign_packet p;
    do {
        if (sign_reader_done(r))
            return err_set(e, ERR_INVALID, "byte %zu: there is no OpenPGP key here",
                           sign_reader_offset(r));
        err_code rc = sign_packet_read(r, &p, e);
        if (rc)
            return rc;
    } while (p.tag == SIGN_TAG_MARKER);
    if (p.tag != SIGN_TAG_SECRET_KEY && p.tag != SIGN_TAG_PUBLIC_KEY)
        return err_set(e, ERR_INVALID,
                       "byte %zu: an OpenPGP packet of type %u, where a key (5 or 6) is expected",
                       p.body.start, p.tag);
    err_code rc = read_public_part(&p.body, k, e);
    if (!rc && p.tag == SIGN_TAG_SECRET_KEY)
        rc = read_secret_part(&p.body, k, e);
    if (!rc && !sign_reader_done(&p.body))
        rc = err_set(e, ERR_INVALID, "byte %zu: bytes are left over at the key's end",
                     sign_reader_offset(&p.body));
    return rc ? rc : read_certified(r, k, e);
}

err_code sign_key_read(struct str bytes, struct sign_key **ret, struct err *e)
{
    if (bytes.n > SIGN_INPUT_MAX)
        return err_set(e, ERR_INVALID, "%zu bytes are too many for a key (at most %u)", bytes.n,
                       SIGN_INPUT_MAX);
    SIGN_SECRET_BUF_LOCAL(binary, bytes.n);
    if (sign_is_armored(bytes)) {
        struct str kind;
        err_code rc = sign_armor_read(bytes, &binary, &kind, e);
        if (rc)
            return rc;
        if (!str_is(kind, "PUBLIC KEY BLOCK") && !str_is(kind, "PRIVATE KEY BLOCK"))
            return err_set(e, ERR_INVALID, "the ASCII armor holds a \"%.*s\", not a key",
                           STR_FMT(kind));
        bytes = buf_str(&binary);
    }
    __attribute__((cleanup(sign_key_cleanup))) struct sign_key *k = NULL;
    err_code rc = sign_key_alloc(&k, e);
    if (rc)
        return rc;
    struct sign_reader r = sign_reader_of(bytes, 0);
    rc = read_key(&r, k, e);
    if (rc)
        return rc;
    *ret = k;
    k = NULL;
    return ERR_OK;
}
