"""The words that say of a person what gender or age they have, in the languages of the built-in embeddings.

Only words that name a gender themselves: "woman", "mother", "widow", "grandson". Forms of occupations do not
count in any language ("waitress", "учительница", "Lehrerin"): their masculine forms are used of everybody, so
to count the others alone would find more women than there are.
"""

__all__ = ["AGE_WORDS", "BANDS", "MAN", "NOT_BEFORE", "NOT_SO", "WOMAN"]

BANDS = ("under 18", "18 to 39", "40 to 64", "65 and over")
"""The ages that are told apart."""

WOMAN = {
    "en": "woman|lady|girl|mother|mom|mum|grandmother|grandma|widow|wife|daughter|granddaughter|sister|aunt"
    "|niece|stepmother|schoolgirl|housewife|female|bride|nun",
    "ru": "женщина|девушка|девочка|мать|мама|бабушка|вдова|жена|супруга|дочь|дочка|сестра|тётя|тетя|старушка"
    "|внучка|невеста",
    "de": "frau|mutter|mama|großmutter|oma|witwe|ehefrau|mädchen|tochter|enkelin|dame|seniorin",
    "es": "mujer|madre|mamá|abuela|viuda|niña|chica|muchacha|hija|hermana|esposa|señora|nieta",
    "fr": "femme|mère|maman|grand-mère|veuve|fille|fillette|épouse|sœur|dame|petite-fille",
    "it": "donna|madre|mamma|nonna|vedova|ragazza|bambina|figlia|sorella|moglie|signora",
    "nl": "vrouw|moeder|mama|oma|grootmoeder|weduwe|meisje|dochter|zus|echtgenote",
    "pl": "kobieta|matka|mama|babcia|wdowa|dziewczyna|dziewczynka|córka|siostra|żona|staruszka",
    "pt": "mulher|mãe|avó|viúva|menina|rapariga|moça|filha|irmã|esposa|senhora",
    "tr": "kadın|anne|babaanne|anneanne|nine|büyükanne|kız|gelin",
    "ar": "امرأة|سيدة|فتاة|أم|جدة|أرملة|ابنة|زوجة",
    "zh": "女士|女性|女人|女孩|女生|女子|妇女|母亲|妈妈|奶奶|外婆|姥姥|祖母|女儿|妻子|太太|寡妇|姐姐|妹妹"
    "|阿姨|孕妇|姑娘|主妇|宝妈",
    "ja": "女性|女の子|少女|母親|母|祖母|おばあさん|妻|娘|未亡人|姉|妹|婦人|主婦",
    "ko": "여성|여자|어머니|엄마|할머니|아내|딸|소녀|미망인|주부",
    "th": "ผู้หญิง|หญิง|สตรี|แม่|คุณแม่|ยาย|คุณยาย|ย่า|ลูกสาว|ภรรยา|เด็กหญิง",
}
MAN = {
    "en": "man|gentleman|boy|father|dad|grandfather|grandpa|widower|husband|son|grandson|brother|uncle"
    "|nephew|stepfather|schoolboy|househusband|male|bridegroom|monk|guy",
    "ru": "мужчина|парень|юноша|мальчик|отец|папа|дедушка|дед|вдовец|муж|супруг|сын|брат|дядя|старик|внук"
    "|жених",
    "de": "mann|vater|papa|großvater|opa|witwer|ehemann|junge|sohn|enkel|herr|bruder",
    "es": "hombre|padre|papá|abuelo|viudo|niño|chico|muchacho|hijo|hermano|esposo|señor|nieto",
    "fr": "homme|père|papa|grand-père|veuf|garçon|fils|mari|frère|monsieur|petit-fils",
    "it": "uomo|padre|papà|nonno|vedovo|ragazzo|bambino|figlio|fratello|marito|signore",
    "nl": "man|vader|papa|opa|grootvader|weduwnaar|jongen|zoon|broer|echtgenoot",
    "pl": "mężczyzna|ojciec|tata|dziadek|wdowiec|chłopak|chłopiec|syn|brat|mąż|staruszek",
    "pt": "homem|pai|avô|viúvo|menino|rapaz|moço|filho|irmão|marido|senhor",
    "tr": "erkek|adam|baba|dede|büyükbaba|oğlan|damat",
    "ar": "رجل|أب|جد|أرمل|ابن|زوج",
    "zh": "男士|男性|男人|男孩|男生|男子|父亲|爸爸|爷爷|外公|姥爷|祖父|儿子|丈夫|先生|鳏夫|哥哥|弟弟|叔叔"
    "|伯伯|小伙子|小伙|奶爸|宝爸",
    "ja": "男性|男の子|少年|父親|父|祖父|おじいさん|夫|息子|兄|弟|紳士",
    "ko": "남성|남자|아버지|아빠|할아버지|남편|아들|소년",
    "th": "ผู้ชาย|ชาย|พ่อ|คุณพ่อ|ปู่|คุณปู่|คุณตา|ลูกชาย|สามี|เด็กชาย",
}
NOT_SO = {
    "fr": r"femme de (?:ménage|chambre)",
    "tr": r"kadın (?:doğum|hastalık)|kız kardeş",
    "ar": r"رجل (?:أعمال|إطفاء|أمن|دين|شرطة)",
    "th": r"แม่(?:ครัว|ค้า|บ้าน|พิมพ์|น้ำ)|พ่อ(?:ครัว|ค้า|บ้าน)|หญิงชาย|ชายหญิง",
}
"""Where such words are part of what means something else."""

