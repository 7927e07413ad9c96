"""Takes off what a model says about its own text: "Here is the rewritten passage:" before it, "Note: ..." after it.

Only whole lead-ins and closing remarks at the edges go, and only those that speak of the text, the request or the
reader's wishes; a note that belongs to the text stays, as does everything inside it.
"""

from __future__ import annotations

import re

_EDGE_CHARS = 400
"""A lead-in or a closing remark is no longer."""
_MOST_REMARKS = 4
"""At each edge."""

_FENCE = re.compile(r"(```|~~~)[ \t]*(?:markdown|md|text|txt|plain|plaintext)?[ \t]*\n")
_RULE_LINE = re.compile(r"(?:[-*_=~]{3,}|#{1,6})")
_MARKS = "*_#>\"'“”„«»‹›「『()[]{}- \t"


def _any(*lines: str) -> str:
    return "(?:" + "|".join(lines) + ")"


# Words of rewriting: where an opening or closing remark has one, it speaks of the model's own work.
_REWRITING = _any(
    r"re-?writ|re-?wrote|rephras|reformulat|paraphras|reword|adapted (?:text|passage|article|version)",
    r"as (?:requested|required)|your (?:text|request|prompt|input)|you (?:requested|asked|provided|gave)",
    r"umgeschrieb|umformulier|überarbeitete|réécri|reformul|reescri|riscritt|riformul|herschre",
    r"переписан|перефраз|改写|重写|转述|改寫|書き換え|書き直し|リライト|다시 쓴|재작성",
)
# Words for a text: enough in a line that announces something.
_TEXT = _any(
    r"\b(?:text|passage|article|document|version|piece)\b|fassung|texte|texto|testo|tekst|versión|versão|versione",
    r"versie|текст|верси|文本|文章|版本|글입니다",
)
# What a note on a text speaks of, and a text's own note hardly.
_NOTED = _any(
    r"\b(?:this|the) version\b|\b(?:rewritten|original|source|given) (?:text|passage|source|document|information)\b",
    r"\b(?:tone|audience|genre)\b|fassung|originaltext|zielgruppe|texte|public cible|texto|testo|tekst",
    r"текст|原文|文本|受众|读者|文章|원문",
)
_ANNOUNCING = _any(
    r"here(?:'|’)?s|here (?:is|are)|below (?:is|are)|the following (?:is|are)|hier (?:ist|sind)|nachfolgend",
    r"im folgenden|voici|ci-dessous|aquí (?:está|tienes|tiene)|a continuación|aqui está|a seguir|ecco|di seguito",
    r"hier is|hieronder|вот|ниже|以下|这是|這是|下面|こちら|다음은",
)
_REPLYING = _any(
    r"sure(?: thing)?|certainly|of course|absolutely|okay|ok|great|gerne?|natürlich|selbstverständlich|bien sûr",
    r"claro|por supuesto|certo|natuurlijk|конечно|好的|当然|當然|はい|承知(?:し|いた)\w{1,8}",
    r"もちろん(?:です)?|물론입니다|네",
)
_LABELLING = _any(
    r"(?:re-?written|rephrased|reformulated|paraphrased|revised|adapted)(?: \w+){0,2}|output|(?:final )?answer",
    r"umgeschriebener text|texte réécrit|texto reescrito|testo riscritto|herschreven tekst|переписанный текст",
    r"改写后的?(?:文本|文章)?|書き換え後の文章",
)
_NOTING = _any(
    r"(?:please )?note\b|nb\b|disclaimer|explanation|in this (?:version|rewrite)|the above",
    r"i(?:(?:'|’)ve| have) (?:kept|tried|aimed|maintained|preserved|adapted|simplified|re)|i (?:tried|kept|aimed)",
    r"hinweis|anmerkung|bitte beachten|remarque|veuillez noter|nota\b|ten en cuenta|observação",
    r"si prega di notare|opmerking|примечание|обратите внимание|注[:：]|注意|请注意|以上|備考|ご了承|참고|주의",
)
_PRAISING = (
    r"(?:this|the) (?:\w+ ){0,2}(?:version|rewrite|rewriting|adaptation|text|passage|article) (?:above )?"
    r"(?:maintains|keeps|preserves|retains|aims to|simplifies|captures|conveys|has been (?:re|adapt|simpl)|"
    r"is (?:written|designed|tailored|intended) (?:for|to|in))"
)
_ASKING = _any(
    r"i hope (?:this|that|it) (?:helps|meets|works|is (?:what|helpful)|version|rewrite|text)|would you like me to",
    r"let me know if (?:you|this|there)|feel free to (?:ask|adjust|modify|edit|let me|request|reach)",
    r"if you (?:would like|need|want) (?:me to|any (?:further|other|more)|another (?:version|style)|further|more)",
    r"ich hoffe, (?:das|dies|es) hilft|j(?:'|’)espère que cela|espero que (?:esto|isto) (?:te |le )?(?:ay|aj|sirv)",
    r"spero che (?:questo|ti) |надеюсь, это|希望(?:这|对您)",
    r"end of (?:the )?(?:re\w+ )?(?:text|document|passage|article)",
)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_MENTIONS_REWRITING, _MENTIONS_TEXT, _MENTIONS_NOTED = map(_compiled, (_REWRITING, _TEXT, _NOTED))
_ANNOUNCEMENT = _compiled(rf"(?:{_REPLYING}[!,.。！，、 ]*)?{_ANNOUNCING}")
_OPENING_REMARK = _compiled(_any(_REPLYING, _ANNOUNCING, r"this is|i(?:'|’)?ve |i have |as (?:requested|required)"))
_BARE_REPLY = _compiled(rf"{_REPLYING}[!,.。！、]?")
_LABEL, _NOTE, _SELF_PRAISE, _TO_READER = map(_compiled, (_LABELLING, _NOTING, _PRAISING, _ASKING))
_COUNT = _compiled(r"\(?(?:word|token) count\s*:?\s*[~≈]?\d[\d,.]*(?: words)?\)?\.?")


