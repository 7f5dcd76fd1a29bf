/* Signatures over what is served: from the cache, or made here or by the slow signers. */
#include <sodium.h>
#include <time.h>

#include "service/file_signer.h"
#include "service/keyring.h"
#include "service/parts.h"
#include "service/signature_cache.h"
#include "service/signer.h"
#include "sign/minisign.h"

#define SIGNATURE_MAX 16384 /* bytes, in any form */

static void hash_content(struct str bytes, unsigned char ret[CATALOG_DOC_HASH_BYTES])
{
    crypto_generichash(ret, CATALOG_DOC_HASH_BYTES, (const unsigned char *)(bytes.n ? bytes.p : ""),
                       bytes.n, NULL, 0);
}

/* What is signed, and how, as one hash. The name is in the comment of some forms. */
static void identify(const struct service_to_sign *in, enum service_form form,
                     unsigned char id[SIGNATURE_ID_BYTES])
{
    unsigned char content[CATALOG_DOC_HASH_BYTES];
    crypto_generichash_state h;
    const unsigned char how = (unsigned char)form;
    if (in->held)
        catalog_doc_hash(in->held, hash_content, content);
    else
        hash_content(in->bytes, content);
    crypto_generichash_init(&h, NULL, 0, SIGNATURE_ID_BYTES);
    crypto_generichash_update(&h, &how, 1);
    crypto_generichash_update(&h, (const unsigned char *)in->name, strlen(in->name) + 1);
    crypto_generichash_update(&h, content, sizeof content);
    crypto_generichash_final(&h, id, SIGNATURE_ID_BYTES);
}

/* One signature to be made, on whatever thread. */
struct making {
    const struct keyring *keys;
    const struct service_to_sign *in;
    enum service_form form; /* not SERVICE_ASC */
    struct buf *dst;
    struct err err;
};

static void make(void *arg)
{
    struct making *m = arg;
    const struct keyring *k = m->keys;
    const struct service_to_sign *in = m->in;
    const uint64_t now = (uint64_t)time(NULL);
    if (m->form == SERVICE_MINISIG) {
        sign_minisign(k->signing, in->bytes, now, str_c(in->name), m->dst, &m->err);
    } else if (m->form == SERVICE_CMS) {
        struct sign_content c;
        sign_content_start(&c, false);
        sign_content_add(&c, in->bytes);
        sign_cms_detached(k->cms, &c, m->dst, &m->err);
    } else {
        sign_detached(keyring_openpgp(k), k->text, in->bytes, now, m->dst, &m->err);
    }
}

static bool is_slow(const struct keyring *k, enum service_form form)
{
    return form == SERVICE_CMS || (form == SERVICE_SIG && sign_key_is_rsa(keyring_openpgp(k)));
}

static err_code make_new(struct service *s, const struct service_to_sign *in,
                         enum service_form form, struct buf *dst, struct err *e)
{
    struct making m = {.keys = s->keys, .in = in, .form = form, .dst = dst, .err = ERR_INIT};
    if (is_slow(s->keys, form)) {
        err_code c = signer_run(s->signer, in->remote, make, &m, e);
        if (c)
            return c;
    } else {
        make(&m);
    }
    if (m.err.code && e)
        *e = m.err;
    return m.err.code;
}

static err_code get(struct service *s, const struct service_to_sign *in, enum service_form form,
                    struct buf *dst, struct err *e)
{
    unsigned char id[SIGNATURE_ID_BYTES];
    identify(in, form, id);
    if (signature_cache_get(s->signatures, id, dst))
        return ERR_OK;
    BUF_LOCAL(made, SIGNATURE_MAX);
    err_code c;
    if (form == SERVICE_ASC) {
        BUF_LOCAL(binary, SIGNATURE_MAX);
        c = get(s, in, SERVICE_SIG, &binary, e);
        if (!c)
            sign_armor_signature(buf_str(&binary), &made);
    } else {
        c = make_new(s, in, form, &made, e);
    }
    if (c)
        return c;
    if (!made.failed)
        signature_cache_put(s->signatures, id, buf_str(&made));
    buf_add_str(dst, buf_str(&made));
    dst->failed = dst->failed || made.failed;
    return ERR_OK;
}

err_code service_sign(struct service *s, const struct service_to_sign *in, struct arena *a,
                      struct str *ret, struct err *e)
{
    struct buf out;
    buf_in_arena(&out, a, SIGNATURE_MAX);
    err_code c = get(s, in, in->form, &out, e);
    if (!c && out.failed)
        c = err_set(e, ERR_NOMEM, "out of memory while signing");
    if (!c)
        *ret = buf_str(&out);
    return c;
}

err_code service_sign_file(struct service *s, const struct service_file *file,
                           enum service_form form, const char *remote, struct arena *a,
                           struct str *ret, struct err *e)
{
    struct buf out;
    if (!s->files)
        return err_set(e, ERR_NOT_FOUND, "files are not signed here: see --sign-assets");
    buf_in_arena(&out, a, SIGNATURE_MAX);
    err_code c = file_signer_get(s->files, file, form, remote, &out, e);
    if (!c && out.failed)
        c = err_set(e, ERR_NOMEM, "out of memory while signing");
    if (!c)
        *ret = buf_str(&out);
    return c;
}

bool service_signs_files(const struct service *s)
{
    return s->files != NULL;
}

void service_prepare_file(struct service *s, const struct service_file *file)
{
    if (s->files)
        file_signer_prepare(s->files, file);
}
