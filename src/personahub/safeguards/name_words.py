"""The words that tell a person's name from another capital: roles, forms of address, and what is no name.

Roles whose bearers are mostly public or historical (poet, king, senator, president, composer) are left
out on purpose: there the name is the subject of the text.
"""

import re

__all__ = [
    "NOT_AFTER_TITLE",
    "NOT_NAMES",
    "ROLES",
    "ROLES_AND_SURNAMES",
    "ROLE_RU",
    "TITLES",
    "words",
]


def words(listed: str) -> frozenset[str]:
    """The words of a list written with spaces."""
    return frozenset(listed.split())


TITLES = words(
    "mr mrs ms miss mx dr prof professor doctor madame mme mlle monsieur herr frau señor señora sr sra "
    "don doña "
    "judge constable pastor cllr councillor inspector lieutenant trooper rabbi imam agent "
    "тёте тёти тётю тете дяде дяди дядю мастер мастеру мастера модератор модератору тренер тренеру тренера "
    "воспитатель воспитателю "
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
controller executor executrix trustee undersigned moderator chaplain deacon warden marshal organist
handyman roofer plasterer
stylist groomer breeder concierge registrar constable trooper paralegal underwriter broker banker lender
borrower buyer
customer donor passenger cyclist pedestrian motorist complainant respondent petitioner appellant claimant
deceased
informant subscriber optician hygienist orthodontist dermatologist radiologist oncologist neurologist
gynecologist
physiotherapist chiropractor dietitian nutritionist osteopath obstetrician webmaster sysadmin hairstylist
florist
locksmith courier postman grandson granddaughter nephew niece stepfather stepmother stepson fiancé fiancée
fiance fiancee
girlfriend boyfriend roommate flatmate housemate bride groom babysitter custodian councillor councilman
councilwoman
proprietor shareholder signatory signed bookseller beekeeper holder payee beneficiary magistrate
recipient sender caller adopter foreperson
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
    "казначе[йюя]|управляющ|модератор|мастер|санитарк|судь|получател|отправител|плательщик"
    "|арендатор|арендодател"
    "|вожат|методист|логопед|нян|садовник|уборщиц|вахт[её]р|сторож|кассир|товаровед|риелтор|риэлтор|брокер"
    "|старост|депутат|настоятел|регистратор|акушерк|акушер|невролог|офтальмолог|гинеколог|логист"
    "|курьер|монтажник"
    "|кладовщик|прораб|токар|крановщик|подрядчик|заказчик|поставщик|исполнител|должник|взыскател|гражданин"
    "|пристав|прокурор|эксперт|понят|мачех|отчим|тёт|дяд|плем[яе]нник|племянниц|супруг|супруга|автор"
    "|парикмахер|фермер|тренер|библиотекар|волонт[её]р|координатор|организатор|сотрудник|сотрудниц"
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
full part time experience index satisfaction metrics survey surveys strategic outreach
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
    "ben ben's jemima mame holmes fox big world universe doctor doolittle dolittle sun moon earth "
    "day mom dad mum grandma "
    "grandpa sam "
    "айболит ватсон хаус живаго кто владимирович"
)
"""Characters and goods that bear a title: their name is the subject."""
