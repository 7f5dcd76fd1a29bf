/* Keys and signatures by themselves: round trips, known answers, what is refused. */
#include <criterion/criterion.h>

#include "base/enc.h"
#include "keys.h"

Test(sign_key, has_the_fingerprint_that_openpgp_gives_it)
{
    KEY_LOCAL *k = keys_fixed();
    cr_assert_str_eq(keys_fingerprint(k), "9bb5b9567c4514407f0172fe04ed7bfaa46dad12");
    cr_assert(str_is(sign_key_user_id(k), KEY_USER_ID));
    cr_assert(sign_key_is_secret(k));
}

/* Ed25519 is deterministic, so one signature has one form. Made by another program. */
Test(sign_detached, writes_the_known_bytes)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(sig);
    BUF_TEST(hex);
    cr_assert_eq(sign_detached(k, false, STR("hello\n"), SIGNED_AT, &sig, NULL), ERR_OK);
    enc_hex(&hex, buf_str(&sig));
    cr_assert_str_eq(
        buf_c(&hex),
        "c27504001608001d1621049bb5b9567c4514407f0172fe04ed7bfaa46dad1205026553f164000a091004ed7bfa"
        "a46dad12505f00ff7563319a2322994e7b221f5014f680d2d5dcc4486944d433aab8fdb6a401750f0100fb4b31"
        "b61dd1d66f545fa28717e0e512a17528ff37dce027dcf88778727e7a03");
    cr_assert_leq(sig.n, SIGN_SIGNATURE_MAX);
}

Test(sign_detached, says_when_it_was_made)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(sig);
    struct sign_verdict v = {0};
    cr_assert_eq(sign_detached(k, false, STR("x"), UINT32_MAX, &sig, NULL), ERR_OK);
    cr_assert_eq(sign_verify(k, STR("x"), buf_str(&sig), &v, NULL), ERR_OK);
    cr_assert(v.good);
    cr_assert_eq(v.made, UINT32_MAX);
    struct err e = ERR_INIT;
    cr_assert_eq(sign_detached(k, false, STR("x"), (uint64_t)UINT32_MAX + 1, &sig, &e),
                 ERR_INVALID);
    cr_assert(strstr(e.msg, "clock"), "%s", e.msg);
}

Test(sign_key, round_trips_in_all_four_forms)
{
    KEY_LOCAL *k = keys_fixed();
    for (int form = 0; form < 4; form++) {
        bool secret = form & 1, armored = form & 2;
        BUF_TEST(first);
        BUF_TEST(second);
        (secret ? sign_key_write_secret : sign_key_write_public)(k, armored, &first);
        KEY_LOCAL *again = keys_read(buf_str(&first));
        cr_assert_eq(sign_key_is_secret(again), secret);
        cr_assert_str_eq(keys_fingerprint(again), "9bb5b9567c4514407f0172fe04ed7bfaa46dad12");
        cr_assert(str_is(sign_key_user_id(again), KEY_USER_ID));
        (secret ? sign_key_write_secret : sign_key_write_public)(again, armored, &second);
        cr_assert(str_eq(buf_str(&first), buf_str(&second)), "form %d", form);
    }
}

Test(sign_key, takes_crlf_headers_and_text_around_the_armor)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(armor);
    BUF_TEST(mail);
    sign_key_write_public(k, true, &armor);
    buf_add_lit(&mail, "Here is the key:\r\n\r\n");
    struct str rest = buf_str(&armor);
    for (int line = 0; rest.n; line++) {
        buf_add_str(&mail, str_cut(rest, '\n', &rest));
        buf_add_str(&mail, line == 0 ? STR("\r\nComment: a: b\r\nVersion:\r\n") : STR(" \t\r\n"));
    }
    buf_add_lit(&mail, "Bye\r\n");
    KEY_LOCAL *again = keys_read(buf_str(&mail));
    cr_assert(str_is(sign_key_user_id(again), KEY_USER_ID));
}

Test(sign_key, public_half_verifies_but_does_not_sign)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(text);
    BUF_TEST(sig);
    sign_key_write_public(k, false, &text);
    KEY_LOCAL *public = keys_read(buf_str(&text));
    struct err e = ERR_INIT;
    cr_assert_eq(sign_detached(public, false, STR("x"), SIGNED_AT, &sig, &e), ERR_INVALID);
    cr_assert(strstr(e.msg, "public half"), "%s", e.msg);
    cr_assert_eq(sign_detached(k, false, STR("x"), SIGNED_AT, &sig, NULL), ERR_OK);
    cr_assert_eq(keys_verdict(public, STR("x"), buf_str(&sig)), KEYS_GOOD);
}

