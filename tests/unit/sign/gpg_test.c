/* Against the real gpg 2 and gpgv: what we write is good there, what they write is good here. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "gpg.h"
#include "keys.h"

TestSuite(gpg, .init = gpg_open, .fini = gpg_close, .timeout = 120);

/* The bodies that every signature is tried on. The last one is 1 MiB of all byte values. */
#define BODIES 6
static struct str body(int i)
{
    static const struct str small[] = {
        STR_INIT("#!ipxe\nkernel a\nboot\n"),
        STR_INIT("#!ipxe\r\nboot\r\n"),
        STR_INIT(""),
        STR_INIT("\0\xFF\r\r\n\n\r binary \x80 no line feed at the end"),
        STR_INIT("  trailing \t \n\n\n"),
    };
    static char big[1 << 20];
    if (i < BODIES - 1)
        return small[i];
    for (size_t k = 0; k < sizeof big; k++)
        big[k] = (char)(k * 2654435761u >> 13);
    return str_of(big, sizeof big);
}

static void write_key(const char *name, const struct sign_key *k, bool secret, bool armored)
{
    BUF_TEST(text);
    (secret ? sign_key_write_secret : sign_key_write_public)(k, armored, &text);
    cr_assert(!text.failed);
    gpg_write_file(name, buf_str(&text));
}

/* f, f.sig and f.asc. */
static void write_signed(const struct sign_key *k, struct str s)
{
    BUF_TEST(sig);
    BUF_TEST(asc);
    cr_assert_eq(sign_detached(k, false, s, SIGNED_AT, &sig, NULL), ERR_OK);
    sign_armor_signature(buf_str(&sig), &asc);
    gpg_write_file("f", s);
    gpg_write_file("f.sig", buf_str(&sig));
    gpg_write_file("f.asc", buf_str(&asc));
}

/* A file of the home: a key of its own, or a verdict on a signature. */
static struct sign_key *read_key(const char *name)
{
    BUF_TEST(text);
    gpg_read_file(name, &text);
    return keys_read(buf_str(&text));
}

static int verdict(const struct sign_key *k, struct str s, const char *name)
{
    BUF_TEST(sig);
    gpg_read_file(name, &sig);
    return keys_verdict(k, s, buf_str(&sig));
}

static err_code refused(const char *name, struct err *e)
{
    BUF_TEST(text);
    gpg_read_file(name, &text);
    return keys_refused(buf_str(&text), e);
}

/* --- what we write ---------------------------------------------------------------------------- */

Test(gpg, imports_our_public_key)
{
    KEY_LOCAL *k = keys_fixed();
    for (int armored = 0; armored < 2; armored++) {
        write_key("key", k, false, armored);
        cr_assert_eq(GPG("--import", "key"), 0, "%s", gpg_output());
        cr_assert_eq(GPG("--with-colons", "--list-keys"), 0);
        cr_assert(strstr(gpg_output(), "9BB5B9567C4514407F0172FE04ED7BFAA46DAD12"), "%s",
                  gpg_output());
        cr_assert(strstr(gpg_output(), KEY_USER_ID), "%s", gpg_output());
        cr_assert(strstr(gpg_output(), ":1700000000:"), "%s", gpg_output());
        cr_assert_eq(GPG("--with-colons", "--check-signatures"), 0);
        cr_assert(strstr(gpg_output(), "sig:!:"), "%s", gpg_output());
        cr_assert_eq(GPG("--yes", "--delete-keys", keys_fingerprint(k)), 0, "%s", gpg_output());
    }
}

Test(gpg, verifies_our_signatures_over_any_body)
{
    KEY_LOCAL *k = keys_fixed();
    write_key("key", k, false, false);
    cr_assert_eq(GPG("--import", "key"), 0, "%s", gpg_output());
    for (int i = 0; i < BODIES; i++) {
        write_signed(k, body(i));
        cr_assert_eq(GPG("--verify", "f.sig", "f"), 0, "body %d: %s", i, gpg_output());
        cr_assert(strstr(gpg_output(), "Good signature"), "body %d: %s", i, gpg_output());
        cr_assert_eq(GPG("--verify", "f.asc", "f"), 0, "body %d: %s", i, gpg_output());
        cr_assert_eq(RUN("gpgv", "--keyring", "./key", "f.sig", "f"), 0, "%s", gpg_output());
        cr_assert_eq(RUN("gpgv", "--keyring", "./key", "f.asc", "f"), 0, "%s", gpg_output());
    }
}

