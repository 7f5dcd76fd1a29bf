/*
 * Two texts are two sequences of lines; lines that are equal get the same number, so the search
 * below compares numbers.
 *
 * Think of a grid with a line of the old text for each column and one of the new text for each row.
 * A step right deletes a line, a step down adds one, and where the two lines are equal there is a
 * step along the diagonal, which is free. A diff is a path from the upper left to the lower right
 * corner, and the best one has the fewest steps that are not free. Myers' observation: of all paths
 * with D such steps that end on diagonal k (x - y = k), only the one that got furthest matters, and
 * it comes from the furthest ones with D - 1 steps on the diagonals beside it. So the search keeps
 * one number for each diagonal.
 *
 * To remember the path would take D² memory. Instead the search goes from both corners at once;
 * where the two meet is a point of a best path, with half of its steps on either side. The same is
 * then done for the rectangle before that point and for the one after it. Work is at most twice
 * that of one search, and the depth is the logarithm of D.
 */
#include "base/diff.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"

#define TEXT_MAX ((size_t)1 << 30)
#define CONTEXT  3

struct side {
    struct str *lines; /* with their '\n', which the last one may lack */
    int32_t *numbers;  /* equal lines have equal ones */
    bool *changed;     /* deleted of the old text, added in the new one */
    int32_t n;
};

struct comparison {
    struct side from, to;
    int32_t *forward, *backward; /* the furthest x on each diagonal; room for all of them */
    uint64_t steps;              /* that are left */
};

bool diff_is_text(struct str s)
{
    return str_find_byte(s, '\0', 0) == s.n && utf8_valid(s);
}

/* --- lines ------------------------------------------------------------------------------------ */

static int32_t count_lines(struct str s)
{
    int32_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n + (s.n && s.p[s.n - 1] != '\n');
}

static bool split_lines(struct side *side, struct str s)
{
    side->n = count_lines(s);
    size_t room = (size_t)side->n + 1;
    side->lines = calloc(room, sizeof *side->lines);
    side->numbers = calloc(room, sizeof *side->numbers);
    side->changed = calloc(room, sizeof *side->changed);
    if (!side->lines || !side->numbers || !side->changed)
        return false;
    for (int32_t i = 0; i < side->n; i++) {
        size_t end = str_find_byte(s, '\n', 0);
        side->lines[i] = str_sub(s, 0, end < s.n ? end + 1 : end);
        s = str_skip(s, side->lines[i].n);
    }
    return true;
}

/* Lines by their text, open addressing; a line is known by its place in `all`. */
struct numbering {
    struct str *all;
    int32_t n;
    int32_t *slots; /* -1: free */
    size_t mask;
};

static int32_t number_of(struct numbering *t, struct str line)
{
    size_t at = (size_t)hash_bytes(line, 0) & t->mask;
    while (t->slots[at] >= 0 && !str_eq(t->all[t->slots[at]], line))
        at = (at + 1) & t->mask;
    if (t->slots[at] < 0) {
        t->slots[at] = t->n;
        t->all[t->n++] = line;
    }
    return t->slots[at];
}

static bool number_lines(struct side *a, struct side *b)
{
    size_t lines = (size_t)a->n + (size_t)b->n, slots = 16;
    while (slots < 2 * lines)
        slots *= 2;
    struct numbering t = {.all = calloc(lines + 1, sizeof *t.all),
                          .slots = malloc(slots * sizeof *t.slots),
                          .mask = slots - 1};
    bool good = t.all && t.slots;
    for (size_t i = 0; good && i < slots; i++)
        t.slots[i] = -1;
    for (int32_t i = 0; good && i < a->n; i++)
        a->numbers[i] = number_of(&t, a->lines[i]);
    for (int32_t i = 0; good && i < b->n; i++)
        b->numbers[i] = number_of(&t, b->lines[i]);
    free(t.all);
    free(t.slots);
    return good;
}

/* --- the search ------------------------------------------------------------------------------- */

/* A rectangle of the grid: columns x0 to x1, rows y0 to y1, the ends not included. */
struct box {
    int32_t x0, x1, y0, y1;
};

/*
 * One of the two searches: on each diagonal the furthest x, or -1, both counted from the corner
 * where it began. The other one's diagonals are these mirrored at n - m.
 */
struct search {
    int32_t *far;         /* by diagonal, from -m - 1 to n + 1 */
    const int32_t *other; /* the other search's, which has been on -reach to reach */
    int32_t n, m;         /* of the box */
    bool backward;
};

