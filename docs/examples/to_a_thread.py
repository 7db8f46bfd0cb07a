"""Hand a blocking call to a thread: the loop goes on, but a cancellation does not stop the call."""

import asyncio
import json
import threading


class Call:
    """A call that blocks its thread until it is let go, as a driver without asyncio does."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let_go = threading.Event()
        self.ended_in = 0  # the thread

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Block; no object of asyncio may be touched from here but by the loop's own leave."""
        loop.call_soon_threadsafe(self.begun.set)
        self.let_go.wait()
        self.ended_in = threading.get_ident()


async def offload(*, cancel: bool) -> Call:
    """Return a call that was waited for, or given up; `asyncio.run` waits for its thread."""
    call = Call()
    task = asyncio.create_task(asyncio.to_thread(call.run, asyncio.get_running_loop()))
    await call.begun.wait()  # the call blocks, and the loop is free
    if cancel:
        task.cancel()
        await asyncio.wait({task})  # the task is over, the call is not
    call.let_go.set()
    await asyncio.wait({task})
    return call


def main() -> dict[str, float]:
    """Return how many of one call ended in another thread, and of one although it was cancelled."""
    waited_for, given_up = asyncio.run(offload(cancel=False)), asyncio.run(offload(cancel=True))
    here = threading.get_ident()
    return {
        "ended in another thread": int(waited_for.ended_in not in (0, here)),
        "ended although cancelled": int(given_up.ended_in != 0),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
