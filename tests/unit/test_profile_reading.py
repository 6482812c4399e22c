"""Every field of a profile is read, and what is wrong with a file is said at once, with its place and a fix."""

from pathlib import Path

import pytest

from jobs.model import OutputSpec, Style
from jobs.profiles import Profile, ProfileError, draw_scenarios, load_profile

SHIPPED = Path(__file__).parents[2] / "profiles"
PIZZA = (SHIPPED / "pizza-shop/pizza.yaml").read_text(encoding="utf-8")

WHOLE = """
test_name: "order_custom"
llm:
  temperature: 0.8
  model: gpt-4o
user:
  language: Spanish
  role: you order
  personality: personalities/formal-user.yml
  context:
    - your name is Jon Doe
  goals:
    - "a {{size}} pizza on {{day}} for {{price}}"
    - "{{cans}} cans of {{drink}}"
    - size: {function: another(), type: string, data: [small, 1.10, no]}
    - day: {function: random(2), type: date, data: {min: 2025-01-30, max: 2025-02-02, step: 2}}
    - price: {function: default(), type: float, data: {min: 1, max: 2, linspace: 3}}
    - cans: {function: forward(drink), type: int, data: {min: 1, max: 4}}
    - drink: {function: forward(), type: string, data: [sprite, Orange Fanta]}
chatbot:
  is_starter: True
  fallback: say again?
  output:
    - price: {type: money, description: the final price}
    - mail: {type: email, description: the address}
conversation:
  number: sample(0.5)
  goal_style:
    all_answered: {export: True, limit: 12}
  interaction_style:
    - long phrase
    - change your mind
    - random:
      - make spelling mistakes
      - change language: [italian, chinese]
"""


def loaded(text: str, tmp_path: Path) -> Profile:
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    return load_profile(tmp_path / "p.yaml", profiles_dir=SHIPPED)


def refused(text: str, tmp_path: Path) -> ProfileError:
    with pytest.raises(ProfileError) as raised:
        loaded(text, tmp_path)
    return raised.value


def test_every_field_is_read(tmp_path: Path) -> None:
    profile = loaded(WHOLE, tmp_path)

    assert (profile.name, profile.stem, profile.language, profile.role) == ("order_custom", "p", "Spanish", "you order")
    assert (profile.model, profile.temperature) == ("gpt-4o", 0.8)
    assert profile.context == ("your name is Jon Doe",)
    assert profile.personality is not None and profile.personality.name == "formal-user"
    assert (profile.assistant_starts, profile.fallback) == (True, "say again?")
    assert profile.outputs[0] == OutputSpec(name="price", type="money", description="the final price")
    assert profile.outputs[1].type == "email"
    assert {name: variable.values for name, variable in profile.variables.items()} == {
        "size": ("small", "1.10", "no"),
        "day": ("2025-01-30", "2025-02-01", "2025-02-02"),
        "price": (1.0, 1.5, 2.0),
        "cans": (1, 2, 3),
        "drink": ("sprite", "Orange Fanta"),
    }
    assert (profile.combinations, profile.planned(1)) == (6, 3)
    assert (profile.goal_style.ending.limit, profile.goal_style.ending.export) == (12, True)
    assert profile.styles == (Style(name="long_phrases"), Style(name="change_your_mind"))
    assert profile.random_styles[1] == Style(name="change_language", languages=("italian", "chinese"))
    assert [warning for warning in profile.warnings if "email" not in warning] == []


def test_a_personality_gives_its_name_and_traits_to_every_customer(tmp_path: Path) -> None:
    scenario = draw_scenarios(loaded(WHOLE, tmp_path), seed=1)[0]

    assert scenario.persona == "formal-user"
    assert len(scenario.persona_traits) == 3


