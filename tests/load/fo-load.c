// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-load: workloads for real memory cgroups. One mode per process; "fo-load --help" lists them.
 *
 * A service is the process to be protected and the meter at the same time: a scenario is judged by
 * the number of requests that it served in each interval. So all of its memory but the mapped file
 * is locked: the access to the data stalls, the measurement does not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define KIB	      1024ULL
#define MIB	      (1024ULL * KIB)
#define GIB	      (1024ULL * MIB)
#define MAX_THREADS   64
#define MAX_WIDTH     256
#define MAX_FILES     256
#define MAX_TOUCHES   65536
#define MAX_CHILDREN  1024
#define STACK_SIZE    (128 * KIB) /* locked, so not the usual 8 MiB */
#define CHUNK	      (256 * KIB)
#define TICK_NS	      (10 * NSEC_PER_MSEC)

enum by {
	BY_MMAP,
	BY_READ,
	BY_ANON,
	BY_MIXED, /* a third each */
};

struct opts {
	const char *arg; /* FILE, or the directory of forks */
	uint64_t size;
	uint64_t offset; /* in FILE */
	uint64_t rate;
	uint64_t from; /* size from which on the rate is @then; 0: never */
	uint64_t then;
	uint64_t drop; /* given back at the full size; 0: nothing */
	uint64_t children;
	uint64_t every_ns;  /* between two children */
	uint64_t for_ns;    /* 0: no end */
	uint64_t report_ns; /* 0: no report */
	uint64_t passes;    /* 0: not limited */
	uint64_t threads;
	uint64_t pace;	  /* requests/s of a thread; 0: no limit */
	uint64_t touch;	  /* pages of a request */
	uint64_t work_ns; /* processor time of a request */
	uint64_t hot;	  /* percent of the pages that half of the touches are in */
	uint64_t width;
	enum by by;
	bool shared;
	bool random;
	bool cold;
};

struct worker {
	uint64_t done; /* written by its owner only, read by the reporter */
	uint64_t seed;
	pthread_t thread;
} __attribute__((aligned(64)));

/* All of it static: locked with .bss before the file is mapped. */
static struct worker workers[MAX_THREADS];
static uint64_t nr_workers = 1;
static pthread_barrier_t start_line;
static const uint8_t *service_map; /* of the file */
static uint8_t *service_anon;
static int service_fd;
static uint64_t service_pages;
static uint64_t hot_pages;
static uint64_t spins_per_us;
static uint64_t page_size;
static struct opts opt;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fputs("fo-load: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	exit(1);
}

static void __attribute__((noreturn, format(printf, 1, 2))) bad_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("fo-load: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see fo-load --help\n", stderr);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t when)
{
	struct timespec ts = {
		.tv_sec = (time_t)(when / NSEC_PER_SEC),
		.tv_nsec = (long)(when % NSEC_PER_SEC),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* The end of --for, CLOCK_MONOTONIC; UINT64_MAX if there is none. */
static uint64_t end_of_run(uint64_t start)
{
	return opt.for_ns ? start + opt.for_ns : UINT64_MAX;
}

/* xorshift64*; the state must not be zero. */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545F4914F6CDD1DULL;
}

static uint64_t seed_of(uint64_t n)
{
	n = (n + 1) * 0x9E3779B97F4A7C15ULL;
	n ^= n >> 31;
	return n ? n : 1;
}

static uint64_t total_done(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < nr_workers; i++)
		sum += __atomic_load_n(&workers[i].done, __ATOMIC_RELAXED);
	return sum;
}

static inline void add_done(struct worker *w, uint64_t n)
{
	__atomic_store_n(&w->done, w->done + n, __ATOMIC_RELAXED);
}

/*
 * One line "<CLOCK_MONOTONIC ms> <done since the previous line>" per interval until @end. A late
 * line covers a longer interval: divide by the difference of two time stamps. Uses write(2) and a
 * buffer on the locked stack, no stdio, no allocation.
 */
