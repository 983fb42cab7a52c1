"""The page at `/`: which vendors live here, where, with which key, and how to make each fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from . import paper
from .config import SandboxConfig
from .faults import JOB, VOCABULARY, WIRE_PLACES, FaultKind
from .vendor import BaseVendor, Card

_STYLE = """
main { max-width: 58rem; padding: 3.5rem 1.25rem 5rem }
h1 { font-size: 1.9rem; letter-spacing: .01em }
h2 { font-size: 1.2rem; font-weight: 500; margin: 2.6rem 0 .6rem;
  border-bottom: 1px solid var(--rule); padding-bottom: .3rem }
h3 { font-size: 1.05rem; font-weight: 600; margin: 1.8rem 0 .2rem }
code, pre { font: .86em/1.55 ui-monospace, "SFMono-Regular", "DejaVu Sans Mono", monospace }
code { overflow-wrap: anywhere }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem;
  padding: .9rem 1rem; overflow-x: auto }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; margin: 0 0 .4rem }
nav a { padding: .3rem 0 }
section, h2 { scroll-margin-top: 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--rule) }
th { font-weight: 500; color: var(--quiet); font-size: .88em }
tr:target { background: var(--card) }
.marker { color: var(--red); white-space: nowrap }
details summary { cursor: pointer; color: var(--quiet) }
section > table:first-of-type td:first-child { width: 15rem }
details { margin: .15rem 0 }
table + details { margin-top: .6rem }
details summary { padding: .2rem 0 }
details code { display: inline-block; margin: .15rem .9rem .15rem 0 }
@media (max-width: 40rem) {
  main { padding-top: 1.6rem }
  header { align-items: flex-start }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--rule) }
  tr:has(th) { display: none }
  td, section > table:first-of-type td:first-child { display: block; width: auto; padding: 0; border: 0 }
  pre { white-space: pre-wrap; overflow-wrap: anywhere }
  td:empty { display: none }
  td[data-is]:not(:empty)::before { content: attr(data-is) ": "; color: var(--quiet) }
}
"""


def page(config: SandboxConfig, vendors: Iterable[BaseVendor], origin: str) -> str:
    """The whole page as HTML. `origin` is how the visitor reached the sandbox."""
    address = (config.public_url or origin).rstrip("/")
    root = escape(address)
    here = list(vendors)
    wire = [kind for kind in VOCABULARY if JOB not in kind.places]
    job = [kind for kind in VOCABULARY if JOB in kind.places and not kind.name.startswith("webhook")]
    hooks = [kind for kind in VOCABULARY if kind.name.startswith("webhook")]
    links = "".join(f"<a href='#{escape(vendor.name)}'>{escape(vendor.title)}</a>" for vendor in here)
    cards = "".join(_card(vendor, vendor.card(address)) for vendor in here)
    content = f"""<nav>{links}<a href="#failure">Failure on demand</a></nav>
<h2>Vendors</h2>
<p class="quiet">{config.max_concurrent} jobs run at once per login; {_pace(config)}.</p>
{cards}<h2 id="failure">Failure on demand</h2>
<p>Write a marker into a prompt, such as <code>[[fail:content_policy]]</code>, <code>[[slow:30]]</code> or
<code>[[html-502@status:3]]</code>: the kind, then optionally where it strikes, then its argument.
Each vendor above says which it acts out. Or arm one for whichever requests come next:</p>
<pre>curl -X POST {root}/control/faults -H 'Content-Type: application/json' \\
  -d '{{"vendor": "{here[0].name}", "kind": "throttle", "at": "status", "count": 5}}'</pre>
