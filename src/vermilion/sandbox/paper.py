"""How the sandbox's own pages look: one paper for the index, the outbox and the cashier."""

from __future__ import annotations

_STYLE = """
:root { --paper: #f4eee1; --ink: #23211d; --quiet: #746c5e; --rule: #ddd2bd; --red: #c8321b; --card: #fbf7ee }
@media (prefers-color-scheme: dark) {
  :root { --paper: #191714; --ink: #ece4d4; --quiet: #a2988a; --rule: #39342c; --red: #ee5f45; --card: #211e1a }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 Georgia, "Songti SC", "Noto Serif", serif }
main { margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
header { display: flex; gap: 1.1rem; align-items: center; margin-bottom: 2rem }
header p { margin: 0; color: var(--quiet) }
.seal { width: 3.4rem; height: 3.4rem; flex: none; border-radius: .5rem; background: var(--red); color: #fff7ea;
  display: grid; place-items: center; font-size: 2.1rem; line-height: 1 }
h1 { font-size: 1.7rem; font-weight: 500; margin: 0 }
a { color: inherit; text-decoration-color: var(--red); text-underline-offset: .2em }
:focus-visible { outline: 2px solid var(--red); outline-offset: 2px }
.quiet { color: var(--quiet) }
"""


def page(title: str, heading: str, under: str, content: str, *, style: str, head: str = "") -> str:
    """A whole page as HTML. All but `title` is HTML already; `style` comes after the common one."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{title}</title>
<link rel="icon" href="/favicon.ico">
<style>{_STYLE}{style.lstrip()}</style>
</head>
<body>
<main>
<header><div class="seal" aria-hidden="true">朱</div><div><h1>{heading}</h1>
<p>{under}</p></div></header>
{content}
</main>
</body>
</html>
"""
