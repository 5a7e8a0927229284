"""Each rule for texts: what it sets aside, and the near misses that it must leave alone."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.corpus.filters import MIN_BYTES, Fault, find_fault


def reason(text: str, language: str = "en") -> str | None:
    fault = find_fault(text, language)
    if fault:
        assert fault.detail
    return fault.reason if fault else None


# Texts worth asking about

SENTENCES = {
    "en": "Night nurses swap shifts by radio.",
    "de": "Der Imker wiegt seine Völker jeden Freitag.",
    "fr": "La potière laisse sécher ses bols à l'ombre.",
    "es": "El afinador llega siempre antes del ensayo.",
    "ru": "Пчеловод взвешивает ульи по пятницам.",
    "zh": "养蜂人每个星期五都要给蜂箱称重。",
    "ja": "養蜂家は毎週金曜日に巣箱の重さを量る。",
    "th": "คนเลี้ยงผึ้งชั่งน้ำหนักรังทุกวันศุกร์",
    "ar": "يزن النحال خلاياه كل يوم جمعة.",
    "hi": "मधुमक्खी पालक हर शुक्रवार छत्ते तौलता है।",
    "ko": "양봉가는 매주 금요일 벌통의 무게를 잰다.",
}


@pytest.mark.parametrize(("language", "sentence"), SENTENCES.items())
def test_one_sentence_is_enough_in_any_language(language: str, sentence: str) -> None:
    assert reason(sentence, language) is None
    assert reason(sentence, "und") is None


RECIPE = """## Ingredients

- 2 1/2 cups flour
- 1/2 cup butter
- 3 eggs
- 1 tsp salt
- 200 g sugar

## Directions

