/*
 * format.h - values as text: Go's fmt.Print, Println and Printf.
 *
 * format.c reads formats and walks lists and maps; verb.c writes one string, number or bool with
 * the flags of a verb. What does not fit is shown in the text, never a failure: "%!d(string=x)".
 *
 * Source of the format: https://pkg.go.dev/fmt.
 */
#ifndef TMPL_FORMAT_H
#define TMPL_FORMAT_H

#include "base/buf.h"
#include "value/value.h"

/* Flags, width and precision of the verb that is being written. */
struct verb_flags {
    bool sharp, plus, minus, space, zero;
    bool sharp_v; /* %#v */
    bool has_width, has_precision;
    int width, precision; /* characters */
};

struct printer {
    struct buf *out;
    struct buf *scratch; /* for numbers and quoted strings; its content is lost */
    uint32_t max_width;  /* larger widths and precisions are %!(BADWIDTH) and %!(BADPREC) */
    uint64_t visited;    /* values that were written, for the step limit; a float counts more */
    uint64_t visits;     /* lists and maps are cut off when so many were visited */
    uint32_t depth;      /* of the list or map that is being written */
    bool marked;         /* something that was written carries the mark (value.h) */
    uint8_t clean;       /* contexts in which everything marked may stand: see mark.h */
    bool too_deep;       /* lists and maps were nested deeper than PRINT_DEPTH_MAX */
    bool too_many;       /* visits was reached */
    struct verb_flags flags;
};

#define PRINT_DEPTH_MAX 1000
/* Finding the shortest digits of a float takes as long as evaluating this many nodes. */
#define PRINT_FLOAT_COST 8

/* visits: see there. */
void print_init(struct printer *p, struct buf *out, struct buf *scratch, uint32_t max_width,
                uint64_t visits);
/* As {{v}} prints it, but nil is <nil>. */
void print_value(struct printer *p, const struct value *v);
/* Print: a space between two operands if neither is a string. */
void print_values(struct printer *p, const struct value *args, uint32_t n);
/* Println: always a space, and a newline at the end. */
void print_line(struct printer *p, const struct value *args, uint32_t n);
void print_format(struct printer *p, struct str format, const struct value *args, uint32_t n);
/* A string or a character as a Go literal, without non-ASCII characters if ascii. */
void print_quoted(struct buf *dst, struct str s, bool ascii);

/* --- verb.c. True: done. False: the verb is none of that kind. ------------------------------- */

bool verb_bool(struct printer *p, bool v, uint32_t verb);
bool verb_integer(struct printer *p, int64_t v, bool is_signed, uint32_t verb);
bool verb_float(struct printer *p, double v, uint32_t verb);
bool verb_complex(struct printer *p, double re, double im, uint32_t verb);
bool verb_string(struct printer *p, struct str s, uint32_t verb);
/* Text cut to the precision and padded to the width. */
void verb_text(struct printer *p, struct str s);
/* Text padded to the width. */
void verb_pad(struct printer *p, struct str s);

#endif
