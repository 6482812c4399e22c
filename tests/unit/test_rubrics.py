"""Rubrics of a profile: read, drawn, graded, stamped, shown."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.judge import Judge, Judgements, judge_stamp
from jobs.metrics import METRICS
from jobs.model import Assessment, Rubric, Score
from jobs.profiles import check_paths, load_profile
from jobs.profiles.draw import draw_scenarios
from jobs.profiles.problems import ProfileError
from jobs.profiles.rubrics import OTHER_FIGURES
from jobs.report import to_csv
from jobs.report.as_csv import COLUMNS
from jobs.report.as_html import to_html
from jobs.report.as_json import to_json
from jobs.report.gates import MEASURES
from jobs.scoring import score_transcript
from jobs.suites.check import check_suite
from tests.unit.test_judge import GOOD, SCENARIO, TALK, JudgingModel
from tests.unit.test_report import conversation, report

PROFILE = """
test_name: polite
user:
  role: you order a pizza
  goals: [a pizza]
chatbot:
  rubrics:
{rubrics}
conversation:
  number: 1
"""


def rubrics(directory: Path, text: str) -> tuple[Rubric, ...]:
    path = directory / "polite.yaml"
    indented = "\n".join(f"    {line}" for line in text.strip().splitlines())
    path.write_text(PROFILE.format(rubrics=indented))
    return load_profile(path, profiles_dir=directory).rubrics


def test_a_rubric_has_a_name_a_question_and_what_its_grades_mean(tmp_path: Path) -> None:
    read = rubrics(
        tmp_path,
        """
- Tone of voice: {description: Is it friendly?, scale: [rude, curt, friendly]}
- upselling:
    description: Does it offer more without pressing?
- brevity: {description: Is it brief?, scale: 3}
""",
    )

    assert [each.name for each in read] == ["tone_of_voice", "upselling", "brevity"]
    assert read[0] == Rubric(name="tone_of_voice", question="Is it friendly?", grades=("rude", "curt", "friendly"))
    assert [len(each.grades) for each in read] == [3, 5, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- helpfulness: {description: x}", "a figure named 'helpfulness' already"),
        ("- success: {description: x}", "a figure named 'success' already"),
        ("- '= 1+1': {description: x}", "cannot be the name of a rubric"),
        ("- tone: {scale: 3}", "has no description"),
        ("- tone: {description: x, scale: [only]}", "a scale of 1 grades"),
        ("- tone: {description: x, scale: 11}", "not between 2 and 10"),
        ("- tone: {description: x, scale: {a: b}}", "this is no scale"),
        ("- tone: {description: x}\n- Tone: {description: y}", "'tone' is defined twice"),
        ("- politeness", "this is no rubric"),
        ("\n".join(f"- r{number}: {{description: x}}" for number in range(21)), "more than 20 rubrics"),
    ],
)
def test_what_is_wrong_with_a_rubric_is_said_with_its_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProfileError, match=r"chatbot\.rubrics") as error:
        rubrics(tmp_path, text)

    assert said in str(error.value)
    assert all(problem.place and problem.fix for problem in error.value.problems)


def test_no_rubric_can_have_the_name_of_another_figure() -> None:
    assert set(COLUMNS) | set(MEASURES) <= set(METRICS) | OTHER_FIGURES


async def test_scenarios_carry_the_rubrics_and_a_judge_grades_them_on_their_own_scale(tmp_path: Path) -> None:
    rubrics(tmp_path, "- tone: {description: Is it friendly?, scale: [rude, curt, friendly]}")
    profile = load_profile(tmp_path / "polite.yaml", profiles_dir=tmp_path)
    [scenario] = draw_scenarios(profile, seed=1)
    model = JudgingModel({**GOOD, "score": 2})

    scores = await score_transcript(
        TALK, scenario, Assessment(goals=()), judge=Judge(model, model="j", judgements=Judgements())
    )

    assert scores["tone"] == Score(value=0.5, reason="It is right. (“The total is $9.50”)")
    asked = next(each for each in model.requests if "Is it friendly?" in str(each.messages[0]["content"]))
    assert "1 = rude\n2 = curt\n3 = friendly" in str(asked.messages[0]["content"])
    assert asked.schema is not None
    assert asked.schema.json_schema["properties"]["score"]["enum"] == [1, 2, 3]


async def test_a_grade_beyond_the_scale_is_unscored() -> None:
    judge = Judge(JudgingModel({**GOOD, "score": 5}), model="j", judgements=Judgements())

    score = await judge.grade(Rubric(name="tone", question="?", grades=("a", "b", "c")), TALK, SCENARIO)

    assert score == Score.unscored("the judge's answer is not valid (score)")


async def test_without_a_judge_a_rubric_is_unscored_like_the_others(tmp_path: Path) -> None:
    rubrics(tmp_path, "- tone: {description: Is it friendly?}")
    [scenario] = draw_scenarios(load_profile(tmp_path / "polite.yaml", profiles_dir=tmp_path), seed=1)

    scores = await score_transcript(TALK, scenario, Assessment(goals=()))

    assert scores["tone"].value is None
    assert scores["tone"].reason == scores["helpfulness"].reason


def test_another_wording_is_another_judge() -> None:
    tone = Rubric(name="tone", question="Is it friendly?", grades=("no", "yes"))
    other = Rubric(name="tone", question="Is it friendly?", grades=("never", "yes"))

    stamps = [judge_stamp("j"), judge_stamp("j", [tone]), judge_stamp("j", [other]), judge_stamp("k", [tone])]

    assert len(set(stamps)) == 4
    assert judge_stamp("j", [tone, other]) == judge_stamp("j", [other, tone, tone])


def test_a_rubric_stands_among_the_metrics_of_every_report() -> None:
    tone = Rubric(name="tone", question="Is it friendly <b>?", grades=("no", "yes"))
    played = [conversation(number, scores={"tone": Score(value=number / 4, reason="so")}) for number in (1, 2, 3)]
    shown = report(*(replace(each, scenario=replace(each.scenario, rubrics=(tone,))) for each in played))

    document = to_json(shown)

    assert document["metrics"]["tone"]["mean"] == 0.5
    assert document["metrics"]["tone"]["low"] >= 0
    assert document["rubrics"] == {"tone": "Is it friendly <b>?"}
    page = to_html(shown).decode()
    assert "Is it friendly &lt;b&gt;?" in page
    assert "50%" in page
    rows = list(csv.DictReader(io.StringIO(to_csv(shown).decode())))
    assert [row["tone"] for row in rows] == ["0.25", "0.5", "0.75"]


@pytest.mark.parametrize(("gate", "fine"), [("tone: 0.8", True), ("upselling: 0.8", False)])
def test_a_rubric_can_be_a_gate_of_a_suite_whose_profiles_have_it(tmp_path: Path, gate: str, *, fine: bool) -> None:
    rubrics(tmp_path, "- tone: {description: Is it friendly?}")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "nightly.yaml").write_text(f"suite: nightly\nprofiles: [polite]\ngates: {{{gate}}}\n")

    found = {check.kind: check for check in check_paths([tmp_path], profiles_dir=tmp_path)}

    assert check_suite(found["suite"], profiles_dir=tmp_path).ok == fine
