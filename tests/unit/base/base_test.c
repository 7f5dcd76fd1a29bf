#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/etag.h"
#include "base/finding.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/utf8.h"

Test(str, compares_and_cuts)
{
    cr_expect(str_cmp(STR("a"), STR("ab")) < 0);
    cr_expect(str_cmp(STR("b"), STR("ab")) > 0);
    cr_expect(str_ieq(STR("aB"), STR("Ab")));
    struct str rest;
    cr_expect(str_is(str_cut(STR("k=v=w"), '=', &rest), "k"));
    cr_expect(str_is(rest, "v=w"));
    cr_expect(str_is(str_cut(STR("k"), '=', &rest), "k"));
    cr_expect_null(rest.p);
    cr_expect_eq(str_find(STR("hello"), STR("lo"), 0), 3);
    uint64_t n;
    cr_expect(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &n));
    cr_expect_not(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &n));
    cr_expect_not(str_to_u64(STR("+1"), 10, &n));
    cr_expect_not(str_to_u64(STR(""), 10, &n));
}

Test(arena, keeps_its_maximum)
{
    ARENA_LOCAL(a, 64 * 1024);
    cr_expect_not_null(arena_alloc(&a, 60000));
    cr_expect_null(arena_alloc(&a, 60000));
    cr_expect_not_null(arena_alloc(&a, 100), "small ones still fit");
    cr_expect_null(arena_calloc(&a, SIZE_MAX / 2, 4), "overflow");
    arena_reset(&a);
    cr_expect_not_null(arena_alloc(&a, 50000));
}

Test(arena, grows_in_place_when_newest)
{
    ARENA_LOCAL(a, 1 << 20);
    char *p = arena_alloc(&a, 10);
    memcpy(p, "0123456789", 10);
    char *q = arena_grow(&a, p, 10, 1000);
    cr_expect_eq(p, q);
    arena_alloc(&a, 1);
    char *r = arena_grow(&a, q, 1000, 2000);
    cr_expect_neq(q, r);
    cr_expect_eq(memcmp(r, "0123456789", 10), 0);
}

Test(buf, stops_at_its_maximum)
{
    BUF_LOCAL(b, 8);
    buf_addf(&b, "%s", "1234567");
    cr_expect_not(b.failed);
    buf_add_lit(&b, "89");
    cr_expect(b.failed && b.overflow);
    cr_expect_eq(b.n, 7);
    buf_clear(&b);
    buf_add_lit(&b, "12345678");
    cr_expect_str_eq(buf_c(&b), "12345678");
}

Test(err, says_where)
{
    struct err e = ERR_INIT;
    cr_expect_eq(err_at(&e, ERR_INVALID, 3, 7, "bad %s", "thing"), ERR_INVALID);
    err_in_file(&e, "x.json");
    err_prefix(&e, "group %s", "a");
    char text[200];
    err_format(&e, text, sizeof text);
    cr_expect_str_eq(text, "x.json:3:7: group a: bad thing");
    char big[2000];
    memset(big, 0, sizeof big);
    for (size_t i = 0; i + 2 < sizeof big; i += 2)
        memcpy(big + i, "\xC5\xBE", 2);
    err_set(&e, ERR_IO, "x%s", big);
    cr_expect(utf8_valid(str_c(e.msg)), "cut at a character");
}

Test(enc, base64_both_ways)
{
    BUF_LOCAL(b, 1000);
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}};
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&b);
        enc_base64(&b, str_c(cases[i][0]));
        cr_expect(str_is(buf_str(&b), cases[i][1]));
        buf_clear(&b);
        cr_expect(enc_base64_decode(&b, str_c(cases[i][1])));
        cr_expect(str_is(buf_str(&b), cases[i][0]));
    }
    static const char *const bad[] = {"Zg=", "Zh==", "Z===", "=m9v", "Zm 9", "Zm9v\n"};
    buf_clear(&b);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(enc_base64_decode(&b, str_c(bad[i])), "%s", bad[i]);
    cr_expect_eq(b.n, 0);
}

