/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * clock: reads the kernel's clocks. Only what touches the world calls these; everything that
 * decides gets the time as an argument.
 *
 * Purity: reads a clock.
 * Units:  ns.
 * Errors: none.
 */
#ifndef FASTOOM_BASE_CLOCK_H
#define FASTOOM_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME */
uint64_t clock_wall_ns(void); /* CLOCK_REALTIME */

#endif /* FASTOOM_BASE_CLOCK_H */
