// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "cli/daemon.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "base/worker.h"
#include "cli/config_file.h"
#include "cli/exit.h"
#include "judge/rules.h"
#include "sense/ingest.h"
#include "sense/loader.h"
#include "sense/sampler.h"
#include "sense/tasks.h"
#include "tell/writer.h"

#define DEFAULT_CONFIG "/etc/fastoom-bpf/config.yaml"
#define DEFAULT_EVENTS "/var/log/fastoom-bpf/events.jsonl"
#define DEFAULT_RUN    "/run/fastoom-bpf"

/* design.md section 5: evidence every 100 ms while hot */
#define TICK_NS 100000000ULL

/* Quiet for this long is cool: longer than the gaps between a slow disk's reclaims (bpf-facts). */
#define COOL_NS 3000000000ULL

/*
 * Below this level nothing is near, whatever is reclaimed: streaming through a full cgroup
 * shows 0.1, the earliest stalled service of bpf-facts A2 0.66. The scope is muted then, and
 * the wide eyes, which cost a program on every page read and task switched, stay shut.
 */
#define EYES_LEVEL 0.30

/* No memory is taken faster (earlyoom: 6 GB/s seen with stress; a page zeroed by one CPU: 1 to 2).
 */
#define FASTEST_BYTES_PER_S (1ULL << 30)
#define MUTE_LEAST_NS	    100000000ULL
#define MUTE_MOST_NS	    1000000000ULL

/* The wide eyes stay open this long after the last need: attaching takes tens of ms. */
#define EYES_LINGER_NS 10000000000ULL

/* Processes of a hot scope are read this often, so that their growth is known. */
#define LIST_NS 1000000000ULL

/* Not seeing for a moment is part of opening the eyes; for longer it is told. */
#define BLIND_TOLD_NS 5000000000ULL

/* Above the highest CFS task, below whatever the administrator made real-time on purpose. */
#define PRIORITY 1

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t daemon_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t daemon_boot_now(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

const char *watch_name(const struct watch *watch)
{
	return watch->scope == FO_SCOPE_NODE ? "node" : watch->cgroup.path;
}

struct record_head daemon_head(const struct daemon *daemon, const struct watch *watch, uint64_t id)
{
	struct record_head head = {
		.wall_ns = clock_ns(CLOCK_REALTIME),
		.mono_ns = daemon_now(),
		.id = id,
		.dry_run = daemon->options.dry_run,
	};

	if (watch) {
		head.policy = watch->policy->name;
		head.scope_kind = watch->scope == FO_SCOPE_NODE ? "node" : "cgroup";
		head.scope_path = watch->scope == FO_SCOPE_NODE ? NULL : watch->cgroup.path;
		head.scope_id = watch->scope;
	}
	return head;
}

static int take_sample(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
		       struct sample *ret)
{
	bool eyes = atomic_load(&daemon->eyes) == EYES_OPEN;

	if (watch->scope == FO_SCOPE_NODE)
		return sampler_node(daemon->sampler, now_ns, eyes, ret);
	return sampler_cgroup(daemon->sampler, &watch->cgroup, now_ns, eyes, ret);
}

int watch_held(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
	       uint64_t *ret_bytes)
{
	struct sample sample;
	int err = take_sample(daemon, watch, now_ns, &sample);

	if (err)
		return err;
	if (!(sample.has & SAMPLE_HAS_LEVEL))
		return -ENODATA;
	*ret_bytes = sample.held_bytes;
	return 0;
}

/* ---- records ------------------------------------------------------------ */

static void tell_note(struct daemon *daemon, const struct watch *watch, const char *event,
		      const char *message)
{
	struct record_head head = daemon_head(daemon, watch, 0);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_note(line, sizeof(line), &head, event, message, &len))
		(void)writer_event(daemon->writer, line, len);
}

static void tell_verdict(struct daemon *daemon, const struct watch *watch, const char *event,
			 const struct verdict *verdict, const struct evidence *evidence)
{
	struct record_head head = daemon_head(daemon, watch, 0);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_verdict(line, sizeof(line), &head, event, verdict, evidence, &len))
		(void)writer_event(daemon->writer, line, len);
}

static uint64_t losses_of(const struct fo_counters *c)
{
	return c->events_dropped + c->scopes_full + c->hot_full + c->tasks_full + c->waits_full;
}