static void report_until(uint64_t end)
{
	uint64_t when = now_ns(), last = total_done();

	while (when < end) {
		uint64_t now, sum;
		char line[64];
		int len;

		when += opt.report_ns;
		now = now_ns();
		if (when < now)
			when = now;
		sleep_until(when < end ? when : end);
		now = now_ns();
		sum = total_done();
		len = snprintf(line, sizeof(line), "%llu %llu\n",
			       (unsigned long long)(now / NSEC_PER_MSEC),
			       (unsigned long long)(sum - last));
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			_exit(3);
		last = sum;
	}
}

static void *reporter(void *unused)
{
	(void)unused;
	report_until(UINT64_MAX);
	return NULL;
}

static void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	errno = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (errno)
		die("stack size");
	errno = pthread_create(thread, &attr, fn, arg);
	if (errno)
		die("cannot start a thread");
	pthread_attr_destroy(&attr);
}

static void start_reporter(void)
{
	pthread_t thread;

	if (opt.report_ns)
		start_thread(&thread, reporter, NULL);
}

static int open_file(const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s", path);
	*size = (uint64_t)st.st_size;
	return fd;
}

/* service */

/* Sleeps until the next period; after a late one the next is due from now: no work is caught up. */
static void pause_until(uint64_t *next, uint64_t period_ns)
{
	uint64_t now = now_ns();

	*next += period_ns;
	if (*next < now)
		*next = now;
	sleep_until(*next);
}

static void spin(uint64_t n)
{
	for (volatile uint64_t i = 0; i < n; i++)
		;
}

/* The best of many short measurements: others may use the processor meanwhile. */
static uint64_t measure_spin(void)
{
	uint64_t best = 1;

	for (int i = 0; i < 50; i++) {
		uint64_t start = now_ns(), took;

		spin(20000);
		took = now_ns() - start;
		if (took && 20000 * 1000 / took > best)
			best = 20000 * 1000 / took;
	}
	return best;
}

/*
 * The page of a touch: half of the touches are in the first hot_pages. A multiplication by a prime
 * scatters them: otherwise the read-around of one hot page would bring others.
 */
static inline uint64_t choose_page(uint64_t *rnd)
{
	uint64_t r = next_random(rnd);
	uint64_t n = r & 1 ? hot_pages : service_pages;

	return (r >> 16) % n * 2654435761ULL % service_pages;
}

static void touch_page(uint64_t page)
{
	enum by by = opt.by;
	uint8_t buf[64]; /* on the stack, which is locked */

	if (by == BY_MIXED) {
		by = page % 3;
		/* the mapped third and the third that is read are separate parts of the file */
		page = by == BY_READ ? page / 3 + service_pages / 3 : page / 3;
	}
	switch (by) {
	case BY_READ:
		if (pread(service_fd, buf, sizeof(buf), (off_t)(opt.offset + page * page_size)) < 0)
			_exit(4);
		break;
	case BY_ANON:
		(*(volatile uint8_t *)(service_anon + page * page_size))++;
		break;
	default:
		(void)*(const volatile uint8_t *)(service_map + page * page_size);
	}
}

static void *serve(void *arg)
{
	struct worker *me = arg;
	uint64_t rnd = me->seed, next = now_ns(), n = 0;
	uint64_t period_ns = TICK_NS, per_period = opt.pace / (NSEC_PER_SEC / TICK_NS);
	uint64_t spins = opt.work_ns * spins_per_us / 1000;

	if (opt.pace && opt.pace < NSEC_PER_SEC / TICK_NS) {
		period_ns = NSEC_PER_SEC / opt.pace;
		per_period = 1;
	}
	pthread_barrier_wait(&start_line);
	/* so that the threads do not all begin at the same time */
	next = now_ns() + next_random(&rnd) % period_ns;
	sleep_until(next);
	for (;;) {
		for (uint64_t i = 0; i < opt.touch; i++)
			touch_page(choose_page(&rnd));
		spin(spins);
		add_done(me, 1);
		if (per_period && ++n % per_period == 0)
			pause_until(&next, period_ns);
	}
	return NULL;
}

