"""api/openapi.yaml as the tests read it: operations, examples, and answers held to their schemas."""

import json
import re
import subprocess
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Optional

import yaml

from vesta import (
    DEADLINE,
    ROOT,
    Connection,
    Failure,
    Response,
    Scratch,
    Server,
    check,
    request_bytes,
)

SPEC = ROOT / "api" / "openapi.yaml"
TOOLS = ROOT / "tests" / "tools" / "openapi"
METHODS = ("get", "put", "patch", "post", "delete")


def read_spec() -> dict[str, Any]:
    # The base loader would leave numbers as text; the safe one makes what JSON has.
    spec: dict[str, Any] = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    return spec


def tool(*args: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a program of tests/tools/openapi; a Failure when the packages are not there."""
    check(
        (TOOLS / "node_modules" / ".installed").exists(),
        "the packages are not installed: tests/tools/deps.sh test",
    )
    return subprocess.run(
        [str(a) for a in args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=DEADLINE,
        text=True,
        check=False,
        **more,
    )


@dataclass
class Request:
    """What one operation is asked: a target with its values in it, and a body."""

    target: str
    body: Optional[bytes] = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Operation:
    spec: dict[str, Any] = field(repr=False)
    path: str
    method: str
    described: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def resolve(self, x: Any) -> Any:
        while isinstance(x, dict) and "$ref" in x:
            keys = x["$ref"].removeprefix("#/").split("/")
            x = self.spec
            for key in keys:
                x = x[key.replace("~1", "/").replace("~0", "~")]
        return x

    @property
    def public(self) -> bool:
        return self.described.get("security") == []

    @property
    def statuses(self) -> set[int]:
        return {int(s) for s in self.described["responses"]}

    def parameters(self, place: str) -> list[dict[str, Any]]:
        listed = self.spec["paths"][self.path].get("parameters", [])
        listed = listed + self.described.get("parameters", [])
        return [p for p in map(self.resolve, listed) if p["in"] == place]

    def target(self, **values: str) -> str:
        """The path with the parameters' examples, or with these values, in it."""
        target = self.path
        for p in self.parameters("path"):
            value = values.get(p["name"], str(p["example"]))
            target = target.replace("{" + p["name"] + "}", value)
        check("{" not in target, f"{self}: a parameter of the path is not described: {target}")
        return target

    def queries(self) -> Iterator[str]:
        """The examples of all parameters together, and each by itself."""
        # A base revision is one of the moment, which no example can be.
        described = [p for p in self.parameters("query") if p["name"] != "base"]
        for p in described:
            check("example" in p, f"{self}: the parameter {p['name']} has no example")
        alone = [[p] for p in described] if len(described) > 1 else []
        for chosen in [described, *alone]:
            pairs: dict[str, str] = {}
            for p in chosen:
                value = p["example"]
                pairs.update(value if isinstance(value, dict) else {p["name"]: str(value)})
            yield "?" + urllib.parse.urlencode(pairs) if pairs else ""

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """(content type, body) of each example."""
        described = self.resolve(self.described.get("requestBody", {})).get("content", {})
        for content_type, media in described.items():
            values = [media["example"]] if "example" in media else []
            values += [self.resolve(x)["value"] for x in media.get("examples", {}).values()]
            check(values, f"{self}: {content_type} has no example")
            for value in values:
                raw = isinstance(value, str)
                yield content_type, value.encode() if raw else json.dumps(value).encode()

    def examples(self) -> Iterator[Request]:
        bodies = list(self.bodies())
        for query in self.queries():
            if not bodies:
                yield Request(self.target() + query)
            for content_type, body in bodies:
                yield Request(self.target() + query, body, {"Content-Type": content_type})


def operations() -> list[Operation]:
    spec = read_spec()
    found = [
        Operation(spec, path, method, item[method])
        for path, item in spec["paths"].items()
        for method in METHODS
        if method in item
    ]
    check(len(found) >= 28, f"the description lists too little: {[str(o) for o in found]}")
    return found


class Answers:
    """Answers of a server, to be held to the description all at once."""

    def __init__(self, server: Server):
        self.server = server
        self.lines: list[str] = []
        self.seen: dict[str, set[int]] = {}

    def ask(
        self, operation: Operation, request: Request, token: Optional[str] = None, method: str = ""
    ) -> Response:
        """Asks and keeps the answer; another method than the operation's must be a HEAD."""
        headers = {"Connection": "close", **request.headers}
        token = self.server.token if token is None else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        method = method or operation.method.upper()
        with Connection(self.server.api_port) as c:
            try:
                c.send(request_bytes(request.target, method, headers, request.body))
            except ConnectionError:
                pass  # it was answered before it was sent
            answer = c.read_response(method)
        if method == "HEAD":
            return answer
        content_type = (answer.header("Content-Type") or "").partition(";")[0]
        text = answer.body.decode("utf-8", "replace")
        line = {
            "request": f"{method} {request.target[:80]} ({operation})",
            "path": operation.path,
            "method": operation.method,
            "status": answer.status,
            "headers": {name.lower(): value for name, value in answer.fields},
            "type": content_type,
            "body": json.loads(text) if content_type.endswith("json") and text else text,
        }
        self.lines.append(json.dumps(line))
        self.seen.setdefault(str(operation), set()).add(answer.status)
        return answer

    def hold(self) -> None:
        """A Failure for all that are not as described."""
        with Scratch() as folder:
            spec = folder / "openapi.json"
            with Connection(self.server.api_port) as c:
                spec.write_bytes(c.request("/api/v1/openapi.json").want(200).body)
            text = "".join(line + "\n" for line in self.lines)
            done = tool("node", TOOLS / "answers.mjs", spec, input=text)
        check(done.returncode == 0, done.stdout[-4000:])
        check(f"{len(self.lines)} answers, 0 faults" in done.stdout, done.stdout)


def table_of_routes() -> list[tuple[str, str, str]]:
    """(method, path as the description writes it, role) of each row of the server's own table."""
    source = (ROOT / "internal" / "rest" / "routes.c").read_text(encoding="utf-8")
    begin = "static const struct rest_route routes[] = {\n"
    check(source.count(begin) == 1, "the route table is not where it was")
    rows = source.partition(begin)[2].partition("\n};")[0]
    found = []
    for row in re.split(r"},\s*", rows):
        row = " ".join(row.split()).removesuffix(",")
        if not row:
            continue
        match = re.fullmatch(r'\{"([A-Z]+)", "([^"]+)", ([A-Z_]+), [^{}"]+}?', row)
        if not match:
            raise Failure(f"a row of the route table that cannot be read: {row}")
        found.append((match[1], match[2].replace("...}", "}"), match[3]))
    return found


def link_packages(folder: Path) -> None:
    """Makes the installed packages those of a folder."""
    (folder / "node_modules").symlink_to(TOOLS / "node_modules")
