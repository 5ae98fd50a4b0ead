# SPDX-License-Identifier: Apache-2.0
"""Draw a series of figures as a small picture; for eyes alone, the last figure stands beside it."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 240.0, 48.0, 2.0


def spark(values: Sequence[float], least: float = 1.0) -> Markup:
    """Return *values*, the oldest first, as a line over an area.

    Args:
        values: Figures at even distances.
        least: What the top stands for at least, so that noise near nothing stays low.
    """
    if len(values) < 2:  # noqa: PLR2004 - one point makes no line
        values = [*values, *values] or [0.0, 0.0]
    top = max(least, *values)
    step = WIDTH / (len(values) - 1)
    points = [
        f"{index * step:.1f},{HEIGHT - EDGE - value / top * (HEIGHT - 2 * EDGE):.1f}"
        for index, value in enumerate(values)
    ]
    line = "M" + "L".join(points)
    area = f"{line}L{WIDTH:.0f},{HEIGHT:.0f}L0,{HEIGHT:.0f}Z"
    return Markup(  # noqa: S704 - numbers alone
        f'<svg class="spark" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="area" d="{area}"/>'
        f'<path class="line" d="{line}"/></svg>'
    )
