/* A page that the local server hands out: it asks for news and takes them in without moving what is being read. */
(() => {
  const root = document.documentElement, badge = document.getElementById('live');
  if (!('live' in root.dataset)) return;
  const EVERY_MS = 2000, LATE_MS = 10000;
  let digest = root.dataset.live;

  const show = (state) => {
    badge.hidden = false;
    badge.className = state === 'finished' ? 'done' : state === 'lost' ? 'lost' : 'on';
    badge.textContent = { finished: 'Finished', lost: 'Server not reachable', none: 'Live' }[state] || 'Following';
  };

  const poll = async () => {
    let wait = EVERY_MS;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.pathname + '?news=' + encodeURIComponent(digest), { cache: 'no-store' });
        if (answer.status === 200) take(await answer.text());
        else if (answer.status !== 204) throw new Error('status ' + answer.status);
        const state = answer.headers.get('X-Run-State') || '';
        show(state);
        if (state === 'finished') wait = LATE_MS;
      } catch (error) {
        show('lost');
        wait = LATE_MS;
      }
    }
    setTimeout(poll, wait);
  };

  const take = (html) => {
    const news = new DOMParser().parseFromString(html, 'text/html');
    const changed = [...news.querySelectorAll('script[type="application/json"]')].filter(replaceData).map((one) => one.id.slice(5));
    const held = holdPlace();
    replaceIfNew(document.getElementById('head'), news.getElementById('head'));
    const kept = [...news.querySelectorAll('main > section')].map((section) => {
      const old = document.getElementById(section.id);
      return old && (old.dataset.digest === section.dataset.digest || isBeingUsed(old)) ? old : replaced(old, section);
    });
    const main = document.getElementById('main');
    for (const old of [...main.children]) if (!kept.includes(old)) old.remove();
    kept.forEach((section, i) => { if (main.children[i] !== section) main.insertBefore(section, main.children[i] || null); });
    replaceContents(news);
    document.title = news.title;
    for (const section of kept) if (section.dataset.fresh) { delete section.dataset.fresh; synthcpt.ready.forEach((start) => start(section)); restore(section); }
    if (changed.length) document.dispatchEvent(new CustomEvent('synthcpt:data', { detail: changed }));
    held();
    digest = news.documentElement.dataset.live;
  };

  const replaceData = (block) => {
    const old = document.getElementById(block.id);
    if (old && old.textContent === block.textContent) return false;
    if (old) old.textContent = block.textContent;
    else document.body.append(document.importNode(block, true));
    return true;
  };
  const replaceIfNew = (old, fresh) => { if (old.dataset.digest !== fresh.dataset.digest) old.replaceWith(document.importNode(fresh, true)); };
  const replaceContents = (news) => {
    const old = document.querySelector('#bar ol'), fresh = news.querySelector('#bar ol');
    if (old.textContent !== fresh.textContent) old.replaceWith(document.importNode(fresh, true));
    synthcpt.contentsChanged();
  };

  /* Text that is being selected, or a field that is being filled in, waits for the next news. */
  const isBeingUsed = (section) => {
    const selection = getSelection(), field = document.activeElement;
    return (!selection.isCollapsed && section.contains(selection.anchorNode)) || (section.contains(field) && /^(input|select|textarea)$/i.test(field.tagName));
  };

  const states = new WeakMap();
  const replaced = (old, fresh) => {
    const made = document.importNode(fresh, true);
    made.dataset.fresh = '1';
    if (old) {
      const focusable = [...old.querySelectorAll('button,a,summary,[tabindex]')];
      states.set(made, {
        open: [...old.querySelectorAll('details')].map((one) => one.open),
        boxes: [...old.querySelectorAll('.table-box,pre')].map((one) => [one.scrollLeft, one.scrollTop]),
        sorted: [...old.querySelectorAll('table')].map((one) => [...(one.tHead ? one.tHead.rows[0].cells : [])].map((cell) => cell.getAttribute('aria-sort'))),
        focus: focusable.indexOf(document.activeElement),
      });
      old.replaceWith(made);
    }
    return made;
  };
  const restore = (made) => {
    const state = states.get(made);
    if (!state) return;
    made.querySelectorAll('details').forEach((one, i) => { if (state.open[i] !== undefined) one.open = state.open[i]; });
    made.querySelectorAll('table[data-sortable]').forEach((one, i) => (state.sorted[i] || []).forEach((direction, column) => { if (direction) synthcpt.sortTable(one, column, direction); }));
    made.querySelectorAll('.table-box,pre').forEach((one, i) => { if (state.boxes[i]) [one.scrollLeft, one.scrollTop] = state.boxes[i]; });
    if (state.focus >= 0) made.querySelectorAll('button,a,summary,[tabindex]')[state.focus]?.focus({ preventScroll: true });
  };

  /* What is at the top of the window stays there. */
  const holdPlace = () => {
    const section = [...document.querySelectorAll('main > section')].find((one) => one.getBoundingClientRect().bottom > 60);
    if (!section || scrollY < 4) return () => {};
    const id = section.id, top = section.getBoundingClientRect().top;
    return () => {
      const now = document.getElementById(id);
      if (now) scrollBy({ top: now.getBoundingClientRect().top - top, behavior: 'instant' });
    };
  };

  show(root.dataset.state || '');
  setTimeout(poll, EVERY_MS);
})();
