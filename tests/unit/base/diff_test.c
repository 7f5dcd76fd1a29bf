/* The diff module: applying what it writes gives the new text, and it writes no more than needed.
 */
#include "base/diff.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct str unified(struct buf *dst, struct str from, struct str to)
{
    struct err e = ERR_INIT;
    cr_assert_eq(diff_unified(dst, from, to, STR("a/x"), STR("b/x"), &e), ERR_OK, "%s", e.msg);
    cr_assert(!dst->failed);
    return buf_str(dst);
}

static void expect(const char *from, const char *to, const char *want)
{
    BUF_LOCAL(d, 1 << 20);
    struct str got = unified(&d, str_c(from), str_c(to));
    cr_expect(str_is(got, want), "got:\n%.*s", STR_FMT(got));
}

Test(diff, as_diff_u_writes_it)
{
    expect("a\nb\n", "a\nb\n", "");
    expect("", "", "");
    expect("", "x\ny\n", "--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+x\n+y\n");
    expect("x\n", "", "--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n-x\n");
    expect("a\nb\nc\n", "a\nB\nc\n", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    expect("a", "a\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    expect("1\na", "2\na",
           "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-1\n+2\n a\n\\ No newline at end of file\n");
    expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
           "--- a/x\n+++ b/x\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
}

Test(diff, near_changes_are_one_hunk_and_far_ones_two)
{
    /* Six equal lines between two changes: their contexts touch. Seven: they do not. */
    expect("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
           "--- a/x\n+++ b/x\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    expect("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
           "--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
           "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

Test(diff, text_or_not)
{
    cr_expect(diff_is_text(STR("")) && diff_is_text(STR("\xC3\xA4\r\n\t")));
    cr_expect(!diff_is_text(STR("a\0b")) && !diff_is_text(STR("\xC3")));
}

/* --- a reader of unified diffs, as strict as can be ---------------------------
 */

struct reading {
    struct str diff, old; /* what is left of both */
    struct buf made;
    size_t added, removed;
};

static struct str take_line(struct str *s)
{
    size_t end = str_find_byte(*s, '\n', 0);
    struct str line = str_sub(*s, 0, end < s->n ? end + 1 : end);
    *s = str_skip(*s, line.n);
    return line;
}

/* A line of a hunk without its sign; with what follows it if it has no newline. */
static struct str take_hunk_line(struct reading *r)
{
    struct str line = str_skip(take_line(&r->diff), 1);
    if (str_starts(r->diff, STR("\\ No newline at end of file\n"))) {
        take_line(&r->diff);
        line.n--;
    }
    return line;
}

static void apply_hunk(struct reading *r, size_t *old_line, size_t *new_line)
{
    unsigned x0 = 0, y0 = 0, xn = 1, yn = 1;
    char head[100];
    struct str line = take_line(&r->diff);
    snprintf(head, sizeof head, "%.*s", STR_FMT(line));
    char *p = head;
    cr_assert(strncmp(p, "@@ -", 4) == 0, "%s", head);
    x0 = (unsigned)strtoul(p + 4, &p, 10);
    if (*p == ',')
        xn = (unsigned)strtoul(p + 1, &p, 10);
    cr_assert(strncmp(p, " +", 2) == 0, "%s", head);
    y0 = (unsigned)strtoul(p + 2, &p, 10);
    if (*p == ',')
        yn = (unsigned)strtoul(p + 1, &p, 10);
    cr_assert(strcmp(p, " @@\n") == 0, "%s", head);
    size_t first_old = xn ? x0 : x0 + 1, first_new = yn ? y0 : y0 + 1;
    for (; *old_line < first_old; ++*old_line, ++*new_line)
        buf_add_str(&r->made, take_line(&r->old));
    cr_assert(*old_line == first_old && *new_line == first_new, "%s", head);
    while (xn || yn) {
        cr_assert(r->diff.n > 0);
        char sign = r->diff.p[0];
        struct str text = take_hunk_line(r);
        if (sign != '+') {
            cr_assert(xn-- && str_eq(take_line(&r->old), text));
            ++*old_line;
        }
        if (sign != '-') {
            cr_assert(yn--);
            buf_add_str(&r->made, text);
            ++*new_line;
        }
        r->added += sign == '+';
        r->removed += sign == '-';
        cr_assert(sign == '+' || sign == '-' || sign == ' ');
    }
}

/* Applies and compares; *ret_changes is the number of lines removed and added. */
static void check_applies(struct str from, struct str to, size_t *ret_changes)
{
    BUF_LOCAL(d, 64 << 20);
    struct reading r = {.diff = unified(&d, from, to), .old = from};
    buf_init(&r.made, 64 << 20);
    size_t old_line = 1, new_line = 1;
    if (r.diff.n) {
        cr_assert(str_is(take_line(&r.diff), "--- a/x\n"));
        cr_assert(str_is(take_line(&r.diff), "+++ b/x\n"));
    }
    while (r.diff.n)
        apply_hunk(&r, &old_line, &new_line);
    buf_add_str(&r.made, r.old);
    cr_assert(str_eq(buf_str(&r.made), to), "from\n%.*s\nto\n%.*s\nwith\n%.*s", STR_FMT(from),
              STR_FMT(to), STR_FMT(buf_str(&d)));
    buf_free(&r.made);
    *ret_changes = r.added + r.removed;
}

/* --- random texts ------------------------------------------------------------------------------
 */

static uint64_t state;

static uint32_t random_below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

/* Up to max lines of a few letters each, so that many are equal. */
static size_t random_text(struct buf *dst, uint32_t max, uint32_t letters)
{
    uint32_t n = random_below(max + 1);
    for (uint32_t i = 0; i < n; i++) {
        buf_add_byte(dst, (char)('a' + random_below(letters)));
        if (i + 1 < n || random_below(4))
            buf_add_byte(dst, '\n');
    }
    return n;
}

/* The length of a longest common subsequence of lines, the slow and plain way. */
static size_t common_lines(struct str a, struct str b)
{
    static size_t row[101], above[101];
    memset(above, 0, sizeof above);
    memset(row, 0, sizeof row);
    while (a.n) {
        struct str x = take_line(&a), rest = b;
        for (size_t k = 1; rest.n; k++) {
            struct str y = take_line(&rest);
            size_t best = above[k] > row[k - 1] ? above[k] : row[k - 1];
            row[k] = str_eq(x, y) ? above[k - 1] + 1 : best;
        }
        memcpy(above, row, sizeof above);
    }
    size_t most = 0;
    for (size_t k = 0; k < 101; k++)
        most = above[k] > most ? above[k] : most;
    return most;
}

Test(diff, random_texts_apply_and_are_shortest)
{
    state = 20261123;
    for (int i = 0; i < 20000; i++) {
        BUF_LOCAL(a, 1 << 16);
        BUF_LOCAL(b, 1 << 16);
        uint32_t letters = 1 + random_below(6), max = 1 + random_below(40);
        size_t n = random_text(&a, max, letters), m = random_text(&b, max, letters), changes;
        check_applies(buf_str(&a), buf_str(&b), &changes);
        cr_assert_eq(changes, n + m - 2 * common_lines(buf_str(&a), buf_str(&b)), "round %d", i);
    }
}

/* Two texts with nothing in common but their lines' order: the search gives up, and it is right. */
Test(diff, gives_up_in_time)
{
    BUF_LOCAL(a, 64 << 20);
    BUF_LOCAL(b, 64 << 20);
    state = 7;
    for (int i = 0; i < 200000; i++) {
        buf_addf(&a, "%u\n", random_below(400));
        buf_addf(&b, "%u\n", random_below(400));
    }
    size_t changes;
    check_applies(buf_str(&a), buf_str(&b), &changes);
    cr_expect(changes > 0);
}

/* --- the program that others use ---------------------------------------------------------------
 */

static void write_whole(const char *path, struct str s)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(s.p ? s.p : "", 1, s.n, f) == s.n && fclose(f) == 0);
}

static struct str read_whole(const char *path, char *dst, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(dst, 1, size, f) : 0;
    if (f)
        fclose(f);
    return str_of(dst, n);
}

Test(diff, patch_takes_it)
{
    char dir[] = "/tmp/vesta-diff-XXXXXX", old[64], diff[64], made[64], command[300];
    static char got[1 << 16];
    cr_assert(mkdtemp(dir));
    snprintf(old, sizeof old, "%s/old", dir);
    snprintf(diff, sizeof diff, "%s/diff", dir);
    snprintf(made, sizeof made, "%s/made", dir);
    snprintf(command, sizeof command, "patch -s -f -F 0 -o %s %s %s >/dev/null", made, old, diff);
    state = 99;
    for (int i = 0; i < 100; i++) {
        BUF_LOCAL(a, 1 << 16);
        BUF_LOCAL(b, 1 << 16);
        BUF_LOCAL(d, 1 << 20);
        random_text(&a, 60, 20);
        random_text(&b, 60, 20);
        if (str_eq(buf_str(&a), buf_str(&b)))
            continue;
        write_whole(old, buf_str(&a));
        write_whole(diff, unified(&d, buf_str(&a), buf_str(&b)));
        cr_assert_eq(system(command), 0, "round %d", i);
        cr_assert(str_eq(read_whole(made, got, sizeof got), buf_str(&b)), "round %d", i);
    }
    unlink(old), unlink(diff), unlink(made), rmdir(dir);
}
