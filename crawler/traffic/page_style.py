"""The style sheet of the report's page: light and dark, wide and narrow, screen and paper."""

from crawler.traffic.drawing import COLOURS

__all__ = ["STYLE"]

#: The colours of the figures on a dark ground.
_DARK = {
    "ink": "#e6e9ee", "muted": "#9aa4b1", "grid": "#30363e",
    "blue": "#5cb0ff", "orange": "#ff9a52", "green": "#3ecf9b",
}  # fmt: skip


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


STYLE = f"""
:root {{ color-scheme: light dark; --ground: #ffffff; --card: #f5f7f9; {_variables(COLOURS)} }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ground: #14171b; --card: #1d2126; {_variables(_DARK)} }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.35rem; line-height: 1.3; margin: 0 0 1rem; font-weight: 650; }}
h1 small {{ display: block; font-size: 1rem; font-weight: 400; color: var(--muted); }}
h2 {{ font-size: 1.1rem; margin: 2.2rem 0 .6rem; font-weight: 650; }}
.verdict {{ border-left: .35rem solid var(--green); background: var(--card); padding: .7rem 1rem; }}
.verdict.doubt {{ border-color: var(--orange); }}
.verdict b {{ margin-right: .6em; }}
.verdict p {{ margin: .2rem 0; }}
.keys {{ display: grid; grid-template-columns: repeat(4, 1fr); gap: .6rem;
  margin: 1rem 0 0; padding: 0; }}
.keys div {{ background: var(--card); padding: .6rem .8rem; }}
.keys dt {{ color: var(--muted); font-size: .85rem; }}
.keys dd {{ margin: 0; font-size: 1.3rem; font-weight: 650; white-space: nowrap; }}
.keys small {{ font-size: .85rem; font-weight: 400; color: var(--muted); }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem 1.2rem .25rem 0; text-align: right; white-space: nowrap; }}
th {{ font-weight: 400; font-size: .85rem; color: var(--muted); vertical-align: bottom; }}
tbody tr {{ border-top: 1px solid var(--grid); }}
th:first-child, td:first-child {{ text-align: left; }}
table.bars {{ width: 100%; }}
.bars :is(th, td):last-child {{ width: 100%; min-width: 6rem; padding-right: 0; text-align: left; }}
.bar {{ display: block; height: .8em; min-width: 2px; background: var(--muted); }}
.bar.good {{ background: var(--blue); }}
.bar.bad {{ background: var(--orange); }}
b.bad {{ color: var(--orange); }}
.options td {{ white-space: normal; text-align: left; }}
.options td:first-child {{ white-space: nowrap; }}
.first td:first-child {{ white-space: normal; min-width: 12rem; }}
.options thead {{ display: none; }}
.note {{ color: var(--muted); font-size: .85rem; margin: .4rem 0; }}
.plots {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 1.6rem 2.5rem; margin-top: 2.2rem; }}
figure {{ margin: 0; break-inside: avoid; }}
figure h2 {{ margin: 0 0 .3rem; }}
figure svg {{ display: block; width: 100%; height: auto; }}
figure svg text {{ font-family: system-ui, sans-serif !important; }}
figcaption {{ color: var(--muted); font-size: .85rem; }}
footer {{ margin-top: 2.5rem; color: var(--muted); font-size: .85rem; }}
@media (max-width: 34rem) {{
  .keys {{ grid-template-columns: 1fr 1fr; }}
  th, td {{ padding-right: .8rem; }}
  body {{ padding-top: 1rem; }}
}}
@media print {{
  :root {{ color-scheme: light; --ground: #ffffff; --card: #f5f7f9; {_variables(COLOURS)} }}
  body {{ padding: 0; font-size: 10pt; max-width: none; }}
  h2 {{ break-after: avoid; }} tr, .verdict, .keys div {{ break-inside: avoid; }}
  .plots {{ grid-template-columns: 1fr 1fr; gap: 1rem; }} .wide {{ overflow: visible; }}
  * {{ print-color-adjust: exact; }}
}}
"""
