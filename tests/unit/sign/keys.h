/*
 * keys.h - what the tests of sign share: a key that is always the same, and short ways to make one
 * from bytes.
 */
#ifndef TESTS_KEYS_H
#define TESTS_KEYS_H

#include "base/buf.h"
#include "sign/sign.h"

#define KEY_CREATED    1700000000u
#define KEY_USER_ID    "Vesta test <boot@example.test>"
#define SIGNED_AT      1700000100u
#define BUF_TEST(name) BUF_LOCAL(name, 8u << 20)

/* From SHA-256("demo seed"). The caller frees it. */
struct sign_key *keys_fixed(void);
/* Must succeed. */
struct sign_key *keys_read(struct str bytes);
/* Must fail: the code; e gets the message. */
err_code keys_refused(struct str bytes, struct err *e);
/* A good signature, bad, or the error's code. */
enum { KEYS_GOOD = -1, KEYS_BAD = -2 };
int keys_verdict(const struct sign_key *k, struct str body, struct str signature);
/* Lower-case hex. */
const char *keys_fingerprint(const struct sign_key *k);
static inline void keys_free(struct sign_key **k)
{
    sign_key_free(*k);
}
#define KEY_LOCAL __attribute__((cleanup(keys_free))) struct sign_key

#endif
