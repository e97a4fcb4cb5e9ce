/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * eyes: when the wide eyes are opened and shut. Attaching takes tens of ms and may wait for
 * memory, so the aide does it.
 */
#ifndef FASTOOM_CLI_EYES_H
#define FASTOOM_CLI_EYES_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Once a tick: @needed is whether any scope wants them. */
void eyes_manage(struct daemon *daemon, bool needed, uint64_t now_ns);

#endif /* FASTOOM_CLI_EYES_H */