Test(gpg, refuses_a_body_that_was_changed)
{
    KEY_LOCAL *k = keys_fixed();
    write_key("key", k, false, false);
    cr_assert_eq(GPG("--import", "key"), 0, "%s", gpg_output());
    for (int i = 0; i < BODIES; i++) {
        write_signed(k, body(i));
        BUF_TEST(changed);
        buf_add_str(&changed, body(i));
        buf_add_byte(&changed, '\n');
        gpg_write_file("f", buf_str(&changed));
        cr_assert_eq(GPG("--verify", "f.sig", "f"), 1, "body %d: %s", i, gpg_output());
        cr_assert(strstr(gpg_output(), "BAD signature"), "%s", gpg_output());
        cr_assert_neq(RUN("gpgv", "--keyring", "./key", "f.asc", "f"), 0);
        cr_assert_eq(verdict(k, buf_str(&changed), "f.sig"), KEYS_BAD);
    }
}

/*
 * One signature in 128 has a zero byte in front of R or S, which must not be written. After the
 * first 300 only such ones are tried, until there were two of each.
 */
Test(gpg, verifies_300_signatures_and_those_with_leading_zeros)
{
    enum { R = 2 + 6 + 29 + 2 + 10 + 2, WHOLE = 119 };
    KEY_LOCAL *k = keys_fixed();
    write_key("key", k, false, false);
    int short_r = 0, short_s = 0;
    for (unsigned i = 0; i < 300 || short_r < 2 || short_s < 2; i++) {
        BUF_TEST(text);
        BUF_TEST(sig);
        cr_assert_lt(i, 10000, "no leading zeros: %d in R, %d in S", short_r, short_s);
        buf_addf(&text, "payload %u\n", i);
        cr_assert_eq(sign_detached(k, false, buf_str(&text), SIGNED_AT + i, &sig, NULL), ERR_OK);
        cr_assert_eq(keys_verdict(k, buf_str(&text), buf_str(&sig)), KEYS_GOOD, "%u", i);
        if (i >= 300 && sig.n == WHOLE)
            continue;
        int r_bits = (unsigned char)sig.p[R] << 8 | (unsigned char)sig.p[R + 1];
        short_r += r_bits <= 248;
        short_s += sig.n < WHOLE && r_bits > 248;
        gpg_write_file("f", buf_str(&text));
        gpg_write_file("f.sig", buf_str(&sig));
        cr_assert_eq(RUN("gpgv", "--keyring", "./key", "f.sig", "f"), 0, "%u: %s", i, gpg_output());
    }
}

Test(gpg, signs_with_our_secret_key)
{
    KEY_LOCAL *k = keys_fixed();
    for (int armored = 0; armored < 2; armored++) {
        write_key("key", k, true, armored);
        cr_assert_eq(GPG("--import", "key"), 0, "%s", gpg_output());
        for (int i = 0; i < BODIES; i++) {
            gpg_write_file("f", body(i));
            cr_assert_eq(GPG("--yes", "--detach-sign", "f"), 0, "%s", gpg_output());
            cr_assert_eq(verdict(k, body(i), "f.sig"), KEYS_GOOD, "body %d", i);
            cr_assert_eq(verdict(k, STR("another"), "f.sig"), KEYS_BAD, "body %d", i);
        }
        cr_assert_eq(GPG("--yes", "--delete-secret-and-public-key", keys_fingerprint(k)), 0, "%s",
                     gpg_output());
    }
}

/* --- what gpg writes -------------------------------------------------------------------------- */

Test(gpg, its_keys_are_read_and_sign)
{
    gpg_make_key("Žluťoučký <z@example.test>", "ed25519", "sign");
    cr_assert_eq(GPG("--output", "pub", "--export"), 0);
    cr_assert_eq(GPG("--output", "pub.asc", "--armor", "--export"), 0);
    cr_assert_eq(GPG("--output", "sec", "--export-secret-keys"), 0);
    cr_assert_eq(GPG("--output", "sec.asc", "--armor", "--export-secret-keys"), 0);
    static const char *const names[] = {"pub", "pub.asc", "sec", "sec.asc"};
    for (int i = 0; i < 4; i++) {
        KEY_LOCAL *k = read_key(names[i]);
        cr_assert_eq(sign_key_is_secret(k), i >= 2);
        cr_assert(str_is(sign_key_user_id(k), "Žluťoučký <z@example.test>"));
        cr_assert_eq(GPG("--with-colons", "--list-keys"), 0);
        cr_assert(strcasestr(gpg_output(), keys_fingerprint(k)), "%s", gpg_output());
        if (i < 2)
            continue;
        BUF_TEST(sig);
        gpg_write_file("f", body(0));
        cr_assert_eq(sign_detached(k, false, body(0), (uint64_t)time(NULL), &sig, NULL), ERR_OK);
        gpg_write_file("f.sig", buf_str(&sig));
        cr_assert_eq(GPG("--verify", "f.sig", "f"), 0, "%s", gpg_output());
    }
}

