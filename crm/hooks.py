"""How a lower app tells a higher one: it offers a named hook, the higher one subscribes in its AppConfig.

Subscribers run inside the transaction of the verb that tells them: what they raise undoes it.
"""

from collections.abc import Callable
from typing import Any


class Hook:
    def __init__(self) -> None:
        self.subscribers: list[Callable[..., None]] = []

    def subscribe(self, subscriber: Callable[..., None]) -> None:
        self.subscribers.append(subscriber)

    def tell(self, *args: Any, **kwargs: Any) -> None:
        for subscriber in self.subscribers:
            subscriber(*args, **kwargs)
