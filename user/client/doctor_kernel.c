// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/doctor_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/errno_name.h"
#include "base/util.h"
#include "client/doctor_check.h"
#include "sense/host.h"
#include "sense/loader.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

static const char *name_of(int error)
{
	const char *name = errno_name(error);

	return name ? name : "unknown";
}

/* The effect of a missing hook, where it differs from that of other hooks with the same need. */
static const struct {
	const char *program;
	const char *cost;
} hook_costs[] = {
	{"fo_limit_begin", "reclaim at the limit of a cgroup is not seen: only the node is judged"},
	{"fo_limit_end", "reclaim at the limit of a cgroup is not seen: only the node is judged"},
	{"fo_soft_begin",
	 "reclaim at cgroup v1 soft limits is not distinguished from other reclaim"},
	{"fo_soft_end", "reclaim at cgroup v1 soft limits is not distinguished from other reclaim"},
	{"fo_throttled", "throttling in reclaim is not shown; it still counts as stall"},
	{"fo_major_fault", "waits for swap, and decompression of zram, only show as stall"},
	{"fo_fault_begin",
	 "the kernel's work at the beginning of a fault counts as work of the task"},
	{"fo_memstall_enter",
	 "stall outside of reclaim (what PSI counts beyond it) is not measured"},
	{"fo_memstall_leave",
	 "stall outside of reclaim (what PSI counts beyond it) is not measured"},
	{"fo_open_check",
	 "a stall whose end is not seen keeps its scope hot until its task reclaims again or exits"},
	{"fo_refault",
	 "refaults of pages that were evicted before page tracking began are seen later, in the "
	 "statistics of the cgroup"},
	{"fo_task_list", "processes are listed from /proc, about twenty times slower"},
	{"fo_compact_begin", "the time spent in compaction is not shown"},
	{"fo_compact_end", "the time spent in compaction is not shown"},
	{"fo_cgroup_made", "new cgroups are not counted"},
	{"fo_cgroup_removed",
	 "map entries of removed cgroups are not freed: after about 10,000 cgroups new ones are not "
	 "seen"},
};

static const char *hook_cost(const struct loader_hook *hook)
{
	for (size_t i = 0; i < ARRAY_SIZE(hook_costs); i++)
		if (!strcmp(hook_costs[i].program, hook->program))
			return hook_costs[i].cost;
	if (hook->need == LOADER_NEED_ALL)
		return "nothing can be judged: the daemon does not start";
	if (hook->need == LOADER_NEED_TRACKING)
		return "no page tracking: refaults are read from files, so fewer livelocks are "
		       "found, and later";
	return "one source of evidence is missing; the others suffice";
}

static const char *hook_fix(const struct doctor *doctor, const struct loader_hook *hook)
{
	switch (-hook->state) {
	case ENOENT:
		return hook->need == LOADER_NEED_ALL
			       ? "boot Linux 5.10 or newer, with CONFIG_DEBUG_INFO_BTF=y"
			       : "boot a kernel that has this hook, if you need it";
	case EPERM:
	case EACCES:
		return doctor->root ? "boot a kernel that allows it, or change the rules of the "
				      "security module that forbids it"
				    : DOCTOR_AS_ROOT;
	default:
		return "run fastoom-bpf run --verbose for the verifier's reason, and report it";
	}
}

/* Only cgroup v1 has soft limits, and kernels without v1 do not have the hook. */
static bool is_needless(const struct doctor *doctor, const struct loader_hook *hook)
{
	return hook->state == -ENOENT && !strncmp(hook->program, "fo_soft_", 8) &&
	       doctor->host.version != 1;
}

static void check_hook(struct doctor *doctor, const struct loader_trial *trial, size_t i)
{
	const struct loader_hook *hook = &trial->hooks[i];
	const char *target = hook->target;
	bool refused = hook->state == -EPERM && hook->need != LOADER_NEED_ALL;
	struct doctor_check *check;
	char name[48];

	snprintf(name, sizeof(name), "hook.%s", hook->program);
	if (!hook->state && !trial->tried[i])
		check = doctor_add(
			doctor, name, DOCTOR_UNKNOWN,
			"%s (tier %d): in this kernel; only root can find out whether it attaches",
			target, trial->tiers[i]);
	else if (!hook->state)
		check = doctor_add(doctor, name, DOCTOR_OK, "%s (tier %d): attached%s", target,
				   trial->tiers[i],
				   hook->tracking ? " while a scope is under reclaim" : "");
	else if (is_needless(doctor, hook))
		check = doctor_add(
			doctor, name, DOCTOR_OK,
			"%s (tier %d): not in this kernel, and not needed without cgroup v1",
			target, trial->tiers[i]);
	else
		check = doctor_add(doctor, name, refused ? DOCTOR_DEGRADED : DOCTOR_MISSING,
				   "%s (tier %d): %s", target, trial->tiers[i],
				   hook->state == -ENOENT ? "not in this kernel"
							  : strerror(-hook->state));
	check->hook = hook;
	check->tier = trial->tiers[i];
	check->required = hook->need == LOADER_NEED_ALL;
	doctor_set_value(check, "%s",
			 check->state == DOCTOR_UNKNOWN ? "untried"
			 : hook->state			? name_of(-hook->state)
							: "attached");
	if (check->state != DOCTOR_OK)
		doctor_set_cost(check, hook_cost(hook),
				check->state == DOCTOR_UNKNOWN ? DOCTOR_AS_ROOT
							       : hook_fix(doctor, hook));
}

