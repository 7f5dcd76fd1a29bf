/* /boot.ipxe, the first script of every machine that has iPXE. */
#include "boot/parts.h"

/*
 * The first script: iPXE expands its settings and comes back with labels. Text settings are
 * percent-encoded by ":uristring"; a MAC must not be, since iPXE would send its raw bytes.
 */
#define LABELS(mac)                                                                                \
    "?uuid=${uuid}&mac=${" mac                                                                     \
    ":hexhyp}&domain=${domain:uristring}&hostname=${hostname:uristring}"                           \
    "&serial=${serial:uristring}&arch=${buildarch:uristring}"

static const char boot_script[] = "#!ipxe\nchain ipxe" LABELS("mac") "\n";

/*
 * For ?nics=all: each card with a link is asked for before the one that iPXE booted from. An iPXE
 * that cannot tell (before 2020) fails already for the card that it booted from, which has a link;
 * it asks for all. A script that was found is run last, so that nothing follows when it fails: the
 * machine must not boot as any other one then.
 */
/* clang-format off */
static const char all_nics_script[] =
    "#!ipxe\n"
    "iflinkwait --timeout 1000 netX && set tells-links yes ||\n"
    "set nic:int32 0\n"
    ":nic\n"
    "isset ${net${nic}/mac} || goto none\n"
    "isset ${tells-links} || goto ask\n"
    "iflinkwait --timeout 3000 net${nic} || goto next\n"
    ":ask\n"
    "imgfetch --name nic ipxe-nic" LABELS("net${nic}/mac") " && goto found ||\n"
    ":next\n"
    "inc nic\n"
    "goto nic\n"
    ":found\n"
    "imgexec nic\n"
    "exit 1\n"
    ":none\n"
    "chain ipxe" LABELS("mac") "\n";

/*
 * For ?verify=1: the next script is run only if the signature over it is good
 * (https://ipxe.org/cmd/imgverify). Images that are left over would become initrds.
 */
static const char verifying_script[] =
    "#!ipxe\n"
    "imgfree\n"
    "set labels " LABELS("mac") "&verify=1\n"
    "set step Fetching the script\n"
    "imgfetch --name next ipxe${labels} || goto failed\n"
    "set step Checking the script by ipxe.cms\n"
    "imgverify next ipxe.cms${labels} || goto failed\n"
    "set step Running the script\n"
    "imgexec next || goto failed\n"
    ":failed\n"
    "echo Vesta: ${step} failed: ${errno}\n"
    "exit 1\n";
/* clang-format on */

static bool wants(struct str query, const char *pair)
{
    while (query.p)
        if (str_is(str_cut(query, '&', &query), pair))
            return true;
    return false;
}

void answer_boot_script(struct boot *b, struct http_request *q, struct http_response *r,
                        struct note *note)
{
    (void)b;
    (void)note;
    struct str script =
        wants(q->raw_query, "verify=1")   ? str_of(verifying_script, sizeof verifying_script - 1)
        : wants(q->raw_query, "nics=all") ? str_of(all_nics_script, sizeof all_nics_script - 1)
                                          : str_of(boot_script, sizeof boot_script - 1);
    set_bytes(r, script, render_content_type(RENDER_IPXE));
    r->kind = HTTP_BODY_STATIC;
}

/* The script for one card: only a group that selects on its MAC counts, so that others are tried.
 */
void answer_nic_script(struct boot *b, struct http_request *q, struct http_response *r,
                       struct note *note)
{
    const struct ask ask = {
        .document = RENDER_IPXE, .raw_query = q->raw_query, .selects = STR("mac")};
    answer_document(b, q, r, note, &ask);
}
