"""Runs what a Dockerfile runs, without a container engine: a scratch folder stands for the image's root.

Every stage shares that folder, so ``COPY --from`` has nothing to do; at the end the installed command must answer.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

TOP_LEVEL = re.compile(r"(?<![\w./-])/(?=(?:src|opt|data)\b)")
"""Where a path of the image begins that the Dockerfile itself makes."""


def main(dockerfile: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "root")
        environment = _base_environment(Path(scratch))
        folder, entrypoint = root, [""]
        for word, rest in _instructions(dockerfile.read_text(encoding="utf-8")):
            if word == "WORKDIR":
                folder = Path(TOP_LEVEL.sub(f"{root}/", rest))
                folder.mkdir(parents=True, exist_ok=True)
            elif word == "COPY" and rest == ". .":
                _copy_context(dockerfile.parent, folder)
            elif word == "RUN":
                _run(["bash", "-euc", TOP_LEVEL.sub(f"{root}/", rest)], folder, environment)
            elif word == "ENTRYPOINT":
                entrypoint = json.loads(rest)
        command = str(root / "opt" / "convotest" / "bin" / entrypoint[0])
        _run([command, "--help"], folder, environment)
        _run([command, "check"], folder, environment)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction with what follows it, its lines joined."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word and not word.startswith("#"):
            yield word.upper(), rest.strip()


def _base_environment(scratch: Path) -> dict[str, str]:
    """A clean Python under the name that the base image gives it."""
    subprocess.run([sys.executable, "-m", "venv", scratch / "base"], check=True)
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONVOTEST", "SLACK", "OPENAI"))
    }
    return inherited | {"PATH": f"{scratch / 'base' / 'bin'}:{os.environ['PATH']}", "HOME": str(scratch)}


def _copy_context(context: Path, folder: Path) -> None:
    """What .dockerignore lets through; ours lists what is wanted."""
    ignored = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in (line[1:] for line in ignored if line.startswith("!")):
        source = context / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    subprocess.run(command, cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "Dockerfile").resolve())
