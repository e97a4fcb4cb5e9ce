// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "act/killer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/util.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448 /* since 5.15, 884a7e5964e0; alpha and mips differ */
#endif

static void end(struct kill *kill, enum kill_state state, int error, uint64_t now_ns)
{
	kill->state = state;
	kill->error = error;
	kill->ended_ns = now_ns;
}

/* A pidfd is readable when the whole thread group has ended, also while it is a zombie. */
static bool has_exited(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

/* A dry run differs here and nowhere else. */
static int send_signal(int pidfd, int signo, bool dry_run)
{
	if (dry_run)
		return 0;
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

static void settle(struct kill *kill, int signo, int err, uint64_t now_ns)
{
	kill->sent_ns = now_ns;
	switch (err) {
	case 0:
		kill->state = signo == SIGTERM ? KILL_TERM_SENT : KILL_SENT;
		break;
	case -ESRCH:
		end(kill, KILL_EXITED, err, now_ns);
		break;
	case -ESTALE:
		end(kill, KILL_REUSED, err, now_ns);
		break;
	default:
		/* a lack of resources says nothing about the process */
		end(kill, descriptors_are_short(err) ? KILL_UNSENT : KILL_REFUSED, err, now_ns);
	}
}

static void open_and_send(struct kill *kill, int pid, uint64_t start_boot_ns, int signo,
			  bool dry_run, uint64_t now_ns)
{
	int err;

	*kill = (struct kill){.ref = PIDREF_NONE, .opened_ns = now_ns, .dry_run = dry_run};
	err = pidref_open(pid, start_boot_ns, &kill->ref);
	if (!err && has_exited(kill->ref.fd))
		err = -ESRCH; /* a signal to a zombie succeeds without effect */
	if (!err)
		err = send_signal(kill->ref.fd, signo, dry_run);
	kill->ref.pid = pid;
	kill->ref.start_boot_ns = start_boot_ns;
	settle(kill, signo, err, now_ns);
}

void kill_send(struct kill *kill, int pid, uint64_t start_boot_ns, bool dry_run, uint64_t now_ns)
{
	open_and_send(kill, pid, start_boot_ns, SIGKILL, dry_run, now_ns);
}

void kill_term(struct kill *kill, int pid, uint64_t start_boot_ns, bool dry_run, uint64_t now_ns)
{
	open_and_send(kill, pid, start_boot_ns, SIGTERM, dry_run, now_ns);
}

void kill_insist(struct kill *kill, uint64_t now_ns)
{
	int err = has_exited(kill->ref.fd) ? -ESRCH
					   : send_signal(kill->ref.fd, SIGKILL, kill->dry_run);

	if (err == -ESRCH)
		end(kill, KILL_GONE, 0, now_ns); /* SIGTERM ended it */
	else
		settle(kill, SIGKILL, err, now_ns);
}

bool kill_is_final(const struct kill *kill)
{
	return kill->state != KILL_IDLE && kill->state != KILL_TERM_SENT &&
	       kill->state != KILL_SENT;
}

bool kill_look(struct kill *kill, uint64_t now_ns)
{
	if (kill->state != KILL_SENT && kill->state != KILL_TERM_SENT)
		return kill_is_final(kill);
	if (kill->dry_run || has_exited(kill->ref.fd))
		end(kill, KILL_GONE, 0, now_ns);
	else if (kill->state == KILL_SENT && now_ns - kill->sent_ns >= KILL_TIMEOUT_NS)
		end(kill, KILL_STUCK, 0, now_ns);
	return kill_is_final(kill);
}

void kill_done(struct kill *kill)
{
	pidref_close(&kill->ref);
	kill->state = KILL_IDLE;
}

int kill_reap(int pidfd)
{
	return syscall(SYS_process_mrelease, pidfd, 0) < 0 ? -errno : 0;
}

int kill_cgroup(int cgroup_dir_fd, bool dry_run)
{
	_cleanup_close_ int fd = openat(cgroup_dir_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (dry_run)
		return 0;
	return write(fd, "1", 1) == 1 ? 0 : -errno;
}

const char *kill_state_name(enum kill_state state)
{
	static const char *const names[KILL_STATES_] = {
		[KILL_IDLE] = "idle",	    [KILL_TERM_SENT] = "term-sent",
		[KILL_SENT] = "sent",	    [KILL_GONE] = "killed",
		[KILL_EXITED] = "exited",   [KILL_REUSED] = "reused",
		[KILL_REFUSED] = "refused", [KILL_STUCK] = "stuck",
		[KILL_UNSENT] = "unsent",
	};

	return names[state];
}
