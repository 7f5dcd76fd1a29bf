/* Input that was cut off, changed or never was OpenPGP. */
#include <criterion/criterion.h>
#include <sodium.h>

#include "keys.h"

/* Each prefix of s, in memory of its own so that a read past its end is caught. */
#define FOR_EACH_PREFIX(s, copy, n)                                                                \
    for (size_t n = 0; n < (s).n; n++)                                                             \
        for (char *copy = prefix_of((s), n); copy; free(copy), copy = NULL)

static char *prefix_of(struct str s, size_t n)
{
    char *copy = malloc(n ? n : 1);
    cr_assert_not_null(copy);
    memcpy(copy, s.p, n);
    return copy;
}

Test(hostile, keys_that_are_cut_off_are_refused)
{
    KEY_LOCAL *k = keys_fixed();
    for (int form = 0; form < 4; form++) {
        BUF_TEST(text);
        (form & 1 ? sign_key_write_secret : sign_key_write_public)(k, form & 2, &text);
        struct str s = buf_str(&text);
        if (form & 2)
            s.n--; /* armor without its last line feed is whole */
        FOR_EACH_PREFIX(s, copy, n)
        {
            struct err e;
            err_code rc = keys_refused(str_of(copy, n), &e);
            cr_assert_eq(rc, ERR_INVALID, "form %d, %zu bytes: %s", form, n, e.msg);
        }
    }
}

/*
 * The packet's bytes that are neither signed nor needed: the header (which has an old form too),
 * the issuer's key ID, bit counts.
 */
static bool is_unsigned(size_t at)
{
    enum { HASHED_END = 2 + 6 + 29, ISSUER = HASHED_END + 2, R = ISSUER + 10 + 2 };
    return at == 0 || (at >= ISSUER && at < ISSUER + 10) || at == R + 1 || at == R + 2 + 32 + 1;
}

Test(hostile, signatures_that_are_cut_off_or_changed_are_not_good)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(sig);
    cr_assert_eq(sign_detached(k, false, STR("hello\n"), SIGNED_AT, &sig, NULL), ERR_OK);
    cr_assert_eq(sig.n, 119);
    FOR_EACH_PREFIX(buf_str(&sig), copy, n)
    {
        cr_assert_eq(keys_verdict(k, STR("hello\n"), str_of(copy, n)), ERR_INVALID, "%zu", n);
    }
    for (size_t at = 0; at < sig.n; at++)
        for (int flip = 1; flip < 256; flip++) {
            sig.p[at] = (char)(sig.p[at] ^ flip);
            int v = keys_verdict(k, STR("hello\n"), buf_str(&sig));
            cr_assert(v != KEYS_GOOD || is_unsigned(at), "byte %zu, flipped by %02x", at, flip);
            sig.p[at] = (char)(sig.p[at] ^ flip);
        }
    cr_assert_eq(keys_verdict(k, STR("hello\n"), buf_str(&sig)), KEYS_GOOD);
}

Test(hostile, armored_signatures_that_are_cut_off_or_changed_are_refused)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(sig);
    BUF_TEST(armor);
    cr_assert_eq(sign_detached(k, false, STR("hello\n"), SIGNED_AT, &sig, NULL), ERR_OK);
    sign_armor_signature(buf_str(&sig), &armor);
    struct str whole = str_sub(buf_str(&armor), 0, armor.n - 1);
    FOR_EACH_PREFIX(whole, copy, n)
    {
        cr_assert_eq(keys_verdict(k, STR("hello\n"), str_of(copy, n)), ERR_INVALID, "%zu", n);
    }
    for (size_t at = 0; at < armor.n; at++) {
        static const char with[] = {'\0', '\n', ' ', '=', '-', 'A', '\x80'};
        char was = armor.p[at];
        for (size_t i = 0; i < sizeof with; i++) {
            armor.p[at] = with[i];
            int v = keys_verdict(k, STR("hello\n"), buf_str(&armor));
            bool blank = (was == '\n' && with[i] == '\n') || with[i] == was;
            bool trailing = at + 1 == armor.n && (with[i] == ' ' || with[i] == '\n');
            cr_assert(v == KEYS_GOOD ? blank || trailing || with[i] == '\n' : v == ERR_INVALID,
                      "byte %zu was %02x, is %02x: %d", at, was, with[i], v);
        }
        armor.p[at] = was;
    }
}

