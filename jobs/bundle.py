"""Everything that the use cases need from the world, in one bundle that tests can build from doubles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.assistants.catalogue import Catalogue
from jobs.bell import Bell
from jobs.helper import Helper
from jobs.judge import Judgements
from jobs.live import Live
from jobs.model import SimulatorName
from jobs.ports import Clock, Connector, UserSimulator
from jobs.profiles.made_up import MadeUpValues
from jobs.run_models import ModelPool
from jobs.settings import Settings
from jobs.slots import Slots
from jobs.store import Store


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The edges of the work.

    Args:
        simulators: those that can be used here; without a model there is only the offline one.
        connectors: one for each kind of assistant.
        bell: rung whenever something was saved that others may be waiting for.
        models: the chat models of this process; ``judgements`` what a judge said already, ``made_up`` the values that
            were made up for profiles.
        live: what this process is playing.
    """

    settings: Settings
    profiles_dir: Path
    clock: Clock
    store: Store
    simulators: Mapping[SimulatorName, UserSimulator]
    connectors: Mapping[str, Connector]
    catalogue: Catalogue
    helper: Helper
    slots: Slots
    models: ModelPool
    judgements: Judgements = field(default_factory=Judgements)
    made_up: MadeUpValues = field(default_factory=MadeUpValues)
    bell: Bell = field(default_factory=Bell)
    live: Live = field(default_factory=Live)
