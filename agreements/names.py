"""Does a whole value read like the name of a person? By its title, or by a forename that is common in England and Wales.

The list is short on purpose: it finds a column of names, of which some are common, and not every name. Values that hold more than a name,
or that end in the name of a kind of place, are not taken for one: streets, wards, courts and prisons are named after people too.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORENAMES = _words("""
    aaron abbie abdul abdullah abigail adam adrian agnes ahmed aidan aisha alan albert alex alexander alexandra alfie alfred alice alison
    amanda amber amelia amy andrea andrew angela ann anna anne annie anthony archie arthur ashley asif audrey barbara barry beatrice ben
    benjamin bernard beth bethany betty bilal brandon brenda brian bryan caitlin callum cameron carl carol caroline catherine chantelle
    charles charlie charlotte chelsea cheryl chloe chris christian christina christine christopher claire clare clive colin connor courtney
    craig daisy damian daniel danielle darren david dawn dean deborah debra declan denise dennis derek diana diane dominic donald donna
    doreen doris dorothy douglas duncan dylan edith edward eileen elaine eleanor elizabeth ella ellen ellie elsie emily emma eric ethan
    ethel eva evelyn evie fatima fiona florence frances francis frank fred freddie frederick freya gareth garry gary gavin geoffrey george
    georgia georgina gerald geraldine gillian glen gordon grace graham grant gregory hannah harold harriet harrison harry harvey hassan
    hayley hazel heather helen henry hilary holly howard hugh ian ibrahim imogen imran irene iris isaac isabel isabella isabelle isla ivan
    ivy jack jackie jacob jacqueline jade jake james jamie jane janet janice jasmine jason jayden jean jeffrey jemma jennifer jenny jeremy
    jessica jill joan joanna joanne jodie joe joel john jonathan jordan joseph joshua joy joyce judith julia julian julie june justin karen
    karl kate katherine kathleen kathryn katie kayleigh keith kelly kenneth kerry kevin khalid kieran kim kimberley kirsty kyle laura lauren
    leah lee leigh leo leon leonard leslie lewis liam lily linda lindsay lindsey lisa logan lorraine louis louise lucas lucy luke lydia
    lynn lynne maisie malcolm mandy marc marcus margaret maria marian marie marilyn marion marjorie mark martin martyn mary mason matilda
    matthew maureen maurice max megan melanie melissa mia michael michelle mick mildred millie mohammad mohammed molly monica muhammad
    nancy naomi natalie natasha nathan neil niamh nicholas nicola nicole nigel nina noah norma norman oliver olivia oscar owen pamela
    patricia patrick paul paula pauline penelope peter philip phillip phoebe poppy rachael rachel ralph raymond rebecca rhys richard riley
    rita rob robert robin roger ronald rory rose rosie ross roy ruby russell ruth ryan sally sam samantha samuel sandra sara sarah scarlett
    scott sean sebastian shane shannon sharon shaun sheila shirley sian simon sophia sophie stacey stanley stephanie stephen steve steven
    stewart stuart susan suzanne sylvia tanya tara taylor teresa terence terry thelma theo theresa thomas tim timothy tina toby tom tony
    tracey tracy trevor tyler valerie vanessa vera veronica victor victoria vincent violet vivien walter wayne wendy wilfred william
    winifred yasmin yusuf yvonne zachary zainab zara zoe
    """)
_TITLE = r"(?:mr|mrs|ms|miss|mx|dr|prof|sir|dame|revd?|pc|dc|sgt|insp)\.?"
_PART = r"[^\W\d_][^\W\d_]*(?:['’-][^\W\d_]+)*"
_TITLED = re.compile(rf"{_TITLE} (?:{_PART}|[A-Z]\.?)(?: {_PART}){{0,2}}", re.IGNORECASE)
_IN_ORDER = re.compile(rf"({_PART})(?: (?:{_PART}|[A-Z]\.?))? ({_PART})", re.IGNORECASE)
_TURNED = re.compile(rf"{_PART}, ?({_PART})(?: (?:{_PART}|[A-Z]\.?))?", re.IGNORECASE)
# What places that are named after people are, and what is said of kinds of crime and people.
_PLACES = _words("""
    airport and area arms avenue bank bay bridge centre church city close club college cottage cottages council county court courts crescent
    cross crown drive east estate farm field fields garden gardens gate green grange grove hall harbour heath heights hill hospital hotel
    house inn island lane library lodge manor market mews moor moorside north office park parade parish place port prison quay region rise
    river road row school services shops side south square stadium station street surgery terrace the town university vale valley view
    village walk ward way wells west wharf wood woods wynd yard
    """)


def looks_like_a_name(value: str) -> bool:
    """Whether the whole value is a person's name, as far as its title or its forename shows. ``value``: at most a few words."""
    if len(value) > 60:
        return False
    value = value.strip()
    if _TITLED.fullmatch(value):
        return value.rpartition(" ")[2].lower() not in _PLACES
    if turned := _TURNED.fullmatch(value):
        return turned[1].lower() in _FORENAMES
    found = _IN_ORDER.fullmatch(value)
    return found is not None and found[1].lower() in _FORENAMES and found[2].lower() not in _PLACES
