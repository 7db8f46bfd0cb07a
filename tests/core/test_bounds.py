"""Which limit held a run, in words."""

import pytest

from crawler.core.bounds import Load, binding_limit

IDLE = dict.fromkeys(("places", "owner_thread", "workers", "cores", "polite"), 0.0)


def bound(**loads):
    return binding_limit(Load(**{**IDLE, "in_flight": 64, "cores_count": 2, **loads}))


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ("cores", "all 2 cores"),
        ("owner_thread", "one thread"),
        ("workers", "the workers"),
        ("polite", "politeness"),
        ("places", "64"),
    ],
)
def test_the_one_busy_resource_is_named(resource, words):
    assert words in bound(**{resource: 0.95})


def test_when_nothing_was_busy_it_was_waiting():
    assert bound().startswith("waiting")
    assert bound(cores=0.8, owner_thread=0.8, workers=0.8, polite=0.5, places=0.8) == bound()


def test_the_whole_machine_goes_before_a_part_of_it():
    assert bound(cores=0.9, owner_thread=0.9, workers=0.9, places=0.9) == bound(cores=0.9)
    assert bound(owner_thread=0.9, places=0.9) == bound(owner_thread=0.9)


def test_politeness_goes_before_the_places_it_keeps():
    assert bound(polite=0.9, places=0.9) == bound(polite=0.9)
