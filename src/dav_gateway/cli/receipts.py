"""Receipts of revocations for people and programs."""

import click

from dav_gateway.cli.output import moment_json, moment_text, show_json, show_record, show_table
from dav_gateway.core.moment import SECOND
from dav_gateway.service.receipts import Receipt, rows_of
from dav_gateway.store.receipts import Row, StoredReceipt

_HOW = {
    "cut": "cut everything",
    "ended": "its process had ended",
    "lapsed": "gave no answer: its right to serve ran out",
}


def show_receipt(receipt: Receipt, done: str, *, as_json: bool, in_full: bool = False) -> None:
    """The receipt of what was just done (`done`: the word for it)."""
    if as_json:
        show_json(
            {
                "ids": list(receipt.ids),
                "decided": moment_json(receipt.decided_at),
                "done": moment_json(receipt.done_at),
                "milliseconds": receipt.done_at - receipt.decided_at,
                "connections": receipt.connections,
                "requests": receipt.requests,
                "workers": [_worker_record(row) for row in rows_of(receipt)],
                "receipt": receipt.number,
            }
        )
        return
    if not receipt.ids:
        click.echo("There was none to revoke.")
        return
    took = (receipt.done_at - receipt.decided_at) / SECOND
    click.echo(
        f"{done}: {', '.join(receipt.ids)}. Sync has stopped: nothing was sent or stored any more after {took:.3f} s. "
        f"Cut: {_counted(receipt.connections, 'connection')}, {_counted(receipt.requests, 'running request')}."
    )
    if in_full:
        _show_workers(rows_of(receipt))


def show_stored_receipt(receipt: StoredReceipt, *, as_json: bool) -> None:
    """A receipt from the records."""
    if as_json:
        show_json(
            {
                "ids": [each.credential_id for each in receipt.refused],
                "decided": moment_json(receipt.decided_at),
                "done": moment_json(receipt.done_at),
                "milliseconds": receipt.done_at - receipt.decided_at,
                "by": receipt.actor,
                "connections": receipt.connections,
                "requests": receipt.requests,
                "workers": [_worker_record(row) for row in receipt.acknowledgements],
                "first_refused": {
                    each.credential_id: {"at": moment_json(each.at), "client": each.client}
                    for each in receipt.refused
                    if each.at is not None
                },
                "receipt": receipt.id,
            }
        )
        return
    show_record(
        [
            ("receipt", str(receipt.id)),
            ("app passwords", ", ".join(each.credential_id for each in receipt.refused)),
            ("by", receipt.actor or ""),
            ("decided", moment_text(receipt.decided_at)),
            ("last byte before", f"{moment_text(receipt.done_at)} (+{receipt.done_at - receipt.decided_at} ms)"),
            ("connections cut", str(receipt.connections)),
            ("requests stopped", str(receipt.requests)),
            *(
                (f"{each.credential_id} refused first", f"{moment_text(each.at)}, {each.client or 'unknown program'}")
                for each in receipt.refused
                if each.at is not None
            ),
        ]
    )
    _show_workers(receipt.acknowledgements)


def _show_workers(rows: tuple[Row, ...]) -> None:
    if not rows:
        click.echo("No worker was serving.")
        return
    show_table(
        ["WORKER", "WHAT HAPPENED", "AFTER", "CONNECTIONS", "REQUESTS"],
        [
            [member, _HOW.get(how, how), f"{milliseconds} ms", str(cut), str(running)]
            for member, how, milliseconds, cut, running in rows
        ],
    )


def _worker_record(row: Row) -> dict[str, object]:
    member, how, milliseconds, cut, running = row
    return {"worker": member, "how": how, "milliseconds": milliseconds, "connections": cut, "requests": running}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
