#!/usr/bin/env python3
"""Runs the end-to-end tests: python3 tests/http/run.py [VESTA] [WORD...]

VESTA is the program (else the environment's VESTA, else build/vesta). With words, only tests whose
file or name holds one of them run. Each function test_* of each test_*.py beside this file is a
test; one that takes `server` gets what its module's start() returned, started once for the file
and stopped at its end. Two files run at a time, each in a process of its own.
"""

import functools
import importlib
import inspect
import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Callable, Optional

HERE = Path(__file__).resolve().parent
WORKERS = 2


def explain(e: BaseException) -> str:
    """A failure's message and the line of the test that it came from."""
    if isinstance(e, AssertionError):
        frames = [f for f in traceback.extract_tb(e.__traceback__) if "test_" in f.filename]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
        return f"{where}{e}"
    return "".join(traceback.format_exception(e)).rstrip()


def attempt(action: Callable[[], Any]) -> tuple[Any, Optional[str]]:
    try:
        return action(), None
    except Exception as e:  # pylint: disable=broad-except
        return None, explain(e)


def run_file(name: str, words: list[str]) -> tuple[str, int, list[tuple[str, str]], float]:
    """(file, how many passed, the failures as (test, why), seconds)."""
    began = time.monotonic()
    sys.path.insert(0, str(HERE))
    module, why = attempt(lambda: importlib.import_module(name))
    if why:
        return name, 0, [("import", why)], 0
    tests = [(n, f) for n, f in vars(module).items() if n.startswith("test_") and callable(f)]
    tests = [(n, f) for n, f in tests if not words or any(w in name or w in n for w in words)]
    shared = [n for n, f in tests if "server" in inspect.signature(f).parameters]
    server: Any = None
    if shared:
        server, why = attempt(module.start)
        if why:
            return name, 0, [(n, f"the server did not start: {why}") for n in shared], 0
    passed, failures = 0, []
    for test, function in tests:
        _, why = attempt(functools.partial(function, server) if test in shared else function)
        if why:
            failures.append((test, why))
        else:
            passed += 1
    if server:
        _, why = attempt(lambda: server.__exit__(None))
        if why:
            failures.append(("stop", why))
    return name, passed, failures, time.monotonic() - began


def main(args: list[str]) -> int:
    if args and os.access(args[0], os.X_OK) and Path(args[0]).is_file():
        os.environ["VESTA"] = os.path.abspath(args.pop(0))
    files = sorted(p.stem for p in HERE.glob("test_*.py"))
    passed = failed = 0
    with ProcessPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(run_file, name, args) for name in files]
        for job in as_completed(jobs):
            name, good, failures, seconds = job.result()
            if good or failures:
                print(f"{name}: {good} passed, {len(failures)} failed ({seconds:.1f} s)")
            for test, why in failures:
                print(f"FAIL {name}.{test}: {why}")
            sys.stdout.flush()
            passed += good
            failed += len(failures)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
