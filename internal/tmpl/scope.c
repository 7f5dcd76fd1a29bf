#include "tmpl/parse.h"

err_code scope_begin(struct parser *p, struct scope *outer)
{
    *outer = p->scope;
    p->scope = (struct scope){.first_var = p->nvars};
    TRY(scope_declare(p, 0, STR("$")));
    return scope_make_live(p, p->nvars - 1);
}

void scope_end(struct parser *p, const struct scope *outer)
{
    p->nvars = p->scope.first_var;
    p->scope = *outer;
}

err_code scope_declare(struct parser *p, uint32_t pos, struct str name)
{
    if (p->nvars == TMPL_VARIABLES_MAX)
        return parse_limit(p, pos, "more than %d variables in scope", TMPL_VARIABLES_MAX);
    p->vars[p->nvars++] = (struct scope_var){.name = name};
    return ERR_OK;
}

err_code scope_make_live(struct parser *p, uint32_t index)
{
    struct slot_ref *ref = arena_calloc(&p->t->arena, 1, sizeof *ref);
    if (!ref)
        return parse_out_of_memory(p);
    struct scope_var *v = &p->vars[index];
    ref->slot = p->scope.next_slot++;
    if (p->scope.next_slot > p->scope.nslots)
        p->scope.nslots = p->scope.next_slot;
    ref->maybe_unset = p->scope.maybe_depth > 0;
    ref->otherwise = scope_find(p, v->name);
    v->ref = ref;
    v->live = true;
    return ERR_OK;
}

bool scope_knows(const struct parser *p, struct str name)
{
    for (uint32_t i = p->scope.first_var; i < p->nvars; i++)
        if (str_eq(p->vars[i].name, name))
            return true;
    return false;
}

const struct slot_ref *scope_find(const struct parser *p, struct str name)
{
    for (uint32_t i = p->nvars; i > p->scope.first_var; i--) {
        const struct scope_var *v = &p->vars[i - 1];
        if (v->live && str_eq(v->name, name))
            return v->ref;
    }
    return NULL;
}

void scope_forget(struct parser *p, uint32_t mark)
{
    for (uint32_t i = p->nvars; i > mark; i--)
        if (p->vars[i - 1].ref && p->vars[i - 1].ref->slot < p->scope.next_slot)
            p->scope.next_slot = p->vars[i - 1].ref->slot;
    p->nvars = mark;
}

void scope_bury(struct parser *p, uint32_t mark)
{
    for (uint32_t i = mark; i < p->nvars; i++)
        p->vars[i].live = false;
}
