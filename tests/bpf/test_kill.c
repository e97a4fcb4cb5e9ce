// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Kills of real processes: each outcome, and its record. Some tests need root. A test that cannot
 * run here says why, and is skipped.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "act/killer.h"
#include "act/pidref.h"
#include "base/descriptors.h"
#include "judge/candidate.h"
#include "judge/verdict.h"
#include "judge/victim.h"
#include "judge/window.h"
#include "tell/record.h"
#include "tell/writer.h"

#define SECOND	 UINT64_C(1000000000)
#define BEGIN_NS (1000 * SECOND) /* of the test's own clock */
#define MIB	 (1024 * 1024)
#define NOBODY	 65534

#define skip_because(...)                                                                          \
	do {                                                                                       \
		print_message("skipped, because " __VA_ARGS__);                                    \
		print_message("\n");                                                               \
		skip();                                                                            \
	} while (0)

static uint64_t tick_ns(void)
{
	return SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
}

static void sleep_ms(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* ---- processes ---------------------------------------------------------- */

/* The state in /proc/PID/stat, '-' when there is no such process; and its start time. */
static char look_at(pid_t pid, uint64_t *ret_start_ns)
{
	char path[64], stat[1024];
	const char *state;
	uint64_t ticks;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, stat, sizeof(stat) - 1);
		close(fd);
	}
	if (n <= 0)
		return '-';
	stat[n] = '\0';
	if (ret_start_ns) {
		assert_int_equal(pidref_parse_start(stat, &ticks), 0);
		/* within the tick, as the kernel's exact value is */
		*ret_start_ns = ticks * tick_ns() + tick_ns() / 3;
	}
	state = strrchr(stat, ')');
	return state ? state[2] : '?';
}

static uint64_t start_of(pid_t pid)
{
	uint64_t start_ns = 0;

	assert_int_not_equal(look_at(pid, &start_ns), '-');
	return start_ns;
}

static void wait_for_state(pid_t pid, char state)
{
	for (int i = 0; i < 1000; i++) {
		if (look_at(pid, NULL) == state)
			return;
		sleep_ms(10);
	}
	fail_msg("process %d is in state '%c' and does not reach '%c'", (int)pid,
		 look_at(pid, NULL), state);
}

static void __attribute__((noreturn)) live(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		live();
	return pid;
}

/* The exit status of a child, which must exit soon. */
static int reap_child(pid_t pid)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		assert_true(got >= 0);
		if (got == pid)
			return status;
		sleep_ms(10);
	}
	fail_msg("process %d has not exited after 10 s", (int)pid);
	return -1;
}

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)reap_child(pid);
}

static void assert_lives(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(look_at(pid, NULL), 'S');
}

