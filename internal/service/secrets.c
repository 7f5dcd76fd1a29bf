#include "service/secrets.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"
#include "service/keyring.h"
#include "service/secret_file.h"

#define KEY_FILE "secret.key"
#define VERSION  "v1."
#define ID_BYTES 4
#define PAD      32
/* A resource has at most a mebibyte, and so has what it is made of. */
#define TEXT_MAX ((size_t)8 << 20)
#define CONTEXT  "vestasec"

enum { SUBKEY_BOX = 1, SUBKEY_NONCE, SUBKEY_ID };

/* In memory of libsodium's, which is locked, guarded and wiped. */
struct sealing_keys {
    unsigned char box[crypto_secretbox_KEYBYTES];
    unsigned char nonce[crypto_generichash_KEYBYTES];
    char id[2 * ID_BYTES + 1];
};

struct secrets {
    char folder[SECRET_PATH_BYTES], path[SECRET_PATH_BYTES];
    pthread_mutex_t lock; /* while the key is loaded */
    _Atomic(struct sealing_keys *) keys;
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while handling secrets");
}

static void wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}
#define WIPED_BUF(name, max_bytes)                                                                 \
    __attribute__((cleanup(wipe))) struct buf name;                                                \
    buf_init(&name, max_bytes)

/* --- the key -----------------------------------------------------------------------------------
 */

err_code secrets_make(const char *data_path, struct secrets **ret, struct err *e)
{
    struct secrets *s = calloc(1, sizeof *s);
    if (!s)
        return nomem(e);
    err_code c = secret_path(data_path, KEYRING_FOLDER, s->folder, e);
    if (!c)
        c = secret_path(s->folder, KEY_FILE, s->path, e);
    if (c) {
        free(s);
        return c;
    }
    pthread_mutex_init(&s->lock, NULL);
    *ret = s;
    return ERR_OK;
}

void secrets_free(struct secrets *s)
{
    if (!s)
        return;
    sodium_free(s->keys);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static err_code make_key(struct secrets *s, struct err *e)
{
    unsigned char key[crypto_kdf_KEYBYTES];
    WIPED_BUF(text, 256);
    err_code c = secret_folder(s->folder, true, e);
    if (c)
        return c;
    crypto_kdf_keygen(key);
    enc_base64(&text, str_of((const char *)key, sizeof key));
    buf_add_byte(&text, '\n');
    sodium_memzero(key, sizeof key);
    c = text.failed ? nomem(e) : secret_write(s->path, buf_str(&text), e);
    return c == ERR_CONFLICT ? ERR_OK : c; /* somebody else was faster: his is as good */
}

static err_code derive(const unsigned char *key, struct sealing_keys **ret, struct err *e)
{
    struct sealing_keys *k = sodium_malloc(sizeof *k);
    unsigned char id[crypto_kdf_BYTES_MIN];
    if (!k)
        return err_set(
            e, ERR_NOMEM,
            "no locked memory for the key of secrets: raise `ulimit -l` (RLIMIT_MEMLOCK)");
    crypto_kdf_derive_from_key(k->box, sizeof k->box, SUBKEY_BOX, CONTEXT, key);
    crypto_kdf_derive_from_key(k->nonce, sizeof k->nonce, SUBKEY_NONCE, CONTEXT, key);
    crypto_kdf_derive_from_key(id, sizeof id, SUBKEY_ID, CONTEXT, key);
    sodium_bin2hex(k->id, sizeof k->id, id, ID_BYTES);
    sodium_mprotect_readonly(k);
    *ret = k;
    return ERR_OK;
}

static err_code read_key(struct secrets *s, struct sealing_keys **ret, struct err *e)
{
    WIPED_BUF(text, SECRET_FILE_MAX);
    WIPED_BUF(key, 256);
    err_code c = secret_folder(s->folder, false, e);
    if (!c)
        c = secret_read(s->path, &text, e);
    if (c)
        return c;
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (!enc_base64_decode(&key, buf_str(&text)) || key.n != crypto_kdf_KEYBYTES)
        return err_set(e, ERR_CORRUPT, "%s is no key for secrets: it has base64 of %u bytes",
                       s->path, crypto_kdf_KEYBYTES);
    return derive((const unsigned char *)key.p, ret, e);
}

/* The keys; made if they are not there. */
static err_code get_keys(struct secrets *s, bool make, const struct sealing_keys **ret,
                         struct err *e)
{
    struct sealing_keys *k = s->keys;
    err_code c = ERR_OK;
    if (!k) {
        pthread_mutex_lock(&s->lock);
        k = s->keys;
        if (!k)
            c = read_key(s, &k, e);
        if (c == ERR_NOT_FOUND && make) {
            c = make_key(s, e);
            if (!c)
                c = read_key(s, &k, e);
        }
        if (!c)
            s->keys = k;
        pthread_mutex_unlock(&s->lock);
    }
    if (!c)
        *ret = k;
    return c;
}

/* --- one secret --------------------------------------------------------------------------------
 */

/* What a sealed text belongs to. */
struct place {
    struct str group, name; /* name: empty if `secret` is sealed as a whole */
};

static void hash_part(crypto_generichash_state *h, struct str s)
{
    uint64_t n = s.n;
    crypto_generichash_update(h, (const unsigned char *)&n, sizeof n);
    crypto_generichash_update(h, (const unsigned char *)s.p, s.n);
}

static void make_nonce(const struct sealing_keys *k, const struct place *at, struct str text,
                       unsigned char nonce[crypto_secretbox_NONCEBYTES])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, k->nonce, sizeof k->nonce, crypto_secretbox_NONCEBYTES);
    hash_part(&h, at->group);
    hash_part(&h, at->name);
    hash_part(&h, text);
    crypto_generichash_final(&h, nonce, crypto_secretbox_NONCEBYTES);
}

