"""Random requests made from the API's description, against a model of the site kept beside it.

VESTA_SEED chooses the requests and VESTA_REQUESTS how many there are; a failure names both.
"""

import json
import os
import random
import urllib.parse
from typing import Any, Callable, Optional

from openapi import read_spec
from site_model import Condition, Expected, Key, Model, canonical
from vesta import Connection, Failure, Response, Server, check, check_equal, serve

SEED = int(os.environ.get("VESTA_SEED", "7396"))
REQUESTS = int(os.environ.get("VESTA_REQUESTS", "1000"))
HANGS = 60.0  # seconds: a server that is only slow is not this slow

# Few names, so that requests meet.
GROUPS = ["g1", "g2", "g3", "g4", "g-5.x"]
PROFILES = ["p1", "p2", "p~3"]
NAMES = ["a.txt", "b", "b/c", "b/c/d.ign"]
KINDS = ["cloud", "generic", "ipxe", "meta-data"]
LABELS = {
    "mac": ["52:54:00:00:00:01", "52-54-00-00-00-01", "52:54:00:00:00:AB"],
    "uuid": ["4C4C4544-0000-0000-0000-000000000001", "4c4c4544-0000-0000-0000-000000000001"],
    "os": ["installed", "", "grüße"],
    "rack": ["1", "2"],
}
ARCHITECTURES = ["x86_64", "arm64", "i386"]
# Of each kind what is a document for every group: one that is not would be refused, too.
TEMPLATES = {
    "cloud": [b"#cloud-config\n{}\n", b"#cloud-config\nhostname: {{.request.query.os}}\n"],
    "generic": [b"", b"plain\n", b"\xff\x00", b"{{.request.query.os}}", b"{{if true}}x{{end}}\n"],
    "ipxe": [b"#!ipxe\nshell\n", b"#!ipxe\necho {{.request.query.mac}}\n"],
    "meta-data": [b"instance-id: x\n", b'instance-id: {{len "abc"}}\n'],
}
BROKEN_TEMPLATES = [b"{{", b"{{.a-b}}", b"x\n{{nothing}}", b"{{end}}", b"{{if}}"]
WRONG_TYPES: list[Any] = ["text", 7, True, [], {}, [1], {"a": 1}]
BROKEN_JSON = [b"", b"{", b"[]", b"nul", b'{"a":1,"a":1}', b'{"name":"\xff"}', b"{} {}", b"1"]
BAD_NAMES = ["a b", "..", "x" * 129, "\x00", "ü", "a%", "%2F"]


