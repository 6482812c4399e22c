"""Feedback from files: every good row once, every bad one named."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from jobs.errors import RequestError
from jobs.feedback.importing import Imported, import_feedback
from jobs.model import LOCAL_WORKSPACE
from jobs.store import Store, open_store
from jobs.testing import MovableClock


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    async with open_store(f"sqlite:///{tmp_path / 'convotest.db'}", MovableClock()) as opened:
        yield opened


async def taken(store: Store, path: Path) -> Imported:
    return await import_feedback(path, store=store, clock=MovableClock(), workspace_id=LOCAL_WORKSPACE, source="cli")


CSV = """\ufeffconversation_id,rating,thumb,feedback_text,user_id,timestamp,tags,aspects.speed,channel
c1,5,,"Nice, ""very"" nice
and quick",ana,2026-01-02T10:00:00Z,delivery;price,4,web
c2,4.0,,,ben,1767000000,,,web

c3,,up,,,,,,
c3,,down,,,,,,
c4,6,,,,,,,
c5,4.5,,,,,,,
c6,NaN,,,,,,,
c7,null,,,,,,,
c8,,,,,,,,
c9,3,,,,yesterday,,,
c10,3,,,,,,11,
c11,3,,,,,,,,,too many
"""


async def test_good_rows_are_taken_and_bad_ones_named_with_their_line(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(CSV, encoding="utf-8")
    done = await taken(store, path)

    assert (done.stored, done.known, done.ignored) == (4, 0, ("channel",))
    assert [row.line for row in done.bad] == [8, 9, 10, 11, 12, 13, 14, 15]
    reasons = [row.reason for row in done.bad]
    assert "not 6" in reasons[0]
    assert "not '4.5'" in reasons[1]
    assert "not 'NaN'" in reasons[2]
    assert "not 'null'" in reasons[3]
    assert "says nothing" in reasons[4]
    assert "not 'yesterday'" in reasons[5]
    assert "aspects.speed" in reasons[6]
    assert "cells" in reasons[7]
    rows = {row["conversation"]: row for row in await store.feedback.ratings(LOCAL_WORKSPACE, limit=9)}
    assert rows["ext:c1"]["comment"] == 'Nice, "very" nice\nand quick'
    assert rows["ext:c1"]["details"] == {"tags": ["delivery", "price"], "aspects": {"speed": 4}}
    assert (rows["ext:c2"]["value"], rows["ext:c2"]["at"].year) == (4, 2025)


async def test_the_same_file_again_adds_nothing_and_equal_lines_stay_several(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "stars.csv"
    path.write_text("rating\n5\n5\n4\n5\n")
    first, again = await taken(store, path), await taken(store, path)
    path.write_text("rating\n5\n5\n4\n5\n5\n")
    longer = await taken(store, path)

    assert [(done.stored, done.known) for done in (first, again, longer)] == [(4, 0), (0, 4), (1, 4)]


async def test_json_and_jsonl_are_read_alike(store: Store, tmp_path: Path) -> None:
    items = [
        {"conversation_id": "c1", "rating": 5, "feedback_text": "good", "conversation_summary": "asked for a pizza"},
        {"thumb": "down", "aspects": {"speed": 1}, "suggested_tools": ["x"]},
        {"rating": 0},
        "nothing",
    ]
    (tmp_path / "a.json").write_text(json.dumps(items))
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps(each) for each in items) + '\n\n{"rating": \n')
    from_json, from_lines = await taken(store, tmp_path / "a.json"), await taken(store, tmp_path / "b.jsonl")

    assert (from_json.stored, [row.line for row in from_json.bad]) == (2, [3, 4])
    assert (from_lines.stored, from_lines.known, [row.line for row in from_lines.bad]) == (0, 2, [3, 4, 6])
    assert "no JSON" in from_lines.bad[-1].reason


async def test_a_comment_of_five_megabytes_is_a_bad_row_and_the_rest_is_taken(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"rating,feedback_text\n5,{'x' * 5_242_880}\n4,fine\n")
    done = await taken(store, path)

    assert done.stored == 1
    assert [(row.line, "5242880 characters" in row.reason) for row in done.bad] == [(2, True)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"stars,text\n5,hi\n", "no column 'rating'"),
        ("x.csv", b"rating,rating\n5,5\n", "more than one column 'rating'"),
        ("x.csv", b"", "no column"),
        ("x.csv", b"rating\n\xff\n", "not UTF-8"),
        ("x.json", b"{", "no JSON"),
        ("x.xlsx", b"", "--format"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused(
    store: Store, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=said):
        await taken(store, tmp_path / name)
    with pytest.raises(RequestError, match="cannot be read"):
        await taken(store, tmp_path / "nowhere.csv")


async def test_of_one_person_the_later_line_counts_though_neither_has_a_time(store: Store, tmp_path: Path) -> None:
    from jobs.feedback.report import report_feedback
    from jobs.store.votes import Scope

    path = tmp_path / "votes.csv"
    path.write_text(
        "conversation_id,user_id,rating\n" + "".join(f"c{n},ana,{1 + n % 5}\nc{n},ana,4\n" for n in range(20))
    )
    await taken(store, path)

    assert report_feedback(store.database_url, Scope()).headline.stars[4] == 20
