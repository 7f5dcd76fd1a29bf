/* What is fetched, with which proxy and which certificates, and what it must hash to. */
#include "ignition/rules.h"
#include "ignition/url.h"

static const char *check_source(struct rules *r, const struct record *x)
{
    struct str source = record_text(x, "source");
    return source.n ? url_check_source(source, r->minor) : NULL;
}

static const char *check_required_source(struct rules *r, const struct record *x)
{
    struct str source = record_text(x, "source");
    return source.n ? url_check_source(source, r->minor) : "the source is required";
}

/* Headers are for HTTP. */
static const char *check_headers(const struct record *x)
{
    struct url u;
    struct str source = record_text(x, "source");
    if (record_list(x, "httpHeaders")->n == 0)
        return NULL;
    if (source.n == 0 || !url_parse(source, &u))
        return "HTTP headers need a source that they are for";
    return url_check_http(source) ? "HTTP headers are only for http and https" : NULL;
}

void rule_resource(struct rules *r, const struct record *x)
{
    struct str compression = record_text(x, "compression");
    if (compression.n && !str_is(compression, "gzip"))
        rules_error(r, rules_at(r, x, "compression"), "the compression must be empty or gzip");
    const struct record *verification = record_sub(x, "verification");
    if (record_has(verification, "hash") && !record_has(x, "source"))
        rules_error(r, rules_at(r, verification, "hash"), "there is a hash but no source");
    rules_error_if(r, x, "source", check_source(r, x));
    if (x->type == &schema_resource)
        rules_error_if(r, x, "httpHeaders", check_headers(x));
}

void rule_config_reference(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "source", check_source(r, x));
}

void rule_ca_reference(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "source", url_check_source(record_text(x, "source"), r->minor));
}

void rule_http_header(struct rules *r, const struct record *x)
{
    if (record_text(x, "name").n == 0)
        rules_error(r, rules_at(r, x, "name"), "an HTTP header needs a name");
    if (record_has(x, "value") && record_text(x, "value").n == 0)
        rules_error(r, rules_at(r, x, "value"),
                    "an HTTP header cannot be empty; leave the value out to remove the header");
}

/* Only the length of the sum is checked, as Ignition does. */
void rule_verification(struct rules *r, const struct record *x)
{
    struct str sum, function = str_cut(record_text(x, "hash"), '-', &sum);
    const char *wrong = NULL;
    if (!record_has(x, "hash"))
        return;
    bool sha512 = str_is(function, "sha512"), sha256 = str_is(function, "sha256") && r->minor >= 1;
    if (!sum.p)
        wrong = "a hash is a function, '-' and a sum in hex, such as sha512-1f40fc…";
    else if (!sha512 && !sha256)
        wrong = r->minor >= 1 ? "the hash function must be sha512 or sha256"
                              : "the hash function must be sha512";
    else if (sum.n != (sha512 ? 128 : 64))
        wrong = sha512 ? "a sha512 sum has 128 hex digits" : "a sha256 sum has 64 hex digits";
    rules_error_if(r, x, "hash", wrong);
}

static void check_each_source(struct rules *r, const struct datum_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct record *x = list->items[i].record;
        const char *wrong = check_required_source(r, x);
        if (x->type == &schema_resource && wrong)
            rules_error(r, x->place, "%s", wrong);
    }
}

void rule_ignition_config(struct rules *r, const struct record *x)
{
    check_each_source(r, record_list(x, "merge"));
}

void rule_tls(struct rules *r, const struct record *x)
{
    check_each_source(r, record_list(x, "certificateAuthorities"));
}

void rule_proxy(struct rules *r, const struct record *x)
{
    static const char *const fields[] = {"httpProxy", "httpsProxy"};
    for (size_t i = 0; i < 2; i++)
        if (record_has(x, fields[i]))
            rules_error_if(r, x, fields[i], url_check_http(record_text(x, fields[i])));
    struct url u;
    if (url_parse(record_text(x, "httpsProxy"), &u) && str_ieq(u.scheme, STR("http")))
        rules_warn(r, rules_at(r, x, "httpsProxy"),
                   "the proxy for HTTPS is itself used over plain HTTP");
}
