/* storage.trees: every file below a directory of the files directory. */
#include "ignition/butane_parts.h"

/* A node that the config has. Sorted by path, so that a tree of n files costs n log n. */
struct known {
    struct str path;
    struct record *record; /* a file, directory or link */
};

struct trees {
    struct butane *b;
    struct known *known;
    size_t n, cap;
    struct butane_list files, directories, links;
};

static size_t position(const struct trees *t, struct str path)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (str_cmp(t->known[mid].path, path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct record *find(const struct trees *t, struct str path)
{
    size_t i = position(t, path);
    return i < t->n && str_eq(t->known[i].path, path) ? t->known[i].record : NULL;
}

static void remember(struct trees *t, struct record *r)
{
    if (!r || t->b->failed)
        return;
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct known *known =
            arena_grow(t->b->a, t->known, t->cap * sizeof *known, cap * sizeof *known);
        if (!known) {
            t->b->failed = ERR_NOMEM;
            return;
        }
        t->known = known;
        t->cap = cap;
    }
    struct str path = record_text(r, "path");
    size_t i = position(t, path);
    memmove(&t->known[i + 1], &t->known[i], (t->n - i) * sizeof *t->known);
    t->known[i] = (struct known){path, r};
    t->n++;
}

static void remember_list(struct trees *t, struct butane_list *l, const struct datum_list *from)
{
    butane_push_all(t->b, l, from);
    for (size_t i = 0; i < from->n; i++)
        remember(t, from->items[i].record);
}

/* --- paths */

/* top and rel with one slash between them, without "." and empty parts, ".." resolved. */
static struct str join(struct butane *b, struct str top, struct str rel)
{
    bool absolute = !top.n || top.p[0] == '/';
    struct buf path;
    buf_in_arena(&path, b->a, BUTANE_MAX_TEXT);
    struct str rest = butane_text(b, "%.*s/%.*s", STR_FMT(top), STR_FMT(rel));
    while (rest.p) {
        struct str part = str_cut(rest, '/', &rest);
        if (!part.n || str_is(part, "."))
            continue;
        if (str_is(part, "..")) {
            while (path.n && path.p[--path.n] != '/')
                continue;
            continue;
        }
        if (absolute || path.n)
            buf_add_byte(&path, '/');
        buf_add_str(&path, part);
    }
    if (path.failed)
        b->failed = ERR_NOMEM;
    if (path.n)
        return buf_str(&path);
    return absolute ? STR("/") : STR(".");
}

/* --- one entry */
static void exists(struct trees *t, const struct record *tree, struct str path)
{
    butane_error(t->b, tree->place,
                 "%.*s is in the tree and in the config, where it has contents or is something "
                 "else",
                 STR_FMT(path));
}

static struct record *new_node(struct trees *t, const struct record *tree,
                               const struct schema_struct *type, struct str path,
                               struct butane_list *list)
{
    struct record *r = butane_record(t->b, type, tree->place);
    butane_set_text(t->b, r, "path", path, tree->place);
    butane_copy(t->b, r, "group", tree);
    butane_copy(t->b, r, "user", tree);
    butane_push_record(t->b, list, r);
    remember(t, r);
    return r;
}

/* The node at that path if it is of the type, else a new one; NULL with a finding if neither. */
static struct record *node_at(struct trees *t, const struct record *tree,
                              const struct schema_struct *type, struct str path,
                              struct butane_list *list)
{
    struct record *r = find(t, path);
    if (r && r->type != type) {
        exists(t, tree, path);
        return NULL;
    }
    return r ? r : new_node(t, tree, type, path, list);
}

static void add_file(struct trees *t, const struct record *tree, struct str path, struct str source,
                     bool executable)
{
    struct butane *b = t->b;
    const struct place *at = tree->place;
    struct str contents = {NULL, 0};
    struct record *file = node_at(t, tree, &schema_file, path, &t->files);
    if (!file)
        return;
    if (record_text(record_sub(file, "contents"), "source").n) {
        exists(t, tree, path);
        return;
    }
    if (!butane_read_file(b, source, at, &contents))
        return;
    struct record *resource = butane_sub(b, file, "contents", &schema_resource, at);
    butane_set_contents(b, resource, contents, at);
    if (record_has(file, "mode"))
        return;
    int64_t mode = executable ? 0755 : 0644;
    if (record_has(tree, "file_mode"))
        mode = record_number(tree, "file_mode");
    butane_set_number(b, file, "mode", mode, at);
}

static void add_link(struct trees *t, const struct record *tree, struct str path, struct str target)
{
    struct record *link = node_at(t, tree, &schema_link, path, &t->links);
    if (!link)
        return;
    if (record_text(link, "target").n)
        exists(t, tree, path);
    else
        butane_set_text(t->b, link, "target", target, tree->place);
}

static bool is_given(const struct record *r, const char *name)
{
    const struct record *owner = record_sub(r, name);
    return owner && (record_has(owner, "id") || record_has(owner, "name"));
}

/* Directories come to be by themselves; they are named only if something about them is asked. */
static void add_directory(struct trees *t, const struct record *tree, struct str path)
{
    bool with_mode = record_has(tree, "dir_mode");
    if (!with_mode && !is_given(tree, "user") && !is_given(tree, "group"))
        return;
    if (find(t, path)) {
        exists(t, tree, path);
        return;
    }
    struct record *r = new_node(t, tree, &schema_directory, path, &t->directories);
    butane_set_number(t->b, r, "mode", with_mode ? record_number(tree, "dir_mode") : 0755,
                      tree->place);
}

static void add_entry(struct trees *t, const struct record *tree, const struct butane_tree_entry *x)
{
    struct butane *b = t->b;
    struct str top = record_text(tree, "path");
    struct str path = join(b, top, x->path);
    switch (x->kind) {
    case BUTANE_FILE:
    case BUTANE_EXECUTABLE: {
        struct str local = record_text(tree, "local");
        add_file(t, tree, path, butane_text(b, "%.*s/%.*s", STR_FMT(local), STR_FMT(x->path)),
                 x->kind == BUTANE_EXECUTABLE);
        break;
    }
    case BUTANE_DIRECTORY: add_directory(t, tree, path); break;
    case BUTANE_LINK: add_link(t, tree, path, x->target); break;
    case BUTANE_OTHER:
        butane_error(b, tree->place,
                     "%.*s is neither a file, a directory nor a link, and trees have nothing else",
                     STR_FMT(x->path));
        break;
    }
}

static void add_tree(struct trees *t, const struct record *tree)
{
    struct butane *b = t->b;
    const struct butane_tree_entry *entries = NULL;
    size_t n = 0;
    struct err e = ERR_INIT;
    struct str local = record_text(tree, "local");
    err_code c = b->files->list_tree(b->files->ctx, local, &entries, &n, &e);
    if (c == ERR_NOMEM)
        b->failed = c;
    if (c) {
        butane_error(b, tree->place, "%.*s: %s", STR_FMT(local), e.msg);
        return;
    }
    add_directory(t, tree, join(b, record_text(tree, "path"), STR("")));
    for (size_t i = 0; i < n && !b->failed; i++)
        add_entry(t, tree, &entries[i]);
}

void butane_trees(struct butane *b, struct record *config)
{
    const struct record *found = record_sub(config, "storage");
    const struct datum_list *list = record_list(found, "trees");
    if (!list->n || !butane_have_files(b, list->items[0].place))
        return;
    struct record *storage = record_get(config, "storage")->record;
    struct trees t = {.b = b};
    remember_list(&t, &t.files, record_list(storage, "files"));
    remember_list(&t, &t.directories, record_list(storage, "directories"));
    remember_list(&t, &t.links, record_list(storage, "links"));
    for (size_t i = 0; i < list->n && !b->failed; i++)
        add_tree(&t, list->items[i].record);
    butane_set_list(b, storage, "files", &t.files, butane_place(b, storage, "files"));
    butane_set_list(b, storage, "directories", &t.directories,
                    butane_place(b, storage, "directories"));
    butane_set_list(b, storage, "links", &t.links, butane_place(b, storage, "links"));
}
