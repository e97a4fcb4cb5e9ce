// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "act/ladder.h"
#include "act/notifier.h"
#include "act/proactive_reclaim.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "base/worker.h"
#include "config/config_file.h"
#include "config/load.h"
#include "config/paths.h"
#include "config/watch.h"
#include "base/exit.h"
#include "daemon/harden.h"
#include "daemon/proactive_reclaim.h"
#include "daemon/page_tracking.h"
#include "daemon/kernel_kill.h"
#include "daemon/report.h"
#include "daemon/publish.h"
#include "daemon/start.h"
#include "daemon/trace_feed.h"
#include "judge/rules.h"
#include "sense/ingest.h"
#include "sense/loader.h"
#include "sense/cgroup_cache.h"
#include "sense/podnames.h"
#include "sense/sampler.h"
#include "sense/tasks.h"
#include "tell/trace_store.h"
#include "tell/control.h"
#include "tell/writer.h"

/* Evidence every 100 ms while hot: ten samples a window, and a tenth of the time to act. */
#define TICK_NS 100000000ULL

void daemon_timer(struct daemon *daemon, bool on)
{
	const uint64_t tick = on ? TICK_NS : 0;
	const struct timespec ts = {.tv_nsec = (long)tick};
	const struct itimerspec spec = {.it_interval = ts, .it_value = ts};

	if (on == daemon->timer_runs)
		return;
	if (timerfd_settime(daemon->timer_fd, 0, &spec, NULL) < 0)
		log_error("the timer cannot be set: %s", strerror(errno));
	daemon->timer_runs = on;
}

/* New names may mean another policy. */
static void turn_names(struct daemon *daemon)
{
	if (!podnames_turn(daemon->names, clock_mono_ns()))
		return;
	cgroup_cache_forget(daemon->cgroup_cache);
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (watch->used && !watch->incident.open)
			(void)watch_settle_policy(daemon, watch, daemon->config);
	}
}

static void tick(struct daemon *daemon)
{
	bool any = false, tracking = false;
	uint64_t now_ns;

	turn_names(daemon);
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (!watch->used)
			continue;
		now_ns = clock_mono_ns();
		watch_tick(daemon, watch, now_ns);
		any |= watch->used;
		tracking |= watch_wants_tracking(watch);
	}
	now_ns = clock_mono_ns();
	tracking_manage(daemon, tracking, now_ns);
	trace_store_tick(daemon->trace_store, now_ns, !any);
	report_losses(daemon, false);
	/* the timer runs until the eyes are shut again */
	daemon_timer(daemon, any || atomic_load(&daemon->tracking) == TRACKING_ON ||
				     atomic_load(&daemon->tracking) == TRACKING_STARTING);
	publish(daemon);
}

static void on_event(const struct fo_event *event, void *userdata)
{
	struct daemon *daemon = userdata;
	struct watch *watch;

	switch (event->type) {
	case FO_EVENT_HOT:
		if (!watch_find(daemon, event->scope_id))
			watch_begin(daemon, event->scope_id, clock_mono_ns());
		break;
	case FO_EVENT_KERNEL_KILL:
		kernel_kill_tell(daemon, (const struct fo_event_kill *)event);
		break;
	case FO_EVENT_SCOPE_REMOVED:
		watch = watch_find(daemon, event->scope_id);
		if (watch && !watch->incident.open)
			watch_end(daemon, watch);
	}
}

static void reload(struct daemon *daemon)
{
	struct config *fresh;

	if (daemon->options.record_path) {
		log_warn("a recording keeps the configuration that it began with");
		return;
	}
	if (config_load(daemon->options.config_path, &fresh)) {
		log_error("the configuration in force stays as it is");
		report_message(daemon, NULL, "error", "reload failed: the old configuration stays");
		return;
	}
	/* whoever is hot begins anew under its new policy */
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (!watch->used)
			continue;
		if (!watch_settle_policy(daemon, watch, fresh)) {
			watch_mute(daemon, watch->scope, UINT64_MAX);
			watch_end(daemon, watch);
		}
	}
	config_free(daemon->config);
	daemon->config = fresh;
	trace_feed_config(daemon);
	daemon->config_path = paths_config(daemon->options.config_path);
	start_notifier(daemon);
	daemon_reclaim_start(daemon);
	if (rules_policy_node(fresh) && !watch_find(daemon, FO_SCOPE_NODE))
		watch_forget(daemon, FO_SCOPE_NODE);
	log_info("configuration reloaded: %zu policies", fresh->policy_count);
	report_message(daemon, NULL, "reload", "configuration reloaded");
	start_readers(daemon);
	publish(daemon);
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