Test(enc, percent)
{
    BUF_LOCAL(b, 1000);
    cr_expect(enc_percent_decode(&b, STR("a%20b+%C5%be%00"), true));
    cr_expect(str_eq(buf_str(&b), STR("a b \xC5\xBE\0")));
    cr_expect_not(enc_percent_decode(&b, STR("%2"), true));
    cr_expect_not(enc_percent_decode(&b, STR("%zz"), true));
    cr_expect_not(enc_percent_decode(&b, STR("%"), true));
}

Test(utf8, knows_what_is_valid)
{
    cr_expect(utf8_valid(STR("\xF0\x9F\x90\x8E\xED\x9F\xBF")));
    static const char *const bad[] = {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80",
                                      "\xE2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(utf8_valid(str_c(bad[i])));
    cr_expect_eq(utf8_count(STR("a\xFF\xC5\xBE")), 3);
}

Test(hash, differs)
{
    cr_expect_neq(hash_bytes(STR("a"), 1), hash_bytes(STR("b"), 1));
    cr_expect_neq(hash_bytes(STR(""), 1), hash_bytes(STR("\0"), 1));
    cr_expect_neq(hash_bytes(STR("52:54:00:00:00:01"), 1), hash_bytes(STR("52:54:00:00:00:02"), 1));
}

Test(findings, are_all_kept)
{
    ARENA_LOCAL(a, 1 << 20);
    struct findings f;
    findings_init(&f, &a);
    f.file = STR("groups/a.json");
    findings_add(&f, FINDING_ERROR, "/selector/mac", 2, 3, "not a MAC");
    findings_add(&f, FINDING_WARNING, NULL, 0, 0, "odd");
    cr_expect_eq(f.errors, 1);
    cr_expect_eq(f.warnings, 1);
    BUF_LOCAL(b, 1000);
    finding_format(f.first, &b);
    cr_expect_str_eq(buf_c(&b), "groups/a.json:2:3: error: /selector/mac: not a MAC");
}

Test(findings, are_forgotten_from_a_copy_on)
{
    ARENA_LOCAL(a, 1 << 20);
    struct findings f;
    findings_init(&f, &a);
    struct findings none = f;
    findings_add(&f, FINDING_WARNING, NULL, 0, 0, "before");
    struct findings before = f;
    for (int i = 0; i < 2; i++) {
        findings_add(&f, FINDING_ERROR, NULL, 0, 0, "after");
        cr_expect(f.errors == 1 && f.first->next == f.last);
        findings_restore(&f, &before);
        cr_expect(f.errors == 0 && f.warnings == 1 && f.first == f.last && !f.first->next);
    }
    findings_restore(&f, &none);
    cr_expect(!f.first && !f.last && f.warnings == 0);
}

static const char *logged(enum log_format f, struct str text, struct buf *b)
{
    struct log_field fields[] = {log_text("k", text), log_number("n", 18446744073709551615u)};
    struct log_clock clock = {0};
    buf_clear(b);
    log_line(b, f, &clock, 1700000000123, LOG_WARN_LEVEL, "event", fields, 2);
    return buf_c(b);
}

Test(log, lines_cannot_be_forged)
{
    BUF_LOCAL(b, 1 << 16);
    cr_expect_str_eq(logged(LOG_TEXT, STR("a/b:c"), &b),
                     "2023-11-14T22:13:20.123Z warn event k=a/b:c n=18446744073709551615\n");
    cr_expect_str_eq(
        logged(LOG_TEXT, STR("a b\n\x1b[1m\"\\\xFF\xC5\xBE"), &b),
        "2023-11-14T22:13:20.123Z warn event "
        "k=\"a b\\u000a\\u001b[1m\\\"\\\\\xEF\xBF\xBD\xC5\xBE\" n=18446744073709551615\n");
    cr_expect_str_eq(logged(LOG_TEXT, STR(""), &b),
                     "2023-11-14T22:13:20.123Z warn event k=\"\" n=18446744073709551615\n");
    cr_expect_str_eq(
        logged(LOG_JSON, STR("x=\"y\""), &b),
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"event\":\"event\","
        "\"k\":\"x=\\\"y\\\"\",\"n\":18446744073709551615}\n");
}

/* Texts of every length around sixteen, with one byte that is not plain anywhere in them. */
Test(log, escapes_wherever_it_must)
{
    BUF_LOCAL(b, 1 << 16);
    for (size_t n = 1; n < 50; n++) {
        for (size_t at = 0; at < n; at++) {
            char text[50], want[200];
            memset(text, 'x', sizeof text);
            text[at] = '"';
            snprintf(want, sizeof want,
                     "2023-11-14T22:13:20.123Z warn event k=\"%.*s\\\"%.*s\""
                     " n=18446744073709551615\n",
                     (int)at, text, (int)(n - at - 1), text + at + 1);
            cr_expect_str_eq(logged(LOG_TEXT, str_of(text, n), &b), want);
            text[at] = ' ';
            snprintf(want, sizeof want,
                     "2023-11-14T22:13:20.123Z warn event k=\"%.*s\""
                     " n=18446744073709551615\n",
                     (int)n, text);
            cr_expect_str_eq(logged(LOG_TEXT, str_of(text, n), &b), want);
        }
    }
}

/* Each byte, at each place of texts that are looked at four, eight or sixteen bytes at a time. */
Test(log, quotes_what_is_not_plain)
{
    static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "-_.:/@%+~,?&";
    BUF_LOCAL(b, 1 << 16);
    for (size_t n = 1; n < 20; n++) {
        for (unsigned c = 0; c < 256 * n; c++) {
            char *text = malloc(n);
            memset(text, 'x', n);
            text[c / 256] = (char)(c % 256);
            bool bare = c % 256 && strchr(plain, (int)(c % 256));
            const char *line = logged(LOG_TEXT, str_of(text, n), &b);
            const char *value = strstr(line, "k=") + 2;
            cr_expect_eq(*value != '"', bare, "%u in %zu", c % 256, n);
            cr_expect(!bare || (strncmp(value, text, n) == 0 && value[n] == ' '));
            free(text);
        }
    }
}

Test(buf, moves_out_of_its_room)
{
    char room[8];
    struct buf b;
    buf_over(&b, room, sizeof room, 20);
    buf_add_lit(&b, "12345678");
    cr_expect_eq(b.p, room);
    buf_add_lit(&b, "9abc");
    cr_expect(str_is(buf_str(&b), "123456789abc") && b.p != room);
    buf_add_lit(&b, "more than 20");
    cr_expect(b.failed && b.overflow);
    buf_free(&b);
    buf_over(&b, room, sizeof room, 4);
    buf_add_lit(&b, "12345");
    cr_expect(b.failed);
    buf_free(&b);
}

Test(log, dates_are_right)
{
    static const struct {
        uint64_t ms;
        const char *day;
    } cases[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {951782399999, "2000-02-28T23:59:59.999Z"},
                 {951782400000, "2000-02-29T00:00:00.000Z"},
                 {4107542400000, "2100-03-01T00:00:00.000Z"}};
    BUF_LOCAL(b, 1 << 16);
    struct log_clock clock = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&b);
        log_line(&b, LOG_TEXT, &clock, cases[i].ms, LOG_INFO_LEVEL, "e", NULL, 0);
        cr_expect(str_starts(buf_str(&b), str_c(cases[i].day)), "%s", buf_c(&b));
    }
}

Test(etag, lists)
{
    cr_expect(etag_in_list(STR("\"a\", \"b\""), "\"b\"", true));
    cr_expect(etag_in_list(STR("*"), "\"b\"", true));
    cr_expect(etag_in_list(STR("W/\"b\""), "\"b\"", false));
    cr_expect_not(etag_in_list(STR("W/\"b\""), "\"b\"", true));
    cr_expect(etag_in_list(STR("\"with, comma\",\"b\""), "\"b\"", true));
    cr_expect_not(etag_in_list(STR("b"), "\"b\"", true), "no quotes");
    cr_expect_not(etag_in_list(STR(""), "\"b\"", false));
    cr_expect_not(etag_in_list(STR("\"b"), "\"b\"", false));
}
