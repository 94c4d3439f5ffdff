"""The components in the order they are shown.

To add one: write its file with a `Component` and a `measure`, and name it here instead of its
entry among those that are not computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.components import orderbook, price_structure, technical
from market.components.definition import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from market.components.definition import Measured
    from market.series import Series

NOT_COMPUTED = "not computed by this version"

COMPONENTS: tuple[Component, ...] = (
    Component("orderflow", reason=NOT_COMPUTED),
    orderbook.COMPONENT,
    Component("volume", reason=NOT_COMPUTED),
    price_structure.COMPONENT,
    technical.COMPONENT,
    Component("sentiment", reason=NOT_COMPUTED),
)

# What is measured on one timeframe, besides the technical component, whose votes are kept as well.
PER_TIMEFRAME: Mapping[str, Callable[[Series], Measured]] = {
    price_structure.COMPONENT.name: price_structure.measure,
}
