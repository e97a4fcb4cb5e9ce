/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * watch: reports changes of the configuration's files: the file, a drop-in, or the link "..data"
 * by which kubelet exchanges a mounted ConfigMap.
 *
 * Purity:    inotify on folders; does not read the files.
 * Units:     none.
 * Ranges:    none.
 * Errors:    0 or -errno: the folder of the file cannot be watched. Other folders may be missing.
 * Ownership: config_watch_new() gives, config_watch_free() takes (NULL is fine).
 */
#ifndef FASTOOM_CONFIG_WATCH_H
#define FASTOOM_CONFIG_WATCH_H

#include <stdbool.h>

struct config_watch;

int config_watch_new(struct config_watch **ret, const char *path);
void config_watch_free(struct config_watch *watch);

/* -1 for NULL. */
int config_watch_fd(const struct config_watch *watch);
/* Reads what is ready. True: the configuration changed. New folders are watched from now on. */
bool config_watch_drain(struct config_watch *watch);

#endif /* FASTOOM_CONFIG_WATCH_H */
