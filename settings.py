"""Every environment variable that Tidemark honours, read once and checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from addresses import parse_redis
from checks import SIMULATED, checked_weights, exchanges_problem, lifetime_problems, recordings_problem

TIMEFRAME_SECONDS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800,
    "1h": 3600, "2h": 7200, "4h": 14400, "6h": 21600, "12h": 43200, "1d": 86400,
}  # fmt: skip
COMPONENTS = ("orderflow", "orderbook", "volume", "price_structure", "technical", "sentiment")
DEFAULT_COMPONENT_WEIGHTS = dict(zip(COMPONENTS, (0.30, 0.20, 0.18, 0.15, 0.10, 0.07), strict=True))
DEFAULT_TIMEFRAME_WEIGHTS = {"1m": 0.50, "5m": 0.30, "30m": 0.15, "4h": 0.05}
BROKER_DATABASE = 1
EVERY_ADDRESS = ("0.0.0.0", "::", "")

LAST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=LAST_PORT)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], NoDecode]
Weights = Annotated[dict[str, float], NoDecode]


class SettingsError(Exception):
    """One or more variables hold a value that cannot be used; `lines` has one sentence for each."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Settings(BaseSettings):
    """The whole configuration: one frozen value, from the environment and nowhere else.

    Fields carry the names of their variables in lower case; times are in seconds.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    redis_host: Host | None = None
    redis_port: Port | None = None
    redis_url: str | None = Field(None, repr=False)
    broker_url: str | None = Field(None, repr=False)
    memcached_host: Host | None = None
    memcached_port: Port | None = None
    memcached_servers: Names = ()
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

    ttl_universe: Seconds = 7200
    ttl_exchange_status: Seconds = 7200
    ttl_tickers: Seconds = 60
    ttl_candles: Seconds = 60
    ttl_order_book: Seconds = 60
    ttl_indicators: Seconds = 45
    ttl_confluence: Seconds = 30
    ttl_dashboard: Seconds = 20
    usable_for: Seconds = 86_400

    period_universe: Seconds = 3600
    period_tickers: Seconds = 5
    period_candles: Seconds = 2
    period_order_books: Seconds = 15
    period_scores: Seconds = 10
    period_dashboard: Seconds = 5

    fetch_threads: int = Field(8, ge=1, le=64)
    scorer_processes: int = Field(2, ge=1, le=64)
    exchange_timeout: Seconds = 10

    bind_address: str = "127.0.0.1"
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

    @field_validator("exchanges", "timeframes", "memcached_servers", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))

    @field_validator("timeframe_weights", "component_weights", mode="before")
    @classmethod
    def _split_weights(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise ValueError("want name=number pairs, separated by commas")
        return {name.strip(): number.strip() for name, _, number in pairs}

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

    @field_validator("memcached_servers")
    @classmethod
    def _host_and_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            host, colon, port = server.rpartition(":")
            if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) <= LAST_PORT):
                raise ValueError("want host:port, separated by commas")
        return value

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _redis_address(cls, value: str | None) -> str | None:
        if value is not None:
            parse_redis(value)
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
        lines = [*filter(None, (complaint,)), *lifetime_problems(self.lifetimes())]
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

    def redis_location(self) -> str | None:
        """The URL of the cache's Redis as redis-py spells it, or None when none is named."""
        if self.redis_url:
            return parse_redis(self.redis_url).for_redis()
        if not (self.redis_host or self.redis_port):
            return None
        return f"redis://{_netloc(self.redis_host, self.redis_port or 6379)}/0"

    def broker_location(self) -> str | None:
        """The URL of the broker's Redis as Celery spells it: its own, or database 1 beside the cache."""
        if self.broker_url:
            return parse_redis(self.broker_url).for_celery()
        location = self.redis_location()
        return None if location is None else parse_redis(location).for_celery(BROKER_DATABASE)

    def memcached_locations(self) -> tuple[str, ...]:
        """The Memcached servers as host:port, empty when none is named."""
        if self.memcached_servers or not (self.memcached_host or self.memcached_port):
            return self.memcached_servers
        return (_netloc(self.memcached_host, self.memcached_port or 11211),)

    def simulator_url(self) -> str:
        """Where the simulated exchange answers, as seen from this machine."""
        host = "127.0.0.1" if self.bind_address in EVERY_ADDRESS else self.bind_address
        return f"http://{host}:{self.simulator_port}"

    def lifetimes(self) -> dict[str, float]:
        """Time to live by the cache's name for the kind, in seconds."""
        return {
            name.removeprefix("ttl_"): getattr(self, name)
            for name in type(self).model_fields
            if name.startswith("ttl_")
        }


def load() -> Settings:
    """Read and check the environment; raises SettingsError with one line for each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = (line for problem in error.errors() for line in _sentence(problem).splitlines())
        raise SettingsError(tuple(lines)) from None


def _netloc(host: str | None, port: int) -> str:
    host = host or "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _sentence(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    variable = str(problem["loc"][0]).upper()
    secret = variable.endswith(("_URL", "_PASSWORD"))
    got = "a value that is not shown" if secret else repr(problem["input"])
    return f"{variable}: got {got}; {message[0].lower()}{message[1:]}"
