"""Words that tell what a name is of, and words with a capital that are none. English, and what other languages need."""

from __future__ import annotations

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
