/*
 * target.h - the flags of commands that ask a server, and how they read its answers.
 */
#ifndef VESTA_TARGET_H
#define VESTA_TARGET_H

#include "value/value.h"

struct target {
    const char *server, *token_file, *data_path, *output;
};

#define TARGET_DEFAULT                                                                             \
    {                                                                                              \
        "", "", DEFAULT_DATA_PATH, ""                                                              \
    }
#define TARGET_FLAGS(t)                                                                            \
    {"server", FLAG_TEXT, &(t).server, true, "URL", "the API (default: the data path's server)"},  \
        {"token-file", FLAG_TEXT, &(t).token_file,                                                 \
         true,         "FILE",    "a token (or VESTA_TOKEN; default: the data path's)"},           \
    {                                                                                              \
        "data-path", FLAG_TEXT, &(t).data_path, true, "DIR", "whose server is asked"               \
    }

/* The text at a key of a map; "" when there is no text. */
static inline struct str text_at(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_STRING ? value_as_str(*x) : STR("");
}

#endif
