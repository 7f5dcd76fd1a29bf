/* JSON, YAML, base64 and SHA-256. */
#include <sodium.h>

#include "base/enc.h"
#include "tmpl/func.h"
#include "tmpl/mark.h"

/* JSON is a YAML scalar, or a list or map in flow style, unless a control character is left. */
err_code func_to_json(struct call *c, struct value *ret)
{
    bool marked;
    err_code code = func_check_tree(c, &c->args[0], &marked);
    if (code)
        return code;
    value_to_json(c->text, &c->args[0], VALUE_JSON_HTML_ESCAPE);
    code = func_text(c, marked, ret);
    if (!code && mark_one_line(value_as_str(*ret)))
        ret->clean = MARK_IN(TMPL_YAML);
    return code;
}

/* As Helm: without the newline at the end. It may be many lines, so it clears nothing. */
err_code func_to_yaml(struct call *c, struct value *ret)
{
    bool marked;
    err_code code = func_check_tree(c, &c->args[0], &marked);
    if (code)
        return code;
    value_to_yaml(c->text, &c->args[0]);
    if (c->text->n && c->text->p[c->text->n - 1] == '\n')
        c->text->n--;
    return func_text(c, marked, ret);
}

/* Marks a value that was just made, all of it. */
static void mark_all(struct value *v)
{
    v->marked = true;
    if (v->kind == VALUE_LIST)
        for (uint32_t i = 0; i < v->n; i++)
            mark_all((struct value *)(uintptr_t)&v->list[i]);
    else if (value_is_map(*v))
        for (uint32_t i = 0; i < v->n; i++)
            mark_all((struct value *)(uintptr_t)&v->map[i].v);
}

err_code func_from_json(struct call *c, struct value *ret)
{
    struct str s;
    struct err why = ERR_INIT;
    struct value v;
    err_code code = func_arg_str(c, 0, &s);
    if (code)
        return code;
    code = value_from_json(c->arena, s, &v, &why);
    if (code == ERR_NOMEM)
        return func_nomem(c);
    if (code)
        return err_set(c->e, code == ERR_LIMIT ? code : ERR_RENDER,
                       "the text is no JSON: line %d, column %d", why.line, why.column);
    if (c->args[0].marked)
        mark_all(&v);
    *ret = v;
    return ERR_OK;
}

err_code func_b64enc(struct call *c, struct value *ret)
{
    struct str s;
    err_code code = func_arg_str(c, 0, &s);
    if (code)
        return code;
    enc_base64(c->text, s);
    return func_text(c, func_marked(c), ret);
}

err_code func_b64dec(struct call *c, struct value *ret)
{
    struct str s;
    err_code code = func_arg_str(c, 0, &s);
    if (code)
        return code;
    bool ok = enc_base64_decode(c->text, s);
    if (!ok && !c->text->failed)
        return err_set(c->e, ERR_RENDER, "the text is no base64");
    return func_text(c, func_marked(c), ret);
}

err_code func_sha256sum(struct call *c, struct value *ret)
{
    struct str s;
    unsigned char sum[crypto_hash_sha256_BYTES];
    err_code code = func_arg_str(c, 0, &s);
    if (code)
        return code;
    crypto_hash_sha256(sum, (const unsigned char *)s.p, s.n);
    enc_hex(c->text, str_of((const char *)sum, sizeof sum));
    return func_text(c, func_marked(c), ret);
}
