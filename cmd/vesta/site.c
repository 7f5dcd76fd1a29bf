#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "progress.h"
#include "service/service.h"

#define FINDINGS_ARENA (16u << 20)

/* "cli:USER", for the revision. */
static struct str author(char *dst, size_t size)
{
    const struct passwd *p = getpwuid(getuid());
    if (p)
        snprintf(dst, size, "cli:%s", p->pw_name);
    else
        snprintf(dst, size, "cli:%ld", (long)getuid());
    return str_c(dst);
}

static bool database_exists(const char *data_path)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/vesta.db", data_path);
    return stat(path, &st) == 0;
}

int command_import(int argc, char **argv)
{
    const char *data_path = DEFAULT_DATA_PATH, *message = "";
    bool skip_invalid = false, dry_run = false, quiet = false;
    const struct flag flags[] = {
        {"data-path", FLAG_TEXT, &data_path, true, "DIR", "where the database is"},
        {"skip-invalid", FLAG_SWITCH, &skip_invalid, false, NULL,
         "leave out what cannot be parsed, and name it"},
        {"dry-run", FLAG_SWITCH, &dry_run, false, NULL, "say what would be done; write nothing"},
        {"message", FLAG_TEXT, &message, false, "TEXT", "why, for the history"},
        QUIET_FLAGS(quiet, "say nothing but what is wrong"),
        FLAGS_END,
    };
    char *rest[1], who[128];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    struct service *s = NULL;
    if (!dry_run || database_exists(data_path)) {
        struct service_options o = {.data_path = data_path, .store_only = true, .create = true};
        if (service_open(&o, &s, &e) != ERR_OK)
            return complain(&e);
    }
    ARENA_LOCAL(arena, FINDINGS_ARENA);
    struct findings findings;
    findings_init(&findings, &arena);
    struct progress progress;
    progress_begin(&progress, "importing");
    struct service_import in = {.dir = rest[0],
                                .progress = progress_show,
                                .progress_arg = &progress,
                                .skip_invalid = skip_invalid,
                                .dry_run = dry_run,
                                .author = {author(who, sizeof who), str_c(message)}};
    struct service_imported done;
    err_code c = service_import(s, &in, &findings, &done, &e);
    progress_end(&progress);
    service_close(s);
    print_findings(&findings);
    if (c)
        return complain(&e);
    if (quiet)
        return EXIT_DONE;
    printf("%s %zu groups, %zu profiles, %zu templates", dry_run ? "would import" : "imported",
           done.groups, done.profiles, done.templates);
    if (done.skipped)
        printf("; left out %zu", done.skipped);
    if (!dry_run)
        printf("; revision %llu", (unsigned long long)done.revision);
    printf("\n");
    return EXIT_DONE;
}

int command_export(int argc, char **argv)
{
    const char *data_path = DEFAULT_DATA_PATH;
    bool quiet = false, reveal = false;
    const struct flag flags[] = {
        {"data-path", FLAG_TEXT, &data_path, true, "DIR", "where the database is"},
        {"reveal", FLAG_SWITCH, &reveal, false, NULL,
         "write secrets as they are, instead of sealed: for whoever may read their key"},
        QUIET_FLAGS(quiet, "say nothing but what is wrong"),
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    struct service_options o = {.data_path = data_path, .store_only = true, .read_only = true};
    struct service *s;
    if (reveal)
        umask(077);
    if (service_open(&o, &s, &e) != ERR_OK)
        return complain(&e);
    struct service_exported done;
    struct progress progress;
    progress_begin(&progress, "exporting");
    err_code c = service_export(s, rest[0], reveal, progress_show, &progress, &done, &e);
    progress_end(&progress);
    service_close(s);
    if (c)
        return complain(&e);
    if (!quiet)
        printf("exported %zu groups, %zu profiles, %zu templates\n", done.groups, done.profiles,
               done.templates);
    return EXIT_DONE;
}
