#include "sign/armor.h"

#include "base/enc.h"
#include "sign/packet.h"
#include "sign/sign.h"

#define LINE_BYTES 48 /* 64 columns */
#define CRC_BYTES  3

/* The checksum of RFC 4880, 6.1, as its three bytes. */
static void crc24(struct str s, char ret[CRC_BYTES])
{
    uint32_t crc = 0xB704CE;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (uint32_t)(unsigned char)s.p[i] << 16;
        for (int bit = 0; bit < 8; bit++) {
            crc <<= 1;
            if (crc & 0x1000000)
                crc ^= 0x1864CFB;
        }
    }
    ret[0] = (char)(crc >> 16);
    ret[1] = (char)(crc >> 8);
    ret[2] = (char)crc;
}

void sign_armor_write(const char *kind, struct str bytes, struct buf *dst)
{
    buf_addf(dst, "-----BEGIN PGP %s-----\n\n", kind);
    for (size_t at = 0; at < bytes.n; at += LINE_BYTES) {
        size_t end = bytes.n - at > LINE_BYTES ? at + LINE_BYTES : bytes.n;
        enc_base64(dst, str_sub(bytes, at, end));
        buf_add_byte(dst, '\n');
    }
    char sum[CRC_BYTES];
    crc24(bytes, sum);
    buf_add_byte(dst, '=');
    enc_base64(dst, str_of(sum, sizeof sum));
    buf_addf(dst, "\n-----END PGP %s-----\n", kind);
}

void sign_armor_signature(struct str signature, struct buf *dst)
{
    sign_armor_write("SIGNATURE", signature, dst);
}

void sign_armor_keys(struct str keys, struct buf *dst)
{
    sign_armor_write("PUBLIC KEY BLOCK", keys, dst);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct lines {
    struct str rest;
    struct str line; /* the current one, without the white space at its end */
    int number;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool next_line(struct lines *l)
{
    if (l->rest.n == 0)
        return false;
    l->line = str_cut(l->rest, '\n', &l->rest);
    while (l->line.n && is_space(l->line.p[l->line.n - 1]))
        l->line.n--;
    l->number++;
    return true;
}

/* The KIND of a line "-----BEGIN PGP KIND-----"; absent for any other line. */
static struct str fence_kind(struct str line, struct str opening)
{
    struct str closing = STR("-----");
    if (line.n < opening.n + closing.n || !str_starts(line, opening) || !str_ends(line, closing))
        return (struct str){NULL, 0};
    return str_sub(line, opening.n, line.n - closing.n);
}

static err_code read_opening(struct lines *l, struct str *ret_kind, struct err *e)
{
    do {
        if (!next_line(l))
            return err_set(e, ERR_INVALID,
                           "neither binary OpenPGP nor ASCII armor: there is no line "
                           "\"-----BEGIN PGP ...-----\"");
        *ret_kind = fence_kind(l->line, STR("-----BEGIN PGP "));
    } while (!ret_kind->p);
    do {
        if (!next_line(l))
            return err_at(e, ERR_INVALID, l->number, 0, "the ASCII armor ends in its headers");
        if (l->line.n && str_find(l->line, STR(": "), 0) == l->line.n &&
            !str_ends(l->line, STR(":")))
            return err_at(e, ERR_INVALID, l->number, 0,
                          "an armor header \"Name: value\" or the blank line that ends them is "
                          "expected here");
    } while (l->line.n);
    return ERR_OK;
}

/* Collects the base64 text; *ret_sum is the checksum's four characters, absent if there is none. */
static err_code read_body(struct lines *l, struct str kind, struct buf *base64, struct str *ret_sum,
                          struct err *e)
{
    while (next_line(l)) {
        struct str end = fence_kind(l->line, STR("-----END PGP "));
        if (end.p && str_eq(end, kind))
            return ERR_OK;
        if (end.p || ret_sum->p)
            return err_at(e, ERR_INVALID, l->number, 0, "expected \"-----END PGP %.*s-----\"",
                          STR_FMT(kind));
        if (l->line.n == 5 && l->line.p[0] == '=')
            *ret_sum = str_skip(l->line, 1);
        else
            buf_add_str(base64, l->line);
    }
    return err_at(e, ERR_INVALID, l->number, 0,
                  "the ASCII armor is cut off: \"-----END PGP %.*s-----\" is missing",
                  STR_FMT(kind));
}

static bool sum_is_right(struct str bytes, struct str sum)
{
    char want[CRC_BYTES];
    crc24(bytes, want);
    BUF_LOCAL(got, CRC_BYTES);
    return enc_base64_decode(&got, sum) && str_eq(buf_str(&got), str_of(want, CRC_BYTES));
}

err_code sign_armor_read(struct str text, struct buf *dst, struct str *ret_kind, struct err *e)
{
    struct lines l = {.rest = text};
    struct str kind;
    err_code rc = read_opening(&l, &kind, e);
    if (rc)
        return rc;
    int first = l.number + 1;
    SIGN_SECRET_BUF_LOCAL(base64, text.n);
    if (!buf_reserve(&base64, text.n) || !buf_reserve(dst, l.rest.n / 4 * 3 + 3))
        return err_set(e, ERR_NOMEM, "no memory to decode %zu bytes of ASCII armor", text.n);
    struct str sum = {NULL, 0};
    rc = read_body(&l, kind, &base64, &sum, e);
    if (rc)
        return rc;
    size_t had = dst->n;
    if (!enc_base64_decode(dst, buf_str(&base64)))
        return err_at(e, ERR_INVALID, first, 0,
                      "the base64 text that begins here is damaged (not a multiple of four "
                      "characters, or one that does not belong)");
    if (sum.p && !sum_is_right(str_skip(buf_str(dst), had), sum))
        return err_at(e, ERR_INVALID, l.number, 0,
                      "the ASCII armor's checksum is wrong: the text was changed");
    *ret_kind = kind;
    return ERR_OK;
}
