#include <criterion/criterion.h>

#include "render/render.h"

/* A group and a profile from JSON, and a request; all in one arena. */
struct scene {
    struct arena arena;
    struct render_builtins builtins;
    struct value group, boot, request;
};

static void set(struct scene *s, const char *group, const char *profile, const char *raw_query,
                struct label *labels, uint32_t n)
{
    arena_init(&s->arena, 64u << 20);
    struct findings f;
    findings_init(&f, &s->arena);
    struct model_group *g;
    struct model_profile *p;
    struct err e = ERR_INIT;
    cr_assert_eq(model_group_read(&s->arena, STR("g"), str_c(group), MODEL_IMPORT, &f, &g, &e),
                 ERR_OK, "%s", e.msg);
    cr_assert_eq(model_profile_read(&s->arena, STR("p"), str_c(profile), MODEL_IMPORT, &f, &p, &e),
                 ERR_OK, "%s", e.msg);
    struct labels l = {.v = labels, .n = model_labels_sort(labels, n)};
    cr_assert_eq(render_group_data(&s->arena, g, &s->group, &e), ERR_OK);
    const struct render_client nobody = {.base = {NULL, 0}};
    cr_assert_eq(render_boot_data(&s->arena, p, RENDER_IPXE, &nobody, &s->boot, &e), ERR_OK);
    cr_assert_eq(render_request_data(&s->arena, &l, str_c(raw_query), &s->request, &e), ERR_OK);
    cr_assert_eq(render_builtins_make(&s->builtins, &e), ERR_OK, "%s", e.msg);
}

static void unset(struct scene *s)
{
    render_builtins_free(&s->builtins);
    arena_free(&s->arena);
}

static err_code run(struct scene *s, enum render_document d, const struct render_template *t,
                    struct buf *out, struct err *e)
{
    struct render_input in = {.document = d,
                              .tmpl = t,
                              .group = &s->group,
                              .boot = &s->boot,
                              .request = &s->request,
                              .trust_request = false};
    buf_clear(out);
    return render(&in, &s->arena, out, e);
}

static err_code run_source(struct scene *s, enum render_document d, const char *name,
                           const char *source, struct buf *out, struct err *e)
{
    struct render_template *t = NULL;
    err_code c = render_template_make(render_kind(d), str_c(name), str_c(source), &t, e);
    if (!c)
        c = run(s, d, t, out, e);
    render_template_free(t);
    return c;
}

Test(render, boot_scripts_are_matchboxs_to_the_byte)
{
    struct scene s;
    set(&s, "{\"profile\":\"p\"}",
        "{\"boot\":{\"kernel\":\"/k\",\"initrd\":[\"/x\",\"/"
        "y\"],\"args\":[\"a\",\"\",\"b=${uuid}\"]}}",
        "", NULL, 0);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    cr_assert_eq(run(&s, RENDER_IPXE, s.builtins.ipxe, &out, &e), ERR_OK, "%s", e.msg);
    cr_expect_str_eq(buf_c(&out), "#!ipxe\nkernel /k a  b=${uuid}\ninitrd /x\ninitrd /y\nboot\n");
    cr_assert_eq(run(&s, RENDER_GRUB, s.builtins.grub_matchbox, &out, &e), ERR_OK, "%s", e.msg);
    cr_expect_str_eq(
        buf_c(&out),
        "default=0\nfallback=1\ntimeout=1\nmenuentry \"CoreOS (EFI)\" {\n"
        "echo \"Loading kernel\"\nlinuxefi \"/k\" a  b=${uuid}\n"
        "echo \"Loading initrd\"\ninitrdefi  \"/x\" \"/y\"\n}\n"
        "menuentry \"CoreOS (BIOS)\" {\necho \"Loading kernel\"\n"
        "linux \"/k\" a  b=${uuid}\necho \"Loading initrd\"\ninitrd  \"/x\" \"/y\"\n}\n");
    unset(&s);
    set(&s, "{\"profile\":\"p\"}", "{\"boot\":{}}", "", NULL, 0);
    cr_assert_eq(run(&s, RENDER_IPXE, s.builtins.ipxe, &out, &e), ERR_OK, "%s", e.msg);
    cr_expect_str_eq(buf_c(&out), "#!ipxe\nkernel \nboot\n");
    unset(&s);
}

