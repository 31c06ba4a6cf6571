"""The report as one HTML page: everything inlined but videos and pictures, which lie beside it. Nothing is fetched.

Texts come from files that others wrote (names of clips, reasons, licences): Jinja2 escapes every one of them.
"""

from dataclasses import dataclass, field

from jinja2 import Environment, StrictUndefined

from headsmith.show.page_charts import SCRIPT
from headsmith.show.page_style import STYLE


@dataclass(frozen=True)
class Table:
    """A table: names of the columns, rows of texts, and the cells (row, column) that are the best of their row.

    Columns from ``numbers_from`` on are set right-aligned.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()
    numbers_from: int = 1


@dataclass(frozen=True)
class Chart:
    """A chart: lines by name over common x values, None where a line breaks; ``marks`` are x values to strike through."""

    title: str
    x_label: str
    note: str
    x: tuple[float, ...]
    lines: dict[str, tuple[float | None, ...]]
    marks: tuple[int, ...] = ()

    @property
    def data(self) -> dict[str, object]:
        """What the page's script reads."""
        lines = [{"name": name, "values": values} for name, values in self.lines.items()]
        return {"title": self.title, "x_label": self.x_label, "x": self.x, "lines": lines, "marks": self.marks}


@dataclass(frozen=True)
class Media:
    """A video or a picture beside the page: its relative address, heading, and how to read it."""

    address: str
    title: str
    note: str


@dataclass(frozen=True)
class Page:
    """Everything that the report shows, ready to print."""

    title: str
    clip: str
    summary: str
    tiles: tuple[tuple[str, str], ...] = ()
    videos: tuple[Media, ...] = ()
    tracked: Media | None = None
    tracking: Table | None = None
    scores: Table | None = None
    score_notes: tuple[tuple[str, str], ...] = ()
    protocol: Table | None = None
    charts: tuple[Chart, ...] = ()
    pictures: tuple[Media, ...] = ()
    shown: tuple[Media, ...] = ()
    viewers: tuple[Media, ...] = ()
    left_out: Table | None = None
    timings: Table | None = None
    versions: Table | None = None
    assets: Table | None = None
    provenance: str = ""
    config: str = ""
    uses: tuple[str, ...] = field(default_factory=tuple)


