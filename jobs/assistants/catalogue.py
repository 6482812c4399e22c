"""The assistants that can be tested: ``assistants.yaml`` read into variants, and the choice of one for a run."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants._web import problem_of_url
from jobs.clock import SystemClock
from jobs.errors import RequestError
from jobs.model import LOCAL_WORKSPACE, Limits, Variant, WorkspaceId
from jobs.profiles import FileCheck
from jobs.profiles.problems import Place, Problem, ProfileError, Report
from jobs.profiles.yamltree import Items, Node, Scalar, parse_tree
from jobs.profiles.yamltree import Mapping as MappingNode
from jobs.shelf import unknown

FILE_NAME = "assistants.yaml"
SECRET_FIELD = re.compile(
    r"(.*[_-])?(api[_-]?key|token|secret|password|passwd|authorization|credentials?)", re.IGNORECASE
)
SECRET_REFERENCE = re.compile(r"(?:(?:bearer|basic|token) )?env:([A-Za-z_][A-Za-z0-9_]*)", re.IGNORECASE)
"""A secret is named, never written: ``env:NAME``, in a header also ``Bearer env:NAME``."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where the owner of an assistant hears of approved changes; ``secret`` is an ``env:NAME``."""

    url: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Assistant:
    """One assistant under test; ``variants`` is never empty and holds ``default``.

    ``prompts`` are what Slack's assistant pane suggests to ask.
    """

    name: str
    connector: str
    default: str
    profiles: tuple[str, ...]
    workspaces: tuple[str, ...] | None
    variants: Mapping[str, Variant]
    webhook: Webhook | None = None
    prompts: tuple[str, ...] = ()

    def is_for(self, profile: str) -> bool:
        """Whether a glob of ``profiles`` matches the profile's path or its stem."""
        path = PurePosixPath(profile)
        return any(
            fnmatchcase(candidate, glob.removesuffix(".yaml").removesuffix(".yml"))
            for glob in self.profiles
            for candidate in (str(path), path.name)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "connector": self.connector,
            "default": self.default,
            "profiles": list(self.profiles),
            "workspaces": None if self.workspaces is None else list(self.workspaces),
            "variants": {variant.name: {"hash": variant.hash} for variant in self.variants.values()},
        }

    def is_visible_in(self, workspace_id: WorkspaceId) -> bool:
        """Whether that workspace may use it. The terminal may use all: it belongs to whoever owns the file."""
        return self.workspaces is None or workspace_id == LOCAL_WORKSPACE or workspace_id in self.workspaces


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Every assistant of one file, in the file's order."""

    path: Path
    assistants: tuple[Assistant, ...]

    def visible(self, workspace_id: WorkspaceId = LOCAL_WORKSPACE) -> tuple[Assistant, ...]:
        """The assistants that a workspace may use."""
        return tuple(each for each in self.assistants if each.is_visible_in(workspace_id))

    def assistant(self, name: str, *, workspace_id: WorkspaceId = LOCAL_WORKSPACE) -> Assistant:
        """The assistant of that name; raises RequestError with the nearest name."""
        visible = {each.name: each for each in self.visible(workspace_id)}
        if name not in visible:
            raise RequestError(unknown("assistant", name, visible) if visible else self._nothing_configured())
        return visible[name]

    def variant(self, spec: str | None, *, profile: str = "", workspace_id: WorkspaceId = LOCAL_WORKSPACE) -> Variant:
        """The variant to test.

        Args:
            spec: ``NAME`` or ``NAME@VARIANT``; None = the one whose ``profiles`` match, else the only one.
            profile: the profile's path under the profiles directory, without suffix.

        Raises:
            RequestError: no such assistant or variant, or more than one would do.
        """
        if spec is None:
            assistant = self._for_profile(profile, workspace_id)
            return assistant.variants[assistant.default]
        name, at, wanted = spec.strip().partition("@")
        assistant = self.assistant(name, workspace_id=workspace_id)
        if not at:
            return assistant.variants[assistant.default]
        if wanted not in assistant.variants:
            raise RequestError(unknown(f"variant of {name!r}", wanted, assistant.variants))
        return assistant.variants[wanted]

    def _for_profile(self, profile: str, workspace_id: WorkspaceId) -> Assistant:
        visible = self.visible(workspace_id)
        if not visible:
            raise RequestError(self._nothing_configured())
        matching = [each for each in visible if profile and each.is_for(profile)]
        for found in (matching, visible):
            if len(found) == 1:
                return found[0]
        listed = ", ".join(repr(each.name) for each in matching or visible)
        reason = "several assistants match" if matching else "no assistant's 'profiles' match"
        raise RequestError(
            f"{reason} the profile {profile!r}; name one with --assistant (in Slack: assistant=): {listed}"
        )

    def _nothing_configured(self) -> str:
        return f"no assistant is configured for this workspace; describe one in {self.path}"


