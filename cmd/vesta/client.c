#include "client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "command.h"
#include "local.h"
#include "output.h"
#include "progress.h"
#include "server_file.h"
#include "target.h"
#include "value/value.h"

#define ANSWER_MAX ((size_t)1 << 30)
#define TREE_MAX   (256u << 20)
#define SECONDS    120
#define URL_MAX    16384
#define HEADER_MAX 4096

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

static struct client client_of(const struct target *t)
{
    return (struct client){
        .url = "", .ca_file = t->ca_file, .cert_file = t->cert_file, .key_file = t->key_file};
}

/* The server of a data path: the keys that it has were written by itself. */
static err_code find_server(struct client *c, const char *data_path, struct err *e)
{
    err_code code = server_file_read(data_path, "api", c->url, sizeof c->url, e);
    if (code == ERR_NOT_FOUND)
        err_set(e, code, "no server runs on %s, and no --server was given", data_path);
    if (code)
        return code;
    if (server_file_read(data_path, "pins", c->pins, sizeof c->pins, NULL) != ERR_OK)
        c->pins[0] = '\0';
    return ERR_OK;
}

err_code client_open(struct client *c, const struct target *t, struct err *e)
{
    *c = client_of(t);
    if (!t->cert_file[0] != !t->key_file[0])
        return err_set(e, ERR_INVALID, "--cert-file and --key-file belong together");
    if (t->server[0]) {
        snprintf(c->url, sizeof c->url, "%s", t->server);
        size_t n = strlen(c->url);
        while (n && c->url[n - 1] == '/')
            c->url[--n] = '\0';
    } else {
        err_code code = find_server(c, t->data_path, e);
        if (code)
            return code;
    }
    const char *env = getenv("VESTA_TOKEN");
    if (t->token_file[0])
        return read_token(c, t->token_file, e);
    if (env) {
        snprintf(c->token, sizeof c->token, "%s", env);
        return ERR_OK;
    }
    char own[4096];
    snprintf(own, sizeof own, "%s/admin.token", t->data_path);
    return read_token(c, own, e);
}

/* The server that is asked; ERR_OK and no URL where none runs and what names it in why. */
static err_code open_or_none(struct client *c, const struct target *t, struct err *why,
                             struct err *e)
{
    char url[sizeof c->url];
    *c = client_of(t);
    if (!t->server[0] &&
        server_file_read(t->data_path, "api", url, sizeof url, why) == ERR_NOT_FOUND)
        return ERR_OK;
    return client_open(c, t, e);
}

static err_code open_local(struct client *c, const struct local_options *o, const struct err *why,
                           struct err *e)
{
    err_code code = local_start(o, &c->local, e);
    if (code) {
        err_prefix(e, "%s, and it cannot be read without one", why->msg);
        return code;
    }
    snprintf(c->url, sizeof c->url, "%s", local_url(c->local));
    snprintf(c->token, sizeof c->token, "%s", local_token(c->local));
    return ERR_OK;
}

err_code client_open_site(struct client *c, const struct target *t, struct err *e)
{
    struct err why = ERR_INIT;
    struct local_options o = {.data_path = t->data_path};
    err_code code = open_or_none(c, t, &why, e);
    return code || c->url[0] ? code : open_local(c, &o, &why, e);
}

err_code client_open_machines(struct client *c, const struct target *t, const char *public_url,
                              struct err *e)
{
    struct err why = ERR_INIT;
    struct local_options o = {
        .data_path = t->data_path, .machines = true, .public_url = public_url};
    err_code code = open_or_none(c, t, &why, e);
    return code || c->url[0] ? code : open_local(c, &o, &why, e);
}

void client_close(struct client *c)
{
    local_stop(c->local);
    c->local = NULL;
}

static size_t keep(char *p, size_t size, size_t n, void *arg)
{
    struct buf *b = arg;
    buf_add(b, p, size * n);
    return b->failed ? 0 : size * n;
}

struct upload {
    struct str left;
    uint64_t all;
    struct progress *progress;
};

static size_t give(char *dst, size_t size, size_t n, void *arg)
{
    struct upload *u = arg;
    size_t k = size * n < u->left.n ? size * n : u->left.n;
    if (k)
        memcpy(dst, u->left.p, k);
    u->left = str_skip(u->left, k);
    if (u->progress)
        progress_show(u->progress, u->all - u->left.n, u->all);
    return k;
}

static int number_at(const struct value *v, const char *key)
{
    const struct value *x = value_get(v, str_c(key));
    return x && x->kind == VALUE_FLOAT && x->f > 0 && x->f < 1e9 ? (int)x->f : 0;
}

/* A line each, as print_findings has them. */
void client_print_findings(const struct client *c, const struct value *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct value *f = &list->list[i];
        struct finding x = {
            .severity = str_is(text_at(f, "severity"), "warning") ? FINDING_WARNING : FINDING_ERROR,
            .file = text_at(f, "file"),
            .pointer = text_at(f, "pointer"),
            .line = number_at(f, "line"),
            .column = number_at(f, "column"),
            .message = text_at(f, "message"),
        };
        BUF_LOCAL(line, 1u << 16);
        if (c->place)
            c->place(c->place_arg, &x);
        finding_format(&x, &line);
        const char *text = buf_c(&line);
        output_told("", text ? text : "out of memory");
    }
}

