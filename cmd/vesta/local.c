#include "local.h"

#include <stdio.h>
#include <stdlib.h>

#include "boot/boot.h"
#include "http/http.h"
#include "rest/rest.h"
#include "service/service.h"

#define PUBLIC_URL 2048
#define ARENA_MAX  (1u << 20)

struct local {
    struct service *service;
    struct rest *rest;
    struct http_server *server;
    char url[LOCAL_URL], token[LOCAL_TOKEN], public_url[PUBLIC_URL];
};

static err_code make_api(struct local *l, const char *public_url, struct err *e)
{
    struct rest_config rc = {.service = l->service};
    struct str url;
    if (public_url && public_url[0]) {
        ARENA_LOCAL(a, ARENA_MAX);
        err_code c = boot_public_url(&a, str_c(public_url), &url, e);
        if (c)
            return c;
        snprintf(l->public_url, sizeof l->public_url, "%.*s", STR_FMT(url));
        rc.boot_url = l->public_url;
        rc.boot_url_public = true;
    }
    return rest_make(&rc, &l->rest, e);
}

static err_code start_server(struct local *l, struct err *e)
{
    struct http_config hc = {.address = "127.0.0.1:0",
                             .thread_each = true,
                             .admit = rest_admit,
                             .handler = rest_handle,
                             .refuse = rest_refuse,
                             .ctx = l->rest};
    err_code c = http_start(&hc, &l->server, e);
    if (!c)
        snprintf(l->url, sizeof l->url, "http://127.0.0.1:%u", http_port(l->server));
    return c;
}

err_code local_start(const struct local_options *o, struct local **ret, struct err *e)
{
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        return err_set(e, ERR_NOMEM, "out of memory while starting");
    service_token_text(l->token, sizeof l->token);
    struct service_options so = {.data_path = o->data_path,
                                 .store_only = !o->machines,
                                 .read_only = true,
                                 .own_token = l->token};
    err_code c = service_open(&so, &l->service, e);
    if (!c && o->machines)
        c = service_wait_ready(l->service, e);
    if (!c)
        c = make_api(l, o->public_url, e);
    if (!c)
        c = start_server(l, e);
    if (c)
        local_stop(l);
    else
        *ret = l;
    return c;
}

void local_stop(struct local *l)
{
    if (!l)
        return;
    if (l->server)
        http_stop(l->server, 0);
    rest_free(l->rest);
    service_close(l->service);
    free(l);
}

const char *local_url(const struct local *l)
{
    return l->url;
}

const char *local_token(const struct local *l)
{
    return l->token;
}
