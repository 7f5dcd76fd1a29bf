#include "tmpl/lex.h"

#include "base/utf8.h"
#include "tmpl/chars.h"

#define END_OF_INPUT UINT32_MAX

void lex_init(struct lexer *l, struct str source)
{
    *l = (struct lexer){.source = source};
}

void lex_place(struct str source, uint32_t pos, int *line, int *column)
{
    int n = 1;
    uint32_t begin = 0;
    for (uint32_t i = 0; i < pos && i < source.n; i++) {
        if (source.p[i] == '\n') {
            n++;
            begin = i + 1;
        }
    }
    *line = n;
    *column = (int)(pos - begin) + 1;
}

static err_code fail_at(const struct lexer *l, uint32_t pos, struct err *e, const char *msg)
{
    int line, column;
    lex_place(l->source, pos, &line, &column);
    return err_at(e, ERR_INVALID, line, column, "%s", msg);
}

static err_code fail(const struct lexer *l, struct err *e, const char *msg)
{
    return fail_at(l, l->start, e, msg);
}

/* Names the character at the position: it is template text, so it may be shown. */
static err_code fail_char(const struct lexer *l, struct err *e, const char *what)
{
    int line, column;
    lex_place(l->source, l->pos, &line, &column);
    size_t len;
    uint32_t cp = utf8_decode(str_skip(l->source, l->pos), &len);
    return err_at(e, ERR_INVALID, line, column, "%s: U+%04X", what, (unsigned)cp);
}

