"""The shelf of connectors: one file a kind of assistant that can be tested."""

from jobs.assistants import demo, http_json, openai_chat, python_callable, rasa, replay, taskyto
from jobs.assistants._connector import ConnectorPorts, ConnectorType
from jobs.shelf import Shelf

CONNECTORS: Shelf[ConnectorType] = Shelf(
    "connector",
    [
        demo.CONNECTOR,
        openai_chat.CONNECTOR,
        http_json.CONNECTOR,
        rasa.CONNECTOR,
        taskyto.CONNECTOR,
        python_callable.CONNECTOR,
        replay.CONNECTOR,
    ],
)

__all__ = ["CONNECTORS", "ConnectorPorts", "ConnectorType"]
