#include "tmpl/mark.h"

#include "base/utf8.h"

enum verdict { VERDICT_OTHER, VERDICT_PLAIN, VERDICT_CONTROL, VERDICT_NOT_ASCII };

#define P VERDICT_PLAIN
static const uint8_t verdicts[256] = {
    [0 ... 0x1F] = VERDICT_CONTROL,
    [0x7F] = VERDICT_CONTROL,
    [0x80 ... 0xFF] = VERDICT_NOT_ASCII,
    ['0' ... '9'] = P,
    ['A' ... 'Z'] = P,
    ['a' ... 'z'] = P,
    ['.'] = P,
    ['_'] = P,
    [':'] = P,
    ['/'] = P,
    ['@'] = P,
    ['%'] = P,
    ['+'] = P,
    [','] = P,
    ['='] = P,
    ['~'] = P,
    ['-'] = P,
};
#undef P

/* Of the character at the start of s that is not ASCII; *len is its length in bytes. */
static enum verdict judge_char(struct str s, size_t *len)
{
    uint32_t cp = utf8_decode(s, len);
    if (cp == UTF8_BAD && *len == 1) /* a reader that takes it for Latin-1 sees this character */
        cp = (unsigned char)s.p[0];
    return cp < 0xA0 || cp == 0x2028 || cp == 0x2029 ? VERDICT_CONTROL : VERDICT_OTHER;
}

static bool made_of(struct str s, char c)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != c)
            return false;
    return s.n > 0;
}

/* Plain text that YAML may still take for the beginning of a list or map, or the end of all. */
static bool is_yaml_syntax(struct str s)
{
    return made_of(s, '-') || made_of(s, '.') || str_ends(s, STR(":"));
}

uint8_t mark_judge(struct str s)
{
    bool plain = true;
    for (size_t i = 0, len = 1; i < s.n; i += len) {
        uint8_t v = verdicts[(unsigned char)s.p[i]];
        len = 1;
        if (v == VERDICT_NOT_ASCII)
            v = (uint8_t)judge_char(str_skip(s, i), &len);
        if (v == VERDICT_CONTROL)
            return MARK_IN(TMPL_TRUSTED);
        plain = plain && v == VERDICT_PLAIN;
    }
    if (!plain)
        return MARK_IN(TMPL_TRUSTED) | MARK_IN(TMPL_GENERIC);
    return is_yaml_syntax(s) ? MARK_EVERYWHERE & (uint8_t)~MARK_IN(TMPL_YAML) : MARK_EVERYWHERE;
}

uint8_t mark_contexts(const struct value *v)
{
    return v->clean | mark_judge(value_as_str(*v));
}

bool mark_one_line(struct str s)
{
    return mark_judge(s) & MARK_IN(TMPL_GENERIC);
}

const char *mark_advice(enum tmpl_context context)
{
    static const char *const advice[TMPL_CONTEXTS] = {
        [TMPL_GENERIC] = "has a control character: use urlquery or b64enc",
        [TMPL_IPXE] = "is not plain, and an iPXE script cannot quote: use ipxe, urlquery or b64enc",
        [TMPL_PXELINUX] = "is not plain, and PXELINUX cannot quote: use ipxe, urlquery or b64enc",
        [TMPL_GRUB] = "is not plain: use grubquote, ipxe, urlquery or b64enc",
        [TMPL_YAML] = "is not plain: use toJson, urlquery or b64enc",
        [TMPL_SCRIPT] = "is not plain: use urlquery or b64enc",
        [TMPL_TRUSTED] = "may be printed",
    };
    return advice[context];
}
