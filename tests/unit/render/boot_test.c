/* A profile's boot settings as GRUB and PXELINUX need them. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "render/render.h"

#define BASE "http://192.0.2.1:8080"

/* What the list (or text) at key is for this profile, its items joined by " | "; or the error. */
static const char *boot_of(const char *profile, enum render_document d, const char *base,
                           const char *arch, const char *key)
{
    static char text[4096];
    ARENA_LOCAL(a, 1u << 20);
    BUF_LOCAL(out, sizeof text - 1);
    struct findings f;
    struct model_profile *p;
    struct value v;
    struct err e = ERR_INIT;
    const struct render_client client = {.base = str_c(base), .arch = str_c(arch)};
    findings_init(&f, &a);
    cr_assert_eq(model_profile_read(&a, STR("p"), str_c(profile), MODEL_STRICT, &f, &p, &e), ERR_OK,
                 "%s", e.msg);
    if (render_boot_data(&a, p, d, &client, &v, &e)) {
        snprintf(text, sizeof text, "error: %.500s", e.msg);
        return text;
    }
    const struct value *x = value_get(&v, str_c(key));
    cr_assert_not_null(x);
    if (x->kind == VALUE_STRING)
        buf_add_str(&out, value_as_str(*x));
    for (uint32_t i = 0; x->kind == VALUE_LIST && i < x->n; i++)
        buf_addf(&out, "%s%.*s", i ? " | " : "", STR_FMT(value_as_str(x->list[i])));
    snprintf(text, sizeof text, "%s", out.n ? buf_c(&out) : "");
    return text;
}

static void expect_argument(const char *json, const char *grub, const char *matchbox)
{
    char profile[600];
    snprintf(profile, sizeof profile, "{\"boot\":{\"kernel\":\"/k\",\"args\":[\"%s\"]}}", json);
    cr_expect_str_eq(boot_of(profile, RENDER_GRUB, BASE, NULL, "args"), grub, "%s", json);
    cr_expect_str_eq(boot_of(profile, RENDER_GRUB, NULL, NULL, "args"), matchbox, "%s", json);
}

Test(boot, arguments_are_one_word_for_grub)
{
    expect_argument("quiet", "quiet", "quiet");
    expect_argument("a;reboot", "'a;reboot'", "'a;reboot'");
    expect_argument("u=http://h/?a&b", "'u=http://h/?a&b'", "'u=http://h/?a&b'");
    expect_argument("a=b c", "'a=b c'", "'a=b c'");
    expect_argument("}", "'}'", "'}'");
    expect_argument("#x", "'#x'", "'#x'");
    expect_argument("m=$net_default_mac", "m=$net_default_mac", "m=$net_default_mac");
    expect_argument("m=${mac}&x", "\"m=${mac}&x\"", "m=${mac}&x");
    expect_argument("m=${mac:hexhyp}", "'m=${mac:hexhyp}'", "m=${mac:hexhyp}");
    expect_argument("m=$", "'m=$'", "m=$");
    expect_argument("m=${mac", "'m=${mac'", "m=${mac");
    expect_argument("q=\\\"v w\\\"", "q=\"v w\"", "q=\"v w\"");
    expect_argument("q=\\\"v", "'q=\"v'", "q=\"v");
    expect_argument("q='v;w'", "q='v;w'", "q='v;w'");
    expect_argument("it's", "'it'\\''s'", "it's");
    expect_argument("a\\\\", "'a\\'", "a\\");
    expect_argument("initrd=main", "", "initrd=main");
}

Test(boot, a_line_break_is_refused_where_lines_are_commands)
{
    static const char *const profiles[] = {
        "{\"boot\":{\"kernel\":\"/k\",\"args\":[\"a\\nreboot\"]}}",
        "{\"boot\":{\"kernel\":\"/k\\nLOCALBOOT 0\"}}",
        "{\"boot\":{\"kernel\":\"/k\",\"initrd\":[\"x\\ry\"]}}",
    };
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        const char *grub = boot_of(profiles[i], RENDER_GRUB, BASE, NULL, "args");
        cr_expect(strstr(grub, "error: ") == grub && !strstr(grub, "reboot"), "%s", grub);
        const char *pxelinux = boot_of(profiles[i], RENDER_PXELINUX, BASE, NULL, "args");
        cr_expect(strstr(pxelinux, "PXELINUX would take"), "%s", pxelinux);
    }
}

Test(boot, names_of_files_are_what_the_loader_can_load)
{
    static const char profile[] =
        "{\"name\":\"A\\nname\",\"boot\":{\"kernel\":\"/a b,\\\"\",\"initrd\":["
        "\"--name main --timeout 5 http://h:81/x?y=1 z\",\"http://h\",\"https://s/i\",\"(tftp)/i\","
        "\"rel\"]}}";
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, BASE, NULL, "kernel"), "/a b,\"");
    cr_expect_str_eq(boot_of(profile, RENDER_GRUB, NULL, NULL, "kernel"), "/a b,\"");
    cr_expect_str_eq(boot_of(profile, RENDER_PXELINUX, BASE, NULL, "kernel"), BASE "/a%20b%2C%22");
    cr_expect_str_eq(boot_of(profile, RENDER_GRUB, BASE, NULL, "kernel"),
                     "(http,192.0.2.1:8080)/a%20b%2C%22");
    cr_expect_str_eq(boot_of(profile, RENDER_GRUB, BASE, NULL, "initrd"),
                     "(http,h:81)/x?y=1 | (http,h)/ | https://s/i | (tftp)/i | rel");
    cr_expect_str_eq(boot_of(profile, RENDER_PXELINUX, BASE "/sub", NULL, "initrd"),
                     "http://h:81/x?y=1 | http://h | https://s/i | (tftp)/i | rel");
    cr_expect_str_eq(boot_of(profile, RENDER_GRUB, BASE, NULL, "title"), "A name");
    cr_expect_str_eq(boot_of("{\"boot\":{}}", RENDER_GRUB, BASE, NULL, "title"), "p");
}

Test(boot, an_architecture_replaces_what_it_names)
{
    static const char profile[] =
        "{\"boot\":{\"kernel\":\"/k\",\"initrd\":[\"/i\"],\"args\":[\"a\"],"
        "\"arch\":{\"amd64\":{\"kernel\":\"/x\",\"args\":[]},\"arm64\":{\"initrd\":[\"/j\"]}}}}";
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, NULL, "x86_64", "kernel"), "/x");
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, NULL, "x86_64", "args"), "");
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, NULL, "x86_64", "initrd"), "/i");
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, NULL, "arm64", "initrd"), "/j");
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, NULL, "arm64", "kernel"), "/k");
    cr_expect_str_eq(boot_of(profile, RENDER_IPXE, NULL, "riscv64", "kernel"), "/k");
}
