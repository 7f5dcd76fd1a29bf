#include "sign/digest.h"

bool sign_digest_start(struct sign_digest *d, uint8_t hash, bool text)
{
    *d = (struct sign_digest){.hash = hash, .text = text};
    switch (hash) {
    case SIGN_SHA1: sha1_init(&d->sha1); return true;
    case SIGN_SHA256: sha256_init(&d->sha256); return true;
    case SIGN_SHA512: sha512_init(&d->sha512); return true;
    default: return false;
    }
}

static void add_bytes(struct sign_digest *d, struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    if (s.n == 0)
        return;
    switch (d->hash) {
    case SIGN_SHA1: sha1_update(&d->sha1, s.n, p); break;
    case SIGN_SHA256: sha256_update(&d->sha256, s.n, p); break;
    default: sha512_update(&d->sha512, s.n, p); break;
    }
}

/*
 * Canonical text (RFC 4880, 5.2.4): a line feed without a carriage return before it gets one. gpg
 * 2.2 leaves out a carriage return before CR LF or at the end; such texts verify only where they
 * were signed by this rule.
 */
static void add_text(struct sign_digest *d, struct str s)
{
    size_t from = 0;
    for (size_t at = str_find_byte(s, '\n', 0); at < s.n; at = str_find_byte(s, '\n', at + 1)) {
        if (at > 0 ? s.p[at - 1] == '\r' : d->after_cr)
            continue;
        add_bytes(d, str_sub(s, from, at));
        add_bytes(d, STR("\r"));
        from = at;
    }
    add_bytes(d, str_skip(s, from));
    if (s.n)
        d->after_cr = s.p[s.n - 1] == '\r';
}

void sign_digest_add(struct sign_digest *d, struct str s)
{
    if (d->text)
        add_text(d, s);
    else
        add_bytes(d, s);
}

size_t sign_digest_finish(struct sign_digest *d, unsigned char ret[SIGN_DIGEST_MAX])
{
    switch (d->hash) {
    case SIGN_SHA1: sha1_digest(&d->sha1, SHA1_DIGEST_SIZE, ret); return SHA1_DIGEST_SIZE;
    case SIGN_SHA256: sha256_digest(&d->sha256, SHA256_DIGEST_SIZE, ret); return SHA256_DIGEST_SIZE;
    default: sha512_digest(&d->sha512, SHA512_DIGEST_SIZE, ret); return SHA512_DIGEST_SIZE;
    }
}