<p class="quiet">Give <code>probability</code> instead of <code>count</code> to strike at random.
<code>DELETE /control/faults</code> disarms. <code>GET /control/jobs</code> lists every job with what its client sent;
<code>POST /control/jobs/{{id}}/finish</code> ends one now;
<code>POST /control/speed</code> changes the pace of new jobs;
<code>POST /control/reset</code> forgets everything.</p>
<h2>On the wire</h2>
<p class="quiet">Any of these can strike at {_listed(WIRE_PLACES)}, where a vendor has such a place.
Nobody writes a prompt to upload or to probe: arm what shall strike there.</p>
{_table(wire, named=True)}
<h2>In the job</h2>
{_table(job, named=True)}
<h2>In the webhook</h2>
{_table(hooks, named=True)}"""
    title = "Vermilion sandbox"
    under = "Vendors' wire protocols on this machine. Nothing here costs anything, and nothing leaves it."
    return paper.page(title, title, under, content, style=_STYLE)


def _pace(config: SandboxConfig) -> str:
    if config.fast:
        return "they are done at once, with one prepared picture per size"
    if config.speed == 1:
        return "they take as long as the vendors' do"
    return f"they take as long as the vendors' do, divided by {config.speed:g}"


def _card(vendor: BaseVendor, card: Card) -> str:
    """One vendor: where, with which login, its models, a first request, and every way it can be made to fail."""
    rows = [("provider", vendor.name), *card.parts]
    rows += [(f"{field.replace('_', ' ')} (fake)", value) for field, value in vendor.secrets[0].items()]
    told = "".join(f"<tr><td>{escape(part)}</td><td><code>{escape(value)}</code></td></tr>" for part, value in rows)
    common = {kind.name for kind in VOCABULARY}
    own = [kind for kind in vendor.faults if kind.name not in common]
    shared = [kind for kind in vendor.faults if kind.name in common]
    missing = [kind.name for kind in VOCABULARY if kind.name not in vendor.kinds]
    parts = [f"<section id='{escape(vendor.name)}'><h3>{escape(vendor.title)}</h3><table>{told}</table>"]
    parts += [f"<p><a href='{escape(url)}'>{escape(what)}</a></p>" for what, url in card.pages]
    parts += [f"<p class='quiet'>{escape(note)}</p>" for note in card.notes]
    if card.models:
        parts.append(f"<details><summary>{len(card.models)} models</summary>{_codes(card.models)}</details>")
    if card.example:
        parts.append(f"<pre>{escape(card.example)}</pre>")
    if own:
        parts.append(f"<p>Failures only it knows:</p>{_table(own)}")
    markers = "".join(f"<a href='#kind-{escape(kind.name)}'><code>{_marker(kind)}</code></a>" for kind in shared)
    parts.append(f"<details><summary>{len(shared)} failures it shares with others</summary>{markers}</details>")
    if any(JOB not in kind.places for kind in vendor.faults):
        parts.append(f"<p class='quiet'>{_places(vendor)}</p>")
    for kind, words in card.arguments.items():
        summary = f"{len(words)} words for <code>[[{escape(kind)}:…]]</code>"
        parts.append(f"<details><summary>{summary}</summary>{_codes(words)}</details>")
    if missing:
        parts.append(f"<details><summary>{len(missing)} it cannot act out</summary>{_codes(missing)}</details>")
    return "".join([*parts, "</section>"])


def _places(vendor: BaseVendor) -> str:
    """Where its wire can be struck."""
    told = f"Its wire can be struck at {_listed(vendor.places)}"
    if set(vendor.places) >= set(WIRE_PLACES):
        return f"{told}."
    return f"{told}; what usually strikes elsewhere strikes at {vendor.places[0]}."


def _listed(places: Sequence[str]) -> str:
    return " or ".join((", ".join(places[:-1]), places[-1])) if len(places) > 1 else places[0]


def _codes(names: Sequence[str]) -> str:
    return "".join(f"<code>{escape(name)}</code>" for name in names)


def _marker(kind: FaultKind) -> str:
    return f"[[{escape(kind.name)}{':…' if kind.argument else ''}]]"


def _table(kinds: list[FaultKind], *, named: bool = False) -> str:
    """Kinds of failure, a row each; `named` gives each row the address others point to."""
    rows = "".join(
        f"<tr{f' id=kind-{escape(kind.name)}' if named else ''}><td><code class='marker'>{_marker(kind)}</code></td>"
        f"<td>{escape(kind.about)}</td><td class='quiet' data-is='argument'>{escape(kind.argument)}</td>"
        f"<td class='quiet' data-is='usually at'>{'' if kind.places[0] == JOB else escape(kind.places[0])}</td></tr>"
        for kind in kinds
    )
    where = "" if kinds[0].places[0] == JOB else "usually at"
    return (
        "<table><tr><th scope='col'>marker</th><th scope='col'>what happens</th><th scope='col'>argument</th>"
        f"<th scope='col'>{where}</th></tr>{rows}</table>"
    )
