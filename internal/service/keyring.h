/*
 * keyring.h - the key folder, DATA/keys, and the keys in it.
 *
 *     signing.key    Ed25519, as an OpenPGP secret key: .minisig, and .sig and .asc unless there
 * is: openpgp.key    RSA, an OpenPGP secret key, for clients that know no Ed25519 (GRUB)
 *
 * The folder has mode 0700, the files 0600; what others can read is refused. A struct keyring is
 * immutable once opened, and any thread may use it; the secrets are in locked memory.
 */
#ifndef SERVICE_KEYRING_H
#define SERVICE_KEYRING_H

#include "sign/sign.h"

#define KEYRING_FOLDER "keys"

struct keyring {
    struct sign_key *signing;
    struct sign_key *openpgp; /* NULL: `signing` makes OpenPGP signatures too */
    bool text;                /* OpenPGP signatures of the text class, as matchbox makes them */
    bool exposed;             /* the matchbox key ring can be read by others */
    struct buf asc;           /* the public OpenPGP keys, armored */
};

struct keyring_options {
    const char *data_path;
    const char *ring_path; /* a matchbox key ring: its key makes the OpenPGP signatures; or NULL */
    struct str passphrase; /* for it; may be absent */
};

/*
 * Makes the folder and the signing key if they are not there, and moves a signing key that stands
 * in the data path, as earlier versions left it. Errors name the file and what to do: ERR_DENIED
 * when others can read it, or the passphrase is wrong; ERR_INVALID, ERR_UNSUPPORTED, ERR_IO.
 */
err_code keyring_open(const struct keyring_options *o, struct keyring **ret, struct err *e);
void keyring_free(struct keyring *r);

/* The key that makes OpenPGP signatures. */
static inline const struct sign_key *keyring_openpgp(const struct keyring *r)
{
    return r->openpgp ? r->openpgp : r->signing;
}

#endif
