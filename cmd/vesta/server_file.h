/*
 * server_file.h - DATA/server.json: where the server of a data path listens, so that commands on
 * the same machine find it without being told.
 */
#ifndef VESTA_SERVER_FILE_H
#define VESTA_SERVER_FILE_H

#include <stddef.h>

#include "base/err.h"

/* pins: of the API's public keys, as CURLOPT_PINNEDPUBLICKEY has them; "" without TLS. */
err_code server_file_write(const char *data_path, const char *boot_url, const char *api_url,
                           const char *pins, struct err *e);
/* Only if it is this process's. */
void server_file_remove(const char *data_path);
/* key is "boot", "api" or "pins". ERR_NOT_FOUND when no server runs there. */
err_code server_file_read(const char *data_path, const char *key, char *dst, size_t size,
                          struct err *e);

#endif
