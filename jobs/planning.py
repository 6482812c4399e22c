"""From a request to a plan: everything looked up and checked, nothing started."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from uuid6 import uuid7

from jobs.assistants import CONNECTORS
from jobs.bundle import Ports
from jobs.errors import ConfigurationError, RequestError
from jobs.estimate import ModelUse, estimate_usd
from jobs.judge import judge_stamp
from jobs.metrics import RUBRICS
from jobs.model import RunId, RunRequest, SimulatorName, Variant
from jobs.pricing import require_prices
from jobs.profiles import Profile, with_list_functions
from jobs.profiles.made_up import Inventor
from jobs.suites import Suite, draw_suite, planned
from jobs.uploads import target_of
from jobs.variants import find_variant

LARGEST_SEED = 2**31 - 1
ESTIMATED_FROM = 20
"""The cost of a run is estimated from its first conversations."""


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a request comes down to: everything looked up, nothing started.

    Args:
        suite: what is played, also when it is one profile alone; with the values that were made for its profiles.
        estimated_cost_usd: None when a price is not known.
        stamps: what takes part, as content hashes: runs with different stamps are not simply comparable.
        notes: what the person who asked must know ("n=100000 was cut to 1000").
    """

    run_id: RunId
    suite: Suite
    variant: Variant
    simulator: SimulatorName
    seed: int
    n: int
    notes: tuple[str, ...]
    estimated_cost_usd: float | None
    stamps: Mapping[str, str]

    @property
    def profile(self) -> Profile:
        """The profile that is played by itself; raises RequestError: it is a suite."""
        if self.suite.name is not None:
            raise RequestError(f"{self.suite.stem!r} is a suite; name a profile here")
        return self.suite.profiles[0].profile


async def plan_run(request: RunRequest, ports: Ports) -> RunPlan:
    """Look everything up; the plan has the id that its run will have.

    Raises:
        RequestError: no such profile or assistant, or a number that makes no sense; says what would do.
    """
    run_id = new_run_id()
    suite = await target_of(request.target, request.workspace_id, ports)
    variant = await _variant(request, suite, ports)
    problems = ports.connectors[variant.connector].check(variant.config)
    if problems:
        raise RequestError(f"{variant.label} cannot be used: {'; '.join(problems)}")
    seed = _seed_from(run_id) if request.seed is None else request.seed
    if not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"seed={seed} is out of range; use a whole number from 0 to {LARGEST_SEED}")
    simulator = _simulator(suite, ports)
    suite = await _with_made_values(suite, seed, simulator, ports, run_id)
    n, notes = _how_many(request, suite, seed, ports.settings.convotest_max_conversations)
    notes += _made_for_others(request, suite, variant, ports)
    use = _model_use(suite, variant, simulator, ports)
    return RunPlan(
        run_id=run_id,
        suite=suite,
        variant=variant,
        simulator=simulator,
        seed=seed,
        n=n,
        notes=(*notes, *(note for profile in _profiles(suite) for note in (*profile.made, *profile.unsupported))),
        estimated_cost_usd=await _estimate(use, suite, seed, n, ports),
        stamps={
            **_stamps_of_files(suite),
            "assistant": variant.hash,
            "simulator": simulator,
            "convotest": version("convotest"),
            **_stamps_of_models(use, suite, ports),
        },
    )


def new_run_id() -> RunId:
    return RunId(str(uuid7()))


def _profiles(suite: Suite) -> Sequence[Profile]:
    return [each.profile for each in suite.profiles]


async def _variant(request: RunRequest, suite: Suite, ports: Ports) -> Variant:
    """What is tested: what was asked for, else what the suite names, else what all of its profiles are made for."""
    wanted, workspace_id = request.assistant or suite.assistant, request.workspace_id
    paths = dict.fromkeys(profile.path for profile in _profiles(suite)) or [suite.path]
    variants = [await find_variant(wanted, profile=path, workspace_id=workspace_id, ports=ports) for path in paths]
    labels = sorted({variant.label for variant in variants})
    if len(labels) > 1:
        raise RequestError(
            f"the profiles of the suite {suite.stem!r} are made for different assistants ({', '.join(labels)}); name "
            "one with --assistant (in Slack: assistant=)"
        )
    return variants[0]


def _made_for_others(request: RunRequest, suite: Suite, variant: Variant, ports: Ports) -> tuple[str, ...]:
    """A note if the assistant was chosen only because there is no other."""
    assistant = ports.catalogue.assistant(variant.assistant, workspace_id=request.workspace_id)
    paths = [str(profile.path) for profile in _profiles(suite)]
    if request.assistant or suite.assistant or not assistant.profiles or all(map(assistant.is_for, paths)):
        return ()
    return (f"no assistant was made for these customers; {assistant.name!r} was taken because it is the only one",)


async def _with_made_values(suite: Suite, seed: int, simulator: SimulatorName, ports: Ports, run_id: RunId) -> Suite:
    """The suite with the values that do not stand in its profiles: of list functions, if they are on, and of the
    model that plays the customers."""
    profiles = [
        replace(each, profile=await _with_values(each.profile, seed, simulator, ports, run_id))
        for each in suite.profiles
    ]
    return replace(suite, profiles=tuple(profiles))


