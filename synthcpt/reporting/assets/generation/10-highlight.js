/* Marks over a text: what names it shares with its source, what a search found, what carries loss. */
synthcpt.highlight = (() => {
  const NAME = /\p{Lu}[\p{L}\p{M}\p{N}]*(?:[-'’&.]?[\p{L}\p{M}\p{N}]+)*(?:\s(?:(?:of|the|de|du|des|la|le|van|von|der|den|da|di|al|bin|ibn|and|&)\s){0,2}\p{Lu}[\p{L}\p{M}\p{N}]*(?:[-'’&.]?[\p{L}\p{M}\p{N}]+)*)*|\p{N}+(?:[.,:/]\p{N}+)*/gu;
  const LETTER = /[\p{L}\p{M}\p{N}]/u;
  const MOST_NAMES = 400, MOST_MARKS = 5000;

  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const pattern = (words) => words.length ? new RegExp(words.map(escaped).join('|'), 'giu') : null;

  /* Control characters as their pictures, so that nothing is hidden; offsets stay. */
  const shown = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0))).replace(/\u007f/g, '\u2421');

  const whole = (text, start, end) => !(start > 0 && LETTER.test(text[start - 1]) && LETTER.test(text[start]))
    && !(end < text.length && LETTER.test(text[end]) && LETTER.test(text[end - 1]));

  const places = (text, name) => {
    const found = [];
    for (let at = text.indexOf(name); at >= 0 && found.length < 200; at = text.indexOf(name, at + name.length)) {
      if (whole(text, at, at + name.length)) found.push([at, at + name.length]);
    }
    return found;
  };

  /* A capital that only begins sentences makes no name, nor does one of a word that is also written small. */
  const isName = (word, source, found) => found.some((one) => insideSentence(source, one)) && !places(source, word.toLowerCase()).length;
  const insideSentence = (text, [start]) => /[\p{L}\p{N},;]["'’)\]]*\s+["'(\[]?$/u.test(text.slice(Math.max(0, start - 6), start));

  const candidates = (text) => {
    const names = new Set();
    for (const [name] of text.matchAll(NAME)) {
      if (name.length > 1) names.add(name);
      if (names.size >= MOST_NAMES) break;
    }
    return names;
  };

  /* Names and numbers that both hold, the longest first; the words of a longer name stand for themselves, too. */
  const shared = (text, source) => {
    const kept = [];
    for (const name of candidates(text)) {
      for (const part of parts(name)) {
        const found = places(source, part);
        if (found.length && (/\s|\p{N}/u.test(part) || isName(part, source, found))) { kept.push(part); break; }
      }
    }
    return [...new Set(kept)].sort((a, b) => b.length - a.length);
  };
  const parts = (name) => {
    const words = name.split(/\s/), made = [name];
    for (let i = 1; i < Math.min(words.length, 4); i++) made.push(words.slice(i).join(' '));
    for (let i = words.length - 1; i > 0 && words.length < 5; i--) made.push(words.slice(0, i).join(' '));
    return made.filter((one) => one.length > 1);
  };

  const marksOf = (text, names, kind) => names.flatMap((name) => places(text, name).map(([start, end]) => ({ start, end, kind, name })));

  const hits = (text, words) => {
    const made = [], search = pattern(words);
    if (search) for (const match of text.matchAll(search)) { made.push({ start: match.index, end: match.index + match[0].length, kind: 'hit' }); if (made.length > 2000) break; }
    return made;
  };

  /* The text as nodes: one element a stretch under the same marks. */
  const render = (text, marks) => {
    const made = document.createDocumentFragment(), visible = shown(text);
    const kept = marks.filter((mark) => mark.start < mark.end).slice(0, MOST_MARKS);
    const edges = [...new Set([0, text.length, ...kept.flatMap((mark) => [mark.start, mark.end])])].sort((a, b) => a - b);
    const starting = [...kept].sort((a, b) => a.start - b.start);
    let next = 0, open = [];
    for (let i = 0; i + 1 < edges.length; i++) {
      const from = edges[i];
      while (next < starting.length && starting[next].start <= from) open.push(starting[next++]);
      open = open.filter((mark) => mark.end > from);
      made.append(wrapped(visible.slice(from, edges[i + 1]), open, from));
    }
    return made;
  };
  const wrapped = (text, open, at) => {
    let node = document.createTextNode(text);
    const name = open.filter((mark) => mark.name).sort((a, b) => b.name.length - a.name.length)[0];
    if (name) node = synthcpt.element('b', { class: 'shared' + (name.kind === 'about' ? ' about' : ''), 'data-name': name.name, 'data-at': at }, node);
    for (const kind of ['hit', 'loss', 'origin']) {
      if (open.some((mark) => mark.kind === kind)) node = synthcpt.element('mark', { class: kind }, node);
    }
    return node;
  };

  return { shared, marksOf, hits, render, shown, places };
})();
