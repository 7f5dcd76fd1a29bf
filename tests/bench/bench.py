#!/usr/bin/env python3
"""Speed beside nginx, scale, memory, boot storms: bench.py PROGRAMS VESTA [PART]...

PROGRAMS is the folder of site_gen and storm. Parts: documents scale assets shapes start writes
checkpoints bulk storm instructions; without one, all. The server has core 0 and the client core 1. What is compared runs
in turn, A B A B …, after one run that does not count; a row says the median of the ratios, the
lowest and the highest. Ratios above 1 mean that Vesta is faster. nginx serves a static file of the
same bytes, with sendfile and without an access log; Vesta matches, renders and writes its log.

A row ends in "noisy" when others had more than 5 % of the server's core while it was measured: its
ratios are then not to be believed. ROUNDS (5), SECONDS_EACH (2) and SIZES (1 1000 100000 1000000)
may be set in the environment. Exits 1 if a goal was missed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = float(os.environ.get("SECONDS_EACH", "2"))
SIZES = [int(n) for n in os.environ.get("SIZES", "1 1000 100000 1000000").split()]
HERE = Path(__file__).resolve().parent
WORK = Path(os.environ.get("WORK", "build/bench")).resolve()
HZ = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
NOISE = 0.05

NGINX = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log;
worker_rlimit_nofile 40000;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    default_type text/plain;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    server {{ listen 127.0.0.1:{port} backlog=4096; root html; }}
}}
"""


# --- processes ---


def pinned(core, *command, **more):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], **more)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / HZ


def busy_seconds(core):
    """What a core did for anybody, and what the hypervisor gave to others."""
    for line in Path("/proc/stat").read_text().splitlines():
        fields = line.split()
        if fields[0] == f"cpu{core}":
            n = list(map(int, fields[1:]))
            return (sum(n[:3]) + n[5] + n[6] + n[7]) / HZ
    return 0


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


