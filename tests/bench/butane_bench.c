/* What translating Butane costs: a config of the size of a Kubernetes worker's, 20 units, 15 files.
 */
#include <stdio.h>
#include <time.h>

#include "ignition/butane.h"

#define ROUNDS 300

static void make_config(struct buf *b)
{
    buf_addf(b, "variant: fcos\nversion: 1.4.0\nsystemd:\n  units:\n");
    for (int i = 0; i < 20; i++) {
        buf_addf(b, "    - name: unit-%02d.service\n      enabled: true\n      contents: |\n", i);
        buf_addf(b, "        [Unit]\n        Description=Unit number %d\n", i);
        for (int k = 0; k < 6; k++)
            buf_addf(b, "        ExecStartPre=/usr/bin/mkdir -p /etc/kubernetes/directory-%d\n", k);
        buf_addf(b, "        [Install]\n        WantedBy=multi-user.target\n");
    }
    buf_addf(b, "storage:\n  files:\n");
    for (int i = 0; i < 15; i++) {
        buf_addf(
            b, "    - path: /etc/file-%02d\n      mode: 0644\n      contents:\n        inline: |\n",
            i);
        for (int k = 0; k < 4; k++)
            buf_addf(b, "          setting-%d = a value of some length for file %d\n", k, i);
    }
    buf_addf(
        b, "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n");
}

int main(void)
{
    BUF_LOCAL(text, 1u << 20);
    make_config(&text);
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (int i = 0; i < ROUNDS; i++) {
        ARENA_LOCAL(a, (size_t)64 << 20);
        BUF_LOCAL(out, 1u << 22);
        struct findings f;
        struct ignition_version v;
        struct err e = ERR_INIT;
        findings_init(&f, &a);
        if (butane_translate(buf_str(&text), NULL, &a, &f, &out, &v, &e) != ERR_OK) {
            fprintf(stderr, "butane_bench: %s\n", e.msg);
            return 1;
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double us = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
    printf("Butane, %zu bytes, 20 units, 15 files: %.0f us of CPU a translation\n", text.n,
           us / ROUNDS);
    return 0;
}
