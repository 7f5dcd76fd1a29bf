#include "sign/rsa.h"

#include <nettle/bignum.h>
#include <nettle/rsa.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/always.h"

#define EXPONENT_BITS_MAX 64
#define LIMBS             (SIGN_RSA_BITS_MAX / GMP_NUMB_BITS)
#define SECRETS           6

struct sign_rsa {
    struct rsa_public_key key;
    /*
     * Views of the numbers in `locked`. nettle's p and q are OpenPGP's q and p: then nettle's c,
     * the inverse of its q, is OpenPGP's u.
     */
    struct rsa_private_key secret;
    mp_limb_t (*locked)[LIMBS];
};

err_code sign_rsa_make(struct str n, struct str e_public, struct sign_rsa **ret, struct err *e)
{
    if (n.n > SIGN_RSA_BYTES_MAX + 1 || e_public.n > EXPONENT_BITS_MAX / 8 + 1)
        return err_set(e, ERR_UNSUPPORTED,
                       "the RSA key is larger than %d bits, or its exponent than %d",
                       SIGN_RSA_BITS_MAX, EXPONENT_BITS_MAX);
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "libsodium cannot start: the system gives no random numbers");
    struct sign_rsa *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "no memory for a key");
    rsa_public_key_init(&r->key);
    nettle_mpz_set_str_256_u(r->key.n, n.n, (const uint8_t *)n.p);
    nettle_mpz_set_str_256_u(r->key.e, e_public.n, (const uint8_t *)e_public.p);
    size_t bits = mpz_sizeinbase(r->key.n, 2);
    err_code c = ERR_OK;
    if (bits < SIGN_RSA_BITS_MIN || bits > SIGN_RSA_BITS_MAX)
        c = err_set(e, ERR_UNSUPPORTED, "the RSA key has %zu bits; %d to %d are taken", bits,
                    SIGN_RSA_BITS_MIN, SIGN_RSA_BITS_MAX);
    else if (!mpz_odd_p(r->key.n) || !mpz_odd_p(r->key.e) || mpz_cmp_ui(r->key.e, 3) < 0 ||
             !rsa_public_key_prepare(&r->key))
        c = err_set(e, ERR_INVALID, "the RSA key's numbers cannot be those of a key");
    if (c)
        sign_rsa_free(r);
    else
        *ret = r;
    return c;
}

void sign_rsa_free(struct sign_rsa *r)
{
    if (!r)
        return;
    rsa_public_key_clear(&r->key);
    sodium_free(r->locked); /* secret's numbers are views, which own nothing */
    free(r);
}

/* --- the secret half -------------------------------------------------------------------------- */

static void wipe(mpz_t x)
{
    size_t n = mpz_size(x);
    if (n)
        sodium_memzero(mpz_limbs_modify(x, (mp_size_t)n), n * sizeof(mp_limb_t));
    mpz_clear(x);
}

/* The numbers while they are checked, on the heap. */
struct numbers {
    mpz_t d, p, q, a, b, u, p1, q1;
};

static void numbers_init(struct numbers *x)
{
    mpz_inits(x->d, x->p, x->q, x->a, x->b, x->u, x->p1, x->q1, NULL);
}

static void numbers_wipe(struct numbers *x)
{
    wipe(x->d);
    wipe(x->p);
    wipe(x->q);
    wipe(x->a);
    wipe(x->b);
    wipe(x->u);
    wipe(x->p1);
    wipe(x->q1);
}

/* Is d*e one more than a multiple of m? */
static bool undoes(const struct sign_rsa *r, const mpz_t d, const mpz_t m)
{
    mpz_t x;
    mpz_init(x);
    mpz_mul(x, d, r->key.e);
    mpz_mod(x, x, m);
    bool ok = mpz_cmp_ui(x, 1) == 0;
    wipe(x);
    return ok;
}

/* Fills in what follows from d, p and q; false unless they are the secret half of the key. */
static bool complete(const struct sign_rsa *r, struct numbers *x)
{
    if (!mpz_odd_p(x->p) || !mpz_odd_p(x->q) || mpz_cmp_ui(x->p, 3) < 0 || mpz_cmp_ui(x->q, 3) < 0)
        return false;
    mpz_mul(x->a, x->p, x->q);
    mpz_sub_ui(x->p1, x->p, 1);
    mpz_sub_ui(x->q1, x->q, 1);
    if (mpz_cmp(x->a, r->key.n) != 0 || mpz_cmp(x->d, r->key.n) >= 0 || !undoes(r, x->d, x->p1) ||
        !undoes(r, x->d, x->q1) || !mpz_invert(x->u, x->p, x->q))
        return false;
    mpz_mod(x->a, x->d, x->q1);
    mpz_mod(x->b, x->d, x->p1);
    return true;
}

