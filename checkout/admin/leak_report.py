"""The leak report of a channel: how often its codes were shown, used, and tried by sessions they were not shown to."""

from checkout import code_refusals, leaks
from offers.admin import show
from offers.admin.office import now
from offers.admin.page import Block, Figure, Figures, Table
from offers.models import Channel


def of(row: Channel) -> list[Block]:
    """Return what became of the channel's codes: authorised, used, and tried by sessions they were not shown to."""
    found = leaks.report(channel=row, now=now())
    leaked = leaks.leaked(channel=row, now=now())
    total = [sum(getattr(one, name) for one in found) for name in ("authorized", "used", "refused")]
    names = ("Authorised", "Used", "Refused")
    figures = [Figure(label=f"{name} in 7 days", value=show.count(n)) for name, n in zip(names, total, strict=True)]
    figures.append(
        Figure(
            label="Leaked",
            value=", ".join(sorted(leaked)) or "none",
            note=f"codes tried in over {code_refusals.LEAK_SESSIONS} sessions within the hour",
            tone="bad" if leaked else "",
        )
    )
    cells = [
        [
            f"{one.day:%Y-%m-%d}",
            show.mono(one.code),
            show.count(one.authorized),
            show.count(one.used),
            show.count(one.refused),
            show.count(one.sessions),
        ]
        for one in found
    ]
    return [
        Figures(figures=figures),
        Table(
            title="Leak report",
            text="Refusals are tries by sessions that were not shown the code: how far it has travelled. Days in UTC.",
            headers=["Day", "Code", "Authorised", "Used", "Refused", "In sessions"],
            rows=cells,
            empty="No code of this channel was shown or tried in the last 7 days.",
        ),
    ]
