#include "sign/keys.h"

#include <stdlib.h>

#include "base/enc.h"
#include "sign/armor.h"
#include "sign/key.h"
#include "sign/minisign.h"

#define MINISIGN_BYTES (2 + 8 + crypto_sign_PUBLICKEYBYTES) /* letters, number, key */

struct sign_keys {
    struct sign_key *v[SIGN_KEYS_MAX];
    size_t n;
};

void sign_keys_free(struct sign_keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++)
        sign_key_free(k->v[i]);
    free(k);
}

size_t sign_keys_count(const struct sign_keys *k)
{
    return k->n;
}

const struct sign_key *sign_keys_get(const struct sign_keys *k, size_t i)
{
    return k->v[i];
}

/* --- OpenPGP -------------------------------------------------------------------------------------
 */

/* A primary key begins at each of its packets. */
static err_code read_packets(struct str binary, struct sign_keys *k, struct err *e)
{
    struct sign_reader r = sign_reader_of(binary, 0);
    size_t begins = 0;
    while (!sign_reader_done(&r)) {
        struct sign_packet p;
        size_t at = r.at;
        err_code c = sign_packet_read(&r, &p, e);
        bool primary = !c && (p.tag == SIGN_TAG_PUBLIC_KEY || p.tag == SIGN_TAG_SECRET_KEY);
        bool last = sign_reader_done(&r);
        if (!c && k->n == SIGN_KEYS_MAX)
            c = err_set(e, ERR_LIMIT, "there are more than %d keys", SIGN_KEYS_MAX);
        if (!c && primary && at > begins) {
            c = sign_key_read(str_sub(binary, begins, at), SIGN_NO_PASSPHRASE, &k->v[k->n], e);
            k->n += !c;
            begins = at;
        }
        if (!c && last && k->n < SIGN_KEYS_MAX) {
            c = sign_key_read(str_skip(binary, begins), SIGN_NO_PASSPHRASE, &k->v[k->n], e);
            k->n += !c;
        }
        if (c)
            return c;
    }
    return ERR_OK;
}

static err_code read_openpgp(struct str text, struct sign_keys *k, struct err *e)
{
    if (!sign_is_armored(text))
        return read_packets(text, k, e);
    SIGN_SECRET_BUF_LOCAL(binary, text.n);
    struct str kind;
    err_code c = sign_armor_read(text, &binary, &kind, e);
    return c ? c : read_packets(buf_str(&binary), k, e);
}

/* --- minisign ------------------------------------------------------------------------------------
 */

static err_code make_public(const unsigned char public_key[crypto_sign_PUBLICKEYBYTES],
                            struct sign_key **ret, struct err *e)
{
    __attribute__((cleanup(sign_key_cleanup))) struct sign_key *k = NULL;
    err_code c = sign_key_alloc(&k, e);
    if (c)
        return c;
    memcpy(k->public_key, public_key, sizeof k->public_key);
    c = sign_key_set_user_id(k, STR("a key of minisign's"), e);
    if (!c)
        c = sign_key_set_body(k, e);
    if (c)
        return c;
    *ret = k;
    k = NULL;
    return ERR_OK;
}

static err_code read_minisign(struct str text, struct sign_keys *k, struct err *e)
{
    for (int line = 2; text.n; line += 2) {
        BUF_LOCAL(bytes, 100);
        str_cut(text, '\n', &text);
        struct str key = str_cut(text, '\n', &text);
        if (key.n && key.p[key.n - 1] == '\r')
            key.n--;
        if (!enc_base64_decode(&bytes, key) || bytes.n != MINISIGN_BYTES || bytes.p[0] != 'E')
            return err_set(e, ERR_INVALID, "line %d: not a public key of minisign's", line);
        if (k->n == SIGN_KEYS_MAX)
            return err_set(e, ERR_LIMIT, "there are more than %d keys", SIGN_KEYS_MAX);
        err_code c = make_public((const unsigned char *)bytes.p + 10, &k->v[k->n], e);
        if (c)
            return c;
        k->n++;
    }
    return ERR_OK;
}

err_code sign_keys_read(struct str text, struct sign_keys **ret, struct err *e)
{
    if (text.n == 0 || text.n > SIGN_INPUT_MAX)
        return err_set(e, ERR_INVALID, "there are no keys in %zu bytes", text.n);
    struct sign_keys *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, ERR_NOMEM, "no memory for keys");
    err_code c = sign_is_minisign(text) ? read_minisign(text, k, e) : read_openpgp(text, k, e);
    if (c)
        sign_keys_free(k);
    else
        *ret = k;
    return c;
}
