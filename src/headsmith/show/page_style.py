"""The report's style sheet: readable on a phone, light and dark, nothing fetched."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #ffffff; --ink: #1c1e22; --faint: #5c626b; --line: #dcdfe4;
  --best: #0b6b3a; --alarm: #b3261e; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --card: #1c1f25; --ink: #e8eaed; --faint: #9aa2ad;
  --line: #343943; --best: #6fdd9b; --alarm: #ff8a80; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header { max-width: 1180px; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .25rem; }
p { margin: .35rem 0; max-width: 75ch; }
.faint, figcaption { color: var(--faint); font-size: .92rem; }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0; font-size: .95rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .75rem; margin: 1rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.55rem; font-variant-numeric: tabular-nums; line-height: 1.25; }
figure { margin: .75rem 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .75rem; }
figcaption { margin-top: .5rem; }
video, figure img { display: block; width: 100%; height: auto; border-radius: 6px; }
video { background: #000; }
.wide { overflow-x: auto; }
.beside { display: flex; flex-wrap: wrap; gap: .75rem; align-items: flex-start; }
.beside > div { flex: 1 1 24rem; min-width: 0; }
.beside > div + div td { font-size: .85rem; }
table { border-collapse: collapse; font-size: .95rem; font-variant-numeric: tabular-nums; background: var(--card); }
th, td { padding: .35rem .75rem; border: 1px solid var(--line); text-align: left; vertical-align: top;
  overflow-wrap: anywhere; min-width: 5.5rem; }
td.number, th.number { text-align: right; white-space: nowrap; min-width: 0; }
td { max-width: 24rem; }
td.best { color: var(--best); font-weight: 650; }
.alarm { color: var(--alarm); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .75rem; overflow-x: auto;
  font-size: .85rem; line-height: 1.4; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: .75rem; }
.charts figure { margin: 0; }
.chart svg { display: block; width: 100%; height: auto; touch-action: pan-y; }
.chart text { fill: var(--faint); font: 13px system-ui, sans-serif; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .cursor { stroke: var(--faint); stroke-width: 1; }
.chart .mark { fill: var(--alarm); opacity: .3; }
.keys { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .9rem; min-height: 1.5em; }
.keys i { display: inline-block; width: 1.1em; height: .25em; margin-right: .4em; vertical-align: middle; }
footer { max-width: 1180px; margin: 2.5rem auto 2rem; padding: 0 1rem; color: var(--faint); font-size: .9rem; }
"""
