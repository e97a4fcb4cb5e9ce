/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * victims_view: the processes of a scope, ranked as the daemon ranks them.
 *
 * Purity:    reads the host; runs a helper thread that reads command lines.
 * Units:     *_ns, *_bytes.
 * Errors:    an exit code; the message is logged.
 * Ownership: victims_view_open() gives, victims_view_close() takes, also after an error. The
 *            ranking lives until then.
 */
#ifndef FASTOOM_CLIENT_VICTIMS_VIEW_H
#define FASTOOM_CLIENT_VICTIMS_VIEW_H

#include <stddef.h>
#include <stdint.h>

struct config;
struct loader;
struct policy;
struct victim;
struct victims_view;

struct victims_ranking {
	const char *scope; /* as it was asked for */
	const char *path;  /* of its cgroup; NULL: the node */
	const struct policy *policy;
	uint64_t total_bytes; /* of the scope's memory */
	const struct victim *victims;
	size_t count;
	size_t eligible;  /* the first so many may be killed, in this order */
	uint64_t missing; /* processes for which the list has no room */
};

/*
 * @loader, @config: the caller's, until victims_view_close(). @host_root: where the host's root is
 * mounted; "": here.
 */
int victims_view_open(struct victims_view **ret, struct loader *loader, const struct config *config,
		      const char *host_root);
void victims_view_close(struct victims_view *view);

/* @scope: "node", the path of a cgroup, or NAMESPACE/POD. Measures growth for @over_ns. */
int victims_view_rank(struct victims_view *view, const char *scope, uint64_t over_ns,
		      struct victims_ranking *ret);

#endif /* FASTOOM_CLIENT_VICTIMS_VIEW_H */
