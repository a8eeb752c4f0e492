"""Codes that several systems share: the national ones of criminal justice, as systems write them → as they are delivered.

What is delivered is what `config/codes/` lists (`sex.csv`, `ethnicity.csv`, `court_type.csv`, `home_office_outcome.csv`, each with its source in
the README there); here the spellings of the several systems are added.
"""

from adapters.native_codes import Codes

ETHNICITIES = ("W1", "W2", "W3", "W9", "M1", "M2", "M3", "M9", "A1", "A2", "A3", "A4", "A9", "B1", "B2", "B9", "O2", "O9", "NS")
OUTCOME_TYPES = ("0", "1", "1A", *(str(number) for number in (*range(2, 19), 20, 21)))

# Sex as the catalogue of criminal justice data has it: 0 not known, 1 male, 2 female, 9 not specified.
SEX = Codes(
    {"0": "0", "1": "1", "2": "2", "9": "9", "U": "0", "UNKNOWN": "0", "NOT KNOWN": "0"}
    | {"M": "1", "MALE": "1", "F": "2", "FEMALE": "2", "X": "9", "NOT SPECIFIED": "9"}
)

# Self-defined ethnicity 18+1. The O1 (Chinese) of the legacy 16+1 became A4, its other codes are unchanged; W4 and W8 stood for W3, and ETH03
# for O9.
ETHNICITY = Codes({code: code for code in ETHNICITIES}, retired={"O1": "A4", "W4": "W3", "W8": "W3", "ETH03": "O9"})

# Adult magistrates', youth and Crown Court.
COURT_TYPE = Codes({"MCA": "MCA", "MC": "MCA", "MAGISTRATES": "MCA", "MCY": "MCY", "YC": "MCY", "YOUTH": "MCY", "CC": "CC", "CROWN": "CC"})

# Types of the Home Office outcomes framework; some systems write them with a nought before, or with the word.
OUTCOME_TYPE = Codes(
    {code: code for code in OUTCOME_TYPES}
    | {f"0{code}": code for code in OUTCOME_TYPES if len(code) == 1}
    | {f"TYPE {code}": code for code in OUTCOME_TYPES}
)

# The Home Office's counting-rules code of an offence: a class, perhaps with a letter; of summary offences, class and sub-class.
COUNTING_RULES_CODE = Codes(form=r"[0-9]{1,3}[A-Z]?(?:[/.][0-9]{1,2})?")
