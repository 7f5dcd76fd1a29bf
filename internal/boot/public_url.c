#include "boot/boot.h"

static err_code wrong(struct err *e, struct str text, const char *why)
{
    return err_set(e, ERR_INVALID,
                   "the public URL \"%.*s\" %s: write it as http://boot.example.com:8080",
                   STR_FMT(text), why);
}

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7F || strchr("\"'<>\\^`{|},$;()@", c))
            return false;
    }
    return true;
}

err_code boot_public_url(struct arena *a, struct str text, struct str *ret, struct err *e)
{
    bool tls = str_starts(text, STR("https://"));
    if (!tls && !str_starts(text, STR("http://")))
        return wrong(e, text, "begins with neither http:// nor https://");
    if (text.n > 200 || !plain(text))
        return wrong(e, text, "is longer than 200 bytes or has characters that loaders trip over");
    if (str_find_byte(text, '?', 0) < text.n || str_find_byte(text, '#', 0) < text.n)
        return wrong(e, text, "has a query or a fragment");
    struct str path;
    struct str host = str_cut(str_skip(text, tls ? 8 : 7), '/', &path);
    if (!host.n || host.p[0] == ':')
        return wrong(e, text, "has no host");
    struct str url = text;
    while (str_ends(url, STR("/")))
        url.n--;
    return arena_str(a, url, ret) ? ERR_OK : err_set(e, ERR_NOMEM, "out of memory");
}