def load_catalogue(profiles_dir: Path) -> Catalogue:
    """The catalogue of a profiles directory; without a file it is empty.

    Raises:
        ProfileError: the file is broken; it has every problem with its place, field and mend.
    """
    path = profiles_dir / FILE_NAME
    if not path.exists():
        return Catalogue(path=path, assistants=())
    catalogue, problems = read_catalogue(path)
    if problems:
        raise ProfileError(str(path), problems)
    return catalogue


def read_catalogue(path: Path) -> tuple[Catalogue, tuple[Problem, ...]]:
    """What the file says and everything that is wrong with it; with problems the catalogue is empty."""
    report = Report()
    tree = parse_tree(path.read_bytes(), report)
    assistants: tuple[Assistant, ...] = ()
    if tree is not None and not report.problems:
        places = dict(_places(tree))
        try:
            parsed = _File.model_validate(_plain(tree))
        except ValidationError as error:
            for detail in error.errors():
                _report(report, places, *_explained(detail))
        else:
            for where, message, fix in _contradictions(parsed):
                _report(report, places, where, message, fix)
            if not report.problems:
                assistants = tuple(_assistant(*item, path.parent) for item in parsed.assistants.items())
    return Catalogue(path=path, assistants=assistants), tuple(report.problems)


def check_assistants(check: FileCheck) -> FileCheck:
    """The check of a file of assistants with what this module and the connectors say; other files stay as they are."""
    if check.kind != "assistants" or not check.ok:
        return check
    path = Path(check.path)
    catalogue, problems = read_catalogue(path)
    variants = [each for assistant in catalogue.assistants for each in assistant.variants.values()]
    refused = [_refused(variant, reason) for variant in variants for reason in config_problems(variant, path.parent)]
    return replace(check, problems=(*problems, *refused))


def config_problems(variant: Variant, profiles_dir: Path) -> Sequence[str]:
    """What the variant's connector has against its configuration; whether secrets are set is another question."""
    secrets = dict.fromkeys(environment_names(variant.config), "set")
    ports = ConnectorPorts(clock=SystemClock(), profiles_dir=profiles_dir, environment=secrets)
    return CONNECTORS[variant.connector].build(ports).check(variant.config)


def _refused(variant: Variant, reason: str) -> Problem:
    field = f"assistants.{variant.assistant}.variants.{variant.name}"
    return Problem(place=None, field=field, message=reason, fix="correct the variant")


def environment_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The environment variables that a variant's configuration refers to as ``env:NAME``."""
    found = (SECRET_REFERENCE.fullmatch(value) for _, value in _strings(config))
    return tuple(dict.fromkeys(match.group(1) for match in found if match))


def variant_hash(connector: str, config: Mapping[str, Any], profiles_dir: Path) -> str:
    """Content hash of a configuration and of the files it names: equal for equal content, whatever the keys' order."""
    files = {value: _digest(path) for _, value in _strings(config) if (path := _named_file(value, profiles_dir))}
    return hashlib.sha256(_canonical([connector, config, files])).hexdigest()


def _named_file(text: str, profiles_dir: Path) -> Path | None:
    """The file of the profiles directory that a text of the configuration names, if it names one."""
    if not re.fullmatch(r"[\w./ -]{1,200}\.\w{1,8}", text):
        return None
    path = (profiles_dir / text).resolve()
    return path if path.is_relative_to(profiles_dir.resolve()) and path.is_file() else None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# --- the file, as pydantic sees it ----------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _LimitsEntry(_Strict):
    concurrency: Annotated[int, Field(ge=1)] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0


class _WebhookEntry(_Strict):
    url: str
    secret: Annotated[str, Field(pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*$")]


class _AssistantEntry(_Strict):
    connector: str
    default: str | None = None
    profiles: list[str] = []
    workspaces: list[str] | None = None
    resumable: bool = False
    prompts: Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=4)] = []
    limits: _LimitsEntry = _LimitsEntry()
    webhook: _WebhookEntry | None = None
    variants: Annotated[dict[Name, dict[str, Any] | None], Field(min_length=1)]

    @property
    def default_variant(self) -> str | None:
        return self.default or (next(iter(self.variants)) if len(self.variants) == 1 else None)


class _File(_Strict):
    assistants: dict[Name, _AssistantEntry]


Keys = tuple[str, ...]
"""The way to a value, as keys and list indices."""

_MESSAGES: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing", "add it"),
    "dict_type": ("should be a mapping of names to values", "write it as name: value"),
    "model_type": ("should be a mapping of names to values", "write it as name: value"),
    "string_pattern_mismatch": ("has characters that a name may not have", "use letters, digits, '.', '_' and '-'"),
    "too_short": ("is empty", "describe at least one"),
}