OLDER = """
temperature: 0.5
isstarter: true
fallback: say again?
role: you order
context:
  - personality: personalities/rude-user.yml
  - be brief
ask_about:
  - "drinks: {{drinks}} and {{kind}}"
  - drinks: [coke, sprite]
  - kind: {function: random(), type: str, data: {thin: 1, thick: 2}}
output:
  - price: {type: string, description: the price}
conversations:
  - number: 3
  - goal_style: {steps: 2}
  - interaction_style: [single questions, make spelling mistakes]
language: French
test_name: older
llm: {model: gpt-4o, format: {type: text}}
"""


def test_older_spellings_load_with_a_warning_each(tmp_path: Path) -> None:
    profile = loaded(OLDER, tmp_path)

    assert (profile.assistant_starts, profile.fallback, profile.language) == (True, "say again?", "French")
    assert profile.context == ("be brief",)
    assert profile.personality is not None and profile.personality.name == "rude-user"
    assert profile.variables["drinks"].values == ("coke", "sprite")
    assert profile.variables["kind"].values == ("thin", "thick")
    assert profile.outputs[0].type == "str"
    assert (profile.planned(1), profile.goal_style.ending.style, profile.goal_style.ending.limit) == (3, "steps", 2)
    assert [style.name for style in profile.styles] == ["single_question", "spelling_mistakes"]
    told = "\n".join(profile.warnings)
    for spelling in (
        "temperature", "isstarter", "fallback", "role", "context", "ask_about", "output", "conversations", "language",
        "user.personality", "llm.format", "'str'", "'string'", "plain list", "no known form", "is a list",
    ):  # fmt: skip
        assert spelling in told, spelling


MISTAKES = [
    ("is_starter: false", 'is_starter: "no"', "chatbot.is_starter", "neither true nor false"),
    ("function: another()", "function: anoter()", "user.goals[4].size.function", "another()"),
    ("random(rand)", "random(6)", "user.goals[5].toppings.function", "wants more values"),
    ("random(rand)", "random(0)", "user.goals[5].toppings.function", "cannot take"),
    ("type: int", "type: itn", "user.goals[6].cans.type", "'int'"),
    ("step: 1", "step: 0", "user.goals[6].cans.data.step", "above 0"),
    ("max: 3", "max: 0", "user.goals[6].cans.data.max", "below min"),
    ("max: 3", "max: 999999999", "user.goals[6].cans.data", "larger step"),
    ("{min: 1, max: 3, step: 1}", "[010]", "user.goals[6].cans.data[0]", "two ways"),
    ("[small, medium, large]", "[]", "user.goals[4].size.data", "empty"),
    ("forward(drink)", "forward(drnk)", "user.goals[6].cans", "forward(drink)"),
    ("forward(drink)", "forward(size)", "user.goals[6].cans", "needs 'size' to be forward()"),
    ("forward()", "forward(cans)", "user.goals[7].drink", "circle"),
    ("{{size}}", "{{Size}}", "user.goals[0]", "{{size}}"),
    ("how much it costs", "how much: it costs", "user.goals[3].how much", "quotes"),
    ("number: 20", "number: 0", "conversation.number", "between 1 and"),
    ("number: 20", "number: sample(2)", "conversation.number", "share"),
    ("number: 20", "number: some", "conversation.number", "all_combinations"),
    ("limit: 20", "limit: many", "conversation.goal_style.all_answered.limit", "whole number"),
    ("- default", "- long frases", "conversation.interaction_style[0]", "'long phrases'"),
    ("- default", "- change language", "conversation.interaction_style[0]", "languages"),
    ("- default", "- random", "conversation.interaction_style[0]", "list of styles"),
    ("chatbot:", "chatbt:", "chatbt", "'chatbot'"),
    ("test_name: pizza\n", "", "test_name", "missing"),
    ("  context:", "  personality: ../../../etc/hosts.yml\n  context:", "user.personality", "outside"),
    ("  context:", "  personality: /etc/hosts.yml\n  context:", "user.personality", "relative path"),
    ("  context:", "  personality: personalities/nobody.yml\n  context:", "user.personality", "no file"),
    ("[small, medium, large]", "{file: ../../../../../etc/passwd.csv}", "user.goals[4].size.data.file", "outside"),
]