/* A key that was changed may still be read only if what changed is not part of it. */
Test(hostile, keys_that_were_changed_do_not_pass_for_others)
{
    KEY_LOCAL *k = keys_fixed();
    for (int secret = 0; secret < 2; secret++) {
        BUF_TEST(text);
        (secret ? sign_key_write_secret : sign_key_write_public)(k, false, &text);
        size_t refused = 0;
        for (size_t at = 0; at < text.n; at++)
            for (int flip = 1; flip < 256; flip <<= 1) {
                text.p[at] = (char)(text.p[at] ^ flip);
                struct sign_key *changed = NULL;
                if (sign_key_read(buf_str(&text), SIGN_NO_PASSPHRASE, &changed, NULL) == ERR_OK) {
                    cr_assert_str_eq(keys_fingerprint(changed),
                                     "9bb5b9567c4514407f0172fe04ed7bfaa46dad12");
                    cr_assert(str_is(sign_key_user_id(changed), KEY_USER_ID));
                } else {
                    cr_assert_null(changed);
                    refused++;
                }
                sign_key_free(changed);
                text.p[at] = (char)(text.p[at] ^ flip);
            }
        cr_assert_geq(refused, 8 * text.n - 8 * 14);
    }
}

Test(hostile, a_secret_key_of_another_public_key_is_refused)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(text);
    sign_key_write_secret(k, false, &text);
    /* Header 2, public part 51, usage 1, bit count 2; the last two are the checksum. */
    enum { SEED = 2 + 51 + 1 + 2, SUM = SEED + 32 };
    cr_assert_geq(text.n, SUM + 2);
    text.p[SEED + 9]++;
    text.p[SUM + 1]++;
    if (text.p[SUM + 1] == 0)
        text.p[SUM]++;
    struct err e;
    cr_assert_eq(keys_refused(buf_str(&text), &e), ERR_INVALID);
    cr_assert(strstr(e.msg, "does not belong to the public key"), "%s", e.msg);
    text.p[SUM]++;
    cr_assert_eq(keys_refused(buf_str(&text), &e), ERR_INVALID);
    cr_assert(strstr(e.msg, "checksum"), "%s", e.msg);
}

Test(hostile, what_never_was_openpgp_is_refused_with_its_place)
{
    static const struct {
        struct str input;
        const char *says;
    } cases[] = {
        {STR_INIT(""), "byte 0"},
        {STR_INIT("hello"), "BEGIN PGP"},
        {STR_INIT("\x80"), "byte 0"},
        {STR_INIT("\xFF\xFF\xFF\xFF\xFF\xFF"), "cut off"},
        {STR_INIT("\xC6\xE0"), "no definite length"},
        {STR_INIT("\x9B"), "no definite length"},
        {STR_INIT("\xC6\x00"), "does not parse"},
        {STR_INIT("\xCA\x03PGP"), "byte 5: there is no OpenPGP key here"},
        {STR_INIT("-----BEGIN PGP PUBLIC KEY BLOCK-----"), "ends in its headers"},
        {STR_INIT("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"), "cut off"},
        {STR_INIT("-----BEGIN PGP PUBLIC KEY BLOCK-----\nno header\n"), "blank line"},
        {STR_INIT("-----BEGIN PGP A-----\n\n!!!!\n-----END PGP A-----\n"), "base64"},
        {STR_INIT("-----BEGIN PGP A-----\n\nxgA=\n=AAAA\n-----END PGP A-----"), "checksum"},
        {STR_INIT("-----BEGIN PGP A-----\n\nxgA=\n-----END PGP A-----"), "not a key"},
        {STR_INIT("-----BEGIN PGP A-----\n\nxgA=\n-----END PGP B-----"), "expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e;
        cr_assert_eq(keys_refused(cases[i].input, &e), ERR_INVALID, "case %zu", i);
        cr_assert(strstr(e.msg, cases[i].says), "case %zu: %s", i, e.msg);
    }
}

Test(hostile, random_bytes_are_survived)
{
    KEY_LOCAL *k = keys_fixed();
    unsigned char seed[randombytes_SEEDBYTES] = {0};
    for (uint32_t round = 0; round < 20000; round++) {
        unsigned char bytes[96];
        memcpy(seed, &round, sizeof round);
        randombytes_buf_deterministic(bytes, sizeof bytes, seed);
        bytes[0] |= 0x80;
        struct str s = str_of((const char *)bytes, round % sizeof bytes);
        struct sign_key *never = NULL;
        cr_assert_neq(sign_key_read(s, SIGN_NO_PASSPHRASE, &never, NULL), ERR_OK);
        cr_assert_gt(keys_verdict(k, STR("x"), s), 0);
    }
}

Test(hostile, too_much_is_refused_before_it_is_looked_at)
{
    static char much[(1u << 20) + 1];
    struct err e;
    KEY_LOCAL *k = keys_fixed();
    cr_assert_eq(keys_refused(str_of(much, sizeof much), &e), ERR_INVALID);
    cr_assert(strstr(e.msg, "too many"), "%s", e.msg);
    cr_assert_eq(keys_verdict(k, STR("x"), str_of(much, sizeof much)), ERR_INVALID);
}
