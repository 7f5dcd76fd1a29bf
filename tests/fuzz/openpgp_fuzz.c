/*
 * Fuzzing of sign's readers: any bytes, as a key and as a signature. Built by clang with
 * -fsanitize=fuzzer,address,undefined from this file and all of internal/sign and internal/base;
 * needs libsodium and nettle.
 */
#include <stdlib.h>

#include "sign/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool x)
{
    if (!x)
        abort();
}

static void write_key(const struct sign_key *k, bool secret, bool armored, struct buf *dst)
{
    if (secret)
        sign_key_write_secret(k, armored, dst);
    else
        sign_key_write_public(k, armored, dst);
    must(!dst->failed);
}

/* What was read can be written, and reading that gives the same key. */
static void round_trip(const struct sign_key *k)
{
    for (int form = 0; form < 4; form++) {
        bool secret = form & 1, armored = form & 2;
        if (secret && !sign_key_is_secret(k))
            continue;
        BUF_LOCAL(first, 4u << 20);
        BUF_LOCAL(second, 4u << 20);
        struct sign_key *again = NULL;
        write_key(k, secret, armored, &first);
        must(sign_key_read(buf_str(&first), SIGN_NO_PASSPHRASE, &again, NULL) == ERR_OK);
        write_key(again, secret, armored, &second);
        must(str_eq(buf_str(&first), buf_str(&second)));
        sign_key_free(again);
    }
}

static void try_key(struct str input)
{
    struct sign_key *k = NULL;
    struct err e = ERR_INIT;
    err_code rc = sign_key_read(input, STR("open sesame"), &k, &e);
    must((rc == ERR_OK) == (k != NULL));
    must(rc == ERR_OK || rc == ERR_INVALID || rc == ERR_UNSUPPORTED || rc == ERR_DENIED);
    must(rc == ERR_OK || (e.code == rc && e.msg[0]));
    if (k)
        round_trip(k);
    sign_key_free(k);
}

static void try_signature(struct str input)
{
    static const unsigned char seed[SIGN_SEED_BYTES] = "a seed that is always the same";
    static struct sign_key *k;
    if (!k)
        must(sign_key_make(seed, 1, STR("fuzz"), &k, NULL) == ERR_OK);
    struct sign_verdict v = {0};
    struct err e = ERR_INIT;
    err_code rc = sign_verify(k, STR("line\r\nline\n"), input, &v, &e);
    must(rc == ERR_OK || rc == ERR_INVALID || rc == ERR_UNSUPPORTED || rc == ERR_NOT_FOUND);
    must(rc == ERR_OK || !v.good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str input = str_of((const char *)data, n);
    try_key(input);
    try_signature(input);
    return 0;
}
