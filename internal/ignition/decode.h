/*
 * decode.h - from JSON to records, as Go's encoding/json reads it.
 *
 * A field's name may be written in other case, null is "not given", an integer must be spelt as
 * one, what the schema does not know is passed over.
 */
#ifndef IGNITION_DECODE_H
#define IGNITION_DECODE_H

#include "base/err.h"
#include "base/finding.h"
#include "ignition/jnode.h"
#include "ignition/record.h"

/*
 * Reads root into a record of that type. A value of a wrong type adds one error, for the first of
 * them, to f and is ERR_INVALID. The record, its places and its texts are in a or in the tree.
 * ERR_NOMEM.
 */
err_code decode_record(struct arena *a, const struct jnode *root, const struct schema_struct *type,
                       unsigned minor, struct findings *f, struct record **ret, struct err *e);

/*
 * A warning for each key that the schema does not have in just this spelling, and for each null
 * where a struct should be. For a root that decode_record took.
 */
void decode_warnings(const struct jnode *root, const struct schema_struct *type, unsigned minor,
                     struct findings *f);

#endif
