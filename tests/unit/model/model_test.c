#include <criterion/criterion.h>

#include "model/model.h"

static const char *mac(const char *in)
{
    static char dst[MODEL_MAC_TEXT + 1];
    dst[model_mac_normalise(str_c(in), dst)] = '\0';
    return dst;
}

Test(label, mac_in_every_spelling)
{
    static const char *const good[][2] = {
        {"52:54:00:AA:bb:01", "52:54:00:aa:bb:01"},
        {"52-54-00-AA-BB-01", "52:54:00:aa:bb:01"},
        {"5254.00AA.bb03", "52:54:00:aa:bb:03"},
        {"0200.5e10.0000.0001", "02:00:5e:10:00:00:00:01"},
        {"02-00-5e-10-00-00-00-01", "02:00:5e:10:00:00:00:01"},
        {"00-00-00-00-fe-80-00-00-00-00-00-00-02-00-5e-10-00-00-00-01",
         "00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01"},
        {"0000.0000.fe80.0000.0000.0000.0200.5e10.0000.0001",
         "00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_str_eq(mac(good[i][0]), good[i][1]);
    static const char *const bad[] = {
        "",
        "525400aabb01",
        "52:54-00:aa:bb:01",
        "2:4:0:a:b:1",
        "52:54:00:aa:bb:01:02",
        " 52:54:00:aa:bb:01",
        "52:54:00:aa:bb:01 ",
        "52:54:00:gg:bb:01",
        "52.54.00.aa.bb.01",
        "052:054:000:0aa:0bb:001",
        "52:54:00:aa:bb",
        "0x52:54:00:aa:bb:01",
        "5254.00AA-bb03",
        "52:54:00:aa:bb:0",
        "52:54:00:aa:bb:01:",
        "5254:00aa:bb01",
        "::::::::::::::",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_str_eq(mac(bad[i]), "", "%s", bad[i]);
}

Test(label, normalises_what_is_reserved)
{
    ARENA_LOCAL(a, 1 << 16);
    struct label l;
    cr_expect_eq(model_label_normalise(&a, STR("uuid"), STR("16E7D8A7"), &l), ERR_OK);
    cr_expect(str_is(l.value, "16e7d8a7"));
    cr_expect_eq(model_label_normalise(&a, STR("UUID"), STR("16E7"), &l), ERR_OK);
    cr_expect(str_is(l.value, "16E7"), "only the key uuid itself");
    cr_expect_eq(model_label_normalise(&a, STR("MAC"), STR("52-54-00-aa-bb-0F"), &l), ERR_OK);
    cr_expect(str_is(l.key, "MAC"));
    cr_expect(str_is(l.value, "52:54:00:aa:bb:0f"));
    cr_expect_eq(model_label_normalise(&a, STR("mac"), STR("zz"), &l), ERR_INVALID);
    ARENA_LOCAL(full, 0);
    cr_expect_eq(model_label_normalise(&full, STR("mac"), STR("52-54-00-aa-bb-0F"), &l), ERR_NOMEM);
}

Test(label, first_of_equal_keys_stays)
{
    struct label l[200];
    for (uint32_t i = 0; i < 200; i++)
        l[i] = (struct label){i % 2 ? STR("a") : STR("b"), i < 2 ? STR("first") : STR("later")};
    cr_expect_eq(model_labels_sort(l, 200), 2);
    cr_expect(str_is(l[0].key, "a"));
    cr_expect(str_is(l[0].value, "first"));
    cr_expect(str_is(l[1].value, "first"));
}

Test(name, follows_the_contract)
{
    cr_expect(model_id_valid(STR("a.b_c~d-E9")));
    static const char *const bad[] = {"", ".", "..", "a/b", "a b", "\xC5\xBE", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(model_id_valid(str_c(bad[i])), "%s", bad[i]);
    cr_expect(model_name_valid(STR("t/one.tmpl")));
    cr_expect(model_name_valid(STR("1/2/3/4/5/6/7/8")));
    cr_expect_not(model_name_valid(STR("1/2/3/4/5/6/7/8/9")));
    cr_expect_not(model_name_valid(STR("/a")));
    cr_expect_not(model_name_valid(STR("a/")));
    cr_expect_not(model_name_valid(STR("a//b")));
    cr_expect_not(model_name_valid(STR("a/../b")));
}

struct read {
    struct arena arena;
    struct findings findings;
    struct err err;
    struct model_group *group;
    struct model_profile *profile;
    err_code code;
};

static void read_group(struct read *r, const char *json, enum model_strictness s)
{
    arena_init(&r->arena, 1 << 20);
    findings_init(&r->findings, &r->arena);
    r->err = ERR_INIT;
    r->group = NULL;
    r->code =
        model_group_read(&r->arena, STR("g"), str_c(json), s, &r->findings, &r->group, &r->err);
}

static void read_profile(struct read *r, const char *json, enum model_strictness s)
{
    arena_init(&r->arena, 1 << 20);
    findings_init(&r->findings, &r->arena);
    r->err = ERR_INIT;
    r->profile = NULL;
    r->code =
        model_profile_read(&r->arena, STR("p"), str_c(json), s, &r->findings, &r->profile, &r->err);
}

Test(group, reads_and_writes)
{
    struct read r;
    read_group(&r,
               "{\"profile\":\"p\",\"selector\":{\"mac\":\"52-54-00-AA-BB-01\",\"os\":null},"
               "\"metadata\":{\"b\":2,\"a\":[1]},\"id\":\"g\"}",
               MODEL_STRICT);
    cr_assert_eq(r.code, ERR_OK, "%s", r.err.msg);
    BUF_LOCAL(b, 1 << 16);
    model_group_write(&b, r.group, 0);
    cr_expect_str_eq(buf_c(&b), "{\"id\":\"g\",\"metadata\":{\"a\":[1],\"b\":2},\"profile\":\"p\","
                                "\"selector\":{\"mac\":\"52:54:00:aa:bb:01\",\"os\":\"\"}}");
    arena_free(&r.arena);
}

Test(group, says_all_that_is_wrong)
{
    struct read r;
    read_group(&r,
               "{\"id\":\"other\",\"Profile\":\"p\",\"selector\":{\"mac\":\"nope\",\"n\":5},"
               "\"metadata\":[1],\"extra\":1}",
               MODEL_STRICT);
    cr_expect_eq(r.code, ERR_INVALID);
    static const char *const pointers[] = {"/id",           "/Profile",    "/extra",  "/metadata",
                                           "/selector/mac", "/selector/n", "/profile"};
    cr_expect_eq(r.findings.errors, 7);
    for (size_t i = 0; i < 7; i++) {
        bool found = false;
        for (const struct finding *f = r.findings.first; f; f = f->next)
            found = found || str_is(f->pointer, pointers[i]);
        cr_expect(found, "%s", pointers[i]);
    }
    arena_free(&r.arena);
}

Test(group, import_is_lenient_where_matchbox_is)
{
    struct read r;
    read_group(&r, "{\"id\":\"other\",\"extra\":1,\"profile\":\"nested/inner\"}", MODEL_IMPORT);
    cr_expect_eq(r.code, ERR_OK, "%s", r.err.msg);
    cr_expect_eq(r.findings.warnings, 3);
    cr_expect(str_is(r.group->id, "g"));
    arena_free(&r.arena);
    read_group(&r, "{\"PROFILE\":\"p\"}", MODEL_IMPORT);
    cr_expect_eq(r.code, ERR_INVALID, "a key in the wrong case is broken");
    arena_free(&r.arena);
    read_group(&r, "{\"profile\":5}", MODEL_IMPORT);
    cr_expect_eq(r.code, ERR_INVALID);
    arena_free(&r.arena);
    read_group(&r, "{\"a\":1,\n \"a\":2}", MODEL_IMPORT);
    cr_expect_eq(r.code, ERR_INVALID);
    cr_expect_eq(r.findings.first->line, 2);
    arena_free(&r.arena);
}

Test(profile, reads_and_writes)
{
    struct read r;
    const char *json = "{\"boot\":{\"args\":[\"a\",\"\"],\"initrd\":[\"i\"],\"kernel\":\"k\"},"
                       "\"generic_id\":\"t/x.tmpl\",\"id\":\"p\",\"name\":\"n\"}";
    read_profile(&r, json, MODEL_STRICT);
    cr_assert_eq(r.code, ERR_OK, "%s", r.err.msg);
    BUF_LOCAL(b, 1 << 16);
    model_profile_write(&b, r.profile, 0);
    cr_expect_str_eq(buf_c(&b), json);
    arena_free(&r.arena);
    read_profile(&r, "{\"id\":\"p\",\"boot\":{}}", MODEL_STRICT);
    cr_expect(r.profile->has_boot);
    buf_clear(&b);
    model_profile_write(&b, r.profile, 0);
    cr_expect_str_eq(buf_c(&b), "{\"boot\":{},\"id\":\"p\"}");
    arena_free(&r.arena);
    read_profile(&r, "{\"boot\":{\"args\":\"a b\"},\"genericId\":\"x\",\"cloud_id\":\"../x\"}",
                 MODEL_STRICT);
    cr_expect_eq(r.code, ERR_INVALID);
    cr_expect_eq(r.findings.errors, 3);
    arena_free(&r.arena);
}

Test(profile, import_cleans_names)
{
    struct read r;
    read_profile(
        &r, "{\"generic_id\":\"/base.tmpl\",\"cloud_id\":\"//a/./b\",\"ignition_id\":\"../x\"}",
        MODEL_IMPORT);
    cr_assert_eq(r.code, ERR_OK, "%s", r.err.msg);
    cr_expect(str_is(r.profile->refs[MODEL_GENERIC], "base.tmpl"));
    cr_expect(str_is(r.profile->refs[MODEL_CLOUD], "a/b"));
    cr_expect_not(model_name_valid(r.profile->refs[MODEL_IGNITION]), "dangles for ever");
    arena_free(&r.arena);
}

Test(kind, any_number_has_a_name)
{
    cr_expect_str_eq(model_kind_name(MODEL_FILES), "files");
    cr_expect_str_eq(model_kind_name((enum model_kind)999), "unknown");
    cr_expect_str_eq(model_kind_name((enum model_kind)MODEL_KINDS), "unknown");
}

/* What the scan takes is what the reader reads. */
static bool scans_as_read(const char *text)
{
    struct label room[MODEL_SELECTORS];
    struct model_group g;
    struct str metadata;
    if (!model_group_scan(str_c(text), room, &g, &metadata))
        return false;
    struct read r;
    struct value v = {.kind = VALUE_MAP};
    read_group(&r, text, MODEL_IMPORT);
    cr_assert_eq(r.code, ERR_OK, "%s: %s", text, r.err.msg);
    cr_expect(str_eq(g.profile, r.group->profile), "%s", text);
    cr_assert_eq(g.selector.n, r.group->selector.n, "%s", text);
    for (uint32_t i = 0; i < g.selector.n; i++) {
        cr_expect(str_eq(g.selector.v[i].key, r.group->selector.v[i].key), "%s", text);
        cr_expect(str_eq(g.selector.v[i].value, r.group->selector.v[i].value), "%s", text);
    }
    if (metadata.p)
        cr_assert_eq(value_from_json(&r.arena, metadata, &v, NULL), ERR_OK, "%s", text);
    cr_expect(value_equal(&v, &r.group->metadata), "%s", text);
    arena_free(&r.arena);
    return true;
}

Test(scan, reads_what_is_stored_as_the_reader_does)
{
    cr_expect(scans_as_read("{\"id\":\"g\",\"metadata\":{\"a\":[1,{\"b\":\"\\n\"}]},\"name\":\"n\","
                            "\"profile\":\"p\",\"selector\":{\"a\":\"\",\"mac\":"
                            "\"52:54:00:00:00:01\",\"uuid\":\"ab-c\"}}"));
    cr_expect(scans_as_read("{\"id\":\"g\"}"));
    cr_expect(scans_as_read("{\"id\":\"g\",\"profile\":\"p\"}"));
    static const char *const others[] = {
        "{\"id\":\"g\",\"selector\":{\"mac\":\"52-54-00-00-00-01\"}}",
        "{\"id\":\"g\",\"selector\":{\"MAC\":\"52:54:00:00:00:0A\"}}",
        "{\"id\":\"g\",\"selector\":{\"mac\":\"\"}}",
        "{\"id\":\"g\",\"selector\":{\"uuid\":\"AB\"}}",
        "{\"id\":\"g\",\"selector\":{\"a\":1}}",
        "{\"id\":\"g\",\"selector\":{\"a\":\"\\n\"}}",
        "{\"id\":\"g\",\"selector\":{}}",
        "{\"id\":\"g\",\"metadata\":null}",
        "{\"id\":\"g\",\"metadata\":[]}",
        "{\"id\":5}",
        "{\"extra\":1,\"id\":\"g\"}",
        "{\"id\":\"g\"} ",
        "{}",
        "",
        "[]",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_not(scans_as_read(others[i]), "%s", others[i]);
}

Test(model, junk_identifies_no_machine)
{
    static const struct {
        const char *key, *value;
        bool junk;
    } cases[] = {
        {"uuid", "00000000-0000-0000-0000-000000000000", true},
        {"uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff", true},
        {"uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", true},
        {"uuid", "03000200-0400-0500-0006-000700080009", true},
        {"uuid", "Not Settable", true},
        {"uuid", "03000200-0400-0500-0006-000700080008", false},
        {"uuid", "0", false},
        {"uuid", "", false},
        {"serial", "To Be Filled By O.E.M.", true},
        {"serial", " Default string  ", true},
        {"serial", "   ", true},
        {"serial", "0", true},
        {"serial", "........", true},
        {"serial", "", false},
        {"serial", "x", false},
        {"serial", "0001", false},
        {"serial", "SN-0042", false},
        {"hostname", "none", false},
        {"mac", "00:00:00:00:00:00", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(model_label_is_junk(str_c(cases[i].key), str_c(cases[i].value)), cases[i].junk,
                     "%s=%s", cases[i].key, cases[i].value);
}

Test(model, architectures_have_one_name)
{
    static const char *const cases[][2] = {
        {"x86_64", "x86_64"}, {"AMD64", "x86_64"}, {"7", "x86_64"},      {"00016", "x86_64"},
        {"0", "i386"},        {"i686", "i386"},    {"aarch64", "arm64"}, {"11", "arm64"},
        {"arm", "arm32"},     {"27", "riscv64"},   {"vax", NULL},        {"", NULL},
        {"99", NULL},         {"000007", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str known = model_arch_known(str_c(cases[i][0]));
        cr_expect_eq(known.p != NULL, cases[i][1] != NULL, "%s", cases[i][0]);
        cr_expect(!known.p || str_is(known, cases[i][1]), "%s", cases[i][0]);
    }
}
