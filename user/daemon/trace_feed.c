// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/trace_feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "config/files.h"
#include "config/paths.h"
#include "daemon/hot_scope.h"
#include "event.h"
#include "judge/candidate.h"
#include "tell/trace_store.h"
#include "tell/trace_write.h"

/* A head, and what it points to. */
struct head {
	struct trace_head head;
	struct config_files files;
	struct trace_config *configs;
};

static void head_free(struct head *head)
{
	config_files_free(&head->files);
	free(head->configs);
}

/* 0 or -errno: the configuration cannot be read, and a trace without it is replayed by another. */
static int fill_head(const struct trace_feed *feed, struct head *ret)
{
	const char *path = paths_config(feed->config_path);
	struct utsname name;
	int err;

	ret->head = (struct trace_head){
		.abi = FO_ABI,
		.wall_ns = clock_wall_ns(),
		.mono_ns = clock_mono_ns(),
		.ram_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.cgroup_version = (uint32_t)feed->cgroup_version,
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
		.self_pid = (uint64_t)getpid(),
		.dry_run = feed->dry_run,
	};
	if (uname(&name) == 0)
		snprintf(ret->head.release, sizeof(ret->head.release), "%s", name.release);
	if (!path)
		return 0;
	err = config_files_read(path, &ret->files, NULL);
	if (err)
		return err;
	ret->configs = calloc(ret->files.count, sizeof(*ret->configs));
	if (!ret->configs)
		return -ENOMEM;
	for (size_t i = 0; i < ret->files.count; i++) {
		const struct config_file *file = &ret->files.list[i];

		ret->configs[i] = (struct trace_config){file->name, file->text, file->len};
	}
	ret->head.configs = ret->configs;
	ret->head.config_count = ret->files.count;
	return 0;
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

int trace_feed_open(struct trace_feed *feed, struct writer *writer, const char *record_path,
		    const char *events_path)
{
	_cleanup_(head_free) struct head head = {0};
	char folder[4096], why[320] = "";
	size_t cut = 0;
	int err = fill_head(feed, &head);

	if (record_path && err) {
		log_error(
			"the configuration cannot be read a second time, for the trace: %s; start "
			"again",
			strerror(-err));
		return EXIT_FAILED;
	}
	if (record_path) {
		err = trace_store_open(&feed->store, writer, record_path, &head.head, why,
				       sizeof(why), &cut);
		if (err)
			log_error("%s: %s%s; name another file to record into", record_path,
				  *why ? why : strerror(-err), *why ? "; it is left as it is" : "");
		else if (cut)
			log_warn("%s: its last record was cut off; %zu bytes were removed",
				 record_path, cut);
		return err ? EXIT_FAILED : EXIT_OK;
	}
	if (!folder_of(events_path, folder, sizeof(folder)))
		return EXIT_OK;
	if (!err)
		err = trace_store_keep(&feed->store, writer, folder, &head.head);
	if (err)
		log_warn("the minutes before a kill are not kept: %s",
			 err == -E2BIG ? "the configuration is too large" : strerror(-err));
	return EXIT_OK;
}

void trace_feed_config(struct trace_feed *feed)
{
	_cleanup_(head_free) struct head head = {0};
	int err;

	if (!feed->store)
		return;
	err = fill_head(feed, &head);
	if (!err)
		err = trace_store_set_head(feed->store, &head.head);
	if (err)
		log_warn("traces keep the old configuration: %s", strerror(-err));
}

static struct trace_scope scope_of(const struct hot_scope *scope)
{
	bool node = hot_scope_is_node(scope);

	return (struct trace_scope){
		.kind = node ? TRACE_SCOPE_NODE : TRACE_SCOPE_CGROUP,
		.id = scope->id,
		.path = node ? "" : scope->cgroup.path,
	};
}

static struct trace_writer *writer_of(const struct trace_feed *feed)
{
	return trace_store_trace(feed->store);
}

void trace_feed_begin(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns)
{
	const struct trace_scope about = scope_of(scope);

	/* nothing ticked while nothing was hot */
	trace_store_tick(feed->store, now_ns, false);
	if (feed->store)
		trace_put_begin(writer_of(feed), &about, now_ns);
}

void trace_feed_end(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns)
{
	const struct trace_scope about = scope_of(scope);

	if (feed->store)
		trace_put_end(writer_of(feed), &about, now_ns);
}

static void put_did(struct trace_feed *feed, const struct hot_scope *scope,
		    const struct trace_did *did)
{
	const struct trace_scope about = scope_of(scope);

	if (feed->store)
		trace_put_did(writer_of(feed), &about, did);
}

void trace_feed_tick(struct trace_feed *feed, const struct hot_scope *scope,
		     const struct sample *sample, const struct process_span *spans,
		     size_t span_count, const struct judgement *judgement)
{
	const struct trace_scope about = scope_of(scope);
	const struct trace_names names = {scope->names.pod, scope->names.namespace,
					  scope->names.container};
	const struct verdict *verdict = &judgement->verdict;
	char text[32];

	if (!feed->store)
		return;
	trace_put_names(writer_of(feed), &about, &names);
	if (judgement->judged) {
		snprintf(text, sizeof(text), "%s %s", verdict_action_name(verdict->action),
			 verdict_reason_name(verdict->reason));
		put_did(feed, scope,
			&(struct trace_did){
				.what = TRACE_VERDICT, .at_ns = sample->at_ns, .text = text});
	}
	trace_put_spans(writer_of(feed), &about, spans, span_count);
	trace_put_sample(writer_of(feed), &about, sample);
}

void trace_feed_list(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns,
		     const struct candidate *candidates, size_t n)
{
	const struct trace_scope about = scope_of(scope);

	if (feed->store)
		trace_put_list(writer_of(feed), &about, now_ns, candidates, n);
}

void trace_feed_members(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns,
			const struct victim *members, size_t n)
{
	const struct trace_scope about = scope_of(scope);

	if (feed->store)
		trace_put_members(writer_of(feed), &about, now_ns, members, n);
}

static struct trace_did did_to(enum trace_what what, const struct candidate *victim,
			       uint64_t now_ns)
{
	return (struct trace_did){
		.what = what,
		.at_ns = now_ns,
		.pid = victim->pid,
		.start_boot_ns = victim->start_boot_ns,
		.bytes = candidate_freeable_bytes(victim),
		.comm = victim->comm,
	};
}

void trace_feed_opened(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
		       const struct candidate *victim, uint64_t now_ns)
{
	struct trace_did did = did_to(TRACE_OPENED, victim, now_ns);

	did.incident = scope->state.action_id;
	did.dry_run = dry_run;
	put_did(feed, scope, &did);
}

void trace_feed_signalled(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
			  const struct candidate *victim, uint64_t now_ns)
{
	struct trace_did did = did_to(TRACE_KILL, victim, now_ns);

	did.incident = scope->state.action_id;
	did.dry_run = dry_run;
	put_did(feed, scope, &did);
}

void trace_feed_closed(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
		       enum case_outcome outcome, int pid, uint64_t freed_bytes, uint64_t now_ns)
{
	put_did(feed, scope,
		&(struct trace_did){
			.what = TRACE_SETTLED,
			.at_ns = now_ns,
			.incident = scope->state.action_id,
			.pid = pid,
			.bytes = freed_bytes,
			.dry_run = dry_run,
			.waits = case_outcome_waits(outcome),
			.text = case_outcome_name(outcome),
		});
}

void trace_feed_stood_down(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
			   enum case_choice why, uint64_t now_ns)
{
	put_did(feed, scope,
		&(struct trace_did){
			.what = TRACE_STOOD_DOWN,
			.at_ns = now_ns,
			.dry_run = dry_run,
			.waits = case_stand_down_waits(why),
			.text = case_choice_name(why),
		});
}

void trace_feed_kernel_kill(struct trace_feed *feed, const struct hot_scope *scope,
			    const struct candidate *victim, uint64_t now_ns)
{
	struct trace_did did = did_to(TRACE_KERNEL_KILL, victim, now_ns);

	put_did(feed, scope, &did);
}
