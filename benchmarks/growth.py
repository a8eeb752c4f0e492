"""How the disclosure engine grows with the table: seconds of protection and of the attack over cells, drawn for the documentation.

    python -m benchmarks.growth [--levels AC] [--most CELLS] [--out docs/disclosure-growth.svg]

Generated tables of three dimensions with hierarchies, 2 000 to 250 000 cells, seeded; each in a process of its own, processor seconds of
one thread. The figures go to benchmarks/out/growth.json, and `--redraw` draws them again without measuring.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from benchmarks.disclosure import LEVELS, measured
from benchmarks.measure import OUT, ROOT, in_fresh_process
from tests.exchange.disclosure import generate

SHAPES: dict[str, tuple[tuple[tuple[int, ...], ...], float]] = {
    **generate.SHAPES,
    "s1": (((5, 5), (4, 4), (8,)), 85.0),  # 5 859 cells
    "s2": (((8, 6), (5, 6), (5, 3)), 95.0),  # 43 092
    "s3": (((12, 8), (9, 6), (4, 4)), 95.0),  # 146 496
}
LIMITS = ((15_925, 10.0), (72_250, 20.0), (250_125, 150.0))
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 440, 64, 150, 48, 52
STYLES = {
    "protect A": ("#1d70b8", ""),
    "protect B": ("#00703c", ""),
    "protect C": ("#d4351c", ""),
    "attack A": ("#1d70b8", "5 4"),
    "attack B": ("#00703c", "5 4"),
    "attack C": ("#d4351c", "5 4"),
}


def cells_of(name: str) -> int:
    """Cells of a generated table, margins included."""
    return math.prod(1 + sum(math.prod(levels[: depth + 1]) for depth in range(len(levels))) for levels in SHAPES[name][0])


def one(name: str, level: str) -> dict[str, Any]:
    """Generate and measure one set at one level, in this process."""
    levels, mean = SHAPES[name]
    plan = generate.product_plan([generate.tree("abc"[axis], widths) for axis, widths in enumerate(levels)])
    inner = generate.skewed(generate.shape_of(plan), mean, np.random.default_rng(20))
    return measured(generate.counts(plan, inner, zeros="published"), LEVELS[level]) | {"set": name, "level": level}


def draw(figures: Sequence[Mapping[str, Any]]) -> str:
    """The plot as SVG: both axes logarithmic, a line for each level's protection and attack, the limits as marks."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for found in sorted(figures, key=lambda found: found["cells"]):
        for work in ("protect", "attack"):
            lines.setdefault(f"{work} {found['level']}", []).append((found["cells"], max(0.01, found["seconds"][work])))
    xs = [cells for points in lines.values() for cells, _ in points] + [cells for cells, _ in LIMITS]
    ys = [seconds for points in lines.values() for _, seconds in points] + [seconds for _, seconds in LIMITS]
    wide, high = _scale(xs, LEFT, WIDTH - RIGHT), _scale(ys, HEIGHT - BOTTOM, TOP)
    title = "Seconds of protection and attack over the number of cells"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d" '
            'font-family="sans-serif" font-size="13" fill="#0b0c0c">'
        ),
        f'<title id="t">{title}</title>',
        f'<desc id="d">{escape(_words(lines))}</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{title}</text>',
    ]
    parts += _grid(wide, high, xs, ys)
    for cells, seconds in LIMITS:
        x, y = wide(cells), high(seconds)
        parts.append(f'<path d="M{x - 6:.1f} {y:.1f}h12M{x:.1f} {y:.1f}v8" stroke="#505a5f" stroke-width="2" fill="none"/>')
    used: list[float] = []
    for name, points in lines.items():
        parts += _line(name, [(wide(cells), high(seconds)) for cells, seconds in points], used)
    parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{HEIGHT - 30}" fill="#505a5f">T: limit for</text>')
    parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{HEIGHT - 14}" fill="#505a5f">protection</text>')
    return "\n".join([*parts, "</svg>", ""])


def _scale(values: Sequence[float], start: float, end: float) -> Any:
    low, high = math.log10(min(values)) - 0.05, math.log10(max(values)) + 0.05
    return lambda value: start + (math.log10(value) - low) / (high - low) * (end - start)


def _grid(wide: Any, high: Any, xs: Sequence[float], ys: Sequence[float]) -> list[str]:
    parts = []
    for cells in (2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000):
        if min(xs) * 0.95 <= cells <= max(xs):
            x = wide(cells)
            parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#dee0e2"/>')
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{cells:,}</text>')
    for seconds in (0.01, 0.1, 1, 10, 100):
        if min(ys) * 0.95 <= seconds <= max(ys) * 1.05:
            y = high(seconds)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dee0e2"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{seconds:g} s</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">cells, margins included</text>')
    return parts


def _line(name: str, points: Sequence[tuple[float, float]], used: list[float]) -> list[str]:
    colour, dashes = STYLES[name]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    x, y = points[-1]
    # Names stand at the end of their lines, and make room for one another.
    while any(abs(y - other) < 16 for other in used):
        y += 4
    used.append(y)
    dots = [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
    return [
        f'<path d="{path}" stroke="{colour}" stroke-width="2" fill="none"{dash}/>',
        *dots,
        f'<text x="{max(x, 0) + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>',
    ]


def _words(lines: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    told = (f"{name}: " + ", ".join(f"{cells:,} cells {seconds:.2f} s" for cells, seconds in points) for name, points in lines.items())
    return "; ".join(told) + "."


def main() -> None:
    """Measure, smallest first, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", default="AC")
    parser.add_argument("--most", type=int, default=300_000, help="cells of the largest table")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "disclosure-growth.svg")
    parser.add_argument("--redraw", action="store_true")
    parser.add_argument("--here", nargs=2, metavar=("SET", "LEVEL"), help="one set in this process, figures as JSON")
    chosen = parser.parse_args()
    if chosen.here:
        print(json.dumps(one(*chosen.here)))
        sys.exit()
    kept = OUT / "growth.json"
    figures: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8")) if chosen.redraw else []
    names = [] if chosen.redraw else sorted((name for name in SHAPES if cells_of(name) <= chosen.most), key=cells_of)
    for name in names:
        for level in chosen.levels:
            figures.append(in_fresh_process("benchmarks.growth", "--here", name, level))
            found = figures[-1]
            seconds = ", ".join(f"{work} {taken:.2f} s" for work, taken in found["seconds"].items())
            print(
                f"{name} {level}: {found['cells']:,} cells: {seconds}; {'safe' if found['safe'] else 'VULNERABLE'}; {found['peak_mb']} MB",
                flush=True,
            )
            OUT.mkdir(exist_ok=True)
            kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    chosen.out.write_text(draw(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
