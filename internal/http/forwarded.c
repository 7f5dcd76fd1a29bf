/*
 * Who is behind a proxy: X-Forwarded-For, believed from proxies that an operator trusts. Each proxy
 * adds at the right who asked it; what stands left of the first that is not trusted may be made up.
 */
#include "http/networks.h"
#include "http/server.h"

/* Fields of that name that are looked at; a client's own, further left, are of no account. */
#define FIELDS_MAX 16

struct fields {
    struct str v[FIELDS_MAX]; /* the last ones; a ring */
    unsigned n;
};

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                               const char *value, size_t n)
{
    struct fields *f = cls;
    (void)kind;
    if (str_ieq(str_of(name, name_n), STR("X-Forwarded-For")))
        f->v[f->n++ % FIELDS_MAX] = str_of(value ? value : "", value ? n : 0);
    return MHD_YES;
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* The last element of a list, which is taken from it. */
static struct str take_last(struct str *list)
{
    size_t comma = list->n;
    while (comma > 0 && list->p[comma - 1] != ',')
        comma--;
    struct str last = trim(str_skip(*list, comma));
    list->n = comma ? comma - 1 : 0;
    return last;
}

/*
 * Goes left as long as there are proxies that are trusted; client is who was reached last. True:
 * there is no further to go, since it is not trusted or what stands left is no address.
 */
static bool walk(const struct networks *trusted, struct str list, struct in6_addr *client)
{
    while (list.n) {
        struct in6_addr a;
        if (!network_address(take_last(&list), &a))
            return true;
        *client = a;
        if (!networks_have(trusted, &a))
            return true;
    }
    return false;
}

void forwarded_read(struct request *r)
{
    const struct networks *trusted = r->connection->server->config.trusted;
    struct fields f = {.n = 0};
    struct in6_addr client = *r->address;
    bool end = false;
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, collect, &f);
    for (unsigned i = 0; i < f.n && i < FIELDS_MAX && !end; i++)
        end = walk(trusted, f.v[(f.n - 1 - i) % FIELDS_MAX], &client);
    struct in6_addr *address = arena_alloc(r->q.arena, sizeof *address);
    char *text = arena_alloc(r->q.arena, INET6_ADDRSTRLEN);
    if (!address || !text)
        return;
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = client};
    *address = client;
    address_text((struct sockaddr *)&a, text, INET6_ADDRSTRLEN);
    r->address = address;
    r->q.remote = text;
}
