import json
import sys

import pytest

from crawler.cli.exits import EXIT_CODES
from crawler.core.record import schema as record_schema


def fits(schema, value, of):
    """Say whether a JSON value has the shape of a JSON Schema, as far as ours go."""
    if "$ref" in of:
        of = schema["$defs"][of["$ref"].rpartition("/")[2]]
    if "anyOf" in of:
        return any(fits(schema, value, one) for one in of["anyOf"])
    if "enum" in of:
        return value in of["enum"]
    if of["type"] == "array":
        return isinstance(value, list) and all(fits(schema, one, of["items"]) for one in value)
    if of["type"] == "object":
        known, required = of["properties"], of.get("required", [])
        return (
            set(required) <= set(value) <= set(known)
            and all(fits(schema, one, known[name]) for name, one in value.items())
        )  # fmt: skip
    kinds = {"string": str, "integer": int, "number": int | float, "null": type(None)}
    return isinstance(value, kinds[of["type"]]) and not isinstance(value, bool)


@pytest.fixture(scope="module")
def schema():
    return json.loads(json.dumps(record_schema()))


def test_the_schema_that_is_printed_is_that_of_the_record(run, schema):
    done = run("schema")
    assert (done.code, done.err, json.loads(done.out)) == (0, "", schema)


def test_alone_it_prints_help_and_exits_2(run):
    done = run()
    assert (done.code, done.err) == (2, "")
    assert done.out == run("--help").out


def test_help_names_the_options_of_run_the_commands_and_the_exit_codes(run):
    done = run("--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: crawl [OPTIONS] SOURCES...\n")
    options = "mode concurrency output failed timeout max-bytes header version show-completion"
    assert [name for name in options.split() if f"--{name}" not in done.out] == []
    commands = done.out.partition("Commands:")[2]
    assert [name for name in ("run", "serve", "schema") if f"\n  {name} " not in commands] == []
    codes = " ".join(commands.split())
    assert [code for code, text in EXIT_CODES.items() if f"{code} {text}" not in codes] == []
    assert "robots.txt is not read yet" in " ".join(done.out.split())


def test_the_version_is_one_line(run):
    done = run("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("crawl ")
    assert done.out.count("\n") == 1


def test_the_module_is_the_command_wherever_it_is_run(run, site, tmp_path_factory):
    python = (sys.executable, "-m", "crawler")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = run("--mode", "serial", f"{site.url}/p/1", program=python, cwd=elsewhere)
    assert (done.code, done.outcomes) == (0, ["ok"])


def test_every_record_fits_the_schema(run, site, schema):
    queries = ("", "?status=404", "?hops=2", "?fault=reset", "?encode=br", "?charset=koi8-r")
    urls = [f"{site.url}/p/{number}{query}" for number, query in enumerate(queries)]
    done = run("--simhash", "--retries", "0", "-", fed="\n".join([*urls, "no-url"]))
    records = done.records
    assert len(records) == len(queries) + 1
    assert [record for record in records if not fits(schema, record, schema)] == []
    assert not fits(schema, {**records[0], "invented": 1}, schema)
    assert not fits(schema, {**records[0], "outcome": "fine"}, schema)
    assert not fits(schema, {"url": "http://h/"}, schema)


def test_a_first_word_that_is_no_command_is_runs(run, site):
    done = run(f"{site.url}/p/1", "--mode", "serial")
    assert (done.code, done.outcomes) == (0, ["ok"])
    assert run("run", f"{site.url}/p/1", "--mode", "serial").outcomes == ["ok"]
    assert run("--mode", "serial", f"{site.url}/p/1").outcomes == ["ok"]


@pytest.mark.parametrize("words", [("./serve",), ("run", "serve"), ("--mode", "serial", "serve")])
def test_a_list_named_like_a_command_is_read_if_that_is_not_the_first_word(
    run, site, tmp_path, words
):
    (tmp_path / "serve").write_text(f"{site.url}/p/1\n")
    assert run(*words, "--loop", "asyncio").outcomes == ["ok"]


def test_a_command_is_chosen_over_a_file_of_its_name(run, tmp_path, schema):
    (tmp_path / "schema").write_text("http://127.0.0.1:1/\n")
    assert schema["$ref"] in run("schema").out
    assert "--latency" in run("serve", "--help").out
    assert "--mode" not in run("serve", "--help").out


def test_an_option_of_the_group_counts_only_as_the_first_word(run, site):
    done = run(f"{site.url}/p/1", "--version")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