TEMPLATE = """{%- macro show_table(table) -%}
<div class="wide"><table>
<tr>{% for name in table.columns %}
<th{% if loop.index0 >= table.numbers_from %} class="number"{% endif %}>{{ name }}</th>
{% endfor %}</tr>
{% for row in table.rows %}{% set number = loop.index0 %}
<tr>{% for cell in row %}
{% set best = " best" if (number, loop.index0) in table.best else "" %}
<td{% if loop.index0 >= table.numbers_from %} class="number{{ best }}"{% endif %}>{{ cell }}</td>
{% endfor %}</tr>
{% endfor %}</table></div>
{%- endmacro -%}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ page.clip }} · {{ page.title }}</title>
<style>{{ style }}</style>
</head>
<body>
<header>
<h1>{{ page.clip }}</h1>
<p class="faint">{{ page.title }} · {{ page.summary }}</p>
<div class="tiles">{% for value, name in page.tiles %}<div class="tile"><b>{{ value }}</b>{{ name }}</div>{% endfor %}</div>
<nav><a href="#renders">Renders</a>{% if page.shown %}<a href="#shown">Novel views</a>{% endif %}
<a href="#tracking">Tracking</a><a href="#scores">Scores</a><a href="#curves">Curves</a>
<a href="#stages">Stages</a><a href="#left-out">Left out</a><a href="#timings">Timings</a>
<a href="#provenance">Provenance</a></nav>
</header>
<main>
<h2 id="renders">Truth, render, difference</h2>
<p>The held-out frames, which the avatar never saw. Left: the video. Middle: the avatar, over the empty background.
Right: their difference. Shoulders and clothes are not part of the avatar, so they always differ.</p>
{% for viewer in page.viewers %}<p><a href="{{ viewer.address }}">Turn the head and move the face by hand: variant
{{ viewer.title }}</a></p>
{% endfor %}
{% for video in page.videos %}<figure>
<video src="{{ video.address }}" controls loop muted playsinline preload="auto"></video>
<figcaption><b>{{ video.title }}</b> {{ video.note }}</figcaption></figure>
{% endfor %}
{% if page.shown %}<h2 id="shown">From other sides, and as others move</h2>
{% for media in page.shown %}<figure>{% if media.address.endswith(".mp4") %}
<video src="{{ media.address }}" controls loop muted playsinline preload="metadata"></video>
{% else %}<a href="{{ media.address }}"><img src="{{ media.address }}" alt="{{ media.title }}" loading="lazy"></a>
{% endif %}<figcaption><b>{{ media.title }}</b> {{ media.note }}</figcaption></figure>
{% endfor %}{% endif %}<h2 id="tracking">The tracked head</h2>
{% if page.tracked %}<figure>
<video src="{{ page.tracked.address }}" controls loop muted playsinline preload="auto"></video>
<figcaption>{{ page.tracked.note }}</figcaption></figure>
{% endif %}{% if page.tracking %}{{ show_table(page.tracking) }}{% endif %}
<h2 id="scores">Scores</h2>
{% if page.scores %}<div class="beside"><div>{{ show_table(page.scores) }}
<p class="faint">The best of each row is set in bold. The baselines need no avatar: one
that does not beat them has learnt nothing.</p></div>
{% if page.protocol %}<div>{{ show_table(page.protocol) }}</div>{% endif %}</div>
<details><summary>What each score means</summary>
{% for name, note in page.score_notes %}<p><b>{{ name }}</b>: {{ note }}</p>{% endfor %}</details>{% endif %}
<h2 id="curves">Curves</h2>
<div class="charts">
{% for chart in page.charts %}<figure class="chart"><b>{{ chart.title }}</b><div class="canvas"></div><div class="keys"></div>
<script type="application/json">{{ chart.data | tojson }}</script><figcaption>{{ chart.note }}</figcaption></figure>
{% endfor %}</div>
<h2 id="stages">What each stage made</h2>
{% for picture in page.pictures %}<figure><h3>{{ picture.title }}</h3>
<a href="{{ picture.address }}"><img src="{{ picture.address }}" alt="{{ picture.title }}" loading="lazy"></a>
<figcaption><b>How to read this:</b> {{ picture.note }}</figcaption></figure>
{% endfor %}
<h2 id="left-out">What was left out, and why</h2>
{% if page.left_out %}{{ show_table(page.left_out) }}{% else %}<p>Nothing: every frame was used.</p>{% endif %}
<h2 id="timings">Timings</h2>
{% if page.timings %}{{ show_table(page.timings) }}{% else %}<p class="faint">No timings were recorded.</p>{% endif %}
<h2 id="provenance">Provenance</h2>
{% if page.provenance %}<p><a href="{{ page.provenance }}">What this clip was made of</a>: inputs, settings, code, versions,
and the sha256 of every stage's files, with which a run elsewhere can be compared.</p>
{% endif %}
{% if page.assets %}<h3>Files from elsewhere that the workflow can use, and their licences</h3>
{{ show_table(page.assets) }}{% endif %}
<h3>Use</h3>
{% for use in page.uses %}<p>{{ use }}</p>{% endfor %}
{% if page.versions %}<h3>Versions</h3>
<details><summary>Python and packages</summary>{{ show_table(page.versions) }}</details>{% endif %}
<h3>Configuration</h3><details><summary>Every setting of this run</summary><pre>{{ page.config }}</pre></details>
</main>
<footer>This page and the folder <code>media</code> beside it are all it needs: it opens without a network.</footer>
<script>{{ script }}</script>
</body>
</html>
"""


def print_page(page: Page) -> str:
    """Return the page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    style, script = environment.filters["safe"](STYLE), environment.filters["safe"](SCRIPT)
    return environment.from_string(TEMPLATE).render(page=page, style=style, script=script) + "\n"
