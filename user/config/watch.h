/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * config_watch: tells when the configuration has changed on its disk: the file, a drop-in, or
 * the link that a mounted ConfigMap is exchanged by ("..data").
 *
 * Purity:    inotify on folders; reads nothing of the configuration itself.
 * Units:     none.
 * Errors:    0 or -errno.
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
/* True: it changed; folders that came with the change are watched from now on. */
bool config_watch_drain(struct config_watch *watch);

#endif /* FASTOOM_CONFIG_WATCH_H */
