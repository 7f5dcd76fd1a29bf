/*
 * key_folder.h - names and contents of the files in the key folder: what keyring.c and key_change.c
 * share.
 */
#ifndef SERVICE_KEY_FOLDER_H
#define SERVICE_KEY_FOLDER_H

#include "service/keyring.h"
#include "service/secret_file.h"

#define KEY_FOLDER_OLD_MAX 32 /* old keys of a role that stay published */

struct key_folder {
    char path[SECRET_PATH_BYTES];
    const char *data_path;
};
/* With create it is made if it is not there. ERR_NOT_FOUND, ERR_DENIED, ERR_IO. */
err_code key_folder_open(const char *data_path, bool create, struct key_folder *ret, struct err *e);

/* "signing.key", "signing.next.key", …; of old ones the beginning, "signing.old-". */
const char *key_file_name(enum keyring_role role, enum keyring_state state);
bool key_file_is_there(const struct key_folder *f, const char *name);
/* The bytes of a file, which the caller wipes. Errors name it. */
err_code key_file_read(const struct key_folder *f, const char *name, struct buf *dst,
                       struct err *e);
err_code key_file_write(const struct key_folder *f, const char *name, struct str bytes,
                        struct err *e);

/* The names of old keys, sorted. */
struct key_names {
    char v[KEY_FOLDER_OLD_MAX][64];
    size_t n;
};
err_code key_folder_old(const struct key_folder *f, enum keyring_role role, struct key_names *ret,
                        struct err *e);

/* One of the three kinds of keys, secret or public. */
struct any_key {
    enum keyring_role role;
    struct sign_key *openpgp; /* in the first two roles */
    struct sign_cms *cms;
};
/* Of what may be anything that can be imported. */
err_code any_key_read(struct str bytes, struct str passphrase, struct any_key *ret, struct err *e);
err_code any_key_load(const struct key_folder *f, const char *name, struct any_key *ret,
                      struct err *e);
void any_key_free(struct any_key *k);
void any_key_describe(const struct any_key *k, enum keyring_state state, struct keyring_entry *ret);
/* New ones, as the files have them. The authority is made if it is not there. */
err_code key_make_signing(struct buf *dst, struct err *e);
err_code key_make_cms(const struct key_folder *f, struct buf *dst, struct err *e);

/* A buffer for secrets that is wiped at the end of its scope. */
void secret_buf_wipe(struct buf *b);
#define SECRET_BUF_LOCAL(name)                                                                     \
    __attribute__((cleanup(secret_buf_wipe))) struct buf name;                                     \
    buf_init(&name, SECRET_FILE_MAX)

#endif
