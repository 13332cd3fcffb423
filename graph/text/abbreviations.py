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
        """approx bl.a bzw c.-à-d ca cf d.h d.v.s d.w.z dr dvs e.g eg evtl excl exkl f.eks ggf i.e ie incl inkl
        m.a.w mr mrs np o.a p.ej p.es p.ex prof sog t.ex tj tzn v.a vgl viz vs z.b z.t""".split()
    ),
    "en": frozenset("app assoc attn cpt figs ft ms".split()),
    "de": frozenset(
        """abt allg anschl bes bhf bspw dipl ehem einschl entspr etw fa frl geb gem gest ggfs hbf hrn hrsg insb
        insbes jew max mind mtl nachm pfr phil spez stellv stv städt tsd tägl urspr verh versch vorm zul zus
        zust zw zzgl""".split()
    ),
    "fr": frozenset(
        """appt ave bd bât cap chem cie col coll fg gén hôp imm imp m me mgr mlle mlles mme mmes pr prs r resp
        rés st ste stes sts sté trad vve éds éts""".split()
    ),
    "da": frozenset("cand fx iht".split()),
    "sv": frozenset("ang avd bl doc enl ev fil resp tekn".split()),
    "es": frozenset("ctra cía d depto dres drs dª dña excma gta ilma ilmo pl plza urb".split()),
    "it": frozenset("gent p.za p.zza s".split()),
    "nl": frozenset("ds fam jhr mej mevr".split()),
    "pt": frozenset("al arq av d exma ilma ilmo profa pç pça r srta sta trav".split()),
    "pl": frozenset("al gen hab im inż lek m.in mgr ok os pl por płk red tzw św".split()),
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
