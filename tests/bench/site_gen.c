/*
 * site_gen.c - makes the database of a site of any size: site_gen DATA GROUPS [OPTION=N]...
 *
 * DATA is a data path that is made if it is not there. Groups are n0000000, n0000001, …, each for
 * one MAC: 52:54 and the low 32 bits of (number * 2654435761 + seed), so that neighbours in the
 * table are none in the index; the same numbers give the same site. They are written as they would
 * be stored, in revisions of 50,000, which takes about 15 s for a million.
 *
 *   seed=N       default 1
 *   selectors=N  labels of each group, 1 to 16: mac, k01=v01, k02=v02, …       default 1
 *   shapes=N     groups take turns in N shapes: of shape s > 0 ask for s<s>=y too   default 1
 *   ties=N       N more groups of three labels each, of the 20 labels x00=y to x19=y: a machine
 * that has all 20 belongs to all of them, up to 1140 bytes=N      metadata of about so many bytes
 * more                           default 0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/store.h"

#define BATCH 50000u

struct plan {
    uint64_t groups, seed, selectors, shapes, ties, bytes;
};

struct part {
    const struct plan *plan;
    uint64_t from, to; /* of all groups, ties last */
};

static void fail(const struct err *e)
{
    char text[1200];
    err_format(e, text, sizeof text);
    fprintf(stderr, "site_gen: %s\n", text);
    exit(1);
}

static uint32_t mac_of(const struct plan *p, uint64_t i)
{
    return (uint32_t)(i * 2654435761u + p->seed);
}

/* The n-th way to take three of twenty. */
static void add_three(struct buf *b, uint64_t n)
{
    for (unsigned x = 0; x < 20; x++)
        for (unsigned y = x + 1; y < 20; y++)
            for (unsigned z = y + 1; z < 20; z++)
                if (n-- == 0) {
                    buf_addf(b, "{\"x%02u\":\"y\",\"x%02u\":\"y\",\"x%02u\":\"y\"}", x, y, z);
                    return;
                }
}

/* Pairs in the order of their keys, as they are stored. */
static void add_selector(struct buf *b, const struct plan *p, uint64_t i)
{
    if (i >= p->groups) {
        add_three(b, i - p->groups);
        return;
    }
    uint32_t m = mac_of(p, i);
    buf_add_byte(b, '{');
    for (uint64_t k = 1; k < p->selectors; k++)
        buf_addf(b, "\"k%02u\":\"v%02u\",", (unsigned)k, (unsigned)k);
    buf_addf(b, "\"mac\":\"52:54:%02x:%02x:%02x:%02x\"", m >> 24, m >> 16 & 255, m >> 8 & 255,
             m & 255);
    if (i % p->shapes)
        buf_addf(b, ",\"s%03u\":\"y\"", (unsigned)(i % p->shapes));
    buf_add_byte(b, '}');
}

static void add_body(struct buf *b, const struct plan *p, uint64_t i, const char *id,
                     const struct buf *selector)
{
    buf_addf(b, "{\"id\":\"%s\",\"metadata\":{\"hostname\":\"%s.example.com\"", id, id);
    if (p->bytes) {
        buf_add_lit(b, ",\"note\":\"");
        for (uint64_t k = 0; k < p->bytes; k++)
            buf_add_byte(b, (char)('a' + (i + k) % 26));
        buf_add_byte(b, '"');
    }
    buf_addf(b, ",\"rack\":\"r%u\"},\"profile\":\"node\",\"selector\":", (unsigned)(i % 40));
    buf_add(b, selector->p, selector->n);
    buf_add_byte(b, '}');
}

static err_code put_group(struct store_txn *t, const struct plan *p, uint64_t i, struct err *e)
{
    char id[32];
    snprintf(id, sizeof id, "%c%07llu", i < p->groups ? 'n' : 't', (unsigned long long)i);
    BUF_LOCAL(selector, 4096);
    BUF_LOCAL(body, 1u << 20);
    add_selector(&selector, p, i);
    add_body(&body, p, i, id, &selector);
    if (body.failed || selector.failed)
        return err_set(e, ERR_LIMIT, "a group is too large");
    struct store_ref ref = {STORE_PROFILE, 0, STR("node")};
    struct store_resource r = {.key = {STORE_GROUP, 0, str_c(id)},
                               .body = buf_str(&body),
                               .selector = buf_str(&selector),
                               .refs = &ref,
                               .refs_n = 1};
    return store_txn_put(t, &r, e);
}

