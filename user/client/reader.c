// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/paths.h"

/* A message of the daemon has at most 64 KiB (tell/control.c). */
#define MESSAGE_MAX (256 * 1024)
#define PATIENCE_MS 5000

struct reader {
	int fd;
	size_t len;
	char text[MESSAGE_MAX];
};

static void name_socket(const char *path, char *ret, size_t size)
{
	if (path)
		snprintf(ret, size, "%s", path);
	else
		paths_socket(ret, size);
}

int reader_open(struct reader **ret, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[4096];
	struct reader *reader;
	int err;

	name_socket(path, name, sizeof(name));
	if (strlen(name) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, name);
	reader = malloc(sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->len = 0;
	reader->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (reader->fd < 0 ||
	    connect(reader->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err = -errno;
		reader_close(reader);
		return err;
	}
	*ret = reader;
	return 0;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader);
}

int reader_fd(const struct reader *reader)
{
	return reader->fd;
}

int reader_ask(struct reader *reader, const char *request)
{
	size_t len = strlen(request) + 1;
	/* a request is small: it fits into the socket, unless the daemon hangs */
	ssize_t n = send(reader->fd, request, len, MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EAGAIN;
}

static int64_t now_ms(void)
{
	return (int64_t)(clock_mono_ns() / 1000000);
}

/* Takes the first message out of the buffer; -EAGAIN: none is complete yet. */
static int take_message(struct reader *reader, json_t **ret)
{
	char *end = memchr(reader->text, '\0', reader->len);
	size_t len = end ? (size_t)(end - reader->text) : 0;
	json_t *message, *parameters;

	if (!end)
		return reader->len == sizeof(reader->text) ? -EBADMSG : -EAGAIN;
	message = json_loadb(reader->text, len, 0, NULL);
	reader->len -= len + 1;
	memmove(reader->text, end + 1, reader->len);
	parameters = json_object_get(message, "parameters");
	if (json_object_get(message, "error") || !parameters) {
		int err = message ? -EREMOTEIO : -EBADMSG;

		json_decref(message);
		return err;
	}
	*ret = json_incref(parameters);
	json_decref(message);
	return 0;
}

int reader_next(struct reader *reader, int timeout_ms, json_t **ret)
{
	const int64_t until = now_ms() + timeout_ms;
	int err = take_message(reader, ret);

	while (err == -EAGAIN) {
		struct pollfd readable = {.fd = reader->fd, .events = POLLIN};
		int64_t left = timeout_ms < 0 ? -1 : until - now_ms();
		ssize_t n;

		if (timeout_ms >= 0 && left < 0)
			left = 0;
		n = poll(&readable, 1, (int)left);
		if (n == 0)
			return -EAGAIN;
		if (n < 0)
			return -errno;
		n = recv(reader->fd, reader->text + reader->len, sizeof(reader->text) - reader->len,
			 0);
		if (n == 0)
			return -EPIPE;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (n > 0)
			reader->len += (size_t)n;
		err = take_message(reader, ret);
	}
	return err;
}

int reader_status(const char *path, json_t **ret)
{
	struct reader *reader;
	json_t *reply;
	int err = reader_open(&reader, path);

	if (err)
		return err;
	err = reader_ask(reader, "{\"method\":\"io.fastoom.GetStatus\",\"parameters\":{}}");
	if (!err)
		err = reader_next(reader, PATIENCE_MS, &reply);
	reader_close(reader);
	if (err)
		return err;
	*ret = json_incref(json_object_get(reply, "status"));
	json_decref(reply);
	return *ret ? 0 : -EBADMSG;
}

void reader_explain(int err, const char *path, char *ret, size_t size)
{
	char name[4096];

	name_socket(path, name, sizeof(name));
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
		snprintf(ret, size,
			 "%.200s: the daemon is not running; start it with: sudo "
			 "fastoom-bpf run",
			 name);
		break;
	case EACCES:
	case EPERM:
		snprintf(ret, size,
			 "%.200s: %s; connect as root, or as a member of the group in "
			 "`readers` of the configuration",
			 name, strerror(-err));
		break;
	case EAGAIN:
		snprintf(ret, size, "%.200s: the daemon does not answer: it is stopped or stalled",
			 name);
		break;
	case EPIPE:
		snprintf(
			ret, size,
			"%.200s: the daemon closed the connection: it exited, or has too many readers",
			name);
		break;
	case EBADMSG:
	case EREMOTEIO:
		snprintf(ret, size,
			 "%.200s: the answer is not of this version of fastoom-bpf; restart the "
			 "daemon",
			 name);
		break;
	default:
		snprintf(ret, size, "%.200s: %s; check that the daemon is running", name,
			 strerror(-err));
	}
}
