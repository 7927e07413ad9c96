/* A document's entities, drawn together by how often the source has them near one another. */
synthcpt.onContent((root) => {
  if (!root.querySelector('#graph')) return;
  const at = (name) => document.getElementById('graph-' + name);
  const { element, highlight } = synthcpt;
  const drawing = at('drawing'), panel = at('panel'), NS = 'http://www.w3.org/2000/svg';
  const svg = (name, attributes = {}) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  let graphs = [], graph = null, chosen = [], view = { x: 0, y: 0, scale: 1 }, edgeLayer, edges = [], nodes = [];
  const laid = new Map();

  /* Springs and repulsion, cooled down; begun on a spiral, so that it is the same each time. */
  const layout = (one) => {
    const n = one.nodes.length, places = [];
    for (let i = 0; i < n; i++) {
      const angle = i * 2.399963, radius = 30 * Math.sqrt(i + .5);
      places.push({ x: radius * Math.cos(angle), y: radius * Math.sin(angle) });
    }
    const ideal = 62, springs = one.edges.filter((edge) => edge[3] > 0 || one.edges.length < 3 * n);
    const rounds = n > 80 ? 220 : 320;
    for (let round = 0; round < rounds; round++) {
      const heat = 40 * (1 - round / rounds) ** 1.5 + .3;
      const push = places.map(() => ({ x: 0, y: 0 }));
      for (let i = 0; i < n; i++) {
        for (let j = i + 1; j < n; j++) {
          let dx = places[i].x - places[j].x, dy = places[i].y - places[j].y;
          const square = Math.max(4, dx * dx + dy * dy), force = ideal * ideal / square;
          dx *= force; dy *= force;
          push[i].x += dx; push[i].y += dy; push[j].x -= dx; push[j].y -= dy;
        }
        push[i].x -= places[i].x * .035 * Math.sqrt(n); push[i].y -= places[i].y * .05 * Math.sqrt(n);
      }
      for (const [i, j, , near] of springs) {
        const dx = places[i].x - places[j].x, dy = places[i].y - places[j].y, distance = Math.hypot(dx, dy) || 1;
        const force = distance / ideal * .35 * Math.log2(1.5 + near);
        push[i].x -= dx * force; push[i].y -= dy * force; push[j].x += dx * force; push[j].y += dy * force;
      }
      places.forEach((place, i) => {
        const length = Math.hypot(push[i].x, push[i].y) || 1, step = Math.min(heat, length) / length;
        place.x += push[i].x * step; place.y += push[i].y * step;
      });
    }
    return places;
  };

  const open = (one) => {
    graph = one;
    chosen = [];
    if (!laid.has(one.id)) laid.set(one.id, layout(one));
    const upright = drawing.clientHeight > drawing.clientWidth;
    const places = laid.get(one.id).map(({ x, y }) => upright ? { x: y, y: x } : { x, y }), mentioned = Math.max(1, ...one.nodes.map((node) => node.mentions));
    edgeLayer = svg('g');
    edges = one.edges.map(([a, b, , near]) => {
      const line = svg('line', { class: 'edge', x1: places[a].x, y1: places[a].y, x2: places[b].x, y2: places[b].y, 'stroke-width': near ? 1 + Math.min(2, near * .4) : .7, 'stroke-opacity': near ? Math.min(.75, .3 + near * .1) : Math.max(.05, Math.min(.3, 20 / one.edges.length)) });
      edgeLayer.append(line);
      return { a, b, line };
    });
    nodes = one.nodes.map((node, i) => {
      const group = svg('g', { class: 'node' + (node.mentions ? '' : ' away'), 'data-i': i }), radius = 4 + 7 * Math.sqrt(node.mentions / mentioned);
      const label = svg('text', { x: radius + 4, y: 4 });
      const name = highlight.shown(node.name);
      label.textContent = name.length > 34 ? name.slice(0, 32) + '…' : name;
      group.append(svg('circle', { r: radius }), label);
      return { group, label, radius, width: label.textContent.length * 6.4 + radius + 8, ...places[i] };
    });
    drawing.replaceChildren(edgeLayer, ...[...nodes].reverse().map((node) => node.group));
    at('names').replaceChildren(...one.nodes.map((node) => element('option', { value: node.name })));
    fit();
    light();
  };

  const size = () => ({ width: drawing.clientWidth || 600, height: drawing.clientHeight || 400 });
  const fit = () => {
    const { width, height } = size(), xs = nodes.map((node) => node.x), ys = nodes.map((node) => node.y);
    const low = { x: Math.min(...xs), y: Math.min(...ys) }, span = { x: Math.max(...xs) - low.x || 1, y: Math.max(...ys) - low.y || 1 };
    const room = Math.min(130, width * .17);
    view.scale = Math.min(3, (width - 2 * room) / span.x, (height - 60) / span.y);
    view.x = width / 2 - (low.x + span.x / 2) * view.scale;
    view.y = height / 2 - (low.y + span.y / 2) * view.scale;
    place();
  };
  const zoom = (by, x = size().width / 2, y = size().height / 2) => {
    const scale = Math.min(12, Math.max(.15, view.scale * by)), ratio = scale / view.scale;
    view = { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
    place();
  };
  const onScreen = (node) => ({ x: node.x * view.scale + view.x, y: node.y * view.scale + view.y });

  /* Labels keep their size; of those that would lie on one another the more important stays. */
  let placing = false;
  const place = () => { if (!placing) { placing = true; requestAnimationFrame(() => { placing = false; settle(); }); } };
  const settle = () => {
    edgeLayer.setAttribute('transform', `translate(${view.x} ${view.y}) scale(${view.scale})`);
    const taken = nodes.map((node) => { const p = onScreen(node); return { left: p.x - node.radius, right: p.x + node.radius, top: p.y - node.radius, bottom: p.y + node.radius, own: node }; });
    const first = nodes.map((node, i) => i).sort((a, b) => chosen.includes(b) - chosen.includes(a) || a - b);
    const { width } = size();
    for (const i of first) {
      const node = nodes[i], p = onScreen(node);
      node.group.setAttribute('transform', `translate(${p.x} ${p.y})`);
      const length = node.width - node.radius - 4;
      const sides = [[node.radius + 4, 4, 'start', p.x + node.radius, p.x + node.width, p.y - 8, p.y + 8], [-node.radius - 4, 4, 'end', p.x - node.width, p.x - node.radius, p.y - 8, p.y + 8], [0, node.radius + 13, 'middle', p.x - length / 2, p.x + length / 2, p.y + node.radius, p.y + node.radius + 16], [0, -node.radius - 5, 'middle', p.x - length / 2, p.x + length / 2, p.y - node.radius - 16, p.y - node.radius]];
      const free = ([, , , left, right, top, bottom]) => right < width && left > 0 && !taken.some((box) => box.own !== node && box.left < right && box.right > left && box.top < bottom && box.bottom > top);
      const side = sides.find(free) || (chosen.includes(i) ? sides[0] : null);
      node.label.toggleAttribute('hidden', !side);
      node.label.style.display = side ? '' : 'none';
      if (!side) continue;
      node.label.setAttribute('x', side[0]); node.label.setAttribute('y', side[1]); node.label.setAttribute('text-anchor', side[2]);
      taken.push({ left: side[3], right: side[4], top: side[5], bottom: side[6], own: node });
    }
  };

  const light = () => {
    const [one, two] = chosen;
    const partners = new Set(chosen);
    for (const edge of edges) {
      const lit = one !== undefined && (edge.a === one || edge.b === one), both = lit && two !== undefined && (edge.a === two || edge.b === two);
      edge.line.classList.toggle('lit', lit && two === undefined);
      edge.line.classList.toggle('chosen', both);
      if (lit && two === undefined) partners.add(edge.a === one ? edge.b : edge.a);
    }
    nodes.forEach((node, i) => {
      node.group.classList.toggle('chosen', chosen.includes(i));
      node.group.classList.toggle('dim', chosen.length > 0 && !partners.has(i));
    });
    place();
    tell();
  };

  const choose = (i) => {
    if (i === null) chosen = [];
    else if (chosen.length === 1 && chosen[0] !== i && edgeOf(chosen[0], i)) chosen = [chosen[0], i];
    else chosen = chosen.length === 1 && chosen[0] === i ? [] : [i];
    light();
  };
  const edgeOf = (a, b) => graph.edges.find((edge) => (edge[0] === a && edge[1] === b) || (edge[0] === b && edge[1] === a));

  const plural = (n, one) => n.toLocaleString('en') + ' ' + one + (n === 1 ? '' : 's');
  const button = (left, right, act) => {
    const made = element('button', { type: 'button' }, element('span', {}, highlight.shown(left)), element('span', {}, right));
    made.addEventListener('click', act);
    return element('li', {}, made);
  };
  const back = (said, act) => { const made = element('button', { type: 'button', class: 'link small' }, said); made.addEventListener('click', act); return made; };

  const tell = () => {
    if (!chosen.length) return tellAll();
    return chosen.length === 1 ? tellOne(chosen[0]) : tellPair(...chosen);
  };
  const tellAll = () => {
    const pairs = graph.edges.length, more = graph.left_out ? `; ${graph.left_out} with fewer mentions are left out` : '';
    panel.replaceChildren(element('h3', {}, highlight.shown(graph.title)), element('p', { class: 'small quiet' }, `${plural(graph.nodes.length, 'entity').replace('entitys', 'entities')}, ${plural(pairs, 'pair')}${more}. By mentions in the source:`),
      element('ul', {}, ...graph.nodes.slice(0, 60).map((node, i) => button(node.name, plural(node.mentions, 'mention'), () => choose(i)))));
  };
  const tellOne = (i) => {
    const node = graph.nodes[i];
    const partners = graph.edges.filter((edge) => edge[0] === i || edge[1] === i).sort((a, b) => b[3] - a[3] || b[2] - a[2]);
    panel.replaceChildren(back('All entities', () => choose(null)), element('h3', {}, highlight.shown(node.name)),
      element('p', { class: 'small quiet' }, `${plural(node.mentions, 'mention')} in the source, ${plural(node.texts, 'text')}. Paired with:`),
      element('ul', {}, ...partners.slice(0, 150).map((edge) => { const other = edge[0] === i ? edge[1] : edge[0]; return button(graph.nodes[other].name, edge[4] || (edge[3] ? `${edge[3]} × near` : 'apart'), () => choose(other)); })));
  };
  const tellPair = (a, b) => {
    const names = [graph.nodes[a].name, graph.nodes[b].name], edge = edgeOf(a, b), texts = synthcpt.textsAbout ? synthcpt.textsAbout(graph.id, names) : [];
    const found = texts.length
      ? [element('ul', {}, ...texts.slice(0, 50).map((text) => button(text.text.replace(/^\s*#+\s*/, '').replace(/\s+/g, ' ').slice(0, 90) + '…', text.reason || text.step, () => synthcpt.showTexts(graph.id, names, text.id))))]
      : [element('p', { class: 'small' }, `None of the ${plural(edge[2], 'text')} about both is in this page's sample.`)];
    panel.replaceChildren(back('Back to ' + highlight.shown(names[0]), () => { chosen = [a]; light(); }), element('h3', {}, highlight.shown(names.join(' and '))),
      element('p', { class: 'small quiet' }, [edge[4] && `Relation: ${highlight.shown(edge[4])}.`, edge[3] ? `Near one another ${edge[3]} × in the source.` : 'Never near one another in the source.', 'Texts about both:'].filter(Boolean).join(' ')), ...found);
  };

  const nearest = (x, y) => {
    let best = null, least = 7;
    for (const edge of edges) {
      const p = onScreen(nodes[edge.a]), q = onScreen(nodes[edge.b]), dx = q.x - p.x, dy = q.y - p.y;
      const along = Math.min(1, Math.max(0, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy || 1)));
      const away = Math.hypot(x - p.x - along * dx, y - p.y - along * dy) + (chosen.length === 1 && edge.a !== chosen[0] && edge.b !== chosen[0] ? 3 : 0);
      if (away < least) { least = away; best = edge; }
    }
    return best;
  };

  const pointers = new Map();
  let moved = 0, pressed = null;
  const point = (event) => { const box = drawing.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
  drawing.addEventListener('pointerdown', (event) => {
    pressed = event.target.closest('.node');
    pointers.set(event.pointerId, point(event));
    moved = 0;
    drawing.setPointerCapture(event.pointerId);
    drawing.classList.add('dragging');
  });
  drawing.addEventListener('pointermove', (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = point(event), others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    pointers.set(event.pointerId, now);
    if (others.length) zoom(Math.hypot(now.x - others[0].x, now.y - others[0].y) / (Math.hypot(before.x - others[0].x, before.y - others[0].y) || 1), others[0].x, others[0].y);
    else if (moved > 4) { view.x += now.x - before.x; view.y += now.y - before.y; place(); }
  });
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    drawing.classList.remove('dragging');
    if (event.type !== 'pointerup' || moved > 4) return;
    const { x, y } = point(event);
    if (pressed) return choose(Number(pressed.dataset.i));
    const edge = nearest(x, y);
    if (edge) { chosen = [edge.a, edge.b]; light(); } else choose(null);
  };
  drawing.addEventListener('pointerup', release);
  drawing.addEventListener('pointercancel', release);
  drawing.addEventListener('focus', () => drawing.classList.add('active'));
  drawing.addEventListener('blur', () => drawing.classList.remove('active'));
  drawing.addEventListener('wheel', (event) => {
    if (!drawing.classList.contains('active') && !event.ctrlKey) return;
    event.preventDefault();
    const { x, y } = point(event);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? .05 : .0016)), x, y);
  }, { passive: false });
  drawing.addEventListener('keydown', (event) => {
    const shift = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    if (shift) { view.x += shift[0]; view.y += shift[1]; place(); event.preventDefault(); }
    if (event.key === '+' || event.key === '=') zoom(1.25);
    if (event.key === '-') zoom(.8);
    if (event.key === 'Escape') choose(null);
  });
  at('in').addEventListener('click', () => zoom(1.35));
  at('out').addEventListener('click', () => zoom(1 / 1.35));
  at('fit').addEventListener('click', fit);
  at('find').addEventListener('change', () => {
    const wanted = at('find').value.trim().toLowerCase();
    const found = graph.nodes.findIndex((node) => node.name.toLowerCase() === wanted);
    if (found >= 0) { chosen = [found]; light(); }
  });
  at('document').addEventListener('change', () => open(graphs[Number(at('document').value)]));
  let width = drawing.clientWidth;
  new ResizeObserver(() => { if (drawing.clientWidth !== width && graph) { width = drawing.clientWidth; fit(); } }).observe(drawing);

  const load = () => {
    graphs = synthcpt.data('graphs') || [];
    if (!graphs.length) return;
    const options = graphs.map((one, i) => element('option', { value: i }, `${one.title} (${one.nodes.length} entities, ${one.edges.length.toLocaleString('en')} pairs)`));
    at('document').replaceChildren(...options);
    const now = Math.max(0, graph ? graphs.findIndex((one) => one.id === graph.id) : 0);
    at('document').value = String(now);
    laid.clear();
    open(graphs[now]);
  };
  document.addEventListener('synthcpt:data', (event) => { if (event.detail.includes('graphs')) load(); });
  load();
});
