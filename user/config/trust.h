/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trust: whether only root and the user of this process can change the configuration in force: the
 * file, the drop-ins, their folder, and the `notify` program, which the daemon executes.
 *
 * Purity:    reads the file system.
 * Units:     none.
 * Errors:    0; -EPERM: other users can change it, with one line in errors for each path; -ENOMEM.
 *            A missing file is no error here.
 * Ownership: arguments are borrowed.
 */
#ifndef FASTOOM_CONFIG_TRUST_H
#define FASTOOM_CONFIG_TRUST_H

struct config;
struct config_errors;

/* @path: the configuration file; @config: what was read from it. */
int config_check_trust(const char *path, const struct config *config, struct config_errors *errors);

#endif /* FASTOOM_CONFIG_TRUST_H */