static void assert_killed(pid_t pid)
{
	int status = reap_child(pid);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* A new process with the pid @pid; needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN. */
static pid_t start_child_as(pid_t pid)
{
	pid_t wanted = pid;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&wanted,
		.set_tid_size = 1,
	};
	long got = syscall(SYS_clone3, &args, sizeof(args));

	if (!got)
		live();
	return got < 0 ? -errno : (pid_t)got;
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static enum kill_state wait_until_final(struct kill *kill)
{
	/* the clock that is passed does not advance: no timeout here */
	for (int i = 0; i < 1000 && !kill_look(kill, kill->sent_ns); i++)
		sleep_ms(10);
	return kill->state;
}

/* ---- records ------------------------------------------------------------ */

static char scratch[64];

static int make_scratch(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "/var/tmp/fo-kill-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
	(void)state;
	return rmdir(scratch);
}

/* Writes the record of a settled kill as the daemon does. @what: a jq condition that it meets. */
static void check_record(const struct kill *kill, pid_t pid, const char *what)
{
	const struct candidate candidate = {
		.pid = pid,
		.start_boot_ns = kill->ref.start_boot_ns,
		.comm = "a\"b\\c\n", /* a name may have any characters */
		.anon_bytes = 64 * MIB,
	};
	const struct victim victim = {.candidate = &candidate, .score = 1};
	const struct verdict verdict = {
		.action = VERDICT_ACT,
		.reason = REASON_NEAR_OOM,
		.risk = {.known = true, .value = 0.9},
	};
	const struct evidence evidence = {.span_ns = SECOND};
	const struct record_step steps[] = {{"chosen", 0}, {kill_state_name(kill->state), 1000}};
	const struct record_head head = {
		.wall_ns = 1700000000 * SECOND,
		.mono_ns = kill->ended_ns,
		.id = 7,
		.policy = "test",
		.scope_kind = "cgroup",
		.scope_path = "/test",
		.scope_id = 42,
		.dry_run = kill->dry_run,
	};
	const struct record_kill record = {
		.event = "kill",
		.verdict = &verdict,
		.evidence = &evidence,
		.victims = &victim,
		.victim_count = 1,
		.members = 1,
		.outcome = kill_state_name(kill->state),
		.error = kill->error,
		.steps = steps,
		.step_count = 2,
		.took_ns = kill->ended_ns - kill->opened_ns,
	};
	char path[128], line[WRITER_LINE_MAX], command[1024];
	struct writer *writer;
	int failed_errno;
	size_t len;

	snprintf(path, sizeof(path), "%s/events.jsonl", scratch);
	assert_int_equal(writer_open(&writer, path), 0);
	assert_int_equal(record_kill(line, sizeof(line), &head, &record, &len), 0);
	assert_int_equal(writer_event(writer, line, len), 0);
	assert_int_equal(writer_dropped(writer), 0);
	assert_int_equal(writer_failed(writer, &failed_errno), 0);
	writer_close(writer);
	snprintf(command, sizeof(command),
		 "jq -es 'length == 1 and (.[0] | .schema == 1 and .event == \"kill\" and .id == 7 "
		 "and .victim.pid == %d and .victim.comm == \"a\\\"b\\\\c\\n\" and (%s))' "
		 "%s >/dev/null",
		 (int)pid, what, path);
	if (system(command) != 0)
		fail_msg("the record does not meet %s:\n%s", what, line);
	assert_int_equal(unlink(path), 0);
}

/* ---- outcomes ----------------------------------------------------------- */

static void test_killed(void **state)
{
	pid_t pid = start_child();
	int fds = open_fds();
	struct kill kill;

	(void)state;
	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_SENT);
	assert_false(kill_is_final(&kill));
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	check_record(&kill, pid, ".outcome == \"killed\" and .error == null and (.dry_run | not)");
	kill_done(&kill);
	assert_int_equal(kill.state, KILL_IDLE);
	assert_killed(pid);
	assert_int_equal(open_fds(), fds);
}

static void test_pid_reused(void **state)
{
	pid_t pid = start_child(), fresh;
	uint64_t start_ns = start_of(pid);
	int fds = open_fds();
	struct kill kill;

	(void)state;
	end_child(pid);
	sleep_ms(50); /* start times are compared in ticks of 10 ms */
	fresh = start_child_as(pid);
	if (fresh == -EPERM)
		skip_because("a process with a chosen pid needs CAP_CHECKPOINT_RESTORE");
	if (fresh == -ENOSYS)
		skip_because("this kernel has no clone3()");
	if (fresh == -EEXIST)
		skip_because("pid %d was taken by another process", (int)pid);
	assert_int_equal(fresh, pid);
	wait_for_state(pid, 'S');
	assert_int_not_equal(start_of(pid), start_ns);

	kill_send(&kill, pid, start_ns, false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_REUSED);
	assert_true(kill_is_final(&kill));
	assert_true(kill_look(&kill, BEGIN_NS + SECOND));
	check_record(&kill, pid, ".outcome == \"reused\"");
	kill_done(&kill);
	assert_int_equal(open_fds(), fds);
	sleep_ms(50);
	assert_lives(pid);

	/* with its own start time it is killed */
	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	kill_done(&kill);
	assert_killed(pid);
}

