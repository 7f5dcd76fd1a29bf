/*
 * enc.h - text encodings of bytes: base64 (RFC 4648, padded, standard alphabet) and hex.
 */
#ifndef BASE_ENC_H
#define BASE_ENC_H

#include "base/buf.h"

void enc_base64(struct buf *dst, struct str s);
/* Strict: padding must be there, no white space, no stray bits. False and dst as it was otherwise.
 */
bool enc_base64_decode(struct buf *dst, struct str s);
/* Lower-case hex. */
void enc_hex(struct buf *dst, struct str s);
/* Value of a hex digit, or -1. */
int enc_hex_digit(char c);
/* %XX and, if plus_is_space, '+'. False on a bad escape; dst is then as it was. */
bool enc_percent_decode(struct buf *dst, struct str s, bool plus_is_space);

#endif
