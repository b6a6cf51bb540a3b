"""Which messages there are, and which of them is shown. Knows no screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_RANKS = ("info", "warning", "error")

#: The text of a button, and what it does.
Action = tuple[str, Callable[[], object]]


@dataclass(eq=False)
class Message:
    """What happened, where, and what to do.

    Attributes:
        severity: "info", "warning" or "error".
        stays: it holds until it is withdrawn or closed, as one with buttons, a warning or an error does.
        of_run: it is about the script that is open and its processes, and goes with them.
        about: what else it is about, such as a file: the next message about the same takes its place.
        seen: whether it was shown.
    """

    text: str
    severity: str = "info"
    actions: Sequence[Action] = ()
    stays: bool = False
    of_run: bool = False
    about: str = ""
    seen: bool = False

    @property
    def passing(self) -> bool:
        """Whether it leaves by itself when it has been shown for a while."""
        return self.severity == "info" and not self.actions and not self.stays


class HeldMessages:
    """All messages that hold; nothing leaves that was not shown, closed, withdrawn or replaced by one about the same.

    An error is in front until it is closed or withdrawn: what is less severe waits behind it. Else the newest is in front;
    what only passes gives way after a while to what it came over.

    Attributes:
        front: the one to show; None where there is none.
    """

    def __init__(self) -> None:
        self._all: list[Message] = []
        self.front: Message | None = None

    @property
    def waiting(self) -> list[Message]:
        """All but the front one, the newest first."""
        return [message for message in reversed(self._all) if message is not self.front]

    def add(self, message: Message) -> None:
        """Take in a message, in the place of one that says the same or is about the same."""
        self._all = [
            m for m in self._all if m.text != message.text and not (message.about and m.about == message.about)
        ]
        self._all.append(message)
        if self.front not in self._all:
            self.front = None
        if self.front is None:
            self._choose()
        elif message.severity == "error" or not self.alarming:
            self._put(message)

    @property
    def alarming(self) -> bool:
        """Whether one of them is an error."""
        return any(message.severity == "error" for message in self._all)

    def pick(self, message: Message) -> None:
        """Let the user read one that waits."""
        if message in self._all:
            self._put(message)

    def keep(self, wanted: Callable[[Message], bool]) -> None:
        """Forget all but those that are wanted."""
        self._all = [message for message in self._all if wanted(message)]
        if self.front not in self._all:
            self._choose()

    def pass_on(self) -> None:
        """The front one has been shown for its while, and with it what it came over that leaves by itself, too."""
        self.keep(lambda message: not (message.passing and message.seen))

    def _choose(self) -> None:
        errors = [message for message in self._all if message.severity == "error"]
        unread = [message for message in self._all if message.passing and not message.seen]
        held = sorted((m for m in self._all if not m.passing), key=lambda m: _RANKS.index(m.severity))
        self._put(next(iter([*errors[-1:], *unread[:1], *held[-1:], *self._all[-1:]]), None))

    def _put(self, message: Message | None) -> None:
        self.front = message
        if message is not None:
            message.seen = True