class Maker:
    """Bodies from a schema: ones that are valid, and ones with one fault."""

    def __init__(self, rng: random.Random, model: Model):
        self.rng, self.model = rng, model
        self.spec = read_spec()

    def schema(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["components"]["schemas"][name]
        return found

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.schema(schema["$ref"].rpartition("/")[2])
        return schema

    def text(self) -> str:
        return "".join(self.rng.choices('abcä€😀"\\/\n\t <>&{}', k=self.rng.randint(0, 8)))

    def known(self, key: str) -> Optional[Callable[[], Any]]:
        """Where a schema says only that it is text, what brings requests together."""
        if key == "profile":
            return lambda: self.name_of("profiles", "", PROFILES)
        if key == "selector":
            return self.labels
        if key.endswith("_id"):
            kind = key.removesuffix("_id").replace("_", "-")
            return lambda: self.name_of("templates", f"{kind}/", NAMES)
        return None

    def name_of(self, collection: str, start: str, names: list[str]) -> str:
        """Most often of something that is there."""
        there = [n for n in self.model.names(collection) if n.startswith(start)]
        chosen = self.rng.choice(there if there and self.rng.random() < 0.9 else names)
        return chosen.removeprefix(start)

    def labels(self) -> dict[str, str]:
        keys = self.rng.sample(sorted(LABELS), self.rng.randint(0, 2))
        return {k: self.rng.choice(LABELS[k]) for k in keys}

    def anything(self, depth: int = 0) -> Any:
        leaves: list[Any] = [self.text(), self.rng.randint(-9, 9), 1.5, 1e300, True, False, None]
        roll = self.rng.random()
        if depth < 3 and roll < 0.3:
            return {self.text(): self.anything(depth + 1) for _ in range(self.rng.randint(0, 3))}
        if depth < 3 and roll < 0.5:
            return [self.anything(depth + 1) for _ in range(self.rng.randint(0, 3))]
        return self.rng.choice(leaves)

    def valid(self, schema: dict[str, Any], id_: str = "", sparse: float = 0.4) -> Any:
        schema = self.resolve(schema)
        if schema.get("type") == "array":
            return [self.valid(schema["items"]) for _ in range(self.rng.randint(0, 3))]
        if schema.get("type") == "boolean":
            return self.rng.random() < 0.5
        if schema.get("type") != "object":
            return self.text()
        made = {}
        for key, below in schema.get("properties", {}).items():
            often = 0.1 if key.endswith("_id") else sparse
            if key not in schema.get("required", []) and self.rng.random() > often:
                continue
            known = self.known(key)
            made[key] = id_ if key == "id" else known() if known else self.valid(below)
        below = schema.get("additionalProperties")
        if isinstance(below, dict) and "properties" in self.resolve(below):
            names = self.rng.sample(ARCHITECTURES, self.rng.randint(0, 2))
            return {name: self.valid(below) for name in names}
        if "properties" not in schema:
            return {self.text(): self.anything() for _ in range(self.rng.randint(0, 3))}
        return made

    def spoiled(self, schema: dict[str, Any], value: Any) -> Any:
        """The same with one fault that the schema forbids."""
        schema = self.resolve(schema)
        faults: list[Callable[[], Any]] = [lambda: self.of_other_type(schema)]
        if schema.get("type") == "object" and isinstance(value, dict):
            properties = schema.get("properties", {})
            if schema.get("additionalProperties") is False:
                unknown = self.rng.choice(["unknown", "Profile", "selectors", ""])
                faults.append(lambda: {**value, unknown: "x"})
            for key in schema.get("required", []):
                faults.append(lambda key=key: {k: v for k, v in value.items() if k != key})
            if "maxProperties" in schema:
                faults.append(lambda: {f"k{i}": "x" for i in range(schema["maxProperties"] + 1)})
            for key in set(value) & set(properties):
                faults.append(
                    lambda key=key: {**value, key: self.spoiled(properties[key], value[key])}
                )
        elif "pattern" in schema:
            faults.append(lambda: self.rng.choice(["a b", "..", "x" * 129, "/", "ü"]))
        elif schema.get("type") == "array":
            faults.append(lambda: [*value, self.of_other_type(schema["items"])])
        # The object as a whole is of no other type in most of them: there is more to find below.
        return self.rng.choice(faults[1:] or faults)()

    def of_other_type(self, schema: dict[str, Any]) -> Any:
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool}
        kind = kinds[self.resolve(schema)["type"]]
        return self.rng.choice([v for v in WRONG_TYPES if not isinstance(v, kind)])


