#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

#define BACKLOG 4096

struct host_port {
    char host[INET6_ADDRSTRLEN + 16]; /* room for a zone: fe80::1%eth0 */
    char port[6];
};

static err_code split_address(const char *address, struct host_port *ret, struct err *e)
{
    struct str all = str_c(address);
    size_t colon = all.n;
    while (colon > 0 && all.p[colon - 1] != ':')
        colon--;
    struct str host = str_sub(all, 0, colon ? colon - 1 : 0);
    struct str port = str_skip(all, colon);
    bool brackets = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (brackets)
        host = str_sub(host, 1, host.n - 1);
    uint64_t number;
    if (colon == 0 || !str_to_u64(port, 65535, &number) || port.n >= sizeof ret->port ||
        host.n >= sizeof ret->host || (!brackets && str_find_byte(host, ':', 0) < host.n))
        return err_set(e, ERR_INVALID,
                       "\"%s\" is not an address to listen on: write it as 127.0.0.1:8080, "
                       "[::1]:8080, or :8080 for all addresses",
                       address ? address : "");
    memcpy(ret->host, host.p, host.n);
    ret->host[host.n] = '\0';
    memcpy(ret->port, port.p, port.n);
    ret->port[port.n] = '\0';
    return ERR_OK;
}

static err_code bind_failed(const char *address, const char *port, int errnum, struct err *e)
{
    if (errnum == EADDRINUSE)
        return err_set(e, ERR_IO,
                       "address %s is already in use: another process listens there; choose "
                       "another with --address",
                       address);
    if (errnum == EADDRNOTAVAIL)
        return err_set(e, ERR_IO,
                       "address %s is not one of this machine: `ip addr` lists them; 0.0.0.0:%s "
                       "listens on all",
                       address, port);
    if (errnum == EACCES)
        return err_set(e, ERR_IO,
                       "no permission to listen on %s: ports below 1024 need the capability "
                       "CAP_NET_BIND_SERVICE, or choose a higher one",
                       address);
    return err_errno(e, ERR_IO, errnum, "cannot listen on %s", address);
}

/* The socket, or -1 with errno. */
static int open_socket(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

static int open_host(const char *host, const char *port, bool *ret_not_numeric)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *list;
    *ret_not_numeric = getaddrinfo(host, port, &hints, &list) != 0;
    if (*ret_not_numeric)
        return -1;
    int fd = open_socket(list);
    int errnum = errno;
    freeaddrinfo(list);
    errno = errnum;
    return fd;
}

unsigned listen_port(int fd)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

err_code http_listen(const char *address, int *ret_fd, struct err *e)
{
    struct host_port at;
    err_code code = split_address(address, &at, e);
    if (code)
        return code;
    bool not_numeric = false;
    int fd;
    if (at.host[0]) {
        fd = open_host(at.host, at.port, &not_numeric);
    } else {
        fd = open_host("::", at.port, &not_numeric);
        if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
            fd = open_host("0.0.0.0", at.port, &not_numeric);
    }
    if (not_numeric)
        return err_set(e, ERR_INVALID,
                       "\"%s\" is not an IP address (names are not looked up): write it as "
                       "127.0.0.1:%s or [::1]:%s",
                       at.host, at.port, at.port);
    if (fd < 0)
        return bind_failed(address, at.port, errno, e);
    *ret_fd = fd;
    return ERR_OK;
}

/* inet_ntop's, which takes sprintf for it: once for each connection. */
static void ipv4_text(const unsigned char octets[4], char dst[INET_ADDRSTRLEN])
{
    for (int i = 0; i < 4; i++) {
        unsigned n = octets[i];
        if (i)
            *dst++ = '.';
        if (n >= 100)
            *dst++ = (char)('0' + n / 100);
        if (n >= 10)
            *dst++ = (char)('0' + n / 10 % 10);
        *dst++ = (char)('0' + n % 10);
    }
    *dst = '\0';
}

void address_text(const struct sockaddr *a, char *dst, size_t size)
{
    const char *text = NULL;
    if (a->sa_family == AF_INET && size >= INET_ADDRSTRLEN) {
        ipv4_text((const unsigned char *)&((const struct sockaddr_in *)a)->sin_addr, dst);
        return;
    }
    if (a->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
        text = IN6_IS_ADDR_V4MAPPED(v6) ? inet_ntop(AF_INET, v6->s6_addr + 12, dst, (socklen_t)size)
                                        : inet_ntop(AF_INET6, v6, dst, (socklen_t)size);
    }
    if (!text)
        snprintf(dst, size, "unknown");
}

void address_port_text(const struct sockaddr *a, char *dst, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    address_text(a, host, sizeof host);
    unsigned port = a->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                             : ((const struct sockaddr_in *)a)->sin_port;
    snprintf(dst, size, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, ntohs((uint16_t)port));
}