/* What was lost, wherever: shown when it grows, and at the end. */
static void tell_losses(struct daemon *daemon, bool always)
{
	uint64_t failed, losses;
	struct fo_counters c;
	char text[768];
	int error;

	loader_counters(daemon->loader, &c);
	failed = writer_failed(daemon->writer, &error);
	losses = losses_of(&c) + failed + writer_dropped(daemon->writer) +
		 ingest_malformed(daemon->ingest);
	if (!always && losses == daemon->losses_told)
		return;
	daemon->losses_told = losses;
	snprintf(text, sizeof(text),
		 "reclaims begun: direct %llu, at a limit %llu (asked for: %llu), soft %llu; "
		 "events sent %llu, dropped %llu, malformed %llu; "
		 "no place for: scope %llu, hot %llu, task %llu, wait %llu, hot scopes %llu; "
		 "ends unpaired %llu, missed %llu, at exit %llu, of waits %llu; "
		 "programs skipped %llu; records dropped %llu, not written %llu%s%s",
		 c.direct_begins, c.limit_begins, c.begins_proactive, c.soft_begins, c.events_sent,
		 c.events_dropped, (unsigned long long)ingest_malformed(daemon->ingest),
		 c.scopes_full, c.hot_full, c.tasks_full, c.waits_full,
		 (unsigned long long)daemon->watches_full, c.ends_unpaired, c.ends_missed,
		 c.exits_open, c.waits_missed,
		 (unsigned long long)loader_recursion_misses(daemon->loader),
		 (unsigned long long)writer_dropped(daemon->writer), (unsigned long long)failed,
		 failed ? ": " : "", failed ? strerror(error) : "");
	if (!always) {
		log_warn("something was lost: %s", text);
		tell_note(daemon, NULL, "error", text);
	} else {
		log_info("%s", text);
		tell_note(daemon, NULL, "stop", text);
	}
}

/* ---- hot scopes --------------------------------------------------------- */

static struct watch *watch_find(struct daemon *daemon, uint64_t scope)
{
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (daemon->watches[i].used && daemon->watches[i].scope == scope)
			return &daemon->watches[i];
	return NULL;
}

static struct watch *watch_free(struct daemon *daemon)
{
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (!daemon->watches[i].used)
			return &daemon->watches[i];
	return NULL;
}

static void mute(struct daemon *daemon, uint64_t scope, uint64_t until_ns)
{
	int fd = loader_map(daemon->loader, LOADER_MAP_HOT);
	struct fo_hot hot = {0};

	(void)bpf_map_lookup_elem(fd, &scope, &hot);
	hot.muted_until_ns = until_ns;
	(void)bpf_map_update_elem(fd, &scope, &hot, BPF_ANY);
}

/* Cool: the next reclaim is news again. */
static void forget(struct daemon *daemon, uint64_t scope)
{
	(void)bpf_map_delete_elem(loader_map(daemon->loader, LOADER_MAP_HOT), &scope);
	(void)bpf_map_delete_elem(loader_map(daemon->loader, LOADER_MAP_NEAR), &scope);
}

static void watch_end(struct daemon *daemon, struct watch *watch)
{
	if (watch->incident.open)
		kill_done(&watch->incident.kill);
	if (watch->scope == FO_SCOPE_NODE)
		loader_eyes_node(daemon->loader, false);
	cgroup_shut(&watch->cgroup);
	watch->used = false;
}

static void run_timer(struct daemon *daemon, bool on)
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

static void list_tasks(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	const struct candidate *candidates;
	size_t n;

	(void)tasks_read(daemon->tasks, watch->scope, daemon_boot_now(), &candidates, &n);
	watch->listed_ns = now_ns;
}

