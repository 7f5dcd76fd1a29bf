#include <stdio.h>

#include "ignition/ignition.h"
#include "value/value.h"

bool ignition_is_raw(struct str name)
{
    return str_ends(name, STR(".ign")) || str_ends(name, STR(".ignition"));
}

/* "3.4.0", or with a "-experimental" behind it, which no stable Ignition accepts. */
static bool parse_version(struct str s, struct ignition_version *ret)
{
    struct str rest = s;
    uint64_t part[3];
    for (int i = 0; i < 3; i++)
        if (!str_to_u64(str_cut(rest, '.', &rest), 9999, &part[i]))
            return false;
    if (rest.p)
        return false;
    *ret = (struct ignition_version){(unsigned)part[0], (unsigned)part[1], (unsigned)part[2]};
    return true;
}

static err_code at_pointer(struct err *e, err_code code, const char *pointer, const char *message)
{
    err_set(e, code, "%s", message);
    if (e)
        snprintf(e->pointer, sizeof e->pointer, "%s", pointer);
    return code;
}

err_code ignition_check(struct str text, struct arena *a, struct ignition_version *ret,
                        struct err *e)
{
    struct value config;
    err_code c = value_from_json(a, text, &config, e);
    if (c)
        return c;
    if (config.kind != VALUE_MAP)
        return at_pointer(e, ERR_INVALID, "", "an Ignition config must be a JSON object");
    const struct value *section = value_get(&config, STR("ignition"));
    if (!section || section->kind != VALUE_MAP)
        return at_pointer(e, ERR_INVALID, "/ignition",
                          "an Ignition config needs {\"ignition\": {\"version\": \"3.4.0\"}}");
    const struct value *version = value_get(section, STR("version"));
    if (!version || version->kind != VALUE_STRING)
        return at_pointer(
            e, ERR_INVALID, "/ignition/version",
            "the config says no version, so no Ignition would take it; write one such "
            "as \"3.4.0\"");
    struct ignition_version v;
    if (!parse_version(value_as_str(*version), &v))
        return at_pointer(e, ERR_INVALID, "/ignition/version",
                          "the version must be three numbers such as \"3.4.0\"");
    bool known = v.major == 2 || (v.major == 3 && v.minor <= IGNITION_MINOR_MAX && v.patch == 0);
    if (!known)
        return at_pointer(e, ERR_UNSUPPORTED, "/ignition/version",
                          "this version of the specification is not known; 2.x and 3.0.0 to 3.6.0 "
                          "are");
    *ret = v;
    return ERR_OK;
}
