/* `vesta verify`: every form of a signature, by the public keys of a file or of the data path. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "command.h"
#include "passphrase.h"
#include "service/keyring.h"
#include "sign/keys.h"
#include "sign/minisign.h"

#define SIGNED_MAX    (1u << 30)
#define SIGNATURE_MAX (1u << 20)
#define KEYS_MAX      (1u << 20)

/* Where keys are looked for, and what was found; `checked` says whether any key was the signer's.
 */
struct verifying {
    struct str body, signature;
    bool minisign, cms;
    struct sign_verdict verdict;
    bool checked;
    char by[400];
};

static bool looks_like_cms(struct str s)
{
    return str_starts(s, STR("\x30")) || str_starts(s, STR("-----BEGIN CMS")) ||
           str_starts(s, STR("-----BEGIN PKCS7"));
}

static void name_signer(struct verifying *v, const struct sign_key *k)
{
    unsigned char f[SIGN_FINGERPRINT_BYTES];
    size_t at = 0;
    sign_key_fingerprint(k, f);
    for (size_t i = 0; i < sizeof f; i++)
        at += (size_t)snprintf(v->by + at, sizeof v->by - at, "%02X", f[i]);
    snprintf(v->by + at, sizeof v->by - at, "  %.*s", STR_FMT(sign_key_user_id(k)));
}

/* By one key. ERR_NOT_FOUND: it is not this key's. */
static err_code try_key(struct verifying *v, const struct sign_key *k, struct err *e)
{
    err_code c = v->minisign ? sign_minisign_verify(k, v->body, v->signature, &v->verdict, e)
                             : sign_verify(k, v->body, v->signature, &v->verdict, e);
    if (!c) {
        v->checked = true;
        name_signer(v, k);
    }
    return c;
}

/* By the keys of a text, one after the other until one is the signer's. */
static err_code try_keys(struct verifying *v, struct str keys, struct err *e)
{
    if (v->cms) {
        err_code c =
            sign_cms_verify(keys, v->body, v->signature, (uint64_t)time(NULL), &v->verdict, e);
        v->checked = !c;
        snprintf(v->by, sizeof v->by, "a certificate of the authority");
        return c;
    }
    struct sign_keys *all;
    err_code c = sign_keys_read(keys, &all, e);
    if (c)
        return c;
    size_t n = sign_keys_count(all);
    for (size_t i = 0; i < n && !v->checked && (i == 0 || c == ERR_NOT_FOUND); i++)
        c = try_key(v, sign_keys_get(all, i), e);
    sign_keys_free(all);
    return c;
}

static err_code try_file(struct verifying *v, const char *path, struct err *e)
{
    SECRET_LOCAL(text, KEYS_MAX);
    err_code c = read_file(path, &text, e);
    if (c)
        return c;
    c = try_keys(v, buf_str(&text), e);
    if (c && c != ERR_NOT_FOUND && c != ERR_DENIED)
        err_in_file(e, path);
    return c;
}

/* By the public keys of the data path. */
static err_code try_own(struct verifying *v, const char *data_path, struct err *e)
{
    const struct keyring_options o = {.data_path = data_path, .read_only = true};
    struct keyring *r;
    err_code c = keyring_open(&o, &r, e);
    if (c)
        return c;
    c = try_keys(v, buf_str(v->minisign ? &r->minisign : v->cms ? &r->pem : &r->asc), e);
    keyring_free(r);
    return c;
}

int command_verify(int argc, char **argv)
{
    const char *key = "", *data_path = DEFAULT_DATA_PATH;
    const struct flag flags[] = {
        {"key", FLAG_TEXT, &key, false, "FILE",
         "key.asc, key.minisign or key.pem (default: the data path's own)"},
        {"data-path", FLAG_TEXT, &data_path, true, "DIR", "where the keys are"},
        FLAGS_END,
    };
    char *rest[2];
    int status;
    if (flags_parse(argc, argv, flags, 2, 2, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    BUF_LOCAL(body, SIGNED_MAX);
    BUF_LOCAL(signature, SIGNATURE_MAX);
    struct verifying v = {.checked = false};
    err_code c = read_file(rest[0], &body, &e);
    if (!c)
        c = read_file(rest[1], &signature, &e);
    v.body = buf_str(&body);
    v.signature = buf_str(&signature);
    v.minisign = sign_is_minisign(v.signature);
    v.cms = looks_like_cms(v.signature);
    if (!c)
        c = key[0] ? try_file(&v, key, &e) : try_own(&v, data_path, &e);
    if (!c && !v.verdict.good)
        c = err_set(&e, ERR_INVALID, "BAD signature: %s is not what was signed", rest[0]);
    if (c)
        return complain(&e);
    char when[40] = "";
    time_t t = (time_t)v.verdict.made;
    struct tm tm;
    if (t)
        strftime(when, sizeof when, ", made %Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    printf("good signature of %s%s by %s\n", rest[0], when, v.by);
    return EXIT_DONE;
}
