/* /boot.ipxe, the first script of every machine that has iPXE. */
#include "boot/parts.h"

/*
 * The first script: iPXE expands its settings and comes back with labels. Text settings are
 * percent-encoded by ":uristring"; a MAC must not be, since iPXE would send its raw bytes.
 */
static const char boot_script[] =
    "#!ipxe\n"
    "chain "
    "ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain:uristring}&hostname=${hostname:uristring}"
    "&serial=${serial:uristring}&arch=${buildarch:uristring}\n";

void answer_boot_script(struct boot *b, struct http_request *q, struct http_response *r,
                        struct note *note)
{
    struct str path = q->path;
    enum service_form form = cut_form(&path);
    struct str script = str_of(boot_script, sizeof boot_script - 1);
    if (form == SERVICE_PLAIN) {
        set_bytes(r, script, form_content_type(RENDER_IPXE, form));
        r->kind = HTTP_BODY_STATIC;
        return;
    }
    struct err e = ERR_INIT;
    struct str signature;
    err_code c = service_sign(b->service, script, form, q->arena, &signature, &e);
    if (c)
        answer_failed(q, r, note, c, &e);
    else
        set_bytes(r, signature, form_content_type(RENDER_IPXE, form));
}
