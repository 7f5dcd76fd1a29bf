/*
 * packet.h - OpenPGP packets and their fields (RFC 4880, parts 3, 4 and 5.2.3.1).
 *
 * A bounded reader that survives any bytes, and the writers that keys and signatures need. Internal
 * to sign. A reader is a value that points into the bytes it was given and owns nothing.
 */
#ifndef SIGN_PACKET_H
#define SIGN_PACKET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Packet tags (RFC 4880, 4.3) that are looked at. */
enum sign_tag {
    SIGN_TAG_SIGNATURE = 2,
    SIGN_TAG_SECRET_KEY = 5,
    SIGN_TAG_PUBLIC_KEY = 6,
    SIGN_TAG_SECRET_SUBKEY = 7,
    SIGN_TAG_MARKER = 10,
    SIGN_TAG_TRUST = 12,
    SIGN_TAG_USER_ID = 13,
};

/*
 * Reads fields one after the other. Reading past the end sets `failed`, which stays, and gives
 * zeros and absent slices: read freely, check once.
 */
struct sign_reader {
    struct str bytes;
    size_t at;    /* of the next field, in bytes */
    size_t start; /* offset of bytes in the whole input, for messages */
    bool failed;
};

static inline struct sign_reader sign_reader_of(struct str bytes, size_t start)
{
    return (struct sign_reader){.bytes = bytes, .start = start};
}
/* Offset of the next field in the whole input. */
static inline size_t sign_reader_offset(const struct sign_reader *r)
{
    return r->start + r->at;
}
static inline bool sign_reader_done(const struct sign_reader *r)
{
    return r->at == r->bytes.n;
}
uint8_t sign_reader_u8(struct sign_reader *r);
uint16_t sign_reader_u16(struct sign_reader *r);
uint32_t sign_reader_u32(struct sign_reader *r);
/* The next n bytes. */
struct str sign_reader_bytes(struct sign_reader *r, size_t n);
/*
 * The bytes of a multiprecision integer (RFC 4880, 3.2). Leading zeros are taken, since gpg has
 * written them: callers pad to the left.
 */
struct str sign_reader_mpi(struct sign_reader *r);

struct sign_packet {
    unsigned tag;
    struct sign_reader body;
    struct str whole; /* with its header */
};
/*
 * The next packet, with an old or a new header (RFC 4880, 4.2). ERR_INVALID with the offset if it
 * is cut off, or its length is partial or indeterminate (which only data packets may have).
 */
err_code sign_packet_read(struct sign_reader *r, struct sign_packet *ret, struct err *e);

struct sign_subpacket {
    unsigned type;
    bool critical;
    struct str data;
};
/* The next signature subpacket; false at the end, and with r->failed if it is cut off. */
bool sign_subpacket_read(struct sign_reader *r, struct sign_subpacket *ret);

void sign_put_u16(struct buf *dst, uint16_t v);
void sign_put_u32(struct buf *dst, uint32_t v);
/* Big-endian bytes as a multiprecision integer: leading zeros go, the bit count is exact. */
void sign_put_mpi(struct buf *dst, const unsigned char *p, size_t n);
/* A packet with a new header. body is less than 4 GiB. */
void sign_put_packet(struct buf *dst, enum sign_tag tag, struct str body);
/* data is at most 190 bytes. */
void sign_put_subpacket(struct buf *dst, unsigned char type, const void *data, unsigned char n);

/* A buffer for secrets is wiped; reserve its room first, so that it never moves. */
void sign_buf_wipe(struct buf *b);
#define SIGN_SECRET_BUF_LOCAL(name, max_bytes)                                                     \
    __attribute__((cleanup(sign_buf_wipe))) struct buf name;                                       \
    buf_init(&name, max_bytes)

#endif
