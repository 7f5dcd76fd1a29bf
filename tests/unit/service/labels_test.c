/* From a query to labels, and what is said of the rest. */
#include "service/labels.h"

#include <string.h>

#include "match/match.h"
#include "suites.h"
#include "support/check.h"

/*
 * "key=value;" of each label, then "!key=value;" of each that is ignored for being repeated, "~"
 * for a MAC, "-" for junk, "#" for what only a certificate tells; "?" if in conflict.
 */
static void describe(const struct service_labels *l, struct buf *dst)
{
    const struct labels bare = {.v = l->labels.v, .n = l->labels.n};
    CHECK(match_bits(&l->labels) == match_bits(&bare), "the bits are of other labels");
    for (uint32_t i = 0; i < l->labels.n; i++)
        buf_addf(dst, "%.*s=%.*s;", STR_FMT(l->labels.v[i].key), STR_FMT(l->labels.v[i].value));
    for (uint32_t i = 0; i < l->ignored_n; i++)
        buf_addf(dst, "%c%.*s=%.*s%s;", "!~-#"[l->ignored[i].why], STR_FMT(l->ignored[i].key),
                 STR_FMT(l->ignored[i].value), l -> ignored[i].conflict ? "?" : "");
    if (l->undecodable)
        buf_addf(dst, "%u undecodable", l->undecodable);
}

