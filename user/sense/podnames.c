// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/podnames.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/util.h"
#include "base/worker.h"
#include "sense/pod.h"

/* The kubelet runs 110 pods by default and supports 500; chosen: four containers each. */
#define PODS_MAX       1024
#define CONTAINERS_MAX 4096
/* Bytes of all names; a namespace or container has at most 63, a pod 253, most have 20. */
#define TEXT_MAX (256 * 1024)
/* A config.json has 10 to 40 kB, with the annotations near its end. */
#define CONFIG_MAX (256 * 1024)
/* Shortest time between scans for an unknown name; chosen. */
#define SCAN_INTERVAL_NS 2000000000ULL

#define NO_TEXT 0 /* the offset of no text */

struct pod_entry {
	char uid[POD_UID_MAX];
	uint32_t namespace;
	uint32_t pod;
};

struct container_entry {
	char id[POD_ID_MAX];
	bool sandbox;
	uint32_t namespace;
	uint32_t pod;
	uint32_t container;
};

/* The arrays are sorted when the scan is complete. */
struct index {
	struct pod_entry pods[PODS_MAX];
	struct container_entry containers[CONTAINERS_MAX];
	size_t pod_count;
	size_t container_count;
	size_t text_len;
	uint64_t overflow;
	char text[TEXT_MAX];
};

enum scan_state {
	SCAN_IDLE,
	SCAN_RUNS, /* only the worker uses the back index */
	SCAN_DONE,
};

/* The state directory of a runtime, and the keys of its annotations. */
struct runtime {
	const char *folder; /* has a directory for each container */
	const char *config; /* below the container's directory */
	const char *type;   /* its value is "sandbox" for a sandbox */
	const char *namespace;
	const char *pod;
	const char *uid;
	const char *container;
};

#define CRI "io.kubernetes.cri."

static const struct runtime runtimes[] = {
	{"/run/containerd/io.containerd.runtime.v2.task/k8s.io", "config.json",
	 CRI "container-type", CRI "sandbox-namespace", CRI "sandbox-name", CRI "sandbox-uid",
	 CRI "container-name"},
	{"/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io", "config.json",
	 CRI "container-type", CRI "sandbox-namespace", CRI "sandbox-name", CRI "sandbox-uid",
	 CRI "container-name"},
	{"/run/containers/storage/overlay-containers", "userdata/config.json",
	 "io.kubernetes.cri-o.ContainerType", "io.kubernetes.pod.namespace",
	 "io.kubernetes.pod.name", "io.kubernetes.pod.uid", "io.kubernetes.container.name"},
};

#define LOG_PODS       "/var/log/pods"
#define LOG_CONTAINERS "/var/log/containers"

struct podnames {
	char root[PATH_MAX / 2];
	struct worker *worker;
	struct index *front; /* in use */
	struct index *back;  /* the scan builds it */
	char *config;	     /* buffer of the scan */
	int inotify_fd;
	atomic_int state;
	bool stale;  /* something changed */
	bool missed; /* a lookup failed */
	uint64_t scanned_ns;
};

int podnames_new(struct podnames **ret, const char *root, struct worker *worker)
{
	struct podnames *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->inotify_fd = -1;
	names->worker = worker;
	names->stale = true;
	names->front = calloc(1, sizeof(*names->front));
	names->back = calloc(1, sizeof(*names->back));
	names->config = malloc(CONFIG_MAX);
	if (!names->front || !names->back || !names->config ||
	    strlen(root) >= sizeof(names->root)) {
		podnames_free(names);
		return strlen(root) >= sizeof(names->root) ? -ENAMETOOLONG : -ENOMEM;
	}
	strcpy(names->root, root);
	names->front->text_len = 1;
	/* without inotify, a failed lookup starts a scan */
	names->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	*ret = names;
	return 0;
}

void podnames_free(struct podnames *names)
{
	if (!names)
		return;
	if (names->inotify_fd >= 0)
		close(names->inotify_fd);
	free(names->front);
	free(names->back);
	free(names->config);
	free(names);
}

int podnames_fd(const struct podnames *names)
{
	return names->inotify_fd;
}

void podnames_drain(struct podnames *names)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	/* a scan reads everything, so the events themselves do not matter */
	while (read(names->inotify_fd, events, sizeof(events)) > 0)
		names->stale = true;
}

/* ---- the index ---- */

static int compare_pods(const void *a, const void *b)
{
	return strcmp(((const struct pod_entry *)a)->uid, ((const struct pod_entry *)b)->uid);
}

