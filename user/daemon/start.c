// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/notifier.h"
#include "base/exit.h"
#include "base/file.h"
#include "base/log.h"
#include "base/trust.h"
#include "base/util.h"
#include "config/paths.h"
#include "daemon/report.h"
#include "judge/config.h"
#include "sense/cgroup.h"
#include "sense/host.h"
#include "sense/loader.h"
#include "sense/node.h"
#include "tell/control.h"
#include "tell/writer.h"

/* For unprivileged readers, which cannot open the lock. */
static void write_pid_file(void)
{
	char path[4096], text[32];
	int fd, err;

	paths_pid_file(path, sizeof(path));
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	err = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
	if (err)
		log_debug("%s: %s", path, strerror(-err));
	if (fd >= 0)
		close(fd);
}

int start_lock(int *ret_fd)
{
	const char *dir = paths_runtime_dir();
	char path[4096], pid[32] = "not known";
	struct trust trust;

	snprintf(path, sizeof(path), "%s/lock", dir);
	errno = 0;
	if (mkdir(dir, 0755) == 0 || errno == EEXIST) {
		if (trust_check(dir, &trust) == -EPERM) {
			log_error(
				"%s: others could hold the lock or replace the control socket: %s "
				"%s %s; or set RUNTIME_DIRECTORY to another directory",
				dir, trust.at, trust.why, trust.at);
			return EXIT_FAILED;
		}
		*ret_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (*ret_fd < 0) {
		bool denied = errno == EACCES || errno == EPERM;

		log_error("%s: %s; this lock keeps a second instance out: run as root, or set "
			  "RUNTIME_DIRECTORY to a directory that can be written to",
			  path, strerror(errno));
		return denied ? EXIT_HOST : EXIT_FAILED;
	}
	if (flock(*ret_fd, LOCK_EX | LOCK_NB) < 0) {
		int running;

		if (errno != EWOULDBLOCK) {
			log_error("%s: the lock cannot be taken: %s; set RUNTIME_DIRECTORY to a "
				  "directory on a local file system, for example below /run",
				  path, strerror(errno));
			return EXIT_FAILED;
		}
		running = paths_running_pid();
		if (running)
			snprintf(pid, sizeof(pid), "%d", running);
		log_error("fastoom-bpf runs already (pid %s, lock %s); stop that one first", pid,
			  path);
		return EXIT_FAILED;
	}
	/* older versions left a lock that every user could open */
	(void)fchmod(*ret_fd, 0600);
	write_pid_file();
	return EXIT_OK;
}

static bool acts_on_cgroups(const struct config *config)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (!config->policies[i].match_node && !config->policies[i].warn_only)
			return true;
	return false;
}

static bool may_kill(const struct config *config)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (!config->policies[i].warn_only && !config->policies[i].dry_run)
			return true;
	return false;
}

int start_rivals(const struct config *config, bool dry_run)
{
	struct host_rival rivals[HOST_RIVALS_MAX];
	size_t n = host_rivals("", rivals, ARRAY_SIZE(rivals));
	bool refuse = !dry_run && may_kill(config) && config->rivals == RIVALS_REFUSE;

	for (size_t i = 0; i < n; i++)
		log_line(refuse ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
			 "%s[%d] is running and kills in the same shortage by its own policy; %s",
			 rivals[i].comm, rivals[i].pid,
			 refuse ? "stop and disable it, or set 'rivals: allow' in the configuration"
				: "both may kill for one shortage");
	return refuse && n ? EXIT_HOST : EXIT_OK;
}

int start_cgroups(struct cgroup_host *ret, const struct config *config, bool *ret_sees_cgroups)
{
	bool needed = acts_on_cgroups(config);
	int err = cgroup_host_open(ret, "");

	if (err && needed) {
		log_error(
			"this host has no memory controller (%s), but the configuration has "
			"policies for cgroups; mount cgroup2, boot without cgroup_disable=memory, "
			"or take them out",
			strerror(-err));
		return EXIT_HOST;
	}
	*ret_sees_cgroups = !err && cgroup_may_open_ids(ret);
	if (!err && needed && !*ret_sees_cgroups) {
		log_error(
			"cgroups cannot be opened by their id: %s; the configuration's policies for "
			"cgroups need that: give it CAP_DAC_READ_SEARCH",
			strerror(EPERM));
		return EXIT_HOST;
	}
	return EXIT_OK;
}

int start_node(struct node *ret)
{
	int err = node_open(ret, "");

	if (err)
		log_error("/proc/meminfo: %s; mount /proc", strerror(-err));
	return err ? EXIT_HOST : EXIT_OK;
}

