/*
 * keyring.h - the key folder, DATA/keys, and the keys in it.
 *
 *     signing.key   Ed25519, as an OpenPGP secret key: .minisig, and .sig and .asc unless there is:
 *     openpgp.key   RSA, an OpenPGP secret key, for clients that know no Ed25519 (GRUB)
 *     cms.pem       RSA, with its chain of certificates: .cms
 *     ca.pem        the authority that cms.pem is by, if it is our own
 *
 * Beside each there may be the next one, NAME.next.key, which is published and not used yet, and
 * old ones, NAME.old-ID.pub, public halves that stay published. The folder has mode 0700, the files
 * 0600; what others can read is refused. A struct keyring is what a server needs of it: immutable
 * once opened, any thread may use it, the secrets are in locked memory. The other functions change
 * the folder, for commands; a server sees that when it is started again.
 */
#ifndef SERVICE_KEYRING_H
#define SERVICE_KEYRING_H

#include "sign/cms.h"
#include "sign/sign.h"

#define KEYRING_FOLDER "keys"

enum keyring_role { KEYRING_SIGNING, KEYRING_OPENPGP, KEYRING_CMS };
#define KEYRING_ROLES 3
/* "ed25519", "openpgp", "cms". */
const char *keyring_role_name(enum keyring_role role);
bool keyring_role_from_name(struct str name, enum keyring_role *ret);

struct keyring {
    struct sign_key *signing;
    struct sign_key *openpgp; /* NULL: `signing` makes OpenPGP signatures too */
    struct sign_cms *cms;
    bool text;    /* OpenPGP signatures of the text class, as matchbox makes them */
    bool exposed; /* the matchbox key ring can be read by others */
    /* Public keys, the one in use first: armored, minisign's lines, certificates from the root. */
    struct buf asc, minisign, pem;
};

struct keyring_options {
    const char *data_path;
    const char *ring_path; /* a matchbox key ring: its key makes the OpenPGP signatures; or NULL */
    struct str passphrase; /* for it; may be absent */
    bool read_only;        /* makes and moves nothing: what is missing is ERR_NOT_FOUND */
};

/*
 * Makes the folder, the signing key, and the authority with its first code-signing key if they are
 * not there (some 100 ms), and moves a signing key that stands in the data path, as earlier
 * versions left it. Errors name the file and what to do: ERR_DENIED when others can read it, or the
 * passphrase is wrong; ERR_INVALID, ERR_UNSUPPORTED, ERR_IO.
 */
err_code keyring_open(const struct keyring_options *o, struct keyring **ret, struct err *e);
void keyring_free(struct keyring *r);

/* The key that makes OpenPGP signatures. */
static inline const struct sign_key *keyring_openpgp(const struct keyring *r)
{
    return r->openpgp ? r->openpgp : r->signing;
}

/* --- for commands --------------------------------------------------------------------------------
 */

enum keyring_state { KEYRING_IN_USE, KEYRING_NEXT, KEYRING_OLD };

#define KEYRING_ID_MAX 65

struct keyring_entry {
    enum keyring_role role;
    enum keyring_state state;
    char id[KEYRING_ID_MAX]; /* the OpenPGP fingerprint, or the SHA-256 of the certificate; hex */
    char name[256];          /* the user ID, or the certificate's common name */
    uint64_t until;          /* seconds since 1970; 0: for ever */
};
typedef void keyring_each(const struct keyring_entry *k, void *arg);
/* All keys of the folder, those in use first. ERR_NOT_FOUND: there is no folder. */
err_code keyring_list(const char *data_path, keyring_each *each, void *arg, struct err *e);

/*
 * Puts a key into the folder, decrypted: an OpenPGP secret key, Ed25519 or RSA, or a private key
 * with its certificates as PEM. It is used from the next start on, and the one before it stays
 * published; with next it is only published. Errors as the readers', and ERR_CONFLICT: it is there
 * already, or there is a next one.
 */
err_code keyring_import(const char *data_path, struct str file, struct str passphrase, bool next,
                        struct keyring_entry *ret, struct err *e);
/* Makes the next key. ERR_CONFLICT: there is one; ERR_UNSUPPORTED: an RSA OpenPGP key is imported.
 */
err_code keyring_make_next(const char *data_path, enum keyring_role role, struct keyring_entry *ret,
                           struct err *e);
/* The next key takes the place of the one in use. ERR_NOT_FOUND: there is none. */
err_code keyring_use_next(const char *data_path, enum keyring_role role, struct keyring_entry *ret,
                          struct err *e);

#endif