/* Moves a number into locked memory; view then reads it from there. */
static void keep(mp_limb_t room[LIMBS], const mpz_t x, mpz_t view)
{
    size_t n = mpz_size(x);
    always(n <= LIMBS);
    if (n)
        memcpy(room, mpz_limbs_read(x), n * sizeof(mp_limb_t));
    mpz_roinit_n(view, room, (mp_size_t)n);
}

err_code sign_rsa_set_secret(struct sign_rsa *r, struct str d, struct str p, struct str q,
                             struct err *e)
{
    always(!r->locked);
    if (d.n > SIGN_RSA_BYTES_MAX + 1 || p.n > SIGN_RSA_BYTES_MAX || q.n > SIGN_RSA_BYTES_MAX)
        return err_set(e, ERR_INVALID, "the secret RSA key's numbers are too large");
    struct numbers x;
    numbers_init(&x);
    nettle_mpz_set_str_256_u(x.d, d.n, (const uint8_t *)d.p);
    nettle_mpz_set_str_256_u(x.p, p.n, (const uint8_t *)p.p);
    nettle_mpz_set_str_256_u(x.q, q.n, (const uint8_t *)q.p);
    err_code c = ERR_OK;
    mp_limb_t(*locked)[LIMBS] = NULL;
    if (!complete(r, &x))
        c = err_set(e, ERR_INVALID, "the secret key does not belong to the public key");
    else if (!(locked = sodium_allocarray(SECRETS, sizeof *locked)))
        c = err_set(e, ERR_NOMEM, "no locked memory for a secret key: see `ulimit -l`");
    if (locked) {
        keep(locked[0], x.d, r->secret.d);
        keep(locked[1], x.q, r->secret.p);
        keep(locked[2], x.p, r->secret.q);
        keep(locked[3], x.a, r->secret.a);
        keep(locked[4], x.b, r->secret.b);
        keep(locked[5], x.u, r->secret.c);
        r->secret.size = r->key.size;
        r->locked = locked;
        sodium_mprotect_readonly(locked);
    }
    numbers_wipe(&x);
    return c;
}

bool sign_rsa_is_secret(const struct sign_rsa *r)
{
    return r->locked != NULL;
}

size_t sign_rsa_bytes(const struct sign_rsa *r)
{
    return r->key.size;
}

/* --- signatures ------------------------------------------------------------------------------- */

static void blinding(void *unused, size_t n, uint8_t *dst)
{
    (void)unused;
    randombytes_buf(dst, n);
}

err_code sign_rsa_sign(const struct sign_rsa *r, const unsigned char digest[SHA256_DIGEST_SIZE],
                       unsigned char ret[SIGN_RSA_BYTES_MAX], struct err *e)
{
    always(r->locked);
    mpz_t s;
    mpz_init(s);
    bool ok = rsa_sha256_sign_digest_tr(&r->key, &r->secret, NULL, blinding, digest, s);
    if (ok)
        nettle_mpz_get_str_256(r->key.size, ret, s);
    mpz_clear(s);
    return ok ? ERR_OK
              : err_set(e, ERR_CORRUPT,
                        "the RSA key made a signature that is wrong: is the memory good?");
}

bool sign_rsa_verify(const struct sign_rsa *r, uint8_t hash, const unsigned char *digest,
                     struct str signature)
{
    if (signature.n == 0 || signature.n > r->key.size)
        return false;
    mpz_t s;
    nettle_mpz_init_set_str_256_u(s, signature.n, (const uint8_t *)signature.p);
    int ok = hash == SIGN_SHA256   ? rsa_sha256_verify_digest(&r->key, digest, s)
             : hash == SIGN_SHA512 ? rsa_sha512_verify_digest(&r->key, digest, s)
             : hash == SIGN_SHA1   ? rsa_sha1_verify_digest(&r->key, digest, s)
                                   : 0;
    mpz_clear(s);
    return ok != 0;
}

size_t sign_rsa_number(const struct sign_rsa *r, enum sign_rsa_number which,
                       unsigned char ret[SIGN_RSA_BYTES_MAX])
{
    const mpz_t *numbers[] = {
        [SIGN_RSA_N] = &r->key.n,    [SIGN_RSA_E] = &r->key.e,    [SIGN_RSA_D] = &r->secret.d,
        [SIGN_RSA_P] = &r->secret.q, [SIGN_RSA_Q] = &r->secret.p, [SIGN_RSA_U] = &r->secret.c,
    };
    always(which <= SIGN_RSA_E || r->locked);
    size_t n = nettle_mpz_sizeinbase_256_u(*numbers[which]);
    always(n <= SIGN_RSA_BYTES_MAX);
    nettle_mpz_get_str_256(n, ret, *numbers[which]);
    return n;
}
