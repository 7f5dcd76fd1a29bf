/* Errors as clients see them: RFC 9457, Problem Details for HTTP APIs. */
#include "base/always.h"
#include "rest/route.h"

#define PROBLEM_MAX (16u << 20)

/* The types are for programs, and stay; a title is its type in words. */
static const struct problem_type {
    int status;
    const char *type;
    const char *title;
} types[] = {
    {400, "urn:vesta:problem:bad-request", "The request is not HTTP as it should be"},
    {401, "urn:vesta:problem:unauthorized", "A valid token is needed"},
    {403, "urn:vesta:problem:forbidden", "The token's role is too small"},
    {404, "urn:vesta:problem:not-found", "It is not there"},
    {405, "urn:vesta:problem:method-not-allowed", "The path does not take this method"},
    {409, "urn:vesta:problem:conflict", "It clashes with another resource"},
    {412, "urn:vesta:problem:precondition-failed", "It is not as the request expects"},
    {413, "urn:vesta:problem:too-large", "It is too large"},
    {415, "urn:vesta:problem:unsupported-media-type", "The content type is not taken here"},
    {422, "urn:vesta:problem:invalid", "The content is not valid"},
    {500, "urn:vesta:problem:internal", "The server failed"},
    {503, "urn:vesta:problem:unavailable", "The server cannot do this now"},
    {507, "urn:vesta:problem:no-space", "The server's disk is full"},
};

static const struct problem_type *type_of(int status)
{
    const struct problem_type *t = types;
    while (t < types + sizeof types / sizeof *types && t->status != status)
        t++;
    always(t < types + sizeof types / sizeof *types);
    return t;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void add(struct value_pair *pairs, uint32_t *n, struct str key, struct value v)
{
    pairs[(*n)++] = (struct value_pair){key, v};
}

bool finding_value(struct arena *a, const struct finding *x, struct value *ret)
{
    struct value_pair *p = arena_calloc(a, 5, sizeof *p);
    uint32_t n = 0;
    if (!p)
        return false;
    add(p, &n, STR("severity"),
        value_str(x->severity == FINDING_ERROR ? STR("error") : STR("warning")));
    if (x->file.n)
        add(p, &n, STR("file"), value_str(x->file));
    else
        add(p, &n, STR("pointer"), value_str(x->pointer));
    if (x->line > 0)
        add(p, &n, STR("line"), value_int(x->line));
    if (x->line > 0 && x->column > 0)
        add(p, &n, STR("column"), value_int(x->column));
    add(p, &n, STR("message"), value_str(x->message));
    *ret = value_map(VALUE_MAP, p, n);
    return true;
}

bool problem_findings(struct arena *a, const struct findings *f, struct value *ret)
{
    uint32_t n = 0, i = 0;
    for (const struct finding *x = f ? f->first : NULL; x; x = x->next)
        n++;
    struct value *items = n ? arena_calloc(a, n, sizeof *items) : NULL;
    if (n && !items)
        return false;
    for (const struct finding *x = n ? f->first : NULL; x; x = x->next)
        if (!finding_value(a, x, &items[i++]))
            return false;
    *ret = (struct value){.kind = VALUE_LIST, .n = n, .list = items};
    return true;
}

/* False when memory is out. */
static bool write_problem(struct rest_call *c, const struct problem_type *t, struct str detail,
                          const struct findings *f, struct buf *dst)
{
    struct value_pair p[6];
    struct value list;
    uint32_t n = 0;
    if (!problem_findings(c->q->arena, f, &list))
        return false;
    add(p, &n, STR("type"), value_str(str_c(t->type)));
    add(p, &n, STR("title"), value_str(str_c(t->title)));
    add(p, &n, STR("status"), value_int(t->status));
    add(p, &n, STR("detail"), value_str(detail));
    add(p, &n, STR("instance"), value_str(c->q->path));
    add(p, &n, STR("findings"), list);
    struct value v = value_map(VALUE_MAP, p, n);
    value_to_json(dst, &v, 0);
    return !dst->failed;
}

static void note_reason(struct rest_call *c, struct str reason)
{
    struct str kept;
    if (arena_str(c->q->arena, reason, &kept))
        c->note->reason = kept;
}

static void answer_problem(struct rest_call *c, int status, struct str detail,
                           const struct findings *f)
{
    struct buf text;
    buf_in_arena(&text, c->q->arena, PROBLEM_MAX);
    note_reason(c, detail);
    bool whole = write_problem(c, type_of(status), detail, f, &text);
    c->r->status = whole ? status : 500;
    c->r->content_type = STR("application/problem+json");
    c->r->kind = whole ? HTTP_BODY_COPY : HTTP_BODY_STATIC;
    c->r->body = whole ? buf_str(&text)
                       : STR("{\"type\":\"urn:vesta:problem:internal\",\"title\":\"The server "
                             "failed\",\"status\":500,\"detail\":\"out of memory\"}");
    http_add_header(c->r, "X-Content-Type-Options", "nosniff");
}

void problem(struct rest_call *c, int status, const char *fmt, ...)
{
    struct buf detail;
    buf_in_arena(&detail, c->q->arena, 64 * 1024);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&detail, fmt, ap);
    va_end(ap);
    answer_problem(c, status, detail.failed ? STR("") : buf_str(&detail), NULL);
}

/* --- errors ----------------------------------------------------------------------------------- */

/*
 * What a client may do about it. Who may do what is asked before: ERR_DENIED is the disk's answer,
 * and ERR_UNSUPPORTED without findings a database that is newer than this program.
 */
static int status_of(err_code code, const struct findings *f)
{
    switch (code) {
    case ERR_NOT_FOUND: return 404;
    case ERR_CONFLICT: return 409;
    case ERR_STALE: return 412;
    case ERR_LIMIT: return 413;
    case ERR_INVALID: return 422;
    case ERR_UNSUPPORTED: return f && f->errors ? 422 : 503;
    case ERR_DENIED:
    case ERR_BUSY:
    case ERR_IO: return 503;
    case ERR_OK:
    case ERR_NOMEM:
    case ERR_RENDER:
    case ERR_CORRUPT: break;
    }
    return 500;
}

/* What went wrong inside is for the log, not for the client. */
static void internal_problem(struct rest_call *c, const struct err *e)
{
    char text[sizeof *e];
    err_format(e, text, sizeof text);
    answer_problem(c, 500, STR("the server failed at this; its log says why"), NULL);
    note_reason(c, str_c(text));
}

void problem_err(struct rest_call *c, const struct err *e, const struct findings *f)
{
    int status = status_of(e->code, f);
    if (status == 500) {
        internal_problem(c, e);
        return;
    }
    if (e->code == ERR_BUSY)
        http_add_header(c->r, "Retry-After", "1");
    answer_problem(c, status, str_c(e->msg), f);
}
