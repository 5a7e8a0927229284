"""What stands before, behind and around the names of persons in Latin and Cyrillic letters."""

import re

from personahub.safeguards.name_words import words

__all__ = [
    "AFTER_COLON",
    "BYLINE_AFTER",
    "BYLINE_BEFORE",
    "CONTACT_AFTER",
    "CUE_BEFORE",
    "CUE_ENDS",
    "LABEL",
    "LINE",
    "SIGN_OFF",
    "TITLED_CAPITALS",
]

_CLOSING = (
    r"(?:[Rr]egards|[Ss]incerely|[Bb]est|[Tt]hanks|[Cc]heers|[Yy]ours|[Tt]hank you|[Bb]est wishes|[Ll]ove"
    r"|[Ff]aithfully|[Tt]ruly|[Gg]ratefully|[Ww]armly|[Tt]ake care|[Rr]espectfully"
    r"|[Сс] уважением|[Сс] любовью|[Сс]пасибо|[Ии]скренне [Вв]аша?|[Вв]аша?)"
)
CUE_BEFORE = re.compile(
    r"(?:\b(?i:written|posted|reviewed|edited|photographed|submitted|prepared|compiled|taught|signed|led"
    r"|hosted|reported|photos?|story|text|interview|reply|comment|review|question|answer|asked|answered"
    r"|sold|run|owned|recorded|filed|issued|witnessed|organi[sz]ed|coordinated|chaired|verified|delivered"
    r"|words|pictures|article|guest post|translated|approved|treated|assisted|represented|drawn up"
    r"|completed) by|(?i:\bmy (?:full )?name is)"
    r"|(?i:\bname(?:'s|:| is))"
    r"|\b(?:I am|I['’]m|[Tt]his is)|(?i:\bcontact(?: person)?|\bask for|\bspeak (?:to|with)|\bcall"
    r"|\battn|\battention|\bauthor|\breach|\bsigned|\bnamed|\bcalled|\bmessage|\brsvp(?: to)?|\bc/o"
    r"|\bthe undersigned,"
    r"|\bpayable to|\bmade out to|\bwrite to(?: me)?|\bquestions to|\benquiries to|\binquiries to"
    r"|\bapply to"
    r"|\bin care of|\bcurriculum vitae\n|\br[ée]sum[ée]\n|\bcv\n|\bregistered to|\baddressed to"
    r"|\bthe late)"
    rf"|{_CLOSING},?(?: *\n+[—–-]? ?| +— ?)"
    r"|(?i:меня зовут|мо[её] имя|зовут|по имени|автор|контактное лицо|контакт|обращаться к|обращайтесь к"
    r"|спросить|фио|ф\. ?и\. ?о\.|подпись|имя|спрашивает|отвечает|беседовала?|записала?"
    r"|подготовила?|рассказывает"
    r"|на имя|от имени|звонить|пишите|написал[аи]?|резюме\n|выдано|составил[а]?|проверил[а]?"
    r"|принял[а]?|сдал[а]?|утверждаю))"
    r"[:,\s]{0,3}\Z"
)
"""Ends where a name begins: "written by", "Contact:", "меня зовут", the end of a letter."""

CUE_ENDS = words(
    "by name name's name’s is am i'm i’m contact person for to with call attn attention author "
    "reach signed named "
    "called message rsvp c/o undersigned me of vitae resume résumé cv late regards sincerely best "
    "thanks cheers yours "
    "you wishes love faithfully truly gratefully warmly care respectfully this уважением любовью "
    "спасибо ваш ваша "
    "зовут имя имени автор лицо контакт к спросить фио ф.и.о. ф.и.о о. подпись спрашивает отвечает "
    "беседовал "
    "беседовала записал записала подготовил подготовила рассказывает звонить пишите написал "
    "написала резюме выдано "
    "составил составила проверил проверила принял приняла сдал сдала утверждаю"
)
"""The last word of each cue, lower case: most names are told to have none by this word alone."""

