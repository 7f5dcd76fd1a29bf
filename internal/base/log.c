#include "base/log.h"

#include "base/span.h"
#include "base/utf8.h"

#define TEXT_MAX 1000

static const struct str level_names[] = {STR_INIT("debug"), STR_INIT("info"), STR_INIT("warn"),
                                         STR_INIT("error")};

bool log_level_from_name(struct str name, enum log_level *ret)
{
    for (int i = 0; i <= LOG_ERROR_LEVEL; i++) {
        if (str_eq(name, level_names[i])) {
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
static void set_second(struct log_clock *clock, uint64_t seconds)
{
    uint64_t days = seconds / 86400 + 719468;
    uint64_t era = days / 146097, doe = days % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    unsigned year = (unsigned)(yoe + era * 400 + (month <= 2));
    unsigned of_day = (unsigned)(seconds % 86400);
    char text[] = "0000-00-00T00:00:00.";
    two_digits(text, year / 100 % 100);
    two_digits(text + 2, year % 100);
    two_digits(text + 5, month);
    two_digits(text + 8, day);
    two_digits(text + 11, of_day / 3600);
    two_digits(text + 14, of_day / 60 % 60);
    two_digits(text + 17, of_day % 60);
    memcpy(clock->text, text, sizeof clock->text);
    clock->second = seconds;
}

#define put_lit(at, lit) (memcpy((at), "" lit "", sizeof(lit) - 1), (at) + sizeof(lit) - 1)

static char *put_time(char *at, struct log_clock *clock, uint64_t ms)
{
    unsigned milli = (unsigned)(ms % 1000);
    if (ms / 1000 != clock->second || !clock->text[0])
        set_second(clock, ms / 1000);
    memcpy(at, clock->text, sizeof clock->text);
    at += sizeof clock->text;
    at[0] = (char)('0' + milli / 100);
    two_digits(at + 1, milli % 100);
    at[3] = 'Z';
    return at + 4;
}

static const bool plain_byte[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['_'] = true,
    ['.'] = true,         [':'] = true,         ['/'] = true,         ['@'] = true, ['%'] = true,
    ['+'] = true,         ['~'] = true,         [','] = true,         ['?'] = true, ['&'] = true,
};

/* Most texts have no others than these. */
static inline bool all_common(uint64_t a, uint64_t b)
{
    span_bytes v = (span_bytes)(span_words){a, b};
    return span_mask(SPAN_IN(v | 0x20, 'a', 'z') | SPAN_IN(v, '+', ':')) == 0xFFFF;
}

/* Of 4 to 16 bytes that are all common; NULL, and nothing is put, if it is not so. */
static inline char *put_short(char *at, struct str s)
{
    if (s.n - 8 <= 8) {
        uint64_t from, to;
        memcpy(&from, s.p, 8);
        memcpy(&to, s.p + s.n - 8, 8);
        if (!all_common(from, to))
            return NULL;
        memcpy(at, &from, 8);
        memcpy(at + s.n - 8, &to, 8);
        return at + s.n;
    }
    if (s.n - 4 < 4) {
        uint32_t from, to;
        memcpy(&from, s.p, 4);
        memcpy(&to, s.p + s.n - 4, 4);
        uint64_t both = (uint64_t)from << 32 | to;
        if (!all_common(both, both))
            return NULL;
        memcpy(at, &from, 4);
        memcpy(at + s.n - 4, &to, 4);
        return at + s.n;
    }
    return NULL;
}

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n && s.n <= TEXT_MAX; i++)
        if (!plain_byte[(unsigned char)s.p[i]])
            return false;
    return s.n > 0 && s.n <= TEXT_MAX;
}

/* Needs no escape within quotes. */
static bool quotable(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* The same of sixteen bytes; as numbers with a sign, those above 127 are below 0. */
static inline span_bytes not_quotable(span_bytes v)
{
    return (span_bytes)((span_signed)v < 0x20) | SPAN_IS(v, 0x7F) | SPAN_IS(v, '"') |
           SPAN_IS(v, '\\');
}

/* A text of sixteen bytes or more, as it is; NULL if something in it must be escaped. */
static inline char *put_quotable(char *at, struct str s)
{
    span_bytes last = span_load(s.p + s.n - SPAN), bad = not_quotable(last);
    for (size_t i = 0; i + SPAN < s.n; i += SPAN) {
        span_bytes v = span_load(s.p + i);
        bad |= not_quotable(v);
        memcpy(at + i, &v, sizeof v);
    }
    memcpy(at + s.n - SPAN, &last, sizeof last);
    return span_mask(bad) ? NULL : at + s.n;
}

/* Bytes that are no UTF-8 as U+FFFD, controls as \u00XX: at most six bytes for one. */
static char *put_escaped(char *at, struct str s)
{
    static const char hex[] = "0123456789abcdef";
    while (s.n) {
        size_t run = 0;
        while (run < s.n && quotable((unsigned char)s.p[run]))
            run++;
        at = str_put(at, str_of(s.p, run));
        s = str_skip(s, run);
        if (s.n == 0)
            break;
        size_t len;
        uint32_t cp = utf8_decode(s, &len);
        if (cp == '"' || cp == '\\') {
            *at++ = '\\';
            *at++ = (char)cp;
        } else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029) {
            at = put_lit(at, "\\u");
            for (int shift = 12; shift >= 0; shift -= 4)
                *at++ = hex[cp >> shift & 15];
        } else if (cp == UTF8_BAD && len == 1) {
            at = put_lit(at, "\xEF\xBF\xBD");
        } else {
            at = str_put(at, str_of(s.p, len));
        }
        s = str_skip(s, len);
    }
    return at;
}

/* In quotes, as JSON writes strings. */
static char *put_quoted(char *at, struct str s)
{
    bool cut = s.n > TEXT_MAX;
    if (cut)
        s.n = TEXT_MAX;
    *at++ = '"';
    char *end = s.n >= SPAN ? put_quotable(at, s) : NULL;
    at = end ? end : put_escaped(at, s);
    if (cut)
        at = put_lit(at, "...");
    *at++ = '"';
    return at;
}

static char *put_field(char *at, const struct log_field *x)
{
    memcpy(at, x->key, sizeof x->key); /* what is too much is written over */
    at += x->key_n;
    if (!x->text.p)
        return str_put_u64(at, x->number);
    char *end = put_short(at, x->text);
    if (end)
        return end;
    return plain(x->text) ? str_put(at, x->text) : put_quoted(at, x->text);
}

static char *put_member(char *at, const struct log_field *x)
{
    at = put_lit(at, ",\"");
    at = str_put(at, str_of(x->key + 1, x->key_n - 2u));
    at = put_lit(at, "\":");
    return x->text.p ? put_quoted(at, x->text) : str_put_u64(at, x->number);
}

/* Bytes that the line takes at most. */
static size_t line_max(size_t event_n, const struct log_field *fields, size_t n)
{
    size_t texts = 0;
    for (size_t i = 0; i < n; i++)
        texts += fields[i].text.n;
    if (texts > TEXT_MAX) {
        texts = 0;
        for (size_t i = 0; i < n; i++)
            texts += fields[i].text.n < TEXT_MAX ? fields[i].text.n : TEXT_MAX;
    }
    return 128 + event_n + 64 * n + 6 * texts;
}

void log_line(struct buf *dst, enum log_format f, struct log_clock *clock, uint64_t unix_ms,
              enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    struct str event_text = str_c(event);
    char *from = buf_reserve(dst, line_max(event_text.n, fields, n)), *at = from;
    if (!from)
        return;
    if (f == LOG_JSON)
        at = put_lit(at, "{\"time\":\"");
    at = put_time(at, clock, unix_ms);
    at = f == LOG_JSON ? put_lit(at, "\",\"level\":\"") : put_lit(at, " ");
    at = str_put(at, level_names[level]);
    at = f == LOG_JSON ? put_lit(at, "\",\"event\":\"") : put_lit(at, " ");
    at = str_put(at, event_text);
    if (f == LOG_JSON) {
        *at++ = '"';
        for (size_t i = 0; i < n; i++)
            at = put_member(at, &fields[i]);
        *at++ = '}';
    } else {
        for (size_t i = 0; i < n; i++)
            at = put_field(at, &fields[i]);
    }
    *at++ = '\n';
    dst->n += (size_t)(at - from);
}