static int compare_containers(const void *a, const void *b)
{
	return strcmp(((const struct container_entry *)a)->id,
		      ((const struct container_entry *)b)->id);
}

static const struct pod_entry *find_pod(const struct index *index, const char *uid)
{
	struct pod_entry key;

	snprintf(key.uid, sizeof(key.uid), "%s", uid);
	return bsearch(&key, index->pods, index->pod_count, sizeof(key), compare_pods);
}

static const struct container_entry *find_container(const struct index *index, const char *id)
{
	struct container_entry key;

	snprintf(key.id, sizeof(key.id), "%s", id);
	return bsearch(&key, index->containers, index->container_count, sizeof(key),
		       compare_containers);
}

static uint32_t add_text(struct index *index, const char *text, size_t len)
{
	uint32_t at = (uint32_t)index->text_len;

	if (!len)
		return NO_TEXT;
	if (index->text_len + len + 1 > TEXT_MAX) {
		index->overflow++;
		return NO_TEXT;
	}
	memcpy(index->text + at, text, len);
	index->text[at + len] = '\0';
	index->text_len += len + 1;
	return at;
}

static const char *text_at(const struct index *index, uint32_t offset)
{
	return offset == NO_TEXT ? NULL : index->text + offset;
}

/* The characters of the names of Kubernetes objects: DNS subdomains (RFC 1123). */
static bool is_name(const char *text, size_t len)
{
	return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") >= len;
}

static void add_pod(struct index *index, const char *uid, const char *namespace, size_t ns_len,
		    const char *pod, size_t pod_len)
{
	struct pod_entry *entry;

	if (!is_name(namespace, ns_len) || !is_name(pod, pod_len))
		return;
	if (index->pod_count == PODS_MAX) {
		index->overflow++;
		return;
	}
	entry = &index->pods[index->pod_count++];
	snprintf(entry->uid, sizeof(entry->uid), "%s", uid);
	entry->namespace = add_text(index, namespace, ns_len);
	entry->pod = add_text(index, pod, pod_len);
	if (entry->namespace == NO_TEXT || entry->pod == NO_TEXT)
		index->pod_count--; /* add_text() has counted it */
}

static struct container_entry *add_container(struct index *index, const char *id)
{
	struct container_entry *entry;

	if (index->container_count == CONTAINERS_MAX) {
		index->overflow++;
		return NULL;
	}
	entry = &index->containers[index->container_count++];
	*entry = (struct container_entry){0};
	snprintf(entry->id, sizeof(entry->id), "%s", id);
	return entry;
}

/* ---- scanning ---- */

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

static DIR *open_folder(const struct podnames *names, const char *folder, char *path, size_t size)
{
	snprintf(path, size, "%s%s", names->root, folder);
	/* before the scan, so that a change during the scan is reported */
	if (names->inotify_fd >= 0)
		(void)inotify_add_watch(names->inotify_fd, path,
					IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
						IN_ONLYDIR);
	return opendir(path);
}

/*
 * NAMESPACE_POD_UID; names of Kubernetes have no underscore. Other files and names in the directory
 * are not the kubelet's.
 */
static void read_log_pods(struct podnames *names)
{
	char path[PATH_MAX];
	DIR *dir = open_folder(names, LOG_PODS, path, sizeof(path));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name, *pod = strchr(name, '_'), *uid;

		uid = pod ? strchr(pod + 1, '_') : NULL;
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		if (!uid || strlen(uid + 1) >= POD_UID_MAX || strchr(uid + 1, '_'))
			continue;
		add_pod(names->back, uid + 1, name, (size_t)(pod - name), pod + 1,
			(size_t)(uid - pod - 1));
	}
	if (dir)
		closedir(dir);
}

/* Drops containers with two names; the config.json of the runtime then gives the name. */
static void drop_ambiguous_containers(struct index *index)
{
	size_t kept = 0;

	for (size_t from = 0, to; from < index->container_count; from = to) {
		for (to = from + 1; to < index->container_count; to++)
			if (compare_containers(&index->containers[from], &index->containers[to]))
				break;
		if (to == from + 1)
			index->containers[kept++] = index->containers[from];
	}
	index->container_count = kept;
}

