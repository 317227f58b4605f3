//! The word lists of each language. `_` is a space inside a word; `native|roman` gives the spelling for addresses.

/// A language with its names and where its speakers live.
pub(super) struct Locale {
    /// ISO 639-1.
    pub language: [u8; 2],
    /// How many of a thousand contacts speak it.
    pub share: u32,
    /// ISO 3166-1 alpha-2 codes of [`super::countries::COUNTRIES`], most likely first.
    pub countries: &'static [&'static str],
    /// Common first names, the most frequent first.
    pub first: &'static str,
    /// Lists to compose rare first names from, one word of each.
    pub first_parts: &'static [&'static str],
    /// What stands between composed words.
    pub first_joint: &'static str,
    pub last: &'static str,
    pub last_parts: &'static [&'static str],
    pub last_joint: &'static str,
}

const ES_FIRST: &str = "María José Antonio Carmen Juan Ana Francisco Lucía Carlos Sofía Óscar Martina Álvaro Paula Andrés Íñigo Nuria Jesús Elena Raúl Inés Tomás Belén Iván Rocío Ángel Pilar Sergio Mónica Adrián Verónica Héctor Cristina Rubén Noelia Hugo Ximena Begoña Joaquín Araceli Germán Úrsula Nicolás Zoé";
const ES_LAST: &str = "García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Muñoz Jiménez Ruiz Hernández Díaz Moreno Álvarez Romero Navarro Torres Domínguez Vázquez Ramos Núñez Iglesias Peña Ibáñez Castaño Quiñones Ordóñez Zúñiga Márquez Cañizares Bermúdez Yáñez Ávila Espín Larrañaga Echeverría Aragonés Zamora Villaseñor Güell";
const PT_FIRST: &str = "João Maria José Ana Antônio Francisca Paulo Adriana Luís Júlia Gonçalo Inês Tiago Beatriz Mário Letícia Sérgio Patrícia Vítor Luísa Caetano Cecília Otávio Débora Cláudio Mônica Flávio Raíssa Estêvão Conceição Nélson Lívia Rômulo Thaís Ângelo Verônica Zélia Hélder Íris Fátima";
const PT_LAST: &str = "Silva Santos Oliveira Souza Pereira Costa Carvalho Almeida Ferreira Ribeiro Gonçalves Araújo Simões Magalhães Conceição Guimarães Falcão Brandão Leitão Coração Antunes Teixeira Assunção Mourão Peixoto Queirós Viçoso Cabeção Luís Estêvão Boavista Serrão Trindade Galvão Mendonça Bragança Valadão Camões Sá Nóbrega";
const FR_FIRST: &str = "Marie Jean Pierre Anne François Léa Hélène André Chloé René Zoé Jérôme Aurélie Cédric Noémie Théo Éléonore Benoît Amélie Gaël Inès Loïc Maëlle Sébastien Anaïs Rémi Océane Frédéric Mélanie Étienne Célia Gaëtan Margaux Thérèse Côme Désirée Raphaël Solène Hervé Agnès";
const FR_LAST: &str = "Martin Bernard Lefèvre Dubois Moreau Lemaître Garçon Bérenger Châtelain Hébert Crépin Noël Boulanger Français Béranger Gérard Brûlé Côté Pélissier Château Prévost Geoffroy Renée Thévenet Rivière Forêt Desprès Besançon Mérimée Lacépède Gauthier Rousseau Léger Bécaud Saint-Exupéry Fénelon Carrère Duchêne Vallée Tessier";
const DE_FIRST: &str = "Hans Anna Jürgen Käthe Björn Sören Günther Gisela Lukas Jörg Bärbel Max Änne Uwe Heike Rüdiger Sabine Götz Brünhilde Wolfgang Grete Dörte Klaus Ursel Jan Mia Kai Leonie Fritz Ilse Emil Nele Volker Frauke Henning Silke Lorenz Antje Matthäus Svenja";
const DE_LAST: &str = "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Krüger Köhler Größer Weiß Jäger Groß Böhm Möller Strauß Kühn Vogel Hübner Förster Günther Preuß Löffler Brühl Thürmer Händel Königsmann";
const EN_FIRST: &str = "James Mary John Emma Robert Olivia Michael Scarlett David Amelia William Grace Thomas Chloe Daniel Ella Matthew Lily George Sophie Oscar Freya Harry Zoe Siobhán Niamh Seán Caoimhe Owen Rhys Megan Callum Isla Angus Fiona Dylan Ruby Ethan Poppy Noah Ivy Jack Hazel Leo Violet Henry Maeve Arthur Iris Zachary";
const EN_LAST: &str = "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke O'Brien O'Neill McCarthy MacDonald Fitzgerald Lewis Harris Cooper King Lee Baker Martin Morris Hill Moore Carter Shaw Price Bell Young Mitchell Ward Turner Collins Parker Bennett Murphy Kelly Bailey Marsh";
const PL_FIRST: &str = "Anna Piotr Katarzyna Krzysztof Małgorzata Andrzej Agnieszka Tomasz Łukasz Elżbieta Michał Bożena Grażyna Paweł Jędrzej Jadwiga Żaneta Wojciech Święcisława Sławomir Łucja Stanisław Zdzisław Róża Józef Kuba Mieczysław Danuta Wiesława Błażej Kinga Bartłomiej";
const CS_FIRST: &str = "Jiří Jana Jan Petr Marie Eva Tomáš Hana Lukáš Věra Šárka Ondřej Kateřina Zdeněk Lucie Štěpán Božena Růžena Řehoř Matěj Tereza Žofie Dušan Květa Vojtěch Lenka Radovan Ludmila Miloš Světlana Čestmír Blažena";
const TR_FIRST: &str = "Mehmet Ayşe Mustafa Fatma Ahmet Emine Ali Hatice Hüseyin Zeynep Çağlar Gülşen Ömer Şule İbrahim Özlem Yağmur Tuğba Işıl Kıvanç Barış Büşra Ümit Doğan Gökhan Nurgül Sıla Cansu Efe Defne Oğuz Ceren";
const TR_LAST: &str = "Yılmaz Kaya Demir Şahin Çelik Yıldız Öztürk Aydın Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özdemir Şimşek Güneş Bulut Ünal Taş Işık Avcı Gül Erdoğan Aktaş Yavuz Çakır Karataş";
const VI_FIRST: &str = "Anh Hương Nguyệt Dũng Hùng Thảo Linh Tuấn Phương Hạnh Đức Mỹ Quỳnh Khánh Bảo Trâm Việt Yến Ngọc Sơn Hải Thủy Lộc Châu Tú Duy Phúc Hoà Giang Vỹ";
const VI_LAST: &str = "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Mạc Tạ";
const MS_FIRST: &str = "Ahmad Siti Muhammad Nur Mohd Aisyah Hafiz Farah Ismail Aminah Zul Noraini Azman Fatimah Rahim Halimah Faizal Zainab Khairul Rosmah Amirul Syafiqah Hakim Izzati Danial Balqis Irfan Hidayah Shahrul Mastura";
const MS_LAST: &str = "Abdullah Ibrahim Ismail Hassan Rahman Othman Yusof Ali Osman Omar Bakar Mahmud Salleh Zakaria Hamid Aziz Karim Razak Latif Jaafar Tan Lim Wong Kumar Subramaniam Rajan Chong Pillai Cheong Nair";
const ID_FIRST: &str = "Budi Sri Agus Dewi Eko Siti Joko Putri Wayan Made Bambang Ratna Hendra Wulan Rizky Ayu Dian Fajar Indah Bayu Lestari Yusuf Kartika Adi Melati Surya Citra Galih Intan Teguh Sari Dimas Nanda Rina Arif Yanti Gilang Maya Doni Tuti";
const ID_LAST: &str = "Santoso Wijaya Susanto Hidayat Setiawan Kusuma Pratama Saputra Nugroho Siregar Lubis Nasution Simanjuntak Hutapea Gunawan Halim Suharto Wibowo Hartono Utomo Rahayu Permana Firmansyah Maulana Anggraini Purnomo Iskandar Suryadi Tanjung Harahap";
const RU_FIRST: &str = "Александр Мария Сергей Елена Дмитрий Ольга Андрей Анна Алексей Наталья Иван Екатерина Михаил Светлана Николай Юлия Владимир Ирина Фёдор Татьяна Артём Ксения Павел Дарья Пётр Алёна Константин Людмила Григорий Жанна Илья Щукарь Эдуард Яна Тимофей Снежана Лев Зоя Ярослав Вера";
const UK_FIRST: &str = "Олександр Марія Сергій Олена Андрій Ганна Володимир Наталія Іван Катерина Микола Оксана Юрій Ірина Тарас Соломія Богдан Любов Євген Їжакія Остап Лесь Мирослава Зоряна Данило Христина Ярослава Орест Уляна Григорій";
const AR_FIRST: &str = "محمد|mohamed فاطمة|fatima أحمد|ahmed عائشة|aisha علي|ali مريم|mariam حسن|hassan زينب|zainab عمر|omar نور|nour خالد|khaled ليلى|layla يوسف|youssef سارة|sara إبراهيم|ibrahim هدى|huda مصطفى|mostafa رانيا|rania طارق|tarek سلمى|salma كريم|karim ياسمين|yasmin سعيد|said دينا|dina وليد|walid أمل|amal ماجد|majed هبة|heba رامي|rami منى|mona فيصل|faisal جميلة|jamila بلال|bilal غادة|ghada زياد|ziad شيماء|shaimaa أنس|anas لمياء|lamia باسم|basem نادية|nadia";
const AR_LAST: &str = "الحسن|alhassan العلي|alali المصري|almasri السيد|elsayed الخطيب|alkhatib حداد|haddad النجار|najjar القحطاني|qahtani الشمري|shammari العتيبي|otaibi منصور|mansour الزهراني|zahrani بن_علي|benali التازي|tazi الفاسي|fassi عبد_الله|abdullah إسماعيل|ismail الغامدي|ghamdi سليمان|suleiman الدوسري|dosari حمدان|hamdan الحربي|harbi عثمان|othman الهاشمي|hashimi شاهين|shaheen البغدادي|baghdadi درويش|darwish الطيب|tayeb قاسم|qasim الرفاعي|rifai";
const ZH_GIVEN: &str = "伟|wei 芳|fang 娜|na 敏|min 静|jing 丽|li 强|qiang 磊|lei 洋|yang 勇|yong 艳|yan 杰|jie 军|jun 涛|tao 明|ming 霞|xia 秀|xiu 平|ping 刚|gang 桂|gui 英|ying 华|hua 慧|hui 建|jian 文|wen 玲|ling 红|hong 玉|yu 春|chun 梅|mei 海|hai 燕|yan 鹏|peng 飞|fei 晨|chen 雪|xue 宇|yu 浩|hao 轩|xuan 梓|zi 涵|han 欣|xin 怡|yi 博|bo 思|si 雨|yu 嘉|jia 瑞|rui 彤|tong 睿|rui 萱|xuan 辰|chen 诗|shi 泽|ze 琪|qi 俊|jun 琳|lin 凯|kai 婷|ting 龙|long";
const ZH_LAST: &str = "王|wang 李|li 张|zhang 刘|liu 陈|chen 杨|yang 黄|huang 赵|zhao 吴|wu 周|zhou 徐|xu 孙|sun 马|ma 朱|zhu 胡|hu 郭|guo 何|he 林|lin 高|gao 罗|luo 郑|zheng 梁|liang 谢|xie 宋|song 唐|tang 许|xu 韩|han 冯|feng 邓|deng 曹|cao 彭|peng 曾|zeng 萧|xiao 田|tian 董|dong 潘|pan 袁|yuan 蔡|cai 蒋|jiang 余|yu 于|yu 杜|du 叶|ye 程|cheng 魏|wei 苏|su 吕|lv 丁|ding 任|ren 沈|shen 欧阳|ouyang 司马|sima 诸葛|zhuge 上官|shangguan";
const JA_FIRST: &str = "陽翔|haruto さくら|sakura 蓮|ren 葵|aoi 大翔|hiroto 美咲|misaki 湊|minato 結衣|yui 悠真|yuma 陽菜|hina 健太|kenta 花子|hanako ケンジ|kenji ユキ|yuki 翔太|shota 愛|ai 直樹|naoki 恵子|keiko 拓海|takumi 七海|nanami 誠|makoto ひかり|hikari 隆|takashi 真由美|mayumi 浩二|koji あかり|akari";
const JA_LAST: &str = "佐藤|sato 鈴木|suzuki 高橋|takahashi 田中|tanaka 伊藤|ito 渡辺|watanabe 山本|yamamoto 中村|nakamura 小林|kobayashi 加藤|kato 吉田|yoshida 山田|yamada 佐々木|sasaki 松本|matsumoto 井上|inoue 木村|kimura 林|hayashi 斎藤|saito 清水|shimizu 阿部|abe 森|mori 池田|ikeda 橋本|hashimoto 石川|ishikawa";
const KO_SYLLABLES: &str = "민|min 서|seo 지|ji 현|hyun 수|soo 영|young 준|jun 은|eun 하|ha 윤|yoon 도|do 예|ye 진|jin 유|yu 성|sung 혜|hye 재|jae 경|kyung 태|tae 다|da 승|seung 채|chae 우|woo 나|na 동|dong 연|yeon 건|gun 희|hee 상|sang 아|ah 호|ho 미|mi 훈|hoon 빈|bin 석|seok 람|ram 철|chul 슬|seul 혁|hyuk 솔|sol";
const KO_LAST: &str = "김|kim 이|lee 박|park 최|choi 정|jung 강|kang 조|cho 윤|yoon 장|jang 임|lim 한|han 오|oh 서|seo 신|shin 권|kwon 황|hwang 안|ahn 송|song 류|ryu 홍|hong 남궁|namgung 선우|sunwoo 독고|dokgo 제갈|jegal";
const TH_FIRST: &str = "สมชาย|somchai สมศรี|somsri วิชัย|wichai กัญญา|kanya ประเสริฐ|prasert มาลี|malee อนุชา|anucha นภา|napa ธนกร|thanakorn พิมพ์ชนก|pimchanok กิตติ|kitti สุดา|suda ณัฐพล|nattapol อรทัย|orathai วรวุฒิ|worawut รัตนา|rattana จิราพร|jiraporn ศักดิ์ชัย|sakchai เพ็ญศรี|phensri ปิยะ|piya ชลธิชา|cholticha เกียรติ|kiat น้ำฝน|namfon ภูวดล|phuwadol";
const TH_LAST: &str = "แสงทอง|saengthong ศรีสุข|srisuk ใจดี|jaidee ทองดี|thongdee วงศ์สวัสดิ์|wongsawat บุญมี|boonmee สุขสวัสดิ์|suksawat รัตนกุล|rattanakul จันทร์เพ็ญ|chanpen พงษ์ไพบูลย์|phongphaibul มณีรัตน์|maneerat เจริญสุข|charoensuk";
const TH_A: &str = "ศรี|sri ทอง|thong บุญ|boon สุข|suk แก้ว|kaew จันทร์|chan วงศ์|wong รัตน|rattana เจริญ|charoen ประ|pra พร|porn ชัย|chai มณี|manee กิตติ|kitti อินทร์|in สิริ|siri วิ|wi ธน|thana ปัญญา|panya เพชร|phet นิล|nil คำ|kham แสง|saeng ไพ|phai อุดม|udom พิ|phi โชติ|chot ภู|phu สม|som เทพ|thep";
const TH_B: &str = "สุวรรณ|suwan สวัสดิ์|sawat วัฒน|watana พัฒน|phat มงคล|mongkol นคร|nakhon ประเสริฐ|prasert รุ่งเรือง|rungrueang ไพศาล|phaisan ศิลป์|sin สมบูรณ์|somboon ธรรม|tham พันธุ์|phan วิไล|wilai ชาติ|chat เกษม|kasem วรรณ|wan อารี|aree ดำรง|damrong โรจน์|rot เลิศ|loet สกุล|sakul ประดิษฐ์|pradit วานิช|wanit ทิพย์|thip";
const TH_C: &str = "กุล|kul ชัย|chai ศรี|sri พงษ์|phong วงศ์|wong สุข|suk ดี|dee ทอง|thong รัตน์|rat เดช|det วัฒน์|wat พร|porn ไทย|thai เสริม|soem ศักดิ์|sak งาม|ngam บุตร|but ลักษณ์|lak ชนะ|chana มาศ|mat วิทย์|wit นนท์|non เจริญ|charoen แก้ว|kaew";

