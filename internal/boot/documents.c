/* Documents: from the labels of a query to what `service` makes of them. */
#include "boot/parts.h"

enum service_form cut_form(struct str *path)
{
    if (str_ends(*path, STR(".sig"))) {
        path->n -= 4;
        return SERVICE_SIG;
    }
    if (str_ends(*path, STR(".asc"))) {
        path->n -= 4;
        return SERVICE_ASC;
    }
    return SERVICE_PLAIN;
}

void set_bytes(struct http_response *r, struct str bytes, const char *content_type)
{
    r->status = 200;
    r->kind = HTTP_BODY_COPY;
    r->body = bytes;
    r->content_type = str_c(content_type);
}

void answer_failed(struct http_request *q, struct http_response *r, struct note *note, err_code c,
                   const struct err *e)
{
    char text[1200];
    err_format(e, text, sizeof text);
    arena_str(q->arena, str_c(text), &note->reason);
    http_text(q, r, c == ERR_NOT_FOUND ? 404 : c == ERR_BUSY ? 503 : 500, "%s", text);
}

static void add_match_header(struct http_request *q, struct http_response *r,
                             const struct service_answer *a)
{
    struct buf value;
    buf_in_arena(&value, q->arena, a->group.n + 64);
    buf_add_lit(&value, "group=");
    buf_add_str(&value, a->group);
    buf_add_lit(&value, "; revision=");
    buf_add_u64(&value, a->revision);
    const char *text = buf_c(&value);
    if (text)
        http_add_header(r, "Vesta-Match", text);
}

const char *form_content_type(enum render_document d, enum service_form form)
{
    return form == SERVICE_SIG   ? "application/pgp-signature"
           : form == SERVICE_ASC ? "text/plain; charset=utf-8"
                                 : render_content_type(d);
}

/* Logs what was not taken of the query. False after it has refused the request. */
static bool accept_labels(struct boot *b, struct http_request *q, struct http_response *r,
                          const struct service_labels *l)
{
    bool conflict = false, mac = false;
    for (uint32_t i = 0; i < l->ignored_n; i++) {
        const struct service_ignored *x = &l->ignored[i];
        bool repeated = x->why == SERVICE_IGNORED_REPEATED;
        struct log_field f[] = {repeated ? log_text("key", x->key) : log_text("mac", x->value),
                                log_text("path", q->path), log_text("remote", str_c(q->remote))};
        if (repeated && x->conflict && !conflict)
            log_event(&b->log, LOG_WARN_LEVEL, "conflicting-labels", f, 3);
        else if (!repeated && x->value.n && !mac)
            log_event(&b->log, LOG_WARN_LEVEL, "mac-ignored", f, 3);
        conflict |= x->conflict;
        mac |= !repeated && x->value.n > 0;
    }
    if (conflict && b->strict_labels)
        http_text(q, r, 400, "a label is given twice with two values");
    return !conflict || !b->strict_labels;
}

void answer_document(struct boot *b, struct http_request *q, struct http_response *r,
                     struct note *note, enum render_document d, enum service_form form,
                     struct str raw_query)
{
    struct err e = ERR_INIT;
    struct service_labels l;
    err_code c = service_labels_read(q->arena, raw_query, &l, &e);
    if (c) {
        http_text(q, r, c == ERR_LIMIT ? 400 : 500, "%s", e.msg);
        return;
    }
    note->labels = l.labels;
    if (!accept_labels(b, q, r, &l))
        return;
    struct service_question question = {d, form, &l.labels, raw_query.p ? raw_query : STR("")};
    struct service_answer a;
    c = service_answer(b->service, &question, q->arena, &a, &e);
    note->group = a.group;
    note->profile = a.profile;
    note->revision = a.revision;
    note->matched = a.group.p != NULL;
    if (c) {
        answer_failed(q, r, note, c, &e);
        return;
    }
    set_bytes(r, a.bytes, form_content_type(d, form));
    if (a.held) {
        r->kind = HTTP_BODY_HELD;
        r->held = a.held;
        r->release = catalog_doc_release;
    }
    add_match_header(q, r, &a);
    if (d == RENDER_GENERIC || d == RENDER_CLOUD || d >= RENDER_USER_DATA)
        http_add_header(r, "X-Content-Type-Options", "nosniff");
}
