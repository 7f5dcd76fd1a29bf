#include "sign/armor.h"
#include "sign/key.h"

void sign_content_start(struct sign_content *c, bool text)
{
    sign_digest_start(&c->sha256, SIGN_SHA256, text);
    crypto_generichash_init(&c->blake2b, NULL, 0, crypto_generichash_BYTES_MAX);
}

void sign_content_add(struct sign_content *c, struct str s)
{
    sign_digest_add(&c->sha256, s);
    crypto_generichash_update(&c->blake2b, (const unsigned char *)(s.n ? s.p : ""), s.n);
}

static err_code make(const struct sign_key *k, struct sign_digest *d, uint64_t now, struct buf *dst,
                     struct err *e)
{
    enum sign_type type = d->text ? SIGN_TEXT : SIGN_BINARY;
    if (!sign_key_is_secret(k))
        return err_set(e, ERR_INVALID,
                       "the signing key is only the public half: export it with "
                       "`gpg --export-secret-keys`, or make one with `vesta keygen`");
    if (now > UINT32_MAX)
        return err_set(e, ERR_INVALID,
                       "an OpenPGP signature cannot be made after the year 2106: is the clock "
                       "right?");
    return sign_signature_make(k, type, (uint32_t)now, (struct str){NULL, 0}, d, dst, e);
}

err_code sign_openpgp(const struct sign_key *k, const struct sign_content *c, uint64_t now,
                      struct buf *dst, struct err *e)
{
    struct sign_digest d = c->sha256;
    return make(k, &d, now, dst, e);
}

err_code sign_detached(const struct sign_key *k, bool text, struct str body, uint64_t now,
                       struct buf *dst, struct err *e)
{
    struct sign_digest d;
    sign_digest_start(&d, SIGN_SHA256, text);
    sign_digest_add(&d, body);
    return make(k, &d, now, dst, e);
}

static err_code verify(const struct sign_key *k, struct str body, struct str binary,
                       struct sign_verdict *ret, struct err *e)
{
    struct sign_reader r = sign_reader_of(binary, 0);
    struct sign_packet p;
    struct sign_signature s;
    err_code rc = sign_packet_read(&r, &p, e);
    if (rc)
        return rc;
    if (p.tag != SIGN_TAG_SIGNATURE)
        return err_set(e, ERR_INVALID,
                       "byte 0: an OpenPGP packet of type %u, where a signature (2) is expected",
                       p.tag);
    rc = sign_signature_read(&p, &s, e);
    if (rc)
        return rc;
    if (!sign_reader_done(&r))
        return err_set(e, ERR_INVALID, "byte %zu: something follows the signature",
                       sign_reader_offset(&r));
    if (s.type != SIGN_BINARY && s.type != SIGN_TEXT)
        return err_set(e, ERR_INVALID,
                       "a signature of type 0x%02x, which is not over a document (0x00 or 0x01)",
                       s.type);
    if (!sign_signature_is_by(&s, k->fingerprint))
        return err_set(e, ERR_NOT_FOUND,
                       "another key made the signature: `gpg --list-packets FILE` tells which");
    struct sign_subject subject = {{body}};
    bool good = false;
    rc = sign_signature_check(&s, k, &subject, &good, e);
    if (rc)
        return rc;
    *ret = (struct sign_verdict){.good = good, .made = s.made};
    return ERR_OK;
}

err_code sign_verify(const struct sign_key *k, struct str body, struct str signature,
                     struct sign_verdict *ret, struct err *e)
{
    if (signature.n > SIGN_INPUT_MAX)
        return err_set(e, ERR_INVALID, "%zu bytes are too many for a signature (at most %u)",
                       signature.n, SIGN_INPUT_MAX);
    if (!sign_is_armored(signature))
        return verify(k, body, signature, ret, e);
    BUF_LOCAL(binary, signature.n);
    struct str kind;
    err_code rc = sign_armor_read(signature, &binary, &kind, e);
    if (rc)
        return rc;
    if (!str_is(kind, "SIGNATURE"))
        return err_set(e, ERR_INVALID, "the ASCII armor holds a \"%.*s\", not a signature",
                       STR_FMT(kind));
    return verify(k, body, buf_str(&binary), ret, e);
}