static void touch_pages(const uint8_t *map, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		(void)*(const volatile uint8_t *)(map + i * page_size);
}

static void fill_page(uint8_t *page, uint64_t *rnd);
static uint8_t *map_anon(uint64_t size);

/* Maps what the service uses, after its own memory was locked. */
static void service_memory(void)
{
	uint64_t bytes = service_pages * page_size, rnd = seed_of(4);
	uint64_t third = opt.by == BY_MIXED ? service_pages / 3 + 1 : service_pages;
	void *map;

	if (opt.by == BY_MMAP || opt.by == BY_MIXED) {
		map = mmap(NULL, third * page_size, PROT_READ, MAP_SHARED, service_fd,
			   (off_t)opt.offset);
		if (map == MAP_FAILED)
			die("cannot map %s", opt.arg);
		/*
		 * Not by default: since 6.3 reclaim ignores accesses to such a mapping
		 * (vma_has_recency()), so any stream of file pages evicts it, but not an ordinary
		 * mapping. A miss has no read-around of read_ahead_kb.
		 */
		if (opt.random && madvise(map, third * page_size, MADV_RANDOM) < 0)
			die("madvise");
		service_map = map;
	}
	if (opt.by == BY_ANON || opt.by == BY_MIXED) {
		service_anon = map_anon(third * page_size);
		for (uint64_t i = 0; i < third; i++)
			fill_page(service_anon + i * page_size, &rnd);
	}
	if (opt.cold)
		return;
	/* what is read from the file is read in order, for the sake of a slow disk */
	if (opt.by != BY_ANON)
		posix_fadvise(service_fd, (off_t)opt.offset, (off_t)bytes, POSIX_FADV_SEQUENTIAL);
	for (uint64_t i = 0; opt.by == BY_MIXED && i < service_pages; i += 3)
		touch_page(i);
	for (uint64_t i = 1; opt.by == BY_MIXED && i < service_pages; i += 3)
		touch_page(i);
	for (uint64_t i = 0; opt.by != BY_MIXED && i < service_pages; i++)
		touch_page(i);
	if (opt.by != BY_ANON)
		posix_fadvise(service_fd, (off_t)opt.offset, (off_t)bytes, POSIX_FADV_NORMAL);
}

static int mode_service(void)
{
	uint64_t file_size;

	service_fd = open_file(opt.arg, &file_size);
	errno = 0;
	if (opt.offset >= file_size || opt.offset % page_size)
		die("%s has no page at the offset", opt.arg);
	file_size -= opt.offset;
	if (!opt.size)
		opt.size = file_size;
	if (opt.size < page_size || opt.size > file_size)
		die("%s has only %llu bytes", opt.arg, (unsigned long long)file_size);
	if (!opt.report_ns)
		opt.report_ns = 100 * NSEC_PER_MSEC;
	nr_workers = opt.threads;
	service_pages = opt.size / page_size;
	hot_pages = service_pages * opt.hot / 100;
	if (!hot_pages)
		hot_pages = 1;
	if (opt.work_ns)
		spins_per_us = measure_spin();

	errno = pthread_barrier_init(&start_line, NULL, (unsigned int)nr_workers + 1);
	if (errno)
		die("barrier");
	for (uint64_t i = 0; i < nr_workers; i++) {
		workers[i].seed = seed_of(i);
		start_thread(&workers[i].thread, serve, &workers[i]);
	}
	/* Text, libc, data, all stacks; not what the service uses, which is mapped later. */
	if (mlockall(MCL_CURRENT) < 0)
		die("cannot lock the service's own memory");
	service_memory();
	pthread_barrier_wait(&start_line);
	report_until(end_of_run(now_ns()));
	return 0;
}

/* leak, spike, steady */

/*
 * As compressible as typical memory: zram stores a third. Each page is a variant of one pattern:
 * an emulated processor takes long to make numbers.
 */