static void *sit(void *argument)
{
	int *pipe_fds = argument;
	pid_t tid = (pid_t)syscall(SYS_gettid);
	char byte;

	if (write(pipe_fds[1], &tid, sizeof(tid)) == sizeof(tid))
		while (read(pipe_fds[2], &byte, 1) < 0 && errno == EINTR)
			;
	return NULL;
}

/* Threads and processes share pids: the pid may be another process's thread now. */
static void test_pid_reused_by_a_thread(void **state)
{
	int there[2], back[2], both[3];
	pid_t tid;
	struct kill kill;
	pthread_t thread;

	(void)state;
	assert_int_equal(pipe(there), 0);
	assert_int_equal(pipe(back), 0);
	both[1] = there[1];
	both[2] = back[0];
	assert_int_equal(pthread_create(&thread, NULL, sit, both), 0);
	assert_int_equal(read(there[0], &tid, sizeof(tid)), sizeof(tid));

	/* the thread is this process's: a signal would end the test */
	kill_send(&kill, tid, 12345 * tick_ns(), false, BEGIN_NS);
	close(back[1]);
	pthread_join(thread, NULL);
	close(back[0]);
	close(there[0]);
	close(there[1]);
	if (kill.state != KILL_REUSED)
		fail_msg("the pid is a thread's now, and the outcome is %s (%s), not reused",
			 kill_state_name(kill.state), strerror(-kill.error));
	kill_done(&kill);
}

static void test_exited_by_itself(void **state)
{
	pid_t pid = start_child();
	uint64_t start_ns = start_of(pid);
	int fds = open_fds();
	struct kill kill;

	(void)state;
	end_child(pid);
	kill_send(&kill, pid, start_ns, false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_EXITED);
	assert_true(kill_is_final(&kill));
	check_record(&kill, pid, ".outcome == \"exited\"");
	kill_done(&kill);
	assert_int_equal(open_fds(), fds);
}

/* A zombie: it exited before the kill. */
static void test_exited_and_not_reaped(void **state)
{
	pid_t pid = fork();
	struct kill kill;
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(23);
	wait_for_state(pid, 'Z');
	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	(void)wait_until_final(&kill);
	status = reap_child(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 23);
	if (kill.state != KILL_EXITED)
		fail_msg("it exited with status 23 before a signal was sent, but the outcome is "
			 "\"%s\"",
			 kill_state_name(kill.state));
	kill_done(&kill);
}

static void test_refused(void **state)
{
	pid_t victim, killer;
	int status;

	(void)state;
	if (geteuid())
		skip_because("only root can drop the permission to kill");
	victim = start_child();
	wait_for_state(victim, 'S');
	killer = fork();
	assert_true(killer >= 0);
	if (!killer) {
		uint64_t start_ns = start_of(victim);
		struct kill kill;

		if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(2);
		kill_send(&kill, victim, start_ns, false, BEGIN_NS);
		_exit(kill.state == KILL_REFUSED && kill.error == -EPERM &&
				      kill_look(&kill, BEGIN_NS)
			      ? 0
			      : 1);
	}
	status = reap_child(killer);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_lives(victim);
	{
		const struct kill kill = {
			.ref = {.pid = victim, .fd = -1},
			.state = KILL_REFUSED,
			.error = -EPERM,
		};

		check_record(&kill, victim, ".outcome == \"refused\" and .error == \"EPERM\"");
	}
	end_child(victim);
}

