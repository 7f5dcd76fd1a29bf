#include "base/enc.h"
#include "ignition/butane_parts.h"

/* --- data URLs (RFC 2397): the shortest of three forms */
static bool stays_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-_.!~*'()", c));
}

static size_t escaped_size(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += stays_plain((unsigned char)s.p[i]) ? 1 : 3;
    return n;
}

static void add_escaped(struct buf *dst, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (stays_plain(c)) {
            buf_add_byte(dst, (char)c);
        } else {
            buf_add_byte(dst, '%');
            buf_add_byte(dst, digits[c >> 4]);
            buf_add_byte(dst, digits[c & 15]);
        }
    }
}

static const struct str base64_mark = STR_INIT(";base64,");

static size_t base64_size(size_t n)
{
    return base64_mark.n + (n + 2) / 3 * 4;
}

static bool gzip_start(struct butane *b)
{
    if (b->gzip_ready)
        return deflateReset(&b->gzip) == Z_OK;
    b->gzip = (z_stream){0};
    b->gzip_ready = deflateInit2(&b->gzip, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                                 Z_DEFAULT_STRATEGY) == Z_OK;
    if (!b->gzip_ready)
        b->failed = ERR_NOMEM;
    return b->gzip_ready;
}

void butane_resources_end(struct butane *b)
{
    if (b->gzip_ready)
        deflateEnd(&b->gzip);
    b->gzip_ready = false;
}

static void add_le32(struct buf *dst, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        buf_add_byte(dst, (char)(x >> 8 * i));
}

#define GZIP_FRAME 18 /* bytes around what deflate makes: RFC 1952 */

/* A gzip file of s with the header that Go writes, if it takes at most max bytes. */
static bool gzip(struct butane *b, struct str s, size_t max, struct buf *dst)
{
    if (max <= GZIP_FRAME || !gzip_start(b))
        return false;
    static const unsigned char header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255};
    buf_add(dst, header, sizeof header);
    size_t room = max - GZIP_FRAME;
    char *p = buf_reserve(dst, room);
    if (!p) {
        b->failed = ERR_NOMEM;
        return false;
    }
    b->gzip.next_in = (Bytef *)(uintptr_t)s.p;
    b->gzip.avail_in = (uInt)s.n;
    b->gzip.next_out = (Bytef *)p;
    b->gzip.avail_out = (uInt)room;
    if (deflate(&b->gzip, Z_FINISH) != Z_STREAM_END)
        return false;
    dst->n += room - b->gzip.avail_out;
    add_le32(dst, (uint32_t)crc32(0, (const Bytef *)s.p, (uInt)s.n));
    add_le32(dst, (uint32_t)s.n);
    return !dst->failed;
}

/* Plain and base64 count as they are; gzip must also save the word in `compression`. */
static struct str data_url(struct butane *b, struct str s, bool may_choose, bool may_compress,
                           bool *compressed)
{
    size_t best = 1 + escaped_size(s);
    bool base64 = may_choose && base64_size(s.n) < best;
    if (base64)
        best = base64_size(s.n);
    size_t worth = best > sizeof "gzip" + base64_mark.n ? best - sizeof "gzip" - base64_mark.n : 0;
    BUF_LOCAL(packed, BUTANE_MAX_CONTENTS);
    *compressed = may_choose && may_compress && gzip(b, s, worth / 4 * 3, &packed);
    struct buf url;
    buf_in_arena(&url, b->a, (size_t)BUTANE_MAX_CONTENTS * 4);
    buf_reserve(&url, *compressed ? base64_size(packed.n) + 5 : best + 5);
    buf_add_lit(&url, "data:");
    if (*compressed || base64) {
        buf_add_str(&url, base64_mark);
        enc_base64(&url, *compressed ? buf_str(&packed) : s);
    } else {
        buf_add_byte(&url, ',');
        add_escaped(&url, s);
    }
    if (url.failed)
        b->failed = ERR_NOMEM;
    return buf_str(&url);
}

