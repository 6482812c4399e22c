"""Calls to chat models: the port, its two adapters, the gate before each provider, and what a run is given of it."""

from jobs.chat_model.gate import Gate, GateLimits, GateState
from jobs.chat_model.port import (
    STOPS_A_RUN,
    Adapter,
    Caller,
    ChatClient,
    ChatModel,
    ChatReply,
    ChatRequest,
    Endpoint,
    Message,
    RequestedTool,
    Schema,
    Tool,
    UnusableReply,
    Usage,
)
from jobs.chat_model.priced import PricedChatModel
from jobs.chat_model.provider import Provider, Providers
from jobs.chat_model.retry import RetryPolicy

__all__ = [
    "STOPS_A_RUN",
    "Adapter",
    "Caller",
    "ChatClient",
    "ChatModel",
    "ChatReply",
    "ChatRequest",
    "Endpoint",
    "Gate",
    "GateLimits",
    "GateState",
    "Message",
    "PricedChatModel",
    "Provider",
    "Providers",
    "RequestedTool",
    "RetryPolicy",
    "Schema",
    "Tool",
    "UnusableReply",
    "Usage",
]
