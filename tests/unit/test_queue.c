/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/queue.h"
#include "base/util.h"
#include "base/worker.h"
#include "unit/unit.h"

/*
 * Stands for a step of the wall clock between a reading of it and the wait that uses the reading:
 * code linked into this program reads a wall clock that is off by so many seconds.
 */
static time_t wall_step_s;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, clock, ts);

	if (!err && clock == CLOCK_REALTIME)
		ts->tv_sec += wall_step_s;
	return err;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / SEC), (long)(ns % SEC)};

	nanosleep(&ts, NULL);
}

/* ---- queue ------------------------------------------------------------- */

static void test_depths(void **state)
{
	static const unsigned good[] = {1, 2, 4, 64, 1024}, bad[] = {0, 3, 5, 6, 12, 1000};
	struct queue queue;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(queue_init(&queue, 8, bad[i]), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(queue_init(&queue, 8, good[i]), 0);
		/* exactly that many slots */
		for (unsigned n = 0; n < good[i]; n++)
			assert_int_equal(queue_push(&queue, &n, sizeof(n)), 0);
		assert_int_equal(queue_push(&queue, &i, sizeof(i)), -ENOSPC);
		queue_done(&queue);
		queue_done(&queue);
	}
}

/* A full queue is an error, a freed slot is used again, order and lengths are kept. */
static void test_full_and_order(void **state)
{
	/* also where the positions wrap around */
	static const unsigned starts[] = {0, UINT_MAX - 5};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
		struct queue queue;
		unsigned next = 0, oldest = 0;

		assert_int_equal(queue_init(&queue, 32, 4), 0);
		atomic_store(&queue.head, starts[s]);
		atomic_store(&queue.tail, starts[s]);
		for (int round = 0; round < 100; round++) {
			size_t len;
			void *slot;

			while (next - oldest < 4) {
				char bytes[32];

				memset(bytes, (int)(next % 251), sizeof(bytes));
				assert_int_equal(queue_push(&queue, bytes, next % 33), 0);
				next++;
			}
			assert_int_equal(queue_push(&queue, "x", 1), -ENOSPC);
			for (int taken = 0; taken <= round % 4; taken++, oldest++) {
				slot = queue_wait(&queue, &len);
				assert_int_equal(len, oldest % 33);
				for (size_t i = 0; i < len; i++)
					assert_int_equal(((unsigned char *)slot)[i], oldest % 251);
				queue_pop(&queue);
			}
		}
		queue_done(&queue);
	}
}

