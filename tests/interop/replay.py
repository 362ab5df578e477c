"""Recorded request shapes as data: what a client sends, in its order, and what it needs to find in the answers.

A file of `replays/` is one client: its service, its headers, and replays made of steps. A step has the request
(`method`, `path`, `headers`, `signed`, `agent`; as body `propfind`, `body` or `object`) and what is checked:

    status            any of these
    answer_headers    regular expressions by header name; `answer_headers_without`: not found; `answer_headers_absent`
    members           exactly these hrefs with properties; `includes`: at least these; `gone`: exactly these as 404
    found             regular expressions for the text of properties; `not_found`: properties that must not be there
    holds             elements somewhere inside a property; `holds_not`: none of these
    at                whose properties: an href, or the only member besides the collection that was asked
    condition         the precondition element of an error
    continued         the body was asked for by 100 Continue
    keep              for later steps: `header NAME`, `text PROPERTY`, `sync-token`, `first RESOURCETYPE [COMPONENT]`

Names in braces stand for what was kept, and for the account.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from http_client import NAMESPACES, Client, Member, Reply, clark

FOLDER = Path(__file__).parent / "replays"
NAME = re.compile(r"\{([a-z]+)\}")
STEP_KEYS = {
    "do", "need", "method", "path", "headers", "signed", "agent", "propfind", "body", "object", "status",
    "answer_headers", "answer_headers_without", "answer_headers_absent", "members", "includes", "gone", "found",
    "not_found", "holds", "holds_not", "at", "condition", "continued", "keep",
}  # fmt: skip


@dataclass(frozen=True)
class Replay:
    """One session of one client."""

    client: str
    service: str
    name: str
    password: str
    headers: Mapping[str, str]
    steps: tuple[Mapping[str, Any], ...]


def replays() -> list[Replay]:
    """Every replay of every client. Raises ValueError for a key that nothing reads."""
    found = []
    for file in sorted(FOLDER.glob("*.toml")):
        data = tomllib.loads(file.read_text())
        for each in data["replay"]:
            for step in each["step"]:
                unknown = step.keys() - STEP_KEYS
                if unknown:
                    raise ValueError(f"{file.name}: {step['do']}: {unknown}")
            steps = tuple(each["step"])
            found.append(Replay(file.stem, data["service"], each["name"], each["password"], data["headers"], steps))
    return found


@dataclass
class Session:
    """A replay under way: its connection, and what earlier answers gave."""

    replay: Replay
    client: Client
    known: dict[str, str] = field(default_factory=dict)
    agent: str = ""

    def run(self) -> None:
        """All steps; the first answer that is not what the client needs fails, and says which."""
        for number, step in enumerate(self.replay.steps, start=1):
            reply = self._send(step)
            try:
                self._check(step, reply)
                for name, source in step.get("keep", {}).items():
                    self.known[name] = kept(source, reply)
            except (AssertionError, LookupError, SyntaxError) as wrong:
                said = f"{self.replay.client}, {self.replay.name}, step {number}: {step['do']}"
                needed = f"\nneeds: {step['need']}" if "need" in step else ""
                asked = f"{step['method']} {self._filled(step['path'])}"
                raise AssertionError(f"{said}{needed}\n{asked} -> {reply}\n{type(wrong).__name__}: {wrong}") from wrong

    def _send(self, step: Mapping[str, Any]) -> Reply:
        headers = dict(self.replay.headers) | step.get("headers", {})
        self.agent = step.get("agent", headers.get("User-Agent", self.agent))
        headers = {name: self._filled(value) for name, value in headers.items()} | {"User-Agent": self.agent}
        password, self.client.password = self.client.password, None
        if step.get("signed", True):
            self.client.password = password
        try:
            return self.client.request(step["method"], self._filled(step["path"]), self._body(step), headers)
        finally:
            self.client.password = password

    def _body(self, step: Mapping[str, Any]) -> str | None:
        if "propfind" in step:
            return propfind(step["propfind"].split())
        if "object" in step:
            return step["object"].lstrip("\n").replace("\n", "\r\n")
        return self._filled(step["body"]) if "body" in step else None

    def _filled(self, text: str, *, pattern: bool = False) -> str:
        def value(match: re.Match[str]) -> str:
            return re.escape(self.known[match[1]]) if pattern else self.known[match[1]]

        return NAME.sub(value, text)

    def _check(self, step: Mapping[str, Any], reply: Reply) -> None:
        assert reply.status in step["status"], f"status {reply.status}"
        for name, pattern in step.get("answer_headers", {}).items():
            assert re.search(self._filled(pattern, pattern=True), reply.headers.get(name, "")), name
        for name, pattern in step.get("answer_headers_without", {}).items():
            assert not re.search(pattern, reply.headers.get(name, "")), name
        for name in step.get("answer_headers_absent", []):
            assert name not in reply.headers, name
        if "condition" in step:
            assert reply.condition() == {clark(step["condition"])}
        if step.get("continued"):
            assert reply.continued, "no 100 Continue"
        if reply.status == 207:
            self._check_members(step, reply)

    def _check_members(self, step: Mapping[str, Any], reply: Reply) -> None:
        members = reply.members
        there = {href for href, member in members.items() if member.status in (None, 200)}
        if "members" in step:
            assert there == {self._filled(href) for href in step["members"]}
        for href in step.get("includes", []):
            assert self._filled(href) in there
        if "gone" in step:
            gone = {href for href, member in members.items() if member.status == 404}
            assert gone == {self._filled(href) for href in step["gone"]}
        if step.keys() & {"found", "not_found", "holds", "holds_not", "at"}:
            self._check_properties(step, self._chosen(step, members))

    def _chosen(self, step: Mapping[str, Any], members: Mapping[str, Member]) -> Member:
        if "at" in step:
            return members[self._filled(step["at"])]
        (member,) = [each for each in members.values() if each.status != 404]
        return member

    def _check_properties(self, step: Mapping[str, Any], member: Member) -> None:
        for name, pattern in step.get("found", {}).items():
            element = member.get(name)
            assert element is not None, f"{name} is missing"
            text = "".join(element.itertext()).strip()
            assert re.search(self._filled(pattern, pattern=True), text), f"{name} is {text!r}"
        for name in step.get("not_found", []):
            assert member.get(name) is None, f"{name} is there"
        for name, wanted in step.get("holds", {}).items():
            assert {clark(each) for each in wanted.split()} <= inside(member, name), f"{name}: {inside(member, name)}"
        for name, unwanted in step.get("holds_not", {}).items():
            assert not {clark(each) for each in unwanted.split()} & inside(member, name), (
                f"{name}: {inside(member, name)}"
            )


def inside(member: Member, name: str) -> set[str]:
    """The names of all elements below a property."""
    element = member.get(name)
    assert element is not None, f"{name} is missing"
    return {each.tag for each in element.iter()} - {element.tag}


def propfind(names: list[str]) -> str:
    """A PROPFIND body that declares each namespace at the property, as Apple's and other generated bodies do."""
    properties = []
    for number, name in enumerate(names):
        prefix, _, local = name.partition(":")
        properties.append(f'<n{number}:{local} xmlns:n{number}="{NAMESPACES[prefix]}"/>')
    listed = "\n    ".join(properties)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<A:propfind xmlns:A="DAV:">
  <A:prop>
    {listed}
  </A:prop>
</A:propfind>
"""


def kept(source: str, reply: Reply) -> str:
    """A value of the answer that later steps use."""
    match source.split():
        case ["header", name]:
            return urlsplit(reply.headers[name]).path if name == "location" else reply.headers[name]
        case ["text", name]:
            (member,) = reply.members.values()
            return member.text(name)
        case ["sync-token"]:
            token = reply.xml.findtext(clark("D:sync-token"))
            assert token, "no sync token"
            return token
        case ["first", kind, *component]:
            return next(href for href, member in reply.members.items() if is_a(member, kind, component))
    raise ValueError(f"unknown source: {source}")


def is_a(member: Member, kind: str, component: list[str]) -> bool:
    """Whether a member is a collection of this resource type that takes this component."""
    if clark(kind) not in inside(member, "D:resourcetype"):
        return False
    if not component:
        return True
    taken = member.get("C:supported-calendar-component-set")
    return taken is not None and component[0] in {each.get("name") for each in taken}
