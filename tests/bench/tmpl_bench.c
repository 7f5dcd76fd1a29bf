/*
 * How long a template takes: microseconds of CPU for each render of a 1 KiB cloud-config with ten
 * fields, a range over five items and two ifs, and how that grows with the items of the range.
 *
 *     tmpl_bench                  prints the times
 *     tmpl_bench renders N        renders N times and prints nothing, to count instructions
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/always.h"
#include "tmpl/tmpl.h"

#define ITEMS   5
#define RENDERS 200000
#define ROUNDS  5

static const char head[] = "#cloud-config\n"
                           "hostname: {{.hostname}}\n"
                           "fqdn: {{.hostname}}.{{.domain}}\n"
                           "timezone: {{.timezone}}\n"
                           "locale: en_US.UTF-8\n"
                           "{{if .proxy}}apt:\n"
                           "  http_proxy: {{.proxy}}\n"
                           "{{end}}users:\n"
                           "- name: {{.user}}\n"
                           "  gecos: Operator of the machines in rack {{.rack}}\n"
                           "  shell: /bin/bash\n"
                           "  sudo: ALL=(ALL) NOPASSWD:ALL\n"
                           "  lock_passwd: true\n"
                           "  ssh_authorized_keys:\n"
                           "{{range .keys}}  - ssh-ed25519 {{.}}\n"
                           "{{end}}write_files:\n"
                           "- path: /etc/systemd/network/10-uplink.network\n"
                           "  permissions: '0644'\n"
                           "  content: |\n"
                           "    [Match]\n"
                           "    Name={{.interface}}\n"
                           "    [Network]\n"
                           "    Address={{.address}}\n"
                           "    Gateway={{.gateway}}\n"
                           "{{if .dns}}    DNS={{.dns}}\n"
                           "{{end}}"
                           "runcmd:\n"
                           "- [systemctl, restart, systemd-networkd]\n"
                           "- [systemctl, enable, --now, node-agent.service]\n";

static const char fields[] =
    "{\"hostname\":\"node-17\",\"domain\":\"example.org\",\"timezone\":\"Etc/UTC\","
    "\"proxy\":\"http://proxy.example.org:3128\",\"user\":\"core\",\"rack\":\"r12\","
    "\"interface\":\"enp1s0\",\"address\":\"10.1.2.17/24\",\"gateway\":\"10.1.2.1\","
    "\"dns\":\"10.1.2.2\",\"keys\":[";

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The template, filled up with a comment to 1 KiB of output-neutral source. */
static struct tmpl *make_template(void)
{
    BUF_LOCAL(source, 4096);
    struct tmpl *t = NULL;
    buf_add_str(&source, str_c(head));
    buf_add_lit(&source, "# ");
    while (source.n < 1023)
        buf_add_byte(&source, '-');
    buf_add_byte(&source, '\n');
    always(tmpl_compile(STR("cloud"), buf_str(&source), &t, NULL) == ERR_OK);
    return t;
}

static void make_data(struct arena *a, int items, struct value *ret)
{
    BUF_LOCAL(json, 16u << 20);
    buf_add_str(&json, str_c(fields));
    for (int i = 0; i < items; i++)
        buf_addf(&json, "%s\"AAAAC3NzaC1lZDI1NTE5AAAAI%019d core@%d\"", i ? "," : "", i, i);
    buf_add_lit(&json, "]}");
    always(value_from_json(a, buf_str(&json), ret, NULL) == ERR_OK);
}

/* The output's length. The memory is that of a request: kept from one to the next. */
static size_t render_many(const struct tmpl *t, const struct value *data, long renders)
{
    size_t n = 0;
    struct tmpl_options options = {.context = TMPL_YAML};
    ARENA_LOCAL(a, 64u << 20);
    for (long i = 0; i < renders; i++) {
        struct buf out;
        arena_reset(&a);
        buf_in_arena(&out, &a, 8u << 20);
        always(tmpl_execute(t, data, &a, &options, &out, NULL) == ERR_OK);
        n = out.n;
    }
    return n;
}

/* Microseconds a render: the best of some rounds. */
static double measure(const struct tmpl *t, int items, long renders, size_t *bytes)
{
    ARENA_LOCAL(a, 64u << 20);
    struct value data;
    double best = 0;
    make_data(&a, items, &data);
    for (int round = 0; round < ROUNDS; round++) {
        double begin = cpu_seconds();
        *bytes = render_many(t, &data, renders);
        double us = (cpu_seconds() - begin) * 1e6 / (double)renders;
        best = round == 0 || us < best ? us : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    size_t bytes;
    struct tmpl *t = make_template();
    if (argc == 3 && strcmp(argv[1], "renders") == 0) {
        ARENA_LOCAL(a, 1u << 20);
        struct value data;
        make_data(&a, ITEMS, &data);
        render_many(t, &data, strtol(argv[2], NULL, 10));
        tmpl_free(t);
        return 0;
    }
    double us = measure(t, ITEMS, RENDERS, &bytes);
    printf("template: %.2f us a render of %zu bytes, %d items\n", us, bytes, ITEMS);
    for (int items = 1; items <= 10000; items *= 10) {
        us = measure(t, items, RENDERS / (items + 10), &bytes);
        printf("template: %5d items: %9.2f us, %.1f ns an item\n", items, us,
               us * 1000 / (double)items);
    }
    tmpl_free(t);
    return 0;
}
