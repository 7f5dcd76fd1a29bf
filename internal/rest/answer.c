#include <time.h>

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
