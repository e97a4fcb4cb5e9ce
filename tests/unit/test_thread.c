// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Each test runs twice: with the waits of this C library, and with the ones for a C library that
 * has no waits on CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/util.h"
#include "unit/unit.h"

int polling_start(pthread_t *ret, const char *name, void *(*run)(void *), void *context);
uint64_t polling_deadline(uint64_t timeout_ns);
int polling_join(pthread_t thread, uint64_t deadline_ns);
int polling_sem_wait(sem_t *sem, uint64_t deadline_ns);

#define THREAD_POLLS
#define thread_start	polling_start
#define thread_deadline polling_deadline
#define thread_join	polling_join
#define thread_sem_wait polling_sem_wait
#include "base/thread.c"
#undef thread_start
#undef thread_deadline
#undef thread_join
#undef thread_sem_wait

static const struct waits {
	int (*start)(pthread_t *ret, const char *name, void *(*run)(void *), void *context);
	uint64_t (*deadline)(uint64_t timeout_ns);
	int (*join)(pthread_t thread, uint64_t deadline_ns);
	int (*sem_wait)(sem_t *sem, uint64_t deadline_ns);
} all[] = {
	{thread_start, thread_deadline, thread_join, thread_sem_wait},
	{polling_start, polling_deadline, polling_join, polling_sem_wait},
};

/* Code linked into this program reads a wall clock that is off by so many seconds. */
static time_t wall_step_s;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, clock, ts);

	if (!err && clock == CLOCK_REALTIME)
		ts->tv_sec += wall_step_s;
	return err;
}

struct seen {
	sem_t go;
	sigset_t blocked;
	size_t stack_bytes;
	char name[16];
};

static void *look(void *context)
{
	struct seen *seen = context;
	pthread_attr_t attr;

	while (sem_wait(&seen->go))
		;
	pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	if (!pthread_getattr_np(pthread_self(), &attr)) {
		pthread_attr_getstacksize(&attr, &seen->stack_bytes);
		pthread_attr_destroy(&attr);
	}
	return NULL;
}

/* The thread has its name and stack and blocks all signals; the mask of the caller is unchanged. */
static void test_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct seen seen = {.stack_bytes = 0};
		sigset_t mine;
		pthread_t thread;

		sem_init(&seen.go, 0, 0);
		assert_int_equal(all[i].start(&thread, "fo-test", look, &seen), 0);
		sem_post(&seen.go);
		assert_int_equal(all[i].join(thread, THREAD_NO_DEADLINE), 0);
		assert_string_equal(seen.name, "fo-test");
		assert_true(sigismember(&seen.blocked, SIGTERM) &&
			    sigismember(&seen.blocked, SIGINT) &&
			    sigismember(&seen.blocked, SIGCHLD));
		/* glibc takes the guard page from the size or adds it, by version */
		assert_true(seen.stack_bytes >= THREAD_STACK_BYTES - 65536 &&
			    seen.stack_bytes <= THREAD_STACK_BYTES + 65536);
		pthread_sigmask(SIG_SETMASK, NULL, &mine);
		assert_false(sigismember(&mine, SIGTERM));
		sem_destroy(&seen.go);
	}
}

static void test_deadline(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		uint64_t before_ns = clock_mono_ns(), deadline_ns = all[i].deadline(SEC);

		assert_true(deadline_ns >= before_ns + SEC && deadline_ns < before_ns + 2 * SEC);
		assert_true(all[i].deadline(UINT64_MAX) == THREAD_NO_DEADLINE);
		assert_true(all[i].deadline(UINT64_MAX - 1) == THREAD_NO_DEADLINE);
	}
}

/* The wait ends at its deadline on the monotonic clock, wherever the wall clock is. */
static void assert_times_out(const struct waits *waits, sem_t *sem, pthread_t thread, time_t step_s)
{
	uint64_t begin_ns = clock_mono_ns(), deadline_ns = waits->deadline(100 * MS), took_ns;
	int err;

	wall_step_s = step_s;
	alarm(10);
	err = sem ? waits->sem_wait(sem, deadline_ns) : waits->join(thread, deadline_ns);
	wall_step_s = 0;
	alarm(60);
	took_ns = clock_mono_ns() - begin_ns;
	assert_int_equal(err, -ETIMEDOUT);
	assert_true(took_ns >= 100 * MS && took_ns < 5 * SEC);
}

static void test_waits(void **state)
{
	static const time_t steps_s[] = {0, 3600, -3600};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct seen seen = {.stack_bytes = 0};
		pthread_t thread;
		sem_t sem;

		sem_init(&sem, 0, 0);
		sem_init(&seen.go, 0, 0);
		assert_int_equal(all[i].start(&thread, "fo-test", look, &seen), 0);
		for (size_t k = 0; k < ARRAY_SIZE(steps_s); k++) {
			assert_times_out(&all[i], &sem, thread, steps_s[k]);
			assert_times_out(&all[i], NULL, thread, steps_s[k]);
		}
		/* what is there is had, also when the deadline is over */
		sem_post(&sem);
		assert_int_equal(all[i].sem_wait(&sem, 0), 0);
		assert_int_equal(all[i].sem_wait(&sem, 0), -ETIMEDOUT);
		sem_post(&sem);
		assert_int_equal(all[i].sem_wait(&sem, THREAD_NO_DEADLINE), 0);
		sem_post(&seen.go);
		assert_int_equal(all[i].join(thread, all[i].deadline(10 * SEC)), 0);
		sem_destroy(&seen.go);
		sem_destroy(&sem);
	}
}

static void on_signal(int signo)
{
	(void)signo;
}

/* A signal handler that runs during a wait does not end it. */
static void test_interrupted(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};
	const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
	sem_t sem;

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	sem_init(&sem, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		uint64_t begin_ns = clock_mono_ns();

		setitimer(ITIMER_REAL, &often, NULL);
		assert_int_equal(all[i].sem_wait(&sem, all[i].deadline(100 * MS)), -ETIMEDOUT);
		setitimer(ITIMER_REAL, &never, NULL);
		assert_true(clock_mono_ns() - begin_ns >= 100 * MS);
	}
	sem_destroy(&sem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_interrupted),
	};

	/* a wait that does not end fails the test */
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
