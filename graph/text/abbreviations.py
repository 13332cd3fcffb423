"""Abbreviations and sentence openers that supplement the lists of the sentence splitter."""

NUMBERED = frozenset(
    """abb abs aht al app approx aprox aprx apt appt ap arr art bd bil bj blk blz bsp cap cat cca ch chap
    cl col ct čl čís edif ed éd eq est ext fasc fig figs fol gl hfst hnr int kap kat kl km lat lfd lib lig
    lit lok max maks máx min mín mind nn no nos nr num núm obj pag pág págs pags par para paras pct pg pgs
    pkt pos poz pp pt qty rd rdnr reg rev rif rys sec sect sek sez st stk str suppl tab tav tbl tel tél
    teil tit tlf ust uge ver vers vgl vol vols yr yrs ziff zob env réf ref dép jan feb mar mär mrz apr maj
    jun jul aug sep sept okt oct nov dec dez janv fév févr avr juil juill août déc ene abr ago dic gen giu
    lug ott mon tue tues wed thu thur thurs fri sat mo di mi fr sa tir ons tor fre lør søn lun mer jeu ven
    sam ma vr za zo""".split()
)
"""In lower case: before a number none of them ends a sentence, in whatever language."""

NEVER_LAST = {
    "": frozenset(
        """approx ca cf dr prof mr mrs e.g eg f.eks i.e ie p.ej p.ex p.es t.ex z.b vs viz bl.a bzw inkl
        incl exkl excl evtl ggf sog vgl z.t d.h v.a d.v.s dvs d.w.z o.a c.-à-d m.a.w np tzn tj""".split()
    ),
    "en": frozenset(
        """ms messrs rev hon capt cpt cmdr gen lt maj sgt cpl pvt gov sen supt insp attn ft mt app fig
        figs assoc asst""".split()
    ),
    "de": frozenset(
        """hr hrn fr frl st fa abt allg bhf geb hbf anschl bes bspw bzgl dgl dipl ehem einschl entspr etw
        gem gest ggfs hrsg ing i.d.r i.v.m insb insbes jew lt max mind min mio mrd mtl nachm pfr phil rd
        s.o s.u sen spez städt std stv tägl tsd stellv u.a u.u urspr versch verh vorm zus zust zzgl zzt zw
        zul""".split()
    ),
    "fr": frozenset(
        """m mm mme mmes cap cie col gén mlle mlles me mgr pr prs r st ste sts stes bd boul av ave pl fg
        imp chem env ex imm bât rés resp vve sté éts appt éd éds
        hôp coll trad""".split()
    ),
    "da": frozenset("""hr frk st ang afd adm cand dir eks evt fx jf jvf kgl mht pga pr vedr iht""".split()),
    "sv": frozenset("""doc fil st ang bl avd enl ev resp tekn""".split()),
    "es": frozenset(
        """sr sra sres srta d dª dña dra drs dres lic ing arq gral gob excmo excma ilmo ilma sto sta av
        avda pza pl plza ctra urb gta prov dpto depto cía hnos
        ej ee p""".split()
    ),
    "it": frozenset(
        """sig sigg sig.ra sig.na dott ing avv arch geom rag mons spett egr gent gent.ma s ss v.le p.zza
        p.za c.so sec""".split()
    ),
    "nl": frozenset("""dhr mevr mej drs ir ing mr st fam fa jhr ds bijv bv resp zgn zgn""".split()),
    "pt": frozenset(
        """sr sra srs sras srta d dra drs eng arq exmo exma ilmo ilma profa sto sta av r al trav pç pça""".split()
    ),
    "pl": frozenset("""al pl ul os hab im inż lek mgr red św płk gen por tzw m.in ok""".split()),
}
"""In lower case, for every language and by language: whatever follows, none of them ends a sentence."""

OPENERS = {
    "de": frozenset(
        """Der Die Das Den Dem Ein Eine Einen Er Sie Es Wir Ihr Ich Man In Im Am An Auf Bei Mit Nach Für
        Von Vom Zu Zum Zur Aus Bis Durch Um Unter Über Vor Wenn Wer Was Wie Wo Dies Diese Dieser Dieses
        Alle Bitte Danach Dann Dort Hier Auch Aber Und Oder Doch Nur Kein Keine Jede Jeder Jedes Seit Als
        Ob""".split()
    ),
    "fr": frozenset(
        """Le La Les Un Une Il Elle On Nous Vous Ils Elles Je Tu Ce Cet Cette Ces C Des Du En Au Aux Dans
        Pour Par Sur Si Mais Et Son Sa Ses Notre Votre Leur""".split()
    ),
    "da": frozenset("""Det Den De Der Vi Du Jeg Han Hun En Et I På Med For Til Fra Hvis Når Men Og Alle Her""".split()),
    "sv": frozenset(
        """Det Den De Där Vi Du Jag Han Hon En Ett I På Med För Till Från Om När Men Och Alla Här""".split()
    ),
    "es": frozenset("""El La Los Las Un Una En Con Para Por Si Pero Y Es Se Su Este Esta No""".split()),
    "it": frozenset("""Il Lo La I Gli Le Un Una In Con Per Se Ma È Si Questo Questa Non""".split()),
    "nl": frozenset("""Het De Een Wij We U Hij Zij Ze Ik Je In Op Met Voor Als Maar En Dit Deze Dat Alle Er""".split()),
    "pt": frozenset("""O A Os As Um Uma Em No Na Com Para Por Se Mas E É Este Esta Não""".split()),
    "pl": frozenset("""To Ten Ta W We Na Z Do Po Jest Nie Jeśli Ale I""".split()),
}
"""Words that begin sentences, by language."""

ARTICLES = frozenset("der die das den dem le la les el los las il lo gli i de het den det o a os as".split())
"""Words that are not a sentence with one short word after them."""

DETERMINERS = frozenset(
    """der die das den dem des ein eine einen einem einer eines am im zum zur vom beim ins ans jede jeder
    jedes jeden jedem alle dieser diese dieses diesen diesem unser unsere unserer ihr ihre ihrer sein
    seine seiner""".split()
)
"""German words that precede an ordinal number."""
