/*
 * A profile's `boot` as each loader needs it. Profiles are written for iPXE, which resolves paths
 * against the URL of its script and knows options before the name of an initrd. PXELINUX and GRUB
 * do neither: they get whole URLs, GRUB in its own notation, without what only iPXE understands.
 *
 * Sources: https://ipxe.org/cmd, https://wiki.syslinux.org/wiki/index.php?title=Config,
 * https://www.gnu.org/software/grub/manual/grub (Shell-like scripting; Device syntax).
 */
#include "base/hash.h"
#include "render/parts.h"

#define TEXT_MAX (1u << 20)

struct adapting {
    struct arena *arena;
    enum render_document document;
    struct str base; /* absent: the loader's own way with names, as in matchbox */
    struct err *e;
    err_code code;
};

static void fail(struct adapting *x, err_code c, const char *what)
{
    if (!x->code)
        x->code = c == ERR_NOMEM
                      ? err_set(x->e, c, "out of memory while making boot settings")
                      : err_set(x->e, c,
                                "the profile's boot has %s with a control character: %s would "
                                "take what follows as a command",
                                what, x->document == RENDER_GRUB ? "GRUB" : "PXELINUX");
}

static struct str text_of(struct adapting *x, const struct buf *b)
{
    if (b->failed)
        fail(x, ERR_NOMEM, NULL);
    return b->failed || !b->n ? STR("") : buf_str(b);
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return true;
    return false;
}

static bool has_any(struct str s, const char *bytes)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && strchr(bytes, s.p[i]))
            return true;
    return false;
}

/* --- names of files ----------------------------------------------------------------------------
 */

/*
 * The name alone of what may be "--name main --timeout 5000 http://...". Nothing else begins with a
 * dash.
 */
static struct str without_ipxe_options(struct str s)
{
    while (str_starts(s, STR("-"))) {
        struct str rest;
        struct str option = str_cut(s, ' ', &rest);
        bool valued = str_is(option, "--name") || str_is(option, "-n") ||
                      str_is(option, "--timeout") || str_is(option, "-t");
        if (valued && rest.p)
            str_cut(rest, ' ', &rest);
        s = rest.p ? rest : STR("");
        if (!rest.p)
            return s;
        if (!str_starts(s, STR("-")))
            return str_cut(s, ' ', &rest);
    }
    return s;
}

/* What cannot stand in a URL, or ends a name for one of the loaders, is percent-encoded. */
static void add_url(struct buf *dst, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c > 0x20 && c < 0x7F && !strchr("\"<>\\^`{|},", c)) {
            buf_add_byte(dst, (char)c);
        } else {
            buf_add_byte(dst, '%');
            buf_add_byte(dst, digits[c >> 4]);
            buf_add_byte(dst, digits[c & 15]);
        }
    }
}

/* "http://192.0.2.1:8080/x" as GRUB names it: "(http,192.0.2.1:8080)/x". */
static void add_for_grub(struct buf *dst, struct str url)
{
    struct str rest = str_skip(url, sizeof "http://" - 1);
    size_t slash = str_find_byte(rest, '/', 0);
    buf_add_lit(dst, "(http,");
    buf_add_str(dst, str_sub(rest, 0, slash));
    buf_add_byte(dst, ')');
    buf_add_str(dst, slash < rest.n ? str_skip(rest, slash) : STR("/"));
}

static struct str file_name(struct adapting *x, const char *what, struct str s)
{
    if (!x->base.p)
        return s;
    s = without_ipxe_options(s);
    if (has_control(s))
        fail(x, ERR_INVALID, what);
    bool path = str_starts(s, STR("/"));
    if (!path && !str_starts(s, STR("http://")) && !str_starts(s, STR("https://")))
        return s;
    struct buf url, grub;
    buf_in_arena(&url, x->arena, TEXT_MAX);
    buf_in_arena(&grub, x->arena, TEXT_MAX);
    if (path)
        buf_add_str(&url, x->base);
    add_url(&url, s);
    struct str whole = text_of(x, &url);
    if (x->document != RENDER_GRUB || !str_starts(whole, STR("http://")))
        return whole;
    add_for_grub(&grub, whole);
    return text_of(x, &grub);
}

/* --- arguments of the kernel -------------------------------------------------------------------
 */

/* Is every $ the beginning of a variable as GRUB has them, ${name} or $name? */
static bool variables_of_grub(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '$')
            continue;
        bool braces = i + 1 < s.n && s.p[i + 1] == '{';
        size_t k = i + 1 + braces, from = k;
        while (k < s.n && (s.p[k] == '_' || (s.p[k] >= '0' && s.p[k] <= '9') ||
                           ((s.p[k] | 32) >= 'a' && (s.p[k] | 32) <= 'z')))
            k++;
        if (k == from || (braces && (k == s.n || s.p[k] != '}')))
            return false;
    }
    return true;
}

