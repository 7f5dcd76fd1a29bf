#include "boot/pxelinux.h"

#include "base/buf.h"
#include "base/enc.h"

#define FOLDER   "/pxelinux.cfg/"
#define TEXT_MAX (64u << 10)

bool pxelinux_is(struct str raw_path, struct str *ret_name)
{
    size_t at = str_find(raw_path, STR(FOLDER), 0);
    if (at == raw_path.n)
        return false;
    struct str name = str_skip(raw_path, at + sizeof FOLDER - 1);
    if (!name.n || str_find_byte(name, '/', 0) < name.n)
        return false;
    *ret_name = name;
    return true;
}

static bool all_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (enc_hex_digit(s.p[i]) < 0)
            return false;
    return true;
}

#define UUID_SIZE 36

static bool is_uuid(struct str s)
{
    if (s.n != UUID_SIZE)
        return false;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : enc_hex_digit(s.p[i]) < 0)
            return false;
    }
    return true;
}

/* "33221100-5544-7766-8899-..." for "00112233-4455-6677-8899-...", and the other way round. */
static void add_swapped(struct buf *dst, struct str uuid)
{
    static const uint8_t order[] = {6, 7, 4, 5, 2, 3, 0, 1, 8, 11, 12, 9, 10, 13, 16, 17, 14, 15};
    for (size_t i = 0; i < sizeof order; i++)
        buf_add_byte(dst, uuid.p[order[i]]);
    buf_add_str(dst, str_skip(uuid, sizeof order));
}

/* "01-52-54-00-a1-b2-c3": the type of the hardware and its address. */
static bool is_mac(struct str s)
{
    if (s.n < 20 || s.p[2] != '-' || !all_hex(str_sub(s, 0, 2)))
        return false;
    for (size_t i = 3; i < s.n; i++)
        if (i % 3 == 2 ? s.p[i] != '-' : enc_hex_digit(s.p[i]) < 0)
            return false;
    return s.n % 3 == 2;
}

static void add_dotted(struct buf *dst, struct str hex)
{
    for (size_t i = 0; i < 8; i += 2)
        buf_addf(dst, "%s%d", i ? "." : "",
                 enc_hex_digit(hex.p[i]) * 16 + enc_hex_digit(hex.p[i + 1]));
}

static void add_upper(struct buf *dst, struct str hex)
{
    for (size_t i = 0; i < hex.n; i++)
        buf_add_byte(dst, (char)(hex.p[i] >= 'a' ? hex.p[i] - 32 : hex.p[i]));
}

/* The values of the label; second stays empty when there is one only. False for other names. */
static bool read_name(struct str name, struct str *ret_key, struct buf *first, struct buf *second)
{
    if (is_uuid(name)) {
        *ret_key = STR("uuid");
        add_swapped(first, name);
        buf_add_str(second, name);
    } else if (is_mac(name)) {
        *ret_key = STR("mac");
        buf_add_str(first, str_skip(name, 3));
    } else if (name.n <= 8 && all_hex(name)) {
        *ret_key = STR("ip");
        if (name.n == 8)
            add_dotted(first, name);
        add_upper(name.n == 8 ? second : first, name);
    } else {
        return str_is(name, "default");
    }
    return true;
}

static err_code add_query(struct arena *a, struct str key, const struct buf *value,
                          struct str raw_query, struct str *ret, struct err *e)
{
    struct buf b;
    buf_in_arena(&b, a, TEXT_MAX);
    if (key.p) {
        buf_add_str(&b, key);
        buf_add_byte(&b, '=');
        buf_add_str(&b, buf_str(value));
    }
    if (key.p && raw_query.n)
        buf_add_byte(&b, '&');
    buf_add_str(&b, raw_query);
    if (b.failed || value->failed)
        return err_set(e, ERR_NOMEM, "out of memory while reading the path");
    *ret = b.n ? buf_str(&b) : STR("");
    return ERR_OK;
}

err_code pxelinux_read(struct arena *a, struct str name, struct str raw_query,
                       struct pxelinux_ask *ret, struct err *e)
{
    struct pxelinux_ask out = {.selects = {NULL, 0}};
    struct buf first, second;
    buf_in_arena(&first, a, 256);
    buf_in_arena(&second, a, 256);
    if (!read_name(name, &out.selects, &first, &second))
        return err_set(e, ERR_NOT_FOUND,
                       "PXELINUX asks for a UUID, 01- and a MAC address, an IPv4 address in "
                       "hexadecimal, or default");
    err_code c = add_query(a, out.selects, &first, raw_query, &out.raw_query, e);
    if (!c && second.n)
        c = add_query(a, out.selects, &second, raw_query, &out.otherwise, e);
    if (!c)
        *ret = out;
    return c;
}
