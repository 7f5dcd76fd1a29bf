/* Documents: from the labels of a query to what `service` makes of them. */
#include "boot/parts.h"

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
    if (c == ERR_BUSY)
        http_add_header(r, "Retry-After", "1");
}

static void add_match_header(struct http_request *q, struct http_response *r,
                             const struct service_answer *a)
{
    const struct str before = STR("group="), between = STR("; revision=");
    char *text = arena_alloc(q->arena, before.n + a->group.n + between.n + 21);
    if (!text)
        return;
    char *at = str_put(str_put(str_put(text, before), a->group), between);
    *str_put_u64(at, a->revision) = '\0';
    http_add_header(r, "Vesta-Match", text);
}

/* A query said who sends it, which only a certificate can. */
static void tell_claim(struct boot *b, const struct http_request *q, struct str claimed)
{
    struct log_field f[] = {log_text("claimed", claimed), log_text("path", q->path),
                            log_text("remote", str_c(q->remote))};
    log_event(&b->log, LOG_WARN_LEVEL, "tls-subject-ignored", f, 3);
}

/* A certificate that is not good is as none, so that a machine is not lost for it, and logged. */
static struct str subject_of(struct boot *b, const struct http_request *q)
{
    struct str text;
    enum http_client_certificate is = http_client(q, &text);
    if (is == HTTP_CLIENT_REFUSED) {
        struct log_field f[] = {log_text("why", text), log_text("path", q->path),
                                log_text("remote", str_c(q->remote))};
        log_event(&b->log, LOG_WARN_LEVEL, "client-certificate-refused", f, 3);
    }
    return is == HTTP_CLIENT_VERIFIED ? text : (struct str){NULL, 0};
}

/* Logs what was not taken of the query. False after it has refused the request. */
static bool accept_labels(struct boot *b, struct http_request *q, struct http_response *r,
                          const struct service_labels *l)
{
    bool conflict = false, mac = false;
    for (uint32_t i = 0; i < l->ignored_n; i++) {
        const struct service_ignored *x = &l->ignored[i];
        bool repeated = x->why == SERVICE_IGNORED_REPEATED;
        if (x->why == SERVICE_IGNORED_JUNK)
            continue;
        if (x->why == SERVICE_IGNORED_CLAIM) {
            tell_claim(b, q, x->value);
            continue;
        }
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

/* Where names of kernels begin, for who needs to be told; iPXE finds that out by itself. */
static struct str base_for(struct boot *b, struct http_request *q, enum render_document d)
{
    struct buf base;
    if (!render_is_boot_script(d) || d == RENDER_IPXE)
        return (struct str){NULL, 0};
    if (b->public_url)
        return str_c(b->public_url);
    buf_in_arena(&base, q->arena, 200);
    buf_addf(&base, "%s://%s", q->secure ? "https" : "http", http_local(q));
    return buf_str(&base);
}

/* GRUB says that it is GRUB; other clients get what matchbox would give them. */
static bool grub_of_matchbox(const struct boot *b, const struct http_request *q)
{
    return !b->public_url && !str_starts(http_header(q, "User-Agent"), STR("GRUB"));
}

/* subject: NULL without TLS. */
static bool read_labels(struct http_request *q, struct http_response *r, struct str raw_query,
                        const struct str *subject, struct service_labels **ret)
{
    struct err e;
    err_init(&e);
    struct service_labels *l = arena_alloc(q->arena, sizeof *l);
    err_code c = l ? service_labels_read(q->arena, raw_query, l, &e)
                   : err_set(&e, ERR_NOMEM, "out of memory while reading the query");
    if (!c && subject)
        c = service_labels_certify(q->arena, *subject, l, &e);
    if (c)
        http_text(q, r, c == ERR_LIMIT ? 400 : 500, "%s", e.msg);
    *ret = l;
    return !c;
}

/*
 * Who asks for one machine after another that is not there gets no answer for a while: not 429,
 * which Ignition takes for the end, but what it tries again.
 */
static bool too_many_misses(struct boot *b, struct http_request *q, struct http_response *r,
                            struct note *note)
{
    unsigned seconds = b->misses ? http_rate_wait(b->misses, q) : 0;
    if (!seconds)
        return false;
    struct buf text;
    buf_in_arena(&text, q->arena, 32);
    buf_addf(&text, "%u", seconds);
    const char *value = buf_c(&text);
    note->reason = STR("too many misses");
    http_text(q, r, 503, "too many questions from %s that match nothing: wait", q->remote);
    if (value)
        http_add_header(r, "Retry-After", value);
    return true;
}

bool read_question(struct boot *b, struct http_request *q, struct http_response *r,
                   struct note *note, const struct ask *ask, struct service_question *ret)
{
    struct service_labels *l, *otherwise = NULL;
    const struct str *subject = NULL;
    if (too_many_misses(b, q, r, note))
        return false;
    if (b->tls) {
        note->subject = subject_of(b, q);
        subject = &note->subject;
    }
    if (!read_labels(q, r, ask->raw_query, subject, &l) ||
        (ask->otherwise.p && !read_labels(q, r, ask->otherwise, subject, &otherwise)))
        return false;
    note->labels = l->sent;
    if (!accept_labels(b, q, r, l))
        return false;
    *ret = (struct service_question){
        .document = ask->document,
        .labels = &l->labels,
        .sent = &l->sent,
        .raw_query = ask->raw_query.p ? ask->raw_query : STR(""),
        .base = base_for(b, q, ask->document),
        .grub_of_matchbox = ask->document == RENDER_GRUB && grub_of_matchbox(b, q),
        .selects = ask->selects,
        .otherwise = otherwise ? &otherwise->labels : NULL,
    };
    return true;
}

void note_answer(struct boot *b, struct http_request *q, struct http_response *r, struct note *note,
                 const struct service_answer *a)
{
    note->group = a->group;
    note->profile = a->profile;
    note->revision = a->revision;
    note->matched = a->group.p != NULL;
    if (r->status == 200)
        add_match_header(q, r, a);
    if (r->status == 404 && !note->matched)
        http_rate_spend(b->misses, q);
}

void answer_document(struct boot *b, struct http_request *q, struct http_response *r,
                     struct note *note, const struct ask *ask)
{
    struct service_question question;
    struct service_answer a;
    struct err e;
    enum render_document d = ask->document;
    err_init(&e);
    if (!read_question(b, q, r, note, ask, &question))
        return;
    err_code c = service_answer(b->service, &question, q->arena, &a, &e);
    if (c)
        answer_failed(q, r, note, c, &e);
    else
        set_bytes(r, a.bytes, render_content_type(d));
    if (a.held) {
        r->kind = HTTP_BODY_HELD;
        r->held = a.held;
        r->release = catalog_doc_release;
    }
    note_answer(b, q, r, note, &a);
    if (!c && (d == RENDER_GENERIC || d == RENDER_CLOUD || d >= RENDER_USER_DATA))
        http_add_header(r, "X-Content-Type-Options", "nosniff");
}