# "By Jane Doe" alone on its line, or before a date; not "By Grand Central Terminal we met".
BYLINE_BEFORE = re.compile(r"(?:\A|\n)[ \t*_#>-]{0,6}(?:[Bb]y|BY|[Тт]екст|[Фф]ото)[:\s]{1,3}\Z")
"""Ends where the name of an author may begin, if `BYLINE_AFTER` matches behind it."""

BYLINE_AFTER = re.compile(r"\s*(?:\n|\Z|[|,•·—–]|on \w)")
"""Begins where the name of an author ends."""

CONTACT_AFTER = re.compile(
    r"[ ,:;(<\[|—–-]{1,4}"
    r"(?:(?i:at|on|tel|phone|телефон|тел|email|e-mail|mail|mobile|cell|whatsapp|viber|telegram|моб"
    r"|почта|сот)"
    r"[.: ]{1,3}){0,2}"
    r"(?:mailto:)?(?:[+(]{0,2}\d[\d ()-]{6}|[\w.+-]{1,40}@\w|P\.? ?O\.? Box"
    r"|\d{1,5} (?:[A-Z]\w+ ){1,2}(?:St|Rd|Ave|Road|Street))"
    # An age: "Jane Doe, 34, said".
    r"|, \d{2},|, who can be reached"
)
"""Begins where a name ends before a telephone number, an address, or an age."""

_UPPER, _LOWER = "A-ZÀ-ÖØ-ÞА-ЯЁ", "a-zß-öø-ÿа-яё"
_ANY = rf"(?:[{_UPPER}][{_LOWER}]+|[{_UPPER}]{{2,}}|[{_UPPER}]\.)(?:[-'’][{_UPPER}][{_LOWER}]*[{_UPPER}]*)?"
_NAME = rf"{_ANY}(?:,?(?: |(?<=\.)){_ANY}){{0,3}}"
AFTER_COLON = re.compile(rf": {{0,3}}({_NAME})(?=[ \t]*(?:[\n,;.(|<]|\Z))")
"""What may be a name behind a label, in group 1: "Surname, first name: Doe, Jane"."""

LABEL = re.compile(
    r"\b(?:((?:full |first |last |maiden |given |legal )?names?|surname|фио|фамилия|имя|отчество|FN)"
    r"|patient|client|applicant|tenant"
    r"|landlord|customer|account holder|beneficiary|payee|recipient|sender|emergency contact"
    r"|next of kin|guardian"
    r"|parent|student|pupil|employee|candidate|contact|attn|organi[sz]er|signed|signature|passenger"
    r"|guest|insured"
    r"|policyholder|claimant|buyer|seller|witness|caller|present|attendees|attending|apologies"
    r"|in attendance"
    r"|print name|bill to|ship to|sold to|from|cc"
    r"|заявитель|получатель|плательщик|исполнитель|ответственн(?:ый|ая)|контактное лицо"
    r"|пациент|клиент|заказчик|отправитель|присутствовали|подпись|арендатор|продавец|покупатель"
    r"|пассажир|владелец)"
    r"(?:,? ?[\w ,/()]{0,20})?\s?\Z",
    re.IGNORECASE,
)
"""Ends at the colon before a name; group 1 if one word is a name there too."""

TITLED_CAPITALS = re.compile(rf"(?:MR|MRS|MS|DR)\.? ([{_UPPER}]{{3,}}(?: [{_UPPER}'’-]{{2,}}){{0,2}})\b")
"""A form of address and, in group 1, a name in capitals."""

LINE = re.compile(
    rf"\n[ \t]*(?:[—–-] ?)?({_NAME})(?:, (?:Ph\.?D|M\.?D|MBA|RN|CPA"
    rf"|Esq)\.?)?[ \t]*(?=\n([^\n.]{{0,50}})|\Z)"
)
"""In group 1 what may be a name alone on a line; in group 2 the line below, if short."""

SIGN_OFF = re.compile(rf"(?:\A|[\n.!] ?)[^\n.!]{{0,16}}{_CLOSING},? *\n*\Z")
"""Ends where the writer of a letter signs."""
