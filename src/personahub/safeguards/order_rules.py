"""The rules of ``orders``: expressions over lower-cased text, with the words that they cannot do without.

In all of them a space stands for a gap between words (of other scripts than Chinese: one of line breaks,
markup and quotes as well), and where a command needs words before it, the group "order" is what it gives.
Nothing is repeated without bound.
"""

from typing import NamedTuple

__all__ = ["ANY_SCRIPT", "CONTROL_BRACKET", "CYRILLIC", "GAP", "GAP_HAN", "HAN", "LATIN", "Group"]


class Group(NamedTuple):
    """Rules, each with its name, and the anchors they share, separated by spaces."""

    anchors: str
    rules: list[tuple[str, str]]


_IGNORE, _ROLE, _MARKUP = "ignore_instructions", "new_role", "chat_markup"
_ASKS, _REVEAL, _OUTPUT = "asks_ai_readers", "reveal_prompt", "only_output"

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
                _IGNORE,
                r"(?<!not\s)(?<!n['’]t\s)(?<!never\s)\b(?:ignore|disregard|forget|stop following) "
                rf"(?=(?:{_WHICH} ){{0,4}}(?:all|any|every) )(?=(?:{_WHICH} ){{0,5}}(?:{_TIME}|your) )"
                rf"(?:{_WHICH} ){{1,6}}(?:{_PARTS_EN}|commands|orders|rules|directions|context|"
                rf"constraints)\b",
            ),
            (
                _IGNORE,
                rf"{_START}(?P<order>(?:ignore|disregard|forget|override|stop following) "
                rf"(?=(?:{_WHICH} ){{0,4}}(?:{_TIME}|your) )(?:{_WHICH} ){{1,6}}{_PARTS_EN}\b)",
            ),
            (
                _IGNORE,
                rf"{_START}(?P<order>(?:ignore|disregard|forget) (?:{_WHICH} ){{0,5}}{_PARTS_EN} "
                r"(?:above|before this|(?:that )?(?:you (?:were|have been|received)|given to you))\b)",
            ),
            (
                _IGNORE,
                rf"{_START}(?P<order>(?:ignore|disregard|forget) (?:everything|anything|all(?: of)?(?: "
                rf"the)?)"
                r"(?: (?:that|which|you|was|were|is|have|been|told|said|written|stated)){0,6} "
                r"(?:above|before (?:this|now)|prior to this|up to (?:this|now))\b)(?! sea)",
            ),
            (_IGNORE, r"\byour new instructions(?: are\b|:)"),
            (
                _IGNORE,
                r"\b(?:ignoriere?(?:n sie)?|vergiss) (?:(?:alle|sämtliche|die|deine|ihre) ){1,2}"
                r"(?:vorherigen|bisherigen|obigen|vorangegangenen|früheren) "
                r"(?:anweisungen|instruktionen|befehle|vorgaben)\b",
            ),
            (
                _IGNORE,
                r"\b(?:ignore[zr]?|oublie[zr]?) (?:toutes )?(?:les|tes|vos) (?:instructions|consignes|"
                r"directives) "
                r"(?:précédentes|antérieures|ci-dessus|reçues)",
            ),
            (
                _IGNORE,
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
            (_ROLE, rf"\byou (?:are|will be|have become) (?:now|henceforth) (?:acting as )?{_KIND}{_MODEL}"),
            (
                _ROLE,
                r"(?<!if\s)(?<!whether\s)(?<!when\s)(?<!that\s)\byou(?: a|['’])re "
                r"(?:chatgpt|an? (?:helpful assistant|(?:helpful )?(?:ai (?:language model|assistant|"
                r"model|agent)|"
                r"(?:large )?language model)))"
                r"(?: (?:that|who|which|designed|trained|made|called|named|tasked|with|for)\b|"
                r"\s{0,2}[.,;:!])",
            ),
            (
                _ROLE,
                rf"\b(?:pretend|imagine|assume)(?: that)?(?: you(?: a|['’])re| to be) {_KIND}{_MODEL}",
            ),
            (_ROLE, rf"{_START}(?P<order>(?:act|behave|role-?play) as {_KIND}{_MODEL})"),
            (_ROLE, r"\bdu bist (?:ab )?(?:jetzt|nun|sofort)(?: \w{2,16}){1,3}(?<=\ski|bot|ell|ent)\b"),
            (_ROLE, r"\btu es (?:maintenant|désormais)(?: \w{2,16}){1,3}(?<=\sia|bot|ant)\b"),
            (_ROLE, r"\b(?:ahora|a partir de ahora) eres(?: \w{2,16}){1,3}(?<=\sia|bot|nte)\b"),
            (
                _ASKS,
                rf"\bif you(?: a|['’])re(?: currently)? {_KIND}{_MODEL}(?: or (?:an? )?{_MODEL})?"
                rf"(?:\s{{0,2}}[,:;.—–(-]| (?:and (?:are )?)?{_READING}\b| (?:then|please|you must)\b)",
            ),
            (
                _ASKS,
                r"(?:^|[.!?\"“(<\[*#-]\s{0,3})(?P<order>(?:attention|note|notice|message|instructions?|"
                r"important|hint)"
                rf"(?: (?:to|for|all|any|every)){{0,2}} {_MODEL}(?: {_READING} this "
                rf"\w{{3,12}})?\s{{0,2}}[:!—–])",
            ),
            (_ASKS, rf"\b(?:dear|hey|hello|attention|all|any) {_MODEL} {_READING} (?:this|these)\b"),
            (
                _ASKS,
                rf"\b{_MODEL} (?:must|should|have to|are (?:required|instructed|asked|told) to)"
                rf"(?: (?:always|only|never|not))? {_PRAISE} (?:[\w'-]{{1,20}} ){{0,6}}?(?:this|our) "
                rf"(?:product|page|"
                r"site|website|company|article|paper|candidate|resume|book|app|restaurant|hotel|store|"
                r"author|shop)",
            ),
            (
                _ASKS,
                rf"\b(?:when|if) (?:an?|any) {_MODEL} (?:is )?(?:reads|summari[sz]es|processes|"
                rf"{_READING}) this\b",
            ),
            (
                _ASKS,
                r"\bwenn (?:du|sie) (?:eine?|ein großes) (?:ki|sprachmodell|chat ?bot|llm) (?:bist|sind)\b",
            ),
            (_ASKS, r"\bsi (?:tu es|vous êtes) une? (?:ia|modèle de langage|chat ?bot|llm)\s{0,2}[,:]"),
            (_ASKS, r"\bsi (?:eres|usted es) una? (?:ia|modelo de lenguaje|chat ?bot|llm)\s{0,2}[,:]"),
        ],
    ),
    Group(
        r"now\s+(?:on|dan)\b henceforth want\s+you\s+to\s+act",
        [
            (
                _ROLE,
                r"\b(?:from now on|henceforth) you (?:will|must|shall|are to)(?: only| always| now)? "
                r"(?:(?:act|behave|respond|answer|reply|speak) as|role-?play|pretend|obey|answer only|"
                r"reply only)\b",
            ),
            (
                _ROLE,
                r"\b(?:from now on|henceforth) you(?: a|['’])re (?:(?:an?|my|the) )?(?:[\w-]{2,16} ){0,2}"
                r"(?:ai|chat ?bot|llm|language model|bot|dan)\b(?!['’])",
            ),
            (_ROLE, r"\bi want you to act as (?:an?|the|my) (?!team|family|unit|group|whole)"),
            (_ROLE, r"\byou are now dan\b(?!['’])"),
        ],
    ),
    Group(
        r"prompt instruct above\s+(?:starting|beginning|verbatim|word|in\b)",
        [
            (
                _REVEAL,
                r"\b(?:print|reveal|show|repeat|output|display|share|give|disclose|leak|recite|tell)"
                r"(?: (?:me|us|out|back|all|of)){0,3} your (?:(?:full|entire|exact|own|complete) )?"
                rf"(?:{_HIDDEN} ){{1,2}}(?:prompts?|instructions|messages?)\b",
            ),
            (_REVEAL, rf"\bwhat (?:is|are|was|were) your (?:{_HIDDEN} ){{1,2}}(?:prompt|instructions)\b"),
            (
                _REVEAL,
                r"\b(?:print|reveal|repeat|output|leak|disclose)(?: (?:me|us|out|back|all|of)){0,3} the "
                r"(?:(?:full|entire|exact|complete) )?(?:system|hidden|developer) (?:prompt|"
                r"instructions)\b(?! (?:for|when))",
            ),
            (
                _REVEAL,
                r"\b(?:repeat|print|output|copy)(?: (?:all|of|the)){1,3} (?:words|text|instructions) above "
                r"(?:starting|beginning|verbatim|word for word|in a code)",
            ),
            (_REVEAL, r"\bgib (?:mir )?(?:deinen|den)(?: \w{4,16})? system-?\s?prompt aus\b"),
            (_REVEAL, r"\b(?:affiche|révèle|montre)[zr]?(?:-moi)? (?:ton|votre) prompt\b"),
            (_REVEAL, r"\b(?:muestra|revela|imprime)(?:me)? (?:tu|su) prompt\b"),
        ],
    ),
    Group(
        r"respon(?:de?\s+(?:only|with|excl|solely|in\b|s[oó]l|únic)|se\s+(?:must|should|shall)) "
        r"reply\s+(?:only|with|excl|solely|in\b|must|should) output\s+(?:only|nothing|must|should) "
        r"explanations réponds antworte",
        [
            (
                _OUTPUT,
                rf"(?:{_START}|,\s|\b(?:must|always|should) |\byou (?:will )?)"
                r"(?P<order>(?:respond|reply) (?:only|exclusively|solely) (?:with|in)\b)",
            ),
            (
                _OUTPUT,
                rf"(?:{_START}|,\s|\b(?:must|always|should|and) |\byou (?:will )?)"
                r"(?P<order>(?:respond|reply) with (?:only|nothing but) )",
            ),
            (_OUTPUT, rf"{_START}(?P<order>only (?:respond|reply) (?:with|in)\b)"),
            (
                _OUTPUT,
                r"\b(?:respond|reply|answer) (?:only|solely) with (?:the (?:words?|phrase|text)|valid|"
                r"json|[“‘«])",
            ),
            (_OUTPUT, rf"{_START}(?P<order>output (?:only|nothing but) (?:the|an?|valid|json)\b)"),
            (
                _OUTPUT,
                r"\byour (?:entire |whole |only |next |final )?(?:response|reply|output) (?:must|should|"
                r"shall) "
                r"(?:(?:be|consist|contain) (?:only|exactly|solely)|only (?:be|contain)|(?:start|begin) "
                r"with)\b",
            ),
            (
                _OUTPUT,
                r"\b(?:do not|don['’]t|never) (?:write|add|give|provide|output)(?: any| other){0,2} "
                r"explanations\b",
            ),
            (_OUTPUT, rf"{_START}(?P<order>antworte (?:nur|ausschließlich) (?:mit|auf)\b)"),
            (_OUTPUT, rf"{_START}(?P<order>réponds (?:uniquement|seulement) (?:avec|par|en)\b)"),
            (_OUTPUT, rf"{_START}(?P<order>responde (?:solo|sólo|solamente|únicamente) (?:con|en)\b)"),
        ],
    ),
]

