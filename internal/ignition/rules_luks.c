/* Encrypted volumes and what opens them. */
#include "ignition/jnode.h"
#include "ignition/path.h"
#include "ignition/rules.h"
#include "ignition/url.h"

static bool clevis_present(const struct record *clevis)
{
    return record_text(record_sub(clevis, "custom"), "pin").n || record_list(clevis, "tang")->n ||
           record_truth(clevis, "tpm2") || record_number(clevis, "threshold") != 0;
}

static void check_clevis(struct rules *r, const struct record *x)
{
    const struct record *clevis = record_sub(x, "clevis"), *custom = record_sub(clevis, "custom");
    bool others = record_list(clevis, "tang")->n || record_truth(clevis, "tpm2") ||
                  record_number(clevis, "threshold") != 0;
    bool own = r->minor == 2 ? custom != NULL : record_text(custom, "pin").n > 0;
    if (own && others)
        rules_error(r, rules_at(r, x, "clevis"),
                    "a custom clevis config excludes tpm2, tang and threshold");
}

static void check_cex(struct rules *r, const struct record *x)
{
    if (!record_truth(record_sub(x, "cex"), "enabled"))
        return;
    if (clevis_present(record_sub(x, "clevis")))
        rules_error(r, rules_at(r, x, "cex"), "cex and clevis exclude each other");
    if (record_text(record_sub(x, "keyFile"), "source").n)
        rules_error(r, rules_at(r, x, "cex"), "cex and a key file exclude each other");
}

void rule_luks(struct rules *r, const struct record *x)
{
    struct str name = record_text(x, "name"), device = record_text(x, "device");
    if (str_find_byte(name, '/', 0) < name.n)
        rules_error(r, rules_at(r, x, "name"), "the name of a volume cannot have a slash");
    if (record_text(x, "label").n > 47)
        rules_error(r, rules_at(r, x, "label"), "the label of a volume has at most 47 bytes");
    rules_error_if(r, x, "device", device.n ? path_check(device) : "a volume needs a device");
    check_clevis(r, x);
    struct str key = record_text(record_sub(x, "keyFile"), "source");
    const char *wrong = key.n ? url_check_source(key, r->minor) : NULL;
    /* Ignition's reports call the key file "keys" here, and the volume is where they point to. */
    if (wrong)
        rules_error(r, place_field(r->a, x->place, STR("keys"), x->place->line, x->place->column),
                    "the source of the key file: %s", wrong);
    if (r->minor >= 5)
        check_cex(r, x);
}

void rule_clevis_custom(struct rules *r, const struct record *x)
{
    struct str pin = record_text(x, "pin"), config = record_text(x, "config");
    bool network = r->minor >= 3 && record_truth(x, "needsNetwork");
    if (pin.n == 0 && config.n == 0 && !network)
        return;
    bool known = str_is(pin, "tpm2") || str_is(pin, "tang") || str_is(pin, "sss");
    if (pin.n == 0)
        rules_error(r, rules_at(r, x, "pin"), "a custom clevis config needs a pin");
    else if (!known && r->minor < 6)
        rules_error(r, rules_at(r, x, "pin"), "the pin must be tpm2, tang or sss");
    if (config.n == 0)
        rules_error(r, rules_at(r, x, "config"), "a custom clevis config needs a config");
}

void rule_tang(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "url", url_check_http(record_text(x, "url")));
    if (record_text(x, "thumbprint").n == 0)
        rules_error(r, rules_at(r, x, "thumbprint"), "a Tang server needs a thumbprint");
    struct str advertisement = record_text(x, "advertisement");
    const struct jnode *root;
    struct err e;
    if (advertisement.n && jnode_read(r->a, advertisement, &root, &e))
        rules_error(r, rules_at(r, x, "advertisement"), "the advertisement is not valid JSON: %s",
                    e.msg);
}