def strip_boilerplate(text: str) -> str:
    """The text without a generator's lead-ins, closing remarks, rules and fences at its edges; may be empty."""
    text = _unfenced(text.strip())
    for _ in range(_MOST_REMARKS):
        shorter = _without_lead_in(text)
        if shorter == text:
            break
        text = _unfenced(shorter)
    for _ in range(_MOST_REMARKS):
        shorter = _without_closing(text)
        if shorter == text:
            break
        text = _unfenced(shorter)
    return text


def _unfenced(text: str) -> str:
    """Without a code fence around all of it."""
    opening = _FENCE.match(text)
    if not opening or not text.endswith(opening[1]):
        return text
    inner = text[opening.end() : -len(opening[1])]
    return inner.strip() if opening[1] not in inner and inner.strip() else text


def _without_lead_in(text: str) -> str:
    line = text[: _EDGE_CHARS + 1].partition("\n")[0]
    shorter = _without_inline_lead_in(text, line)
    if shorter != text or len(line) > _EDGE_CHARS:
        return shorter
    after = text[len(line) :].strip()
    return after if _RULE_LINE.fullmatch(line.strip()) or (after and _is_lead_in(line)) else text


def _is_lead_in(line: str) -> bool:
    """Whether a line speaks of the text that follows it."""
    bare = line.strip(_MARKS)
    label = bare.rstrip(":：").strip(_MARKS)
    if _BARE_REPLY.fullmatch(bare) or (_LABEL.fullmatch(label) and (label != bare or line.strip() != label)):
        return True
    if bare[-1:] not in ":：.。!！":
        return False
    if _OPENING_REMARK.match(bare) and _MENTIONS_REWRITING.search(bare):
        return True
    return bare[-1:] in ":：" and bool(_ANNOUNCEMENT.match(bare) and _MENTIONS_TEXT.search(bare))


def _without_inline_lead_in(text: str, line: str) -> str:
    """Without the words up to the colon of ``Here is the rewritten text: The light stands ...``."""
    colon = min((place for mark in ":：" if (place := line.find(mark)) >= 0), default=-1)
    rest = text[colon + 1 :].lstrip("*_ \t\n")
    head = line[: colon + 1]
    if colon < 0 or not rest or any(stop in head for stop in (". ", "。", "? ", ";")):
        return text
    bare = head.strip(_MARKS)
    speaks = _OPENING_REMARK.match(bare) and _MENTIONS_REWRITING.search(bare)
    return rest if speaks or _LABEL.fullmatch(bare.rstrip(":：").strip(_MARKS)) else text


def _without_closing(text: str) -> str:
    """Without the last paragraph (the last line, where lines are all there is), if it is a closing remark."""
    start = text.rfind("\n\n") + 1 or text.rfind("\n") + 1
    last = text[start:].strip()
    if start and len(last) <= _EDGE_CHARS and (_RULE_LINE.fullmatch(last) or _is_closing(last.strip(_MARKS))):
        return text[:start].strip()
    return text


def _is_closing(paragraph: str) -> bool:
    """Whether a last paragraph speaks of the text before it, or to whoever asked for it."""
    if any(pattern.match(paragraph) for pattern in (_TO_READER, _COUNT, _SELF_PRAISE)):
        return True
    return bool(_NOTE.match(paragraph) and (_MENTIONS_REWRITING.search(paragraph) or _MENTIONS_NOTED.search(paragraph)))