static bool quotes_are_closed(struct str s)
{
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && quote != '\'') {
            if (++i == s.n)
                return false;
        } else if (quote ? s.p[i] == quote : s.p[i] == '"' || s.p[i] == '\'') {
            quote = quote ? 0 : s.p[i];
        }
    }
    return !quote;
}

static void add_single_quoted(struct buf *dst, struct str s)
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

/*
 * One word for GRUB. What has quotes or backslashes was written for GRUB, or for matchbox, which
 * quotes nothing; a variable of GRUB is left to be expanded, one of iPXE (${mac:hexhyp}) is not.
 */
static struct str grub_argument(struct adapting *x, struct str s)
{
    bool authors = has_any(s, "\"'\\"), variable = has_any(s, "$");
    if (!x->base.p ? authors || variable : authors && quotes_are_closed(s))
        return s;
    bool foreign = variable && !variables_of_grub(s);
    if (!authors && !foreign && !has_any(s, " ;|&<>{}#"))
        return s;
    struct buf out;
    buf_in_arena(&out, x->arena, TEXT_MAX);
    if (authors || foreign || !variable)
        add_single_quoted(&out, s);
    else
        buf_addf(&out, "\"%.*s\"", STR_FMT(s));
    return text_of(x, &out);
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static struct value list_of(struct adapting *x, const struct str *s, uint32_t n, bool arguments)
{
    struct value *v = n ? arena_calloc(x->arena, n, sizeof *v) : NULL;
    if (n && !v) {
        fail(x, ERR_NOMEM, NULL);
        n = 0;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct str one = s[i];
        if (x->document == RENDER_IPXE) {
            v[kept++] = value_str(one);
        } else if (!arguments) {
            v[kept++] = value_str(file_name(x, "an initrd", one));
        } else if (!x->base.p || !str_starts(one, STR("initrd="))) {
            /* initrd= names what iPXE loaded; PXELINUX would load it once more. */
            if (x->base.p && has_control(one))
                fail(x, ERR_INVALID, "an argument");
            v[kept++] = value_str(x->document == RENDER_GRUB ? grub_argument(x, one) : one);
        }
    }
    return (struct value){.kind = VALUE_LIST, .n = kept, .list = v};
}

/* The profile's name, or its id, as one line. */
static struct str title_of(struct adapting *x, const struct model_profile *p)
{
    struct buf out;
    buf_in_arena(&out, x->arena, TEXT_MAX);
    buf_add_str(&out, p->name.n ? p->name : p->id);
    for (size_t i = 0; !out.failed && i < out.n; i++)
        if ((unsigned char)out.p[i] < 0x20 || out.p[i] == 0x7F)
            out.p[i] = ' ';
    return text_of(x, &out);
}

static bool is_verified(const struct model_profile *p, enum render_document d,
                        const struct render_client *client)
{
    return d == RENDER_IPXE && (p->verify || client->verify);
}

err_code render_boot_data(struct arena *a, const struct model_profile *p, enum render_document d,
                          const struct render_client *client, struct value *ret, struct err *e)
{
    if (!p->has_boot) {
        *ret = value_nil();
        return ERR_OK;
    }
    struct adapting x = {.arena = a, .document = d, .base = client->base, .e = e};
    struct model_boot b = model_boot_for(p, client->arch);
    struct value_pair *pairs = arena_calloc(a, 5, sizeof *pairs);
    if (!pairs)
        return err_set(e, ERR_NOMEM, "out of memory while making boot settings");
    bool ipxe = d == RENDER_IPXE;
    pairs[0] = (struct value_pair){STR("args"), list_of(&x, b.args, b.args_n, true)};
    pairs[1] = (struct value_pair){STR("initrd"), list_of(&x, b.initrd, b.initrd_n, false)};
    pairs[2] = (struct value_pair){
        STR("kernel"), value_str(ipxe ? b.kernel : file_name(&x, "a kernel", b.kernel))};
    pairs[3] = (struct value_pair){STR("title"), value_str(title_of(&x, p))};
    pairs[4] = (struct value_pair){STR("verify"), value_nil()};
    if (!x.code && is_verified(p, d, client))
        x.code = render_verify_data(a, &b, &pairs[4].v, e);
    if (!x.code)
        *ret = value_map(VALUE_MAP, pairs, 5);
    return x.code;
}

bool render_boots_nothing(const struct model_profile *p, enum render_document d,
                          const struct render_client *client)
{
    if (!p->has_boot)
        return true;
    /* matchbox renders an empty script then, and so do we where nothing else is asked. */
    bool matchbox = p->archs_n == 0 && (d == RENDER_IPXE || !client->base.p);
    return !matchbox && model_boot_for(p, client->arch).kernel.n == 0;
}

uint64_t render_boot_variant(const struct model_profile *p, enum render_document d,
                             const struct render_client *client)
{
    uint64_t arch = model_boot_arch_index(p, client->arch);
    if (d == RENDER_IPXE)
        return is_verified(p, d, client) ? hash_mix(2, arch) : arch;
    return client->base.p ? hash_bytes(client->base, hash_mix(1, arch)) : arch;
}
