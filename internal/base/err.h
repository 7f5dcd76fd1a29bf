/*
 * err.h - errors as values.
 *
 * A function that can fail returns an err_code and, when the caller passes a struct err, one
 * sentence for people with the place that it is about. Out-parameters are untouched on failure.
 * Fixed size, owns nothing, may live on the stack. Thread rule: a value like any other.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

/* What a caller may want to tell apart. Each header names the ones that its functions expect. */
typedef enum err_code {
    ERR_OK = 0,
    ERR_NOMEM,       /* an allocation failed */
    ERR_INVALID,     /* the input is not what it must be */
    ERR_NOT_FOUND,   /* the thing that was named is not there */
    ERR_CONFLICT,    /* it clashes with something that is there */
    ERR_STALE,       /* a precondition no longer holds (an ETag, a base revision) */
    ERR_LIMIT,       /* a limit was reached; the message names it */
    ERR_DENIED,      /* not allowed */
    ERR_RENDER,      /* a template failed while it ran */
    ERR_UNSUPPORTED, /* understood, but not something that this program does */
    ERR_IO,          /* the system said no: files, disk, network */
    ERR_CORRUPT,     /* stored data is not what we wrote */
    ERR_BUSY,        /* not now; trying again may work */
} err_code;

/*
 * line and column count from 1, column in bytes; 0 is "not known". file is the file or template
 * that it is about, pointer a JSON pointer (RFC 6901) into it; both may be empty. Texts that do not
 * fit are cut at a character boundary.
 */
struct err {
    err_code code;
    int line;
    int column;
    char file[256];
    char pointer[256];
    char msg[512];
};

#define ERR_INIT ((struct err){.code = ERR_OK})

/* As ERR_INIT, without clearing a kilobyte: for what is done for each request. */
static inline void err_init(struct err *e)
{
    e->code = ERR_OK;
    e->line = e->column = 0;
    e->file[0] = e->pointer[0] = e->msg[0] = '\0';
}

/* Sets code and message, clears the place, and returns code. e may be NULL. */
err_code err_set(struct err *e, err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with a line and a column. */
err_code err_at(struct err *e, err_code code, int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Names the file of an error that is already set; returns its code. e may be NULL (ERR_OK then). */
err_code err_in_file(struct err *e, const char *file);

/* Puts `prefix: ` before the message that is there. */
void err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_set with ": " and strerror(errnum) at the end. */
err_code err_errno(struct err *e, err_code code, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* "file:line:column: pointer: message" with the parts that are known, into dst (always ended). */
void err_format(const struct err *e, char *dst, unsigned long size);

#endif
