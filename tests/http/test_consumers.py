"""What Vesta serves is taken by the real clients: cloud-init 22.4 and Ignition 2.14 of Debian 12.

They run in a mount namespace of their own, where /proc/cmdline is what the test says and /run is empty, and
write into a scratch directory. build/consumers has them (tests/tools/consumers.sh).
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import vesta

ROOT = Path(__file__).resolve().parents[2]
CONSUMERS = ROOT / "build" / "consumers" / "root"
IGNITION = CONSUMERS / "usr/lib/dracut/modules.d/30ignition/ignition"
LATER = "http://vesta.example.com:8080"  # stands for a server that has not started yet
PYTHON_PATH = CONSUMERS / "usr/lib/python3/dist-packages"


def prepare() -> None:
    subprocess.run([ROOT / "tests/tools/consumers.sh", ROOT / "build/consumers"], check=True)


def in_namespace(script: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if os.getuid() != 0:
        unshare += ["--map-root-user"]
    return subprocess.run(
        [*unshare, "sh", "-euc", script],
        env={**vesta.clean_environment(), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


CLOUD_CFG = """
users: []
disable_root: false
datasource_list: [ NoCloud, None ]
cloud_init_modules: [ write-files ]
cloud_config_modules: [ runcmd ]
cloud_final_modules: []
system_info:
  distro: debian
  paths: { cloud_dir: %(dir)s/var, run_dir: %(dir)s/run, templates_dir: %(dir)s/etc/templates }
