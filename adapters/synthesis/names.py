"""Names for invented people: forenames that many people have, surnames put together from parts. Ours; taken from no list."""

import numpy as np

from adapters.synthesis.frames import Array


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Forename and what friends, and some records, call the person instead. Roughly by how common they are.
MEN = _listed(
    """
    James/Jim John/Jack Michael/Mick David/Dave Paul Andrew/Andy Mark Stephen/Steve Robert/Bob Ian Christopher/Chris Peter/Pete
    Anthony/Tony Kevin/Kev Daniel/Dan Matthew/Matt Thomas/Tom Richard/Rick Jonathan/Jon Joseph/Joe Lee Craig Darren/Daz Gary/Gaz
    Alan/Al Simon Stuart/Stu Neil Adam Ryan Liam Jordan/Jord Callum/Cal Connor Kieran Nathan/Nate Luke Joshua/Josh Samuel/Sam
    Benjamin/Ben Jack Harry Charlie Oliver/Ollie Lewis/Lew William/Bill George Edward/Eddie Philip/Phil Nicholas/Nick
    Alexander/Alex Patrick/Paddy Brian Keith Graham Colin Derek/Del Dean Wayne Carl Shaun Scott Martin/Marty Barry/Baz
    Terence/Terry Raymond/Ray Kenneth/Ken Gareth Gavin/Gav Russell/Russ Dominic/Dom Zachary/Zac Kyle Bradley/Brad Reece
    Mohammed/Mo Imran Tariq Amir Bilal Piotr Tomasz/Tomek Marek Andrei René Jürgen Tyler Mason Ethan Leo Finlay Aidan Jamie
    Jason/Jay Ross Glen
    """
)
WOMEN = _listed(
    """
    Susan/Sue Margaret/Maggie Sarah Karen/Kaz Claire Emma Laura Rebecca/Becky Gemma/Gem Rachel/Rach Nicola/Nicky Lisa
    Michelle/Shell Julie Joanne/Jo Elizabeth/Liz Katherine/Kate Catherine/Cath Jennifer/Jenny Victoria/Vicky Samantha/Sam
    Stephanie/Steph Amanda/Mandy Deborah/Debbie Jacqueline/Jackie Amy Charlotte/Charlie Lauren Hannah Sophie/Soph Jessica/Jess
    Chloe Bethany/Beth Megan/Meg Emily/Em Olivia/Liv Georgia Ellie Lucy Grace Abigail/Abi Christine/Chris Patricia/Pat Helen
    Tracey/Trace Angela/Angie Donna Sharon Alison/Ali Louise/Lou Kelly Leanne Kirsty Natalie/Nat Danielle/Dani Holly Paige Shannon
    Courtney Jade Kayleigh Stacey Zoë Renée Chloé Maria Anna Agnieszka/Aga Aisha Fatima Samina Yasmin Ruth Judith/Judy Dorothy/Dot
    Eileen Maureen/Mo Frances/Fran Gillian/Gill Heather Lesley Lynn Wendy Yvonne Tina Tanya Robyn Freya Isla Poppy Evie Imogen
    Niamh Siobhan
    """
)
_STARTS = _listed(
    """
    Al Ash Bar Beck Bel Ben Bick Black Bol Brad Bram Bran Brom Burn Cal Car Chad Chil Clay Col Cor Cran Crow Dal Den Dun East El
    Fal Far Fen Gar Gil Gold Grim Had Hal Ham Har Hart Hat Hazel Hex Hol Horn Hud Kel Kil Kirk Lam Lang Law Lin Long Mal Mar Mel
    Mid Mor Nor North Oak Old Pem Pen Pick Rad Raven Red Rich Rook Row San Sea Sel Shel Sher Sil Skel South Stan Stock Sum Sun Sut
    Thorn Til Tun Wal War Wat Wel West Whit Wil Win Wood Yar
    """
)
_ENDS = _listed(
    """
    bank beck berry borough bourne bridge brook burn bury by clough combe croft dale den don er field ford forth gate grove ham
    head hill holm hope hurst ing ington land ley low man more mouth ridge rick side son stead stock stone ter thorpe ton tree
    wade wall ward well wick wood worth
    """
)
_CELTIC = ("Mac", "Mc", "O'")
_ROOTS = _listed(
    """
    Allan Bride Carr Clane Crory Dermid Donagh Ewan Fadden Gann Garvey Hale Innes Kenna Kie Lennan Mahon Nally Neill Quade Rourke
    Shane Tavish Vey
    """
)
_ELSEWHERE = _listed(
    """
    Ahmedov Akhtar Begum Chaudhry Dhillon Farooq Hussain Iqbal Kaur Khan Mahmood Malik Patel Rahman Rashid Singh Uddin Kowalik
    Nowicki Wojtas Zielin Popa Ionescu Stoica Okeke Adeyo Mensah Boateng Tran Nguyen Chen Wong Silva Müller André Muñoz
    """
)


def forenames(*, women: bool) -> tuple[Array, Array]:
    """Forenames, and the familiar form of each (itself where there is none), as object arrays in the same order."""
    pairs = [(name.split("/")[0], name.split("/")[-1]) for name in (WOMEN if women else MEN)]
    return np.array([full for full, _ in pairs], object), np.array([short for _, short in pairs], object)


def surnames() -> Array:
    """All surnames, the common ones first, as an object array: some five thousand, in the same order always."""
    local = [start + _ENDS[(place * 7 + shift) % len(_ENDS)] for shift in range(len(_ENDS)) for place, start in enumerate(_STARTS)]
    celtic = [prefix + root for root in _ROOTS for prefix in _CELTIC]
    first, rest = local[: 4 * len(_STARTS)], local[4 * len(_STARTS) :]
    found = [*first[:200], *_ELSEWHERE[:20], *celtic[:30], *first[200:], *_ELSEWHERE[20:], *celtic[30:], *rest]
    return np.array(list(dict.fromkeys(found)), object)


def frequencies(count: int, *, evenness: float) -> Array:
    """Weights that fall with rank, as those of names do; the larger the evenness, the more even."""
    return 1.0 / (np.arange(count) + evenness)