Test(gpg, its_signatures_verify_here)
{
    static const char *const digests[] = {"SHA256", "SHA512"};
    gpg_make_key("a", "ed25519", "sign");
    cr_assert_eq(GPG("--output", "pub", "--export"), 0);
    KEY_LOCAL *k = read_key("pub");
    for (int i = 0; i < BODIES; i++) {
        gpg_write_file("f", body(i));
        for (int d = 0; d < 2; d++) {
            cr_assert_eq(GPG("--yes", "--digest-algo", digests[d], "--detach-sign", "f"), 0, "%s",
                         gpg_output());
            cr_assert_eq(verdict(k, body(i), "f.sig"), KEYS_GOOD, "body %d", i);
            cr_assert_eq(GPG("--yes", "--digest-algo", digests[d], "-a", "--detach-sign", "f"), 0);
            cr_assert_eq(verdict(k, body(i), "f.asc"), KEYS_GOOD, "body %d", i);
            cr_assert_eq(verdict(k, STR("another"), "f.asc"), KEYS_BAD, "body %d", i);
        }
    }
}

Test(gpg, its_text_signatures_verify_here)
{
    static const struct str texts[] = {
        STR_INIT("a\nb\n"),
        STR_INIT("a\r\nb\r\n"),
        STR_INIT("no end"),
        STR_INIT(""),
        STR_INIT("\n\n"),
        STR_INIT("mixed\r\nends\n"),
        STR_INIT("trailing \t \nx "),
        STR_INIT("a\rb\n"),
    };
    gpg_make_key("a", "ed25519", "sign");
    cr_assert_eq(GPG("--output", "pub", "--export"), 0);
    KEY_LOCAL *k = read_key("pub");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        gpg_write_file("f", texts[i]);
        cr_assert_eq(GPG("--yes", "--textmode", "--detach-sign", "f"), 0, "%s", gpg_output());
        cr_assert_eq(verdict(k, texts[i], "f.sig"), KEYS_GOOD, "text %zu", i);
    }
    /* A text signature does not tell line ends apart; that is what it is for. */
    gpg_write_file("f", STR("a\nb\n"));
    cr_assert_eq(GPG("--yes", "--textmode", "--detach-sign", "f"), 0, "%s", gpg_output());
    cr_assert_eq(verdict(k, STR("a\r\nb\r\n"), "f.sig"), KEYS_GOOD);
    cr_assert_eq(verdict(k, STR("a\nb"), "f.sig"), KEYS_BAD);
}

Test(gpg, signatures_that_we_cannot_check_are_told_apart)
{
    struct sign_verdict v;
    struct err e = ERR_INIT;
    gpg_make_key("a", "ed25519", "sign");
    cr_assert_eq(GPG("--output", "pub", "--export"), 0);
    KEY_LOCAL *k = read_key("pub");
    KEY_LOCAL *other = keys_fixed();
    gpg_write_file("f", body(0));
    cr_assert_eq(GPG("--digest-algo", "SHA384", "--detach-sign", "f"), 0, "%s", gpg_output());
    cr_assert_eq(verdict(other, body(0), "f.sig"), ERR_NOT_FOUND);
    BUF_TEST(sig);
    gpg_read_file("f.sig", &sig);
    cr_assert_eq(sign_verify(k, body(0), buf_str(&sig), &v, &e), ERR_UNSUPPORTED);
    cr_assert(strstr(e.msg, "--digest-algo SHA256"), "%s", e.msg);
    cr_assert_eq(GPG("--yes", "--default-sig-expire", "1d", "--detach-sign", "f"), 0, "%s",
                 gpg_output());
    buf_clear(&sig);
    gpg_read_file("f.sig", &sig);
    cr_assert_eq(sign_verify(k, body(0), buf_str(&sig), &v, &e), ERR_UNSUPPORTED);
    cr_assert(strstr(e.msg, "expiry"), "%s", e.msg);
}

