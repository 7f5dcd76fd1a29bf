/* `vesta ipxe-embed`: what an iPXE is built with so that it runs nothing that is not signed. */
#include <stdio.h>
#include <string.h>

#include "command.h"

static const char script[] = "#!ipxe\n"
                             "set step Configuring the network\n"
                             "dhcp || goto failed\n"
                             "set step Refusing what is not signed\n"
                             "imgtrust --permanent || goto failed\n"
                             "set step Fetching the first script\n"
                             "imgfetch --name boot.ipxe %s/boot.ipxe?verify=1 || goto failed\n"
                             "set step Checking the first script by boot.ipxe.cms\n"
                             "imgverify boot.ipxe %s/boot.ipxe.cms?verify=1 || goto failed\n"
                             "set step Running the first script\n"
                             "imgexec boot.ipxe || goto failed\n"
                             ":failed\n"
                             "echo Vesta: ${step} failed: ${errno}\n"
                             "echo Trying again in 10 seconds\n"
                             "sleep 10\n"
                             "reboot\n";

static const char settings[] =
    "Build iPXE from https://github.com/ipxe/ipxe with these settings:\n"
    "\n"
    "  vesta ipxe-embed --url %s >vesta.ipxe\n"
    "  curl -o vesta-ca.pem %s/key.pem\n"
    "  echo '#define IMAGE_TRUST_CMD' >>ipxe/src/config/local/general.h\n"
    "  make -C ipxe/src bin-x86_64-efi/ipxe.efi bin/undionly.kpxe \\\n"
    "    EMBED=$PWD/vesta.ipxe TRUST=$PWD/vesta-ca.pem\n"
    "\n"
    "Fetch key.pem over a network that you trust and compare it with `vesta key list`: whoever "
    "has\n"
    "the key of its first certificate decides what these machines run.\n";

int command_ipxe_embed(int argc, char **argv)
{
    const char *url = "http://192.0.2.1:8080";
    bool how = false;
    const struct flag flags[] = {
        {"url", FLAG_TEXT, &url, false, "URL", "where machines reach the server"},
        {"settings", FLAG_SWITCH, &how, false, NULL, "how iPXE is built with it, in its place"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    size_t n = strlen(url);
    bool http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!http || n > 200 || strpbrk(url, " \t\r\n#?${}")) {
        fprintf(stderr, "vesta ipxe-embed: --url is such as http://192.0.2.1:8080\n");
        return EXIT_USAGE;
    }
    while (n && url[n - 1] == '/')
        n--;
    char base[204];
    snprintf(base, sizeof base, "%.*s", (int)n, url);
    if (how)
        printf(settings, base, base);
    else
        printf(script, base, base);
    return EXIT_DONE;
}