/* In a child, with no descriptor left beyond those that are open: kills @victim, with @want. */
static void kill_without_descriptors(pid_t victim, bool reserve, enum kill_state want)
{
	pid_t killer = fork();
	int status;

	assert_true(killer >= 0);
	if (!killer) {
		uint64_t start_ns = start_of(victim);
		struct rlimit limit;
		struct kill kill;
		int fd;

		if (reserve)
			descriptors_hold();
		/* the lowest free number; without holes below, nothing else can be opened */
		while ((fd = open("/", O_PATH)) >= 0) {
			if (getrlimit(RLIMIT_NOFILE, &limit))
				_exit(2);
			limit.rlim_cur = (rlim_t)fd + 1;
			if (setrlimit(RLIMIT_NOFILE, &limit))
				_exit(3);
		}
		kill_send(&kill, victim, start_ns, false, BEGIN_NS);
		if (kill.state != want)
			_exit(4);
		if (want == KILL_UNSENT && (kill.error != -EMFILE || !kill_is_final(&kill)))
			_exit(5);
		if (want == KILL_SENT && wait_until_final(&kill) != KILL_GONE)
			_exit(6);
		kill_done(&kill);
		descriptors_hold();
		_exit(descriptors_release() == reserve ? 0 : 7);
	}
	status = reap_child(killer);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A lack of descriptors says nothing about the victim. The kill is not "refused". */
static void test_no_descriptor(void **state)
{
	pid_t victim = start_child();
	const struct kill kill = {
		.ref = {.pid = victim, .fd = -1},
		.state = KILL_UNSENT,
		.error = -EMFILE,
	};

	(void)state;
	wait_for_state(victim, 'S');
	kill_without_descriptors(victim, false, KILL_UNSENT);
	assert_lives(victim);
	check_record(&kill, victim, ".outcome == \"unsent\" and .error == \"EMFILE\"");
	end_child(victim);
}

/* With the reserve the kill happens, and the reserve is filled again after it. */
static void test_reserve(void **state)
{
	pid_t victim = start_child();

	(void)state;
	wait_for_state(victim, 'S');
	kill_without_descriptors(victim, true, KILL_SENT);
	assert_killed(victim);
}

static void test_limit_is_raised(void **state)
{
	struct rlimit before, low, limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(descriptors_raise(), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(limit.rlim_cur == before.rlim_max && limit.rlim_max == before.rlim_max);
}

/* A dry run has the same outcomes; only the signal is not sent. */
static void test_dry_run(void **state)
{
	pid_t pid = start_child();
	uint64_t start_ns = start_of(pid);
	int fds = open_fds();
	struct kill kill;

	(void)state;
	wait_for_state(pid, 'S');
	kill_send(&kill, pid, start_ns, true, BEGIN_NS);
	assert_int_equal(kill.state, KILL_SENT);
	assert_true(kill.ref.fd >= 0);
	assert_true(kill_look(&kill, BEGIN_NS + 1));
	assert_int_equal(kill.state, KILL_GONE);
	check_record(&kill, pid, ".outcome == \"killed\" and .dry_run");
	kill_done(&kill);
	assert_lives(pid);

	/* another start time: reused, as without dry run */
	kill_send(&kill, pid, start_ns + SECOND, true, BEGIN_NS);
	assert_int_equal(kill.state, KILL_REUSED);
	kill_done(&kill);

	end_child(pid);
	kill_send(&kill, pid, start_ns, true, BEGIN_NS);
	assert_int_equal(kill.state, KILL_EXITED);
	kill_done(&kill);
	assert_int_equal(open_fds(), fds);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* The leader has exited, other threads hold the memory; /proc shows a zombie. */
static void test_leader_is_gone(void **state)
{
	pid_t pid = fork();
	struct pollfd poll_fd;
	struct kill kill;

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		pthread_t threads[2];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 2; i++)
			if (pthread_create(&threads[i], NULL, wait_for_ever, NULL))
				_exit(1);
		syscall(SYS_exit, 0); /* of this thread only */
	}
	wait_for_state(pid, 'Z');
	kill_send(&kill, pid, start_of(pid), true, BEGIN_NS);
	assert_int_equal(kill.state, KILL_SENT);
	poll_fd = (struct pollfd){.fd = kill.ref.fd, .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 100),
			 0); /* a pidfd is not readable while a thread lives */
	kill_done(&kill);

	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_SENT);
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	kill_done(&kill);
	(void)reap_child(pid); /* the status is the leader's: exit 0 */
}

/* ---- SIGTERM first -------------------------------------------------------- */

static pid_t start_term_ignoring_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGTERM, SIG_IGN);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "ignores-term");
		for (;;)
			pause();
	}
	wait_for_state(pid, 'S');
	sleep_ms(20);
	return pid;
}

