/*
 * What a client writes into its request: the query, the path, the Range header, the target, the
 * head of the request as libmicrohttpd leaves it, and the address that a proxy tells. Each reads
 * the whole input; what comes out must be in bounds.
 */
#include <stdint.h>

#include "base/always.h"
#include "base/query.h"
#include "http/networks.h"
#include "http/range.h"
#include "http/raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_query(struct str in)
{
    ARENA_LOCAL(a, 1 << 20);
    struct query_pair *pairs = NULL;
    uint32_t n = 0, dropped = 0;
    if (query_read(&a, in, 64, &pairs, &n, &dropped, NULL))
        return;
    always(n <= 64);
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        always(pairs[i].key.p && pairs[i].value.p);
        total += pairs[i].key.n + pairs[i].value.n;
    }
    always(total <= in.n);
}

static void fuzz_path(struct str in)
{
    ARENA_LOCAL(a, 1 << 20);
    struct str path;
    if (query_path_decode(&a, in, &path, NULL))
        return;
    always(path.n <= in.n);
    always(path.n == 0 || !memchr(path.p, '\0', path.n));
}

/* The first byte chooses the size of the file, around the sizes that ranges name. */
static void fuzz_range(struct str in)
{
    static const uint64_t sizes[] = {0, 1, 18, 1 << 20, INT64_MAX};
    if (in.n == 0)
        return;
    uint64_t size = sizes[(unsigned char)in.p[0] % 5];
    struct range part;
    if (range_parse(str_skip(in, 1), size, &part) == RANGE_PART)
        always(part.first <= size && part.length <= size - part.first);
}

static void fuzz_head(struct str in)
{
    struct raw_head head;
    if (in.n && !raw_scan(in.p, in.p + in.n, &head))
        always(head.fields <= in.n && head.host.n <= in.n && head.content_length.n <= in.n);
    raw_host(in);
    raw_token(in);
}

/* What is left of a whole URL is its end, and is a path, a query or nothing. */
static void fuzz_target(struct str in)
{
    struct str origin = raw_origin_form(in);
    always(origin.n <= in.n && (origin.n == 0 || origin.p + origin.n == in.p + in.n));
    if (!raw_target(in))
        always(origin.n == 0 || origin.p[0] == '/' || origin.p[0] == '?');
}

/* Addresses as proxies write them, networks as operators do: what is one holds itself. */
static void fuzz_address(struct str in)
{
    struct networks s = {.n = 0};
    struct in6_addr a;
    struct str rest, first = str_cut(in, '/', &rest);
    network_address(in, &a);
    if (networks_add(&s, in, NULL) == ERR_OK)
        always(network_address(first, &a) && networks_have(&s, &a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    fuzz_query(in);
    fuzz_path(in);
    fuzz_range(in);
    fuzz_head(in);
    fuzz_target(in);
    fuzz_address(in);
    return 0;
}
