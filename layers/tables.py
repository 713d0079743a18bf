"""Every table of data/: its columns, types, units, keys and meanings.

``TABLES`` is the one place where a column is described; ``layers.schema`` checks tables by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from layers.errors import UnknownIdError

__all__ = ["QUALITIES", "TABLES", "Field", "Table"]

Kind = Literal["text", "number", "whole"]

QUALITIES = ("official", "secondary", "estimate", "memory")
"""How well a figure is known: a statistic of an office; one published compilation; computed or
judged from others; recalled and unchecked."""

YES_NO = ("yes", "no")
STATUSES = ("operating", "construction", "planned", "idle", "damaged", "closed")
ELEMENT = r"(chokepoint|port|pipeline|railway):[A-Za-z0-9_]+"
ID = r"[A-Za-z0-9_]+"
COUNTRY = r"[A-Z]{3}|EU27"
ORIGIN = r"[A-Z]{3}|EU27|R_[A-Z]+"
ORIGIN_OR_GROUP = r"[A-Z0-9]+|R_[A-Z]+"
DAY = r"\d{4}-\d\d-\d\d"
HAZARDS = (
    *("geopolitical", "conflict", "terrorist", "piracy"),
    *("tropical_cyclone", "blockage", "drought", "earthquake"),
)
"""Causes of closures in the long records."""
DECLARED = ("open", "restricted", "closed")
"""What an authority may declare of an element."""
READERS = ("central_agency", "local_government", "embassy", "security_company", "enterprise")
"""Who bulletins are written for."""
PHASES = ("monitor", "prepare", "act", "recover")
LEVELS = ("blue", "yellow", "orange", "red")
SITES = ("strait", "canal", "port", "railway", "pipeline")
"""Kinds of element that ask for different deeds; capes and open waters count as straits."""
NEEDS = ("next_best", "stock", "landings", "no_way")
"""What an action rests on: another way, stocks to draw, known ports of landing, cargo without any
other way."""
EVENT_KINDS = (
    *("security_incident", "infrastructure", "policy", "conflict", "hazard", "nav_warning"),
    *("advisory", "sanction", "water_level", "flow_anomaly", "price_move"),
)
"""Kinds of events, here and in the feeds."""


@dataclass(frozen=True)
class Field:
    """One column of a table.

    Attributes
    ----------
    name
        Heading of the column.
    title
        What the column means, in a few words.
    kind
        ``text`` (never missing, empty means not known or none), ``number`` (may be missing) or
        ``whole`` (never missing).
    unit
        Unit of a number; ``1`` for a share or ratio, empty for text.
    required
        An empty cell is a fault.
    minimum, maximum
        Bounds, both allowed.
    above
        Bound that is not allowed itself.
    allowed
        The only values allowed; empty for any.
    pattern
        Regular expression a whole cell must match.
    listed
        The cell is a list separated by ``;`` and `allowed` or `pattern` hold for each part.
    """

    name: str
    title: str
    kind: Kind = "text"
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    listed: bool = False


@dataclass(frozen=True)
class Table:
    """One table: what a row is, which columns tell rows apart, and the columns in order."""

    title: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The column of that name.

        Raises
        ------
        UnknownIdError
            When the table has no such column.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise UnknownIdError("column", name, [field.name for field in self.fields])


def _text(name: str, title: str, *, required: bool = False, pattern: str = "") -> Field:
    return Field(name, title, required=required, pattern=pattern)


def _list(name: str, title: str, *, pattern: str = "", allowed: tuple[str, ...] = ()) -> Field:
    return Field(name, title, pattern=pattern, allowed=allowed, listed=True)


def _choice(name: str, title: str, allowed: tuple[str, ...], *, required: bool = True) -> Field:
    return Field(name, title, required=required, allowed=allowed)


def _number(
    name: str,
    title: str,
    unit: str,
    *,
    required: bool = False,
    minimum: float | None = 0,
    maximum: float | None = None,
    above: float | None = None,
) -> Field:
    return Field(
        name,
        title,
        kind="number",
        unit=unit,
        required=required,
        minimum=None if above is not None else minimum,
        maximum=maximum,
        above=above,
    )


def _key(name: str, title: str, pattern: str = ID) -> Field:
    return Field(name, title, required=True, pattern=pattern)


def _share(name: str, title: str, *, required: bool = True) -> Field:
    return _number(name, title, "1", required=required, minimum=0, maximum=1)


def _position(suffix: str = "", *, what: str = "") -> tuple[Field, Field]:
    of = f" of {what}" if what else ""
    return (
        _number(f"lon{suffix}", f"Longitude{of}", "deg", required=True, minimum=-180, maximum=180),
        _number(f"lat{suffix}", f"Latitude{of}", "deg", required=True, minimum=-90, maximum=90),
    )


NAMES = (
    _text("name_en", "Name in English", required=True),
    _text("name_zh", "Name in Chinese", required=True),
)
SAYS_WHO = (
    _text("source", "Who says so", required=True),
    Field("quality", "How well it is known", required=True, allowed=QUALITIES),
    _text("note", "Remark"),
)
YEAR = Field("year", "Year of the figure", kind="whole", unit="yr", minimum=1900, maximum=2100)
TAIL = (SAYS_WHO[0], YEAR, *SAYS_WHO[1:])
LINE_ENDS = (
    _text("from_port", "Port at the start where cargo lands; empty: inland", pattern=ID),
    _text("to_port", "Port at the end where cargo loads; empty: inland", pattern=ID),
)
WKT = _text(
    "wkt", "Line, lon lat, from the start to the end", required=True, pattern=r"LINESTRING.*"
)

TABLES: Mapping[str, Table] = {
    "countries": Table(
        "Countries and the European Union, with the groups they belong to",
        ("country",),
        (
            _key("country", "ISO 3166-1 alpha-3 code, or EU27", COUNTRY),
            _text("iso2", "ISO 3166-1 alpha-2 code", pattern=r"[A-Z]{2}"),
            *NAMES,
            *_position(what="a point inside"),
            _list("groups", "Groups the country belongs to", pattern=r"[A-Z0-9]+"),
            _list(
                "neighbours",
                "Countries it shares a land border or a crossing with",
                pattern=COUNTRY,
            ),
            *TAIL,
        ),
    ),
    "chokepoints": Table(
        "Passages, each with the gate line laid across it",
        ("chokepoint",),
        (
            _key("chokepoint", "Id"),
            *NAMES,
            _choice("kind", "What it is", ("strait", "canal", "cape", "risk_area", "seasonal")),
            _text("portwatch_id", "Id in IMF PortWatch", pattern=ID),
            *_position("1", what="one end of the gate"),
            *_position("2", what="the other end of the gate"),
            _choice("open", "Open to trade without a scenario", YES_NO),
            *TAIL,
        ),
    ),
    "passage_limits": Table(
        "Size of ship that may pass: one fitting row is enough, no row is no limit",
        ("passage", "max_beam_m"),
        (
            _key("passage", "Element the limit is of", ELEMENT),
            _number("max_beam_m", "Greatest beam; empty: no limit", "m", above=0),
            _number("max_draft_m", "Greatest draft at that beam; empty: no limit", "m", above=0),
            *TAIL,
        ),
    ),
    "passage_costs": Table(
        "What a laden transit costs in money and time",
        ("passage", "ship_class"),
        (
            _key("passage", "Element the cost is of", ELEMENT),
            _key("ship_class", "Ship class"),
            _number("toll_usd", "Toll or tariff of a laden transit", "USD", required=True),
            _number("delay_d", "Waiting and handling", "d", required=True),
            *TAIL,
        ),
    ),
    "sea_links": Table(
        "Sea links that the sea network lacks",
        ("link",),
        (
            _key("link", "Id"),
            *_position("1", what="one end"),
            *_position("2", what="the other end"),
            _number("length_km", "Length", "km", required=True, above=0),
            _text("passage", "Element the link passes", pattern=ELEMENT),
            *TAIL,
        ),
    ),
    "ports": Table(
        "Ports, terminals, anchorages and border stations where cargo changes mode",
        ("port",),
        (
            _key("port", "UN/LOCODE where there is one, else a name"),
            *NAMES,
            _key("country", "Country", COUNTRY),
            *_position(),
            _list("roles", "What it handles, such as crude_export", pattern=r"[a-z_]+"),
            _number("depth_m", "Depth, a lower bound", "m", above=0),
            _text("operator", "Operator"),
            _text("stake_holder", "Overseas holder of a stake"),
            _share("stake_share", "Share of that stake", required=False),
            _text("stake_since", "Year of that stake"),
            _number("annual_t", "Cargo of a year or of the months named", "t"),
            _text("annual_year", "Year, or months, of that cargo"),
            *TAIL,
        ),
    ),
    "railways": Table(
        "Railways, and the one inland waterway that works like one",
        ("railway",),
        (
            _key("railway", "Id"),
            *NAMES,
            _text("from_place", "Place at the start", required=True),
            _text("to_place", "Place at the end", required=True),
            _list("countries", "Countries passed, in order", pattern=COUNTRY),
            _text("gauge_mm", "Gauge by country"),
            _text("gauge_breaks", "Where the gauge changes"),
            _choice("status", "Status", STATUSES),
            _text("opened", "Opening date or year"),
            _number("capacity_t_y", "Capacity; empty: not found", "t/yr", above=0),
            _number("recent_t_y", "Cargo of a recent year; empty: not found", "t/yr"),
            _text("recent_year", "That year"),
            _number("length_km", "Length; empty: not found", "km", above=0),
            *LINE_ENDS,
            _list("stations", "Stations drawn, in order"),
            WKT,
            *TAIL,
        ),
    ),
    "pipelines": Table(
        "Oil and gas pipelines",
        ("pipeline",),
        (
            _key("pipeline", "Id"),
            *NAMES,
            _key("commodity", "Commodity carried"),
            _text("from_place", "Place at the start", required=True),
            _key("from_country", "Country of the start", COUNTRY),
            _text("to_place", "Place at the end", required=True),
            _key("to_country", "Country of the end", COUNTRY),
            _list("countries", "Countries passed, in order", pattern=COUNTRY),
            _number("capacity_t_y", "Capacity; empty: not found", "t/yr", above=0),
            _number("throughput_t_y", "Cargo of a recent year; empty: not found", "t/yr"),
            _text("throughput_year", "That year"),
            _choice("status", "Status", STATUSES),
            _choice("direction", "May it run backwards", ("one_way", "reversible")),
            _number("length_km", "Length", "km", required=True, above=0),
            *LINE_ENDS,
            WKT,
            *TAIL,
        ),
    ),
    "gateways": Table(
        "Where a country's trade of a commodity is loaded or landed",
        ("country", "commodity", "direction", "counterpart", "gateway", "via"),
        (
            _key("country", "Country whose trade it is", COUNTRY),
            _key("commodity", "Commodity"),
            _choice("direction", "import or export", ("import", "export")),
            _text("counterpart", "Partner the set is for; empty: all others", pattern=ID),
            _key("gateway", "Port or line, as an element", ELEMENT),
            _share("share", "Share of the trade of that set"),
            _list("via", "Elements passed before loading or after landing", pattern=ELEMENT),
            YEAR,
            *SAYS_WHO,
        ),
    ),
    "regions": Table(
        "Countries that stand for an origin region, so that it has ports",
        ("region", "commodity", "country"),
        (
            _key("region", "Region", r"R_[A-Z]+"),
            _key("commodity", "Commodity"),
            _key("country", "Country", COUNTRY),
            _share("share", "Share of the region's trade"),
            *TAIL,
        ),
    ),
    "corridors": Table(
        "Named chains of elements a route can follow",
        ("corridor",),
        (
            _key("corridor", "Id"),
            *NAMES,
            _choice("mode", "Sea, land or both", ("sea", "land", "mixed")),
            _list("commodities", "Commodities it is known for", pattern=ID),
            _list("origins", "Countries or groups it starts in; empty: any", pattern=ID),
            _list("destinations", "Countries or groups it ends in; empty: any", pattern=ID),
            Field(
                "via",
                "Elements passed, in order; a bar separates equals",
                required=True,
                pattern=rf"{ELEMENT}(\|{ELEMENT})*",
                listed=True,
            ),
            *TAIL,
        ),
    ),
    "commodities": Table(
        "Commodities, their units and what carries them",
        ("commodity",),
        (
            _key("commodity", "Id"),
            *NAMES,
            _choice("group", "Group", ("energy", "grain", "fertiliser")),
            _list("hs", "Codes of the Harmonized System", pattern=r"\d{4,6}"),
            _list("modes", "Modes that carry it", allowed=("sea", "pipeline", "rail")),
            _list("ship_classes", "Ship classes that carry it, best first", pattern=ID),
            _text("port_role", "What its ports handle: crude for crude_import", pattern=r"[a-z_]+"),
            _number("energy_gj_t", "Heat value", "GJ/t", above=0),
            _number("food_kcal_kg", "Food energy", "kcal/kg", above=0),
            _number("price_usd_t", "Price", "USD/t", required=True, above=0),
            _text("native_unit", "Unit the trade speaks", required=True),
            _number(
                "t_per_native", "Tonnes a year in one such unit", "t/yr", required=True, above=0
            ),
            _text("national", "Name in the table of national figures"),
            *TAIL,
        ),
    ),
    "ship_classes": Table(
        "Ship classes, laden",
        ("ship_class",),
        (
            _key("ship_class", "Id"),
            *NAMES,
            _number("cargo_t", "Cargo", "t", required=True, above=0),
            _number("deadweight_t", "Deadweight", "t", required=True, above=0),
            _number("draft_m", "Laden draft", "m", required=True, above=0),
            _number("beam_m", "Beam", "m", required=True, above=0),
            _number("speed_kn", "Speed", "kn", required=True, above=0),
            _number("fuel_t_d", "Fuel at that speed", "t/d", required=True, above=0),
            _number("hire_usd_d", "Hire", "USD/d", required=True, above=0),
            _number("hull_value_usd", "Value of the hull", "USD", required=True, above=0),
            *TAIL,
        ),
    ),
    "flows": Table(
        "Trade: importer, commodity, year, origin",
        ("importer", "commodity", "year", "origin"),
        (
            _key("importer", "Importing country", COUNTRY),
            _key("commodity", "Commodity"),
            YEAR,
            _key("origin", "Country or region of origin", ORIGIN),
            _number("quantity_t", "Trade of the year", "t", required=True),
            _number("value_usd", "Value; empty: not given", "USD"),
            Field("base", "1 in the base year", kind="whole", unit="1", minimum=0, maximum=1),
            _text("basis", "How the figure was made"),
            *SAYS_WHO,
        ),
    ),
    "relabels": Table(
        "Switches that count a booked origin as another",
        ("switch", "option", "importer", "commodity", "origin", "new_origin"),
        (
            _key("switch", "Switch"),
            _key("option", "Option that applies the row"),
            _key("importer", "Importing country", COUNTRY),
            _key("commodity", "Commodity"),
            _key("origin", "Origin as booked", ORIGIN),
            _key("new_origin", "Origin it counts as", ORIGIN),
            _share("share", "Share of the flow that moves"),
            *TAIL,
        ),
    ),
    "national": Table(
        "Consumption, production, stocks and dependence by country",
        ("country", "commodity", "metric", "year", "unit", "source"),
        (
            _key("country", "Country", COUNTRY),
            _key("commodity", "Commodity"),
            _key("metric", "What is measured"),
            _text("year", "Year, month, day or season", required=True),
            _number("value", "Value; empty: the note says it in words", "as in unit"),
            _text("unit", "Unit of the value", required=True),
            *SAYS_WHO,
        ),
    ),
    "assumptions": Table(
        "Numbers the model assumes, each with a range",
        ("assumption",),
        (
            _key("assumption", "Id"),
            _number("low", "Low end", "as in unit", required=True, minimum=None),
            _number("central", "Value used", "as in unit", required=True, minimum=None),
            _number("high", "High end", "as in unit", required=True, minimum=None),
            _text("unit", "Unit", required=True),
            *NAMES,
            *TAIL,
        ),
    ),
    "hazards": Table(
        "How often, how long and how badly each chokepoint is closed, by cause, from long records",
        ("chokepoint", "cause"),
        (
            _key("chokepoint", "Chokepoint"),
            _choice("cause", "Cause", HAZARDS),
            _number("return_period_y", "Mean time between events", "yr", required=True, above=0),
            _number("duration_d", "Mean length of an event", "d", required=True),
            _share("severity", "Share of the traffic lost while it lasts"),
            _number("record_y", "Length of the record behind it", "yr", required=True, above=0),
            *TAIL,
        ),
    ),
    "chokepoint_trade": Table(
        "Trade that passes each chokepoint whose hazards are known, each flow counted once",
        ("chokepoint",),
        (
            _key("chokepoint", "Chokepoint"),
            _number("value_usd_y", "Value of the trade", "USD/yr", required=True),
            _number("cargo_t_y", "Cargo", "t/yr", required=True),
            _number("detour_km", "Extra distance round it; empty: no way round", "km", above=0),
            *TAIL,
        ),
    ),
    "disruptions": Table(
        "Dated disruptions of traffic, and look-alikes that were none",
        ("disruption",),
        (
            _key("disruption", "Id"),
            _list("elements", "Elements it struck; empty: none of ours", pattern=ELEMENT),
            *NAMES,
            _choice("kind", "Kind of event", EVENT_KINDS),
            _text("subtype", "What it was, in a word or two"),
            _choice(
                "role",
                "A disruption, part of another one, a look-alike, or more traffic than usual",
                ("disruption", "knock_on", "control", "surge"),
            ),
            _choice("hazard", "Cause whose rate it updates; empty: none", HAZARDS, required=False),
            _text("start", "First day; empty: several, not dated", pattern=DAY),
            _text("fall_from", "Day traffic began to fall; empty: the first day", pattern=DAY),
            _text("end", "Last day; empty: not ended when last looked at", pattern=DAY),
            _text("as_of", "Day it was last looked at", required=True, pattern=DAY),
            _number("lon", "Longitude where there is no element", "deg", minimum=-180, maximum=180),
            _number("lat", "Latitude where there is no element", "deg", minimum=-90, maximum=90),
            _number("observed_ratio", "Traffic over usual traffic; empty: not measured", "1"),
            _text("ratio_basis", "What was compared with what"),
            Field(
                "severity", "0 info to 4 extreme", kind="whole", unit="0-4", minimum=0, maximum=4
            ),
            _text("severity_basis", "Rule that set the severity", required=True),
            *TAIL,
        ),
    ),
    "transits": Table(
        "Mean ships a day through each chokepoint, by year and some months",
        ("chokepoint", "period"),
        (
            _key("chokepoint", "Chokepoint"),
            _key("period", "Year, or year and month", r"\d{4}(-\d\d)?"),
            _number("days", "Days the mean is of", "d", required=True, above=0, maximum=366),
            _number("transits_d", "All ships", "1/d", required=True),
            _number("tanker_transits_d", "Tankers", "1/d"),
            _number("dry_bulk_transits_d", "Dry bulk carriers", "1/d"),
            _number("container_transits_d", "Container ships", "1/d"),
            _number("capacity_t_d", "Deadweight of all ships", "t/d"),
            *TAIL,
        ),
    ),
    "capacities": Table(
        "What an element can carry where the tables of lines do not say it, or say a nameplate",
        ("element", "commodity"),
        (
            _key("element", "Element", ELEMENT),
            _text("commodity", "Commodity the limit is for; empty: all together", pattern=ID),
            _number("capacity_t_y", "Most it can carry or load; empty: counted in ships", "t/yr"),
            _number("capacity_transits_d", "Most ships; empty: counted in tonnes", "1/d", above=0),
            _number("usual_transits_d", "Ships in a usual year; empty: counted in tonnes", "1/d"),
            _text("owner", "The one exporter that may use it; empty: anyone", pattern=COUNTRY),
            *TAIL,
        ),
    ),
    "stocks": Table(
        "Stocks, how fast they can be drawn, and the home harvest of grain",
        ("country", "commodity"),
        (
            _key("country", "Country", COUNTRY),
            _key("commodity", "Commodity"),
            _number("stock_t", "Held in all, by government and trade", "t", required=True),
            _number("strategic_t", "Of which held by or for the government; empty: not known", "t"),
            _number("working_t", "Of which can never be used; empty: not known", "t"),
            _number("draw_t_d", "Most that can be drawn; empty: not known", "t/d", above=0),
            _text("draw_basis", "Where that limit comes from"),
            _number("harvest_t_y", "Home harvest of grain; empty: none or not known", "t/yr"),
            _number("harvest_from", "First month of it", "1-12", minimum=1, maximum=12),
            _number("harvest_to", "Last month of it", "1-12", minimum=1, maximum=12),
            _number("use_t_y", "Home use; empty: not known", "t/yr", above=0),
            *TAIL,
        ),
    ),
    "spare_supply": Table(
        "Suppliers that could export more, how soon and at what price above the usual",
        ("country", "commodity"),
        (
            _key("country", "Supplier", COUNTRY),
            _key("commodity", "Commodity"),
            _number("spare_t_y", "Exports on top of the usual", "t/yr", required=True),
            _number("premium_usd_t", "Price above the usual one", "USD/t", required=True),
            _number("ready_d", "Time until it flows", "d", required=True),
            *TAIL,
        ),
    ),
    "warning_model": Table(
        "Weights of the probability that traffic falls, fitted on the record of daily traffic",
        ("term",),
        (
            _key("term", "Term of the model"),
            _number(
                "weight_14d",
                "Weight in the log odds, 14 days ahead",
                "1",
                required=True,
                minimum=None,
            ),
            _number(
                "weight_30d",
                "Weight in the log odds, 30 days ahead",
                "1",
                required=True,
                minimum=None,
            ),
            _number(
                "prior_mean",
                "What was believed before the record",
                "1",
                required=True,
                minimum=None,
            ),
            _number("prior_sd", "How doubtful that was", "1", required=True, above=0),
            _text("meaning", "What the term is", required=True),
            *TAIL,
        ),
    ),
    "warning_results": Table(
        "How good the warnings would have been on the record, beside the rules of others",
        ("rule", "measure"),
        (
            _key("rule", "Rule"),
            _choice("whose", "Whose rule it is", ("ours", "others")),
            _key("measure", "What was measured"),
            _number("value", "What came out; empty: never", "1", minimum=None),
            _text("unit", "Its unit", required=True),
            *TAIL,
        ),
    ),
    "declarations": Table(
        "What an authority has declared of a passage, port or line; what is seen there is apart",
        ("declaration",),
        (
            _key("declaration", "Id"),
            _key("element", "Element", ELEMENT),
            _choice("declared", "What it was declared to be", DECLARED),
            _text("declared_by", "Who declared it", required=True),
            Field("at", "Day it was declared", required=True, pattern=DAY),
            _text("until", "Last day it held; empty: until another declaration", pattern=DAY),
            *TAIL,
        ),
    ),
    "actions": Table(
        "What each reader of a bulletin can do, by phase and lowest level",
        ("action",),
        (
            _key("action", "Id"),
            _choice("reader", "Who can do it", READERS),
            _choice("phase", "When in the course of things", PHASES),
            _choice("level", "Lowest level it is for", LEVELS),
            _list("elements", "Kinds of element it fits; empty: all", allowed=SITES),
            _choice("cargo", "Cargo it fits; empty: all", ("energy", "grain"), required=False),
            _choice("needs", "What must be known to say it; empty: nothing", NEEDS, required=False),
            _text("text_en", "What to do, in English", required=True),
            _text("text_zh", "What to do, in Chinese", required=True),
            SAYS_WHO[0],
            _text("source_zh", "Who says so, in Chinese", required=True),
            *TAIL[1:],
        ),
    ),
    "whatif_results": Table(
        "Published results of closures that happened or were worked out; never an input",
        ("id",),
        (
            _key("id", "Id"),
            _text("what", "What is compared, in words", required=True),
            _key("scenario", "Scenario it is the result of"),
            _key("measure", "How ours is computed", r"[a-z][a-z0-9_]*"),
            _number("value", "Value published; empty: a range", "as in unit", minimum=None),
            _number("low", "Low end published", "as in unit", minimum=None),
            _number("high", "High end published", "as in unit", minimum=None),
            _text("unit", "Unit", required=True),
            _number("tolerance", "Allowed difference", "as in unit", required=True),
            SAYS_WHO[0],
            _text("source_url", "Address", pattern=r"https?://\S+"),
            YEAR,
            *SAYS_WHO[1:],
        ),
    ),
    "published_results": Table(
        "Published results to compare ours with; never an input",
        ("id",),
        (
            _key("id", "Id"),
            _text("what", "What is compared, in words", required=True),
            _text("measure", "How ours is computed; empty: it cannot be", pattern=r"[a-z_]+"),
            _choice("applies", "Do the bundled data speak to it", YES_NO),
            _list("importer", "Importing countries, groups of them or WLD", pattern=r"[A-Z0-9]+"),
            _list("commodity", "Commodities, counted together", pattern=ID),
            _list("elements", "Elements, any of which counts; or passages shut", pattern=ELEMENT),
            _list("origins", "Countries or groups of origin", pattern=ORIGIN_OR_GROUP),
            _list("excluded", "Origins left out of the whole", pattern=ORIGIN_OR_GROUP),
            _list("destinations", "Importers the cargo goes to", pattern=ORIGIN_OR_GROUP),
            _list("ports", "Port of loading and port of landing", pattern=ELEMENT),
            _text("ship_class", "Ship class of a voyage", pattern=ID),
            _text("switch", "Assumption switched, name=option", pattern=rf"{ID}={ID}"),
            Field("flow_year", "Year of the flows used", kind="whole", unit="yr", minimum=1900),
            _number("world_total", "Published size of the whole trade", "as in unit", above=0),
            _number("low", "Low end published", "as in unit", minimum=None),
            _number("value", "Value published", "as in unit", minimum=None),
            _number("high", "High end published", "as in unit", minimum=None),
            _text("unit", "Unit", required=True),
            _text("figure_year", "Year or period of the figure", required=True),
            _number("tolerance", "Allowed difference", "as in unit; points for %"),
            _choice("tolerance_source", "Who set it", ("published", "chosen"), required=False),
            _text("why", "What separates the two figures, or what lacks"),
            SAYS_WHO[0],
            _text("source_url", "Address", pattern=r"https?://\S+"),
            YEAR,
            *SAYS_WHO[1:],
        ),
    ),
    "distances": Table(
        "Published port-to-port distances to compare ours with; never an input",
        ("from_port", "to_port"),
        (
            _text("from_port", "Port at the start", required=True),
            _text("to_port", "Port at the end", required=True),
            *(replace(f, name=f"from_{f.name}") for f in _position(what="the start")),
            *(replace(f, name=f"to_{f.name}") for f in _position(what="the end")),
            _number("distance_nm", "Distance", "nm", required=True, above=0),
            *TAIL,
        ),
    ),
    "trade_areas": Table(
        "Codes by which trade statistics name countries, and the country each counts as",
        ("scheme", "code"),
        (
            _choice("scheme", "Whose codes", ("m49", "iso2")),
            _key("code", "Code"),
            _text(
                "country",
                "Country it counts as; R_OTH: a place not told; empty: a group of countries",
                pattern=r"[A-Z]{3}|R_OTH",
            ),
            _text("name", "Name", required=True),
            *TAIL,
        ),
    ),
    "trade_codes": Table(
        "Codes of goods besides the Harmonized System of commodities.csv, and codes inside it",
        ("scheme", "code"),
        (
            _choice("scheme", "Whose codes", ("hs", "fao")),
            _key("code", "Code or its beginning", r"\d+"),
            _key("commodity", "Commodity"),
            _number("t_per_t", "Tonnes of the commodity in one as weighed", "1", above=0),
            Field(
                "first",
                "Of codes that hold the same goods the lowest is taken",
                kind="whole",
                unit="1",
                minimum=1,
                maximum=9,
            ),
            *TAIL,
        ),
    ),
    "exchange_rates": Table(
        "Mean rate of a year, for values that are not in dollars",
        ("currency", "year"),
        (
            _key("currency", "Currency", r"[A-Z]{3}"),
            YEAR,
            _number("usd", "Dollars in one unit", "USD", required=True, above=0),
            *SAYS_WHO,
        ),
    ),
    "sources": Table(
        "Files of this folder and who they come from",
        ("file",),
        (
            _key("file", "File name", r"[\w.\-]+"),
            _text("title", "What it holds", required=True),
            _text("publisher", "Publisher", required=True),
            _text("licence", "Licence", required=True),
            _text("url", "Address", pattern=r"https?://\S+"),
            _text("sha256", "Hash of the file when it was last checked", pattern=r"[0-9a-f]{64}"),
            _text("note", "Attribution owed, remarks"),
        ),
    ),
}
"""Every table of data/ that is part of the world, by file stem."""
