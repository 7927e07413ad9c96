/* The browser of answers: filter by setting, kind, right or wrong, and what changed; search. */
synthcpt.onContent((root) => {
  const browser = root.querySelector('#answers-browser');
  if (!browser) return;
  const { element } = synthcpt, PAGE = 40;
  const rows = synthcpt.data('answers') || [];
  const at = (name) => browser.querySelector('#answers-' + name);
  const search = at('search'), setting = at('setting'), kind = at('kind'), state = at('state');
  const list = at('list'), more = at('more'), found = at('count');
  const haystacks = rows.map((row) => [row.question, row.answer, row.before || '', row.id, row.document, ...row.golds].join('\n').toLowerCase());
  let shown = [], drawn = 0;

  const fill = (select, all, key) => {
    const names = [...new Set(rows.map(key))].filter(Boolean);
    select.replaceChildren(element('option', { value: '' }, all), ...names.map((name) => element('option', { value: name }, name.replaceAll('_', ' '))));
    select.hidden = names.length < 2;
  };
  const states = {
    '': () => true, right: (row) => row.right === true, wrong: (row) => row.right === false,
    learnt: (row) => row.was === false && row.right === true, lost: (row) => row.was === true && row.right === false,
  };
  const told = (is) => (is === true ? 'right' : is === false ? 'wrong' : '');
  const pair = (name, said, is) => [element('dt', {}, name),
    element('dd', { class: is === true ? 'yes' : is === false ? 'no' : null }, said || '(nothing)')];

  const card = (row) => {
    const about = [element('b', {}, told(row.right)), row.setting.replaceAll('_', ' '), row.kind.replaceAll('_', ' '), row.document, row.id]
      .filter(Boolean).map((part) => (typeof part === 'string' ? element('span', {}, part) : part));
    if (row.was !== undefined && row.was !== row.right) about.splice(1, 0, element('b', {}, row.right ? 'learnt' : 'lost'));
    const lines = [...pair('gold', row.golds.join(' · ')), ...pair('model', row.answer, row.right)];
    if (row.before !== undefined) lines.push(...pair('baseline', row.before, row.was));
    return element('article', { class: row.right === null ? 'answer' : 'answer is-' + told(row.right) },
      element('div', { class: 'answer-about' }, ...about),
      element('p', { class: 'answer-question' }, row.question), element('dl', {}, ...lines));
  };
  const draw = () => {
    list.append(...shown.slice(drawn, drawn + PAGE).map(card));
    drawn = Math.min(shown.length, drawn + PAGE);
    more.hidden = drawn >= shown.length;
  };
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter((row, i) => (!setting.value || row.setting === setting.value) && (!kind.value || row.kind === kind.value)
      && states[state.value](row) && words.every((word) => haystacks[i].includes(word)));
    const right = shown.filter((row) => row.right === true).length;
    found.textContent = `${shown.length.toLocaleString('en')} answers, ${right.toLocaleString('en')} right`;
    list.replaceChildren();
    drawn = 0;
    draw();
  };
  fill(setting, 'all settings', (row) => row.setting);
  fill(kind, 'all kinds', (row) => row.kind);
  for (const control of [search, setting, kind, state]) control.addEventListener('input', filter);
  more.addEventListener('click', draw);
  filter();
});