async def _with_values(profile: Profile, seed: int, simulator: SimulatorName, ports: Ports, run_id: RunId) -> Profile:
    settings = ports.settings
    if settings.convotest_list_functions == "on":
        profile = await asyncio.to_thread(with_list_functions, profile, seed=seed)
    model = profile.model or settings.convotest_simulator_model
    if simulator != "llm" or model is None or not any(each.made_up for each in profile.variables.values()):
        return profile
    await ports.models.prepare()
    chat = ports.models.of_run(run_id).conversation().model()
    return await ports.made_up.fill(
        profile, Inventor(chat=chat, model=model, temperature=profile.temperature), seed=seed
    )


def _model_use(suite: Suite, variant: Variant, simulator: SimulatorName, ports: Ports) -> ModelUse:
    """Which models take part; raises ConfigurationError if nobody said where the assistant's answers."""
    settings = ports.settings
    assistants = CONNECTORS[variant.connector].models(variant.config)
    if assistants and not (ports.models.configured or variant.config.keys() & {"base_url", "api_key"}):
        raise ConfigurationError(
            f"{variant.label} is a chat model, and nothing says where it answers: set OPENAI_API_KEY or "
            "OPENAI_BASE_URL, or give the variant a `base_url`"
        )
    judge = settings.convotest_judge_model if ports.models.configured else None
    return ModelUse(
        simulator=_simulator_model(suite, settings.convotest_simulator_model) if simulator == "llm" else None,
        assistants=assistants,
        prompt=len(str(variant.config.get("system_prompt", ""))),
        judge=judge,
        judgements=len(RUBRICS) if judge else 0,
    )


async def _estimate(use: ModelUse, suite: Suite, seed: int, n: int, ports: Ports) -> float | None:
    """What the run will cost, roughly.

    Raises:
        RequestError: there is a budget, and nobody can tell whether the run keeps to it.
        ConfigurationError: the address of the models cannot be used.
    """
    if not use.models:
        return 0.0
    if use.simulator or use.judge:
        ports.models.endpoint()
    await ports.models.prepare()
    if ports.models.budget_usd is not None or suite.budget_usd is not None:
        require_prices(ports.models.prices, use.models, ports.clock.now())
    sample = await asyncio.to_thread(draw_suite, suite, seed=seed, n=min(n, ESTIMATED_FROM))
    return estimate_usd(use, sample, n, ports.models.prices, at=ports.clock.now())


def _simulator_model(suite: Suite, default: str | None) -> str | None:
    """The model of the first profile that names one: prices and stamps know one simulator of a run."""
    return next((profile.model for profile in _profiles(suite) if profile.model), default)


def _stamps_of_files(suite: Suite) -> dict[str, str]:
    if suite.name is None:
        return {"profile": suite.stamp}
    return {"suite": suite.stamp} | ({"rules": suite.rules_stamp} if suite.rules_stamp else {})


def _stamps_of_models(use: ModelUse, suite: Suite, ports: Ports) -> dict[str, str]:
    if not use.models:
        return {}
    stamps = {"models": ", ".join(use.models), "prices": ports.models.prices.stamp()}
    rubrics = [rubric for profile in _profiles(suite) for rubric in profile.rubrics]
    return stamps | ({"judge": judge_stamp(use.judge, rubrics)} if use.judge else {})


def _how_many(request: RunRequest, suite: Suite, seed: int, most: int) -> tuple[int, tuple[str, ...]]:
    asked = planned(suite, seed) if request.n is None else request.n
    if asked < 1 and request.n is None:
        raise RequestError(f"the suite {suite.stem!r} has no conversation to play; its `counts` leave no case")
    if asked < 1:
        raise RequestError(f"n={asked} makes no sense; ask for at least 1 conversation")
    if asked > most:
        return most, (f"n={asked} was cut to {most}, the most this installation plays in one run",)
    return asked, ()


def _simulator(suite: Suite, ports: Ports) -> SimulatorName:
    """The simulator that the settings ask for; ``auto`` is the model if there is one, else the offline one."""
    settings = ports.settings
    wanted = settings.convotest_simulator
    profiles = _profiles(suite)
    modelled = [profile.model or settings.convotest_simulator_model for profile in profiles]
    has_model = "llm" in ports.simulators and bool(modelled) and all(modelled)
    if wanted == "llm" and profiles and not has_model:
        raise ConfigurationError(
            "CONVOTEST_SIMULATOR is 'llm', but there is no model to play the customers: set OPENAI_API_KEY (or "
            "OPENAI_BASE_URL) and CONVOTEST_SIMULATOR_MODEL, or use CONVOTEST_SIMULATOR=agenda, which needs neither"
        )
    if wanted == "agenda":
        return "agenda"
    return "llm" if has_model else "agenda"


def _seed_from(run_id: RunId) -> int:
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:4]) & LARGEST_SEED
