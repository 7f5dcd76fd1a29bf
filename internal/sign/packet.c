#include "sign/packet.h"

#include <sodium.h>

#include "base/always.h"

/* --- reading ---------------------------------------------------------------------------------- */

struct str sign_reader_bytes(struct sign_reader *r, size_t n)
{
    if (r->failed || n > r->bytes.n - r->at) {
        r->failed = true;
        return (struct str){NULL, 0};
    }
    struct str s = str_of(r->bytes.p + r->at, n);
    r->at += n;
    return s;
}

static uint32_t read_big_endian(struct sign_reader *r, size_t n)
{
    struct str s = sign_reader_bytes(r, n);
    uint32_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

uint8_t sign_reader_u8(struct sign_reader *r)
{
    return (uint8_t)read_big_endian(r, 1);
}

uint16_t sign_reader_u16(struct sign_reader *r)
{
    return (uint16_t)read_big_endian(r, 2);
}

uint32_t sign_reader_u32(struct sign_reader *r)
{
    return read_big_endian(r, 4);
}

struct str sign_reader_mpi(struct sign_reader *r)
{
    size_t bits = sign_reader_u16(r);
    return sign_reader_bytes(r, (bits + 7) / 8);
}

/* Lengths of new packets and of subpackets share this form up to four octets (4.2.2, 5.2.3.1). */
static size_t read_length(struct sign_reader *r, uint8_t first)
{
    if (first < 192)
        return first;
    if (first < 255)
        return ((size_t)(first - 192) << 8) + sign_reader_u8(r) + 192;
    return sign_reader_u32(r);
}

err_code sign_packet_read(struct sign_reader *r, struct sign_packet *ret, struct err *e)
{
    size_t from = r->at;
    size_t offset = sign_reader_offset(r);
    uint8_t header = sign_reader_u8(r);
    if (!(header & 0x80))
        return err_set(e, ERR_INVALID, "byte %zu: not the start of an OpenPGP packet", offset);
    unsigned tag;
    size_t length = 0;
    bool definite = true;
    if (header & 0x40) {
        tag = header & 0x3Fu;
        uint8_t first = sign_reader_u8(r);
        definite = first < 224 || first == 255;
        if (definite)
            length = read_length(r, first);
    } else {
        tag = header >> 2 & 0x0Fu;
        unsigned kind = header & 3u;
        definite = kind != 3;
        if (definite)
            length = read_big_endian(r, (size_t)1 << kind);
    }
    if (!definite)
        return err_set(e, ERR_INVALID, "byte %zu: a packet of type %u with no definite length",
                       offset, tag);
    struct sign_reader body = sign_reader_of((struct str){NULL, 0}, sign_reader_offset(r));
    body.bytes = sign_reader_bytes(r, length);
    if (r->failed)
        return err_set(e, ERR_INVALID, "byte %zu: the packet of type %u is cut off", offset, tag);
    *ret = (struct sign_packet){tag, body, str_sub(r->bytes, from, r->at)};
    return ERR_OK;
}

bool sign_subpacket_read(struct sign_reader *r, struct sign_subpacket *ret)
{
    if (r->failed || sign_reader_done(r))
        return false;
    size_t length = read_length(r, sign_reader_u8(r));
    uint8_t type = sign_reader_u8(r);
    if (length == 0)
        r->failed = true;
    struct str data = sign_reader_bytes(r, length ? length - 1 : 0);
    if (r->failed)
        return false;
    *ret = (struct sign_subpacket){type & 0x7Fu, type & 0x80, data};
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

void sign_put_u16(struct buf *dst, uint16_t v)
{
    buf_add_byte(dst, (char)(v >> 8));
    buf_add_byte(dst, (char)v);
}

void sign_put_u32(struct buf *dst, uint32_t v)
{
    sign_put_u16(dst, (uint16_t)(v >> 16));
    sign_put_u16(dst, (uint16_t)v);
}

void sign_put_mpi(struct buf *dst, const unsigned char *p, size_t n)
{
    while (n && *p == 0) {
        p++;
        n--;
    }
    always(n <= UINT16_MAX / 8);
    size_t bits = n * 8;
    for (unsigned top = n ? *p : 0x80; !(top & 0x80); top <<= 1)
        bits--;
    sign_put_u16(dst, (uint16_t)bits);
    buf_add(dst, p, n);
}

void sign_put_packet(struct buf *dst, enum sign_tag tag, struct str body)
{
    always(body.n <= UINT32_MAX);
    buf_add_byte(dst, (char)(0xC0u | tag));
    if (body.n < 192) {
        buf_add_byte(dst, (char)body.n);
    } else if (body.n < 8384) {
        sign_put_u16(dst, (uint16_t)(body.n - 192 + (192u << 8)));
    } else {
        buf_add_byte(dst, (char)0xFF);
        sign_put_u32(dst, (uint32_t)body.n);
    }
    buf_add_str(dst, body);
}

void sign_put_subpacket(struct buf *dst, unsigned char type, const void *data, unsigned char n)
{
    always(n <= 190);
    buf_add_byte(dst, (char)(n + 1));
    buf_add_byte(dst, (char)type);
    buf_add(dst, data, n);
}

void sign_buf_wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}