/* The text of {"sealed": "v1...."}, or absent. */
static struct str sealed_text(const struct value *v)
{
    const struct value *t = v->kind == VALUE_MAP && v->n == 1 ? value_get(v, STR("sealed")) : NULL;
    bool sealed = t && t->kind == VALUE_STRING && str_starts(value_as_str(*t), STR(VERSION));
    return sealed ? value_as_str(*t) : (struct str){NULL, 0};
}

/* A sealed one with something beside it, as merging leaves it. */
static bool half_sealed(const struct value *v)
{
    const struct value *t = v->kind == VALUE_MAP && v->n > 1 ? value_get(v, STR("sealed")) : NULL;
    return t && t->kind == VALUE_STRING && str_starts(value_as_str(*t), STR(VERSION));
}

static err_code seal_text(const struct sealing_keys *k, const struct place *at, struct str text,
                          struct buf *dst)
{
    WIPED_BUF(plain, TEXT_MAX);
    BUF_LOCAL(box, TEXT_MAX);
    unsigned char nonce[crypto_secretbox_NONCEBYTES];
    size_t padded;
    char *p = buf_reserve(&plain, text.n + PAD);
    char *out = buf_reserve(&box, sizeof nonce + crypto_secretbox_MACBYTES + text.n + PAD);
    if (!p || !out)
        return ERR_NOMEM;
    memcpy(p, text.p, text.n);
    sodium_pad(&padded, (unsigned char *)p, text.n, PAD, text.n + PAD);
    make_nonce(k, at, text, nonce);
    memcpy(out, nonce, sizeof nonce);
    crypto_secretbox_easy((unsigned char *)out + sizeof nonce, (const unsigned char *)p, padded,
                          nonce, k->box);
    buf_addf(dst, VERSION "%s.", k->id);
    enc_base64(dst, str_of(out, sizeof nonce + crypto_secretbox_MACBYTES + padded));
    return dst->failed ? ERR_NOMEM : ERR_OK;
}

/* Appends what was sealed. The caller says which secret it is about. */
static err_code open_text(const struct sealing_keys *k, const struct place *at, struct str sealed,
                          struct buf *dst, struct err *e)
{
    BUF_LOCAL(box, TEXT_MAX);
    unsigned char nonce[crypto_secretbox_NONCEBYTES];
    const size_t head = sizeof nonce + crypto_secretbox_MACBYTES;
    struct str rest = str_skip(sealed, sizeof VERSION - 1);
    struct str id = str_cut(rest, '.', &rest);
    size_t n = 0;
    if (!str_is(id, k->id))
        return err_set(e, ERR_CORRUPT, "it was sealed with another key (%.*s, and this is %s)",
                       STR_FMT(id), k->id);
    bool whole = rest.p && enc_base64_decode(&box, rest) && box.n >= head + PAD;
    char *p = whole ? buf_reserve(dst, box.n - head) : NULL;
    if (box.failed || dst->failed)
        return nomem(e);
    const unsigned char *in = (const unsigned char *)box.p;
    if (!p ||
        crypto_secretbox_open_easy((unsigned char *)p, in + sizeof nonce, box.n - sizeof nonce, in,
                                   k->box) != 0 ||
        sodium_unpad(&n, (const unsigned char *)p, box.n - head, PAD) != 0)
        return err_set(e, ERR_CORRUPT, "the sealed text was changed");
    make_nonce(k, at, str_of(p, n), nonce);
    if (sodium_memcmp(nonce, in, sizeof nonce) != 0)
        return err_set(e, ERR_CORRUPT, "it was sealed for another group or under another name");
    dst->n += n;
    return ERR_OK;
}