class Server:
    def __init__(self, process, url):
        self.process, self.url = process, url
        self.pids = [process.pid]

    def add_children(self):
        out = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout
        self.pids += map(int, out.split())

    def memory(self, what="VmRSS"):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+)", text)[1]) * 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def vesta(binary, data, *flags):
    with open(WORK / "vesta.log", "wb") as log:
        process = pinned(
            SERVER_CORE, binary, "serve", "--data-path", data, "--threads", "1", "--address",
            "127.0.0.1:0", "--api-address", "127.0.0.1:0", *flags,
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    lines = [process.stdout.readline() for _ in range(2)]
    if not lines[1]:
        sys.exit(f"bench: vesta did not start, see {WORK}/vesta.log")
    server = Server(process, lines[0].split()[-1])
    server.api = lines[1].split()[-1]
    return server


def nginx():
    root = WORK / "nginx"
    (root / "html").mkdir(parents=True, exist_ok=True)
    port = next(p for p in range(18200, 18300) if not in_use(p))
    (root / "nginx.conf").write_text(NGINX.format(port=port))
    with open(root / "stderr", "wb") as err:
        process = pinned(SERVER_CORE, "nginx", "-p", root, "-c", "nginx.conf", stderr=err)
    server = Server(process, f"http://127.0.0.1:{port}")
    server.html = root / "html"
    (server.html / "up").write_text("up\n")
    for _ in range(200):
        try:
            get(server.url + "/up")
            break
        except OSError:
            time.sleep(0.05)
    server.add_children()
    return server


def in_use(port):
    return any(f":{port:04X} " in line for line in Path("/proc/net/tcp").read_text().splitlines())


def site(programs, name, groups, *options):
    """The data path of a site, made once."""
    data = WORK / f"site-{name}"
    if not (data / "done").exists():
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run([programs / "site_gen", data, str(groups), *options], check=True)
        (data / "done").touch()
    return data


# --- one measurement ---


class Run:
    """What wrk and the clock of a server's process say of some seconds."""

    def __init__(self, server, url, connections=64, script=()):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS:g}s", "--latency", "--timeout", "60s"]
        if script:
            command += ["-s", str(HERE / "machines.lua"), url, "--", *map(str, script)]
        else:
            command.append(url)
        began, cpu, busy = time.monotonic(), cpu_seconds(server.pids), busy_seconds(SERVER_CORE)
        out = subprocess.run(
            ["taskset", "-c", str(CLIENT_CORE), *command], capture_output=True, text=True, check=True
        ).stdout
        took = time.monotonic() - began
        own = cpu_seconds(server.pids) - cpu
        self.noise = max(0, busy_seconds(SERVER_CORE) - busy - own) / took
        requests = int(re.search(r"(\d+) requests in", out)[1])
        self.bytes = size_of(re.search(r"Transfer/sec:\s+(\S+)", out)[1])
        self.cpu_mib = own / took / max(1, self.bytes) * 2**20 * 1e6
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
        self.cpu_us = own / max(1, requests) * 1e6
        self.p99_ms = milliseconds(re.search(r"\n\s+99%\s+(\S+)", out)[1])
        self.most_ms = milliseconds(re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", out)[1])
        if "Non-2xx" in out or "Socket errors" in out:
            print(f"bench: bad answers from {url}:\n{out}", file=sys.stderr)
            failures.append(f"bad answers from {url}")


def size_of(text):
    number, unit = re.match(r"([\d.]+)([KMGT]?)B", text).groups()
    return float(number) * 1024 ** " KMGT".index(unit or " ")


def milliseconds(text):
    number, unit = re.match(r"([\d.]+)(\D+)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]


failures, results = [], []


def say(name, text, value, goal, at_most=False, noise=0.0):
    """A row, and what it is measured against. A goal of None is only shown."""
    missed = goal is not None and (value > goal if at_most else value < goal)
    if missed:
        failures.append(name)
    sign = "at most" if at_most else "at least"
    verdict = "" if goal is None else f"  {'MISSED' if missed else 'good'}: {sign} {goal:g}"
    print(f"{name:44} {text}{verdict}{'  noisy' if noise > NOISE else ''}", flush=True)
    results.append({"name": name, "value": value, "goal": goal, "missed": missed, "noise": noise})


def compare(name, a, b, goal, at_most=False, of="rate", p99_goal=None):
    """a and b make one Run each; shown is a's to b's."""
    a(), b()
    pairs = [(a(), b()) for _ in range(ROUNDS)]
    ratios = [getattr(x, of) / max(1e-9, getattr(y, of)) for x, y in pairs]
    x_cpu, y_cpu = median(x.cpu_us for x, _ in pairs), median(y.cpu_us for _, y in pairs)
    x_rate = median(x.rate for x, _ in pairs)
    x99, y99 = median(x.p99_ms for x, _ in pairs), median(y.p99_ms for _, y in pairs)
    noise = median(max(x.noise, y.noise) for x, y in pairs)
    text = f"{median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    if of == "bytes":
        x_cpu, y_cpu = median(x.cpu_mib for x, _ in pairs), median(y.cpu_mib for _, y in pairs)
        rate = median(x.bytes for x, _ in pairs) / 2**20
        text += f"  CPU {x_cpu:.1f} / {y_cpu:.1f} us a MiB  {rate:.0f} MiB/s"
    else:
        text += f"  CPU {x_cpu:.1f} / {y_cpu:.1f} us  {x_rate:.0f}/s  p99 {x99:.2f} / {y99:.2f} ms"
    say(name, text, median(ratios), goal, at_most, noise)
    if p99_goal:
        say(f"{name}, p99 to nginx's", f"{x99 / y99:5.2f}", x99 / y99, p99_goal, True, noise)
    return x_cpu


# --- parts ---

LABELS = "uuid=4c4c4544-0042-3510-8052-b4c04f4a3132&serial=ABC123&hostname=n0&domain=example.com&arch=x86_64"


def first_mac():
    return "mac=52-54-00-00-00-01"  # of group 0 with seed 1


def beside_nginx(v, n, name, path, goal, script=(), p99_goal=None):
    """A path of Vesta's against a file of what it answers."""
    body = get(f"{v.url}{path}?{first_mac()}&{LABELS}")
    (n.html / "same").write_bytes(body)
    url = v.url if script else f"{v.url}{path}?{first_mac()}&{LABELS}"
    return compare(
        f"{name} ({len(body)} bytes)",
        lambda: Run(v, url, script=script),
        lambda: Run(n, n.url + "/same"),
        goal,
        p99_goal=p99_goal,
    )


def documents(programs, binary, n):
    print(f"\nBeside nginx, 64 connections, {ROUNDS} rounds of {SECONDS:g} s, requests a second:")
    for size in SIZES:
        machines = min(size, 10000)
        with vesta(binary, site(programs, size, size)) as v:
            for path in "/ipxe", "/metadata", "/ignition", "/generic":
                beside_nginx(
                    v, n, f"{path}, {size} groups", path, 1.0, (path, size, machines), p99_goal=1.5
                )
            print(f"{'':44} resident: {v.memory() / 2**20:.0f} MiB")
    with vesta(binary, site(programs, 1000, 1000)) as v:
        beside_nginx(v, n, "/cloud, a template of the request", "/cloud", 0.6)
        butane = Run(v, f"{v.url}/ignition?role=butane&{LABELS}&mac=52-54-ff-ff-ff-ff")
        say("/ignition, Butane of the request", f"{butane.rate:.0f}/s  CPU {butane.cpu_us:.0f} us",
            butane.rate, 3000, noise=butane.noise)  # fmt: skip
        for path in "/ipxe", "/generic":
            url = f"{v.url}{path}", f"?{first_mac()}&{LABELS}"
            compare(
                f"{path}.sig to {path}, warm",
                lambda: Run(v, f"{url[0]}.sig{url[1]}"),
                lambda: Run(v, f"{url[0]}{url[1]}"),
                0.8,
            )


def scale(programs, binary, _):
    """A million groups against one: both servers run all the time."""
    size = max(SIZES)
    print(f"\n{size} groups against 1, requests a second:")
    with vesta(binary, site(programs, size, size)) as large, vesta(
        binary, site(programs, 1, 1)
    ) as small:
        for path in "/ipxe", "/generic", "/metadata":
            for what, machines, goal in ("10000 of them", 10000, 0.9), ("any of them", size, 0.75):
                compare(
                    f"{path}, {what}",
                    lambda: Run(large, large.url, script=(path, size, min(machines, size))),
                    lambda: Run(small, small.url, script=(path, 1, 1)),
                    goal,
                )


def assets(programs, binary, n):
    print("\nAssets beside nginx with sendfile:")
    folder = n.html / "assets"
    folder.mkdir(exist_ok=True)
    for name, size in ("64K", 64 << 10), ("256M", 256 << 20):
        if not (folder / name).exists():
            (folder / name).write_bytes(os.urandom(1 << 16) * (size >> 16))
    with vesta(binary, site(programs, 1, 1), "--assets-path", folder) as v:
        for name in "64K", "256M":
            for connections in 1, 64:
                compare(
                    f"{name}, {connections} connection{'s'[: connections > 1]}",
                    lambda: Run(v, f"{v.url}/assets/{name}", connections),
                    lambda: Run(n, f"{n.url}/assets/{name}", connections),
                    1.0,
                    of="bytes",
                )
        ranged = {"Range": f"bytes={1 << 20}-{(1 << 20) + 65535}"}
        times = {}
        for server in v, n:
            times[server] = range_cpu(server, ranged)
        say("256M, Range of 64 KiB: nginx's CPU to ours", f"{times[n] / times[v]:5.2f}  CPU "
            f"{times[v]:.1f} / {times[n]:.1f} us", times[n] / times[v], 1.0)  # fmt: skip
        peak = v.memory("VmHWM") / 2**20
        say("highest resident memory", f"{peak:.0f} MiB", peak, 64, at_most=True)


def range_cpu(server, headers, count=4000):
    """CPU of one request with these headers, over one connection."""
    import http.client
    from urllib.parse import urlsplit

    at = urlsplit(server.url)
    c = http.client.HTTPConnection(at.hostname, at.port)
    before = cpu_seconds(server.pids)
    for _ in range(count):
        c.request("GET", "/assets/256M", headers=headers)
        answer = c.getresponse()
        body = answer.read()
        assert answer.status == 206 and len(body) == 65536, answer.status
    return (cpu_seconds(server.pids) - before) / count * 1e6


def shapes(programs, binary, _):
    print("\nSelectors, CPU of /ipxe to that of 1,000 groups by MAC:")
    plain_site = site(programs, 1000, 1000)
    cases = [
        ("200 shapes", 20000, 200, ("shapes=200",), ""),
        ("8 selectors a group", 1000, 1, ("selectors=8",),
         "".join(f"&k{k:02}=v{k:02}" for k in range(1, 8))),
        ("1,000 groups that tie", 1000, 1, ("ties=1000",),
         "".join(f"&x{k:02}=y" for k in range(20))),
    ]  # fmt: skip
    with vesta(binary, plain_site) as plain:
        for name, groups, shapes_n, options, more in cases:
            label = "-".join([str(groups), *options]).replace("=", "")
            with vesta(binary, site(programs, label, groups, *options)) as v:
                compare(
                    name,
                    lambda: Run(v, v.url, script=("/ipxe", groups, 1000, shapes_n, more)),
                    lambda: Run(plain, plain.url, script=("/ipxe", 1000, 1000, 1, more)),
                    3,
                    at_most=True,
                    of="cpu_us",
                )


def own_text(data):
    import sqlite3

    db = sqlite3.connect(f"file:{data}/vesta.db?mode=ro", uri=True)
    return db.execute("SELECT sum(length(CAST(body AS BLOB))) FROM groups").fetchone()[0]


def start(programs, binary, _):
    """Until the server says that it serves, on all cores."""
    print("\nStart:")
    base = None
    for size in SIZES:
        data = site(programs, size, size)
        seconds, memory, noise = [], 0, []
        for _ in range(3):
            began, busy = time.monotonic(), sum(busy_seconds(c) for c in CORES)
            process = subprocess.Popen(
                [binary, "serve", "--data-path", data, "--address", "127.0.0.1:0"]
                + ["--api-address", "127.0.0.1:0"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            process.stdout.readline()
            took = time.monotonic() - began
            seconds.append(took)
            own = cpu_seconds([process.pid])
            noise.append(max(0, sum(busy_seconds(c) for c in CORES) - busy - own) / took / 2)
            server = Server(process, "")
            memory = server.memory()
            server.stop()
        base = base or memory
        each = (memory - base - own_text(data)) / size
        results.append({"name": "start", "groups": size, "seconds": min(seconds),
                        "resident": memory})  # fmt: skip
        last = size == max(SIZES) and size >= 1000000
        say(f"start with {size} groups", f"{min(seconds):.2f} s ({', '.join(f'{s:.2f}' for s in seconds)})",
            min(seconds), 4.0 if last else None, True, median(noise))  # fmt: skip
        if size >= 100000:
            say("  bytes a group beyond its own text", f"{each:.0f}  resident {memory >> 20} MiB",
                each, 450 if last else None, True)  # fmt: skip


def writes(programs, binary, _):
    sizes = [10] + [n for n in SIZES if n > 10]
    print("\nOne written group until it is acknowledged, each site in turn:")
    paths = []
    for size in sizes:
        copy = WORK / f"writes-{size}"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(site(programs, size, size), copy)
        paths.append(copy)
    out = subprocess.run(
        [sys.executable, HERE / "write_latency.py", binary, *paths],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    print(out, end="")
    last = out.splitlines()[-1]
    p99, ratio = float(re.search(r"p99\s+([\d.]+)", last)[1]), float(last.split()[-1])
    say(f"p99 with {sizes[-1]} groups", f"{p99:.2f} ms", p99, 5, True)
    say("  to that with 10", f"{ratio:.2f}", ratio, 2, True)
    for path in paths:
        shutil.rmtree(path)


class Writer:
    """So many writes a second to a server's API, of so many bytes, until it is stopped."""

    def __init__(self, server, data, rate=100, size=0):
        token = (data / "admin.token").read_text().strip()
        self.process = pinned(
            CLIENT_CORE, sys.executable, HERE / "write_rate.py", server.api, token, rate, size,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def stop(self):
        self.process.terminate()
        return self.process.communicate()[0].strip()


def checkpoints(programs, binary, _):
    """Requests and single writes while large writes make the log go into the database."""
    size, data, seen = max(SIZES), WORK / "checkpoints", {}
    print(f"\nCheckpoints, {size} groups, /ipxe over 16 connections and 100 writes a second:")
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(site(programs, size, size), data)
    with vesta(binary, data) as v:
        for turn in range(ROUNDS + 1):
            for large in False, True:
                burst = Writer(v, data, 20, 400000) if large else None
                writer = Writer(v, data)
                run = Run(v, v.url, 16, ("/ipxe", size, min(size, 10000)))
                told = re.search(r"p99 ([\d.]+), most ([\d.]+)", writer.stop())
                if burst:
                    burst.stop()
                if turn:
                    seen.setdefault(large, []).append((run, *map(float, told.groups())))
        with open(data / "vesta.db-wal", "rb") as log:
            restarts = int.from_bytes(log.read(16)[12:], "big")
    shutil.rmtree(data)
    say("all of the log was in the database", f"{restarts} times", restarts, 1)
    noise = median(run.noise for run, *_ in seen[False])
    for name, of, middle in (
        ("/ipxe, p99", lambda x: x[0].p99_ms, median),
        ("/ipxe, the longest", lambda x: x[0].most_ms, max),
        ("a write, p99", lambda x: x[1], median),
        ("a write, the longest", lambda x: x[2], max),
    ):
        a, b = (middle(map(of, seen[large])) for large in (True, False))
        say(f"{name}, to without", f"{a / b:5.2f}  {a:.2f} / {b:.2f} ms", a / b, None, noise=noise)


# --- all of a large site at once ---


def command(binary, *words):
    """Seconds, and the highest resident memory of a command."""
    began = time.monotonic()
    with open(WORK / "command.log", "wb") as log:
        process = subprocess.Popen([binary, *map(str, words)], stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: vesta {words[0]} failed, see {WORK}/command.log")
    return time.monotonic() - began, usage.ru_maxrss * 1024


def served(v, size):
    """Waits until the last group of a site is."""
    m = ((size - 1) * 2654435761 + 1) % 2**32
    mac = "-".join(f"{m >> s & 255:02x}" for s in (24, 16, 8, 0))
    while True:
        try:
            return get(f"{v.url}/ipxe?mac=52-54-{mac}")
        except urllib.error.HTTPError:
            time.sleep(0.1)


def bulk(programs, binary, _):
    """import beside a server, and apply: time, and the most memory beyond the catalog."""
    print("\nA whole site at once, on all cores; the server's memory: beyond and with the site loaded")
    for size in [n for n in SIZES if n >= 100000]:
        folder, data = WORK / f"bulk-{size}", WORK / "bulk-data"
        if not folder.exists():
            command(binary, "export", "--data-path", site(programs, size, size), folder, "-q")
        for what in "import", "apply":
            shutil.rmtree(data, ignore_errors=True)
            with vesta(binary, data) as v:
                os.sched_setaffinity(v.process.pid, CORES)
                began = time.monotonic()
                seconds, own = command(binary, what, "--data-path", data, folder, "-q")
                served(v, size)
                all_of_it = time.monotonic() - began
                peak = v.memory("VmHWM")
            with vesta(binary, data) as v:
                served(v, size)
                loaded = v.memory()
            goal = 90 if size >= 1000000 else None
            say(f"{what}, {size} groups", f"{all_of_it:.1f} s, {seconds:.1f} of the command",
                all_of_it, goal, True)  # fmt: skip
            memory = f"command {own >> 20}, server {peak - loaded >> 20} + {loaded >> 20}"
            say("  memory, MiB", memory, own, None)
    shutil.rmtree(WORK / "bulk-data", ignore_errors=True)


def storm(programs, binary, n):
    """10,000 machines at once, each request over a new connection, while somebody writes."""
    machines, at_once = 10000, 500
    data = site(programs, 10000, 10000)
    print(f"\nBoot storm: {machines} machines, {at_once} at once, a connection for each request:")
    with vesta(binary, data) as v:
        for path in "boot.ipxe", "ipxe", "ignition":
            (n.html / path).write_bytes(get(f"{v.url}/{path}?{first_mac()}&{LABELS}"))
        cpu = {"vesta, with writes": [], "vesta, without": [], "nginx": []}
        for turn in range(ROUNDS + 1):
            for name, times in cpu.items():
                server = n if name == "nginx" else v
                writer = Writer(v, data) if name == "vesta, with writes" else None
                before = cpu_seconds(server.pids)
                done = subprocess.run(
                    ["taskset", "-c", str(CLIENT_CORE), programs / "storm",
                     server.url.rsplit(":", 1)[1], str(machines), str(at_once),
                     "0" if server is n else "1"],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                took = cpu_seconds(server.pids) - before
                wrote = writer.stop() + "\n" if writer else ""
                if done.returncode:
                    failures.append("boot storm")
                if turn:
                    times.append(took / machines * 1e6)
                if turn == ROUNDS or done.returncode:
                    print(f"{name}: {done.stdout}{done.stderr}{wrote}", end="")
        for name, goal in ("vesta, with writes", 1.1), ("vesta, without", None):
            ratios = [a / b for a, b in zip(cpu[name], cpu["nginx"])]
            say(f"CPU a boot to nginx's: {name[7:]}",
                f"{median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})  CPU "
                f"{median(cpu[name]):.0f} / {median(cpu['nginx']):.0f} us", median(ratios), goal, True)  # fmt: skip


def instructions(programs, binary, _):
    print("\nInstructions of an /ipxe hit:")
    target = f"/ipxe?{first_mac()}&{LABELS}"
    out = subprocess.run(
        [sys.executable, HERE / "instructions.py", binary, site(programs, 1000, 1000), target],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    print(out, end="")
    own = float(re.search(r"own (\d+)", out)[1])
    say("own code", f"{own:.0f}", own, 2500, True)


PARTS = [documents, scale, assets, shapes, start, writes, checkpoints, bulk, storm, instructions]


def main():
    programs, binary, *wanted = sys.argv[1:]
    WORK.mkdir(parents=True, exist_ok=True)
    if len(CORES) < 2:
        print("bench: one core only: server and client share it, the figures mean little")
    with nginx() as n:
        for part in PARTS:
            if not wanted or part.__name__ in wanted:
                part(Path(programs).resolve(), Path(binary).resolve(), n)
    (WORK / "results.json").write_text(json.dumps(results, indent=1))
    noisy = sum(r.get("noise", 0) > NOISE for r in results)
    print(f"\n{len(results)} rows, {noisy} of them noisy; missed: {', '.join(failures) or 'nothing'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
