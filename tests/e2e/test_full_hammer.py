"""Two pickers hammering one order for a minute."""

from __future__ import annotations

from api_client import open_shop
from hammer import hammer


def test_two_pickers_hammer_one_order_for_a_minute() -> None:
    with open_shop() as shop:
        hammer(shop, seconds=60)
