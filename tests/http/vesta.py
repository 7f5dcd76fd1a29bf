"""The harness of the end-to-end tests: the real program, real sockets, real files.

A test gets a Server on loopback with a data directory of its own. Nothing here retries or guesses:
requests are sent byte for byte, responses are parsed as RFC 9112 has them and no looser, and a
server that does not stop with exit code 0, or whose stderr holds a sanitizer's report, fails the
test that stops it.
"""

import base64
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Union

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.path.abspath(os.environ.get("VESTA") or ROOT / "build" / "vesta")

# Only a broken server meets this deadline; it is long because sanitizers are slow.
DEADLINE = 120.0
SANITIZER = re.compile(
    r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: |this must always hold"
)


def sanitized() -> bool:
    """Whether the program was built with a sanitizer, which makes it many times slower."""
    program = Path(BINARY).read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


class Failure(AssertionError):
    """A test's own words for what is wrong."""


def check(condition: object, message: str) -> None:
    if not condition:
        raise Failure(message)


def check_equal(got: object, want: object, what: str = "value") -> None:
    if got != want:
        raise Failure(f"{what}: got {shorten(got)}, want {shorten(want)}")


def shorten(x: object, limit: int = 600) -> str:
    text = repr(x)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def wait_for(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """The first true result of condition; a Failure when there is none in time."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"waited {deadline:g} s in vain for: {what}")
        time.sleep(0.01)


# --- HTTP ------------------------------------------------------------------------------------------

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\t -~]*")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")
SINGLE_FIELDS = {"content-length", "content-type", "date", "etag", "location", "vesta-match"}


@dataclass
class Response:
    status: int
    fields: list[tuple[str, str]]
    body: bytes = b""
    length: Optional[int] = None  # what Content-Length says

    def header(self, name: str) -> Optional[str]:
        values = [v for n, v in self.fields if n.lower() == name.lower()]
        check(len(values) < 2, f"the header {name} is there {len(values)} times: {values}")
        return values[0] if values else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as e:
            raise Failure(f"the body of a {self.status} is no JSON ({e}): {shorten(self.body)}")

    def want(self, status: int, body: Union[bytes, str, None] = None) -> "Response":
        """Fails unless it has this status and, when one is given, this body."""
        if self.status != status:
            raise Failure(f"status: got {self.status}, want {status}; body {shorten(self.body)}")
        if body is not None:
            check_equal(self.body, body.encode() if isinstance(body, str) else body, "body")
        return self


class Connection:
    """A TCP connection to a server: bytes out as they are, strictly parsed responses in."""

    def __init__(
        self, port: int, timeout: float = DEADLINE, tls: Optional[ssl.SSLContext] = None
    ):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.received = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """The next bytes; none at the end."""
        data, self.received = self.received, b""
        return data or self.socket.recv(1 << 18)

    def at_end(self) -> bool:
        """Whether the server has closed and nothing is left; waits for either."""
        try:
            self.received = self.receive()
        except ConnectionResetError:
            self.received = b""
        return not self.received

    def read_head(self) -> Response:
        while b"\r\n\r\n" not in self.received:
            check(len(self.received) < 65536, "the head of the response has no end")
            data = self.socket.recv(1 << 18)
            check(data, f"closed before the head was whole: {shorten(self.received)}")
            self.received += data
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        status = STATUS_LINE.fullmatch(lines[0])
        if not status:
            raise Failure(f"no status line: {shorten(lines[0])}")
        fields = []
        for line in lines[1:]:
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise Failure(f"no header field: {shorten(line)}")
            fields.append((match[1].decode(), match[2].decode("latin-1")))
        response = Response(int(status[1]), fields)
        for name in SINGLE_FIELDS:
            response.header(name)
        check(response.header("Transfer-Encoding") is None, "the response has a Transfer-Encoding")
        length = response.header("Content-Length")
        if length is not None:
            check(re.fullmatch("[0-9]+", length), f"Content-Length is {length!r}")
            response.length = int(length)
        else:
            check(response.status == 204, f"a {response.status} without Content-Length")
        return response

    def body_chunks(self, response: Response) -> Iterator[bytes]:
        """The body of a response whose head was read, as it comes."""
        left = response.length or 0
        while left:
            data = self.receive()
            check(data, f"closed with {left} bytes of the body missing")
            self.received = data[left:]
            data = data[:left]
            left -= len(data)
            yield data

    def read_response(self, method: str = "GET") -> Response:
        response = self.read_head()
        if method != "HEAD" and response.status not in (204, 304):
            response.body = b"".join(self.body_chunks(response))
        if (response.header("Connection") or "").lower() == "close":
            check(self.at_end(), f"bytes after a closing response: {shorten(self.received)}")
        return response

    def request(
        self,
        target: str,
        method: str = "GET",
        headers: Optional[dict[str, str]] = None,
        body: Optional[bytes] = None,
    ) -> Response:
        self.send(request_bytes(target, method, headers, body))
        return self.read_response(method)


def request_bytes(
    target: str,
    method: str = "GET",
    headers: Optional[dict[str, str]] = None,
    body: Optional[bytes] = None,
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: vesta.test"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + (body or b"")


# --- the program -----------------------------------------------------------------------------------


def clean_environment() -> dict[str, str]:
    """The tests' environment without what would steer the program.

    A server that root starts stays root, since its files are in a folder of root's own.
    """
    mine = {k: v for k, v in os.environ.items() if not k.startswith("VESTA")}
    return {**mine, "VESTA_USER": "root"} if os.geteuid() == 0 else mine


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    def want(self, code: int) -> "Outcome":
        if self.code != code:
            raise Failure(
                f"exit code {self.code}, want {code}\nstdout: {self.out}\nstderr: {self.err}"
            )
        return self


def run(*args: object, env: Optional[dict[str, str]] = None, **more: Any) -> Outcome:
    """Runs `vesta ARGS` to its end."""
    command = [BINARY, *map(str, args)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE,
        env={**clean_environment(), **(env or {})},
        check=False,
        **more,
    )
    outcome = Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
    check(not SANITIZER.search(outcome.err), f"a sanitizer's report:\n{outcome.err}")
    check(
        outcome.code >= 0,
        f"`vesta {' '.join(command[1:])}` died of signal {-outcome.code}:\n{outcome.err}",
    )
    return outcome


class Scratch:
    """A directory that goes away with the test."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="vesta-test-"))

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def write_site(folder: Path, files: dict[str, Any]) -> Path:
    """Writes a site directory: text and bytes as they are, everything else as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8")
    return folder


@dataclass
class Server:
    """`vesta serve` on free ports of loopback, with a data directory."""

    data: Path
    flags: tuple[str, ...] = ()
    limits: Optional[Callable[[], None]] = None  # run in the child before the program
    tls: Optional[ssl.SSLContext] = None  # how the API is asked when it has TLS
    boot_port: int = 0
    tls_port: int = 0  # of the boot plane's TLS listener, if there is one
    api_port: int = 0
    process: Optional["subprocess.Popen[bytes]"] = None
    log_path: Path = Path()
    scratch: Optional[Scratch] = None
    _token: str = field(default="", repr=False)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def api_url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.api_port}"

    @property
    def boot_url(self) -> str:
        return f"http://127.0.0.1:{self.boot_port}"

    @property
    def token(self) -> str:
        if not self._token:
            self._token = (self.data / "admin.token").read_text().strip()
        return self._token

    def start(self) -> "Server":
        self.log_path = self.data.parent / f"{self.data.name}.{time.monotonic_ns()}.log"
        command = [BINARY, "serve", "--address", "127.0.0.1:0", "--api-address", "127.0.0.1:0"]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*command, "--data-path", str(self.data), *self.flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean_environment(),
                preexec_fn=self.limits,
            )
        assert self.process.stdout
        # The lines come when the server answers; the pipe ends when it does not start.
        lines = [self.process.stdout.readline().decode()]
        while lines[-1].startswith("vesta: boot plane on"):
            lines.append(self.process.stdout.readline().decode())
        found = re.fullmatch(
            r"vesta: boot plane on http://127\.0\.0\.1:(\d+)\n"
            r"(?:vesta: boot plane on https://127\.0\.0\.1:(\d+)\n)?"
            rf"vesta: API on http{'s' if self.tls else ''}://127\.0\.0\.1:(\d+)\n",
            "".join(lines),
        )
        if not found:
            self.kill()
            raise Failure(f"the server did not start: stdout {lines}, stderr:\n{self.log()}")
        self.boot_port, self.tls_port, self.api_port = (int(x or 0) for x in found.groups())
        return self

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def signal_stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)

    def wait_stopped(self) -> None:
        assert self.process and self.process.stdout
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"the server did not stop within {DEADLINE:g} s of SIGTERM") from None
        self.process.stdout.close()
        self.process = None
        log = self.log()
        check(not SANITIZER.search(log), f"a sanitizer's report:\n{log[-20000:]}")
        check(code == 0, f"the server ended with {code} at SIGTERM:\n{log[-4000:]}")
        refused = [line for line in log.splitlines() if "sandbox-refused" in line]
        check(not refused, f"system calls that the sandbox does not know: {refused}")

    def stop(self) -> None:
        """Ends it as an init system does, and checks that it ended well."""
        if self.process:
            self.signal_stop()
            self.wait_stopped()

    def kill(self) -> None:
        """Ends it as a power cut does."""
        if self.process and self.process.stdout:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def __enter__(self) -> "Server":
        return self if self.process else self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind:
                self.kill()
            else:
                self.stop()
        finally:
            if self.scratch:
                self.scratch.remove()

    # What tests ask it.

    def connect(self, timeout: float = DEADLINE) -> Connection:
        return Connection(self.boot_port, timeout)

    def get(
        self, target: str, headers: Optional[dict[str, str]] = None, method: str = "GET"
    ) -> Response:
        """One request to the boot plane on a connection of its own."""
        with self.connect() as c:
            return c.request(target, method, {"Connection": "close", **(headers or {})})

    def raw(self, data: bytes, method: str = "GET") -> Response:
        """The first answer to these bytes on the boot plane."""
        with self.connect() as c:
            c.send(data)
            return c.read_response(method)

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Optional[dict[str, str]] = None,
        token: Optional[str] = None,
    ) -> Response:
        """One request to /api/v1; token "" sends none. What is not bytes goes as JSON."""
        sent = {"Connection": "close"}
        token = self.token if token is None else token
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        with Connection(self.api_port, tls=self.tls) as c:
            return c.request("/api/v1" + path, method, sent, body)

    def memory(self, name: str) -> int:
        """A counter of /proc/PID/status in bytes: VmRSS, VmHWM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(rf"^{name}:\s+(\d+) kB$", status, re.M)
        assert match, status
        return int(match[1]) * 1024


def serve(
    site: Union[Path, dict[str, Any], None] = None,
    *flags: str,
    skip_invalid: bool = False,
    assets: Optional[dict[str, Any]] = None,
    tls: Optional[ssl.SSLContext] = None,
) -> Server:
    """A started server of its own data directory, with this site imported; a context manager."""
    scratch = Scratch()
    data = scratch.path / "data"
    try:
        if isinstance(site, dict):
            site = write_site(scratch.path / "site", site)
        if site:
            skip = ["--skip-invalid"] if skip_invalid else []
            run("import", "--data-path", data, *skip, site).want(0)
        if assets:
            write_site(data / "assets", assets)
        return Server(data, flags, scratch=scratch, tls=tls).start()
    except BaseException:
        scratch.remove()
        raise


def wait_answer(server: Server, target: str, body: str, seconds: float) -> None:
    """Waits until the boot plane answers with this body."""
    want = body.encode()
    wait_for(lambda: server.get(target).body == want, f"{target} to be {body!r}", seconds)


# --- signatures ------------------------------------------------------------------------------------


def gpg_tool(*args: Union[str, Path]) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [str(a) for a in args], capture_output=True, timeout=DEADLINE, check=False
    )


def gpgv(server: Server, body: bytes, signature: bytes) -> bool:
    """Whether GnuPG's own verifier finds the signature good, with the key that the server gives."""
    with Scratch() as home:
        for name, content in [
            ("key.asc", server.get("/key.asc").want(200).body),
            ("body", body),
            ("signature", signature),
        ]:
            (home / name).write_bytes(content)
        ring = home / "key.gpg"
        made = gpg_tool(
            "gpg", "--homedir", home, "--batch", "--output", ring, "--dearmor", home / "key.asc"
        )
        check(made.returncode == 0, f"gpg cannot read /key.asc: {made.stderr.decode()}")
        return (
            gpg_tool("gpgv", "--keyring", ring, home / "signature", home / "body").returncode == 0
        )


def bytes_of(expect: dict[str, Any]) -> Optional[bytes]:
    """The `body` or `body_b64` of a recorded case."""
    if "body_b64" in expect:
        return base64.b64decode(expect["body_b64"])
    return expect["body"].encode() if "body" in expect else None
