/* The keys that a server signs with, and the public ones that it shows. */
#include "service/keyring.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/always.h"
#include "service/key_folder.h"
#include "sign/minisign.h"

#define LISTING_MAX (1u << 20)

/* --- the keys in use -----------------------------------------------------------------------------
 */

/* Earlier versions had the key in the data path itself. */
static err_code move_old_key(const struct key_folder *f, struct err *e)
{
    char old[SECRET_PATH_BYTES], path[SECRET_PATH_BYTES];
    const char *name = key_file_name(KEYRING_SIGNING, KEYRING_IN_USE);
    err_code c = secret_path(f->data_path, name, old, e);
    if (!c)
        c = secret_path(f->path, name, path, e);
    if (c || access(old, F_OK) != 0)
        return c;
    if (access(path, F_OK) == 0)
        return err_set(e, ERR_CONFLICT,
                       "there are two signing keys, %s and %s: remove the one that you do not want",
                       old, path);
    SECRET_BUF_LOCAL(text);
    c = secret_read(old, &text, e); /* which refuses what others can read */
    return c ? c : secret_rename(old, path, e);
}

static err_code make_if_missing(const struct key_folder *f, enum keyring_role role, struct err *e)
{
    const char *name = key_file_name(role, KEYRING_IN_USE);
    if (key_file_is_there(f, name))
        return ERR_OK;
    SECRET_BUF_LOCAL(text);
    err_code c = role == KEYRING_CMS ? key_make_cms(f, &text, e) : key_make_signing(&text, e);
    if (!c)
        c = key_file_write(f, name, buf_str(&text), e);
    return c == ERR_CONFLICT ? ERR_OK : c; /* another server was faster */
}

static err_code make_missing(const struct key_folder *f, struct err *e)
{
    err_code c = move_old_key(f, e);
    if (!c)
        c = make_if_missing(f, KEYRING_SIGNING, e);
    return c ? c : make_if_missing(f, KEYRING_CMS, e);
}

/* A key of the folder, which must be what its name says. */
static err_code load(const struct key_folder *f, enum keyring_role role, struct any_key *ret,
                     struct err *e)
{
    const char *name = key_file_name(role, KEYRING_IN_USE);
    struct any_key k;
    err_code c = any_key_load(f, name, &k, e);
    if (c)
        return c;
    if (k.role != role)
        c = err_set(e, ERR_INVALID, "%s/%s is a key for %s, not for %s", f->path, name,
                    keyring_role_name(k.role), keyring_role_name(role));
    else if (k.openpgp && !sign_key_is_secret(k.openpgp))
        c = err_set(e, ERR_INVALID, "%s/%s has only a public key, which cannot sign", f->path,
                    name);
    if (c)
        any_key_free(&k);
    else
        *ret = k;
    return c;
}

/* Whoever comes from matchbox has it as it is, perhaps encrypted: others may be able to read it. */
static err_code load_ring(struct keyring *r, const struct keyring_options *o, struct err *e)
{
    SECRET_BUF_LOCAL(text);
    err_code c = secret_read_exposed(o->ring_path, &text, &r->exposed, e);
    if (c)
        return c;
    c = sign_key_read(buf_str(&text), o->passphrase, &r->openpgp, e);
    if (!c && !sign_key_is_secret(r->openpgp))
        c = err_set(e, ERR_INVALID, "it has only a public key, which cannot sign");
    if (c)
        err_prefix(e, "the key ring %s", o->ring_path);
    r->text = true;
    return c;
}

static err_code load_keys(struct keyring *r, const struct keyring_options *o,
                          const struct key_folder *f, struct err *e)
{
    struct any_key k = {.role = KEYRING_SIGNING};
    err_code c = o->read_only ? ERR_OK : make_missing(f, e);
    if (!c)
        c = load(f, KEYRING_SIGNING, &k, e);
    r->signing = k.openpgp;
    k = (struct any_key){.role = KEYRING_CMS};
    if (!c)
        c = load(f, KEYRING_CMS, &k, e);
    r->cms = k.cms;
    if (c)
        return c;
    if (o->ring_path && o->ring_path[0])
        return load_ring(r, o, e);
    if (!key_file_is_there(f, key_file_name(KEYRING_OPENPGP, KEYRING_IN_USE)))
        return ERR_OK;
    k = (struct any_key){.role = KEYRING_OPENPGP};
    c = load(f, KEYRING_OPENPGP, &k, e);
    r->openpgp = k.openpgp;
    return c;
}

/* --- what is published
 * ---------------------------------------------------------------------------- */

/* Public keys while they are collected: OpenPGP packets, and certificates in two parts. */
struct listing {
    struct buf packets, roots, chains;
};

static void listing_free(struct listing *l)
{
    buf_free(&l->packets);
    buf_free(&l->roots);
    buf_free(&l->chains);
}

#define PEM_END "-----END CERTIFICATE-----\n"

