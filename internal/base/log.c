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

/* Days since 1970 to a date in the proleptic Gregorian calendar (Hinnant, "chrono-compatible
 * low-level date algorithms"); gmtime_r takes a lock in glibc. */
static void add_time(struct buf *dst, uint64_t ms)
{
    uint64_t seconds = ms / 1000, days = seconds / 86400 + 719468;
    uint64_t era = days / 146097, doe = days % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    unsigned year = (unsigned)(yoe + era * 400 + (month <= 2));
    unsigned of_day = (unsigned)(seconds % 86400);
    buf_addf(dst, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, day, of_day / 3600,
             of_day / 60 % 60, of_day % 60, (unsigned)(ms % 1000));
}

static bool plain(struct str s)
{
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  strchr("-_.:/@%+~,?&", c);
        if (!ok || c == '\0')
            return false;
    }
    return true;
}

/* In quotes, as JSON writes strings; bytes that are no UTF-8 as U+FFFD, controls as \u00XX. */
static void add_quoted(struct buf *dst, struct str s)
{
    bool cut = s.n > TEXT_MAX;
    if (cut)
        s.n = TEXT_MAX;
    buf_add_byte(dst, '"');
    while (s.n) {
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
    if (f == LOG_JSON)
        buf_addf(dst, ",\"%s\":", x->key);
    else
        buf_addf(dst, " %s=", x->key);
    if (!x->text.p)
        buf_addf(dst, "%llu", (unsigned long long)x->number);
    else if (f == LOG_TEXT && plain(x->text) && x->text.n <= TEXT_MAX)
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
    if (f == LOG_JSON)
        buf_addf(dst, "\",\"level\":\"%s\",\"event\":\"%s\"", level_names[level], event);
    else
        buf_addf(dst, " %s %s", level_names[level], event);
    for (size_t i = 0; i < n; i++)
        add_field(dst, f, &fields[i]);
    if (f == LOG_JSON)
        buf_add_byte(dst, '}');
    buf_add_byte(dst, '\n');
}
