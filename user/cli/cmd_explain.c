// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* explain: one event in plain sentences, in the order in which it happened. */
#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/event_text.h"
#include "client/events_file.h"
#include "base/exit.h"
#include "client/kernel_log.h"
#include "client/plot.h"

/* columns */
#define WRAP	92
#define HEADING 16

struct explain_options {
	const char *file;
	const char *svg;
	const char *kernel_log;
	bool ascii;
};

static const struct option_spec options[] = {
	{"svg", 0, "FILE", "also draw the minute before into FILE", option_text, "a path",
	 offsetof(struct explain_options, svg)},
	{"file", 'e', "FILE", "the file of records (default: where the daemon writes them)",
	 option_text, "a path", offsetof(struct explain_options, file)},
	{"kernel-log", 'k', "FILE", "a saved kernel log (default: the kernel's own)", option_text,
	 "a path", offsetof(struct explain_options, kernel_log)},
	{"ascii", 0, NULL, "no characters but ASCII", option_switch, NULL,
	 offsetof(struct explain_options, ascii)},
};

/* ---- telling ------------------------------------------------------------------------- */

/* A heading and sentences, wrapped beside it. */
static void tell(const char *heading, const char *text)
{
	int column = printf("%-*s", HEADING, heading);
	bool first = true;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		int len = (int)strcspn(text, " ");

		if (!first && column + 1 + len > WRAP) {
			column = printf("\n%*s", HEADING, "") - 1;
			first = true;
		}
		column += printf("%s%.*s", first ? "" : " ", len, text);
		first = false;
		text += len;
	}
	putchar('\n');
}

struct words {
	char text[4096];
	size_t len;
};

static void add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words->text + words->len, sizeof(words->text) - words->len, format, args);
	va_end(args);
	if (n > 0)
		words->len += (size_t)n;
	if (words->len >= sizeof(words->text))
		words->len = sizeof(words->text) - 1;
}

static const char *bytes_of(const json_t *record, const char *path, char *buf)
{
	return units_format_bytes(buf, UNITS_TEXT_MAX, (uint64_t)event_get_number(record, path, 0));
}

static const char *duration_of_ms(double ms, char *buf)
{
	return units_format_duration(buf, UNITS_TEXT_MAX, (uint64_t)(ms * 1e6));
}

/* ---- what happened afterwards -------------------------------------------------------------- */

/* The first record behind @at that is about the same scope and is one of @events. */
static const json_t *find_after(const json_t *records, size_t at, const char *scope,
				const char *const *events)
{
	for (size_t i = at + 1; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		char other[EVENT_SCOPE_MAX];

		if (strcmp(event_scope(other, sizeof(other), record), scope) != 0)
			continue;
		for (size_t e = 0; events[e]; e++)
			if (!strcmp(event_get_text(record, "event", ""), events[e]))
				return record;
	}
	return NULL;
}

static void tell_afterwards(const json_t *records, size_t at)
{
	static const char *const events[] = {"recovered", "act", "kernel_kill", "stop", NULL};
	const json_t *record = json_array_get(records, at), *after;
	struct words words = {0};
	char scope[EVENT_SCOPE_MAX], took[UNITS_TEXT_MAX], comm[64];
	int64_t then, now;
	const char *event;

	after = find_after(records, at, event_scope(scope, sizeof(scope), record), events);
	if (!after || !event_time_ms(record, &then) || !event_time_ms(after, &now)) {
		tell("Did it help", "Nothing is recorded of this scope since then: neither that it "
				    "recovered nor another kill.");
		return;
	}
	duration_of_ms((double)(now > then ? now - then : 0), took);
	event = event_get_text(after, "event", "");
	event_clean(comm, sizeof(comm), event_get_text(after, "victim.comm", "?"));
	if (!strcmp(event, "recovered"))
		add(&words,
		    "Yes: %s later the scope had recovered, with a risk of %.2f, %.0f %% of its "
		    "tasks' time lost, and a level of %.0f %%.",
		    took, event_get_number(after, "risk", 0),
		    event_get_number(after, "evidence.lost_share", 0) * 100,
		    event_get_number(after, "evidence.level", 0) * 100);
	else if (!strcmp(event, "stop"))
		add(&words, "Not known: the daemon ended %s later.", took);
	else
		add(&words, "Not enough: %s later %s chose %s[%.0f] here.", took,
		    !strcmp(event, "act") ? "the daemon" : "the kernel", comm,
		    event_get_number(after, "victim.pid", 0));
	tell("Did it help", words.text);
}

