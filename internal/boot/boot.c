#include "boot/boot.h"

#include <stdlib.h>

#include "boot/assets.h"
#include "boot/nocloud.h"
#include "boot/parts.h"
#include "boot/pxelinux.h"

static const char *const path_classes[] = {[PATH_OTHER] = "other",
                                           [PATH_DOCUMENT + RENDER_IPXE] = "ipxe",
                                           [PATH_DOCUMENT + RENDER_GRUB] = "grub",
                                           [PATH_DOCUMENT + RENDER_PXELINUX] = "pxelinux",
                                           [PATH_DOCUMENT + RENDER_IGNITION] = "ignition",
                                           [PATH_DOCUMENT + RENDER_CLOUD] = "cloud",
                                           [PATH_DOCUMENT + RENDER_GENERIC] = "generic",
                                           [PATH_DOCUMENT + RENDER_METADATA] = "metadata",
                                           [PATH_NOCLOUD] = "nocloud",
                                           [PATH_ASSETS] = "assets",
                                           [PATH_HTTPBOOT] = "httpboot",
                                           [PATH_BOOT] = "boot.ipxe",
                                           [PATH_KEY] = "key.asc",
                                           [PATH_HEALTH] = "health",
                                           [PATH_HEALTH + 1] = NULL};

err_code boot_make(const struct boot_config *c, struct boot **ret, struct err *e)
{
    struct boot *b = calloc(1, sizeof *b);
    if (!b)
        return err_set(e, ERR_NOMEM, "out of memory while starting the boot plane");
    b->service = c->service;
    b->strict_labels = c->strict_labels;
    b->log = c->log;
    if (c->public_url && c->public_url[0] && !(b->public_url = strdup(c->public_url))) {
        boot_free(b);
        return err_set(e, ERR_NOMEM, "out of memory while starting the boot plane");
    }
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
    free(b->public_url);
    free(b);
}

/* --- answers --------------------------------------------------------------------------------- */

void not_found(struct http_request *q, struct http_response *r)
{
    http_text(q, r, 404, "not found");
}

/* A file of a NoCloud seed; cloud-init takes its texts without a signature. */
static void answer_seed(struct boot *b, struct http_request *q, struct http_response *r,
                        struct note *note)
{
    struct nocloud_ask ask;
    struct err e = ERR_INIT;
    err_code c = nocloud_read(q->arena, q->path, q->raw_query, &ask, &e);
    if (c) {
        answer_failed(q, r, note, c, &e);
        return;
    }
    const struct ask document = {.document = ask.document, .raw_query = ask.raw_query};
    answer_document(b, q, r, note, &document);
}

/* A file of the assets that is there, else what is rendered for the name. */
static void answer_pxelinux(struct boot *b, struct http_request *q, struct http_response *r,
                            struct note *note, struct str name)
{
    if (b->assets && str_starts(q->path, STR("/assets/"))) {
        assets_respond(b->assets, str_skip(q->path, 8), NULL, q, r);
        if (r->status != 404)
            return;
        *r = (struct http_response){.status = 0};
    }
    struct pxelinux_ask ask;
    struct err e = ERR_INIT;
    enum service_form form = cut_form(&name);
    err_code c = pxelinux_read(q->arena, name, q->raw_query, &ask, &e);
    if (c) {
        answer_failed(q, r, note, c, &e);
        return;
    }
    const struct ask document = {.document = RENDER_PXELINUX,
                                 .form = form,
                                 .raw_query = ask.raw_query,
                                 .selects = ask.selects,
                                 .otherwise = ask.otherwise};
    answer_document(b, q, r, note, &document);
}

static void answer_assets(struct boot *b, struct http_request *q, struct http_response *r,
                          struct note *note)
{
    (void)note;
    if (b->assets)
        assets_respond(b->assets, str_skip(q->path, 8), NULL, q, r);
    else
        not_found(q, r);
}

static void answer_key(struct boot *b, struct http_request *q, struct http_response *r,
                       struct note *note)
{
    (void)q;
    (void)note;
    set_bytes(r, service_public_key(b->service), "application/pgp-keys");
    r->kind = HTTP_BODY_STATIC;
}

static void answer_name(struct boot *b, struct http_request *q, struct http_response *r,
                        struct note *note)
{
    (void)b;
    (void)note;
    http_text(q, r, 200, "vesta");
}

static void answer_alive(struct boot *b, struct http_request *q, struct http_response *r,
                         struct note *note)
{
    (void)b;
    (void)note;
    http_text(q, r, 200, "ok");
}

static void answer_ready(struct boot *b, struct http_request *q, struct http_response *r,
                         struct note *note)
{
    bool ready = service_ready(b->service);
    (void)note;
    http_text(q, r, ready ? 200 : 503, ready ? "ready" : "still loading");
}

/* --- paths ----------------------------------------------------------------------------------- */

enum path_match {
    MATCH_WHOLE,
    MATCH_BELOW,  /* all that begins with it */
    MATCH_SIGNED, /* it, and it with what asks for a signature at its end */
};

static const struct {
    struct str path;
    enum path_match match;
    enum path_class class;
    path_handler *answer;
} paths[] = {
    {STR_INIT("/"), MATCH_WHOLE, PATH_OTHER, answer_name},
    {STR_INIT("/assets/"), MATCH_BELOW, PATH_ASSETS, answer_assets},
    {STR_INIT("/httpboot"), MATCH_WHOLE, PATH_HTTPBOOT, answer_httpboot},
    {STR_INIT("/httpboot/"), MATCH_BELOW, PATH_HTTPBOOT, answer_httpboot_file},
    {STR_INIT("/boot.ipxe"), MATCH_SIGNED, PATH_BOOT, answer_boot_script},
    {STR_INIT("/boot.ipxe.0"), MATCH_SIGNED, PATH_BOOT, answer_boot_script},
    {STR_INIT("/key.asc"), MATCH_WHOLE, PATH_KEY, answer_key},
    {STR_INIT("/healthz"), MATCH_WHOLE, PATH_HEALTH, answer_alive},
    {STR_INIT("/readyz"), MATCH_WHOLE, PATH_HEALTH, answer_ready},
};

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

static void answer_path(struct boot *b, struct http_request *q, struct http_response *r,
                        struct note *note)
{
    struct str unsigned_path = q->path;
    cut_form(&unsigned_path);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct str path = paths[i].path;
        bool it = paths[i].match == MATCH_BELOW    ? str_starts(q->path, path)
                  : paths[i].match == MATCH_SIGNED ? str_eq(unsigned_path, path)
                                                   : str_eq(q->path, path);
        if (!it)
            continue;
        note->path_class = paths[i].class;
        paths[i].answer(b, q, r, note);
        return;
    }
    not_found(q, r);
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
    struct ask ask = {.raw_query = q->raw_query};
    struct str name = str_skip(q->path, 1), pxelinux;
    ask.form = cut_form(&name);
    if (render_from_name(name, &ask.document) && ask.document <= RENDER_METADATA) {
        note->path_class = PATH_DOCUMENT + ask.document;
        answer_document(b, q, r, note, &ask);
    } else if (nocloud_is(q->path)) {
        note->path_class = PATH_NOCLOUD;
        answer_seed(b, q, r, note);
    } else if (pxelinux_is(q->path, &pxelinux)) {
        note->path_class = PATH_DOCUMENT + RENDER_PXELINUX;
        answer_pxelinux(b, q, r, note, pxelinux);
    } else if (!redirect_unclean(q, r)) {
        answer_path(b, q, r, note);
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
