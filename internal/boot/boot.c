#include "boot/boot.h"

#include <stdio.h>
#include <stdlib.h>

#include "boot/assets.h"
#include "boot/nocloud.h"

struct boot {
    struct service *service;
    struct assets *assets;
    bool strict_labels;
    struct log_sink log;
    struct http_counts *counts;
};

/* What is counted together: documents are in the order of enum render_document. */
enum path_class {
    PATH_OTHER,
    PATH_DOCUMENT,
    PATH_NOCLOUD = PATH_DOCUMENT + RENDER_METADATA + 1,
    PATH_ASSETS,
    PATH_BOOT,
    PATH_KEY,
    PATH_HEALTH,
};
static const char *const path_classes[] = {[PATH_OTHER] = "other",
                                           [PATH_DOCUMENT + RENDER_IPXE] = "ipxe",
                                           [PATH_DOCUMENT + RENDER_GRUB] = "grub",
                                           [PATH_DOCUMENT + RENDER_IGNITION] = "ignition",
                                           [PATH_DOCUMENT + RENDER_CLOUD] = "cloud",
                                           [PATH_DOCUMENT + RENDER_GENERIC] = "generic",
                                           [PATH_DOCUMENT + RENDER_METADATA] = "metadata",
                                           [PATH_NOCLOUD] = "nocloud",
                                           [PATH_ASSETS] = "assets",
                                           [PATH_BOOT] = "boot.ipxe",
                                           [PATH_KEY] = "key.asc",
                                           [PATH_HEALTH] = "health",
                                           [PATH_HEALTH + 1] = NULL};

/* What the log line of a request says beyond what `http` knows. */
struct note {
    struct str group, profile;
    uint64_t revision;
    struct labels labels;
    struct str reason; /* why it is not 200 */
    bool matched;
    unsigned path_class;
};

/*
 * The first script: iPXE expands its settings and comes back with labels. Text settings are
 * percent-encoded by ":uristring"; a MAC must not be, since iPXE would send its raw bytes.
 */
static const char boot_script[] =
    "#!ipxe\n"
    "chain "
    "ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain:uristring}&hostname=${hostname:uristring}"
    "&serial=${serial:uristring}&arch=${buildarch:uristring}\n";

err_code boot_make(const struct boot_config *c, struct boot **ret, struct err *e)
{
    struct boot *b = calloc(1, sizeof *b);
    if (!b)
        return err_set(e, ERR_NOMEM, "out of memory while starting the boot plane");
    b->service = c->service;
    b->strict_labels = c->strict_labels;
    b->log = c->log;
    err_code code = http_counts_make(path_classes, &b->counts, e);
    if (!code && c->assets_path && c->assets_path[0])
        code = assets_open(c->assets_path, &b->assets, e);
    if (code)
        boot_free(b);
    else
        *ret = b;
    return code;
}

const struct http_counts *boot_counts(const struct boot *b)
{
    return b->counts;
}

void boot_free(struct boot *b)
{
    if (!b)
        return;
    http_counts_free(b->counts);
    assets_free(b->assets);
    free(b);
}

/* --- documents ---------------------------------------------------------------------------------
 */

static void not_found(struct http_request *q, struct http_response *r)
{
    http_text(q, r, 404, "not found");
}

static void set_bytes(struct http_response *r, struct str bytes, const char *content_type)
{
    r->status = 200;
    r->kind = HTTP_BODY_COPY;
    r->body = bytes;
    r->content_type = str_c(content_type);
}

static void failed(struct http_request *q, struct http_response *r, struct note *note, err_code c,
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

static const char *content_type(enum render_document d, enum service_form form)
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

static void answer_document(struct boot *b, struct http_request *q, struct http_response *r,
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
        failed(q, r, note, c, &e);
        return;
    }
    set_bytes(r, a.bytes, content_type(d, form));
    if (a.held) {
        r->kind = HTTP_BODY_HELD;
        r->held = a.held;
        r->release = catalog_doc_release;
    }
    add_match_header(q, r, &a);
    if (d == RENDER_GENERIC || d == RENDER_CLOUD || d >= RENDER_USER_DATA)
        http_add_header(r, "X-Content-Type-Options", "nosniff");
}

/* A file of a NoCloud seed; cloud-init takes its texts without a signature. */
static void answer_seed(struct boot *b, struct http_request *q, struct http_response *r,
                        struct note *note)
{
    struct nocloud_ask ask;
    struct err e = ERR_INIT;
    err_code c = nocloud_read(q->arena, q->path, q->raw_query, &ask, &e);
    if (c)
        failed(q, r, note, c, &e);
    else
        answer_document(b, q, r, note, ask.document, SERVICE_PLAIN, ask.raw_query);
}

/* --- paths -------------------------------------------------------------------------------------
 */

static enum service_form cut_form(struct str *path)
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

static void answer_boot_script(struct boot *b, struct http_request *q, struct http_response *r,
                               struct note *note, enum service_form form)
{
    struct str script = str_of(boot_script, sizeof boot_script - 1);
    note->path_class = PATH_BOOT;
    if (form == SERVICE_PLAIN) {
        set_bytes(r, script, content_type(RENDER_IPXE, form));
        r->kind = HTTP_BODY_STATIC;
        return;
    }
    struct err e = ERR_INIT;
    struct str signature;
    err_code c = service_sign(b->service, script, form, q->arena, &signature, &e);
    if (c)
        failed(q, r, note, c, &e);
    else
        set_bytes(r, signature, content_type(RENDER_IPXE, form));
}