static void test_too_long(void **state)
{
	struct queue queue;
	char bytes[128] = "";
	size_t len;

	(void)state;
	assert_int_equal(queue_init(&queue, 48, 2), 0);
	assert_int_equal(queue_push(&queue, bytes, 49), -EMSGSIZE);
	assert_int_equal(queue_push(&queue, bytes, sizeof(bytes)), -EMSGSIZE);
	assert_int_equal(queue_push(&queue, bytes, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(queue_push(&queue, bytes, 48), 0);
	assert_int_equal(queue_push(&queue, bytes, 0), 0);
	queue_wait(&queue, &len);
	assert_int_equal(len, 48);
	queue_pop(&queue);
	queue_wait(&queue, &len);
	assert_int_equal(len, 0);
	queue_done(&queue);
}

/* Slots are aligned as the memory of malloc(), so the reader can use any type in place. */
static void test_alignment(void **state)
{
	static const size_t sizes[] = {1, 8, 16, 24, 40, 100};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct queue queue;

		assert_int_equal(queue_init(&queue, sizes[i], 4), 0);
		for (int n = 0; n < 4; n++) {
			size_t len;

			assert_int_equal(queue_push(&queue, "x", 1), 0);
			if ((uintptr_t)queue_wait(&queue, &len) % _Alignof(max_align_t))
				fail_msg("size %zu, slot %d", sizes[i], n);
			queue_pop(&queue);
		}
		queue_done(&queue);
	}
}

#define PUSHES 100000

static void *push_all(void *arg)
{
	struct queue *queue = arg;
	uint64_t random = 9;

	for (uint64_t i = 0; i < PUSHES;) {
		uint64_t bytes[8];
		size_t n = 1 + next_random(&random) % 8;
		int err;

		for (size_t k = 0; k < n; k++)
			bytes[k] = i;
		do {
			err = queue_push(queue, bytes, n * sizeof(bytes[0]));
			if (err)
				sched_yield();
		} while (err == -ENOSPC);
		if (err)
			return arg;
		i++;
	}
	return NULL;
}

/* From one thread to another nothing is lost, torn, duplicated or out of order. */
static void test_two_threads(void **state)
{
	struct queue queue;
	pthread_t thread;
	void *failed;

	(void)state;
	assert_int_equal(queue_init(&queue, 64, 8), 0);
	assert_int_equal(pthread_create(&thread, NULL, push_all, &queue), 0);
	for (uint64_t i = 0; i < PUSHES; i++) {
		size_t len;
		uint64_t *slot = queue_wait(&queue, &len);

		if (len < 8 || len > 64 || len % 8)
			fail_msg("%zu bytes", len);
		for (size_t k = 0; k < len / 8; k++)
			if (slot[k] != i)
				fail_msg("%d came as %d", (int)i, (int)slot[k]);
		queue_pop(&queue);
	}
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	queue_done(&queue);
}

/* ---- worker ------------------------------------------------------------ */

/* What the tasks below share. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;	  /* tasks wait while it is set */
	int begun, ended; /* tasks */
	int order[64];
	char name[16];
	bool signals_blocked, misaligned;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void shared_clear(bool closed)
{
	pthread_mutex_lock(&shared.lock);
	shared.closed = closed;
	shared.begun = shared.ended = 0;
	memset(shared.order, 0, sizeof(shared.order));
	shared.misaligned = false;
	pthread_mutex_unlock(&shared.lock);
}

static void shared_open(void)
{
	pthread_mutex_lock(&shared.lock);
	shared.closed = false;
	pthread_cond_broadcast(&shared.changed);
	pthread_mutex_unlock(&shared.lock);
}

static void shared_wait_begun(int n)
{
	pthread_mutex_lock(&shared.lock);
	while (shared.begun < n)
		pthread_cond_wait(&shared.changed, &shared.lock);
	pthread_mutex_unlock(&shared.lock);
}

static int shared_ended(void)
{
	int n;

	pthread_mutex_lock(&shared.lock);
	n = shared.ended;
	pthread_mutex_unlock(&shared.lock);
	return n;
}

static void note_task(void *argument, size_t len)
{
	int number = -1;

	if (len >= sizeof(number))
		memcpy(&number, argument, sizeof(number));
	pthread_mutex_lock(&shared.lock);
	shared.begun++;
	if ((uintptr_t)argument % _Alignof(max_align_t))
		shared.misaligned = true;
	pthread_cond_broadcast(&shared.changed);
	while (shared.closed)
		pthread_cond_wait(&shared.changed, &shared.lock);
	if (shared.ended < (int)ARRAY_SIZE(shared.order))
		shared.order[shared.ended] = number;
	shared.ended++;
	pthread_mutex_unlock(&shared.lock);
}

static void slow_task(void *argument, size_t len)
{
	sleep_ns(20 * MS);
	note_task(argument, len);
}

static void look_task(void *argument, size_t len)
{
	sigset_t set;

	(void)argument;
	(void)len;
	pthread_mutex_lock(&shared.lock);
	pthread_getname_np(pthread_self(), shared.name, sizeof(shared.name));
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	shared.signals_blocked = sigismember(&set, SIGTERM) && sigismember(&set, SIGINT);
	pthread_mutex_unlock(&shared.lock);
}

/* Arguments are copied, tasks run in order, worker_stop() finishes all of them. */
static void test_worker_order(void **state)
{
	struct worker *worker;
	int number;

	(void)state;
	shared_clear(true);
	assert_int_equal(worker_start(&worker, "fo-test", 64, 64), 0);
	for (number = 1; number <= 50; number++)
		assert_int_equal(worker_give(worker, note_task, &number, sizeof(number)), 0);
	number = 4711;
	shared_open();
	assert_true(worker_stop(worker, 10 * SEC));
	assert_int_equal(shared.ended, 50);
	for (int i = 0; i < 50; i++)
		assert_int_equal(shared.order[i], i + 1);
}

/* A full queue refuses a task at once and counts it; the others run. */
static void test_worker_full(void **state)
{
	struct worker *worker;
	uint64_t begin;
	int number = 0, taken = 0;

	(void)state;
	shared_clear(true);
	assert_int_equal(worker_start(&worker, "fo-test", 64, 4), 0);
	assert_int_equal(worker_give(worker, note_task, &number, sizeof(number)), 0);
	shared_wait_begun(1);
	begin = now_ns();
	for (number = 1; number <= 10; number++) {
		int err = worker_give(worker, note_task, &number, sizeof(number));

		assert_true(!err || err == -ENOSPC);
		taken += !err;
	}
	assert_true(now_ns() - begin < SEC);
	assert_int_equal(taken, 3); /* the fourth slot holds the running task */
	assert_int_equal(worker_refused(worker), 7);
	shared_open();
	while (shared_ended() < 4)
		sleep_ns(MS);
	number = 77;
	while (worker_give(worker, note_task, &number, sizeof(number)))
		sleep_ns(MS);
	assert_true(worker_stop(worker, 10 * SEC));
	assert_int_equal(shared.ended, 5);
	assert_int_equal(shared.order[3], 3);
	assert_int_equal(shared.order[4], 77);
}

static void test_worker_sizes(void **state)
{
	struct worker *worker;
	char bytes[65] = "";

	(void)state;
	shared_clear(false);
	assert_int_equal(worker_start(&worker, "fo-test", 64, 4), 0);
	assert_int_equal(worker_give(worker, note_task, bytes, 65), -EMSGSIZE);
	assert_int_equal(worker_refused(worker), 1);
	assert_int_equal(worker_give(worker, note_task, bytes, 64), 0);
	assert_int_equal(worker_give(worker, note_task, NULL, 0), 0);
	assert_true(worker_stop(worker, 10 * SEC));
	assert_int_equal(shared.ended, 2);
	assert_int_equal(shared.order[1], -1);
	assert_true(worker_stop(NULL, 0));
	assert_int_equal(worker_start(&worker, "fo-test", 64, 3), -EINVAL);
}

/* Arguments are aligned for any type. */
static void test_worker_alignment(void **state)
{
	struct worker *worker;
	int number = 1;

	(void)state;
	shared_clear(false);
	assert_int_equal(worker_start(&worker, "fo-test", 40, 8), 0);
	for (int i = 0; i < 7; i++)
		assert_int_equal(worker_give(worker, note_task, &number, sizeof(number)), 0);
	assert_true(worker_stop(worker, 10 * SEC));
	assert_int_equal(shared.ended, 7);
	assert_false(shared.misaligned);
}

/* The thread blocks signals and has its name. */
static void test_worker_thread(void **state)
{
	struct worker *worker;

	(void)state;
	memset(shared.name, 0, sizeof(shared.name));
	assert_int_equal(worker_start(&worker, "fo-test", 8, 2), 0);
	/* worker_start() names the thread after it has started */
	sleep_ns(10 * MS);
	assert_int_equal(worker_give(worker, look_task, NULL, 0), 0);
	assert_true(worker_stop(worker, 10 * SEC));
	assert_string_equal(shared.name, "fo-test");
	assert_true(shared.signals_blocked);
}

/* worker_stop() finishes all tasks also when the queue is full. */
static void test_stop_while_full(void **state)
{
	struct worker *worker;
	int number = 1, given = 0;

	(void)state;
	shared_clear(false);
	assert_int_equal(worker_start(&worker, "fo-test", 8, 4), 0);
	while (!worker_give(worker, slow_task, &number, sizeof(number)))
		given++;
	assert_true(given >= 4);
	if (!worker_stop(worker, 10 * SEC))
		fail_msg("worker_stop() gave up after %d of %d tasks", shared_ended(), given);
	assert_int_equal(shared.ended, given);
}

/* worker_stop() gives up on a stuck task at its timeout, not earlier and not much later. */
static void test_stop_stuck(void **state)
{
	struct worker *worker;
	uint64_t begin, took;
	int number = 1;

	(void)state;
	shared_clear(true);
	assert_int_equal(worker_start(&worker, "fo-test", 8, 4), 0);
	assert_int_equal(worker_give(worker, note_task, &number, sizeof(number)), 0);
	shared_wait_begun(1);
	begin = now_ns();
	assert_false(worker_stop(worker, 200 * MS));
	took = now_ns() - begin;
	assert_true(took >= 190 * MS);
	assert_true(took < 5 * SEC);
	shared_open();
}

/* queue_wait_for() waits for its timeout; a slot that is there is returned at once, and once. */
static void test_wait_for(void **state)
{
	struct queue queue;
	struct timespec from, to;
	size_t len;
	const int seven = 7;
	int *got;

	(void)state;
	assert_int_equal(queue_init(&queue, sizeof(int), 4), 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_null(queue_wait_for(&queue, &len, 50 * MS));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true((uint64_t)(to.tv_sec - from.tv_sec) * SEC + (uint64_t)to.tv_nsec -
			    (uint64_t)from.tv_nsec >=
		    40 * MS);
	assert_null(queue_wait_for(&queue, &len, 0));
	assert_int_equal(queue_push(&queue, &seven, sizeof(seven)), 0);
	got = queue_wait_for(&queue, &len, 3600 * SEC);
	assert_non_null(got);
	assert_true(*got == 7 && len == sizeof(seven));
	queue_pop(&queue);
	assert_null(queue_wait_for(&queue, &len, MS));
	assert_int_equal(queue_push(&queue, &seven, sizeof(seven)), 0);
	assert_non_null(queue_wait_for(&queue, &len, UINT64_MAX));
	queue_pop(&queue);
	queue_done(&queue);
}

/* A step of the wall clock in either direction does not change when a wait ends. */
static void test_wait_for_wall_step(void **state)
{
	static const time_t steps_s[] = {3600, -3600};
	struct queue queue;

	(void)state;
	assert_int_equal(queue_init(&queue, sizeof(int), 4), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps_s); i++) {
		uint64_t begin_ns, took_ns;
		size_t len;

		wall_step_s = steps_s[i];
		alarm(10);
		begin_ns = now_ns();
		assert_null(queue_wait_for(&queue, &len, 200 * MS));
		took_ns = now_ns() - begin_ns;
		wall_step_s = 0;
		alarm(60);
		assert_true(took_ns >= 190 * MS && took_ns < 5 * SEC);
	}
	queue_done(&queue);
}

static void test_stop_wall_step(void **state)
{
	static const time_t steps_s[] = {3600, -3600};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps_s); i++) {
		struct worker *worker;
		uint64_t begin_ns, took_ns;
		bool ended;

		shared_clear(true);
		assert_int_equal(worker_start(&worker, "fo-test", 8, 4), 0);
		assert_int_equal(worker_give(worker, note_task, NULL, 0), 0);
		shared_wait_begun(1);
		wall_step_s = steps_s[i];
		alarm(10);
		begin_ns = now_ns();
		ended = worker_stop(worker, 200 * MS);
		took_ns = now_ns() - begin_ns;
		wall_step_s = 0;
		alarm(60);
		shared_open();
		assert_false(ended);
		assert_true(took_ns >= 190 * MS && took_ns < 5 * SEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_for),       cmocka_unit_test(test_depths),
		cmocka_unit_test(test_full_and_order), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_alignment),      cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_worker_order),   cmocka_unit_test(test_worker_full),
		cmocka_unit_test(test_worker_sizes),   cmocka_unit_test(test_worker_alignment),
		cmocka_unit_test(test_worker_thread),  cmocka_unit_test(test_stop_while_full),
		cmocka_unit_test(test_stop_stuck),     cmocka_unit_test(test_wait_for_wall_step),
		cmocka_unit_test(test_stop_wall_step),
	};

	/* a test that hangs fails */
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
