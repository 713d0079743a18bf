"""What the commands share: the formats, a table on the screen, a file, how far the work is."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layers.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import JustifyMethod

    from corridors.export import Sheet
    from layers.world import World


class Format(StrEnum):
    """How a table is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    xlsx = "xlsx"
    geojson = "geojson"
    gpkg = "gpkg"


BINARY = {Format.parquet, Format.xlsx, Format.gpkg}

Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")]
Shape = Annotated[
    Format | None, typer.Option("--format", "-f", help="By the file's name, else table.")
]

MOST_ROWS = 60
ASIDE = re.compile(
    r"name_zh|year|km|imports_t|value_usd|hhi_.*|.*_(low|high)_.*|energy_gj|food_kcal"
)
PROVENANCE = re.compile(r"sources?_.*|source_.*|sources|data_years|no_alternative_why|why_source")
NEWS = re.compile(
    r"severity_basis|content_as_of|retrieved_at|wkt|geom_.*|licence|attribution|event_uid|certainty"
    r"|ends_at|feeds|watched|threat_as_of|.*_ratio|week_d|usual_d|observed_(on|flags)"
    r"|embedded_.*|disruption_12m|closure_sd_d_y|closure_long_run_d_y|disrupted_usd_y|recent"
    r"|uncovered|covered|current|worst|events|kind|next_due_at|breaker_.*|last_.*_at"
)
ANSWER = re.compile(
    r".*_(low|high)_t|.*_duration_t|added_(hire|fuel|toll|premium|capital|land)_usd_t"
    r"|delivered_added_(usd_t|days)|lost_supply_t|not_routed_t|cover_days|gap_cover.*|unmet_after_draw.*"
    r"|depth|recovered.*|first_short_day|lost_share|calm_t_km|asked_t_km"
)
WARNED = re.compile(
    r"reason|review_due|visibility|rules|vintage|sent|message|revised|previous|p_30|expires"
)
RISKED = re.compile(r"share_(low|high)|no_alternative_share|added_.*|quality|consumption_share")
"""Columns a screen has no room for (the last where risk stands beside, ``ANSWER`` in a what-if,
``WARNED`` where levels are); every file has them."""


def print_table(sheet: Sheet) -> None:
    """Print the sheet to standard output, its note above and what was left out below."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if Console().is_terminal else 200)
    console.print(f"[bold]{sheet.name}[/bold]  {sheet.note}", soft_wrap=True)
    hidden = [ASIDE, PROVENANCE, NEWS]
    if "p_14" in sheet.table:
        hidden = [ASIDE, PROVENANCE, WARNED]
    if "infeasible_t" in sheet.table:
        hidden.append(ANSWER)
    if "measure" in sheet.table and "verdict" in sheet.table:
        hidden.append(re.compile("what|how|source|published_(low|high)|error_pct|why"))
    if "option" in sheet.table:
        hidden.append(re.compile("source"))
    if "threat_weighted_t" in sheet.table:
        hidden.append(RISKED)
    aside = [c for c in sheet.table.columns if any(h.fullmatch(c) for h in hidden)]
    columns = [c for c in sheet.table.columns if c not in aside]
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = sheet.table[column].dtype.kind in "if"
        whole = column == "id"  # to be copied
        side: JustifyMethod = "right" if number else "left"
        shown.add_column(column, justify=side, overflow="fold", no_wrap=whole)
    for row in sheet.table.head(MOST_ROWS)[columns].itertuples(index=False):
        shown.add_row(*(_text(c, v) for c, v in zip(columns, row, strict=True)))
    console.print(shown)
    rest = len(sheet.table) - MOST_ROWS
    if rest > 0:
        console.print(f"… {rest} more rows", style="dim")
    if aside:
        console.print(f"more columns with --format csv: {', '.join(aside)}", style="dim")


def emit(
    world: World,
    name: str,
    note: str,
    table: pd.DataFrame,
    format: Format | None,
    output: Path | None,
    *,
    more: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Print a table, write it to standard output, or save it, as asked.

    Parameters
    ----------
    more
        Further tables, for formats with room for them (``corridors.export.Sheet``).

    Raises
    ------
    UsageError
        For a format that does not fit where it should go.
    """
    from corridors.export import Sheet, to_bytes, write

    shape = format or _by_name(output)
    sheet = Sheet(name, note, table, more or {})
    if shape is Format.table:
        if output is not None:
            raise UsageError(
                "a table is for the screen; give -o a .csv, .json, .parquet, .xlsx … file"
            )
        print_table(sheet)
        return
    content = to_bytes(sheet, world, shape.value)
    if output is not None:
        write(output, content)
        typer.echo(f"{output}: {len(table)} rows. {note}", err=True)
    elif shape in BINARY:
        raise UsageError(f"{shape.value} needs a file: -o FILE.{shape.value}")
    else:
        sys.stdout.buffer.write(content)


def emit_more(
    world: World, more: Mapping[str, pd.DataFrame], format: Format | None, output: Path | None
) -> None:
    """Print further tables on the screen; files that have room hold them already."""
    if output is None and format in (None, Format.table):
        for name, table in more.items():
            if len(table):
                emit(world, name, "", table, None, None)


def country_code(world: World, text: str) -> str:
    """The ISO3 code or group a person means by a code in any case or by a full name."""
    names = {
        str(spelt).casefold(): str(code)
        for column in ("country", "iso2", "name_en", "name_zh")
        for spelt, code in zip(world.countries[column], world.countries["country"], strict=True)
    }
    return names.get(text.casefold(), text.upper() if text.upper() in world.groups else text)


def switches_of(settings: Sequence[str] | None) -> dict[str, str]:
    """Named assumptions said as ``name=option``.

    Raises
    ------
    UsageError
        For one without an option.
    """
    found = {}
    for setting in settings or ():
        name, equals, option = setting.partition("=")
        if not equals:
            raise UsageError(f"--set takes name=option, not {setting!r}")
        found[name] = option
    return found


def _by_name(output: Path | None) -> Format:
    suffix = output.suffix.removeprefix(".").lower() if output else ""
    return Format(suffix) if suffix in set(Format) else Format.csv if output else Format.table


def progress(things: Sequence[str], what: str) -> Iterable[str]:
    """Things to do, with a bar on standard error once they take more than a second.

    A process that works for another shows none.
    """
    from multiprocessing import parent_process

    from tqdm import tqdm

    if parent_process() is not None:
        return things
    bar: Iterable[str] = tqdm(
        things, desc=what, file=sys.stderr, leave=False, delay=1.0, disable=None
    )
    return bar


def _text(column: str, value: object) -> str:
    if column.endswith("_at") or column in ("expires", "sent", "at"):
        return str(value)[:16].replace("NaT", "–")
    if not isinstance(value, float):
        return str(value).replace("[", "\\[")
    if math.isnan(value):
        return "–"
    for ends, show in _SHOW:
        if column.endswith(ends):
            return show(value)
    return f"{value:,.4g}"


_SHOW: tuple[tuple[tuple[str, ...], Callable[[float], str]], ...] = (
    (("share", "share_low", "share_high"), lambda v: f"{v:.1%}"),
    (("p_14", "p_30"), lambda v: f"{v:.0%}"),
    (("observed_d", "usual_d"), lambda v: f"{v:.1f}"),
    (("_t", "_t_y"), lambda v: f"{v / 1e6:,.3f} Mt" if abs(v) >= 1e3 else f"{v:,.2f}"),
    (("nm",), lambda v: f"{v:,.0f}"),
    (("days",), lambda v: f"{v:,.1f}"),
)
