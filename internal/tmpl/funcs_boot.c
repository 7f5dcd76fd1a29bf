/*
 * Values in boot scripts and on kernel command lines.
 *
 * iPXE cannot quote: a line is cut at white space, tokens `&&`, `||` and `;` separate commands, one
 * that begins with # ends the line, and ${...} is expanded last and again and again. So `ipxe`
 * checks. GRUB and shells take anything but a line break, or a NUL, in single quotes. The kernel
 * knows double quotes around a value and no way to write one inside.
 *
 * Sources: https://ipxe.org/scripting, https://www.gnu.org/software/grub/manual/grub,
 * https://www.kernel.org/doc/html/latest/admin-guide/kernel-parameters.html.
 */
#include "tmpl/func.h"
#include "tmpl/mark.h"

static bool has_any(struct str s, const char *bytes)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(bytes, s.p[i])) /* control characters, NUL too, were refused before */
            return true;
    return false;
}

static bool made_of(struct str s, const char *bytes)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(bytes, s.p[i]))
            return false;
    return s.n > 0;
}

/* The argument as text without control characters. It is read several times, which is charged. */
static err_code one_line(struct call *c, struct value *ret)
{
    err_code code = func_arg_text(c, 0, ret);
    if (code)
        return code;
    func_charge_bytes(c, (size_t)ret->n * 3);
    if (!mark_one_line(value_as_str(*ret)))
        return err_set(c->e, ERR_RENDER, "the value has a control character");
    return ERR_OK;
}

/*
 * What would be no plain part of one token, and what could become that beside another value: a $
 * at the end before a {, and & or | before another one.
 */
static const char *bad_for_ipxe(struct str s)
{
    if (has_any(s, " "))
        return "has a space";
    if (str_find(s, STR("${"), 0) < s.n || str_ends(s, STR("$")))
        return "has ${, or a $ at its end, which iPXE would expand";
    if (str_starts(s, STR("#")) || str_starts(s, STR("-")))
        return "begins with # or -";
    if (str_ends(s, STR("\\")))
        return "ends with a backslash, which joins the next line";
    if (made_of(s, "&|;"))
        return "is a separator of commands";
    return NULL;
}

err_code func_ipxe(struct call *c, struct value *ret)
{
    struct value text;
    err_code code = one_line(c, &text);
    if (code)
        return code;
    struct str s = value_as_str(text);
    const char *bad = bad_for_ipxe(s);
    if (bad)
        return err_set(c->e, ERR_RENDER, "the value %s: iPXE cannot quote; use urlquery or b64enc",
                       bad);
    text.clean |= MARK_IN(TMPL_IPXE) | MARK_IN(TMPL_PXELINUX);
    if (!has_any(s, "{}|&$;<>'\"\\#"))
        text.clean |= MARK_IN(TMPL_GRUB);
    *ret = text;
    return ERR_OK;
}

static void add_shell_quoted(struct buf *dst, struct str s)
{
    buf_add_byte(dst, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_add_lit(dst, "'\\''");
        else
            buf_add_byte(dst, s.p[i]);
    }
    buf_add_byte(dst, '\'');
}

err_code func_grubquote(struct call *c, struct value *ret)
{
    struct value text;
    err_code code = one_line(c, &text);
    if (code)
        return code;
    add_shell_quoted(c->text, value_as_str(text));
    code = func_text(c, text.marked, ret);
    if (!code)
        ret->clean = MARK_IN(TMPL_GRUB);
    return code;
}

err_code func_shquote(struct call *c, struct value *ret)
{
    struct value text;
    err_code code = func_arg_text(c, 0, &text);
    if (code)
        return code;
    if (memchr(text.n ? text.s : "", '\0', text.n))
        return err_set(c->e, ERR_RENDER, "the value has a zero byte, which no shell can hold");
    add_shell_quoted(c->text, value_as_str(text));
    return func_text(c, text.marked, ret);
}

err_code func_karg(struct call *c, struct value *ret)
{
    struct value text;
    err_code code = one_line(c, &text);
    if (code)
        return code;
    struct str s = value_as_str(text);
    if (has_any(s, "\""))
        return err_set(c->e, ERR_RENDER, "the value has a \", which the kernel cannot quote");
    if (str_is(s, "--"))
        return err_set(c->e, ERR_RENDER, "the value is --, which ends the kernel's arguments");
    if (!has_any(s, " ")) {
        *ret = text;
        return ERR_OK;
    }
    buf_add_byte(c->text, '"');
    buf_add_str(c->text, s);
    buf_add_byte(c->text, '"');
    return func_text(c, text.marked, ret);
}