/* --- all of a group ----------------------------------------------------------------------------
 */

/* A member of `secret`, or all of it; *v becomes what it is to be. */
struct member {
    struct place at;
    char pointer[200];
    struct value *v;
};
typedef err_code each_member(void *arg, struct member *m, struct err *e);

static void point_to(struct member *m)
{
    size_t n = (size_t)snprintf(m->pointer, sizeof m->pointer, "/metadata/secret%s",
                                m->at.name.p ? "/" : "");
    for (size_t i = 0; i < m->at.name.n && n + 3 < sizeof m->pointer; i++) {
        char c = m->at.name.p[i];
        if (c == '~' || c == '/')
            m->pointer[n++] = '~';
        m->pointer[n++] = (char)(c == '~' ? '0' : c == '/' ? '1' : c);
    }
    m->pointer[n] = '\0';
}

/* Puts v in the place of the member of that name; the map is shared with nobody after. */
static bool replace(struct arena *a, struct value *map, struct str name, struct value v)
{
    struct value_pair *p = arena_alloc(a, map->n * sizeof *p);
    if (!p)
        return false;
    for (uint32_t i = 0; i < map->n; i++)
        p[i] = str_eq(map->map[i].key, name) ? (struct value_pair){name, v} : map->map[i];
    map->map = p;
    return true;
}

/* Calls each for all that is to be sealed or opened by itself. */
static err_code for_each(struct arena *a, struct str group, struct value *map, each_member *each,
                         void *arg, struct err *e)
{
    if (!secrets_in(map))
        return ERR_OK;
    struct value secret = *value_get(map, STR("secret"));
    if (secret.kind != VALUE_MAP || sealed_text(&secret).p) {
        struct member m = {.at = {group, {NULL, 0}}, .v = &secret};
        point_to(&m);
        err_code c = each(arg, &m, e);
        if (c)
            return c;
    } else if (secret.n) {
        struct value_pair *p = arena_alloc(a, secret.n * sizeof *p);
        if (!p)
            return nomem(e);
        memcpy(p, secret.map, secret.n * sizeof *p);
        secret.map = p;
        for (uint32_t i = 0; i < secret.n; i++) {
            struct member m = {.at = {group, p[i].key}, .v = &p[i].v};
            point_to(&m);
            err_code c = each(arg, &m, e);
            if (c)
                return c;
        }
    }
    return replace(a, map, STR("secret"), secret) ? ERR_OK : nomem(e);
}

struct sealing {
    struct secrets *secrets;
    struct arena *arena;
    struct findings *findings;
    bool keep;
};

static err_code check_sealed(const struct sealing *x, const struct member *m, struct str text)
{
    const struct sealing_keys *k;
    struct err why = ERR_INIT;
    WIPED_BUF(plain, TEXT_MAX);
    err_code c = get_keys(x->secrets, false, &k, &why);
    if (!c)
        c = open_text(k, &m->at, text, &plain, &why);
    if (c == ERR_NOMEM || !c)
        return c;
    findings_add(x->findings, x->keep ? FINDING_WARNING : FINDING_ERROR, m->pointer, 0, 0,
                 "the sealed secret cannot be opened with %s: %s. %s", x->secrets->path, why.msg,
                 x->keep ? "It is kept, and documents of this group are 500 until it can be"
                         : "Write what it is instead");
    return x->keep ? ERR_OK : ERR_INVALID;
}

