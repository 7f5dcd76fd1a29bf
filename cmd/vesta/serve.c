#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot/boot.h"
#include "certificates.h"
#include "command.h"
#include "http/http.h"
#include "http/networks.h"
#include "http/rate.h"
#include "log_writer.h"
#include "passphrase.h"
#include "rest/rest.h"
#include "sandbox.h"
#include "server_file.h"
#include "service/service.h"
#include "version.h"

#define GRACE_MS 30000
/* The boot plane takes no bodies, but reads small ones, so that a POST is told 405 and not 413. */
#define BOOT_BODY_MAX 4096
/*
 * libmicrohttpd clears a connection's memory before each request, so it is as small as what clients
 * send allows: PXELINUX's cookie, a query of a few thousand bytes.
 */
#define BOOT_POOL       8192
#define BOOT_TARGET_MAX 6000
/* File descriptors for all but the machines' connections: the API's, the database, the log. */
#define FDS_RESERVED   400
#define MACHINES_MAX   20000
#define MACHINES_LEAST 16

struct settings {
    const char *address, *api_address, *data_path, *assets_path, *log_level, *log_format,
        *public_url, *key_ring_path, *passphrase_file, *user, *tls_address;
    struct certificates_flags tls;
    struct flag_list trusted_proxies;
    struct networks proxies; /* the same, read */
    unsigned misses_per_minute;
    bool sign_assets, strict_labels, trust_request, insecure_api, no_sandbox;
    unsigned threads, keep_revisions;
};

/* All that runs; stopped in the opposite order. */
struct running {
    int boot_listener, tls_listener, api_listener; /* 0: not open, or the server's */
    struct sandbox sandbox;
    struct log_writer *log;
    struct service *service;
    struct boot *boot;
    struct rest *rest;
    struct certificates *certificates; /* NULL: no TLS */
    struct http_server *boot_server, *tls_server, *api_server;
    char public_url[256]; /* "": none was given */
    /* Where this machine reaches the planes. */
    char boot_url[300], tls_url[300], api_url[300];
};

static bool loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0 ||
           strncmp(address, "localhost:", 10) == 0;
}

static void stop_all(struct running *r, const char *data_path)
{
    server_file_remove(data_path);
    http_stop(r->api_server, GRACE_MS); /* which tells of the other */
    http_stop(r->tls_server, GRACE_MS);
    http_stop(r->boot_server, GRACE_MS);
    boot_free(r->boot);
    rest_free(r->rest);
    service_close(r->service);
    certificates_free(r->certificates);
    log_writer_stop(r->log);
    if (r->boot_listener)
        close(r->boot_listener);
    if (r->api_listener)
        close(r->api_listener);
    if (r->tls_listener)
        close(r->tls_listener);
}

static void api_done(void *ctx, const struct http_request *q, const struct http_done *d)
{
    struct running *r = ctx;
    rest_done(r->rest, q, d);
}

static bool api_admit(void *ctx, struct http_request *q, struct http_admission *ret,
                      struct http_response *p)
{
    struct running *r = ctx;
    return rest_admit(r->rest, q, ret, p);
}

static void api_handle(void *ctx, struct http_request *q, struct http_response *p)
{
    struct running *r = ctx;
    rest_handle(r->rest, q, p);
}

static void api_refuse(void *ctx, struct http_request *q, int status, const char *why,
                       struct http_response *p)
{
    struct running *r = ctx;
    rest_refuse(r->rest, q, status, why, p);
}

/* A connection is a file descriptor, and so may be a file that is being sent. */
static void raise_file_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

/*
 * How many machines may be connected to each listener, and how many may be sent a file, which is
 * another descriptor. When descriptors run out nobody is accepted and the server spins, so the
 * limits are below that.
 */
static void limit_machines(struct http_config *boot, unsigned listeners)
{
    struct rlimit l = {0};
    getrlimit(RLIMIT_NOFILE, &l);
    rlim_t least = FDS_RESERVED + 2 * MACHINES_LEAST * listeners;
    rlim_t each = (l.rlim_cur > least ? l.rlim_cur : least) - FDS_RESERVED;
    each /= listeners;
    rlim_t machines = each * 5 / 8;
    boot->max_connections = machines < MACHINES_MAX ? (unsigned)machines : MACHINES_MAX;
    each -= boot->max_connections;
    boot->max_files = each < MACHINES_MAX ? (unsigned)each : MACHINES_MAX;
}

/* The URL to reach a server by from this machine, given what it was told to listen on. */
static void url_of(const char *scheme, const char *address, unsigned port, char *dst, size_t size)
{
    const char *colon = strrchr(address, ':');
    int n = colon ? (int)(colon - address) : 0;
    bool any = n == 0 || strncmp(address, "0.0.0.0:", 8) == 0;
    snprintf(dst, size, "%s://%.*s:%u", scheme, any ? 9 : n, any ? "127.0.0.1" : address, port);
}

