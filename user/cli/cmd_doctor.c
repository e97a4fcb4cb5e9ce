// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* doctor: what this host gives, what each missing thing costs, and the command that mends it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "base/exit.h"
#include "config/paths.h"
#include "daemon/harden.h"
#include "sense/cgroup.h"
#include "sense/host.h"
#include "sense/kvfile.h"
#include "sense/loader.h"
#include "sense/node.h"

#define CHECKS_MAX (LOADER_HOOKS_MAX + 48)
#define BTF_PATH   "/sys/kernel/btf/vmlinux"

enum state {
	STATE_OK,
	STATE_DEGRADED, /* it is there, but less good than it could be */
	STATE_MISSING,
	STATE_UNKNOWN, /* not to be found out by this user */
};

static const char *const state_names[] = {"ok", "degraded", "missing", "unknown"};

struct check {
	char name[48];
	enum state state;
	bool required;	/* `run` cannot without it */
	char value[80]; /* what was found, for scripts */
	char what[640]; /* and for people */
	const char *cost;
	const char *fix;  /* a command, or what to do where there is none */
	char command[64]; /* room for it, where it has a number */
	const struct loader_hook *hook;
	int tier;
};

struct doctor {
	struct check checks[CHECKS_MAX];
	size_t count;
	struct cgroup_host host;
	bool root;
};

struct doctor_options {
	bool json;
};

static const struct option_spec options[] = {
	{"json", 'j', NULL, "one JSON object instead of lines", option_switch, NULL,
	 offsetof(struct doctor_options, json)},
};

static struct check *add(struct doctor *doctor, const char *name, enum state state,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));

static struct check *add(struct doctor *doctor, const char *name, enum state state,
			 const char *format, ...)
{
	struct check *check = &doctor->checks[doctor->count];
	va_list args;

	if (doctor->count < CHECKS_MAX - 1)
		doctor->count++;
	*check = (struct check){.state = state};
	snprintf(check->name, sizeof(check->name), "%s", name);
	va_start(args, format);
	vsnprintf(check->what, sizeof(check->what), format, args);
	va_end(args);
	return check;
}

static void set_value(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void set_value(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->value, sizeof(check->value), format, args);
	va_end(args);
}

static void set_price(struct check *check, const char *cost, const char *fix)
{
	check->cost = cost;
	check->fix = fix;
}

/* ---- the kernel side ----------------------------------------------------- */

/* What the lack of a hook costs; others by their kind. */
static const struct {
	const char *program;
	const char *cost;
} hook_costs[] = {
	{"fo_limit_begin", "cgroups at their limit are not seen, only the node"},
	{"fo_limit_end", "cgroups at their limit are not seen, only the node"},
	{"fo_soft_begin", "reclaim at cgroup v1 soft limits is not told apart"},
	{"fo_soft_end", "reclaim at cgroup v1 soft limits is not told apart"},
	{"fo_throttled", "sleeps within reclaim are not shown; they still count as stall"},
	{"fo_major_fault",
	 "tasks that wait for swap, or work for zram, are seen by their stall alone"},
	{"fo_fault_begin", "what the kernel does at the beginning of a fault passes for work"},
	{"fo_memstall_enter", "the kernel's own notion of stall is not known; that of reclaim is"},
	{"fo_memstall_leave", "the kernel's own notion of stall is not known; that of reclaim is"},
	{"fo_refault", "pages taken before trouble was seen are counted late, from files"},
	{"fo_task_list", "processes are read from /proc, some twenty times slower"},
	{"fo_open_check",
	 "a stall whose end is not seen keeps its scope hot until its task reclaims again or exits"},
	{"fo_compact_begin", "what fragmentation costs is not shown"},
	{"fo_compact_end", "what fragmentation costs is not shown"},
	{"fo_cgroup_made", "new cgroups are not counted"},
	{"fo_cgroup_removed",
	 "the room of removed cgroups is not given back: after some 10,000 the "
	 "daemon goes blind for new ones"},
};

