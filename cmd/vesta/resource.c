#include "resource.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

const char *resource_collection(const char *word)
{
    static const char *const names[] = {"groups", "profiles", "templates"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strcmp(word, names[i]) == 0 ||
            (strlen(word) == n - 1 && strncmp(word, names[i], n - 1) == 0))
            return names[i];
    }
    return NULL;
}

int resource_unknown(const char *command, const char *word)
{
    fprintf(stderr, "vesta %s: \"%s\" is no type of resource: groups, profiles, templates\n",
            command, word);
    return EXIT_USAGE;
}

err_code resource_path(const char *collection, const char *name, struct buf *dst, struct err *e)
{
    struct str s = str_c(name), rest = s;
    bool ok = model_id_valid(s);
    if (strcmp(collection, "templates") == 0) {
        enum model_kind k;
        ok = model_kind_from_name(str_cut(s, '/', &rest), &k) && model_name_valid(rest);
        if (!ok)
            return err_set(e, ERR_INVALID, "a template is named KIND/NAME, such as cloud/web.yaml");
    }
    if (!ok)
        return err_set(e, ERR_INVALID, "\"%s\" cannot be the name of anything", name);
    buf_addf(dst, "/api/v1/%s/%s", collection, name);
    return dst->failed ? err_set(e, ERR_NOMEM, "out of memory") : ERR_OK;
}

const char *resource_content_type(const char *collection)
{
    return strcmp(collection, "templates") == 0 ? "application/octet-stream" : "application/json";
}
