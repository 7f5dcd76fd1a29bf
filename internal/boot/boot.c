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
                                           [PATH_KEY] = "key",
                                           [PATH_HEALTH] = "health",
                                           [PATH_HEALTH + 1] = NULL};

err_code boot_make(const struct boot_config *c, struct boot **ret, struct err *e)
{
    struct boot *b = calloc(1, sizeof *b);
    if (!b)
        return err_set(e, ERR_NOMEM, "out of memory while starting the boot plane");
    b->service = c->service;
    b->strict_labels = c->strict_labels;
    b->tls = c->tls;
    b->log = c->log;
    if (c->public_url && c->public_url[0] && !(b->public_url = strdup(c->public_url))) {
        boot_free(b);
        return err_set(e, ERR_NOMEM, "out of memory while starting the boot plane");
    }
    err_code code = http_counts_make(path_classes, &b->counts, e);
    if (!code && c->misses_per_minute)
        code = http_rate_make(c->misses_per_minute, &b->misses, e);
    if (!code && c->assets_path && c->assets_path[0])
        code = assets_open(c->assets_path, &b->assets, e);
    if (b->assets && service_signs_files(b->service))
        prepare_assets(b);
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
    http_rate_free(b->misses);
    assets_free(b->assets);
    free(b->public_url);
    free(b);
}

/* --- answers --------------------------------------------------------------------------------- */

void not_found(struct http_request *q, struct http_response *r)
{
    http_text(q, r, 404, "not found");
}

/* Answers with a file of the assets, if the path names one that is there. */
static bool asset_is_there(struct boot *b, struct http_request *q, struct http_response *r)
{
    if (!b->assets || !str_starts(q->path, STR("/assets/")))
        return false;
    assets_respond(b->assets, str_skip(q->path, 8), NULL, q, r);
    if (r->status != 404) {
        prepare_asset(b, q, r);
        return true;
    }
    *r = (struct http_response){.status = 0};
    return false;
}

/* A file of a NoCloud seed. */
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
                            struct note *note)
{
    struct str name;
    if (asset_is_there(b, q, r) || !pxelinux_is(q->path, &name))
        return;
    struct pxelinux_ask ask;
    struct err e = ERR_INIT;
    err_code c = pxelinux_read(q->arena, name, q->raw_query, &ask, &e);
    if (c) {
        answer_failed(q, r, note, c, &e);
        return;
    }
    const struct ask document = {.document = RENDER_PXELINUX,
                                 .raw_query = ask.raw_query,
                                 .selects = ask.selects,
                                 .otherwise = ask.otherwise};
    answer_document(b, q, r, note, &document);
}

static void answer_assets(struct boot *b, struct http_request *q, struct http_response *r,
                          struct note *note)
{
    if (!b->assets)
        not_found(q, r);
    else if (!asset_is_there(b, q, r) && !answer_asset_signature(b, q, r, note))
        not_found(q, r);
}

