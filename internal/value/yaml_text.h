/*
 * yaml_text.h - one string or number in YAML, in the style that goyaml.v2 chooses for it. Inside
 * this module only.
 */
#ifndef VALUE_YAML_TEXT_H
#define VALUE_YAML_TEXT_H

#include "base/buf.h"

#define YAML_INDENT 2 /* columns of one level */

/*
 * Plain if it reads back as that string, in quotes if not; with a line feed in it a literal block,
 * whose lines are indented by indent columns, if one can hold it.
 */
void write_yaml_string(struct buf *dst, struct str s, int indent);
void write_yaml_float(struct buf *dst, double f);

#endif
