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
    (void)b;
    (void)q;
    (void)note;
    set_bytes(r, str_of(boot_script, sizeof boot_script - 1), render_content_type(RENDER_IPXE));
    r->kind = HTTP_BODY_STATIC;
}
