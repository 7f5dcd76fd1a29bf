#include "service/key_folder.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/always.h"

#define CA "ca.pem"

static const struct {
    const char *name, *file, *next, *old;
} roles[KEYRING_ROLES] = {
    [KEYRING_SIGNING] = {"ed25519", "signing.key", "signing.next.key", "signing.old-"},
    [KEYRING_OPENPGP] = {"openpgp", "openpgp.key", "openpgp.next.key", "openpgp.old-"},
    [KEYRING_CMS] = {"cms", "cms.pem", "cms.next.pem", "cms.old-"},
};

const char *keyring_role_name(enum keyring_role role)
{
    return roles[role].name;
}

bool keyring_role_from_name(struct str name, enum keyring_role *ret)
{
    for (int i = 0; i < KEYRING_ROLES; i++)
        if (str_is(name, roles[i].name)) {
            *ret = (enum keyring_role)i;
            return true;
        }
    return false;
}

const char *key_file_name(enum keyring_role role, enum keyring_state state)
{
    return state == KEYRING_IN_USE ? roles[role].file
           : state == KEYRING_NEXT ? roles[role].next
                                   : roles[role].old;
}

void secret_buf_wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}

/* --- files ---------------------------------------------------------------------------------------
 */

/* Also files that are not read now, such as the authority's. */
static err_code check_files(const struct key_folder *f, struct err *e)
{
    DIR *d = opendir(f->path);
    if (!d)
        return err_errno(e, ERR_IO, errno, "cannot list %s", f->path);
    err_code c = ERR_OK;
    for (const struct dirent *x; !c && (x = readdir(d));) {
        char path[SECRET_PATH_BYTES];
        if (x->d_name[0] == '.')
            continue;
        c = secret_path(f->path, x->d_name, path, e);
        if (!c)
            c = secret_check(path, e);
    }
    closedir(d);
    return c;
}

err_code key_folder_open(const char *data_path, bool create, struct key_folder *ret, struct err *e)
{
    ret->data_path = data_path;
    err_code c = secret_path(data_path, KEYRING_FOLDER, ret->path, e);
    if (!c)
        c = secret_folder(ret->path, create, e);
    return c ? c : check_files(ret, e);
}

bool key_file_is_there(const struct key_folder *f, const char *name)
{
    char path[SECRET_PATH_BYTES];
    return secret_path(f->path, name, path, NULL) == ERR_OK && access(path, F_OK) == 0;
}

err_code key_file_read(const struct key_folder *f, const char *name, struct buf *dst, struct err *e)
{
    char path[SECRET_PATH_BYTES];
    err_code c = secret_path(f->path, name, path, e);
    return c ? c : secret_read(path, dst, e);
}