static struct str rest(const struct lexer *l)
{
    return str_skip(l->source, l->pos);
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The character at the position and its length in bytes, which is 0 at the end. */
static uint32_t peek_len(const struct lexer *l, size_t *len)
{
    *len = 0;
    if (l->pos >= l->source.n)
        return END_OF_INPUT;
    return utf8_decode(rest(l), len);
}

static uint32_t peek(const struct lexer *l)
{
    size_t len;
    return peek_len(l, &len);
}

static uint32_t next(struct lexer *l)
{
    size_t len;
    uint32_t c = peek_len(l, &len);
    l->pos += (uint32_t)len;
    return c;
}

static bool at_left_trim(struct str s)
{
    return s.n >= 2 && s.p[0] == '-' && is_space((unsigned char)s.p[1]);
}

static bool at_right_trim(struct str s)
{
    return s.n >= 2 && is_space((unsigned char)s.p[0]) && s.p[1] == '-';
}

static bool at_right_delim(struct str s, bool *trim)
{
    *trim = at_right_trim(s) && str_starts(str_skip(s, 2), STR("}}"));
    return *trim || str_starts(s, STR("}}"));
}

static void emit(struct lexer *l, enum token_kind kind, struct token *ret)
{
    *ret = (struct token){kind, l->start, str_sub(l->source, l->start, l->pos)};
    l->start = l->pos;
}

static void skip_spaces(struct lexer *l)
{
    while (l->pos < l->source.n && is_space((unsigned char)l->source.p[l->pos]))
        l->pos++;
    l->start = l->pos;
}

/* "}}" or " -}}" is at the position. */
static void right_delim(struct lexer *l, struct token *ret)
{
    bool trim;
    at_right_delim(rest(l), &trim);
    l->pos += trim ? 4 : 2;
    emit(l, TOKEN_RIGHT_DELIM, ret);
    if (trim)
        skip_spaces(l);
    l->in_action = false;
}

static err_code comment(struct lexer *l, struct err *e)
{
    size_t close = str_find(l->source, STR("*/"), l->pos + 2);
    if (close >= l->source.n)
        return fail(l, e, "unclosed comment: */}} is missing");
    l->pos = (uint32_t)close + 2;
    bool trim;
    if (!at_right_delim(rest(l), &trim))
        return fail_at(l, l->pos, e, "comment ends before closing delimiter: }} must follow */");
    l->pos += trim ? 4 : 2;
    l->start = l->pos;
    if (trim)
        skip_spaces(l);
    return ERR_OK;
}

/* Text up to the next "{{", then the delimiter; comments are skipped. */
static err_code outside(struct lexer *l, struct token *ret, struct err *e)
{
    for (;;) {
        size_t open = str_find(l->source, STR("{{"), l->pos);
        l->pos = (uint32_t)open;
        if (open >= l->source.n) {
            emit(l, l->pos > l->start ? TOKEN_TEXT : TOKEN_EOF, ret);
            return ERR_OK;
        }
        struct str inside = str_skip(l->source, open + 2);
        bool trim = at_left_trim(inside);
        uint32_t end = l->pos;
        while (trim && end > l->start && is_space((unsigned char)l->source.p[end - 1]))
            end--;
        if (end > l->start) {
            *ret = (struct token){TOKEN_TEXT, l->start, str_sub(l->source, l->start, end)};
            l->start = l->pos;
            return ERR_OK;
        }
        l->start = l->pos;
        if (!str_starts(str_skip(inside, trim ? 2 : 0), STR("/*"))) {
            l->pos += 2;
            l->action = l->start;
            emit(l, TOKEN_LEFT_DELIM, ret);
            l->pos += trim ? 2 : 0;
            l->start = l->pos;
            l->in_action = true;
            l->paren_depth = 0;
            return ERR_OK;
        }
        l->pos += trim ? 4 : 2;
        err_code c = comment(l, e);
        if (c)
            return c;
    }
}

/* White space; a trim marker's space belongs to the delimiter. */
static void space(struct lexer *l, struct token *ret)
{
    uint32_t n = 0;
    while (is_space(peek(l))) {
        l->pos++;
        n++;
    }
    bool trim = false;
    struct str last = str_skip(l->source, l->pos - 1);
    if (at_right_delim(last, &trim) && trim) {
        l->pos--;
        if (n == 1) {
            right_delim(l, ret);
            return;
        }
    }
    emit(l, TOKEN_SPACE, ret);
}

/* May a name end here? This is why .a-b and $x=1 are errors and .a|b is none. */
static bool at_terminator(const struct lexer *l)
{
    uint32_t c = peek(l);
    if (is_space(c))
        return true;
    switch (c) {
    case END_OF_INPUT:
    case '.':
    case ',':
    case '|':
    case ':':
    case ')':
    case '(':
    case '}': return true;
    default: return false;
    }
}

static enum token_kind keyword(struct str word)
{
    static const struct {
        struct str word;
        enum token_kind kind;
    } words[] = {
        {STR_INIT("block"), TOKEN_BLOCK},
        {STR_INIT("break"), TOKEN_BREAK},
        {STR_INIT("continue"), TOKEN_CONTINUE},
        {STR_INIT("define"), TOKEN_DEFINE},
        {STR_INIT("else"), TOKEN_ELSE},
        {STR_INIT("end"), TOKEN_END},
        {STR_INIT("if"), TOKEN_IF},
        {STR_INIT("nil"), TOKEN_NIL},
        {STR_INIT("range"), TOKEN_RANGE},
        {STR_INIT("template"), TOKEN_TEMPLATE},
        {STR_INIT("with"), TOKEN_WITH},
        {STR_INIT("true"), TOKEN_BOOL},
        {STR_INIT("false"), TOKEN_BOOL},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(word, words[i].word))
            return words[i].kind;
    return TOKEN_IDENTIFIER;
}

static err_code name(struct lexer *l, enum token_kind kind, struct token *ret, struct err *e)
{
    if (kind != TOKEN_IDENTIFIER && at_terminator(l)) {
        emit(l, kind == TOKEN_FIELD ? TOKEN_DOT : TOKEN_VARIABLE, ret);
        return ERR_OK;
    }
    while (peek(l) != END_OF_INPUT && chars_is_name(peek(l)))
        next(l);
    if (!at_terminator(l))
        return fail_char(l, e, "bad character in a name (use index for keys like \"a-b\")");
    if (kind == TOKEN_IDENTIFIER)
        kind = keyword(str_sub(l->source, l->start, l->pos));
    emit(l, kind, ret);
    return ERR_OK;
}

static bool accept(struct lexer *l, const char *set)
{
    if (l->pos >= l->source.n || !l->source.p[l->pos] || !strchr(set, l->source.p[l->pos]))
        return false;
    l->pos++;
    return true;
}

static void accept_run(struct lexer *l, const char *set)
{
    while (accept(l, set))
        ;
}

/* Accepts some things that are no numbers, such as 089; reading the value refuses those. */
static bool scan_number(struct lexer *l)
{
    accept(l, "+-");
    const char *digits = "0123456789_", *exponent = "eE";
    if (accept(l, "0")) {
        if (accept(l, "xX")) {
            digits = "0123456789abcdefABCDEF_";
            exponent = "pP";
        } else if (accept(l, "oO")) {
            digits = "01234567_";
            exponent = "";
        } else if (accept(l, "bB")) {
            digits = "01_";
            exponent = "";
        }
    }
    accept_run(l, digits);
    if (accept(l, "."))
        accept_run(l, digits);
    if (accept(l, exponent)) {
        accept(l, "+-");
        accept_run(l, "0123456789_");
    }
    accept(l, "i");
    uint32_t c = peek(l);
    return c == END_OF_INPUT || !chars_is_name(c);
}

static err_code number(struct lexer *l, struct token *ret, struct err *e)
{
    enum token_kind kind = TOKEN_NUMBER;
    if (!scan_number(l))
        return fail(l, e, "bad number syntax");
    uint32_t sign = peek(l);
    if (sign == '+' || sign == '-') {
        kind = TOKEN_COMPLEX;
        if (!scan_number(l) || l->source.p[l->pos - 1] != 'i')
            return fail(l, e, "bad number syntax (templates have no + and -)");
    }
    emit(l, kind, ret);
    return ERR_OK;
}

/* Up to the closing quote; what the escapes mean is decided later. */
static err_code quoted(struct lexer *l, char quote, struct token *ret, struct err *e)
{
    const char *msg =
        quote == '"' ? "unterminated quoted string" : "unterminated character constant";
    for (;;) {
        uint32_t c = next(l);
        if (c == '\\')
            c = next(l) == '\n' ? '\n' : 0;
        if (c == END_OF_INPUT || c == '\n')
            return fail(l, e, msg);
        if (c == (unsigned char)quote)
            break;
    }
    emit(l, quote == '"' ? TOKEN_STRING : TOKEN_CHAR_CONSTANT, ret);
    return ERR_OK;
}

static err_code raw_quoted(struct lexer *l, struct token *ret, struct err *e)
{
    size_t close = str_find_byte(l->source, '`', l->pos);
    if (close >= l->source.n)
        return fail(l, e, "unterminated raw quoted string");
    l->pos = (uint32_t)close + 1;
    emit(l, TOKEN_RAW_STRING, ret);
    return ERR_OK;
}

static err_code paren(struct lexer *l, char c, struct token *ret, struct err *e)
{
    if (c == '(') {
        l->paren_depth++;
        emit(l, TOKEN_LEFT_PAREN, ret);
        return ERR_OK;
    }
    if (l->paren_depth == 0)
        return fail(l, e, "unexpected right paren");
    l->paren_depth--;
    emit(l, TOKEN_RIGHT_PAREN, ret);
    return ERR_OK;
}

/* A character that is a token by itself, or none that an action may have. */
static err_code mark(struct lexer *l, uint32_t c, struct token *ret, struct err *e)
{
    enum token_kind kind = TOKEN_CHAR;
    if (c == '=')
        kind = TOKEN_ASSIGN;
    else if (c == '|')
        kind = TOKEN_PIPE;
    else if (c == ':') {
        if (next(l) != '=')
            return fail(l, e, "expected :=");
        kind = TOKEN_DECLARE;
    } else if (c >= 0x80 || !chars_is_print(c)) {
        l->pos = l->start;
        return fail_char(l, e, "unrecognized character in action");
    }
    emit(l, kind, ret);
    return ERR_OK;
}

static err_code inside(struct lexer *l, struct token *ret, struct err *e)
{
    bool trim;
    if (at_right_delim(rest(l), &trim)) {
        if (l->paren_depth)
            return fail(l, e, "unclosed left paren");
        right_delim(l, ret);
        return ERR_OK;
    }
    uint32_t c = peek(l);
    if (c == END_OF_INPUT)
        return fail_at(l, l->action, e, "unclosed action: }} is missing");
    if (is_space(c)) {
        space(l, ret);
        return ERR_OK;
    }
    uint32_t after = l->pos + 1 < l->source.n ? (unsigned char)l->source.p[l->pos + 1] : '0';
    if (c == '+' || c == '-' || (c >= '0' && c <= '9') ||
        (c == '.' && after >= '0' && after <= '9'))
        return number(l, ret, e);
    if (chars_is_name(c))
        return name(l, TOKEN_IDENTIFIER, ret, e);
    next(l);
    switch (c) {
    case '"':
    case '\'': return quoted(l, (char)c, ret, e);
    case '`': return raw_quoted(l, ret, e);
    case '$': return name(l, TOKEN_VARIABLE, ret, e);
    case '.': return name(l, TOKEN_FIELD, ret, e);
    case '(':
    case ')': return paren(l, (char)c, ret, e);
    default: return mark(l, c, ret, e);
    }
}

err_code lex_next(struct lexer *l, struct token *ret, struct err *e)
{
    return l->in_action ? inside(l, ret, e) : outside(l, ret, e);
}