_WHICH_RU = (
    r"(?:вс[её]|всех|про|о|об|обо|на|те|тех|эти|мои|данные|полученные|приведённые|другие|системные"
    r"|тебе|вам|свои|своих|твои|твоих|ваши|ваших"
    r"|предыдущ\w{2}|прежн\w{2}|прошл\w{2}|предшествующ\w{2}|ран(?:ее|ние)|выше|вышеуказанн\w{2}|"
    r"изначальн\w{2})"
)
_KEY_RU = (
    r"(?:предыдущ\w{2}|прежние|прошлые|ран(?:ее|ние)|выше|вышеуказанн\w{2}|изначальн\w{2}|свои|твои|ваши)"
)
_MODEL_RU = (
    r"(?:(?:больш|умн)\w{2} )?(?:ии|искусственн\w{2,3} интеллект\w?|нейросет[ьи]|нейросетям|"
    r"языков\w{2,3} модел\w{1,2}"
    r"|чат-?бот\w{0,2}|бот|llm|chatgpt|ии-(?:ассистент|помощник|агент|модел)\w{0,3})(?![\w-])"
)
CYRILLIC = [
    Group(
        r"игнорир забудь отброс не\s+следуй",
        [
            (
                _IGNORE,
                r"(?<!не\s)\b(?:(?:про)?игнорируй(?:те)?|игнорировать|забудь(?:те)?|отбрось(?:те)?|не "
                r"следуй(?:те)?) "
                rf"(?=(?:{_WHICH_RU} ){{0,5}}{_KEY_RU} )(?:{_WHICH_RU} ){{1,6}}"
                r"(?:инструкци\w|указани\w|команды|промпты?|директивы|установки|распоряжения|правила)\b",
            ),
            (
                _IGNORE,
                rf"(?<!не\s)\b(?:игнорируй(?:те)?|забудь(?:те)?) (?:{_WHICH_RU} ){{1,3}}(?:инструкции|"
                rf"указания|промпты)"
                r" (?:выше|до этого|которые (?:ты|вы))",
            ),
            (
                _IGNORE,
                r"(?<!не\s)\b(?:игнорируй(?:те)?|забудь(?:те)?) (?:о |обо |про )?вс[её]м? (?:что )?"
                r"(?:(?:тебе|вам|было|говорили|сказано|написано|до|ты|получил) ){0,5}(?:выше|до этого|"
                r"ранее)\b",
            ),
        ],
    ),
    Group(
        r"ии(?<![а-яё]ии)(?![а-яё]) нейросет языков\w{2,3}\s+модел чат-?бот "
        r"бот(?<![а-яё]бот)(?![а-яё]) llm chatgpt искусственн\w{2,3}\s+интел",
        [
            (
                _ROLE,
                rf"\b(?:ты|вы) (?:[—–-] )?(?:теперь|отныне) (?:[—–-] )?(?:\w{{3,16}} ){{0,2}}?{_MODEL_RU}",
            ),
            (
                _ROLE,
                rf"\b(?:отныне|с этого момента|теперь) (?:ты|вы) (?:[—–-] )?(?:\w{{3,16}} "
                rf"){{0,2}}?{_MODEL_RU}",
            ),
            (
                _ROLE,
                rf"\b(?:представь|притворись|вообрази)(?:те)? что (?:ты|вы) (?:[—–-] )?(?:\w{{3,16}} "
                rf"){{0,2}}?{_MODEL_RU}",
            ),
            (_ROLE, rf"\b(?:веди себя|действуй|отвечай) как (?:\w{{3,16}} ){{0,2}}?{_MODEL_RU}"),
            (
                _ASKS,
                rf"\bесли (?:ты|вы) (?:[—–-] )?(?:\w{{3,16}} ){{0,2}}?{_MODEL_RU}"
                r"(?:\s{0,2}[,:;.—–]| (?:читающ\w{2}|и (?:читаешь|читаете|обрабатываешь)))",
            ),
            (
                _ASKS,
                r"\b(?:внимани[ею]|инструкци[яи] для|сообщение для|примечание для|обращение к(?:о "
                r"всем)?)(?: всех| всем)? "
                rf"{_MODEL_RU}(?: читающ\w{{2,3}} \w{{3,5}} \w{{4,9}})?\s{{0,2}}[,:!]",
            ),
            (
                _ASKS,
                rf"\b{_MODEL_RU} (?:должн[аоы]?|обязан[аоы]?) (?:всегда )?(?:рекомендовать|оценить|"
                rf"поставить|упомянуть"
                r"|сообщать|говорить|написать|хвалить|советовать) (?:[\w-]{1,20} ){0,6}?(?:эт(?:от|у|о|"
                r"ому|ой)|наш)",
            ),
        ],
    ),
    Group(
        r"хочу\s+чтобы хочу,\s+чтобы промпт системн скрыт начальн исходн",
        [
            (
                _ROLE,
                r"\bя хочу чтобы (?:ты|вы) (?:действовал|выступал|выступил|вел|вёл)\w? (?:себя )?(?:в "
                r"роли|в качестве|как)\b",
            ),
            (
                _REVEAL,
                r"\b(?:выведи|покажи|напечатай|раскрой|повтори|распечатай|сообщи|назови|процитируй|"
                r"скопируй|пришли)(?:те)? "
                r"(?:(?:мне|весь|всю|все|полностью|дословно|полный|целиком) ){0,3}(?:свой|свою|свои|твой|"
                r"твою|твои|ваш\w?) "
                r"(?:(?:полный|весь|системн\w{2}|начальн\w{2}|исходн\w{2}|скрыт\w{2}|секретн\w{2}) ){0,2}"
                r"(?:промпт|(?<=ый\s)запрос|(?<=ую\s)инструкцию|(?<=ые\s)инструкции|(?<=ое\s)сообщение)\b",
            ),
            (
                _REVEAL,
                r"\b(?:выведи|покажи|напечатай|раскрой|повтори)(?:те)? (?:мне )?(?:весь )?(?:системный|"
                r"скрытый) промпт\b",
            ),
            (
                _REVEAL,
                r"\bкаков[аы]? (?:твой|твои|твоя|ваш|ваши) (?:системн\w{2}|скрыт\w{2}|начальн\w{2}) "
                r"(?:промпт|инструкци\w)\b",
            ),
        ],
    ),
    Group(
        r"отвеча ответь вывод выведи объяснени пояснени",
        [
            (
                _OUTPUT,
                r"(?<!не\s)\b(?:отвечай|ответь|выводи|выведи)(?:те)? (?:только|лишь|исключительно) "
                r"(?:словом|словами|фразой|одним|json|кодом|числом|цифрой|переводом|текстом|код\b|в "
                r"формате|на русском)",
            ),
            (_OUTPUT, r"(?<!не\s)\b(?:отвечай|ответь) (?:только|лишь|исключительно) (?:[«“]|да\b)"),
            (
                _OUTPUT,
                r"\bне (?:пиши|добавляй|давай|выводи)(?:те)? (?:никаких |другие |лишних )?(?:объяснени|"
                r"пояснени)[йя]\b",
            ),
        ],
    ),
]

