/*
 * signature_cache.h - signatures that were made before, by the content that they are over.
 *
 * A signature says when it was made, so making it again would give another one each time; and it
 * costs many times what a document does. At most 64 MiB are kept; those that were not asked for the
 * longest go first. Thread rule: any thread; a lookup holds one lock of several for a moment.
 */
#ifndef SERVICE_SIGNATURE_CACHE_H
#define SERVICE_SIGNATURE_CACHE_H

#include "base/buf.h"
#include "base/err.h"

#define SIGNATURE_CACHE_BYTES (64u << 20)
#define SIGNATURE_ID_BYTES    32

struct signature_cache;

/* bytes: what it may take in all. ERR_NOMEM. */
err_code signature_cache_make(size_t bytes, struct signature_cache **ret, struct err *e);
void signature_cache_free(struct signature_cache *c);

/* id: a hash of what is signed and how. Appends the signature to dst; false if it is not there. */
bool signature_cache_get(struct signature_cache *c, const unsigned char id[SIGNATURE_ID_BYTES],
                         struct buf *dst);
/* Keeps it, if there is memory. The first one that was kept stays. */
void signature_cache_put(struct signature_cache *c, const unsigned char id[SIGNATURE_ID_BYTES],
                         struct str signature);

#endif
