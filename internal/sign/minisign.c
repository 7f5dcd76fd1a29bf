#include "sign/minisign.h"

#include "base/enc.h"
#include "sign/key.h"

#define UNTRUSTED        "untrusted comment: "
#define TRUSTED          "trusted comment: "
#define KEY_NUMBER       8
#define COMMENT_NAME_MAX 200
#define COMMENT          300

/* A line of a file, decoded: two letters, the key's number, key or signature. */
struct stamp {
    char form[2];
    unsigned char number[KEY_NUMBER];
};
#define SIGNATURE_BYTES (sizeof(struct stamp) + crypto_sign_BYTES)

/* Any eight bytes do, as long as key and signatures have the same. */
static void set_stamp(const struct sign_key *k, const char form[2], struct stamp *ret)
{
    struct sha256_ctx h;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&h);
    sha256_update(&h, sizeof k->public_key, k->public_key);
    sha256_digest(&h, sizeof digest, digest);
    memcpy(ret->form, form, 2);
    memcpy(ret->number, digest, sizeof ret->number);
}

static bool is_ed25519(const struct sign_key *k)
{
    return !k->rsa;
}

/* --- writing -----------------------------------------------------------------------------------
 */

void sign_minisign_write_public(const struct sign_key *k, struct buf *dst)
{
    struct stamp stamp;
    BUF_LOCAL(line, 100);
    set_stamp(k, "Ed", &stamp);
    buf_add(&line, &stamp, sizeof stamp);
    buf_add(&line, k->public_key, sizeof k->public_key);
    buf_addf(dst, UNTRUSTED "Vesta public key ");
    for (size_t i = KEY_NUMBER; i > 0; i--) /* as minisign shows it */
        buf_addf(dst, "%02X", stamp.number[i - 1]);
    buf_add_byte(dst, '\n');
    enc_base64(dst, buf_str(&line));
    buf_add_byte(dst, '\n');
    dst->failed = dst->failed || line.failed;
}

static void put_name(struct buf *dst, struct str name)
{
    for (size_t i = 0; i < name.n && i < COMMENT_NAME_MAX; i++)
        if (name.p[i] > 0x20 && name.p[i] < 0x7F)
            buf_add_byte(dst, name.p[i]);
}

/* digest_or_body is what is signed. */
static err_code write_signature(const struct sign_key *k, const char form[2],
                                struct str digest_or_body, uint64_t now, struct str name,
                                struct buf *dst, struct err *e)
{
    static const unsigned char empty[1];
    if (!is_ed25519(k) || !k->secret_key)
        return err_set(e, ERR_INVALID,
                       "minisign signatures need an Ed25519 key with its secret part: make one "
                       "with `vesta keygen`");
    unsigned char signature[crypto_sign_BYTES], global[crypto_sign_BYTES];
    crypto_sign_detached(signature, NULL,
                         digest_or_body.n ? (const unsigned char *)digest_or_body.p : empty,
                         digest_or_body.n, k->secret_key);
    BUF_LOCAL(line, 100);
    BUF_LOCAL(both, crypto_sign_BYTES + COMMENT);
    struct stamp stamp;
    set_stamp(k, form, &stamp);
    buf_add(&line, &stamp, sizeof stamp);
    buf_add(&line, signature, sizeof signature);
    buf_add(&both, signature, sizeof signature);
    buf_add_lit(&both, "timestamp:");
    buf_add_u64(&both, now);
    buf_add_lit(&both, "\tfile:");
    put_name(&both, name);
    if (form[1] == 'D')
        buf_add_lit(&both, "\thashed");
    if (line.failed || both.failed)
        return err_set(e, ERR_NOMEM, "no memory for a signature");
    crypto_sign_detached(global, NULL, (const unsigned char *)both.p, both.n, k->secret_key);

    buf_add_lit(dst, UNTRUSTED "verify with key.minisign\n");
    enc_base64(dst, buf_str(&line));
    buf_add_lit(dst, "\n" TRUSTED);
    buf_add_str(dst, str_skip(buf_str(&both), sizeof signature));
    buf_add_byte(dst, '\n');
    enc_base64(dst, str_of((const char *)global, sizeof global));
    buf_add_byte(dst, '\n');
    return dst->failed ? err_set(e, ERR_NOMEM, "no memory for a signature") : ERR_OK;
}

err_code sign_minisign(const struct sign_key *k, struct str body, uint64_t now, struct str name,
                       struct buf *dst, struct err *e)
{
    return write_signature(k, "Ed", body, now, name, dst, e);
}

static void hash_finish(const struct sign_content *c,
                        unsigned char ret[crypto_generichash_BYTES_MAX])
{
    crypto_generichash_state h = c->blake2b;
    crypto_generichash_final(&h, ret, crypto_generichash_BYTES_MAX);
}