Test(render, selectors_overwrite_metadata_and_request_overwrites_all)
{
    struct scene s;
    struct label l[] = {{STR_INIT("Env"), STR_INIT("sel")}};
    set(&s,
        "{\"profile\":\"p\",\"selector\":{\"Env\":\"sel\"},"
        "\"metadata\":{\"env\":\"meta\",\"request\":{\"x\":1},\"n\":1000000}}",
        "{}", "Env=sel", l, 1);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    cr_assert_eq(run_source(&s, RENDER_GENERIC, "t",
                            "{{.env}} {{.n}} {{.request.raw_query}} {{.request.query.Env}}", &out,
                            &e),
                 ERR_OK, "%s", e.msg);
    cr_expect_str_eq(buf_c(&out), "sel 1e+06 Env=sel sel");
    unset(&s);
}

Test(render, a_missing_key_is_named_and_placed)
{
    struct scene s;
    set(&s, "{\"profile\":\"p\",\"metadata\":{\"secret\":\"hunter2\"}}", "{}", "", NULL, 0);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    cr_expect_eq(
        run_source(&s, RENDER_GENERIC, "a/b.tmpl", "one\n  {{.secret}}{{.absent}}", &out, &e),
        ERR_RENDER);
    cr_expect_eq(e.line, 2);
    cr_expect_str_eq(e.file, "a/b.tmpl");
    cr_expect_not_null(strstr(e.msg, "absent"), "%s", e.msg);
    cr_expect_null(strstr(e.msg, "hunter2"), "%s", e.msg);
    unset(&s);
}

Test(render, cloud_is_checked)
{
    struct scene s;
    set(&s, "{\"profile\":\"p\",\"metadata\":{\"h\":\"x: y: z\"}}", "{}", "", NULL, 0);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    cr_expect_eq(run_source(&s, RENDER_CLOUD, "c", "#cloud-config   \r\nhostname: a\r\n", &out, &e),
                 ERR_OK);
    cr_expect_eq(run_source(&s, RENDER_CLOUD, "c", "#!/bin/sh\n: not [yaml", &out, &e), ERR_OK);
    cr_expect_eq(run_source(&s, RENDER_CLOUD, "c", "", &out, &e), ERR_INVALID);
    cr_expect_eq(run_source(&s, RENDER_CLOUD, "c", "hostname: a\n", &out, &e), ERR_INVALID);
    cr_expect_eq(run_source(&s, RENDER_CLOUD, "c", "#cloud-config: 1\n", &out, &e), ERR_INVALID);
    cr_expect_eq(run_source(&s, RENDER_CLOUD, "c", "#cloud-config\nhostname: {{.h}}\n", &out, &e),
                 ERR_INVALID);
    cr_expect_eq(e.line, 2);
    cr_expect_str_eq(e.file, "c");
    unset(&s);
}

Test(render, nothing_that_is_no_ignition_config_is_one)
{
    struct render_template *t;
    struct err e = ERR_INIT;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"ignition\":{}}",
        "{\"ignition\":{\"version\":3}}",
        "{\"ignition\":{\"version\":\"3.9.0\"}}",
        "{\"ignition\":{\"version\":\"3.4.0-experimental\"}}",
        "{\"ignition\":{\"version\":\"1.0.0\"}}",
        "{\"ignition\":{\"version\":\"3.4.0\"}} x",
        "{\"ignition\":{\"version\":\"3.4.0\"},\"ignition\":{}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_neq(render_template_make(MODEL_IGNITION, STR("a.ign"), str_c(bad[i]), &t, &e),
                      ERR_OK, "%s", bad[i]);
        cr_expect_str_eq(e.file, "a.ign");
    }
    static const char *const good[] = {
        "{\"ignition\":{\"version\":\"3.0.0\"}}", " {\"ignition\":{\"version\":\"3.6.0\"}}\n",
        "{\"ignition\":{\"version\":\"2.2.0\"},\"x\":\"{{.role}}\"}"};
    struct scene s;
    set(&s, "{\"profile\":\"p\"}", "{}", "", NULL, 0);
    BUF_LOCAL(out, 1 << 20);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert_eq(run_source(&s, RENDER_IGNITION, "a.ignition", good[i], &out, &e), ERR_OK, "%s",
                     e.msg);
        cr_expect_str_eq(buf_c(&out), good[i], "the author's bytes");
    }
    unset(&s);
}