static void fill_page(uint8_t *page, uint64_t *rnd)
{
	static uint64_t pattern[512];
	uint64_t *word = (uint64_t *)(void *)page, key = next_random(rnd) & 0xffff;
	uint64_t seed = seed_of(5);

	for (size_t i = 0; !pattern[0] && i < 512; i++)
		pattern[511 - i] = (511 - i) % 3 ? 512 - i : next_random(&seed) | 1;
	for (uint64_t i = 0; i < page_size / sizeof(*word); i++)
		word[i] = pattern[i % 512] ^ key;
}

static uint8_t *map_anon(uint64_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		die("cannot map %llu bytes", (unsigned long long)size);
	/* Huge pages would turn the rate into steps of 2 MiB. */
	madvise(map, size, MADV_NOHUGEPAGE);
	return map;
}

static void grow(void)
{
	uint64_t pages = opt.size / page_size, drop = opt.drop / page_size, filled = 0,
		 rnd = seed_of(1);
	uint64_t start = now_ns(), end = end_of_run(start), tick = start;
	double credit = 0;
	uint8_t *map;

	map = opt.shared ? mmap(NULL, pages * page_size, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
			 : map_anon(pages * page_size);
	if (map == MAP_FAILED)
		die("cannot map shared memory");
	while (filled < pages) {
		uint64_t now,
			rate = opt.from && filled * page_size >= opt.from ? opt.then : opt.rate;

		tick += TICK_NS;
		now = now_ns();
		if (now >= end)
			return;
		/* Time lost in reclaim is not caught up: the rate is an upper bound. */
		if (tick < now)
			tick = now;
		credit += (double)rate * TICK_NS / NSEC_PER_SEC / (double)page_size;
		for (; credit >= 1 && filled < pages; credit--)
			fill_page(map + filled++ * page_size, &rnd);
		if (filled == pages && drop) {
			filled -= drop;
			if (madvise(map + filled * page_size, drop * page_size,
				    opt.shared ? MADV_REMOVE : MADV_DONTNEED) < 0)
				die("cannot give memory back");
		}
		sleep_until(tick < end ? tick : end);
	}
	if (end == UINT64_MAX)
		sleep_for_ever();
	sleep_until(end);
}

static int mode_leak(void)
{
	uint64_t when = now_ns();
	pid_t me = getpid();

	if (opt.size < page_size)
		bad_usage("--to needs a size");
	if (opt.drop > opt.size)
		bad_usage("--drop is more than --to");
	if (!opt.from != !opt.then)
		bad_usage("--from needs --then");
	if (!opt.children) {
		grow();
		return 0;
	}
	signal(SIGCHLD, SIG_IGN);
	for (uint64_t i = 0; i < opt.children; i++, when += opt.every_ns) {
		pid_t pid;

		sleep_until(when);
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == me)
			grow();
		_exit(0);
	}
	sleep_for_ever();
	return 0;
}

static int mode_steady(void)
{
	uint64_t pages = opt.size / page_size, rnd = seed_of(2);
	uint64_t when = now_ns(), end = end_of_run(when);
	uint8_t *map;

	if (!pages)
		bad_usage("--size needs a size");
	map = map_anon(pages * page_size);
	for (uint64_t i = 0; i < pages; i++)
		fill_page(map + i * page_size, &rnd);
	for (when = now_ns(); when < end; when += 100 * NSEC_PER_MSEC) {
		sleep_until(when);
		*(volatile uint8_t *)(map + next_random(&rnd) % pages * page_size) |= 1;
	}
	return 0;
}

/* alloc */