void start_readers(struct control *control, const struct config *config)
{
	int err = control ? control_set_readers(control, config->readers) : 0;

	if (err)
		log_warn(
			"readers: %s; the readers of the control socket stay as they were; reload again",
			strerror(-err));
}

void start_readers_settled(struct control *control)
{
	struct control_readers *readers = control_take_readers(control);
	const char *then = readers && readers->root_only
				   ? "only root may read the control socket"
				   : "the readers of the control socket stay as they were";

	if (readers && readers->err == -ENOENT)
		log_warn("readers: there is no group %s; %s; create it or name another one, and "
			 "reload",
			 readers->group, then);
	else if (readers && readers->err)
		log_warn("readers: %s: %s; %s", *readers->group ? readers->group : "everyone",
			 strerror(-readers->err), then);
	free(readers);
}

void start_control(struct control **ret, const struct config *config, struct writer *writer)
{
	char path[4096];
	int err;

	paths_socket(path, sizeof(path));
	err = control_open(ret, path, config->readers);
	if (!err)
		writer_tell(writer, *ret);
	else
		log_warn("%s: %s; without it top, status and events -f do not work", path,
			 strerror(-err));
}

void start_warn(const struct cgroup_host *host, bool sees_cgroups, const struct loader *loader)
{
	if (!host->ops)
		log_warn("no memory controller: cgroups are not watched, only the node");
	else if (!sees_cgroups)
		log_warn(
			"cgroups cannot be opened by their id: %s; only the node is watched; give it "
			"CAP_DAC_READ_SEARCH",
			strerror(EPERM));
	if (!loader_has(loader, "fo_task_list"))
		log_warn("the task iterator is not to be had: processes are read from /proc, some "
			 "twenty times slower; fastoom-bpf doctor tells why");
}

void start_notifier(struct notifier **notifier, const struct config *config)
{
	int err;

	if (*notifier || !config->notify_program)
		return;
	err = notifier_start(notifier);
	if (err)
		log_warn("the helper for `notify` cannot be started: %s; nobody is notified",
			 strerror(-err));
}

static int start_loader_exit(int err)
{
	return err == -ENOENT || err == -EPERM || err == -EACCES || err == -ENOPROTOOPT ? EXIT_HOST
											: EXIT_LOAD;
}

int start_loader(struct loader **ret, int cgroup_version)
{
	char why[512] = "out of memory";
	int err = loader_new(ret, cgroup_version, why, sizeof(why));

	if (!err)
		return EXIT_OK;
	log_error("%s", why);
	return start_loader_exit(err);
}

int start_writer(struct writer **ret, const char *asked, const struct config *config,
		 const char **ret_path, char *resolved)
{
	const char *path = asked ? asked : config->events_path, *tried;
	bool by_default = !path;
	int err;

	*resolved = '\0';
	if (by_default)
		path = paths_default_events;
	tried = path;
	err = writer_open(ret, path);
	if (err && by_default) {
		log_warn("%s: %s; events go to the log only; name another file with --events", path,
			 strerror(-err));
		path = NULL;
		err = writer_open(ret, NULL);
	}
	if (err) {
		log_error("%s: %s; the event file must be writable, or name another with --events",
			  tried, strerror(-err));
		return EXIT_FAILED;
	}
	if (path && !realpath(path, resolved))
		*resolved = '\0';
	*ret_path = path;
	return EXIT_OK;
}

void start_report(const struct loader *loader, const struct config *config, int cgroup_version,
		  const struct reporter *reporter)
{
	static const char *const pressures[] = {"low", "medium", "high"};
	size_t n, attached = 0;
	const struct loader_hook *hooks = loader_hooks(loader, &n);
	char text[256];

	for (size_t i = 0; i < n; i++) {
		attached += hooks[i].state == 0;
		if (hooks[i].state)
			log_info("without %s: %s", hooks[i].target,
				 hooks[i].state == -ENOENT ? "this kernel has no such place"
							   : strerror(-hooks[i].state));
	}
	for (size_t i = 0; i < config->policy_count; i++) {
		const struct policy *policy = &config->policies[i];

		log_info("policy %s: %s%s, %s%s", policy->name,
			 policy->match_node   ? "the node"
			 : policy->match_pods ? "pods"
					      : "cgroups ",
			 policy->match_cgroup ? policy->match_cgroup : "",
			 policy->warn_only ? "warned of, never acted on"
					   : pressures[policy->pressure],
			 policy->dry_run ? ", dry run" : "");
	}
	snprintf(text, sizeof(text), "%zu of %zu hooks, cgroup v%d%s", attached, n, cgroup_version,
		 reporter->dry_run ? ", dry run: nothing is killed" : "");
	log_info("watching: %s", text);
	report_message(reporter, NULL, "start", text);
}