static void watch_begin(struct daemon *daemon, uint64_t scope, uint64_t now_ns)
{
	struct watch *watch = watch_free(daemon);
	int err;

	if (!watch) {
		daemon->watches_full++;
		mute(daemon, scope, now_ns + MUTE_MOST_NS);
		return;
	}
	memset(watch, 0, sizeof(*watch));
	watch->scope = scope;
	if (scope == FO_SCOPE_NODE) {
		watch->policy = rules_policy_node(daemon->config);
		if (!watch->policy) {
			mute(daemon, scope, UINT64_MAX);
			return;
		}
	} else {
		err = cgroup_open_id(&daemon->host, scope, &watch->cgroup);
		if (err) {
			if (err != -ENODEV)
				log_warn("cgroup %llu is short of memory, but its files cannot be "
					 "read: %s",
					 (unsigned long long)scope, strerror(-err));
			mute(daemon, scope, now_ns + MUTE_MOST_NS);
			return;
		}
		watch->policy = rules_policy_cgroup(daemon->config, watch->cgroup.path);
		if (!watch->policy) {
			cgroup_shut(&watch->cgroup);
			mute(daemon, scope, UINT64_MAX);
			return;
		}
	}
	watch->used = true;
	watch->active_ns = now_ns;
	watch->level = -1;
	run_timer(daemon, true);
	log_debug("%s: hot", watch_name(watch));
}

/* ---- the wide eyes ------------------------------------------------------ */

struct eyes_request {
	struct daemon *daemon;
};

static void open_eyes(void *argument, size_t len)
{
	struct daemon *daemon = ((struct eyes_request *)argument)->daemon;
	int err = loader_eyes_open(daemon->loader);

	(void)len;
	atomic_store(&daemon->eyes_error, err);
	atomic_store(&daemon->eyes, err ? EYES_FAILED : EYES_OPEN);
}

static void shut_eyes(void *argument, size_t len)
{
	(void)len;
	loader_eyes_shut(((struct eyes_request *)argument)->daemon->loader);
}

static void manage_eyes(struct daemon *daemon, bool needed, uint64_t now_ns)
{
	struct eyes_request request = {daemon};

	if (needed)
		daemon->eyes_needed_ns = now_ns;
	switch (atomic_load(&daemon->eyes)) {
	case EYES_FAILED:
		/* a hook that this kernel lacks will not come; memory for attaching it may */
		if (atomic_load(&daemon->eyes_error) == -ENOENT ||
		    now_ns - daemon->eyes_tried_ns < EYES_LINGER_NS)
			return;
		/* fallthrough */
	case EYES_SHUT:
		if (!needed)
			return;
		daemon->eyes_tried_ns = now_ns;
		atomic_store(&daemon->eyes, EYES_OPENING);
		if (worker_give(daemon->aide, open_eyes, &request, sizeof(request)))
			atomic_store(&daemon->eyes, EYES_SHUT);
		return;
	case EYES_OPEN:
		if (now_ns - daemon->eyes_needed_ns < EYES_LINGER_NS)
			return;
		atomic_store(&daemon->eyes, EYES_SHUT);
		if (worker_give(daemon->aide, shut_eyes, &request, sizeof(request)))
			atomic_store(&daemon->eyes, EYES_OPEN);
	}
}

static bool watch_wants_eyes(const struct watch *watch)
{
	return watch->used && watch->level >= EYES_LEVEL;
}

/* How far a refault may be for a kill to mend it: what could be given back. */
static void set_near(struct daemon *daemon, const struct watch *watch, uint64_t anon_bytes)
{
	uint64_t pages = anon_bytes / (uint64_t)sysconf(_SC_PAGESIZE);

	(void)bpf_map_update_elem(loader_map(daemon->loader, LOADER_MAP_NEAR), &watch->scope,
				  &pages, BPF_ANY);
}

/* ---- judging ------------------------------------------------------------ */

static void tell_recovered(struct daemon *daemon, struct watch *watch,
			   const struct evidence *evidence)
{
	watch->trouble = false;
	tell_verdict(daemon, watch, "recovered", &watch->verdict, evidence);
	log_info("%s: recovered", watch_name(watch));
}

