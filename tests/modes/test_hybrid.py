"""What crosses to the workers of hybrid, and what comes back."""

import json
import pickle
from functools import partial

from crawler.core.entry import Form
from crawler.core.pages import Fetched, Outcome
from crawler.core.urls import target_of
from crawler.modes.hybrid import _think
from crawler.stages.analyse import analyse

URL = "http://h.test/"


def page(body, status=200):
    outcome = Outcome.OK if status == 200 else Outcome.HTTP_ERROR
    return target_of(URL), Fetched(
        url=URL,
        final_url=URL,
        outcome=outcome,
        status=status,
        content_type="text/html",
        body=body,
        wire_bytes=len(body),
    )


def test_a_batch_and_its_entries_cross_a_process_border():
    pages = [page(b"<title>A page"), page(b"<div>" * 30_000), page(b"<title>none", status=404)]

    job, crossed = pickle.loads(pickle.dumps((partial(_think, analyse, Form()), pages)))
    entries = job(crossed)

    assert pickle.loads(pickle.dumps(entries)) == entries
    records = [json.loads(entry.line) for entry in entries]
    assert [record["outcome"] for record in records] == ["ok", "analyse-error", "http-error"]
    assert [record.get("title") for record in records] == ["A page", None, None]
    assert [entry.bytes for entry in entries] == [13, 150_000, 11]
