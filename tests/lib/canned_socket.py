#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""
canned_socket.py SOCKET SNAPSHOT

Serves a control socket that answers every request with one snapshot, so that screens of top can be
compared. The time of the snapshot is set to the present.
"""
import json
import socket
import sys
import threading
import time


def serve(conn, snapshot):
    conn.settimeout(60)
    data = b""
    while True:
        try:
            piece = conn.recv(4096)
        except OSError:
            return
        if not piece:
            return
        data += piece
        while b"\0" in data:
            request, data = data.split(b"\0", 1)
            method = json.loads(request)["method"]
            snapshot["mono_ns"] = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            if method.endswith(".Watch"):
                reply = {"parameters": {"snapshot": snapshot}, "continues": True}
            else:
                reply = {"parameters": {"status": snapshot}}
            conn.sendall(json.dumps(reply).encode() + b"\0")


def main():
    if len(sys.argv) != 3:
        print("usage: canned_socket.py SOCKET SNAPSHOT", file=sys.stderr)
        sys.exit(2)
    with open(sys.argv[2], encoding="utf-8") as file:
        snapshot = json.load(file)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    listener.listen(4)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, snapshot), daemon=True).start()


main()