static bool same(const struct comparison *c, const struct box *b, bool backward, int32_t x,
                 int32_t y)
{
    if (backward)
        return c->from.numbers[b->x1 - 1 - x] == c->to.numbers[b->y1 - 1 - y];
    return c->from.numbers[b->x0 + x] == c->to.numbers[b->y0 + y];
}

/* The furthest x that one more step reaches on a diagonal; -1 if that is outside of the box. */
static int32_t step_to(const struct search *s, int32_t k)
{
    int32_t right = s->far[k - 1], down = s->far[k + 1];
    right = right >= 0 && right < s->n ? right + 1 : -1;
    down = down >= 0 && down - k <= s->m ? down : -1;
    return right > down ? right : down;
}

/* The diagonal nearest to k, with its parity, that the box has: from -m to n. */
static int32_t within(const struct search *s, int32_t k)
{
    if (k < -s->m)
        return -s->m + ((-s->m - k) & 1);
    return k > s->n ? s->n - ((k - s->n) & 1) : k;
}

/* Goes on to d steps. True when it meets the other search: on diagonal *ret_k. */
static bool advance(struct comparison *c, const struct box *b, const struct search *s, int32_t d,
                    int32_t reach, int32_t *ret_k)
{
    int32_t delta = s->n - s->m;
    bool may_meet = ((delta & 1) != 0) != s->backward;
    if (d <= s->m)
        s->far[-d - 1] = -1;
    if (d <= s->n)
        s->far[d + 1] = -1;
    for (int32_t k = within(s, -d); k <= within(s, d); k += 2) {
        int32_t begin = d ? step_to(s, k) : 0, x = begin;
        while (x >= 0 && x < s->n && x - k < s->m && same(c, b, s->backward, x, x - k))
            x++;
        s->far[k] = x;
        uint64_t cost = 1 + (uint64_t)(x - begin);
        c->steps -= cost < c->steps ? cost : c->steps;
        int32_t k2 = delta - k;
        bool seen = may_meet && x >= 0 && k2 >= -reach && k2 <= reach && s->other[k2] >= 0;
        if (seen && x + s->other[k2] >= s->n) {
            *ret_k = k;
            return true;
        }
    }
    return false;
}

/* A point inside of the box that a best path goes through. False when there are no steps left. */
static bool find_middle(struct comparison *c, const struct box *b, int32_t *ret_x, int32_t *ret_y)
{
    int32_t n = b->x1 - b->x0, m = b->y1 - b->y0, k;
    struct search forward = {c->forward, c->backward, n, m, false};
    struct search backward = {c->backward, c->forward, n, m, true};
    for (int32_t d = 0; c->steps; d++) {
        if (advance(c, b, &forward, d, d - 1, &k)) {
            *ret_x = b->x0 + c->forward[k];
            *ret_y = b->y0 + c->forward[k] - k;
            return true;
        }
        if (advance(c, b, &backward, d, d, &k)) {
            *ret_x = b->x1 - c->backward[k];
            *ret_y = b->y1 - (c->backward[k] - k);
            return true;
        }
    }
    return false;
}

static void mark(struct comparison *c, const struct box *b)
{
    for (int32_t x = b->x0; x < b->x1; x++)
        c->from.changed[x] = true;
    for (int32_t y = b->y0; y < b->y1; y++)
        c->to.changed[y] = true;
}

