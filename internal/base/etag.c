#include "base/etag.h"

bool etag_in_list(struct str list, const char *ours, bool strong)
{
    for (;;) {
        while (list.n && (list.p[0] == ' ' || list.p[0] == '\t' || list.p[0] == ','))
            list = str_skip(list, 1);
        if (list.n && list.p[0] == '*')
            return true;
        bool weak = str_starts(list, STR("W/"));
        struct str tag = weak ? str_skip(list, 2) : list;
        if (tag.n < 2 || tag.p[0] != '"')
            return false;
        size_t end = str_find_byte(tag, '"', 1);
        if (end == tag.n)
            return false;
        if (str_is(str_sub(tag, 0, end + 1), ours) && !(strong && weak))
            return true;
        list = str_skip(tag, end + 1);
    }
}