static void answer_small(struct boot *b, struct http_request *q, struct http_response *r,
                         struct note *note)
{
    struct str p = q->path;
    if (str_is(p, "/")) {
        http_text(q, r, 200, "vesta");
    } else if (str_is(p, "/healthz")) {
        note->path_class = PATH_HEALTH;
        http_text(q, r, 200, "ok");
    } else if (str_is(p, "/readyz")) {
        bool ready = service_ready(b->service);
        note->path_class = PATH_HEALTH;
        http_text(q, r, ready ? 200 : 503, ready ? "ready" : "still loading");
    } else if (str_is(p, "/key.asc")) {
        note->path_class = PATH_KEY;
        set_bytes(r, service_public_key(b->service), "application/pgp-keys");
        r->kind = HTTP_BODY_STATIC;
    } else {
        enum service_form form = cut_form(&p);
        if (str_is(p, "/boot.ipxe") || str_is(p, "/boot.ipxe.0"))
            answer_boot_script(b, q, r, note, form);
        else
            not_found(q, r);
    }
}

/*
 * Clients that were set up for matchbox may ask //ipxe or /./ipxe; Go's server sends them to the
 * clean path, and so do we. What climbs with ".." finds nothing.
 */
static bool redirect_unclean(struct http_request *q, struct http_response *r)
{
    if (str_find(q->path, STR("//"), 0) == q->path.n &&
        str_find(q->path, STR("/./"), 0) == q->path.n)
        return false;
    struct buf to;
    buf_in_arena(&to, q->arena, q->target.n + 2);
    struct str rest = str_skip(q->path, 1);
    do {
        struct str part = str_cut(rest, '/', &rest);
        if (part.n == 0 || str_is(part, "."))
            continue;
        buf_add_byte(&to, '/');
        buf_add_str(&to, part);
    } while (rest.p);
    if (to.n == 0 || q->path.p[q->path.n - 1] == '/')
        buf_add_byte(&to, '/');
    if (q->raw_query.p) {
        buf_add_byte(&to, '?');
        buf_add_str(&to, q->raw_query);
    }
    const char *location = buf_c(&to);
    if (!location)
        return false;
    http_text(q, r, 301, "moved");
    http_add_header(r, "Location", location);
    return true;
}

void boot_handle(void *ctx, struct http_request *q, struct http_response *r)
{
    struct boot *b = ctx;
    struct note *note = arena_calloc(q->arena, 1, sizeof *note);
    q->note = note;
    if (!note) {
        http_text(q, r, 500, "out of memory");
        return;
    }
    if (!str_is(q->method, "GET") && !str_is(q->method, "HEAD")) {
        http_text(q, r, 405, "only GET and HEAD are answered here");
        http_add_header(r, "Allow", "GET, HEAD");
        return;
    }
    struct str name = str_skip(q->path, 1);
    enum service_form form = cut_form(&name);
    enum render_document d;
    if (render_from_name(name, &d) && d <= RENDER_METADATA) {
        note->path_class = PATH_DOCUMENT + d;
        answer_document(b, q, r, note, d, form, q->raw_query);
    } else if (nocloud_is(q->path)) {
        note->path_class = PATH_NOCLOUD;
        answer_seed(b, q, r, note);
    } else if (redirect_unclean(q, r)) {
        return;
    } else if (str_starts(q->path, STR("/assets/")) && b->assets) {
        note->path_class = PATH_ASSETS;
        assets_respond(b->assets, str_skip(q->path, 8), q, r);
    } else {
        answer_small(b, q, r, note);
    }
}

/* --- the access log ----------------------------------------------------------------------------
 */

static struct str reserved_labels(struct arena *a, const struct labels *l)
{
    static const struct str keys[] = {STR_INIT("mac"),    STR_INIT("uuid"),   STR_INIT("hostname"),
                                      STR_INIT("serial"), STR_INIT("domain"), STR_INIT("arch")};
    struct buf text;
    buf_in_arena(&text, a, 4096);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct str *v = model_label_get(l, keys[i]);
        if (!v || v->n == 0)
            continue;
        if (text.n)
            buf_add_byte(&text, ',');
        buf_add_str(&text, keys[i]);
        buf_add_byte(&text, '=');
        buf_add_str(&text, *v);
    }
    return text.n ? buf_str(&text) : STR("");
}

void boot_done(void *ctx, const struct http_request *q, const struct http_done *d)
{
    struct boot *b = ctx;
    const struct note *note = q->note;
    struct log_field f[11];
    size_t n = 0;
    http_counts_add(b->counts, note ? note->path_class : PATH_OTHER, d);
    f[n++] = log_text("method", q->method);
    f[n++] = log_text("path", q->path);
    f[n++] = log_number("status", (uint64_t)d->status);
    f[n++] = log_number("duration_us", d->duration_us);
    f[n++] = log_number("bytes", d->bytes);
    if (note && note->matched) {
        f[n++] = log_text("group", note->group);
        f[n++] = log_text("profile", note->profile);
    }
    if (note && note->revision)
        f[n++] = log_number("revision", note->revision);
    if (note && note->labels.n)
        f[n++] = log_text("labels", reserved_labels(q->arena, &note->labels));
    f[n++] = log_text("remote", str_c(q->remote));
    if (note && note->reason.p)
        f[n++] = log_text("reason", note->reason);
    log_event(&b->log, d->status >= 500 ? LOG_WARN_LEVEL : LOG_INFO_LEVEL, "request", f, n);
}