/* ---- a kill of ours ------------------------------------------------------------------------ */

/* "squeeze" in records of older versions */
static bool is_low_headroom(const char *reason)
{
	return !strcmp(reason, "low-headroom") || !strcmp(reason, "squeeze");
}

static void tell_sufferer(const json_t *record, const char *scope)
{
	const json_t *evidence = json_object_get(record, "evidence");
	struct words words = {0};
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	if (json_object_get(evidence, "lost_share") && json_object_get(evidence, "thrash_tasks"))
		add(&words,
		    "The tasks of %s lost %.0f %% of the time in which they wanted to work, to "
		    "memory: at any moment %.2f of them waited for pages that had been taken from "
		    "them shortly before. ",
		    scope, event_get_number(evidence, "lost_share", 0) * 100,
		    event_get_number(evidence, "thrash_tasks", 0));
	if (json_object_get(evidence, "stall_tasks"))
		add(&words, "%.2f stood still in reclaim, %.0f times a second. ",
		    event_get_number(evidence, "stall_tasks", 0),
		    event_get_number(evidence, "reclaims_per_s", 0));
	if (json_object_get(evidence, "level") && json_object_get(evidence, "total_bytes")) {
		double growth = event_get_number(evidence, "growth_bytes_per_s", 0);

		add(&words, "%.0f %% of its %s could not be given back",
		    event_get_number(evidence, "level", 0) * 100,
		    bytes_of(evidence, "total_bytes", a));
		if (growth > 0)
			add(&words, ", and that grew by %s a second",
			    units_format_bytes(b, sizeof(b), (uint64_t)growth));
		if (json_object_get(evidence, "exhausted_s"))
			add(&words, ": in %s it would have been all",
			    duration_of_ms(event_get_number(evidence, "exhausted_s", 0) * 1000, b));
		add(&words, ".");
	}
	if (is_low_headroom(event_get_text(record, "reason", "")))
		add(&words,
		    " In %s growth would have come to what processes map: pressure low acts before "
		    "that.",
		    duration_of_ms(event_get_number(evidence, "low_headroom_s", 0) * 1000, b));
	tell("Who suffered", words.text);
}

static const char *feature_name(const char *key)
{
	static const char *const names[][2] = {
		{"intercept", "where nothing is wrong"},
		{"avoidable", "time lost to refaults that a kill avoids"},
		{"futile", "time lost to refaults that a kill avoids"}, /* until 2026 */
		{"reread", "files read back and waited for"},
		{"stalled", "stalled tasks"},
		{"out_of_work", "stalled tasks"},
		{"unproductive", "unproductive tasks"},
		{"halted", "unproductive tasks"},
		{"cost", "reclaim that hardly gets a page"},
		{"growth", "growth"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i][0], key))
			return names[i][1];
	return key;
}

static void tell_why(const json_t *record)
{
	const json_t *parts = json_object_get(record, "contributions"), *value;
	const char *key, *reason = event_get_text(record, "reason", "?");
	struct words words = {0};
	char held[UNITS_TEXT_MAX];
	bool first = true;

	add(&words, "The risk of Near-OOM was %.3f of 1. It is made of, in log-odds: ",
	    event_get_number(record, "risk", NAN));
	json_object_foreach((json_t *)parts, key, value)
	{
		if (json_number_value(value) == 0)
			continue;
		add(&words, "%s%s %+.1f", first ? "" : ", ", feature_name(key),
		    json_number_value(value));
		first = false;
	}
	/* growth that cannot be waited for counts whatever the risk */
	if (!strcmp(reason, "spike") || is_low_headroom(reason))
		add(&words, ". Not that, but the growth was enough for the policy %s (%s).",
		    event_get_text(record, "policy", "?"), reason);
	else
		add(&words, ". In %s that came to be enough for the policy %s (%s).",
		    duration_of_ms(event_get_number(record, "held_s", 0) * 1000, held),
		    event_get_text(record, "policy", "?"), reason);
	tell("Why", words.text);
}

