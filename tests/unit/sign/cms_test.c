/* CMS against the real openssl, which knows the form that iPXE takes byte for byte. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gpg.h"
#include "keys.h"
#include "sign/cms.h"

TestSuite(cms, .init = gpg_open, .fini = gpg_close, .timeout = 120);

#define NOW 1790000000u

static void cms_free(struct sign_cms **k)
{
    sign_cms_free(*k);
}
#define CMS_LOCAL __attribute__((cleanup(cms_free))) struct sign_cms

/* A new authority and a signer by it: the text of both. */
static void make_pem(struct buf *ca, struct buf *signer)
{
    struct err e = ERR_INIT;
    const struct sign_certificate root = {NOW, {0x01, 2, 3}, "Vesta CA test"};
    const struct sign_certificate leaf = {NOW, {0xFF, 2, 4}, "Vesta code signing"};
    cr_assert_eq(sign_ca_make(&root, ca, &e), ERR_OK, "%s", e.msg);
    cr_assert_eq(sign_ca_issue(buf_str(ca), &leaf, signer, &e), ERR_OK, "%s", e.msg);
}

static struct sign_cms *read_pem(struct str pem)
{
    struct sign_cms *k = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(sign_cms_read(pem, SIGN_NO_PASSPHRASE, &k, &e), ERR_OK, "%s", e.msg);
    return k;
}

static void refused(struct str pem, const char *says)
{
    struct sign_cms *k = NULL;
    struct err e = ERR_INIT;
    cr_assert_neq(sign_cms_read(pem, SIGN_NO_PASSPHRASE, &k, &e), ERR_OK, "%s", says);
    cr_assert_null(k);
    cr_assert(strstr(e.msg, says), "%s: %s", says, e.msg);
}

static void sign(const struct sign_cms *k, struct str body, struct buf *dst)
{
    struct sign_content c;
    struct err e = ERR_INIT;
    sign_content_start(&c, false);
    sign_content_add(&c, body);
    cr_assert_eq(sign_cms_detached(k, &c, dst, &e), ERR_OK, "%s", e.msg);
    cr_assert_leq(dst->n, SIGN_CMS_MAX);
}

static void write_root(const struct sign_cms *k, const char *name)
{
    BUF_TEST(root);
    sign_cms_write_root(k, &root);
    gpg_write_file(name, buf_str(&root));
}

static int openssl_verify(void)
{
    return RUN("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "f.cms", "-content",
               "f", "-CAfile", "root", "-purpose", "any", "-attime", "1790000000", "-out",
               "/dev/null");
}

static const struct str bodies[] = {
    STR_INIT("#!ipxe\nboot\n"),
    STR_INIT(""),
    STR_INIT("\0\xFF\r\n binary without an end"),
};

Test(cms, openssl_takes_it)
{
    BUF_TEST(ca);
    BUF_TEST(pem);
    make_pem(&ca, &pem);
    CMS_LOCAL *k = read_pem(buf_str(&pem));
    write_root(k, "root");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        BUF_TEST(sig);
        sign(k, bodies[i], &sig);
        gpg_write_file("f", bodies[i]);
        gpg_write_file("f.cms", buf_str(&sig));
        cr_assert_eq(openssl_verify(), 0, "%s", gpg_output());
        gpg_write_file("f", STR("another"));
        cr_assert_neq(openssl_verify(), 0);
        gpg_write_file("f", bodies[i]);
        sig.p[sig.n - 1] ^= 1;
        gpg_write_file("f.cms", buf_str(&sig));
        cr_assert_neq(openssl_verify(), 0, "a changed signature");
    }
}

/* iPXE skips signed attributes, so the one form that it takes is the one without. */
Test(cms, openssl_makes_the_same_bytes)
{
    BUF_TEST(ca);
    BUF_TEST(pem);
    BUF_TEST(ours);
    BUF_TEST(theirs);
    make_pem(&ca, &pem);
    CMS_LOCAL *k = read_pem(buf_str(&pem));
    write_root(k, "root");
    gpg_write_file("signer", buf_str(&pem));
    gpg_write_file("f", bodies[2]);
    cr_assert_eq(RUN("openssl", "cms", "-sign", "-binary", "-noattr", "-md", "sha256", "-in", "f",
                     "-signer", "signer", "-inkey", "signer", "-certfile", "root", "-outform",
                     "DER", "-out", "theirs"),
                 0, "%s", gpg_output());
    gpg_read_file("theirs", &theirs);
    sign(k, bodies[2], &ours);
    cr_assert_eq(ours.n, theirs.n);
    cr_assert_eq(memcmp(ours.p, theirs.p, ours.n), 0);
}