/* The self-signature of the change is the newer one, and comes along when we write the key. */
Test(gpg, the_newest_self_signature_is_kept)
{
    gpg_make_key("a", "ed25519", "sign");
    cr_assert_eq(GPG("--output", "pub", "--export"), 0);
    KEY_LOCAL *k = read_key("pub");
    cr_assert_eq(GPG("--faked-system-time", "20400101T000000!", "--quick-set-expire",
                     keys_fingerprint(k), "20410101T000000"),
                 0, "%s", gpg_output());
    cr_assert_eq(GPG("--output", "both", "--export"), 0);
    KEY_LOCAL *changed = read_key("both");
    write_key("ours", changed, false, false);
    cr_assert_eq(GPG("--with-colons", "--show-keys", "ours"), 0);
    cr_assert(strstr(gpg_output(), ":2240611200:"), "expiry 2041-01-01: %s", gpg_output());
}

Test(gpg, subkeys_and_further_user_ids_are_passed_over)
{
    cr_assert_eq(GPG("--passphrase", "", "--quick-generate-key", "first", "future-default",
                     "default", "never"),
                 0, "%s", gpg_output());
    cr_assert_eq(GPG("--quick-add-uid", "first", "second"), 0, "%s", gpg_output());
    cr_assert_eq(GPG("--output", "sec", "--export-secret-keys"), 0);
    KEY_LOCAL *k = read_key("sec");
    cr_assert(sign_key_is_secret(k));
    struct str id = sign_key_user_id(k);
    cr_assert(str_is(id, "first") || str_is(id, "second"), "%.*s", STR_FMT(id));
    cr_assert_eq(GPG("--output", "sub", "--export-secret-subkeys"), 0, "%s", gpg_output());
    struct err e;
    cr_assert_eq(refused("sub", &e), ERR_UNSUPPORTED);
    cr_assert(strstr(e.msg, "not in this file"), "%s", e.msg);
}

static err_code read_with(const char *name, struct str passphrase, struct sign_key **ret,
                          struct err *e)
{
    BUF_TEST(text);
    gpg_read_file(name, &text);
    return sign_key_read(buf_str(&text), passphrase, ret, e);
}

/* A signature by our reading of the key, of either class, is one that gpg takes. */
static void check_it_signs(const struct sign_key *k)
{
    for (int i = 0; i < BODIES - 1; i++)
        for (int text = 0; text < 2; text++) {
            /* Where gpg and matchbox differ about CR: see digest.c. */
            if (text && str_find(body(i), STR("\r\r"), 0) < body(i).n)
                continue;
            BUF_TEST(sig);
            gpg_write_file("f", body(i));
            cr_assert_eq(sign_detached(k, text, body(i), (uint64_t)time(NULL), &sig, NULL), ERR_OK);
            cr_assert_leq(sig.n, SIGN_SIGNATURE_MAX);
            gpg_write_file("f.sig", buf_str(&sig));
            cr_assert_eq(GPG("--verify", "f.sig", "f"), 0, "%s", gpg_output());
            cr_assert_eq(verdict(k, body(i), "f.sig"), KEYS_GOOD);
            cr_assert_eq(verdict(k, STR("another"), "f.sig"), KEYS_BAD);
            gpg_write_file("f", STR("another"));
            cr_assert_eq(GPG("--verify", "f.sig", "f"), 1, "%s", gpg_output());
        }
}

Test(gpg, encrypted_secret_keys_open_with_their_passphrase)
{
    static const char *const algorithms[] = {"ed25519", "rsa2048"};
    for (int i = 0; i < 2; i++) {
        struct err e = ERR_INIT;
        KEY_LOCAL *k = NULL;
        cr_assert_eq(GPG("--pinentry-mode", "loopback", "--passphrase", "open sesame",
                         "--quick-generate-key", algorithms[i], algorithms[i], "sign", "never"),
                     0, "%s", gpg_output());
        cr_assert_eq(GPG("--yes", "--pinentry-mode", "loopback", "--passphrase", "open sesame",
                         "--output", "sec", "--export-secret-keys", algorithms[i]),
                     0, "%s", gpg_output());
        cr_assert_eq(read_with("sec", SIGN_NO_PASSPHRASE, &k, &e), ERR_DENIED);
        cr_assert(strstr(e.msg, "--passphrase-file"), "%s", e.msg);
        cr_assert_eq(read_with("sec", STR("open sesami"), &k, &e), ERR_DENIED);
        cr_assert(strstr(e.msg, "passphrase is wrong"), "%s", e.msg);
        cr_assert_eq(read_with("sec", STR(""), &k, &e), ERR_DENIED);
        cr_assert_null(k);
        cr_assert_eq(read_with("sec", STR("open sesame"), &k, &e), ERR_OK, "%s", e.msg);
        cr_assert(strstr(e.msg, keys_fingerprint(k)), "%s", e.msg);
        cr_assert_eq(sign_key_is_rsa(k), i == 1);
        check_it_signs(k);
    }
}