Test(render, butane_becomes_ignition)
{
    struct scene s;
    set(&s, "{\"profile\":\"p\",\"metadata\":{\"key\":\"ssh-ed25519 AAAA\",\"bad\":\"a: b: c\"}}",
        "{}", "", NULL, 0);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    cr_assert_eq(run_source(&s, RENDER_IGNITION, "a.yaml",
                            "variant: fcos\nversion: 1.4.0\npasswd:\n  users:\n  - name: core\n"
                            "    ssh_authorized_keys: [\"{{.key}}\"]\n",
                            &out, &e),
                 ERR_OK, "%s", e.msg);
    cr_expect_str_eq(buf_c(&out),
                     "{\"ignition\":{\"version\":\"3.3.0\"},\"passwd\":{\"users\":[{"
                     "\"name\":\"core\",\"sshAuthorizedKeys\":[\"ssh-ed25519 AAAA\"]}]}}");
    cr_expect_eq(run_source(&s, RENDER_IGNITION, "a.yaml",
                            "variant: fcos\nversion: 1.4.0\nx: {{.bad}}\n", &out, &e),
                 ERR_INVALID);
    cr_expect_eq(e.line, 3);
    cr_expect_str_eq(e.file, "a.yaml");
    cr_expect_eq(
        run_source(&s, RENDER_IGNITION, "a.yaml",
                   "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n  - path: relative\n", &out,
                   &e),
        ERR_INVALID);
    cr_expect_eq(e.line, 5, "%s", e.msg);
    cr_expect_eq(run_source(&s, RENDER_IGNITION, "a.yaml", "", &out, &e), ERR_INVALID);
    cr_expect_eq(run_source(&s, RENDER_IGNITION, "a.yaml", "variant: openshift\nversion: 4.14.0\n",
                            &out, &e),
                 ERR_UNSUPPORTED);
    unset(&s);
}

Test(render, metadata_is_sorted_and_one_line_a_value)
{
    struct scene s;
    struct label l[] = {{STR_INIT("a\nEVIL"), STR_INIT("x\ny\"\\")}};
    set(&s,
        "{\"profile\":\"p\",\"metadata\":{\"b-c\":true,\"A\":{\"n\":1.5,\"nul\":null,\"l\":[1],"
        "\"e\":{}},"
        "\"m\\u011bsto\":\"say \\\"hi\\\"\",\"t\":\"a\\tb\\u0001\"}}",
        "{}", "q", l, 1);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    struct render_input in = {
        .document = RENDER_METADATA, .group = &s.group, .request = &s.request};
    cr_assert_eq(render(&in, &s.arena, &out, &e), ERR_OK);
    cr_expect_str_eq(buf_c(&out), "A_N=1.5\nB-C=true\nM\xC4\x9ASTO=say \"hi\"\n"
                                  "REQUEST_QUERY_A\\nEVIL=\"x\\ny\\\"\\\\\"\nREQUEST_RAW_QUERY=q\n"
                                  "T=\"a\\tb\\001\"\n");
    unset(&s);
}

Test(render, a_script_of_nothing_is_an_error)
{
    struct scene s;
    set(&s, "{\"profile\":\"p\",\"metadata\":{\"off\":\"\"}}", "{\"boot\":{}}", "", NULL, 0);
    BUF_LOCAL(out, 1 << 20);
    struct err e = ERR_INIT;
    cr_expect_eq(run_source(&s, RENDER_IPXE, "x", "{{if .off}}#!ipxe{{end}} \n", &out, &e),
                 ERR_INVALID);
    cr_expect_eq(run_source(&s, RENDER_GRUB, "x", "", &out, &e), ERR_INVALID);
    cr_expect_eq(run_source(&s, RENDER_GENERIC, "x", "", &out, &e), ERR_OK, "as in matchbox");
    unset(&s);
}

Test(render, scope_follows_what_a_template_uses)
{
    static const struct {
        const char *source;
        enum render_scope scope;
    } cases[] = {
        {"plain", RENDER_PER_PROFILE},
        {"{{.role}}", RENDER_PER_GROUP},
        {"{{.request.raw_query}}", RENDER_PER_REQUEST},
        {"{{.}}", RENDER_PER_REQUEST},
        {"{{range $k, $v := .}}{{$k}}{{end}}", RENDER_PER_REQUEST},
        {"{{with .x}}{{$.request.query.mac}}{{end}}", RENDER_PER_REQUEST},
        {"{{define \"a\"}}{{.request}}{{end}}{{template \"a\" .}}", RENDER_PER_REQUEST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct render_template *t;
        struct err e = ERR_INIT;
        cr_assert_eq(render_template_make(MODEL_GENERIC, STR("t"), str_c(cases[i].source), &t, &e),
                     ERR_OK, "%s", e.msg);
        cr_expect_eq(render_scope(RENDER_GENERIC, t), cases[i].scope, "%s", cases[i].source);
        render_template_free(t);
    }
}