Test(cms, certificates_say_what_ipxe_looks_for)
{
    BUF_TEST(ca);
    BUF_TEST(pem);
    make_pem(&ca, &pem);
    CMS_LOCAL *k = read_pem(buf_str(&pem));
    struct sign_cms_info info;
    sign_cms_describe(k, &info);
    cr_assert(str_is(info.name, "Vesta code signing"));
    cr_assert_eq(info.not_before, NOW - 86400);
    cr_assert_eq(info.until, NOW + 10ull * 36525 * 864);
    write_root(k, "root");
    cr_assert_eq(RUN("openssl", "x509", "-in", "root", "-noout", "-text"), 0);
    cr_assert(strstr(gpg_output(), "CA:TRUE, pathlen:0"), "%s", gpg_output());
    cr_assert(strstr(gpg_output(), "Certificate Sign"), "%s", gpg_output());
    BUF_TEST(chain);
    sign_cms_write_chain(k, &chain);
    gpg_write_file("chain", buf_str(&chain));
    cr_assert_eq(RUN("openssl", "x509", "-in", "chain", "-noout", "-text"), 0);
    cr_assert(strstr(gpg_output(), "Code Signing"), "%s", gpg_output());
    cr_assert(strstr(gpg_output(), "Digital Signature\n"), "%s", gpg_output());
    cr_assert(strstr(gpg_output(), "CA:FALSE"), "%s", gpg_output());
    cr_assert(strstr(gpg_output(), "Public-Key: (2048 bit)"), "%s", gpg_output());
    cr_assert_eq(RUN("openssl", "verify", "-CAfile", "root", "-purpose", "any", "-attime",
                     "1790000000", "-x509_strict", "chain"),
                 0, "%s", gpg_output());
}

static int verdict(struct str roots, struct str body, struct str signature, uint64_t now)
{
    struct sign_verdict v = {0};
    err_code c = sign_cms_verify(roots, body, signature, now, &v, NULL);
    return c ? (int)c : v.good ? KEYS_GOOD : KEYS_BAD;
}

Test(cms, is_verified_here_too)
{
    BUF_TEST(ca);
    BUF_TEST(pem);
    BUF_TEST(sig);
    BUF_TEST(root);
    BUF_TEST(ca2);
    BUF_TEST(pem2);
    BUF_TEST(root2);
    make_pem(&ca, &pem);
    make_pem(&ca2, &pem2);
    CMS_LOCAL *k = read_pem(buf_str(&pem));
    CMS_LOCAL *rogue = read_pem(buf_str(&pem2));
    sign_cms_write_root(k, &root);
    sign_cms_write_root(rogue, &root2);
    sign(k, bodies[0], &sig);
    cr_assert_eq(verdict(buf_str(&root), bodies[0], buf_str(&sig), NOW), KEYS_GOOD);
    cr_assert_eq(verdict(buf_str(&root), bodies[1], buf_str(&sig), NOW), KEYS_BAD);
    int got = verdict(buf_str(&root2), bodies[0], buf_str(&sig), NOW);
    cr_assert_eq(got, ERR_DENIED, "%d", got);
    uint64_t later = NOW + 11ull * 36525 * 864;
    cr_assert_eq(verdict(buf_str(&root), bodies[0], buf_str(&sig), later), ERR_DENIED);
    cr_assert_eq(verdict(buf_str(&root), bodies[0], STR("0\x82"), NOW), ERR_INVALID);
    cr_assert_eq(verdict(STR("x"), bodies[0], buf_str(&sig), NOW), ERR_INVALID);
}

/* --- keys of one's own --------------------------------------------------------------------------
 */

/* openssl's way to an authority, an intermediate one, and a certificate with such extensions. */
static void openssl_chain(const char *extensions)
{
    gpg_write_file("ca.ext", STR("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n"));
    gpg_write_file("leaf.ext", str_c(extensions));
    cr_assert_eq(
        RUN("sh", "-c",
            "set -e; for n in root mid leaf; do openssl req -newkey rsa:2048 -nodes -keyout $n.key "
            "-subj /CN=$n -out $n.req; done; "
            "openssl x509 -req -in root.req -key root.key -days 999 -extfile ca.ext -out root.crt; "
            "openssl x509 -req -in mid.req -CA root.crt -CAkey root.key -CAcreateserial -days 999 "
            "-extfile ca.ext -out mid.crt; "
            "openssl x509 -req -in leaf.req -CA mid.crt -CAkey mid.key -CAcreateserial -days 999 "
            "-extfile leaf.ext -out leaf.crt"),
        0, "%s", gpg_output());
}

