"""Metrics of a real server: the format, by a reader of our own and by promtool where it is, and the
numbers, against what was asked."""

import os
import re
import shutil
import subprocess
from typing import Any

from vesta import Server, check, check_equal, serve, wait_for, Connection

SITE: dict[str, Any] = {
    "groups/one.json": {"id": "one", "profile": "base", "selector": {"mac": "52:54:00:00:00:01"}},
    "profiles/base.json": {
        "id": "base",
        "boot": {"kernel": "/k"},
        "generic_id": "broken.txt",
        "cloud_id": "good.yaml",
    },
    "generic/broken.txt": "{{.request.query.mac}} {{.nothing.at.all}}\n",
    "cloud/good.yaml": "#cloud-config\na: 1\n",
}

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\+Inf|-?[0-9]+(?:\.[0-9]+)?)")
TYPES = {"counter", "gauge", "histogram"}

Samples = dict[tuple[str, str], float]


def start() -> Server:
    return serve(SITE)


def read_text(text: str) -> tuple[Samples, dict[str, str]]:
    """Samples by name and labels, and types by metric; strict as to order and repetition."""
    samples: Samples = {}
    types: dict[str, str] = {}
    helped: set[str] = set()
    current = ""
    check(text.endswith("\n"), "no newline at the end")
    for line in text[:-1].split("\n"):
        words = line.split(" ", 3)
        if line.startswith("# HELP "):
            check(words[2] not in helped and len(words) == 4 and words[3], line)
            helped.add(words[2])
        elif line.startswith("# TYPE "):
            current = words[2]
            check(current in helped and current not in types and words[3] in TYPES, line)
            types[current] = words[3]
        else:
            match = SAMPLE.fullmatch(line)
            if not match:
                raise AssertionError(f"no sample: {line!r}")
            base = match[1]
            if types.get(current) == "histogram":
                base = re.sub("_(bucket|sum|count)$", "", base)
            check_equal(base, current, f"the metric of {line!r}")
            key = (match[1], match[2] or "")
            check(key not in samples, f"twice: {line}")
            samples[key] = float(match[3])
    return samples, types


def check_histograms(samples: Samples, types: dict[str, str]) -> None:
    for name in (n for n, t in types.items() if t == "histogram"):
        series: dict[str, list[tuple[float, float]]] = {}
        for (sample, labels), value in samples.items():
            if sample == f"{name}_bucket":
                rest, le = re.fullmatch(r'(.*),le="([^"]+)"', labels).groups()  # type: ignore
                series.setdefault(rest, []).append((float(le), value))
        check(series, f"{name} has no buckets")
        for labels, buckets in series.items():
            check_equal(buckets, sorted(buckets), f"buckets of {labels}")
            values = [v for _, v in buckets]
            check_equal(values, sorted(values), f"cumulative counts of {labels}")
            check_equal(buckets[-1][0], float("inf"), "the last bucket")
            check_equal(samples[(f"{name}_count", labels)], values[-1], f"count of {labels}")


def scrape(server: Server) -> Samples:
    with Connection(server.api_port) as c:
        answer = c.request("/metrics", headers={"Authorization": f"Bearer {server.token}"})
    answer.want(200)
    samples, types = read_text(answer.text)
    check_histograms(samples, types)
    check(all(n.startswith("vesta_") for n in types), f"names: {sorted(types)}")
    return samples


def requests(samples: Samples, plane: str, path: str, status: object) -> float:
    labels = f'plane="{plane}",path="{path}",status="{status}"'
    return samples.get(("vesta_http_requests_total", labels), 0)


def test_numbers_are_those_of_what_was_asked(server: Server) -> None:
    before = scrape(server)
    for _ in range(5):
        server.get("/ipxe?mac=52:54:00:00:00:01").want(200)
    for _ in range(4):
        server.get("/ipxe?mac=52:54:00:00:00:99").want(404)
    for _ in range(3):
        server.get("/generic?mac=52:54:00:00:00:01").want(500)
    server.get("/boot.ipxe").want(200)
    server.get("/no/such/thing").want(404)

    def counted() -> Samples:
        now = scrape(server)
        done = requests(now, "boot", "other", 404) > requests(before, "boot", "other", 404)
        return now if done else {}

    after = wait_for(counted, "the last request to be counted", 30)

    def grown(name: str, labels: str = "") -> float:
        return after[(name, labels)] - before[(name, labels)]

    check_equal(requests(after, "boot", "ipxe", 200) - requests(before, "boot", "ipxe", 200), 5)
    check_equal(requests(after, "boot", "ipxe", 404) - requests(before, "boot", "ipxe", 404), 4)
    check_equal(requests(after, "boot", "boot.ipxe", 200), 1)
    check_equal(grown("vesta_matches_total"), 8, "matches")
    check_equal(grown("vesta_misses_total"), 4, "misses")
    check_equal(grown("vesta_render_errors_total", 'kind="generic"'), 3, "errors of generic")
    check_equal(grown("vesta_render_errors_total", 'kind="ipxe"'), 0, "errors of ipxe")
    check_equal(after[("vesta_revision", "")], 1, "revision")
    check_equal(after[("vesta_catalog_groups", "")], 1, "groups")
    check_equal(after[("vesta_catalog_templates", "")], 2, "templates")


def test_no_client_makes_series(server: Server) -> None:
    def shapes() -> set[tuple[str, str]]:
        return {(n, re.sub('status="[^"]*"', "", labels)) for n, labels in scrape(server)}

    before = shapes()
    for i in range(50):
        server.get(f"/made-up-{i}?mac=x{i}").want(404)
        server.api("GET", f"/made-up-{i}").want(404)
        server.api("GET", f"/groups/made-up-{i}").want(404)
    with server.connect() as c:
        c.send(b"BREW /tea HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        c.read_response().want(405)
    extra = {s for s in shapes() - before if s[0] != "vesta_http_requests_total"}
    check_equal(extra, set(), "new series")
    text = str(sorted(scrape(server)))
    check("made-up" not in text and "BREW" not in text, "a client's words")


def test_a_token_is_needed(server: Server) -> None:
    with Connection(server.api_port) as c:
        c.request("/metrics").want(401)
    server.get("/metrics").want(404)


def test_promtool_takes_it(server: Server) -> None:
    """Debian's package prometheus has it; without it our own reader has to do."""
    scrape(server)
    promtool = shutil.which(os.environ.get("PROMTOOL") or "promtool")
    if not promtool:
        return
    with Connection(server.api_port) as c:
        text = c.request("/metrics", headers={"Authorization": f"Bearer {server.token}"}).body
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    check_equal((done.returncode, done.stdout, done.stderr), (0, b"", b""), "promtool")