1. Heat the oven to 180 °C
2. Mix butter and sugar
3. Add the eggs
4. Bake for 12 minutes
"""
POEM = "\n".join(
    ["The kettle hums", "the ferry waits", "salt on the rail", "salt on the plates", "and I count crates"]
)
TABLE = (
    "| Tide | Boat | Catch |\n|---|---|---|\n| low | Marta | 120 kg |\n| high | Selkie | 85 kg |\n"
    "| low | Ida May | 40 kg |\n| high | Marta | 60 kg |\n"
)


@pytest.mark.parametrize("text", [RECIPE, POEM, TABLE], ids=["recipe", "poem", "table"])
def test_lists_of_short_lines_pass(text: str) -> None:
    assert reason(text) is None


def test_markdown_with_some_code_passes() -> None:
    text = (
        "To weigh a hive, we read the load cell twice a minute and send the median.\n\n"
        "```c\nint grams(void) {\n  return adc() * SCALE;\n}\n```\n\n"
        "Swap the scale factor for your own: put a known weight on the lid and divide by what you read."
    )
    assert reason(text) is None


def test_tags_around_a_good_text_do_not_matter() -> None:
    cell = '<td style="text-align: left; width: 40px" class="wide">{}</td>'
    cells = ["Tanners soak hides", "in bark liquor", "for months before", "they stretch and oil them"]
    assert reason("\n".join(map(cell.format, cells))) is None


# Too short


def test_the_limit_is_in_bytes_and_not_in_words() -> None:
    assert reason("a" * (MIN_BYTES - 1)) == "too_short"
    assert reason("a" * MIN_BYTES) is None
    assert reason("钟" * 10, "zh") == "too_short"
    assert reason("钟表匠修好了教堂的大钟。", "zh") is None


@pytest.mark.parametrize(
    "text", ["", " \n\t ", "<br>", '<img src="https://example.com/a-long-name.png">\n</p>']
)
def test_nothing_but_markup_is_too_short(text: str) -> None:
    assert reason(text) == "too_short"


# Boilerplate

NOTICES = {
    "en": [
        "Please enable JavaScript to view this page.",
        "JavaScript is disabled in your browser. Turn it on to continue.",
        "We use cookies to improve your experience. By continuing, you agree to our cookie policy.",
        "© 2019 Example Ltd. All rights reserved.",
        "404\nPage not found\nSorry, the page you are looking for does not exist.\nBack to the homepage",
        "Already have an account? Log in\nForgot your password?\nRemember me\nCreate an account",
        "You must be logged in to post a comment.",
        "Privacy Policy | Terms of Use | Cookie settings",
    ],
    "de": [
        "Diese Website verwendet Cookies. Weitere Informationen finden Sie in der Datenschutzerklärung.",
        "Bitte aktivieren Sie JavaScript in Ihrem Browser: JavaScript ist deaktiviert.",
        "© 2020 Beispiel GmbH. Alle Rechte vorbehalten.",
        "Die Seite wurde leider nicht gefunden.\nZurück zur Startseite",
        "Passwort vergessen?\nNoch kein Konto? Jetzt registrieren",
    ],
    "fr": [
        "Nous utilisons des cookies pour améliorer votre navigation. Tout accepter",
        "Veuillez activer JavaScript dans votre navigateur.",
        "© 2021 Exemple SARL. Tous droits réservés.",
        "Erreur 404 : la page demandée est introuvable.\nRetour à l'accueil",
        "Mot de passe oublié ?\nPas encore de compte ? Inscription",
    ],
    "es": [
        "Este sitio utiliza cookies propias y de terceros. Si continúa navegando, acepta su uso.",
        "Es necesario habilitar JavaScript en su navegador.",
        "© 2018 Ejemplo S.A. Todos los derechos reservados.",
        "Error 404: página no encontrada.\nVolver al inicio",
        "¿Has olvidado tu contraseña?\n¿No tienes cuenta? Regístrate",
    ],
    "ru": [
        "Мы используем файлы cookie. Продолжая пользоваться сайтом, вы соглашаетесь с этим.",
        "В вашем браузере отключён JavaScript, включите его.",
        "© 2017 ООО «Пример». Все права защищены.",
        "Страница не найдена\nВернуться на главную",
        "Забыли пароль?\nВойти через почту\nРегистрация",
    ],
    "zh": [
        "我们使用Cookie来改善您的浏览体验。继续使用本网站即表示您同意我们的隐私政策。",
        "请在浏览器中启用JavaScript后再访问此页面。",
        "版权所有 © 2016 示例公司 保留所有权利",
        "您访问的页面不存在\n返回首页\n联系我们",
        "请先登录\n忘记密码？\n还没有账号？立即注册",
    ],
}
MENUS = {
    "en": "Home\nAbout Us\nShoes\nBags\nGift cards\nContact\nMy account\nCart",
    "de": "Startseite\nÜber uns\nSchuhe\nTaschen\nKontakt\nImpressum\nWarenkorb",
    "fr": "Accueil\nÀ propos\nChaussures\nSacs\nContact\nMentions légales\nPanier",
    "es": "Inicio\nSobre nosotros\nZapatos\nBolsos\nContacto\nAviso legal\nCarrito",
    "ru": "Главная\nО компании\nОбувь\nСумки\nКонтакты\nДоставка и оплата\nКорзина",
    "zh": "首页\n关于我们\n产品中心\n鞋子\n箱包\n联系我们\n购物车\n网站地图",
}


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in NOTICES.items() for text in texts]
)
def test_notices_are_boilerplate(language: str, text: str) -> None:
    assert reason(text, language) == "boilerplate"
    assert reason(text, "und") == "boilerplate"


@pytest.mark.parametrize(("language", "text"), MENUS.items())
@pytest.mark.parametrize("separator", ["\n", " | ", "\n* ", " » "])
def test_menus_are_boilerplate_however_they_are_laid_out(language: str, text: str, separator: str) -> None:
    assert reason(text.replace("\n", separator), language) == "boilerplate"
    assert reason(text.replace("\n", separator), "und") == "boilerplate"


@pytest.mark.parametrize(
    "text",
    [
        "If you use cold butter, the cookies spread less. Cool the cookies on a rack. Cookies keep.",
        "Browsers began to block third-party cookies, so the ad buyers of small shops lost track.",
        "He forgot his password again, and the help desk asked for his mother's maiden name.",
        "The 404 bus leaves the harbour at six and takes the night shift of the cannery home.",
        "Copyright law students argue about whether a recipe can be owned at all.",
        "She sings the menu at home: contact lenses, about a dozen, support stockings and blog posts.",
        "Ёлочные игрушки он продаёт на главной площади, а корзину с мелочью держит под столом.",
    ],
)
def test_a_text_about_such_things_passes(text: str) -> None:
    assert reason(text, "und") is None


def test_a_good_text_with_a_notice_below_passes() -> None:
    story = "The lock keeper opens the gate for coal barges at dawn and notes their draught in a ledger."
    assert reason(story + "\n\n© 2020 Example. All rights reserved.") is None


def test_one_notice_below_a_cookie_recipe_does_not_make_it_a_notice() -> None:
    recipe = "Cream the butter. Fold in the oats. Shape the cookies small, for large cookies break. "
    assert reason(recipe + "We use cookies to improve your visit.") is None


# Repeated lines


def test_a_line_said_over_and_over_is_set_aside() -> None:
    line = "Buy the best garden hose in town today\n"
    assert reason(line * 6 + "Our shop is by the old mill.") == "repeated_lines"


def test_a_paragraph_said_over_and_over_is_set_aside() -> None:
    paragraph = "The mill sells\nhoses and hoops\n\n"
    assert reason(paragraph * 5) == "repeated_lines"


def test_words_stuffed_into_one_line_are_set_aside() -> None:
    stuffed = "cheap garden hose buy cheap garden hose best cheap garden hose shop cheap garden hose sale "
    assert reason(stuffed * 4) == "repeated_lines"


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("zh", "便宜水管哪里买最好的便宜水管"),
        ("ja", "やすいホースのおみせでやすいホース"),
        ("th", "สายยางราคาถูกที่สุดในเมือง"),
    ],
)
def test_repetition_is_seen_where_words_are_not_spaced(language: str, phrase: str) -> None:
    assert reason(phrase * 20, language) == "repeated_lines"


def test_a_headline_said_twice_passes() -> None:
    headline = "How do I stop the hose from leaking?"
    answer = "Cut the end straight, warm it, and push the joint home; a clamp does the rest for years."
    assert reason(f"{headline}\n{headline}\n{answer}") is None


def test_a_refrain_passes() -> None:
    verses = [
        "The tide is low, the nets are torn",
        "My father rowed before I was born",
        "The buyers wait till morn",
    ]
    assert (
        reason("\n".join(f"{verse}\nHaul away, my lads" for verse in verses[:2]) + "\n" + verses[2]) is None
    )


def test_table_cells_and_rules_that_repeat_pass() -> None:
    rows = "\n".join(
        f"Harbour number {name}\n0\n---" for name in ("Aldby", "Brant", "Corse", "Dunnet", "Eyn")
    )
    assert reason(rows) is None


# Symbol soup


def test_numbers_and_marks_without_words_are_set_aside() -> None:
    assert reason("12.5 | 13.1 | 99 % | 4/7 | -- | 12 | 17 | 2020 | ==== | ++") == "symbol_soup"
    assert reason("★★★★☆ →→→ ■■■ ●●● ◆◆◆ ▲▲▲") == "symbol_soup"


def test_encoded_data_is_set_aside() -> None:
    blob = base64.b64encode(random.Random(1).randbytes(600)).decode()
    assert reason(blob) == "symbol_soup"
    wrapped = "\n".join(blob[start : start + 76] for start in range(0, len(blob), 76))
    assert reason(f"signature:\n{wrapped}") == "symbol_soup"


@pytest.mark.parametrize(
    ("language", "text", "wrong"),
    [
        ("fr", "Les élèves préfèrent le goûter à la récréation, même l'été.", "latin-1"),
        ("fr", "Les élèves préfèrent le goûter à la récréation, même l'été.", "cp1252"),
        ("de", "Die Bäckerin trägt früh die Brötchen über die Straße.", "latin-1"),
        ("ru", "Пчеловод взвешивает ульи только по пятницам.", "latin-1"),
    ],
)
def test_text_read_in_a_wrong_encoding_is_set_aside(language: str, text: str, wrong: str) -> None:
    assert reason(text, language) is None
    assert reason(text.encode().decode(wrong, errors="replace"), language) == "symbol_soup"


def test_russian_read_as_windows_1251_is_set_aside() -> None:
    text = "Пчеловод взвешивает ульи только по пятницам.".encode().decode("cp1251", errors="replace")
    assert reason(text, "ru") == "symbol_soup"


def test_characters_lost_for_good_are_set_aside() -> None:
    assert (
        reason("Les \ufffdl\ufffdves pr\ufffdf\ufffdrent le go\ufffdter \ufffd la r\ufffdcr\ufffdation")
        == "symbol_soup"
    )


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("uk", "Рівне, Січень, Сім РІЧОК: на виставці «СССР» та «Ріг» у Рівному побували Сірко й Рієлтори."),
        ("pt", "AMANHÃ NÃO HAVERÁ PÃO NEM MAÇÃ, DIZ O PADEIRO DE SÃO JOÃO."),
    ],
)
def test_letters_that_only_look_broken_pass(language: str, text: str) -> None:
    assert reason(text, language) is None


def test_english_with_only_its_quotation_marks_broken_passes() -> None:
    text = (
        "The cook â€œborrowedâ€\u009d the pan; nobody in the mess of the old trawler ever asked for it, "
        "while the crew went hungry that long winter in the ice off the northern bank, or so they tell it in "
        "every bar of the port, where he is still owed a drink or two by men who ate from it, cold and late."
    )
    assert reason(text) is None


def test_more_hash_marks_than_gopher_allows_are_set_aside() -> None:
    assert reason("#sale #hose #garden #cheap #shop #best all at the old mill") == "symbol_soup"
    assert reason("Wait... what... they sold the ferry to a dentist") is None


def test_headings_are_no_hash_marks() -> None:
    assert reason("\n\n".join(f"### Lock {n}\n\nDrain {n} feet" for n in range(7))) is None


def test_prose_with_words_in_curly_brackets_passes() -> None:
    entry = (
        "See {anchor}, {bowline}, {capstan} and {\n deck hand}; a {fender} of rope is one more {\n guard}."
    )
    assert reason(entry) is None


def test_code_is_set_aside() -> None:
    code = "const a = list.map((x) => {\n  return x * 2;\n});\nfor (let i = 0; i < 3; i++) {\n  run(i);\n}\n"
    assert reason(code) == "symbol_soup"
    assert reason('{\n  "name": "hive",\n  "grams": 41200,\n  "open": false\n}') == "symbol_soup"


# Filler

LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore "
    "et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi."
)


def test_filler_is_set_aside() -> None:
    assert reason(LOREM, "la") == "lorem_ipsum"
    assert reason(LOREM[28:], "la") == "lorem_ipsum"


def test_a_text_that_speaks_of_filler_passes() -> None:
    assert reason("Designers who paste lorem ipsum never learn how long a German button label is.") is None


# Any text


@given(st.text(max_size=400), st.sampled_from(["en", "zh", "th", "und", "xx"]))
def test_any_text_is_judged_the_same_way_twice(text: str, language: str) -> None:
    fault = find_fault(text, language)
    assert fault is None or isinstance(fault, Fault)
    assert find_fault(text, language) == fault
    assert find_fault(f"\n {text}\n", language) == fault


@pytest.mark.parametrize("piece", ["<!--", "{{", "](", "<a ", "&a", " \n", ". ", "- ", "ab", "#"])
@pytest.mark.slow
def test_long_input_takes_time_in_proportion(piece: str) -> None:
    find_fault(piece * 200_000, "und")
