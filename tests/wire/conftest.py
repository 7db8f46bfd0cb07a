"""A visit in every colour, and servers on loopback that misbehave in known ways."""

import asyncio
import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvloop

from crawler.core.job import TRANSPORTS, FetchRules, Options
from crawler.core.urls import target_of
from crawler.stages.fetch import afetch, fetch
from crawler.wire.names import Names
from crawler.wire.transports import atransport_of, transport_of
from fixtures.running import serve
from tests.wire.scripted import Scripted
from tests.wire.twins import COLOURS as TWINS
from tests.wire.twins import LOOPS, twin

COLOURS = {"fetch": None, "asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
WAYS = [f"{transport} {colour}" for transport in TRANSPORTS for colour in COLOURS]


class Visitor:
    """Visits URLs one after another with one transport, in one colour."""

    def __init__(self, transport, loop_factory):
        self.transport = transport
        self.loop_factory = loop_factory

    def __call__(self, *urls, names=None, typed=True, **options):
        targets = [target_of(url) for url in urls]
        for target in targets:
            target.typed = typed
        rules = FetchRules.of(Options(**{"transport": self.transport} | options), "test")
        names = names or Names(options.get("resolve", {}))
        try:
            return self.visit(targets, rules, names)
        finally:
            names.close()

    def visit(self, targets, rules, names):
        if self.loop_factory is None:
            with transport_of(rules.way, names) as http:
                return [fetch(http, target, rules) for target in targets]

        async def main():
            async with atransport_of(rules.way, names, 10) as http:
                return [await afetch(http, target, rules) for target in targets]

        with asyncio.Runner(loop_factory=self.loop_factory) as runner:
            return runner.run(main())


@pytest.fixture(params=WAYS)
def visit(request):
    transport, colour = request.param.split()
    return Visitor(transport, COLOURS[colour])


@pytest.fixture(scope="session")
def running():
    with serve(pages=20, size="4kB", links=10) as site:
        yield site


@pytest.fixture
def listening():
    """Start a listener that hands each connection to a function; gives its port."""
    with contextlib.ExitStack() as stack:
        yield lambda handle, host="127.0.0.1", port=0: stack.enter_context(
            _listening(handle, host, port)
        )


@contextlib.contextmanager
def _listening(handle, host, port):
    with socket.create_server((host, port)) as server:
        over = threading.Event()

        def work():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    if over.is_set():
                        peer.close()
                        return
                    with contextlib.suppress(OSError), peer:
                        handle(peer)

        thread = threading.Thread(target=work)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        with contextlib.suppress(OSError), socket.create_connection(server.getsockname()):
            thread.join()


class Site:
    """A site of one page and of redirects, at an address of loopback; notes what it sees."""

    def __init__(self, host, port=0):
        site = self
        self.asked: list[str] = []
        self.connections = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                site.connections += 1
                super().setup()

            def do_GET(self):
                site.asked.append(self.path)
                where = self.path.partition("?")[2]
                self.send_response(302 if where else 200)
                if where:
                    self.send_header("Location", where)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"page")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site():
    """Start sites at addresses of loopback."""
    made = []

    def start(host, port=0):
        try:
            made.append(Site(host, port))
        except OSError:
            pytest.skip(f"this system has no address {host}")
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def trusting(monkeypatch, tmp_path):
    """Trust one authority, as a system does that has it installed."""

    def trust(authority):
        path = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(path))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
        monkeypatch.setattr("crawler.wire.tls._made", {})

    return trust


@pytest.fixture
def scripted():
    """Start servers that follow a script, each connection in a thread of its own."""
    with contextlib.ExitStack() as stack:

        def start(script, **where):
            server = Scripted(script, **where)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture(params=TWINS)
def wire(request):
    """Make httpx's clients with our transports, in one colour."""
    with contextlib.ExitStack() as stack:

        def make(**options):
            client = twin(request.param, **options)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture(params=LOOPS)
def run(request):
    """Run coroutines on a loop, on which no callback and no forgotten task may fail."""
    faults = []
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: faults.append(context))
        yield runner.run
    assert not faults
