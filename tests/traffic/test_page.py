import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib
import msgspec
import pytest

from crawler.traffic.job import LoadOptions, Stage
from crawler.traffic.page import available, html
from crawler.traffic.page_tables import found, outcomes
from crawler.traffic.report import (
    Checked,
    FoundMax,
    Generator,
    Knee,
    Step,
    TargetReport,
    Verdict,
)
from tests.traffic.reports import EMPTY, distribution_of, report_of

EVIL = "</title></style>\"'><script src=http://a.b/c>alert(1)</script>&amp;<!--\udc80\x1b"
VOID = {"meta", "br", "img", "link"}
SAMPLES = [5 + number % 97 for number in range(1200)]
STEPS = tuple(
    Step(
        rate=rate, requests_per_s=min(rate, 900.0), in_flight=rate / 100,
        figures={"p99": rate / 10, "errors": 0.0}, met=rate < 500,
    )
    for rate in (100.0, 200.0, 400.0, 800.0)
)  # fmt: skip
FOUND = FoundMax(
    expect="p99<50ms,errors<1%", rate=480.0, low=450.0, high=510.0, steps=STEPS,
    knee=Knee(
        per_s=110.0, contention=0.01, coherency=0.02, peak_in_flight=7.0, peak_per_s=700.0
    ),
)  # fmt: skip


