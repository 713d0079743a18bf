"""Every word of the app: one table a page, one column a language.

A row is ``key: (English, Chinese)``. What stands in braces is filled in; names come from the
tables of data/.
"""

from __future__ import annotations

from corridors.ui.words.common import COMMON
from corridors.ui.words.data import DATA
from corridors.ui.words.exposure import EXPOSURE
from corridors.ui.words.warnings import WARNINGS
from corridors.ui.words.whatif import WHATIF
from corridors.ui.words.who import WHO
from layers.errors import UnknownIdError

LANGUAGES = {"en": "English", "zh": "中文"}

TABLES = (COMMON, EXPOSURE, WHATIF, WARNINGS, DATA, WHO)
WORDS: dict[str, tuple[str, str]] = {key: row for table in TABLES for key, row in table.items()}


def word(key: str, lang: str, **parts: str) -> str:
    """The word or sentence in a language, its braces filled.

    Raises
    ------
    UnknownIdError
        For a word that is not in the table or a language it has no column for.
    """
    columns = list(LANGUAGES)
    if lang not in columns:
        raise UnknownIdError("language", lang, columns)
    if key not in WORDS:
        raise UnknownIdError("word", key, list(WORDS))
    return WORDS[key][columns.index(lang)].format(**parts)