static void test_term(void **state)
{
	pid_t pid = start_child();
	struct kill kill;
	int status;

	(void)state;
	kill_term(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_TERM_SENT);
	assert_false(kill_is_final(&kill));
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	kill_done(&kill);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* A process that ignores SIGTERM is not stuck: no SIGKILL was sent. */
static void test_kill_after_term(void **state)
{
	pid_t pid = start_term_ignoring_child();
	struct kill kill;

	(void)state;
	kill_term(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_false(kill_look(&kill, BEGIN_NS + 100 * KILL_TIMEOUT_NS));
	assert_int_equal(kill.state, KILL_TERM_SENT);
	kill_insist(&kill, BEGIN_NS + SECOND);
	assert_int_equal(kill.state, KILL_SENT);
	assert_int_equal(kill.sent_ns, BEGIN_NS + SECOND);
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	kill_done(&kill);
	assert_killed(pid);
}

/* It exited between SIGTERM and SIGKILL; its pid may be another process's then. */
static void test_exited_after_term(void **state)
{
	pid_t pid = start_child();
	struct kill kill;

	(void)state;
	kill_term(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	kill_insist(&kill, BEGIN_NS + SECOND);
	assert_int_equal(kill.state, KILL_GONE);
	kill_done(&kill);
}

/* A debugger has stopped it: that does not delay SIGKILL. */
static void test_traced(void **state)
{
	pid_t pid = start_child();
	struct kill kill;
	int status;

	(void)state;
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	assert_true(WIFSTOPPED(status));
	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_SENT);
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	kill_done(&kill);
	assert_killed(pid);
}

/* ---- time --------------------------------------------------------------- */

static void test_timeout(void **state)
{
	pid_t pid = start_child();
	struct kill kill = {.state = KILL_SENT, .sent_ns = BEGIN_NS, .opened_ns = BEGIN_NS};

	(void)state;
	/* as if SIGKILL had been sent and had no effect */
	assert_int_equal(pidref_open(pid, start_of(pid), &kill.ref), 0);
	assert_false(kill_look(&kill, BEGIN_NS));
	assert_false(kill_look(&kill, BEGIN_NS + KILL_TIMEOUT_NS - 1));
	assert_int_equal(kill.state, KILL_SENT);
	assert_true(kill_look(&kill, BEGIN_NS + KILL_TIMEOUT_NS));
	assert_int_equal(kill.state, KILL_STUCK);
	assert_int_equal(kill.ended_ns, BEGIN_NS + KILL_TIMEOUT_NS);
	check_record(&kill, pid, ".outcome == \"stuck\" and .took_ms == 2000");
	/* the outcome stays when it dies later */
	end_child(pid);
	assert_true(kill_look(&kill, BEGIN_NS + 2 * KILL_TIMEOUT_NS));
	assert_int_equal(kill.state, KILL_STUCK);
	kill_done(&kill);
}

/* An exit at the timeout counts as an exit. */
static void test_gone_wins_over_timeout(void **state)
{
	pid_t pid = start_child();
	struct kill kill;

	(void)state;
	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_killed(pid);
	assert_true(kill_look(&kill, BEGIN_NS + 10 * KILL_TIMEOUT_NS));
	assert_int_equal(kill.state, KILL_GONE);
	kill_done(&kill);
}

/* ---- memory of a process that cannot run --------------------------------- */

static char freezer[128]; /* a cgroup of v1's freezer; empty: none */

static bool put(const char *dir, const char *file, const char *text)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* A process that v1's freezer froze cannot be killed; with v2 it can. */
static bool make_freezer(void)
{
	char mount_point[64];
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[1024], at[512], type[64], options[512];

	freezer[0] = mount_point[0] = '\0';
	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %511s %63s %511s", at, type, options) == 3 &&
		    !strcmp(type, "cgroup") && strstr(options, "freezer"))
			snprintf(mount_point, sizeof(mount_point), "%.60s", at);
	if (mounts)
		fclose(mounts);
	if (!mount_point[0])
		return false;
	snprintf(freezer, sizeof(freezer), "%s/fo-kill-%d", mount_point, (int)getpid());
	if (mkdir(freezer, 0700) == 0)
		return true;
	freezer[0] = '\0';
	return false;
}

/* Runs when the test failed, too: no process may stay frozen. */
static int remove_freezer(void **state)
{
	(void)state;
	if (!freezer[0])
		return 0;
	(void)put(freezer, "freezer.state", "THAWED");
	for (int i = 0; i < 100 && rmdir(freezer) < 0 && errno == EBUSY; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sleep_ms(20);
	}
	freezer[0] = '\0';
	return 0;
}

static uint64_t resident_kib(pid_t pid)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static pid_t start_holder(size_t bytes)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char *held = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);

		if (held == MAP_FAILED)
			_exit(1);
		memset(held, 1, bytes);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		live();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_reap_of_the_living(void **state)
{
	pid_t pid = start_holder(4 * MIB);
	struct kill kill;

	(void)state;
	kill_send(&kill, pid, start_of(pid), true, BEGIN_NS);
	if (kill_reap(kill.ref.fd) == -ENOSYS) {
		end_child(pid);
		kill_done(&kill);
		skip_because("this kernel has no process_mrelease()");
	}
	assert_int_equal(kill_reap(kill.ref.fd), -EINVAL); /* it is not dying */
	kill_done(&kill);
	assert_true(resident_kib(pid) >= 4 * 1024);
	end_child(pid);
}

