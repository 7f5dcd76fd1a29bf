#include "parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/utf8.h"
#include "command.h"
#include "service/site.h"
#include "value/json_walk.h"
#include "value/value.h"
#include "value/yaml.h"

#define LINE_MAX_HERE (16u << 20)
#define TREE_MAX      (128u << 20)
#define PIECE         (1u << 20)
#define NAMES_MAX     (1u << 31)

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading what is to be sent");
}

/* --- one line ----------------------------------------------------------------------------------
 */

static void add_template(const struct store_key *k, struct str bytes, struct buf *dst)
{
    bool text = utf8_valid(bytes);
    buf_addf(dst, "{\"template\":{\"kind\":\"%s\",\"name\":", model_kind_name(k->kind));
    value_json_string(dst, k->name, 0);
    buf_addf(dst, ",\"content%s\":", text ? "" : "_b64");
    if (text) {
        value_json_string(dst, bytes, 0);
    } else {
        buf_add_byte(dst, '"');
        enc_base64(dst, bytes);
        buf_add_byte(dst, '"');
    }
    buf_add_lit(dst, "}}\n");
}

/* The id is the file's name, as an import has it. */
static err_code with_id(const struct value *v, struct str id, struct arena *a, struct findings *f,
                        struct value *ret, struct err *e)
{
    struct value_pair *p = arena_calloc(a, (size_t)v->n + 1, sizeof *p);
    const struct value *said = value_get(v, STR("id"));
    uint32_t n = 0;
    if (!p)
        return nomem(e);
    if (said && said->kind == VALUE_STRING && said->n && !str_eq(value_as_str(*said), id))
        findings_add(f, FINDING_WARNING, "/id", 0, 0,
                     "the id here is \"%.*s\", but the resource is known as \"%.*s\"",
                     STR_FMT(value_as_str(*said)), STR_FMT(id));
    for (uint32_t i = 0; i < v->n; i++)
        if (!str_is(v->map[i].key, "id"))
            p[n++] = v->map[i];
    p[n++] = (struct value_pair){STR("id"), value_str(id)};
    *ret = value_map(VALUE_MAP, p, n);
    return ERR_OK;
}

static err_code add_object(const struct store_key *k, struct str bytes, struct findings *f,
                           struct buf *dst, struct err *e)
{
    ARENA_LOCAL(a, TREE_MAX);
    struct value v;
    struct err why = ERR_INIT;
    err_code c = value_from_json(&a, bytes, &v, &why);
    if (!c && v.kind != VALUE_MAP)
        c = err_at(&why, ERR_INVALID, 1, 1, "must be a JSON object");
    if (!c)
        c = with_id(&v, k->name, &a, f, &v, &why);
    if (c && c != ERR_NOMEM)
        findings_add_err(f, FINDING_ERROR, &why);
    if (c) {
        if (e)
            *e = why;
        return c == ERR_NOMEM ? c : ERR_INVALID;
    }
    buf_addf(dst, "{\"%s\":", k->type == STORE_GROUP ? "group" : "profile");
    value_to_json(dst, &v, 0);
    buf_add_lit(dst, "}\n");
    return ERR_OK;
}

err_code parcel_line(const struct store_key *k, struct str bytes, struct findings *f,
                     struct buf *dst, struct err *e)
{
    err_code c = ERR_OK;
    if (k->type == STORE_TEMPLATE)
        add_template(k, bytes, dst);
    else
        c = add_object(k, bytes, f, dst, e);
    return !c && dst->failed ? nomem(e) : c;
}

/* --- a file without a name -----------------------------------------------------------------------
 */

static int open_nameless(struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/vesta-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        err_errno(e, ERR_IO, errno, "cannot make a file %s", path);
    else
        unlink(path);
    return fd;
}

static err_code write_all(int fd, struct str s, struct err *e)
{
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno != EINTR)
            return err_errno(e, ERR_IO, errno,
                             "cannot write what is to be sent to a file in TMPDIR");
        s = str_skip(s, n > 0 ? (size_t)n : 0);
    }
    return ERR_OK;
}

static err_code map_file(struct parcel *p, int fd, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_IO, errno, "cannot read %s", p->source);
    p->body = STR("");
    if (st.st_size == 0)
        return ERR_OK;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_errno(e, ERR_IO, errno, "cannot read %s", p->source);
    p->map = map;
    p->mapped = (size_t)st.st_size;
    p->body = str_of(map, p->mapped);
    return ERR_OK;
}

/* --- a site directory
 * ------------------------------------------------------------------------------ */

struct packing {
    struct parcel *p;
    struct findings *f;
    struct progress *progress;
    struct buf out;
    int fd;
};

static err_code remember_name(struct parcel *p, struct str path, struct err *e)
{
    if (p->lines_n == p->lines_cap) {
        size_t cap = p->lines_cap ? p->lines_cap * 2 : 1024;
        uint32_t *v = realloc(p->line_names, cap * sizeof *v);
        if (!v)
            return nomem(e);
        p->line_names = v;
        p->lines_cap = cap;
    }
    p->line_names[p->lines_n++] = (uint32_t)p->names.n;
    buf_add_str(&p->names, path);
    buf_add_byte(&p->names, '\0');
    return p->names.failed ? nomem(e) : ERR_OK;
}

