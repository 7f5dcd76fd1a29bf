#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "command.h"
#include "service/keyring.h"
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

int command_keygen(int argc, char **argv)
{
    const char *out = "signing.key", *user_id = "Vesta";
    const struct flag flags[] = {
        {"out", FLAG_TEXT, &out, false, "FILE", "the secret key, readable by you only"},
        {"user-id", FLAG_TEXT, &user_id, false, "TEXT", "whose key it is"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    int n = flags_parse(argc, argv, flags, 0, 1, rest, &status);
    if (n < 0)
        return status;
    if (n == 1 && strcmp(rest[0], "ed25519") != 0) {
        fprintf(stderr, "vesta keygen: the kind of key that there is: ed25519\n");
        return EXIT_USAGE;
    }
    struct err e = ERR_INIT;
    unsigned char seed[SIGN_SEED_BYTES];
    if (sodium_init() < 0) {
        err_set(&e, ERR_IO, "libsodium cannot start: the system gives no random bytes");
        return complain(&e);
    }
    randombytes_buf(seed, sizeof seed);
    struct sign_key *k;
    err_code c = sign_key_make(seed, (uint64_t)time(NULL), str_c(user_id), &k, &e);
    sodium_memzero(seed, sizeof seed);
    if (c)
        return complain(&e);
    BUF_LOCAL(secret, KEY_MAX);
    sign_key_write_secret(k, true, &secret);
    c = secret.failed ? err_set(&e, ERR_NOMEM, "out of memory")
                      : write_new(out, buf_str(&secret), &e);
    if (secret.p)
        sodium_memzero(secret.p, secret.cap);
    if (!c)
        print_fingerprint(k);
    sign_key_free(k);
    return c ? complain(&e) : EXIT_DONE;
}

#define SIGNED_MAX (1u << 30)

static err_code load_key(const char *path, struct sign_key **ret, struct err *e)
{
    BUF_LOCAL(text, 1u << 20);
    err_code c = read_file(path, &text, e);
    if (!c) {
        c = sign_key_read(buf_str(&text), SIGN_NO_PASSPHRASE, ret, e);
        if (c)
            err_in_file(e, path);
    }
    if (text.p)
        sodium_memzero(text.p, text.cap);
    return c;
}

/* The data path's key that makes OpenPGP signatures. */
static void own_key(const char *data_path, char *dst, size_t size)
{
    snprintf(dst, size, "%s/" KEYRING_FOLDER "/openpgp.key", data_path);
    if (access(dst, F_OK) != 0)
        snprintf(dst, size, "%s/" KEYRING_FOLDER "/signing.key", data_path);
}

int command_verify(int argc, char **argv)
{
    const char *key = "", *data_path = DEFAULT_DATA_PATH;
    const struct flag flags[] = {
        {"key", FLAG_TEXT, &key, false, "FILE", "a key (default: the data path's own)"},
        {"data-path", FLAG_TEXT, &data_path, true, "DIR", "where the signing key is"},
        FLAGS_END,
    };
    char *rest[2], own[4096];
    int status;
    if (flags_parse(argc, argv, flags, 2, 2, rest, &status) < 0)
        return status;
    own_key(data_path, own, sizeof own);
    struct err e = ERR_INIT;
    struct sign_key *k = NULL;
    BUF_LOCAL(body, SIGNED_MAX);
    BUF_LOCAL(signature, 1u << 20);
    struct sign_verdict v = {0};
    err_code c = load_key(key[0] ? key : own, &k, &e);
    if (!c)
        c = read_file(rest[0], &body, &e);
    if (!c)
        c = read_file(rest[1], &signature, &e);
    if (!c)
        c = sign_verify(k, buf_str(&body), buf_str(&signature), &v, &e);
    if (!c && !v.good)
        c = err_set(&e, ERR_INVALID, "BAD signature: %s is not what was signed", rest[0]);
    if (!c) {
        char when[32];
        time_t t = (time_t)v.made;
        struct tm tm;
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
        printf("good signature of %s, made %s by ", rest[0], when);
        print_fingerprint(k);
    }
    sign_key_free(k);
    return c ? complain(&e) : EXIT_DONE;
}
