/* Rules one by one: a part of a config, and where something is wrong with it. */
#include <criterion/criterion.h>

#include "ignition/ignition.h"

struct rule_case {
    unsigned minor;
    const char *body;  /* what follows the ignition section */
    const char *found; /* "error /pointer" and "warning /pointer", one after the other */
};

static void describe(struct buf *dst, const struct findings *f)
{
    for (const struct finding *x = f->first; x; x = x->next)
        buf_addf(dst, "%s%s %.*s", dst->n ? " " : "",
                 x->severity == FINDING_ERROR ? "error" : "warning", STR_FMT(x->pointer));
}

static void check_all(const struct rule_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ARENA_LOCAL(a, 16u << 20);
        BUF_LOCAL(text, 1 << 20);
        BUF_LOCAL(found, 1 << 16);
        struct findings f;
        struct ignition_version v;
        findings_init(&f, &a);
        buf_addf(&text, "{\"ignition\":{\"version\":\"3.%u.0\"},%s}", cases[i].minor,
                 cases[i].body);
        err_code c = ignition_validate(buf_str(&text), &a, &f, &v, NULL);
        describe(&found, &f);
        cr_expect_str_eq(buf_c(&found), cases[i].found, "%s in 3.%u: %s", cases[i].body,
                         cases[i].minor, buf_c(&found));
        cr_expect_eq(c == ERR_OK, f.errors == 0);
    }
}
#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof *(cases))

#define FILES(x)   "\"storage\":{\"files\":[" x "]}"
#define DISKS(x)   "\"storage\":{\"disks\":[" x "]}"
#define LUKS(x)    "\"storage\":{\"luks\":[" x "]}"
#define UNITS(x)   "\"systemd\":{\"units\":[" x "]}"
#define SOURCE(x)  FILES("{\"path\":\"/f\",\"contents\":{\"source\":\"" x "\"}}")
#define FILESYS(x) "\"storage\":{\"filesystems\":[{\"device\":\"/dev/a\"," x "}]}"

Test(rules, nodes)
{
    static const struct rule_case cases[] = {
        {4, FILES("{\"path\":\"/a\",\"mode\":420}"), ""},
        {4, FILES("{}"), "error /storage/files/0/path"},
        {4, FILES("{\"path\":null}"), "error /storage/files/0/path"},
        {4, FILES("{\"path\":\"a\"}"), "error /storage/files/0/path"},
        {4, FILES("{\"path\":\"/a/\"}"), "error /storage/files/0/path"},
        {4, FILES("{\"path\":\"/\"}"), ""},
        {4, FILES("{\"path\":\"/a/../b\"}"), "error /storage/files/0/path"},
        {4, FILES("{\"path\":\"/a\",\"mode\":4096}"), "error /storage/files/0/mode"},
        {5, FILES("{\"path\":\"/a\",\"mode\":2541}"), "warning /storage/files/0/mode"},
        {6, FILES("{\"path\":\"/a\",\"mode\":2541}"), ""},
        {5, FILES("{\"path\":\"/a\",\"mode\":-1}"),
         "error /storage/files/0/mode warning /storage/files/0/mode"},
        {4, FILES("{\"path\":\"/a\",\"overwrite\":true}"), "error /storage/files/0/overwrite"},
        {4, FILES("{\"path\":\"/a\",\"overwrite\":true,\"contents\":{\"source\":\"\"}}"), ""},
        {4, FILES("{\"path\":\"/a\",\"user\":{\"id\":1,\"name\":\"x\"}}"),
         "error /storage/files/0/user"},
        {4, FILES("{\"path\":\"/a\",\"group\":{\"id\":1,\"name\":\"\"}}"), ""},
        {4, "\"storage\":{\"files\":[{\"path\":\"/a\"}],\"directories\":[{\"path\":\"/a\"}]}",
         "error /storage/files/0"},
        {4,
         "\"storage\":{\"links\":[{\"path\":\"/l\",\"target\":\"/x\"}],"
         "\"files\":[{\"path\":\"/l/a\"},{\"path\":\"/la\"}]}",
         "error /storage/files/0"},
        {2, "\"storage\":{\"links\":[{\"path\":\"/l\"}]}", ""},
        {3, "\"storage\":{\"links\":[{\"path\":\"/l\"}]}", "error /storage/links/0/target"},
        {4,
         "\"storage\":{\"directories\":[{\"path\":\"/d\"}],"
         "\"links\":[{\"path\":\"/x/l\",\"hard\":true,\"target\":\"/y/../"
         "d\",\"user\":{\"id\":0}}]}",
         "error /storage/links/0 warning /storage/links/0/user/id"},
        {4,
         "\"storage\":{\"files\":[{\"path\":\"/etc/systemd/system/a.service\"},"
         "{\"path\":\"/etc/systemd/system/a.service.d/b.conf\"}]}," UNITS(
             "{\"name\":\"a.service\",\"contents\":\"[Unit]\","
             "\"dropins\":[{\"name\":\"b.conf\",\"contents\":\"[Unit]\"}]}"),
         "error /storage/files/0/path error /storage/files/1/path"},
        {4,
         "\"storage\":{\"files\":[{\"path\":\"/etc/systemd/system/a.service\"}]}," UNITS(
             "{\"name\":\"a.service\"}"),
         ""},
    };
    CHECK_ALL(cases);
}

