"""Reads a personality file: a name, what it is, and the traits a customer of that kind shows."""

from jobs.profiles.fields import Field, Section, first_given
from jobs.profiles.nearby import Nearby, NotFoundError
from jobs.profiles.problems import Report
from jobs.profiles.profile import Personality
from jobs.profiles.yamltree import Node, parse_tree

SUFFIXES = (".yaml", ".yml")


def read_personality(root: Node, *, stem: str, report: Report) -> Personality:
    """The personality in a tree; only good for use when ``report`` has no problems afterwards."""
    section = Section(Field(node=root, path="", report=report), keys="name, description and traits")
    name, description = section.take("name"), section.take("description")
    traits = first_given((section.take("traits"), section.take_older("context", newer="traits")))
    section.close()
    if traits is None:
        report.problem(root.place, "traits", "there are no traits", "list how such a customer behaves")
    return Personality(
        name=(name.text(example="curious") if name else None) or stem,
        description=(description.text(example="wants to know everything") if description else None) or "",
        traits=tuple(
            text
            for item in (traits.items(example='["asks short questions"]') if traits else ())
            if (text := item.text(example="asks short questions"))
        ),
    )


def load_personality(field: Field, nearby: Nearby) -> Personality | None:
    """The personality whose file ``field`` names; None when that cannot be, with the reasons reported."""
    written = field.text(example="personalities/curious.yaml")
    if written is None:
        return None
    try:
        found = nearby.read(written, suffixes=SUFFIXES)
    except NotFoundError as error:
        field.problem(error.message, error.fix)
        return None
    report = Report()
    root = parse_tree(found.content, report)
    personality = read_personality(root, stem=found.path.stem, report=report) if root else None
    field.adopt(report, source=written)
    return None if report.problems else personality
