#include "sign/armor.h"
#include "sign/key.h"

#define HOW_TO_MAKE_ONE                                                                            \
    "make one with `vesta keygen`, or with `gpg --quick-generate-key NAME ed25519 sign never`"

/* RFC 4880, 9.1, and what came after it. */
static const char *algorithm_name(uint8_t algorithm)
{
    switch (algorithm) {
    case 2: return "RSA for encryption only";
    case 3: return "RSA in a form that RFC 4880, 13.5, gave up";
    case 16: return "Elgamal";
    case 17: return "DSA";
    case 18: return "ECDH";
    case 19: return "ECDSA";
    case 27: return "Ed25519 in the form of RFC 9580, which gpg 2 does not read";
    case 28: return "Ed448";
    default: return "not known here";
    }
}

static err_code read_point(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    uint8_t curve_bytes = sign_reader_u8(r);
    struct str curve = sign_reader_bytes(r, curve_bytes);
    if (!r->failed && !str_eq(curve, str_skip(STR(SIGN_CURVE), 1)))
        return err_set(e, ERR_UNSUPPORTED,
                       "the key is EdDSA on another curve than Ed25519: " HOW_TO_MAKE_ONE);
    struct str point = sign_reader_mpi(r);
    if (r->failed || point.n != 1 + sizeof k->public_key || point.p[0] != SIGN_POINT_PREFIX)
        return err_set(e, ERR_INVALID, "byte %zu: the public key does not parse", offset);
    memcpy(k->public_key, point.p + 1, sizeof k->public_key);
    return ERR_OK;
}

static err_code read_modulus(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    struct str n = sign_reader_mpi(r);
    struct str exponent = sign_reader_mpi(r);
    if (r->failed)
        return err_set(e, ERR_INVALID, "byte %zu: the public key does not parse", offset);
    return sign_rsa_make(n, exponent, &k->rsa, e);
}

static err_code read_public_part(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t from = r->at, offset = sign_reader_offset(r);
    uint8_t version = sign_reader_u8(r);
    if (!r->failed && version != SIGN_KEY_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "the key has OpenPGP version %u; only version 4 is known: " HOW_TO_MAKE_ONE,
                       version);
    k->created = sign_reader_u32(r);
    uint8_t algorithm = sign_reader_u8(r);
    bool rsa = algorithm == SIGN_ALGORITHM_RSA;
    if (r->failed)
        return err_set(e, ERR_INVALID, "byte %zu: the public key does not parse", offset);
    if (!rsa && algorithm != SIGN_ALGORITHM_EDDSA)
        return err_set(e, ERR_UNSUPPORTED,
                       "the key's algorithm is %u (%s); keys must be Ed25519 or "
                       "RSA: " HOW_TO_MAKE_ONE,
                       algorithm, algorithm_name(algorithm));
    k->algorithm = rsa ? SIGN_ALGORITHM_RSA : SIGN_ALGORITHM_EDDSA;
    err_code rc = rsa ? read_modulus(r, k, e) : read_point(r, k, e);
    if (rc)
        return rc;
    /* As it stands: what is hashed must be what was read. */
    buf_clear(&k->body);
    buf_add_str(&k->body, str_sub(r->bytes, from, r->at));
    if (k->body.failed)
        return err_set(e, ERR_INVALID, "byte %zu: the public key is too long", offset);
    sign_key_set_fingerprint(k);
    return ERR_OK;
}

/* --- what follows the key packet -------------------------------------------------------------- */

struct certified {
    bool looking;      /* still at the first user ID and what follows it */
    bool certify_only; /* the newest self-signature says so */
    uint32_t newest;
};

/* A signature packet: kept if it is the key's newest on its first user ID. Others' do not count. */
static err_code take_signature(struct sign_key *k, const struct sign_packet *p,
                               struct certified *state, struct err *e)
{
    struct sign_signature s;
    struct sign_key_subject room;
    bool good = false;
    if (sign_signature_read(p, &s, NULL) || !sign_signature_is_by(&s, k->fingerprint))
        return ERR_OK;
    sign_key_subject(k, &room);
    bool of_user_id = s.type >= SIGN_CERTIFICATION_FIRST && s.type <= SIGN_CERTIFICATION_LAST;
    if (s.type == SIGN_KEY_REVOCATION)
        room.subject.parts[2] = room.subject.parts[3] = (struct str){NULL, 0};
    else if (!of_user_id || k->user_id.n == 0 || (k->certification.n && s.made < state->newest))
        return ERR_OK;
    if (sign_signature_check(&s, k, &room.subject, &good, NULL) || !good)
        return ERR_OK;
    if (!of_user_id)
        return err_set(e, ERR_INVALID, "the key was revoked: " HOW_TO_MAKE_ONE);
    state->newest = s.made;
    state->certify_only = s.key_flags.n > 0 && !(s.key_flags.p[0] & SIGN_FLAG_SIGN);
    buf_clear(&k->certification);
    buf_add_str(&k->certification, p->whole);
    return k->certification.failed ? err_set(e, ERR_NOMEM, "no memory for a key") : ERR_OK;
}

static err_code take_packet(struct sign_key *k, const struct sign_packet *p,
                            struct certified *state, struct err *e)
{
    bool first_user_id = p->tag == SIGN_TAG_USER_ID && k->user_id.n == 0;
    state->looking = state->looking && (first_user_id || p->tag == SIGN_TAG_SIGNATURE);
    if (!state->looking)
        return ERR_OK;
    return first_user_id ? sign_key_set_user_id(k, p->body.bytes, e)
                         : take_signature(k, p, state, e);
}

/* The first user ID and the signatures on it; what comes after them is only checked for form. */
static err_code read_certified(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    struct certified state = {.looking = true};
    while (!sign_reader_done(r)) {
        struct sign_packet p;
        err_code rc = sign_packet_read(r, &p, e);
        if (rc)
            return rc;
        if (p.tag == SIGN_TAG_PUBLIC_KEY || p.tag == SIGN_TAG_SECRET_KEY)
            break;
        if (p.tag != SIGN_TAG_TRUST && p.tag != SIGN_TAG_MARKER)
            rc = take_packet(k, &p, &state, e);
        if (rc)
            return rc;
    }
    if (k->user_id.n == 0)
        return err_set(e, ERR_INVALID, "byte %zu: the key has no user ID", sign_reader_offset(r));
    if (!k->certification.n)
        return err_set(
            e, ERR_INVALID,
            "the key's user ID has no signature by the key itself that is good (with SHA-2 "
            "or SHA-1): export the key again");
    if (state.certify_only && sign_key_is_secret(k))
        return err_set(e, ERR_UNSUPPORTED,
                       "the primary key may only certify, and subkeys are not used here: "
                       "give it a key whose primary key signs, as `gpg --quick-generate-key NAME "
                       "rsa3072 sign never` makes");
    return ERR_OK;
}

static err_code read_key(struct sign_reader *r, struct str passphrase, struct sign_key *k,
                         struct err *e)
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
        rc = sign_key_read_secret(&p.body, passphrase, k, e);
    if (!rc && !sign_reader_done(&p.body))
        rc = err_set(e, ERR_INVALID, "byte %zu: bytes are left over at the key's end",
                     sign_reader_offset(&p.body));
    return rc ? rc : read_certified(r, k, e);
}

err_code sign_key_read(struct str bytes, struct str passphrase, struct sign_key **ret,
                       struct err *e)
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
    rc = read_key(&r, passphrase, k, e);
    if (rc)
        return rc;
    *ret = k;
    k = NULL;
    return ERR_OK;
}
