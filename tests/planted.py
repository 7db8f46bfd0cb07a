"""Analysers that misbehave on purpose; in a module of their own so that workers can import them."""

import os
import signal
import time

from crawler import Analysed, Fetched, analyse


def kills_its_worker(fetched: Fetched) -> Analysed:
    if "kill" in fetched.url:
        os.kill(os.getpid(), signal.SIGKILL)
    return analyse(fetched)


def aborts(fetched: Fetched) -> Analysed:
    if "abort" in fetched.url:
        os.abort()
    return analyse(fetched)


def hangs(fetched: Fetched) -> Analysed:
    while "hang" in fetched.url:
        time.sleep(60)
    return analyse(fetched)


def raises(fetched: Fetched) -> Analysed:
    if "raise" in fetched.url:
        raise ValueError("a text that must not reach a record")
    return analyse(fetched)


def titles_only(fetched: Fetched) -> Analysed:
    return Analysed(title=(analyse(fetched).title or "").upper())


def deafness(_hears, says):
    says.send(
        {"ignored": signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "parent": os.getppid()}
    )
    time.sleep(60)


def echoes(hears, says):
    while True:
        says.send(hears.recv())
