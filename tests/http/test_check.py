"""check, validate and butane: what is wrong is said before a machine asks."""

import json
import subprocess
from pathlib import Path

import vesta

ROOT = Path(__file__).resolve().parents[2]

GOOD = {
    "profiles/p.json": {"boot": {"kernel": "/k"}, "cloud_id": "u.yaml", "ignition_id": "b.yaml"},
    "groups/a.json": {"profile": "p", "selector": {"x": "1"}, "metadata": {"path": "/etc/a"}},
    "cloud/u.yaml": "#cloud-config\nhostname: a\n",
    "ignition/b.yaml": "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n  - path: {{.path}}\n",
}


def test_check_renders_every_document() -> None:
    with vesta.Scratch() as tmp:
        site = vesta.write_site(tmp / "site", GOOD)
        done = vesta.run("check", site).want(0)
        vesta.check(
            "1 groups, 1 profiles, 2 templates" in done.out and "0 cannot" in done.out, done.out
        )
        vesta.write_site(
            tmp / "site",
            {
                "groups/b.json": {
                    "profile": "p",
                    "selector": {"x": "2"},
                    "metadata": {"path": "relative"},
                },
                "cloud/u.yaml": "#cloud-config\nhostnam: a\nruncmd: echo\n",
            },
        )
        done = vesta.run("check", site).want(1)
        vesta.check("b.yaml:5:" in done.err and 'group "b"' in done.err, done.err)
        vesta.check("2:1: warning" in done.err and "hostnam" in done.err, done.err)
        vesta.check("3:9: warning" in done.err and "runcmd should be a list" in done.err, done.err)


def test_the_sample_site_is_right() -> None:
    vesta.run("check", ROOT / "data").want(0)


def test_check_leaves_nothing_behind() -> None:
    with vesta.Scratch() as tmp:
        (tmp / "t").mkdir()
        vesta.run("check", ROOT / "data", env={"TMPDIR": str(tmp / "t")}).want(0)
        vesta.check_equal(list((tmp / "t").iterdir()), [])


def test_validate_by_folder_and_by_kind() -> None:
    files = {
        "groups/bad.json": ("", '{"profile": "p", "selector": {"mac": "x"}}', "/selector/mac"),
        "ignition/bad.ign": (
            "",
            '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "x"}]}}',
            "/storage/files/0/path",
        ),
        "ignition/bad.bu": (
            "",
            "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n  - path: x\n",
            ":5:",
        ),
        "cloud/bad.yaml": ("", "#cloud-config\na: [\n", ":3:"),
        "generic/bad.tmpl": ("", "x {{if}}", ":1:"),
        "x.txt": ("butane", "variant: openshift\nversion: 4.14.0\n", "openshift"),
    }
    with vesta.Scratch() as tmp:
        for name, (kind, text, want) in files.items():
            vesta.write_site(tmp, {name: text})
            done = vesta.run("validate", *(["--kind", kind] if kind else []), tmp / name).want(1)
            vesta.check(want in done.err and name in done.err, f"{name}: {done.err}")
        vesta.run("validate", tmp / "x.txt").want(2)
    vesta.run("validate", *sorted((ROOT / "data").glob("[gpic]*/*"))).want(0)


def test_butane_to_stdout() -> None:
    with vesta.Scratch() as tmp:
        (tmp / "a.bu").write_text("variant: flatcar\nversion: 1.0.0\nunknown: 1\n")
        done = vesta.run("butane", tmp / "a.bu").want(0)
        vesta.check_equal(json.loads(done.out), {"ignition": {"version": "3.3.0"}})
        vesta.check("a.bu:3:1: warning" in done.err, done.err)
        done = vesta.run("butane", "--strict", tmp / "a.bu").want(1)
        vesta.check_equal(done.out, "", "a config that is not wanted is not printed")
        (tmp / "b.bu").write_text("variant: fcos\nversion: 9.9.9\n")
        done = vesta.run("butane", tmp / "b.bu").want(1)
        vesta.check_equal(done.out, "")


def test_what_we_take_the_older_ignition_validate_takes() -> None:
    """Every recorded config of 3.3 or below that is valid here; 2.14 knows no later specification."""
    consumers = ROOT / "build" / "consumers"
    subprocess.run([ROOT / "tests/tools/consumers.sh", consumers], check=True)
    compared = 0
    for line in (
        (ROOT / "tests/conformance/ignition.jsonl").read_text(encoding="utf-8").splitlines()
    ):
        case = json.loads(line)
        try:
            version = json.loads(case["ignition"])["ignition"]["version"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if not case["valid"] or version not in ("3.0.0", "3.1.0", "3.2.0", "3.3.0"):
            continue
        with vesta.Scratch() as tmp:
            (tmp / "c.ign").write_bytes(case["ignition"].encode("utf-8", "surrogateescape"))
            vesta.run("validate", "--kind", "ignition", tmp / "c.ign").want(0)
            done = subprocess.run(
                [consumers / "root/usr/bin/ignition-validate", tmp / "c.ign"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            vesta.check_equal(done.returncode, 0, f"{case['name']}: {done.stdout}{done.stderr}")
            compared += 1
    vesta.check(compared >= 3, f"only {compared} compared")
