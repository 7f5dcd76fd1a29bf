/*
 * The top-level keys of a cloud-config, and of the common ones the type. cloud-init ignores what it
 * does not know without a word, so a slip of the pen is worth a warning; never an error, since the
 * next cloud-init may know more. Source: schema-cloud-config-v1.json of cloud-init.
 */
#include "render/render.h"
#include "value/yaml.h"

enum wants {
    ANY = 0,
    LIST = 1,
    MAP = 2,
    TEXT = 4,
    TRUTH = 8,
};

static const struct {
    const char *key;
    unsigned wants;
} keys[] = {
    {"allow_public_ssh_keys", TRUTH},
    {"ansible", MAP},
    {"apk_repos", MAP},
    {"apt", MAP},
    {"apt_pipelining", ANY},
    {"apt_reboot_if_required", TRUTH},
    {"apt_update", TRUTH},
    {"apt_upgrade", TRUTH},
    {"authkey_hash", TEXT},
    {"autoinstall", MAP},
    {"bootcmd", LIST},
    {"byobu_by_default", TEXT},
    {"ca-certs", MAP},
    {"ca_certs", MAP},
    {"chef", MAP},
    {"chpasswd", MAP},
    {"cloud_config_modules", LIST},
    {"cloud_final_modules", LIST},
    {"cloud_init_modules", LIST},
    {"create_hostname_file", TRUTH},
    {"datasource", MAP},
    {"datasource_list", LIST},
    {"device_aliases", MAP},
    {"disable_ec2_metadata", TRUTH},
    {"disable_root", TRUTH},
    {"disable_root_opts", TEXT},
    {"disk_setup", MAP},
    {"drivers", MAP},
    {"fan", MAP},
    {"final_message", TEXT},
    {"fqdn", TEXT},
    {"fs_setup", LIST},
    {"groups", LIST | MAP | TEXT},
    {"growpart", MAP},
    {"grub-dpkg", MAP},
    {"grub_dpkg", MAP},
    {"hostname", TEXT},
    {"keyboard", MAP},
    {"landscape", MAP},
    {"launch-index", ANY},
    {"locale", TEXT | TRUTH},
    {"locale_configfile", TEXT},
    {"lxd", MAP},
    {"manage_etc_hosts", TRUTH | TEXT},
    {"manage_resolv_conf", TRUTH},
    {"mcollective", MAP},
    {"merge_how", ANY},
    {"merge_type", ANY},
    {"migrate", TRUTH},
    {"mount_default_fields", LIST},
    {"mounts", LIST},
    {"network", MAP},
    {"no_ssh_fingerprints", TRUTH},
    {"ntp", MAP},
    {"output", MAP},
    {"package_reboot_if_required", TRUTH},
    {"package_update", TRUTH},
    {"package_upgrade", TRUTH},
    {"packages", LIST},
    {"password", TEXT},
    {"phone_home", MAP},
    {"power_state", MAP},
    {"prefer_fqdn_over_hostname", TRUTH},
    {"preserve_hostname", TRUTH},
    {"puppet", MAP},
    {"random_seed", MAP},
    {"reporting", MAP},
    {"resize_rootfs", ANY},
    {"resolv_conf", MAP},
    {"rh_subscription", MAP},
    {"rpi", MAP},
    {"rsyslog", MAP},
    {"runcmd", LIST},
    {"salt_minion", MAP},
    {"snap", MAP},
    {"spacewalk", MAP},
    {"ssh", MAP},
    {"ssh_authorized_keys", LIST},
    {"ssh_deletekeys", TRUTH},
    {"ssh_fp_console_blacklist", LIST},
    {"ssh_genkeytypes", LIST},
    {"ssh_import_id", LIST},
    {"ssh_key_console_blacklist", LIST},
    {"ssh_keys", MAP},
    {"ssh_publish_hostkeys", MAP},
    {"ssh_pwauth", TRUTH | TEXT},
    {"ssh_quiet_keygen", TRUTH},
    {"swap", MAP},
    {"system_info", MAP},
    {"timezone", TEXT},
    {"ubuntu_advantage", MAP},
    {"ubuntu_pro", MAP},
    {"updates", MAP},
    {"user", ANY},
    {"users", LIST | MAP | TEXT},
    {"vendor_data", MAP},
    {"vendor_data2", MAP},
    {"wireguard", MAP},
    {"write_files", LIST},
    {"yum_repo_dir", TEXT},
    {"yum_repos", MAP},
    {"zypper", MAP},
};

static unsigned has(const struct yaml_node *x)
{
    bool truth;
    switch ((enum yaml_kind)x->kind) {
    case YAML_SEQUENCE: return LIST;
    case YAML_MAPPING: return MAP;
    case YAML_NULL: return LIST | MAP | TEXT | TRUTH;
    case YAML_BOOL: return TRUTH;
    default: return TEXT | (yaml_as_bool(x, &truth) ? (unsigned)TRUTH : 0);
    }
}

static const char *word(unsigned wants)
{
    return wants & LIST   ? "a list"
           : wants & MAP  ? "a mapping"
           : wants & TEXT ? "a text"
                          : "true or false";
}

static void check_key(const struct yaml_pair *p, struct findings *f)
{
    if (!yaml_is_scalar(p->key) || p->merge)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!str_is(p->key->text, keys[i].key))
            continue;
        if (keys[i].wants && !(has(p->value) & keys[i].wants))
            findings_add(f, FINDING_WARNING, NULL, p->value->line, p->value->column,
                         "%s should be %s: cloud-init will not take it as it is", keys[i].key,
                         word(keys[i].wants));
        return;
    }
    findings_add(f, FINDING_WARNING, NULL, p->key->line, p->key->column,
                 "\"%.*s\" is no key of a cloud-config that is known: cloud-init will ignore it",
                 STR_FMT(str_sub(p->key->text, 0, 80)));
}

void render_cloud_warnings(struct str text, struct arena *a, struct findings *f)
{
    struct yaml_document doc;
    if (!str_starts(text, STR("#cloud-config")) || str_starts(text, STR("#cloud-config-")) ||
        yaml_read(a, text, &doc, NULL) != ERR_OK)
        return;
    if (doc.root->kind != YAML_MAPPING && doc.root->kind != YAML_NULL)
        findings_add(f, FINDING_WARNING, NULL, doc.root->line, doc.root->column,
                     "a cloud-config should be a mapping of keys");
    for (uint32_t i = 0; doc.root->kind == YAML_MAPPING && i < doc.root->n; i++)
        check_key(&doc.root->pairs[i], f);
    if (doc.more)
        findings_add(f, FINDING_WARNING, NULL, 0, 0,
                     "only the first YAML document counts; there is another one");
}