static void add_process(struct words *words, const json_t *process)
{
	char comm[64], size[UNITS_TEXT_MAX];
	double gives = event_get_number(process, "anon_bytes", 0) +
		       event_get_number(process, "swap_bytes", 0);

	add(words, "%s[%.0f], %s of its own",
	    event_clean(comm, sizeof(comm), event_get_text(process, "comm", "?")),
	    event_get_number(process, "pid", 0),
	    units_format_bytes(size, sizeof(size), (uint64_t)gives));
}

static void tell_victim(const json_t *record)
{
	const json_t *victim = json_object_get(record, "victim");
	const char *cmdline = event_get_text(victim, "cmdline", NULL);
	const char *rule = event_get_text(victim, "rule", NULL);
	double members = event_get_number(record, "members", 1);
	struct words words = {0};
	char clean[400], size[UNITS_TEXT_MAX];

	add_process(&words, victim);
	if (cmdline)
		add(&words, " (%s)", event_clean(clean, sizeof(clean), cmdline));
	add(&words,
	    ", user %.0f, oom_score_adj %.0f. It grew by %s lately; %.0f %% of the scope's growth "
	    "is laid to it and what it was started with. ",
	    event_get_number(victim, "uid", 0), event_get_number(victim, "oom_score_adj", 0),
	    bytes_of(victim, "growth_bytes", size), event_get_number(victim, "blame", 0) * 100);
	if (rule)
		add(&words, "The rule that put it there: %s.",
		    event_clean(clean, sizeof(clean), rule));
	else
		add(&words, "No rule names it: its score alone put it first.");
	if (members > 1)
		add(&words, " With it died all %.0f processes of its cgroup.", members);
	tell("Who died", words.text);
}

static void tell_runners_up(const json_t *record)
{
	const json_t *others = json_object_get(record, "runners_up"), *other;
	struct words words = {0};
	size_t i;

	json_array_foreach((json_t *)others, i, other)
	{
		const char *rule = event_get_text(other, "rule", NULL);
		char clean[200];

		add(&words, "%s", i ? "; then " : "Next would have been ");
		add_process(&words, other);
		add(&words, ", blame %.0f %%%s%s", event_get_number(other, "blame", 0) * 100,
		    rule ? ", rule " : "", rule ? event_clean(clean, sizeof(clean), rule) : "");
	}
	if (!words.len)
		add(&words, "Nobody: all others here are protected, or too small to matter");
	add(&words, ".");
	tell("Who else", words.text);
}

static void tell_steps(const json_t *record)
{
	const json_t *steps = json_object_get(record, "steps"), *step;
	bool dry = json_is_true(json_object_get(record, "dry_run"));
	struct words words = {0};
	size_t i;

	if (dry)
		add(&words, "Nothing was sent: it was a dry run. ");
	add(&words, "After the verdict");
	json_array_foreach((json_t *)steps, i, step)
		add(&words, "%s %s at %.2f ms", i ? "," : ":", event_get_text(step, "step", "?"),
		    event_get_number(step, "after_ms", 0));
	if (!json_array_size(steps))
		add(&words, " no step is recorded");
	add(&words, ".");
	if (event_get_text(record, "outcome", NULL))
		add(&words, " The outcome: %s%s%s.", event_get_text(record, "outcome", "?"),
		    event_get_text(record, "error", NULL) ? ", " : "",
		    event_get_text(record, "error", ""));
	else
		add(&words, " How it ended is not recorded.");
	tell("What was done", words.text);
}

static void explain_kill(const json_t *records, size_t at)
{
	const json_t *record = json_array_get(records, at);
	char when[40], scope[EVENT_SCOPE_MAX], freed[UNITS_TEXT_MAX], comm[64], back[200];

	event_scope(scope, sizeof(scope), record);
	printf("%s: %s[%.0f] was killed by fastoom-bpf%s, for %s (event %.0f).\n\n",
	       event_time(when, sizeof(when), record),
	       event_clean(comm, sizeof(comm), event_get_text(record, "victim.comm", "?")),
	       event_get_number(record, "victim.pid", 0),
	       json_is_true(json_object_get(record, "dry_run")) ? " (dry run: it was not)" : "",
	       scope, event_get_number(record, "id", 0));
	tell_sufferer(record, scope);
	tell_why(record);
	tell_victim(record);
	tell_runners_up(record);
	tell_steps(record);
	snprintf(back, sizeof(back), "The scope held %s less than at the verdict.",
		 bytes_of(record, "freed_bytes", freed));
	tell("What came back", back);
	tell_afterwards(records, at);
}

