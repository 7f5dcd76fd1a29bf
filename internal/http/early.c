/*
 * Answers that libmicrohttpd cannot send: before or amid a body that is not wanted, or when it has
 * no memory left for a head. It would take an answer before the body, but then closes a socket that
 * holds unread bytes, and the reset overtakes the answer; amid a body it takes none. So these are
 * written by direct.c, and what the client still sends is thrown away for a while.
 */
#include "http/server.h"

/* How long, and how much of, an unwanted body is thrown away, so that the answer is seen. */
#define DISCARD_MS  5000
#define DISCARD_MAX ((uint64_t)64 << 20)

enum MHD_Result early_answer(struct request *r, const struct http_response *p)
{
    bool begun = r->stage == STAGE_BODY;
    r->stage = STAGE_DISCARD;
    direct_write(r, p);
    connection_enter(r->connection, PHASE_BODY, DISCARD_MS);
    /* Else libmicrohttpd sends its 100 now; and a client that waits for it sends no body. */
    return !begun && http_header(&r->q, "Expect").n ? MHD_NO : MHD_YES;
}

enum MHD_Result early_discard(struct request *r, size_t *size)
{
    bool at_end = *size == 0;
    r->discarded += *size;
    *size = 0;
    return at_end || r->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result early_refuse_without_memory(struct request *r)
{
    struct http_response p = {.status = 431};
    direct_write(r, &p);
    r->stage = STAGE_ANSWERED;
    return MHD_NO;
}