class Page(HTMLParser):
    """Hold tags, attributes and texts; raises AssertionError where tags do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, name):
        return [value for key, value in self.attributes if key == name]


def full_report(words, **fields):
    """Return a report that has something in every field, and *words* wherever a word may stand."""
    times = distribution_of([number / 100 for number in range(1, 200)])
    options = LoadOptions(
        rate=100.0, headers=((words, words),), method=words, expect=(words,), engine=words,
        allow_targets=(words,), body=words.encode(errors="replace"),
    )  # fmt: skip
    whole = {
        "version": words, "started_at": words, "options": options, "target": words,
        "targets": (
            TargetReport(target=words, ended=3, failed=1, p50_ms=1.0, p99_ms=None, max_ms=2.0),
        ),
        "timeout": 2, "unsent": 1, "in_flight_at_end": 1,
        "statuses": {"200": 1190, "503": 10}, "errors": {words: 3},
        "service": distribution_of(SAMPLES), "lag": times, "wait": times, "connect": times,
        "failed": {words: times}, "server_requests": 1203, "stopped": words,
        "processes": (
            Generator(
                cpu_s=1.0, cpu_share=0.5, queue_share=None, timer=words, connections_opened=7,
                memory_bytes=50_000_000,
            ),
        ),
        "verdict": Verdict("server-limited", words),
        "expectations": (Checked(words, words, met=False),), "found": FOUND,
    }  # fmt: skip
    return report_of(SAMPLES, failures=[5, 700], **(whole | fields))


@pytest.fixture(scope="module")
def evil():
    return html(full_report(EVIL))


@pytest.fixture(scope="module")
def plain():
    return html(report_of(SAMPLES))


def figures(text):
    return re.findall(r'<figure id="([a-z]+)">', text)


def test_the_page_is_well_formed(evil):
    page = Page(evil)
    drawn = re.findall(r"<svg .*?</svg>", evil, re.DOTALL)

    assert evil.startswith("<!DOCTYPE html>")
    assert {"title", "h1", "table", "figure", "svg"} <= set(page.tags)
    assert len(drawn) == page.tags.count("figure") == len(figures(evil))
    assert ["{http://www.w3.org/2000/svg}svg"] * len(drawn) == [
        ElementTree.fromstring(one).tag for one in drawn
    ]


def test_all_figures_are_there(evil, plain):
    usual = ["percentiles", "latency", "rate", "lag"]

    assert [*usual, "search", "scalability"] == figures(evil)
    assert usual == figures(plain)


def test_nothing_is_loaded_from_outside(evil):
    page = Page(evil)
    leads = page.all("href") + page.all("src") + page.all("xlink:href")

    assert set() == {"script", "link", "iframe", "img", "image", "object", "base"} & set(page.tags)
    assert leads
    assert [] == [lead for lead in leads if not lead.startswith("#")]
    assert [] == re.findall(r"url\((?!#)|@import|@font-face", evil)


def test_words_of_others_stay_words(evil):
    page = Page(evil)
    told = re.sub("[\udc80\x1b]", "\N{REPLACEMENT CHARACTER}", EVIL)

    assert "<script" not in evil
    assert "\x1b" not in evil
    assert [] == [name for name, _ in page.attributes if name.startswith("on")]
    # title and h1, version, target, reason, kind of failure, timer, verdict, expectation, options
    assert sum(told in text for text in page.texts) >= 12
    assert evil.encode()


def test_ids_are_there_once_and_links_lead_to_them(evil):
    page = Page(evil)
    links = re.findall(r'(?:href="|url\()#([^")]+)', evil)

    assert len(page.all("id")) == len(set(page.all("id")))
    assert set(links) <= set(page.all("id"))


def test_what_may_be_a_credential_is_not_in_it():
    names = ("Authorization", "cookie", "X-Api-Key", "Private-Token", "Whatever")
    options = LoadOptions(
        headers=(*((name, f"hunter2 {name}") for name in names), ("Accept", "text/plain")),
        body=b"password=hunter2",
    )
    page = html(report_of([], series=(), options=options))

    assert "hunter2" not in page
    assert "accept: text/plain" in page.lower()
    assert [] == [name for name in names if f"{name}: (hidden)" not in page]
    assert "16\N{NARROW NO-BREAK SPACE}B (hidden)" in page


def test_a_run_without_any_answer_makes_a_page():
    whole = report_of([], slices=1, series=(), verdict=Verdict("too-few-samples", "Run longer."))
    page = html(whole)

    Page(page)
    assert [] == figures(page)
    assert "No request was answered" in page
    assert "Run longer." in page


def test_a_run_in_which_all_failed_shows_its_rate_and_no_latency():
    failed = report_of([10.0] * 20, failures=range(20), slices=3, response=EMPTY, ok=0)
    series = tuple(
        msgspec.structs.replace(piece, ok=0, p50_ms=None, p99_ms=None, max_ms=None)
        for piece in failed.series
    )

    assert ["rate", "lag"] == figures(html(msgspec.structs.replace(failed, series=series)))


def test_the_same_report_gives_the_same_bytes_whatever_the_user_set(plain):
    with matplotlib.rc_context({"xtick.major.size": 9, "svg.fonttype": "path", "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        again = html(report_of(SAMPLES))

        assert dict(matplotlib.rcParams) == before
    assert plain == again


def test_letters_stay_letters(plain):
    assert "response time</text>" in plain


@pytest.mark.slow
def test_the_page_of_the_longest_report_is_under_500_kb():
    target = TargetReport(
        target="http://127.0.0.1/" + "x" * 3000,
        ended=1,
        failed=0,
        p50_ms=1.0,
        p99_ms=2.0,
        max_ms=3.0,
    )
    noise = [1 + (number * 7919 % 1009) for number in range(3000)]
    options = LoadOptions(
        stages=tuple(Stage(1.0, 5.0, 6.0) for _ in range(50)), body=b"x" * 100_000,
        headers=tuple((f"x-{number}", "y" * 5000) for number in range(50)),
    )  # fmt: skip
    whole = report_of(
        noise, slices=240, targets=(target,) * 20, options=options, lag=distribution_of(noise),
        statuses={str(status): 1 for status in range(100, 1000)},
        service=distribution_of(noise), found=msgspec.structs.replace(FOUND, steps=STEPS * 3),
    )  # fmt: skip

    assert 100_000 < len(html(whole).encode()) < 500_000


@pytest.mark.parametrize(
    ("word", "kind"), [("kept-up", '"verdict"'), ("generator-limited", '"verdict doubt"')]
)
def test_the_verdict_comes_first_and_shows_whether_it_is_to_be_trusted(word, kind):
    page = html(report_of([], series=(), verdict=Verdict(word, "Said so.")))

    assert page.index("<h1>") < page.index(f"class={kind}") < page.index("Said so.")
    assert page.index("Said so.") < page.index("<dl")
    assert f"{word}</b>" in page


def test_an_expectation_that_is_not_met_is_marked(evil):
    assert "not met</b>" in evil


def test_it_says_whether_figures_can_be_drawn(monkeypatch):
    assert available()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not available()


def test_matplotlib_is_imported_only_when_a_page_is_made():
    program = (
        "import sys, crawler.traffic.page as p; p.available(); print('matplotlib' in sys.modules)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert asked.stdout == "False\n"


@pytest.mark.parametrize(
    ("edge", "told"),
    [
        (None, "<b>480.0/s</b>; with 95 % confidence it lies between 450.0 and 510.0/s"),
        ("lowest", "no rate that was tried met it"),
        ("highest", "At least <b>480.0/s</b>"),
    ],
)
def test_a_search_says_what_it_found(edge, told):
    search = msgspec.structs.replace(FOUND, edge=edge)
    said = found(report_of([], found=search, options=LoadOptions(rate=400.0)))

    assert told in said
    assert "of the step at 400.0/s alone" in said


def test_outcomes_are_shares_of_all_that_was_due_the_most_first():
    said = outcomes(
        report_of([1.0] * 30, statuses={"200": 10, "301": 20}, unsent=10, scheduled=40, network=0)
    )

    assert re.findall(r"<td>([a-z 0-9]+)</td><td>(\d+)", said) == [
        ("status 301", "20"), ("status 200", "10"), ("unsent", "10"),
    ]  # fmt: skip
    assert re.findall(r'bar (\w+)" style="width: ([0-9.]+)%', said) == [
        ("good", "50.00"), ("good", "25.00"), ("rest", "25.00"),
    ]  # fmt: skip
