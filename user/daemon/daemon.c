// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "act/ladder.h"
#include "act/notifier.h"
#include "base/clock.h"
#include "base/exit.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/service.h"
#include "base/util.h"
#include "base/worker.h"
#include "config/config.h"
#include "config/load.h"
#include "config/paths.h"
#include "config/watch.h"
#include "daemon/kernel_kill.h"
#include "daemon/losses.h"
#include "daemon/page_tracking.h"
#include "daemon/proactive_reclaim.h"
#include "daemon/publish.h"
#include "daemon/report.h"
#include "daemon/start.h"
#include "daemon/trace_feed.h"
#include "daemon/watch.h"
#include "judge/rules.h"
#include "sense/cgroup_cache.h"
#include "sense/ingest.h"
#include "sense/loader.h"
#include "sense/node.h"
#include "sense/podnames.h"
#include "sense/processes.h"
#include "sense/sampler.h"
#include "sense/tasks.h"
#include "tell/control.h"
#include "tell/snapshot.h"
#include "tell/trace_store.h"
#include "tell/writer.h"

/* Evidence every 100 ms while hot: ten samples a window, and a tenth of the time to act. */
#define TICK_NS 100000000ULL

/* A thread that does not end within this is stuck in the kernel, and is left. */
#define STOP_TIMEOUT_NS 3000000000ULL

struct daemon {
	struct daemon_options options;
	struct config *config;
	char events_path[PATH_MAX]; /* "": none */

	/* sense */
	struct cgroup_host host;
	bool sees_cgroups;
	struct node node;
	struct loader *loader;
	struct ingest *ingest;
	struct sampler *sampler;
	struct processes *processes;
	struct tasks *tasks;
	struct podnames *names;
	struct cgroup_cache *cgroup_cache;
	struct page_tracking tracking;

	/* act */
	struct ladder *ladder;
	struct notifier *notifier; /* NULL: no program is to be run */
	struct worker *helper;
	struct daemon_reclaim reclaim;

	/* tell */
	struct writer *writer;
	struct control *control; /* NULL: there is no socket */
	struct reporter reporter;
	struct trace_feed trace;
	struct losses losses;
	struct publisher publisher;

	struct watches watches;
	struct kernel_kills kernel_kills;

	/* the loop */
	struct service service;
	int lock_fd;
	int epoll_fd;
	int timer_fd;
	int watchdog_fd; /* runs only if the service manager asks for it */
	int end_fd;
	int signal_fd;
	struct config_watch *config_watch; /* NULL: changes are not noticed */
	bool timer_runs;		   /* ticks are wanted */
	bool timer_failed;
	bool stop;
};

/* ---- the loop ---- */

/*
 * Ticks are on from the first hot scope until the last one is idle. If the timer cannot be set, the
 * loop waits no longer than a tick, and each further call tries to set the timer again.
 */
static void set_timer(struct daemon *daemon, bool on)
{
	const struct timespec ts = {.tv_nsec = on ? (long)TICK_NS : 0};
	const struct itimerspec spec = {.it_interval = ts, .it_value = ts};
	bool failed = daemon->timer_failed;

	if (on == daemon->timer_runs && !failed)
		return;
	daemon->timer_failed = timerfd_settime(daemon->timer_fd, 0, &spec, NULL) < 0;
	if (daemon->timer_failed && !failed)
		log_error("the timer cannot be set: %s; ticks are less regular", strerror(errno));
	daemon->timer_runs = on;
}

static bool ticks_without_timer(const struct daemon *daemon)
{
	return daemon->timer_runs && daemon->timer_failed;
}

static void publish_all(const struct daemon *daemon)
{
	publish(&daemon->publisher, daemon->timer_runs, daemon->losses.all);
}

static void tell_ready(const struct daemon *daemon)
{
	char text[96];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%zu policies%s", daemon->config->policy_count,
		 daemon->options.dry_run ? ", dry run" : "");
	service_tell(&daemon->service, text);
}

/* New names may mean another policy. */
static void turn_names(struct daemon *daemon)
{
	if (!podnames_turn(daemon->names, clock_mono_ns()))
		return;
	cgroup_cache_forget(daemon->cgroup_cache);
	watches_take_names(&daemon->watches);
}