void butane_set_contents(struct butane *b, struct record *resource, struct str contents,
                         const struct place *p)
{
    if (!resource || b->failed)
        return;
    if (contents.n > BUTANE_MAX_CONTENTS - b->contents) {
        b->failed = ERR_LIMIT;
        return;
    }
    b->contents += contents.n;
    bool given = record_text(resource, "compression").n;
    bool plain_only = resource->type == &schema_file_contents;
    bool compressed = false;
    struct str url = data_url(b, contents, !plain_only, !given, &compressed);
    butane_set_text(b, resource, "source", url, p);
    if (!plain_only && !given)
        butane_set_text(b, resource, "compression", compressed ? STR("gzip") : STR(""), p);
}

/* --- local files */
bool butane_have_files(struct butane *b, const struct place *p)
{
    if (!b->files)
        butane_error(
            b, p, "local files are read from the site's files directory, and there is none here");
    return b->files;
}

bool butane_read_file(struct butane *b, struct str path, const struct place *p, struct str *ret)
{
    if (!butane_have_files(b, p))
        return false;
    struct err e = ERR_INIT;
    err_code c = b->files->read_file(b->files->ctx, path, ret, &e);
    if (c == ERR_NOMEM)
        b->failed = c;
    if (c)
        butane_error(b, p, "%.*s: %s", STR_FMT(path), e.msg);
    return !c;
}

static void translate_resource(struct butane *b, struct record *r)
{
    struct str contents = {NULL, 0};
    if (r->type == &schema_resource && record_has(r, "local")) {
        const struct place *p = butane_place(b, r, "local");
        if (!butane_read_file(b, record_text(r, "local"), p, &contents))
            return;
        if (butane_holds_config(r))
            butane_check_embedded(b, contents, r, p);
        butane_set_contents(b, r, contents, p);
    }
    if (record_has(r, "inline"))
        butane_set_contents(b, r, record_text(r, "inline"), butane_place(b, r, "inline"));
}

/* Of a unit or a drop-in. */
static void translate_contents(struct butane *b, struct record *r)
{
    struct str contents = {NULL, 0};
    const struct place *p = butane_place(b, r, "contents_local");
    if (record_text(r, "contents_local").n &&
        butane_read_file(b, record_text(r, "contents_local"), p, &contents))
        butane_set_text(b, r, "contents", contents, p);
}

static void add_keys(struct butane *b, struct butane_list *keys, struct str text,
                     const struct place *p)
{
    while (text.p) {
        struct str line = str_cut(text, '\n', &text);
        if (text.p && line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n)
            butane_push_text(b, keys, line, p);
    }
}

static void translate_user(struct butane *b, struct record *r)
{
    const struct datum *given = record_get(r, "ssh_authorized_keys_local");
    if (given->kind != DATUM_LIST || !given->list->n || !butane_have_files(b, given->place))
        return;
    struct butane_list keys = {0};
    butane_push_all(b, &keys, record_list(r, "sshAuthorizedKeys"));
    for (size_t i = 0; i < given->list->n; i++) {
        const struct datum *file = &given->list->items[i];
        struct str text = {NULL, 0};
        if (butane_read_file(b, file->text, file->place, &text))
            add_keys(b, &keys, text, file->place);
    }
    butane_set_list(b, r, "sshAuthorizedKeys", &keys, given->place);
}

static void walk(struct butane *b, struct record *r)
{
    for (size_t i = 0; i < r->type->n; i++) {
        const struct datum *d = &r->fields[i];
        if (d->kind == DATUM_RECORD)
            walk(b, d->record);
        else if (d->kind == DATUM_LIST && r->type->fields[i].type == SCHEMA_STRUCTS)
            for (size_t k = 0; k < d->list->n; k++)
                walk(b, d->list->items[k].record);
    }
    if (r->type == &schema_resource || r->type == &schema_file_contents)
        translate_resource(b, r);
    else if (r->type == &schema_unit || r->type == &schema_dropin)
        translate_contents(b, r);
    else if (strcmp(r->type->name, "PasswdUser") == 0)
        translate_user(b, r);
}

void butane_resources(struct butane *b, struct record *config)
{
    walk(b, config);
}