static int compare_us(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Each request maps memory, fills and frees it: without free memory it waits for reclaim. */
static int mode_alloc(void)
{
	const double points[] = {0.5, 0.9, 0.99, 0.999, 1};
	const char *const names[] = {"p50", "p90", "p99", "p999", "max"};
	uint64_t pages = opt.size / page_size, rnd = seed_of(3), n = 0;
	uint64_t start = now_ns(), end = end_of_run(start), most;
	uint32_t *took_us;

	if (!pages || !opt.pace || end == UINT64_MAX)
		bad_usage("alloc needs --size, --pace and --for");
	most = opt.pace * ((end - start) / NSEC_PER_SEC + 1);
	took_us = calloc(most, sizeof(*took_us));
	if (!took_us || mlockall(MCL_CURRENT) < 0)
		die("cannot lock memory");
	for (uint64_t when = start; when < end && n < most; when += NSEC_PER_SEC / opt.pace) {
		uint64_t from, us;
		uint8_t *map;

		sleep_until(when);
		from = now_ns();
		map = map_anon(opt.size);
		for (uint64_t i = 0; i < pages; i++)
			fill_page(map + i * page_size, &rnd);
		munmap(map, opt.size);
		us = (now_ns() - from) / 1000;
		took_us[n++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
		/* requests that were due meanwhile are dropped */
		while (when + NSEC_PER_SEC / opt.pace < now_ns())
			when += NSEC_PER_SEC / opt.pace;
	}
	qsort(took_us, n, sizeof(*took_us), compare_us);
	printf("requests %llu", (unsigned long long)n);
	for (size_t i = 0; n && i < sizeof(points) / sizeof(points[0]); i++)
		printf(" %s_us %u", names[i], took_us[(uint64_t)((double)(n - 1) * points[i])]);
	printf("\n");
	return 0;
}

/* stream */

static uint8_t *chunk_buf(void)
{
	static uint8_t buf[CHUNK] __attribute__((aligned(4096)));

	return buf;
}

/* Reads or touches one file through; stops early at @end. Returns the bytes seen. */
static uint64_t pass_through(int fd, uint64_t size, bool by_mmap, uint64_t end, struct worker *w)
{
	uint64_t seen = 0;
	void *map = NULL;

	if (!size)
		return 0;
	if (by_mmap) {
		map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			die("mmap");
	}
	while (seen < size && now_ns() < end) {
		uint64_t len = size - seen < CHUNK ? size - seen : CHUNK;

		if (map) {
			touch_pages((uint8_t *)map + seen, (len + page_size - 1) / page_size);
		} else {
			ssize_t n = pread(fd, chunk_buf(), len, (off_t)seen);

			if (n < 0)
				die("read");
			if (!n)
				break;
			len = (uint64_t)n;
		}
		seen += len;
		if (w)
			add_done(w, len);
	}
	if (map)
		munmap(map, size);
	return seen;
}

static int mode_stream(void)
{
	uint64_t size, start, end, passed = 0, bytes = 0, ns;
	int fd = open_file(opt.arg, &size);

	errno = 0;
	if (!size)
		die("%s is empty", opt.arg);
	/* One pass, without --passes and --for. */
	if (!opt.passes && !opt.for_ns)
		opt.passes = 1;
	start_reporter();
	start = now_ns();
	end = end_of_run(start);
	while ((!opt.passes || passed < opt.passes) && now_ns() < end) {
		bytes += pass_through(fd, size, opt.by == BY_MMAP, end, &workers[0]);
		passed++;
	}
	ns = now_ns() - start;
	printf("%.0f bytes/s\n", (double)bytes * 1e9 / (double)(ns ? ns : 1));
	return 0;
}

/* forks */

static uint64_t list_files(const char *dir, char *paths[MAX_FILES])
{
	uint64_t nr = 0;
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		die("%s", dir);
	while (nr < MAX_FILES && (e = readdir(d))) {
		struct stat st;

		if (asprintf(&paths[nr], "%s/%s", dir, e->d_name) < 0)
			die("memory");
		if (stat(paths[nr], &st) == 0 && S_ISREG(st.st_mode))
			nr++;
		else
			free(paths[nr]);
	}
	closedir(d);
	return nr;
}

/* Like a compiler: reads its sources, takes 1 to 4 MiB, computes, exits. */
static void __attribute__((noreturn)) short_process(uint64_t n, char **paths, uint64_t nr_paths)
{
	uint64_t rnd = seed_of(n), start = now_ns();
	uint64_t end = start + (20 + next_random(&rnd) % 81) * NSEC_PER_MSEC;
	uint64_t pages = (1 + next_random(&rnd) % 4) * MIB / page_size;
	uint8_t *map = map_anon(pages * page_size);
	uint64_t size;

	for (uint64_t i = 0; i < nr_paths; i++) {
		int fd = open_file(paths[i], &size);

		pass_through(fd, size, (n + i) % 2, UINT64_MAX, NULL);
		close(fd);
	}
	for (uint64_t i = 0; i < pages; i++)
		fill_page(map + i * page_size, &rnd);
	while (now_ns() < end)
		fill_page(map + next_random(&rnd) % pages * page_size, &rnd);
	_exit(0);
}

static int mode_forks(void)
{
	uint64_t end, n = 0, running = 0, failed = 0, nr_paths = 0;
	static char *paths[MAX_FILES];
	pid_t me = getpid();

	if (opt.arg)
		nr_paths = list_files(opt.arg, paths);
	start_reporter();
	end = end_of_run(now_ns());
	while (running || now_ns() < end) {
		int status;
		pid_t pid;

		if (running < opt.width && now_ns() < end) {
			pid = fork();
			if (pid < 0)
				die("fork");
			if (!pid) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				if (getppid() != me)
					_exit(1);
				short_process(n, paths, nr_paths);
			}
			n++;
			running++;
			continue;
		}
		pid = waitpid(-1, &status, 0);
		if (pid < 0)
			die("wait");
		running--;
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			add_done(&workers[0], 1);
		else
			failed++;
	}
	printf("%llu processes\n", (unsigned long long)total_done());
	if (failed)
		fprintf(stderr, "fo-load: %llu processes failed\n", (unsigned long long)failed);
	return failed ? 1 : 0;
}

/* The command line */

static const char help[] =
	"usage: fo-load <mode> [options]\n"
	"  service FILE [--size S] [--offset S] [--by mmap|read|anon|mixed] [--threads N] [--pace N]\n"
	"          [--touch N] [--hot N] [--work D] [--report D] [--random] [--cold]\n"
	"      uses S of FILE (all of it) from --offset (0) on: maps it, reads it with read(2), takes\n"
	"      as much anonymous memory instead, or a third each; N threads (1) touch 8 pages\n"
	"      (--touch) per request and then compute for --work (not at all); prints\n"
	"      \"<CLOCK_MONOTONIC ms> <requests>\" every D (100ms). Half of the touches are in N\n"
	"      percent of the pages (--hot; 100: all alike). Reads all first unless --cold. --pace: N\n"
	"      requests/s of a thread, not as many as it can: then a lack of memory reduces the rate,\n"
	"      a lack of processor does not. --random: MADV_RANDOM: no read-around, and on Linux 6.3\n"
	"      or later no protection from streams. Needs CAP_IPC_LOCK or RLIMIT_MEMLOCK.\n"
	"  leak --to S [--rate BYTES/s] [--from S --then BYTES/s] [--drop S] [--shared]\n"
	"       [--children N] [--every D]\n"
	"      grows to S (64MiB/s), then stays at that size; from the size --from on it grows at\n"
	"      --then; gives --drop back at the full size and grows again; --shared: shared memory;\n"
	"      --children: N processes do so, one begins every D (400ms)\n"
	"  spike --to S [--rate BYTES/s]  the same with 1GiB/s\n"
	"  steady --size S                takes S at once, then touches ten pages a second\n"
	"  alloc --size S --pace N --for D\n"
	"      N requests/s, each maps, fills and frees S; prints their number and, in microseconds\n"
	"      of a request, the median, 90, 99, 99.9 % and the maximum\n"
	"  stream FILE [--by read|mmap] [--passes N] [--report D]\n"
	"      reads FILE through N times (once, or until --for ends) and prints bytes/s; reports\n"
	"      bytes\n"
	"  forks [--files DIR] [--width N] [--report D]\n"
	"      short-lived processes, N (2) at a time: each reads every file of DIR, takes 1 to\n"
	"      4 MiB, computes for 20 to 100 ms; prints their number; reports processes\n"
	"all modes: --for D ends after D, --comm NAME sets the process name\n"
	"sizes: 4096, 150MiB, 64KiB, 1GiB; durations: 20us, 500ms, 10s, 2m\n";

static uint64_t parse_number(const char *what, const char *text, const char **rest)
{
	unsigned long long n;
	char *stop;

	errno = 0;
	n = strtoull(text, &stop, 10);
	if (errno || stop == text || *text < '0' || *text > '9')
		bad_usage("--%s: '%s' is not a number", what, text);
	*rest = stop;
	return n;
}

static uint64_t parse_unit(const char *what, const char *text, const char *const names[],
			   const uint64_t factors[])
{
	const char *rest;
	uint64_t n = parse_number(what, text, &rest), r;

	for (int i = 0; names[i]; i++) {
		if (strcmp(rest, names[i]))
			continue;
		if (__builtin_mul_overflow(n, factors[i], &r))
			bad_usage("--%s: '%s' is too large", what, text);
		return r;
	}
	bad_usage("--%s: '%s' has an unknown unit", what, text);
}

static uint64_t parse_size(const char *what, const char *text)
{
	static const char *const names[] = {"", "B", "KiB", "MiB", "GiB", NULL};
	static const uint64_t factors[] = {1, 1, KIB, MIB, GIB};

	return parse_unit(what, text, names, factors);
}

static uint64_t parse_duration(const char *what, const char *text)
{
	static const char *const names[] = {"us", "ms", "s", "m", NULL};
	static const uint64_t factors[] = {1000, NSEC_PER_MSEC, NSEC_PER_SEC, 60 * NSEC_PER_SEC};
	uint64_t ns = parse_unit(what, text, names, factors);

	if (!ns)
		bad_usage("--%s must not be zero", what);
	return ns;
}

static uint64_t parse_count(const char *what, const char *text, uint64_t max)
{
	const char *rest;
	uint64_t n = parse_number(what, text, &rest);

	if (*rest || !n || n > max)
		bad_usage("--%s: '%s' is not in 1..%llu", what, text, (unsigned long long)max);
	return n;
}

struct mode {
	const char *name;
	const char *options; /* the letters of those it takes */
	bool wants_file;
	int (*run)(void);
};

static const struct mode modes[] = {
	{"service", "stpPacbOTHW", true, mode_service},
	{"leak", "oRFNDSKE", false, mode_leak},
	{"spike", "oR", false, mode_leak},
	{"steady", "s", false, mode_steady},
	{"alloc", "sP", false, mode_alloc},
	{"stream", "bnp", true, mode_stream},
	{"forks", "wdp", false, mode_forks},
};

static const struct option long_opts[] = {
	{"by", required_argument, NULL, 'b'},
	{"children", required_argument, NULL, 'K'},
	{"cold", no_argument, NULL, 'c'},
	{"comm", required_argument, NULL, 'C'},
	{"drop", required_argument, NULL, 'D'},
	{"every", required_argument, NULL, 'E'},
	{"files", required_argument, NULL, 'd'},
	{"for", required_argument, NULL, 'f'},
	{"from", required_argument, NULL, 'F'},
	{"hot", required_argument, NULL, 'H'},
	{"offset", required_argument, NULL, 'O'},
	{"pace", required_argument, NULL, 'P'},
	{"passes", required_argument, NULL, 'n'},
	{"random", no_argument, NULL, 'a'},
	{"rate", required_argument, NULL, 'R'},
	{"report", required_argument, NULL, 'p'},
	{"shared", no_argument, NULL, 'S'},
	{"size", required_argument, NULL, 's'},
	{"then", required_argument, NULL, 'N'},
	{"threads", required_argument, NULL, 't'},
	{"to", required_argument, NULL, 'o'},
	{"touch", required_argument, NULL, 'T'},
	{"width", required_argument, NULL, 'w'},
	{"work", required_argument, NULL, 'W'},
	{NULL, 0, NULL, 0},
};

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	}
	bad_usage("no mode '%s'", name);
}

