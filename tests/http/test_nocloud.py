"""NoCloud seeds: paths, defaults, and what cloud-init would ignore."""

import json

import vesta

SITE = {
    "profiles/p.json": {"cloud_id": "u.yaml", "network_config_id": "n.yaml"},
    "profiles/own.json": {
        "cloud_id": "u.yaml",
        "meta_data_id": "m.yaml",
        "vendor_data_id": "v.yaml",
    },
    "profiles/none.json": {"boot": {"kernel": "/k"}},
    "profiles/bad.json": {"cloud_id": "bad.txt", "meta_data_id": "bad.yaml"},
    "profiles/empty.json": {"cloud_id": "empty.yaml"},
    "groups/one.json": {
        "profile": "p",
        "selector": {"mac": "52:54:00:00:00:01"},
        "metadata": {"hostname": "one", "role": "db"},
    },
    "groups/own.json": {
        "profile": "own",
        "selector": {"serial": "SN 0042/7;x"},
        "metadata": {"role": "r"},
    },
    "groups/none.json": {"profile": "none", "selector": {"hostname": "bare.example.com"}},
    "groups/bad.json": {"profile": "bad", "selector": {"x": "bad"}},
    "groups/empty.json": {"profile": "empty", "selector": {"x": "empty"}},
    "cloud/u.yaml": "#cloud-config\nwrite_files:\n  - path: /etc/role\n    content: {{.role}}\n",
    "cloud/bad.txt": "hello",
    "cloud/empty.yaml": "\n",
    "network-config/n.yaml": "version: 2\nethernets: {}\n",
    "meta-data/m.yaml": "instance-id: fixed-{{.role}}\n",
    "meta-data/bad.yaml": "local-hostname: x\n",
    "vendor-data/v.yaml": "#cloud-config\n{}\n",
}


def start() -> vesta.Server:
    return vesta.serve(SITE)


def test_a_seed_by_path(server: vesta.Server) -> None:
    seed = "/nocloud/mac=52-54-00-00-00-01;uuid=16E7D8A7-bfa9-428b-9117-363341bb330b/"
    meta = server.get(seed + "meta-data").want(200)
    vesta.check_equal(
        meta.text, 'instance-id: "16e7d8a7-bfa9-428b-9117-363341bb330b"\nlocal-hostname: "one"\n'
    )
    vesta.check_equal(meta.header("Content-Type"), "text/plain; charset=utf-8")
    vesta.check("group=one;" in (meta.header("Vesta-Match") or ""), "Vesta-Match")
    user = server.get(seed + "user-data").want(200)
    vesta.check_equal(
        user.text, "#cloud-config\nwrite_files:\n  - path: /etc/role\n    content: db\n"
    )
    server.get(seed + "network-config").want(200, "version: 2\nethernets: {}\n")
    server.get(seed + "vendor-data").want(200, "")


def test_a_seed_by_query(server: vesta.Server) -> None:
    for file in ("meta-data", "user-data", "vendor-data", "network-config"):
        path = server.get(f"/nocloud/mac=52:54:00:00:00:01/{file}").want(200)
        query = server.get(f"/nocloud?mac=52:54:00:00:00:01&file={file}").want(200)
        vesta.check_equal(path.body, query.body, file)


def test_percent_encoded_pairs(server: vesta.Server) -> None:
    meta = server.get("/nocloud/serial=SN%200042%2F7%3Bx/meta-data").want(200)
    vesta.check_equal(meta.text, "instance-id: fixed-r\n")
    server.get("/nocloud/serial=SN%200042%2F7%3Bx/vendor-data").want(200, "#cloud-config\n{}\n")


def test_defaults_without_templates(server: vesta.Server) -> None:
    seed = "/nocloud/hostname=bare.example.com/"
    server.get(seed + "meta-data").want(
        200, 'instance-id: "none"\nlocal-hostname: "bare.example.com"\n'
    )
    server.get(seed + "user-data").want(404)
    server.get(seed + "network-config").want(200, "")


def test_what_is_no_file_of_a_seed(server: vesta.Server) -> None:
    for path in (
        "/nocloud",
        "/nocloud/",
        "/nocloud/mac=52:54:00:00:00:01/",
        "/nocloud/x=1/y/meta-data",
        "/nocloud/mac=52:54:00:00:00:01/ipxe",
        "/nocloud?file=ipxe",
        "/user-data",
    ):
        server.get(path).want(404)
    server.get("/nocloud/mac=52:54:00:00:00:09/meta-data").want(404)


def test_what_cloud_init_would_ignore_is_a_500(server: vesta.Server) -> None:
    answer = server.get("/nocloud/x=bad/user-data").want(500)
    vesta.check("bad.txt" in answer.text and "#cloud-config" in answer.text, answer.text)
    answer = server.get("/nocloud/x=bad/meta-data").want(500)
    vesta.check("instance-id" in answer.text, answer.text)
    server.get("/nocloud/x=empty/user-data").want(500)


def test_kinds_of_user_data() -> None:
    good = {
        "script": "#!/bin/sh\necho\n",
        "include": "#include\n# why\nhttp://example.com/x\n",
        "jinja": "## template: jinja\n#cloud-config\nhostname: {{`{{ v1.x }}`}}\n",
        "mime": 'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b--\n',
        "hook": "#cloud-boothook\n#!/bin/sh\n",
        "archive": "#cloud-config-archive\n- type: text/x-shellscript\n  content: x\n",
        "upper": "\n#CLOUD-CONFIG\nhostname: x\n",
    }
    bad = {
        "plain": "hostname: x\n",
        "yaml": "#cloud-config\nhostname: [x\n",
        "url": "#include\nnot a url\n",
        "boundary": "MIME-Version: 1.0\nContent-Type: text/plain\n\nx\n",
    }
    site: dict[str, object] = {}
    for name, text in {**good, **bad}.items():
        site[f"cloud/{name}"] = text
        site[f"profiles/{name}.json"] = {"cloud_id": name}
        site[f"groups/{name}.json"] = {"profile": name, "selector": {"k": name}}
    with vesta.serve(json.loads(json.dumps(site))) as server:
        for name in good:
            server.get(f"/nocloud/k={name}/user-data").want(200)
        for name in bad:
            server.get(f"/nocloud/k={name}/user-data").want(500)
