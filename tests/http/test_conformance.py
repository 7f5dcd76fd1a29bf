"""The recorded cases: requests to matchbox, and what it answered, against the same site."""

import functools
import json
from typing import Any

from vesta import ROOT, Server, bytes_of, check, check_equal, gpgv, serve, shorten

FOLDER = ROOT / "tests" / "conformance" / "matchbox"

# Where we differ from the recorded expectation on purpose: the status that we answer with, and why.
IGNITION_2 = (200, "Ignition 2.x that is JSON passes through; only what is no config is a 500")
EXCEPTIONS: dict[str, tuple[int, str]] = {
    "ignition-default": IGNITION_2,  # base.ign says version 2.2.0
    "ignition-range": IGNITION_2,
    "ignition-ext2": IGNITION_2,  # raw2.ignition says version 2.1.0
}


def start() -> Server:
    data = FOLDER / "data"
    ring = ["--key-ring-path", str(FOLDER / "secring.gpg")]
    return serve(data, "--assets-path", str(data / "assets"), *ring, skip_invalid=True)


def check_body(compare: str, got: bytes, want: bytes) -> None:
    if compare == "sorted-lines":
        got, want = (b"\n".join(sorted(b.split(b"\n"))) for b in (got, want))
    check_equal(got, want, "body")


def run_case(case: dict[str, Any], server: Server) -> None:
    expect = case["expect"]
    answer = server.get(case["target"], case["headers"], case["method"])
    if case["name"] in EXCEPTIONS:
        answer.want(EXCEPTIONS[case["name"]][0])
        return
    check(
        answer.status in expect["status"],
        f"{case['method']} {case['target']}: status {answer.status}, want {expect['status']}; "
        f"body {shorten(answer.body)}",
    )
    for name, value in expect.get("headers", {}).items():
        check_equal(answer.header(name), value, f"header {name}")
    want = bytes_of(expect)
    if want is not None and case["method"] != "HEAD":
        check_body(expect.get("compare", "exact"), answer.body, want)
    if "signature_of" in expect:
        body = server.get(expect["signature_of"]).want(200).body
        check(gpgv(server, body, answer.body), "gpgv does not find the signature good")


def load() -> None:
    """A test for each case."""
    for line in (FOLDER / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        name = f"test_{case['name']}"
        assert name not in globals(), f"two cases are called {case['name']}"
        globals()[name] = functools.partial(run_case, case)


load()
