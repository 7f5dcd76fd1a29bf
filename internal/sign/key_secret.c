#include "sign/key.h"
#include "sign/protect.h"

/* The secret numbers of a key packet that are not encrypted, or no longer. */
static err_code take_seed(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    struct str number = sign_reader_mpi(r);
    if (r->failed || number.n > SIGN_SEED_BYTES)
        return err_set(e, ERR_INVALID, "byte %zu: the secret key does not parse", offset);
    unsigned char said[crypto_sign_PUBLICKEYBYTES];
    memcpy(said, k->public_key, sizeof said);
    unsigned char seed[SIGN_SEED_BYTES] = {0};
    if (number.n)
        memcpy(seed + sizeof seed - number.n, number.p, number.n);
    err_code rc = sign_key_set_seed(k, seed, e);
    sodium_memzero(seed, sizeof seed);
    if (!rc && memcmp(said, k->public_key, sizeof said) != 0)
        rc =
            err_set(e, ERR_INVALID,
                    "byte %zu: the secret key does not belong to the public key before it", offset);
    return rc;
}

/* d, p, q, and the inverse of p modulo q, which follows from them. */
static err_code take_rsa(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    size_t offset = sign_reader_offset(r);
    struct str d = sign_reader_mpi(r);
    struct str p = sign_reader_mpi(r);
    struct str q = sign_reader_mpi(r);
    sign_reader_mpi(r);
    if (r->failed)
        return err_set(e, ERR_INVALID, "byte %zu: the secret key does not parse", offset);
    err_code rc = sign_rsa_set_secret(k->rsa, d, p, q, e);
    if (rc)
        err_prefix(e, "byte %zu", offset);
    return rc;
}

static err_code take_numbers(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    return k->rsa ? take_rsa(r, k, e) : take_seed(r, k, e);
}

static err_code read_plain(struct sign_reader *r, struct sign_key *k, struct err *e)
{
    sign_reader_u8(r);
    struct sign_reader numbers = *r;
    size_t offset = sign_reader_offset(r);
    for (int left = k->rsa ? 4 : 1; left; left--)
        sign_reader_mpi(r);
    struct str summed = str_sub(r->bytes, numbers.at, r->at);
    uint16_t sum = sign_reader_u16(r);
    if (r->failed)
        return err_set(e, ERR_INVALID, "byte %zu: the secret key does not parse", offset);
    if (sum != sign_checksum(summed))
        return err_set(e, ERR_INVALID, "byte %zu: the secret key's checksum is wrong", offset);
    return take_numbers(&numbers, k, e);
}

err_code sign_key_read_secret(struct sign_reader *r, struct str passphrase, struct sign_key *k,
                              struct err *e)
{
    if (!sign_reader_done(r) && (unsigned char)r->bytes.p[r->at] == SIGN_USAGE_PLAIN)
        return read_plain(r, k, e);
    char id[2 * SIGN_FINGERPRINT_BYTES + 1];
    sign_key_hex(k, id);
    size_t room = r->bytes.n;
    SIGN_SECRET_BUF_LOCAL(numbers, room);
    if (!buf_reserve(&numbers, room))
        return err_set(e, ERR_NOMEM, "no memory for a key");
    size_t offset = sign_reader_offset(r);
    err_code rc = sign_unprotect(r, passphrase, id, &numbers, e);
    if (rc)
        return rc;
    struct sign_reader inside = sign_reader_of(buf_str(&numbers), 0);
    rc = take_numbers(&inside, k, NULL);
    if (rc == ERR_NOMEM)
        return err_set(e, rc, "no memory for a key");
    if (rc || !sign_reader_done(&inside))
        return err_set(e, ERR_INVALID,
                       "byte %zu: the passphrase opens the secret key, but what is inside does not "
                       "belong to the public key",
                       offset);
    return ERR_OK;
}

void sign_key_put_secret(const struct sign_key *k, struct buf *dst)
{
    static const enum sign_rsa_number order[] = {SIGN_RSA_D, SIGN_RSA_P, SIGN_RSA_Q, SIGN_RSA_U};
    buf_add_byte(dst, SIGN_USAGE_PLAIN);
    size_t from = dst->n;
    if (k->rsa) {
        unsigned char bytes[SIGN_RSA_BYTES_MAX];
        for (size_t i = 0; i < sizeof order / sizeof *order; i++)
            sign_put_mpi(dst, bytes, sign_rsa_number(k->rsa, order[i], bytes));
        sodium_memzero(bytes, sizeof bytes);
    } else {
        sign_put_mpi(dst, k->secret_key, SIGN_SEED_BYTES);
    }
    sign_put_u16(dst, sign_checksum(str_skip(buf_str(dst), from)));
}
