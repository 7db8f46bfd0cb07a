import ast
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from bench import stdlib_analysis
from crawler import Fetched, Outcome, analyse
from fixtures.running import serve

ADDRESS = "http://127.0.0.1:8000/folder/page"
FIELDS = ("title", "links", "sha256", "text_sha256")


@pytest.fixture(scope="module")
def site():
    with serve(pages=20) as running:
        yield running


def body_of(site, path):
    connection = HTTPConnection("127.0.0.1", site.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def ours(body, address):
    found = analyse(
        Fetched(
            url=address, final_url=address, outcome=Outcome.OK, status=200,
            content_type="text/html; charset=utf-8", body=body,
        )
    )  # fmt: skip
    return {name: getattr(found, name) for name in FIELDS}


@pytest.mark.parametrize("path", ["/", "/p/0", "/p/7", "/p/19", "/p/3?size=30kB"])
def test_a_page_of_the_test_server_is_the_same_to_both_analysers(site, path):
    body = body_of(site, path)
    expected = ours(body, site.url + path)

    assert expected["title"]
    assert expected["links"]
    assert expected == stdlib_analysis.analyse(body, site.url + path)


@pytest.mark.parametrize(
    "markup",
    [
        "<title>a  b</title><body>one<script>two</script> three<style>four</style>",
        "<base href='/other/'><body><a href='x#y'>1</a><a href='x'>2</a><a href='mailto:a@b'>3</a>",
        "<body><template><a href='no'>no</a></template><noscript><a href='yes'>no</a></noscript>",
        "<title>e\u0301</title><body>e\u0301\u00a0 x<a href='//host/p?q'>&amp;</a>",
        "<title>first</title><title>second</title><body><map><area href='../up'></map>",
    ],
)
def test_well_formed_markup_is_the_same_to_both_analysers(markup):
    body = markup.encode()

    assert ours(body, ADDRESS) == stdlib_analysis.analyse(body, ADDRESS)


def test_a_reference_that_cannot_be_resolved_is_left_out():
    found = stdlib_analysis.analyse(b"<body><a href='http://[x/'>1</a><a href='y'>2</a>", ADDRESS)

    assert ["http://127.0.0.1:8000/folder/y"] == found["links"]


@pytest.mark.parametrize("name", ["stdlib_analysis", "subinterpreters"])
def test_what_other_pythons_run_imports_the_standard_library_alone(name):
    path = Path(stdlib_analysis.__file__).with_name(f"{name}.py")
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")

    allowed = {one for one in names if one.partition(".")[0] in sys.stdlib_module_names}
    assert names - allowed <= {"bench.stdlib_analysis"}
