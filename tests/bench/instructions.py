#!/usr/bin/env python3
"""Instructions of one request, by callgrind: instructions.py VESTA DATA TARGET [MOST].

Serves under callgrind and counts what a thousand requests over one connection cost, once the server
is warm. "own" is Vesta's code with what it calls in the C library and elsewhere, but
without libmicrohttpd; that is counted with what it calls itself. Says which functions cost most.
With MOST, exits 1 when "own" is more.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

REQUESTS = 1000


def parse(path):
    """Self cost of each (object, function), and inclusive cost of each edge between two."""
    names, selfs, edges = {}, defaultdict(int), defaultdict(int)
    obj = fn = cobj = cfn = None
    call = False

    def name(kind, text):
        m = re.match(r"\((\d+)\)(?: (.*))?", text)
        if m[2] is not None:
            names[kind, m[1]] = m[2]
        return names[kind, m[1]]

    for line in open(path, encoding="utf-8", errors="replace"):
        line = line.rstrip("\n")
        if line.startswith("ob="):
            obj = name("ob", line[3:])
        elif line.startswith("fn="):
            fn = (obj, name("fn", line[3:]))
            cobj = None
        elif line.startswith("cob="):
            cobj = name("ob", line[4:])
        elif line.startswith("cfn="):
            cfn = (cobj or obj, name("fn", line[4:]))
            cobj = None
        elif line.startswith(("fl=", "fi=", "fe=")):
            name("fl", line[3:])
        elif line.startswith(("cfi=", "cfl=")):
            name("fl", line[4:])
        elif line.startswith("calls="):
            call = True
        elif line and line[0] in "0123456789+-*":
            cost = int(line.split()[1]) if len(line.split()) > 1 else 0
            if call:
                edges[fn, cfn] += cost
            else:
                selfs[fn] += cost
            call = False
    return selfs, edges


def head(target):
    return f"GET {target} HTTP/1.1\r\nHost: vesta.example.com\r\nUser-Agent: iPXE/1.21.1\r\n\r\n"


def ask(port, target, n):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    request = head(target).encode()
    rest = b""
    for _ in range(n):
        s.sendall(request)
        while b"\r\n\r\n" not in rest:
            rest += s.recv(65536)
        top, rest = rest.split(b"\r\n\r\n", 1)
        assert top.startswith(b"HTTP/1.1 200"), top
        length = int(re.search(rb"(?i)content-length: (\d+)", top)[1])
        while len(rest) < length:
            rest += s.recv(65536)
        rest = rest[length:]
    s.close()


def count(vesta, data, target, folder):
    """What REQUESTS requests cost, counted from when the server is warm."""
    out = Path(folder) / "callgrind"
    process = subprocess.Popen(
        ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}", vesta, "serve"]
        + ["--data-path", data, "--threads", "1", "--address", "127.0.0.1:0"]
        + ["--api-address", "127.0.0.1:0", "--assets-path", "", "--no-sandbox"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = urlsplit(process.stdout.readline().split()[-1]).port
        process.stdout.readline()
        ask(port, target, 50)
        subprocess.run(["callgrind_control", "-z", str(process.pid)], check=True, stdout=subprocess.DEVNULL)
        ask(port, target, REQUESTS)
        subprocess.run(["callgrind_control", "-d", str(process.pid)], check=True, stdout=subprocess.DEVNULL)
    finally:
        process.terminate()
        process.wait()
    return parse(f"{out}.1")


def main():
    vesta, data, target = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as folder:
        selfs, edges = count(vesta, data, target, folder)
    selfs = {k: v / REQUESTS for k, v in selfs.items()}
    edges = {k: v / REQUESTS for k, v in edges.items()}
    own_object = os.path.realpath(vesta)

    def kind(function):
        obj = function[0] or ""
        if os.path.realpath(obj) == own_object:
            return "own"
        return "mhd" if "libmicrohttpd" in obj else "other"

    parts, total = defaultdict(float), sum(selfs.values())
    for k, v in selfs.items():
        if kind(k) != "other":
            parts[k] += v
    for (a, b), v in edges.items():
        if kind(a) != "other" and kind(b) == "other":
            parts[a[0], f"{a[1]} -> {b[1]}"] += v
    sums = defaultdict(float)
    for k, v in parts.items():
        sums[kind(k)] += v
    own, mhd = sums["own"], sums["mhd"]
    print(f"{target.split('?')[0]}: {total:.0f} instructions a request: own {own:.0f}, "
          f"libmicrohttpd {mhd:.0f}, others {total - own - mhd:.0f}")
    for which in "own", "mhd":
        top = sorted((x for x in parts.items() if kind(x[0]) == which), key=lambda x: -x[1])
        for k, v in top[: int(os.environ.get("TOP", "8"))]:
            print(f"  {v:7.0f}  {which}  {k[1]}")
    return len(sys.argv) > 4 and own > int(sys.argv[4])


if __name__ == "__main__":
    sys.exit(main())
