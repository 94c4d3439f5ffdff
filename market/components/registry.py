"""The components in the order they are shown.

To add one: write its file with a `Component` and what computes it, and name both here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.components import orderbook, orderflow, price_structure, sentiment, technical, volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from market.components.definition import Component, Measured
    from market.score_inputs import ScoreInputs
    from market.series import Series

COMPONENTS: tuple[Component, ...] = (
    orderflow.COMPONENT,
    orderbook.COMPONENT,
    volume.COMPONENT,
    price_structure.COMPONENT,
    technical.COMPONENT,
    sentiment.COMPONENT,
)

# What is measured on one timeframe, besides the technical component, whose votes are kept as well.
PER_TIMEFRAME: Mapping[str, Callable[[Series], list[Measured]]] = {
    volume.COMPONENT.name: volume.measure,
    price_structure.COMPONENT.name: price_structure.measure,
}

# What is measured once per symbol; a sub-score whose input is not there is left out.
PER_SYMBOL: Mapping[str, Callable[[ScoreInputs], Measured]] = {
    orderflow.COMPONENT.name: orderflow.of,
    orderbook.COMPONENT.name: orderbook.of,
    sentiment.COMPONENT.name: sentiment.of,
}
