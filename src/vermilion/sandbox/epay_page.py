"""The page where a buyer pays play money: what, for whom, how much, and what shall go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .epay_orders import Order
from .faults import FaultKind

_STYLE = """
:root { --paper: #f4eee1; --ink: #23211d; --quiet: #746c5e; --rule: #ddd2bd; --red: #c8321b; --card: #fbf7ee }
@media (prefers-color-scheme: dark) {
  :root { --paper: #191714; --ink: #ece4d4; --quiet: #a2988a; --rule: #39342c; --red: #ee5f45; --card: #211e1a }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 Georgia, "Songti SC", "Noto Serif", serif }
main { max-width: 28rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
header { display: flex; gap: 1rem; align-items: center; margin-bottom: 1.6rem }
.seal { width: 3rem; height: 3rem; flex: none; border-radius: .5rem; background: var(--red); color: #fff7ea;
  display: grid; place-items: center; font-size: 1.8rem; line-height: 1 }
h1 { font-size: 1.4rem; font-weight: 500; margin: 0 }
.quiet { color: var(--quiet) }
p { margin: 0 }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: 1.2rem 1.2rem 1.4rem }
.sum { font-size: 2.4rem; line-height: 1.3; font-variant-numeric: tabular-nums }
.number { overflow-wrap: anywhere; font: .8rem/1.5 ui-monospace, "SFMono-Regular", monospace }
label { display: block; margin: 1.2rem 0 .3rem; color: var(--quiet); font-size: .9em }
select, button { font: inherit; width: 100%; padding: .6rem .7rem; border-radius: .4rem;
  border: 1px solid var(--rule); background: var(--paper); color: var(--ink) }
button { margin-top: 1rem; background: var(--red); border-color: var(--red); color: #fff7ea; cursor: pointer }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px }
a { color: inherit; text-decoration-color: var(--red); text-underline-offset: .2em }
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
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox cashier</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header><div class="seal" aria-hidden="true">朱</div><div><h1>Sandbox cashier</h1>
<p class="quiet">Nothing here is money.</p></div></header>
{content}
</main>
</body>
</html>
"""
