/*
 * Addresses: cidrhost, cidrnetmask and cidrsubnet of Terraform.
 *
 * A prefix is kept as its address in the low bits of a 128-bit number, for IPv4 in the lowest 32.
 */
#include <arpa/inet.h>

#include "tmpl/func.h"

typedef unsigned __int128 address;

struct prefix {
    address base;  /* the bits after the prefix are 0 */
    unsigned bits; /* of an address: 32 or 128 */
    unsigned len;  /* of the prefix */
};

/* All ones in the lowest n bits, n at most 128. */
static address low_ones(unsigned n)
{
    return n == 128 ? ~(address)0 : ((address)1 << n) - 1;
}

static bool parse_address(struct str s, struct prefix *ret)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    bool v6 = memchr(text, ':', s.n) != NULL;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
        return false;
    ret->bits = v6 ? 128 : 32;
    ret->base = 0;
    for (unsigned i = 0; i < ret->bits / 8; i++)
        ret->base = ret->base << 8 | bytes[i];
    return true;
}

/* The first argument, an address with a prefix such as 10.0.0.0/8; its host bits are dropped. */
static err_code arg_prefix(struct call *c, struct prefix *ret)
{
    struct str s, rest;
    uint64_t len;
    err_code code = func_arg_str(c, 0, &s);
    if (code)
        return code;
    struct str head = str_cut(s, '/', &rest);
    bool leading_zero = rest.n > 1 && rest.p[0] == '0';
    if (leading_zero || !parse_address(head, ret) || !str_to_u64(rest, ret->bits, &len))
        return err_set(c->e, ERR_RENDER,
                       "argument 1 must be an address and a prefix length, as in 10.1.0.0/16 or "
                       "fd00::/64");
    ret->len = (unsigned)len;
    ret->base &= ~low_ones(ret->bits - ret->len);
    return ERR_OK;
}

/* The longest run of zero groups, if it has at least two, is written "::" (RFC 5952). */
static void add_v6(struct buf *dst, address a)
{
    unsigned group[8], at = 8, longest = 1;
    for (unsigned i = 0; i < 8; i++)
        group[i] = (unsigned)(a >> (112 - 16 * i)) & 0xFFFF;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;
        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n > longest) {
            longest = n;
            at = i;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == at) {
            buf_add_lit(dst, "::");
            i += longest - 1;
            continue;
        }
        if (i && i != at + longest)
            buf_add_byte(dst, ':');
        buf_addf(dst, "%x", group[i]);
    }
}

static void add_address(struct buf *dst, const struct prefix *p, address a)
{
    if (p->bits == 128) {
        add_v6(dst, a);
        return;
    }
    unsigned v4 = (unsigned)a;
    buf_addf(dst, "%u.%u.%u.%u", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255);
}

/* cidrhost PREFIX N: a negative N counts from the last address, which is -1. */
err_code func_cidrhost(struct call *c, struct value *ret)
{
    struct prefix p;
    int64_t n;
    err_code code = arg_prefix(c, &p);
    if (!code)
        code = func_arg_int(c, 1, &n);
    if (code)
        return code;
    address last = low_ones(p.bits - p.len);
    address host = n < 0 ? (address)(-(n + 1)) : (address)n;
    if (host > last)
        return err_set(c->e, ERR_RENDER, "a prefix of %u bits has no host of that number", p.len);
    if (n < 0)
        host = last - host;
    add_address(c->text, &p, p.base | host);
    return func_text(c, func_marked(c), ret);
}

err_code func_cidrnetmask(struct call *c, struct value *ret)
{
    struct prefix p;
    err_code code = arg_prefix(c, &p);
    if (code)
        return code;
    if (p.bits != 32)
        return err_set(c->e, ERR_RENDER, "only IPv4 has netmasks; IPv6 has prefix lengths");
    add_address(c->text, &p, ~low_ones(32 - p.len));
    return func_text(c, func_marked(c), ret);
}

/* cidrsubnet PREFIX NEWBITS NUMBER */
err_code func_cidrsubnet(struct call *c, struct value *ret)
{
    struct prefix p;
    int64_t more, n;
    err_code code = arg_prefix(c, &p);
    if (!code)
        code = func_arg_int(c, 1, &more);
    if (!code)
        code = func_arg_int(c, 2, &n);
    if (code)
        return code;
    if (more < 0 || more > (int64_t)(p.bits - p.len))
        return err_set(c->e, ERR_RENDER, "a prefix of %u bits cannot be made that much longer",
                       p.len);
    unsigned len = p.len + (unsigned)more;
    if (n < 0 || (address)n > low_ones((unsigned)more))
        return err_set(c->e, ERR_RENDER, "there is no subnet of that number");
    address subnet = len == 0 ? 0 : (address)n << (p.bits - len);
    add_address(c->text, &p, p.base | subnet);
    buf_addf(c->text, "/%u", len);
    return func_text(c, func_marked(c), ret);
}
