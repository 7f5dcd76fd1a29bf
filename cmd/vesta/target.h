/*
 * target.h - the flags of commands that ask a server, and how they read its answers.
 */
#ifndef VESTA_TARGET_H
#define VESTA_TARGET_H

#include "value/value.h"

struct target {
    const char *server, *token_file, *data_path, *output;
    const char *ca_file, *cert_file, *key_file;
};

#define TARGET_DEFAULT                                                                             \
    {                                                                                              \
        "", "", DEFAULT_DATA_PATH, "", "", "", ""                                                  \
    }
/* clang-format off */
#define TARGET_FLAGS(t)                                                                            \
    {"server", FLAG_TEXT, &(t).server, true, "URL", "the API (default: the data path's server)"},  \
    {"token-file", FLAG_TEXT, &(t).token_file, true, "FILE",                                       \
     "a token (or VESTA_TOKEN; default: the data path's)"},                                        \
    {"ca-file", FLAG_TEXT, &(t).ca_file, true, "FILE",                                             \
     "who may have signed the certificate of --server (default: whom the system trusts)"},         \
    {"cert-file", FLAG_TEXT, &(t).cert_file, true, "FILE", "a client certificate (PEM)"},          \
    {"key-file", FLAG_TEXT, &(t).key_file, true, "FILE", "the key of --cert-file"},                \
    {"data-path", FLAG_TEXT, &(t).data_path, true, "DIR", "whose server is asked"}
/* clang-format on */

/* The text at a key of a map; "" when there is no text. */
static inline struct str text_at(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_STRING ? value_as_str(*x) : STR("");
}

#endif
