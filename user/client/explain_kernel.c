// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "client/event_text.h"
#include "client/explain.h"
#include "client/kernel_log.h"
#include "client/plot.h"
#include "client/words.h"

static const char *kb(uint64_t kilobytes, char *buf)
{
	return units_format_bytes(buf, UNITS_TEXT_MAX, kilobytes * 1024);
}

static void tell_invoker(const struct oom_report *report)
{
	struct words words = {0};
	char gfp[1024];

	if (!*report->invoker)
		words_add(&words, "Not known: the first lines of the report are no longer in the "
				  "kernel's log.");
	else
		words_add(
			&words,
			"%s allocated %d %s (order %d) with the gfp flags %s: %s. Its oom_score_adj "
			"is %d.",
			report->invoker, 1 << report->order,
			report->order ? "contiguous pages" : "page", report->order, report->gfp,
			kernel_log_gfp_words(gfp, sizeof(gfp), report->gfp), report->invoker_adj);
	words_print("Invoker", &words);
}

static void tell_constraint(const struct oom_report *report)
{
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];
	struct words words = {0};

	switch (report->constraint) {
	case OOM_MEMCG:
		words_add(&words, "Memory cgroup: %s used %s of its limit of %s.",
			  report->limit_path, kb(report->usage_kb, a), kb(report->limit_kb, b));
		break;
	case OOM_CPUSET:
		words_add(&words, "Cpuset: only the NUMA nodes %s were allowed.", report->mems);
		break;
	case OOM_POLICY:
		words_add(&words, "NUMA policy: only the NUMA nodes %s were allowed.",
			  report->mems);
		break;
	case OOM_NODE:
		words_add(&words, "None: the whole node was out of memory.");
		break;
	default:
		words_add(&words, "Not known: the line is no longer in the kernel's log.");
	}
	if (report->swap_known && report->swap_total_kb)
		words_add(&words, " Swap: %s of %s free.", kb(report->swap_free_kb, a),
			  kb(report->swap_total_kb, b));
	words_print("Constraint", &words);
}

static void tell_victim(const struct oom_report *report, bool is_from_log)
{
	char vm[UNITS_TEXT_MAX], anon[UNITS_TEXT_MAX], file[UNITS_TEXT_MAX], shmem[UNITS_TEXT_MAX],
		tables[UNITS_TEXT_MAX], left[UNITS_TEXT_MAX];
	struct words words = {0};

	words_add(
		&words,
		"%s[%d], uid %llu, oom_score_adj %d: %s of address space; in memory %s anonymous, "
		"%s file, %s shared; %s of page tables.",
		report->comm, report->pid, (unsigned long long)report->uid, report->oom_score_adj,
		kb(report->total_vm_kb, vm), kb(report->anon_kb, anon), kb(report->file_kb, file),
		kb(report->shmem_kb, shmem), kb(report->pgtables_kb, tables));
	if (report->allocating_task)
		words_add(&words, " It was chosen because it allocated "
				  "(vm.oom_kill_allocating_task).");
	if (report->group)
		words_add(&words, " Its whole cgroup was killed (memory.oom.group).");
	if (report->reaped)
		words_add(&words, " The OOM reaper freed its memory but %s.",
			  kb(report->left_kb, left));
	else if (is_from_log)
		words_add(&words, " The log has no line of the OOM reaper: the process freed its "
				  "memory itself.");
	words_print("Victim", &words);
}

static const struct {
	const char *what;
	const char *next;
} causes[] = {
	[OOM_EXHAUSTED] =
		{"Memory and swap were used up. No growth was seen in the minute before.",
		 "See what holds memory with fastoom-bpf top. Add memory or swap, or give the node "
		 "a policy that acts before the kernel (pressure: medium)."},
	[OOM_LEAK] =
		{"A leak: memory grew until it was used up.",
		 "Find out what the process allocated (a heap profile, /proc/PID/smaps). Until that "
		 "is fixed, name it in `prefer` of the scope's policy: it is then killed first, "
		 "before others stall."},
	[OOM_LIMIT_LOW] =
		{"The limit is too low for what runs in the cgroup: it was at its limit, and no "
		 "growth was seen in the minute before.",
		 "Raise the limit (memory.max, or limits.memory of the pod), or reduce the load. "
		 "memory.peak (v1: memory.max_usage_in_bytes) shows how much it needs."},
	[OOM_CONTIGUOUS] =
		{"Fragmentation: more memory was free than the kernel reserves, but not enough "
		 "contiguous pages.",
		 "Run echo 1 >/proc/sys/vm/compact_memory now. Raise vm.min_free_kbytes, and find "
		 "the driver that allocates so many contiguous pages."},
	[OOM_NUMA] =
		{"NUMA: the allowed nodes were used up; what other nodes had free does not count.",
		 "Allow more nodes in cpuset.mems or in the task's memory policy (numactl "
		 "--show), or spread the load."},
};