err_code sign_minisign_hashed(const struct sign_key *k, const struct sign_content *c, uint64_t now,
                              struct str name, struct buf *dst, struct err *e)
{
    unsigned char hash[crypto_generichash_BYTES_MAX];
    hash_finish(c, hash);
    return write_signature(k, "ED", str_of((const char *)hash, sizeof hash), now, name, dst, e);
}

/* --- reading -----------------------------------------------------------------------------------
 */

bool sign_is_minisign(struct str text)
{
    return str_starts(text, STR(UNTRUSTED));
}

/* The next line in base64, which must be of so many bytes. */
static bool read_line(struct str *rest, size_t n, unsigned char *ret)
{
    BUF_LOCAL(bytes, 200);
    struct str line = str_cut(*rest, '\n', rest);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (!enc_base64_decode(&bytes, line) || bytes.n != n)
        return false;
    memcpy(ret, bytes.p, n);
    return true;
}

static uint64_t time_of(struct str comment)
{
    uint64_t t = 0;
    if (str_starts(comment, STR("timestamp:"))) {
        struct str number = str_skip(comment, sizeof "timestamp:" - 1);
        number = str_cut(number, '\t', &comment);
        str_to_u64(number, UINT64_MAX, &t);
    }
    return t;
}

/* The lines after the signature; a file of signify's has none. */
static err_code check_comment(const struct sign_key *k, struct str rest,
                              const unsigned char signature[crypto_sign_BYTES],
                              struct sign_verdict *v, struct err *e)
{
    unsigned char global[crypto_sign_BYTES];
    BUF_LOCAL(both, crypto_sign_BYTES + SIGN_INPUT_MAX);
    if (rest.n == 0)
        return ERR_OK;
    struct str comment = str_cut(rest, '\n', &rest);
    if (!str_starts(comment, STR(TRUSTED)) || !read_line(&rest, sizeof global, global))
        return err_set(e, ERR_INVALID, "line 3: the trusted comment does not parse");
    comment = str_skip(comment, sizeof TRUSTED - 1);
    if (comment.n && comment.p[comment.n - 1] == '\r')
        comment.n--;
    buf_add(&both, signature, crypto_sign_BYTES);
    buf_add_str(&both, comment);
    if (both.failed)
        return err_set(e, ERR_NOMEM, "no memory for a signature");
    v->made = time_of(comment);
    v->good = crypto_sign_verify_detached(global, (const unsigned char *)both.p, both.n,
                                          k->public_key) == 0;
    return ERR_OK;
}

static bool check_body(const struct sign_key *k, struct str body, bool hashed,
                       const unsigned char signature[crypto_sign_BYTES])
{
    unsigned char hash[crypto_generichash_BYTES_MAX];
    if (hashed) {
        struct sign_content c;
        sign_content_start(&c, false);
        sign_content_add(&c, body);
        hash_finish(&c, hash);
        body = str_of((const char *)hash, sizeof hash);
    }
    return crypto_sign_verify_detached(signature, (const unsigned char *)(body.n ? body.p : ""),
                                       body.n, k->public_key) == 0;
}

err_code sign_minisign_verify(const struct sign_key *k, struct str body, struct str signature,
                              struct sign_verdict *ret, struct err *e)
{
    unsigned char bytes[SIGNATURE_BYTES];
    struct stamp said, own;
    struct str rest = signature;
    if (signature.n > SIGN_INPUT_MAX || !sign_is_minisign(signature))
        return err_set(e, ERR_INVALID, "not a minisign signature");
    if (!is_ed25519(k))
        return err_set(e, ERR_NOT_FOUND, "a minisign signature is not by an RSA key");
    str_cut(rest, '\n', &rest);
    if (!read_line(&rest, sizeof bytes, bytes))
        return err_set(e, ERR_INVALID, "line 2: the signature does not parse");
    memcpy(&said, bytes, sizeof said);
    bool hashed = memcmp(said.form, "ED", 2) == 0;
    if (!hashed && memcmp(said.form, "Ed", 2) != 0)
        return err_set(e, ERR_UNSUPPORTED, "line 2: a signature of a form that is not known");
    set_stamp(k, said.form, &own);
    if (memcmp(said.number, own.number, sizeof own.number) != 0)
        return err_set(e, ERR_NOT_FOUND, "another key made the signature");
    struct sign_verdict v = {.good = true};
    err_code c = check_comment(k, rest, bytes + sizeof said, &v, e);
    if (c)
        return c;
    v.good = v.good && check_body(k, body, hashed, bytes + sizeof said);
    *ret = v;
    return ERR_OK;
}
