/*
 * Bundles from bytes: whatever they are, reading must end soon, with entries that stand in the
 * text, sorted and found again, each of which reads or has a finding with a place.
 */
#include "base/always.h"
#include "service/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_places(const struct bundle *b, const struct findings *f)
{
    for (const struct finding *x = f->first; x; x = x->next) {
        always(x->message.n);
        always(x->file.n || (x->line > 0 && x->column > 0));
        always(x->file.n || (size_t)x->line <= b->text.n + 1);
    }
}

static void check_entry(const struct bundle *b, const struct bundle_entry *x)
{
    ARENA_LOCAL(a, 256 << 20);
    struct findings f;
    struct store_resource r;
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    always(x->text.p >= b->text.p && x->text.p + x->text.n <= b->text.p + b->text.n);
    always(bundle_find(b, &x->key) == x);
    if (bundle_resource(b, x, &a, &f, &r, &e))
        always(e.code && e.msg[0] && f.errors);
    else
        always(!f.errors && str_eq(r.key.name, x->key.name) && r.key.type == x->key.type);
    check_places(b, &f);
}

static void read_as(struct str text, bool lines)
{
    ARENA_LOCAL(a, 256 << 20);
    struct findings f;
    struct bundle b;
    findings_init(&f, &a);
    if (bundle_read(&b, text, lines, &f, NULL) == ERR_OK) {
        always(b.n == 0 || b.n <= text.n / 2);
        for (size_t i = 0; i < b.n; i++) {
            always(i == 0 || bundle_key_cmp(&b.v[i - 1].key, &b.v[i].key) < 0);
            check_entry(&b, &b.v[i]);
        }
    }
    check_places(&b, &f);
    bundle_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 20000)
        return 0;
    struct str text = str_of((const char *)bytes, size);
    read_as(text, false);
    read_as(text, true);
    return 0;
}
