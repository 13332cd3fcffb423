"""The words of `injection_signs`, by class, in ten languages."""

CLASSES = {
    "IGNORE": """ignore ignoring disregard disregarding forget neglect regardless ignoriere ignorieren ignoriert
        vergiss missachte oublie oubliez oublier ignorez ignora ignorar olvida olvide olviden esqueca desconsidere
        dimentica dimenticate ignorate trascura negeer vergeet игнорируй игнорируйте забудь забудьте 忽略 无视 忘记
        無視 忘れ ignores negligez negeert отбрось 不要理会 不理会 忽视""",
    "OVERRIDE": """override overrides overriding overwrite bypass supersede supersedes discard drop abandon
        circumvent uberschreibe umgehe contourne anula anule sovrascrivi""",
    "OBEY": """follow obey execute comply perform attend heed do befolge befolgen beachte beachten suis suivez sigue
        siga segui volg обращай обращайте следуй следуйте 遵循 遵守 従""",
    "INSTRUCTION": """instruction instructions prompt prompts directive directives directions guideline guidelines
        guidance rules restrictions programming orders commands constraints input anweisung anweisungen richtlinien
        regeln vorgaben sicherheitsrichtlinien systemprompt consigne consignes regles instrucciones reglas
        directrices instrucoes regras diretrizes istruzioni linee regole opdrachten instructies regels инструкции
        инструкций указания правила команды 指示 指令 提示词 规则 命令 内容 プロンプト ルール hinweise indications
        instruccion indicaciones ordenes orientacoes indicazioni aanwijzingen richtlijnen указаний правил 要求 規則
        規定""",
    "GIVEN": """previous previously prior preceding earlier above former foregoing original initial system hidden
        secret given vorherigen bisherigen obigen vorigen precedente precedentes anterieures anteriores previas
        antes acima arriba precedenti sopra eerdere vorige bovenstaande предыдущие предыдущих прежние выше 以上 之前
        上述 先前 上記 以前 これまで before bisher zuvor vorher oben dessus avant anteriormente adelante hierboven
        daarvoor прежних ранее 上面 前面 此前 上の""",
    "EVERY": """every each all any cualquier qualquer everything anything future whole alle allen alles jede jeder
        jedes toutes tous chaque ogni tout toda todas todos cada tutte tutti все всё любые 所有 一切 すべて
        cualquiera elk elke iedere каждый каждая любой любое 每个 每次 每條 每条 всякий""",
    "TOLD": "told given asked taught learned gesagt dit demande pidio dijo pediu disse detto chiesto gezegd сказано",
    "YOUR": """your deine deiner deinen deinem ihre ta votre vos tes tu tus su tua tuo tue tuoi sua je jouw твой
        ваши твои""",
    "YOU": "you du te vous usted voce ты вы 你 您 あなた",
    "AI": """ai ki ia llm llms gpt chatgpt claude gemini copilot chatbot chatbots bot bots ии sprachmodell
        sprachmodelle sprachmodellen sprachmodells taalmodel taalmodellen 人工智能 语言模型 語言模型 大模型 机器人
        言語モデル 人工知能""",
    "ASSISTANT": """assistant assistants assistent asistente assistente ассистент 助手 assistenten assistentes
        asistentes assistenti assistante ассистенты ассистента помощник 助理 アシスタント""",
    "MODEL": """model models agent agents modell modele modelo modello modelle modeles modelos modelli modellen
        модели модель моделям""",
    "A": "a an the ein eine un une uma una een",
    "LANGUAGE": "language langage linguagem lenguaje linguistico linguistici linguaggio языковая языковые языковым",
    "READER": "user users reader readers human whoever nutzer benutzer utilisateur usuario utente gebruiker",
    "ANSWER": """answer output reply summary antwort antworte risposta respuesta resposta antwoord ответ 回答 答え
        replies 回复 回覆 答复""",
    "RESPONSE": """answers response responses replies outputs completion completions message messages summaries
        antworten zusammenfassung reponse reponses respuestas resume resumen risposte riassunto ответе ответы
        antwoorden respostas ответа ответов ответу""",
    "SAY": """say respond speak talk write print repeat echo display sag schreibe reponds repondez ecris responde
        escribe rispondi scrivi respondas antwoord напиши ответь скажи выведи 输出 说 出力 repond repondent responda
        respondan conteste escreva diga rispondete scrivete schrijf напишите ответьте""",
    "SHAPE": """add append attach include insert integrate incorporate introduce mention begin start end finish
        prefix do replace substitute modify alter change adjust enhance augment enrich extend supplement embed weave
        render convert transform translate encode encrypt encipher reverse rewrite format craft express scramble
        jumble shuffle anagram misspell remove omit use suggest recommend promote advertise hint contain provide
        spell sprinkle conclude close sign write fuge fugen beende ubersetze ajoute ajoutez termine traduisez
        incluye anade agrega traduce aggiungi includi traduci inclua adicione traduza voeg vertaal добавь переведи
        添加 翻译""",
    "REVEAL": """reveal leak expose disclose dump print output display repeat recite show share give copy list zeig
        zeige verrate nenne gib revele revelez revele-moi montre montre-moi donne-moi affiche affichez muestra
        revela mostra mostre mostrami rivela toon покажи раскрой 透露 显示 教えて""",
    "SECRETS": """prompt prompts instructions rules systemprompt anweisungen instrucciones istruzioni instrucoes
        konfiguration""",
    "MUST": "must should shall has have need required shown muss mussen soll doit deve devi debe debes precisa moet",
    "NOW": "now longer going jetzt nun maintenant ahora ora agora nu теперь 现在",
    "ON": "on onwards forward",
    "FROM": "from starting",
    "POINT": "point moment message this",
    "BE": "are re become bist es eres sei estas is",
    "NOT": "not never don't dont doesn't no nicht kein niemals ne pas jamais nunca não nao mai non niet не 不要 不",
    "ONLY": """only exactly nothing solely verbatim exclusively nur ausschliesslich uniquement seulement solo
        solamente apenas somente soltanto alleen только 只 仅""",
    "WITH": "with using in as like by mit auf en avec con com met на",
    "FORM": """word words phrase sentence string token code capitals uppercase lowercase capital json xml yaml emoji
        emojis rhyme rhymes verse poem haiku base64 hex binary morse latin french german spanish italian english
        pirate klingon wort satz mot palabra palavra parola woord слово""",
    "PRETEND": "pretend roleplay simulate impersonate act acting behave",
    "FREE": "unrestricted uncensored unfiltered jailbroken uneingeschrankt unmoderated",
    "LIMITS": """restriction restrictions filter filters limit limits limitation limitations rules guidelines
        policies censorship censoring einschrankung einschrankungen regeln richtlinien restricciones filtros limites
        reglas regles filtres restrizioni filtri limiti regras beperkingen""",
    "WITHOUT": "without no free ohne keine sans sin senza sem zonder без",
    "MODE": "mode modo modus",
    "DEVELOPER": "developer dan debug admin desarrollador entwickler",
    "DECODE": "decode decrypt decipher dekodiere decodifica",
    "TELL": "tell inform ask advise persuade convince urge assure instruct",
    "CONVERSATION": "conversation chat dialogue dialog session",
    "SEND": """send email mail forward post upload transmit exfiltrate call invoke delete transfer leak envia envoie
        sende""",
    "THIS": "this these diese dieser ce cette este esta questo dit",
    "TEXT": "page document file text email note message paragraph passage content website dokument",
    "PROCESS": """read reads reading see sees process processes processing summarise summarises summarising
        summarize summarizes summarizing parse parses parsing review reviews reviewing index indexing analyse
        analyze evaluating""",
    "ASKED": "asked",
    "WHEN": "when if once after before while whenever wenn sobald quand si cuando quando als если",
    "QUESTION": "question questions frage pregunta pergunta domanda vraag вопрос 问题 質問",
    "WHAT": "what",
    "AS": "as als come como comme en",
    "SHAPED": """appended included inserted added repeated prefixed shown mentioned angehangt anadirse aggiunto
        ajoute toegevoegd""",
    "NEW": "new real actual true only updated neue nouvelle nouvelles nueva nuevas nuove",
    "TASK": "task goal job mission objective purpose role aufgabe tache tarea compito",
    "NOTE": "note notes notice attention instruction instructions hint hinweis nota dear hello hey hi",
    "TO": "to for fur an pour para per aan",
    "CODE": "code",
    "SNIPPET": "snippet snippets block excerpt section segment",
    "EMBED": """add adding append appending include including insert integrate integrating incorporate incorporating
        inject embed embedding merge meld weave interweave introduce employ utilise utilize leverage adopt absorb
        engage enlist""",
    "FOLLOWING": "following below subsequent",
    "EMIT": """state quote type write output place put open tell return returns say says produce mention mentions
        contain contains start starts begin begins end ends close closes finish finishes consist consists include
        includes recommend recommends insert print repeat schreib schreiben nenne nennen erwahne erwahnen gib
        ausgeben geben beginnt beginnen beginne endet enden endigen enthalten ecris ecrire ecrivez affiche affichez
        repondre reponds repondez commence commencer contient contenir termine terminer mentionner escribe escriba
        escriban incluya incluyan incluir empieza empezar terminan termina terminar contener mencionar scrivi
        scrivere stampa stampare inizia iniziare contenere contiene includere finisce finire escreva escrever comeca
        comecar terminam inclua conter imprima noem noemen begint eindigt eindigen bevat bevatten vermelden пиши
        писать выведи вывести начинается начинаться начинать заканчивается заканчиваться содержать упомяни назови
        加上 写 寫 开头 结尾 開頭 結尾 包含 回复 付けて 書いて 書く 始める 終える 含める""",
    "VOID": """void cancelled canceled invalid revoked null obsolete superseded ungultig aufgehoben nichtig annulees
        nulles invalides anuladas nulas invalidas annullate ongeldig недействительны отменены отменено 无效 作废
        無効""",
    "NEXT": "next",
    "ANSWERING": "answering replying responding",
    "WE": "we us",
    "MENTION": "such like phrase phrases words line lines text texts string example called says",
    "LEAD": "please kindly then and always simply just instead bitte favor et und",
}
"""Words in lower case and without accents."""
