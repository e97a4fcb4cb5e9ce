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
#define READS	      8		  /* page reads in one request */
#define STACK_SIZE    (128 * KIB) /* locked, so not the usual 8 MiB */
#define CHUNK	      (256 * KIB)
#define TICK_NS	      (10 * NSEC_PER_MSEC)

struct opts {
	const char *arg; /* FILE, or the directory of forks */
	uint64_t size;
	uint64_t rate;
	uint64_t for_ns;    /* 0: no end */
	uint64_t report_ns; /* 0: no report */
	uint64_t passes;    /* 0: not limited */
	uint64_t threads;
	uint64_t pace; /* requests/s of a thread; 0: no limit */
	uint64_t width;
	bool by_mmap;
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
static const uint8_t *service_map;
static uint64_t service_pages;
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

/* Sleeps until the next tick; after a late one the next is due from now: no work is caught up. */
static void pause_until(uint64_t *next)
{
	uint64_t now = now_ns();

	*next += TICK_NS;
	if (*next < now)
		*next = now;
	sleep_until(*next);
}

static void *serve(void *arg)
{
	struct worker *me = arg;
	uint64_t rnd = me->seed, next = now_ns(), n = 0;
	uint64_t per_tick = opt.pace / (NSEC_PER_SEC / TICK_NS);

	pthread_barrier_wait(&start_line);
	for (;;) {
		for (int i = 0; i < READS; i++) {
			uint64_t r = next_random(&rnd);
			uint64_t page = (r >> 16) % service_pages;
			const volatile uint8_t *byte;

			byte = service_map + page * page_size + r % page_size;
			(void)*byte;
		}
		add_done(me, 1);
		if (per_tick && ++n % per_tick == 0)
			pause_until(&next);
	}
	return NULL;
}

static void touch_pages(const uint8_t *map, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		(void)*(const volatile uint8_t *)(map + i * page_size);
}

static int mode_service(void)
{
	uint64_t file_size;
	int fd = open_file(opt.arg, &file_size);
	void *map;

	errno = 0;
	if (!opt.size)
		opt.size = file_size;
	if (opt.size < page_size || opt.size > file_size)
		die("%s has only %llu bytes", opt.arg, (unsigned long long)file_size);
	if (!opt.report_ns)
		opt.report_ns = 100 * NSEC_PER_MSEC;
	nr_workers = opt.threads;
	service_pages = opt.size / page_size;

	errno = pthread_barrier_init(&start_line, NULL, (unsigned int)nr_workers + 1);
	if (errno)
		die("barrier");
	for (uint64_t i = 0; i < nr_workers; i++) {
		workers[i].seed = seed_of(i);
		start_thread(&workers[i].thread, serve, &workers[i]);
	}
	/* Text, libc, data, all stacks; not the file, which is mapped later. */
	if (mlockall(MCL_CURRENT) < 0)
		die("cannot lock the service's own memory");
	map = mmap(NULL, service_pages * page_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("cannot map %s", opt.arg);
	service_map = map;
	if (!opt.cold)
		touch_pages(map, service_pages);
	/*
	 * Not by default: since 6.3 reclaim ignores accesses to such a mapping (vma_has_recency()),
	 * so any stream of file pages evicts it, but not an ordinary mapping. A miss has no
	 * read-around of read_ahead_kb.
	 */
	if (opt.random && madvise(map, service_pages * page_size, MADV_RANDOM) < 0)
		die("madvise");
	pthread_barrier_wait(&start_line);
	report_until(end_of_run(now_ns()));
	return 0;
}

/* leak, spike, steady */

/* As compressible as typical memory: zram stores a third. */
static void fill_page(uint8_t *page, uint64_t *rnd)
{
	uint64_t *word = (uint64_t *)(void *)page;

	for (uint64_t i = 0; i < page_size / sizeof(*word); i++)
		word[i] = i % 3 ? i : next_random(rnd) | 1;
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

static int mode_leak(void)
{
	uint64_t pages = opt.size / page_size, filled = 0, rnd = seed_of(1);
	uint64_t start = now_ns(), end = end_of_run(start), tick = start;
	uint8_t *map;

	if (!pages)
		bad_usage("--to needs a size");
	map = map_anon(pages * page_size);
	while (filled < pages) {
		uint64_t due, now;

		tick += TICK_NS;
		now = now_ns();
		if (now >= end)
			return 0;
		/* Time lost in reclaim is not caught up: the rate is an upper bound. */
		if (tick < now) {
			start += now - tick;
			tick = now;
		}
		due = (uint64_t)((double)(tick - start) / 1e9 * (double)opt.rate) / page_size;
		if (due > pages)
			due = pages;
		for (; filled < due; filled++)
			fill_page(map + filled * page_size, &rnd);
		sleep_until(tick < end ? tick : end);
	}
	if (end == UINT64_MAX)
		sleep_for_ever();
	sleep_until(end);
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
		bytes += pass_through(fd, size, opt.by_mmap, end, &workers[0]);
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
	"  service FILE [--size S] [--threads N] [--pace N] [--report D] [--random] [--cold]\n"
	"      maps S of FILE (all of it); N threads (1) read 8 random pages per request; prints\n"
	"      \"<CLOCK_MONOTONIC ms> <requests>\" every D (100ms). Reads the mapping first unless\n"
	"      --cold. --pace: N requests/s of a thread (100 or more), not as many as it can: then a\n"
	"      lack of memory reduces the rate, a lack of processor does not. --random: MADV_RANDOM:\n"
	"      no read-around, and on Linux 6.3 or later no protection from streams. Needs\n"
	"      CAP_IPC_LOCK or RLIMIT_MEMLOCK.\n"
	"  leak --to S [--rate BYTES/s]   grows to S (64MiB/s), then stays at that size\n"
	"  spike --to S [--rate BYTES/s]  the same with 1GiB/s\n"
	"  steady --size S                takes S at once, then touches ten pages a second\n"
	"  alloc --size S --pace N --for D\n"
	"      N requests/s (100 or more), each maps, fills and frees S; prints their number and,\n"
	"      in microseconds of a request, the median, 90, 99, 99.9 % and the maximum\n"
	"  stream FILE [--by read|mmap] [--passes N] [--report D]\n"
	"      reads FILE through N times (once, or until --for ends) and prints bytes/s; reports\n"
	"      bytes\n"
	"  forks [--files DIR] [--width N] [--report D]\n"
	"      short-lived processes, N (2) at a time: each reads every file of DIR, takes 1 to\n"
	"      4 MiB, computes for 20 to 100 ms; prints their number; reports processes\n"
	"all modes: --for D ends after D, --comm NAME sets the process name\n"
	"sizes: 4096, 150MiB, 64KiB, 1GiB; durations: 500ms, 10s, 2m\n";

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
	static const char *const names[] = {"ms", "s", "m", NULL};
	static const uint64_t factors[] = {NSEC_PER_MSEC, NSEC_PER_SEC, 60 * NSEC_PER_SEC};
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
	{"service", "stpPac", true, mode_service}, {"leak", "oRh", false, mode_leak},
	{"spike", "oRh", false, mode_leak},	   {"steady", "s", false, mode_steady},
	{"alloc", "sP", false, mode_alloc},	   {"stream", "bnp", true, mode_stream},
	{"forks", "wdp", false, mode_forks},
};

static const struct option long_opts[] = {
	{"by", required_argument, NULL, 'b'},	   {"cold", no_argument, NULL, 'c'},
	{"comm", required_argument, NULL, 'C'},	   {"files", required_argument, NULL, 'd'},
	{"for", required_argument, NULL, 'f'},	   {"hold", no_argument, NULL, 'h'},
	{"pace", required_argument, NULL, 'P'},	   {"passes", required_argument, NULL, 'n'},
	{"random", no_argument, NULL, 'a'},	   {"rate", required_argument, NULL, 'R'},
	{"report", required_argument, NULL, 'p'},  {"size", required_argument, NULL, 's'},
	{"threads", required_argument, NULL, 't'}, {"to", required_argument, NULL, 'o'},
	{"width", required_argument, NULL, 'w'},   {NULL, 0, NULL, 0},
};

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	}
	bad_usage("no mode '%s'", name);
}

static void parse_option(int c, const char *what)
{
	switch (c) {
	case 'a':
		opt.random = true;
		break;
	case 'b':
		if (strcmp(optarg, "read") && strcmp(optarg, "mmap"))
			bad_usage("--by is read or mmap");
		opt.by_mmap = !strcmp(optarg, "mmap");
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
	case 'f':
		opt.for_ns = parse_duration(what, optarg);
		break;
	case 'h':
		break; /* the default */
	case 'n':
		opt.passes = parse_count(what, optarg, UINT64_MAX);
		break;
	case 'o':
	case 's':
		opt.size = parse_size(what, optarg);
		break;
	case 'p':
		opt.report_ns = parse_duration(what, optarg);
		break;
	case 'P':
		opt.pace = parse_count(what, optarg, 1000000);
		if (opt.pace < 100)
			bad_usage("--pace must be at least 100");
		break;
	case 'R':
		opt.rate = parse_size(what, optarg);
		if (!opt.rate)
			bad_usage("--rate must not be zero");
		break;
	case 't':
		opt.threads = parse_count(what, optarg, MAX_THREADS);
		break;
	case 'w':
		opt.width = parse_count(what, optarg, MAX_WIDTH);
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

	argv++;
	argc--;
	while ((c = getopt_long(argc, argv, "", long_opts, &index)) != -1) {
		if (c == '?')
			exit(2);
		if (!strchr("Cf", c) && !strchr(mode->options, c))
			bad_usage("%s takes no --%s", mode->name, long_opts[index].name);
		parse_option(c, long_opts[index].name);
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