Test(sign_verify, tells_bodies_and_keys_apart)
{
    KEY_LOCAL *k = keys_fixed();
    unsigned char seed[SIGN_SEED_BYTES] = {1};
    KEY_LOCAL *other = NULL;
    cr_assert_eq(sign_key_make(seed, KEY_CREATED, STR("other"), &other, NULL), ERR_OK);
    BUF_TEST(sig);
    BUF_TEST(armored);
    cr_assert_eq(sign_detached(k, false, STR("body"), SIGNED_AT, &sig, NULL), ERR_OK);
    sign_armor_signature(buf_str(&sig), &armored);
    cr_assert_eq(keys_verdict(k, STR("body"), buf_str(&sig)), KEYS_GOOD);
    cr_assert_eq(keys_verdict(k, STR("body"), buf_str(&armored)), KEYS_GOOD);
    cr_assert_eq(keys_verdict(k, STR("body\n"), buf_str(&sig)), KEYS_BAD);
    cr_assert_eq(keys_verdict(k, STR(""), buf_str(&armored)), KEYS_BAD);
    cr_assert_eq(keys_verdict(other, STR("body"), buf_str(&sig)), ERR_NOT_FOUND);
}

Test(sign_verify, takes_no_key_for_a_signature_nor_the_reverse)
{
    KEY_LOCAL *k = keys_fixed();
    struct err e;
    for (int armored = 0; armored < 2; armored++) {
        BUF_TEST(key);
        BUF_TEST(sig);
        BUF_TEST(sig_armor);
        sign_key_write_public(k, armored, &key);
        cr_assert_eq(keys_verdict(k, STR("x"), buf_str(&key)), ERR_INVALID);
        cr_assert_eq(sign_detached(k, false, STR("x"), SIGNED_AT, &sig, NULL), ERR_OK);
        sign_armor_signature(buf_str(&sig), &sig_armor);
        cr_assert_eq(keys_refused(buf_str(armored ? &sig_armor : &sig), &e), ERR_INVALID);
    }
}

Test(sign_key, refuses_user_ids_and_times_that_openpgp_cannot_hold)
{
    static char longest[2049];
    memset(longest, 'a', sizeof longest);
    const struct str bad[] = {STR_INIT(""),
                              STR_INIT("a\nb"),
                              STR_INIT("\xFF"),
                              STR_INIT("\x7F"),
                              {longest, sizeof longest}};
    unsigned char seed[SIGN_SEED_BYTES] = {7};
    KEY_LOCAL *k = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(sign_key_make(seed, 1, bad[i], &k, NULL), ERR_INVALID, "case %zu", i);
    cr_assert_eq(sign_key_make(seed, (uint64_t)UINT32_MAX + 1, STR("a"), &k, NULL), ERR_INVALID);
    cr_assert_null(k);
    cr_assert_eq(sign_key_make(seed, UINT32_MAX, str_of(longest, 2048), &k, NULL), ERR_OK);
    BUF_TEST(text);
    sign_key_write_secret(k, true, &text);
    KEY_LOCAL *again = keys_read(buf_str(&text));
    cr_assert_eq(sign_key_user_id(again).n, 2048);
}

/* Seeds with zeros in front are shorter as numbers. */
Test(sign_key, round_trips_seeds_with_leading_zeros)
{
    for (size_t zeros = 0; zeros <= SIGN_SEED_BYTES; zeros++) {
        unsigned char seed[SIGN_SEED_BYTES] = {0};
        for (size_t i = zeros; i < sizeof seed; i++)
            seed[i] = (unsigned char)(i + 1);
        KEY_LOCAL *k = NULL;
        BUF_TEST(text);
        BUF_TEST(sig);
        cr_assert_eq(sign_key_make(seed, 1, STR("a"), &k, NULL), ERR_OK);
        sign_key_write_secret(k, false, &text);
        KEY_LOCAL *again = keys_read(buf_str(&text));
        cr_assert_eq(sign_detached(again, false, STR("x"), 2, &sig, NULL), ERR_OK);
        cr_assert_eq(keys_verdict(k, STR("x"), buf_str(&sig)), KEYS_GOOD, "%zu zeros", zeros);
    }
}

Test(sign_key, writing_into_a_full_buffer_is_noticed)
{
    KEY_LOCAL *k = keys_fixed();
    for (size_t room = 0; room < 100; room++) {
        BUF_LOCAL(small, room);
        sign_key_write_public(k, room % 2, &small);
        cr_assert(small.failed);
        buf_clear(&small);
        cr_assert_eq(sign_detached(k, false, STR("x"), 1, &small, NULL), ERR_NOMEM);
    }
}
