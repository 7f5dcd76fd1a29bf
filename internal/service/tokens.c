/*
 * Tokens: "vesta_" and 192 random bits in base64url. The database has the SHA-256 of the text; what
 * is that random needs no slow hash.
 */
#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/always.h"
#include "service/parts.h"
#include "service/secret_file.h"

static uint64_t now(void)
{
    time_t t = time(NULL);
    return t < 0 ? 0 : (uint64_t)t;
}

static bool valid_at(const struct store_token *t, uint64_t at)
{
    return t->expires == 0 || t->expires > at;
}

void token_hash(struct str token, unsigned char ret[32])
{
    crypto_hash_sha256(ret, (const unsigned char *)(token.n ? token.p : ""), token.n);
}

void token_make_secret(char text[TOKEN_TEXT_MAX], unsigned char hash[32])
{
    unsigned char random[24];
    randombytes_buf(random, sizeof random);
    snprintf(text, TOKEN_TEXT_MAX, "vesta_");
    sodium_bin2base64(text + 6, TOKEN_TEXT_MAX - 6, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    token_hash(str_c(text), hash);
    sodium_memzero(random, sizeof random);
}

void service_token_text(char *dst, size_t size)
{
    unsigned char hash[32];
    always(size >= TOKEN_TEXT_MAX);
    token_make_secret(dst, hash);
}

/* --- who is it? ----------------------------------------------------------------------------------
 */

struct looking {
    unsigned char hash[32];
    uint64_t now;
    bool found;
    char id[64];
    struct service_identity who;
};

/*
 * Tokens are looked up by their hash: how long that takes tells at most how a hash begins, and from
 * a hash nobody gets to a token.
 */
static err_code take_token(void *arg, const struct store_token *t, struct err *e)
{
    (void)e;
    struct looking *l = arg;
    if (valid_at(t, l->now)) {
        l->found = true;
        l->who.role = t->role;
        snprintf(l->who.name, sizeof l->who.name, "%.*s", STR_FMT(t->name));
        snprintf(l->id, sizeof l->id, "%.*s", STR_FMT(t->id));
    }
    return ERR_OK;
}

err_code service_authenticate(struct service *s, struct str token, struct service_identity *ret,
                              struct err *e)
{
    struct looking l = {.now = now()};
    token_hash(token, l.hash);
    if (s->has_own_token && sodium_memcmp(l.hash, s->own_token, sizeof l.hash) == 0) {
        *ret = (struct service_identity){.name = "cli", .role = STORE_ROLE_ADMIN};
        return ERR_OK;
    }
    err_code c = store_tokens_of_hash(s->store, l.hash, take_token, &l, e);
    if (c)
        return c;
    if (!l.found)
        return err_set(e, ERR_DENIED, "no token is this one, or it has expired");
    if (s->uses)
        token_uses_note(s->uses, str_c(l.id), l.now);
    *ret = l.who;
    return ERR_OK;
}

/* --- making one ----------------------------------------------------------------------------------
 */

struct counting {
    struct str name, but_id;
    uint64_t now;
    size_t all, named, admins; /* admins: valid ones, but for but_id */
    bool is_admin;             /* but_id is a valid one of an admin */
};

static err_code count_token(void *arg, const struct store_token *t, struct err *e)
{
    (void)e;
    struct counting *c = arg;
    bool admin = t->role == STORE_ROLE_ADMIN && valid_at(t, c->now);
    bool excepted = c->but_id.n && str_eq(t->id, c->but_id);
    c->all++;
    c->named += str_eq(t->name, c->name);
    c->admins += admin && !excepted;
    c->is_admin |= admin && excepted;
    return ERR_OK;
}

err_code token_admin_exists(struct service *s, bool *ret, struct err *e)
{
    struct counting n = {.now = now()};
    err_code c = store_tokens(s->store, count_token, &n, e);
    if (!c)
        *ret = n.admins > 0;
    return c;
}

static err_code run_create(struct store_txn *t, void *arg, struct err *e)
{
    const struct store_token *token = arg;
    struct counting n = {.name = token->name, .now = token->created};
    err_code c = store_txn_tokens(t, count_token, &n, e);
    if (c)
        return c;
    if (n.named)
        return err_set(e, ERR_CONFLICT,
                       "there is a token \"%.*s\" already: the history names who wrote, so choose "
                       "another name, or delete that one first",
                       STR_FMT(token->name));
    if (n.all >= SERVICE_TOKENS_MAX)
        return err_set(e, ERR_CONFLICT, "there are %d tokens already: delete some first",
                       SERVICE_TOKENS_MAX);
    return store_txn_token_put(t, token, e);
}

err_code service_token_create(struct service *s, const struct service_new_token *in,
                              struct arena *a, struct service_created_token *ret, struct err *e)
{
    unsigned char random[8];
    char id[2 * sizeof random + 1], secret[TOKEN_TEXT_MAX];
    if (!model_id_valid(in->name))
        return err_set(e, ERR_INVALID,
                       "a token's name must be 1 to %d bytes of A-Z a-z 0-9 . _ ~ -", MODEL_ID_MAX);
    if (in->role < STORE_ROLE_READ || in->role > STORE_ROLE_ADMIN ||
        in->lifetime > SERVICE_TOKEN_LIFETIME_MAX)
        return err_set(e, ERR_INVALID, "not a role, or a lifetime of more than ten years");
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(id, sizeof id, random, sizeof random);
    struct service_created_token made = {.token = {.role = in->role, .created = now()}};
    made.token.expires = in->lifetime ? made.token.created + in->lifetime : 0;
    token_make_secret(secret, made.token.hash);
    bool copied = arena_str(a, str_c(id), &made.token.id) &&
                  arena_str(a, in->name, &made.token.name) &&
                  arena_str(a, str_c(secret), &made.secret);
    sodium_memzero(secret, sizeof secret);
    if (!copied)
        return err_set(e, ERR_NOMEM, "out of memory while making a token");
    err_code c = store_write(s->store, NULL, run_create, &made.token, NULL, e);
    if (!c)
        *ret = made;
    return c;
}

/* --- listing and revoking ------------------------------------------------------------------------
 */

struct listing {
    struct service *s;
    store_each_token *each;
    void *arg;
};

static err_code list_token(void *arg, const struct store_token *t, struct err *e)
{
    struct listing *l = arg;
    struct store_token copy = *t;
    uint64_t used = l->s->uses ? token_uses_get(l->s->uses, t->id) : 0;
    if (used > copy.used)
        copy.used = used;
    return l->each(l->arg, &copy, e);
}

err_code service_tokens(struct service *s, store_each_token *each, void *arg, struct err *e)
{
    struct listing l = {s, each, arg};
    return store_tokens(s->store, list_token, &l, e);
}

static err_code run_delete(struct store_txn *t, void *arg, struct err *e)
{
    const struct str *id = arg;
    struct counting n = {.but_id = *id, .now = now()};
    err_code c = store_txn_tokens(t, count_token, &n, e);
    if (c)
        return c;
    if (n.is_admin && n.admins == 0)
        return err_set(e, ERR_CONFLICT,
                       "it is the last token with the role admin, and without it nobody could "
                       "manage tokens: create another one first");
    return store_txn_token_delete(t, *id, e);
}

err_code service_token_delete(struct service *s, struct str id, struct err *e)
{
    return store_write(s->store, NULL, run_delete, &id, NULL, e);
}

/* --- the first token -----------------------------------------------------------------------------
 */

err_code tokens_bootstrap(struct service *s, struct err *e)
{
    bool found;
    char text[TOKEN_TEXT_MAX], path[SECRET_PATH_BYTES], line[TOKEN_TEXT_MAX + 1];
    err_code c = token_admin_exists(s, &found, e);
    if (c || found)
        return c;
    struct store_token t = {.id = STR("admin"),
                            .name = STR("admin"),
                            .role = STORE_ROLE_ADMIN,
                            .created = (uint64_t)time(NULL)};
    token_make_secret(text, t.hash);
    c = secret_path(s->data_path, SERVICE_TOKEN_FILE, path, e);
    if (c)
        return c;
    /* A file that an earlier start left without its database row is of no use to anybody. */
    unlink(path);
    int len = snprintf(line, sizeof line, "%s\n", text);
    c = secret_write(path, str_of(line, (size_t)len), e);
    if (!c)
        c = store_token_put(s->store, &t, e);
    sodium_memzero(text, sizeof text);
    sodium_memzero(line, sizeof line);
    return c;
}
