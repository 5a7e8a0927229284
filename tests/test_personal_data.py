"""Personal data: what is found, the near misses that stay, and that redaction is stable and fast."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.safeguards import find_personal_data, redact


def found(text: str, language: str = "en") -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text, language)]


@pytest.mark.parametrize("language", ["en", "ru", "zh", "de", "und"])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("email", "jane.doe+news@mail.example.org"),
        ("email", "jane [at] example [dot] org"),
        ("phone", "+1 202-555-0143"),
        ("phone", "+7 (495) 555-12-34"),
        ("phone", "+86 138 0013 8000"),
        ("phone", "(555) 123-4567"),
        ("id", "123-45-6789"),
        ("id", "4111 1111 1111 1111"),
        ("id", "GB82 WEST 1234 5698 7654 32"),
        ("id", "112-233-445 95"),
        ("id", "11010519491231002X"),
        ("ip", "203.0.113.7"),
        ("ip", "2001:db8::8a2e:7334"),
        ("handle", "@jane_doe"),
        ("profile_url", "https://twitter.com/janedoe"),
        ("profile_url", "linkedin.com/in/jane-doe-123"),
        ("profile_url", "https://vk.com/id12345"),
        ("profile_url", "https://t.me/jane_doe"),
        ("profile_url", "https://mastodon.example.org/@jane"),
        ("profile_url", "mailto:jane@example.com"),
    ],
)
def test_what_needs_no_language_is_found_in_every_language(kind, data, language):
    assert found(f"~ {data} ~", language) == [(kind, data)]


@pytest.mark.parametrize(
    ("language", "text", "kind", "data"),
    [
        ("en", "Call 202-555-0143 today.", "phone", "202-555-0143"),
        ("en", "Fax: 555-0199", "phone", "555-0199"),
        ("en", "Ring 020 7946 0958 ext. 12 for help", "phone", "020 7946 0958 ext. 12"),
        ("ru", "Звоните 8 (900) 555-01-23 после обеда", "phone", "8 (900) 555-01-23"),
        ("zh", "请拨打13800138000联系我们", "phone", "13800138000"),
        ("en", "Passport No. X1234567 was lost", "id", "X1234567"),
        ("ru", "ИНН 7707083893 указан верно", "id", "7707083893"),
        ("ru", "паспорт 45 10 123456 выдан", "id", "45 10 123456"),
        ("en", "I left 12 Oak Street, Salem, OR 97301 in May", "address", "12 Oak Street, Salem, OR 97301"),
        ("ru", "Ждём: г. Тверь, ул. Садовая, д. 5, кв. 1!", "address", "г. Тверь, ул. Садовая, д. 5, кв. 1"),
        ("zh", "地址：北京市海淀区学府大街27号3单元502室。", "address", "北京市海淀区学府大街27号3单元502室"),
        ("de", "Besuchen Sie uns: Gartenstraße 12, 10115 Berlin", "address", "Gartenstraße 12, 10115 Berlin"),
        ("zh", "微信号：zhangwei_88，欢迎", "handle", "zhangwei_88"),
        ("zh", "可以加我QQ 1234567890哦", "handle", "1234567890"),
        ("zh", "我的微信是jane-doe88，谢谢", "handle", "jane-doe88"),
        ("ru", "скайп: jane.doe, звоните", "handle", "jane.doe"),
        ("en", "Username: janedoe", "handle", "janedoe"),
        ("en", "Find me at @jane@social.example on weekdays", "handle", "@jane@social.example"),
        ("zh", "来自203.0.113.9和别处", "ip", "203.0.113.9"),
        ("en", "route via fe80::1 instead", "ip", "fe80::1"),
        ("zh", "来信jane（at）example（dot）com谢谢", "email", "jane（at）example（dot）com"),
        ("ru", "почта jane собака example точка com", "email", "jane собака example точка com"),
        ("en", "It is at 5 Elm Rise, Salem, Ohio 43999 now", "address", "5 Elm Rise, Salem, Ohio 43999"),
        ("zh", "地址：杭州市和平区和顺路8号科技楼12室。", "address", "杭州市和平区和顺路8号科技楼12室"),
    ],
)  # fmt: skip
def test_data_written_as_the_language_writes_it_is_found(language, text, kind, data):
    assert found(text, language) == [(kind, data)]


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("en", "Dr. Anna Weber sees patients.", "Anna Weber"),
        ("en", "Ask Mr. Smith about it.", "Smith"),
        ("en", "Our head teacher John Smith retires.", "John Smith"),
        ("en", "Head Teacher John Smith retires.", "John Smith"),
        ("en", "By Jane Doe\n\nRye bread needs time.", "Jane Doe"),
        ("en", "This was written by Jane Doe last week.", "Jane Doe"),
        ("en", "Maria Lopez, a nurse from Ohio, agreed.", "Maria Lopez"),
        ("en", "My name is Anna and I bake.", "Anna"),
        ("ru", "Менеджер Иван Петров ответит.", "Иван Петров"),
        ("ru", "Директор школы № 5 Анна Сергеева рада.", "Анна Сергеева"),
        ("ru", "Пришёл г-н Сидоров.", "Сидоров"),
        ("ru", "Выдано: Петров Иван Иванович.", "Петров Иван Иванович"),
        ("ru", "Нас учила Мария Ивановна.", "Мария Ивановна"),
        ("zh", "联系人：张伟，欢迎来访", "张伟"),
        ("zh", "我们班的王老师很好", "王"),
        ("zh", "记者李明报道", "李明"),
        ("zh", "请联系阮医生复诊", "阮"),
        ("zh", "财务部段经理在场", "段"),
        ("zh", "书记员林小雨，下周再来", "林小雨"),
        ("zh", "我们的律师方志明连夜赶来", "方志明"),
        ("zh", "主持：司徒文静。", "司徒文静"),
        ("zh", "薛佳宁，主任医师，专长眼科", "薛佳宁"),
        ("zh", "昨天很冷，老吴说他不来。", "老吴"),
        ("en", "Surname, first name: Doe, Jane\nAge: 30", "Doe, Jane"),
        ("en", "See you on Friday.\n\nCheers,\nTamsin", "Tamsin"),
        ("en", "JANE DOE\nSales Manager\nWidgets Ltd", "JANE DOE"),
        ("en", "Attn: MARY POOLE", "MARY POOLE"),
        ("en", "Our treasurer is Jane Doe this year.", "Jane Doe"),
        ("en", "Reply by Jane Doe, two days ago", "Jane Doe"),
        ("ru", "Спрашивает Ирина Белова, Тула", "Ирина Белова"),
        ("ru", "Лифт чинил мастер Олег вчера.", "Олег"),
        ("ru", "Судья Петрова А. И. вынесла решение", "Петрова А. И."),
    ],
)
def test_a_name_beside_a_role_or_a_form_of_address_is_found_without_it(language, text, name):
    assert found(text, language) == [("name", name)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "William Shakespeare wrote Hamlet, and Hamlet by William Shakespeare is long."),
        ("en", "A can of Dr. Pepper, and the manager of General Motors Company."),
        ("en", "ISBN 978-3-16-148410-0, order 2025550143, on 2010-10-22 and 10:30:45."),
        ("en", "It costs $1,234,567 or 1 000 000 euros in 2019-2020."),
        ("en", "Version 1.2.3.4 of Widget 5.10.2 listens on 127.0.0.1 with mask 255.255.255.0."),
        ("en", "icon@2x.png, std::vector<a::b>, git@example.com:team/project"),
        ("en", "@dataclass\nclass Point:\n    x: int"),
        ("en", "See https://github.com/team/project/issues/5 and https://twitter.com/share?x=1."),
        ("en", "The card 4111 1111 1111 1112 fails its check, as does GB82 WEST 1234 5698 7654 33."),
        ("en", "The 5 Star Way to cook in 10 minutes."),
        ("ru", "Лев Николаевич Толстой написал «Войну и мир»."),
        ("ru", "Закон № 152-ФЗ от 27.07.2006, цена 1 000 000 руб., площадь 22,56 км2."),
        ("ru", "На улице Ленина стоит дом."),
        ("zh", "语文老师和许多老师都说谢谢老师，李白写诗。"),
        ("zh", "国办发〔2010〕12号，2010年10月22日，地铁2号线。"),
        ("zh", "管理老师安排时间，学校单位经理都高兴，周三医生方便。"),
        ("zh", "他是高中老师，非常感谢相关主任。"),
        ("en", "Twitter: Follow along online: 5 tips. Name: Apache Arrow\nSales Manager: Full Time"),
        ("ru", "Прошивка 1.10.22.7 и код ОКПД2 26.51.52.130."),
    ],
)
def test_the_subject_of_a_text_stays(language, text):
    assert found(text, language) == []


def test_a_redacted_text_reads_on_and_says_what_it_lost():
    text = "Ask head teacher John Smith (john@example.org, 202-555-0143 or 202-555-0145)."
    redacted = "Ask head teacher [NAME] ([EMAIL], [PHONE] or [PHONE])."
    assert redact(text, "en") == (redacted, {"name": 1, "email": 1, "phone": 2})


def test_what_its_neighbour_hid_is_redacted_too():
    assert "c.org" not in redact("a@b.org@c.org", "en")[0]


_PIECES = st.sampled_from(
    ["jane@example.com", "@jane_doe", "202-555-0143", "+74955551234", "4111111111111111", "Dr.", "Mr.",
     "Anna", "Smith", "teacher", "by", "By", ",", ".", ":", "[", "]", "(", ")", "[NAME]", "[EMAIL]",
     "[PHONE]", "12", "Oak", "Street", "王老师", "联系人：", "张伟",
     "менеджер", "Иван", "Петров",
     "ул.", "Садовая,",
     "д.5", "203.0.113.7", "t.me/jane_d", "@", "-", "/", "tel:", "13800138000", "号", "路", "mailto:", "[at]"]
)  # fmt: skip
_TEXTS = st.lists(st.tuples(_PIECES, st.sampled_from(["", " ", "\n"]))).map(
    lambda pairs: "".join(piece + gap for piece, gap in pairs)
)


@given(st.one_of(_TEXTS, st.text()), st.sampled_from(["en", "ru", "zh", "de", "und"]))
def test_redacting_twice_changes_nothing_more(text, language):
    redacted, _ = redact(text, language)
    assert redact(redacted, language) == (redacted, {})


@given(st.one_of(_TEXTS, st.text()), st.sampled_from(["en", "ru", "zh", "de", "und"]))
def test_finds_are_sorted_and_do_not_overlap(text, language):
    spans = find_personal_data(text, language)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


@pytest.mark.parametrize("piece", ["a", "7", "@", "1-", "A", ":", "(", "1.", "王", "+1 (", "ул. "])
def test_the_time_grows_with_the_text_and_not_with_its_square(piece):
    def seconds(size: int) -> float:
        start = time.process_time()
        find_personal_data(piece * (size // len(piece)), "en")
        return time.process_time() - start

    short = min(seconds(100_000) for _ in range(3))
    assert seconds(800_000) < 24 * max(short, 0.02)
