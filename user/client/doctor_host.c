// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/doctor_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/harden.h"
#include "base/units.h"
#include "base/util.h"
#include "client/doctor_check.h"
#include "config/paths.h"
#include "sense/cgroup.h"
#include "sense/host.h"
#include "sense/node.h"

/* ---- cgroups, PSI -------------------------------------------------------- */

/* On v2 the children of the root have memory files only if it enables the controller for them. */
static bool is_memory_enabled(const struct cgroup_host *host)
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
	struct doctor_check *check;
	bool by_id;

	if (err) {
		check = doctor_add(doctor, "cgroup", DOCTOR_MISSING, "no memory controller: %s",
				   strerror(-err));
		doctor_set_value(check, "none");
		doctor_set_cost(check, "only the node is watched, no cgroup",
				"mount -t cgroup2 none /sys/fs/cgroup; boot without "
				"cgroup_disable=memory");
		return;
	}
	check = doctor_add(doctor, "cgroup", DOCTOR_OK,
			   "v%d, the memory controller is mounted at %s", host->version,
			   host->mount);
	doctor_set_value(check, "v%d", host->version);
	if (host->version == 2 && !is_memory_enabled(host)) {
		check->state = DOCTOR_DEGRADED;
		snprintf(
			check->what, sizeof(check->what),
			"v2 at %s, but the memory controller is not enabled in its cgroup.subtree_control",
			host->mount);
		doctor_set_cost(check, "only the node is watched, no cgroup",
				"echo +memory >/sys/fs/cgroup/cgroup.subtree_control");
	}
	by_id = cgroup_may_open_ids(host);
	check = doctor_add(doctor, "cgroup_by_id", by_id ? DOCTOR_OK : DOCTOR_MISSING, "%s",
			   by_id ? "cgroups can be opened by their id"
				 : "cgroups cannot be opened by their id");
	doctor_set_value(check, by_id ? "yes" : "no");
	if (!by_id)
		doctor_set_cost(check, "only the node is watched, no cgroup",
				"run as root, or with CAP_DAC_READ_SEARCH");
}

static void check_oom_disabled(struct doctor *doctor)
{
	char path[CGROUP_PATH_MAX];
	struct doctor_check *check;
	size_t count;
	int err;

	if (doctor->host.version != 1)
		return;
	err = host_oom_disabled(doctor->host.mount, &count, path, sizeof(path));
	if (err) {
		check = doctor_add(doctor, "oom_disabled", DOCTOR_UNKNOWN, "%s: %s",
				   doctor->host.mount, strerror(-err));
		doctor_set_cost(check, "not known", DOCTOR_AS_ROOT);
		return;
	}
	check = doctor_add(doctor, "oom_disabled", count ? DOCTOR_DEGRADED : DOCTOR_OK,
			   count ? "%zu memory cgroups disable the OOM killer, such as %.200s"
				 : "%zu memory cgroups disable the OOM killer",
			   count, path);
	doctor_set_value(check, "%zu", count);
	if (count)
		doctor_set_cost(
			check,
			"such a cgroup hangs at its limit: the kernel kills nothing in it, and "
			"fastoom-bpf does so only if a policy names it",
			"echo 0 >memory.oom_control in each of them");
}

static void check_psi(struct doctor *doctor)
{
	int err = host_psi("");
	struct doctor_check *check =
		doctor_add(doctor, "psi", DOCTOR_OK, "%s; not needed: the hooks measure stall",
			   err ? "off" : "on");

	doctor_set_value(check, err ? "off" : "on");
}

/* ---- what this process is allowed to ----------------------------------------- */

static const struct {
	const char *name;
	int bit;
	int instead; /* a capability that includes it; 0: none */
	bool required;
	const char *cost;
} capabilities[] = {
	{"CAP_BPF", CAP_BPF, CAP_SYS_ADMIN, true, "no program can be loaded"},
	{"CAP_PERFMON", CAP_PERFMON, CAP_SYS_ADMIN, true, "no program can be attached"},
	{"CAP_KILL", CAP_KILL, 0, false, "processes of other users cannot be killed"},
	{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, 0, false,
	 "cgroups cannot be opened by their id: only the node is watched"},
	{"CAP_IPC_LOCK", CAP_IPC_LOCK, 0, false, "memory beyond RLIMIT_MEMLOCK is not locked"},
	{"CAP_SYS_NICE", CAP_SYS_NICE, 0, false, "a kill can be late by a time slice"},
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
		struct doctor_check *check =
			doctor_add(doctor, capabilities[i].name,
				   err			      ? DOCTOR_UNKNOWN
				   : held || instead	      ? DOCTOR_OK
				   : capabilities[i].required ? DOCTOR_MISSING
							      : DOCTOR_DEGRADED,
				   "%s",
				   err	     ? strerror(-err)
				   : held    ? "held"
				   : instead ? "not held, but CAP_SYS_ADMIN includes it"
					     : "not held");

		check->required = capabilities[i].required;
		doctor_set_value(check, held || instead ? "yes" : "no");
		if (check->state)
			doctor_set_cost(check, capabilities[i].cost,
					doctor->root
						? "add it to the bounding set of this container or "
						  "unit (CapabilityBoundingSet=)"
						: "run as root");
	}
}