/* Features that can be checked only by loading a program. */
static void check_features(struct doctor *doctor, const struct loader_features *features,
			   bool loaded)
{
	struct doctor_check *check;

	if (!loaded) {
		static const char *const names[] = {"task_storage", "probe_read", "fault_cost"};

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			check = doctor_add(doctor, names[i], DOCTOR_UNKNOWN,
					   "only root can load programs to find out");
			doctor_set_cost(check, "not known", DOCTOR_AS_ROOT);
			doctor_set_value(check, "untried");
		}
		return;
	}
	check = doctor_add(
		doctor, "task_storage", features->task_storage ? DOCTOR_OK : DOCTOR_DEGRADED,
		features->task_storage ? "the state of tracked tasks is stored with the task"
				       : "tracepoints have no task storage (Linux 5.13 has it)");
	doctor_set_value(check, features->task_storage ? "yes" : "no");
	if (check->state)
		doctor_set_cost(
			check,
			"the state of tracked tasks is stored in a table by pid, of 6000 tasks",
			"boot Linux 5.13 or newer");
	check = doctor_add(doctor, "probe_read", features->probe_read ? DOCTOR_OK : DOCTOR_DEGRADED,
			   features->probe_read ? "bpf_probe_read_kernel is allowed"
						: "bpf_probe_read_kernel is forbidden");
	doctor_set_value(check, features->probe_read ? "yes" : "no");
	if (check->state)
		doctor_set_cost(
			check,
			"reclaim at a limit counts for the task's own cgroup, not for the cgroup at "
			"its limit (before Linux 7.1); the sizes of processes are not known (before "
			"Linux 6.2)",
			"boot without lockdown=confidentiality");
	check = doctor_add(
		doctor, "fault_cost", features->cheap_faults ? DOCTOR_OK : DOCTOR_DEGRADED,
		features->cheap_faults
			? "page faults are cheap enough to measure how much a task works"
			: "page faults are too expensive to measure how much a task works");
	doctor_set_value(check, "%u ns", features->fault_ns);
	if (check->state)
		doctor_set_cost(
			check,
			"an unproductive task is recognised by its lost pages and its waits only; a "
			"task that still works, but slowly, may count as one",
			"use a processor that is not emulated");
}

static void check_programs(struct doctor *doctor)
{
	struct loader_trial *trial = &doctor->trial;
	char why[512] = "out of memory";
	int err = loader_try(trial, doctor->host.version, why, sizeof(why));
	bool btf = access(BTF_PATH, R_OK) == 0 && err != -ENOENT;
	bool lacking = err == -ENOPROTOOPT, loaded = !err || (lacking && trial->tried[0]);
	struct doctor_check *check;

	check = doctor_add(doctor, "btf", btf ? DOCTOR_OK : DOCTOR_MISSING, "%s",
			   btf ? BTF_PATH " is present" : why);
	check->required = true;
	doctor_set_value(check, btf ? "yes" : "no");
	if (!btf)
		doctor_set_cost(
			check,
			"the programs cannot be adapted to this kernel: the daemon does not start",
			"boot a kernel with CONFIG_DEBUG_INFO_BTF=y");

	check = doctor_add(doctor, "bpf", err ? DOCTOR_MISSING : DOCTOR_OK, "%s",
			   err ? why : "the programs load and attach");
	check->required = true;
	doctor_set_value(check, "%s", err ? name_of(-err) : "loads");
	if (err)
		doctor_set_cost(check, "the daemon does not start",
				err == -EPERM || err == -EACCES
					? DOCTOR_AS_ROOT
					: "boot Linux 5.10 or newer with CONFIG_BPF_SYSCALL and "
					  "CONFIG_DEBUG_INFO_BTF");
	check_features(doctor, &trial->features, loaded);
	for (size_t i = 0; i < trial->count; i++)
		check_hook(doctor, trial, i);
}

static void check_lockdown(struct doctor *doctor)
{
	char mode[32];
	int err = host_lockdown("", mode, sizeof(mode));
	bool strict = !err && !strcmp(mode, "confidentiality");
	struct doctor_check *check = doctor_add(doctor, "lockdown",
						err	 ? DOCTOR_UNKNOWN
						: strict ? DOCTOR_DEGRADED
							 : DOCTOR_OK,
						"%s", err ? strerror(-err) : mode);

	doctor_set_value(check, "%s", err ? "unknown" : mode);
	if (strict)
		doctor_set_cost(check, "kernel memory is only read through typed pointers",
				"boot without lockdown=confidentiality");
	if (err)
		doctor_set_cost(check, "not known", DOCTOR_AS_ROOT);
}

static void check_jit(struct doctor *doctor)
{
	uint64_t on;
	int err = host_number("", "/proc/sys/net/core/bpf_jit_enable", &on);
	struct doctor_check *check;

	if (err == -ENOENT)
		return;
	check = doctor_add(doctor, "bpf_jit",
			   err	 ? DOCTOR_UNKNOWN
			   : !on ? DOCTOR_DEGRADED
				 : DOCTOR_OK,
			   "%s",
			   err	 ? "only root can read net.core.bpf_jit_enable"
			   : !on ? "programs are interpreted"
				 : "programs are compiled by the JIT");
	doctor_set_value(check, err ? "unknown" : on ? "on" : "off");
	if (check->state)
		doctor_set_cost(check,
				"programs are several times slower; fentry hooks do not attach",
				err ? DOCTOR_AS_ROOT : "sysctl -w net.core.bpf_jit_enable=1");
}

void doctor_check_kernel(struct doctor *doctor)
{
	check_programs(doctor);
	check_lockdown(doctor);
	check_jit(doctor);
}
