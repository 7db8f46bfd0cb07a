"""Which kind of place an address is, and who may go there."""

import pickle
from itertools import product

import pytest

from crawler.core.guard import Guard, LoadGuard, Reach, is_home_name, may_be_loaded

PUBLIC, PRIVATE, NEVER = Reach.PUBLIC, Reach.PRIVATE, Reach.NEVER

KINDS = [
    ("8.8.8.8", PUBLIC),
    ("93.184.216.34", PUBLIC),
    ("172.32.0.1", PUBLIC),
    ("100.128.0.1", PUBLIC),
    ("2606:4700::1111", PUBLIC),
    # loopback and "this host"
    ("127.0.0.1", PRIVATE),
    ("127.255.0.9", PRIVATE),
    ("::1", PRIVATE),
    ("0.0.0.0", PRIVATE),
    ("0.1.2.3", PRIVATE),
    ("::", PRIVATE),
    # RFC 1918, unique local, shared address space of carriers
    ("10.0.0.1", PRIVATE),
    ("172.16.0.1", PRIVATE),
    ("172.31.255.255", PRIVATE),
    ("192.168.1.1", PRIVATE),
    ("fc00::1", PRIVATE),
    ("fd12:3456::1", PRIVATE),
    ("100.64.0.1", PRIVATE),
    ("100.127.255.255", PRIVATE),
    # link-local and metadata
    ("169.254.0.1", NEVER),
    ("169.254.169.254", NEVER),
    ("fe80::1", NEVER),
    ("fe80::1%eth0", NEVER),
    ("fd00:ec2::254", NEVER),
    ("168.63.129.16", NEVER),
    ("100.100.100.200", NEVER),
    # multicast, reserved, broadcast, documentation, benchmarking
    ("224.0.0.1", PRIVATE),
    ("239.255.255.250", PRIVATE),
    ("ff02::1", PRIVATE),
    ("ff0e::1", PRIVATE),
    ("240.0.0.1", PRIVATE),
    ("255.255.255.255", PRIVATE),
    ("192.0.2.1", PRIVATE),
    ("198.51.100.1", PRIVATE),
    ("203.0.113.1", PRIVATE),
    ("198.18.0.1", PRIVATE),
    ("2001:db8::1", PRIVATE),
    ("100::1", PRIVATE),
    # IPv4 inside IPv6: mapped, compatible, NAT64 (both prefixes), 6to4, Teredo
    ("::ffff:127.0.0.1", PRIVATE),
    ("::ffff:10.0.0.1", PRIVATE),
    ("::ffff:169.254.169.254", NEVER),
    ("::ffff:8.8.8.8", PUBLIC),
    ("::127.0.0.1", PRIVATE),
    ("::169.254.169.254", NEVER),
    ("64:ff9b::7f00:1", PRIVATE),
    ("64:ff9b::a9fe:a9fe", NEVER),
    ("64:ff9b::808:808", PUBLIC),
    ("64:ff9b:1::7f00:1", PRIVATE),
    ("64:ff9b:1::a9fe:a9fe", NEVER),
    ("2002:7f00:1::", PRIVATE),
    ("2002:a9fe:a9fe::1", NEVER),
    ("2002:808:808::1", PUBLIC),
    ("2001:0:808:808:0:0:80ff:fffe", PRIVATE),  # the client is 127.0.0.1
    ("2001:0:808:808:0:0:5601:5601", NEVER),  # the client is 169.254.169.254
    pytest.param("fec0::1", PRIVATE, id="site-local, RFC 3879"),
    pytest.param("::ffff:0:127.0.0.1", PRIVATE, id="IPv4-translated, RFC 2765"),
    pytest.param("fd20:ce::254", NEVER, id="the metadata service of Google Cloud"),
]


