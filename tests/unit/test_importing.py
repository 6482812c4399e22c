"""Conversations from elsewhere: every format, bad files among good ones, twice is once, and out again."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.cli import run_cli
from jobs.errors import RequestError
from jobs.importing.keep import import_conversations, imported_set
from jobs.importing.runs import conversations_of_run
from jobs.importing.sources import Format, guessed_format, read_conversations
from jobs.importing.stored import content_key, from_stored, to_stored
from jobs.importing.written import ExportFormat, written_as_one, written_one_by_one
from jobs.model import LOCAL_WORKSPACE, RunRequest, WorkspaceId
from jobs.recorded import Recorded, UnreadFile, load_recordings, parse_recorded
from jobs.redact import register_secret
from jobs.rules.check import check_rules
from jobs.rules.files import load_rules
from jobs.settings import shipped_profiles
from jobs.store import Store, open_store
from jobs.testing import MovableClock, testing_ports
from tests.unit.test_recorded import RECORDING
from tests.unit.test_suite_runs import report_of

CHAT = (
    '{"id": "a", "variables": {"size": "small"}, "outputs": {"price": "8.50$"}, "messages": ['
    '{"role": "system", "content": "be nice"}, {"role": "user", "content": "hi"}, '
    '{"role": "assistant", "content": [{"type": "text", "text": "hello"}], "latency_ms": 1200}]}'
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    async with open_store(f"sqlite:///{tmp_path}/store.db", MovableClock()) as opened:
        yield opened


def read(path: Path, format: Format) -> tuple[list[Recorded], list[UnreadFile]]:
    found = list(read_conversations(path, format))
    return [each for each in found if isinstance(each, Recorded)], [x for x in found if isinstance(x, UnreadFile)]


def a_file(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_chat_of_json_lines_is_read_whatever_its_speakers_are_called(tmp_path: Path) -> None:
    other = '{"conversations": [{"from": "human", "value": "hola"}, {"from": "gpt", "value": "buenas"}]}'
    steps = '{"interaction": [{"User": "hey"}, {"Assistant": null}]}'

    conversations, unread = read(a_file(tmp_path, "a.jsonl", "\n".join((CHAT, "", other, steps))), "jsonl")

    assert unread == []
    first, second, third = conversations
    assert first.interaction == [{"User": "hi"}, {"Assistant": "hello"}]
    assert (first.serial, first.variables["size"], first.variables["price"]) == ("a", "small", "8.50$")
    assert first.response_times_s == [1.2]
    assert second.interaction == [{"User": "hola"}, {"Assistant": "buenas"}]
    assert third.interaction == [{"User": "hey"}, {"Assistant": ""}]


def test_messages_of_their_own_lines_are_put_together_by_their_conversation(tmp_path: Path) -> None:
    lines = [
        {"conversation_id": 7, "role": "user", "content": "one"},
        {"conversation_id": 8, "role": "user", "content": "two"},
        {"conversation_id": 7, "role": "bot", "content": "three"},
    ]

    conversations, _ = read(a_file(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))), "jsonl")

    assert [each.interaction for each in conversations] == [
        [{"User": "one"}, {"Assistant": "three"}],
        [{"User": "two"}],
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "no JSON object"),
        ('{"messages": [{"role": "martian", "content": "x"}]}', "no known speaker"),
        ('{"messages": [{"content": "x"}]}', "does not say who speaks"),
        ('{"messages": []}', "nothing is said"),
        ('{"messages": [{"role": "user", "content": 7}]}', "no text"),
        ('{"hello": "world"}', "neither messages nor"),
        ("[" * 100_000, "not JSON"),
        ('{"messages": ' + "9" * 5_000 + "}", "not JSON"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_the_others_are_read(tmp_path: Path, line: str, message: str) -> None:
    conversations, [unread] = read(a_file(tmp_path, "a.jsonl", f"{CHAT}\n{line}\n{CHAT}\n"), "jsonl")

    assert len(conversations) == 2
    assert unread.problem.place and unread.problem.place.line == 2
    assert message in unread.problem.message
    assert unread.problem.fix


def test_a_line_without_end_and_one_that_is_no_text_are_left_out(tmp_path: Path) -> None:
    endless = b'{"messages": "' + b"x" * (9 * 1024 * 1024) + b'"}'
    content = b"\n".join((CHAT.encode(), endless, b'{"id": "\xff"}', CHAT.encode()))

    conversations, unread = read(a_file(tmp_path, "a.jsonl", content), "jsonl")

    assert len(conversations) == 2
    assert [each.problem.message for each in unread] == ["the line is longer than 4 MB", "it is not UTF-8 text"]
    assert [each.problem.place.line for each in unread if each.problem.place] == [2, 3]


def test_rows_of_csv_are_put_together_by_their_conversation(tmp_path: Path) -> None:
    rows = 'session_id;speaker;text;variable_size;output_price\na;user;hi;small;\nb;user;=1+1;;\na;bot;"\'=2";;9$\n'

    conversations, unread = read(a_file(tmp_path, "a.csv", "\ufeff" + rows), "csv")

    assert unread == []
    assert conversations[0].interaction == [{"User": "hi"}, {"Assistant": "=2"}]
    assert (conversations[0].variables["size"], conversations[0].variables["price"]) == ("small", "9$")
    assert conversations[1].interaction == [{"User": "=1+1"}]


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        ("a,b\n1,2\n", "no column says who speaks", 1),
        ("id,role\n1,user\n", "no column says what is said", 1),
        ("", "no column says who speaks", 1),
        ("id,role,text\n1,martian,hi\n", "no known speaker", 2),
        (b"id,role,text\n1,user,\xff\n", "line 2 is not UTF-8", 1),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_place(
    tmp_path: Path, content: str | bytes, message: str, line: int
) -> None:
    conversations, [unread] = read(a_file(tmp_path, "a.csv", content), "csv")

    assert conversations == []
    assert message in unread.problem.message
    assert unread.problem.place and unread.problem.place.line == line


def test_the_format_is_known_by_the_ending_and_a_folder_is_of_recordings(tmp_path: Path) -> None:
    assert guessed_format(tmp_path) == "sensei"
    assert [guessed_format(Path(name)) for name in ("a.yml", "a.ndjson", "a.TSV")] == ["sensei", "jsonl", "csv"]
    with pytest.raises(RequestError, match="not known"):
        guessed_format(Path("a.txt"))
    with pytest.raises(RequestError, match="no file ending in"):
        list(read_conversations(tmp_path, "csv"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode(errors="ignore"))))
def test_no_file_breaks_a_reader(tmp_path: Path, content: bytes) -> None:
    for format in ("sensei", "jsonl", "csv"):
        path = a_file(tmp_path, {"sensei": "a.yml", "jsonl": "a.jsonl", "csv": "a.csv"}[format], content)
        for each in read_conversations(path, format):
            assert isinstance(each, Recorded) or (each.problem.place and each.problem.fix)


# --- keeping ----------------------------------------------------------------------------------------------------------


def test_what_is_stored_is_what_was_read() -> None:
    text = RECORDING.replace("- total: 12.5", "- total: .inf\n- at: 2025-07-07 12:00:00")
    recorded = parse_recorded(text.encode(), name="a.yml")

    again = from_stored(json.loads(json.dumps(to_stored(recorded), allow_nan=False)), name="a.yml")

    assert again.variables == recorded.variables
    assert (again.serial, again.response_times_s, again.duration_s) == (recorded.serial, [4.215204, 6.1], 27.523365)
    assert again.errors == recorded.errors


def test_what_no_database_takes_is_replaced_before_the_key_is_made() -> None:
    recorded = parse_recorded(RECORDING.replace("Done.", '"D\\0ne"').encode(), name="a.yml")

    stored = to_stored(recorded)

    assert stored["interaction"][-1] == {"Assistant": "D\ufffdne"}
    assert content_key(stored) == content_key(to_stored(from_stored(stored, name="other")))


async def test_a_bulk_import_lists_bad_files_and_keeps_the_rest_and_twice_is_once(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "recorded"
    for number in range(1, 6):
        path = folder / f"part{number % 2}" / f"{number}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDING.replace("12-12-38", f"12-12-{number}"))
    (folder / "__report__").mkdir()
    (folder / "__report__" / "report.yml").write_text(RECORDING)
    a_file(folder, "bad.yml", "a: [")
    a_file(folder, "tagged.yml", "a: !!python/object/apply:os.system [ls]")
    a_file(folder, "latin.yml", "serial: \xe9".encode("latin-1"))
    (folder / "copy.yml").write_text((folder / "part1" / "1.yml").read_text())

    async def once() -> tuple[int, int, int]:
        done = await import_conversations(folder, "sensei", into=None, store=store, workspace_id=LOCAL_WORKSPACE)
        return done.new, done.known, len(done.unread)

    assert await once() == (5, 1, 3)
    assert await once() == (0, 6, 3)
    assert await store.imported.sets(LOCAL_WORKSPACE) == {"recorded": 5}
    kept = await imported_set("recorded", store=store, workspace_id=LOCAL_WORKSPACE)
    assert len(kept) == 5
    assert kept[0].variables["toppings"] == ["mushrooms", "corn"]


async def test_a_set_belongs_to_its_workspace_and_a_wrong_name_is_answered_with_the_nearest(
    tmp_path: Path, store: Store
) -> None:
    path = a_file(tmp_path, "spring.jsonl", CHAT)
    await import_conversations(path, "jsonl", into=None, store=store, workspace_id=WorkspaceId("T1"))

    with pytest.raises(RequestError, match="no set of conversations"):
        await imported_set("spring", store=store, workspace_id=WorkspaceId("T2"))
    with pytest.raises(RequestError, match="did you mean 'spring'"):
        await imported_set("sprnig", store=store, workspace_id=WorkspaceId("T1"))
    for name in ("last", "7f3a21bc", "../x", ""):
        with pytest.raises(RequestError, match="cannot be the name"):
            await import_conversations(path, "jsonl", into=name or "\n", store=store, workspace_id=WorkspaceId("T1"))


# --- and out again ----------------------------------------------------------------------------------------------------


async def test_an_exported_run_has_the_same_verdicts_after_it_was_imported_again(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        report = await report_of(RunRequest(target="pizza", n=9, seed=3, assistant="pizza@faulty"), ports)
    conversations = conversations_of_run(report.conversations)
    rules, _ = load_rules(shipped_profiles() / "rules" / "pizza-shop")
    before = check_rules(rules, conversations)

    folder = tmp_path / "out"
    folder.mkdir()
    for name, content in written_one_by_one(conversations):
        (folder / name).write_bytes(content)
    again = load_recordings(folder)
    lines = a_file(tmp_path, "out.jsonl", written_as_one(conversations, "jsonl", title="run"))
    from_lines, _ = read(lines, "jsonl")

    assert again.unread == ()
    for read_again in (again.conversations, from_lines):
        after = check_rules(rules, read_again)
        assert {name: (each.passed, each.failed, each.not_applicable) for name, each in after.rules.items()} == {
            name: (each.passed, each.failed, each.not_applicable) for name, each in before.rules.items()
        }
    assert before.rules["all_outputs_found"].failed == 9


def test_csv_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    text = RECORDING.replace("User: Corn", 'User: "=HYPERLINK(1)"').replace("Done.", '"two\\nlines, \\"quoted\\""')
    recorded = parse_recorded(text.encode(), name="a.yml")

    content = written_as_one([recorded], "csv", title="x")
    [again], _ = read(a_file(tmp_path, "a.csv", content), "csv")

    assert "'=HYPERLINK" in content.decode()
    assert again.interaction == recorded.interaction
    assert again.variables["size"] == "small"


@pytest.mark.parametrize("format", ["jsonl", "csv", "html"])
def test_secrets_and_markup_do_not_leave_the_house(format: ExportFormat) -> None:
    register_secret("hunter2hunter2")
    text = RECORDING.replace("Done.", "'<script>alert(1)</script> hunter2hunter2 sk-abcdefghijklmnopqrstuvwxyz123456'")
    recorded = parse_recorded(text.encode(), name="<b>a</b>.yml")

    files = [
        written_as_one([recorded], format, title="<i>t</i>"),
        *(each for _, each in written_one_by_one([recorded])),
    ]

    for content in files:
        assert b"hunter2" not in content
        assert b"sk-abcdefgh" not in content
    if format == "html":
        assert b"<script" not in files[0]
        assert b"<i>t" not in files[0]


def test_names_of_files_stay_in_their_folder() -> None:
    recorded = [
        parse_recorded(RECORDING.encode(), name=name) for name in ("../../etc/passwd", "a/b.yml", "b.yml", "..")
    ]

    names = [name for name, _ in written_one_by_one(recorded)]

    assert len(set(names)) == 4
    assert all("/" not in name and not name.startswith(".") for name in names)


def test_the_terminal_imports_checks_and_exports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", f"sqlite:///{tmp_path}/cli.db")
    monkeypatch.chdir(tmp_path)
    a_file(tmp_path, "chats.jsonl", f"{CHAT}\nnonsense\n")
    a_file(tmp_path, "rule.yaml", "name: says_hello\nthen: chatbot_phrases == ['hello']\n")

    assert run_cli(args=["import", "chats.jsonl", "--json"]) == 2
    document = json.loads(capfd.readouterr().out)
    assert (document["set"], document["new"], document["known"]) == ("chats", 1, 0)
    assert [(bad["path"], bad["line"]) for bad in document["bad"]] == [("chats.jsonl", 2)]

    assert run_cli(args=["import", "chats.jsonl"]) == 2
    shown = capfd.readouterr()
    assert shown.out == "chats: 0 new, 1 known before, 1 left out\n"
    assert "chats.jsonl: line 2" in shown.err

    assert run_cli(args=["rules", "check", "--rules", "rule.yaml", "--conversations", "chats", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["rules"]["says_hello"]["pass"] == 1
    assert run_cli(args=["rules", "check", "--rules", "rule.yaml", "--conversations", "chat"]) == 2
    assert "did you mean 'chats'" in capfd.readouterr().err

    assert run_cli(args=["export", "chats", "--format", "jsonl"]) == 0
    assert json.loads(capfd.readouterr().out)["messages"][-1] == {"role": "assistant", "content": "hello"}
    assert run_cli(args=["export", "chats", "--format", "sensei", "-o", "folder"]) == 0
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["chats.yml"]
    assert run_cli(args=["export", "last", "--format", "csv"]) == 2
    assert "no runs yet" in capfd.readouterr().err
