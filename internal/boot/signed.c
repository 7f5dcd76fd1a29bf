/* Signatures over what other paths answer. */
#include <unistd.h>

#include "boot/assets.h"
#include "boot/parts.h"

static const struct {
    struct str suffix;
    enum service_form form;
    const char *content_type;
} forms[] = {
    {STR_INIT(".sig"), SERVICE_SIG, "application/pgp-signature"},
    {STR_INIT(".asc"), SERVICE_ASC, "text/plain; charset=utf-8"},
    {STR_INIT(".minisig"), SERVICE_MINISIG, "text/plain; charset=utf-8"},
    {STR_INIT(".cms"), SERVICE_CMS, "application/pkcs7-signature"},
};
#define FORMS (sizeof forms / sizeof *forms)

/* GRUB puts ".sig" at the end of all that it asked for. */
static bool is_grubs(const struct http_request *q)
{
    return str_is(q->path, "/grub") && str_ends(q->raw_query, STR(".sig"));
}

enum service_form cut_form(struct http_request *q)
{
    bool dot = q->path.n && memchr(q->path.p, '.', q->path.n);
    for (size_t i = 0; dot && i < FORMS; i++) {
        if (!str_ends(q->path, forms[i].suffix))
            continue;
        q->path.n -= forms[i].suffix.n;
        return forms[i].form;
    }
    if (!is_grubs(q))
        return SERVICE_PLAIN;
    q->raw_query.n -= sizeof ".sig" - 1;
    return SERVICE_SIG;
}

static const char *content_type(enum service_form form)
{
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].form == form)
            return forms[i].content_type;
    return "application/octet-stream";
}

void sign_response(struct boot *b, struct http_request *q, struct http_response *r,
                   struct note *note, enum service_form form, const char *name)
{
    if (r->status != 200)
        return;
    if (r->kind == HTTP_BODY_FILE) { /* no document: a file in its place */
        close(r->fd);
        *r = (struct http_response){.status = 0};
        not_found(q, r);
        return;
    }
    struct service_to_sign in = {.bytes = r->body,
                                 .form = form,
                                 .name = name,
                                 .remote = q->remote,
                                 .held = r->kind == HTTP_BODY_HELD ? r->held : NULL};
    struct str signature;
    struct err e = ERR_INIT;
    err_code c = service_sign(b->service, &in, q->arena, &signature, &e);
    if (r->kind == HTTP_BODY_HELD)
        r->release(r->held);
    if (c) {
        r->headers_n = 0;
        answer_failed(q, r, note, c, &e);
    } else {
        set_bytes(r, signature, content_type(form));
    }
}

/* --- assets
 * --------------------------------------------------------------------------------------- */

static struct str last_part(struct str path)
{
    size_t from = path.n;
    while (from > 0 && path.p[from - 1] != '/')
        from--;
    return str_skip(path, from);
}

bool answer_asset_signature(struct boot *b, struct http_request *q, struct http_response *r,
                            struct note *note)
{
    struct http_request plain = *q;
    enum service_form form = cut_form(&plain);
    struct stat st;
    struct str path, signature;
    struct err e = ERR_INIT;
    if (form == SERVICE_PLAIN)
        return false;
    int fd = assets_find(b->assets, str_skip(plain.path, 8), q, r, &st, &path);
    if (fd < 0)
        return true;
    struct service_file file = {.fd = fd, .st = &st, .name = last_part(path)};
    err_code c = S_ISREG(st.st_mode) ? service_sign_file(b->service, &file, form, q->remote,
                                                         q->arena, &signature, &e)
                                     : err_set(&e, ERR_NOT_FOUND, "no file is there");
    close(fd);
    if (c)
        answer_failed(q, r, note, c, &e);
    else
        set_bytes(r, signature, content_type(form));
    return true;
}

void prepare_asset(struct boot *b, const struct http_request *q, const struct http_response *r)
{
    struct stat st;
    struct service_file file = {.fd = r->fd, .st = &st, .name = last_part(q->path)};
    if (r->status < 300 && r->kind == HTTP_BODY_FILE && fstat(r->fd, &st) == 0)
        service_prepare_file(b->service, &file);
}

static void prepare_one(void *arg, int fd, const struct stat *st, struct str name)
{
    const struct service_file file = {.fd = fd, .st = st, .name = name};
    service_prepare_file(arg, &file);
}

void prepare_assets(struct boot *b)
{
    assets_walk(b->assets, prepare_one, b->service);
}
