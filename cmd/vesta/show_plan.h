/*
 * show_plan.h - the answer to a plan for people: differences, and what machines would get.
 */
#ifndef VESTA_SHOW_PLAN_H
#define VESTA_SHOW_PLAN_H

#include "base/err.h"
#include "base/str.h"
#include "client.h"
#include "output.h"

/*
 * Prints the answer of /plan or /apply. It may be larger than what becomes a tree, so it is walked.
 * applied says which of the two it was. Warnings are on stderr, with the client's places.
 */
err_code show_plan(const struct client *c, struct str answer, enum output o, bool applied,
                   struct err *e);
/* Only the warnings. */
err_code show_plan_warnings(const struct client *c, struct str answer, struct err *e);

#endif
