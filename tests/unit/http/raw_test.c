/* Heads are read sixteen bytes at a time: here they are read byte by byte, and must be the same. */
#include "../support/check.h"
#include "support.h"

#include <stdlib.h>
#include <strings.h>

#include "http/raw.h"

static bool is_value(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7F);
}

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* 'l': a line's end is wrong; 'f': folded; 'n': a name is; 0: good. */
static char slowly(struct str s, struct raw_head *h)
{
    for (size_t at = 0;;) {
        if (s.n - at < 2 || s.p[at] || s.p[at + 1])
            return 'l';
        at += 2;
        if (s.n - at == 2 && !s.p[at] && !s.p[at + 1])
            return 0;
        if (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
            return 'f';
        size_t from = at;
        while (at < s.n && is_token(s.p[at]))
            at++;
        if (at == from || at == s.n || s.p[at])
            return 'n';
        struct str name = str_sub(s, from, at);
        from = ++at;
        while (at < s.n && is_value(s.p[at]))
            at++;
        size_t to = at;
        while (from < to && (s.p[from] == ' ' || s.p[from] == '\t'))
            from++;
        while (from < to && (s.p[to - 1] == ' ' || s.p[to - 1] == '\t'))
            to--;
        h->fields++;
        if (str_ieq(name, STR("host"))) {
            h->hosts++;
            h->host = str_sub(s, from, to);
        }
        h->content_lengths += str_ieq(name, STR("content-length"));
        h->transfer_encodings += str_ieq(name, STR("transfer-encoding"));
    }
}

static char kind_of(const char *why)
{
    return !why ? 0 : strstr(why, "folded") ? 'f' : strstr(why, "name") ? 'n' : 'l';
}

static unsigned next_random(unsigned *x)
{
    *x = *x * 1103515245 + 12345;
    return *x >> 16;
}

static void add_line(struct buf *b, unsigned *random)
{
    static const char *const names[] = {"Host",
                                        "hOST",
                                        "Content-Length",
                                        "X",
                                        "X-Long-Name-Of",
                                        "User-Agent",
                                        "Transfer-Encoding",
                                        "A-Name-That-Is-Longer-Than-Sixteen",
                                        "x!~"};
    static const char *const values[] = {
        " vesta.example.com", "",   " \t",
        "iPXE/1.21.1",        " 1", " a value of more than sixteen bytes, with a tab\there \t"};
    buf_add_str(b, str_c(names[next_random(random) % 9]));
    buf_add_byte(b, '\0');
    buf_add_str(b, str_c(values[next_random(random) % 6]));
    buf_add(b, "\0", 2);
}

static void heads_are_read_as_byte_by_byte(void)
{
    unsigned random = 1, good = 0;
    for (int round = 0; round < 50000; round++) {
        BUF_LOCAL(b, 4096);
        buf_add(&b, "\0", 2);
        for (unsigned i = next_random(&random) % 4; i > 0; i--)
            add_line(&b, &random);
        buf_add(&b, "\0", 2);
        if (round % 3) /* one byte is another */
            b.p[next_random(&random) % b.n] = "\0\t a\x7F\x1F:\xFF\n"[next_random(&random) % 9];
        if (round % 7 == 0)
            b.n = next_random(&random) % b.n;
        char *exact = malloc(b.n ? b.n : 1);
        memcpy(exact, b.p, b.n);
        struct raw_head want = {0}, got = {0};
        char no = slowly(str_of(exact, b.n), &want);
        const char *why = raw_scan(exact, exact + b.n, &got);
        CHECK(kind_of(why) == no, "round %d: %s, not %c", round, why ? why : "good", no ? no : '0');
        if (!no && !why)
            CHECK(got.fields == want.fields && got.hosts == want.hosts &&
                      got.content_lengths == want.content_lengths &&
                      got.transfer_encodings == want.transfer_encodings &&
                      got.host.p == want.host.p && got.host.n == want.host.n,
                  "round %d", round);
        good += !no;
        free(exact);
    }
    CHECK(good > 10000 && good < 40000, "%u", good);
}

static void each_byte_is_of_its_kind(void)
{
    for (size_t n = 1; n < 40; n++) {
        for (unsigned c = 0; c < 256; c++) {
            char *text = malloc(n + 1);
            memset(text, 'a', n);
            text[c % n] = (char)c;
            bool host =
                is_token((char)c) ? !strchr("#^`|", (int)c) : c && strchr("():;=[]", (int)c);
            CHECK(raw_token(str_of(text, n)) == is_token((char)c), "%u of %zu", c, n);
            CHECK(raw_host(str_of(text, n)) == host, "%u of %zu", c, n);
            text[0] = '/';
            bool seen = c % n == 0 || (c > ' ' && c != 0x7F);
            CHECK(!raw_target(str_of(text, n)) == seen, "%u of %zu", c, n);
            free(text);
        }
    }
    CHECK(!raw_token(STR("")) && raw_host(STR("")));
}

void raw_tests(struct tally *t)
{
    RUN(heads_are_read_as_byte_by_byte);
    RUN(each_byte_is_of_its_kind);
    TALLY(t);
}
