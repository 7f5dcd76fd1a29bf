#!/usr/bin/env python3
"""Writes groups at a steady rate until it is told to stop: write_rate.py URL TOKEN RATE [BYTES].

BYTES of metadata in each, 0 if it is not given; those with and those without are other groups.
"""

import http.client
import json
import signal
import sys
import time
from urllib.parse import urlsplit


class Stop(Exception):
    pass


def stop(*_):
    raise Stop


def main():
    url, token, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
    filler = "x" * int(sys.argv[4]) if len(sys.argv) > 4 else ""
    name, octet = ("large", 57) if filler else ("rate", 56)
    at = urlsplit(url)
    signal.signal(signal.SIGTERM, stop)
    times = []
    try:
        c = http.client.HTTPConnection(at.hostname, at.port)
        begin = time.perf_counter()
        i = 0
        while True:
            time.sleep(max(0, begin + i / rate - time.perf_counter()))
            began = time.perf_counter()
            body = {"profile": "node", "selector": {"mac": f"52:{octet}:00:00:00:{i % 200:02x}"},
                    "metadata": {"n": time.time(), "filler": filler}}  # fmt: skip
            c.request("PUT", f"/api/v1/groups/{name}{i % 200}", json.dumps(body),
                      {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})  # fmt: skip
            answer = c.getresponse()
            answer.read()
            if answer.status not in (200, 201):
                print(f"write_rate: {answer.status}")
                return 1
            times.append((time.perf_counter() - began) * 1e3)
            i += 1
    except Stop:
        pass
    times.sort()
    if times:
        took = time.perf_counter() - begin
        print(
            f"  {len(times)} writes meanwhile, {len(times) / took:.0f} a second; acknowledged:"
            f" median {times[len(times) // 2]:.2f}, p99 {times[len(times) * 99 // 100]:.2f},"
            f" most {times[-1]:.2f} ms"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