static err_code seal_member(void *arg, struct member *m, struct err *e)
{
    const struct sealing *x = arg;
    struct str sealed = sealed_text(m->v);
    const struct sealing_keys *k;
    err_code c;
    if (m->v->kind == VALUE_NIL)
        return ERR_OK;
    if (half_sealed(m->v)) {
        findings_add(x->findings, FINDING_ERROR, m->pointer, 0, 0,
                     "a sealed secret cannot be changed in part: write all of it");
        return err_set(e, ERR_INVALID, "a sealed secret was changed in part");
    }
    if (sealed.p) {
        c = check_sealed(x, m, sealed);
        return c == ERR_INVALID ? err_set(e, c, "a sealed secret is not this group's")
               : c              ? nomem(e)
                                : ERR_OK;
    }
    c = get_keys(x->secrets, true, &k, e);
    if (c)
        return c;
    WIPED_BUF(text, TEXT_MAX);
    struct buf out;
    buf_in_arena(&out, x->arena, TEXT_MAX);
    value_to_json(&text, m->v, 0);
    struct value_pair *p = arena_alloc(x->arena, sizeof *p);
    if (text.failed || !p || seal_text(k, &m->at, buf_str(&text), &out) != ERR_OK)
        return nomem(e);
    *p = (struct value_pair){STR("sealed"), value_str(buf_str(&out))};
    *m->v = value_map(VALUE_MAP, p, 1);
    return ERR_OK;
}

err_code secrets_seal(struct secrets *s, struct arena *a, struct str group, bool keep,
                      struct value *metadata, struct findings *f, struct err *e)
{
    struct sealing x = {s, a, f, keep};
    return s ? for_each(a, group, metadata, seal_member, &x, e) : secrets_hide(a, metadata, e);
}

static err_code open_member(void *arg, struct member *m, struct err *e)
{
    const struct sealing *x = arg;
    struct str sealed = sealed_text(m->v);
    if (!sealed.p)
        return ERR_OK;
    const struct sealing_keys *k;
    WIPED_BUF(text, TEXT_MAX);
    err_code c = get_keys(x->secrets, false, &k, e);
    bool no_key = c == ERR_NOT_FOUND;
    if (!c)
        c = open_text(k, &m->at, sealed, &text, e);
    if (!c)
        c = value_from_json(x->arena, buf_str(&text), m->v, e);
    if (no_key)
        c = err_set(e, ERR_IO, "its key is not there");
    if (c && c != ERR_NOMEM)
        err_prefix(e,
                   "the secret at %s cannot be opened with %s (put the key back from your copy, or "
                   "write the secret again)",
                   m->pointer, x->secrets->path);
    return c;
}

err_code secrets_open(struct secrets *s, struct arena *a, struct str group, struct value *map,
                      struct err *e)
{
    struct sealing x = {.secrets = s, .arena = a};
    return for_each(a, group, map, open_member, &x, e);
}

/* --- hiding ------------------------------------------------------------------------------------
 */

static bool hide(struct arena *a, struct value *v)
{
    switch (v->kind) {
    case VALUE_STRING: *v = value_str(STR(SECRETS_HIDDEN)); return true;
    case VALUE_INT: *v = value_int(0); return true;
    case VALUE_FLOAT: *v = value_float(0); return true;
    case VALUE_BOOL: *v = value_bool(false); return true;
    case VALUE_LIST: {
        struct value *items = v->n ? arena_alloc(a, v->n * sizeof *items) : NULL;
        if (v->n && !items)
            return false;
        for (uint32_t i = 0; i < v->n; i++) {
            items[i] = v->list[i];
            if (!hide(a, &items[i]))
                return false;
        }
        v->list = items;
        return true;
    }
    case VALUE_MAP:
    case VALUE_STRMAP: {
        struct value_pair *p = v->n ? arena_alloc(a, v->n * sizeof *p) : NULL;
        if (v->n && !p)
            return false;
        for (uint32_t i = 0; i < v->n; i++) {
            p[i] = v->map[i];
            if (!hide(a, &p[i].v))
                return false;
        }
        v->map = p;
        return true;
    }
    default: return true;
    }
}

err_code secrets_hide(struct arena *a, struct value *map, struct err *e)
{
    if (!secrets_in(map))
        return ERR_OK;
    struct value secret = *value_get(map, STR("secret"));
    return hide(a, &secret) && replace(a, map, STR("secret"), secret) ? ERR_OK : nomem(e);
}
