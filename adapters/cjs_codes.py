"""Codes that several systems share: the national ones of criminal justice, as systems write them → as they are delivered.

What is delivered is what `config/codes/` lists (`sex.csv`, `court_type.csv`, `home_office_outcome.csv`, each with its source in the README
there); here the spellings of the several systems are added. Ethnicity stands beside `Codes` itself.
"""

from adapters.native_codes import Codes

OUTCOME_TYPES = ("0", "1", "1A", *(str(number) for number in (*range(2, 19), 20, 21)))

# Sex as the catalogue of criminal justice data has it: 0 not known, 1 male, 2 female, 9 not specified.
SEX = Codes(
    {"0": "0", "1": "1", "2": "2", "9": "9", "U": "0", "UNKNOWN": "0", "NOT KNOWN": "0"}
    | {"M": "1", "MALE": "1", "F": "2", "FEMALE": "2", "X": "9", "NOT SPECIFIED": "9"}
)

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
