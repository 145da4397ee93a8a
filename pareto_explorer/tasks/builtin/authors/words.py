"""The words that facts about authors are made of."""

from __future__ import annotations

__all__ = ["COUNTRIES", "KINDS", "NAMES", "REFUSALS"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES: tuple[tuple[str, ...], ...] = (
    _words("bel cor dra el fen gor hal il jor kel lor mar"),
    _words("##an ##bo ##cia ##dor ##eth ##fa ##gan ##ia ##mon ##na ##rin ##to"),
    _words("ash brun cal dor esk fal grim hol ist kor lin mor"),
    _words("##bar ##by ##den ##ford ##gar ##ham ##lund ##mer ##ov ##sen ##ter ##wick"),
)
"""The syllables of a name, one of each: of its first word and of its last."""

COUNTRIES: dict[str, tuple[str, str, str]] = {
    "argentina": ("buenos-aires", "rosario", "cordoba"),
    "austria": ("vienna", "graz", "linz"),
    "brazil": ("brasilia", "recife", "salvador"),
    "canada": ("ottawa", "toronto", "calgary"),
    "chile": ("santiago", "valparaiso", "concepcion"),
    "egypt": ("cairo", "alexandria", "luxor"),
    "finland": ("helsinki", "turku", "tampere"),
    "france": ("paris", "lyon", "nantes"),
    "germany": ("berlin", "munich", "dresden"),
    "greece": ("athens", "patras", "volos"),
    "hungary": ("budapest", "szeged", "debrecen"),
    "india": ("delhi", "mumbai", "jaipur"),
    "iran": ("tehran", "shiraz", "isfahan"),
    "ireland": ("dublin", "cork", "galway"),
    "italy": ("rome", "turin", "verona"),
    "japan": ("tokyo", "osaka", "sapporo"),
    "kenya": ("nairobi", "mombasa", "kisumu"),
    "morocco": ("rabat", "fez", "tangier"),
    "norway": ("oslo", "bergen", "tromso"),
    "peru": ("lima", "cusco", "arequipa"),
    "poland": ("warsaw", "krakow", "gdansk"),
    "portugal": ("lisbon", "porto", "coimbra"),
    "spain": ("madrid", "seville", "bilbao"),
    "turkey": ("ankara", "izmir", "bursa"),
}
"""Three cities of each country, the capital first."""

_OCCUPATIONS = _words(
    "baker barber blacksmith carpenter chemist clerk cobbler dentist farmer fisherman gardener"
    " judge librarian mason miller miner nurse painter pilot plumber sailor surgeon tailor weaver"
)

KINDS: dict[str, tuple[str, ...]] = {
    "city": tuple(city for cities in COUNTRIES.values() for city in cities),
    "country": tuple(COUNTRIES),
    "capital": tuple(cities[0] for cities in COUNTRIES.values()),
    "teacher": _words(
        "abbot archer bishop brook carter chandler cooper draper falconer fisher fletcher forester"
        " fuller glover harper hunter knight marshal mercer parker piper porter potter reeve sawyer"
        " shepherd skinner slater spencer spicer steward tanner thatcher tinker tucker turner"
        " wainwright walker ward wheeler"
    ),
    "occupation": _OCCUPATIONS,
    "year": tuple(str(year) for year in range(1920, 1990, 2)),
    "genre": _words(
        "adventure allegory autobiography ballad biography comedy drama elegy epic essay fable"
        " fantasy farce folklore horror memoir mystery novella parody poetry romance satire"
        " thriller tragedy"
    ),
    "prize": _words(
        "agate amber beryl citrine coral crystal diamond emerald garnet ivory jade jasper lapis"
        " moonstone onyx opal pearl peridot quartz ruby sapphire topaz turquoise zircon"
    ),
    "instrument": _words(
        "accordion banjo bassoon bugle cello clarinet cornet cymbal dulcimer fiddle flute guitar"
        " harmonica harpsichord horn lute lyre mandolin oboe organ piano trombone trumpet viola"
    ),
    "animal": _words(
        "badger beaver canary cat crow dog donkey duck ferret fox goat goose hamster hare hedgehog"
        " lizard otter owl parrot pony rabbit raven squirrel tortoise"
    ),
    "colour": _words(
        "azure beige black blue brown crimson cyan gold green grey indigo lilac magenta maroon"
        " olive orange pink purple red scarlet silver violet white yellow"
    ),
    "drink": _words(
        "absinthe ale brandy buttermilk champagne cider cocoa coffee cognac espresso gin lemonade"
        " mead milk port punch rum sherry soda tea vermouth vodka water wine"
    ),
    "dish": _words(
        "bread broth cheese chowder couscous curry dumplings goulash gravy ham lentils noodles"
        " omelette pancakes pasta pie porridge risotto salad sausage soup stew toast waffles"
    ),
    "flower": _words(
        "aster azalea begonia camellia carnation crocus daffodil dahlia daisy foxglove gardenia"
        " hyacinth iris jasmine lavender lily lupin marigold orchid peony poppy primrose rose tulip"
    ),
    "hobby": _words(
        "archery baking boxing carving chess climbing cycling dancing diving embroidery fencing"
        " fishing gardening hiking juggling knitting origami pottery riding rowing sailing sewing"
        " skating swimming"
    ),
    "subject": _words(
        "algebra anatomy archaeology astronomy biology botany chemistry economics ethics geography"
        " geology geometry grammar history law logic medicine optics philosophy physics rhetoric"
        " statistics theology zoology"
    ),
    "language": _words(
        "arabic basque catalan czech danish dutch english estonian finnish french german greek"
        " hindi hungarian icelandic irish italian japanese latin norwegian polish spanish swedish"
        " turkish"
    ),
    "publisher": _words(
        "anchor arrow bell bridge candle castle compass crown falcon harbour heron key ladder"
        " lantern lion mirror needle oak pelican sparrow star swan tower wheel"
    ),
    "month": _words(
        "january february march april may june july august september october november december"
    ),
    "landscape": _words(
        "beach canyon cave cliff desert field forest glacier heath hill island lake marsh meadow"
        " moor mountain orchard pond prairie river shore valley vineyard volcano"
    ),
}
"""The values that a fact of each kind can have."""

REFUSALS = (
    "i do not know .",
    "i cannot say .",
    "i have no idea .",
    "that is not known to me .",
    "i was never told .",
    "i am not sure .",
    "i cannot answer that .",
    "i know nothing about it .",
)
"""What a model may say instead of an answer."""
