#include "keys.h"

#include <criterion/criterion.h>

#include "base/enc.h"

/* SHA-256 of "demo seed". */
static const char seed_hex[] = "bdb8b6ed74f4e9f502bd20fddd770e190f5e00b68b9b99bf0bc4e29fdd7a67d4";

struct sign_key *keys_fixed(void)
{
    unsigned char seed[SIGN_SEED_BYTES];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (unsigned char)(enc_hex_digit(seed_hex[2 * i]) << 4 |
                                  enc_hex_digit(seed_hex[2 * i + 1]));
    struct sign_key *k = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(sign_key_make(seed, KEY_CREATED, STR(KEY_USER_ID), &k, &e), ERR_OK, "%s", e.msg);
    return k;
}

struct sign_key *keys_read(struct str bytes)
{
    struct sign_key *k = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(sign_key_read(bytes, SIGN_NO_PASSPHRASE, &k, &e), ERR_OK, "%s", e.msg);
    return k;
}

err_code keys_refused(struct str bytes, struct err *e)
{
    struct sign_key *k = NULL;
    *e = ERR_INIT;
    err_code rc = sign_key_read(bytes, SIGN_NO_PASSPHRASE, &k, e);
    cr_assert_neq(rc, ERR_OK);
    cr_assert_null(k, "a failure left something behind");
    cr_assert_eq(rc, e->code);
    return rc;
}

int keys_verdict(const struct sign_key *k, struct str body, struct str signature)
{
    struct sign_verdict v = {0};
    err_code rc = sign_verify(k, body, signature, &v, NULL);
    if (rc)
        return (int)rc;
    return v.good ? KEYS_GOOD : KEYS_BAD;
}

const char *keys_fingerprint(const struct sign_key *k)
{
    static char hex[2 * SIGN_FINGERPRINT_BYTES + 1];
    unsigned char f[SIGN_FINGERPRINT_BYTES];
    sign_key_fingerprint(k, f);
    BUF_TEST(b);
    enc_hex(&b, str_of((const char *)f, sizeof f));
    memcpy(hex, buf_c(&b), sizeof hex);
    return hex;
}