static void after_verdict(struct daemon *daemon, struct watch *watch,
			  const struct evidence *evidence, uint64_t now_ns)
{
	const struct verdict *verdict = &watch->verdict;

	if (verdict->reason != REASON_BLIND) {
		watch->blind_since_ns = 0;
		watch->blind_told = false;
	} else if (!watch->blind_since_ns) {
		watch->blind_since_ns = now_ns;
	} else if (!watch->blind_told && now_ns - watch->blind_since_ns >= BLIND_TOLD_NS) {
		watch->blind_told = true;
		tell_verdict(daemon, watch, "blind", verdict, evidence);
		log_warn(
			"%s: blind, and so nothing is killed here: %s", watch_name(watch),
			evidence->lossy ? "the kernel side loses events"
			: atomic_load(&daemon->eyes) == EYES_FAILED
				? "the hooks on the page cache and the scheduler cannot be attached"
				: "an essential input is missing");
	}

	switch (verdict->action) {
	case VERDICT_WARN:
		watch->trouble = true;
		tell_verdict(daemon, watch, "warn", verdict, evidence);
		log_warn("%s: %s, risk %.3f, %.0f %% of its tasks' time lost, level %.0f %%; "
			 "nothing is done: %s",
			 watch_name(watch), verdict_reason_name(verdict->reason),
			 verdict->risk.value, evidence->lost_share * 100, evidence->level * 100,
			 verdict->reason == REASON_STORM
				 ? "too many kills within a minute"
				 : "no policy of the configuration names it");
		break;
	case VERDICT_ACT:
		incident_begin(daemon, watch, verdict, evidence, now_ns);
		break;
	default:
		if (verdict->reason == REASON_CALM && !watch->state.warned) {
			watch->empty_told = false;
			if (watch->trouble)
				tell_recovered(daemon, watch, evidence);
		}
	}
}

/* True when the scope is no longer worth watching: quiet, or far from any trouble. */
static bool watch_is_over(struct daemon *daemon, struct watch *watch,
			  const struct evidence *evidence, uint64_t now_ns)
{
	uint64_t mute_ns;

	if (watch->incident.open || now_ns < watch->state.settle_until_ns)
		return false;
	if (now_ns - watch->active_ns >= COOL_NS) {
		/* quiet is recovered, also where the evidence cannot say so */
		if (watch->trouble)
			tell_recovered(daemon, watch, evidence);
		log_debug("%s: cool", watch_name(watch));
		forget(daemon, watch->scope);
		return true;
	}
	if (watch->trouble || watch->level < 0 || watch->level >= EYES_LEVEL)
		return false;
	/* it reclaims, but cannot be near before its headroom is gone */
	mute_ns = watch->headroom_bytes * 1000 / (FASTEST_BYTES_PER_S / 1000000);
	if (mute_ns > MUTE_MOST_NS)
		mute_ns = MUTE_MOST_NS;
	if (mute_ns < MUTE_LEAST_NS)
		mute_ns = MUTE_LEAST_NS;
	mute(daemon, watch->scope, now_ns + mute_ns);
	return true;
}

static void log_evidence(const struct watch *watch, const struct evidence *e)
{
	if (log_level() < LOG_LEVEL_DEBUG || !e->span_ns)
		return;
	log_debug("%s: risk %.3f %s/%s level %.2f growth %.1f MiB/s stall %.3f thrash %.3f io %.3f "
		  "run %.3f lost %.2f refaulted %.2f near %.2f turnover %.2f faults %.0f reclaims "
		  "%.0f has %x",
		  watch_name(watch), watch->verdict.risk.value,
		  verdict_action_name(watch->verdict.action),
		  verdict_reason_name(watch->verdict.reason), e->level, e->growth / 1048576,
		  e->stall, e->thrash, e->io, e->run, e->lost_share, e->refaulted, e->near,
		  e->turnover, e->major_faults, e->reclaims, e->has);
}

static void watch_tick(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct evidence evidence;
	struct sample sample;
	int err;

	incident_look(daemon, watch, now_ns);
	err = take_sample(daemon, watch, now_ns, &sample);
	if (err == -ENODEV) {
		/* the cgroup was removed: what was in it is gone, or about to be */
		if (watch->incident.open)
			return;
		forget(daemon, watch->scope);
		watch_end(daemon, watch);
		return;
	}
	if (sample.has & SAMPLE_HAS_LEVEL) {
		watch->level = (double)sample.held_bytes / (double)(sample.total_bytes + 1);
		watch->headroom_bytes = sample.total_bytes > sample.held_bytes
						? sample.total_bytes - sample.held_bytes
						: 0;
		if (watch_wants_eyes(watch))
			set_near(daemon, watch, sample.anon_bytes);
	}
	if (sample.reclaims != watch->reclaims || sample.scanned_pages != watch->scans ||
	    sample.stall_open)
		watch->active_ns = now_ns;
	watch->reclaims = sample.reclaims;
	watch->scans = sample.scanned_pages;
	if (watch->scope == FO_SCOPE_NODE)
		loader_eyes_node(daemon->loader, watch_wants_eyes(watch));
	if (watch_wants_eyes(watch) && now_ns - watch->listed_ns >= LIST_NS)
		list_tasks(daemon, watch, now_ns);

	window_add(&watch->window, &sample);
	evidence = window_evidence(&watch->window);
	if (evidence.span_ns) {
		watch->verdict = verdict_decide(&watch->state, watch->policy, &evidence, now_ns,
						watch->incident.open);
		log_evidence(watch, &evidence);
		after_verdict(daemon, watch, &evidence, now_ns);
	}
	if (watch_is_over(daemon, watch, &evidence, now_ns))
		watch_end(daemon, watch);
}

