"""Which coins the synthetic market lists: real names first, then made-up ones, each with its character."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator import noise

# name, price in USDT at the centre of its wandering, turnover a day in millions of USDT, beta to BTC.
_KNOWN = (
    ("BTC", 95_000.0, 12_000.0, 1.00),
    ("ETH", 3_300.0, 6_500.0, 1.25),
    ("SOL", 180.0, 2_600.0, 1.45),
    ("XRP", 2.3, 1_900.0, 1.20),
    ("DOGE", 0.32, 1_300.0, 1.60),
    ("BNB", 650.0, 700.0, 0.75),
    ("ADA", 0.85, 520.0, 1.35),
    ("AVAX", 34.0, 380.0, 1.50),
    ("LINK", 19.0, 360.0, 1.40),
    ("SUI", 3.6, 900.0, 1.65),
    ("LTC", 105.0, 330.0, 1.05),
    ("DOT", 6.4, 240.0, 1.30),
    ("TRX", 0.24, 200.0, 0.55),
    ("BCH", 440.0, 260.0, 1.10),
    ("NEAR", 4.9, 230.0, 1.50),
    ("UNI", 11.5, 220.0, 1.40),
    ("APT", 8.9, 210.0, 1.45),
    ("AAVE", 290.0, 260.0, 1.35),
    ("ARB", 0.72, 190.0, 1.55),
    ("OP", 1.75, 180.0, 1.55),
    ("FIL", 5.2, 170.0, 1.40),
    ("ETC", 26.0, 150.0, 1.20),
    ("ATOM", 6.6, 130.0, 1.25),
    ("INJ", 21.0, 140.0, 1.60),
    ("TIA", 4.9, 160.0, 1.70),
    ("SEI", 0.42, 120.0, 1.65),
    ("ENA", 0.92, 310.0, 1.95),
    ("WIF", 1.9, 280.0, 2.10),
    ("ONDO", 1.3, 150.0, 1.45),
    ("TON", 5.4, 170.0, 0.95),
    ("XLM", 0.41, 160.0, 1.15),
    ("HBAR", 0.28, 150.0, 1.30),
    ("ICP", 10.2, 90.0, 1.35),
    ("XMR", 195.0, 60.0, 0.50),
    ("MKR", 1_500.0, 70.0, 1.00),
    ("CRV", 0.9, 110.0, 1.50),
    ("LDO", 1.8, 90.0, 1.50),
    ("DYDX", 1.4, 60.0, 1.45),
    ("RUNE", 4.6, 80.0, 1.55),
    ("ALGO", 0.34, 85.0, 1.30),
    ("SAND", 0.58, 70.0, 1.45),
    ("MANA", 0.5, 55.0, 1.40),
    ("GALA", 0.034, 75.0, 1.50),
    ("AXS", 6.2, 50.0, 1.40),
    ("FTM", 0.78, 110.0, 1.60),
    ("EOS", 0.82, 65.0, 1.10),
    ("XTZ", 1.25, 45.0, 1.20),
    ("KAS", 0.13, 60.0, 1.30),
    ("STX", 1.6, 70.0, 1.50),
    ("JUP", 0.86, 90.0, 1.55),
    ("PYTH", 0.38, 55.0, 1.55),
    ("JTO", 3.1, 60.0, 1.60),
    ("WLD", 2.1, 150.0, 1.75),
    ("ORDI", 24.0, 80.0, 1.85),
    ("BLUR", 0.25, 40.0, 1.60),
    ("GMT", 0.15, 35.0, 1.40),
    ("CHZ", 0.083, 45.0, 1.25),
    ("ENS", 32.0, 60.0, 1.40),
    ("COMP", 78.0, 45.0, 1.20),
    ("SNX", 2.0, 40.0, 1.35),
)
_ONSETS = ("b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "st", "tr", "qu")
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "eo")
_CODAS = ("", "n", "r", "x", "l", "s", "m")
_SPOT_SHARE = 0.4
_BITCOIN_TICK_DECIMALS = 1
_SIGNIFICANT_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin of the synthetic market. Deviations are of log returns, for one day."""

    name: str
    centre: float
    daily_turnover: float
    beta: float
    own_deviation: float
    price_decimals: int
    qty_decimals: int
    has_spot: bool


def coins(count: int, seed: int) -> tuple[Coin, ...]:
    """The first `count` coins; the same for the same seed, and a longer list begins with a shorter one."""
    known = [_known_coin(rank, seed) for rank in range(min(count, len(_KNOWN)))]
    taken = {coin.name for coin in known} | {name for name, *_ in _KNOWN}
    made_up = [_made_up_coin(rank, seed, taken) for rank in range(len(known), count)]
    spot = max(1, math.ceil(count * _SPOT_SHARE))
    return tuple(
        Coin(
            name=name,
            centre=centre,
            daily_turnover=turnover,
            beta=beta,
            own_deviation=own,
            price_decimals=_BITCOIN_TICK_DECIMALS if name == "BTC" else _decimals(centre),
            qty_decimals=_qty_decimals(centre),
            has_spot=rank < spot,
        )
        for rank, (name, centre, turnover, beta, own) in enumerate(
            (coin.name, coin.centre, coin.turnover, coin.beta, coin.own) for coin in known + made_up
        )
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    name: str
    centre: float
    turnover: float
    beta: float
    own: float


def _known_coin(rank: int, seed: int) -> _Draft:
    name, centre, millions, beta = _KNOWN[rank]
    own = 0.0 if name == "BTC" else 0.012 + 0.014 * _draw(seed, "own", rank)
    return _Draft(name, centre, millions * 1e6, beta, own)


def _made_up_coin(rank: int, seed: int, taken: set[str]) -> _Draft:
    name = _new_name(rank, seed, taken)
    taken.add(name)
    centre = 10.0 ** (-3.5 + 5.0 * _draw(seed, "price", rank))
    turnover = 60e6 * (len(_KNOWN) / rank) ** 1.5 * (0.5 + _draw(seed, "turnover", rank))
    beta = 0.6 + 1.6 * _draw(seed, "beta", rank)
    return _Draft(
        name, float(f"{centre:.3g}"), turnover, round(beta, 2), 0.02 + 0.02 * _draw(seed, "own", rank)
    )


def _new_name(rank: int, seed: int, taken: set[str]) -> str:
    for attempt in range(1_000):
        bits = noise.key(seed, "name", rank, attempt)
        syllables = []
        for _ in range(2):
            bits, onset = divmod(bits, len(_ONSETS))
            bits, nucleus = divmod(bits, len(_NUCLEI))
            syllables.append(_ONSETS[onset] + _NUCLEI[nucleus])
        name = ("".join(syllables) + _CODAS[bits % len(_CODAS)]).upper()
        if name not in taken:
            return name
    return f"COIN{rank}"


def _decimals(centre: float) -> int:
    return max(0, _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(centre)))


def _qty_decimals(centre: float) -> int:
    # One step is worth between about 1 and 100 USDT, and whole coins where they are cheap.
    return max(0, math.floor(math.log10(centre)) - 1)


def _draw(seed: int, purpose: str, rank: int) -> float:
    return float(noise.uniform(noise.hashed(noise.key(seed, purpose), np.int64(rank)))[0])
