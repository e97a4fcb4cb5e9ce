// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/worker.h"
#include "tell/control.h"

/* Six kills a minute, two records each, while the disk hangs for two minutes. */
#define DEPTH 32
/* writer_close() waits so long for what is in the queue. */
#define PATIENCE_NS 3000000000ULL

struct writer {
	struct worker *worker;
	struct control *control; /* NULL: none */
	int fd;
	char *path; /* NULL: not a file that can be moved */
	bool torn;  /* the file's last line has no end; the thread's, once that runs */
	atomic_ullong failed;
	atomic_int last_errno;
};

struct line {
	struct writer *writer;
	char text[];
};

static int open_events(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/* 0 if it is not a regular file. */
static off_t size_of(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) ? st.st_size : 0;
}

/* A crash or a full disk leaves a line without its end; no record must be joined to it. */
static bool is_torn(int fd, const char *path)
{
	off_t size = size_of(fd);
	char last = '\n';
	int read_fd;

	if (!size)
		return false;
	read_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (read_fd < 0)
		return false;
	if (pread(read_fd, &last, 1, size - 1) != 1)
		last = '\n';
	close(read_fd);
	return last != '\n';
}

static int append(struct writer *writer, const char *text, size_t len)
{
	off_t size = size_of(writer->fd);
	int err = writer->torn ? file_write_all(writer->fd, "\n", 1) : 0;

	if (err)
		return err;
	err = file_write_all(writer->fd, text, len);
	if (!err || size_of(writer->fd) != size)
		writer->torn = err != 0;
	return err;
}

/* Opens the file again after it was moved or removed, by logrotate for example. */
static void follow(struct writer *writer)
{
	struct stat ours, named;
	int fd;

	if (!writer->path || fstat(writer->fd, &ours) < 0 ||
	    (stat(writer->path, &named) == 0 && named.st_ino == ours.st_ino &&
	     named.st_dev == ours.st_dev))
		return;
	fd = open_events(writer->path);
	/* the old file is better than none */
	if (fd < 0)
		return;
	close(writer->fd);
	writer->fd = fd;
	writer->torn = is_torn(fd, writer->path);
}

static void write_event(void *argument, size_t len)
{
	struct line *line = argument;
	struct writer *writer = line->writer;
	int err;

	follow(writer);
	err = append(writer, line->text, len - sizeof(*line));

	/* a pipe and /dev/stdout cannot be synced */
	if (!err && fdatasync(writer->fd) < 0 && errno != EINVAL && errno != EROFS)
		err = -errno;
	if (err) {
		atomic_fetch_add(&writer->failed, 1);
		atomic_store(&writer->last_errno, -err);
	}
}

static void write_log(void *argument, size_t len)
{
	struct line *line = argument;

	/* an error cannot be reported when stderr fails */
	(void)file_write_all(STDERR_FILENO, line->text, len - sizeof(*line));
}

static int make_folder(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!len || len >= sizeof(folder))
		return 0;
	memcpy(folder, path, len);
	folder[len] = '\0';
	return mkdir(folder, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int writer_open(struct writer **ret, const char *path)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	struct stat st;
	int err = 0;

	if (!writer)
		return -ENOMEM;
	writer->fd = -1;
	if (path) {
		/* if it fails, the error of open() is the better one */
		(void)make_folder(path);
		writer->fd = open_events(path);
		if (writer->fd < 0)
			err = -errno;
		else if (fstat(writer->fd, &st) == 0 && S_ISREG(st.st_mode))
			writer->path = realpath(path, NULL);
		if (writer->path)
			writer->torn = is_torn(writer->fd, writer->path);
	}
	if (!err)
		err = worker_start(&writer->worker, "fo-writer",
				   sizeof(struct line) + WRITER_LINE_MAX, DEPTH);
	if (err) {
		if (writer->fd >= 0)
			close(writer->fd);
		free(writer->path);
		free(writer);
		return err;
	}
	*ret = writer;
	return 0;
}

static int give(struct writer *writer, worker_task *task, const char *text, size_t len)
{
	struct {
		struct line line;
		char text[WRITER_LINE_MAX];
	} piece;

	if (len > WRITER_LINE_MAX)
		return -EMSGSIZE;
	piece.line.writer = writer;
	memcpy(piece.text, text, len);
	return worker_give(writer->worker, task, &piece, sizeof(struct line) + len);
}

void writer_tell(struct writer *writer, struct control *control)
{
	writer->control = control;
}

int writer_event(struct writer *writer, const char *line, size_t len)
{
	if (writer->control)
		control_event(writer->control, line, len);
	return writer->fd < 0 ? 0 : give(writer, write_event, line, len);
}

int writer_log(struct writer *writer, const char *line, size_t len)
{
	return give(writer, write_log, line, len);
}

int writer_give(struct writer *writer, worker_task *task, const void *argument, size_t len)
{
	return worker_give(writer->worker, task, argument, len);
}

uint64_t writer_dropped(const struct writer *writer)
{
	return worker_refused(writer->worker);
}

uint64_t writer_failed(const struct writer *writer, int *ret_last_errno)
{
	*ret_last_errno = atomic_load(&writer->last_errno);
	return atomic_load(&writer->failed);
}

bool writer_close(struct writer *writer)
{
	if (!writer)
		return true;
	/* the thread waits for the disk: what it uses must stay until the process exits */
	if (!worker_stop(writer->worker, PATIENCE_NS))
		return false;
	if (writer->fd >= 0)
		close(writer->fd);
	free(writer->path);
	free(writer);
	return true;
}
