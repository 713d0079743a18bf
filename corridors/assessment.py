"""The steps in order, and the page to read first: world → network → routes → trade dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from corridors.demand import BASE_YEAR, from_origins, select_flows
from corridors.gates import build_network
from corridors.network import Network, Remember
from corridors.sailings import Progress
from corridors.trade import Basis, basis_of, remembered_trade, trade_dataset
from layers.errors import UnknownIdError

if TYPE_CHECKING:
    import xarray as xr

    from layers.world import World


def assess(
    world: World,
    *,
    importers: Sequence[str] | None = None,
    commodities: Sequence[str] | None = None,
    year: int = BASE_YEAR,
    switches: Mapping[str, str] | None = None,
    origins: Sequence[str] | None = None,
    closed: Sequence[str] = (),
    building: Sequence[str] = (),
    named_corridors: bool = True,
    network: Network | None = None,
    basis: Basis | None = None,
    remember: Remember | None = None,
    progress: Progress = lambda things, _: things,
) -> xr.Dataset:
    """Where the imports of some countries travel, as one labelled dataset.

    Parameters
    ----------
    world
        From ``layers.load_world``.
    importers, commodities, year, switches
        See ``corridors.demand.select_flows``; everything in the base year when not given.
    origins
        Exporters to keep. One that sells nothing to an importer in the data is asked about all the
        same, with one tonne in place of a quantity, so that its routes can be seen.
    closed
        Element ids of passages to shut.
    building
        Element ids of lines under construction that may be used.
    named_corridors
        Whether to find which named corridors the routes follow; a tenth of the time.
    network
        A network built before, to save a second or two.
    basis
        From ``corridors.trade.basis_of``, in place of a network: saves a third of the time of each
        question where many are asked. Not for lines under construction.
    remember
        Keeps what was measured, and what was asked, between runs (``layers.memory.remember``).

    Returns
    -------
    Dataset
        See ``corridors.trade``; the functions of ``corridors.metrics`` read it.

    Raises
    ------
    UnknownIdError
        For an importer, commodity, year, switch, passage or line that is not in the data.
    """
    for line in building:
        if line not in world.elements():
            raise UnknownIdError("line", line, world.elements())

    def make() -> xr.Dataset:
        flows = select_flows(
            world, importers=importers, commodities=commodities, year=year, switches=switches
        )
        if origins is not None:
            flows = from_origins(world, flows, origins, importers or (), commodities or (), year)
        used = basis or basis_of(
            world, network or load_network(world, remember=remember), building=building
        )
        return trade_dataset(
            world,
            used,
            flows,
            closed=used.network.word(closed),
            named_corridors=named_corridors,
            progress=progress,
        )

    if remember is None or network is not None or basis is not None:
        return make()
    asked = (importers, commodities, year, switches, origins, closed, building, named_corridors)
    return remembered_trade(world, repr(asked), make, remember)


def load_network(world: World, *, remember: Remember | None = None) -> Network:
    """The gate graph of a world."""
    return build_network(world, remember=remember)