static void tick(struct daemon *daemon)
{
	bool wants_tracking;
	uint64_t now_ns;
	size_t hot;

	turn_names(daemon);
	hot = watches_tick(&daemon->watches, &wants_tracking);
	now_ns = clock_mono_ns();
	page_tracking_manage(&daemon->tracking, wants_tracking, now_ns);
	trace_store_tick(daemon->trace.store, now_ns, hot == 0);
	losses_report(&daemon->losses, &daemon->watches.full, now_ns, false);
	/* the timer runs until page tracking is off and no mute is pending */
	set_timer(daemon, hot || page_tracking_is_active(&daemon->tracking) ||
				  daemon->watches.mutes.pending_count);
	publish_all(daemon);
}

static void on_event(const struct fo_event *event, void *userdata)
{
	struct daemon *daemon = userdata;
	struct watch *watch = watches_find(&daemon->watches, event->scope_id);

	switch (event->type) {
	case FO_EVENT_HOT:
		if (!watch && watches_begin(&daemon->watches, event->scope_id, clock_mono_ns()))
			set_timer(daemon, true);
		break;
	case FO_EVENT_KERNEL_KILL:
		kernel_kill_report(&daemon->kernel_kills, &daemon->watches, daemon->names,
				   (const struct fo_event_kill *)event);
		break;
	case FO_EVENT_SCOPE_REMOVED:
		/* a mute that was set after the removal would stay in the map */
		mutes_clear(&daemon->watches.mutes, event->scope_id);
		if (watch && !watch->incident.open)
			watches_end(&daemon->watches, watch, clock_mono_ns());
	}
}

/* The parts that point into the configuration. */
static void take_config(struct daemon *daemon)
{
	struct incident_parts *parts = &daemon->watches.incident_parts;

	start_notifier(&daemon->notifier, daemon->config);
	parts->notifier = daemon->notifier;
	parts->notify_program = daemon->config->notify_program;
	parts->notify_timeout_ns = daemon->config->notify_timeout_ns;
	daemon->publisher.config_path = paths_config(daemon->options.config_path);
	daemon_reclaim_start(&daemon->reclaim, daemon->config, daemon->epoll_fd);
}

static void reload_config(struct daemon *daemon)
{
	struct config *fresh;

	if (daemon->options.record_path) {
		log_warn("a recorder keeps the configuration that it began with");
		return;
	}
	if (config_load_trusted(daemon->options.config_path, &fresh)) {
		log_error("the configuration in force stays as it is");
		report_message(&daemon->reporter, NULL, "error",
			       "reload failed: the old configuration stays");
		return;
	}
	watches_take_config(&daemon->watches, fresh);
	config_free(daemon->config);
	daemon->config = fresh;
	trace_feed_config(&daemon->trace);
	take_config(daemon);
	if (rules_policy_node(fresh) && !watches_find(&daemon->watches, FO_SCOPE_NODE))
		mutes_clear(&daemon->watches.mutes, FO_SCOPE_NODE);
	log_info("configuration reloaded: %zu policies", fresh->policy_count);
	report_message(&daemon->reporter, NULL, "reload", "configuration reloaded");
	start_readers(daemon->control, fresh);
	publish_all(daemon);
}

static void reload(struct daemon *daemon)
{
	service_tell(&daemon->service, "RELOADING=1");
	reload_config(daemon);
	tell_ready(daemon);
}

static void on_signal(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(daemon);
		else
			daemon->stop = true;
	}
}

static void on_ready(struct daemon *daemon, int fd)
{
	uint64_t expirations;

	if (fd == daemon->signal_fd) {
		on_signal(daemon);
	} else if (fd == daemon->end_fd) {
		daemon->stop = true;
	} else if (fd == daemon->watchdog_fd) {
		if (read(fd, &expirations, sizeof(expirations)) > 0)
			service_tell(&daemon->service, "WATCHDOG=1");
	} else if (fd == ingest_fd(daemon->ingest)) {
		(void)ingest_drain(daemon->ingest);
	} else if (fd == podnames_fd(daemon->names)) {
		podnames_drain(daemon->names);
		turn_names(daemon);
	} else if (fd == config_watch_fd(daemon->config_watch)) {
		if (config_watch_drain(daemon->config_watch))
			reload(daemon);
	} else if (fd == control_fd(daemon->control)) {
		start_readers_settled(daemon->control);
	} else if (fd == daemon_reclaim_fd(&daemon->reclaim)) {
		daemon_reclaim_drain(&daemon->reclaim);
		/* perhaps nothing else is hot, and then no tick publishes */
		publish_all(daemon);
	} else if (fd != daemon->timer_fd) {
		watches_look(&daemon->watches); /* a victim's pidfd */
	} else if (read(fd, &expirations, sizeof(expirations)) > 0) {
		tick(daemon);
	}
}