class Player:
    """Sends one random request after the other and compares."""

    def __init__(self, server: Server, rng: random.Random):
        self.server, self.rng = server, rng
        self.model = Model()
        self.maker = Maker(rng, self.model)
        self.connection: Optional[Connection] = None
        self.etags: dict[str, str] = {}  # of each content that was seen
        self.statuses: dict[int, int] = {}

    # --- asking

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: Optional[bytes] = None
    ) -> Response:
        if not self.connection:
            self.connection = Connection(self.server.api_port, HANGS)
        sent = {"Authorization": f"Bearer {self.server.token}", **headers}
        answer = self.connection.request("/api/v1" + path, method, sent, body)
        check(answer.status < 500, f"{method} {path} is answered with {answer.status}")
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if answer.status >= 400:
            check_equal(answer.json()["status"], answer.status, "the problem's status")
        if (answer.header("Connection") or "").lower() == "close":
            self.connection.socket.close()
            self.connection = None
        return answer

    def path(self, key: Key) -> str:
        quoted = urllib.parse.quote(key[1], safe="/~" if key[0] == "templates" else "~")
        return f"/{key[0]}/{quoted}"

    def key(self, there: float = 0.0) -> Key:
        if self.model.resources and self.rng.random() < there:
            return self.rng.choice(list(self.model.resources))
        collection = self.rng.choice(["groups", "groups", "profiles", "templates"])
        if collection == "templates":
            return collection, f"{self.rng.choice(KINDS)}/{self.rng.choice(NAMES)}"
        return collection, self.rng.choice(GROUPS if collection == "groups" else PROFILES)

    def condition(self, key: Key, read: bool) -> tuple[Condition, dict[str, str]]:
        there = self.model.resources.get(key)
        tags = ['"none"', "*", f'"none", {there.etag}' if there else '"none"']
        tags += [there.etag, there.etag] if there else []
        roll = self.rng.random()
        if roll < 0.6:
            return Condition(), {}
        if roll < 0.85:
            tag = self.rng.choice(tags)
            return Condition(match=tag), {"If-Match": tag}
        tag = self.rng.choice(tags) if read else "*"
        return Condition(none_match=tag), {"If-None-Match": tag}

    # --- comparing

    def compare(self, what: str, key: Key, want: Expected, got: Response) -> None:
        check_equal(got.status, want.status, f"{what}: status; body {got.body[:300]!r}")
        if want.revision:
            check_equal(got.header("Vesta-Revision"), str(want.revision), f"{what}: the revision")
        if want.status not in (200, 201):
            return
        etag = got.header("ETag") or ""
        kind = key[1].partition("/")[0] if key[0] == "templates" else key[0]
        known = self.etags.setdefault(f"{kind} {canonical(want.stored)}", etag)
        check_equal(etag, known, f"{what}: the ETag of this content")
        check_equal(list(self.etags.values()).count(etag), 1, f"{what}: contents of {etag}")
        self.model.resources[key].etag = etag
        if isinstance(want.stored, dict):
            check_equal(got.json(), want.stored, what)
        elif got.header("Content-Type") == "application/json":
            check_equal(got.json()["size"], len(want.stored), f"{what}: size")
        else:
            check_equal(got.body, want.stored, what)

    def body(self, key: Key, patch: bool) -> tuple[Optional[Any], bytes]:
        """What the model is told, None for what cannot be read, and what is sent."""
        broken = self.rng.random()
        if key[0] == "templates":
            if broken < 0.1:
                return None, self.rng.choice(BROKEN_TEMPLATES)
            good = self.rng.choice(TEMPLATES[key[1].partition("/")[0]])
            return good, good
        if broken < 0.08:
            return None, self.rng.choice(BROKEN_JSON)
        schema = self.maker.schema("Group" if key[0] == "groups" else "Profile")
        value = self.maker.valid(schema, id_=key[1], sparse=0.2 if patch else 0.4)
        if broken < 0.3:
            value = self.maker.spoiled(schema, value)
        elif patch:
            value = {k: v for k, v in value.items() if self.rng.random() < 0.6}
            value.update({k: None for k in ("name", "metadata") if self.rng.random() < 0.3})
        return value, json.dumps(value, ensure_ascii=self.rng.random() < 0.5).encode()

    # --- requests

    def put(self) -> None:
        key = self.key()
        condition, headers = self.condition(key, read=False)
        value, body = self.body(key, patch=False)
        want = self.model.put(key, value, condition)
        got = self.ask("PUT", self.path(key), headers, body)
        self.compare(f"PUT {key} {headers} {body!r}", key, want, got)

    def patch(self) -> None:
        key = self.key()
        while key[0] == "templates":
            key = self.key(there=0.5)
        condition, headers = self.condition(key, read=False)
        value, body = self.body(key, patch=True)
        if condition.none_match:  # for a PATCH there is no such condition to be met
            condition, headers = Condition(), {}
        want = self.model.patch(key, value, condition)
        headers["Content-Type"] = "application/merge-patch+json"
        got = self.ask("PATCH", self.path(key), headers, body)
        self.compare(f"PATCH {key} {headers} {body!r}", key, want, got)

    def delete(self) -> None:
        key = self.key(there=0.6)
        condition, headers = self.condition(key, read=False)
        if condition.none_match:
            condition, headers = Condition(), {}
        want = self.model.delete(key, condition)
        got = self.ask("DELETE", self.path(key), headers)
        self.compare(f"DELETE {key} {headers}", key, want, got)

    def get(self) -> None:
        key = self.key(there=0.7)
        condition, headers = self.condition(key, read=True)
        want = self.model.get(key, condition)
        got = self.ask("GET", self.path(key), headers)
        self.compare(f"GET {key} {headers}", key, want, got)

    def put_bad_name(self) -> None:
        name = self.rng.choice(BAD_NAMES)
        key = ("templates", f"generic/{name}") if self.rng.random() < 0.5 else ("groups", name)
        want = self.model.put(key, None, Condition())
        got = self.ask("PUT", self.path(key), {}, b"{}")
        self.compare(f"PUT {key}", key, want, got)

    def not_there(self) -> None:
        method = self.rng.choice(["GET", "PUT", "DELETE"])
        path = self.rng.choice(["/nothing", "/templates/unknown/x", "/groups/a/b", "/groups/x/y/z"])
        self.ask(method, path, {}, b"{}" if method == "PUT" else None).want(404)

    def not_allowed(self) -> None:
        path = self.path(self.key())
        self.ask(self.rng.choice(["POST", "BREW", "OPTIONS"]), path, {}).want(405)
        self.ask("GET", path, {"Authorization": "Bearer wrong"}).want(401)

    def read_list(self) -> None:
        """All pages of a list, also of a part of it."""
        collection = self.rng.choice(["groups", "profiles", "templates"])
        names = self.model.names(collection)
        query = {"limit": str(self.rng.choice([1, 2, 3, 1000]))}
        if collection == "groups" and self.rng.random() < 0.5:
            names = self.choose_groups(names, query)
        check_equal(self.pages(collection, query), names, f"{collection} {query}")

    def choose_groups(self, names: list[str], query: dict[str, str]) -> list[str]:
        if self.rng.random() < 0.5:
            query["profile"] = self.rng.choice(PROFILES)
        key = self.rng.choice(["os", "rack"])
        query[key] = self.rng.choice(LABELS[key])
        chosen = []
        for name in names:
            group = self.model.resources["groups", name].content
            good = query.get("profile", group["profile"]) == group["profile"]
            if good and group.get("selector", {}).get(key) == query[key]:
                chosen.append(name)
        return chosen

    def pages(self, collection: str, query: dict[str, str]) -> list[str]:
        found: list[str] = []
        after = ""
        while True:
            target = urllib.parse.urlencode({**query, "after": after})
            page = self.ask("GET", f"/{collection}?{target}", {}).want(200).json()
            found += [i["id"] if "id" in i else f"{i['kind']}/{i['name']}" for i in page["items"]]
            after = page["next"]
            if not after:
                return found

    def read_all(self) -> None:
        for collection in ("groups", "profiles", "templates"):
            names = self.model.names(collection)
            check_equal(self.pages(collection, {"limit": "1000"}), names, collection)
            for name in names:
                key = (collection, name)
                got = self.ask("GET", self.path(key), {})
                self.compare(f"GET {key}", key, self.model.get(key, Condition()), got)
        newest = self.ask("GET", "/revisions?limit=1", {}).want(200).json()["items"]
        check_equal(newest[0]["revision"], self.model.revision, "the newest revision")

    def play(self, requests: int) -> None:
        kinds: list[tuple[Callable[[], None], int]] = [
            (self.put, 45),
            (self.patch, 15),
            (self.delete, 12),
            (self.get, 12),
            (self.read_list, 6),
            (self.put_bad_name, 4),
            (self.not_there, 3),
            (self.not_allowed, 3),
        ]
        for i in range(requests):
            self.rng.choices([k for k, _ in kinds], [n for _, n in kinds])[0]()
            if i % 250 == 249:
                self.read_all()
        self.read_all()
        check(sum(self.statuses.values()) >= requests, f"asked: {self.statuses}")


def test_random_requests_leave_what_the_model_has() -> None:
    print(f"test_model: VESTA_SEED={SEED} VESTA_REQUESTS={REQUESTS}")
    with serve() as server:
        player = Player(server, random.Random(SEED))
        try:
            player.play(REQUESTS)
        except AssertionError as e:
            raise Failure(f"VESTA_SEED={SEED} VESTA_REQUESTS={REQUESTS}: {e}") from e
    print(f"test_model: answers by status: {dict(sorted(player.statuses.items()))}")
    missing = {200, 201, 204, 304, 401, 404, 405, 409, 412, 422} - set(player.statuses)
    check(not missing or REQUESTS < 1000, f"statuses that no request met: {missing}")