err_code key_file_write(const struct key_folder *f, const char *name, struct str bytes,
                        struct err *e)
{
    char path[SECRET_PATH_BYTES];
    err_code c = secret_path(f->path, name, path, e);
    return c ? c : secret_write(path, bytes, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

err_code key_folder_old(const struct key_folder *f, enum keyring_role role, struct key_names *ret,
                        struct err *e)
{
    DIR *d = opendir(f->path);
    if (!d)
        return err_errno(e, ERR_IO, errno, "cannot list %s", f->path);
    ret->n = 0;
    err_code c = ERR_OK;
    for (const struct dirent *x; !c && (x = readdir(d));) {
        if (strncmp(x->d_name, roles[role].old, strlen(roles[role].old)) != 0)
            continue;
        if (ret->n == KEY_FOLDER_OLD_MAX || strlen(x->d_name) >= sizeof ret->v[0])
            c = err_set(e, ERR_LIMIT,
                        "%s has more than %d old keys, or one with a long name (%s): remove those "
                        "that nobody needs any more",
                        f->path, KEY_FOLDER_OLD_MAX, x->d_name);
        else
            snprintf(ret->v[ret->n++], sizeof ret->v[0], "%s", x->d_name);
    }
    closedir(d);
    qsort(ret->v, ret->n, sizeof ret->v[0], by_name);
    return c;
}

/* --- keys ----------------------------------------------------------------------------------------
 */

static bool is_pem(struct str bytes)
{
    return str_find(bytes, STR("-----BEGIN CERTIFICATE"), 0) < bytes.n ||
           (str_find(bytes, STR("PRIVATE KEY-----"), 0) < bytes.n);
}

err_code any_key_read(struct str bytes, struct str passphrase, struct any_key *ret, struct err *e)
{
    struct any_key k = {.role = KEYRING_CMS};
    err_code c;
    if (is_pem(bytes)) {
        c = sign_cms_read(bytes, passphrase, &k.cms, e);
    } else {
        c = sign_key_read(bytes, passphrase, &k.openpgp, e);
        if (!c)
            k.role = sign_key_is_rsa(k.openpgp) ? KEYRING_OPENPGP : KEYRING_SIGNING;
    }
    if (!c)
        *ret = k;
    return c;
}

err_code any_key_load(const struct key_folder *f, const char *name, struct any_key *ret,
                      struct err *e)
{
    SECRET_BUF_LOCAL(text);
    err_code c = key_file_read(f, name, &text, e);
    if (c)
        return c;
    c = any_key_read(buf_str(&text), SIGN_NO_PASSPHRASE, ret, e);
    if (c)
        err_prefix(e, "the key %s/%s", f->path, name);
    return c;
}

void any_key_free(struct any_key *k)
{
    sign_key_free(k->openpgp);
    sign_cms_free(k->cms);
    *k = (struct any_key){.role = k->role};
}

void any_key_describe(const struct any_key *k, enum keyring_state state, struct keyring_entry *ret)
{
    *ret = (struct keyring_entry){.role = k->role, .state = state};
    if (k->openpgp) {
        unsigned char f[SIGN_FINGERPRINT_BYTES];
        sign_key_fingerprint(k->openpgp, f);
        sodium_bin2hex(ret->id, sizeof ret->id, f, sizeof f);
        struct str id = sign_key_user_id(k->openpgp);
        snprintf(ret->name, sizeof ret->name, "%.*s", STR_FMT(id));
        return;
    }
    struct sign_cms_info info;
    sign_cms_describe(k->cms, &info);
    sodium_bin2hex(ret->id, sizeof ret->id, info.signer, sizeof info.signer);
    snprintf(ret->name, sizeof ret->name, "%.*s", STR_FMT(info.name));
    ret->until = info.until;
}

/* --- new ones ------------------------------------------------------------------------------------
 */

static void host_name(char dst[256])
{
    snprintf(dst, 256, "localhost");
    gethostname(dst, 255);
    dst[255] = '\0';
}

err_code key_make_signing(struct buf *dst, struct err *e)
{
    unsigned char seed[SIGN_SEED_BYTES];
    char host[256], user_id[300];
    host_name(host);
    snprintf(user_id, sizeof user_id, "Vesta <vesta@%s>", host);
    randombytes_buf(seed, sizeof seed);
    struct sign_key *key;
    err_code c = sign_key_make(seed, (uint64_t)time(NULL), str_c(user_id), &key, e);
    sodium_memzero(seed, sizeof seed);
    if (c)
        return c;
    sign_key_write_secret(key, true, dst);
    sign_key_free(key);
    return dst->failed ? err_set(e, ERR_NOMEM, "out of memory while making a key") : ERR_OK;
}

/* The common name of an authority fits 64 characters (RFC 5280, appendix A). */
static err_code read_or_make_ca(const struct key_folder *f, struct buf *dst, struct err *e)
{
    char host[256], name[64];
    if (key_file_is_there(f, CA))
        return key_file_read(f, CA, dst, e);
    host_name(host);
    snprintf(name, sizeof name, "Vesta CA %.50s", host);
    struct sign_certificate root = {.now = (uint64_t)time(NULL), .name = name};
    randombytes_buf(root.serial, sizeof root.serial);
    err_code c = sign_ca_make(&root, dst, e);
    if (!c)
        c = key_file_write(f, CA, buf_str(dst), e);
    if (c != ERR_CONFLICT)
        return c;
    buf_clear(dst); /* another server was faster */
    return key_file_read(f, CA, dst, e);
}

err_code key_make_cms(const struct key_folder *f, struct buf *dst, struct err *e)
{
    SECRET_BUF_LOCAL(ca);
    err_code c = read_or_make_ca(f, &ca, e);
    if (c)
        return c;
    struct sign_certificate leaf = {.now = (uint64_t)time(NULL), .name = "Vesta code signing"};
    randombytes_buf(leaf.serial, sizeof leaf.serial);
    c = sign_ca_issue(buf_str(&ca), &leaf, dst, e);
    if (c)
        err_prefix(e, "the authority %s/" CA, f->path);
    return c;
}