NOT_BEFORE = {
    "en": "of|for|to|in|at|on|by|with|from|and|who|whose|that|which|or|as|living|aged|is|now|plus",
    "de": "von|aus|in|mit|und|der|die|im|an|auf|eines|einer|mittleren|um|über",
    "es": "de|del|que|con|en|y|mayor|joven|soltera|soltero|anciana|anciano|jubilada|jubilado",
    "fr": "de|du|des|d|qui|avec|et|en|au|âgée|âgé|célibataire|retraitée|retraité",
    "it": "di|del|della|che|con|e|in|da|anziana|anziano|giovane|single",
    "nl": "van|uit|die|met|en|in|op",
    "pt": "de|do|da|que|com|e|em|idosa|idoso|jovem|solteira|solteiro",
}
"""Words that may follow such a noun where the person is it; before others it tells of what follows."""

_AGES = {
    "en": (
        r"teenager|teenage|teen|toddler|schoolboy|schoolgirl|child|kid|adolescent|boy|girl|baby",
        r"young|twentysomething|thirtysomething",
        r"middle-aged|middle aged",
        r"elderly|old(?= (?:man|woman|lady|gentleman|person))|senior citizen|aged(?= (?:man|woman))"
        r"|septuagenarian|octogenarian|nonagenarian|older(?= (?:man|woman|person|adult))|oldster",
    ),
    "ru": (
        r"подросток|реб[её]нок|мальчик|девочка|малыш",
        r"молод(?:ой|ая)|юноша|девушка",
        r"средних лет|среднего возраста",
        r"пожил(?:ой|ая)|старик|старушка|престарел(?:ый|ая)|стар(?:ый|ая)(?= (?:человек|мужчина|женщина))",
    ),
    "zh": (
        r"青少年|少年|少女|儿童|小孩|孩子|男孩|女孩|小男孩|小女孩|婴儿",
        r"年轻|青年|小伙子|小伙",
        r"中年|人到中年",
        r"老年|年迈|年老|老人|老奶奶|老爷爷|老太太|老大爷|老先生|高龄|老汉",
    ),
    "de": (
        r"jugendliche[rn]?|teenager|kind",
        r"junge[rs]?(?= \w)",
        r"mittleren alters",
        r"ältere[rs]?|betagte[rs]?|senior(?:in)?|alte[rs]?(?= (?:frau|mann|dame|mensch))",
    ),
    "es": (r"adolescente|niñ[oa]", r"joven", r"mediana edad", r"ancian[oa]|(?:persona|mujer|hombre) mayor"),
    "fr": (
        r"adolescente?|enfant|garçon|fillette",
        r"jeune",
        r"d['’]âge (?:moyen|mûr)|quadragénaire|quinquagénaire",
        r"âgée?(?! de)|septuagénaire|octogénaire",
    ),
    "it": (r"adolescente|bambin[oa]", r"giovane", r"mezza età", r"anzian[oa]"),
    "nl": (r"tiener|kind", r"jonge(?= )", r"middelbare leeftijd", r"bejaarde|oudere"),
    "pl": (
        r"nastolat(?:ek|ka)|dziecko|chłopiec|dziewczynka",
        r"młod[yae]",
        r"w średnim wieku",
        r"starsz[yae]|sędziw[yae]|staruszek|staruszka",
    ),
    "pt": (r"adolescente|criança|menin[oa]", r"jovem", r"meia-idade", r"idos[oa]"),
    "tr": (r"ergen|çocuk", r"genç", r"orta yaşlı", r"(?<!orta )yaşlı"),
    "ar": (r"مراهقة?|طفلة?", r"شابة?", r"منتصف العمر", r"مسنة?|عجوز"),
    "ja": (
        r"少年|少女|子ども|子供|女の子|男の子|ティーンエイジャー|十代",
        r"若い|若者|青年",
        r"中年",
        r"高齢|老人|年配|老婦人",
    ),
    "ko": (r"청소년|십대|소년|소녀|어린이", r"젊은|청년", r"중년", r"노인|노년|나이 든"),
    "th": (r"วัยรุ่น|เด็กหญิง|เด็กชาย", r"หนุ่ม|หญิงสาว", r"วัยกลางคน", r"สูงอายุ|สูงวัย|ชรา"),
}
AGE_WORDS = {language: dict(zip(BANDS, patterns, strict=True)) for language, patterns in _AGES.items()}
"""By language and band: words that say an age without a number."""