def _explained(detail: Any) -> tuple[Keys, str, str]:
    """A validation error in words for whoever wrote the file: where, what, and the mend."""
    keys = tuple(str(part) for part in detail["loc"] if part != "[key]")
    if detail["type"] == "extra_forbidden":
        model = {1: _File, 3: _AssistantEntry}.get(len(keys), _LimitsEntry)
        return keys, unknown("field", keys[-1], model.model_fields), "remove it or correct its spelling"
    message, fix = _MESSAGES.get(detail["type"], (str(detail["msg"]).removeprefix("Input "), "correct the value"))
    return keys, message, fix


def _report(report: Report, places: Mapping[Keys, Place], keys: Keys, message: str, fix: str) -> None:
    """Adds a problem at the place of the value, or of the nearest thing around it that is written."""
    written = (keys[:end] for end in range(len(keys), -1, -1))
    report.problem(next((places[each] for each in written if each in places), None), ".".join(keys), message, fix)


def _contradictions(parsed: _File) -> Iterator[tuple[Keys, str, str]]:
    """What is wrong although every field has the right type."""
    for name, entry in parsed.assistants.items():
        where = ("assistants", name)
        if entry.connector not in CONNECTORS:
            message = unknown("connector", entry.connector, CONNECTORS)
            yield (*where, "connector"), message, "name a connector that exists"
        default = entry.default_variant
        if default is None:
            message = "is missing, and there are several variants"
            yield (*where, "default"), message, f"choose one of {', '.join(entry.variants)}"
        elif default not in entry.variants:
            message = unknown("variant", default, entry.variants)
            yield (*where, "default"), message, "name a variant that is described below it"
        if entry.webhook and (problem := problem_of_url(entry.webhook.url)):
            yield (*where, "webhook", "url"), problem, "correct the address"
        for keys in _written_secrets(entry):
            message = "looks like a secret written into the file"
            yield (*where, *keys), message, "put it into the environment and write env:NAME here"


def _written_secrets(entry: _AssistantEntry) -> Iterator[Keys]:
    for variant, config in entry.variants.items():
        for keys, value in _strings(config or {}):
            if SECRET_FIELD.fullmatch(keys[-1]) and not SECRET_REFERENCE.fullmatch(value):
                yield ("variants", variant, *keys)


def _strings(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Every text inside a configuration, with the keys that lead to it."""
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[Any, Any]", value).items():
            yield from _strings(inner, (*keys, str(key)))
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _strings(inner, keys)


def _assistant(name: str, entry: _AssistantEntry, profiles_dir: Path) -> Assistant:
    assert entry.default_variant is not None
    workspaces = tuple(entry.workspaces) if entry.workspaces is not None else None
    variants = {
        variant: Variant(
            assistant=name,
            name=variant,
            connector=entry.connector,
            config=config or {},
            hash=variant_hash(entry.connector, config or {}, profiles_dir),
            limits=Limits(**entry.limits.model_dump()),
            resumable=entry.resumable,
            workspaces=workspaces,
        )
        for variant, config in entry.variants.items()
    }
    return Assistant(
        name=name,
        connector=entry.connector,
        default=entry.default_variant,
        profiles=tuple(entry.profiles),
        workspaces=workspaces,
        variants=variants,
        prompts=tuple(entry.prompts),
        webhook=Webhook(**entry.webhook.model_dump()) if entry.webhook else None,
    )


# --- the file, as YAML ----------------------------------------------------------------------------------------------

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}([eE][-+]?[0-9]{1,2})?")
_WORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


def _plain(node: Node) -> Any:
    """The tree as plain values; unquoted numbers, true, false and null are what they look like, all else is text."""
    if isinstance(node, MappingNode):
        return {entry.key.text: _plain(entry.value) for entry in node.entries}
    if isinstance(node, Items):
        return [_plain(inner) for inner in node.nodes]
    return _scalar(node) if isinstance(node, Scalar) else None


def _scalar(node: Scalar) -> str | int | float | bool | None:
    if node.quoted:
        return node.text
    if node.text in _WORDS:
        return _WORDS[node.text]
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _DECIMAL.fullmatch(node.text) else node.text


def _places(node: Node, keys: Keys = ()) -> Iterator[tuple[Keys, Place]]:
    """Where each value is written; that of a mapping's entry is the place of its key."""
    if not keys:
        yield keys, node.place
    if isinstance(node, MappingNode):
        for entry in node.entries:
            yield (*keys, entry.key.text), entry.key.place
            yield from _places(entry.value, (*keys, entry.key.text))
    elif isinstance(node, Items):
        for number, inner in enumerate(node.nodes):
            yield (*keys, str(number)), inner.place
            yield from _places(inner, (*keys, str(number)))
