// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/mutes.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "event.h"

static int remove_key(int fd, uint64_t scope)
{
	return bpf_map_delete_elem(fd, &scope) < 0 && errno != ENOENT ? -errno : 0;
}

static int change(const struct mutes *mutes, const struct mute *mute)
{
	struct fo_hot hot = {0};
	int err, reach_err;

	if (!mute->until_ns) {
		err = remove_key(mutes->hot_fd, mute->scope);
		reach_err = remove_key(mutes->reach_fd, mute->scope);
		return err ? err : reach_err;
	}
	if (bpf_map_lookup_elem(mutes->hot_fd, &mute->scope, &hot) < 0 && errno != ENOENT)
		return -errno;
	hot.muted_until_ns = mute->until_ns;
	return bpf_map_update_elem(mutes->hot_fd, &mute->scope, &hot, BPF_ANY) < 0 ? -errno : 0;
}

static void count_failure(struct mutes *mutes, int err)
{
	mutes->failed++;
	mutes->error = err;
}

static void change_or_keep(struct mutes *mutes, struct mute mute)
{
	int err = change(mutes, &mute);

	mutes_forget(mutes, mute.scope);
	if (!err)
		return;
	count_failure(mutes, err);
	if (mutes->pending_count < MUTES_PENDING_MAX)
		mutes->pending[mutes->pending_count++] = mute;
}

void mutes_set(struct mutes *mutes, uint64_t scope, uint64_t until_ns)
{
	change_or_keep(mutes, (struct mute){scope, until_ns});
}

void mutes_clear(struct mutes *mutes, uint64_t scope)
{
	change_or_keep(mutes, (struct mute){scope, 0});
}

void mutes_set_reach(struct mutes *mutes, uint64_t scope, const struct fo_reach *reach)
{
	if (bpf_map_update_elem(mutes->reach_fd, &scope, reach, BPF_ANY) < 0)
		count_failure(mutes, -errno);
}

void mutes_forget(struct mutes *mutes, uint64_t scope)
{
	size_t left = 0;

	for (size_t i = 0; i < mutes->pending_count; i++)
		if (mutes->pending[i].scope != scope)
			mutes->pending[left++] = mutes->pending[i];
	mutes->pending_count = left;
}

size_t mutes_retry(struct mutes *mutes)
{
	size_t left = 0;

	for (size_t i = 0; i < mutes->pending_count; i++)
		if (change(mutes, &mutes->pending[i]))
			mutes->pending[left++] = mutes->pending[i];
	mutes->pending_count = left;
	return left;
}
