"""Which addresses and ports the house refuses to connect to."""

from ipaddress import ip_address

import pytest

from vermilion.kit.addresses import AddressRefused, address_refusal, check_address, port_refusal

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.51.100.7",
    "203.0.113.9",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::2",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "64:ff9b:1:ffff::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PRIVATE = [
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "::1",
    "fc00::1",
    "fd12:3456::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2400:3200::1",
    "2a00:1450:4001::200e",
]


@pytest.mark.parametrize("address", NEVER)
def test_never_even_when_private_hosts_are_allowed(address: str) -> None:
    assert address_refusal(ip_address(address), allow_private=False) is not None
    assert address_refusal(ip_address(address), allow_private=True) is not None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_only_by_the_operators_choice(address: str) -> None:
    assert address_refusal(ip_address(address), allow_private=False) is not None
    assert address_refusal(ip_address(address), allow_private=True) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_allowed(address: str) -> None:
    assert address_refusal(ip_address(address), allow_private=False) is None


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::1]"])
def test_what_is_not_the_text_of_an_address_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(text, allow_private=True)


@pytest.mark.parametrize("port", [0, 1, 21, 22, 23, 25, 81, 110, 445, 2375, 3306, 5432, 6379, 9200, 11211, 27017])
def test_ports_of_other_services_are_refused_unless_private_hosts_are_allowed(port: int) -> None:
    assert port_refusal(port, allow_private=False) is not None
    assert port_refusal(port, allow_private=True) is None


@pytest.mark.parametrize("port", [80, 443, 8080, 8443, 9000])
def test_ports_of_web_servers_are_allowed(port: int) -> None:
    assert port_refusal(port, allow_private=False) is None
