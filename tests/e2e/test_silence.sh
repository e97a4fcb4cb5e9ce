#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# scripts/show-silence with one run of 72 s.
set -euo pipefail

exec "${BASH_SOURCE[0]%/*}/../../scripts/show-silence" --runs 1 --seconds 72 --no-low
