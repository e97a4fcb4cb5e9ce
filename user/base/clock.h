/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * clock: reads the kernel's clocks. Code that decides does not call these: it gets the time as an
 * argument.
 *
 * Purity:    reads a clock.
 * Units:     ns.
 * Errors:    none.
 * Ownership: none.
 */
#ifndef FASTOOM_BASE_CLOCK_H
#define FASTOOM_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void); /* CLOCK_MONOTONIC: since boot, without suspend */
uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME: since boot, with suspend */
uint64_t clock_wall_ns(void); /* CLOCK_REALTIME: since 1970, may be stepped; for records only */

#endif /* FASTOOM_BASE_CLOCK_H */
