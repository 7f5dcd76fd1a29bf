/* What is answered without a token. */
#include "base/embedded.h"
#include "rest/route.h"

void public_health(struct rest_call *c)
{
    http_text(c->q, c->r, 200, "ok");
}

void public_ready(struct rest_call *c)
{
    if (service_ready(c->service))
        http_text(c->q, c->r, 200, "ready");
    else
        http_text(c->q, c->r, 503, "not ready: the catalog is being loaded");
}

void public_openapi(struct rest_call *c)
{
    answer_json(c, 200, embedded_get("api/openapi.json"));
    c->r->kind = HTTP_BODY_STATIC;
}