_MODEL_ZH = (
    r"(?:ai|人工智能|大语言模型|大型语言模型|语言模型|大模型|聊天机器人|llm|chatgpt|gpt)(?: (?:语言模型|"
    r"模型|助手|助理|机器人|系统))?"
)
_ONE_ZH = r"(?:(?:一个|一名|一位|一款|个) )?"
_WHICH_ZH = (
    r"(?:你|您|掉|到|之前|以上|上述|上面|前面|先前|此前|以前|过去|所有|全部|一切|任何|的|收到|被|给|这些|"
    r"那些|系统)"
)
_TIME_ZH = r"(?:之前|以上|上述|上面|前面|先前|此前|以前|过去|你的|您的|系统)"
HAN = [
    Group(
        r"忽略 无视 無視 忘记 忘掉 忘記 不要理会 不再遵守 停止遵守",
        [
            (
                _IGNORE,
                r"(?<![以接要能可勿别会])"
                r"(?:忽略|无视|無視|忘记|忘掉|忘記|不要 理会|不再 遵守|停止 遵守) "
                rf"(?:(?=(?:{_WHICH_ZH} ){{0,6}}{_TIME_ZH})(?:{_WHICH_ZH} ){{1,8}}(?:指令|指示|提示词|"
                rf"提示詞|设定|設定|"
                rf"系统 提示)"
                rf"|(?=(?:{_WHICH_ZH} ){{0,6}}{_TIME_ZH})(?=(?:{_WHICH_ZH} ){{0,6}}(?:所有|全部|一切|任何))"
                rf"(?:{_WHICH_ZH} ){{1,8}}(?:规则|規則|命令|要求|提示|限制|约束|对话|内容))",
            ),
        ],
    ),
    Group(
        r"ai(?<![a-z]ai)(?![a-z]) 人工智能 语言模型 大模型 机器人 llm gpt",
        [
            (
                _ROLE,
                r"(?:(?<![果如])你 现在 (?:是|就是|将 扮演|扮演)|从 现在 (?:开始|"
                r"起)\s{0,2}[，,]?\s{0,2}你 (?:就是|是|将是|将 扮演|扮演|"
                r"要 扮演))"
                rf" {_ONE_ZH}(?:[^，。！？\s]{{0,8}}?){_MODEL_ZH}(?! (?:工程|研究|专家|公司|行业|领域|"
                rf"产品|时代|开发))",
            ),
            (
                _ROLE,
                rf"(?:(?:^|[，。！？：“”\n]) 你 是 |(?:假装|想象|假设) 你 是 |(?:请 你? |假装 )扮演 "
                rf"){_ONE_ZH}(?:[^，。！？\s]{{0,6}}?)"
                r"(?:ai|人工智能|大?语言模型|大模型|聊天机器人|chatgpt)(?: (?:助手|助理|模型|"
                r"机器人))?(?=\s{0,2}[，。！：,.!]|$)",
            ),
            (
                _ASKS,
                rf"(?:如果|若|假如|倘若) (?:你|您) (?:是|为) {_ONE_ZH}{_MODEL_ZH}"
                r"(?:\s{0,2}[，,：:。（(]| (?:并且?|正在|在|来)? (?:阅读|读到|读取|处理|看到|总结)| 请)",
            ),
            (
                _ASKS,
                rf"(?:致|提醒|请注意|注意|给) (?:所有|各位|全体)? (?:的 )?(?:正在 阅读 (?:本文|此文|本页) "
                rf"的 )?{_MODEL_ZH}(?: (?:读者|"
                rf"们))?\s{{0,2}}[：:，]",
            ),
            (
                _ASKS,
                rf"{_MODEL_ZH} (?:必须|务必|应当|应该|应|请|需要) (?:始终|一律|只|优先)? "
                r"(?:推荐|给|将|把|称|说|评价|打分|提及|宣传|称赞)[^。！？\n]{0,16}?(?:本|该|此|这(?:个|"
                r"款|家|篇))"
                r" (?:产品|网站|公司|文章|论文|店|书|页面|品牌|文|应用|酒店|餐厅)",
            ),
        ],
    ),
    Group(
        r"我想 我希望 我要 从现在",
        [
            (
                _ROLE,
                r"我 (?:想|希望|要) (?:让 |请 )?你 (?:来 )?(?:充当|扮演|作为) (?:一个|一名|一位|我的|我|"
                r"[“「a-z])(?! 好)",
            ),
            (_ROLE, r"从 现在 (?:开始|起)\s{0,2}[，,]?\s{0,2}你 (?:将|要|必须) (?:扮演|充当)"),
        ],
    ),
    Group(
        r"提示 指令 prompt",
        [
            (
                _REVEAL,
                r"(?:打印|输出|显示|告诉|展示|透露|泄露|复述|重复|说出|列出|公开|写出|给我看|发送) "
                r"(?:(?:出|我|一下|一遍|完整|全部) ){0,3}(?:你|您) (?:的 )?(?:(?:完整|全部|所有|初始|系统|"
                r"隐藏|内部|原始|最初) (?:的 "
                r")?){0,3}"
                r"(?:提示词|提示|指令|prompt)",
            ),
            (
                _REVEAL,
                r"(?:打印|输出|透露|泄露|复述|重复|说出|公开) (?:出)? (?:完整|全部|所有)? (?:的)? (?:系统|"
                r"初始|隐藏) (?:的)? (?:提示词|"
                r"prompt)",
            ),
            (_REVEAL, r"(?:你|您) 的 (?:系统|初始|隐藏|内部) (?:提示词|提示|指令|prompt) 是 (?:什么|啥)"),
        ],
    ),
    Group(
        r"回复 输出 回答 解释 返回",
        [
            (
                _OUTPUT,
                r"(?:^|[，。！？；：、,\n]|请|必须|你) (?:只|仅|仅仅|只需|只能|只允许|仅需) (?:用|以|需)? "
                r"?(?:回复|输出|返回|回答) "
                r"(?:以下|译文|翻译|结果|一个 (?:词|字|单词|数字)|json|代码|终端|“|「|\"|字母|数字|最终|我)",
            ),
            (
                _OUTPUT,
                r"(?:不要|不得|禁止|请勿|别) (?:写|输出|添加|给出|做|返回) (?:任何|其他|多余|额外)? "
                r"(?:的)? (?:解释|其他 内容|其它 内容|说明 文字)",
            ),
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
            (_MARKUP, _TOKEN),
            (_MARKUP, r"^#{2,4}\s{0,2}(?:instruction|human|assistant)\s?:"),
        ],
    ),
    Group(
        r"system систем 系统 系統",
        [
            (
                _MARKUP,
                r"(?:^|[<\[{(*#>])\s{0,4}(?P<order>(?:system|система|系统|系統)"
                r"(?:\s(?:message|prompt|note|override|instructions?)|提示|消息|指令|"
                r"提示词)?\s?[:：>\]})*]{1,4}\s{0,4}"
                rf"{_SYSTEM_SAYS})",
            ),
        ],
    ),
]