/* POD_NAMESPACE_CONTAINER-ID.log */
static void read_log_containers(struct podnames *names)
{
	char path[PATH_MAX];
	DIR *dir = open_folder(names, LOG_CONTAINERS, path, sizeof(path));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const size_t id_len = POD_ID_MAX - 1;
		char *name = entry->d_name, *namespace = strchr(name, '_'), *container;
		size_t len = strlen(name);
		struct container_entry *into;

		container = namespace ? strchr(namespace + 1, '_') : NULL;
		if (!container || len < id_len + 5 || strcmp(name + len - 4, ".log") != 0)
			continue;
		name[len - 4] = '\0';
		name += len - 4 - id_len;
		if (name <= container + 1 || name[-1] != '-' || !is_hex(name, id_len))
			continue;
		if (!is_name(entry->d_name, (size_t)(namespace - entry->d_name)) ||
		    !is_name(namespace + 1, (size_t)(container - namespace - 1)) ||
		    !is_name(container + 1, (size_t)(name - 1 - container - 1)))
			continue;
		into = add_container(names->back, name);
		if (!into)
			continue;
		into->pod =
			add_text(names->back, entry->d_name, (size_t)(namespace - entry->d_name));
		into->namespace =
			add_text(names->back, namespace + 1, (size_t)(container - namespace - 1));
		into->container =
			add_text(names->back, container + 1, (size_t)(name - 1 - container - 1));
	}
	if (dir)
		closedir(dir);
}

bool podnames_annotation(const char *json, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key), len;

	/* inside a string (the environment of a container, say) the quotes would be escaped */
	for (const char *at = json; (at = strstr(at, key)); at += key_len) {
		const char *p = at + key_len;

		if (at == json || at[-1] != '"' || *p != '"' || (at - 1 > json && at[-2] == '\\'))
			continue;
		p += 1 + strspn(p + 1, " \t\n");
		if (*p != ':')
			continue;
		p += 1 + strspn(p + 1, " \t\n");
		if (*p != '"')
			continue;
		len = strcspn(++p, "\"\\");
		if (p[len] != '"' || len >= size)
			return false;
		memcpy(value, p, len);
		value[len] = '\0';
		return true;
	}
	return false;
}

