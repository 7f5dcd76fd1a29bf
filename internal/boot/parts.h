/* parts.h - what the files of boot share. */
#ifndef BOOT_PARTS_H
#define BOOT_PARTS_H

#include "boot/boot.h"
#include "http/rate.h"

struct assets;

struct boot {
    struct service *service;
    struct assets *assets;
    char *public_url; /* NULL: the address that a connection came to */
    bool strict_labels, tls;
    struct log_sink log;
    struct http_counts *counts;
    struct http_rate *misses; /* NULL: no limit */
};

/* What is counted together: documents are in the order of enum render_document. */
enum path_class {
    PATH_OTHER,
    PATH_DOCUMENT,
    PATH_NOCLOUD = PATH_DOCUMENT + RENDER_METADATA + 1,
    PATH_ASSETS,
    PATH_HTTPBOOT,
    PATH_BOOT,
    PATH_KEY,
    PATH_HEALTH,
};
/* What the log line of a request says beyond what `http` knows. */
struct note {
    struct str group, profile;
    uint64_t revision;
    struct labels labels;
    struct str subject; /* of a verified client certificate; absent without one */
    struct str reason;  /* why it is not 200 */
    bool matched;
    unsigned path_class;
};

typedef void path_handler(struct boot *b, struct http_request *q, struct http_response *r,
                          struct note *note);

/* --- boot.c --- */

void not_found(struct http_request *q, struct http_response *r);

/* --- documents.c --- */

/* 200 with bytes on the request's arena. */
void set_bytes(struct http_response *r, struct str bytes, const char *content_type);
/* What c says, as a status and a line of text; kept for the log. */
void answer_failed(struct http_request *q, struct http_response *r, struct note *note, err_code c,
                   const struct err *e);
/* What is asked for; raw_query holds the labels. The other texts may be absent. */
struct ask {
    enum render_document document;
    struct str raw_query;
    struct str selects;   /* only a group that selects on this key */
    struct str otherwise; /* instead of raw_query when that has no group */
};
void answer_document(struct boot *b, struct http_request *q, struct http_response *r,
                     struct note *note, const struct ask *ask);
/*
 * What ask->raw_query says of the machine, for a question to the service that lives as long as the
 * request. False after it has answered.
 */
bool read_question(struct boot *b, struct http_request *q, struct http_response *r,
                   struct note *note, const struct ask *ask, struct service_question *ret);
/* Tells the log, and in a header the client, what was matched. */
void note_answer(struct boot *b, struct http_request *q, struct http_response *r, struct note *note,
                 const struct service_answer *a);

/* --- signed.c --- */

/*
 * The one place where a request for a signature is told from one for what is signed: "/ipxe.sig?a"
 * asks for a signature over what "/ipxe?a" gets, and so does GRUB's own spelling, "/grub?a.sig".
 * Cuts what asks for it off path or query; SERVICE_PLAIN, and nothing cut, when nothing does.
 */
enum service_form cut_form(struct http_request *q);
/* Puts a signature over the 200 that is in r into its place; another status stays as it is. */
void sign_response(struct boot *b, struct http_request *q, struct http_response *r,
                   struct note *note, enum service_form form, const char *name);

/* A signature over a file of the assets, if that is what is asked for: else false. */
bool answer_asset_signature(struct boot *b, struct http_request *q, struct http_response *r,
                            struct note *note);
/* The response is an asset, whose signature may be asked for next. */
void prepare_asset(struct boot *b, const struct http_request *q, const struct http_response *r);

/* Begins with the signatures over large assets, so that they are there before the first machine. */
void prepare_assets(struct boot *b);

/* --- script.c: /boot.ipxe --- */

path_handler answer_boot_script;
path_handler answer_nic_script;

/* --- httpboot.c: UEFI HTTP Boot */

path_handler answer_httpboot;      /* the file that a machine's profile names */
path_handler answer_httpboot_file; /* a file of the assets */

#endif