static void look_after_incidents(struct daemon *daemon)
{
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (daemon->watches[i].used && daemon->watches[i].incident.open)
			incident_look(daemon, &daemon->watches[i], clock_mono_ns());
}

int daemon_run(struct daemon *daemon)
{
	struct epoll_event events[16];
	uint64_t expirations;
	int n;

	while (!daemon->stop) {
		n = epoll_wait(daemon->epoll_fd, events, ARRAY_SIZE(events), -1);
		if (n < 0 && errno != EINTR) {
			log_error("epoll_wait: %s", strerror(errno));
			return EXIT_FAILED;
		}
		daemon->wakeups++;
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == daemon->signal_fd)
				on_signal(daemon);
			else if (fd == daemon->end_fd)
				daemon->stop = true;
			else if (fd == ingest_fd(daemon->ingest))
				(void)ingest_drain(daemon->ingest);
			else if (fd == podnames_fd(daemon->names)) {
				podnames_drain(daemon->names);
				turn_names(daemon);
			} else if (fd == config_watch_fd(daemon->config_watch)) {
				if (config_watch_drain(daemon->config_watch))
					reload(daemon);
			} else if (daemon->proactive_reclaim &&
				   fd == proactive_reclaim_fd(daemon->proactive_reclaim))
				daemon_reclaim_drain(daemon);
			else if (fd != daemon->timer_fd)
				look_after_incidents(daemon); /* a victim's pidfd */
			else if (read(fd, &expirations, sizeof(expirations)) > 0)
				tick(daemon);
		}
	}
	return EXIT_OK;
}

static int add_fd(struct daemon *daemon, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_loop(struct daemon *daemon)
{
	struct itimerspec end = {0};
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	daemon->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	daemon->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	daemon->end_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	daemon->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->epoll_fd < 0 || daemon->timer_fd < 0 || daemon->end_fd < 0 ||
	    daemon->signal_fd < 0)
		return -errno;
	err = add_fd(daemon, ingest_fd(daemon->ingest));
	if (!err)
		err = add_fd(daemon, daemon->timer_fd);
	if (!err)
		err = add_fd(daemon, daemon->end_fd);
	if (!err)
		err = add_fd(daemon, daemon->signal_fd);
	if (!err && podnames_fd(daemon->names) >= 0)
		err = add_fd(daemon, podnames_fd(daemon->names));
	if (!err && paths_config(daemon->options.config_path) &&
	    config_watch_new(&daemon->config_watch, paths_config(daemon->options.config_path)))
		log_warn("changes of the configuration are not noticed: %s; send SIGHUP",
			 strerror(errno));
	if (!err && daemon->config_watch)
		err = add_fd(daemon, config_watch_fd(daemon->config_watch));
	if (!err && daemon->options.for_ns) {
		end.it_value.tv_sec = (time_t)(daemon->options.for_ns / 1000000000);
		end.it_value.tv_nsec = (long)(daemon->options.for_ns % 1000000000);
		if (timerfd_settime(daemon->end_fd, 0, &end, NULL) < 0)
			err = -errno;
	}
	return err;
}

/* Nothing of what a process is needs a place that is only found in trouble. */
static int allocate(struct daemon *daemon)
{
	daemon->ranking_size = tasks_max();
	daemon->watches = calloc(WATCHES_MAX, sizeof(*daemon->watches));
	daemon->ranking = calloc(daemon->ranking_size, sizeof(*daemon->ranking));
	return daemon->watches && daemon->ranking ? 0 : -ENOMEM;
}

