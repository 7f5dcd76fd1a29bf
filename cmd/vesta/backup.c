/* `vesta backup` and `vesta restore`: the database of a data path as one file. */
#include <stdio.h>

#include "command.h"
#include "progress.h"
#include "server_file.h"
#include "service/service.h"

#define WHERE "where the database is"

int command_backup(int argc, char **argv)
{
    const char *data_path = DEFAULT_DATA_PATH;
    const struct flag flags[] = {{"data-path", FLAG_TEXT, &data_path, true, "DIR", WHERE},
                                 FLAGS_END};
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    struct progress progress;
    progress_catch_signals();
    progress_begin(&progress, "backing up");
    err_code c = service_backup(data_path, rest[0], progress_show, &progress, &e);
    progress_end(&progress);
    if (c)
        return complain(&e);
    printf("backed up to %s; the keys are not in it: keep a copy of %s/keys too\n", rest[0],
           data_path);
    return EXIT_DONE;
}

int command_restore(int argc, char **argv)
{
    const char *data_path = DEFAULT_DATA_PATH;
    const struct flag flags[] = {{"data-path", FLAG_TEXT, &data_path, true, "DIR", WHERE},
                                 FLAGS_END};
    char *rest[1], url[300];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    struct store_restored done;
    if (server_file_read(data_path, "api", url, sizeof url, NULL) == ERR_OK) {
        err_set(&e, ERR_BUSY,
                "a server runs on %s (%s): stop it first. If it does not, remove %s/server.json",
                data_path, url, data_path);
        return complain(&e);
    }
    struct progress progress;
    progress_catch_signals();
    progress_begin(&progress, "restoring");
    err_code c = service_restore(data_path, rest[0], &done, progress_show, &progress, &e);
    progress_end(&progress);
    if (c)
        return complain(&e);
    printf("restored %s: revision %llu\n", rest[0], (unsigned long long)done.revision);
    if (done.kept[0])
        printf("the database that was there is now %s\n", done.kept);
    printf("tokens are those of the backup\n");
    return EXIT_DONE;
}