/* ---- a kill of the kernel's ------------------------------------------------------------------ */

static void print_invoker(const struct oom_report *report)
{
	struct words words = {0};
	char gfp[1024];

	if (!*report->invoker) {
		tell("Who asked",
		     "Not known: the beginning of the report has left the kernel's log.");
		return;
	}
	add(&words,
	    "%s asked for %d page%s in one piece (order %d). gfp flags %s: %s. Its "
	    "oom_score_adj: %d.",
	    report->invoker, 1 << report->order, report->order ? "s" : "", report->order,
	    report->gfp, kernel_log_gfp_words(gfp, sizeof(gfp), report->gfp), report->invoker_adj);
	tell("Who asked", words.text);
}

static void tell_constraint(const struct oom_report *report)
{
	struct words words = {0};
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	switch (report->constraint) {
	case OOM_MEMCG:
		add(&words, "Constraint: memory cgroup. %s was at its limit: %s of %s.",
		    report->limit_path, units_format_bytes(a, sizeof(a), report->usage_kb * 1024),
		    units_format_bytes(b, sizeof(b), report->limit_kb * 1024));
		break;
	case OOM_CPUSET:
		add(&words, "Constraint: cpuset. Only the memory nodes %s were allowed.",
		    report->mems);
		break;
	case OOM_POLICY:
		add(&words, "Constraint: NUMA policy. Only the memory nodes %s were allowed.",
		    report->mems);
		break;
	case OOM_NODE:
		add(&words, "Constraint: none, the whole node was short.");
		break;
	default:
		add(&words, "Constraint: not in what is left of the log.");
	}
	if (report->swap_known && report->swap_total_kb)
		add(&words, " Swap: %s of %s free.",
		    units_format_bytes(a, sizeof(a), report->swap_free_kb * 1024),
		    units_format_bytes(b, sizeof(b), report->swap_total_kb * 1024));
	tell("Where", words.text);
}

static void tell_kernel_victim(const struct oom_report *report)
{
	char vm[UNITS_TEXT_MAX], anon[UNITS_TEXT_MAX], file[UNITS_TEXT_MAX], shmem[UNITS_TEXT_MAX],
		tables[UNITS_TEXT_MAX], left[UNITS_TEXT_MAX];
	struct words words = {0};

	add(&words,
	    "%s[%d], user %llu, oom_score_adj %d: total-vm %s, of it in memory: anonymous %s, file "
	    "%s, shmem %s; page tables %s. ",
	    report->comm, report->pid, (unsigned long long)report->uid, report->oom_score_adj,
	    units_format_bytes(vm, sizeof(vm), report->total_vm_kb * 1024),
	    units_format_bytes(anon, sizeof(anon), report->anon_kb * 1024),
	    units_format_bytes(file, sizeof(file), report->file_kb * 1024),
	    units_format_bytes(shmem, sizeof(shmem), report->shmem_kb * 1024),
	    units_format_bytes(tables, sizeof(tables), report->pgtables_kb * 1024));
	if (report->allocating_task)
		add(&words, "It was chosen for having asked (vm.oom_kill_allocating_task). ");
	if (report->group)
		add(&words, "All of its cgroup died with it (memory.oom.group). ");
	if (report->reaped)
		add(&words, "The OOM reaper took its memory, all but %s.",
		    units_format_bytes(left, sizeof(left), report->left_kb * 1024));
	else
		add(&words, "The OOM reaper did not have to: nothing of it is in the log.");
	tell("Who died", words.text);
}