static void tick(struct daemon *daemon)
{
	bool any = false, eyes = false;
	uint64_t now_ns;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (!watch->used)
			continue;
		now_ns = daemon_now();
		watch_tick(daemon, watch, now_ns);
		any |= watch->used;
		eyes |= watch_wants_eyes(watch);
	}
	now_ns = daemon_now();
	manage_eyes(daemon, eyes, now_ns);
	tell_losses(daemon, false);
	/* the timer runs until the eyes are shut again */
	run_timer(daemon, any || atomic_load(&daemon->eyes) == EYES_OPEN ||
				  atomic_load(&daemon->eyes) == EYES_OPENING);
}

/* ---- events of the kernel side ------------------------------------------ */

/* mark_victim fires twice for one victim of a limit. */
static bool kernel_kill_is_known(struct daemon *daemon, const struct fo_event_kill *event)
{
	const size_t n = ARRAY_SIZE(daemon->kernel_kills);

	for (size_t i = 0; i < n; i++)
		if (daemon->kernel_kills[i].pid == (int)event->tgid &&
		    daemon->kernel_kills[i].start_boot_ns == event->start_boot_ns)
			return true;
	daemon->kernel_kills[daemon->kernel_kill_next].pid = (int)event->tgid;
	daemon->kernel_kills[daemon->kernel_kill_next].start_boot_ns = event->start_boot_ns;
	daemon->kernel_kill_next = (daemon->kernel_kill_next + 1) % n;
	return false;
}

/* The kernel marks a dying process too, when it asks for memory: that kill is ours. */
static bool kill_is_ours(const struct daemon *daemon, const struct fo_event_kill *event)
{
	if (daemon->options.dry_run)
		return false;
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct incident *incident = &daemon->watches[i].incident;

		if (daemon->watches[i].used && incident->open &&
		    incident->kill.ref.pid == (int)event->tgid &&
		    incident->kill.ref.start_boot_ns == event->start_boot_ns)
			return true;
	}
	return false;
}

static bool path_is_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return !strncmp(path, above, len) && (path[len] == '\0' || path[len] == '/');
}

static void on_kernel_kill(struct daemon *daemon, const struct fo_event_kill *event)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct record_head head = daemon_head(daemon, NULL, 0);
	struct candidate victim = {
		.start_boot_ns = event->start_boot_ns,
		.memcg_id = event->head.scope_id,
		.anon_bytes = (uint64_t)event->anon_pages * page,
		.shmem_bytes = (uint64_t)event->shmem_pages * page,
		.file_bytes = (uint64_t)event->file_pages * page,
		.swap_bytes = (uint64_t)event->swap_pages * page,
		.pgtables_bytes = event->pgtables_bytes,
		.pid = (int)event->tgid,
		.uid = event->uid,
		.oom_score_adj = event->oom_score_adj,
		.comm = event->comm,
	};
	struct record_kernel_kill kill = {
		.victim = &victim,
		.total_vm_bytes = event->total_vm_pages * page,
		.asker_pid = (int)event->asker_tgid,
		.asker_comm = event->asker_comm,
	};
	char line[WRITER_LINE_MAX], size[UNITS_TEXT_MAX];
	struct cgroup cgroup = {0};
	size_t len;

	if (kernel_kill_is_known(daemon, event) || kill_is_ours(daemon, event))
		return;
	head.mono_ns = event->head.mono_ns;
	head.scope_kind = "cgroup";
	head.scope_id = event->head.scope_id;
	if (!cgroup_open_id(&daemon->host, event->head.scope_id, &cgroup))
		head.scope_path = cgroup.path;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (watch->used &&
		    (watch->scope == FO_SCOPE_NODE || watch->scope == event->head.scope_id ||
		     (head.scope_path && path_is_below(head.scope_path, watch->cgroup.path))))
			verdict_killed(&watch->state, daemon_now());
	}
	if (!record_kernel_kill(line, sizeof(line), &head, &kill, &len))
		(void)writer_event(daemon->writer, line, len);
	units_format_bytes(size, sizeof(size), candidate_gives_bytes(&victim));
	log_warn("%s: the kernel's OOM killer chose %s[%d] (uid %u, %s, adj %d); %s[%u] asked for "
		 "memory",
		 head.scope_path ? head.scope_path : "node", victim.comm, victim.pid, victim.uid,
		 size, victim.oom_score_adj, event->asker_comm, event->asker_tgid);
	cgroup_shut(&cgroup);
}