/* Does what the daemon does when it starts; this process exits soon. */
static void check_hardening(struct doctor *doctor)
{
	const struct sched_param param = {.sched_priority = HARDEN_PRIORITY}, none = {0};
	struct doctor_check *check;
	int err;

	err = mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? errno : 0;
	munlockall();
	check = doctor_add(doctor, "memory_lock", err ? DOCTOR_DEGRADED : DOCTOR_OK, "%s",
			   err ? strerror(err) : "memory can be locked");
	doctor_set_value(check, err ? "no" : "yes");
	if (err)
		doctor_set_cost(check, "the daemon may wait for its own pages in Near-OOM",
				"run as root, or with CAP_IPC_LOCK or LimitMEMLOCK=infinity");

	err = sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0 ? errno : 0;
	if (!err)
		(void)sched_setscheduler(0, SCHED_OTHER, &none);
	check = doctor_add(doctor, "realtime", err ? DOCTOR_DEGRADED : DOCTOR_OK, "%s",
			   err ? strerror(err) : "real-time priority is allowed");
	doctor_set_value(check, err ? "no" : "yes");
	if (err)
		doctor_set_cost(check, "a kill can be late by a time slice",
				"run as root, or with CAP_SYS_NICE; a container also needs "
				"cpu.rt_runtime_us");

	err = -harden_unkillable();
	check = doctor_add(doctor, "oom_score_adj", err ? DOCTOR_DEGRADED : DOCTOR_OK, "%s",
			   err ? strerror(err) : "the daemon can be excluded from the OOM killer");
	doctor_set_value(check, err ? "no" : "yes");
	if (err)
		doctor_set_cost(check, "the kernel may kill the daemon itself",
				"run as root with CAP_SYS_RESOURCE, or with OOMScoreAdjust=-1000");
}

/* ---- swap, rivals, settings -------------------------------------------------- */

static void check_swap(struct doctor *doctor)
{
	struct host_swap swap;
	char disk[UNITS_TEXT_MAX], zram[UNITS_TEXT_MAX];
	int err = host_swap("", &swap);
	struct doctor_check *check;

	if (err) {
		check = doctor_add(doctor, "swap", DOCTOR_UNKNOWN, "/proc/swaps: %s",
				   strerror(-err));
		doctor_set_cost(check, "not known", "mount -t proc proc /proc");
		return;
	}
	units_format_bytes(disk, sizeof(disk), swap.disk_bytes);
	units_format_bytes(zram, sizeof(zram), swap.zram_bytes);
	if (!swap.disk_bytes && !swap.zram_bytes) {
		check = doctor_add(doctor, "swap", DOCTOR_OK, "none");
		doctor_set_value(check, "none");
		return;
	}
	check = doctor_add(doctor, "swap", DOCTOR_OK, "%s%s%s%s%s", swap.disk_bytes ? disk : "",
			   swap.disk_bytes ? " on disk" : "",
			   swap.disk_bytes && swap.zram_bytes ? ", " : "",
			   swap.zram_bytes ? zram : "", swap.zram_bytes ? " in zram" : "");
	doctor_set_value(check, "%s",
			 !swap.zram_bytes   ? "disk"
			 : !swap.disk_bytes ? "zram"
					    : "disk+zram");
}

static void check_rivals(struct doctor *doctor)
{
	struct host_rival rivals[HOST_RIVALS_MAX];
	size_t n = host_rivals("", rivals, ARRAY_SIZE(rivals));
	struct doctor_check *check;
	int daemon_pid;

	for (size_t i = 0; i < n; i++) {
		check = doctor_add(doctor, "rival", DOCTOR_DEGRADED, "%s[%d] is running",
				   rivals[i].comm, rivals[i].pid);
		doctor_set_value(check, "%s", rivals[i].comm);
		doctor_set_cost(
			check, "two programs act on the same shortage, each by its own policy",
			!strcmp(rivals[i].comm, "systemd-oomd")
				? "systemctl disable --now systemd-oomd.socket "
				  "systemd-oomd.service"
			: !strcmp(rivals[i].comm, "earlyoom") ? "systemctl disable --now earlyoom"
							      : "stop it, and disable its unit");
	}
	if (!n)
		doctor_set_value(doctor_add(doctor, "rival", DOCTOR_OK,
					    "no other program that kills in a shortage is running"),
				 "none");

	daemon_pid = paths_running_pid();
	check = doctor_add(doctor, "daemon", DOCTOR_OK,
			   daemon_pid
				   ? "fastoom-bpf is running, pid %d"
				   : "fastoom-bpf is not running; start it with: fastoom-bpf run",
			   daemon_pid);
	doctor_set_value(check, "%d", daemon_pid);
}

