// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/trace_feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "config/paths.h"
#include "daemon/daemon.h"
#include "base/exit.h"
#include "daemon/start.h"
#include "event.h"
#include "judge/candidate.h"
#include "judge/judge.h"
#include "tell/trace_store.h"
#include "tell/trace_write.h"

#define CONFIG_MOST_BYTES (1 << 20)

/* Who and where we are; *ret_config is the text that *ret_head points to. */
static void fill_head(struct daemon *daemon, struct trace_head *ret, char **ret_config)
{
	const char *path = paths_config(daemon->options.config_path);
	struct utsname name;

	*ret = (struct trace_head){
		.abi = FO_ABI,
		.wall_ns = clock_wall_ns(),
		.mono_ns = clock_mono_ns(),
		.ram_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.cgroup_version = daemon->host.ops ? (uint32_t)daemon->host.version : 0,
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
		.self_pid = (uint64_t)getpid(),
		.dry_run = daemon->options.dry_run,
	};
	if (uname(&name) == 0)
		snprintf(ret->release, sizeof(ret->release), "%s", name.release);
	*ret_config = NULL;
	if (path && !file_read_all(path, CONFIG_MOST_BYTES, ret_config, &ret->config_len)) {
		ret->config_name = path;
		ret->config_name_len = strlen(path);
		ret->config_text = *ret_config;
	}
}

/* Where kill-ID.fo files go: beside the events, if those are a file at all. */
static bool folder_of(const char *events_path, char *folder, size_t size)
{
	const char *slash = events_path ? strrchr(events_path, '/') : NULL;
	struct stat st;

	if (!events_path || stat(events_path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (!slash)
		return snprintf(folder, size, ".") < (int)size;
	return snprintf(folder, size, "%.*s", (int)(slash - events_path) + !(slash - events_path),
			events_path) < (int)size;
}

int trace_feed_open(struct daemon *daemon, const char *events_path)
{
	const char *path = daemon->options.record_path;
	_cleanup_free_ char *config = NULL;
	char folder[4096], why[320];
	struct trace_head head;
	size_t cut;
	int err;

	fill_head(daemon, &head, &config);
	if (path) {
		err = trace_store_open(&daemon->trace_store, daemon->writer, path, &head, why,
				       sizeof(why), &cut);
		if (err)
			log_error("%s: %s%s%s", path, *why ? why : strerror(-err),
				  *why ? "; it is left as it is" : "",
				  "; name another file to record into");
		else if (cut)
			log_warn("%s: its last record had been cut off; its %zu bytes are gone",
				 path, cut);
		return err ? EXIT_FAILED : EXIT_OK;
	}
	if (!folder_of(events_path, folder, sizeof(folder)))
		return EXIT_OK;
	err = trace_store_keep(&daemon->trace_store, daemon->writer, folder, &head);
	if (err)
		log_warn("the minutes before a kill are not kept: %s",
			 err == -E2BIG ? "the configuration is too large" : strerror(-err));
	return EXIT_OK;
}

void trace_feed_config(struct daemon *daemon)
{
	_cleanup_free_ char *config = NULL;
	struct trace_head head;
	int err;

	if (!daemon->trace_store)
		return;
	fill_head(daemon, &head, &config);
	err = trace_store_set_head(daemon->trace_store, &head);
	if (err)
		log_warn("recordings keep the old configuration: %s", strerror(-err));
}

static struct trace_scope scope_of(const struct watch *watch)
{
	return (struct trace_scope){
		.kind = watch->scope == FO_SCOPE_NODE ? TRACE_SCOPE_NODE : TRACE_SCOPE_CGROUP,
		.id = watch->scope,
		.path = watch->scope == FO_SCOPE_NODE ? "" : watch->cgroup.path,
	};
}

void trace_feed_begin(struct daemon *daemon, const struct watch *watch, uint64_t now_ns)
{
	const struct trace_scope scope = scope_of(watch);

	/* nothing ticked while nothing was hot */
	trace_store_tick(daemon->trace_store, now_ns, false);
	if (daemon->trace_store)
		trace_put_begin(trace_store_trace(daemon->trace_store), &scope, now_ns);
}

void trace_feed_end(struct daemon *daemon, const struct watch *watch, uint64_t now_ns)
{
	const struct trace_scope scope = scope_of(watch);

	if (daemon->trace_store)
		trace_put_end(trace_store_trace(daemon->trace_store), &scope, now_ns);
}

static void put_did(struct daemon *daemon, const struct watch *watch, struct trace_did did)
{
	const struct trace_scope scope = scope_of(watch);

	if (!daemon->trace_store)
		return;
	did.dry_run = daemon->options.dry_run;
	trace_put_did(trace_store_trace(daemon->trace_store), &scope, &did);
}

void trace_feed_tick(struct daemon *daemon, const struct watch *watch, const struct sample *sample,
		     const struct judgement *judgement)
{
	const struct trace_scope scope = scope_of(watch);
	const struct verdict *verdict = &judgement->verdict;
	char text[32];

	if (!daemon->trace_store)
		return;
	if (judgement->judged) {
		snprintf(text, sizeof(text), "%s %s", verdict_action_name(verdict->action),
			 verdict_reason_name(verdict->reason));
		put_did(daemon, watch,
			(struct trace_did){
				.what = TRACE_VERDICT, .at_ns = sample->at_ns, .text = text});
	}
	trace_put_sample(trace_store_trace(daemon->trace_store), &scope, sample);
}

void trace_feed_list(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
		     const struct candidate *candidates, size_t n)
{
	const struct trace_scope scope = scope_of(watch);

	if (daemon->trace_store)
		trace_put_list(trace_store_trace(daemon->trace_store), &scope, now_ns, candidates,
			       n);
}

void trace_feed_kill(struct daemon *daemon, const struct watch *watch, uint64_t now_ns)
{
	const struct candidate *victim = &watch->incident.victims[0].candidate;

	put_did(daemon, watch,
		(struct trace_did){
			.what = TRACE_KILL,
			.at_ns = now_ns,
			.incident = watch->incident.id,
			.pid = victim->pid,
			.start_boot_ns = victim->start_boot_ns,
			.bytes = candidate_freeable_bytes(victim),
			.comm = victim->comm,
		});
}

void trace_feed_settled(struct daemon *daemon, const struct watch *watch, const char *outcome,
			uint64_t freed_bytes, bool waits, uint64_t now_ns)
{
	put_did(daemon, watch,
		(struct trace_did){
			.what = TRACE_SETTLED,
			.at_ns = now_ns,
			.incident = watch->incident.id,
			.pid = watch->incident.victims[0].candidate.pid,
			.bytes = freed_bytes,
			.waits = waits,
			.text = outcome,
		});
}

void trace_feed_stood_down(struct daemon *daemon, const struct watch *watch, const char *why,
			   bool waits, uint64_t now_ns)
{
	put_did(daemon, watch,
		(struct trace_did){
			.what = TRACE_STOOD_DOWN, .at_ns = now_ns, .waits = waits, .text = why});
}

void trace_feed_kernel_kill(struct daemon *daemon, const struct watch *watch,
			    const struct candidate *victim, uint64_t now_ns)
{
	put_did(daemon, watch,
		(struct trace_did){
			.what = TRACE_KERNEL_KILL,
			.at_ns = now_ns,
			.pid = victim->pid,
			.start_boot_ns = victim->start_boot_ns,
			.bytes = candidate_freeable_bytes(victim),
			.comm = victim->comm,
		});
}
