"""The environment, read once."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs.errors import ConfigurationError

SHIPPED_IN_WHEEL = Path(__file__).parent / "_shipped_profiles"
SHIPPED_IN_CHECKOUT = Path(__file__).parent.parent / "profiles"


class Settings(BaseSettings):
    """Every setting of convotest; names in the environment are the field names in upper case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True)

    slack_bot_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"

    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None

    convotest_database_url: str = "sqlite:///convotest.db"
    convotest_profiles: Path | None = None
    convotest_host: str = "127.0.0.1"
    convotest_port: Annotated[int, Field(ge=0, le=65535)] = 3000
    convotest_public_url: str | None = None
    convotest_simulator: Literal["auto", "llm", "agenda"] = "auto"
    convotest_simulator_model: str | None = None
    convotest_judge_model: str | None = None
    convotest_chat_client: Literal["lean", "openai"] = "lean"
    convotest_concurrency: Annotated[int, Field(ge=1, le=2000)] = 50
    convotest_max_conversations: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    convotest_budget_usd: Annotated[float, Field(ge=0)] | None = None
    convotest_approvers: Annotated[tuple[str, ...], NoDecode] = ()
    convotest_quorum: Annotated[int, Field(ge=1, le=10)] = 1
    convotest_rollout_hours: Annotated[float, Field(gt=0, le=2160)] | None = None
    convotest_secret_key: SecretStr | None = None
    convotest_reactions: str | None = None
    convotest_judge_floor: Annotated[float, Field(ge=-1, le=1)] = 0.4
    convotest_retention_days: Annotated[int, Field(ge=1)] | None = None
    convotest_list_functions: Literal["off", "on"] = "off"
    convotest_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("convotest_log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("convotest_approvers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.replace(",", " ").split() if part)
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_api(cls, value: str) -> str:
        if not value.endswith("/api/"):
            raise ValueError("must end in /api/, for example https://slack.com/api/")
        return value

    @property
    def profiles_dir(self) -> Path:
        """The directory of profiles: the configured one, else ``./profiles`` if there, else the shipped one."""
        if self.convotest_profiles is not None:
            return self.convotest_profiles
        local = Path("profiles")
        return local if local.is_dir() else shipped_profiles()


def load_settings() -> Settings:
    """The settings; raises ConfigurationError that names each bad one and never shows its value."""
    try:
        return Settings()
    except ValidationError as error:
        bad = "; ".join(f"{name}: {message}" for name, message in invalid_settings(error).items())
        raise ConfigurationError(f"{bad} (convotest doctor says more)") from None  # the cause would show the value


def invalid_settings(error: ValidationError) -> dict[str, str]:
    """What is wrong with each bad setting, by its name in the environment."""
    return {
        str(detail["loc"][0]).upper(): detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
        for detail in error.errors(include_input=False)
    }


def shipped_profiles() -> Path:
    """The profiles that came with convotest: inside the installed wheel, or at the top of a checkout."""
    return SHIPPED_IN_WHEEL if SHIPPED_IN_WHEEL.is_dir() else SHIPPED_IN_CHECKOUT


def real_models_forbidden() -> bool:
    """Whether ``CONVOTEST_FORBID_REAL_MODELS`` is set, as in tests: then only models on this machine are called."""
    return os.environ.get("CONVOTEST_FORBID_REAL_MODELS", "") not in ("", "0")
