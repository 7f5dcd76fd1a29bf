#include <time.h>

#include "base/utf8.h"
#include "rest/route.h"

#define ANSWER_MAX (16u << 20)

void answer_json(struct rest_call *c, int status, struct str json)
{
    c->json = true;
    c->r->status = status;
    c->r->content_type = STR("application/json");
    c->r->kind = HTTP_BODY_COPY;
    c->r->body = json;
    http_add_header(c->r, "X-Content-Type-Options", "nosniff");
}

void answer_value(struct rest_call *c, int status, const struct value *v)
{
    struct buf text;
    buf_in_arena(&text, c->q->arena, ANSWER_MAX);
    value_to_json(&text, v, 0);
    if (text.failed)
        problem(c, 500, "out of memory for the answer");
    else
        answer_json(c, status, buf_str(&text));
}

void answer_revision(struct rest_call *c, uint64_t revision)
{
    struct buf number;
    buf_in_arena(&number, c->q->arena, 32);
    buf_addf(&number, "%llu", (unsigned long long)revision);
    const char *text = buf_c(&number);
    if (text)
        http_add_header(c->r, "Vesta-Revision", text);
}

void answer_version(struct rest_call *c, const char *etag, uint64_t revision)
{
    struct str kept;
    if (arena_str(c->q->arena, str_c(etag), &kept))
        http_add_header(c->r, "ETag", kept.p);
    answer_revision(c, revision);
}

void answer_change(struct buf *json, const struct store_key *k, enum service_action action)
{
    static const char *const actions[] = {"add", "change", "remove"};
    static const char *const types[] = {
        [STORE_GROUP] = "group", [STORE_PROFILE] = "profile", [STORE_TEMPLATE] = "template"};
    bool template = k->type == STORE_TEMPLATE;
    const char *kind = template ? model_kind_name(k->kind) : "";
    BUF_LOCAL(resource, 4096); /* its path in the API */
    buf_addf(&resource, "%ss/%s%s", types[k->type], kind, template ? "/" : "");
    buf_add_str(&resource, k->name);
    buf_addf(json, "{\"type\":\"%s\",\"resource\":", types[k->type]);
    value_json_string(json, buf_str(&resource), 0);
    if (template)
        buf_addf(json, ",\"kind\":\"%s\"", kind);
    buf_add_lit(json, ",\"name\":");
    value_json_string(json, k->name, 0);
    buf_addf(json, ",\"action\":\"%s\"", actions[action]);
}

bool answer_time(struct arena *a, uint64_t at, struct value *ret)
{
    char text[40] = "";
    struct tm tm;
    time_t t = (time_t)at;
    struct str kept;
    if (at == 0) {
        *ret = value_nil();
        return true;
    }
    if (!gmtime_r(&t, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0 ||
        !arena_str(a, str_c(text), &kept))
        return false;
    *ret = value_str(kept);
    return true;
}

/* --- findings --------------------------------------------------------------------------------- */

#define FINDINGS_HEADER 2048
#define FINDING_MAX     (64u << 10)

/* What a header takes: JSON without any byte that is not printable ASCII. */
static void add_ascii(struct buf *dst, struct str json)
{
    for (size_t len; json.n; json = str_skip(json, len)) {
        uint32_t cp = utf8_decode(json, &len);
        if (cp >= 0x10000)
            buf_addf(dst, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10),
                     0xDC00 + ((cp - 0x10000) & 0x3FF));
        else if (cp >= 0x7F)
            buf_addf(dst, "\\u%04x", cp);
        else
            buf_add_byte(dst, (char)cp);
    }
}

/* False when it does not fit, or without memory; then dst is as before. */
static bool add_finding(struct arena *a, struct buf *dst, const struct finding *x)
{
    BUF_LOCAL(json, FINDING_MAX);
    BUF_LOCAL(ascii, FINDINGS_HEADER);
    struct value v;
    if (!finding_value(a, x, &v))
        return false;
    value_to_json(&json, &v, 0);
    add_ascii(&ascii, buf_str(&json));
    if (json.failed || ascii.failed || dst->n + ascii.n + 100 > dst->max)
        return false;
    if (dst->n > 1)
        buf_add_byte(dst, ',');
    buf_add_str(dst, buf_str(&ascii));
    return !dst->failed;
}

void answer_findings(struct rest_call *c, const struct findings *f)
{
    struct buf list;
    size_t told = 0, all = f->errors + f->warnings;
    buf_in_arena(&list, c->q->arena, FINDINGS_HEADER);
    buf_add_byte(&list, '[');
    const struct finding *x = f->first;
    for (; x && add_finding(c->q->arena, &list, x); x = x->next)
        told++;
    if (told < all)
        buf_addf(&list, "%s{\"severity\":\"warning\",\"message\":\"and %zu more\"}",
                 told ? "," : "", all - told);
    buf_add_byte(&list, ']');
    const char *text = all ? buf_c(&list) : NULL;
    if (text)
        http_add_header(c->r, "Vesta-Findings", text);
}