/// One row per language.
macro_rules! locales {
    ($($language:literal $share:literal $countries:expr, $first:expr, $first_joint:literal $first_parts:expr, $last:expr, $last_joint:literal $last_parts:expr;)*) => {
        /// Every language; the shares add up to a thousand.
        pub(super) const LOCALES: &[Locale] = &[$(Locale {
            language: *$language, share: $share, countries: &$countries,
            first: $first, first_parts: &$first_parts, first_joint: $first_joint,
            last: $last, last_parts: &$last_parts, last_joint: $last_joint,
        }),*];
    };
}

locales! {
    b"en" 170 ["GB", "US", "AU"], EN_FIRST, " " [EN_FIRST, EN_FIRST], EN_LAST, ""
        ["Ash Brad Clif Dun Ed Fair Green Hamp Ken Lang Mil Nor Ox Pem Rad Sher Thorn Wal Whit Wood Hart Brook Stan Burn Cald Farn Hol Kirk Leigh Mel", "ford ley ton wood field worth ham bury well combe shaw ridge more bridge stead croft hurst land by den"];
    b"es" 110 ["ES", "MX", "CO", "AR"], ES_FIRST, " " [ES_FIRST, ES_FIRST], ES_LAST, " " [ES_LAST, ES_LAST];
    b"pt" 80 ["BR", "PT"], PT_FIRST, " " [PT_FIRST, PT_FIRST], PT_LAST, " " [PT_LAST, PT_LAST];
    b"fr" 50 ["FR"], FR_FIRST, "-" [FR_FIRST, FR_FIRST], FR_LAST, "-" [FR_LAST, FR_LAST];
    b"de" 60 ["DE", "AT"], DE_FIRST, "-" [DE_FIRST, DE_FIRST], DE_LAST, "-" [DE_LAST, DE_LAST];
    b"pl" 30 ["PL"], PL_FIRST, " " [PL_FIRST, PL_FIRST], "Nowak Kowalski Wiśniewska Wójcik Kowalczyk Kamińska Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowska Jankowski Król Wróbel Pawłowska Górski Rutkowska Michalak Łuczak", ""
        ["Jabłoń Wierzb Dęb Sosn Brzoz Zał Gór Łąk Piask Star Now Mal Czarn Biał Ziel Żół Krak Pozn Lub Świąt", "owski ewski ińska owicz czyk czak owska ecki icka"];
    b"cs" 20 ["CZ"], CS_FIRST, " " [CS_FIRST, CS_FIRST], "Novák Svobodová Novotný Dvořák Černá Procházka Kučerová Veselý Krejčí Horáková Němec Pokorná Růžička Beneš Fialová Šťastný Říha Žák", ""
        ["Hav Dol Kop Mach Mar Ber Vav Kub Šim Říh Zem Blaž Čap Ježek Kadl Lišk", "íček ková ec íková ánek ášek ota elka"];
    b"tr" 40 ["TR"], TR_FIRST, " " [TR_FIRST, TR_FIRST], TR_LAST, "" ["Ak Kara Öz Demir Gök Yıldı Kılıç Taş Altın Er Şen Gül Çelik Boz Sarı Uzun", "oğlu taş türk han soy er dağ kan bey tekin"];
    b"vi" 40 ["VN"], VI_FIRST, " " ["Thị Văn Minh Ngọc Thanh Hữu Xuân Quang Đình Kim Gia Bích Hoàng Mai Thu Công", VI_FIRST], VI_LAST, " " [VI_LAST, VI_LAST];
    b"ms" 60 ["MY", "SG"], MS_FIRST, " " [MS_FIRST, MS_FIRST], MS_LAST, " " ["bin binti a/l", MS_FIRST];
    b"id" 60 ["ID"], ID_FIRST, " " [ID_FIRST, ID_FIRST], ID_LAST, " " [ID_LAST, ID_LAST];
    b"ru" 70 ["RU", "KZ"], RU_FIRST, "-" [RU_FIRST, RU_FIRST], "Иванов Смирнова Кузнецов Попова Васильев Петрова Соколов Михайлова Новиков Фёдорова Морозов Волкова Алексеев Лебедева Семёнов Егорова Павлов Козлова Степанов Щербакова", ""
        ["Берез Соловь Медвед Журавл Тихомир Златоуст Крас Белозёр Ясн Чернышевск Горд Долгорук Жар Зим Каменск Лугов Мельник Ногин Озер Пушк Рожд Старк Тург Ушак", "ов ова ев ева ин ина енко ский ская цев"];
    b"uk" 20 ["UA"], UK_FIRST, "-" [UK_FIRST, UK_FIRST], "Шевченко Бондаренко Коваленко Ткачук Кравчук Олійник Шевчук Поліщук Лисенко Мельник Гриценко Їжакевич Ґудзь Щербак", ""
        ["Петр Іван Степан Марч Гайд Дорош Захар Кирил Левч Онищ Павл Романч Савч Терещ", "енко ук чук юк ишин ович івський"];
    b"ar" 70 ["EG", "SA", "AE", "MA"], AR_FIRST, " " [AR_FIRST, AR_FIRST], AR_LAST, " " [AR_FIRST, AR_LAST];
    b"zh" 60 ["CN", "TW", "HK", "SG"], ZH_GIVEN, "" [ZH_GIVEN, ZH_GIVEN], ZH_LAST, "" [];
    b"ja" 25 ["JP"], JA_FIRST, "" ["智|tomo 和|kazu 美|mi 明|aki 裕|yu 健|ken 恵|megu 優|yu 直|nao 秀|hide 光|mitsu 春|haru 千|chi 真|ma 拓|taku 沙|sa 俊|toshi 由|yu 奈|na 雅|masa", "子|ko 美|mi 也|ya 樹|ki 香|ka 太|ta 輝|teru 介|suke 恵|e 人|hito 絵|e 一|kazu 斗|to 代|yo 乃|no 哉|ya 花|ka 理|ri 織|ori 之|yuki"],
        JA_LAST, "" ["高|taka 大|o 小|ko 中|naka 山|yama 川|kawa 森|mori 石|ishi 松|matsu 竹|take 上|ue 下|shimo 北|kita 南|minami 西|nishi 東|higashi 藤|fuji 青|ao 黒|kuro 白|shira 金|kane 長|naga 古|furu 新|ara 岩|iwa 秋|aki 浅|asa 荒|ara 内|uchi 江|e", "田|ta 川|kawa 山|yama 木|ki 野|no 村|mura 本|moto 島|shima 崎|saki 原|hara 井|i 口|guchi 谷|tani 橋|hashi 沢|sawa 林|bayashi 岡|oka 浦|ura 尾|o 瀬|se 部|be 池|ike 森|mori 塚|tsuka 坂|saka"];
    b"ko" 20 ["KR"], KO_SYLLABLES, "" [KO_SYLLABLES, KO_SYLLABLES], KO_LAST, "" [];
    b"th" 15 ["TH"], TH_FIRST, "" [TH_A, TH_B], TH_LAST, "" [TH_A, TH_B, TH_C];
}
