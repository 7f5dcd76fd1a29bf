#include "base/query.h"

#include "base/enc.h"

/* Decodes s into a; s itself where nothing is encoded. False on a bad escape; *nomem otherwise. */
static bool decode(struct arena *a, struct str s, bool plus_is_space, struct str *ret, bool *nomem)
{
    bool encoded = s.n && (memchr(s.p, '%', s.n) || (plus_is_space && memchr(s.p, '+', s.n)));
    if (!encoded) {
        *ret = s;
        return true;
    }
    struct buf b;
    buf_in_arena(&b, a, s.n);
    if (!buf_reserve(&b, s.n)) {
        *nomem = true;
        return false;
    }
    if (!enc_percent_decode(&b, s, plus_is_space))
        return false;
    *ret = buf_str(&b);
    return true;
}

/* How many pairs there may be: one more than '&'. */
static size_t count_pairs(struct str raw)
{
    size_t n = 1;
    for (size_t i = str_find_byte(raw, '&', 0); i < raw.n; i = str_find_byte(raw, '&', i + 1))
        n++;
    return n;
}

static bool decode_pair(struct arena *a, struct str piece, struct query_pair *ret, bool *nomem)
{
    if (memchr(piece.p, ';', piece.n))
        return false;
    struct str value;
    struct str key = str_cut(piece, '=', &value);
    if (!value.p)
        value = STR("");
    return decode(a, key, true, &ret->key, nomem) && decode(a, value, true, &ret->value, nomem);
}

err_code query_read(struct arena *a, struct str raw, uint32_t max_pairs, struct query_pair **ret,
                    uint32_t *ret_n, uint32_t *dropped, struct err *e)
{
    size_t room = raw.n ? count_pairs(raw) : 0;
    if (room > max_pairs)
        room = max_pairs;
    struct query_pair *pairs = room ? arena_calloc(a, room, sizeof *pairs) : NULL;
    if (room && !pairs)
        return err_set(e, ERR_NOMEM, "out of memory for the query");
    uint32_t n = 0, bad = 0;
    bool nomem = false;
    for (struct str rest = raw; rest.n > 0;) {
        struct str piece = str_cut(rest, '&', &rest);
        struct query_pair pair;
        if (piece.n == 0)
            continue;
        bool ok = decode_pair(a, piece, &pair, &nomem);
        if (nomem)
            return err_set(e, ERR_NOMEM, "out of memory for the query");
        bad += !ok;
        if (!ok)
            continue;
        if (n == max_pairs)
            return err_set(e, ERR_LIMIT, "the query has more than %u parameters", max_pairs);
        pairs[n++] = pair;
    }
    *ret = pairs;
    *ret_n = n;
    *dropped = bad;
    return ERR_OK;
}

static void add_encoded(struct buf *dst, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || c == ':';
        if (plain) {
            buf_add_byte(dst, (char)c);
        } else {
            buf_add_byte(dst, '%');
            buf_add_byte(dst, digits[c >> 4]);
            buf_add_byte(dst, digits[c & 15]);
        }
    }
}

void query_add(struct buf *dst, struct str key, struct str value)
{
    if (dst->n)
        buf_add_byte(dst, '&');
    add_encoded(dst, key);
    buf_add_byte(dst, '=');
    add_encoded(dst, value);
}

err_code query_path_decode(struct arena *a, struct str raw, struct str *ret, struct err *e)
{
    struct str path;
    bool nomem = false;
    if (!decode(a, raw, false, &path, &nomem))
        return nomem ? err_set(e, ERR_NOMEM, "out of memory for the path")
                     : err_set(e, ERR_INVALID, "the path has a %% that no two hex digits follow");
    if (path.n && memchr(path.p, '\0', path.n))
        return err_set(e, ERR_INVALID, "the path has a NUL");
    *ret = path;
    return ERR_OK;
}
