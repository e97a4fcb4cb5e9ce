#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# scripts/show-rules with two runs.
set -euo pipefail

exec "${BASH_SOURCE[0]%/*}/../../scripts/show-rules" --runs 2
