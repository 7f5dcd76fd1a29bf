#!/usr/bin/env python3
"""How time, memory and start grow with the number of groups: scale.py PROGRAMS VESTA FOLDER.

Measures sites of SIZES (1 1000 100000 1000000) and writes growth.txt, a table, and growth.svg, a
plot, to FOLDER. Sizes are served side by side and asked in turn, so that what else the machine does
hits all alike. ROUNDS, SECONDS_EACH and SIZES may be set, as for bench.py.
"""

import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import bench


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def start(binary, data):
    """Seconds until it serves, the best of three, and resident bytes then."""
    best, resident = math.inf, 0
    for _ in range(3):
        began = time.monotonic()
        process = subprocess.Popen(
            [binary, "serve", "--data-path", data, "--address", "127.0.0.1:0"]
            + ["--api-address", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        process.stdout.readline()
        best = min(best, time.monotonic() - began)
        server = bench.Server(process, "")
        resident = server.memory()
        server.stop()
    return best, resident


def requests(programs, binary, path):
    """CPU of a request by any machine of the site, in microseconds, by size."""
    servers = {n: bench.vesta(binary, bench.site(programs, n, n)) for n in bench.SIZES}
    times = {n: [] for n in bench.SIZES}
    try:
        for turn in range(bench.ROUNDS + 1):
            for n, server in servers.items():
                run = bench.Run(server, server.url, script=(path, n, n))
                if turn:
                    times[n].append(run.cpu_us)
    finally:
        for server in servers.values():
            server.stop()
    return {n: median(t) for n, t in times.items()}


def writes(programs, binary):
    """Median milliseconds until a written group is acknowledged, by size."""
    import shutil

    paths = {}
    for n in bench.SIZES:
        paths[n] = bench.WORK / f"scale-writes-{n}"
        shutil.rmtree(paths[n], ignore_errors=True)
        shutil.copytree(bench.site(programs, n, n), paths[n])
    out = subprocess.run(
        [sys.executable, bench.HERE / "write_latency.py", binary, *paths.values()],
        capture_output=True, text=True, check=True, env={**os.environ, "COUNT": "500"},
    ).stdout  # fmt: skip
    for path in paths.values():
        shutil.rmtree(path)
    return {n: float(line.split()[2]) for n, line in zip(bench.SIZES, out.splitlines())}


# --- the plot: one panel for each column, both axes logarithmic ---

PANEL_W, PANEL_H, MARGIN = 300, 200, 60


def panel(x0, y0, title, points):
    low = 10 ** math.floor(math.log10(min(v for _, v in points) * 0.999))
    high = 10 ** math.ceil(math.log10(max(v for _, v in points) * 1.001))
    left, right = math.log10(points[0][0]), math.log10(points[-1][0])

    def at(n, v):
        x = (math.log10(n) - left) / max(1e-9, right - left)
        y = (math.log10(v) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return x0 + x * PANEL_W, y0 + PANEL_H - y * PANEL_H

    out = [f'<text x="{x0}" y="{y0 - 12}" class="title">{title}</text>']
    decade = low
    while decade <= high * 1.01:
        y = at(points[0][0], decade)[1]
        out.append(f'<line x1="{x0}" x2="{x0 + PANEL_W}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(f'<text x="{x0 - 6}" y="{y + 4:.1f}" class="y">{decade:g}</text>')
        decade *= 10
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(n, v) for n, v in points))
    out.append(f'<polyline points="{line}" class="line"/>')
    for n, v in points:
        x, y = at(n, v)
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="dot"/>')
        out.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" class="value">{v:.3g}</text>')
        out.append(f'<text x="{x:.1f}" y="{y0 + PANEL_H + 18}" class="x">{n:,}</text>')
    return out


def svg(columns, rows):
    width, height = 2 * (PANEL_W + MARGIN) + MARGIN, 2 * (PANEL_H + MARGIN) + MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        "<style>.title{font-weight:bold}.grid{stroke:#ddd}.line{fill:none;stroke:#06c;"
        "stroke-width:2}.dot{fill:#06c}.y{text-anchor:end;fill:#555}.x,.value{text-anchor:middle}"
        ".x{fill:#555}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for i, title in enumerate(columns):
        x0 = MARGIN + i % 2 * (PANEL_W + MARGIN)
        y0 = MARGIN + i // 2 * (PANEL_H + MARGIN)
        out += panel(x0, y0, title, [(n, values[i]) for n, values in rows])
    return "\n".join(out + ["</svg>", ""])


def main():
    programs, binary, folder = (Path(p).resolve() for p in sys.argv[1:4])
    bench.WORK.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    rows = {n: [] for n in bench.SIZES}
    for n in bench.SIZES:
        seconds, resident = start(binary, bench.site(programs, n, n))
        rows[n] += [seconds, resident / 2**20]
    for path in "/ipxe", "/metadata":
        for n, us in requests(programs, binary, path).items():
            rows[n].append(us)
    for n, ms in writes(programs, binary).items():
        rows[n].append(ms)
    columns = ["start, s", "resident, MiB", "/ipxe, CPU us", "/metadata, CPU us", "write, ms"]
    lines = [f"{len(bench.CORES)} cores of {cpu_model()}, {platform.system()} {platform.release()}"]
    lines.append(f"{'groups':>10}" + "".join(f"{c:>20}" for c in columns))
    for n in bench.SIZES:
        lines.append(f"{n:>10}" + "".join(f"{v:>20.3g}" for v in rows[n]))
    lines.append("")
    lines.append("start: until it serves, best of 3. CPU: of a request by any machine of the site,")
    lines.append("one core. write: one group by the API until it is acknowledged, median of 500.")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    (folder / "growth.txt").write_text(text)
    shown = [columns[0], columns[1], columns[2], columns[4]]
    points = [(n, [rows[n][0], rows[n][1], rows[n][2], rows[n][4]]) for n in bench.SIZES]
    (folder / "growth.svg").write_text(svg(shown, points))
    return 0


if __name__ == "__main__":
    sys.exit(main())