Test(rules, what_is_fetched)
{
    static const struct rule_case cases[] = {
        {0, SOURCE("http://a/b"), ""},
        {1, SOURCE("gs://a/b"), "error /storage/files/0/contents/source"},
        {2, SOURCE("gs://a/b"), ""},
        {3, SOURCE("arn:aws:s3:::b/k"), "error /storage/files/0/contents/source"},
        {4, SOURCE("arn:aws:s3:::b/k"), ""},
        {4, SOURCE("arn:aws:s3:::b"), "error /storage/files/0/contents/source"},
        {4, SOURCE("arn:aws:sns:::b/k"), "error /storage/files/0/contents/source"},
        {4, SOURCE("arn:aws:s3:::accesspoint/b"), "error /storage/files/0/contents/source"},
        {4, SOURCE("s3://b/k?versionId="), "error /storage/files/0/contents/source"},
        {4, SOURCE("file:///x"), "error /storage/files/0/contents/source"},
        {4, FILES("{\"path\":\"/f\",\"contents\":{\"verification\":{\"hash\":\"md5-0\"}}}"),
         "error /storage/files/0/contents/verification/hash "
         "error /storage/files/0/contents/verification/hash"},
        {0,
         FILES("{\"path\":\"/f\",\"contents\":{\"source\":\"data:,\",\"verification\":{\"hash\":"
               "\"sha256-0123456789012345678901234567890123456789012345678901234567890123\"}}}"),
         "error /storage/files/0/contents/verification/hash"},
        {1,
         FILES("{\"path\":\"/f\",\"contents\":{\"source\":\"data:,\",\"verification\":{\"hash\":"
               "\"sha256-0123456789012345678901234567890123456789012345678901234567890123\"}}}"),
         ""},
        {4, FILES("{\"path\":\"/f\",\"contents\":{\"source\":\"data:,\",\"compression\":\"xz\"}}"),
         "error /storage/files/0/contents/compression"},
        {4,
         FILES("{\"path\":\"/f\",\"append\":[{\"source\":\"data:,\",\"httpHeaders\":"
               "[{\"name\":\"a\",\"value\":\"\"},{\"value\":null}]}]}"),
         "error /storage/files/0/append/0/httpHeaders "
         "error /storage/files/0/append/0/httpHeaders/0/value "
         "error /storage/files/0/append/0/httpHeaders/1/name"},
        {4, FILES("{\"path\":\"/f\",\"append\":[{\"source\":\"data:,\"},{\"source\":\"data:,\"}]}"),
         ""},
    };
    CHECK_ALL(cases);
}

Test(rules, disks)
{
    static const struct rule_case cases[] = {
        {4, DISKS("{}"), "error /storage/disks/0/device"},
        {4, DISKS("{\"device\":\"sda\"}"), "error /storage/disks/0/device"},
        {4, DISKS("{\"device\":\"/dev/a\",\"partitions\":[{\"number\":1},{\"number\":1}]}"),
         "error /storage/disks/0/partitions/1 error /storage/disks/0/partitions/1"},
        {4, DISKS("{\"device\":\"/dev/a\",\"partitions\":[{}]}"),
         "error /storage/disks/0/partitions/0"},
        {4,
         DISKS("{\"device\":\"/dev/a\",\"partitions\":["
               "{\"number\":1,\"startMiB\":10,\"sizeMiB\":10},"
               "{\"number\":2,\"startMiB\":20,\"sizeMiB\":0}]}"),
         ""},
        {4,
         DISKS("{\"device\":\"/dev/a\",\"partitions\":["
               "{\"number\":1,\"startMiB\":10,\"sizeMiB\":10},"
               "{\"number\":2,\"startMiB\":19,\"sizeMiB\":0}]}"),
         "error /storage/disks/0/partitions/1"},
        {4,
         DISKS("{\"device\":\"/dev/a\",\"partitions\":["
               "{\"number\":1,\"startMiB\":2,\"sizeMiB\":9223372036854775807},"
               "{\"number\":2,\"startMiB\":9223372036854775807,\"sizeMiB\":1}]}"),
         "error /storage/disks/0/partitions/1"},
        {4,
         DISKS("{\"device\":\"/dev/a\",\"partitions\":[{\"number\":1,\"shouldExist\":false},"
               "{\"label\":\"x\"}]}"),
         "error /storage/disks/0/partitions"},
        {4,
         DISKS("{\"device\":\"/dev/a\",\"partitions\":[{\"number\":1,\"shouldExist\":false,"
               "\"sizeMiB\":1}]}"),
         "error /storage/disks/0/partitions/0"},
        {4, DISKS("{\"device\":\"/dev/a\",\"partitions\":[{\"label\":\"a:b\",\"guid\":\"x\"}]}"),
         "error /storage/disks/0/partitions/0/label error /storage/disks/0/partitions/0/guid"},
        {4,
         "\"storage\":{\"raid\":[{\"name\":\"r\",\"level\":\"raid0\",\"spares\":1,"
         "\"devices\":[\"a\",\"/dev/b\",\"/dev/b\"],\"options\":[\"x\",\"x\"]}]}",
         "error /storage/raid/0/level error /storage/raid/0/devices/0 "
         "error /storage/raid/0/devices/2"},
        {4, "\"storage\":{\"raid\":[{\"name\":\"r\"}]}",
         "error /storage/raid/0/level error /storage/raid/0/devices"},
        {4, FILESYS("\"format\":\"xfs\",\"label\":\"1234567890123\""),
         "error /storage/filesystems/0/label"},
        {2, FILESYS("\"format\":\"none\""), "error /storage/filesystems/0/format"},
        {3, FILESYS("\"format\":\"none\""), ""},
        {4, FILESYS("\"label\":\"a\""),
         "error /storage/filesystems/0/format error /storage/filesystems/0/label"},
        {4,
         "\"storage\":{\"disks\":[{\"device\":\"/dev/a\",\"wipeTable\":true}],"
         "\"filesystems\":[{\"device\":\"/dev/a\",\"format\":\"xfs\"}]}",
         "warning /storage/filesystems/0/device"},
    };
    CHECK_ALL(cases);
}