/* Marks what is changed inside of the box. */
static void compare(struct comparison *c, struct box b)
{
    for (;;) {
        const int32_t *from = c->from.numbers, *to = c->to.numbers;
        while (b.x0 < b.x1 && b.y0 < b.y1 && from[b.x0] == to[b.y0])
            b.x0++, b.y0++;
        while (b.x0 < b.x1 && b.y0 < b.y1 && from[b.x1 - 1] == to[b.y1 - 1])
            b.x1--, b.y1--;
        int32_t x, y;
        if (b.x0 == b.x1 || b.y0 == b.y1 || !find_middle(c, &b, &x, &y)) {
            mark(c, &b);
            return;
        }
        compare(c, (struct box){b.x0, x, b.y0, y});
        b.x0 = x;
        b.y0 = y;
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_line(struct buf *dst, char sign, struct str line)
{
    buf_add_byte(dst, sign);
    buf_add_str(dst, line);
    if (!str_ends(line, STR("\n")))
        buf_add_lit(dst, "\n\\ No newline at end of file\n");
}

/* A range as hunks have it: from 1, and the line before for a range without lines. */
static void write_range(struct buf *dst, char sign, int32_t first, int32_t n)
{
    buf_addf(dst, " %c%d", sign, n ? first + 1 : first);
    if (n != 1)
        buf_addf(dst, ",%d", n);
}

static void write_hunk(struct buf *dst, const struct comparison *c, const struct box *h)
{
    buf_add_lit(dst, "@@");
    write_range(dst, '-', h->x0, h->x1 - h->x0);
    write_range(dst, '+', h->y0, h->y1 - h->y0);
    buf_add_lit(dst, " @@\n");
    for (int32_t x = h->x0, y = h->y0; x < h->x1 || y < h->y1;) {
        if (x < h->x1 && c->from.changed[x])
            write_line(dst, '-', c->from.lines[x++]);
        else if (y < h->y1 && c->to.changed[y])
            write_line(dst, '+', c->to.lines[y++]);
        else
            write_line(dst, ' ', c->from.lines[x++]), y++;
    }
}

/* Lines from (x, y) on that are the same in both, at most max. */
static int32_t same_lines(const struct comparison *c, int32_t x, int32_t y, int32_t max)
{
    int32_t n = 0;
    while (n < max && x + n < c->from.n && y + n < c->to.n && !c->from.changed[x + n] &&
           !c->to.changed[y + n])
        n++;
    return n;
}

/* The next hunk from (x, y) on; false if all that is left is the same. Changes that are so near
   that their contexts would touch are one hunk. */
static bool next_hunk(const struct comparison *c, int32_t x, int32_t y, struct box *ret)
{
    int32_t before = same_lines(c, x, y, INT32_MAX);
    x += before;
    y += before;
    if (x == c->from.n && y == c->to.n)
        return false;
    int32_t lead = before < CONTEXT ? before : CONTEXT;
    ret->x0 = x - lead;
    ret->y0 = y - lead;
    for (;;) {
        while (x < c->from.n && c->from.changed[x])
            x++;
        while (y < c->to.n && c->to.changed[y])
            y++;
        int32_t after = same_lines(c, x, y, 2 * CONTEXT + 1);
        bool last = after > 2 * CONTEXT || (x + after == c->from.n && y + after == c->to.n);
        x += last && after > CONTEXT ? CONTEXT : after;
        y += last && after > CONTEXT ? CONTEXT : after;
        if (last)
            break;
    }
    ret->x1 = x;
    ret->y1 = y;
    return true;
}

static void write_diff(struct buf *dst, const struct comparison *c, struct str from_name,
                       struct str to_name)
{
    struct box h = {0, 0, 0, 0};
    bool first = true;
    while (next_hunk(c, h.x1, h.y1, &h)) {
        if (first) {
            buf_add_lit(dst, "--- ");
            buf_add_str(dst, from_name);
            buf_add_lit(dst, "\n+++ ");
            buf_add_str(dst, to_name);
            buf_add_byte(dst, '\n');
        }
        first = false;
        write_hunk(dst, c, &h);
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

static void free_side(struct side *s)
{
    free(s->lines);
    free(s->numbers);
    free(s->changed);
}

err_code diff_unified(struct buf *dst, struct str from, struct str to, struct str from_name,
                      struct str to_name, struct err *e)
{
    if (from.n > TEXT_MAX || to.n > TEXT_MAX)
        return err_set(e, ERR_LIMIT, "a text is too large to be compared");
    struct comparison c = {.steps = DIFF_STEPS};
    bool good = split_lines(&c.from, from) && split_lines(&c.to, to);
    size_t diagonals = good ? (size_t)c.from.n + (size_t)c.to.n + 3 : 0;
    int32_t *far = good ? calloc(2 * diagonals, sizeof *far) : NULL;
    good = far && number_lines(&c.from, &c.to);
    if (good) {
        c.forward = far + c.to.n + 1;
        c.backward = c.forward + diagonals;
        compare(&c, (struct box){0, c.from.n, 0, c.to.n});
        write_diff(dst, &c, from_name, to_name);
    }
    free(far);
    free_side(&c.from);
    free_side(&c.to);
    return good ? ERR_OK : err_set(e, ERR_NOMEM, "out of memory while comparing two texts");
}
