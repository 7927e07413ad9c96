"""Words that tell what a name is of, words with a capital that are none, and how dates and numbers are written.

English, and what other languages need.
"""

from __future__ import annotations

import re

from synthcpt.text.abbreviations import OPENERS, word_set
from synthcpt.text.calendar_dates import MONTH_NUMBERS

JOINING = word_set("de la le du des van von der den da dos di del della al el bin ibn of the")
TITLES = word_set(
    """captain capt mr mrs miss ms dr doctor sir dame professor prof rev reverend sergeant colonel major lieutenant
    commander admiral general inspector judge senator governor president king queen prince princess pope saint bishop"""
)
PLACES = word_set(
    """street road lane quay quays bay gulf cape island islands isle river lake mount mountain mountains valley hill
    hills moor point head county city town village province district region forest beach coast harbour harbor port
    bridge square park stairs sea ocean channel strait canyon desert peninsula avenue falls creek rock cove jetty
    wharf dock kingdom republic"""
)
SURNAMES_TOO = word_set("park rock hill lane lake head moor cove bridge")
"""Of the words for places, those that people are called by, too."""
ORGANISATIONS = word_set(
    """university college school academy institute institution museum company co inc ltd llc plc gmbh corporation corp
    line lines bank ministry department office council committee commission association society union league club
    party church festival studio studios pictures productions production entertainment films records group press
    authority agency board bureau foundation trust hospital brothers sons partners network television service services
    orchestra court parliament senate army navy guild awards award"""
)
DEMONYMS = word_set(
    """american british english french german italian spanish portuguese dutch belgian swiss austrian swedish norwegian
    danish finnish icelandic irish scottish welsh polish czech slovak hungarian romanian bulgarian greek turkish russian
    ukrainian serbian croatian european african asian arab arabic hebrew jewish israeli iranian persian iraqi egyptian
    nigerian kenyan indian pakistani bangladeshi nepali chinese japanese korean taiwanese vietnamese thai filipino
    indonesian malaysian australian canadian mexican brazilian argentine chilean colombian peruvian cuban latin hindi
    tamil telugu kannada malayalam marathi bengali punjabi gujarati urdu christian catholic muslim hindu buddhist
    western eastern northern southern roman victorian georgian"""
)
CALENDAR = frozenset(MONTH_NUMBERS) | word_set(
    "monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter christmas easter i"
)
NO_NAME = (
    frozenset(word.lower() for word in OPENERS)
    | CALENDAR
    | word_set(
        """of which who whose whom produced directed written based starring set described filmed shot released
        originally initially principal following despite additionally distributed announced composed inspired created
        founded born known named located established built designed nothing everything everyone nobody someone please
        note dear yes english is are was were be been has had do does did will would can could may might must should
        der die das ein eine und les une el los las il lo gli der dem den des"""
    )
)
_MONTH = "|".join(
    sorted((name.capitalize() for name in MONTH_NUMBERS if len(name) > 2), key=lambda name: (-len(name), name))
)
UNIT_WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_SPELT = (
    rf"(?:{_TENS})-(?:{'|'.join(UNIT_WORDS)})|{_TENS}|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|ten|two|three|four|five|six|seven|eight|nine"
)
_DIGITS = r"\d{1,3}(?:,\d{3})++(?:\.\d++)?|\d++(?:\.\d++)?"
_SCALE = r"(?:\ (?:hundred|thousand|million|billion|trillion))?"
QUANTITY = re.compile(
    rf"""
      (?P<date>(?<![\w.,-])(?:\d{{1,2}}(?:st|nd|rd|th|\.)?\ (?:{_MONTH})\.?,?\ \d{{4}}
        |(?:{_MONTH})\.?\ \d{{1,2}}(?:st|nd|rd|th)?,\ \d{{4}}|\d{{4}}-\d{{2}}-\d{{2}})(?![\w-]))
    | (?P<month>(?<!\w)(?:{_MONTH})\ \d{{4}}(?!\w))
    | (?P<day>(?<![\w.,-])(?:\d{{1,2}}(?:st|nd|rd|th)?\ (?:{_MONTH})
        |(?:{_MONTH})\ \d{{1,2}}(?:st|nd|rd|th)?)(?![\w%]|[.,:]\d))
    | (?P<decade>(?<!\w)\d{{3}}0s(?!\w))
    | (?P<time>(?<![\w.,])\d{{1,2}}[:.]\d{{2}}\ ?[ap]\.?m(?!\w)|(?<![\w.,:])\d{{1,2}}:\d{{2}}(?![\w:]))
    | (?P<sum>(?<!\w)(?:US|A|C|NZ)?[$£€¥₹]\ ?(?:{_DIGITS}){_SCALE}(?!\w))
    | (?P<share>(?<![\w.,])(?:{_DIGITS})(?:\ ?%|\ per\ cent|\ percent)(?!\w))
    | (?P<year>(?<![\w.,:/$£€-])(?:1\d|20)\d\d(?![\w:/%]|[.,]\d|-\d))
    | (?P<digits>(?<![\w.,:/$£€-])(?:{_DIGITS}){_SCALE}(?![\w:/%]|-\d))
    | (?P<spelt>(?<![\w-])(?:{_SPELT}){_SCALE}(?![\w-]))
    """,
    re.VERBOSE,
)
"""A date or a number; the group says what it is."""