@pytest.mark.parametrize(("right", "wrong", "field", "said"), MISTAKES)
def test_a_mistake_is_named_with_field_place_and_fix(
    right: str, wrong: str, field: str, said: str, tmp_path: Path
) -> None:
    assert right in PIZZA
    text = PIZZA.replace(right, wrong, 1)

    problems = refused(text, tmp_path).problems

    mine = [problem for problem in problems if problem.field == field]
    assert mine, problems
    assert said in f"{mine[0].message}; {mine[0].fix}"
    assert mine[0].place is not None and mine[0].place.line >= 1


def test_all_problems_of_a_file_are_told_at_once_in_its_order(tmp_path: Path) -> None:
    text = PIZZA.replace("another()", "anoter()").replace("step: 1", "step: 0").replace("number: 20", "number: x")

    error = refused(text, tmp_path)

    assert [problem.field.rsplit(".", 1)[-1] for problem in error.problems] == ["function", "step", "number"]
    assert "has 3 problems" in str(error)


def test_an_unknown_field_inside_a_section_is_a_warning_with_the_nearest_name(tmp_path: Path) -> None:
    profile = loaded(PIZZA.replace("fallback:", "falback:"), tmp_path)

    assert profile.fallback is None
    assert profile.warnings == (
        "line 38: chatbot.falback: unknown field 'falback' is not used; did you mean 'fallback'?",
    )


def test_any_leaves_the_other_values_and_an_unknown_count(tmp_path: Path) -> None:
    profile = loaded(PIZZA.replace("[small, medium, large]", "[small, any(2 odd sizes)]"), tmp_path)

    assert profile.variables["size"].values == ("small",)
    assert profile.variables["size"].count is None
    assert "'any(2 odd sizes)' needs a model" in profile.unsupported[0]


def test_a_python_list_function_is_never_run_and_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_text("raise SystemExit", encoding="utf-8")
    profile = loaded(PIZZA.replace("[small, medium, large]", "{file: make.py, function_name: f, args: [1]}"), tmp_path)

    assert "CONVOTEST_LIST_FUNCTIONS=on" in profile.unsupported[0]
    assert profile.variables["size"].unplayable is not None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sizes.csv", "small,1\n\nmedium,2\nlarge,3\n"),
        ("sizes.json", '["small",\n\t"medium", "large"]'),
        ("sizes.yaml", "- small\n- medium\n- large\n"),
    ],
)
def test_values_come_from_a_list_file_and_belong_to_the_stamp(name: str, content: str, tmp_path: Path) -> None:
    text = PIZZA.replace("[small, medium, large]", f"{{file: {name}}}")
    (tmp_path / name).write_text(content, encoding="utf-8")
    before = loaded(text, tmp_path)
    (tmp_path / name).write_text(content.replace("large", "huge"), encoding="utf-8")
    after = loaded(text, tmp_path)

    assert before.variables["size"].values == ("small", "medium", "large")
    assert after.variables["size"].values == ("small", "medium", "huge")
    assert before.stamp != after.stamp


def test_a_broken_list_file_is_told_at_the_field_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sizes.yaml").write_text("- &a small\n", encoding="utf-8")

    problem = refused(PIZZA.replace("[small, medium, large]", "{file: sizes.yaml}"), tmp_path).problems[0]

    assert problem.field == "user.goals[4].size.data.file"
    assert "in 'sizes.yaml' (line 1): an anchor" in problem.message


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("- secret\n", encoding="utf-8")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "sizes.yaml").symlink_to(outside)
    (inside / "p.yaml").write_text(PIZZA.replace("[small, medium, large]", "{file: sizes.yaml}"), encoding="utf-8")

    with pytest.raises(ProfileError, match=r"no file 'sizes\.yaml'"):
        load_profile(inside / "p.yaml", profiles_dir=inside)
