"""Invented personas with what their words state of gender and age; written before the rules they judge."""

from typing import NamedTuple

__all__ = ["SENTENCES", "UNSEEN", "Sentence"]


class Sentence(NamedTuple):
    """A persona, and what a careful reader finds stated."""

    text: str
    language: str
    gender: str | None
    age: str | None


_W, _M = "woman", "man"
_CHILD, _YOUNG, _MIDDLE, _OLD = "under 18", "18 to 39", "40 to 64", "65 and over"

SENTENCES = [
    Sentence(*row)
    for row in (
        # English
        ("A 34-year-old nurse who works night shifts on a burns ward", "en", None, _YOUNG),
        ("A mother of three who sews costumes for the village theatre", "en", _W, None),
        ("A baker who counts her loaves before dawn", "en", _W, None),
        ("A baker who counts the loaves before dawn", "en", None, None),
        ("A retired welder who builds model ships in his cellar", "en", _M, None),
        ("A gynaecologist who treats women from remote islands", "en", None, None),
        ("An elderly man who feeds the gulls at the ferry pier", "en", _M, _OLD),
        ("A grandmother who teaches the neighbours' children to knit", "en", _W, None),
        ("A pediatric nurse who gives injections to 6-year-old children", "en", None, None),
        ("A young woman from Kyiv who restores icons", "en", _W, _YOUNG),
        ("A female bus driver on the last route of the night", "en", _W, None),
        ("A male midwife who lectures about home births", "en", _M, None),
        ("A teenager who repairs old radios and sells them online", "en", None, _CHILD),
        ("A teacher of teenagers who are learning to read late", "en", None, None),
        ("A plumber in his fifties who dislikes plastic pipes", "en", _M, _MIDDLE),
        ("A widow, aged 71, who keeps forty hives", "en", _W, _OLD),
        ("A historian with 30 years of experience in parish archives", "en", None, None),
        ("A tailor for men who are hard to fit", "en", None, None),
        ("A man's hairdresser with a shop by the station", "en", None, None),
        ("A user who wants to change his or her password", "en", None, None),
        ("A middle-aged bookkeeper who sings in a choir", "en", None, _MIDDLE),
        ("A violinist, a father of twins, who practises at night", "en", _M, None),
        ("A child psychologist who draws with her patients", "en", _W, None),
        ("A mother tongue teacher at an evening school", "en", None, None),
        ("A women's rights lawyer who travels to border camps", "en", None, None),
        ("A boy who collects tram tickets", "en", _M, _CHILD),
        ("A farmer who is 58 years old and grows hops", "en", None, _MIDDLE),
        ("A girl of 12 who trains for the chess championship", "en", _W, _CHILD),
        ("The son of a fisherman who became a marine lawyer", "en", _M, None),
        ("A nurse who looks after an old man and his dog", "en", None, None),
        ("A sixty-year-old surveyor who still climbs masts", "en", None, _MIDDLE),
        ("A firefighter whose mother ran the only pharmacy in town", "en", None, None),
        ("A software developer who wants their work to stay private", "en", None, None),
        ("A potter named Alexandra who fires her kiln with apple wood", "en", _W, None),
        ("A sailor named Robert who writes tide tables", "en", None, None),
        ("A carer of old people who has no car", "en", None, None),
        ("A judge who thinks he should have studied music", "en", _M, None),
        ("A chess coach who tells girls that she was once told to stop", "en", _W, None),
        ("A 17-year-old apprentice who wires barns", "en", None, _CHILD),
        ("A woman in her late twenties who drives a snow plough", "en", _W, _YOUNG),
        ("A schoolteacher of 6-year-olds in a mountain village", "en", None, None),
        ("A husband and a wife who run a mill", "en", None, None),
        # Russian
        ("Женщина средних лет, которая разводит шелкопрядов", "ru", _W, _MIDDLE),
        ("Учитель физики, который собирает старые барометры", "ru", None, None),
        ("Бабушка, которая печёт пироги для всего подъезда", "ru", _W, None),
        ("34-летний инженер, который чинит лифты", "ru", None, _YOUNG),
        ("Отец двоих детей, который водит ночной трамвай", "ru", _M, None),
        ("Гинеколог, который принимает женщин из дальних сёл", "ru", None, None),
        ("Медсестра, работающая в ночную смену", "ru", None, None),
        ("Пожилой мужчина, который подвязывает яблони", "ru", _M, _OLD),
        ("Молодая мать, которая пишет диссертацию о торфе", "ru", _W, _YOUNG),
        ("Подросток, который снимает голубей на плёнку", "ru", None, _CHILD),
        ("Бухгалтер с 30 годами стажа, который поёт в хоре", "ru", None, None),
        ("Пчеловод, отец троих сыновей, который держит двенадцать ульев", "ru", _M, None),
        ("Плотник в возрасте 52 лет, который строит лодки", "ru", None, _MIDDLE),
        ("Учительница начальных классов, которая учит шестилетних детей", "ru", None, None),
        ("Водитель автобуса, чья мать была стрелочницей", "ru", None, None),
        ("Девушка 19 лет, которая учится на сварщика", "ru", _W, _YOUNG),
        ("Мальчик, который собирает трамвайные билеты", "ru", _M, _CHILD),
        ("Пожилой оленевод, который не доверяет прогнозам", "ru", None, _OLD),
        ("Сын рыбака, который стал морским юристом", "ru", _M, None),
        ("Вдова 71 года, которая держит сорок ульев", "ru", _W, _OLD),
        ("Тренер женской команды по гребле", "ru", None, None),
        ("Воспитатель детского сада, который работает с детьми 3 лет", "ru", None, None),
        ("Архивист, который за 40 лет прочёл все метрические книги", "ru", None, None),
        ("Ветеринар, который лечит собак и их хозяев", "ru", None, None),
        # Chinese
        ("一位34岁的护士，在烧伤科值夜班", "zh", None, _YOUNG),
        ("一位单亲妈妈，晚上经营一家小面馆", "zh", _W, None),
        ("一位修理电梯的工程师", "zh", None, None),
        ("一位为女性提供咨询的医生", "zh", None, None),
        ("一位女工程师，负责桥梁检测", "zh", _W, None),
        ("一位中年男性，每天给海鸥喂食", "zh", _M, _MIDDLE),
        ("一位年迈的奶奶，教邻居的孩子织毛衣", "zh", _W, _OLD),
        ("一位照顾年迈母亲的会计", "zh", None, None),
        ("一名17岁的学徒，学习修理收音机", "zh", None, _CHILD),
        ("一位年轻的茶农，想把春茶卖到城里", "zh", None, _YOUNG),
        ("一位六十八岁的渔民，仍然每天出海", "zh", None, _OLD),
        ("一位教6岁儿童识字的老师", "zh", None, None),
        ("一位有30年经验的档案员", "zh", None, None),
        ("一位木匠，她在山里开了一间作坊", "zh", _W, None),
        ("一位男装设计师，喜欢用旧布料", "zh", None, None),
        ("一个收集电车票的男孩", "zh", _M, _CHILD),
        ("一位在医院陪护的父亲", "zh", _M, None),
        ("一位妇科医生，常去海岛出诊", "zh", None, None),
        ("一位退休教师，喜欢研究方言", "zh", None, None),
        ("一位五十多岁的水管工，不喜欢塑料管", "zh", None, _MIDDLE),
        ("一位编剧，他总是在夜里写作", "zh", _M, None),
        ("一位关心其他人的志愿者", "zh", None, None),
        ("一位喜欢下棋的老人，每天去公园", "zh", None, _OLD),
        ("一位帮助老年人使用手机的志愿者", "zh", None, None),
    )
]

