"""The rules of ``orders``: expressions over lower-cased text, with the words that they cannot do without.

In all of them a space stands for a gap between words (of other scripts than Chinese: one of line breaks,
markup and quotes as well), and where a command needs words before it, the group "order" is what it gives.
Nothing is repeated without bound.
"""

from typing import NamedTuple

__all__ = ["ANY_SCRIPT", "CONTROL_BRACKET", "GAP", "GAP_HAN", "LATIN", "Group", "Rule"]


class Group(NamedTuple):
    """Rules, each with its name, and the anchors they share, separated by spaces."""

    anchors: str
    rules: list[tuple[str, str]]


class Rule:
    """The names of the rules."""

    IGNORE = "ignore_instructions"
    ROLE = "new_role"
    MARKUP = "chat_markup"
    ASKS = "asks_ai_readers"
    REVEAL = "reveal_prompt"
    OUTPUT = "only_output"


GAP = r"""(?:[\s*_>"'`,]{1,16})"""
GAP_HAN = r"(?:\s{0,3})"
# Where a command may begin; what it gives is the group "order".
_START = (
    r"""(?:^|[.!?:;()\[\]{}<>*"'“”„«»。！？；：，「“—–-]|\b(?:please|now|bitte|пожалуйста))"""
    r"""[\s"'“„«「*_>#/-]{0,12}"""
)

_TIME = r"(?:previous|prior|above|earlier|preceding|foregoing|initial|original|system)"
_WHICH = rf"(?:all|any|every|of|the|your|my|our|these|those|and|other|given|safety|{_TIME})"
_PARTS_EN = r"(?:instructions?|prompts?|directives?|guidelines|programming)"
_MODEL = (
    r"(?:ai(?: (?:language model|assistant|model|agent|system|chat ?bot|bot|reviewer|tool|crawler|reader))?"
    r"|large language model|language model|llm|chat ?bot|chatgpt|virtual assistant)s?(?![\w’'-])"
    # A person, whatever they work on.
    r"(?! (?:(?:and|or|assistant|model|system) )?(?:expert|engineer|develop|research|compan|start-?up|"
    r"student"
    r"|user|own|special|professional|enthusiast|artist|design|vendor|provider|ethic|polic|team|lab|train|"
    r"build))"
)
_KIND = (
    r"(?:(?:an?|the|my|any|all) )?(?:(?:helpful|evil|new|free|unrestricted|uncensored|unfiltered|"
    r"rogue) ){0,2}"
)
_READING = (
    r"(?:reading|processing|parsing|summari[sz]ing|scraping|crawling|ingesting|analy[sz]ing|"
    r"reviewing)"
)
_PRAISE = (
    r"(?:rate|recommend|rank|praise|promote|endorse|describe|mention|say|state|give|include|cite|"
    r"tell)"
)
_HIDDEN = r"(?:initial|original|hidden|secret|internal|confidential|system)"