Test(gpg, rsa_keys_of_all_sizes_sign)
{
    static const char *const algorithms[] = {"rsa2048", "rsa3072", "rsa4096"};
    for (int i = 0; i < 3; i++) {
        gpg_make_key(algorithms[i], algorithms[i], "sign");
        cr_assert_eq(GPG("--yes", "-a", "--output", "sec", "--export-secret-keys", algorithms[i]),
                     0);
        KEY_LOCAL *k = read_key("sec");
        check_it_signs(k);
        /* What we write of it, gpg reads. */
        write_key("ours", k, true, true);
        KEY_LOCAL *again = read_key("ours");
        cr_assert_str_eq(keys_fingerprint(again), keys_fingerprint(k));
        cr_assert_eq(GPG("--yes", "--pinentry-mode", "loopback", "--delete-secret-keys",
                         keys_fingerprint(k)),
                     0, "%s", gpg_output());
        cr_assert_eq(GPG("--import", "ours"), 0, "%s", gpg_output());
        gpg_write_file("f", body(0));
        cr_assert_eq(GPG("--yes", "-u", algorithms[i], "--detach-sign", "f"), 0, "%s",
                     gpg_output());
        cr_assert_eq(verdict(k, body(0), "f.sig"), KEYS_GOOD);
    }
}

/* The text class does not tell LF from CR LF; the binary class does. */
Test(gpg, our_text_signatures_are_of_the_text_class)
{
    KEY_LOCAL *k = keys_fixed();
    for (int text = 0; text < 2; text++) {
        BUF_TEST(sig);
        cr_assert_eq(sign_detached(k, text, STR("a\nb\n"), SIGNED_AT, &sig, NULL), ERR_OK);
        cr_assert_eq(keys_verdict(k, STR("a\r\nb\r\n"), buf_str(&sig)),
                     text ? KEYS_GOOD : KEYS_BAD);
        gpg_write_file("f.sig", buf_str(&sig));
        cr_assert_eq(GPG("--list-packets", "f.sig"), 0, "%s", gpg_output());
        cr_assert(strstr(gpg_output(), text ? "sigclass 0x01" : "sigclass 0x00"), "%s",
                  gpg_output());
    }
}

/* A key to certify with a subkey to sign, as careful people have it. */
Test(gpg, a_primary_key_that_may_not_sign_is_refused)
{
    struct err e;
    gpg_make_key("careful", "ed25519", "cert");
    cr_assert_eq(GPG("--output", "sec", "--export-secret-keys"), 0);
    cr_assert_eq(refused("sec", &e), ERR_UNSUPPORTED);
    cr_assert(strstr(e.msg, "may only certify"), "%s", e.msg);
    cr_assert_eq(GPG("--output", "pub", "--export"), 0);
    KEY_LOCAL *k = read_key("pub");
    cr_assert(!sign_key_is_secret(k));
}

Test(gpg, keys_of_other_algorithms_are_refused_with_what_to_do)
{
    static const struct {
        const char *algorithm, *says;
    } cases[] = {{"rsa1024", "2048 to 4096"}, {"nistp256", "19 (ECDSA)"}, {"dsa1024", "17 (DSA)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e;
        gpg_make_key(cases[i].algorithm, cases[i].algorithm, "sign");
        for (int secret = 0; secret < 2; secret++) {
            cr_assert_eq(GPG("--yes", "--output", "key",
                             secret ? "--export-secret-keys" : "--export", cases[i].algorithm),
                         0, "%s", gpg_output());
            cr_assert_eq(refused("key", &e), ERR_UNSUPPORTED);
            cr_assert(strstr(e.msg, cases[i].says), "%s", e.msg);
        }
    }
}