static void on_event(const struct fo_event *event, void *userdata)
{
	struct daemon *daemon = userdata;
	struct watch *watch;

	switch (event->type) {
	case FO_EVENT_HOT:
		if (!watch_find(daemon, event->scope_id))
			watch_begin(daemon, event->scope_id, daemon_now());
		break;
	case FO_EVENT_KERNEL_KILL:
		on_kernel_kill(daemon, (const struct fo_event_kill *)event);
		break;
	case FO_EVENT_SCOPE_REMOVED:
		watch = watch_find(daemon, event->scope_id);
		if (watch && !watch->incident.open)
			watch_end(daemon, watch);
	}
}

/* ---- configuration ------------------------------------------------------ */

static int load_config(const char *path, struct config **ret)
{
	static struct config_errors errors; /* 64 lines: too large for a stack that is locked */
	int err;

	if (!path && access(DEFAULT_CONFIG, F_OK) == 0)
		path = DEFAULT_CONFIG;
	if (!path) {
		*ret = config_default();
		return *ret ? 0 : -ENOMEM;
	}
	err = config_read(path, ret, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.list[i].text);
	if (errors.more)
		log_error("%s: and %zu more", path, errors.more);
	config_errors_free(&errors);
	return err;
}

static void reload(struct daemon *daemon)
{
	struct config *fresh;

	if (load_config(daemon->options.config_path, &fresh)) {
		log_error("the configuration in force stays as it is");
		tell_note(daemon, NULL, "error", "reload failed: the old configuration stays");
		return;
	}
	/* whoever is hot begins anew under its new policy */
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (!watch->used)
			continue;
		watch->policy = watch->scope == FO_SCOPE_NODE
					? rules_policy_node(fresh)
					: rules_policy_cgroup(fresh, watch->cgroup.path);
		if (!watch->policy) {
			mute(daemon, watch->scope, UINT64_MAX);
			watch_end(daemon, watch);
		}
	}
	config_free(daemon->config);
	daemon->config = fresh;
	if (rules_policy_node(fresh) && !watch_find(daemon, FO_SCOPE_NODE))
		forget(daemon, FO_SCOPE_NODE);
	log_info("configuration reloaded: %zu policies", fresh->policy_count);
	tell_note(daemon, NULL, "reload", "configuration reloaded");
}

/* ---- the loop ----------------------------------------------------------- */

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
			incident_look(daemon, &daemon->watches[i], daemon_now());
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
			else if (fd != daemon->timer_fd)
				look_after_incidents(daemon); /* a victim's pidfd */
			else if (read(fd, &expirations, sizeof(expirations)) > 0)
				tick(daemon);
		}
	}
	return EXIT_OK;
}

/* ---- beginning and end -------------------------------------------------- */

static int take_lock(struct daemon *daemon)
{
	/* systemd's RuntimeDirectory= says where; tests too */
	const char *dir = getenv("RUNTIME_DIRECTORY");
	char path[4096], text[32];

	if (!dir || !*dir)
		dir = DEFAULT_RUN;
	snprintf(path, sizeof(path), "%s/lock", dir);
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		daemon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (daemon->lock_fd < 0) {
		bool denied = errno == EACCES || errno == EPERM;

		log_error("%s: %s; this lock keeps a second instance out: run as root, or set "
			  "RUNTIME_DIRECTORY to a directory that can be written to",
			  path, strerror(errno));
		return denied ? EXIT_HOST : EXIT_FAILED;
	}
	if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t len = read(daemon->lock_fd, text, sizeof(text) - 1);

		text[len > 0 ? len : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		log_error("fastoom-bpf runs already (pid %s, lock %s); stop that one first", text,
			  path);
		return EXIT_FAILED;
	}
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(daemon->lock_fd, 0) < 0 || write(daemon->lock_fd, text, strlen(text)) < 0)
		log_debug("%s: %s", path, strerror(errno));
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
	if (!err && daemon->options.for_ns) {
		end.it_value.tv_sec = (time_t)(daemon->options.for_ns / 1000000000);
		end.it_value.tv_nsec = (long)(daemon->options.for_ns % 1000000000);
		if (timerfd_settime(daemon->end_fd, 0, &end, NULL) < 0)
			err = -errno;
	}
	return err;
}