UNSEEN = [
    Sentence(*row)
    for row in (
        ("A stepmother who translates legal letters for her neighbours", "en", _W, None),
        ("A 41-year-old lighthouse inspector who dislikes boats", "en", None, _MIDDLE),
        ("A monk who prints books by hand", "en", _M, None),
        ("A volunteer who reads to blind women on Tuesdays", "en", None, None),
        ("An 8-year-old who knows every locomotive by its sound", "en", None, _CHILD),
        ("A retired judge in his seventies who grows dahlias", "en", _M, _OLD),
        ("A tax adviser for young couples who buy their first home", "en", None, None),
        ("A beekeeper who lost her hearing and still lectures", "en", _W, None),
        ("A surgeon who trained under his grandmother", "en", _M, None),
        ("A 23-year-old woman learning to weld", "en", _W, _YOUNG),
        ("A man who never married and restores clocks", "en", _M, None),
        ("A kindergarten teacher whose pupils are 4 years old", "en", None, None),
        ("A wheelchair user who maps the city's ramps", "en", None, None),
        ("A senior citizen who teaches himself Python", "en", _M, _OLD),
        ("A forty-two-year-old miner who writes poems", "en", None, _MIDDLE),
        ("A tram driver who gave birth to twins last spring", "en", _W, None),
        ("A lady with a small vineyard above the river", "en", _W, None),
        ("A company director who cheats on his wife", "en", _M, None),
        ("A youth worker who listens to boys nobody listens to", "en", None, None),
        ("An organist, 66, who plays in three churches", "en", None, _OLD),
        ("Мама троих школьников, которая учится на кондитера", "ru", _W, None),
        ("Мужчина 45 лет, который впервые сел за рояль", "ru", _M, _MIDDLE),
        ("Акушерка, принимающая роды в горном селе", "ru", None, None),
        ("Дедушка, который мастерит скворечники", "ru", _M, None),
        ("Двадцатилетний студент, который чинит велосипеды", "ru", None, _YOUNG),
        ("Логопед, работающий с детьми 5 лет", "ru", None, None),
        ("Молодая учительница, которая приехала в посёлок", "ru", None, _YOUNG),
        ("Юрист, который защищает права женщин", "ru", None, None),
        ("Лесник, муж библиотекаря, который ведёт дневник погоды", "ru", _M, None),
        ("Пенсионер, который ловит рыбу у плотины", "ru", None, None),
        ("Дочь священника, которая стала астрономом", "ru", _W, None),
        ("Шахтёр 38 лет, который пишет стихи", "ru", None, _YOUNG),
        ("Тётя именинника, которая не умеет готовить", "ru", _W, None),
        ("Слесарь, который живёт с бабушкой", "ru", None, None),
        ("一位女医生，在高原上工作", "zh", _W, None),
        ("一位45岁的卡车司机，常年跑长途", "zh", None, _MIDDLE),
        ("一位专门给孩子看病的医生", "zh", None, None),
        ("一位喜欢拍鸟的爷爷", "zh", _M, None),
        ("一位木偶戏演员，今年七十三岁", "zh", None, _OLD),
        ("一位全职妈妈，自学编程", "zh", _W, None),
        ("一位研究女性文学的教授", "zh", None, None),
        ("一名16岁的女生，参加数学竞赛", "zh", _W, _CHILD),
        ("一位钟表匠，他的父亲也是钟表匠", "zh", _M, None),
        ("一位青年作家，住在海边", "zh", None, _YOUNG),
        ("一位有10岁女儿的厨师", "zh", None, None),
        ("一位邮递员，二十八岁，每天骑车送信", "zh", None, _YOUNG),
        ("一位老年大学的书法老师", "zh", None, None),
        ("一位丈夫常年出海的裁缝", "zh", None, None),
    )
]
"""Written after the rules, which were not changed for them."""