static void queries_are_read_as_matchbox_does(void)
{
    static const struct {
        const char *query, *want;
    } cases[] = {
        {"", ""},
        {"os=x&mac=52-54-00-AA-00-01", "mac=52:54:00:aa:00:01;os=x;"},
        {"UUID=A&uuid=B", "UUID=A;uuid=b;"},
        {"a=1&a=2&a=1", "a=1;!a=2?;!a=1;"},
        {"a=&a=2", "a=;!a=2?;"},
        {"b=1&a=1&b=1", "a=1;b=1;!b=1;"},
        {"mac=zz", "~mac=zz;"},
        {"mac=", "~mac=;"},
        {"mac=zz&mac=52:54:00:00:00:01", "~mac=zz;!mac=52:54:00:00:00:01?;"},
        {"MAC=zz&mac=52:54:00:00:00:01", "mac=52:54:00:00:00:01;~MAC=zz;"},
        {"a=%zz&b=1;c=2&d=3", "d=3;2 undecodable"},
        {"=1&=2", "=1;!=2?;"},
        {"%61=1&a=2", "a=1;!a=2?;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        BUF_LOCAL(got, 1 << 16);
        struct service_labels l;
        struct err e = ERR_INIT;
        CHECK(service_labels_read(&a, str_c(cases[i].query), &l, &e) == ERR_OK, "%s", e.msg);
        describe(&l, &got);
        CHECK(str_is(buf_str(&got), cases[i].want), "%s: %.*s", cases[i].query,
              STR_FMT(buf_str(&got)));
    }
}

/* What needs no decoding is read another way: with a pair that does behind it, it must be the same.
 */
static void the_short_way_is_the_long_one(void)
{
    static const char *const keys[] = {"mac",       "uuid",      "UUID",  "a",       "ab",
                                       "abc",       "abcd",      "abcde", "abcdefg", "abcdefgh",
                                       "abcdefghi", "abcdefghj", "b",     "\xFF",    "",
                                       "hostname",  "hostnamf",  "MAC",   "serial",  "arch"};
    static const char *const values[] = {"=52-54-00-AA-00-01",
                                         "=52:54:00:aa:00:01",
                                         "=X",
                                         "=",
                                         "",
                                         "=a=b",
                                         "=5254.0000.0001",
                                         "=ABC-d"};
    unsigned random = 1;
    for (int round = 0; round < 20000; round++) {
        ARENA_LOCAL(a, 1 << 20);
        BUF_LOCAL(query, 1 << 16);
        BUF_LOCAL(got, 1 << 16);
        BUF_LOCAL(want, 1 << 16);
        struct service_labels l;
        unsigned n = (unsigned)round % 9;
        for (unsigned i = 0; i < n; i++) {
            random = random * 1103515245 + 12345;
            unsigned k = random >> 16;
            buf_addf(&query, "%s%s%s", i ? "&" : "", keys[k % (sizeof keys / sizeof *keys)],
                     values[k / 32 % (sizeof values / sizeof *values)]);
        }
        CHECK(service_labels_read(&a, buf_str(&query), &l, NULL) == ERR_OK);
        describe(&l, &got);
        buf_addf(&query, "&%%zz");
        CHECK(service_labels_read(&a, buf_str(&query), &l, NULL) == ERR_OK && l.undecodable == 1);
        l.undecodable = 0;
        describe(&l, &want);
        CHECK(str_eq(buf_str(&got), buf_str(&want)), "%.*s: %.*s, not %.*s",
              STR_FMT(buf_str(&query)), STR_FMT(buf_str(&got)), STR_FMT(buf_str(&want)));
    }
}

/* The subject comes from the connection, and has its place among the sorted labels. */
static void only_the_connection_tells_the_subject(void)
{
    static const struct {
        const char *query, *subject, *want;
    } cases[] = {
        {"", NULL, ""},
        {"", "CN=a", "tls_subject=CN=a;"},
        {"tls_subject=x", NULL, "#tls_subject=x;"},
        {"a=1&tls_subject=x&z=2", NULL, "a=1;z=2;#tls_subject=x;"},
        {"tls_subject=x", "CN=a", "tls_subject=CN=a;#tls_subject=x;"},
        {"tls_subject=x&tls_subject=y", "CN=a", "tls_subject=CN=a;!tls_subject=y?;#tls_subject=x;"},
        {"%74ls_subject=x", "", "tls_subject=;#tls_subject=x;"},
        {"z=1&a=2&uuid=B", "CN=a", "a=2;tls_subject=CN=a;uuid=b;z=1;"},
        {"z=1&tls_subject=x&a=2", "CN=a", "a=2;tls_subject=CN=a;z=1;#tls_subject=x;"},
        {"a=1&b=2", "CN=a", "a=1;b=2;tls_subject=CN=a;"},
        {"u=1&v=2", "CN=a", "tls_subject=CN=a;u=1;v=2;"},
        {"TLS_SUBJECT=x", "CN=a", "TLS_SUBJECT=x;tls_subject=CN=a;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ARENA_LOCAL(a, 1 << 20);
        BUF_LOCAL(got, 1 << 16);
        struct service_labels l;
        struct err e = ERR_INIT;
        CHECK(service_labels_read(&a, str_c(cases[i].query), &l, &e) == ERR_OK);
        CHECK(service_labels_certify(&a, str_c(cases[i].subject), &l, &e) == ERR_OK);
        describe(&l, &got);
        CHECK(str_is(buf_str(&got), cases[i].want), "%s: %.*s", cases[i].query,
              STR_FMT(buf_str(&got)));
        const struct str *sent = model_label_get(&l.sent, STR("tls_subject"));
        CHECK(!sent == !cases[i].subject && (!sent || str_is(*sent, cases[i].subject)));
    }
}

/* The work for a query of many keys, some of them repeated, and where it ends. */
static void many_pairs(void)
{
    ARENA_LOCAL(a, 4 << 20);
    BUF_LOCAL(query, 1 << 16);
    struct service_labels l;
    struct err e = ERR_INIT;
    for (int i = 0; i < SERVICE_PAIRS_MAX; i++)
        buf_addf(&query, "%sk%d=%d", i ? "&" : "", i % 900, i);
    CHECK(service_labels_read(&a, buf_str(&query), &l, &e) == ERR_OK, "%s", e.msg);
    CHECK(l.labels.n == 900 && l.ignored_n == 100);
    CHECK(str_is(*model_label_get(&l.labels, STR("k99")), "99"));
    CHECK(str_is(l.ignored[99].key, "k99") && str_is(l.ignored[99].value, "999"));
    buf_addf(&query, "&more=1");
    CHECK(service_labels_read(&a, buf_str(&query), &l, &e) == ERR_LIMIT);
    arena_free(&a);
    a.max = 64;
    CHECK(service_labels_read(&a, STR("a=1&b=2&c=3"), &l, &e) == ERR_NOMEM);
}

struct tally labels_suite(void)
{
    RUN(queries_are_read_as_matchbox_does);
    RUN(the_short_way_is_the_long_one);
    RUN(only_the_connection_tells_the_subject);
    RUN(many_pairs);
    return SUITE_TALLY;
}