static const char *hook_cost(const struct loader_hook *hook)
{
	for (size_t i = 0; i < ARRAY_SIZE(hook_costs); i++)
		if (!strcmp(hook_costs[i].program, hook->program))
			return hook_costs[i].cost;
	if (hook->need == LOADER_NEED_ALL)
		return "nothing can be judged";
	if (hook->need == LOADER_NEED_TRACKING)
		return "pages that are read back are not seen: refaults and faults of the kernel's "
		       "files stand in, which finds fewer livelocks, later";
	return "one more witness less; the others suffice";
}

static const char *hook_fix(const struct doctor *doctor, const struct loader_hook *hook)
{
	switch (-hook->state) {
	case ENOENT:
		return hook->need == LOADER_NEED_ALL
			       ? "boot Linux 5.10 or newer, with CONFIG_DEBUG_INFO_BTF"
			       : "boot a kernel that has it, if it matters to you";
	case EPERM:
	case EACCES:
		return doctor->root ? "boot a kernel that allows it, or take it from the security "
				      "module that forbids it"
				    : "sudo fastoom-bpf doctor";
	default:
		return "fastoom-bpf run --verbose tells the verifier's reason; please report it";
	}
}

/* Soft limits are cgroup v1's; newer kernels are built without. */
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
	struct check *check;
	char name[48];

	snprintf(name, sizeof(name), "hook.%s", hook->program);
	if (!hook->state && !trial->tried[i])
		check = add(doctor, name, STATE_UNKNOWN,
			    "T%d, %s: is in this kernel; only root can tell whether it attaches",
			    trial->tiers[i], target);
	else if (!hook->state)
		check = add(doctor, name, STATE_OK, "T%d, %s: attached%s", trial->tiers[i], target,
			    hook->tracking ? " (while a scope is in trouble)" : "");
	else if (is_needless(doctor, hook))
		check = add(doctor, name, STATE_OK,
			    "T%d, %s: not in this kernel, nor needed without cgroup v1",
			    trial->tiers[i], target);
	else
		check = add(doctor, name, refused ? STATE_DEGRADED : STATE_MISSING, "T%d, %s: %s",
			    trial->tiers[i], target,
			    hook->state == -ENOENT ? "not in this kernel" : strerror(-hook->state));
	check->hook = hook;
	check->tier = trial->tiers[i];
	check->required = hook->need == LOADER_NEED_ALL;
	set_value(check, "%s",
		  check->state == STATE_UNKNOWN ? "untried"
		  : hook->state			? strerrorname_np(-hook->state)
						: "attached");
	if (check->state != STATE_OK)
		set_price(check, hook_cost(hook),
			  check->state == STATE_UNKNOWN ? "sudo fastoom-bpf doctor"
							: hook_fix(doctor, hook));
}

/* Found by loading only. */
static void check_features(struct doctor *doctor, const struct loader_features *features,
			   bool loaded)
{
	struct check *check;

	if (!loaded) {
		static const char *const names[] = {"task_storage", "probe_read", "fault_cost"};

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			check = add(doctor, names[i], STATE_UNKNOWN, "only what loads can tell");
			set_price(check, "not known", "sudo fastoom-bpf doctor");
			set_value(check, "untried");
		}
		return;
	}
	check = add(doctor, "task_storage", features->task_storage ? STATE_OK : STATE_DEGRADED,
		    features->task_storage ? "the state of tracked tasks is kept with the tasks"
					   : "no task storage for tracepoints (Linux 5.13)");
	set_value(check, features->task_storage ? "yes" : "no");
	if (check->state)
		set_price(check,
			  "the state of tracked tasks is kept in a table by pid, of 8192 tasks",
			  "boot Linux 5.13 or newer");
	check = add(doctor, "probe_read", features->probe_read ? STATE_OK : STATE_DEGRADED,
		    features->probe_read ? "kernel memory may be read by probing"
					 : "bpf_probe_read_kernel is forbidden");
	set_value(check, features->probe_read ? "yes" : "no");
	if (check->state)
		set_price(check,
			  "reclaim at a limit counts for the task's own cgroup, not for the one "
			  "whose limit it is (before 7.1); the sizes of processes are not known "
			  "(before 6.2)",
			  "boot without lockdown=confidentiality");
	check = add(doctor, "fault_cost", features->cheap_faults ? STATE_OK : STATE_DEGRADED,
		    features->cheap_faults ? "faults are cheap enough to tell how much a task works"
					   : "faults are too dear to tell how much a task works");
	set_value(check, "%u ns", features->fault_ns);
	if (check->state)
		set_price(check,
			  "who stands still is told by what was taken from it and what it waits "
			  "for; who goes on working, but slowly, may count",
			  "a processor that is not emulated");
}

