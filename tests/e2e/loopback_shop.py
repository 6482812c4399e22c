"""A pizza shop behind a language model on this machine: what it answers depends on the prompt that it was given."""

import random
from collections.abc import Mapping
from typing import Any

from jobs.assistants._demo.dialogue import Dialogue
from jobs.assistants._demo.hearing import Hearing
from jobs.assistants._demo.shop import DemoConfig, Shop, load_shop
from jobs.chat_model.loopback import Call, LoopbackProvider
from jobs.settings import shipped_profiles

SHORT = "You take orders for a pizza shop."
CAREFUL = "You take orders for a pizza shop. Put drinks on the bill and say how long it takes."
FAULTS: Mapping[str, Any] = {
    "flow": {"order": ["pizza"], "placed_says": ["number", "total"], "charge_when_placing": 1.50},
    "examples": {"waiting_time": []},
}


class LoopbackShop:
    """Answers chat completions as the demo shop would: carefully, if the prompt asks for it."""

    def __init__(self) -> None:
        careful = {"shop": "pizza-shop/assistant.yaml"}
        self._shops = {name: _shop(config) for name, config in (("good", careful), ("bad", {**careful, **FAULTS}))}

    def provider(self, *, delay_s: float = 0.0) -> LoopbackProvider:
        return LoopbackProvider(self.answer, delay_s=delay_s)

    def answer(self, call: Call) -> str:
        system = " ".join(str(each.get("content")) for each in call.messages if each["role"] == "system")
        shop = self._shops["good" if "drinks" in system else "bad"]
        said = [str(each.get("content")) for each in call.messages if each["role"] == "user"]
        dialogue = Dialogue(shop, Hearing(shop), random.Random(said[0] if said else ""))
        replies = [dialogue.answer(text) for text in said] or [dialogue.greet()]
        return "\n".join(replies[-1].messages)


def _shop(config: Mapping[str, Any]) -> Shop:
    return load_shop(DemoConfig.model_validate(dict(config)), shipped_profiles())


def assistant(base_url: str) -> dict[str, Any]:
    """The entry of ``assistants.yaml`` with two prompts for one model."""
    prompts = {"short": SHORT, "careful": CAREFUL}
    return {
        "connector": "openai_chat",
        "default": "short",
        "profiles": [],
        "variants": {
            name: {"model": "loopback-model", "base_url": base_url, "system_prompt": prompt, "temperature": 0}
            for name, prompt in prompts.items()
        },
    }