static void cat(struct buf *dst, const char *names)
{
    char command[200];
    buf_clear(dst);
    snprintf(command, sizeof command, "cat %s >all", names);
    cr_assert_eq(RUN("sh", "-c", command), 0);
    gpg_read_file("all", dst);
}

#define CODE_SIGNING "keyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n"

Test(cms, chains_of_others_are_taken_whole_and_in_any_order)
{
    static const char *const orders[] = {"leaf.key leaf.crt mid.crt root.crt",
                                         "root.crt mid.crt leaf.crt leaf.key"};
    BUF_TEST(pem);
    BUF_TEST(sig);
    openssl_chain(CODE_SIGNING);
    for (int i = 0; i < 2; i++) {
        cat(&pem, orders[i]);
        CMS_LOCAL *k = read_pem(buf_str(&pem));
        write_root(k, "root");
        buf_clear(&sig);
        sign(k, bodies[0], &sig);
        gpg_write_file("f", bodies[0]);
        gpg_write_file("f.cms", buf_str(&sig));
        cr_assert_eq(RUN("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "f.cms",
                         "-content", "f", "-CAfile", "root", "-purpose", "any", "-out",
                         "/dev/null"),
                     0, "%s", gpg_output());
        /* What is kept of it can be read again. */
        BUF_TEST(kept);
        cr_assert_eq(sign_cms_write_secret(k, &kept, NULL), ERR_OK);
        CMS_LOCAL *again = read_pem(buf_str(&kept));
        cr_assert_not_null(again);
    }
}

Test(cms, chains_that_ipxe_would_refuse_are_refused)
{
    BUF_TEST(pem);
    openssl_chain(CODE_SIGNING);
    cat(&pem, "leaf.key leaf.crt mid.crt");
    refused(buf_str(&pem), "does not reach a root");
    cat(&pem, "leaf.key leaf.crt root.crt");
    refused(buf_str(&pem), "does not reach a root");
    cat(&pem, "mid.key leaf.crt mid.crt root.crt");
    refused(buf_str(&pem), "not for signing code");
    cat(&pem, "root.key leaf.crt mid.crt");
    refused(buf_str(&pem), "belongs to none");
    cat(&pem, "leaf.crt mid.crt root.crt");
    refused(buf_str(&pem), "no private key");
    cat(&pem, "leaf.key");
    refused(buf_str(&pem), "no certificate");
    cat(&pem, "root.key root.crt");
    refused(buf_str(&pem), "not for signing code");
    openssl_chain("keyUsage=digitalSignature\n");
    cat(&pem, "leaf.key leaf.crt mid.crt root.crt");
    refused(buf_str(&pem), "codeSigning");
    openssl_chain("extendedKeyUsage=codeSigning\nkeyUsage=keyEncipherment\n");
    cat(&pem, "leaf.key leaf.crt mid.crt root.crt");
    refused(buf_str(&pem), "digitalSignature");
}

Test(cms, encrypted_and_other_keys_are_told)
{
    BUF_TEST(pem);
    struct sign_cms *k = NULL;
    struct err e = ERR_INIT;
    openssl_chain(CODE_SIGNING);
    cr_assert_eq(RUN("openssl", "pkcs8", "-topk8", "-in", "leaf.key", "-out", "enc.key", "-passout",
                     "pass:open sesame"),
                 0, "%s", gpg_output());
    cat(&pem, "enc.key leaf.crt mid.crt root.crt");
    refused(buf_str(&pem), "--passphrase-file");
    cr_assert_eq(sign_cms_read(buf_str(&pem), STR("wrong"), &k, &e), ERR_DENIED, "%s", e.msg);
    cr_assert(strstr(e.msg, "passphrase is wrong"), "%s", e.msg);
    cr_assert_eq(sign_cms_read(buf_str(&pem), STR("open sesame"), &k, &e), ERR_OK, "%s", e.msg);
    sign_cms_free(k);
    cr_assert_eq(RUN("openssl", "genpkey", "-algorithm", "ed25519", "-out", "ed.key"), 0);
    cat(&pem, "ed.key leaf.crt mid.crt root.crt");
    refused(buf_str(&pem), "not RSA");
    refused(STR("-----BEGIN X-----\n"), "no private key");
    refused(STR(""), "no private key");
}
