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

/* How long notifier_stop() waits for the helper; chosen so that the daemon stops quickly. */
#define STOP_TIMEOUT_MS 500

struct request {
	uint64_t timeout_ns;
	uint32_t json_len;
	char program[PATH_MAX];
	char json[NOTIFIER_JSON_MAX];
};

struct notifier {
	int fd;
	pid_t helper;
	struct request request; /* where notifier_send() builds one */
};

/* ---- the helper: forked from a process that may have threads, so system calls only ---- */

static void __attribute__((noreturn)) run_program(const struct request *request, int input)
{
	char *const arguments[] = {(char *)request->program, NULL};
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = {path, NULL};

	setsid();
	dup2(input, STDIN_FILENO);
	execve(request->program, arguments, environment);
	_exit(127);
}

static void run(const struct request *request)
{
	struct pollfd ended = {.fd = -1, .events = POLLIN};
	int pipe_fds[2];
	pid_t pid;

	/* the pipe holds all of it: no need to wait for the reader */
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	(void)!write(pipe_fds[1], request->json, request->json_len);
	close(pipe_fds[1]);
	/* the program does not expect EAGAIN */
	(void)fcntl(pipe_fds[0], F_SETFL, 0);
	pid = fork();
	if (pid == 0)
		run_program(request, pipe_fds[0]);
	close(pipe_fds[0]);
	if (pid < 0)
		return;
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd < 0 || poll(&ended, 1, (int)((request->timeout_ns + 999999) / 1000000)) <= 0) {
		/* the child first: until setsid() it has no group and no children of its own */
		kill(pid, SIGKILL);
		kill(-pid, SIGKILL);
	}
	(void)waitpid(pid, NULL, 0);
	if (ended.fd >= 0)
		close(ended.fd);
}

static void __attribute__((noreturn)) help(int fd, struct request *request, pid_t parent)
{
	sigset_t none;
	int score;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "fo-notifier");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	/* the daemon's programs, maps and lock must not outlive the daemon */
	if (fd != 3)
		dup2(fd, 3);
	(void)syscall(SYS_close_range, 4, ~0U, 0);
	(void)fcntl(3, F_SETFD, FD_CLOEXEC);
	/* the daemon's oom_score_adj is not for the administrator's programs */
	score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (score >= 0) {
		(void)!write(score, "0", 1);
		close(score);
	}
	for (;;) {
		ssize_t n = recv(3, request, sizeof(*request), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		if ((size_t)n > offsetof(struct request, json))
			run(request);
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
		help(fds[1], &notifier->request, parent);
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
	struct request *request = &notifier->request;

	if (strlen(program) >= sizeof(request->program) || len > sizeof(request->json))
		return -EMSGSIZE;
	request->timeout_ns = timeout_ns;
	request->json_len = (uint32_t)len;
	strcpy(request->program, program);
	memcpy(request->json, json, len);
	if (send(notifier->fd, request, offsetof(struct request, json) + len,
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
	/* the helper may be waiting for a program */
	pidfd = (int)syscall(SYS_pidfd_open, notifier->helper, 0);
	ended = (struct pollfd){.fd = pidfd, .events = POLLIN};
	if (pidfd < 0 || poll(&ended, 1, STOP_TIMEOUT_MS) <= 0)
		kill(notifier->helper, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	(void)waitpid(notifier->helper, NULL, 0);
	free(notifier);
}
