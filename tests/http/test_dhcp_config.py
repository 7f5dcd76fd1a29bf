"""What `vesta dhcp-config` prints, as the DHCP servers themselves see it."""

import subprocess
from pathlib import Path

from vesta import ROOT, Scratch, check, check_equal, run

SERVERS = ROOT / "build" / "dhcp-servers"
URL = "http://10.77.0.1:8080"
CHECKS = {
    "dnsmasq": ["dnsmasq", "--test", "-C"],
    "dnsmasq-proxy": ["dnsmasq", "--test", "-C"],
    "kea": [str(SERVERS / "run"), "kea-dhcp4", "-t"],
    "isc": [str(SERVERS / "run"), "dhcpd", "-t", "-cf"],
}


def programs() -> None:
    subprocess.run([ROOT / "tests/tools/dhcp-servers.sh", SERVERS], check=True)


def examine(kind: str, text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    path = folder / f"{kind}.conf"
    path.write_text(text, encoding="utf-8")
    return subprocess.run([*CHECKS[kind], str(path)], capture_output=True, text=True, check=False, timeout=60)


def config(kind: str, *flags: str) -> str:
    return run("dhcp-config", kind, "--url", URL, *flags).want(0).out


def test_each_server_takes_its_config() -> None:
    programs()
    flags: list[list[str]] = [
        [], ["--interface", "lo"], ["--range", "192.168.3.10,192.168.3.20"],
        ["--range", "172.16.4.1,172.16.7.254,255.255.252.0", "--tftp-server", "172.16.4.9", "--tftp-root", "/tmp"],
    ]
    with Scratch() as folder:
        for kind in CHECKS:
            for more in flags:
                done = examine(kind, config(kind, *more), folder)
                check(done.returncode == 0, f"{kind} {more}: {done.stdout}{done.stderr}")


def test_the_checks_can_fail() -> None:
    programs()
    with Scratch() as folder:
        for kind in CHECKS:
            broken = config(kind).replace("range", "rang").replace('"subnet4"', '"subnetX"')
            check(examine(kind, broken, folder).returncode != 0, f"{kind} takes what is none of its words")


def test_who_is_sent_where() -> None:
    for kind in CHECKS:
        text = config(kind)
        for word in (f"{URL}/boot.ipxe", "undionly.kpxe", "ipxe.efi", "ipxe-arm64.efi"):
            check(word in text, f"{kind} has no {word}")
        http = f"{URL}/httpboot/ipxe.efi" in text and "HTTPClient" in text
        check_equal(http, kind != "dnsmasq-proxy", f"UEFI HTTP Boot by {kind}")


def test_addresses() -> None:
    text = config("isc", "--range", "172.16.4.1,172.16.7.254,255.255.252.0")
    check("subnet 172.16.4.0 netmask 255.255.252.0 {" in text, text)
    check("range 172.16.4.1 172.16.7.254;" in text and "next-server 10.77.0.1;" in text, text)
    check('"subnet": "10.77.0.0/24"' in config("kea"), "Kea's subnet")
    check("dhcp-range=10.77.0.0,proxy,255.255.255.0" in config("dnsmasq-proxy"), "the proxy's range")
    check("\ninterface=eth7\n" in config("dnsmasq", "--interface", "eth7"), "the interface")
    check("/x/boot.ipxe" in run("dhcp-config", "kea", "--url", "https://b.example/x/", "--range", "10.0.0.1,10.0.0.2",
                                "--tftp-server", "10.0.0.9").want(0).out, "a URL with a path")


def test_wrong_usage() -> None:
    for arguments, why in [
        (["dnsmasq", "--range", "10.0.0.1"], "FIRST,LAST"),
        (["dnsmasq", "--range", "10.0.0.9,10.0.0.1"], "before the last"),
        (["dnsmasq", "--range", "10.0.0.1,10.0.1.1"], "same network"),
        (["dnsmasq", "--range", "10.0.0.1,10.0.0.2,255.0.255.0"], "NETMASK"),
        (["dnsmasq", "--interface", "a\nb"], "interface"),
        (["dnsmasq", "--tftp-root", "x"], "whole path"),
        (["kea", "--tftp-server", "name"], "IPv4"),
    ]:
        outcome = run("dhcp-config", arguments[0], "--url", URL, *arguments[1:]).want(1)
        check(why in outcome.err and not outcome.out, f"{arguments}: {outcome.err}")
    check("--range" in run("dhcp-config", "dnsmasq", "--url", "http://boot.example.com").want(1).err, "a name")
    check("--url" in run("dhcp-config", "isc", "--interface", "none0").want(1).err, "no such interface")
    check("dnsmasq-proxy" in run("dhcp-config", "bind").want(2).err, "another kind")
