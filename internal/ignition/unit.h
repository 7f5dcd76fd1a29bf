/*
 * unit.h - does a systemd unit parse?
 *
 * By the rules of github.com/coreos/go-systemd/unit, which Ignition checks units with; they are
 * laxer than systemd's in places (anything may stand before the first section) and stricter in
 * one (a line that is too long for its buffer). Pure.
 */
#ifndef IGNITION_UNIT_H
#define IGNITION_UNIT_H

#include "base/str.h"

/* NULL if the text parses, else what is wrong, a constant text. */
const char *unit_check(struct str text);
/* Does the text parse and set anything in a section [Install]? */
bool unit_has_install(struct str text);

#endif
