/*
 * log.h - log lines: their form, and where library code that has something to tell sends them.
 *
 * A line is a time, a level, a word that says what happened, and fields. As text it is key=value,
 * with values in quotes and escaped when they hold anything but plain characters, so a client can
 * neither forge a line nor reach a terminal; as JSON it is one object. Pure: the time is an
 * argument.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"
#include "base/str.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key;
    struct str text; /* absent: the number is meant */
    uint64_t number;
};

static inline struct log_field log_text(const char *key, struct str text)
{
    return (struct log_field){key, text.p ? text : STR(""), 0};
}
static inline struct log_field log_number(const char *key, uint64_t number)
{
    return (struct log_field){key, {NULL, 0}, number};
}

/* One line with its newline. unix_ms: milliseconds since 1970. Texts are cut at 1,000 bytes. */
void log_line(struct buf *dst, enum log_format f, uint64_t unix_ms, enum log_level level,
              const char *event, const struct log_field *fields, size_t n);

bool log_level_from_name(struct str name, enum log_level *ret);

/* Where lines go; write may be called by any thread. A sink without write swallows them. */
struct log_sink {
    void (*write)(void *ctx, enum log_level level, const char *event,
                  const struct log_field *fields, size_t n);
    void *ctx;
};

static inline void log_event(const struct log_sink *s, enum log_level level, const char *event,
                             const struct log_field *fields, size_t n)
{
    if (s->write)
        s->write(s->ctx, level, event, fields, n);
}

#endif
