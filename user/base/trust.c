// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as MAXSYMLINKS of the kernel */

static bool is_read_only(const char *path)
{
	struct statvfs fs;

	return !statvfs(path, &fs) && (fs.f_flag & ST_RDONLY);
}

/* Checks @ret->at. @last: the path ends there. */
static int check(const struct stat *st, bool last, struct trust *ret)
{
	mode_t others = st->st_mode & (S_IWGRP | S_IWOTH);

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		snprintf(ret->why, sizeof(ret->why),
			 "belongs to uid %u; give it to root: chown root", st->st_uid);
		return -EPERM;
	}
	/* the mode of a link has no effect */
	if (S_ISLNK(st->st_mode) || !others ||
	    (S_ISDIR(st->st_mode) && !last && st->st_mode & S_ISVTX) || is_read_only(ret->at))
		return 0;
	snprintf(ret->why, sizeof(ret->why), "can be written by %s; forbid that: chmod go-w",
		 others & S_IWOTH ? "every user" : "its group");
	return -EPERM;
}

/* Removes the last part of @at, a link, and puts its target in front of @rest. */
static int follow(char *at, char *rest)
{
	char target[PATH_MAX], old[PATH_MAX];
	ssize_t len = readlink(at, target, sizeof(target));

	if (len < 0)
		return -errno;
	snprintf(old, sizeof(old), "%s", rest);
	if (len >= (ssize_t)sizeof(target) ||
	    snprintf(rest, PATH_MAX, "%.*s/%s", (int)len, target, old) >= PATH_MAX)
		return -ENAMETOOLONG;
	*(target[0] == '/' ? at : strrchr(at, '/')) = '\0';
	return 0;
}

/* Moves the first part of @rest to the end of @at. False: @rest has none. */
static bool step(char *at, char *rest)
{
	size_t skip = strspn(rest, "/"), len = strcspn(rest + skip, "/"), used = strlen(at);

	if (len == 2 && !strncmp(rest + skip, "..", 2)) {
		char *slash = strrchr(at, '/');

		if (slash)
			*slash = '\0';
	} else if (len && !(len == 1 && rest[skip] == '.')) {
		snprintf(at + used, PATH_MAX - used, "/%.*s", (int)len, rest + skip);
	}
	memmove(rest, rest + skip + len, strlen(rest + skip + len) + 1);
	return len > 0;
}

int trust_check(const char *path, struct trust *ret)
{
	char rest[PATH_MAX] = "", *at = ret->at;
	struct stat st;
	unsigned links = 0;
	size_t len = 0;
	int err;

	if (path[0] != '/') {
		if (!getcwd(rest, sizeof(rest) - 1))
			return -errno;
		len = strlen(rest);
		rest[len++] = '/';
	}
	if (snprintf(rest + len, sizeof(rest) - len, "%s", path) >= (int)(sizeof(rest) - len))
		return -ENAMETOOLONG;
	*at = '\0';
	do {
		if (lstat(*at ? at : "/", &st) < 0)
			return -errno;
		err = check(&st, !rest[strspn(rest, "/.")], ret);
		if (err)
			break;
		if (S_ISLNK(st.st_mode)) {
			err = links++ < LINKS_MAX ? follow(at, rest) : -ELOOP;
			if (err)
				return err;
		}
	} while (step(at, rest));
	if (!*at)
		strcpy(at, "/");
	return err;
}
