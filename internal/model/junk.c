/*
 * Identities that makers forgot to fill in. A group that such a UUID or serial number belonged to
 * would get every machine of that maker, so they identify none.
 *
 * What is found in the field: the defaults of AMI's, Insyde's and Supermicro's firmware, and what
 * inventory tools (fwupd, GLPI, SCCM) list as duplicates.
 */
#include "model/model.h"

#define UUIDS(X)                                                                                   \
    X("03000200-0400-0500-0006-000700080009")                                                      \
    X("00020003-0004-0005-0006-000700080009")                                                      \
    X("12345678-1234-5678-90ab-cddeefaabbcc")                                                      \
    X("78563412-3412-7856-90ab-cddeefaabbcc")                                                      \
    X("12345678-1234-1234-1234-123456789abc")                                                      \
    X("11111111-2222-3333-4444-555555555555")                                                      \
    X("00112233-4455-6677-8899-aabbccddeeff")                                                      \
    X("33221100-5544-7766-8899-aabbccddeeff")                                                      \
    X("ffeeddcc-bbaa-9988-7766-554433221100")                                                      \
    X("fefefefe-fefe-fefe-fefe-fefefefefefe")                                                      \
    X("58585858-5858-5858-5858-585858585858")                                                      \
    X("4c4c4544-0000-2010-8020-80c04f202020")                                                      \
    X("44454c4c-0000-1020-8020-80c04f202020")

#define SERIALS(X)                                                                                 \
    X("to be filled by o.e.m.")                                                                    \
    X("to be filled by o.e.m")                                                                     \
    X("to be filled by oem")                                                                       \
    X("filled by oem")                                                                             \
    X("o.e.m.")                                                                                    \
    X("oem")                                                                                       \
    X("default string")                                                                            \
    X("default")                                                                                   \
    X("system serial number")                                                                      \
    X("chassis serial number")                                                                     \
    X("base board serial number")                                                                  \
    X("serial number")                                                                             \
    X("system serial")                                                                             \
    X("sernum")                                                                                    \
    X("sys-1234567890")                                                                            \
    X("not specified")                                                                             \
    X("not applicable")                                                                            \
    X("not available")                                                                             \
    X("not settable")                                                                              \
    X("not set")                                                                                   \
    X("n/a")                                                                                       \
    X("none")                                                                                      \
    X("null")                                                                                      \
    X("(null)")                                                                                    \
    X("unknown")                                                                                   \
    X("undefined")                                                                                 \
    X("invalid")                                                                                   \
    X("empty")                                                                                     \
    X("<empty>")                                                                                   \
    X("123456789")                                                                                 \
    X("1234567890")                                                                                \
    X("0123456789")                                                                                \
    X("0123456789abcdef")

#define AS_STR(text) STR_INIT(text),
static const struct str uuids[] = {UUIDS(AS_STR)};
static const struct str serials[] = {SERIALS(AS_STR)};

/* A letter is in both cases the same of 32. */
#define LETTER(c)          ((uint32_t)1 << ((unsigned char)(c)&31))
#define LENGTH(text)       | (uint64_t)1 << (sizeof(text) - 1)
#define FIRST_LETTER(text) | LETTER((text)[0])
#define LAST_LETTER(text)  | LETTER((text)[sizeof(text) - 2])

/*
 * Looked at for each request: the length, the first and the last byte tell nearly all apart from
 * any of a list. The masks are made by the compiler.
 */
static bool may_be_serial(struct str s)
{
    const uint64_t lengths = 0 SERIALS(LENGTH);
    const uint32_t firsts = 0 SERIALS(FIRST_LETTER), lasts = 0 SERIALS(LAST_LETTER);
    return s.n < 64 && lengths >> s.n & 1 && firsts & LETTER(s.p[0]) &&
           lasts & LETTER(s.p[s.n - 1]);
}

static bool may_be_uuid(struct str s)
{
    const uint32_t firsts = 0 UUIDS(FIRST_LETTER), lasts = 0 UUIDS(LAST_LETTER);
    return s.n == 36 && firsts & LETTER(s.p[0]) && lasts & LETTER(s.p[35]);
}

/* Hardly ever called. */
__attribute__((noinline)) static bool is_one_of(struct str s, const struct str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s.n == list[i].n && LETTER(s.p[0]) == LETTER(list[i].p[0]) && str_ieq(s, list[i]))
            return true;
    return false;
}

static bool is_serial(struct str s)
{
    return may_be_serial(s) && is_one_of(s, serials, sizeof serials / sizeof *serials);
}

static bool is_uuid(struct str s)
{
    return may_be_uuid(s) && is_one_of(s, uuids, sizeof uuids / sizeof *uuids);
}

/* One digit, over and over. */
static bool is_uniform_uuid(struct str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != s.p[0] && s.p[i] != '-')
            return false;
    return true;
}

static struct str trimmed(struct str s)
{
    if (s.n && s.p[0] > ' ' && s.p[s.n - 1] > ' ')
        return s;
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool is_filler(struct str s)
{
    if (!s.n)
        return true;
    if (s.n > 1 && s.p[1] != s.p[0])
        return false;
    if (s.p[0] != '0' && (s.n < 3 || !strchr("Xx.-_*?fF", s.p[0])))
        return false;
    for (size_t i = 2; i < s.n; i++)
        if (s.p[i] != s.p[0])
            return false;
    return true;
}

bool model_label_is_junk(struct str key, struct str value)
{
    if (!value.n)
        return false;
    if (str_is(key, "uuid"))
        return is_uniform_uuid(value) || is_uuid(value) || is_serial(trimmed(value));
    if (!str_is(key, "serial"))
        return false;
    struct str s = trimmed(value);
    return is_filler(s) || is_serial(s);
}
