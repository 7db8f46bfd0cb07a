"""A server in its own process: a request's path says what is done to it, and it keeps count."""

import asyncio
import json
import socket
import struct
import subprocess
import sys

OK = b"HTTP/1.1 200 OK\r\n"
#: Two kinds of it: no HTTP at all, and none behind a good head.
GARBAGE = (b"SSH-2.0-x\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")


def body_of(number):
    """Return the body of the answer to a request, which no other one has."""
    return b"%d " % number * 20


class Unreliable:
    """The server, as its owner sees it; asked for ``/NUMBER/FATE``, it does as `_Peer` says."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = f"http://127.0.0.1:{self._line()}/"
        return self

    def seen(self):
        """Return what was done to each number, one entry for each time that it came."""
        assert self._process.stdin is not None
        self._process.stdin.write("seen\n")
        self._process.stdin.flush()
        return {int(number): done for number, done in json.loads(self._line()).items()}

    def __exit__(self, *_):
        self._process.communicate()  # closes its input, which ends it

    def _line(self):
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class _Peer(asyncio.Protocol):
    """One connection: `leave` and `reset` end it at a request that is not its first, unanswered.

    A number that came once is answered then.  `after` ends it after the answer without a word,
    `purge` ends all that are idle; `half` and `torn` end it in the midst of the answer, `garbage`
    is no answer, `hang` and `mute` are none ever, `stall` and `drop` are half of one.
    """

    transport: asyncio.Transport

    def __init__(self, peers, seen):
        self.peers, self.seen = peers, seen
        self.read = b""
        self.served = 0
        self.is_idle = False

    def connection_made(self, transport):
        self.transport = transport
        self.peers.add(self)

    def connection_lost(self, exc):  # noqa: ARG002 (asyncio passes it)
        self.peers.discard(self)

    def data_received(self, data):
        self.read += data
        head, found, rest = self.read.partition(b"\r\n\r\n")
        _, has_length, length = head.lower().partition(b"content-length: ")
        if not found or (has_length and len(rest) < int(length.split(b"\r\n")[0])):
            return
        self.read = b""
        _, number, fate = head.split(b" ")[1].decode().split("/")
        self.do(int(number), fate)

    def do(self, number, fate):
        done = self.seen.setdefault(number, [])
        if fate in {"leave", "reset"} and self.served and not done:
            done.append("left")
            self.end(is_reset=fate == "reset")
            return
        body = body_of(number)
        answer = OK + b"Content-Length: %d\r\n\r\n" % len(body) + body
        cut = 1 + number % (len(answer) - 1)
        said = {
            "half": answer[:cut],
            "torn": answer[:cut],
            "garbage": GARBAGE[number % 2],
            "hang": b"",
            "mute": b"",
            "stall": answer[: -len(body) // 2],
            "drop": answer[: -len(body) // 2],
        }
        self.is_idle = fate not in said
        done.append(fate if fate in said else "answered")
        self.transport.write(said.get(fate, answer))
        self.served += 1
        if fate in {"after", "half", "torn"}:
            self.end(is_reset=fate == "torn")
        for other in self.peers if fate == "purge" else ():
            if other is not self and other.is_idle and not other.read:
                other.transport.close()

    def end(self, *, is_reset):
        if is_reset:
            stream = self.transport.get_extra_info("socket")
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


async def _main():
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    peers: set[_Peer] = set()
    seen: dict[int, list[str]] = {}

    def say(what):
        sys.stdout.write(f"{what}\n")
        sys.stdout.flush()

    def hear():
        if sys.stdin.readline():
            say(json.dumps(seen))
        else:
            over.set()

    server = await loop.create_server(lambda: _Peer(peers, seen), "127.0.0.1", 0, backlog=1000)
    say(server.sockets[0].getsockname()[1])
    loop.add_reader(0, hear)
    await over.wait()
    server.close()
    for peer in tuple(peers):
        peer.transport.abort()


if __name__ == "__main__":
    asyncio.run(_main())
