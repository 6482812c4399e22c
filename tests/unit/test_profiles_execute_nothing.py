"""Hostile profiles open nothing outside, start nothing and run nothing: Python's own audit events are the witness."""

import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

WATCHED = r"""
import json, sys
from pathlib import Path
from jobs.profiles import ProfileError, draw_scenarios, load_profile, check_paths
from jobs.errors import RequestError
import jobs.profiles.yamltree

folder = Path(sys.argv[1])
check_paths([folder / "warm.yaml"], profiles_dir=folder)  # loads what is only loaded once,
b"x".decode("utf-8-sig")  # … and the codec of CSV files
seen = []
FORBIDDEN = ("exec", "compile", "import", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen",
             "socket.connect", "os.fork", "pickle.find_class", "os.remove", "os.rename",
             "os.mkdir", "shutil.rmtree", "ctypes.dlopen")

def audit(event, args):
    if event in FORBIDDEN:
        seen.append([event, repr(args)[:200]])
    if event == "open" and isinstance(args[0], (str, bytes)):
        path, mode = str(args[0]), args[1]
        if not Path(path).resolve().is_relative_to(folder.resolve()) or (mode and "r" not in str(mode)):
            seen.append([event, repr(args)[:200]])

sys.addaudithook(audit)
outcomes = {}
for path in sorted(folder.glob("*.yaml")):
    try:
        profile = load_profile(path, profiles_dir=folder)
        draw_scenarios(profile, seed=1, n=2)
        outcomes[path.stem] = "played"
    except (ProfileError, RequestError) as error:
        outcomes[path.stem] = type(error).__name__
audited = list(seen)
print(json.dumps([outcomes, audited]))
"""

PROFILE = """
test_name: t
user:
  role: r
  personality: PERSONALITY
  goals:
    - "GOAL {{a}}"
    - a: {function: FUNCTION, type: string, data: DATA}
conversation: {number: NUMBER}
"""
FINE = {"PERSONALITY": "", "GOAL": "buy", "FUNCTION": "random()", "DATA": "[x]", "NUMBER": "1"}
HOSTILE = {
    "warm": {},
    "tag": {"DATA": "!!python/object/apply:os.system ['touch /tmp/owned']"},
    "template": {"GOAL": "{0.__class__.__mro__} ${HOME} {% import os %} {{a}}"},
    "function": {"FUNCTION": "__import__('os').system('id')"},
    "number": {"NUMBER": "__import__('os').getpid()"},
    "any": {"DATA": "[\"any(__import__('os').system('id'))\", y]"},
    "python_file": {"DATA": "{file: make.py, function_name: f}"},
    "outside": {"DATA": "{file: ../../../../etc/passwd}"},
    "absolute": {"DATA": "{file: /etc/hostname.csv}"},
    "link": {"DATA": "{file: link.csv}"},
    "device": {"DATA": "{file: /dev/zero}"},
    "personality": {"PERSONALITY": "/proc/self/environ"},
    "argument": {"DATA": "{file: make.py, function_name: f, args: /etc/passwd}"},
}


def test_hostile_profiles_execute_and_open_nothing(tmp_path: Path) -> None:
    for name, changes in HOSTILE.items():
        text = PROFILE
        for word, value in {**FINE, **changes}.items():
            text = text.replace(word, value)
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "make.py").write_text("raise SystemExit('executed')", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to("/etc/hostname")

    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path)], cwd=CHECKOUT, capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stderr
    outcomes, audited = json.loads(done.stdout)
    assert audited == []
    assert {name for name, outcome in outcomes.items() if outcome == "played"} == {"warm", "template", "any"}
    assert {outcomes[name] for name in ("python_file", "argument")} == {"RequestError"}
