// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "act/notifier.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

/* A record, of the writer's size; a pipe holds twice that. */
#define JSON_MAX 32768

struct frame {
	uint64_t timeout_ns;
	uint32_t json_len;
	char program[PATH_MAX];
	char json[JSON_MAX];
};

struct notifier {
	int fd;
	pid_t helper;
	struct frame frame; /* where one is put together */
};

/* ---- the helper: between fork and exec of a process with threads, so system calls only ---- */

static void __attribute__((noreturn)) run_program(const struct frame *frame, int input)
{
	char *const arguments[] = {(char *)frame->program, NULL};
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = {path, NULL};

	setsid();
	dup2(input, STDIN_FILENO);
	execve(frame->program, arguments, environment);
	_exit(127);
}

static void run(const struct frame *frame)
{
	struct pollfd ended = {.fd = -1, .events = POLLIN};
	int pipe_fds[2];
	pid_t pid;

	/* a pipe holds 64 kB: nobody has to wait until it is read */
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	(void)!write(pipe_fds[1], frame->json, frame->json_len);
	close(pipe_fds[1]);
	/* not for the program: a reader does not expect EAGAIN */
	(void)fcntl(pipe_fds[0], F_SETFL, 0);
	pid = fork();
	if (pid == 0)
		run_program(frame, pipe_fds[0]);
	close(pipe_fds[0]);
	if (pid < 0)
		return;
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd < 0 || poll(&ended, 1, (int)(frame->timeout_ns / 1000000)) <= 0)
		kill(-pid, SIGKILL);
	kill(pid, ended.fd < 0 ? SIGKILL : 0);
	(void)waitpid(pid, NULL, 0);
	if (ended.fd >= 0)
		close(ended.fd);
}

static void __attribute__((noreturn)) help(int fd, struct frame *frame, pid_t parent)
{
	sigset_t none;
	int score;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "fo-notifier");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	/* what the daemon holds open (programs, maps, the lock) is to end with the daemon */
	if (fd != 3)
		dup2(fd, 3);
	(void)syscall(SYS_close_range, 4, ~0U, 0);
	(void)fcntl(3, F_SETFD, FD_CLOEXEC);
	/* the daemon's own is not for programs of others */
	score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (score >= 0) {
		(void)!write(score, "0", 1);
		close(score);
	}
	for (;;) {
		ssize_t n = recv(3, frame, sizeof(*frame), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		if ((size_t)n > offsetof(struct frame, json))
			run(frame);
	}
}

/* ---- the daemon's side ---- */

int notifier_start(struct notifier **ret)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	pid_t parent = getpid();
	int fds[2];

	if (!notifier)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		free(notifier);
		return -errno;
	}
	notifier->helper = fork();
	if (notifier->helper == 0)
		help(fds[1], &notifier->frame, parent);
	close(fds[1]);
	notifier->fd = fds[0];
	if (notifier->helper < 0) {
		int err = -errno;

		close(notifier->fd);
		free(notifier);
		return err;
	}
	*ret = notifier;
	return 0;
}

int notifier_send(struct notifier *notifier, const char *program, uint64_t timeout_ns,
		  const char *json, size_t len)
{
	struct frame *frame = &notifier->frame;

	if (strlen(program) >= sizeof(frame->program) || len > sizeof(frame->json))
		return -EMSGSIZE;
	frame->timeout_ns = timeout_ns;
	frame->json_len = (uint32_t)len;
	strcpy(frame->program, program);
	memcpy(frame->json, json, len);
	if (send(notifier->fd, frame, offsetof(struct frame, json) + len,
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

void notifier_stop(struct notifier *notifier)
{
	struct pollfd ended;
	int pidfd;

	if (!notifier)
		return;
	close(notifier->fd);
	/* it may be waiting for a program; we do not wait for it long */
	pidfd = (int)syscall(SYS_pidfd_open, notifier->helper, 0);
	ended = (struct pollfd){.fd = pidfd, .events = POLLIN};
	if (pidfd < 0 || poll(&ended, 1, 500) <= 0)
		kill(notifier->helper, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	(void)waitpid(notifier->helper, NULL, 0);
	free(notifier);
}
