/*
 * Identities that makers forgot to fill in. A group that such a UUID or serial number belonged to
 * would get every machine of that maker, so they identify none.
 *
 * What is found in the field: the defaults of AMI's, Insyde's and Supermicro's firmware, and what
 * inventory tools (fwupd, GLPI, SCCM) list as duplicates.
 */
#include "model/model.h"

static const struct str uuids[] = {
    STR_INIT("03000200-0400-0500-0006-000700080009"),
    STR_INIT("00020003-0004-0005-0006-000700080009"),
    STR_INIT("12345678-1234-5678-90ab-cddeefaabbcc"),
    STR_INIT("78563412-3412-7856-90ab-cddeefaabbcc"),
    STR_INIT("12345678-1234-1234-1234-123456789abc"),
    STR_INIT("11111111-2222-3333-4444-555555555555"),
    STR_INIT("00112233-4455-6677-8899-aabbccddeeff"),
    STR_INIT("33221100-5544-7766-8899-aabbccddeeff"),
    STR_INIT("ffeeddcc-bbaa-9988-7766-554433221100"),
    STR_INIT("fefefefe-fefe-fefe-fefe-fefefefefefe"),
    STR_INIT("58585858-5858-5858-5858-585858585858"),
    STR_INIT("4c4c4544-0000-2010-8020-80c04f202020"),
    STR_INIT("44454c4c-0000-1020-8020-80c04f202020"),
};

static const struct str serials[] = {
    STR_INIT("to be filled by o.e.m."),
    STR_INIT("to be filled by o.e.m"),
    STR_INIT("to be filled by oem"),
    STR_INIT("filled by oem"),
    STR_INIT("o.e.m."),
    STR_INIT("oem"),
    STR_INIT("default string"),
    STR_INIT("default"),
    STR_INIT("system serial number"),
    STR_INIT("chassis serial number"),
    STR_INIT("base board serial number"),
    STR_INIT("serial number"),
    STR_INIT("system serial"),
    STR_INIT("sernum"),
    STR_INIT("sys-1234567890"),
    STR_INIT("not specified"),
    STR_INIT("not applicable"),
    STR_INIT("not available"),
    STR_INIT("not settable"),
    STR_INIT("not set"),
    STR_INIT("n/a"),
    STR_INIT("none"),
    STR_INIT("null"),
    STR_INIT("(null)"),
    STR_INIT("unknown"),
    STR_INIT("undefined"),
    STR_INIT("invalid"),
    STR_INIT("empty"),
    STR_INIT("<empty>"),
    STR_INIT("123456789"),
    STR_INIT("1234567890"),
    STR_INIT("0123456789"),
    STR_INIT("0123456789abcdef"),
};

static bool same_letter(char a, char b)
{
    return (a | 0x20) == (b | 0x20);
}

/* Looked at for each request: the length, the first and the last byte tell nearly all apart. */
static bool is_one_of(struct str s, const struct str *list, size_t n)
{
    for (size_t i = 0; s.n > 0 && i < n; i++)
        if (s.n == list[i].n && same_letter(s.p[s.n - 1], list[i].p[s.n - 1]) &&
            same_letter(s.p[0], list[i].p[0]) && str_ieq(s, list[i]))
            return true;
    return false;
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
    if (s.p[0] != '0' && (s.n < 3 || !strchr("Xx.-_*?fF", s.p[0])))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] != s.p[0])
            return false;
    return true;
}

bool model_label_is_junk(struct str key, struct str value)
{
    if (!value.n)
        return false;
    if (str_is(key, "uuid"))
        return is_uniform_uuid(value) || is_one_of(value, uuids, sizeof uuids / sizeof *uuids) ||
               is_one_of(trimmed(value), serials, sizeof serials / sizeof *serials);
    if (!str_is(key, "serial"))
        return false;
    struct str s = trimmed(value);
    return is_filler(s) || is_one_of(s, serials, sizeof serials / sizeof *serials);
}