/* Memory locked, priority raised, not to be killed: each a warning where it is not allowed. */
static void harden(void)
{
	const struct sched_param param = {.sched_priority = PRIORITY};
	int fd, err = 0;

	/* what loading left behind is given back first: it would be locked */
	malloc_trim(0);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warn("memory is not locked: %s; the daemon may wait for its own pages in a "
			 "Near-OOM; give it CAP_IPC_LOCK or LimitMEMLOCK=infinity",
			 strerror(errno));
	/* a thread or process that is started by us is not real-time */
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
		log_warn("no real-time priority: %s; a kill may come late by a time slice; give it "
			 "CAP_SYS_NICE",
			 strerror(errno));
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "-1000", 5) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err)
		log_warn("oom_score_adj stays: %s; the kernel may kill the daemon itself; give it "
			 "CAP_SYS_RESOURCE or OOMScoreAdjust=-1000",
			 strerror(err));
}

static int load_kernel_side(struct daemon *daemon)
{
	char why[512] = "out of memory";
	int err = loader_new(&daemon->loader, daemon->host.version, why, sizeof(why));

	if (!err)
		return EXIT_OK;
	log_error("%s", why);
	return err == -ENOENT || err == -EPERM || err == -EACCES || err == -ENOPROTOOPT ? EXIT_HOST
											: EXIT_LOAD;
}

/* Nothing of what a process is needs a place that is only found in trouble. */
static int allocate(struct daemon *daemon)
{
	daemon->ranking_size = 4096;
	daemon->watches = calloc(WATCHES_MAX, sizeof(*daemon->watches));
	daemon->ranking = calloc(daemon->ranking_size, sizeof(*daemon->ranking));
	return daemon->watches && daemon->ranking ? 0 : -ENOMEM;
}

