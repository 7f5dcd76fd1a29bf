/*
 * signer.h - threads of their own for signatures that are slow: RSA, 1.2 to 12 ms of computing.
 *
 * A machine can ask for ever new signatures by varying its query, so that work is bounded: by a
 * rate for each address, and by a queue. Who asks waits until its job is done. At most as many wait
 * as there are threads that serve machines, which is far less than the queue takes, so that a
 * request waits for the few jobs before it, some milliseconds, and never for long; Ed25519
 * signatures and those that were made before do not come here. Thread rule: signer_run from any
 * thread, start and stop from one. Owns its threads; a job and its argument are the caller's.
 */
#ifndef SERVICE_SIGNER_H
#define SERVICE_SIGNER_H

#include "base/err.h"

#define SIGNER_QUEUE_MAX 64  /* jobs that wait */
#define SIGNER_RATE      100 /* jobs a second for each address */
#define SIGNER_BURST     300 /* jobs that an address may ask for at once after it was quiet */

struct signer;

/* ERR_NOMEM, ERR_IO (no threads). */
err_code signer_start(unsigned threads, struct signer **ret, struct err *e);
/* Nobody may wait any more. NULL is fine. */
void signer_stop(struct signer *s);

typedef void signer_job(void *arg);
/*
 * Calls job(arg) on one of the threads and returns when it has. remote is the address that asks.
 * ERR_BUSY, with what was exceeded: come back in a second.
 */
err_code signer_run(struct signer *s, const char *remote, signer_job *job, void *arg,
                    struct err *e);

#endif
