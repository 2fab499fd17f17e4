"""Addresses that fail, lead elsewhere, are not there, or are not who they say."""

import datetime
import ipaddress
import socket
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.errors import DataError
from tests.data.fetching.calling import ARCHIVE, Caller, known
from tests.data.fetching.http_server import Answer, Server, serving

CUT = Answer(cut=70_000)
BROKEN = [Answer(status=503)]


@pytest.fixture
def caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setenv("NO_PROXY", "*")
    return Caller(tmp_path / "downloads")


class TestFailures:
    """What passes is waited for, what does not sends on to the next address."""

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_what_may_pass_is_tried_again(
        self, server: Server, caller: Caller, status: int
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, *[Answer(status=status, body=b"later")] * 2)
        caller.fetch(known(site), attempts=3)
        assert len(site.seen) == 3
        assert len(caller.waits) == 2
        assert f"answered {status}" in caller.news[0]

    def test_the_wait_doubles_up_to_a_limit_and_is_spread(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, *BROKEN * 8)
        caller.fetch(known(site), attempts=9)
        for wait, limit in zip(caller.waits, (1, 2, 4, 8, 16, 32, 60, 60), strict=True):
            assert limit / 2 <= wait <= limit
        assert len({wait / limit for wait, limit in zip(caller.waits, (1, 2, 4), strict=False)}) > 1

    @pytest.mark.parametrize(("asked", "least", "most"), [
        ("7", 7, 7), ("100000", 60, 60), ("0", 0, 0), ("soon", 0.5, 1),
        ("Tue, 24 Nov 2026 12:00:00 GMT", 0, 0),
        ("Wed, 01 Jan 2098 00:00:00 GMT", 60, 60), ("Wed, 01 Jan 2098 00:00:00 -0000", 60, 60),
    ])
    def test_the_wait_is_the_servers_within_limits(
        self, server: Server, caller: Caller, asked: str, least: float, most: float
    ) -> None:
        site = server.at("/x.zip", ARCHIVE,
                         Answer(status=503, headers={"Retry-After": asked}))
        caller.fetch(known(site))
        assert least <= caller.waits[0] <= most
        assert len(caller.waits) == 1

    def test_a_date_to_wait_for_is_heeded(self, server: Server, caller: Caller) -> None:
        then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
        headers = {"Retry-After": format_datetime(then, usegmt=True)}
        caller.fetch(known(server.at("/x.zip", ARCHIVE, Answer(status=429, headers=headers))))
        assert 5 < caller.waits[0] <= 30

    def test_an_address_that_keeps_failing_is_given_up_for_the_next(
        self, server: Server, caller: Caller
    ) -> None:
        first = server.at("/1/x.zip", ARCHIVE, *BROKEN * 9)
        second = server.at("/2/x.zip", ARCHIVE)
        assert caller.fetch(known(first, second)).url == second.url
        assert len(first.seen) == 3
        assert [line.rsplit("; ")[-1].split(" in ")[0] for line in caller.news] == [
            "trying again", "trying again", "trying the next address"]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 304, 204])
    def test_what_will_not_pass_sends_on_at_once(
        self, server: Server, caller: Caller, status: int
    ) -> None:
        first = server.at("/1/x.zip", ARCHIVE, Answer(status=status, body=b""))
        second = server.at("/2/x.zip", ARCHIVE)
        assert caller.fetch(known(first, second)).url == second.url
        assert len(first.seen) == 1
        assert caller.waits == []
        host = first.url.split("/")[2]
        assert caller.news[0].startswith(f"x.zip: address 1 ({host}): answered {status} ")

    def test_one_line_says_what_failed_where_and_what_to_do(
        self, server: Server, caller: Caller
    ) -> None:
        first = server.at("/1/x.zip", ARCHIVE, Answer(status=403))
        second = server.at("/2/x.zip", ARCHIVE, *BROKEN * 3)
        host = first.url.split("/")[2]
        with pytest.raises(DataError) as caught:
            caller.fetch(known(first, second))
        assert str(caught.value) == (
            f"x.zip: cannot be downloaded (address 1 ({host}): answered 403 Forbidden; address 2 "
            f"({host}): answered 503 Service Unavailable); download it by hand from {first.url} "
            f"and put it at {caller.folder}/x.zip, or give --archive")
        assert caller.names() == []

    def test_a_server_that_does_not_answer_is_not_waited_for(
        self, caller: Caller
    ) -> None:
        silent = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x.zip"
        with silent, pytest.raises(DataError, match="gave no answer for 0.2 s"):
            caller.fetch(RemoteFile("x.zip", (url,)), attempts=1, read_timeout=0.2)

    def test_an_address_that_is_none_sends_on(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", ARCHIVE)
        caller.fetch(RemoteFile("x.zip", ("http:///x.zip", site.url)))
        assert "cannot be asked" in caller.news[0]


class TestOffline:
    """No server is there to answer."""

    def test_it_says_so_and_which_file_to_put_where(self, caller: Caller) -> None:
        closed = f"127.0.0.1:{free_port()}"
        urls = (f"http://{closed}/1/x.zip", f"http://{closed}/2/x.zip")
        with pytest.raises(DataError) as caught:
            caller.fetch(RemoteFile("x.zip", urls))
        assert str(caught.value) == (
            f"x.zip: no address can be reached, this machine seems to be offline (address 1 "
            f"({closed}): cannot be reached (Connection refused); address 2 ({closed}): cannot be "
            f"reached (Connection refused)); download it by hand from {urls[0]} and put it at "
            f"{caller.folder}/x.zip, or give --archive")
        assert len(caller.waits) == 4
        assert caller.names() == []

    def test_a_name_that_nobody_knows_is_such_a_case(self, caller: Caller) -> None:
        # RFC 6761: never resolves
        with pytest.raises(DataError, match="offline"):
            caller.fetch(RemoteFile("x.zip", ("http://host.invalid/x.zip",)), attempts=1)

    def test_one_server_that_answers_is_not_offline(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(status=404))
        urls = (f"http://127.0.0.1:{free_port()}/x.zip", site.url)
        with pytest.raises(DataError, match="x.zip: cannot be downloaded"):
            caller.fetch(RemoteFile("x.zip", urls), attempts=1)

    def test_a_file_that_is_there_needs_no_network(self, caller: Caller) -> None:
        caller.folder.mkdir()
        (caller.folder / "x.zip").write_bytes(ARCHIVE)
        caller.fetch(RemoteFile("x.zip", (f"http://127.0.0.1:{free_port()}/x.zip",)))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


class TestRedirects:
    """Are followed, but not everywhere."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_chain_is_followed_with_the_range_that_is_asked_for(
        self, server: Server, caller: Caller, status: int
    ) -> None:
        last = server.at("/store/x.zip", ARCHIVE, CUT)
        hop = Answer(status=status, headers={"Location": last.url}, body=bytes(9))
        first = server.at("/x.zip", b"", *[
            Answer(status=status, headers={"Location": "/hop/"})] * 2)
        server.at("/hop/", b"", hop, hop)
        assert caller.fetch(known(first)).url == first.url
        assert last.ranges == [None, "bytes=70000-"]
        assert last.seen[1]["If-Range"] == '"v1"'

    def test_a_loop_ends(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", b"", *[Answer(status=302, headers={"Location": "/x.zip"})] * 99)
        with pytest.raises(DataError, match="redirects more than 10 times"):
            caller.fetch(known(site))
        assert len(site.seen) == 11

    @pytest.mark.parametrize(
        "location", ["ftp://127.0.0.1/x.zip", "file:///etc/passwd", "http://[/", "/\xff"])
    def test_what_is_no_address_of_the_web_is_refused(
        self, server: Server, caller: Caller, location: str
    ) -> None:
        site = server.at("/x.zip", b"", Answer(status=302, headers={"Location": location}))
        with pytest.raises(DataError, match="cannot be asked"):
            caller.fetch(known(site))


class TestEncrypted:
    """https stays https, and is only worth something with a certificate that is trusted."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        return write_certificate(tmp_path / "certificate.pem")

    @pytest.fixture
    def trusted(self, monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    @pytest.mark.usefixtures("trusted")
    def test_a_trusted_certificate_lets_pass(
        self, server: Server, caller: Caller, certificate: Path
    ) -> None:
        with serving(certificate) as encrypted:
            site = encrypted.at("/x.zip", ARCHIVE, CUT)
            to_https = Answer(status=302, headers={"Location": site.url})
            caller.fetch(known(server.at("/x.zip", b"", to_https, to_https)))
        assert site.ranges == [None, "bytes=70000-"]

    def test_one_that_is_not_trusted_sends_on_at_once(
        self, server: Server, caller: Caller, certificate: Path
    ) -> None:
        second = server.at("/x.zip", ARCHIVE)
        with serving(certificate) as encrypted:
            first = encrypted.at("/x.zip", ARCHIVE)
            caller.fetch(known(first, second))
        assert first.seen == []
        assert caller.waits == []
        assert "has a certificate that is not trusted here; trying the next" in caller.news[0]

    @pytest.mark.usefixtures("trusted")
    def test_a_redirect_to_http_is_refused_before_it_is_followed(
        self, server: Server, caller: Caller, certificate: Path
    ) -> None:
        plain = server.at("/x.zip", ARCHIVE)
        with serving(certificate) as encrypted:
            site = encrypted.at("/x.zip", b"", Answer(status=302, headers={"Location": plain.url}))
            with pytest.raises(DataError, match=f"redirects from https to {plain.url}, which is "
                                                f"not encrypted"):
                caller.fetch(known(site))
        assert plain.seen == []


def write_certificate(path: Path) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                          serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM))
    return path
