import random
from functools import cache
from itertools import combinations
from math import exp, inf, log, sqrt

import pytest

from crawler.traffic.comparison import compare, lines
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import Verdict
from tests.traffic.reports import report_of


def exponential(source, count):
    return [source.expovariate(1) + 0.001 for _ in range(count)]


def lognormal(source, count, spread=0.5):
    return [source.lognormvariate(0, spread) for _ in range(count)]


def correlated(source, count, alike=0.9):
    """Return a lognormal series of which each sample is like the one before."""
    state, samples = source.gauss(0, 1), []
    for _ in range(count):
        state = alike * state + sqrt(1 - alike * alike) * source.gauss(0, 1)
        samples.append(exp(state / 2))
    return samples


def run(seed, *, factor=1.0, count=2_000, make=lognormal, **fields):
    return report_of([factor * ms for ms in make(random.Random(seed), count)], **fields)


@cache
def plain():
    return run(1)


def word_of(comparison, name):
    return next(line.word for line in comparison.lines if line.name == name)


def false_alarms(pairs):
    return sum(compare(old, new).word != "same" for old, new in pairs)


@pytest.mark.parametrize("make", [exponential, lognormal, correlated])
def test_runs_of_the_same_are_rarely_called_different(make):
    runs = [run(seed, make=make, count=1_000) for seed in range(10)]
    pairs = list(combinations(runs, 2))

    assert false_alarms(pairs) <= 0.05 * len(pairs)


@pytest.mark.slow
@pytest.mark.parametrize("make", [exponential, lognormal, correlated])
def test_of_400_pairs_of_the_same_at_most_20_are_called_different(make):
    sources = map(random.Random, range(400))
    pairs = ((report_of(make(source, 2_000)), report_of(make(source, 2_000))) for source in sources)

    assert false_alarms(pairs) <= 20


@pytest.mark.slow
@pytest.mark.parametrize("make", [exponential, lognormal])
def test_a_median_that_is_10_percent_slower_is_found(make):
    found = 0
    for seed in range(100):
        old = run(seed, make=make, count=10_000)
        new = run(1_000 + seed, make=make, count=10_000, factor=1.1)
        found += word_of(compare(old, new), "p50") == "worse"

    assert found >= 95


def test_a_slower_server_is_worse_in_every_line_that_is_sure():
    comparison = compare(run(1, count=10_000), run(2, count=10_000, factor=1.2))

    assert comparison.word == "worse"
    assert ["p50", "p90", "p99", "p99.9", "mean", "requests/s", "errors"] == [
        line.name for line in comparison.lines
    ]
    assert {"worse"} == {
        word_of(comparison, name) for name in ("p50", "p90", "p99", "mean", "requests/s")
    }


def test_what_is_better_one_way_is_worse_the_other_way():
    slow = run(1, factor=1.3, failures=range(0, 2_000, 50))
    fast = run(2, failures=range(0, 2_000, 1_000))
    one, other = compare(slow, fast), compare(fast, slow)

    assert ("better", "worse") == (one.word, other.word)
    for line, mirrored in zip(one.lines, other.lines, strict=True):
        assert {line.word, mirrored.word} in ({"better", "worse"}, {"same"})
        assert line.ratio == pytest.approx(1 / mirrored.ratio)
        assert (line.low, line.high) == pytest.approx((1 / mirrored.high, 1 / mirrored.low))
        assert line.low <= line.ratio <= line.high


def test_the_interval_holds_the_true_ratio():
    pairs = [compare(run(seed), run(100 + seed, factor=1.15)) for seed in range(10)]

    held = [line.low <= 1.15 <= line.high for one in pairs for line in one.lines[:4]]

    assert sum(held) >= len(held) - 1


def test_a_change_below_one_percent_is_the_same_however_sure_it_is():
    def steady(factor):
        return report_of([factor * (1 + index % 7 / 1_000) for index in range(5_000)])

    assert compare(steady(1), steady(1.008)).word == "same"
    assert compare(steady(1), steady(1.02)).word == "worse"


def test_samples_that_are_all_alike_are_compared_as_far_as_buckets_know():
    comparison = compare(report_of([1.0] * 2_000), report_of([1.02] * 2_000))

    assert "worse" == word_of(comparison, "p50") == word_of(comparison, "p99")


def test_an_interval_may_be_endless():
    wild = [10.0 ** (index * 17 % 12) for index in range(40)]
    comparison = compare(report_of(wild, slices=5), report_of(wild, slices=5))

    assert comparison.word == "same"


def test_samples_that_hang_together_make_the_interval_wider():
    def width(make):
        line = compare(run(1, make=make), run(2, make=make)).lines[0]
        return log(line.high / line.low)

    assert width(correlated) > 2 * width(lognormal)


def test_lines_that_contradict_each_other_are_mixed():
    slow_tail = [10.0 if index % 40 == 7 else 0.8 + index % 13 / 100 for index in range(4_000)]
    even = [1.0 + index % 13 / 100 for index in range(4_000)]
    comparison = compare(report_of(even), report_of(slow_tail))

    assert comparison.word == "mixed"
    assert ("better", "worse") == (word_of(comparison, "p50"), word_of(comparison, "p99"))
    assert "better: p50, p90; worse: p99" in lines(comparison)[0]


