#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "version.h"

const struct command commands[] = {
    {"serve", "", "answer machines and operators", command_serve,
     "vesta serve --data-path site --address 0.0.0.0:8080\n"
     "vesta serve --tls-cert-file vesta.pem --tls-key-file vesta.key --tls-address :8443\n"},
    {"import", "DIR", "merge a site directory into the database", command_import,
     "vesta import --dry-run data\n"
     "vesta import --message 'the new rack' data\n"},
    {"export", "DIR", "write the site as a directory", command_export,
     "vesta export --data-path site backup\n"
     "vesta export --data-path site --reveal backup-with-secrets\n"},
    {"backup", "FILE", "copy the database to a file, also while a server runs", command_backup,
     "vesta backup --data-path site /backup/vesta-monday.db\n"},
    {"restore", "FILE", "put a backup in the place of the database", command_restore,
     "vesta restore --data-path site /backup/vesta-monday.db\n"},
    {"get", "groups|profiles|templates [NAME]", "show resources", command_get,
     "vesta get groups mac=52:54:00:00:00:01\n"
     "vesta get group web-1 -o yaml\n"
     "vesta get template cloud/web.yaml\n"},
    {"put", "group|profile|template NAME FILE", "create or replace one", command_put,
     "vesta put group web-1 web-1.json\n"
     "vesta put template cloud/web.yaml - <web.yaml\n"},
    {"delete", "group|profile|template NAME", "delete one", command_delete,
     "vesta delete group web-1\n"},
    {"edit", "group|profile|template NAME", "change one in your editor", command_edit,
     "vesta edit group web-1\n"
     "EDITOR=nano vesta edit template cloud/web.yaml\n"},
    {"plan", "DIR", "what a site directory, or a bundle in a file, would change", command_plan,
     "vesta plan data\n"
     "vesta plan --prune --output json data\n"},
    {"apply", "DIR", "make the site so, in one revision", command_apply,
     "vesta apply --message 'the new rack' data\n"
     "vesta apply --prune --base 41 data\n"
     "vesta apply - <bundle.json\n"},
    {"explain", "[LABEL=VALUE...]", "why a machine gets what it gets", command_explain,
     "vesta explain mac=52:54:00:00:00:01 os=installed\n"},
    {"render", "KIND [LABEL=VALUE...]", "the document that a machine gets", command_render,
     "vesta render ipxe mac=52:54:00:00:00:01\n"},
    {"revisions", "[N | diff A [B]]", "what changed, who did it and when", command_revisions,
     "vesta revisions\n"
     "vesta revisions diff 41 42\n"},
    {"rollback", "N", "go back to what a revision had", command_rollback, "vesta rollback 41\n"},
    {"token", "list|create|delete [ID]", "who may use the API", command_token,
     "vesta token create --name ci --role write --expires 90d\n"
     "vesta token list\n"},
    {"health", "", "is the server alive?", command_health,
     "vesta health --server http://127.0.0.1:8080\n"},
    {"check", "DIR", "is every machine of a site directory given what it asks?", command_check,
     "vesta check data\n"},
    {"validate", "FILE...", "are files what they should be?", command_validate,
     "vesta validate data/ignition/*\n"
     "vesta validate --kind cloud user-data\n"},
    {"butane", "[FILE]", "translate Butane to an Ignition config", command_butane,
     "vesta butane worker.bu >worker.ign\n"},
    {"template", "FILE", "render a template with some data", command_template,
     "vesta template --kind cloud --data group.json web.yaml\n"},
    {"functions", "", "what templates can call", command_functions, "vesta functions\n"},
    {"dhcp-config", "dnsmasq|dnsmasq-proxy|kea|isc", "what a DHCP server must say to machines",
     command_dhcp_config,
     "vesta dhcp-config dnsmasq --url http://192.0.2.10:8080 --interface eth1\n"
     "vesta dhcp-config kea --url http://192.0.2.10:8080 --range 192.0.2.100,192.0.2.200\n"},
    {"keygen", "ed25519|cms", "make a signing key", command_keygen,
     "vesta keygen ed25519 --out signing.key\n"
     "vesta keygen cms --out cms.pem --ca ca.pem\n"},
    {"key", "list|import|next|use [FILE|KIND]", "the keys that a server signs with", command_key,
     "vesta key list\n"
     "vesta key import --passphrase-file secret key.gpg\n"
     "vesta key next ed25519\n"
     "vesta key use ed25519\n"},
    {"verify", "FILE SIGNATURE", "check a signature", command_verify,
     "vesta verify boot.ipxe boot.ipxe.sig\n"
     "vesta verify --key key.pem boot.ipxe boot.ipxe.cms\n"},
    {"ipxe-embed", "", "print the script for an iPXE that runs only what is signed",
     command_ipxe_embed,
     "vesta ipxe-embed --url http://192.0.2.1:8080 >vesta.ipxe\n"
     "vesta ipxe-embed --url http://192.0.2.1:8080 --settings\n"},
    {"completion", "bash|zsh|fish", "print what a shell completes commands with",
     command_completion, "vesta completion bash >/etc/bash_completion.d/vesta\n"},
    {"man", "", "print the manual page", command_man, "vesta man >vesta.1\n"},
    {"version", "", "print the version", command_version, "vesta version\n"},
    {NULL, NULL, NULL, NULL, NULL},
};

static void usage(FILE *to)
{
    fputs("vesta: network boot for machines, matched by their labels\n\nusage: vesta COMMAND\n\n",
          to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-10s %-34s %s\n", c->name, c->arguments, c->summary);
    fputs("\n`vesta COMMAND --help` tells more.\n", to);
}

int command_version(int argc, char **argv)
{
    static const struct flag flags[] = {FLAGS_END};
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    printf("vesta %s (%s)\n", VESTA_VERSION, VESTA_COMMIT);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    const char *name = argc > 1 ? argv[1] : "";
    while (*name == '-')
        name++;
    if (strcmp(name, "help") == 0 || strcmp(name, "h") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(name, c->name) == 0)
            return c->run(argc - 1, argv + 1);
    if (argc > 1)
        fprintf(stderr, "vesta: there is no command \"%s\"\n\n", argv[1]);
    usage(stderr);
    return EXIT_USAGE;
}
