"""Works do what they say, on the same page always the same, and leave the rest of it as it was."""

import pickle

import msgspec
import pytest

from bench import works
from crawler import Fetched, Outcome, analyse

BODY = b"<html><title>A page</title><p>Some text <a href='/x'>x</a></html>"


def page(body=BODY):
    return Fetched(
        url="http://127.0.0.1/", final_url="http://127.0.0.1/", outcome=Outcome.OK, status=200,
        content_type="text/html", body=body,
    )  # fmt: skip


def test_every_work_finds_what_the_crawl_finds_but_for_the_digest():
    own = analyse(page())

    for work in works.WORKS.values():
        found = work(page())
        assert own == msgspec.structs.replace(found, sha256=own.sha256)


def test_the_digest_tells_which_work_was_done():
    assert len(works.WORKS) == len({work(page()).sha256 for work in works.WORKS.values()})


@pytest.mark.parametrize("name", works.WORKS)
def test_a_work_gives_the_same_for_the_same_page_and_other_for_another(name):
    work = pickle.loads(pickle.dumps(works.WORKS[name]))

    assert work(page()) == work(page())
    assert work(page()).sha256 != work(page(BODY + b"<b>more</b>")).sha256


@pytest.mark.parametrize("name", works.WORKS)
def test_a_page_without_a_body_is_left_alone(name):
    assert analyse(page(None)) == works.WORKS[name](page(None))


def test_reading_counts_elements_and_characters_once_for_each_time():
    assert b"[(5, 17), (5, 17)]" == works._read(
        b"<html><title>A page</title><p>Some text <a>x</a><b>", 2
    )