@pytest.mark.parametrize(
    ("old", "new", "word"), [(0, 4, "same"), (0, 30, "worse"), (90, 20, "better")]
)
def test_single_errors_are_counted_exactly(old, new, word):
    def failing(seed, count):
        return run(seed, failures=random.Random(seed).sample(range(2_000), count))

    errors = compare(failing(1, old), failing(2, new)).lines[-1]

    assert (word, old / (2_000 + old)) == (errors.word, errors.old)
    assert errors.ratio == (inf if old == 0 else pytest.approx(errors.new / errors.old))


def test_errors_in_one_burst_say_less_than_as_many_singly():
    burst = compare(plain(), run(2, failures=range(700, 730))).lines[-1]

    assert burst.word == "same"
    assert burst.new > 0.01


def test_several_runs_are_judged_by_how_they_differ():
    factors = (0.9, 1.0, 1.1, 1.05)
    olds = [run(seed, factor=factor) for seed, factor in enumerate(factors)]
    news = [run(10 + seed, factor=1.06 * factor) for seed, factor in enumerate(factors)]
    fast = [run(20 + seed, factor=0.6 * factor) for seed, factor in enumerate(factors)]

    assert compare(olds[0], news[3]).word == "worse"
    assert compare(olds, news).word == "same"
    assert compare(olds, fast).word == "better"
    assert not any("one run" in text for text in compare(olds, news).cautions)


def test_errors_of_several_runs_are_judged_by_how_they_differ():
    def failing(*counts):
        return [run(n, failures=range(0, 2_000, 2_000 // n)) for n in counts]

    def word(olds, news):
        return compare(olds, news).lines[-1].word

    assert word(failing(10, 12, 9, 11), failing(100, 110, 95, 104)) == "worse"
    assert word(failing(10, 12, 9, 11), failing(10, 100, 9, 11)) == "same"


def test_one_run_cannot_be_held_against_several():
    with pytest.raises(ValueError, match="one report on each side, or at least two on each"):
        compare(plain(), [plain(), plain()])
    with pytest.raises(ValueError, match="one report on each side"):
        compare([], [])


def test_too_few_slices_say_nothing_and_it_is_told():
    comparison = compare(run(1, slices=4), run(2, slices=4, factor=3))

    assert comparison.word == "same"
    assert {(0.0, inf)} == {(line.low, line.high) for line in comparison.lines[:-1]}
    assert any("too few slices" in text for text in comparison.cautions)


def test_runs_without_answers_are_compared_by_their_errors():
    nothing = report_of([], timeout=500, sent=500, scheduled=500)
    comparison = compare(nothing, nothing)

    assert ["errors"] == [line.name for line in comparison.lines]
    assert (comparison.word, comparison.lines[0].old) == ("same", 1.0)
    assert any("too few answers" in text for text in comparison.cautions)


def test_a_line_that_one_side_lacks_is_left_out():
    names = [line.name for line in compare(run(1, count=500), plain()).lines]

    assert ["p50", "p90", "mean", "requests/s", "errors"] == names


def test_what_the_runs_were_not_alike_in_is_named():
    other = run(
        2, target="http://127.0.0.1:8080/", version="1",
        options=LoadOptions(connections=50, rate=100.5, seed=9, headers=(("A", "secret"),)),
    )  # fmt: skip

    assert compare(plain(), plain()).differences == ()
    assert compare(plain(), other).differences == (
        "closed loop, 1 connection against open loop, constant 100.5/s, 50 connections",
        "target http://127.0.0.1/ against http://127.0.0.1:8080/",
        "connections 1 against 50",
        "rate None against 100.5",
        "headers",
        "version 0 against 1",
    )


def test_a_run_that_cannot_be_trusted_is_named():
    limited = Verdict("generator-limited", "its core was busy: use -w 2")
    doubted = run(2, verdict=limited, stopped="interrupted")
    first, second, last = compare(plain(), doubted).cautions

    assert first == "new run is generator-limited: its core was busy: use -w 2"
    assert second == "new run was stopped: interrupted"
    assert last.startswith("one run on each side")
    assert compare(doubted, plain()).cautions[0].startswith("old run is generator-limited")


def test_the_table_says_first_what_came_out():
    table = lines(compare(run(1), run(2, factor=1.5)))

    assert table[0] == "worse: p50, p90, p99, mean, requests/s"
    assert table[1].split() == ["old", "new", "new/old", "interval"]
    assert table[2].startswith("p50 ")
    assert table[2].endswith("worse")
    assert lines(compare(plain(), plain()))[0] == "same: nothing differs beyond chance and 1%"


def test_the_table_has_at_most_100_columns():
    far = run(
        2, factor=40_000.0, failures=range(0, 2_000, 3), target="http://127.0.0.1/" + "a" * 90,
        verdict=Verdict("generator-limited", "a long sentence " * 20),
    )  # fmt: skip

    assert max(map(len, lines(compare(plain(), far)))) <= 100
