"""The words that tell a person's name from another capital: roles, forms of address, and what is no name.

Roles whose bearers are mostly public or historical (poet, king, senator, president, composer) are left
out on purpose: there the name is the subject of the text.
"""

import re

__all__ = [
    "NOT_AFTER_TITLE",
    "NOT_NAMES",
    "NOT_NAMES_HAN",
    "ROLES",
    "ROLES_AND_SURNAMES",
    "ROLE_RU",
    "SURNAMES_HAN",
    "TITLES",
    "TITLE_HAN",
    "words",
]


def words(listed: str) -> frozenset[str]:
    """The words of a list written with spaces."""
    return frozenset(listed.split())


TITLES = words(
    "mr mrs ms miss mx dr prof professor doctor madame mme mlle monsieur herr frau señor señora sr sra "
    "don doña "
    "reverend rev sister nurse officer sgt sergeant detective coach auntie uncle aunt dear "
    "г-н г-жа г-на г-ну г-же г-жи г-жу господин господина господину госпожа госпожи госпоже госпожу "
    "гражданин "
    "гражданина гражданка гражданки гр гр-н гр-ка тов товарищ д-р доктор доктора доктору проф профессор "
    "профессора "
    "уважаемый уважаемая дорогой дорогая тётя дядя пан пани"
)
"""After these one word is enough."""

ROLES = words(
    """
teacher headteacher headmaster headmistress principal tutor lecturer instructor trainer librarian student
pupil
manager director supervisor coordinator administrator secretary assistant receptionist clerk accountant
bookkeeper
auditor analyst consultant adviser advisor counselor counsellor engineer developer programmer designer
architect
technician mechanic electrician plumber carpenter welder builder foreman contractor surveyor inspector
driver pilot
captain sailor farmer gardener fisherman baker chef cook waiter waitress bartender butcher tailor
hairdresser barber
nurse midwife doctor physician surgeon dentist pharmacist paramedic therapist psychologist psychiatrist
pediatrician
paediatrician cardiologist veterinarian vet caregiver carer nanny volunteer organizer organiser chairman
chairwoman
chairperson chair treasurer owner founder co-founder cofounder ceo cto cfo coo cio president-elect
vice-president vp
partner colleague classmate neighbour neighbor friend wife husband son daughter mother father brother sister
grandmother grandfather cousin widow lawyer attorney solicitor barrister notary judge detective officer
sergeant
firefighter lieutenant researcher scientist postdoc fellow editor reporter journalist correspondent
photographer
spokesman spokeswoman spokesperson representative specialist strategist leader rep agent realtor
salesman saleswoman salesperson seller client patient tenant landlord landlady resident witness victim
suspect defendant plaintiff applicant candidate intern apprentice employee worker operator dispatcher
guard janitor
caretaker cleaner housekeeper pastor priest vicar coach referee columnist blogger maintainer curator
technologist translator interpreter superintendent commissioner
"""
)
"""After these a first and a last name."""

_ROLES_RU = (
    "менеджер|директор|замдиректор|директриса|учител[ья]|учительниц|преподавател|воспитател"
    "|воспитательниц|врач|медсестр|"
    "медбрат|фельдшер|хирург|педиатр|терапевт|стоматолог|кардиолог|психолог|ветеринар|фармацевт|инженер"
    "|программист|"
    "разработчик|дизайнер|архитектор|бухгалтер|главбух|юрист|адвокат|нотариус|секретар|администратор"
    "|специалист|"
    "консультант|начальник|начальниц|заместител|руководител|заведующ|завуч|председател|владел[ье]ц"
    "|владелиц|"
    "основател|предпринимател|водител|механик|электрик|сантехник|слесар|сварщик|строител|повар|пекар"
    "|официант|продав|"
    "парикмахер|фермер|тренер|библиотекар|волонт[её]р|координатор|организатор|сотрудник|сотрудниц"
    "|работник|работниц|"
    "студент|студентк|ученик|учениц|аспирант|доцент|лаборант|корреспондент|журналист|журналистк|фотограф"
    "|редактор|"
    "следовател|майор|капитан|лейтенант|сержант|полковник|участков|пациент|пациентк|клиент|клиентк|"
    "покупател|жител|жительниц|сосед|соседк|сосед[яи]|пенсионер|пенсионерк|мама|мать|матери|от[е]?ц|сын"
    "|дочь|дочери|муж|жена|жены|"
    "брат|сестр|бабушк|дедушк|внук|внучк|друг|подруг|коллег|менеджер|куратор|диспетчер|оператор|свидетел|"
    "заявител|подсудим|обвиняем|потерпевш|истец|ответчик|представител|пресс-секретар|аналитик|аудитор"
    "|переводчик|"
    "священник|няня|сиделк|агроном|геолог|лесник|эксперт"
)
ROLES_AND_SURNAMES = words(
    "baker cook butcher carpenter gardener farmer barber judge guard pilot priest mason fellow clerk "
    "chambers driver porter potter smith taylor turner major page reader steward singer painter head rector"
)
"""Behind a first name these are a name too: Tom Baker."""

ROLE_RU = re.compile(
    rf"(?:{_ROLES_RU})(?:ами|ого|ому|ыми|ими|ая|ей|ий|ый|ой|ом|ем|ов|ью|ям|а|у|е|и|ы|ь|ю|я)?"
)

