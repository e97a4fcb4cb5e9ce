#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""
validate.py SCHEMA FILE

Validates each line of FILE, an object in JSON, against a JSON Schema. Prints one line per error, and the
number of lines; fails if there are errors or no lines. Exits 77 if jsonschema is not installed.
"""
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    print("python3 has no jsonschema")
    sys.exit(77)

SHARED = "record.schema.json"


def load(path):
    """The schema with the definitions that it takes from record.schema.json."""
    with open(path, encoding="utf-8") as file:
        schema = json.loads(file.read().replace(f'"{SHARED}#', '"#'))
    with open(os.path.join(os.path.dirname(path), SHARED), encoding="utf-8") as file:
        schema["$defs"] = json.load(file)["$defs"] | schema.get("$defs", {})
    return schema


if len(sys.argv) != 3:
    print("usage: validate.py SCHEMA FILE", file=sys.stderr)
    sys.exit(2)
schema = load(sys.argv[1])
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
lines = bad = 0
with open(sys.argv[2], encoding="utf-8") as file:
    for line in file:
        lines += 1
        for error in validator.iter_errors(json.loads(line)):
            bad += 1
            print(f"{sys.argv[2]}:{lines}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
print(f"{lines} lines, {bad} errors")
sys.exit(bad > 0 or lines == 0)