network: { config: disabled }
"""


def test_cloud_init_takes_its_seed() -> None:
    prepare()
    with vesta.Scratch() as tmp:
        site = {
            "profiles/p.json": {"cloud_id": "u.yaml"},
            "groups/g.json": {
                "profile": "p",
                "selector": {"mac": "52:54:00:00:00:01"},
                "metadata": {"hostname": "node1", "role": "db: 'x'"},
            },
            "cloud/u.yaml": "#cloud-config\nwrite_files:\n  - path: %s/wrote\n    content: {{toJson .role}}\n"
            % tmp,
        }
        for name in ("etc/cloud.cfg.d", "etc/templates", "var", "run"):
            (tmp / name).mkdir(parents=True)
        (tmp / "etc/cloud.cfg").write_text(CLOUD_CFG % {"dir": tmp})
        with vesta.serve(site) as server:
            seed = f"{server.boot_url}/nocloud/mac=52-54-00-00-00-01/"
            (tmp / "cmdline").write_text(f"root=/dev/x ro ds=nocloud-net;s={seed}\n")
            done = in_namespace(
                f"mount --bind {tmp}/cmdline /proc/cmdline; mount -t tmpfs none /run; mkdir /run/cloud-init;"
                " /usr/bin/python3 -c 'import sys; sys.argv[0] = \"cloud-init\"; from cloudinit.cmd.main import main; sys.exit(main())'"
                " --debug init",
                {
                    "CLOUD_ETC": str(tmp / "etc"),
                    "PYTHONPATH": str(PYTHON_PATH),
                    "DEBUG_PROC_CMDLINE": (tmp / "cmdline").read_text(),
                },
            )
            log = server.log()
        vesta.check_equal(done.returncode, 0, done.stdout + done.stderr)
        vesta.check((tmp / "wrote").exists(), done.stderr[-3000:])
        vesta.check_equal((tmp / "wrote").read_text(), "db: 'x'")
        instance = (tmp / "var/data/instance-id").read_text().strip()
        vesta.check_equal(instance, "52:54:00:00:00:01")
        for file in ("meta-data", "user-data", "vendor-data"):
            vesta.check(f'/{file}" status=200' in log, log)
        vesta.check("status=404" not in log, log)


def test_a_served_cloud_config_passes_the_schema() -> None:
    prepare()
    with vesta.serve(ROOT / "data") as server, vesta.Scratch() as tmp:
        served = server.get("/cloud?serial=VESTA-WEB-0001").want(200)
        (tmp / "user-data").write_bytes(served.body)
        (tmp / "cloud.cfg").write_text("")
        done = subprocess.run(
            [
                "/usr/bin/python3",
                "-m",
                "cloudinit.cmd.main",
                "schema",
                "--config-file",
                tmp / "user-data",
            ],
            env={
                **vesta.clean_environment(),
                "CLOUD_ETC": str(tmp),
                "PYTHONPATH": str(PYTHON_PATH),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        vesta.check_equal(done.returncode, 0, done.stdout + done.stderr)


def test_ignition_applies_a_served_config() -> None:
    prepare()
    remote = b"fetched from /assets\n"
    config = {
        "ignition": {"version": "3.3.0"},
        "storage": {
            "files": [
                {
                    "path": "/etc/hello",
                    "mode": 0o644,
                    "contents": {"source": "data:,hello%20from%20vesta%0A"},
                },
                {
                    "path": "/etc/remote",
                    "contents": {
                        "source": f"{LATER}/assets/remote.txt",
                        "httpHeaders": [{"name": "X-Machine", "value": "one"}],
                        "verification": {"hash": "sha512-" + hashlib.sha512(remote).hexdigest()},
                    },
                },
            ],
            "links": [{"path": "/etc/link", "target": "/etc/hello"}],
        },
        "systemd": {
            "units": [
                {
                    "name": "x.service",
                    "enabled": True,
                    "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
                }
            ]
        },
    }
    site = {
        "profiles/p.json": {"ignition_id": "c.ign"},
        "groups/g.json": {"profile": "p", "selector": {"mac": "52:54:00:00:00:01"}},
        "ignition/c.ign": config,
    }
    with vesta.Scratch() as tmp, vesta.serve(site, assets={"remote.txt": remote}) as server:
        # The config names this server's own port, which is known only now.
        text = json.dumps(config).replace(LATER, server.boot_url)
        server.api("PUT", "/templates/ignition/c.ign", text.encode()).want(200)
        for name in ("root/etc/selinux", "run", "bin"):
            (tmp / name).mkdir(parents=True)
        (tmp / "root/etc/selinux/config").write_text("SELINUX=disabled\nSELINUXTYPE=targeted\n")
        (tmp / "bin/setfiles").write_text("#!/bin/sh\n")
        (tmp / "bin/setfiles").chmod(0o755)
        url = f"{server.boot_url}/ignition?mac=52:54:00:00:00:01"
        (tmp / "cmdline").write_text(
            f"ignition.firstboot ignition.platform.id=metal ignition.config.url={url}\n"
        )
        stage = (
            f"{IGNITION} -platform=metal -root={tmp}/root -config-cache={tmp}/run/ignition.json"
            f" -neednet={tmp}/run/neednet -state-file={tmp}/run/state -log-to-stdout"
        )
        done = in_namespace(
            f"mount --bind {tmp}/cmdline /proc/cmdline; mount -t tmpfs none /run; {stage} -stage=fetch; {stage} -stage=files",
            {"PATH": f"{tmp}/bin:{os.environ['PATH']}"},
        )
        vesta.check_equal(done.returncode, 0, done.stdout + done.stderr)
        vesta.check_equal((tmp / "root/etc/hello").read_text(), "hello from vesta\n")
        vesta.check_equal((tmp / "root/etc/remote").read_bytes(), remote)
        vesta.check_equal(os.readlink(tmp / "root/etc/link"), "/etc/hello")
        vesta.check((tmp / "root/etc/systemd/system/x.service").exists(), done.stdout)


def test_the_sample_site_passes_ignition_validate() -> None:
    prepare()
    for config in sorted((ROOT / "data/ignition").glob("*.ign")):
        done = subprocess.run(
            [CONSUMERS / "usr/bin/ignition-validate", config],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        vesta.check_equal(done.returncode, 0, f"{config.name}: {done.stdout}{done.stderr}")
