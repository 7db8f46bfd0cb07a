"""A server on loopback that does what a test says, connection by connection, and notes it."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"
LAST_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage"
#: Seconds that a wait may take; only a test that fails takes them.
LONG = 20.0


class Gone(Exception):  # noqa: N818 (not an error: clients leave)
    """The client left."""


class Peer:
    """One accepted connection, as its script sees it."""

    def __init__(self, stream, server):
        self.stream = stream
        self.server = server
        self.requests: list[bytes] = []  # their heads
        self.bodies: list[bytes] = []
        self.is_gone = False
        self.sent = 0
        self._read = b""

    def request(self):
        """Read a request, and return the first line of its head."""
        head = self.head()
        fields = head.lower()
        if b"transfer-encoding: chunked" in fields:
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size)
                self._exactly(2)
            self._exactly(2)
        else:
            _, found, rest = fields.partition(b"content-length: ")
            body = self._exactly(int(rest.split(b"\r\n")[0])) if found else b""
        self.bodies.append(body)
        self.server.noted()
        return head.split(b"\r\n")[0]

    def head(self):
        """Read the head of a request, and nothing of its body."""
        head = self._until(b"\r\n\r\n")
        self.requests.append(head)
        self.server.noted()
        return head

    def say(self, *parts):
        self.stream.sendall(b"".join(parts))

    def flood(self, data, most):
        """Send *data* again and again, until it is *most* bytes or the client is gone."""
        with contextlib.suppress(OSError):
            while self.sent < most:
                self.sent += self.stream.send(data)
                self.server.noted()

    def reset(self):
        """Close so that the client's side is told of an error."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    def until_gone(self):
        """Read whatever comes, until the client is gone."""
        with contextlib.suppress(OSError):
            while self.stream.recv(65_536):
                pass
        self.is_gone = True
        self.server.noted()

    def _until(self, end):
        while end not in self._read:
            self._more()
        found, _, self._read = self._read.partition(end)
        return found

    def _exactly(self, size):
        while len(self._read) < size:
            self._more()
        found, self._read = self._read[:size], self._read[size:]
        return found

    def _more(self):
        try:
            part = self.stream.recv(65_536)
        except OSError:
            part = b""
        if not part:
            self.is_gone = True
            self.server.noted()
            raise Gone
        self._read += part


Script = Callable[[Peer], object]


class Scripted:
    """A server whose connections each run *script* in a thread of their own."""

    def __init__(self, script: Script, host="127.0.0.1", port=0, tls=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._script = script
        self._tls = tls
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._accept)]
        self.peers: list[Peer] = []
        self.faults: list[BaseException] = []
        self.port = self._listener.getsockname()[1]
        self.netloc = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.url = f"{'http' if tls is None else 'https'}://{self.netloc}/"
        self._threads[0].start()

    @property
    def requests(self):
        return sum(len(peer.requests) for peer in self.peers)

    @property
    def here(self):
        """The peers that have not left yet, as far as their scripts have seen."""
        return [peer for peer in self.peers if not peer.is_gone]

    def noted(self):
        with self._changed:
            self._changed.notify_all()

    def until(self, is_so):
        """Wait until *is_so*() holds."""
        with self._changed:
            assert self._changed.wait_for(is_so, LONG), "it never came to that"

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(LONG)
        assert not self.faults, self.faults

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(stream,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, stream):
        try:
            if self._tls is not None:
                stream = self._tls.wrap_socket(stream, server_side=True)
            peer = Peer(stream, self)
            self.peers.append(peer)
            self.noted()
            self._script(peer)
        except (OSError, Gone):
            pass  # clients leave, and refuse certificates
        except BaseException as error:  # noqa: BLE001 (raised by whoever closes the server)
            self.faults.append(error)
        finally:
            stream.close()
            self.noted()


def serve(*answers):
    """Return a script that gives these answers, one to each request, and waits for the end."""

    def script(peer):
        for answer in answers:
            peer.request()
            peer.say(answer)
        peer.until_gone()

    return script


def serve_always(answer=PAGE):
    """Return a script that gives one answer for ever."""

    def script(peer):
        while True:
            peer.request()
            peer.say(answer)

    return script


def in_turn(*scripts):
    """Return a script that is another one for each connection; the last one for all others."""
    left = list(scripts)

    def script(peer):
        (left.pop(0) if len(left) > 1 else left[0])(peer)

    return script
