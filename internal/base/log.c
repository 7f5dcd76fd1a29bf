#include "base/log.h"

#include <stdio.h>

#include "base/utf8.h"

#define TEXT_MAX 1000

static const char *const level_names[] = {"debug", "info", "warn", "error"};

bool log_level_from_name(struct str name, enum log_level *ret)
{
    for (int i = 0; i <= LOG_ERROR_LEVEL; i++) {
        if (str_is(name, level_names[i])) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void two_digits(char *dst, unsigned n)
{
    dst[0] = (char)('0' + n / 10);
    dst[1] = (char)('0' + n % 10);
}

/*
 * Days since 1970 to a date in the proleptic Gregorian calendar (Hinnant, "chrono-compatible
 * low-level date algorithms"); gmtime_r takes a lock in glibc.
 */
static void add_time(struct buf *dst, uint64_t ms)
{
    uint64_t seconds = ms / 1000, days = seconds / 86400 + 719468;
    uint64_t era = days / 146097, doe = days % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    unsigned year = (unsigned)(yoe + era * 400 + (month <= 2));
    unsigned of_day = (unsigned)(seconds % 86400), milli = (unsigned)(ms % 1000);
    char text[] = "0000-00-00T00:00:00.000Z";
    two_digits(text, year / 100 % 100);
    two_digits(text + 2, year % 100);
    two_digits(text + 5, month);
    two_digits(text + 8, day);
    two_digits(text + 11, of_day / 3600);
    two_digits(text + 14, of_day / 60 % 60);
    two_digits(text + 17, of_day % 60);
    text[20] = (char)('0' + milli / 100);
    two_digits(text + 21, milli % 100);
    buf_add(dst, text, sizeof text - 1);
}

static const bool plain_byte[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['_'] = true,
    ['.'] = true,         [':'] = true,         ['/'] = true,         ['@'] = true, ['%'] = true,
    ['+'] = true,         ['~'] = true,         [','] = true,         ['?'] = true, ['&'] = true,
};

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!plain_byte[(unsigned char)s.p[i]])
            return false;
    return s.n > 0;
}

/* Needs no escape within quotes. */
static bool quotable(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* In quotes, as JSON writes strings; bytes that are no UTF-8 as U+FFFD, controls as \u00XX. */
static void add_quoted(struct buf *dst, struct str s)
{
    bool cut = s.n > TEXT_MAX;
    if (cut)
        s.n = TEXT_MAX;
    buf_add_byte(dst, '"');
    while (s.n) {
        size_t run = 0;
        while (run < s.n && quotable((unsigned char)s.p[run]))
            run++;
        buf_add(dst, s.p, run);
        s = str_skip(s, run);
        if (s.n == 0)
            break;
        size_t len;
        uint32_t cp = utf8_decode(s, &len);
        if (cp == '"' || cp == '\\') {
            buf_add_byte(dst, '\\');
            buf_add_byte(dst, (char)cp);
        } else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029) {
            buf_addf(dst, "\\u%04x", cp);
        } else if (cp == UTF8_BAD && len == 1) {
            buf_add_lit(dst, "\xEF\xBF\xBD");
        } else {
            buf_add(dst, s.p, len);
        }
        s = str_skip(s, len);
    }
    if (cut)
        buf_add_lit(dst, "...");
    buf_add_byte(dst, '"');
}

static void add_field(struct buf *dst, enum log_format f, const struct log_field *x)
{
    buf_add_str(dst, f == LOG_JSON ? STR(",\"") : STR(" "));
    buf_add_str(dst, str_c(x->key));
    buf_add_str(dst, f == LOG_JSON ? STR("\":") : STR("="));
    if (!x->text.p)
        buf_add_u64(dst, x->number);
    else if (f == LOG_TEXT && x->text.n <= TEXT_MAX && plain(x->text))
        buf_add_str(dst, x->text);
    else
        add_quoted(dst, x->text);
}

void log_line(struct buf *dst, enum log_format f, uint64_t unix_ms, enum log_level level,
              const char *event, const struct log_field *fields, size_t n)
{
    if (f == LOG_JSON)
        buf_add_lit(dst, "{\"time\":\"");
    add_time(dst, unix_ms);
    buf_add_str(dst, f == LOG_JSON ? STR("\",\"level\":\"") : STR(" "));
    buf_add_str(dst, str_c(level_names[level]));
    buf_add_str(dst, f == LOG_JSON ? STR("\",\"event\":\"") : STR(" "));
    buf_add_str(dst, str_c(event));
    if (f == LOG_JSON)
        buf_add_byte(dst, '"');
    for (size_t i = 0; i < n; i++)
        add_field(dst, f, &fields[i]);
    if (f == LOG_JSON)
        buf_add_byte(dst, '}');
    buf_add_byte(dst, '\n');
}
