"""Servers on loopback with a thread for each connection, among them small proxies."""

import base64
import contextlib
import re
import select
import socket
import socketserver
import ssl
import struct
import sys
import threading

#: Seconds that a wait may take; only a test that fails takes them.
LONG = 10.0


def server_context(certificate, *protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class Server:
    """Hands each connection, secured if *tls* is given, to ``talk`` in a thread of its own."""

    def __init__(self, talk=None, host="127.0.0.1", tls=None):
        talk = talk or self.talk
        self.connections = 0
        self.faults: list[BaseException | None] = []
        this = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                this.connections += 1
                _prompt(self.request)
                with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                    peer = self.request
                    if tls is not None:
                        peer = stack.enter_context(tls.wrap_socket(peer, server_side=True))
                    talk(peer)

        class Listener(socketserver.ThreadingTCPServer):
            def handle_error(self, *_):
                this.faults.append(sys.exception())

        self._listener = Listener((host, 0), Handler)
        self.host, self.port = self._listener.server_address[:2]
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,))
        self._thread.start()

    def talk(self, peer):
        raise NotImplementedError

    def close(self):
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()  # waits for the threads
        assert self.faults == []


def _prompt(stream):
    """Let nothing wait: neither small pieces for their companions nor a test for ever."""
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.settimeout(LONG)
    return stream


def reset(peer):
    """Close so that the other side is told of an error."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def head_of(peer):
    """Read the head of a request, of one connection with nothing behind it; empty at its end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (piece := peer.recv(65_536)):
            return b""
        head += piece
    return head


def page(peer, body=b"page"):
    """Answer each request with a page."""
    while head_of(peer):
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Relay(Server):
    """What all proxies share; *routes* tells where names really lead, *login* who may come in."""

    def __init__(self, routes=(), login=None, tls=None):
        self.routes = dict(routes)
        self.login = login
        self.asked: list[str] = []
        super().__init__(tls=tls)

    def reach(self, host, port):
        return _prompt(socket.create_connection((self.routes.get(host, host), port)))


class HttpProxy(Relay):
    """Forwards requests and opens tunnels; *answer* is what it says to either instead."""

    answer = b""

    def talk(self, peer):
        while head := head_of(peer):
            line, _, fields = head.partition(b"\r\n")
            method, target, _ = line.decode().split(" ")
            self.asked.append(f"{method} {target}")
            if self.answer or not self._lets_in(fields):
                peer.sendall(self.answer or _head("407 Wanted", "Content-Length: 0"))
                return
            where, _, path = target.removeprefix("http://").partition("/")
            host, _, port = where.rpartition(":")
            with self.reach(host.strip("[]"), int(port)) as there:
                if method == "CONNECT":
                    peer.sendall(_head("200 Connected"))
                    relay(peer, there)
                    return
                fields = re.sub(rb"(?i)proxy-authorization: .*\r\n", b"", fields)
                there.sendall(f"{method} /{path} HTTP/1.1\r\n".encode() + fields)
                peer.sendall(_answer(there))

    def _lets_in(self, fields):
        if self.login is None:
            return True
        wanted = b"Basic " + base64.b64encode(":".join(self.login).encode())
        return b"Proxy-Authorization: " + wanted in fields.split(b"\r\n")


class SocksProxy(Relay):
    """Speaks SOCKS 5; *reply* is its answer to where we want to go, *piece* bytes are sent at once.

    It notes where to in the form it was told: an address or a name.
    """

    reply = 0
    piece = 100

    def talk(self, peer):
        _, count = exactly(peer, 2)
        method = 0 if self.login is None else 2
        if method not in exactly(peer, count):
            return self.say(peer, b"\5\xff")
        self.say(peer, bytes((5, method)))
        if self.login is not None:
            exactly(peer, 1)
            given = tuple(exactly(peer, exactly(peer, 1)[0]).decode() for _ in range(2))
            self.say(peer, b"\1" + bytes([given != self.login]))
            if given != self.login:
                return None
        *_, kind = exactly(peer, 4)
        if kind == 3:
            host = exactly(peer, exactly(peer, 1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, exactly(peer, size))
        port = int.from_bytes(exactly(peer, 2))
        self.asked.append(f"{'name' if kind == 3 else 'address'} {host}")
        if self.reply:
            return self.say(peer, bytes((5, self.reply)))
        with self.reach(host, port) as there:
            self.say(peer, b"\5\0\0\3\4here\0\0")
            return relay(peer, there)

    def say(self, peer, data):
        for start in range(0, len(data), self.piece):
            peer.sendall(data[start : start + self.piece])


def exactly(peer, size):
    data = b""
    while len(data) < size:
        if not (piece := peer.recv(size - len(data))):
            raise ConnectionResetError
        data += piece
    return data


def relay(here, there):
    """Carry bytes both ways until one side ends, and how; in one thread, as TLS wants it."""
    sides = {here: there, there: here}
    while True:
        waiting = [side for side in sides if isinstance(side, ssl.SSLSocket) and side.pending()]
        for side in waiting or select.select(list(sides), [], [], LONG)[0] or [None]:
            try:
                data = b"" if side is None else side.recv(65_536)
            except ConnectionResetError:
                reset(sides[side])
                return
            if not data:
                return
            sides[side].sendall(data)


def _head(status, *fields):
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


def _answer(there):
    """Read an answer whose length is given."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        if not (piece := there.recv(65_536)):
            raise ConnectionResetError
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return answer + exactly(there, length - len(body))