/* The public keys: /key.asc, /key.minisign, /key.pem. */
static void answer_key(struct boot *b, struct http_request *q, struct http_response *r,
                       struct note *note)
{
    (void)note;
    enum service_form form = str_is(q->path, "/key.minisign") ? SERVICE_MINISIG
                             : str_is(q->path, "/key.pem")    ? SERVICE_CMS
                                                              : SERVICE_ASC;
    set_bytes(r, service_public_key(b->service, form),
              form == SERVICE_MINISIG ? "text/plain; charset=utf-8"
              : form == SERVICE_CMS   ? "application/x-pem-file"
                                      : "application/pgp-keys");
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

static void answer_named(struct boot *b, struct http_request *q, struct http_response *r,
                         struct note *note)
{
    const struct ask ask = {.document = note->path_class - PATH_DOCUMENT,
                            .raw_query = q->raw_query};
    answer_document(b, q, r, note, &ask);
}

/* --- paths ----------------------------------------------------------------------------------- */

struct route {
    struct str path;
    bool below; /* and all that begins with it */
    /* There are signatures over what it answers. */
    bool is_signed;
    unsigned class;
    path_handler *answer;
};

static const struct route routes[] = {
    {STR_INIT("/"), false, false, PATH_OTHER, answer_name},
    {STR_INIT("/assets/"), true, false, PATH_ASSETS, answer_assets},
    {STR_INIT("/httpboot"), false, false, PATH_HTTPBOOT, answer_httpboot},
    {STR_INIT("/httpboot/"), true, false, PATH_HTTPBOOT, answer_httpboot_file},
    {STR_INIT("/boot.ipxe"), false, true, PATH_BOOT, answer_boot_script},
    {STR_INIT("/boot.ipxe.0"), false, true, PATH_BOOT, answer_boot_script},
    {STR_INIT("/ipxe-nic"), false, true, PATH_DOCUMENT + RENDER_IPXE, answer_nic_script},
    {STR_INIT("/nocloud"), false, true, PATH_NOCLOUD, answer_seed},
    {STR_INIT("/nocloud/"), true, true, PATH_NOCLOUD, answer_seed},
    {STR_INIT("/key.asc"), false, false, PATH_KEY, answer_key},
    {STR_INIT("/key.minisign"), false, false, PATH_KEY, answer_key},
    {STR_INIT("/key.pem"), false, false, PATH_KEY, answer_key},
    {STR_INIT("/healthz"), false, false, PATH_HEALTH, answer_alive},
    {STR_INIT("/readyz"), false, false, PATH_HEALTH, answer_ready},
};

static bool route_of(struct str path, struct route *ret)
{
    enum render_document d;
    struct str name;
    if (render_from_name(str_skip(path, 1), &d) && d <= RENDER_METADATA) {
        *ret = (struct route){path, false, true, PATH_DOCUMENT + d, answer_named};
        return true;
    }
    if (pxelinux_is(path, &name)) {
        const unsigned class = PATH_DOCUMENT + RENDER_PXELINUX;
        *ret = (struct route){path, true, true, class, answer_pxelinux};
        return true;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *x = &routes[i];
        if (x->below ? str_starts(path, x->path) : str_eq(path, x->path)) {
            *ret = *x;
            return true;
        }
    }
    return false;
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

/* What is asked, and whether a signature over it: then plain is the request for what is signed. */
static bool find_route(const struct http_request *q, struct http_request *plain, struct route *ret,
                       enum service_form *ret_form)
{
    bool found = route_of(q->path, ret);
    *plain = *q;
    *ret_form = SERVICE_PLAIN;
    if (found && !ret->is_signed)
        return true;
    *ret_form = cut_form(plain);
    return *ret_form == SERVICE_PLAIN ? found : route_of(plain->path, ret) && ret->is_signed;
}

void boot_handle(void *ctx, struct http_request *q, struct http_response *r)
{
    struct boot *b = ctx;
    struct note *note = arena_alloc(q->arena, sizeof *note);
    q->note = note;
    if (!note) {
        http_text(q, r, 500, "out of memory");
        return;
    }
    *note = (struct note){.path_class = PATH_OTHER};
    if (!str_is(q->method, "GET") && !str_is(q->method, "HEAD")) {
        http_text(q, r, 405, "only GET and HEAD are answered here");
        http_add_header(r, "Allow", "GET, HEAD");
        return;
    }
    struct http_request plain;
    struct route route = {0};
    enum service_form form;
    bool found = find_route(q, &plain, &route, &form);
    /* What is below a folder may be unclean yet; in a seed's path labels are its own matter. */
    if ((!found || (route.below && !route.is_signed)) && redirect_unclean(q, r))
        return;
    if (!found) {
        not_found(q, r);
        return;
    }
    note->path_class = route.class;
    if (form != SERVICE_PLAIN && asset_is_there(b, q, r))
        return;
    route.answer(b, &plain, r, note);
    if (form != SERVICE_PLAIN)
        sign_response(b, q, r, note, form, path_classes[route.class]);
}

/* --- the access log ----------------------------------------------------------------------------
 */

/* The labels that stand in the log, in this order, as they stand there. */
static const struct {
    char key[16]; /* "key=", zeros after it */
    size_t n;     /* bytes of that */
} logged[] = {{"mac=", 4},    {"uuid=", 5},   {"hostname=", 9},
              {"serial=", 7}, {"domain=", 7}, {"arch=", 5}};
#define LOGGED (sizeof logged / sizeof *logged)

/* Which of them it is; LOGGED for none. */
static size_t logged_place(struct str key)
{
    switch (key.n) {
    case 3: return memcmp(key.p, "mac", 3) == 0 ? 0 : LOGGED;
    case 4: return memcmp(key.p, "uuid", 4) == 0 ? 1 : memcmp(key.p, "arch", 4) == 0 ? 5 : LOGGED;
    case 6:
        return memcmp(key.p, "serial", 6) == 0 ? 3 : memcmp(key.p, "domain", 6) == 0 ? 4 : LOGGED;
    case 8: return memcmp(key.p, "hostname", 8) == 0 ? 2 : LOGGED;
    default: return LOGGED;
    }
}

static struct str logged_labels(struct arena *a, const struct labels *l)
{
    const struct label *found[LOGGED] = {NULL};
    size_t size = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        size_t at = logged_place(l->v[i].key);
        if (at == LOGGED || l->v[i].value.n == 0)
            continue;
        found[at] = &l->v[i];
        size += l->v[i].value.n;
    }
    char *text = size ? arena_alloc(a, size + sizeof logged + LOGGED) : NULL;
    if (!text)
        return STR("");
    char *at = text;
    for (size_t i = 0; i < LOGGED; i++) {
        if (!found[i])
            continue;
        if (at > text)
            *at++ = ',';
        memcpy(at, logged[i].key, sizeof logged[i].key); /* what is too much is written over */
        at = str_put(at + logged[i].n, found[i]->value);
    }
    return str_of(text, (size_t)(at - text));
}

void boot_done(void *ctx, const struct http_request *q, const struct http_done *d)
{
    struct boot *b = ctx;
    const struct note *note = q->note;
    struct log_field f[12];
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
        f[n++] = log_text("labels", logged_labels(q->arena, &note->labels));
    if (note && note->subject.p)
        f[n++] = log_text("tls_subject", note->subject);
    f[n++] = log_text("remote", str_c(q->remote));
    if (note && note->reason.p)
        f[n++] = log_text("reason", note->reason);
    log_event(&b->log, d->status >= 500 ? LOG_WARN_LEVEL : LOG_INFO_LEVEL, "request", f, n);
}
