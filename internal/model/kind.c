#include "model/model.h"

static const struct {
    const char *name;
    const char *key;
} kinds[MODEL_KINDS] = {
    [MODEL_IGNITION] = {"ignition", "ignition_id"},
    [MODEL_CLOUD] = {"cloud", "cloud_id"},
    [MODEL_GENERIC] = {"generic", "generic_id"},
    [MODEL_IPXE] = {"ipxe", "ipxe_id"},
    [MODEL_GRUB] = {"grub", "grub_id"},
    [MODEL_PXELINUX] = {"pxelinux", "pxelinux_id"},
    [MODEL_META_DATA] = {"meta-data", "meta_data_id"},
    [MODEL_NETWORK_CONFIG] = {"network-config", "network_config_id"},
    [MODEL_VENDOR_DATA] = {"vendor-data", "vendor_data_id"},
    [MODEL_FILES] = {"files", NULL},
};

const char *model_kind_name(enum model_kind k)
{
    /* A damaged database can have any number as a kind. */
    return (unsigned)k < MODEL_KINDS ? kinds[k].name : "unknown";
}

const char *model_kind_key(enum model_kind k)
{
    return kinds[k].key;
}

bool model_kind_from_name(struct str name, enum model_kind *ret)
{
    for (int k = 0; k < MODEL_KINDS; k++) {
        if (str_is(name, kinds[k].name)) {
            *ret = (enum model_kind)k;
            return true;
        }
    }
    return false;
}

static bool id_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '~' || c == '-';
}

bool model_id_valid(struct str id)
{
    if (id.n == 0 || id.n > MODEL_ID_MAX || str_is(id, ".") || str_is(id, ".."))
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (!id_byte(id.p[i]))
            return false;
    return true;
}

bool model_name_valid(struct str name)
{
    int parts = 0;
    do {
        if (!model_id_valid(str_cut(name, '/', &name)))
            return false;
        parts++;
    } while (name.p);
    return parts <= MODEL_NAME_PARTS;
}