/* False: it cannot be read, and a check says so. */
static bool read_setting(struct doctor *doctor, const char *name, const char *path, uint64_t *ret)
{
	int err = host_number("", path, ret);
	struct doctor_check *check;

	if (!err)
		return true;
	if (err == -ENOENT) /* nothing to fix: this kernel does not have the setting */
		return false;
	check = doctor_add(doctor, name, DOCTOR_UNKNOWN, "%s: %s", path, strerror(-err));
	doctor_set_cost(check, "not known", DOCTOR_AS_ROOT);
	return false;
}

static void check_min_free(struct doctor *doctor)
{
	uint64_t kb, total_kb, preset_kb;
	struct node_memory memory;
	struct node node;
	struct doctor_check *check;
	int err;

	if (!read_setting(doctor, "min_free_kbytes", "/proc/sys/vm/min_free_kbytes", &kb))
		return;
	err = node_open(&node, "");
	if (!err) {
		err = node_read(&node, &memory);
		node_close(&node);
	}
	if (err || !(memory.has & NODE_HAS_AVAILABLE)) {
		check = doctor_add(doctor, "min_free_kbytes", DOCTOR_UNKNOWN, "/proc/meminfo: %s",
				   strerror(err ? -err : ENODATA));
		doctor_set_cost(check, "not known", "mount -t proc proc /proc");
		return;
	}
	total_kb = memory.total_bytes / 1024;
	preset_kb = host_min_free_default_kb(total_kb);
	check = doctor_add(doctor, "min_free_kbytes", DOCTOR_OK,
			   "vm.min_free_kbytes = %llu; the kernel's default here is about %llu",
			   (unsigned long long)kb, (unsigned long long)preset_kb);
	doctor_set_value(check, "%llu", (unsigned long long)kb);
	snprintf(check->command, sizeof(check->command), "sysctl -w vm.min_free_kbytes=%llu",
		 (unsigned long long)preset_kb);
	if (kb < preset_kb / 2) {
		check->state = DOCTOR_DEGRADED;
		doctor_set_cost(
			check,
			"the kernel reclaims too late: tasks stall in direct reclaim, and atomic "
			"allocations fail",
			check->command);
	} else if (kb > total_kb / 20 && kb > preset_kb * 2) {
		check->state = DOCTOR_DEGRADED;
		doctor_set_cost(check, "programs cannot use more than 5 % of memory",
				check->command);
	}
}

static void check_settings(struct doctor *doctor)
{
	struct doctor_check *check;
	uint64_t v;

	if (read_setting(doctor, "panic_on_oom", "/proc/sys/vm/panic_on_oom", &v)) {
		check = doctor_add(doctor, "panic_on_oom", v ? DOCTOR_DEGRADED : DOCTOR_OK,
				   "vm.panic_on_oom = %llu", (unsigned long long)v);
		doctor_set_value(check, "%llu", (unsigned long long)v);
		if (v)
			doctor_set_cost(
				check,
				"when the kernel's OOM killer is faster than the daemon, the machine "
				"panics instead of losing one process",
				"sysctl -w vm.panic_on_oom=0");
	}
	if (read_setting(doctor, "overcommit_memory", "/proc/sys/vm/overcommit_memory", &v)) {
		check = doctor_add(doctor, "overcommit_memory",
				   v == 2 ? DOCTOR_DEGRADED : DOCTOR_OK,
				   "vm.overcommit_memory = %llu", (unsigned long long)v);
		doctor_set_value(check, "%llu", (unsigned long long)v);
		if (v == 2)
			doctor_set_cost(
				check,
				"allocations fail while memory is free, and programs exit because "
				"of that; the daemon does not see it",
				"sysctl -w vm.overcommit_memory=0");
	}
	check_min_free(doctor);
	if (read_setting(doctor, "oom_kill_allocating_task",
			 "/proc/sys/vm/oom_kill_allocating_task", &v)) {
		check = doctor_add(doctor, "oom_kill_allocating_task",
				   v ? DOCTOR_DEGRADED : DOCTOR_OK,
				   "vm.oom_kill_allocating_task = %llu", (unsigned long long)v);
		doctor_set_value(check, "%llu", (unsigned long long)v);
		if (v)
			doctor_set_cost(
				check,
				"when the kernel's OOM killer is faster than the daemon, it kills "
				"the invoker, not the process that holds the memory",
				"sysctl -w vm.oom_kill_allocating_task=0");
	}
}

void doctor_check_host(struct doctor *doctor, int cgroup_err)
{
	check_cgroups(doctor, cgroup_err);
	check_oom_disabled(doctor);
	check_psi(doctor);
	check_capabilities(doctor);
	check_hardening(doctor);
	check_swap(doctor);
	check_rivals(doctor);
	check_settings(doctor);
}
