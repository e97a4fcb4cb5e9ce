/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * podnames: what the pods and containers of this node are called, without asking anybody.
 *
 * The kubelet and the runtimes leave the names in the file system: /var/log/pods/NS_NAME_UID,
 * /var/log/containers/POD_NS_CONTAINER-ID.log, and each container's config.json in the state
 * directory of containerd (k3s's too) or CRI-O, which also tells which ones are sandboxes.
 * inotify tells of changes. Directories and files are read by another thread, for /var/log is
 * on a disk, and may take seconds when memory is short; the index in use stays as it is
 * meanwhile and is exchanged whole.
 *
 * Purity:    reads directories and files below @root.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno. What finds no place in the index is counted.
 * Ownership: names point into the index, and are valid until podnames_turn() says that it
 *            was exchanged.
 */
#ifndef FASTOOM_SENSE_PODNAMES_H
#define FASTOOM_SENSE_PODNAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct podnames;
struct worker;

/* NULL: not known. */
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
 * @root: where the node's file system is seen, "" for our own. @worker does the reading; NULL:
 * podnames_turn() does it itself.
 */
int podnames_new(struct podnames **ret, const char *root, struct worker *worker);
/* After its worker has stopped. */
void podnames_free(struct podnames *names);

/* inotify's descriptor, for the loop: readable, then podnames_drain(). -1: there is none. */
int podnames_fd(const struct podnames *names);
void podnames_drain(struct podnames *names);

/* Takes over a new index, and has one made when something changed. True: it is a new one. */
bool podnames_turn(struct podnames *names, uint64_t now_ns);

/* False: nothing is known, and the next turn looks again (but not all the time). */
bool podnames_pod(struct podnames *names, const char *uid, struct pod_name *ret);
bool podnames_container(struct podnames *names, const char *id, struct container_name *ret);

/* Pods and containers of the index in use that found no place. */
uint64_t podnames_overflow(const struct podnames *names);

/*
 * Pure: the text of "key": "text" in a runtime's config.json, into @value. False: it is not
 * there, or too long, or not plain (names have no escapes).
 */
bool podnames_annotation(const char *json, const char *key, char *value, size_t size);

#endif /* FASTOOM_SENSE_PODNAMES_H */
