#!/usr/bin/env python3
"""How long one written group takes until it is acknowledged, and so visible.

write_latency.py VESTA DATA... : serves each data path, and puts one group to each in turn, over one
connection each, so that what the machine does meanwhile hits all of them alike. COUNT writes to
each (2000), COUNT in the environment. Prints median, p99 and the longest in milliseconds.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from urllib.parse import urlsplit


def serve(vesta, data):
    process = subprocess.Popen(
        [vesta, "serve", "--data-path", data, "--address", "127.0.0.1:0"]
        + ["--api-address", "127.0.0.1:0", "--assets-path", ""],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    process.stdout.readline()
    return process, urlsplit(process.stdout.readline().split()[-1]).port


def put(connection, token, i):
    m = (i * 7919) % 65536
    body = {
        "profile": "node",
        "selector": {"mac": f"52:55:00:00:{m >> 8:02x}:{m & 255:02x}"},
        "metadata": {"hostname": f"w{i}.example.com", "time": time.time()},
    }
    begin = time.perf_counter()
    connection.request(
        "PUT",
        f"/api/v1/groups/w{m:05d}",
        json.dumps(body),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    response = connection.getresponse()
    answer = response.read()
    took = time.perf_counter() - begin
    if response.status not in (200, 201):
        sys.exit(f"write_latency: {response.status} {answer[:200]}")
    return took * 1000


def at(sorted_times, share):
    return sorted_times[min(len(sorted_times) - 1, int(share * len(sorted_times)))]


def main():
    vesta, *paths = sys.argv[1:]
    count = int(os.environ.get("COUNT", "2000"))
    servers, times = [], {p: [] for p in paths}
    try:
        for path in paths:
            process, port = serve(vesta, path)
            token = open(os.path.join(path, "admin.token"), encoding="ascii").read().strip()
            servers.append((process, http.client.HTTPConnection("127.0.0.1", port), token, path))
        for i in range(count + 20):
            for _, connection, token, path in servers:
                took = put(connection, token, i)
                if i >= 20:
                    times[path].append(took)
    finally:
        for process, *_ in servers:
            process.terminate()
            process.wait()
    first = None
    for path in paths:
        t = sorted(times[path])
        p50, p99 = at(t, 0.5), at(t, 0.99)
        first = first or (p50, p99)
        print(
            f"{os.path.basename(path):12} median {p50:6.2f}  p99 {p99:6.2f}  most {t[-1]:6.2f} ms"
            f"   to the first: {p50 / first[0]:.2f} and {p99 / first[1]:.2f}"
        )


if __name__ == "__main__":
    main()