static void test_reap_of_the_dying(void **state)
{
	pid_t pid = start_holder(64 * MIB);
	struct kill kill;
	int err;

	(void)state;
	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	err = kill_reap(kill.ref.fd);
	if (err == -ENOSYS) {
		kill_done(&kill);
		(void)reap_child(pid);
		skip_because("this kernel has no process_mrelease()");
	}
	/* it may have exited already */
	assert_true(err == 0 || err == -ESRCH || err == -EINVAL);
	assert_int_equal(wait_until_final(&kill), KILL_GONE);
	assert_int_equal(kill_reap(kill.ref.fd), -ESRCH);
	kill_done(&kill);
	assert_killed(pid);
}

/* A frozen process stays after SIGKILL until it is thawed; its memory can be reaped. */
static void test_frozen(void **state)
{
	pid_t pid;
	struct kill kill;
	char text[32];
	int err;

	(void)state;
	if (!make_freezer())
		skip_because("there is no v1 freezer to be written to");
	pid = start_holder(64 * MIB);
	snprintf(text, sizeof(text), "%d", (int)pid);
	assert_true(put(freezer, "cgroup.procs", text));
	assert_true(put(freezer, "freezer.state", "FROZEN"));
	wait_for_state(pid, 'D');

	kill_send(&kill, pid, start_of(pid), false, BEGIN_NS);
	assert_int_equal(kill.state, KILL_SENT);
	sleep_ms(300);
	assert_false(kill_look(&kill, BEGIN_NS + KILL_TIMEOUT_NS / 2));
	assert_true(kill_look(&kill, BEGIN_NS + KILL_TIMEOUT_NS));
	assert_int_equal(kill.state, KILL_STUCK);
	assert_int_equal(look_at(pid, NULL), 'D');

	err = kill_reap(kill.ref.fd);
	if (err != -ENOSYS) {
		assert_int_equal(err, 0);
		assert_true(resident_kib(pid) < 4 * 1024);
	}
	kill_done(&kill);
	assert_true(put(freezer, "freezer.state", "THAWED"));
	assert_killed(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_pid_reused),
		cmocka_unit_test(test_pid_reused_by_a_thread),
		cmocka_unit_test(test_exited_by_itself),
		cmocka_unit_test(test_exited_and_not_reaped),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_descriptor),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_limit_is_raised),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_leader_is_gone),
		cmocka_unit_test(test_term),
		cmocka_unit_test(test_kill_after_term),
		cmocka_unit_test(test_exited_after_term),
		cmocka_unit_test(test_traced),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_gone_wins_over_timeout),
		cmocka_unit_test(test_reap_of_the_living),
		cmocka_unit_test(test_reap_of_the_dying),
		cmocka_unit_test_teardown(test_frozen, remove_freezer),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
