// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/util.h"
#include "config/files.h"

/* A file was closed after writing, moved, or removed; a file that is still written is ignored. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR)

struct config_watch {
	int fd;
	int file_wd;	/* the folder of the file */
	int target_wd;	/* if the file is a symbolic link: the folder of its target; or -1 */
	int drop_in_wd; /* -1: the folder is missing */
	char *path;
	char *drop_ins;
	char target_name[NAME_MAX + 1];
};

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int watch_folder_of(struct config_watch *watch, const char *path)
{
	char folder[PATH_MAX];
	int len = (int)(name_of(path) - path);

	snprintf(folder, sizeof(folder), "%.*s", len ? len : 1, len ? path : ".");
	return inotify_add_watch(watch->fd, folder, EVENTS);
}

/*
 * Repeated after every change, because a folder may have been replaced. Only the folder of the file
 * must exist; 0 or -errno.
 */
static int watch_folders(struct config_watch *watch)
{
	char target[PATH_MAX], full[2 * PATH_MAX];
	ssize_t n = readlink(watch->path, target, sizeof(target) - 1);
	int err;

	watch->file_wd = watch_folder_of(watch, watch->path);
	err = watch->file_wd < 0 ? -errno : 0;
	watch->drop_in_wd = inotify_add_watch(watch->fd, watch->drop_ins, EVENTS);
	watch->target_wd = -1;
	if (n <= 0)
		return err;
	target[n] = '\0';
	snprintf(full, sizeof(full), "%.*s%s",
		 target[0] == '/' ? 0 : (int)(name_of(watch->path) - watch->path), watch->path,
		 target);
	watch->target_wd = watch_folder_of(watch, full);
	if (strlen(name_of(target)) < sizeof(watch->target_name))
		strcpy(watch->target_name, name_of(target));
	return err;
}

int config_watch_new(struct config_watch **ret, const char *path)
{
	struct config_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	err = watch->fd < 0 ? -errno : 0;
	watch->path = strdup(path);
	watch->drop_ins = config_drop_in_folder(path);
	if (!watch->path || !watch->drop_ins)
		err = -ENOMEM;
	if (!err)
		err = watch_folders(watch);
	if (err) {
		config_watch_free(watch);
		return err;
	}
	*ret = watch;
	return 0;
}

void config_watch_free(struct config_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch->path);
	free(watch->drop_ins);
	free(watch);
}

int config_watch_fd(const struct config_watch *watch)
{
	return watch ? watch->fd : -1;
}

static bool is_ours(const struct config_watch *watch, const struct inotify_event *event)
{
	if (event->mask & (IN_Q_OVERFLOW | IN_IGNORED))
		return true;
	if (!event->len || ((event->mask & IN_CREATE) && !(event->mask & IN_ISDIR)))
		return false;
	/* kubelet exchanges all files of a ConfigMap by this link */
	if (!strcmp(event->name, "..data"))
		return true;
	if (event->wd == watch->file_wd &&
	    (!strcmp(event->name, name_of(watch->path)) || !strcmp(event->name, CONFIG_DROP_INS)))
		return true;
	if (event->wd == watch->target_wd && !strcmp(event->name, watch->target_name))
		return true;
	return event->wd == watch->drop_in_wd && config_is_drop_in(event->name);
}

bool config_watch_drain(struct config_watch *watch)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;
	ssize_t n;

	while ((n = read(watch->fd, events, sizeof(events))) > 0)
		for (char *at = events; at < events + n;) {
			const struct inotify_event *event = (void *)at;

			changed |= is_ours(watch, event);
			at += sizeof(*event) + event->len;
		}
	if (changed)
		(void)watch_folders(watch);
	return changed;
}