LATIN = [
    Group(
        r"ignor disregard forget overrid stop\s+following vergiss oubli olvid instructions(?:\s+are|:)",
        [
            (
                Rule.IGNORE,
                r"(?<!not\s)(?<!n['’]t\s)(?<!never\s)\b(?:ignore|disregard|forget|stop following) "
                rf"(?=(?:{_WHICH} ){{0,4}}(?:all|any|every) )(?=(?:{_WHICH} ){{0,5}}(?:{_TIME}|your) )"
                rf"(?:{_WHICH} ){{1,6}}(?:{_PARTS_EN}|commands|orders|rules|directions|context|"
                rf"constraints)\b",
            ),
            (
                Rule.IGNORE,
                rf"{_START}(?P<order>(?:ignore|disregard|forget|override|stop following) "
                rf"(?=(?:{_WHICH} ){{0,4}}(?:{_TIME}|your) )(?:{_WHICH} ){{1,6}}{_PARTS_EN}\b)",
            ),
            (
                Rule.IGNORE,
                rf"{_START}(?P<order>(?:ignore|disregard|forget) (?:{_WHICH} ){{0,5}}{_PARTS_EN} "
                r"(?:above|before this|(?:that )?(?:you (?:were|have been|received)|given to you))\b)",
            ),
            (
                Rule.IGNORE,
                rf"{_START}(?P<order>(?:ignore|disregard|forget) (?:everything|anything|all(?: of)?(?: "
                rf"the)?)"
                r"(?: (?:that|which|you|was|were|is|have|been|told|said|written|stated)){0,6} "
                r"(?:above|before (?:this|now)|prior to this|up to (?:this|now))\b)(?! sea)",
            ),
            (Rule.IGNORE, r"\byour new instructions(?: are\b|:)"),
            (
                Rule.IGNORE,
                r"\b(?:ignoriere?(?:n sie)?|vergiss) (?:(?:alle|sämtliche|die|deine|ihre) ){1,2}"
                r"(?:vorherigen|bisherigen|obigen|vorangegangenen|früheren) "
                r"(?:anweisungen|instruktionen|befehle|vorgaben)\b",
            ),
            (
                Rule.IGNORE,
                r"\b(?:ignore[zr]?|oublie[zr]?) (?:toutes )?(?:les|tes|vos) (?:instructions|consignes|"
                r"directives) "
                r"(?:précédentes|antérieures|ci-dessus|reçues)",
            ),
            (
                Rule.IGNORE,
                r"\b(?:ignor[ae]|olvid[ae]) (?:todas )?(?:las|tus|sus) (?:instrucciones|indicaciones|"
                r"órdenes) "
                r"(?:anteriores|previas|de arriba)\b",
            ),
        ],
    ),
    Group(
        r"ai(?<![a-z'’]ai)(?![a-z]) eine?\s+ki\b une\s+ia\b una\s+ia\b llm "
        r"language\s+model sprachmodell chat(?:\s?bot|gpt) helpful\s+assistant virtual\s+assistant "
        r"modelo\s+de\s+l modèle\s+de\s+l",
        [
            (
                Rule.ROLE,
                rf"\byou (?:are|will be|have become) (?:now|henceforth) (?:acting as )?{_KIND}{_MODEL}",
            ),
            (
                Rule.ROLE,
                r"(?<!if\s)(?<!whether\s)(?<!when\s)(?<!that\s)\byou(?: a|['’])re "
                r"(?:chatgpt|an? (?:helpful assistant|(?:helpful )?(?:ai (?:language model|assistant|"
                r"model|agent)|"
                r"(?:large )?language model)))"
                r"(?: (?:that|who|which|designed|trained|made|called|named|tasked|with|for)\b|"
                r"\s{0,2}[.,;:!])",
            ),
            (
                Rule.ROLE,
                rf"\b(?:pretend|imagine|assume)(?: that)?(?: you(?: a|['’])re| to be) {_KIND}{_MODEL}",
            ),
            (Rule.ROLE, rf"{_START}(?P<order>(?:act|behave|role-?play) as {_KIND}{_MODEL})"),
            (Rule.ROLE, r"\bdu bist (?:ab )?(?:jetzt|nun|sofort)(?: \w{2,16}){1,3}(?<=\ski|bot|ell|ent)\b"),
            (Rule.ROLE, r"\btu es (?:maintenant|désormais)(?: \w{2,16}){1,3}(?<=\sia|bot|ant)\b"),
            (Rule.ROLE, r"\b(?:ahora|a partir de ahora) eres(?: \w{2,16}){1,3}(?<=\sia|bot|nte)\b"),
            (
                Rule.ASKS,
                rf"\bif you(?: a|['’])re(?: currently)? {_KIND}{_MODEL}(?: or (?:an? )?{_MODEL})?"
                rf"(?:\s{{0,2}}[,:;.—–(-]| (?:and (?:are )?)?{_READING}\b| (?:then|please|you must)\b)",
            ),
            (
                Rule.ASKS,
                r"(?:^|[.!?\"“(<\[*#-]\s{0,3})(?P<order>(?:attention|note|notice|message|instructions?|"
                r"important|hint)"
                rf"(?: (?:to|for|all|any|every)){{0,2}} {_MODEL}(?: {_READING} this "
                rf"\w{{3,12}})?\s{{0,2}}[:!—–])",
            ),
            (Rule.ASKS, rf"\b(?:dear|hey|hello|attention|all|any) {_MODEL} {_READING} (?:this|these)\b"),
            (
                Rule.ASKS,
                rf"\b{_MODEL} (?:must|should|have to|are (?:required|instructed|asked|told) to)"
                rf"(?: (?:always|only|never|not))? {_PRAISE} (?:[\w'-]{{1,20}} ){{0,6}}?(?:this|our) "
                rf"(?:product|page|"
                r"site|website|company|article|paper|candidate|resume|book|app|restaurant|hotel|store|"
                r"author|shop)",
            ),
            (
                Rule.ASKS,
                rf"\b(?:when|if) (?:an?|any) {_MODEL} (?:is )?(?:reads|summari[sz]es|processes|"
                rf"{_READING}) this\b",
            ),
            (
                Rule.ASKS,
                r"\bwenn (?:du|sie) (?:eine?|ein großes) (?:ki|sprachmodell|chat ?bot|llm) (?:bist|sind)\b",
            ),
            (Rule.ASKS, r"\bsi (?:tu es|vous êtes) une? (?:ia|modèle de langage|chat ?bot|llm)\s{0,2}[,:]"),
            (Rule.ASKS, r"\bsi (?:eres|usted es) una? (?:ia|modelo de lenguaje|chat ?bot|llm)\s{0,2}[,:]"),
        ],
    ),
    Group(
        r"now\s+(?:on|dan)\b henceforth want\s+you\s+to\s+act",
        [
            (
                Rule.ROLE,
                r"\b(?:from now on|henceforth) you (?:will|must|shall|are to)(?: only| always| now)? "
                r"(?:(?:act|behave|respond|answer|reply|speak) as|role-?play|pretend|obey|answer only|"
                r"reply only)\b",
            ),
            (
                Rule.ROLE,
                r"\b(?:from now on|henceforth) you(?: a|['’])re (?:(?:an?|my|the) )?(?:[\w-]{2,16} ){0,2}"
                r"(?:ai|chat ?bot|llm|language model|bot|dan)\b(?!['’])",
            ),
            (Rule.ROLE, r"\bi want you to act as (?:an?|the|my) (?!team|family|unit|group|whole)"),
            (Rule.ROLE, r"\byou are now dan\b(?!['’])"),
        ],
    ),
    Group(
        r"prompt instruct above\s+(?:starting|beginning|verbatim|word|in\b)",
        [
            (
                Rule.REVEAL,
                r"\b(?:print|reveal|show|repeat|output|display|share|give|disclose|leak|recite|tell)"
                r"(?: (?:me|us|out|back|all|of)){0,3} your (?:(?:full|entire|exact|own|complete) )?"
                rf"(?:{_HIDDEN} ){{1,2}}(?:prompts?|instructions|messages?)\b",
            ),
            (Rule.REVEAL, rf"\bwhat (?:is|are|was|were) your (?:{_HIDDEN} ){{1,2}}(?:prompt|instructions)\b"),
            (
                Rule.REVEAL,
                r"\b(?:print|reveal|repeat|output|leak|disclose)(?: (?:me|us|out|back|all|of)){0,3} the "
                r"(?:(?:full|entire|exact|complete) )?(?:system|hidden|developer) (?:prompt|"
                r"instructions)\b(?! (?:for|when))",
            ),
            (
                Rule.REVEAL,
                r"\b(?:repeat|print|output|copy)(?: (?:all|of|the)){1,3} (?:words|text|instructions) above "
                r"(?:starting|beginning|verbatim|word for word|in a code)",
            ),
            (Rule.REVEAL, r"\bgib (?:mir )?(?:deinen|den)(?: \w{4,16})? system-?\s?prompt aus\b"),
            (Rule.REVEAL, r"\b(?:affiche|révèle|montre)[zr]?(?:-moi)? (?:ton|votre) prompt\b"),
            (Rule.REVEAL, r"\b(?:muestra|revela|imprime)(?:me)? (?:tu|su) prompt\b"),
        ],
    ),
    Group(
        r"respon(?:de?\s+(?:only|with|excl|solely|in\b|s[oó]l|únic)|se\s+(?:must|should|shall)) "
        r"reply\s+(?:only|with|excl|solely|in\b|must|should) output\s+(?:only|nothing|must|should) "
        r"explanations réponds antworte",
        [
            (
                Rule.OUTPUT,
                rf"(?:{_START}|,\s|\b(?:must|always|should) |\byou (?:will )?)"
                r"(?P<order>(?:respond|reply) (?:only|exclusively|solely) (?:with|in)\b)",
            ),
            (
                Rule.OUTPUT,
                rf"(?:{_START}|,\s|\b(?:must|always|should|and) |\byou (?:will )?)"
                r"(?P<order>(?:respond|reply) with (?:only|nothing but) )",
            ),
            (Rule.OUTPUT, rf"{_START}(?P<order>only (?:respond|reply) (?:with|in)\b)"),
            (
                Rule.OUTPUT,
                r"\b(?:respond|reply|answer) (?:only|solely) with (?:the (?:words?|phrase|text)|valid|"
                r"json|[“‘«])",
            ),
            (Rule.OUTPUT, rf"{_START}(?P<order>output (?:only|nothing but) (?:the|an?|valid|json)\b)"),
            (
                Rule.OUTPUT,
                r"\byour (?:entire |whole |only |next |final )?(?:response|reply|output) (?:must|should|"
                r"shall) "
                r"(?:(?:be|consist|contain) (?:only|exactly|solely)|only (?:be|contain)|(?:start|begin) "
                r"with)\b",
            ),
            (
                Rule.OUTPUT,
                r"\b(?:do not|don['’]t|never) (?:write|add|give|provide|output)(?: any| other){0,2} "
                r"explanations\b",
            ),
            (Rule.OUTPUT, rf"{_START}(?P<order>antworte (?:nur|ausschließlich) (?:mit|auf)\b)"),
            (Rule.OUTPUT, rf"{_START}(?P<order>réponds (?:uniquement|seulement) (?:avec|par|en)\b)"),
            (Rule.OUTPUT, rf"{_START}(?P<order>responde (?:solo|sólo|solamente|únicamente) (?:con|en)\b)"),
        ],
    ),
]

