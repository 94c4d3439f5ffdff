"""Every environment variable that Tidemark honours, read once and checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from addresses import netloc
from checks import (
    MOST_FETCHERS,
    SIMULATED,
    SIMULATED_NUMBERS,
    checked_weights,
    exchanges_problem,
    lifetime_problems,
    period_problems,
    recordings_problem,
    split_weights,
    thresholds_problem,
)
from server_settings import LAST_PORT, LOCALHOST, Names, Port, ServerSettings, split_names

TIMEFRAME_SECONDS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800,
    "1h": 3600, "2h": 7200, "4h": 14400, "6h": 21600, "12h": 43200, "1d": 86400,
}  # fmt: skip
COMPONENTS = ("orderflow", "orderbook", "volume", "price_structure", "technical", "sentiment")
DEFAULT_COMPONENT_WEIGHTS = dict(zip(COMPONENTS, (0.30, 0.20, 0.18, 0.15, 0.10, 0.07), strict=True))
DEFAULT_TIMEFRAME_WEIGHTS = {"1m": 0.50, "5m": 0.30, "30m": 0.15, "4h": 0.05}
EVERY_ADDRESS = ("0.0.0.0", "::", "")

A_YEAR_S = 31_536_000.0  # what is longer ends beyond all calendars, of Celery among others
Seconds = Annotated[float, Field(gt=0, le=A_YEAR_S, allow_inf_nan=False)]
Weights = Annotated[dict[str, float], NoDecode]


class SettingsError(Exception):
    """One or more variables hold a value that cannot be used; `lines` has one sentence for each."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Settings(ServerSettings):
    """The whole configuration: one frozen value, from the environment and nowhere else.

    Fields carry the names of their variables in lower case; times are in seconds.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    shared_cache_prefix: str = Field("tidemark", pattern=r"^[A-Za-z0-9_.-]{1,32}$")
    enable_multi_tier_cache: bool = True
    enable_cache_pubsub: bool = True
    enable_cache_warming: bool = True
    memory_cache_entries: int = Field(20_000, ge=1)
    memory_cache_mb: int = Field(64, ge=1)

    exchanges: Names = (SIMULATED,)
    symbol_limit: int = Field(175, ge=1, le=5000)
    timeframes: Names = tuple(DEFAULT_TIMEFRAME_WEIGHTS)
    timeframe_weights: Weights = Field(default_factory=dict)
    component_weights: Weights = Field(default_factory=dict)
    candle_bars: int = Field(500, ge=60, le=1000)
    movers_turnover_floor: float = Field(1_000_000, ge=0, allow_inf_nan=False)
    alert_score_high: float = Field(70, gt=0, lt=100, allow_inf_nan=False)
    alert_score_low: float = Field(30, gt=0, lt=100, allow_inf_nan=False)
    alert_cooldown: float = Field(3600, ge=0, le=A_YEAR_S, allow_inf_nan=False)

    ttl_universe: Seconds = 7200
    ttl_markets: Seconds = 7200
    ttl_exchange_status: Seconds = 7200
    ttl_refusal: Seconds = 7200
    ttl_tickers: Seconds = 60
    ttl_candles: Seconds = 60
    ttl_order_book: Seconds = 60
    ttl_trades: Seconds = 60
    ttl_open_interest: Seconds = 900
    ttl_funding: Seconds = 300
    ttl_long_short: Seconds = 900
    ttl_breadth: Seconds = 45
    ttl_indicators: Seconds = 45
    ttl_confluence: Seconds = 30
    ttl_beta: Seconds = 45
    ttl_alerts: Seconds = 60
    ttl_dashboard: Seconds = 20
    usable_for: Seconds = 86_400

    period_universe: Seconds = 3600
    period_tickers: Seconds = 5
    period_candles: Seconds = 2
    period_order_books: Seconds = 15
    period_trades: Seconds = 15
    period_open_interest: Seconds = 300
    period_funding: Seconds = 60
    period_long_short: Seconds = 300
    period_scores: Seconds = 10
    period_beta: Seconds = 15
    period_alerts: Seconds = 5
    period_dashboard: Seconds = 5

    fetcher_processes: int = Field(1, ge=1, le=MOST_FETCHERS)
    fetch_threads: int = Field(12, ge=1, le=64)
    scorer_processes: int = Field(2, ge=1, le=64)
    exchange_timeout: Seconds = 10

    bind_address: str = LOCALHOST
    web_port: Port = 8000
    stream_port: Port = 8001
    flower_port: Port = 5555
    flower_user: str = "tidemark"
    flower_password: str | None = Field(None, repr=False)

    simulator_port: Port = 8002
    simulator_recordings: Path | None = None
    simulator_symbols: int = Field(175, ge=1, le=5000)
    simulator_seed: int = Field(20_250_520, ge=0)

    var_dir: Path = Path("var")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("exchanges", "timeframes", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return split_names(value)

    @field_validator("timeframe_weights", "component_weights", mode="before")
    @classmethod
    def _split_weights(cls, value: Any) -> Any:
        return split_weights(value)

    @field_validator("timeframes")
    @classmethod
    def _known_timeframes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in TIMEFRAME_SECONDS]
        if unknown or not value:
            raise ValueError(f"want some of {', '.join(TIMEFRAME_SECONDS)}")
        return value

    @field_validator("exchanges")
    @classmethod
    def _some_exchange(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        problem = exchanges_problem(value)
        if problem is not None:
            raise ValueError(problem)
        return value

    @field_validator("simulator_recordings")
    @classmethod
    def _playable_recordings(cls, value: Path | None) -> Path | None:
        problem = None if value is None else recordings_problem(value)
        if problem is not None:
            raise ValueError(problem)
        return value

    @field_validator("component_weights")
    @classmethod
    def _component_weights(cls, value: dict[str, float]) -> dict[str, float]:
        return checked_weights(value or DEFAULT_COMPONENT_WEIGHTS, COMPONENTS)

    @model_validator(mode="after")
    def _together(self) -> Self:
        """Check what concerns several variables; all complaints come at once, a line each."""
        weights, complaint = self._chosen_timeframe_weights()
        object.__setattr__(self, "timeframe_weights", weights)
        lines = [
            *filter(None, (complaint, self.named_twice(), self._beyond_the_last_port())),
            *filter(None, (thresholds_problem(self.alert_score_low, self.alert_score_high),)),
            *lifetime_problems(self.lifetimes()),
            *self._late_for_ever(),
        ]
        if lines:
            raise ValueError("\n".join(lines))
        return self

    def _chosen_timeframe_weights(self) -> tuple[dict[str, float], str | None]:
        """The weights that count, and what is wrong with them."""
        weights = self.timeframe_weights or {
            name: DEFAULT_TIMEFRAME_WEIGHTS[name]
            for name in self.timeframes
            if name in DEFAULT_TIMEFRAME_WEIGHTS
        }
        missing = [name for name in self.timeframes if name not in weights]
        if missing:
            return weights, (
                f"TIMEFRAME_WEIGHTS: got no weight for {', '.join(missing)}; want one for each of TIMEFRAMES"
            )
        try:
            return checked_weights(weights, self.timeframes), None
        except ValueError as error:
            return weights, f"TIMEFRAME_WEIGHTS: {error}"

    def simulated_exchanges(self) -> dict[str, int]:
        """The simulated ones among the exchanges that are followed, each with its number, from 1."""
        return {name: SIMULATED_NUMBERS[name] for name in self.exchanges if name in SIMULATED_NUMBERS}

    def simulator_port_of(self, number: int) -> int:
        """Where the simulated exchange of that number listens: the ports follow one another."""
        return self.simulator_port + number - 1

    def simulator_seed_of(self, number: int) -> int:
        """The seed of the simulated exchange of that number: each has a history of its own."""
        return self.simulator_seed + number - 1

    def simulator_url(self, name: str = SIMULATED) -> str:
        """Where a simulated exchange answers, as seen from this machine; for a real one, the first's."""
        host = LOCALHOST if self.bind_address in EVERY_ADDRESS else self.bind_address
        return f"http://{netloc(host, self.simulator_port_of(SIMULATED_NUMBERS.get(name, 1)))}"

    def _beyond_the_last_port(self) -> str | None:
        """What is wrong with SIMULATOR_PORT when the last simulated exchange has none left, or None."""
        last = max(self.simulated_exchanges().values(), default=1)
        if self.simulator_port_of(last) <= LAST_PORT:
            return None
        return (
            f"SIMULATOR_PORT: got {self.simulator_port} for {last} exchanges in a row; "
            f"want at most {LAST_PORT + 1 - last}"
        )

    def lifetimes(self) -> dict[str, float]:
        """Time to live by the cache's name for the kind, in seconds."""
        return self._named("ttl_")

    def _late_for_ever(self) -> list[str]:
        """What is wrong with the periods beside the lifetimes of what they renew."""
        shortest_s = min(TIMEFRAME_SECONDS[name] for name in self.timeframes)
        return period_problems(self._named("period_"), self.lifetimes(), shortest_timeframe_s=shortest_s)

    def _named(self, prefix: str) -> dict[str, float]:
        """The fields of that prefix, by what follows it."""
        fields = type(self).model_fields
        return {name.removeprefix(prefix): getattr(self, name) for name in fields if name.startswith(prefix)}


def load() -> Settings:
    """Read and check the environment; raises SettingsError with one line for each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = (line for problem in error.errors() for line in _sentence(problem).splitlines())
        raise SettingsError(tuple(lines)) from None


def _sentence(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    variable = str(problem["loc"][0]).upper()
    secret = variable.endswith(("_URL", "_PASSWORD"))
    got = "a value that is not shown" if secret else repr(problem["input"])
    return f"{variable}: got {got}; {message[0].lower()}{message[1:]}"
