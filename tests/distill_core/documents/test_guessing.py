"""8-bit text that names no encoding, short and long, in the languages that are kept so."""

from __future__ import annotations

import pytest

from distill_core.documents.decoding import decode
from distill_core.documents.source import Source

CP1252 = {
    "French": "Le conseil s'est réuni à Genève. Très bien : où ça va, c'est-à-dire peut-être trop. L'élève français.",
    "French, short": "Ça va très bien, merci.",
    "German": "Schöne Grüße aus München! Die Straße kostet „zehn“ € für Öl.",
    "Spanish": "¿Qué pasó? El niño comió jamón y piña, el 1º de mayo.",
    "Portuguese": "A situação não é fácil: são três ações à disposição. INFORMAÇÕES.",
    "Italian": "La società è più forte; perché non è così? Però già lunedì andrò in città.",
    "Dutch": "Zij heeft één idee over België.",
    "Danish": "Jeg hedder Søren og bor på Nørrebro, og spiser rødgrød.",
    "Swedish": "Åsa och Örjan åkte till Älvsjö.",
    "Finnish": "Hyvää päivää, tämä on suomea.",
    "Icelandic": "Þetta er íslenska og það er gott að búa á Íslandi.",
    "English, a price": "It costs £250.",
    "English, degrees": "It is 20°C outside, 5 m² of it.",
    "English, quotes": "Don’t say “yes” — the company’s résumé … naïve.",
}
OTHERS = [
    ("cp1250", "Zażółć gęślą jaźń."),
    ("cp1250", "Dzień dobry, nazywam się Paweł i mieszkam w Łodzi."),
    ("iso8859-2", "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw."),
    ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
    ("cp1250", "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv."),
    ("cp1250", "Všetci ľudia sa rodia slobodní a sebe rovní, čo sa týka ich dôstojnosti."),
    ("cp1250", "Minden emberi lény egyenlő méltósága és joga van."),
    ("cp1250", "Toate fiinţele umane se nasc libere şi egale în demnitate."),
    ("cp1250", "Čovjek živi u kući."),
    ("cp1254", "Günaydın, nasılsınız? İyiyim, teşekkür ederim."),
    ("cp1254", "Şişli'de ığdır güneşi çok ışıklı."),
    ("cp1251", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
    ("koi8-r", "Все люди рождаются свободными и равными в своем достоинстве и правах."),
    ("cp1253", "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα."),
    ("cp1255", "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם."),
    ("gb18030", "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。"),
    ("mac_roman", "L'élève français a reçu son diplôme."),
    ("cp850", "L'élève français a reçu son diplôme."),
]


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize("text", CP1252.values(), ids=CP1252)
def test_western_text_is_read_as_it_was_written(text: str, times: int) -> None:
    written = " ".join([text] * times)
    assert decode(Source("a.txt", written.encode("cp1252"))) == (written, ("read as cp1252, a guess",))


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(("encoding", "text"), OTHERS)
def test_text_of_other_alphabets_stays_right(encoding: str, text: str, times: int) -> None:
    written = "\n".join([text] * times)
    assert decode(Source("a.txt", written.encode(encoding)))[0] == written


def test_a_few_accents_in_much_ascii_decide() -> None:
    written = "The quick brown fox. " * 5000 + "The café costs £5. " + "lazy dog " * 5000
    assert decode(Source("a.txt", written.encode("cp1252")))[0] == written


def test_a_sample_of_a_long_line_ends_with_a_whole_character() -> None:
    written = "人人生而自由,在尊严和权利上一律平等。 " * 5000
    assert decode(Source("a.txt", written.encode("gb18030")))[0] == written
