"""A proxy before the S3 server that answers with errors, late, or not at all, as a test tells it to."""

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from s3_server import S3Server

SILENCE = 30.0  # seconds after which a connection is given up

# What befalls a request: nothing more (None), or that it gets this answer instead of the server's.
Fault = Callable[["Request"], int | None]


@dataclass
class Request:
    method: str
    path: str  # with the query, percent-decoded
    headers: dict[str, str]
    status: int = 0  # of the server's answer, if it was asked

    @property
    def conditional(self) -> bool:
        return not {"if-match", "if-none-match"}.isdisjoint(map(str.lower, self.headers))


@dataclass
class Rule:
    """Says which requests a fault befalls: of those that match, every n-th, `times` in all. `met` tells how many."""

    method: str
    pattern: str
    fault: Fault
    times: float
    every: int
    conditional: bool | None
    answered: bool  # after the server has answered
    seen: int = 0
    met: int = 0

    def takes(self, request: Request) -> bool:
        if not re.fullmatch(self.method, request.method) or not re.search(self.pattern, request.path):
            return False
        if self.conditional not in (None, request.conditional):
            return False
        self.seen += 1
        if self.met >= self.times or self.seen % self.every:
            return False
        self.met += 1
        return True


@dataclass
class Gate:
    """Holds the requests that reach it until it is opened; `reached` is set by the first."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request) -> None:
        self.reached.set()
        self.opened.wait(SILENCE)


class Dropped(Exception):
    """The connection ends without an answer."""


def drop(request: Request) -> None:
    raise Dropped


@dataclass
class S3Proxy:
    server: S3Server
    rules: list[Rule] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    @property
    def env(self) -> dict[str, str]:
        return {**self.server.env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.http.server_port}"}

    def on(
        self,
        method: str,
        pattern: str,
        fault: Fault,
        *,
        times: float = float("inf"),
        every: int = 1,
        conditional: bool | None = None,
        answered: bool = False,
    ) -> Rule:
        """`method` and `pattern` are regular expressions, the second searched for in path and query. `conditional`:
        only those with If-Match or If-None-Match, or only those without. `answered`: the server does what was asked
        before the fault befalls its answer."""
        rule = Rule(method, pattern, fault, times, every, conditional, answered)
        with self.lock:
            self.rules.append(rule)
        return rule

    def fail(self, method: str, pattern: str, status: int = 503, **which) -> Rule:
        return self.on(method, pattern, lambda request: status, **which)

    def delay(self, method: str, pattern: str, seconds: float, **which) -> Rule:
        return self.on(method, pattern, lambda request: time.sleep(seconds), **which)

    def lose_answer(self, method: str, pattern: str, **which) -> Rule:
        return self.on(method, pattern, drop, answered=True, **which)

    def hold(self, method: str, pattern: str, **which) -> Gate:
        gate = Gate()
        self.on(method, pattern, gate, **which)
        return gate

    def clear(self) -> None:
        """No more faults; what was counted is forgotten."""
        with self.lock:
            for rule in self.rules:
                if isinstance(rule.fault, Gate):
                    rule.fault.opened.set()
            self.rules.clear()
            self.requests.clear()

    def count(self, method: str = ".*", pattern: str = "") -> int:
        with self.lock:
            seen = list(self.requests)
        return sum(1 for r in seen if re.fullmatch(method, r.method) and re.search(pattern, r.path))

    def befall(self, request: Request, answered: bool) -> int | None:
        with self.lock:
            faults = [rule.fault for rule in self.rules if rule.answered == answered and rule.takes(request)]
        for fault in faults:
            if (status := fault(request)) is not None:
                return status
        return None


def error_document(status: int) -> bytes:
    code = {503: "SlowDown", 500: "InternalError", 403: "AccessDenied", 404: "NoSuchKey"}.get(status, "Fault")
    text = f"<Error><Code>{code}</Code><Message>made up by the proxy</Message></Error>"
    return b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SILENCE
    proxy: S3Proxy

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self) -> None:
        request = Request(self.command, unquote(self.path), dict(self.headers.items()))
        with self.proxy.lock:
            self.proxy.requests.append(request)
        try:
            body = self.body()
            status = self.proxy.befall(request, answered=False)
            if status is None:
                answer, content = self.ask(body)
                request.status = answer.status
                status = self.proxy.befall(request, answered=True)
            if status is None:
                self.answer(answer.status, answer.getheaders(), content)
            else:
                self.answer(status, [("Content-Type", "application/xml")], error_document(status))
        except (Dropped, OSError, http.client.HTTPException):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = exchange

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        with contextlib.closing(self.upstream()) as upstream:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "transfer-encoding", "content-length", "connection"):
                    upstream.putheader(name, value)
            if body or self.command in ("PUT", "POST"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            return answer, answer.read()

    def upstream(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.proxy.server.port, timeout=SILENCE)

    def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = dict((name.lower(), value) for name, value in headers).get("content-length", str(len(content)))
        if status not in (204, 304):
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass
