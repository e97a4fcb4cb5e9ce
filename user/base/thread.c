// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

/* pthread_clockjoin_np() and sem_clockwait() are in glibc 2.31; musl has neither. */
#if defined(__GLIBC__) && !defined(THREAD_POLLS)
#if __GLIBC_PREREQ(2, 31)
#define THREAD_HAS_CLOCK_WAITS 1
#endif
#endif

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *context), void *context)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err = -pthread_attr_init(&attr);

	if (err)
		return err;
	err = -pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	if (!err) {
		/* a thread inherits the mask of its creator */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		err = -pthread_create(&thread, &attr, run, context);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attr);
	if (err)
		return err;
	pthread_setname_np(thread, name);
	*ret = thread;
	return 0;
}

uint64_t thread_deadline(uint64_t timeout_ns)
{
	uint64_t deadline_ns;

	return __builtin_add_overflow(clock_mono_ns(), timeout_ns, &deadline_ns)
		       ? THREAD_NO_DEADLINE
		       : deadline_ns;
}

#ifdef THREAD_HAS_CLOCK_WAITS

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
				 .tv_nsec = (long)(ns % 1000000000)};
}

static int join_until(pthread_t thread, uint64_t deadline_ns)
{
	const struct timespec until = to_timespec(deadline_ns);

	return -pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
}

static int sem_wait_until(sem_t *sem, uint64_t deadline_ns)
{
	const struct timespec until = to_timespec(deadline_ns);

	while (sem_clockwait(sem, CLOCK_MONOTONIC, &until) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

#else

/* The interval of polling, a tenth of the interval between samples; chosen. */
#define POLL_NS 10000000

/* False: the deadline is over. */
static bool sleep_until(uint64_t deadline_ns)
{
	const uint64_t now_ns = clock_mono_ns();
	struct timespec pause = {.tv_nsec = POLL_NS};

	if (now_ns >= deadline_ns)
		return false;
	if (deadline_ns - now_ns < POLL_NS)
		pause.tv_nsec = (long)(deadline_ns - now_ns);
	nanosleep(&pause, NULL);
	return true;
}

static int join_until(pthread_t thread, uint64_t deadline_ns)
{
	int err;

	do
		err = -pthread_tryjoin_np(thread, NULL);
	while (err == -EBUSY && sleep_until(deadline_ns));
	return err == -EBUSY ? -ETIMEDOUT : err;
}

static int sem_wait_until(sem_t *sem, uint64_t deadline_ns)
{
	do
		if (!sem_trywait(sem))
			return 0;
	while (sleep_until(deadline_ns));
	return -ETIMEDOUT;
}

#endif

int thread_join(pthread_t thread, uint64_t deadline_ns)
{
	return deadline_ns == THREAD_NO_DEADLINE ? -pthread_join(thread, NULL)
						 : join_until(thread, deadline_ns);
}

int thread_sem_wait(sem_t *sem, uint64_t deadline_ns)
{
	if (deadline_ns != THREAD_NO_DEADLINE)
		return sem_wait_until(sem, deadline_ns);
	while (sem_wait(sem) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
