#include "ignition/unit.h"

#include "base/utf8.h"

/*
 * The text through a buffer that is filled as Go's bufio.Reader is, of 4096 bytes. What is in the
 * buffer decides whether a long line is seen as one.
 */
#define BUFFER_SIZE   4096
#define UNIT_LINE_MAX 2048

struct unit_reader {
    struct str text;
    size_t at;     /* of the next byte */
    size_t filled; /* end of what the buffer has */
};

static void fill(struct unit_reader *r)
{
    size_t rest = r->text.n - r->at;
    r->filled = r->at + (rest < BUFFER_SIZE ? rest : BUFFER_SIZE);
}

/* The next character; false at the end. */
static bool read_char(struct unit_reader *r, uint32_t *ret)
{
    if (r->at >= r->text.n)
        return false;
    size_t len;
    *ret = utf8_decode(str_skip(r->text, r->at), &len);
    if (r->at + len > r->filled)
        fill(r);
    r->at += len;
    return true;
}

/* Up to and with the next c, or up to the end, which then is *ended. */
static struct str read_until(struct unit_reader *r, char c, bool *ended)
{
    size_t start = r->at, found = str_find_byte(r->text, c, start);
    *ended = found >= r->text.n;
    size_t end = *ended ? r->text.n : found + 1;
    /* A full buffer without it is taken out whole, a partly full one is topped up first. */
    while (r->filled < end) {
        if (r->filled - r->at >= BUFFER_SIZE)
            r->at = r->filled;
        fill(r);
    }
    r->at = end;
    return str_sub(r->text, start, end);
}

static struct str read_line(struct unit_reader *r, bool *ended)
{
    struct str line = read_until(r, '\n', ended);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n && line.p[line.n - 1] == '\n')
        line.n--;
    return line;
}

static bool is_space(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

static bool is_blank(struct str s)
{
    while (s.n) {
        size_t len;
        if (!is_space(utf8_decode(s, &len)))
            return false;
        s = str_skip(s, len);
    }
    return true;
}

/* Is a line of at least 2048 bytes next, as far as the buffer shows? */
static bool line_too_long(const struct unit_reader *r)
{
    if (r->filled < r->at + UNIT_LINE_MAX)
        return false;
    struct str ahead = str_sub(r->text, r->at, r->at + UNIT_LINE_MAX);
    return str_find_byte(ahead, '\n', 0) == ahead.n && str_find_byte(ahead, '\r', 0) == ahead.n;
}

static const char TOO_LONG[] = "a line of the unit is longer than systemd takes (2048 bytes)";

/* A comment goes on in the next line if a backslash ends it. */
static void skip_comment(struct unit_reader *r)
{
    for (bool ended = false; !ended;) {
        struct str line = read_line(r, &ended);
        if (line.n && line.p[line.n - 1] == ' ')
            line.n--;
        if (!line.n || line.p[line.n - 1] != '\\')
            return;
    }
}

/* Behind the '['; sets *section to the name. */
static const char *read_section(struct unit_reader *r, struct str *section)
{
    bool ended;
    if (line_too_long(r))
        return TOO_LONG;
    struct str name = read_until(r, ']', &ended);
    if (ended)
        return "the unit has a section without the ']' that ends its name";
    *section = str_sub(name, 0, name.n - 1);
    if (line_too_long(r))
        return TOO_LONG;
    return is_blank(read_line(r, &ended)) ? NULL : "the unit has something behind a section's name";
}

/* NAME=VALUE; the value goes on in the next line if a backslash ends it. */
static const char *read_option(struct unit_reader *r)
{
    uint32_t c = 0;
    if (line_too_long(r))
        return TOO_LONG;
    do {
        if (!read_char(r, &c))
            return "the unit ends in a line that is no option: '=' is missing";
        if (c == '\n' || c == '\r')
            return "the unit has a line that is no option: '=' is missing";
    } while (c != '=');
    for (;;) {
        bool ended;
        if (line_too_long(r))
            return TOO_LONG;
        struct str line = read_line(r, &ended);
        if (is_blank(line) || line.p[line.n - 1] != '\\')
            return NULL;
    }
}

static const char *read_unit(struct str text, bool *install)
{
    struct unit_reader r = {.text = text};
    struct str section = {NULL, 0}; /* absent before the first one */
    *install = false;
    for (;;) {
        uint32_t c;
        const char *wrong = NULL;
        if (line_too_long(&r))
            return TOO_LONG;
        size_t before = r.at;
        if (!read_char(&r, &c))
            return NULL;
        if (c == '[') {
            wrong = read_section(&r, &section);
        } else if (c == '#' || c == ';') {
            if (line_too_long(&r))
                return TOO_LONG;
            skip_comment(&r);
        } else if (section.p && !is_space(c)) {
            r.at = before;
            wrong = read_option(&r);
            *install = *install || (!wrong && str_is(section, "Install"));
        }
        if (wrong)
            return wrong;
    }
}

const char *unit_check(struct str text)
{
    bool install;
    return read_unit(text, &install);
}

bool unit_has_install(struct str text)
{
    bool install;
    return !read_unit(text, &install) && install;
}
