/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * podnames: an index of the names of the pods and containers on this node, from the file system.
 *
 * Sources: /var/log/pods/NAMESPACE_POD_UID and /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log
 * of the kubelet, and the config.json of each container in the state directory of containerd (also
 * of k3s) or CRI-O, which also says which containers are sandboxes. inotify reports changes.
 *
 * A worker scans these, because /var/log is on a disk and can block for seconds when memory is
 * short. It builds a second index, which podnames_turn() exchanges with the one in use.
 *
 * Purity:    reads directories and files below @root.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno. Entries beyond the limits of the index are counted.
 * Ownership: podnames_new() gives, podnames_free() takes. Names point into the index and are valid
 *            until podnames_turn() returns true.
 */
#ifndef FASTOOM_SENSE_PODNAMES_H
#define FASTOOM_SENSE_PODNAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct podnames;
struct worker;

/* NULL: the name is not known. */
struct pod_name {
	const char *namespace;
	const char *pod;
};

struct container_name {
	struct pod_name pod;
	const char *container; /* NULL for a sandbox */
	bool sandbox;
};

/*
 * @root: directory of the node's file system, "" for the daemon's own. @worker scans; NULL:
 * podnames_turn() scans itself. -ENAMETOOLONG.
 */
int podnames_new(struct podnames **ret, const char *root, struct worker *worker);
/* The worker must have stopped. */
void podnames_free(struct podnames *names);

/* The inotify descriptor, -1: none. When it is readable, call podnames_drain(). */
int podnames_fd(const struct podnames *names);
void podnames_drain(struct podnames *names);

/* Starts a scan if something changed, and takes its index over. True: the index is a new one. */
bool podnames_turn(struct podnames *names, uint64_t now_ns);

/* False: not in the index. Then podnames_turn() scans again, but at most every 2 s. */
bool podnames_pod(struct podnames *names, const char *uid, struct pod_name *ret);
bool podnames_container(struct podnames *names, const char *id, struct container_name *ret);

/* How many entries of the last scan did not fit into the index. */
uint64_t podnames_overflow(const struct podnames *names);

/*
 * Pure: finds "KEY": "VALUE" in the config.json of a runtime. False: there is none, or the value
 * is longer than @size - 1 or has an escape, which names never have.
 */
bool podnames_annotation(const char *json, const char *key, char *value, size_t size);

#endif /* FASTOOM_SENSE_PODNAMES_H */
