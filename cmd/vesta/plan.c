/* `vesta plan` and `vesta apply`: many resources at once. */
#include <stdio.h>

#include "client.h"
#include "command.h"
#include "output.h"
#include "parcel.h"
#include "show_plan.h"
#include "target.h"

#define FINDINGS_ARENA (16u << 20)
#define SECONDS        7200 /* that a site of millions may take */

struct planning {
    const char *command; /* how the user called it */
    struct target target;
    bool apply, prune, quiet;
    const char *message, *base;
    enum output output;
};

static void add_question(const struct planning *x, struct buf *dst)
{
    buf_addf(dst, "/api/v1/%s", x->apply ? "apply" : "plan");
    const char *before = "?";
    if (x->prune) {
        buf_add_lit(dst, "?prune=true");
        before = "&";
    }
    if (x->base[0])
        buf_addf(dst, "%sbase=%s", before, x->base);
}

static err_code send_parcel(const struct planning *x, const struct client *c, struct parcel *p,
                            struct err *e)
{
    BUF_LOCAL(path, 200);
    struct client_answer answer;
    struct progress progress;
    add_question(x, &path);
    progress_begin(&progress, x->apply ? "applying" : "planning");
    struct client sending = *c;
    sending.message = x->message;
    sending.seconds = SECONDS;
    sending.progress = &progress;
    sending.place = parcel_place;
    sending.place_arg = p;
    err_code code =
        client_request(&sending, "POST", buf_c(&path), p->body,
                       p->lines ? "application/x-ndjson" : "application/json", &answer, e);
    progress_end(&progress);
    if (code)
        return code;
    struct str text = buf_str(&answer.body);
    code = x->quiet ? show_plan_warnings(&sending, text, e)
                    : show_plan(&sending, text, x->output, x->apply, e);
    buf_free(&answer.body);
    return code;
}

static int run(const struct planning *x, const char *source)
{
    ARENA_LOCAL(arena, FINDINGS_ARENA);
    struct findings findings;
    struct progress progress;
    struct parcel p;
    struct client c;
    struct err e = ERR_INIT;
    findings_init(&findings, &arena);
    err_code code = client_open(&c, &x->target, &e);
    if (code)
        return complain(&e);
    progress_begin(&progress, "reading");
    code = parcel_pack(&p, source, &findings, &progress, &e);
    progress_end(&progress);
    print_findings(&findings);
    if (!code && findings.errors)
        code = err_set(&e, ERR_INVALID, "%zu error%s: nothing was sent", findings.errors,
                       findings.errors == 1 ? "" : "s");
    if (!code)
        code = send_parcel(x, &c, &p, &e);
    parcel_free(&p);
    return code ? complain(&e) : EXIT_DONE;
}

static int start(struct planning *x, const char *source)
{
    uint64_t n;
    if (!output_read(x->command, x->target.output, &x->output))
        return EXIT_USAGE;
    if (x->base[0] && !str_to_u64(str_c(x->base), INT64_MAX, &n)) {
        fprintf(stderr, "vesta %s: --base is a revision's number\n", x->command);
        return EXIT_USAGE;
    }
    return run(x, source);
}

#define BASE_HELP "the revision that the site must be at, as a plan told it"
#define QUIET     "say nothing but what is wrong"

int command_plan(int argc, char **argv)
{
    struct planning x = {.command = "plan", .target = TARGET_DEFAULT, .message = "", .base = ""};
    const struct flag flags[] = {
        TARGET_FLAGS(x.target),
        {"prune", FLAG_SWITCH, &x.prune, false, NULL, "as if what is not there were removed"},
        {"base", FLAG_TEXT, &x.base, false, "N", BASE_HELP},
        OUTPUT_FLAGS(x.target),
        QUIET_FLAGS(x.quiet, QUIET),
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    return start(&x, rest[0]);
}

int command_apply(int argc, char **argv)
{
    struct planning x = {.command = "apply", .target = TARGET_DEFAULT, .message = "", .base = ""};
    bool dry_run = false;
    const struct flag flags[] = {
        TARGET_FLAGS(x.target),
        {"prune", FLAG_SWITCH, &x.prune, false, NULL, "remove what is not there"},
        {"dry-run", FLAG_SWITCH, &dry_run, false, NULL, "say what would be done, as plan does"},
        {"message", FLAG_TEXT, &x.message, false, "TEXT", "why, for the history"},
        {"base", FLAG_TEXT, &x.base, false, "N", BASE_HELP},
        OUTPUT_FLAGS(x.target),
        QUIET_FLAGS(x.quiet, QUIET),
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    x.apply = !dry_run;
    return start(&x, rest[0]);
}