/* What the server says of a write that it has done. */
static void print_warnings(const struct client *c, CURL *curl)
{
    ARENA_LOCAL(a, TREE_MAX);
    struct curl_header *header;
    struct value v;
    if (curl_easy_header(curl, "Vesta-Findings", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        value_from_json(&a, str_c(header->value), &v, NULL) == ERR_OK && v.kind == VALUE_LIST)
        client_print_findings(c, &v);
}

/* The server's own words from a problem (RFC 9457). */
static err_code problem(const struct client *c, long status, struct str body, struct err *e)
{
    err_code code = status == 404                    ? ERR_NOT_FOUND
                    : status == 401 || status == 403 ? ERR_DENIED
                    : status == 409                  ? ERR_CONFLICT
                    : status == 412                  ? ERR_STALE
                                                     : ERR_INVALID;
    ARENA_LOCAL(a, TREE_MAX);
    struct value v;
    if (value_from_json(&a, body, &v, NULL) != ERR_OK || v.kind != VALUE_MAP)
        return err_set(e, code, "the server answered %ld", status);
    const struct value *findings = value_get(&v, STR("findings"));
    if (findings && findings->kind == VALUE_LIST)
        client_print_findings(c, findings);
    const struct value *detail = value_get(&v, STR("detail"));
    if (!detail || detail->kind != VALUE_STRING)
        detail = value_get(&v, STR("title"));
    if (detail && detail->kind == VALUE_STRING)
        return err_set(e, code, "%.*s", STR_FMT(value_as_str(*detail)));
    return err_set(e, code, "the server answered %ld", status);
}

/* "NAME: VALUE", unless there is no value. */
static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    BUF_LOCAL(line, HEADER_MAX);
    if (!value || !value[0])
        return;
    buf_addf(&line, "%s: %s", name, value);
    const char *text = buf_c(&line);
    struct curl_slist *longer = text ? curl_slist_append(*list, text) : NULL;
    if (longer)
        *list = longer;
}

static struct curl_slist *headers_of(const struct client *c, bool with_body,
                                     const char *content_type)
{
    struct curl_slist *list = NULL;
    char bearer[sizeof c->token + 16];
    snprintf(bearer, sizeof bearer, "Bearer %s", c->token);
    add_header(&list, "Authorization", c->token[0] ? bearer : NULL);
    add_header(&list, "Vesta-Message", c->message);
    add_header(&list, "If-Match", c->if_match);
    add_header(&list, "Content-Type", with_body ? content_type : NULL);
    struct curl_slist *longer = with_body ? curl_slist_append(list, "Expect:") : NULL;
    return longer ? longer : list;
}

static void set_up(CURL *curl, const char *method, const char *url, struct upload *up,
                   struct client_answer *answer)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    if (up->left.p) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)up->left.n);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
        curl_easy_setopt(curl, CURLOPT_READDATA, up);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static void set_up_tls(CURL *curl, const struct client *c)
{
    if (c->pins[0]) {
        curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, c->pins);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->ca_file[0])
        curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file);
    if (c->cert_file[0]) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, c->cert_file);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, c->key_file);
    }
}

/* What libcurl says, with what to do about it. */
static err_code not_reached(const struct client *c, CURLcode rc, const char *detail, struct err *e)
{
    const char *hint = rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE
                           ? "; --ca-file names the CA of the server, whose certificate must be "
                             "for the name in --server"
                           : "";
    return err_set(e, ERR_IO, "cannot ask %s: %s%s", c->url,
                   detail[0] ? detail : curl_easy_strerror(rc), hint);
}

static void read_answer(const struct client *c, CURL *curl, struct client_answer *answer)
{
    struct curl_header *etag;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK)
        snprintf(answer->etag, sizeof answer->etag, "%s", etag->value);
    print_warnings(c, curl);
}

err_code client_request(const struct client *c, const char *method, const char *path,
                        struct str body, const char *content_type, struct client_answer *ret,
                        struct err *e)
{
    BUF_LOCAL(target, URL_MAX);
    buf_addf(&target, "%s%s", c->url, path);
    const char *url = buf_c(&target);
    CURL *curl = url ? curl_easy_init() : NULL;
    if (!curl)
        return err_set(e, ERR_NOMEM, "libcurl cannot start");
    struct upload up = {body, body.n, c->progress};
    struct client_answer answer = {0};
    buf_init(&answer.body, ANSWER_MAX);
    struct curl_slist *headers = headers_of(c, body.p != NULL, content_type);
    set_up(curl, method, url, &up, &answer);
    char detail[CURL_ERROR_SIZE] = "";
    set_up_tls(curl, c);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(c->seconds ? c->seconds : SECONDS));
    CURLcode rc = curl_easy_perform(curl);
    err_code code = ERR_OK;
    if (rc != CURLE_OK)
        code = not_reached(c, rc, detail, e);
    else
        read_answer(c, curl, &answer);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (!code && answer.status >= 400)
        code = problem(c, answer.status, buf_str(&answer.body), e);
    if (code) {
        buf_free(&answer.body);
        return code;
    }
    *ret = answer;
    return ERR_OK;
}

err_code client_json(const struct client *c, const char *method, const char *path, struct str body,
                     struct arena *a, struct value *ret, struct err *e)
{
    struct client_answer answer;
    err_code code = client_request(c, method, path, body, "application/json", &answer, e);
    if (code)
        return code;
    struct value v = value_nil();
    if (answer.body.n)
        code = value_from_json(a, buf_str(&answer.body), &v, e);
    buf_free(&answer.body);
    if (code)
        err_prefix(e, "the server's answer cannot be read");
    else
        *ret = v;
    return code;
}