Test(rules, luks)
{
    static const struct rule_case cases[] = {
        {1, LUKS("{}"), "warning /storage/luks"},
        {4, LUKS("{\"name\":\"a/b\"}"), "error /storage/luks/0/name error /storage/luks/0/device"},
        {2, LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"clevis\":{\"tpm2\":true,\"custom\":{}}}"),
         "error /storage/luks/0/clevis"},
        {3, LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"clevis\":{\"tpm2\":true,\"custom\":{}}}"),
         ""},
        {5, LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"clevis\":{\"custom\":{\"pin\":\"x\"}}}"),
         "error /storage/luks/0/clevis/custom/pin error /storage/luks/0/clevis/custom/config"},
        {6,
         LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"clevis\":{\"custom\":{\"pin\":\"x\","
              "\"config\":\"{}\"}}}"),
         ""},
        {4, LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"keyFile\":{\"source\":\"x\"}}"),
         "error /storage/luks/0/keys error /storage/luks/0/keyFile/source"},
        {4,
         LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"clevis\":{\"tang\":[{\"url\":\"http://a\","
              "\"thumbprint\":\"t\",\"advertisement\":\"{\"}]}}"),
         "error /storage/luks/0/clevis/tang/0/advertisement"},
        {5,
         LUKS("{\"name\":\"a\",\"device\":\"/dev/a\",\"cex\":{\"enabled\":true},"
              "\"keyFile\":{\"source\":\"data:,x\"},\"clevis\":{\"tpm2\":true}}"),
         "error /storage/luks/0/cex error /storage/luks/0/cex"},
    };
    CHECK_ALL(cases);
}

Test(rules, units)
{
    static const struct rule_case cases[] = {
        {4, UNITS("{\"name\":\"a.service\"}"), ""},
        {4, UNITS("{\"name\":\"a\"}"), "error /systemd/units/0/name"},
        {4, UNITS("{}"), "error /systemd/units/0/name"},
        {4, UNITS("{\"name\":\"a.service\",\"contents\":\"[Unit\"}"),
         "error /systemd/units/0/contents"},
        {4, UNITS("{\"name\":\"a.service\",\"enabled\":true,\"contents\":\"[Install]\\n\"}"),
         "warning /systemd/units/0/contents"},
        {4, UNITS("{\"name\":\"a.service\",\"enabled\":true,\"contents\":\"[Install]\\nA=\"}"), ""},
        {4,
         UNITS("{\"name\":\"a@b.service\",\"enabled\":true},"
               "{\"name\":\"a@.service\",\"contents\":\"[Unit]\"}"),
         "warning /systemd/units/0/contents"},
        {4, UNITS("{\"name\":\"a.service\",\"dropins\":[{\"name\":\"x\"},{\"name\":\"x\"}]}"),
         "error /systemd/units/0/dropins/1 error /systemd/units/0/dropins/0/name "
         "error /systemd/units/0/dropins/1/name"},
    };
    CHECK_ALL(cases);
}

Test(rules, keys)
{
    static const struct rule_case cases[] = {
        {3, "\"kernelArguments\":{\"shouldExist\":[\"a\"],\"shouldNotExist\":[\"b\",\"a\"]}",
         "error /kernelArguments/shouldNotExist/1"},
        {2, "\"kernelArguments\":{}", "warning /kernelArguments"},
        {4, "\"passwd\":{\"users\":[{\"name\":\"a\",\"groups\":[\"x\",\"x\"]},{\"name\":\"a\"}]}",
         "error /passwd/users/1 error /passwd/users/0/groups/1"},
        {4, "\"Passwd\":{\"Users\":[{\"x\":1,\"name\":\"a\"},{\"name\":\"a\"}]}",
         "error /passwd/users/1 warning /Passwd"},
        {4, "\"a/b~c\":1", "warning /a~1b~0c"},
    };
    CHECK_ALL(cases);
}