static err_code start_boot_plane(const struct settings *o, struct running *r, struct err *e)
{
    char default_assets[4096];
    snprintf(default_assets, sizeof default_assets, "%s/assets", o->data_path);
    struct boot_config bc = {.service = r->service,
                             .assets_path = o->assets_path ? o->assets_path : default_assets,
                             .public_url = r->public_url,
                             .strict_labels = o->strict_labels,
                             .tls = r->certificates != NULL,
                             .misses_per_minute = o->misses_per_minute,
                             .log = log_writer_sink(r->log)};
    err_code c = boot_make(&bc, &r->boot, e);
    if (c)
        return c;
    struct http_config boot = {.address = o->address,
                               .listener = r->boot_listener,
                               .threads = o->threads,
                               .pool = BOOT_POOL,
                               .max_target = BOOT_TARGET_MAX,
                               .max_body = BOOT_BODY_MAX,
                               .trusted = &o->proxies,
                               .handler = boot_handle,
                               .done = boot_done,
                               .ctx = r->boot};
    limit_machines(&boot, o->tls_address[0] ? 2 : 1);
    r->boot_listener = 0;
    c = http_start(&boot, &r->boot_server, e);
    if (c)
        return c;
    url_of("http", o->address, http_port(r->boot_server), r->boot_url, sizeof r->boot_url);
    if (!o->tls_address[0])
        return ERR_OK;
    boot.address = o->tls_address;
    boot.listener = r->tls_listener;
    boot.tls = certificates_tls(r->certificates);
    r->tls_listener = 0;
    c = http_start(&boot, &r->tls_server, e);
    if (!c)
        url_of("https", o->tls_address, http_port(r->tls_server), r->tls_url, sizeof r->tls_url);
    return c;
}

static err_code start_api_plane(const struct settings *o, struct running *r, struct err *e)
{
    struct rest_config rc = {.service = r->service,
                             .log = log_writer_sink(r->log),
                             .boot_url = r->public_url[0] ? r->public_url : r->boot_url,
                             .boot_url_public = r->public_url[0] != '\0',
                             .client_certificates = o->tls.ca_file[0] != '\0',
                             .version = VESTA_VERSION,
                             .commit = VESTA_COMMIT,
                             .spool_dir = o->data_path};
    err_code c = rest_make(&rc, &r->rest, e);
    if (c)
        return c;
    struct http_tls *tls = certificates_tls(r->certificates);
    struct http_config api = {.address = o->api_address,
                              .listener = r->api_listener,
                              .tls = tls,
                              .thread_each = true,
                              .trusted = &o->proxies,
                              .spool_dir = o->data_path,
                              .admit = api_admit,
                              .handler = api_handle,
                              .refuse = api_refuse,
                              .done = api_done,
                              .ctx = r};
    r->api_listener = 0;
    c = http_start(&api, &r->api_server, e);
    if (c)
        return c;
    url_of(tls ? "https" : "http", o->api_address, http_port(r->api_server), r->api_url,
           sizeof r->api_url);
    rest_watch(r->rest, "boot", r->boot_server, boot_counts(r->boot));
    if (r->tls_server)
        rest_watch(r->rest, "boot-tls", r->tls_server, NULL);
    rest_watch(r->rest, "api", r->api_server, rest_counts(r->rest));
    return ERR_OK;
}

static err_code read_public_url(const struct settings *o, struct running *r, struct err *e)
{
    ARENA_LOCAL(a, 4096);
    struct str url = STR("");
    err_code c = o->public_url[0] ? boot_public_url(&a, str_c(o->public_url), &url, e) : ERR_OK;
    if (!c)
        snprintf(r->public_url, sizeof r->public_url, "%.*s", STR_FMT(url));
    return c;
}

static err_code open_service(const struct settings *o, struct running *r, struct err *e)
{
    SECRET_LOCAL(secret, 4096);
    struct service_options so = {.data_path = o->data_path,
                                 .create = true,
                                 .keep_revisions = o->keep_revisions,
                                 .trust_request = o->trust_request,
                                 .key_ring_path = o->key_ring_path,
                                 .sign_files = o->sign_assets,
                                 .log = log_writer_sink(r->log)};
    err_code c = passphrase_read(o->passphrase_file, &secret, &so.passphrase, e);
    if (!c)
        c = service_open(&so, &r->service, e);
    return c;
}

