/*
 * yaml_scalar.h - what an unquoted scalar means: the rules of gopkg.in/yaml.v3 (YAML 1.2's core
 * schema, with the octal numbers, the underscores and the timestamps of YAML 1.1). Inside this
 * module only.
 */
#ifndef VALUE_YAML_SCALAR_H
#define VALUE_YAML_SCALAR_H

#include "value/yaml.h"

/* Longer ones than this are strings. */
#define SCALAR_NUMBER_MAX 1000

/*
 * Sets kind, tag (the short form) and, for what has one, the value of x; touches nothing else.
 * Timestamps and `<<` are strings with a tag of their own.
 */
void scalar_resolve(struct str text, struct yaml_node *x);

/* Is it one of the further words that mean true or false in YAML 1.1 (yes, On, n …)? */
bool scalar_is_bool11(struct str text, bool *ret);

#endif