@pytest.mark.parametrize(("address", "reach"), KINDS)
def test_each_address_is_of_its_kind(address, reach):
    assert Guard().reach(address) is reach


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "8.8.8.8", "::"])
def test_a_typed_url_may_go_anywhere(address):
    for referrer_home in (None, True, False):
        assert Guard().may(typed=True, referrer_home=referrer_home, address=address)


@pytest.mark.parametrize(
    ("referrer_home", "allow_private"), list(product([None, True, False], [True, False]))
)
def test_a_link_or_redirect_goes_home_only_from_home_or_when_allowed(referrer_home, allow_private):
    guard = Guard(allow_private=allow_private)

    def may(address):
        return guard.may(typed=False, referrer_home=referrer_home, address=address)

    assert may("8.8.8.8")
    assert may("127.0.0.1") == (allow_private or referrer_home is True)
    assert may("::ffff:10.0.0.1") == (allow_private or referrer_home is True)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.2", "fe80::1%eth0", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"],
)
def test_no_link_or_redirect_ever_goes_to_a_link_local_or_metadata_address(address):
    guard = Guard(allow_private=True)

    for referrer_home in (None, True, False):
        assert not guard.may(typed=False, referrer_home=referrer_home, address=address)


def test_a_network_can_be_treated_as_public():
    guard = Guard(treat_as_public=("127.1.0.0/16", "fd00:1::/32"))

    assert guard.reach("127.1.2.3") is PUBLIC
    assert guard.reach("::ffff:127.1.2.3") is PUBLIC
    assert guard.reach("fd00:1::9") is PUBLIC
    assert guard.reach("127.2.0.1") is PRIVATE
    assert guard.may(typed=False, referrer_home=False, address="127.1.2.3")
    assert not guard.is_home("127.1.2.3")
    assert guard.is_home("127.0.0.1")


@pytest.mark.parametrize("network", ["home", "127.0.0.1/33", "10.1.0.1/16"])
def test_a_text_that_is_no_network_is_refused(network):
    with pytest.raises(ValueError, match=network.partition("/")[0]):
        Guard(treat_as_public=(network,))


@pytest.mark.parametrize(
    ("host", "home"),
    [
        ("localhost", True),
        ("my.localhost", True),
        ("127.0.0.1", True),
        ("10.9.8.7", True),
        ("::1", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("site.test", False),
        ("notlocalhost", False),
        ("localhost.test", False),
        ("127.0.0.1.test", False),
        ("", False),
    ],
)
def test_a_host_is_home_by_name_if_it_is_localhost_or_a_literal_address_of_ours(host, home):
    assert is_home_name(host, Guard()) is home


def test_what_is_treated_as_public_is_not_home_by_name():
    guard = Guard(treat_as_public=("127.0.0.0/8",))

    assert not is_home_name("127.0.0.1", guard)
    assert not is_home_name("localhost", guard)


def test_a_guard_travels():
    guard = Guard(allow_private=True, treat_as_public=("10.1.0.0/16",))

    assert vars(pickle.loads(pickle.dumps(guard))) == vars(guard)


@pytest.mark.parametrize(("address", "reach"), KINDS)
def test_a_load_test_goes_home_and_where_it_is_allowed_but_never_to_metadata(address, reach):
    assert may_be_loaded(frozenset(), address) is (reach is PRIVATE)
    assert may_be_loaded(frozenset({address}), address) is (reach is not NEVER)
    assert may_be_loaded(frozenset({"8.8.4.4"}), address) is (reach is PRIVATE)


@pytest.mark.parametrize(("typed", "home"), list(product([True, False], [True, False, None])))
def test_in_a_load_test_it_does_not_matter_who_typed_an_address(typed, home):
    guard = pickle.loads(pickle.dumps(LoadGuard(allowed=frozenset({"8.8.8.8"}))))
    for address, may in (
        ("127.0.0.1", True),
        ("8.8.8.8", True),
        ("8.8.4.4", False),
        ("169.254.169.254", False),
    ):
        assert guard.may(typed=typed, referrer_home=home, address=address) is may