/* @growth: of the level within the minute before; negative: not known. */
static void tell_cause(const struct oom_report *report, double growth)
{
	enum oom_cause cause = kernel_log_cause(report, growth);
	struct words words = {0};

	words_add(&words, "%s", causes[cause].what);
	if (cause == OOM_LEAK)
		words_add(&words,
			  " In the minute before, the level rose by %.0f %% of the scope's "
			  "memory.",
			  growth * 100);
	if (growth < 0 && (cause == OOM_LIMIT_LOW || cause == OOM_EXHAUSTED))
		words_add(
			&words,
			" (The scope was not sampled in the minute before, so a leak is possible.)");
	words_print("Cause", &words);
	words = (struct words){0};
	words_add(&words, "%s", causes[cause].next);
	words_print("What to do", &words);
}

/* Without the kernel's log: fills in what the record has. */
static void fill_from_record(struct oom_report *report, const json_t *record)
{
	const json_t *victim = json_object_get(record, "victim");

	report->pid = (int)event_get_number(victim, "pid", 0);
	event_clean(report->comm, sizeof(report->comm), event_get_text(victim, "comm", "?"));
	report->uid = (uint64_t)event_get_number(victim, "uid", 0);
	report->oom_score_adj = (int)event_get_number(victim, "oom_score_adj", 0);
	report->total_vm_kb = (uint64_t)event_get_number(victim, "total_vm_bytes", 0) / 1024;
	report->anon_kb = (uint64_t)event_get_number(victim, "anon_bytes", 0) / 1024;
	report->file_kb = (uint64_t)event_get_number(victim, "file_bytes", 0) / 1024;
	report->shmem_kb = (uint64_t)event_get_number(victim, "shmem_bytes", 0) / 1024;
	report->pgtables_kb = (uint64_t)event_get_number(victim, "pgtables_bytes", 0) / 1024;
}

int explain_kernel_kill(const json_t *records, size_t at, const char *log_path)
{
	const json_t *record = json_array_get(records, at);
	const int pid = (int)event_get_number(record, "victim.pid", 0);
	char when[40], scope[EVENT_SCOPE_MAX], process[96];
	_cleanup_free_ char *log = NULL;
	struct oom_report report = {0};
	struct words words = {0};
	int err = kernel_log_read(log_path, &log);

	if (!err)
		err = kernel_log_find(log, pid, &report);
	if (err && !record) {
		log_error("%s: %s; pass a saved log with --kernel-log",
			  log_path ? log_path : "/dev/kmsg",
			  err == -ENODATA ? "it has no OOM kill" : strerror(-err));
		return EXIT_FAILED;
	}
	if (record)
		printf("%s: %s was killed by the kernel's OOM killer, in %s.\n\n",
		       event_time(when, sizeof(when), record),
		       event_process(process, sizeof(process), json_object_get(record, "victim")),
		       event_scope_title(scope, sizeof(scope), record));
	else
		printf("%s[%d] was killed by the kernel's OOM killer.\n\n", report.comm,
		       report.pid);
	if (err) {
		fill_from_record(&report, record);
		words_add(
			&words, "%s. The kernel's log does not have the report: %s.",
			event_process(process, sizeof(process), json_object_get(record, "invoker")),
			err == -ENODATA ? "no such kill" : strerror(-err));
		words_print("Invoker", &words);
	} else {
		tell_invoker(&report);
		tell_constraint(&report);
	}
	tell_victim(&report, !err);
	if (!err)
		tell_cause(&report, record ? plot_growth(record) : -1);
	if (record)
		explain_afterwards(records, at);
	return EXIT_OK;
}
