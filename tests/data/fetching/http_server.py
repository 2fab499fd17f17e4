"""A real HTTP server on loopback that answers properly, or as badly as a test asks it to."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

End = Literal["hangs up", "resets", "goes silent"]


@dataclass(frozen=True)
class Answer:
    """How one request is answered; whatever is left out is as it should be.

    Attributes:
        status: instead of 200, 206 or 416.
        headers: instead of, or beside, the proper ones; None leaves one out.
        body: instead of the bytes that were asked for.
        whole: the whole file, as if no range had been asked for.
        cut: so many bytes of the body, and then the connection ends.
        end: how it ends.
        chunked: without a Content-Length.
        extra: bytes behind the body.
        trickles: in small pieces, the whole taking half a second at least.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    whole: bool = False
    cut: int | None = None
    end: End = "hangs up"
    chunked: bool = False
    extra: bytes = b""
    trickles: bool = False


@dataclass
class Site:
    """One address.

    Attributes:
        content: the file there.
        headers: that go with it.
        answers: to the next requests; proper ones follow.
        seen: the headers of each request.
    """

    url: str
    content: bytes
    headers: dict[str, str]
    answers: list[Answer]
    seen: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [headers.get("Range") for headers in self.seen]

    def proper(self, asked: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        wanted = re.fullmatch(r"bytes=(\d+)-", asked.get("Range", ""))
        known = {self.headers.get("ETag"), self.headers.get("Last-Modified"), None}
        size = len(self.content)
        if wanted is None or asked.get("If-Range") not in known:
            return 200, dict(self.headers), self.content
        start = int(wanted[1])
        if start >= size:
            return 416, {"Content-Range": f"bytes */{size}"}, b""
        told = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return 206, self.headers | told, self.content[start:]


class Server:
    """Sites by path; ``at`` makes one."""

    def __init__(self, certificate: Path | None) -> None:
        self._sites: dict[str, Site] = {}
        self.closing = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = False
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # Shaken hands with in the request's own thread, where a refusal is not printed.
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if certificate is None else "https"
        self.root = f"{scheme}://127.0.0.1:{self.http.server_port}"

    def at(self, path: str, content: bytes, *answers: Answer, etag: str | None = '"v1"') -> Site:
        headers = {} if etag is None else {"ETag": etag}
        site = Site(self.root + path, content, headers, list(answers))
        self._sites[path] = site
        return site

    def find(self, path: str) -> Site:
        return self._sites[path]


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """A server for as long as the block lasts; with TLS where there is a certificate."""
    server = Server(certificate)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.http.shutdown()
        thread.join()
        server.http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def handle(self) -> None:
            # The other side was killed, has given up, or does not like the certificate.
            with suppress(ConnectionError, ssl.SSLError):
                super().handle()

        def do_GET(self) -> None:
            site = server.find(self.path)
            site.seen.append(dict(self.headers))
            answer = site.answers.pop(0) if site.answers else Answer()
            status, headers, body = site.proper({} if answer.whole else site.seen[-1])
            status = answer.status or status
            body = body if answer.body is None else answer.body
            told = {"Content-Length": str(len(body)), **headers}
            if answer.chunked:
                del told["Content-Length"]
                told["Transfer-Encoding"] = "chunked"
            self._send(status, {**told, **answer.headers}, body + answer.extra, answer)

        def _send(
            self, status: int, headers: Mapping[str, str | None], body: bytes, answer: Answer
        ) -> None:
            self.send_response(status, HTTPStatus(status).phrase)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            sent = body if answer.cut is None else body[:answer.cut]
            if answer.chunked and sent:
                sent = b"%x\r\n%s\r\n" % (len(sent), sent)
            step = len(sent) // 50 if answer.trickles else len(sent)
            for start in range(0, len(sent), max(step, 1)):
                self.wfile.write(sent[start:start + step])
                server.closing.wait(0.01 if answer.trickles else 0)
            if answer.cut is not None:
                self._end(answer.end)
            elif answer.chunked:
                self.wfile.write(b"0\r\n\r\n")
            if answer.extra or "Content-Length" not in headers:
                self.close_connection = True

        def _end(self, end: End) -> None:
            self.close_connection = True
            if end == "goes silent":
                server.closing.wait(20)
            if end == "resets":
                # What was sent has to be read before the reset overtakes it.
                server.closing.wait(0.1)
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

        def log_message(self, *_args: object) -> None:
            pass

    return Handler
