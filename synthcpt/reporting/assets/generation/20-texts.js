/* The browser of texts: a list that draws what is in sight only, a text, and its source. */
synthcpt.onContent((root) => {
  if (!root.querySelector('#browser')) return;
  const at = (name) => document.getElementById('browser-' + name);
  const { element, highlight } = synthcpt;
  const query = at('query'), state = at('state'), step = at('step'), source = at('source'), list = at('list');
  const rows = list.querySelector('.rows'), ROW = 56;
  let texts = [], sources = [], of = 0, shown = [], chosen = null, words = [], about = null, lowered = [];

  const count = (n) => n.toLocaleString('en');
  const plural = (n, one) => count(n) + ' ' + one + (n === 1 ? '' : 's');

  const load = (data) => {
    ({ texts, sources, of } = data);
    lowered = new Array(texts.length);
    options(state, 'Kept and dropped', tally(texts, (text) => text.reason ? 'dropped: ' + text.reason : 'kept'));
    options(step, 'All kinds', tally(texts, (text) => text.step || 'text'));
    options(source, 'All documents', tally(texts, (text) => text.source), (i) => sources[i].title || sources[i].id);
    at('note').textContent = texts.length < of
      ? `This page holds ${count(texts.length)} of ${plural(of, 'text')}: whole documents, and a seeded draw from the others.`
      : `All ${plural(of, 'text')} of the run${texts.some((text) => text.reason) ? ', those dropped by a gate included' : ''}.`;
    filter(true);
  };
  const tally = (items, key) => items.reduce((sums, item) => sums.set(key(item), (sums.get(key(item)) || 0) + 1), new Map());
  const options = (select, all, sums, name = (key) => key) => {
    const before = select.value;
    const made = [...sums].map(([key, n]) => element('option', { value: key }, `${name(key)} (${count(n)})`));
    select.replaceChildren(element('option', { value: '' }, all), ...made);
    select.hidden = sums.size < 2;
    if (made.some((one) => one.value === before)) select.value = before;
  };

  /* Words are all wanted, in any order; in quotes they are wanted as they stand. */
  const wordsOf = (text) => [...text.normalize('NFC').toLowerCase().matchAll(/"([^"]+)"?|[^\s"]+/g)].map((match) => (match[1] || match[0]).trim()).filter(Boolean);
  const lower = (i) => lowered[i] || (lowered[i] = (texts[i].text + '\n' + texts[i].id).toLowerCase());
  const passes = (text, i) => (!step.value || (text.step || 'text') === step.value)
    && (source.value === '' || text.source === Number(source.value))
    && (!state.value || (text.reason ? 'dropped: ' + text.reason : 'kept') === state.value)
    && (!about || (sources[text.source].id === about.source && about.names.every((name) => (text.about || []).includes(name))))
    && words.every((word) => lower(i).includes(word));

  const filter = (keep) => {
    words = wordsOf(query.value);
    shown = [];
    texts.forEach((text, i) => { if (passes(text, i)) shown.push(i); });
    at('found').textContent = shown.length === texts.length ? '' : count(shown.length) + ' of ' + count(texts.length);
    at('about').hidden = !about;
    if (about) at('about').textContent = '× ' + about.names.join(' and ');
    rows.style.height = shown.length * ROW + 'px';
    const still = keep && chosen !== null ? shown.findIndex((i) => texts[i].id === chosen) : -1;
    if (still < 0) list.scrollTop = 0;
    draw();
    if (still >= 0) select(still, true);
    else if (shown.length) select(0);
    else nothing();
  };

  const position = () => shown.findIndex((i) => texts[i].id === chosen);

  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
    const made = [];
    for (let n = first; n < last; n++) made.push(row(n));
    rows.replaceChildren(...made);
  };
  const row = (n) => {
    const text = texts[shown[n]];
    const second = [text.step || 'text', plural(text.tokens, 'token'), sources[text.source].title || sources[text.source].id];
    const made = element('div', { class: 'row', role: 'option', id: 'text-' + n, 'aria-selected': String(text.id === chosen), 'aria-posinset': n + 1, 'aria-setsize': shown.length, 'data-n': n },
      element('div', { class: 'first' }, snippet(text)),
      element('div', { class: 'second' }, ...(text.reason ? [element('span', { class: 'dropped' }, text.reason), ' · '] : []), highlight.shown(second.join(' · '))));
    made.style.top = n * ROW + 'px';
    return made;
  };
  const snippet = (text) => {
    let from = 0;
    if (words.length) {
      const found = text.text.toLowerCase().indexOf(words[0]);
      from = found > 24 ? found - 18 : 0;
    }
    if (!words.length && text.about && text.about.length > 1 && text.about.length < 4) return highlight.shown(text.about.join(' × '));
    const cut = text.text.slice(from, from + 160).replace(/^\s*#+\s*/, '').replace(/\s+/g, ' ');
    const line = (from ? '… ' : '') + cut;
    return highlight.render(line, highlight.hits(line, words));
  };

  const select = (n, quiet) => {
    const text = texts[shown[n]];
    chosen = text.id;
    document.getElementById('browser').classList.remove('none');
    const top = n * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    draw();
    list.setAttribute('aria-activedescendant', 'text-' + n);
    read(text, quiet);
  };

  let reading = null;
  const read = (text, quiet) => {
    const origin = sources[text.source], key = text.id + '\n' + words.join('\n') + '\n' + origin.text.length;
    if (quiet && reading === key) return;
    reading = key;
    const names = highlight.shared(text.text, origin.text);
    const about = (text.about || []).filter((name) => highlight.places(text.text, name).length || highlight.places(origin.text, name).length);
    const marks = (body) => [...highlight.marksOf(body, about, 'about'), ...highlight.marksOf(body, names, 'shared'), ...highlight.hits(body, words)];
    const spans = (ranges, kind) => (ranges || []).map(([start, end]) => ({ start, end, kind }));
    at('head').replaceChildren(...heading(text));
    at('text').replaceChildren(highlight.render(text.text, [...spans(text.spans, 'loss'), ...marks(text.text)]), ...cutNote(text));
    at('text').scrollTop = 0;
    at('source-head').replaceChildren(
      element('b', {}, highlight.shown(origin.title || origin.id)), element('br'),
      element('span', { class: 'id' }, `${highlight.shown(origin.id)} · ${plural(origin.tokens, 'token')} · ${plural(origin.texts, 'text')}`));
    at('original').replaceChildren(highlight.render(origin.text, [...spans(text.origins, 'origin'), ...marks(origin.text)]), ...cutNote(origin));
    const first = at('original').querySelector('.origin');
    at('original').scrollTop = first ? Math.max(0, first.offsetTop - at('original').offsetTop - 60) : 0;
  };
  const heading = (text) => [
    element('b', {}, highlight.shown(text.step || 'text')), ` · ${plural(text.tokens, 'token')}`,
    text.spans ? ' · loss on the marked part' : ' · loss on all of it',
    ...(text.reason ? [element('br'), element('span', { class: 'dropped' }, 'Dropped: ' + text.reason), text.detail ? ' (' + highlight.shown(text.detail) + ')' : ''] : []),
    element('br'), element('span', { class: 'id mono' }, highlight.shown(text.id))];
  const cutNote = (one) => one.cut ? [element('p', { class: 'note' }, `Cut here: ${count(one.cut)} characters in all.`)] : [];
  const nothing = () => {
    chosen = reading = null;
    document.getElementById('browser').classList.add('none');
    rows.replaceChildren(element('div', { class: 'empty' }, texts.length < of ? 'No text of this sample is like that.' : 'No text is like that.'));
    for (const name of ['head', 'text', 'source-head', 'original']) at(name).replaceChildren();
  };

  const move = (by) => { if (shown.length) select(Math.min(shown.length - 1, Math.max(0, position() + by))); };
  const page = () => Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const steps = { ArrowDown: () => 1, ArrowUp: () => -1, j: () => 1, k: () => -1, PageDown: page, PageUp: () => -page(), Home: () => -1e9, End: () => 1e9 };
  list.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !steps[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    move(steps[event.key]());
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test(event.target.tagName)) return;
    if (event.key === '/') { event.preventDefault(); query.focus(); query.scrollIntoView({ block: 'nearest' }); }
    if (event.key === 'j' || event.key === 'k') move(steps[event.key]());
  });
  query.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') { event.preventDefault(); list.focus(); }
    if (event.key === 'Escape') { query.value = ''; filter(); }
  });
  let waiting = false;
  query.addEventListener('input', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; filter(); });
  });
  for (const one of [state, step, source]) one.addEventListener('change', () => filter());
  at('about').addEventListener('click', () => { about = null; filter(true); });
  list.addEventListener('scroll', draw, { passive: true });
  addEventListener('resize', draw);
  rows.addEventListener('click', (event) => { const found = event.target.closest('.row'); if (found) select(Number(found.dataset.n)); });

  /* A click on a name that both have goes to its next place in the source. */
  let last = { name: '', n: -1 };
  at('text').addEventListener('click', (event) => {
    const name = event.target.closest('.shared')?.dataset.name;
    const found = [...at('original').querySelectorAll('.shared')].filter((one) => one.dataset.name === name);
    if (!name || !found.length) return;
    last = { name, n: last.name === name ? (last.n + 1) % found.length : 0 };
    const target = found[last.n], box = at('original');
    box.scrollTop = target.offsetTop - box.offsetTop - box.clientHeight / 3;
    target.classList.add('flash');
    setTimeout(() => target.classList.remove('flash'), 900);
  });

  synthcpt.textsAbout = (id, names) => texts.filter((text) => sources[text.source].id === id && names.every((name) => (text.about || []).includes(name)));
  synthcpt.showTexts = (id, names, open) => {
    about = { source: id, names };
    query.value = state.value = step.value = source.value = '';
    if (open) chosen = open;
    filter(Boolean(open));
    document.getElementById('texts').scrollIntoView();
    list.focus({ preventScroll: true });
  };
  document.addEventListener('synthcpt:data', (event) => { if (event.detail.includes('texts')) load(synthcpt.data('texts')); });

  const data = synthcpt.data('texts');
  if (data) load(data);
});
