#include "client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "server_file.h"
#include "value/value.h"

#define ANSWER_MAX (64u << 20)

static void trim_newline(char *s)
{
    s[strcspn(s, "\r\n")] = '\0';
}

static err_code read_token(struct client *c, const char *path, struct err *e)
{
    BUF_LOCAL(text, 1u << 17);
    err_code code = read_file(path, &text, e);
    if (code)
        return code;
    snprintf(c->token, sizeof c->token, "%.*s", STR_FMT(buf_str(&text)));
    trim_newline(c->token);
    return ERR_OK;
}

err_code client_open(struct client *c, const char *server, const char *token_file,
                     const char *data_path, struct err *e)
{
    *c = (struct client){.url = ""};
    if (server[0]) {
        snprintf(c->url, sizeof c->url, "%s", server);
        size_t n = strlen(c->url);
        while (n && c->url[n - 1] == '/')
            c->url[--n] = '\0';
    } else {
        err_code code = server_file_read(data_path, "api", c->url, sizeof c->url, e);
        if (code) {
            err_prefix(e, "no --server was given and");
            return code;
        }
    }
    const char *env = getenv("VESTA_TOKEN");
    if (token_file[0])
        return read_token(c, token_file, e);
    if (env) {
        snprintf(c->token, sizeof c->token, "%s", env);
        return ERR_OK;
    }
    char own[4096];
    snprintf(own, sizeof own, "%s/admin.token", data_path);
    return read_token(c, own, e);
}

static size_t keep(char *p, size_t size, size_t n, void *arg)
{
    struct buf *b = arg;
    buf_add(b, p, size * n);
    return b->failed ? 0 : size * n;
}

struct upload {
    struct str left;
};

static size_t give(char *dst, size_t size, size_t n, void *arg)
{
    struct upload *u = arg;
    size_t k = size * n < u->left.n ? size * n : u->left.n;
    if (k)
        memcpy(dst, u->left.p, k);
    u->left = str_skip(u->left, k);
    return k;
}

static void print_problem_findings(const struct value *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct value *f = &list->list[i];
        const struct value *message = value_get(f, STR("message"));
        const struct value *pointer = value_get(f, STR("pointer"));
        const struct value *line = value_get(f, STR("line"));
        const struct value *column = value_get(f, STR("column"));
        if (line && line->kind == VALUE_FLOAT)
            fprintf(stderr, "line %.0f, column %.0f: ", line->f,
                    column && column->kind == VALUE_FLOAT ? column->f : 0);
        if (pointer && pointer->kind == VALUE_STRING && pointer->n)
            fprintf(stderr, "%.*s: ", STR_FMT(value_as_str(*pointer)));
        if (message && message->kind == VALUE_STRING)
            fprintf(stderr, "%.*s\n", STR_FMT(value_as_str(*message)));
    }
}

/* The server's own words from a problem (RFC 9457). */
static err_code problem(long status, struct str body, struct err *e)
{
    err_code code = status == 404                    ? ERR_NOT_FOUND
                    : status == 401 || status == 403 ? ERR_DENIED
                    : status == 409                  ? ERR_CONFLICT
                                                     : ERR_INVALID;
    ARENA_LOCAL(a, ANSWER_MAX);
    struct value v;
    if (value_from_json(&a, body, &v, NULL) != ERR_OK || v.kind != VALUE_MAP)
        return err_set(e, code, "the server answered %ld", status);
    const struct value *findings = value_get(&v, STR("findings"));
    if (findings && findings->kind == VALUE_LIST)
        print_problem_findings(findings);
    const struct value *detail = value_get(&v, STR("detail"));
    if (!detail || detail->kind != VALUE_STRING)
        detail = value_get(&v, STR("title"));
    if (detail && detail->kind == VALUE_STRING)
        return err_set(e, code, "%.*s", STR_FMT(value_as_str(*detail)));
    return err_set(e, code, "the server answered %ld", status);
}

err_code client_request(const struct client *c, const char *method, const char *path,
                        struct str body, const char *content_type, struct client_answer *ret,
                        struct err *e)
{
    CURL *curl = curl_easy_init();
    if (!curl)
        return err_set(e, ERR_NOMEM, "libcurl cannot start");
    char url[2048], authorization[300], type[100];
    snprintf(url, sizeof url, "%s%s", c->url, path);
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", c->token);
    snprintf(type, sizeof type, "Content-Type: %s", content_type ? content_type : "");
    struct curl_slist *headers = NULL;
    if (c->token[0])
        headers = curl_slist_append(headers, authorization);
    struct upload up = {body};
    struct client_answer answer = {0};
    buf_init(&answer.body, ANSWER_MAX);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    if (body.p) {
        headers = curl_slist_append(headers, type);
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body.n);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
        curl_easy_setopt(curl, CURLOPT_READDATA, &up);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode rc = curl_easy_perform(curl);
    err_code code = ERR_OK;
    if (rc != CURLE_OK)
        code = err_set(e, ERR_IO, "cannot ask %s: %s", c->url, curl_easy_strerror(rc));
    else
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (!code && answer.status >= 400)
        code = problem(answer.status, buf_str(&answer.body), e);
    if (code) {
        buf_free(&answer.body);
        return code;
    }
    *ret = answer;
    return ERR_OK;
}
