"""Units that answers of school problems come in, in English, Russian and Chinese: one amount in two of them.

A library of units knows English names alone; what is not here is left to whoever compares.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

__all__ = ["Unit", "unit_of"]


class Unit(NamedTuple):
    """A unit.

    Attributes:
        kind: what it measures; amounts of one kind can be compared.
        size: in the smallest unit of its kind.
    """

    kind: str
    size: Decimal


_NAMES = {
    "time": {
        1: "s sec second seconds с сек секунда секунды секунд секунду 秒 秒钟",
        60: "min mins minute minutes мин минута минуты минут минуту 分钟",
        3_600: "h hr hrs hour hours ч час часа часов 小时 个小时 钟头",
        86_400: "day days день дня дней сутки суток 天 日",
        604_800: "week weeks неделя недели недель неделю 周 星期 个星期",
    },
    "length": {
        1: "mm millimetre millimetres millimeter millimeters мм миллиметр миллиметра миллиметров 毫米",
        10: "cm centimetre centimetres centimeter centimeters см сантиметр сантиметра сантиметров 厘米",
        1_000: "m metre metres meter meters м метр метра метров 米",
        1_000_000: "km kilometre kilometres kilometer kilometers км километр километра километров 千米 公里",
    },
    "mass": {
        1: "g gram grams gramme grammes г грамм грамма граммов 克",
        1_000: "kg kilo kilos kilogram kilograms кг килограмм килограмма килограммов 千克 公斤",
        1_000_000: "t tonne tonnes т тонна тонны тонн 吨",
    },
    "volume": {
        1: "ml millilitre millilitres milliliter milliliters мл миллилитр миллилитра миллилитров 毫升",
        1_000: "l litre litres liter liters л литр литра литров 升",
    },
    # A problem has one currency, so dollars and euros need not be told apart.
    "money": {
        1: "cent cents копейка копейки копеек",
        100: "dollar dollars usd euro euros eur рубль рубля рублей rub yuan 块 块钱",
    },
}
_UNITS: Mapping[str, Unit] = {
    name: Unit(kind, Decimal(size))
    for kind, sizes in _NAMES.items()
    for size, names in sizes.items()
    for name in names.split()
}


def unit_of(words: Iterable[str]) -> Unit | None:
    """The unit that the words around a number name; None where they name none, or several (``km/h``).

    Args:
        words: in small letters.
    """
    found = [_UNITS[word] for word in words if word in _UNITS]
    return found[0] if len(found) == 1 else None