static bool read_config(struct podnames *names, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && len < CONFIG_MAX - 1 && n > 0) {
		n = read(fd, names->config + len, CONFIG_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	names->config[len] = '\0';
	return len > 0;
}

static uint32_t copy_text(struct podnames *names, uint32_t offset)
{
	const char *text = text_at(names->front, offset);

	return text ? add_text(names->back, text, strlen(text)) : NO_TEXT;
}

/* Copies a container from the index in use: its config.json does not change. */
static bool copy_known(struct podnames *names, const char *id)
{
	const struct container_entry *known = find_container(names->front, id);
	struct container_entry *entry;

	if (!known || (!known->sandbox && known->container == NO_TEXT))
		return false;
	entry = add_container(names->back, id);
	if (!entry)
		return true;
	entry->sandbox = known->sandbox;
	entry->namespace = copy_text(names, known->namespace);
	entry->pod = copy_text(names, known->pod);
	entry->container = copy_text(names, known->container);
	return true;
}

static bool has_pod(const struct index *index, const char *uid)
{
	for (size_t i = 0; i < index->pod_count; i++)
		if (!strcmp(index->pods[i].uid, uid))
			return true;
	return false;
}

static uint32_t add_annotation(struct podnames *names, const char *key)
{
	char value[256];

	if (!podnames_annotation(names->config, key, value, sizeof(value)))
		return NO_TEXT;
	return add_text(names->back, value, strlen(value));
}

static void read_container(struct podnames *names, const struct runtime *runtime, const char *id,
			   const char *path)
{
	char value[256];
	struct container_entry *entry;

	if (!read_config(names, path) ||
	    !podnames_annotation(names->config, runtime->type, value, sizeof(value)))
		return; /* the kubelet did not create this container */
	entry = add_container(names->back, id);
	if (!entry)
		return;
	entry->sandbox = !strcmp(value, "sandbox");
	entry->namespace = add_annotation(names, runtime->namespace);
	entry->pod = add_annotation(names, runtime->pod);
	if (!entry->sandbox)
		entry->container = add_annotation(names, runtime->container);
	/* the kubelet's log directory can be elsewhere; then this names the pod */
	if (entry->namespace && entry->pod &&
	    podnames_annotation(names->config, runtime->uid, value, POD_UID_MAX) &&
	    !has_pod(names->back, value))
		add_pod(names->back, value, text_at(names->back, entry->namespace),
			strlen(text_at(names->back, entry->namespace)),
			text_at(names->back, entry->pod), strlen(text_at(names->back, entry->pod)));
}

/* @logged: the first containers of the index, sorted; their names are known from /var/log. */
static void read_runtime(struct podnames *names, const struct runtime *runtime, size_t logged)
{
	char folder[PATH_MAX], path[PATH_MAX + 512];
	DIR *dir = open_folder(names, runtime->folder, folder, sizeof(folder));
	struct container_entry key;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strlen(entry->d_name) != POD_ID_MAX - 1 ||
		    !is_hex(entry->d_name, POD_ID_MAX - 1))
			continue;
		snprintf(key.id, sizeof(key.id), "%s", entry->d_name);
		if (bsearch(&key, names->back->containers, logged, sizeof(key),
			    compare_containers) ||
		    copy_known(names, entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", folder, entry->d_name, runtime->config);
		read_container(names, runtime, entry->d_name, path);
	}
	if (dir)
		closedir(dir);
}

/* Drops pods with two names: a policy for one of them would be a guess. */
static void drop_ambiguous(struct index *index)
{
	size_t kept = 0;

	for (size_t from = 0, to; from < index->pod_count; from = to) {
		const struct pod_entry *first = &index->pods[from];
		bool clear = true;

		for (to = from + 1; to < index->pod_count; to++) {
			const struct pod_entry *other = &index->pods[to];

			if (compare_pods(first, other) != 0)
				break;
			clear = clear &&
				!strcmp(text_at(index, first->pod), text_at(index, other->pod)) &&
				!strcmp(text_at(index, first->namespace),
					text_at(index, other->namespace));
		}
		if (clear && kept != from)
			index->pods[kept] = *first;
		kept += clear;
	}
	index->pod_count = kept;
}

static void scan(struct podnames *names)
{
	struct index *index = names->back;
	size_t logged;

	index->pod_count = index->container_count = 0;
	index->text_len = 1;
	index->overflow = 0;
	read_log_pods(names);
	read_log_containers(names);
	qsort(index->containers, index->container_count, sizeof(index->containers[0]),
	      compare_containers);
	drop_ambiguous_containers(index);
	logged = index->container_count;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
		read_runtime(names, &runtimes[i], logged);
	qsort(index->pods, index->pod_count, sizeof(index->pods[0]), compare_pods);
	drop_ambiguous(index);
	qsort(index->containers, index->container_count, sizeof(index->containers[0]),
	      compare_containers);
}

struct scan_request {
	struct podnames *names;
};

static void scan_task(void *argument, size_t len)
{
	struct podnames *names = ((struct scan_request *)argument)->names;

	(void)len;
	scan(names);
	atomic_store(&names->state, SCAN_DONE);
}

bool podnames_turn(struct podnames *names, uint64_t now_ns)
{
	struct scan_request request = {names};
	bool fresh = false;

	if (atomic_load(&names->state) == SCAN_DONE) {
		struct index *swap = names->front;

		names->front = names->back;
		names->back = swap;
		atomic_store(&names->state, SCAN_IDLE);
		fresh = true;
	}
	if (atomic_load(&names->state) != SCAN_IDLE ||
	    !(names->stale || (names->missed && now_ns - names->scanned_ns >= SCAN_INTERVAL_NS)))
		return fresh;
	names->stale = names->missed = false;
	names->scanned_ns = now_ns;
	if (!names->worker) {
		scan(names);
		atomic_store(&names->state, SCAN_DONE);
		return podnames_turn(names, now_ns);
	}
	atomic_store(&names->state, SCAN_RUNS);
	if (worker_give(names->worker, scan_task, &request, sizeof(request))) {
		atomic_store(&names->state, SCAN_IDLE);
		names->stale = true;
	}
	return fresh;
}

bool podnames_pod(struct podnames *names, const char *uid, struct pod_name *ret)
{
	const struct pod_entry *entry = find_pod(names->front, uid);

	if (!entry) {
		names->missed = true;
		return false;
	}
	*ret = (struct pod_name){text_at(names->front, entry->namespace),
				 text_at(names->front, entry->pod)};
	return true;
}

bool podnames_container(struct podnames *names, const char *id, struct container_name *ret)
{
	const struct container_entry *entry = find_container(names->front, id);

	if (!entry) {
		names->missed = true;
		return false;
	}
	*ret = (struct container_name){
		.pod = {text_at(names->front, entry->namespace), text_at(names->front, entry->pod)},
		.container = text_at(names->front, entry->container),
		.sandbox = entry->sandbox,
	};
	return true;
}

uint64_t podnames_overflow(const struct podnames *names)
{
	return names->front->overflow;
}