/* Appends the certificates of a PEM text that are not in the listing yet. */
static void add_certificates(struct listing *l, struct buf *dst, struct str pem)
{
    while (pem.n) {
        size_t end = str_find(pem, STR(PEM_END), 0);
        struct str one = str_sub(pem, 0, end < pem.n ? end + sizeof PEM_END - 1 : pem.n);
        pem = str_skip(pem, one.n);
        if (str_find(buf_str(&l->roots), one, 0) == l->roots.n &&
            str_find(buf_str(&l->chains), one, 0) == l->chains.n)
            buf_add_str(dst, one);
    }
}

static void publish(struct keyring *r, struct listing *l, const struct any_key *k)
{
    if (k->cms) {
        BUF_LOCAL(root, SECRET_FILE_MAX);
        BUF_LOCAL(chain, SECRET_FILE_MAX);
        sign_cms_write_root(k->cms, &root);
        sign_cms_write_chain(k->cms, &chain);
        add_certificates(l, &l->roots, buf_str(&root));
        add_certificates(l, &l->chains, buf_str(&chain));
        l->roots.failed = l->roots.failed || root.failed || chain.failed;
        return;
    }
    /* GRUB refuses to start with a public key of a kind that it does not know. */
    bool rsa = sign_key_is_rsa(k->openpgp);
    if (rsa == sign_key_is_rsa(keyring_openpgp(r)))
        sign_key_write_public(k->openpgp, false, &l->packets);
    if (!rsa)
        sign_minisign_write_public(k->openpgp, &r->minisign);
}

static err_code publish_file(struct keyring *r, struct listing *l, const struct key_folder *f,
                             const char *name, struct err *e)
{
    struct any_key k;
    SECRET_BUF_LOCAL(text);
    err_code c = key_file_read(f, name, &text, e);
    if (c)
        return c;
    /* Old certificates have no private key any more. */
    if (str_starts(str_c(name), STR("cms.old-"))) {
        add_certificates(l, &l->chains, buf_str(&text));
        return ERR_OK;
    }
    c = any_key_load(f, name, &k, e);
    if (c)
        return c;
    publish(r, l, &k);
    any_key_free(&k);
    return ERR_OK;
}

static err_code publish_others(struct keyring *r, struct listing *l, const struct key_folder *f,
                               enum keyring_role role, struct err *e)
{
    struct key_names old;
    const char *next = key_file_name(role, KEYRING_NEXT);
    err_code c = key_folder_old(f, role, &old, e);
    if (!c && key_file_is_there(f, next))
        c = publish_file(r, l, f, next, e);
    for (size_t i = 0; !c && i < old.n; i++)
        c = publish_file(r, l, f, old.v[i], e);
    return c;
}

static err_code publish_all(struct keyring *r, const struct key_folder *f, struct err *e)
{
    __attribute__((cleanup(listing_free))) struct listing l;
    buf_init(&l.packets, LISTING_MAX);
    buf_init(&l.roots, LISTING_MAX);
    buf_init(&l.chains, LISTING_MAX);
    const struct any_key used[] = {{.role = KEYRING_OPENPGP, .openpgp = r->openpgp},
                                   {.role = KEYRING_SIGNING, .openpgp = r->signing},
                                   {.role = KEYRING_CMS, .cms = r->cms}};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        if (used[i].openpgp || used[i].cms)
            publish(r, &l, &used[i]);
    err_code c = ERR_OK;
    for (int role = 0; !c && role < KEYRING_ROLES; role++)
        c = publish_others(r, &l, f, (enum keyring_role)role, e);
    if (!c) {
        sign_armor_keys(buf_str(&l.packets), &r->asc);
        buf_add_str(&r->pem, buf_str(&l.roots));
        buf_add_str(&r->pem, buf_str(&l.chains));
        if (l.packets.failed || l.roots.failed || l.chains.failed || r->asc.failed ||
            r->minisign.failed || r->pem.failed)
            c = err_set(e, ERR_NOMEM, "out of memory while loading keys");
    }
    return c;
}

err_code keyring_open(const struct keyring_options *o, struct keyring **ret, struct err *e)
{
    struct key_folder f;
    err_code c = key_folder_open(o->data_path, !o->read_only, &f, e);
    if (c)
        return c;
    struct keyring *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory while loading keys");
    buf_init(&r->asc, LISTING_MAX);
    buf_init(&r->minisign, LISTING_MAX);
    buf_init(&r->pem, LISTING_MAX);
    c = load_keys(r, o, &f, e);
    if (!c)
        c = publish_all(r, &f, e);
    if (c)
        keyring_free(r);
    else
        *ret = r;
    return c;
}

void keyring_free(struct keyring *r)
{
    if (!r)
        return;
    sign_key_free(r->signing);
    sign_key_free(r->openpgp);
    sign_cms_free(r->cms);
    buf_free(&r->asc);
    buf_free(&r->minisign);
    buf_free(&r->pem);
    free(r);
}
