"""What a call costs: the prices bundled with ``genai-prices``, and the operator's own in ``profiles/prices.yaml``."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.errors import ConfigurationError, RequestError

PRICES_FILE = "profiles/prices.yaml"
LARGEST_FILE_BYTES = 256_000

UsdPerMillion = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Override(BaseModel):
    """One model's price in US dollars a million tokens; without ``cached_input`` cached tokens cost like others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    input: UsdPerMillion
    output: UsdPerMillion
    cached_input: UsdPerMillion | None = None


class PricesFile(BaseModel):
    """The shape of ``prices.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prices: Mapping[str, Override] = {}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """US dollars a token."""

    input: float
    output: float
    cached: float

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int) -> float:
        fresh = input_tokens - cached_tokens
        return fresh * self.input + cached_tokens * self.cached + output_tokens * self.output


class Prices:
    """Prices by model name: the operator's first, else the bundled ones. Nothing is looked up on the network.

    The bundled data take about 0.2 s to import; ``prepare`` does it where that does not hurt.
    """

    def __init__(self, overrides: Mapping[str, Override] | None = None) -> None:
        overrides = overrides or {}
        self._overrides = {name: _rate_of(override) for name, override in overrides.items()}
        self._bundled: dict[str, Rate | None] = {}
        self._fingerprint = _fingerprint(overrides)

    @classmethod
    def load(cls, path: Path) -> "Prices":
        """With the overrides of that file, if there is one. Raises ConfigurationError naming file and field."""
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
        if len(text) > LARGEST_FILE_BYTES:
            raise ConfigurationError(f"{path} is larger than {LARGEST_FILE_BYTES // 1000} KB")
        try:
            return cls(PricesFile.model_validate(yaml.safe_load(text) or {}).prices)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(f"{path}: {field}: {first['msg']}") from error

    def prepare(self) -> None:
        """Imports the bundled data; call it in a thread, so that the first priced call does not stop the loop."""
        import genai_prices  # noqa: F401 # pyright: ignore[reportUnusedImport] - the import is the work

    def known(self, model: str, at: datetime) -> bool:
        return self.price(model, 1, 1, at=at) is not None

    def price(
        self, model: str, input_tokens: int, output_tokens: int, *, at: datetime, cached_tokens: int = 0
    ) -> float | None:
        """US dollars for so many tokens at that moment (``cached_tokens`` are part of the input); None = unknown."""
        if rate := self._overrides.get(model):
            return rate.cost(input_tokens, output_tokens, cached_tokens)
        if model not in self._bundled:
            self._bundled[model] = _constant_rate(model, at)
        if rate := self._bundled[model]:
            return rate.cost(input_tokens, output_tokens, cached_tokens)
        return _bundled_price(model, input_tokens, output_tokens, cached_tokens, at)

    def stamp(self) -> str:
        """What these prices are, for a run's stamps: version of the package and hash of the overrides."""
        from importlib.metadata import version

        return f"genai-prices {version('genai-prices')}, own {self._fingerprint}"


def require_prices(prices: Prices, models: Iterable[str], at: datetime) -> None:
    """A budget can only be kept if every price is known; raises RequestError that names those that are not."""
    unknown = sorted({model for model in models if not prices.known(model, at)})
    if unknown:
        names = ", ".join(repr(model) for model in unknown)
        raise RequestError(f"a budget is set, and the price of {names} is not known; add it to {PRICES_FILE}")


def _rate_of(override: Override) -> Rate:
    cached = override.input if override.cached_input is None else override.cached_input
    return Rate(input=override.input / 1e6, output=override.output / 1e6, cached=cached / 1e6)


def _fingerprint(overrides: Mapping[str, Override]) -> str:
    if not overrides:
        return "none"
    lines = "\n".join(f"{name} {overrides[name].model_dump_json()}" for name in sorted(overrides))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


# --- genai-prices ---------------------------------------------------------------------------------------------------


def _calculation(model: str, input_tokens: int, output_tokens: int, cached_tokens: int, at: datetime) -> Any | None:
    """The package's own calculation, or None if it does not know the model or has no price for its text."""
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached_tokens)
    try:
        calculation = calc_price(usage, model, genai_request_timestamp=at)
    except LookupError:
        return None
    rates = calculation.model_price
    # A model without a price for text (pictures, speech) would come out as free.
    return calculation if rates.input_mtok is not None and rates.output_mtok is not None else None


def _bundled_price(model: str, input_tokens: int, output_tokens: int, cached_tokens: int, at: datetime) -> float | None:
    calculation = _calculation(model, input_tokens, output_tokens, cached_tokens, at)
    return None if calculation is None else float(calculation.total_price)


def _constant_rate(model: str, at: datetime) -> Rate | None:
    """The model's rate if it is one, whatever the date and the length: a calculation costs 80 µs, this a fraction."""
    from genai_prices.types import ModelPrice

    calculation = _calculation(model, 1, 1, 0, at)
    if calculation is None or not isinstance(calculation.model.prices, ModelPrice):
        return None
    rates: ModelPrice = calculation.model.prices
    cached = rates.input_mtok if rates.cache_read_mtok is None else rates.cache_read_mtok
    if rates.requests_kcount is not None:
        return None
    match rates.input_mtok, rates.output_mtok, cached:
        case Decimal() as input_rate, Decimal() as output_rate, Decimal() as cached_rate:
            return Rate(input=float(input_rate) / 1e6, output=float(output_rate) / 1e6, cached=float(cached_rate) / 1e6)
        case _:
            return None
