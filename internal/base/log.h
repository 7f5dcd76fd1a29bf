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
    char key[16];    /* " key=" as it stands in a line of text, zeros after it */
    uint8_t key_n;   /* bytes of that */
    struct str text; /* absent: the number is meant */
    uint64_t number;
};

static inline struct str log_present(struct str text)
{
    return text.p ? text : STR("");
}
/* k is a literal of at most 14 bytes: keys are put together by the compiler. */
#define log_text(k, t)                                                                             \
    ((struct log_field){.key = " " k "=", .key_n = sizeof(k) + 1, .text = log_present(t)})
#define log_number(k, u)                                                                           \
    ((struct log_field){.key = " " k "=", .key_n = sizeof(k) + 1, .number = (u)})

/*
 * What log_line knows of the second that it wrote last: a date takes longer to make than the rest
 * of a line. All zero at first; one for each thread, or under a lock.
 */
struct log_clock {
    uint64_t second;
    char text[20]; /* "2026-11-23T09:20:23." */
};

/* One line with its newline. unix_ms: milliseconds since 1970. Texts are cut at 1,000 bytes. dst
   needs room for six times what is in the fields, or it fails. */
void log_line(struct buf *dst, enum log_format f, struct log_clock *clock, uint64_t unix_ms,
              enum log_level level, const char *event, const struct log_field *fields, size_t n);

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
