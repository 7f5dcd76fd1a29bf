#include "http/networks.h"

#include <arpa/inet.h>

#define TEXT_MAX (INET6_ADDRSTRLEN + 1)

/* False: it is no address. */
static bool parse(struct str text, struct in6_addr *ret)
{
    char z[TEXT_MAX];
    struct in_addr v4;
    if (text.n == 0 || text.n >= sizeof z)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (strlen(z) != text.n)
        return false;
    if (inet_pton(AF_INET6, z, ret) == 1)
        return true;
    if (inet_pton(AF_INET, z, &v4) != 1)
        return false;
    *ret = (struct in6_addr){.s6_addr = {[10] = 0xFF, [11] = 0xFF}};
    memcpy(ret->s6_addr + 12, &v4, 4);
    return true;
}

bool network_address(struct str text, struct in6_addr *ret)
{
    size_t colon = str_find_byte(text, ':', 0);
    if (text.n && text.p[0] == '[') {
        size_t end = str_find_byte(text, ']', 0);
        return end < text.n && (end + 1 == text.n || text.p[end + 1] == ':') &&
               parse(str_sub(text, 1, end), ret);
    }
    bool port = colon < text.n && str_find_byte(text, ':', colon + 1) == text.n;
    return parse(port ? str_sub(text, 0, colon) : text, ret);
}

bool network_is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* Whether the first bits of both are the same. */
static bool same_prefix(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    unsigned mask = 0xFFu << (8 - rest) & 0xFF;
    return rest == 0 || ((a->s6_addr[whole] ^ b->s6_addr[whole]) & mask) == 0;
}

static bool bits_beyond(const struct in6_addr *a, unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        if (a->s6_addr[i / 8] >> (7 - i % 8) & 1)
            return true;
    return false;
}

err_code networks_add(struct networks *s, struct str text, struct err *e)
{
    struct str after, before = str_cut(text, '/', &after);
    struct in6_addr a;
    uint64_t bits = 128;
    if (!parse(before, &a))
        return err_set(e, ERR_INVALID,
                       "\"%.*s\" is not a network: write it as 192.0.2.0/24 or 2001:db8::/32",
                       STR_FMT(text));
    unsigned offset = str_find_byte(before, ':', 0) < before.n ? 0 : 96;
    if (after.p && (!str_to_u64(after, 128 - offset, &bits)))
        return err_set(e, ERR_INVALID, "\"%.*s\": what is behind the slash is 0 to %u",
                       STR_FMT(text), 128 - offset);
    if (after.p)
        bits += offset;
    if (bits_beyond(&a, (unsigned)bits))
        return err_set(e, ERR_INVALID, "\"%.*s\" has bits beyond its first %u", STR_FMT(text),
                       (unsigned)bits - offset);
    if (s->n == NETWORKS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d networks", NETWORKS_MAX);
    s->v[s->n].address = a;
    s->v[s->n++].bits = (unsigned)bits;
    return ERR_OK;
}

bool networks_have(const struct networks *s, const struct in6_addr *address)
{
    for (unsigned i = 0; i < s->n; i++)
        if (same_prefix(&s->v[i].address, address, s->v[i].bits))
            return true;
    return false;
}
