"""Which language a page is served in, and its words: catalogues of Babel, read when this module is first used.

Texts in the source are English, so English needs no catalogue. A message is looked up with its plural form; values are
put in with `%(name)s` afterwards.
"""

from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE = "en"
DOMAIN = "messages"


class Words:
    """The texts and the locale of one language. `gettext` and `ngettext` are also the names that extraction knows."""

    def __init__(self, code: str, catalogue: NullTranslations) -> None:
        self.code = code
        # Days before months, as everybody writes but one country.
        self.locale = Locale("en", "GB") if code == SOURCE else Locale(code)
        self.catalogue = catalogue

    def gettext(self, message: str, **values: object) -> str:
        """The message in this language."""
        text: str = self.catalogue.gettext(message)
        return text % values if values else text

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """The message in this language in the form for `number`, which is also the value `number`."""
        text: str = self.catalogue.ngettext(one, many, number)
        return text % {"number": number, **values}


@cache
def words(code: str) -> Words:
    """The words of a language of ours."""
    if code == SOURCE:
        return Words(code, NullTranslations())
    source = files("dav_gateway.web") / "catalogues" / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Words(code, Translations(compiled))


def choose(offered: tuple[str, ...], *wishes: str | None, accept: str = "") -> str:
    """The first wish that is offered, then what Accept-Language (RFC 9110, 12.5.4) likes best, then the first offer."""
    for wish in wishes:
        if wish in offered:
            return wish
    ranked: list[tuple[float, str]] = []
    for part in accept[:200].split(","):
        tag, _, weight = part.partition(";")
        code = tag.strip().lower().partition("-")[0]
        if code in offered:
            ranked.append((_weight(weight), code))
    best = max(ranked, key=lambda each: each[0], default=(0.0, ""))
    return best[1] if best[0] > 0 else offered[0]


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(1.0, float(value))
    except ValueError:
        return 0.0