NOT_NAMES = words(
    """
the a an and of in on at for from to with by as this that these those our my your his her its their we
you he she it
they i if when what who how why where no not all new old great big first second last next best more most
some any
january february march april june july august september october november december monday tuesday
wednesday thursday
friday saturday sunday jan feb mar apr jun jul aug sep sept oct nov dec today yesterday spring summer
autumn winter
inc corp corporation ltd llc gmbh co company companies group holdings bank university college school
academy institute
department office bureau agency ministry committee commission council board team center centre foundation
association
society union federation club church hospital clinic hotel restaurant museum library theatre theater
studio studios
press news times post journal magazine review media network networks systems software services service
solutions
technologies technology labs lab international global national federal state county city town village
district street
avenue road square park river lake mount mountain north south east west northern southern eastern western
central
united states kingdom america american british english french german italian spanish russian chinese
japanese european
europe asia africa london paris berlin moscow beijing shanghai york angeles francisco los san santa las
saint st fort
hong kong washington california texas google microsoft apple amazon facebook twitter github linux windows
android web
internet online project program programme act law bill plan report guide manual award prize series edition
version street house home white general public social digital security management data science art arts
history education health care medical development research engineering support customer user users
contact email phone
sir madam team colleagues friends editor reader readers friend parents customer customers santa god lord
christmas
football league cup world day week year star wars games valley island islands beach bay airport station
kitchen garden
affairs relations resources operations marketing sales finance communications information innovation
strategy design
government administration navy army force forces police fire church congress senate court constitution
emergency
house party open source creative commons privacy policy terms linkedin instagram youtube wikipedia
experience index satisfaction metrics survey surveys strategic outreach
effort score hazard control channels advocate executive apache arrow development product products project
business chief
related other special senior junior deputy assistant associate acting vice interim quality assessment
performance mars brain human resource
training
январь январе января февраль марта апреля мая июня июля августа сентября октября ноября декабря москва
москвы москве
петербург санкт россия россии российской российский федерации сша европа европы китай германия франция
украина
университет университета институт института школа школы академия банк банка компания компании группа союз
союза
министерство министерства комитет комитета совет совета центр центра театр театра музей музея клуб клуба
газета
область области край края район района город города улица улицы проспект коллеги друзья клиент клиенты
читатель
читатели родители покупатель государственный государственного национальный федеральный северный южный
восточный
западный новый новая новое старый большой большого первый великой отечественной сочи казань казани
все это этот в на и по из от для за мы вы он она они я как что если когда но также там тут здесь
"""
)
"""Words with a capital that are no part of a person's name, lower case."""

NOT_AFTER_TITLE = words(
    "pepper martens seuss who strange watson jekyll evil house bean clean robot right potato spock darcy "
    "rochester wonderful "
    "speaker president vice secretary chief chairman chairwoman justice mayor governor prime minister "
    "holmes fox big world universe doctor doolittle dolittle sun moon earth day mom dad mum grandma "
    "grandpa sam "
    "айболит ватсон хаус живаго кто владимирович"
)
"""Characters and goods that bear a title: their name is the subject."""

SURNAMES_HAN = (
    "王李张刘陈杨赵黄周吴徐孙胡朱林郭罗梁宋郑谢韩唐冯董曹袁邓许傅沈曾彭吕苏卢蒋蔡贾魏薛叶阎潘杜戴钟汪姜姚谭廖邹陆郝孔崔邱秦侯邵孟尹钱"
    "何高马于萧程任方石熊金白康毛江史顾龙万段雷汤黎易常武乔贺赖龚文夏田范丁余"
)
"""Common surnames; the second line's are everyday words too."""

TITLE_HAN = (
    "老师|先生|女士|小姐|太太|医生|大夫|护士|护士长|教授|校长|院长|主任|经理|总经理|总监|主管|班长|律师|教练|师傅|阿姨|叔叔|"
    "同学|同志|警官|法官|工程师|会计|博士|队长|局长|处长|科长|店长|馆长|园长|厂长|老板|董事长|主编|编辑|记者|医师|药师|组长"
)

NOT_NAMES_HAN = words(
    """
每周 上周 下周 本周 一周 两周 感谢 谢谢 多谢 答谢 致谢 也许 或许 允许 许多 分钟 大陆 森林 树林 园林
树叶 主张 紧张 夸张 行李 面孔 毛孔 未曾 不曾 曾经 曾任 周末 周边 周围 林业 林区 孙子 孙女 罗马 苏州
苏联 黄金 黄河 张家 孔子 钱包 胡同 宋代 唐代 唐朝 秦朝 韩国 韩语 陈旧 陈列 程序 高中 高级 高校 高等
高三 高二 高一 任课 任何 何时 如何 为何 马上 江苏 江西 金牌 白天 石油 田径 文学 语文 英文 中文 方法
常任 常务 史学 历史 武术 万能 文化 文科 文艺 高年 方面 夏令 夏季 于是 关于 等于 由于 对于 至于 大于
位于 江南 石家 金融 白衣 毛笔 顾客 顾问 龙头 段落 汤圆 黎明 容易 经常 非常 常常 乔木 祝贺 依赖 范围
示范 模范 其余 业余 主任 责任 信任 担任 现任 前任 新任 历任 地方 对方 官方 双方 各方 校方 院方 警方
提高 最高 唐诗 宋词 曹操 杜甫 李白 孟子 孔子 钱财 何老 万一 千万 健康 小康 夏天 武器 班主 女王 国王
大王 帝王
"""
)
"""Pairs of characters in which what looks like a surname is none."""