static struct writer *log_writer;

static void log_to_writer(const char *line, size_t len)
{
	(void)writer_log(log_writer, line, len);
}

static int begin(struct daemon *daemon)
{
	int code, err;

	if (config_load(daemon->options.config_path, &daemon->config))
		return EXIT_USAGE;
	daemon->config_path = paths_config(daemon->options.config_path);
	/* a recorder may run beside a daemon: it kills nothing */
	code = daemon->options.record_path ? EXIT_OK : start_lock(daemon);
	if (code == EXIT_OK)
		code = start_host(daemon);
	if (code == EXIT_OK)
		code = start_kernel_side(daemon);
	if (code == EXIT_OK)
		code = start_events(daemon);
	if (code != EXIT_OK)
		return code;

	start_notifier(daemon);
	err = allocate(daemon);
	if (!err)
		err = ladder_new(&daemon->ladder, WATCHES_MAX, daemon->host.version,
				 daemon->host.ops ? daemon->host.mount : NULL, NULL);
	if (!err)
		err = sampler_new(&daemon->sampler, daemon->loader, &daemon->host, &daemon->node);
	if (!err)
		err = worker_start(&daemon->helper, "fo-helper", 64, 1024);
	if (!err)
		err = tracking_start(daemon);
	if (!err)
		err = podnames_new(&daemon->names,
				   daemon->options.host_root ? daemon->options.host_root : "",
				   daemon->helper);
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
	if (err) {
		log_error("cannot start: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (!daemon->options.record_path)
		start_control(daemon);
	start_warn(daemon);
	daemon_reclaim_start(daemon);
	harden();
	log_writer = daemon->writer;
	log_set_sink(log_to_writer);
	daemon->started_ns = clock_mono_ns();
	daemon->next_id = clock_wall_ns() / 1000000; /* unique across restarts */
	start_tell(daemon);
	turn_names(daemon);
	publish(daemon);
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
	daemon->end_fd = daemon->signal_fd = -1;
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
	int *const fds[] = {&daemon->epoll_fd, &daemon->timer_fd, &daemon->end_fd,
			    &daemon->signal_fd, &daemon->lock_fd};
	bool helper_stopped, tracking_stopped, proactive_stopped;

	if (daemon->started_ns)
		report_losses(daemon, true);
	for (size_t i = 0; daemon->watches && i < WATCHES_MAX; i++)
		if (daemon->watches[i].used)
			watch_end(daemon, &daemon->watches[i]);
	helper_stopped = worker_stop(daemon->helper, 3000000000ULL);
	tracking_stopped = tracking_stop(daemon, 3000000000ULL);
	/* one that is stuck in the kernel still uses the host's mount */
	proactive_stopped = proactive_reclaim_stop(daemon->proactive_reclaim, 3000000000ULL);
	ladder_free(daemon->ladder);
	notifier_stop(daemon->notifier);
	log_set_sink(NULL);
	trace_store_tick(daemon->trace_store, clock_mono_ns(), true);
	if (daemon->writer)
		writer_tell(daemon->writer, NULL);
	control_shut(daemon->control);
	if (writer_shut(daemon->writer))
		trace_store_shut(daemon->trace_store);
	ingest_free(daemon->ingest);
	sampler_free(daemon->sampler);
	if (helper_stopped) {
		/* or else it may still be using these; the process ends anyway */
		tasks_free(daemon->tasks);
		cgroup_cache_free(daemon->cgroup_cache);
		podnames_free(daemon->names);
	}
	if (helper_stopped && tracking_stopped)
		loader_free(daemon->loader);
	config_watch_free(daemon->config_watch);
	node_shut(&daemon->node);
	if (proactive_stopped)
		cgroup_host_shut(&daemon->host);
	config_free(daemon->config);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	free(daemon->ranking);
	free(daemon->watches);
	if (helper_stopped && tracking_stopped && proactive_stopped)
		free(daemon);
}
