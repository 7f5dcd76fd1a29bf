#include "service/files.h"

#include <stdlib.h>

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading files");
}

static err_code read_file(void *ctx, struct str path, struct str *ret, struct err *e)
{
    const struct files_source *s = ctx;
    const struct catalog_template *t = catalog_template(s->view, MODEL_FILES, path);
    if (!t || !t->render)
        return err_set(e, ERR_NOT_FOUND, "there is no file \"%.*s\" in the site's files folder",
                       STR_FMT(path));
    *ret = render_template_source(t->render);
    return ERR_OK;
}

/* --- listing -----------------------------------------------------------------------------------
 */

err_code files_listing_begin(struct arena *a, struct str folder, struct files_listing *ret,
                             struct err *e)
{
    struct buf root;
    buf_in_arena(&root, a, 1u << 16);
    buf_add_str(&root, folder);
    if (folder.n)
        buf_add_byte(&root, '/');
    if (root.failed)
        return nomem(e);
    *ret = (struct files_listing){.arena = a, .root = root.n ? buf_str(&root) : STR("")};
    return ERR_OK;
}

static void add(struct files_listing *l, struct str path, enum butane_file_kind kind)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct butane_tree_entry *v =
            arena_grow(l->arena, l->v, l->cap * sizeof *v, cap * sizeof *v);
        if (!v) {
            l->failed = true;
            return;
        }
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = (struct butane_tree_entry){.path = path, .kind = kind};
}

/* The file and every folder on its way: the same ones are taken out after sorting. */
void files_listing_add(struct files_listing *l, struct str name)
{
    if (!str_starts(name, l->root) || l->failed)
        return;
    struct str path = str_skip(name, l->root.n);
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '/')
            add(l, str_sub(path, 0, i), BUTANE_DIRECTORY);
    add(l, path, BUTANE_FILE);
}

/* As a walk visits them: '/' before every other byte. */
static int walk_cmp(const void *a, const void *b)
{
    const struct butane_tree_entry *x = a, *y = b;
    for (size_t i = 0; i < x->path.n && i < y->path.n; i++) {
        unsigned char c = (unsigned char)x->path.p[i], d = (unsigned char)y->path.p[i];
        if (c != d)
            return c == '/' ? -1 : d == '/' ? 1 : c < d ? -1 : 1;
    }
    return x->path.n < y->path.n ? -1 : x->path.n > y->path.n;
}

err_code files_listing_end(struct files_listing *l, const struct butane_tree_entry **ret,
                           size_t *ret_n, struct err *e)
{
    if (l->failed)
        return nomem(e);
    if (l->n == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no folder \"%.*s\" in the site's files folder",
                       STR_FMT(l->root));
    qsort(l->v, l->n, sizeof *l->v, walk_cmp);
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++)
        if (kept == 0 || !str_eq(l->v[kept - 1].path, l->v[i].path))
            l->v[kept++] = l->v[i];
    *ret = l->v;
    *ret_n = kept;
    return ERR_OK;
}

static void add_template(void *arg, const struct catalog_template *t)
{
    files_listing_add(arg, t->name);
}

static err_code list_tree(void *ctx, struct str path, const struct butane_tree_entry **ret,
                          size_t *ret_n, struct err *e)
{
    const struct files_source *s = ctx;
    struct files_listing l;
    err_code c = files_listing_begin(s->arena, path, &l, e);
    if (c)
        return c;
    catalog_each_template(s->view, MODEL_FILES, add_template, &l);
    return files_listing_end(&l, ret, ret_n, e);
}

struct butane_files files_of(struct files_source *source)
{
    return (struct butane_files){source, read_file, list_tree};
}
