/*
 * cms.h - CMS signatures that iPXE's imgverify takes, and code-signing keys with their chains.
 *
 * The form is the only one that iPXE knows (RFC 5652 SignedData in DER): detached, no signed
 * attributes, the signer named by issuer and serial number, SHA-256 with RSA (PKCS#1 v1.5), and all
 * certificates up to the root inside. A struct sign_cms is immutable once made and may be used by
 * any thread. Time is an argument, randomness too but for what GnuTLS draws itself to make an RSA
 * key and to sign a certificate; signatures over content draw none that shows (rsa.h).
 */
#ifndef SIGN_CMS_H
#define SIGN_CMS_H

#include "sign/sign.h"

struct sign_cms;

/* Enough for a signature, in bytes. */
#define SIGN_CMS_MAX (16u << 10)

/*
 * A key with its chain from PEM: the private key (PKCS#1 or PKCS#8), the certificate of that key,
 * and those above it up to a root, in any order. ERR_INVALID, with what to do, unless the key is
 * RSA of 2048 to 4096 bits, the certificate is the key's and for code signing (keyUsage
 * digitalSignature, extendedKeyUsage codeSigning), and the chain is whole and ends in a root.
 * ERR_DENIED: the key is encrypted and passphrase absent or wrong. Dates are not looked at.
 */
err_code sign_cms_read(struct str pem, struct str passphrase, struct sign_cms **ret, struct err *e);
void sign_cms_free(struct sign_cms *k);

/* The key, not encrypted, and its chain as PEM: store with mode 0600 and wipe dst. */
err_code sign_cms_write_secret(const struct sign_cms *k, struct buf *dst, struct err *e);
/* As PEM: the root, which clients are built with, or the others, the signer's first. */
void sign_cms_write_root(const struct sign_cms *k, struct buf *dst);
void sign_cms_write_chain(const struct sign_cms *k, struct buf *dst);

struct sign_cms_info {
    struct str name; /* the signer's common name; lives as long as the key */
    uint64_t not_before,
        until; /* seconds since 1970: of the certificate of the chain that ends first */
    unsigned char root[32];   /* SHA-256 of the root, by which clients know it */
    unsigned char signer[32]; /* and of the signer's certificate */
};
void sign_cms_describe(const struct sign_cms *k, struct sign_cms_info *ret);

/* A detached signature over what was added to c (not as text), DER. Costs 1.2 to 1.8 ms with 2048
   bits. ERR_NOMEM, ERR_CORRUPT. */
err_code sign_cms_detached(const struct sign_cms *k, const struct sign_content *c, struct buf *dst,
                           struct err *e);
/*
 * Checks a detached signature, DER or PEM, against roots, certificates as PEM, at the time `now`:
 * ERR_INVALID if either does not parse, ERR_DENIED if the chain does not end in one of the roots,
 * has expired, or is not for code signing; a signature that does not fit is good == false.
 */
err_code sign_cms_verify(struct str roots, struct str body, struct str signature, uint64_t now,
                         struct sign_verdict *ret, struct err *e);

/* --- a certificate authority of one's own -------------------------------------------------------
 */

#define SIGN_SERIAL_BYTES 16

struct sign_certificate {
    uint64_t now;                            /* valid from a day before, for clocks that lag */
    unsigned char serial[SIGN_SERIAL_BYTES]; /* random */
    const char *name;                        /* the common name */
};
#define SIGN_CA_YEARS     30
#define SIGN_SIGNER_YEARS 10

/* A new authority, its key and its certificate as PEM: a secret. Takes some 100 ms, as the next. */
err_code sign_ca_make(const struct sign_certificate *c, struct buf *dst, struct err *e);
/* A new code-signing key by the authority, with the chain, as sign_cms_read has it. */
err_code sign_ca_issue(struct str ca, const struct sign_certificate *c, struct buf *dst,
                       struct err *e);

#endif
