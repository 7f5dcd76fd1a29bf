/* `vesta dhcp-config`: what the DHCP server has to say so that machines come here. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/embedded.h"
#include "boot/boot.h"
#include "command.h"
#include "tmpl/tmpl.h"

struct settings {
    const char *url, *interface, *range, *tftp_root, *tftp_server;
};

/* Addresses in host order. */
struct network {
    uint32_t first, last, netmask;
};

#define ADDRESS_MAX INET_ADDRSTRLEN

static void address_text(uint32_t address, char dst[ADDRESS_MAX])
{
    struct in_addr a = {htonl(address)};
    inet_ntop(AF_INET, &a, dst, ADDRESS_MAX);
}

static bool read_address(struct str s, uint32_t *ret)
{
    char text[ADDRESS_MAX];
    struct in_addr a;
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET, text, &a) != 1)
        return false;
    *ret = ntohl(a.s_addr);
    return true;
}

/* --- where Vesta is ----------------------------------------------------------------------------
 */

/* The first address of that interface, or of any that is no loopback; 0 if there is none. */
static uint32_t own_address(const char *interface)
{
    struct ifaddrs *all = NULL;
    uint32_t found = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || (i->ifa_flags & IFF_LOOPBACK))
            continue;
        struct sockaddr_in a;
        memcpy(&a, i->ifa_addr, sizeof a);
        if (!interface[0] || strcmp(interface, i->ifa_name) == 0)
            found = ntohl(a.sin_addr.s_addr);
    }
    freeifaddrs(all);
    return found;
}

static err_code find_url(const struct settings *o, struct arena *a, struct str *ret, struct err *e)
{
    char text[64], address[ADDRESS_MAX];
    if (o->url[0])
        return boot_public_url(a, str_c(o->url), ret, e);
    uint32_t own = own_address(o->interface);
    if (!own)
        return err_set(e, ERR_INVALID,
                       "this machine has no IPv4 address%s%s: say --url "
                       "http://boot.example.com:8080, where machines reach Vesta",
                       o->interface[0] ? " on " : "", o->interface);
    address_text(own, address);
    snprintf(text, sizeof text, "http://%s:8080", address);
    return boot_public_url(a, str_c(text), ret, e);
}

/* "boot.example.com" of "http://boot.example.com:8080/x". */
static struct str host_of(struct str url)
{
    struct str rest = str_skip(url, str_find(url, STR("://"), 0) + 3), more;
    return str_cut(str_cut(rest, '/', &more), ':', &more);
}

/* --- addresses ---------------------------------------------------------------------------------
 */

static bool is_netmask(uint32_t m)
{
    return m != 0 && (~m & (~m + 1)) == 0;
}

static err_code read_range(const char *text, struct network *ret, struct err *e)
{
    struct str rest;
    struct str first = str_cut(str_c(text), ',', &rest);
    struct str last = str_cut(rest.p ? rest : STR(""), ',', &rest);
    struct network n = {.netmask = 0xFFFFFF00};
    bool good = read_address(first, &n.first) && read_address(last, &n.last) &&
                (!rest.p || read_address(rest, &n.netmask)) && is_netmask(n.netmask);
    if (!good)
        return err_set(e, ERR_INVALID,
                       "--range %s: write it as FIRST,LAST or FIRST,LAST,NETMASK, such as "
                       "10.0.0.100,10.0.0.200,255.255.255.0",
                       text);
    if (n.first > n.last || ((n.first ^ n.last) & n.netmask))
        return err_set(e, ERR_INVALID,
                       "--range %s: the first address must come before the last one, in the same "
                       "network",
                       text);
    *ret = n;
    return ERR_OK;
}

/* Without a range: a part of the network that Vesta's address is in. */
static err_code find_range(const struct settings *o, struct str host, struct network *ret,
                           struct err *e)
{
    uint32_t address;
    if (o->range[0])
        return read_range(o->range, ret, e);
    if (!read_address(host, &address))
        return err_set(e, ERR_INVALID,
                       "the URL has a name, so the network is not known: say --range FIRST,LAST");
    *ret = (struct network){(address & 0xFFFFFF00) | 100, (address & 0xFFFFFF00) | 200, 0xFFFFFF00};
    return ERR_OK;
}

static err_code find_tftp_server(const struct settings *o, struct str host, struct str *ret,
                                 struct err *e)
{
    uint32_t ignored;
    *ret = o->tftp_server[0] ? str_c(o->tftp_server) : host;
    if (read_address(*ret, &ignored))
        return ERR_OK;
    return err_set(e, ERR_INVALID,
                   "\"%.*s\" is no IPv4 address: say --tftp-server, where firmware loads iPXE from",
                   STR_FMT(*ret));
}

