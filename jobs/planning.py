"""From a request to a plan: everything looked up and checked, nothing started."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
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
from jobs.profiles import Profile, draw_scenarios, find_profile, with_list_functions
from jobs.profiles.made_up import Inventor

LARGEST_SEED = 2**31 - 1
ESTIMATED_FROM = 20
"""The cost of a run is estimated from its first conversations."""


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a request comes down to: everything looked up, nothing started.

    Args:
        estimated_cost_usd: None when a price is not known.
        stamps: what takes part, as content hashes: runs with different stamps are not simply comparable.
        notes: what the person who asked must know ("n=100000 was cut to 1000").
    """

    run_id: RunId
    profile: Profile
    variant: Variant
    simulator: SimulatorName
    seed: int
    n: int
    notes: tuple[str, ...]
    estimated_cost_usd: float | None
    stamps: Mapping[str, str]


async def plan_run(request: RunRequest, ports: Ports) -> RunPlan:
    """Look everything up; the plan has the id that its run will have.

    Raises:
        RequestError: no such profile or assistant, or a number that makes no sense; says what would do.
    """
    run_id = new_run_id()
    profile = await asyncio.to_thread(find_profile, request.target, profiles_dir=ports.profiles_dir)
    variant = ports.catalogue.variant(request.assistant, profile=str(profile.path), workspace_id=request.workspace_id)
    problems = ports.connectors[variant.connector].check(variant.config)
    if problems:
        raise RequestError(f"{variant.label} cannot be used: {'; '.join(problems)}")
    seed = _seed_from(run_id) if request.seed is None else request.seed
    if not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"seed={seed} is out of range; use a whole number from 0 to {LARGEST_SEED}")
    simulator = _simulator(profile, ports)
    profile = await _with_made_values(profile, seed, simulator, ports, run_id)
    n, notes = _how_many(request, profile, seed, ports.settings.convotest_max_conversations)
    use = _model_use(profile, variant, simulator, ports)
    return RunPlan(
        run_id=run_id,
        profile=profile,
        variant=variant,
        simulator=simulator,
        seed=seed,
        n=n,
        notes=(*notes, *profile.made, *profile.unsupported),
        estimated_cost_usd=await _estimate(use, profile, seed, n, ports),
        stamps={
            "profile": profile.stamp,
            "assistant": variant.hash,
            "simulator": simulator,
            "convotest": version("convotest"),
            **_stamps_of_models(use, ports),
        },
    )


def new_run_id() -> RunId:
    return RunId(str(uuid7()))


async def _with_made_values(
    profile: Profile, seed: int, simulator: SimulatorName, ports: Ports, run_id: RunId
) -> Profile:
    """The profile with the values that do not stand in it: of list functions, if they are on, and of the model that
    plays the customers."""
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


def _model_use(profile: Profile, variant: Variant, simulator: SimulatorName, ports: Ports) -> ModelUse:
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
        simulator=(profile.model or settings.convotest_simulator_model) if simulator == "llm" else None,
        assistants=assistants,
        prompt=len(str(variant.config.get("system_prompt", ""))),
        judge=judge,
        judgements=len(RUBRICS) if judge else 0,
    )


async def _estimate(use: ModelUse, profile: Profile, seed: int, n: int, ports: Ports) -> float | None:
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
    if ports.models.budget_usd is not None:
        require_prices(ports.models.prices, use.models, ports.clock.now())
    sample = draw_scenarios(profile, seed=seed, n=min(n, ESTIMATED_FROM))
    return estimate_usd(use, sample, n, ports.models.prices, at=ports.clock.now())


def _stamps_of_models(use: ModelUse, ports: Ports) -> dict[str, str]:
    if not use.models:
        return {}
    stamps = {"models": ", ".join(use.models), "prices": ports.models.prices.stamp()}
    return stamps | ({"judge": judge_stamp(use.judge)} if use.judge else {})


def _how_many(request: RunRequest, profile: Profile, seed: int, most: int) -> tuple[int, tuple[str, ...]]:
    asked = profile.planned(seed) if request.n is None else request.n
    if asked < 1:
        raise RequestError(f"n={asked} makes no sense; ask for at least 1 conversation")
    if asked > most:
        return most, (f"n={asked} was cut to {most}, the most this installation plays in one run",)
    return asked, ()


def _simulator(profile: Profile, ports: Ports) -> SimulatorName:
    """The simulator that the settings ask for; ``auto`` is the model if there is one, else the offline one."""
    settings = ports.settings
    wanted = settings.convotest_simulator
    has_model = "llm" in ports.simulators and bool(profile.model or settings.convotest_simulator_model)
    if wanted == "llm" and not has_model:
        raise ConfigurationError(
            "CONVOTEST_SIMULATOR is 'llm', but there is no model to play the customers: set OPENAI_API_KEY (or "
            "OPENAI_BASE_URL) and CONVOTEST_SIMULATOR_MODEL, or use CONVOTEST_SIMULATOR=agenda, which needs neither"
        )
    if wanted == "agenda":
        return "agenda"
    return "llm" if has_model else "agenda"


def _seed_from(run_id: RunId) -> int:
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:4]) & LARGEST_SEED
