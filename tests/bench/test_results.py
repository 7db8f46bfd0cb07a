import json

import msgspec
import pytest

from bench import border
from bench.cell import BenchError
from bench.results import checked, keep, load
from bench.table import printed
from tests.bench.examples import MACHINE, a_run, results


def test_what_is_kept_can_be_loaded_again(tmp_path):
    kept = results(cells=[a_run(), a_run(mode="async", pages_per_s=140.0)])

    path = keep(kept, tmp_path)

    assert "little.json" == path.name
    assert kept == load(path)
    assert [path] == list(tmp_path.iterdir())


def test_what_was_measured_without_a_server_can_be_printed_again(tmp_path):
    cells = [border.Crossing(way=w, batch=16, parent=1e-5, worker=2e-5) for w in border.WAYS]
    found = border.BorderResults(
        name="border", machine=MACHINE, how=["How."], settings={}, ceiling_per_s=None,
        cells=cells,
    )  # fmt: skip

    text = printed(json.loads(keep(found, tmp_path).read_bytes()))

    assert "| 16 | 30 | 30 | 30 |" in text
    assert "The server gives" not in text


def test_a_kept_file_has_one_run_a_line(tmp_path):
    path = keep(results(cells=[a_run(), a_run()]), tmp_path)

    assert 4 == len(path.read_text().splitlines())
    assert 2 == len(json.loads(path.read_text())["cells"])


def test_differing_digests_are_refused_and_named(tmp_path):
    other = a_run(mode="async", digest="e" * 64)

    with pytest.raises(BenchError, match=r"not the same work on 16-in-flight: async: .*eee, threa"):
        keep(results(cells=[a_run(), other]), tmp_path)

    assert [] == list(tmp_path.iterdir())


def test_another_work_may_have_another_digest():
    kept = results(cells=[a_run(), a_run(work="64-in-flight", digest="e" * 64)])

    assert kept == checked(kept)


def test_a_page_that_was_not_ok_is_refused():
    with pytest.raises(BenchError, match="99 ok records instead of 100"):
        checked(results(cells=[a_run(ok=99)]))


def test_a_crawl_near_the_ceiling_of_the_server_is_refused():
    assert checked(results(cells=[a_run(pages_per_s=69.0)], ceiling_per_s=100.0))

    with pytest.raises(BenchError, match="took 71% of what the server can give"):
        checked(results(cells=[a_run(pages_per_s=71.0)], ceiling_per_s=100.0))


def test_an_errand_survives_the_way_to_another_interpreter():
    run = a_run()

    assert run == msgspec.json.decode(msgspec.json.encode(run), type=type(run))