static err_code put_part(struct store_txn *t, void *arg, struct err *e)
{
    const struct part *part = arg;
    err_code c = ERR_OK;
    for (uint64_t i = part->from; i < part->to && !c; i++)
        c = put_group(t, part->plan, i, e);
    return c;
}

/* Templates for each row of the table in docs/performance.md. */
static const struct {
    enum model_kind kind;
    const char *name, *text;
} templates[] = {
    {MODEL_GENERIC, "static", "hostname={{.hostname}} rack={{.rack}}\n"},
    {MODEL_IGNITION, "raw.ign", "{\"ignition\":{\"version\":\"3.4.0\"}}\n"},
    {MODEL_CLOUD, "request",
     "#cloud-config\nhostname: {{.hostname}}\nfqdn: {{.hostname}}\nmanage_etc_hosts: true\n"
     "write_files:\n- path: /etc/machine\n  content: |\n"
     "    mac={{.request.query.mac}}\n    uuid={{.request.query.uuid}}\n"
     "    serial={{.request.query.serial}}\n    rack={{.rack}}\n    host={{.hostname}}\n"
     "    domain={{.request.query.domain}}\n    arch={{.request.query.arch}}\n"
     "{{if .rack}}- path: /etc/rack\n  content: {{.rack}}\n{{end}}"
     "ssh_authorized_keys:\n- ssh-ed25519 "
     "AAAAC3NzaC1lZDI1NTE5AAAAIFVlc3RhIGJlbmNobWFyayBrZXkgbnVtYmVyIG9uZSBv operator@example.com\n"
     "- ssh-ed25519 "
     "AAAAC3NzaC1lZDI1NTE5AAAAIFVlc3RhIGJlbmNobWFyayBrZXkgbnVtYmVyIHR3byBv second@example.com\n"
     "package_update: true\npackages:\n- chrony\n- nftables\n- smartmontools\n"
     "runcmd:\n- [systemctl, enable, --now, chrony]\n- [systemctl, enable, --now, nftables]\n"
     "- [logger, booted for {{.request.query.mac}}]\n"
     "final_message: up after $UPTIME seconds\n"},
};

/* Butane that uses the request, about 4 KB: ten files and two units. */
static void add_butane(struct buf *b)
{
    buf_add_lit(b, "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n");
    for (int i = 0; i < 10; i++) {
        buf_addf(b,
                 "    - path: /etc/vesta/file%02d\n      mode: 0644\n      contents:\n"
                 "        inline: |\n          mac={{.request.query.mac}}\n"
                 "          hostname={{.hostname}}\n",
                 i);
        for (int k = 0; k < 4; k++)
            buf_addf(b, "          line{{.rack}}=%d of a file of configuration that is long\n", k);
    }
    buf_add_lit(b, "systemd:\n  units:\n");
    for (int i = 0; i < 2; i++)
        buf_addf(b,
                 "    - name: vesta-%d.service\n      enabled: true\n      contents: |\n"
                 "        [Unit]\n        Description=Started for {{.hostname}}\n"
                 "        [Service]\n        Type=oneshot\n        ExecStart=/usr/bin/true\n"
                 "        [Install]\n        WantedBy=multi-user.target\n",
                 i);
}

static err_code put_template(struct store_txn *t, enum model_kind k, struct str name,
                             struct str body, struct err *e)
{
    struct store_resource r = {.key = {STORE_TEMPLATE, k, name}, .body = body, .selector = STR("")};
    return store_txn_put(t, &r, e);
}