static err_code check_words(const struct settings *o, struct err *e)
{
    if (strlen(o->interface) >= IFNAMSIZ || strpbrk(o->interface, "\"\\ \t\n,#/*"))
        return err_set(e, ERR_INVALID, "\"%s\" can be no interface", o->interface);
    if (strpbrk(o->tftp_root, "\n\r#") || o->tftp_root[0] != '/')
        return err_set(e, ERR_INVALID, "--tftp-root must be a whole path: /srv/tftp");
    return ERR_OK;
}

/* --- the text ----------------------------------------------------------------------------------
 */

static err_code print_config(struct str kind, const struct settings *o, const struct network *n,
                             struct str url, struct str tftp_server, struct arena *a, struct err *e)
{
    char name[64], first[ADDRESS_MAX], last[ADDRESS_MAX], network[ADDRESS_MAX],
        netmask[ADDRESS_MAX], gateway[ADDRESS_MAX];
    address_text(n->first, first);
    address_text(n->last, last);
    address_text(n->first & n->netmask, network);
    address_text(n->netmask, netmask);
    address_text((n->first & n->netmask) + 1, gateway);
    struct value_pair p[] = {
        {STR("url"), value_str(url)},
        {STR("interface"), value_str(str_c(o->interface))},
        {STR("first"), value_str(str_c(first))},
        {STR("last"), value_str(str_c(last))},
        {STR("network"), value_str(str_c(network))},
        {STR("netmask"), value_str(str_c(netmask))},
        {STR("prefix"), value_int(__builtin_popcount(n->netmask))},
        {STR("gateway"), value_str(str_c(gateway))},
        {STR("tftp_root"), value_str(str_c(o->tftp_root))},
        {STR("tftp_server"), value_str(tftp_server)},
    };
    struct value data = value_map(VALUE_MAP, p, sizeof p / sizeof *p);
    snprintf(name, sizeof name, "templates/dhcp-%.*s", STR_FMT(kind));
    struct tmpl *t;
    BUF_LOCAL(out, 1u << 20);
    err_code c = tmpl_compile(str_c(name), embedded_get(name), &t, e);
    if (c)
        return c;
    c = tmpl_execute(t, &data, a, NULL, &out, e);
    tmpl_free(t);
    if (!c)
        fwrite(out.p, 1, out.n, stdout);
    return c;
}

static err_code make_config(struct str kind, const struct settings *o, struct err *e)
{
    ARENA_LOCAL(a, 4u << 20);
    struct str url = STR(""), tftp_server = STR("");
    struct network n = {0};
    err_code c = check_words(o, e);
    if (!c)
        c = find_url(o, &a, &url, e);
    if (!c)
        c = find_range(o, host_of(url), &n, e);
    if (!c && !str_starts(kind, STR("dnsmasq")))
        c = find_tftp_server(o, host_of(url), &tftp_server, e);
    return c ? c : print_config(kind, o, &n, url, tftp_server, &a, e);
}

int command_dhcp_config(int argc, char **argv)
{
    struct settings o = {
        .url = "", .interface = "", .range = "", .tftp_root = "/srv/tftp", .tftp_server = ""};
    const struct flag flags[] = {
        {"url", FLAG_TEXT, &o.url, false, "URL",
         "where machines reach Vesta (default: this machine, port 8080)"},
        {"interface", FLAG_TEXT, &o.interface, false, "NAME", "the network card to answer on"},
        {"range", FLAG_TEXT, &o.range, false, "FIRST,LAST[,NETMASK]",
         "addresses to give out (default: .100 to .200 of Vesta's network)"},
        {"tftp-root", FLAG_TEXT, &o.tftp_root, false, "DIR",
         "for dnsmasq: where iPXE's files are (/srv/tftp)"},
        {"tftp-server", FLAG_TEXT, &o.tftp_server, false, "ADDRESS",
         "for Kea and ISC's dhcpd: who has iPXE's files (default: Vesta's address)"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    struct str kind = str_c(rest[0]);
    if (!str_is(kind, "dnsmasq") && !str_is(kind, "dnsmasq-proxy") && !str_is(kind, "kea") &&
        !str_is(kind, "isc")) {
        fprintf(stderr,
                "vesta dhcp-config: \"%s\" is not known: dnsmasq, dnsmasq-proxy, kea, isc\n",
                rest[0]);
        return EXIT_USAGE;
    }
    struct err e = ERR_INIT;
    return make_config(kind, &o, &e) ? complain(&e) : EXIT_DONE;
}
