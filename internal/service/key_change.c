/* What commands do to the key folder: list, import, rotate. */
#include <stdio.h>

#include "service/key_folder.h"

#define ID_IN_NAME 16 /* hex digits of an old key's name */

/* --- listing
 * --------------------------------------------------------------------------------------- */

/* An old certificate is only public; GnuTLS's reader wants no key for it. */
static void describe_old_cms(const char *name, struct keyring_entry *ret)
{
    size_t from = strlen(key_file_name(KEYRING_CMS, KEYRING_OLD));
    *ret = (struct keyring_entry){.role = KEYRING_CMS, .state = KEYRING_OLD};
    snprintf(ret->id, sizeof ret->id, "%.*s", ID_IN_NAME, name + from);
}

static err_code list_file(const struct key_folder *f, enum keyring_role role,
                          enum keyring_state state, const char *name, keyring_each *each, void *arg,
                          struct err *e)
{
    struct keyring_entry entry;
    struct any_key k;
    if (role == KEYRING_CMS && state == KEYRING_OLD) {
        describe_old_cms(name, &entry);
        each(&entry, arg);
        return ERR_OK;
    }
    err_code c = any_key_load(f, name, &k, e);
    if (c)
        return c;
    any_key_describe(&k, state, &entry);
    each(&entry, arg);
    any_key_free(&k);
    return ERR_OK;
}

static err_code list_role(const struct key_folder *f, enum keyring_role role, keyring_each *each,
                          void *arg, struct err *e)
{
    struct key_names old;
    err_code c = key_folder_old(f, role, &old, e);
    for (int state = KEYRING_IN_USE; !c && state <= KEYRING_NEXT; state++) {
        const char *name = key_file_name(role, (enum keyring_state)state);
        if (key_file_is_there(f, name))
            c = list_file(f, role, (enum keyring_state)state, name, each, arg, e);
    }
    for (size_t i = 0; !c && i < old.n; i++)
        c = list_file(f, role, KEYRING_OLD, old.v[i], each, arg, e);
    return c;
}

err_code keyring_list(const char *data_path, keyring_each *each, void *arg, struct err *e)
{
    struct key_folder f;
    err_code c = key_folder_open(data_path, false, &f, e);
    for (int role = 0; !c && role < KEYRING_ROLES; role++)
        c = list_role(&f, (enum keyring_role)role, each, arg, e);
    return c;
}

/* --- changing
 * -------------------------------------------------------------------------------------- */

static err_code write_text(const struct any_key *k, struct buf *dst, struct err *e)
{
    if (k->cms)
        return sign_cms_write_secret(k->cms, dst, e);
    if (!sign_key_is_secret(k->openpgp))
        return err_set(e, ERR_INVALID,
                       "the file has only a public key: `gpg --export-secret-keys` writes the "
                       "secret one");
    sign_key_write_secret(k->openpgp, true, dst);
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a key") : ERR_OK;
}

/* The public half of the key in use goes to NAME.old-ID, if there is a key. */
static err_code retire(const struct key_folder *f, enum keyring_role role, const char *new_id,
                       struct err *e)
{
    const char *name = key_file_name(role, KEYRING_IN_USE);
    struct keyring_entry entry;
    struct any_key k;
    char old[64];
    if (!key_file_is_there(f, name))
        return ERR_OK;
    err_code c = any_key_load(f, name, &k, e);
    if (c)
        return c;
    any_key_describe(&k, KEYRING_OLD, &entry);
    BUF_LOCAL(text, SECRET_FILE_MAX);
    if (k.cms) {
        sign_cms_write_chain(k.cms, &text);
        sign_cms_write_root(k.cms, &text);
    } else {
        sign_key_write_public(k.openpgp, true, &text);
    }
    snprintf(old, sizeof old, "%s%.*s.pub", key_file_name(role, KEYRING_OLD), ID_IN_NAME, entry.id);
    if (strcmp(entry.id, new_id) == 0)
        c = err_set(e, ERR_CONFLICT, "this key is in use already");
    else if (text.failed)
        c = err_set(e, ERR_NOMEM, "no memory for a key");
    else
        c = key_file_write(f, old, buf_str(&text), e);
    any_key_free(&k);
    return c == ERR_CONFLICT && key_file_is_there(f, old) ? ERR_OK : c;
}