static err_code flush(struct packing *x, size_t least, struct err *e)
{
    if (x->out.n < least)
        return ERR_OK;
    err_code c = write_all(x->fd, buf_str(&x->out), e);
    buf_clear(&x->out);
    return c;
}

static err_code pack_file(void *arg, const struct site_file *file, struct err *e)
{
    struct packing *x = arg;
    err_code c = parcel_line(&file->key, file->bytes, x->f, &x->out, e);
    if (c == ERR_INVALID) /* it is told, and the others are looked at too */
        return ERR_OK;
    if (!c)
        c = remember_name(x->p, file->path, e);
    progress_show(x->progress, x->p->lines_n, 0);
    return c ? c : flush(x, PIECE, e);
}

static err_code pack_directory(struct parcel *p, struct findings *f, struct progress *progress,
                               struct err *e)
{
    struct packing x = {.p = p, .f = f, .progress = progress, .fd = open_nameless(e)};
    if (x.fd < 0)
        return ERR_IO;
    buf_init(&x.out, PIECE + 4 * LINE_MAX_HERE);
    err_code c = site_walk(p->source, f, pack_file, &x, e);
    if (!c)
        c = flush(&x, 0, e);
    if (!c)
        c = map_file(p, x.fd, e);
    buf_free(&x.out);
    close(x.fd);
    return c;
}

/* --- a file
 * ---------------------------------------------------------------------------------------- */

/* A pipe cannot be mapped. */
static err_code copy_input(int fd, struct err *e)
{
    static char piece[1 << 16];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, errno, "cannot read standard input");
        err_code c = n ? write_all(fd, str_of(piece, (size_t)n), e) : ERR_OK;
        if (c || n == 0)
            return c;
    }
}

/* Is the first line a whole object with a resource in it? */
static bool is_lines(struct str text)
{
    struct str rest, line = str_cut(text, '\n', &rest);
    struct json_walk w;
    struct json_member m;
    bool more = false;
    if (json_walk_begin(&w, line, NULL) || w.array || json_walk_next(&w, &m, &more, NULL) || !more)
        return false;
    struct str key = str_sub(m.key, 1, m.key.n - 1);
    return (str_is(key, "group") || str_is(key, "profile") || str_is(key, "template")) &&
           json_walk_next(&w, &m, &more, NULL) == ERR_OK && !more;
}

static err_code pack_bundle(struct parcel *p, struct err *e)
{
    bool standard = strcmp(p->source, "-") == 0;
    int fd = standard ? open_nameless(e) : open(p->source, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return standard ? ERR_IO : err_errno(e, ERR_IO, errno, "cannot open %s", p->source);
    err_code c = standard ? copy_input(fd, e) : ERR_OK;
    if (!c)
        c = map_file(p, fd, e);
    close(fd);
    if (!c)
        p->lines = is_lines(p->body);
    return c;
}

/* --- the whole
 * ------------------------------------------------------------------------------------- */

err_code parcel_pack(struct parcel *p, const char *source, struct findings *f,
                     struct progress *progress, struct err *e)
{
    struct stat st;
    *p = (struct parcel){.source = source};
    buf_init(&p->names, NAMES_MAX);
    p->directory = strcmp(source, "-") != 0 && stat(source, &st) == 0 && S_ISDIR(st.st_mode);
    if (!p->directory)
        return pack_bundle(p, e);
    p->lines = true;
    return pack_directory(p, f, progress, e);
}

void parcel_free(struct parcel *p)
{
    if (p->map)
        munmap(p->map, p->mapped);
    buf_free(&p->names);
    free(p->line_names);
    *p = (struct parcel){.source = ""};
}

/* Where a pointer of a group or profile is in its file. */
static void locate(const struct parcel *p, struct finding *x)
{
    ARENA_LOCAL(a, TREE_MAX);
    BUF_LOCAL(path, 8192);
    BUF_LOCAL(text, MODEL_TEMPLATE_MAX);
    struct yaml_document doc;
    buf_addf(&path, "%s/%.*s", p->source, STR_FMT(x->file));
    x->line = x->column = 0;
    if (!str_ends(x->file, STR(".json")) || !buf_c(&path) ||
        read_file(path.p, &text, NULL) != ERR_OK ||
        yaml_read(&a, buf_str(&text), &doc, NULL) != ERR_OK)
        return;
    yaml_locate(doc.root, x->pointer, &x->line, &x->column);
}

void parcel_place(void *parcel, struct finding *x)
{
    const struct parcel *p = parcel;
    if (x->file.n)
        return; /* a template's file, with the place in it */
    if (!p->directory) {
        x->file = strcmp(p->source, "-") == 0 ? STR("stdin") : str_c(p->source);
        return;
    }
    if (x->line < 1 || (size_t)x->line > p->lines_n)
        return;
    x->file = str_c(p->names.p + p->line_names[x->line - 1]);
    size_t slash = str_find_byte(x->pointer, '/', 1);
    x->pointer = str_skip(x->pointer, slash);
    locate(p, x);
}