/* What only root may open, then nothing more of root's. Before the first thread: see sandbox.h. */
static err_code enter_sandbox(const struct settings *o, struct running *r, struct err *e)
{
    err_code c = http_listen(o->address, &r->boot_listener, e);
    if (!c)
        c = http_listen(o->api_address, &r->api_listener, e);
    if (!c && o->tls_address[0])
        c = http_listen(o->tls_address, &r->tls_listener, e);
    const struct sandbox_options so = {
        .off = o->no_sandbox, .user = o->user, .data_path = o->data_path};
    return c ? c : sandbox_enter(&so, &r->sandbox, e);
}

static err_code read_proxies(struct settings *o, struct err *e)
{
    err_code c = ERR_OK;
    for (struct str rest = str_c(o->trusted_proxies.text); !c && rest.n;) {
        c = networks_add(&o->proxies, str_cut(rest, ',', &rest), e);
        if (c)
            err_prefix(e, "--trusted-proxy");
    }
    return c;
}

/* The flags that belong together. */
static err_code check_settings(struct settings *o, struct err *e)
{
    if (o->misses_per_minute > HTTP_RATE_MAX)
        return err_set(e, ERR_INVALID, "--misses-per-minute is at most %d", HTTP_RATE_MAX);
    bool tls = o->tls.cert_files.text[0] != '\0';
    if (o->tls_address[0] && !tls)
        return err_set(e, ERR_INVALID,
                       "--tls-address needs a certificate: --tls-cert-file and --tls-key-file");
    if (!loopback(o->api_address) && !tls && !o->insecure_api)
        return err_set(e, ERR_INVALID,
                       "--api-address %s would send tokens over the network unencrypted: keep it "
                       "on 127.0.0.1, give it a certificate with --tls-cert-file and "
                       "--tls-key-file, or say --insecure-api if that network is yours alone",
                       o->api_address);
    return read_proxies(o, e);
}

static err_code start_all(struct settings *o, struct running *r, struct err *e)
{
    enum log_level level;
    if (!log_level_from_name(str_c(o->log_level), &level))
        return err_set(e, ERR_INVALID, "--log-level must be debug, info, warn or error");
    bool json = strcmp(o->log_format, "json") == 0;
    if (!json && strcmp(o->log_format, "text") != 0)
        return err_set(e, ERR_INVALID, "--log-format must be text or json");
    err_code c = check_settings(o, e);
    if (!c)
        c = read_public_url(o, r, e);
    if (!c)
        c = enter_sandbox(o, r, e);
    if (!c)
        c = log_writer_start(STDERR_FILENO, json ? LOG_JSON : LOG_TEXT, level, &r->log, e);
    if (c)
        return c;
    struct log_sink log = log_writer_sink(r->log);
    c = certificates_read(&o->tls, &log, &r->certificates, e);
    if (!c)
        c = open_service(o, r, e);
    if (!c)
        c = start_boot_plane(o, r, e);
    if (!c)
        c = start_api_plane(o, r, e);
    if (!c)
        c = service_wait_ready(r->service, e);
    if (!c)
        c = sandbox_seal(&r->sandbox, json ? LOG_JSON : LOG_TEXT, e);
    if (!c)
        sandbox_tell(&r->sandbox, &log);
    return c;
}

/* Without it the commands on this machine do not find the server. */
static void write_server_file(const struct settings *o, const struct running *r)
{
    char pins[1000];
    struct err e = ERR_INIT;
    certificates_pins(r->certificates, pins, sizeof pins);
    if (server_file_write(o->data_path, r->boot_url, r->api_url, pins, &e) != ERR_OK)
        complain(&e);
}

/* Until SIGTERM or SIGINT. With TLS, SIGHUP and changed files are seen to. */
static void wait_for_stop(const struct settings *o, struct running *r, const sigset_t *signals)
{
    static const struct timespec second = {.tv_sec = 1};
    for (;;) {
        int sig =
            r->certificates ? sigtimedwait(signals, NULL, &second) : sigwaitinfo(signals, NULL);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (!r->certificates)
            continue;
        bool changed = sig == SIGHUP ? certificates_reload(r->certificates)
                                     : certificates_tick(r->certificates);
        if (changed)
            write_server_file(o, r);
    }
}

/*
 * No more heaps than there are threads that serve machines. The API has a thread for each
 * connection, and the C library would let many have a heap of their own, where what one has freed
 * is of no use to the others: memory would grow for minutes, to twice as much.
 */
static void share_heaps(const struct settings *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    mallopt(M_ARENA_MAX, o->threads ? (int)o->threads : cores > 0 ? (int)cores : 1);
}

