"""A site as the API should keep it, in Python: what each request changes and how it is answered.

Written from the API's description and its words, not from the program: a dictionary of resources,
references that must not dangle, selectors of which no two are the same, and conditions on ETags.
Whether a body is valid is asked of the description's own schemas.
"""

import copy
import json
import re
from dataclasses import dataclass, field
from typing import Any, Optional

import jsonschema

from openapi import read_spec

NAME = re.compile(
    r"(?!\.{1,2}(/|$))[A-Za-z0-9._~-]{1,128}(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]{1,128}){0,7}"
)
MAC = re.compile(r"[0-9A-Fa-f]{2}(([:-])[0-9A-Fa-f]{2})(\2[0-9A-Fa-f]{2}){4}")
KINDS_OF_PROFILES = (
    "ignition cloud generic ipxe grub pxelinux meta-data network-config vendor-data".split()
)
KINDS = [*KINDS_OF_PROFILES, "files"]

Key = tuple[str, str]  # ("groups", "web-1"), ("templates", "cloud/web.yaml")


@dataclass
class Expected:
    """How a request is answered: the first status that holds, and what is stored after it."""

    status: int
    stored: Any = None  # a group or profile, or the bytes of a template
    revision: int = 0


@dataclass
class Resource:
    content: Any
    revision: int
    etag: str = ""


@dataclass
class Condition:
    match: Optional[str] = None
    none_match: Optional[str] = None


@dataclass
class Model:
    revision: int = 0
    resources: dict[Key, Resource] = field(default_factory=dict)
    schemas: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spec = read_spec()
        resolver = jsonschema.RefResolver("", spec)
        for collection, name in (("groups", "Group"), ("profiles", "Profile")):
            schema = spec["components"]["schemas"][name]
            self.schemas[collection] = jsonschema.Draft202012Validator(schema, resolver=resolver)

    # --- what is valid

    def normal(self, collection: str, name: str, body: Any) -> Optional[dict[str, Any]]:
        """A group or profile as it is stored; None when it is not valid."""
        if any(self.schemas[collection].iter_errors(body)) or body.get("id", name) != name:
            return None
        stored = {k: copy.deepcopy(v) for k, v in body.items() if v not in ("", {}, False)}
        stored["id"] = name
        for key, value in body.get("selector", {}).items():
            if key == "mac":
                if not MAC.fullmatch(value):
                    return None
                value = value.replace("-", ":").lower()
            if key == "uuid":
                value = value.lower()
            stored["selector"][key] = value
        if "boot" in body:
            boot = {k: v for k, v in body["boot"].items() if v not in ("", [], {})}
            stored["boot"] = boot
        return stored

    def names_what_is_not_there(self, collection: str, stored: dict[str, Any]) -> bool:
        return any(key not in self.resources for key in references(collection, stored))

    def users(self, key: Key) -> list[Key]:
        return [
            k
            for k, r in self.resources.items()
            if k[0] != "templates" and key in references(k[0], r.content)
        ]

    def selector_is_taken(self, name: str, stored: dict[str, Any]) -> bool:
        return any(
            k[0] == "groups"
            and k[1] != name
            and r.content.get("selector", {}) == stored.get("selector", {})
            for k, r in self.resources.items()
        )

    def name_is_folder_and_file(self, key: Key) -> bool:
        if key[0] != "templates":
            return False
        kind, _, name = key[1].partition("/")
        for collection, other in self.resources:
            other_kind, _, other_name = other.partition("/")
            if collection == "templates" and other_kind == kind:
                if other_name.startswith(name + "/") or name.startswith(other_name + "/"):
                    return True
        return False

    # --- conditions

    def write_is_stale(self, key: Key, condition: Condition) -> bool:
        there = self.resources.get(key)
        if condition.none_match and there:
            return True
        if condition.match is None:
            return False
        return not there or (condition.match != "*" and there.etag not in condition.match)

    # --- requests

    def put(self, key: Key, body: Optional[Any], condition: Condition) -> Expected:
        """body: JSON or bytes; None for what cannot be read at all."""
        name = key[1].partition("/")[2] if key[0] == "templates" else key[1]
        good = NAME.fullmatch(name) and (key[0] == "templates" or "/" not in name)
        stored = body
        if good and body is not None and key[0] != "templates":
            stored = self.normal(key[0], name, body)
        if not good or stored is None:
            return Expected(422)
        return self.store(key, stored, condition)

    def patch(self, key: Key, body: Optional[Any], condition: Condition) -> Expected:
        there = self.resources.get(key)
        if not there:
            return Expected(404)
        if self.write_is_stale(key, condition):
            return Expected(412)
        merged = None if body is None else merge(there.content, body)
        stored = None if merged is None else self.normal(key[0], key[1], merged)
        return Expected(422) if stored is None else self.store(key, stored, condition)

    def store(self, key: Key, stored: Any, condition: Condition) -> Expected:
        if self.write_is_stale(key, condition):
            return Expected(412)
        if key[0] != "templates" and self.names_what_is_not_there(key[0], stored):
            return Expected(422)
        if key[0] == "groups" and self.selector_is_taken(key[1], stored):
            return Expected(409)
        there = self.resources.get(key)
        if not there and self.name_is_folder_and_file(key):
            return Expected(409)
        if not there or there.content != stored:
            self.revision += 1
            self.resources[key] = Resource(stored, self.revision)
        return Expected(200 if there else 201, stored, self.resources[key].revision)

    def delete(self, key: Key, condition: Condition) -> Expected:
        if key not in self.resources:
            return Expected(404)
        if self.write_is_stale(key, condition):
            return Expected(412)
        if self.users(key):
            return Expected(409)
        del self.resources[key]
        self.revision += 1
        return Expected(204, None, self.revision)

    def get(self, key: Key, condition: Condition) -> Expected:
        there = self.resources.get(key)
        if not there:
            return Expected(404)
        if condition.match not in (None, "*") and there.etag not in str(condition.match):
            return Expected(412)
        if condition.none_match and there.etag in condition.none_match:
            return Expected(304, None, there.revision)
        if condition.none_match == "*":
            return Expected(304, None, there.revision)
        return Expected(200, there.content, there.revision)

    def names(self, collection: str) -> list[str]:
        found = [name for c, name in self.resources if c == collection]
        if collection == "templates":
            return sorted(found, key=lambda n: (KINDS.index(n.split("/")[0]), n.partition("/")[2]))
        return sorted(found)


def references(collection: str, stored: dict[str, Any]) -> list[Key]:
    if collection == "groups":
        return [("profiles", stored["profile"])]
    keys = [(kind, kind.replace("-", "_") + "_id") for kind in KINDS_OF_PROFILES]
    return [("templates", f"{kind}/{stored[key]}") for kind, key in keys if key in stored]


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396, 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def canonical(content: Any) -> str:
    """Equal texts are equal contents."""
    if isinstance(content, bytes):
        return content.hex()
    return json.dumps(content, sort_keys=True)
