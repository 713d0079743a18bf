"""Whole-world trade that people have already: read, checked, kept, and put in a world's place.

``FORMATS`` are what is understood, `import_files` reads them, `Kept` is the folder of Parquet
files, `mirror` sets the two sides of a cargo beside each other, `take` makes a world of them. One
file a format: ``baci``, ``comtrade``, ``faostat``, ``eurostat``, ``own``.
"""

from layers.flows.codes import Codes, countries_file, read_codes
from layers.flows.importing import FORMATS, Imported, import_files
from layers.flows.kept import Kept, Part, Ref, parse_ref
from layers.flows.mirror import mirror
from layers.flows.shape import FLOW, Format, Tally
from layers.flows.taken import Taken, take

__all__ = [
    "FLOW",
    "FORMATS",
    "Codes",
    "Format",
    "Imported",
    "Kept",
    "Part",
    "Ref",
    "Taken",
    "Tally",
    "countries_file",
    "import_files",
    "mirror",
    "parse_ref",
    "read_codes",
    "take",
]
