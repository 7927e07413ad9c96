"""Word lists the rules go by. English; texts in other languages meet only the rules that need none."""

from __future__ import annotations

from synthcpt.text.abbreviations import word_set

DETERMINERS = word_set("the a an this that these those his her its their our my your no every each any some")

PERSONAL = word_set("he she him her his hers himself herself")
IMPERSONAL = word_set("it its itself they them their theirs themselves")
FIRST_PERSON = word_set("i we my our me us mine ours myself ourselves")
DEMONSTRATIVES = word_set("this that these those such")

LEANING_STARTS = word_set(
    """however but and or so yet nor therefore thus hence then also moreover furthermore besides instead meanwhile
    nevertheless nonetheless otherwise still consequently accordingly similarly likewise conversely additionally
    finally afterwards later soon too both neither either another other others one none here again even rather
    indeed eventually subsequently previously elsewhere together which who whose whom where because hers theirs
    first secondly second lastly overall same latter former"""
)
"""A sentence that opens with one of these leans on the one before it."""

LEANING_PAIRS = frozenset(
    """in addition|as a|for example|for instance|on the other|by contrast|in contrast|after that|in turn|at first|
    the other|the others|the latter|the former|the same|the rest|the two|the three|the four|the second|the third|
    the following|the next|the result|the remaining|the difference|a second|a third|a further|all three|all of|
    each of|most of|some of|many of|one of|only one|only two|not all|nobody else|there he|there she|there they|
    by then|until then|since then|from there|the above|as such|in return|what followed|the reason|no one|
    years later|months later|days later|weeks later|minutes later|hours later""".replace("\n", "")
    .replace("  ", "")
    .split("|")
)

LOCATIVES = word_set("as in on at near from off over through across behind under inside outside around since until")

PERSON_NOUNS = word_set(
    """man woman boy girl person child captain master keeper father mother daughter son brother sister wife husband
    widow landlord landlady clerk teacher student author writer poet artist director producer actor actress singer
    king queen president minister engineer doctor nurse scientist researcher farmer fisherman sailor seaman lookout
    pilot mate merchant shipowner shepherd cook carpenter candidate detective journalist musician friend lad lady
    deckhand apprentice officer soldier lawyer judge priest nobody somebody everybody someone anyone everyone
    governor mayor chief inspector manager worker customer user owner baker mason linesman signalman"""
)

MONTHS = word_set(
    """january february march april may june july august september october november december jan feb mar apr jun jul
    aug sep sept oct nov dec"""
)
DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
SEASONS = word_set("spring summer autumn fall winter christmas easter")

TIMES = word_set(
    """day days week weeks month months year years decade decades century centuries hour hours minute minutes second
    seconds time times morning afternoon evening night nights noon midnight spring summer autumn winter season date
    beginning end start period moment"""
)

DEMONYMS = word_set(
    """american british english french german italian spanish portuguese dutch belgian swiss austrian swedish norwegian
    danish finnish icelandic irish scottish welsh polish czech slovak hungarian romanian bulgarian greek turkish
    russian ukrainian serbian croatian bosnian slovenian albanian estonian latvian lithuanian european african asian
    arab arabic hebrew jewish israeli iranian persian iraqi egyptian moroccan tunisian algerian nigerian kenyan
    ghanaian ethiopian indian pakistani bangladeshi nepali chinese japanese korean taiwanese vietnamese thai
    filipino indonesian malaysian malay singaporean australian canadian mexican brazilian argentine argentinian
    chilean colombian peruvian venezuelan cuban puerto panamanian rican latin hindi tamil telugu kannada malayalam
    marathi bengali punjabi gujarati urdu assamese bhojpuri odia tulu cantonese mandarin christian catholic
    protestant muslim islamic hindu buddhist western eastern northern southern victorian roman georgian philippine
    maldivian sami costa caucasian tibetan mongolian afghan lebanese syrian"""
)

TITLES = word_set(
    """captain capt mr mrs miss ms dr doctor sir dame professor prof messrs rev reverend sergeant colonel major
    lieutenant commander admiral general inspector judge senator governor president chancellor commissioner cadet
    constable superintendent sheriff bishop"""
)