int daemon_run(struct daemon *daemon)
{
	struct epoll_event events[16];
	int n;

	while (!daemon->stop) {
		n = epoll_wait(daemon->epoll_fd, events, ARRAY_SIZE(events),
			       ticks_without_timer(daemon) ? (int)(TICK_NS / 1000000) : -1);
		if (n < 0 && errno != EINTR) {
			log_error("epoll_wait: %s", strerror(errno));
			return EXIT_FAILED;
		}
		for (int i = 0; i < n; i++)
			on_ready(daemon, events[i].data.fd);
		if (ticks_without_timer(daemon))
			tick(daemon);
		if (daemon->watches.mutes.pending_count)
			set_timer(daemon, true);
	}
	return EXIT_OK;
}

/* ---- start ---- */

static int add_fd(struct daemon *daemon, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	/* what this host or configuration has none of */
	if (fd < 0)
		return 0;
	return epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void open_config_watch(struct daemon *daemon)
{
	const char *path = paths_config(daemon->options.config_path);
	int err = path ? config_watch_new(&daemon->config_watch, path) : 0;

	if (err)
		log_warn("%s: changes are not noticed: %s; send SIGHUP to reload it", path,
			 strerror(-err));
}

static int set_end(const struct daemon *daemon)
{
	const uint64_t for_ns = daemon->options.for_ns;
	const struct itimerspec end = {.it_value = {.tv_sec = (time_t)(for_ns / 1000000000),
						    .tv_nsec = (long)(for_ns % 1000000000)}};

	return for_ns && timerfd_settime(daemon->end_fd, 0, &end, NULL) < 0 ? -errno : 0;
}

/* Half of the time that the service manager waits: one late tick is no failure. */
static int set_watchdog(const struct daemon *daemon)
{
	const uint64_t half_ns = daemon->service.watchdog_ns / 2;
	const struct timespec ts = {(time_t)(half_ns / 1000000000), (long)(half_ns % 1000000000)};
	const struct itimerspec spec = {ts, ts};

	return half_ns && timerfd_settime(daemon->watchdog_fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

static int open_loop(struct daemon *daemon)
{
	sigset_t signals;
	int err = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* a write beyond RLIMIT_FSIZE fails with EFBIG, and is counted as every other failure */
	signal(SIGXFSZ, SIG_IGN);

	daemon->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	daemon->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	daemon->end_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	daemon->watchdog_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	daemon->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->epoll_fd < 0 || daemon->timer_fd < 0 || daemon->end_fd < 0 ||
	    daemon->watchdog_fd < 0 || daemon->signal_fd < 0)
		return -errno;
	open_config_watch(daemon);
	const int fds[] = {ingest_fd(daemon->ingest),
			   daemon->timer_fd,
			   daemon->end_fd,
			   daemon->watchdog_fd,
			   daemon->signal_fd,
			   podnames_fd(daemon->names),
			   config_watch_fd(daemon->config_watch)};
	for (size_t i = 0; !err && i < ARRAY_SIZE(fds); i++)
		err = add_fd(daemon, fds[i]);
	if (!err)
		err = set_watchdog(daemon);
	return err ? err : set_end(daemon);
}

static struct writer *log_writer;

static void log_to_writer(const char *line, size_t len)
{
	(void)writer_log(log_writer, line, len);
}

/* The event file and the trace. */
static int begin_telling(struct daemon *daemon)
{
	const char *record_path = daemon->options.record_path, *path = NULL;
	int code = EXIT_OK, err;

	if (record_path) {
		err = writer_open(&daemon->writer, NULL);
		if (err) {
			log_error("the writer cannot start: %s", strerror(-err));
			return EXIT_FAILED;
		}
	} else {
		code = start_writer(&daemon->writer, daemon->options.events_path, daemon->config,
				    &path, daemon->events_path);
	}
	if (code != EXIT_OK)
		return code;
	daemon->reporter = (struct reporter){daemon->writer, daemon->options.dry_run};
	daemon->trace.config_path = daemon->options.config_path;
	daemon->trace.cgroup_version = daemon->host.ops ? daemon->host.version : 0;
	daemon->trace.dry_run = daemon->options.dry_run;
	return trace_feed_open(&daemon->trace, daemon->writer, record_path, path);
}

/* Everything that a process needs has its memory from now on. */
static int allocate(struct daemon *daemon)
{
	const char *host_root = daemon->options.host_root ? daemon->options.host_root : "";
	struct watches *watches = &daemon->watches;
	struct incident_parts *parts = &watches->incident_parts;
	int err = watches_new(watches);

	parts->ranking_size = tasks_max();
	parts->ranking = calloc(parts->ranking_size, sizeof(*parts->ranking));
	if (!err && !parts->ranking)
		err = -ENOMEM;
	if (!err)
		err = ladder_new(&daemon->ladder, WATCHES_MAX, daemon->host.version,
				 daemon->host.ops ? daemon->host.mount : NULL, NULL);
	if (!err)
		err = sampler_new(&daemon->sampler, daemon->loader, &daemon->host, &daemon->node);
	if (!err)
		err = processes_new(&daemon->processes, daemon->loader);
	if (!err)
		err = worker_start(&daemon->helper, "fo-helper", 64, 1024);
	if (!err)
		err = page_tracking_start(&daemon->tracking, daemon->loader);
	if (!err)
		err = podnames_new(&daemon->names, host_root, daemon->helper);
	if (!err)
		err = cgroup_cache_new(&daemon->cgroup_cache, &daemon->host, daemon->names);
	if (!err)
		err = tasks_new(&daemon->tasks, daemon->loader, &daemon->host, daemon->cgroup_cache,
				daemon->helper);
	if (!err)
		err = ingest_new(&daemon->ingest, loader_map(daemon->loader, LOADER_MAP_EVENTS),
				 on_event, daemon);
	if (!err)
		err = open_loop(daemon);
	return err;
}

/* Every part gets what it works with. */
static void connect_parts(struct daemon *daemon)
{
	struct watches *watches = &daemon->watches;
	struct incident_parts *parts = &watches->incident_parts;

	parts->host = &daemon->host;
	parts->tracking = &daemon->tracking;
	parts->reporter = &daemon->reporter;
	parts->sampler = daemon->sampler;
	parts->tasks = daemon->tasks;
	parts->trace = &daemon->trace;
	parts->ladder = daemon->ladder;
	parts->helper = daemon->helper;
	parts->epoll_fd = daemon->epoll_fd;
	parts->next_id = clock_wall_ns() / 1000000; /* unique across restarts */

	watches->config = daemon->config;
	watches->loader = daemon->loader;
	watches->mutes.hot_fd = loader_map(daemon->loader, LOADER_MAP_HOT);
	watches->mutes.reach_fd = loader_map(daemon->loader, LOADER_MAP_REACH);
	watches->names = daemon->names;
	watches->processes = daemon->processes;
	watches->control = daemon->control;
	watches->reclaim = &daemon->reclaim;

	daemon->reclaim.host = &daemon->host;
	daemon->reclaim.reporter = &daemon->reporter;
	daemon->reclaim.off = daemon->options.record_path != NULL;
	daemon->losses = (struct losses){.loader = daemon->loader,
					 .ingest = daemon->ingest,
					 .trace_store = daemon->trace.store,
					 .mutes = &watches->mutes,
					 .reporter = &daemon->reporter};
	daemon->publisher = (struct publisher){.control = daemon->control,
					       .watches = watches,
					       .reclaim = &daemon->reclaim,
					       .events_path = daemon->events_path,
					       .started_ns = clock_mono_ns(),
					       .maps_bytes = loader_maps_bytes(daemon->loader),
					       .cgroup_version = daemon->host.version,
					       .dry_run = daemon->options.dry_run};
}

static int begin(struct daemon *daemon)
{
	int code, err;

	err = service_open(&daemon->service);
	if (err)
		log_warn(
			"NOTIFY_SOCKET: %s; the service manager is not told that the daemon is ready",
			strerror(-err));
	if (config_load_trusted(daemon->options.config_path, &daemon->config))
		return EXIT_USAGE;
	/* a recorder may run beside a daemon: it kills nothing */
	code = daemon->options.record_path ? EXIT_OK : start_lock(&daemon->lock_fd);
	if (code == EXIT_OK && !daemon->options.record_path)
		code = start_rivals(daemon->config, daemon->options.dry_run);
	if (code == EXIT_OK)
		code = start_cgroups(&daemon->host, daemon->config, &daemon->sees_cgroups);
	if (code == EXIT_OK)
		code = start_node(&daemon->node);
	if (code == EXIT_OK)
		code = start_loader(&daemon->loader, daemon->host.version);
	if (code == EXIT_OK)
		code = begin_telling(daemon);
	if (code != EXIT_OK)
		return code;
	/* forked while there is little to copy */
	start_notifier(&daemon->notifier, daemon->config);
	err = allocate(daemon);
	if (err) {
		log_error("cannot start: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (!daemon->options.record_path) {
		start_control(&daemon->control, daemon->config, daemon->writer);
		/* without it a warning is lost, and nothing else */
		(void)add_fd(daemon, control_fd(daemon->control));
	}
	start_warn(&daemon->host, daemon->sees_cgroups, daemon->loader);
	connect_parts(daemon);
	take_config(daemon);
	harden();
	log_writer = daemon->writer;
	log_set_sink(log_to_writer);
	start_report(daemon->loader, daemon->config, daemon->host.version, &daemon->reporter);
	turn_names(daemon);
	publish_all(daemon);
	tell_ready(daemon);
	return EXIT_OK;
}

int daemon_new(struct daemon **ret, const struct daemon_options *options)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	int code;

	if (!daemon) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	daemon->options = *options;
	daemon->lock_fd = daemon->epoll_fd = daemon->timer_fd = -1;
	daemon->end_fd = daemon->watchdog_fd = daemon->signal_fd = -1;
	daemon->service.fd = -1;
	daemon->node = (struct node){-1, -1, -1};
	code = begin(daemon);
	if (code != EXIT_OK)
		daemon_free(daemon);
	else
		*ret = daemon;
	return code;
}

void daemon_free(struct daemon *daemon)
{
	int *const fds[] = {&daemon->epoll_fd,	  &daemon->timer_fd,  &daemon->end_fd,
			    &daemon->watchdog_fd, &daemon->signal_fd, &daemon->lock_fd};
	struct watches *watches = &daemon->watches;
	bool helper_stopped, tracking_stopped, reclaim_stopped;

	service_tell(&daemon->service, "STOPPING=1");
	if (daemon->publisher.started_ns) {
		losses_report(&daemon->losses, &watches->full, clock_mono_ns(), true);
		for (size_t i = 0; i < WATCHES_MAX; i++)
			if (watches->list[i].used)
				watches_end(watches, &watches->list[i], clock_mono_ns());
	}
	helper_stopped = worker_stop(daemon->helper, STOP_TIMEOUT_NS);
	tracking_stopped = page_tracking_stop(&daemon->tracking, STOP_TIMEOUT_NS);
	/* a thread that is stuck in the kernel still uses the host's mount */
	reclaim_stopped = daemon_reclaim_stop(&daemon->reclaim, STOP_TIMEOUT_NS);
	ladder_free(daemon->ladder);
	notifier_stop(daemon->notifier);
	log_set_sink(NULL);
	trace_store_tick(daemon->trace.store, clock_mono_ns(), true);
	if (daemon->writer)
		writer_tell(daemon->writer, NULL);
	control_close(daemon->control);
	if (writer_close(daemon->writer))
		trace_store_close(daemon->trace.store);
	ingest_free(daemon->ingest);
	sampler_free(daemon->sampler);
	processes_free(daemon->processes);
	if (helper_stopped) {
		/* or else it may still be using these; the process ends anyway */
		tasks_free(daemon->tasks);
		cgroup_cache_free(daemon->cgroup_cache);
		podnames_free(daemon->names);
	}
	if (helper_stopped && tracking_stopped)
		loader_free(daemon->loader);
	config_watch_free(daemon->config_watch);
	node_close(&daemon->node);
	if (reclaim_stopped)
		cgroup_host_close(&daemon->host);
	config_free(daemon->config);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	service_close(&daemon->service);
	free(watches->incident_parts.ranking);
	watches_free(watches);
	if (helper_stopped && tracking_stopped && reclaim_stopped)
		free(daemon);
}