static void check_kernel_side(struct doctor *doctor, struct loader_trial *trial)
{
	char why[512] = "out of memory";
	int err = loader_try(trial, doctor->host.version, why, sizeof(why));
	bool btf = access(BTF_PATH, R_OK) == 0 && err != -ENOENT;
	bool lacking = err == -ENOPROTOOPT, loaded = !err || (lacking && trial->tried[0]);
	struct check *check;

	check = add(doctor, "btf", btf ? STATE_OK : STATE_MISSING, "%s",
		    btf ? BTF_PATH " is there" : why);
	check->required = true;
	set_value(check, btf ? "yes" : "no");
	if (!btf)
		set_price(check, "no program can be fitted to this kernel: nothing runs",
			  "boot a kernel with CONFIG_DEBUG_INFO_BTF=y");

	check = add(doctor, "bpf", err ? STATE_MISSING : STATE_OK, "%s",
		    err ? why : "programs load and attach");
	check->required = true;
	set_value(check, "%s", err ? strerrorname_np(-err) : "loads");
	if (err)
		set_price(check, "nothing runs",
			  err == -EPERM || err == -EACCES
				  ? "sudo fastoom-bpf doctor"
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
	struct check *check = add(doctor, "lockdown",
				  err	   ? STATE_UNKNOWN
				  : strict ? STATE_DEGRADED
					   : STATE_OK,
				  "%s", err ? strerror(-err) : mode);

	set_value(check, "%s", err ? "unknown" : mode);
	if (strict)
		set_price(check, "kernel memory is read through typed pointers only",
			  "boot without lockdown=confidentiality");
	if (err)
		set_price(check, "not known", "sudo fastoom-bpf doctor");
}

static void check_jit(struct doctor *doctor)
{
	uint64_t on;
	int err = host_number("", "/proc/sys/net/core/bpf_jit_enable", &on);
	struct check *check;

	if (err == -ENOENT)
		return;
	check = add(doctor, "bpf_jit",
		    err	  ? STATE_UNKNOWN
		    : !on ? STATE_DEGRADED
			  : STATE_OK,
		    "%s",
		    err	  ? "only root may read net.core.bpf_jit_enable"
		    : !on ? "programs are interpreted"
			  : "programs are compiled");
	set_value(check, err ? "unknown" : on ? "on" : "off");
	if (check->state)
		set_price(check, "programs are several times slower; fentry hooks do not attach",
			  err ? "sudo fastoom-bpf doctor" : "sysctl -w net.core.bpf_jit_enable=1");
}

/* ---- cgroups, PSI -------------------------------------------------------- */

/* On v2 a cgroup has memory files only where its parent hands the controller down. */
static bool hands_down_memory(const struct cgroup_host *host)
{
	char text[256];
	ssize_t n;
	_cleanup_close_ int fd =
		openat(host->mount_fd, "cgroup.subtree_control", O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (char *save, *word = strtok_r(text, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		if (!strcmp(word, "memory"))
			return true;
	return false;
}

static void check_cgroups(struct doctor *doctor, int err)
{
	const struct cgroup_host *host = &doctor->host;
	struct check *check;
	bool by_id;

	if (err) {
		check = add(doctor, "cgroup", STATE_MISSING, "no memory controller: %s",
			    strerror(-err));
		set_value(check, "none");
		set_price(check, "only the node is watched, no cgroup",
			  "mount -t cgroup2 none /sys/fs/cgroup; boot without "
			  "cgroup_disable=memory");
		return;
	}
	check = add(doctor, "cgroup", STATE_OK, "v%d, the memory controller is at %s",
		    host->version, host->mount);
	set_value(check, "v%d", host->version);
	if (host->version == 2 && !hands_down_memory(host)) {
		check->state = STATE_DEGRADED;
		snprintf(check->what, sizeof(check->what),
			 "v2 at %s, but no cgroup has the memory controller", host->mount);
		set_price(check, "only the node is watched, no cgroup",
			  "echo +memory >/sys/fs/cgroup/cgroup.subtree_control");
	}
	by_id = cgroup_may_open_ids(host);
	check = add(doctor, "cgroup_by_id", by_id ? STATE_OK : STATE_MISSING, "%s",
		    by_id ? "cgroups that the kernel names can be opened"
			  : "cgroups cannot be opened by the id that the kernel tells");
	set_value(check, by_id ? "yes" : "no");
	if (!by_id)
		set_price(check, "only the node is watched, no cgroup",
			  "run it as root, or with CAP_DAC_READ_SEARCH");
}

static void check_oom_disabled(struct doctor *doctor)
{
	char path[CGROUP_PATH_MAX];
	struct check *check;
	size_t count;
	int err;

	if (doctor->host.version != 1)
		return;
	err = host_oom_disabled(doctor->host.mount, &count, path, sizeof(path));
	if (err) {
		check = add(doctor, "oom_disabled", STATE_UNKNOWN, "%s: %s", doctor->host.mount,
			    strerror(-err));
		set_price(check, "not known", "sudo fastoom-bpf doctor");
		return;
	}
	check = add(doctor, "oom_disabled", count ? STATE_DEGRADED : STATE_OK,
		    count ? "%zu memory cgroups have the OOM killer switched off, such as %.200s"
			  : "%zu memory cgroups have the OOM killer switched off",
		    count, path);
	set_value(check, "%zu", count);
	if (count)
		set_price(
			check,
			"at its limit such a cgroup hangs for ever; fastoom-bpf acts there only if "
			"a policy names it",
			"echo 0 >memory.oom_control, in each of them");
}

static void check_psi(struct doctor *doctor)
{
	int err = host_psi("");
	/* nothing that judges reads it: stall is measured by the hooks themselves */
	struct check *check = add(doctor, "psi", STATE_OK, "%s",
				  err ? "off; nothing is lost, stall is measured by the hooks"
				      : "on; not needed, stall is measured by the hooks");

	set_value(check, err ? "off" : "on");
}

/* ---- what this process may --------------------------------------------------- */

static const struct {
	const char *name;
	int bit;
	int instead; /* this one serves too; 0: none */
	bool required;
	const char *cost;
} capabilities[] = {
	{"CAP_BPF", CAP_BPF, CAP_SYS_ADMIN, true, "no program can be loaded"},
	{"CAP_PERFMON", CAP_PERFMON, CAP_SYS_ADMIN, true, "no program can be attached"},
	{"CAP_KILL", CAP_KILL, 0, false, "other users' processes cannot be killed"},
	{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, 0, false,
	 "cgroups cannot be opened by their id: only the node is watched"},
	{"CAP_IPC_LOCK", CAP_IPC_LOCK, 0, false,
	 "memory is locked only as far as RLIMIT_MEMLOCK goes"},
	{"CAP_SYS_NICE", CAP_SYS_NICE, 0, false, "a kill may come late by a time slice"},
	{"CAP_SYS_RESOURCE", CAP_SYS_RESOURCE, 0, false,
	 "the daemon's oom_score_adj cannot be lowered: the kernel may kill it"},
};

static void check_capabilities(struct doctor *doctor)
{
	uint64_t bits = 0;
	int err = host_capabilities("", &bits);

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		bool held = bits >> capabilities[i].bit & 1;
		bool instead =
			!held && capabilities[i].instead && (bits >> capabilities[i].instead & 1);
		struct check *check = add(doctor, capabilities[i].name,
					  err			     ? STATE_UNKNOWN
					  : held || instead	     ? STATE_OK
					  : capabilities[i].required ? STATE_MISSING
								     : STATE_DEGRADED,
					  "%s",
					  err	    ? strerror(-err)
					  : held    ? "held"
					  : instead ? "not held; CAP_SYS_ADMIN serves"
						    : "not held");

		check->required = capabilities[i].required;
		set_value(check, held || instead ? "yes" : "no");
		if (check->state)
			set_price(check, capabilities[i].cost,
				  doctor->root ? "add it to the bounding set of this container or "
						 "unit (CapabilityBoundingSet=)"
					       : "run it as root");
	}
}

/* By doing what the daemon does at its start; this process ends in a moment. */
static void check_hardening(struct doctor *doctor)
{
	const struct sched_param param = {.sched_priority = HARDEN_PRIORITY}, none = {0};
	struct check *check;
	int err;

	err = mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? errno : 0;
	munlockall();
	check = add(doctor, "memory_lock", err ? STATE_DEGRADED : STATE_OK, "%s",
		    err ? strerror(err) : "memory can be locked");
	set_value(check, err ? "no" : "yes");
	if (err)
		set_price(check, "the daemon may wait for its own pages in a Near-OOM",
			  "run it as root, or with CAP_IPC_LOCK or LimitMEMLOCK=infinity");

	err = sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0 ? errno : 0;
	if (!err)
		(void)sched_setscheduler(0, SCHED_OTHER, &none);
	check = add(doctor, "realtime", err ? STATE_DEGRADED : STATE_OK, "%s",
		    err ? strerror(err) : "real-time priority is allowed");
	set_value(check, err ? "no" : "yes");
	if (err)
		set_price(check, "a kill may come late by a time slice",
			  "run it as root, or with CAP_SYS_NICE; in a container also "
			  "cpu.rt_runtime_us");

	err = -harden_unkillable();
	check = add(doctor, "oom_score_adj", err ? STATE_DEGRADED : STATE_OK, "%s",
		    err ? strerror(err) : "the daemon can be exempted from the OOM killer");
	set_value(check, err ? "no" : "yes");
	if (err)
		set_price(check, "the kernel may kill the daemon itself",
			  "run it as root with CAP_SYS_RESOURCE, or with OOMScoreAdjust=-1000");
}

/* ---- swap, rivals, settings -------------------------------------------------- */

static void check_swap(struct doctor *doctor)
{
	struct host_swap swap;
	char disk[UNITS_TEXT_MAX], zram[UNITS_TEXT_MAX];
	int err = host_swap("", &swap);
	struct check *check;

	if (err) {
		check = add(doctor, "swap", STATE_UNKNOWN, "/proc/swaps: %s", strerror(-err));
		set_price(check, "not known", "mount -t proc proc /proc");
		return;
	}
	units_format_bytes(disk, sizeof(disk), swap.disk_bytes);
	units_format_bytes(zram, sizeof(zram), swap.zram_bytes);
	if (!swap.disk_bytes && !swap.zram_bytes) {
		check = add(doctor, "swap", STATE_OK, "none");
		set_value(check, "none");
		return;
	}
	check = add(doctor, "swap", STATE_OK, "%s%s%s%s%s", swap.disk_bytes ? disk : "",
		    swap.disk_bytes ? " on disk" : "",
		    swap.disk_bytes && swap.zram_bytes ? ", " : "", swap.zram_bytes ? zram : "",
		    swap.zram_bytes ? " in zram" : "");
	set_value(check, "%s", !swap.zram_bytes ? "disk" : !swap.disk_bytes ? "zram" : "disk+zram");
}

static void check_rivals(struct doctor *doctor)
{
	struct host_rival rivals[HOST_RIVALS_MAX];
	size_t n = host_rivals("", rivals, ARRAY_SIZE(rivals));
	struct check *check;
	int daemon_pid;

	for (size_t i = 0; i < n; i++) {
		check = add(doctor, "rival", STATE_DEGRADED, "%s[%d] runs", rivals[i].comm,
			    rivals[i].pid);
		set_value(check, "%s", rivals[i].comm);
		set_price(check, "two killers act on one shortage, by two policies",
			  !strcmp(rivals[i].comm, "systemd-oomd")
				  ? "systemctl disable --now systemd-oomd.socket "
				    "systemd-oomd.service"
			  : !strcmp(rivals[i].comm, "earlyoom")
				  ? "systemctl disable --now earlyoom"
				  : "systemctl disable --now its unit, or end it");
	}
	if (!n)
		set_value(add(doctor, "rival", STATE_OK, "no other killer runs"), "none");

	daemon_pid = paths_running_pid();
	check = add(doctor, "daemon", STATE_OK,
		    daemon_pid ? "runs, pid %d" : "does not run (fastoom-bpf run starts it)",
		    daemon_pid);
	set_value(check, "%d", daemon_pid);
}

/* One setting: @path below /proc/sys. False when it cannot be read, which is told. */
static bool read_setting(struct doctor *doctor, const char *name, const char *path, uint64_t *ret)
{
	int err = host_number("", path, ret);
	struct check *check;

	if (!err)
		return true;
	if (err == -ENOENT) /* a kernel without the setting does not need mending */
		return false;
	check = add(doctor, name, STATE_UNKNOWN, "%s: %s", path, strerror(-err));
	set_price(check, "not known", "sudo fastoom-bpf doctor");
	return false;
}

static void check_min_free(struct doctor *doctor)
{
	uint64_t kb, total_kb, preset_kb;
	struct node_memory memory;
	struct node node;
	struct check *check;
	int err;

	if (!read_setting(doctor, "min_free_kbytes", "/proc/sys/vm/min_free_kbytes", &kb))
		return;
	err = node_open(&node, "");
	if (!err) {
		err = node_read(&node, &memory);
		node_close(&node);
	}
	if (err || !(memory.has & NODE_HAS_AVAILABLE)) {
		check = add(doctor, "min_free_kbytes", STATE_UNKNOWN, "/proc/meminfo: %s",
			    strerror(err ? -err : ENODATA));
		set_price(check, "not known", "mount -t proc proc /proc");
		return;
	}
	total_kb = memory.total_bytes / 1024;
	preset_kb = host_min_free_default_kb(total_kb);
	check = add(doctor, "min_free_kbytes", STATE_OK,
		    "vm.min_free_kbytes = %llu; the kernel's own choice here is about %llu",
		    (unsigned long long)kb, (unsigned long long)preset_kb);
	set_value(check, "%llu", (unsigned long long)kb);
	snprintf(check->command, sizeof(check->command), "sysctl -w vm.min_free_kbytes=%llu",
		 (unsigned long long)preset_kb);
	if (kb < preset_kb / 2) {
		check->state = STATE_DEGRADED;
		set_price(check,
			  "the kernel reclaims too late: tasks stall in direct reclaim and "
			  "allocations in interrupts fail",
			  check->command);
	} else if (kb > total_kb / 20 && kb > preset_kb * 2) {
		check->state = STATE_DEGRADED;
		set_price(check, "more than a twentieth of memory is kept from programs",
			  check->command);
	}
}

static void check_settings(struct doctor *doctor)
{
	struct check *check;
	uint64_t v;

	if (read_setting(doctor, "panic_on_oom", "/proc/sys/vm/panic_on_oom", &v)) {
		check = add(doctor, "panic_on_oom", v ? STATE_DEGRADED : STATE_OK,
			    "vm.panic_on_oom = %llu", (unsigned long long)v);
		set_value(check, "%llu", (unsigned long long)v);
		if (v)
			set_price(check,
				  "where the kernel is faster than the daemon the machine panics "
				  "instead of losing one process",
				  "sysctl -w vm.panic_on_oom=0");
	}
	if (read_setting(doctor, "overcommit_memory", "/proc/sys/vm/overcommit_memory", &v)) {
		check = add(doctor, "overcommit_memory", v == 2 ? STATE_DEGRADED : STATE_OK,
			    "vm.overcommit_memory = %llu", (unsigned long long)v);
		set_value(check, "%llu", (unsigned long long)v);
		if (v == 2)
			set_price(check,
				  "allocations are refused while memory is still free: programs "
				  "die of that, unseen by the daemon",
				  "sysctl -w vm.overcommit_memory=0");
	}
	check_min_free(doctor);
	if (read_setting(doctor, "oom_kill_allocating_task",
			 "/proc/sys/vm/oom_kill_allocating_task", &v)) {
		check = add(doctor, "oom_kill_allocating_task", v ? STATE_DEGRADED : STATE_OK,
			    "vm.oom_kill_allocating_task = %llu", (unsigned long long)v);
		set_value(check, "%llu", (unsigned long long)v);
		if (v)
			set_price(check,
				  "where the kernel is faster than the daemon it kills whoever "
				  "asks for memory, not who holds it",
				  "sysctl -w vm.oom_kill_allocating_task=0");
	}
}

/* ---- telling ----------------------------------------------------------------- */

static int verdict(const struct doctor *doctor)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		if (check->state == STATE_MISSING && check->required)
			return EXIT_HOST;
		if (check->state != STATE_OK)
			code = EXIT_FAILED;
	}
	return code;
}

static const char *verdict_name(int code)
{
	return code == EXIT_OK ? "ok" : code == EXIT_HOST ? "cannot run" : "degraded";
}

static void print_lines(const struct doctor *doctor, int code)
{
	size_t counts[ARRAY_SIZE(state_names)] = {0};

	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		counts[check->state]++;
		printf("%-8s %s: %s", state_names[check->state], check->name, check->what);
		if (check->state != STATE_OK && check->cost)
			printf("; costs: %s; fix: %s", check->cost, check->fix);
		putchar('\n');
	}
	printf("%s: %zu ok, %zu degraded, %zu missing, %zu unknown%s\n", verdict_name(code),
	       counts[STATE_OK], counts[STATE_DEGRADED], counts[STATE_MISSING],
	       counts[STATE_UNKNOWN],
	       counts[STATE_UNKNOWN] && !doctor->root ? "; as root it tells more" : "");
}

