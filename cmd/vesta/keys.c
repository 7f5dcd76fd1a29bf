#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "command.h"
#include "passphrase.h"
#include "sign/cms.h"
#include "sign/sign.h"

#define KEY_MAX (1u << 16)

static err_code write_new(const char *path, struct str bytes, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot create %s", path);
    ssize_t n = write(fd, bytes.p, bytes.n);
    bool ok = n == (ssize_t)bytes.n && fsync(fd) == 0;
    int errnum = errno;
    close(fd);
    if (ok)
        return ERR_OK;
    unlink(path);
    return err_errno(e, ERR_IO, errnum, "cannot write %s", path);
}

static void print_fingerprint(const struct sign_key *k)
{
    unsigned char f[SIGN_FINGERPRINT_BYTES];
    sign_key_fingerprint(k, f);
    for (size_t i = 0; i < sizeof f; i++)
        printf("%02X", f[i]);
    printf("  %.*s\n", STR_FMT(sign_key_user_id(k)));
}

static err_code make_ed25519(const char *out, const char *user_id, struct err *e)
{
    unsigned char seed[SIGN_SEED_BYTES];
    randombytes_buf(seed, sizeof seed);
    struct sign_key *k;
    err_code c = sign_key_make(seed, (uint64_t)time(NULL), str_c(user_id), &k, e);
    sodium_memzero(seed, sizeof seed);
    if (c)
        return c;
    SECRET_LOCAL(secret, KEY_MAX);
    sign_key_write_secret(k, true, &secret);
    c = secret.failed ? err_set(e, ERR_NOMEM, "out of memory")
                      : write_new(out, buf_str(&secret), e);
    if (!c)
        print_fingerprint(k);
    sign_key_free(k);
    return c;
}

/* The authority's key and certificate: read if the file is there, else made. */
static err_code get_authority(const char *path, struct buf *dst, struct err *e)
{
    struct sign_certificate root = {.now = (uint64_t)time(NULL), .name = "Vesta CA"};
    if (access(path, F_OK) == 0)
        return read_file(path, dst, e);
    randombytes_buf(root.serial, sizeof root.serial);
    err_code c = sign_ca_make(&root, dst, e);
    return c ? c : write_new(path, buf_str(dst), e);
}

static err_code make_cms(const char *out, const char *ca, const char *name, struct err *e)
{
    struct sign_certificate leaf = {.now = (uint64_t)time(NULL), .name = name};
    SECRET_LOCAL(authority, KEY_MAX);
    SECRET_LOCAL(secret, KEY_MAX);
    randombytes_buf(leaf.serial, sizeof leaf.serial);
    err_code c = get_authority(ca, &authority, e);
    if (!c)
        c = sign_ca_issue(buf_str(&authority), &leaf, &secret, e);
    if (!c)
        c = write_new(out, buf_str(&secret), e);
    if (!c)
        printf("%s: a code-signing key and its certificates; `vesta key import %s` takes it\n"
               "%s: the authority, which only makes more of them: keep it apart\n",
               out, out, ca);
    return c;
}

int command_keygen(int argc, char **argv)
{
    const char *out = "", *user_id = "", *ca = "ca.pem";
    const struct flag flags[] = {
        {"out", FLAG_TEXT, &out, false, "FILE",
         "the secret key, readable by you only (default: signing.key or cms.pem)"},
        {"user-id", FLAG_TEXT, &user_id, false, "TEXT", "whose key it is"},
        {"ca", FLAG_TEXT, &ca, false, "FILE",
         "cms: the authority's key, which is made if it is not there"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    int n = flags_parse(argc, argv, flags, 0, 1, rest, &status);
    if (n < 0)
        return status;
    bool cms = n == 1 && strcmp(rest[0], "cms") == 0;
    if (n == 1 && !cms && strcmp(rest[0], "ed25519") != 0) {
        fprintf(stderr, "vesta keygen: the kinds of keys that there are: ed25519, cms\n");
        return EXIT_USAGE;
    }
    struct err e = ERR_INIT;
    if (sodium_init() < 0) {
        err_set(&e, ERR_IO, "libsodium cannot start: the system gives no random bytes");
        return complain(&e);
    }
    err_code c =
        cms ? make_cms(out[0] ? out : "cms.pem", ca, user_id[0] ? user_id : "Vesta code signing",
                       &e)
            : make_ed25519(out[0] ? out : "signing.key", user_id[0] ? user_id : "Vesta", &e);
    return c ? complain(&e) : EXIT_DONE;
}
