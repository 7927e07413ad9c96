'use strict';
/* What every page does: its theme, the contents bar, sorting, copying. */
const synthcpt = window.synthcpt = { ready: [] };

/* Behaviour that belongs to markup, run at the start and again for each section a live page replaces. */
synthcpt.onContent = (start) => { synthcpt.ready.push(start); start(document); };

synthcpt.data = (name) => {
  const block = document.getElementById('data-' + name);
  return block ? JSON.parse(block.textContent) : null;
};

synthcpt.element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'class') made.className = value;
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children);
  return made;
};

(() => {
  const root = document.documentElement, button = document.getElementById('theme');
  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const stored = () => { try { return localStorage.getItem('synthcpt-theme'); } catch (error) { return null; } };
  const keep = (theme) => { try { localStorage.setItem('synthcpt-theme', theme); } catch (error) { /* a page without storage */ } };
  const label = () => { button.textContent = dark() ? 'Light' : 'Dark'; button.title = 'Switch to ' + (dark() ? 'light' : 'dark'); };
  if (['light', 'dark'].includes(stored())) root.dataset.theme = stored();
  button.hidden = false;
  button.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; keep(root.dataset.theme); label(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', label);
  label();
})();

synthcpt.followContents = () => {
  const links = [...document.querySelectorAll('#bar nav a')];
  const sections = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  const mark = () => {
    let at = 0;
    sections.forEach((section, i) => { if (section && section.getBoundingClientRect().top < innerHeight * .3) at = i; });
    if (innerHeight + scrollY >= document.documentElement.scrollHeight - 4) at = links.length - 1;
    links.forEach((link, i) => {
      if (i === at && !link.hasAttribute('aria-current')) {
        link.setAttribute('aria-current', 'true');
        const row = link.closest('nav');
        row.scrollLeft = Math.max(0, link.offsetLeft - row.offsetLeft - 40);
      } else if (i !== at) link.removeAttribute('aria-current');
    });
  };
  mark();
  return mark;
};
{
  let mark = synthcpt.followContents(), waiting = false;
  addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });
  synthcpt.contentsChanged = () => { mark = synthcpt.followContents(); };
}

synthcpt.onContent((root) => {
  for (const table of root.querySelectorAll('table[data-sortable]')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, i) => head.querySelector('.sort').addEventListener('click', () => synthcpt.sortTable(table, i)));
  }
});
synthcpt.sortTable = (table, column, direction) => {
  const heads = [...table.tHead.rows[0].cells], head = heads[column], body = table.tBodies[0];
  const numeric = head.classList.contains('right');
  const first = numeric ? 'descending' : 'ascending', other = numeric ? 'ascending' : 'descending';
  const wanted = direction || (head.getAttribute('aria-sort') === first ? other : first);
  heads.forEach((one) => one.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', wanted);
  const key = (row) => { const cell = row.cells[column]; return cell.dataset.sort === undefined ? cell.textContent : cell.dataset.sort; };
  const sign = wanted === 'ascending' ? 1 : -1, order = new Intl.Collator(undefined, { numeric: true });
  const value = (text) => text === '' || text === '\u2013' || Number.isNaN(Number(text)) ? null : Number(text);
  const rows = [...body.rows].map((row) => ({ row, text: key(row), value: value(key(row)) }));
  rows.sort((a, b) => {
    if (a.value !== null && b.value !== null) return sign * (a.value - b.value);
    if (a.value !== null || b.value !== null) return a.value !== null ? -1 : 1;
    return sign * order.compare(a.text, b.text);
  });
  body.append(...rows.map((one) => one.row));
};

synthcpt.onContent((root) => {
  for (const button of root.querySelectorAll('.copy')) {
    const text = () => button.parentElement.querySelector('pre').textContent;
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = 'Copied';
      } catch (error) {
        getSelection().selectAllChildren(button.parentElement.querySelector('pre'));
        button.textContent = 'Selected';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
  }
});
