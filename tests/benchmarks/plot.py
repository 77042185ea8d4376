"""The plot of the results: small bars side by side, as SVG, for a light or a dark page."""

from dataclasses import dataclass
from html import escape

from tests.benchmarks.document import TITLES, alternative
from tests.benchmarks.figures import Results
from tests.benchmarks.targets import MEASURES

_PANELS = (
    ("burst", "ack_p99", "1,000 commands at once: 99% acknowledged within"),
    ("burst", "answer_p99", "1,000 commands at once: 99% answered within"),
    ("at-once", "rate", "200 in progress over HTTP: commands a second"),
    ("at-once", "cpu", "200 in progress over HTTP: CPU per command"),
    ("start-http", "first_answer", "From the start to the first answer"),
    ("start-http", "memory", "Memory at rest"),
)
_WIDTH, _COLUMNS = 900, 2
_PANEL_WIDTH, _PANEL_HEIGHT = 440, 150
_LABEL, _BAR, _STEP = 140, 14, 24
_LONGEST_BAR = 205


@dataclass(frozen=True)
class Palette:
    """The colors of one kind of page, which shows through."""

    text: str
    quiet: str
    ours: str
    theirs: str


LIGHT = Palette(text="#1f2328", quiet="#59636e", ours="#0b7a75", theirs="#a7afb8")
DARK = Palette(text="#f0f6fc", quiet="#9198a1", ours="#35c2b6", theirs="#59636e")


def svg(results: Results, palette: Palette) -> str:
    """The whole picture."""
    panels = [panel for panel in _PANELS if _figures(results, *panel[:2])]
    rows = -(-len(panels) // _COLUMNS)
    drawn = []
    for place, panel in enumerate(panels):
        across, down = place % _COLUMNS, place // _COLUMNS
        x, y = across * (_WIDTH - _PANEL_WIDTH), down * _PANEL_HEIGHT
        drawn.append(f'<g transform="translate({x} {y})">{_panel(results, *panel, palette)}</g>')
    style = (
        "text{font:13px -apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif;"
        f"fill:{palette.text}}}.title{{font-weight:600}}.quiet{{fill:{palette.quiet};font-size:12px}}"
    )
    height = rows * _PANEL_HEIGHT - 14
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
            'aria-labelledby="title description">',
            '<title id="title">Extauth beside Bolt’s guide and bare aiohttp</title>',
            f'<desc id="description">{escape(alternative(results))}</desc>',
            f"<style>{style}</style>",
            *drawn,
            "</svg>",
            "",
        ]
    )


def _panel(results: Results, scenario: str, measure: str, title: str, palette: Palette) -> str:
    figures = _figures(results, scenario, measure)
    better = "more is better" if MEASURES[measure].more_is_better else "less is better"
    parts = [
        f'<text class="title" y="14">{escape(title)}</text>',
        f'<text class="quiet" x="{_PANEL_WIDTH}" y="14" text-anchor="end">{better}</text>',
    ]
    longest = max(figures.values())
    for place, (contender, figure) in enumerate(figures.items()):
        y = 28 + place * _STEP
        width = max(1.0, _LONGEST_BAR * figure / longest)
        color = palette.ours if contender.startswith("extauth") else palette.theirs
        parts += [
            f'<text x="{_LABEL}" y="{y + 11}" text-anchor="end">{escape(TITLES[contender])}</text>',
            f'<rect x="{_LABEL + 8}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{color}"/>',
            f'<text class="quiet" x="{_LABEL + 14 + width:.1f}" y="{y + 11}">{MEASURES[measure].text(figure)}</text>',
        ]
    return "".join(parts)


def _figures(results: Results, scenario: str, measure: str) -> dict[str, float]:
    medians = {contender: results.median(scenario, measure, contender) for contender in TITLES}
    return {contender: median for contender, median in medians.items() if median is not None}