static err_code put_in_use(const struct key_folder *f, const struct keyring_entry *entry,
                           struct str text, struct err *e)
{
    char path[SECRET_PATH_BYTES];
    err_code c = retire(f, entry->role, entry->id, e);
    if (!c)
        c = secret_path(f->path, key_file_name(entry->role, KEYRING_IN_USE), path, e);
    return c ? c : secret_replace(path, text, e);
}

static err_code put_next(const struct key_folder *f, const struct keyring_entry *entry,
                         struct str text, struct err *e)
{
    const char *name = key_file_name(entry->role, KEYRING_NEXT);
    err_code c = key_file_write(f, name, text, e);
    if (c == ERR_CONFLICT)
        return err_set(e, c,
                       "there is a next key already, %s/%s: `vesta key use %s` puts it in use",
                       f->path, name, keyring_role_name(entry->role));
    return c;
}

err_code keyring_import(const char *data_path, struct str file, struct str passphrase, bool next,
                        struct keyring_entry *ret, struct err *e)
{
    struct key_folder f;
    struct any_key k;
    err_code c = key_folder_open(data_path, true, &f, e);
    if (!c)
        c = any_key_read(file, passphrase, &k, e);
    if (c)
        return c;
    SECRET_BUF_LOCAL(text);
    struct keyring_entry entry;
    any_key_describe(&k, next ? KEYRING_NEXT : KEYRING_IN_USE, &entry);
    c = write_text(&k, &text, e);
    any_key_free(&k);
    if (!c)
        c = next ? put_next(&f, &entry, buf_str(&text), e)
                 : put_in_use(&f, &entry, buf_str(&text), e);
    if (!c)
        *ret = entry;
    return c;
}

err_code keyring_make_next(const char *data_path, enum keyring_role role, struct keyring_entry *ret,
                           struct err *e)
{
    struct key_folder f;
    struct any_key k;
    SECRET_BUF_LOCAL(text);
    if (role == KEYRING_OPENPGP)
        return err_set(e, ERR_UNSUPPORTED,
                       "RSA keys for OpenPGP come from gpg: `vesta key import --next FILE`");
    err_code c = key_folder_open(data_path, true, &f, e);
    if (!c)
        c = role == KEYRING_CMS ? key_make_cms(&f, &text, e) : key_make_signing(&text, e);
    if (!c)
        c = any_key_read(buf_str(&text), SIGN_NO_PASSPHRASE, &k, e);
    if (c)
        return c;
    struct keyring_entry entry;
    any_key_describe(&k, KEYRING_NEXT, &entry);
    any_key_free(&k);
    c = put_next(&f, &entry, buf_str(&text), e);
    if (!c)
        *ret = entry;
    return c;
}

err_code keyring_use_next(const char *data_path, enum keyring_role role, struct keyring_entry *ret,
                          struct err *e)
{
    struct key_folder f;
    struct any_key k;
    char from[SECRET_PATH_BYTES], to[SECRET_PATH_BYTES];
    const char *name = key_file_name(role, KEYRING_NEXT);
    err_code c = key_folder_open(data_path, false, &f, e);
    if (c)
        return c;
    if (!key_file_is_there(&f, name))
        return err_set(e, ERR_NOT_FOUND,
                       "there is no next key for %s: make one with `vesta key next %s`, and let "
                       "clients have it before it is used",
                       keyring_role_name(role), keyring_role_name(role));
    c = any_key_load(&f, name, &k, e);
    if (c)
        return c;
    struct keyring_entry entry;
    any_key_describe(&k, KEYRING_IN_USE, &entry);
    any_key_free(&k);
    c = retire(&f, role, entry.id, e);
    if (!c)
        c = secret_path(f.path, name, from, e);
    if (!c)
        c = secret_path(f.path, key_file_name(role, KEYRING_IN_USE), to, e);
    if (!c)
        c = secret_rename(from, to, e);
    if (!c)
        *ret = entry;
    return c;
}
