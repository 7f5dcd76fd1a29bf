/*
 * UEFI HTTP Boot: the firmware fetches one file by a URL that DHCP gives it, HEAD first, and runs
 * it if it is application/efi or its name ends in .efi (UEFI 2.10, 24.7). The firmware says nothing
 * of itself, so labels are there only if the DHCP server puts them into the URL.
 */
#include "boot/assets.h"
#include "boot/parts.h"

#define TYPE "application/efi"

static struct str below_assets(struct str name)
{
    if (str_starts(name, STR("/assets/")))
        return str_skip(name, sizeof "/assets/" - 1);
    return str_starts(name, STR("/")) ? str_skip(name, 1) : name;
}

void answer_httpboot(struct boot *b, struct http_request *q, struct http_response *r,
                     struct note *note)
{
    const struct ask ask = {.document = RENDER_METADATA, .raw_query = q->raw_query};
    struct service_question question;
    struct service_answer a;
    struct err e = ERR_INIT;
    if (!b->assets) {
        not_found(q, r);
        return;
    }
    if (!read_question(b, q, r, note, &ask, &question))
        return;
    err_code c = service_efi_file(b->service, &question, q->arena, &a, &e);
    if (c)
        answer_failed(q, r, note, c, &e);
    else
        assets_respond(b->assets, below_assets(a.bytes), TYPE, q, r);
    note_answer(b, q, r, note, &a);
}

void answer_httpboot_file(struct boot *b, struct http_request *q, struct http_response *r,
                          struct note *note)
{
    struct str name = str_skip(q->path, sizeof "/httpboot/" - 1);
    if (!name.n)
        answer_httpboot(b, q, r, note);
    else if (b->assets && str_ends(name, STR(".efi")))
        assets_respond(b->assets, name, TYPE, q, r);
    else
        not_found(q, r);
}
