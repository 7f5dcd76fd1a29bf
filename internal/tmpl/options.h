/* options.h - the limits of an execution, as they hold for the buffer and the arena that it uses.
 */
#ifndef TMPL_OPTIONS_H
#define TMPL_OPTIONS_H

#include "tmpl/tmpl.h"

/* With the defaults in place of 0; given may be NULL. */
struct tmpl_options options_effective(const struct tmpl_options *given);
/*
 * Lowers the maximum of out and that of the arena to what the limits allow from here on, and
 * limits->output to what out can take. Whoever calls this puts both maxima back afterwards.
 */
void options_limit(struct tmpl_options *limits, struct buf *out, struct arena *a);

#endif