/* From the start to the end; the exit status. */
static int serve(struct settings *o)
{
    /* Blocked before any thread starts, so that only wait_for_stop sees them. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (o->tls.cert_files.text[0])
        sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    share_heaps(o);
    raise_file_limit();
    struct running r = {0};
    struct err e = ERR_INIT;
    if (start_all(o, &r, &e) != ERR_OK) {
        stop_all(&r, o->data_path);
        return complain(&e);
    }
    write_server_file(o, &r);
    printf("vesta: boot plane on %s\n", r.boot_url);
    if (r.tls_server)
        printf("vesta: boot plane on %s\n", r.tls_url);
    printf("vesta: API on %s\n", r.api_url);
    fflush(stdout);
    wait_for_stop(o, &r, &signals);
    stop_all(&r, o->data_path);
    return EXIT_DONE;
}

int command_serve(int argc, char **argv)
{
    struct settings o = {.address = "127.0.0.1:8080",
                         .api_address = "127.0.0.1:8081",
                         .data_path = DEFAULT_DATA_PATH,
                         .public_url = "",
                         .user = "",
                         .tls_address = "",
                         .tls = {.ca_file = ""},
                         .log_level = "info",
                         .log_format = "text",
                         .keep_revisions = 10000,
                         .misses_per_minute = 600};
    const struct flag flags[] = {
        {"address", FLAG_TEXT, &o.address, true, "HOST:PORT", "where machines ask"},
        {"api-address", FLAG_TEXT, &o.api_address, true, "HOST:PORT", "where operators ask"},
        {"data-path", FLAG_TEXT, &o.data_path, true, "DIR", "database, keys and token"},
        {"tls-address", FLAG_TEXT, &o.tls_address, true, "HOST:PORT",
         "where machines ask over TLS, beside --address"},
        {"tls-cert-file", FLAG_LIST, &o.tls.cert_files, true, "FILE,...",
         "certificate and chain (PEM) of --api-address, which takes TLS only then, and of "
         "--tls-address; may be repeated, for RSA beside ECDSA"},
        {"tls-key-file", FLAG_LIST, &o.tls.key_files, true, "FILE,...",
         "the key (PEM) of each --tls-cert-file, in the same order"},
        {"tls-ca-file", FLAG_TEXT, &o.tls.ca_file, true, "FILE",
         "the API asks for a client certificate of these CAs, and machines may have one"},
        {"assets-path", FLAG_TEXT, &o.assets_path, true, "DIR",
         "files below /assets/ (default: assets in the data path; empty: none)"},
        {"public-url", FLAG_TEXT, &o.public_url, true, "URL",
         "where machines reach --address, for loaders that need whole URLs (default: the address "
         "that they came to)"},
        {"sign-assets", FLAG_SWITCH, &o.sign_assets, true, NULL,
         "signatures over assets too: /assets/FILE.sig, .asc, .minisig, .cms"},
        {"key-ring-path", FLAG_TEXT, &o.key_ring_path, true, "FILE",
         "a matchbox key ring: its key makes the OpenPGP signatures"},
        {"passphrase-file", FLAG_TEXT, &o.passphrase_file, true, "FILE",
         "the key ring's passphrase (or VESTA_PASSPHRASE)"},
        {"log-level", FLAG_TEXT, &o.log_level, true, "LEVEL", "debug, info, warn or error"},
        {"log-format", FLAG_TEXT, &o.log_format, true, "FORM", "text or json"},
        {"strict-labels", FLAG_SWITCH, &o.strict_labels, true, NULL,
         "400 when a label is given twice with two values"},
        {"trust-request", FLAG_SWITCH, &o.trust_request, true, NULL,
         "print what comes with a request as it is, as matchbox does"},
        {"insecure-api", FLAG_SWITCH, &o.insecure_api, true, NULL,
         "allow --api-address off loopback"},
        {"keep-revisions", FLAG_COUNT, &o.keep_revisions, true, "N",
         "how many are kept for diff and rollback (10000; 0: all)"},
        {"user", FLAG_TEXT, &o.user, true, "NAME",
         "whom root becomes (default: " SANDBOX_DEFAULT_USER " if there is one)"},
        {"no-sandbox", FLAG_SWITCH, &o.no_sandbox, true, NULL,
         "keep rights that serving does not need: for a debugger, or an old kernel"},
        {"trusted-proxy", FLAG_LIST, &o.trusted_proxies, true, "NETWORK,...",
         "proxies whose X-Forwarded-For is believed, such as 192.0.2.0/24; may be repeated"},
        {"misses-per-minute", FLAG_COUNT, &o.misses_per_minute, true, "N",
         "questions that match nothing, from one address, before it gets 503 (600; 0: no limit)"},
        {"threads", FLAG_COUNT, &o.threads, true, "N", "for machines (default: one a core)"},
        FLAGS_END,
    };
    int status;
    char *rest[1];
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    return serve(&o);
}