static const struct {
	const char *what;
	const char *next;
} causes[] = {
	[OOM_EXHAUSTED] =
		{"Memory and swap were used up; no single process is seen to have grown "
		 "within the minute before.",
		 "See who holds memory with fastoom-bpf top; add memory or swap, or give "
		 "the node a policy that acts before the kernel does (pressure: medium)."},
	[OOM_LEAK] =
		{"A leak, by its growth.",
		 "Look for what the process allocated (a heap profile, /proc/PID/smaps); until "
		 "it is mended, name it in `prefer` of the scope's policy, so that it dies "
		 "before others suffer."},
	[OOM_LIMIT_LOW] =
		{"The limit is too low for what runs in the cgroup: it was at its limit "
		 "without any growth that was seen within the minute before.",
		 "Raise the limit (memory.max, or limits.memory of the pod), or take load "
		 "off; memory.peak (v1: memory.max_usage_in_bytes) says what it needs."},
	[OOM_CONTIGUOUS] =
		{"Contiguous memory: more was free than the kernel keeps for itself, but "
		 "not so many pages in one piece.",
		 "echo 1 >/proc/sys/vm/compact_memory helps now; raise "
		 "vm.min_free_kbytes, and see which driver asks for such pieces."},
	[OOM_NUMA] = {"NUMA: the memory nodes that were allowed were used up, whatever others had.",
		      "Widen cpuset.mems or the task's memory policy (numactl --show), or spread "
		      "the load."},
};

static void tell_cause(const struct oom_report *report, double growth)
{
	enum oom_cause cause = kernel_log_cause(report, growth);
	struct words words = {0};

	add(&words, "%s", causes[cause].what);
	if (cause == OOM_LEAK)
		add(&words,
		    " Within the minute before, what cannot be given back grew by %.0f %% of all of "
		    "the scope's memory.",
		    growth * 100);
	if (growth < 0 && (cause == OOM_LIMIT_LOW || cause == OOM_EXHAUSTED))
		add(&words, " (The minute before was not watched: a leak is not ruled out.)");
	tell("Cause", words.text);
	tell("What to do", causes[cause].next);
}

/* The log's words where it has them; without it those of the record. */
static int explain_kernel_kill(const json_t *records, size_t at, const char *log_path)
{
	const json_t *record = json_array_get(records, at);
	_cleanup_free_ char *log = NULL;
	struct oom_report report = {0};
	char when[40], scope[EVENT_SCOPE_MAX], comm[64];
	int pid = (int)event_get_number(record, "victim.pid", 0);
	int err = kernel_log_read(log_path, &log);

	if (!err)
		err = kernel_log_find(log, pid, &report);
	if (err && !record) {
		log_error("%s: %s; the kernel has killed nobody that is told of there",
			  log_path ? log_path : "/dev/kmsg",
			  err == -ENODATA ? "no OOM kill" : strerror(-err));
		return EXIT_FAILED;
	}
	if (record)
		printf("%s: %s[%d] was killed by the kernel's OOM killer, in %s.\n\n",
		       event_time(when, sizeof(when), record),
		       event_clean(comm, sizeof(comm), event_get_text(record, "victim.comm", "?")),
		       pid, event_scope(scope, sizeof(scope), record));
	else
		printf("%s[%d] was killed by the kernel's OOM killer.\n\n", report.comm,
		       report.pid);
	if (err) {
		/* what the record has of it */
		struct words words = {0};

		report.pid = pid;
		snprintf(report.comm, sizeof(report.comm), "%s",
			 event_clean(comm, sizeof(comm),
				     event_get_text(record, "victim.comm", "?")));
		report.uid = (uint64_t)event_get_number(record, "victim.uid", 0);
		report.oom_score_adj = (int)event_get_number(record, "victim.oom_score_adj", 0);
		report.total_vm_kb =
			(uint64_t)event_get_number(record, "victim.total_vm_bytes", 0) / 1024;
		report.anon_kb = (uint64_t)event_get_number(record, "victim.anon_bytes", 0) / 1024;
		report.file_kb = (uint64_t)event_get_number(record, "victim.file_bytes", 0) / 1024;
		report.shmem_kb =
			(uint64_t)event_get_number(record, "victim.shmem_bytes", 0) / 1024;
		report.pgtables_kb =
			(uint64_t)event_get_number(record, "victim.pgtables_bytes", 0) / 1024;
		add(&words,
		    "%s[%.0f] asked for memory. The kernel's log does not tell of it (any "
		    "more): %s.",
		    event_clean(comm, sizeof(comm), event_get_text(record, "invoker.comm", "?")),
		    event_get_number(record, "invoker.pid", 0),
		    err == -ENODATA ? "no such kill in it" : strerror(-err));
		tell("Who asked", words.text);
	} else {
		print_invoker(&report);
		tell_constraint(&report);
	}
	tell_kernel_victim(&report);
	if (!err)
		tell_cause(&report, record ? plot_growth(record) : -1);
	if (record)
		tell_afterwards(records, at);
	return EXIT_OK;
}