static int open_events(struct daemon *daemon)
{
	const char *path = daemon->options.events_path;
	bool asked = true;
	int err;

	if (!path)
		path = daemon->config->events_path;
	if (!path) {
		path = DEFAULT_EVENTS;
		asked = false;
	}
	err = writer_open(&daemon->writer, path);
	if (err && !asked) {
		log_warn("%s: %s; events go to the log only; name another file with --events", path,
			 strerror(-err));
		err = writer_open(&daemon->writer, NULL);
	}
	if (err)
		log_error("%s: %s; the event file must be writable, or name another with --events",
			  path, strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

static bool acts_on_cgroups(const struct config *config)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (config->policies[i].match_cgroup && !config->policies[i].warn_only)
			return true;
	return false;
}

/* The kernel's events name a cgroup by its id; the root's own serves for the question. */
static bool may_open_cgroups(const struct cgroup_host *host)
{
	struct cgroup cgroup = {0};
	struct stat st;
	int err;

	if (!host->ops || fstat(host->mount_fd, &st) < 0)
		return true;
	err = cgroup_open_id(host, st.st_ino, &cgroup);
	if (!err)
		cgroup_shut(&cgroup);
	return err != -EPERM;
}

static int open_host(struct daemon *daemon)
{
	bool needed = acts_on_cgroups(daemon->config);
	int err = cgroup_host_open(&daemon->host, "");

	if (err && needed) {
		log_error(
			"this host has no memory controller (%s), but the configuration has "
			"policies for cgroups; mount cgroup2, boot without cgroup_disable=memory, "
			"or take them out",
			strerror(-err));
		return EXIT_HOST;
	}
	daemon->sees_cgroups = !err && may_open_cgroups(&daemon->host);
	if (!err && needed && !daemon->sees_cgroups) {
		log_error(
			"cgroups cannot be opened by their id: %s; the configuration's policies for "
			"cgroups need that: give it CAP_DAC_READ_SEARCH",
			strerror(EPERM));
		return EXIT_HOST;
	}
	err = node_open(&daemon->node, "");
	if (err)
		log_error("/proc/meminfo: %s; mount /proc", strerror(-err));
	return err ? EXIT_HOST : EXIT_OK;
}

/* Said once all else is well: what is wrong then is one sentence. */
static void warn_host(const struct daemon *daemon)
{
	if (!daemon->host.ops)
		log_warn("no memory controller: cgroups are not watched, only the node");
	else if (!daemon->sees_cgroups)
		log_warn(
			"cgroups cannot be opened by their id: %s; only the node is watched; give it "
			"CAP_DAC_READ_SEARCH",
			strerror(EPERM));
}

static struct writer *log_writer;

static void log_to_writer(const char *line, size_t len)
{
	(void)writer_log(log_writer, line, len);
}

static void tell_start(struct daemon *daemon)
{
	static const char *const pressures[] = {"low", "medium", "high"};
	size_t n, attached = 0;
	const struct loader_hook *hooks = loader_hooks(daemon->loader, &n);
	char text[256];

	for (size_t i = 0; i < n; i++) {
		attached += hooks[i].state == 0;
		if (hooks[i].state)
			log_info("without %s: %s", hooks[i].tracepoint,
				 hooks[i].state == -ENOENT ? "this kernel has no such tracepoint"
							   : strerror(-hooks[i].state));
	}
	for (size_t i = 0; i < daemon->config->policy_count; i++) {
		const struct policy *policy = &daemon->config->policies[i];

		log_info("policy %s: %s%s, %s", policy->name,
			 policy->match_node ? "the node" : "cgroups ",
			 policy->match_node ? "" : policy->match_cgroup,
			 policy->warn_only ? "warned of, never acted on"
					   : pressures[policy->pressure]);
	}
	snprintf(text, sizeof(text), "%zu of %zu hooks, cgroup v%d%s", attached, n,
		 daemon->host.version,
		 daemon->options.dry_run ? ", dry run: nothing is killed" : "");
	log_info("watching: %s", text);
	tell_note(daemon, NULL, "start", text);
}

static int begin(struct daemon *daemon)
{
	int code, err;

	if (load_config(daemon->options.config_path, &daemon->config))
		return EXIT_USAGE;
	code = take_lock(daemon);
	if (code == EXIT_OK)
		code = open_host(daemon);
	if (code == EXIT_OK)
		code = load_kernel_side(daemon);
	if (code == EXIT_OK)
		code = open_events(daemon);
	if (code != EXIT_OK)
		return code;

	err = allocate(daemon);
	if (!err)
		err = sampler_new(&daemon->sampler, daemon->loader, &daemon->host, &daemon->node);
	if (!err)
		err = worker_start(&daemon->aide, "fo-aide", 64, 1024);
	if (!err)
		err = tasks_new(&daemon->tasks, daemon->loader, daemon->aide);
	if (!err)
		err = ingest_new(&daemon->ingest, loader_map(daemon->loader, LOADER_MAP_EVENTS),
				 on_event, daemon);
	if (!err)
		err = open_loop(daemon);
	if (err) {
		log_error("cannot start: %s", strerror(-err));
		return EXIT_FAILED;
	}
	warn_host(daemon);
	harden();
	log_writer = daemon->writer;
	log_set_sink(log_to_writer);
	daemon->started_ns = daemon_now();
	daemon->next_id = clock_ns(CLOCK_REALTIME) / 1000000; /* unique across restarts */
	tell_start(daemon);
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
	bool aide_stopped;

	if (daemon->started_ns)
		tell_losses(daemon, true);
	for (size_t i = 0; daemon->watches && i < WATCHES_MAX; i++)
		if (daemon->watches[i].used)
			watch_end(daemon, &daemon->watches[i]);
	aide_stopped = worker_stop(daemon->aide, 3000000000ULL);
	log_set_sink(NULL);
	writer_shut(daemon->writer);
	ingest_free(daemon->ingest);
	sampler_free(daemon->sampler);
	if (aide_stopped) {
		/* or else it may still be using these; the process ends anyway */
		tasks_free(daemon->tasks);
		loader_free(daemon->loader);
	}
	node_shut(&daemon->node);
	cgroup_host_shut(&daemon->host);
	config_free(daemon->config);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	free(daemon->ranking);
	free(daemon->watches);
	if (aide_stopped)
		free(daemon);
}
