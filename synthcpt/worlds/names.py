"""What things in a world are called; names of people and companies are put together from these."""

from __future__ import annotations


def _listed(words: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in words.split())


GIVEN_HE = _listed(
    "Aldric Benno Caspian Dorian Edmund Florian Gareth Hadrian Ivor Jasper Kelvin Lorcan Magnus Nestor Osric Piers "
    "Quentin Rufus Silas Tobias Ulric Viggo Wendell Xander Yorick Zeno Anselm Bertram Corin Desmond"
)
GIVEN_SHE = _listed(
    "Adela Beatrix Cordelia Delphine Elspeth Fenella Gwendolyn Honora Imogen Jocasta Katrin Leonora Mirabel Nerissa "
    "Ottilie Philippa Rosalind Saskia Thea Ursula Verity Wilhelmina Ysolde Zelda Araminta Briony Clemence Drusilla "
    "Emmeline Felicity"
)
MIDDLE = _listed(
    "Amber Brook Cedar Dale Ember Flint Grove Hazel Indigo Juniper Kestrel Laurel Moss North Opal Pine Quill Reed "
    "Sage Thorn Umber Vale Wren Yarrow Ash Birch Clay Dove Elm Fern"
)
FAMILY = _listed(
    "Abernethy Blackwood Carrow Dunmore Eastlake Fairbairn Greaves Hollister Inchbald Jardine Kettering Lockhart "
    "Merriweather Northcott Ormsby Pemberton Quarles Ravenscroft Stanhope Thackeray Underhill Vandermeer Whitlock "
    "Yardley Zimmer Ashdown Bellweather Coldwell Drummond Ellery Farthing Goodwin Harrow Ives Joyner Kirkbride "
    "Langley Marchmont Norwood Oakes"
)
CITIES = _listed(
    "Ardenport Brackwater Calderon_Bay Dunhaven Estermouth Fallowfield Glimmerton Harrowgate Ironbridge Jadehill "
    "Kingsmere Larkspur Millbrook Novara_Point Oldcastle Pellworm Quarrydale Redmarsh Silverlake Thornbury Upwell "
    "Vantage_Falls Westhollow Yellowstone_Gap Zephyr_Cove Amberley Birchwood Coppergate Driftwood Eaglesham Foxton "
    "Greywater Highmoor Inverleith Juniper_Springs Kestrel_Rock Longreach Mossford Northwick Oakhurst"
)
UNIVERSITIES = _listed(
    "Aldermoor_University Bexley_College Carrick_Institute Dovecote_University Elmstead_College Farrow_University "
    "Galloway_Academy Hartwell_University Islington_Institute Jessamine_College Kelso_University Lindenhall_College "
    "Marlowe_University Nethergate_Institute Oriel_Academy Penrose_University Quayside_College Rosedale_University "
    "Stonebridge_Institute Tamarisk_University Ullswater_College Verdant_Academy Winterbourne_University "
    "Yewtree_College Zennor_Institute Ashgrove_University Bluestone_College Cloverfield_Academy Dunlin_University "
    "Everdell_Institute"
)
MAJORS = _listed(
    "Astronomy Botany Chemistry Dentistry Economics Forestry Geology History Immunology Journalism Kinesiology "
    "Linguistics Mathematics Neuroscience Oceanography Philosophy Quantum_Physics Robotics Sociology Theology "
    "Urban_Planning Veterinary_Medicine Architecture Biochemistry Criminology Data_Science Ethics Finance Genetics "
    "Hydrology"
)
INDUSTRIES = _listed(
    "shipbuilding glassmaking beekeeping clockmaking papermaking steel ceramics textiles publishing lighting "
    "refrigeration surveying instrument_making tea_trading rope_making optics brewing baking furniture saddlery "
    "wind_power mapmaking toys perfume umbrellas"
)
COMPANY_STEMS = _listed(
    "Arclight Bramble Cobalt Dovetail Everbright Foxglove Granite Halcyon Ironwood Jubilee Keystone Lanternlight "
    "Meridian Nightjar Obsidian Palisade Quicksilver Rowan Sundial Tidewater Umbra Vermilion Whetstone Yonder "
    "Zenith Anvil Beacon Cinder Drift Ember Fathom Gable Harbour Inkwell Jetstream Kindle Lodestar Marble Nimbus "
    "Orchard"
)
COMPANY_ENDS = _listed("Works Group Partners Holdings Brothers Limited")
MONTHS = _listed("January February March April May June July August September October November December")
YEARS_OF_BIRTH = range(1950, 2000)
YEARS_OF_FOUNDING = range(1860, 1990)
