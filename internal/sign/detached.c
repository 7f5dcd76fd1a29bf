#include "sign/armor.h"
#include "sign/key.h"

err_code sign_detached(const struct sign_key *k, struct str body, uint64_t now, struct buf *dst,
                       struct err *e)
{
    if (!k->secret_key)
        return err_set(e, ERR_INVALID,
                       "the signing key is only the public half: export it with "
                       "`gpg --export-secret-keys`, or make one with `vesta keygen`");
    if (now > UINT32_MAX)
        return err_set(e, ERR_INVALID,
                       "an OpenPGP signature cannot be made after the year 2106: is the clock "
                       "right?");
    struct sign_subject subject = {{body}};
    sign_signature_make(k->secret_key, k->fingerprint, SIGN_BINARY, (uint32_t)now,
                        (struct str){NULL, 0}, &subject, dst);
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a signature") : ERR_OK;
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
    rc = sign_signature_check(&s, k->public_key, &subject, &good, e);
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