static err_code put_profile(struct store_txn *t, const char *id, const char *ignition,
                            struct err *e)
{
    BUF_LOCAL(body, 4096);
    buf_addf(&body,
             "{\"boot\":{\"args\":[\"console=ttyS0,115200n8\",\"ignition.firstboot\","
             "\"ignition.platform.id=metal\",\"ignition.config.url=http://vesta.example.com:8080/"
             "ignition?uuid=${uuid}&mac=${mac:hexhyp}\"],\"initrd\":[\"/assets/initrd.img\"],"
             "\"kernel\":\"/assets/vmlinuz\"},\"cloud_id\":\"request\",\"generic_id\":\"static\","
             "\"id\":\"%s\",\"ignition_id\":\"%s\"}",
             id, ignition);
    struct store_ref refs[] = {{STORE_TEMPLATE, MODEL_CLOUD, STR("request")},
                               {STORE_TEMPLATE, MODEL_GENERIC, STR("static")},
                               {STORE_TEMPLATE, MODEL_IGNITION, str_c(ignition)}};
    struct store_resource r = {.key = {STORE_PROFILE, 0, str_c(id)},
                               .body = buf_str(&body),
                               .selector = STR(""),
                               .refs = refs,
                               .refs_n = 3};
    return store_txn_put(t, &r, e);
}

/* One more group, for requests with role=butane: its Ignition config is made for each request. */
static err_code put_butane_group(struct store_txn *t, struct err *e)
{
    struct store_ref ref = {STORE_PROFILE, 0, STR("butane")};
    struct store_resource r = {
        .key = {STORE_GROUP, 0, STR("butane")},
        .body = STR("{\"id\":\"butane\",\"metadata\":{\"hostname\":\"b.example.com\",\"rack\":"
                    "\"r1\"},\"profile\":\"butane\",\"selector\":{\"role\":\"butane\"}}"),
        .selector = STR("{\"role\":\"butane\"}"),
        .refs = &ref,
        .refs_n = 1};
    return store_txn_put(t, &r, e);
}

static err_code put_rest(struct store_txn *t, void *arg, struct err *e)
{
    (void)arg;
    BUF_LOCAL(butane, 65536);
    add_butane(&butane);
    err_code c = put_template(t, MODEL_IGNITION, STR("butane.yaml"), buf_str(&butane), e);
    for (size_t i = 0; i < sizeof templates / sizeof *templates && !c; i++)
        c = put_template(t, templates[i].kind, str_c(templates[i].name), str_c(templates[i].text),
                         e);
    if (!c)
        c = put_profile(t, "node", "raw.ign", e);
    if (!c)
        c = put_profile(t, "butane", "butane.yaml", e);
    return c ? c : put_butane_group(t, e);
}

static void write_site(struct store *s, const struct plan *p)
{
    struct err e = ERR_INIT;
    struct store_note note = {STR("site_gen"), STR("")};
    if (store_write(s, &note, put_rest, NULL, NULL, &e))
        fail(&e);
    uint64_t all = p->groups + p->ties;
    for (struct part part = {p, 0, 0}; part.from < all; part.from = part.to) {
        part.to = part.from + BATCH < all ? part.from + BATCH : all;
        if (store_write(s, &note, put_part, &part, NULL, &e))
            fail(&e);
    }
}

static void read_option(struct plan *p, const char *text)
{
    static const char *const names[] = {"seed", "selectors", "shapes", "ties", "bytes"};
    uint64_t *places[] = {&p->seed, &p->selectors, &p->shapes, &p->ties, &p->bytes};
    static const uint64_t most[] = {UINT32_MAX, 16, 999, 1140, 1u << 19};
    struct str value;
    struct str name = str_cut(str_c(text), '=', &value);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i]) && str_to_u64(value, most[i], places[i]))
            return;
    fprintf(stderr, "site_gen: what is %s?\n", text);
    exit(2);
}

int main(int argc, char **argv)
{
    struct plan p = {.seed = 1, .selectors = 1, .shapes = 1};
    if (argc < 3 || !str_to_u64(str_c(argv[2]), 10000000, &p.groups)) {
        fprintf(stderr, "usage: site_gen DATA GROUPS [OPTION=N]...\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        read_option(&p, argv[i]);
    p.selectors += p.selectors == 0;
    p.shapes += p.shapes == 0;
    mkdir(argv[1], 0700);
    char path[4096];
    snprintf(path, sizeof path, "%s/vesta.db", argv[1]);
    struct store_options o = {.path = path};
    struct store *s;
    struct err e = ERR_INIT;
    if (store_open(&o, &s, &e))
        fail(&e);
    write_site(s, &p);
    store_close(s);
    return 0;
}