/* ---- which --------------------------------------------------------------------------------- */

static bool is_explained(const json_t *record)
{
	const char *event = event_get_text(record, "event", "");

	return !strcmp(event, "kill") || !strcmp(event, "kernel_kill");
}

/* By its id, or the last; an `act` whose `kill` is not there serves too. SIZE_MAX: none. */
static size_t find_event(const json_t *records, const char *id)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		char text[32];

		snprintf(text, sizeof(text), "%.0f", event_get_number(record, "id", 0));
		if (id ? !strcmp(id, text) : is_explained(record))
			found = i;
	}
	return found;
}

static json_t *read_records(const char *path, int *ret_err)
{
	json_t *records = json_array(), *record;
	struct events_file file;

	*ret_err = events_file_open(&file, path);
	if (*ret_err)
		return records;
	while ((record = events_file_next(&file)))
		json_array_append_new(records, record);
	events_file_shut(&file);
	return records;
}

static int draw(const json_t *record, const struct explain_options *chosen)
{
	char title[300], comm[64], when[40];
	bool utf8;
	int err;

	setlocale(LC_CTYPE, "");
	utf8 = !chosen->ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	puts("\nThe minute before, as far as the scope was watched (nothing is while nothing "
	     "reclaims):");
	if (!plot_text(stdout, record, utf8))
		puts("  it is not in the record.");
	if (!chosen->svg)
		return EXIT_OK;
	snprintf(title, sizeof(title), "%s[%.0f], %s: the minute before",
		 event_clean(comm, sizeof(comm), event_get_text(record, "victim.comm", "?")),
		 event_get_number(record, "victim.pid", 0), event_time(when, sizeof(when), record));
	err = plot_svg(chosen->svg, record, title);
	if (err)
		log_error("%s: %s", chosen->svg,
			  err == -ENODATA
				  ? "there is nothing to draw: the record has no minute before"
				  : strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

static int explain(const json_t *records, const char *id, const struct explain_options *chosen,
		   const char *path)
{
	size_t at = id && !strcmp(id, "kernel") ? SIZE_MAX : find_event(records, id);
	const json_t *record = json_array_get(records, at);
	int code;

	if (id && at == SIZE_MAX && strcmp(id, "kernel") != 0) {
		log_error("explain: %s has no event %s; fastoom-bpf events --json | grep '\"id\"' "
			  "lists them",
			  path, id);
		return EXIT_FAILED;
	}
	if (!record)
		return explain_kernel_kill(records, at, chosen->kernel_log);
	if (!strcmp(event_get_text(record, "event", ""), "kernel_kill")) {
		code = explain_kernel_kill(records, at, chosen->kernel_log);
		if (code != EXIT_OK)
			return code;
	} else {
		explain_kill(records, at);
	}
	return draw(record, chosen);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct explain_options chosen = {0};
	char path[4096];
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);
	const char *id;
	json_t *records;

	if (code >= 0)
		return code;
	id = operands < argc ? argv[operands] : NULL;
	if (operands + 1 < argc) {
		log_error("explain: %s: one event at a time", argv[operands + 1]);
		return EXIT_USAGE;
	}
	events_file_name(chosen.file, path, sizeof(path));
	records = read_records(path, &err);
	/* a kernel without a daemon has kills to explain, too */
	if (err && (chosen.file || err != -ENOENT)) {
		log_error("%s: %s; %s", path, strerror(-err),
			  err == -EACCES ? "read it as root" : "name another one with --file");
		code = EXIT_FAILED;
	} else {
		code = explain(records, id, &chosen, path);
	}
	json_decref(records);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "Tell why somebody was killed, by us or by the kernel: the last one, or EVENT "
		   "(its id, or `kernel`: the last in the kernel's log).",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.operands = "[EVENT]",
};
