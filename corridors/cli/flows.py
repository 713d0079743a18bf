"""Commands about whole-world trade of one's own: import it, look at it, choose it for an answer."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corridors.cli.options import Place, kept_flows, known_commodities, shipped_world
from corridors.cli.terminal import Output, Shape, country_code, emit
from layers.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from layers.flows import Kept, Part, Tally

flows_app = typer.Typer(
    no_args_is_help=True,
    help="Trade of the whole world from a publisher's files, for --flows of other commands.",
)


class Publisher(StrEnum):
    """Whose format a file is in."""

    baci = "baci"
    comtrade = "comtrade"
    faostat = "faostat"
    eurostat = "eurostat"
    own = "own"


Which = Annotated[str, typer.Argument(help="source:year, also with @vintage.")]
Only = Annotated[
    list[str] | None, typer.Option("--commodity", "-c", help="Commodity id; may be given again.")
]
First = Annotated[str, typer.Option("--first", help="Whose word counts: importer or exporter.")]

MOST_NAMED = 12


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(flows_app, name="flows")


@flows_app.command("import")
def flows_import(
    files: Annotated[list[Path], typer.Argument(help="Files of one vintage: text, .gz or .zip.")],
    publisher: Annotated[Publisher, typer.Option("--as", help="Whose format it is.")],
    year: Annotated[list[int] | None, typer.Option(help="Only this year; may be repeated.")] = None,
    countries: Annotated[
        Path | None,
        typer.Option(help="The publisher's list of country codes (country_codes_….csv)."),
    ] = None,
    vintage: Annotated[
        str, typer.Option(help="Its name; else as the file's name tells, else the file's day.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over the same source, vintage and year.")
    ] = False,
    store: Place = None,
) -> None:
    """Read a publisher's files of trade between countries and keep what is of our commodities."""
    from layers.flows import FORMATS, countries_file, import_files, read_codes

    codes = read_codes()
    if countries is not None:
        codes = countries_file(codes, countries)
    found = import_files(
        kept_flows(store),
        files,
        FORMATS[publisher.value],
        codes,
        now=datetime.now(UTC),
        years=year or (),
        vintage=vintage,
        replace=replace,
        progress=_bar,
    )
    typer.echo(f"{found.tally.rows} rows read of {', '.join(f.name for f in files)}", err=True)
    for line in _told(found.tally):
        typer.echo(f"  {line}", err=True)
    for ref, rows in found.rows.items():
        typer.echo(f"{ref}: {rows} flows kept; use --flows {ref.source}:{ref.year}", err=True)


@flows_app.command("list")
def flows_list(store: Place = None, format: Shape = None, output: Output = None) -> None:
    """What was imported: source, year and vintage, of which files, when."""
    parts = kept_flows(store).parts()
    table = _parts_table(parts)
    emit(shipped_world(), "flows", f"{len(parts)} imported", table, format, output)


@flows_app.command("show")
def flows_show(
    which: Which,
    commodity: Only = None,
    importer: Annotated[str | None, typer.Option("--importer", "-i", help="ISO3 code.")] = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """The rows of an import as they are kept, the largest first; both sides where both told."""
    kept, world = kept_flows(store), shipped_world()
    part = _part(kept, which)
    wanted = known_commodities(world, commodity) or []
    buyers = [country_code(world, importer)] if importer else []
    table = kept.read(part, commodities=wanted, importers=buyers).to_pandas()
    table = table.sort_values("tonnes", ascending=False, kind="stable").reset_index(drop=True)
    table = table.rename(columns={"tonnes": "quantity_t", "usd": "value_usd"})
    note = f"{part.ref}, {part.publisher}; {part.licence}"
    emit(world, f"flows_{part.source}_{part.year}", note, table, format, output)


@flows_app.command("mirror")
def flows_mirror(
    which: Which,
    commodity: Only = None,
    first: First = "importer",
    least_t: Annotated[float, typer.Option(min=0, help="Leave out pairs both told less of.")] = 0.0,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """What importers said beside what exporters said of the same cargo, the widest apart first."""
    from layers.flows import mirror

    if first not in ("importer", "exporter"):
        raise UsageError(f"--first is importer or exporter, not {first!r}")
    kept, world = kept_flows(store), shipped_world()
    part = _part(kept, which)
    table = mirror(
        kept.read(part, commodities=known_commodities(world, commodity) or []), first=first
    )
    most = table[["importer_said_t", "exporter_said_t"]].max(axis=1)
    table = table[(most >= least_t).to_numpy() | (least_t == 0)].reset_index(drop=True)
    both = table["apart_t"].notna()
    said = table[both].sum(numeric_only=True)
    note = (
        f"{part.ref}: {int(both.sum())} pairs told by both sides, "
        f"importers {said['importer_said_t'] / 1e6:,.1f} Mt, "
        f"exporters {said['exporter_said_t'] / 1e6:,.1f} Mt; "
        f"{int((~both).sum())} by one side alone; the {first}'s word counts where there is one"
    )
    emit(world, f"mirror_{part.source}_{part.year}", note, table, format, output)


@flows_app.command("remove")
def flows_remove(which: Which, store: Place = None) -> None:
    """Delete an import; of source:year without @vintage every vintage."""
    from layers.flows import parse_ref

    gone = kept_flows(store).remove(parse_ref(which))
    typer.echo(f"removed {', '.join(map(str, gone))}", err=True)


def _bar(tables: Iterable[Any], what: str) -> Iterable[Any]:
    """The chunks of a file, counted on standard error once they take more than a second."""
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(
        tables, desc=what, unit=" chunks", file=sys.stderr, leave=False, delay=1.0, disable=None
    )
    return bar


def _told(tally: Tally) -> list[str]:
    """What was left out and why, the codes nobody knows by name."""
    lines = [f"left out: {n} {why}" for why, n in sorted(tally.left_out.items(), key=_count)]
    codes = sorted(tally.unknown.items(), key=lambda item: -item[1])
    named = [f"{column} {code} ({n})" for (column, code), n in codes[:MOST_NAMED]]
    if named:
        more = f" and {len(codes) - MOST_NAMED} more" if len(codes) > MOST_NAMED else ""
        lines.append(f"unknown country codes, rows in brackets: {', '.join(named)}{more}")
    return lines + [f"kept: {n} with {what}" for what, n in sorted(tally.noted.items())]


def _count(item: tuple[str, int]) -> int:
    return -item[1]


def _parts_table(parts: Sequence[Part]) -> pd.DataFrame:
    import pandas as pd

    columns = [
        "flows",
        "publisher",
        "vintage",
        "rows",
        "files",
        "imported_at",
        "left_out",
        "licence",
        "source_sha256",
    ]
    return pd.DataFrame([_part_row(part) for part in parts], columns=columns)


def _part_row(part: Part) -> Mapping[str, object]:
    return {
        "flows": str(part.ref),
        "publisher": part.publisher,
        "vintage": part.vintage,
        "rows": part.rows,
        "files": ", ".join(origin.name for origin in part.origins),
        "imported_at": f"{part.imported_at:%Y-%m-%dT%H:%M:%SZ}",
        "left_out": "; ".join(f"{n} {why}" for why, n in sorted(part.tally.left_out.items())),
        "licence": part.licence,
        "source_sha256": ", ".join(origin.sha256 for origin in part.origins),
    }


def _part(kept: Kept, which: str) -> Part:
    from layers.flows import parse_ref

    return kept.part(parse_ref(which))