static uint64_t parse_rate(const char *what, const char *text)
{
	uint64_t rate = parse_size(what, text);

	if (!rate)
		bad_usage("--%s must not be zero", what);
	return rate;
}

static enum by parse_by(const char *text, bool all)
{
	static const char *const names[] = {"mmap", "read", "anon", "mixed"};

	for (int i = 0; i < (all ? 4 : 2); i++)
		if (!strcmp(text, names[i]))
			return (enum by)i;
	bad_usage("--by: '%s' is not one of mmap, read%s", text, all ? ", anon, mixed" : "");
}

static void parse_option(int c, const char *what, bool service)
{
	switch (c) {
	case 'a':
		opt.random = true;
		break;
	case 'b':
		opt.by = parse_by(optarg, service);
		break;
	case 'c':
		opt.cold = true;
		break;
	case 'C':
		prctl(PR_SET_NAME, optarg);
		break;
	case 'd':
		opt.arg = optarg;
		break;
	case 'D':
		opt.drop = parse_size(what, optarg);
		break;
	case 'E':
		opt.every_ns = parse_duration(what, optarg);
		break;
	case 'f':
		opt.for_ns = parse_duration(what, optarg);
		break;
	case 'F':
		opt.from = parse_size(what, optarg);
		break;
	case 'H':
		opt.hot = parse_count(what, optarg, 100);
		break;
	case 'K':
		opt.children = parse_count(what, optarg, MAX_CHILDREN);
		break;
	case 'n':
		opt.passes = parse_count(what, optarg, UINT64_MAX);
		break;
	case 'N':
		opt.then = parse_rate(what, optarg);
		break;
	case 'o':
	case 's':
		opt.size = parse_size(what, optarg);
		break;
	case 'O':
		opt.offset = parse_size(what, optarg);
		break;
	case 'p':
		opt.report_ns = parse_duration(what, optarg);
		break;
	case 'P':
		opt.pace = parse_count(what, optarg, 1000000);
		break;
	case 'R':
		opt.rate = parse_rate(what, optarg);
		break;
	case 'S':
		opt.shared = true;
		break;
	case 't':
		opt.threads = parse_count(what, optarg, MAX_THREADS);
		break;
	case 'T':
		opt.touch = parse_count(what, optarg, MAX_TOUCHES);
		break;
	case 'w':
		opt.width = parse_count(what, optarg, MAX_WIDTH);
		break;
	case 'W':
		opt.work_ns = parse_duration(what, optarg);
		break;
	}
}

int main(int argc, char **argv)
{
	const struct mode *mode;
	int c, index = 0;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc < 2)
		bad_usage("there is no mode");
	mode = find_mode(argv[1]);
	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	opt.threads = 1;
	opt.width = 2;
	opt.rate = strcmp(mode->name, "spike") ? 64 * MIB : GIB;
	opt.every_ns = 400 * NSEC_PER_MSEC;
	opt.touch = 8;
	opt.hot = 100;
	opt.by = strcmp(mode->name, "stream") ? BY_MMAP : BY_READ;

	argv++;
	argc--;
	while ((c = getopt_long(argc, argv, "", long_opts, &index)) != -1) {
		if (c == '?')
			exit(2);
		if (!strchr("Cf", c) && !strchr(mode->options, c))
			bad_usage("%s takes no --%s", mode->name, long_opts[index].name);
		parse_option(c, long_opts[index].name, mode->run == mode_service);
	}
	if (mode->wants_file) {
		if (optind >= argc)
			bad_usage("%s needs a file", mode->name);
		opt.arg = argv[optind++];
	}
	if (optind < argc)
		bad_usage("'%s' is one argument too many", argv[optind]);
	errno = 0;
	return mode->run();
}