static int print_json(const struct doctor *doctor, int code)
{
	const size_t size = 128 * 1024;
	_cleanup_free_ char *text = malloc(size);
	struct utsname uts = {0};
	struct json json;
	size_t len;

	uname(&uts);
	if (!text)
		return EXIT_FAILED;
	json_begin(&json, text, size);
	json_u64(&json, "schema", 1);
	json_text(&json, "verdict", verdict_name(code));
	json_u64(&json, "exit", (uint64_t)code);
	json_text(&json, "kernel", uts.release);
	json_text(&json, "machine", uts.machine);
	json_bool(&json, "root", doctor->root);
	json_open_list(&json, "checks");
	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		json_open_map(&json, NULL);
		json_text(&json, "name", check->name);
		json_text(&json, "state", state_names[check->state]);
		json_bool(&json, "required", check->required);
		if (*check->value)
			json_text(&json, "value", check->value);
		json_text(&json, "what", check->what);
		if (check->state != STATE_OK && check->cost) {
			json_text(&json, "cost", check->cost);
			json_text(&json, "fix", check->fix);
			json_text(&json, "mend", check->fix); /* renamed */
		}
		if (check->hook) {
			json_i64(&json, "tier", check->tier);
			json_bool(&json, "page_tracking", check->hook->tracking);
			json_bool(&json, "eyes", check->hook->tracking); /* renamed */
			json_text(&json, "target", check->hook->target);
		}
		json_close_map(&json);
	}
	json_close_list(&json);
	if (json_end(&json, &len)) {
		log_error("doctor: the report has more than %zu bytes", size);
		return EXIT_FAILED;
	}
	puts(text);
	return code;
}

static int run(const struct command *self, int argc, char **argv)
{
	/* neither is static: that would be locked in the daemon's memory */
	_cleanup_free_ struct doctor *doctor = NULL;
	_cleanup_free_ struct loader_trial *trial = NULL;
	struct doctor_options chosen = {0};
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	doctor = calloc(1, sizeof(*doctor));
	trial = calloc(1, sizeof(*trial));
	if (!doctor || !trial)
		return EXIT_FAILED;
	doctor->root = geteuid() == 0;
	err = cgroup_host_open(&doctor->host, "");
	check_kernel_side(doctor, trial);
	check_lockdown(doctor);
	check_jit(doctor);
	check_cgroups(doctor, err);
	check_oom_disabled(doctor);
	check_psi(doctor);
	check_capabilities(doctor);
	check_hardening(doctor);
	check_swap(doctor);
	check_rivals(doctor);
	check_settings(doctor);
	if (!err)
		cgroup_host_close(&doctor->host);
	code = verdict(doctor);
	if (chosen.json)
		return print_json(doctor, code);
	print_lines(doctor, code);
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Tell what this host gives, what each missing thing costs, and what mends it.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};