_TURNS = r"/?(?:start_of_turn|end_of_turn)>|</?sys>>"
# The bracket of a token that some tokenizer takes as its own: pipes, turns, and names that may also be HTML.
CONTROL_BRACKET = (
    rf"<(?=[|｜][^\s<>]{{1,64}}>|[\w/]{{1,64}}[|｜]>|{_TURNS}"
    r"|/?(?:s|bos|eos|pad|unk|sop|sep|think|tools?|tool_call|tool_response|start_of_image|end_of_image)>)"
    r"|\[(?=/?(?:inst|gmask|available_tools|tool_calls|tool_results|system_prompt)\])"
)
_TOKEN = (
    rf"<(?:\|[^\s<>|]{{1,64}}\|>|\|(?:turn|channel|tool)>|(?:turn|channel|tool)\|>|{_TURNS})|"
    r"\[/inst\]|\[inst\](?=[^\S\n]?\w)"
)
_SYSTEM_SAYS = (
    r"(?:you (?:are|must|will|should)|your (?:new|task|role|instructions)|ignore|disregard|forget|"
    r"override|from now on"
    r"|the assistant|new (?:instructions?|directives?|prompt)|(?:always|never) (?:answer|respond|reply|"
    r"say|mention)"
    r"|respond|reply|answer (?:the|only|with|in|all)|output (?:only|the)|print the|act as"
    r"|ты|вы |теперь|отныне|игнорируй|забудь|отвечай|你|请|忽略|从现在|只|无视)"
)
ANY_SCRIPT = [
    Group(
        r"<\| \|> <</?sys \[/?inst of_turn> ##\s?(?:instruction|human|assistant)",
        [
            (Rule.MARKUP, _TOKEN),
            (Rule.MARKUP, r"^#{2,4}\s{0,2}(?:instruction|human|assistant)\s?:"),
        ],
    ),
    Group(
        r"system систем 系统 系統",
        [
            (
                Rule.MARKUP,
                r"(?:^|[<\[{(*#>])\s{0,4}(?P<order>(?:system|система|系统|系統)"
                r"(?:\s(?:message|prompt|note|override|instructions?)|提示|消息|指令|"
                r"提示词)?\s?[:：>\]})*]{1,4}\s{0,4}"
                rf"{_SYSTEM_SAYS})",
            ),
        ],
    ),
]
