/*
 * state.h - a site as a transaction sees it, perhaps with some changes laid over it: before a
 * change and after it, without a write.
 */
#ifndef SERVICE_STATE_H
#define SERVICE_STATE_H

#include "service/parts.h"

/*
 * What is laid over. *ret_decides: this resource is as *ret_body says, absent if it is not there;
 * else the transaction knows. The body lives in a or longer.
 */
typedef err_code state_over(void *ctx, const struct store_key *k, struct arena *a,
                            bool *ret_decides, struct str *ret_body, struct err *e);
/* Calls add for the names of files (MODEL_FILES) that begin with prefix and are laid over. */
typedef void state_name(void *arg, struct str name);
typedef void state_files(void *ctx, struct str prefix, state_name *add, void *arg);

struct state {
    struct store_txn *txn;
    state_over *over; /* NULL: nothing is laid over */
    state_files *files;
    void *ctx;
};

/* Puts a body in a or a longer-lived place. ERR_NOT_FOUND. */
err_code state_get(const struct state *s, const struct store_key *k, struct arena *a,
                   struct str *ret_body, struct err *e);

/* Calls add for each file (MODEL_FILES) whose name begins with prefix; names are gone afterwards.
 */
err_code state_each_file(const struct state *s, struct str prefix, struct arena *a, state_name *add,
                         void *arg, struct err *e);

#endif
