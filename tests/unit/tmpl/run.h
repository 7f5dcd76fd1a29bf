/* run.h - what the tests of templates share: compile, execute, compare. */
#ifndef TESTS_TMPL_RUN_H
#define TESTS_TMPL_RUN_H

#include "base/buf.h"
#include "tmpl/tmpl.h"

/* request.query becomes a map[string]string, as it is in a real request. Changes data in place. */
void run_fix_query(struct arena *a, struct value *data);
/* Compiles and executes; out is appended to. The code of whichever failed. */
err_code run_template(struct str source, const char *json, const struct tmpl_options *limits,
                      struct buf *out, struct err *e);
/* Fails the test unless the template gives exactly this text with this data (NULL: {}). */
void run_expect(const char *source, const char *json, const char *want);
/* Fails the test unless it gives this error at this place with this text in the message. */
void run_expect_error(const char *source, const char *json, err_code code, int line, int column,
                      const char *in_message);

#endif
