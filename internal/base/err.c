#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/always.h"

void always_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "vesta: %s:%d: this must always hold and did not: %s\n", file, line, expr);
    fflush(stderr);
    abort();
}

/* A text that was cut may end inside a UTF-8 sequence: drop the torn character. */
static void trim_torn_utf8(char *s)
{
    size_t n = strlen(s);
    size_t back = 0;
    while (back < 4 && back < n && ((unsigned char)s[n - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back >= n)
        return;
    unsigned char lead = (unsigned char)s[n - 1 - back];
    size_t want = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead >= 0xC0 && back < want)
        s[n - 1 - back] = '\0';
}

__attribute__((format(printf, 5, 0))) static err_code set_va(struct err *e, err_code code, int line,
                                                             int column, const char *fmt,
                                                             va_list ap)
{
    if (e) {
        e->code = code;
        e->line = line;
        e->column = column;
        e->file[0] = '\0';
        e->pointer[0] = '\0';
        int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
        if (n < 0)
            e->msg[0] = '\0';
        if (n >= (int)sizeof e->msg)
            trim_torn_utf8(e->msg);
    }
    return code;
}

err_code err_set(struct err *e, err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_va(e, code, 0, 0, fmt, ap);
    va_end(ap);
    return code;
}

err_code err_at(struct err *e, err_code code, int line, int column, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_va(e, code, line, column, fmt, ap);
    va_end(ap);
    return code;
}

err_code err_in_file(struct err *e, const char *file)
{
    if (!e)
        return ERR_OK;
    snprintf(e->file, sizeof e->file, "%s", file);
    trim_torn_utf8(e->file);
    return e->code;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
    if (!e)
        return;
    char text[2 * sizeof e->msg];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof e->msg, fmt, ap);
    va_end(ap);
    size_t at = n < 0 ? 0 : (size_t)n < sizeof e->msg ? (size_t)n : sizeof e->msg - 1;
    snprintf(text + at, sizeof text - at, ": %s", e->msg);
    memcpy(e->msg, text, sizeof e->msg - 1);
    e->msg[sizeof e->msg - 1] = '\0';
    trim_torn_utf8(e->msg);
}

err_code err_errno(struct err *e, err_code code, int errnum, const char *fmt, ...)
{
    if (!e)
        return code;
    va_list ap;
    va_start(ap, fmt);
    set_va(e, code, 0, 0, fmt, ap);
    va_end(ap);
    size_t n = strlen(e->msg);
    char why[128];
    snprintf(e->msg + n, sizeof e->msg - n, ": %s", strerror_r(errnum, why, sizeof why));
    return code;
}

void err_format(const struct err *e, char *dst, unsigned long size)
{
    char place[320] = "";
    if (e->file[0] && e->line > 0)
        snprintf(place, sizeof place, "%s:%d:%d: ", e->file, e->line, e->column);
    else if (e->file[0])
        snprintf(place, sizeof place, "%s: ", e->file);
    else if (e->line > 0)
        snprintf(place, sizeof place, "line %d, column %d: ", e->line, e->column);
    snprintf(dst, size, "%s%s%s%s", place, e->pointer, e->pointer[0] ? ": " : "", e->msg);
}
