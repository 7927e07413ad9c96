"""Texts that a careless page would take for markup."""

from __future__ import annotations

HOSTILE = [
    "<script>window.pwned = 1</script>", "</script><script>window.pwned = 2</script>", "<!--<script>", "]]>", "-->",
    "<img src=x onerror='window.pwned = 3'>", "\"' onmouseover='window.pwned = 4' x=\"", "</style></title></textarea>",
    "javascript:window.pwned = 5", "&lt;b&gt; &amp;amp;", "NUL \x00 and \x1b[31m", "\u2028 \u2029",
    "\u202eright to left\u202c",
    "{{7*7}} ${7*7}", "\U0001f600 \u05e9\u05dc\u05d5\u05dd", "`backticks`", "'; DROP TABLE rows; --",
]  # fmt: skip
