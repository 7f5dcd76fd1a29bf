/*
 * output.h - what -o chooses: a table for people, or a form for programs.
 */
#ifndef VESTA_OUTPUT_H
#define VESTA_OUTPUT_H

#include "value/value.h"

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME };

/* Reads "", "json", "yaml" or "name". False after it has said what is wrong. */
bool output_read(const char *command, const char *text, enum output *ret);
/* All of a value on standard output, as JSON or YAML. */
void output_value(enum output o, const struct value *v);
/* The same as JSON on one line. */
void output_line(const struct value *v);

/*
 * Names and values may be anybody's: what would move a terminal's cursor, change its colours or
 * begin another line is shown as \xNN by both. A line on standard error; a text on standard output,
 * with spaces up to width bytes.
 */
void output_told(const char *prefix, const char *text);
void output_text(struct str s, size_t width);

enum colour { COLOUR_PLAIN, COLOUR_GOOD, COLOUR_DOUBT, COLOUR_BAD };
/* Begins or (COLOUR_PLAIN) ends a colour on standard output: on a terminal, unless NO_COLOR is set.
 */
void output_colour(enum colour c);

/* For a table of flags; t has the member `output`. */
#define OUTPUT_FLAGS(t)                                                                            \
    {"output", FLAG_TEXT, &(t).output,                                                             \
     false,    "FORM",    "json, yaml or name, for programs (default: a table)"},                  \
    {                                                                                              \
        "o", FLAG_TEXT, &(t).output, false, "FORM", "the same"                                     \
    }

/* quiet is a bool. */
#define QUIET_FLAGS(quiet, what)                                                                   \
    {"quiet", FLAG_SWITCH, &(quiet), false, NULL, what},                                           \
    {                                                                                              \
        "q", FLAG_SWITCH, &(quiet), false, NULL, "the same"                                        \
    }

#endif
