#include "passphrase.h"

#include <sodium.h>
#include <stdlib.h>

#include "command.h"

err_code passphrase_read(const char *file, struct buf *dst, struct str *ret, struct err *e)
{
    const char *text = getenv("VESTA_PASSPHRASE");
    if (!text)
        text = getenv("MATCHBOX_PASSPHRASE");
    if (!file || !file[0]) {
        *ret = str_c(text);
        return ERR_OK;
    }
    err_code c = read_file(file, dst, e);
    if (c)
        return c;
    struct str rest, line = dst->n ? str_cut(buf_str(dst), '\n', &rest) : STR("");
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    *ret = line;
    return ERR_OK;
}

void passphrase_wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}
