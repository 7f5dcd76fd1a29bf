/* cms_key.h - what a code-signing key is made of. Internal to sign. */
#ifndef SIGN_CMS_KEY_H
#define SIGN_CMS_KEY_H

#include "sign/cms.h"
#include "sign/rsa.h"
#include "sign/x509.h"

struct sign_cms {
    struct sign_rsa *rsa;
    gnutls_x509_privkey_t private_key; /* the same, for writing it */
    struct buf chain[SIGN_CHAIN_MAX];  /* DER: the signer's certificate first, the root last */
    size_t chain_n;
    struct buf issuer; /* the signer's issuer: a Name, DER */
    struct buf serial; /* the signer's serial number: what is in the INTEGER */
    struct buf name;   /* the signer's common name */
    uint64_t not_before, until;
};

#endif
