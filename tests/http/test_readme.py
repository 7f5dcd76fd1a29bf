"""The commands that README.md and docs/ show are run, in order, and must print what is shown."""

import re
import subprocess
from pathlib import Path

import vesta

ROOT = Path(__file__).resolve().parents[2]


def transcripts(text: str) -> list[tuple[str, list[str]]]:
    """(command, lines shown) of every ```console block; indented blocks too."""
    found = []
    for block in re.finditer(r"^( *)```console\n(.*?)^\1```", text, re.M | re.S):
        indent, lines = block[1], block[2].split("\n")
        for line in (x.removeprefix(indent) for x in lines):
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line:
                found[-1][1].append(line)
    return found


def matches(shown: list[str], got: list[str]) -> bool:
    """A line `...` stands for any lines, `...` within a line for any text."""
    pattern = ""
    for line in shown:
        if line == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
    return re.fullmatch(pattern, "".join(x + "\n" for x in got if x)) is not None


def test_every_transcript_is_true() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    with vesta.serve(ROOT / "data") as server, vesta.Scratch() as scratch:
        # On a terminal curl shows no progress; into a pipe it would.
        (scratch / ".curlrc").write_text("silent\nshow-error\n")
        env = {**vesta.clean_environment(), "CURL_HOME": str(scratch), "GNUPGHOME": str(scratch)}
        places = {
            "http://127.0.0.1:8080": server.boot_url,
            "http://127.0.0.1:8081": server.api_url,
            "build/vesta": str(Path(vesta.BINARY).resolve()),
            "build/site": str(server.data),
            "build/": f"{scratch}/",
        }
        there = re.compile("|".join(map(re.escape, places)))
        for page in pages:
            for command, shown in transcripts(page.read_text(encoding="utf-8")):
                done = subprocess.run(
                    ["bash", "-c", there.sub(lambda m: places[m[0]], command)],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=vesta.DEADLINE,
                    env=env,
                    check=False,
                )
                got = done.stdout.replace(f"{scratch}/", "build/")
                vesta.check(
                    matches(shown, got.split("\n")),
                    f"{page.name}: $ {command}\nshown:\n" + "\n".join(shown) + f"\ngot:\n{got}",
                )


def test_every_flag_that_is_named_exists() -> None:
    helps = "".join(
        vesta.run(c, "--help").out
        for c in ("serve", "import", "export", "get", "put", "verify", "dhcp-config")
    )
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in re.findall(
            r"^ *```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.M | re.S
        ):
            for flag in re.findall(r"vesta [^\n]*?(--[a-z-]+)", block):
                vesta.check(flag in helps, f"{page.name} names {flag}, which no command has")
