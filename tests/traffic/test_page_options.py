from msgspec.structs import fields

from crawler.traffic.job import LoadOptions, Stage
from crawler.traffic.page_options import option_rows


def test_what_was_given_is_told_and_what_repeats_the_run():
    assert option_rows(LoadOptions()) == [
        ("connections", "50"), ("timeout", "10 s"), ("workers", "1"), ("seed", "1"),
    ]  # fmt: skip


def test_each_option_is_told_in_its_unit():
    options = LoadOptions(
        connections=3, duration=1.5, requests=7, rate=100.0, arrivals="poisson",
        stages=(Stage(10.0, 5.0, 5.0), Stage(2.0, 5.0, 9.0)), warmup=0.5, method="PUT",
        headers=(("Accept", "a/b"), ("X-Key", "secret")), body=b"secret", timeout=2.0,
        keepalive=False, new_connections=0.05, insecure=True, workers=2, seed=0,
        expect=("p99<1s", "errors<1%"), allow_targets=("a.b",), engine="serial", loop="asyncio",
        find_max="p99<1s",
    )  # fmt: skip
    rows = option_rows(options)

    assert {
        ("duration", "1.5 s"), ("rate", "100/s"), ("stage", "10 s at 5/s"), ("method", "PUT"),
        ("stage", "2 s at 5/s to 9/s"), ("header", "Accept: a/b"), ("header", "X-Key: (hidden)"),
        ("keepalive", "no"), ("insecure", "yes"), ("new connections", "5.000%"), ("seed", "0"),
        ("expect", "p99<1s, errors<1%"), ("warmup", "0.5 s"), ("timeout", "2 s"),
    } <= set(rows)  # fmt: skip
    assert "secret" not in str(rows)
    # Headers and stages have a row each.
    assert len(rows) == len(fields(LoadOptions)) + 2