INSTITUTIONS = word_set(
    """school college university academy institute court house bank ministry department office kingdom republic empire
    order church cathedral battle siege treaty act isle island islands bay gulf cape port lord duke earl king queen
    prince princess warden museum museums library society association league council board chamber bureau art arts
    museum state states city town county province lake mount mountains university declaration bill rights friends
    house war wars festival center centre hall tower bridge street gate heart song night day days world land book
    tale story legend house lord lords master secretary director chief head power children son daughter man men
    woman"""
)
"""Heads after which "of X" belongs to the name: School of Seamanship, but not Ambrose Lyle of Vessing."""

CONNECTORS = word_set("de la le du des van von der den da dos di del della al el bin ibn y no & e")

GENERIC = word_set(
    """year years day days time times part parts man men woman women people person way ways thing things night nights
    end hour hours minute minutes number numbers word words month months week weeks place places case cases fact
    facts kind kinds sort lot lots half quarter third rest others other one ones two three four five six seven eight
    nine ten hundred thousand million name names side sides point points moment order use work works hand hands head
    line lines start beginning morning evening afternoon noon age life lives role roles lead leads title top bottom
    middle second first last next film films movie movies story document article chapter section page pages text
    book author paper example examples result results question answer reason reasons cause set group group pair
    piece side ground least most many more same such own whole cent per date dates century decade period later order
    amount total cost member members form way bit course event events area side view level note notes metre metres
    meter meters mile miles knot knots ton tons crown crowns feet foot inch inches pound pounds dollar dollars euro
    euros acre acres ltd inc llc pvt degree degrees penny pence"""
)
"""Nouns that say too little to be written about."""

VERB_LIKE = word_set(
    """is are was were be been being has have had having do does did will would shall should can could may might must
    stars star features follows tells says said says see saw seen made make makes making took take takes taking gave
    give gives given went go goes gone came come comes kept keep keeps held hold holds stood stand stands lost lose
    left leave leaves became become becomes began begin begins begun ran run runs set sets put puts got get gets
    found find finds felt feel fell fall falls rose rise rises drew drawn sat sit sits lay lie lies brought bring
    called knew know known shows show shown met meet paid pay pays built build sent spent wrote write writes written
    read spoke speak led won win wins struck strikes broke broken cut cuts let lets told tell thought think meant
    mean means turn turns use uses sounded sounds carries crosses remains includes contains serves works premieres
    received released directed written produced announced"""
)

STOPWORDS = (
    word_set(
        """a an the and or but nor so yet if of in on at by for from to with without within into onto over under up down
    out off about above below between among through during before after since until till against upon across along
    around behind beside besides beyond near toward towards than as like per via despite except inside outside not
    no this that these those here there when where while why how what which who whom whose whether because although
    though unless once again ever never always often sometimes usually only just even also too very much many more
    most some any each every all both few several other another such same own either neither nothing nobody
    something someone anybody everyone everybody one two three four five six seven eight nine ten eleven twelve
    thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty hundred thousand
    first second third last next now then still already almost nearly quite rather later soon early late long well
    back away together however therefore thus hence perhaps maybe yes indeed instead otherwise meanwhile according
    nor let ago fourth fifth sixth seventh eighth ninth tenth eleventh twelfth you your yours"""
    )
    | PERSONAL
    | IMPERSONAL
    | FIRST_PERSON
    | DEMONSTRATIVES
    | VERB_LIKE
)

OPENING_WORDS = word_set(
    """produced directed written based starring set described filmed shot released originally initially principal
    following despite according additionally distributed announced composed inspired created founded born known
    named located established built designed developed selected selections nominated retired dead ever today
    tomorrow yesterday production photography filming critics music cinematography screenplay cast plans work
    development initially apart signed held prepared recorded written nobody outside inside given unlike like please
    note dear thanks hello whatever whenever nineteen twenty fourteen fifteen sixteen keepers cadets lanterns air
    captains boats fed slept standard special total average most recent new old little big great small young"""
)
"""Words that open sentences with a capital and are no part of the name that may follow them."""
