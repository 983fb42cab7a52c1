"""The page where a buyer pays play money: what, for whom, how much, and what shall go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from . import paper
from .epay_orders import Order
from .faults import FaultKind

_STYLE = """
main { max-width: 28rem }
header { gap: 1rem; margin-bottom: 1.6rem }
.seal { width: 3rem; height: 3rem; font-size: 1.8rem }
h1 { font-size: 1.4rem }
p { margin: 0 }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: 1.2rem 1.2rem 1.4rem }
.sum { font-size: 2.4rem; line-height: 1.3; font-variant-numeric: tabular-nums }
.number { overflow-wrap: anywhere; font: .8rem/1.5 ui-monospace, "SFMono-Regular", monospace }
label { display: block; margin: 1.2rem 0 .3rem; color: var(--quiet); font-size: .9em }
select, button { font: inherit; width: 100%; padding: .6rem .7rem; border-radius: .4rem;
  border: 1px solid var(--rule); background: var(--paper); color: var(--ink) }
button { margin-top: 1rem; background: var(--red); border-color: var(--red); color: #fff7ea; cursor: pointer }
:focus-visible { outline-color: var(--ink) }
"""


def pay_page(order: Order, kinds: Sequence[FaultKind], base: str) -> str:
    """The page for an order that is not paid."""
    choices = "".join(f"<option value='{escape(kind.name)}'>{escape(kind.about)}</option>" for kind in kinds)
    action = f"{escape(base)}/pay/{escape(order.number)}"
    return _page(
        f"""<div class="card"><p class="quiet">{escape(order.name)}</p>
<p class="sum">¥{escape(order.money)}</p>
<p class="quiet">{escape(order.method)} · <span class="number">{escape(order.number)}</span></p>
<form method="post" action="{action}">
<label for="fault">What shall happen</label>
<select id="fault" name="fault"><option value="">The merchant is told at once.</option>{choices}</select>
<button type="submit">Pay with play money</button>
</form></div>"""
    )


def paid_page(order: Order, back: str) -> str:
    """The page for an order that was paid before."""
    return _page(
        f"""<div class="card"><p class="sum">¥{escape(order.paid_money or order.money)}</p>
<p>This order is paid.</p><p><a href="{escape(back)}">Back to the merchant</a></p></div>"""
    )


def refusal_page(why: str) -> str:
    """The page for what cannot be paid."""
    return _page(f'<div class="card"><p>{escape(why)}</p></div>')


def _page(content: str) -> str:
    return paper.page("Sandbox cashier", "Sandbox cashier", "Nothing here is money.", content, style=_STYLE)
