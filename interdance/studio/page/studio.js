/* The studio's page. Everything that comes from the server is put in as text, never as markup. */

const $ = id => document.getElementById(id);
const form = $('form');
let options, models = [], sources = [], jobs = [], shown = [], awaited = '';
const sent = { leader: null };

const node = (tag, properties = {}, ...children) => {
  const { dataset, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
};
const say = text => { $('said').textContent = text; };
const seconds = value => value < 60 ? `${value.toFixed(value < 10 ? 1 : 0)} s` : `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, '0')} min`;
const size = bytes => bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
const percent = (value, digits) => `${(100 * value).toFixed(digits)} %`;

async function ask(address, request = {}) {
  let answer;
  try {
    answer = await fetch(address, request);
  } catch {
    $('away').hidden = false;
    throw new Error('the studio does not answer');
  }
  $('away').hidden = true;
  const value = answer.status === 204 ? null : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value?.error ?? `the studio answers with ${answer.status}`);
  return value;
}
const send = (address, method = 'POST', body) => ask(address, { method, body, headers: { 'content-type': 'application/json' } });

/* ------------------------------------------------------------------------------------------------ what to choose from */

function fillSelect(select, groups, none) {
  const before = select.value;
  select.replaceChildren(...none ? [node('option', { value: '', textContent: none })] : [], ...groups
    .filter(([, items]) => items.length)
    .map(([label, items]) => node('optgroup', { label }, ...items.map(item => node('option', {
      value: item.id, textContent: `${item.label}  (${seconds(item.seconds)})` })))));
  if ([...select.options].some(option => option.value === before)) select.value = before;
}

async function loadSources() {
  sources = await ask('/api/sources');
  for (const kind of ['leader', 'song']) {
    const mine = sources.filter(source => source.kind === kind);
    fillSelect($(kind), [['Uploads', mine.filter(source => source.id.startsWith('upload:'))],
      ['Test takes of the project', mine.filter(source => source.id.startsWith('take:'))]], mine.length ? 'choose …' : 'nothing yet: upload one');
  }
  describeSources();
}

function describeSources() {
  const find = (kind, id) => sources.find(source => source.kind === kind && source.id === id);
  for (const kind of ['leader', 'song']) {
    const source = find(kind, $(kind).value), note = $(`${kind}-note`);
    note.dataset.empty ??= note.textContent;
    note.replaceChildren(source ? `${seconds(source.seconds)}, ${source.note}. ` : note.dataset.empty);
    if (source?.id.startsWith('upload:')) {
      const remove = node('button', { type: 'button', className: 'plain', textContent: 'Remove' });
      remove.onclick = sure(remove, async () => {
        await send(`/api/uploads/${source.id.slice(7)}`, 'DELETE');
        await loadSources();
      });
      note.append(remove);
    }
  }
  const leader = find('leader', $('leader').value), song = find('song', $('song').value);
  const short = leader && song && song.seconds < leader.seconds - options.tolerance_s;
  $('song-error').textContent = short ? `This song ends after ${seconds(song.seconds)}, the dance after ${seconds(leader.seconds)}.` : '';
}

async function loadModels() {
  models = await ask('/api/models');
  const before = $('model').value;
  $('model').replaceChildren(...models.map(model => node('option', {
    value: model.id, disabled: !model.can_be_used,
    textContent: `${model.label}${model.can_be_used ? ',' : ':'} ${model.note}`, title: model.note })));
  const usable = models.filter(model => model.can_be_used);
  $('model').value = (usable.find(model => model.id === before) ?? usable[0] ?? models[0])?.id ?? '';
  describeModel();
}

function describeModel() {
  const model = models.find(item => item.id === $('model').value);
  $('model-note').textContent = model && !model.can_be_used ? `${model.label}: ${model.note}.` : '';
  $('generate').disabled = !model?.can_be_used;
  const duet = model?.task === 'duet';
  $('leader-box').disabled = duet;
  $('followers').disabled = duet;
  if (duet) $('leader').value = '';
  if (duet) $('followers').value = 1;
  for (const name of ['contact', 'penetration']) {
    $(`${name}-on`).disabled = !model?.can_be_guided;
    $(`${name}_scale`).disabled = !model?.can_be_guided || !$(`${name}-on`).checked;
  }
  $('guide-note').textContent = !model?.can_be_used ? '' : duet ? 'This model makes both dancers, without guidance.'
    : model.can_be_guided ? '' : 'This model cannot be guided.';
}

/* ------------------------------------------------------------------------------------------------------------ uploads */

async function upload(kind, file) {
  const error = $(`${kind}-error`), note = $(`${kind}-note`), select = $(kind);
  error.textContent = '';
  if (kind === 'leader') sent.leader = file;
  if (file.size > options.upload_mb * 1e6) {
    error.textContent = `${file.name}: ${size(file.size)}, and at most ${options.upload_mb} MB are taken; cut it.`;
    return;
  }
  note.textContent = `Reading ${file.name} …`;
  const query = new URLSearchParams({ name: file.name, mapping: kind === 'leader' ? $('mapping').value : '' });
  try {
    const made = await ask(`/api/uploads/${kind}?${query}`, { method: 'POST', body: file });
    await loadSources();
    select.value = `upload:${made.id}`;
    say(`${made.label} is ready`);
  } catch (failure) {
    error.textContent = failure.message;
  }
  describeSources();
}

for (const kind of ['leader', 'song']) {
  const box = $(`${kind}-box`), input = $(`${kind}-file`);
  input.addEventListener('change', () => {
    if (input.files.length) upload(kind, input.files[0]);
    input.value = '';
  });
  box.addEventListener('dragover', event => { event.preventDefault(); box.classList.add('over'); });
  box.addEventListener('dragleave', event => { if (!box.contains(event.relatedTarget)) box.classList.remove('over'); });
  box.addEventListener('drop', event => {
    event.preventDefault();
    box.classList.remove('over');
    if (event.dataTransfer.files.length && !box.disabled) upload(kind, event.dataTransfer.files[0]);
  });
  $(kind).addEventListener('change', () => {
    const own = $('song').querySelector(`option[value="${CSS.escape($(kind).value)}"]`);
    if (kind === 'leader' && own && $(kind).value.startsWith('take:')) $('song').value = $(kind).value;
    $(`${kind}-error`).textContent = '';
    describeSources();
  });
}
// The file that was refused is read again by the skeleton that is chosen now.
$('mapping').addEventListener('change', () => { if (sent.leader && $('leader-error').textContent) upload('leader', sent.leader); });

/* ----------------------------------------------------------------------------------------------------------- the form */

function fillForm(wish) {
  for (const name of ['seed', 'followers', 'steps']) $(name).value = wish[name];
  for (const name of ['contact', 'penetration']) {
    const scale = wish[`${name}_scale`], usual = options.defaults[`${name}_scale`];
    $(`${name}-on`).checked = scale > 0;
    $(`${name}_scale`).max = Math.min(options.limits[`${name}_scale`][1], Math.max(3 * usual, scale, 1));
    $(`${name}_scale`).value = scale || usual || 1;
    showScale(name);
  }
  $('clean').checked = wish.clean;
  describeModel();
}

function showScale(name) {
  const on = $(`${name}-on`).checked;
  document.querySelector(`output[for="${name}_scale"]`).textContent = on ? Number($(`${name}_scale`).value).toFixed(1) : 'off';
}

function readForm() {
  const scale = name => $(`${name}-on`).checked ? Number($(`${name}_scale`).value) : 0;
  return {
    leader: $('leader').value, song: $('song').value, model: $('model').value,
    seed: $('seed').valueAsNumber, followers: $('followers').valueAsNumber, steps: $('steps').valueAsNumber,
    contact_scale: scale('contact'), penetration_scale: scale('penetration'), clean: $('clean').checked,
  };
}

/** What a person has yet to do before this can be made, and where. */
function missing(wish) {
  const model = models.find(item => item.id === wish.model);
  if (model?.task === 'reactive' && !wish.leader) return ['leader', 'Choose a leader, or upload one.'];
  if (!wish.song) return ['song', 'Choose a song, or upload one.'];
  for (const [name, label] of [['seed', 'Seed'], ['followers', 'Followers'], ['steps', 'Steps']]) {
    const [least, most] = options.limits[name];
    if (!Number.isInteger(wish[name]) || wish[name] < least || wish[name] > most) return [name, `${label}: a whole number from ${least} to ${most} is needed.`];
  }
  return null;
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const wish = readForm(), lacks = missing(wish), error = $('form-error');
  error.textContent = lacks ? lacks[1] : '';
  if (lacks) {
    if (lacks[0] === 'steps') $('more').open = true;
    $(lacks[0]).focus();
    return;
  }
  $('generate').disabled = true;
  try {
    const job = await send('/api/jobs', 'POST', JSON.stringify(wish));
    awaited = job.id;
    say('The dance is being made');
    await loadJobs();
    $('jobs').querySelector(`[data-id="${job.id}"]`)?.scrollIntoView({ block: 'nearest' });
  } catch (failure) {
    error.textContent = failure.message;
  }
  describeModel();
});
form.addEventListener('input', () => { $('form-error').textContent = ''; });
$('model').addEventListener('change', describeModel);
$('dice').addEventListener('click', () => { $('seed').value = Math.floor(Math.random() * 10000); });
$('defaults').addEventListener('click', () => fillForm({ ...options.defaults, seed: $('seed').value, followers: $('followers').value }));
for (const name of ['contact', 'penetration']) {
  $(`${name}-on`).addEventListener('change', () => { showScale(name); describeModel(); });
  $(`${name}_scale`).addEventListener('input', () => showScale(name));
}

/* ------------------------------------------------------------------------------------------------------------- dances */

/** A handler that asks once more before it acts. */
function sure(button, act) {
  const label = button.textContent;
  let again;
  return async () => {
    if (!button.classList.contains('sure')) {
      button.classList.add('sure');
      button.textContent = 'Really?';
      again = setTimeout(() => { button.classList.remove('sure'); button.textContent = label; }, 4000);
      return;
    }
    clearTimeout(again);
    await act();
  };
}

const WORDS = { waiting: 'Waiting', starting: 'Starting', reading: 'Listening to the song', sampling: 'Dancing', writing: 'Writing', making: 'Making' };
function progressWords({ what, share, before }) {
  const [word, ...rest] = what.split(' ');
  if (word === 'waiting') return before ? `Waiting, ${before} before it` : 'Waiting';
  return [WORDS[word] ?? word, ...rest].join(' ') + (share ? `, ${Math.round(100 * share)} %` : ' …');
}

function settingsWords({ wish, model, song }) {
  const guided = [wish.contact_scale && `hold ${wish.contact_scale}`, wish.penetration_scale && `apart ${wish.penetration_scale}`].filter(Boolean);
  return [song, wish.followers > 1 ? `seeds ${wish.seed} to ${wish.seed + wish.followers - 1}` : `seed ${wish.seed}`,
    guided.length ? guided.join(', ') : 'no guidance', wish.clean && 'cleaned', model.split(',')[0]].filter(Boolean).join(' · ');
}

function stateOf(job) {
  if (job.progress) return [job.begun ? `${seconds(Math.max(0, Date.now() / 1000 - job.begun))} so far` : '', 'open'];
  if (job.state === 'done') return [`${seconds(job.seconds)} of dance`, 'done'];
  return [job.state, job.state];
}

function jobNode(job) {
  const [words, state] = stateOf(job);
  const button = (label, act, more = {}) => {
    const made = node('button', { type: 'button', className: 'small', textContent: label, dataset: { act }, ...more });
    made.setAttribute('aria-label', `${label}: ${job.title}, seed ${job.wish.seed}`);
    return made;
  };
  const acts = node('div', { className: 'acts' });
  if (job.progress) {
    acts.append(button('Cancel', 'cancel'));
  } else {
    if (job.state === 'done') {
      const watch = button('Watch', 'watch'), compare = button('Compare', 'compare', { disabled: !shown.length || shown[0] === job.id });
      watch.setAttribute('aria-pressed', String(shown[0] === job.id));
      compare.setAttribute('aria-pressed', String(shown[1] === job.id));
      acts.append(watch, compare);
    }
    acts.append(button('Again', 'again'), button('Delete', 'delete'));
  }
  return node('li', { className: shown.includes(job.id) ? 'shown' : '', dataset: { id: job.id } },
    node('div', { className: 'state' }, node('b', { textContent: job.title }), node('span', { className: state, textContent: words })),
    job.progress ? progressBar(job.progress, `${job.title} is being made`) : null,
    job.progress ? node('p', { textContent: progressWords(job.progress) }) : null,
    job.error ? node('p', { className: 'error', textContent: job.error }) : null,
    node('p', { className: 'note', textContent: settingsWords(job) }), acts);
}

function progressBar({ share }, label) {
  const bar = node('progress', { max: 1 });
  if (share > 0) bar.value = share;  // without a value it says that something is going on
  bar.setAttribute('aria-label', label);
  return bar;
}

function showJobs() {
  const list = $('jobs'), old = new Map([...list.children].map(item => [item.dataset.id, item]));
  const focus = document.activeElement?.closest('#jobs li') && { id: document.activeElement.closest('li').dataset.id, act: document.activeElement.dataset.act };
  const items = jobs.map(job => {
    const key = JSON.stringify([job, shown, job.progress && Math.floor(Date.now() / 1000)]), before = old.get(job.id);
    if (before?.key === key || before?.querySelector('.sure')) return before;
    return Object.assign(jobNode(job), { key });
  });
  if (!items.length) items.push(node('li', { className: 'none', textContent: 'Nothing yet.' }));
  items.forEach((item, place) => { if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null); });
  while (list.children.length > items.length) list.lastChild.remove();
  if (focus && !document.activeElement?.closest('#jobs li')) {
    const item = list.querySelector(`[data-id="${focus.id}"]`);
    (item?.querySelector(`[data-act="${focus.act}"]`) ?? item?.querySelector('button'))?.focus();
  }
}

$('jobs').addEventListener('click', async event => {
  const button = event.target.closest('button'), job = jobs.find(item => item.id === button?.closest('li').dataset.id);
  if (!job) return;
  const acts = {
    cancel: async () => { button.disabled = true; await send(`/api/jobs/${job.id}/cancel`); say('Cancelled'); },
    watch: () => show([job.id]),
    compare: () => show(shown[1] === job.id ? [shown[0]] : [shown[0], job.id]),
    again: () => {
      fillForm(job.wish);
      const gone = [];
      for (const name of ['leader', 'song', 'model']) {
        const isThere = [...$(name).options].some(option => option.value === job.wish[name] && !option.disabled);
        if (!isThere) gone.push(name);
        if (isThere || name !== 'model') $(name).value = isThere ? job.wish[name] : '';
      }
      describeSources();
      describeModel();
      $('form-error').textContent = gone.length ? `Not here any more: the ${gone.join(' and the ')} of that dance. Choose anew.` : '';
      form.scrollIntoView({ block: 'nearest' });
      $('seed').focus();
    },
    delete: () => {
      button.onclick ??= sure(button, async () => {
        await send(`/api/jobs/${job.id}`, 'DELETE');
        button.classList.remove('sure');
        if (shown.includes(job.id)) show(shown.filter(id => id !== job.id));
        await loadJobs();
      });
      if (!button.classList.contains('sure')) button.onclick();
    },
  };
  try {
    await acts[button.dataset.act]();
    if (button.dataset.act === 'cancel') await loadJobs();
  } catch (failure) {
    $('form-error').textContent = failure.message;
  }
});

let timer;
async function loadJobs() {
  clearTimeout(timer);
  try {
    jobs = await ask('/api/jobs');
    showJobs();
    const alive = shown.filter(id => jobs.some(job => job.id === id && job.state === 'done'));
    if (alive.length < shown.length) show(alive);
    const waited = jobs.find(job => job.id === awaited && !job.progress);
    if (waited) {
      awaited = '';
      say(waited.state === 'done' ? `${waited.title} is ready` : `${waited.title}: ${waited.error || waited.state}`);
      if (waited.state === 'done') show([waited.id]);
    }
    showAbout();
  } catch { /* said at the top of the page */ }
  const busy = jobs.some(job => job.progress || job.forms?.some(item => item.progress));
  timer = setTimeout(loadJobs, document.hidden ? 10000 : busy ? 600 : 4000);
}
document.addEventListener('visibilitychange', () => { if (!document.hidden) loadJobs(); });

/* -------------------------------------------------------------------------------------------------------------- stage */

function show(ids) {
  shown = ids.filter(id => jobs.some(job => job.id === id && job.state === 'done')).slice(0, 2);
  history.replaceState(null, '', shown.length ? `#${shown.join(',')}` : location.pathname);
  const frames = $('frames'), there = new Map([...frames.querySelectorAll('figure')].map(figure => [figure.dataset.id, figure]));
  const figures = shown.map((id, place) => {
    const job = jobs.find(item => item.id === id), figure = there.get(id) ?? frameOf(job);
    figure.querySelector('figcaption').textContent = `${shown.length > 1 ? 'AB'[place] + ': ' : ''}${job.title}, seed ${job.followers[0].seed}`;
    figure.querySelector('figcaption').hidden = shown.length < 2;
    return figure;
  });
  for (const [id, figure] of there) if (!shown.includes(id)) figure.remove();
  figures.forEach((figure, place) => { if (frames.querySelectorAll('figure')[place] !== figure) frames.append(figure); });
  $('empty').hidden = shown.length > 0;
  $('stage').classList.toggle('watched', shown.length > 0);
  $('stage-title').textContent = shown.length === 1 ? jobs.find(job => job.id === shown[0]).title : shown.length ? 'Comparison' : 'Stage';
  $('together').hidden = $('alone').hidden = shown.length < 2;
  $('together').textContent = 'Play both';
  $('about').key = '';
  showJobs();
  showAbout();
  if (shown.length && innerWidth <= 760) $('stage').scrollIntoView();
}

function frameOf(job) {
  const frame = node('iframe', { title: `${job.title} in 3D`, allow: 'autoplay *; fullscreen *' });
  frame.sandbox.add('allow-scripts');
  frame.src = `/api/jobs/${job.id}/page`;
  return node('figure', { dataset: { id: job.id } }, node('figcaption'), frame);
}

addEventListener('message', event => {
  const frame = [...document.querySelectorAll('#frames iframe')].find(item => item.contentWindow === event.source);
  if (frame && event.data?.ready) frame.dataset.ready = 'yes';
});
$('alone').addEventListener('click', () => show(shown.slice(0, 1)));
$('together').addEventListener('click', event => {
  const play = event.target.textContent === 'Play both';
  [...document.querySelectorAll('#frames iframe')].forEach((frame, place) => {
    frame.contentWindow.postMessage({ act: play ? 'play' : 'pause', muted: place > 0 }, '*');  // one song at a time is enough
  });
  event.target.textContent = play ? 'Pause both' : 'Play both';
});

const FIGURES = [
  ['contact_frequency', 'Contact', 'CF: share of the frames in which the two touch', 1, value => percent(value, 1)],
  ['penetration_rate', 'Penetration', 'PR: share of the surface that is in the other body', -1, value => percent(value, 2)],
  ['beat', 'Beat', 'How near her beats are to his and to the song\'s, 0 to 1', 1, value => value.toFixed(3)],
];

function figureCells(followers) {
  return FIGURES.map(([key, , , sign, words]) => {
    const best = Math.max(...followers.map(item => sign * item[key]));
    return followers.map(item => node('td', { className: followers.length > 1 && sign * item[key] === best ? 'best' : '', textContent: words(item[key]) }));
  });
}

function showAbout() {
  const found = shown.map(id => jobs.find(job => job.id === id)).filter(Boolean), about = $('about'), key = JSON.stringify(found);
  if (about.key === key) return;
  const focus = document.activeElement?.closest('#about') && document.activeElement.dataset.file;
  about.key = key;
  about.replaceChildren(...found.length === 2 ? [compareTable(found)] : found.length === 1 ? [rankTable(found[0]), takeHome(found[0])] : []);
  if (focus) about.querySelector(`[data-file="${focus}"]`)?.focus();
}

const heads = () => FIGURES.map(([, label, title]) => node('th', { scope: 'col', textContent: label, title }));

function rankTable(job) {
  const cells = figureCells(job.followers);
  const rows = job.followers.map((item, place) => node('tr', {},
    node('td', { textContent: job.followers.length > 1 ? `InterDance ${place + 1}` : 'InterDance' }),
    node('td', { textContent: item.seed }), ...cells.map(column => column[place]),
    node('td', {}, ...job.follower_forms.map(form => link(job, form.file, form.file, item.seed)).flatMap(made => [made, ' ']))));
  return node('div', {}, node('h3', { textContent: job.followers.length > 1 ? 'Followers, the best first' : 'Follower' }),
    node('div', { className: 'scroll' }, node('table', {},
      node('thead', {}, node('tr', {}, node('th', { scope: 'col' }), node('th', { scope: 'col', textContent: 'Seed' }), ...heads(), node('th', { scope: 'col', textContent: 'Files' }))),
      node('tbody', {}, ...rows))));
}

function compareTable(pair) {
  const lines = [['Leader', job => job.leader || 'of the model'], ['Song', job => job.song], ['Model', job => job.model], ['Seed', job => job.followers[0].seed],
    ['Hold on', job => job.wish.contact_scale || 'off'], ['Keep apart', job => job.wish.penetration_scale || 'off'], ['Steps', job => job.wish.steps],
    ['Clean-up', job => job.wish.clean ? 'on' : 'off']];
  const row = (label, title, className, ...cells) => node('tr', { className }, node('th', { scope: 'row', textContent: label, title }), ...cells);
  const best = pair.map(job => job.followers[0]), cells = figureCells(best);
  return node('div', { className: 'scroll' }, node('table', { className: 'pair-table' },
    node('thead', {}, node('tr', {}, node('th', { scope: 'col' }), node('th', { scope: 'col', textContent: 'A' }), node('th', { scope: 'col', textContent: 'B' }))),
    node('tbody', {}, ...FIGURES.map(([, label, title], place) => row(label, title, '', ...cells[place])),
      ...lines.map(([label, read]) => row(label, '', read(pair[0]) === read(pair[1]) ? '' : 'differs', ...pair.map(job => node('td', { className: 'told', textContent: read(job) })))))));
}

function link(job, file, label, seed) {
  const address = `/api/jobs/${job.id}/files/${file}${seed === undefined ? '' : `?seed=${seed}`}`;
  return node('a', { href: address, download: '', textContent: label, dataset: { file: `${file}${seed ?? ''}` } });
}

function takeHome(job) {
  const items = job.forms.map(form => {
    if (form.progress) {
      const stop = node('button', { type: 'button', className: 'small', textContent: 'Cancel', dataset: { file: form.file } });
      stop.onclick = () => send(`/api/jobs/${job.id}/files/${form.file}`, 'DELETE').then(loadJobs, () => {});
      return node('span', { className: 'making' }, `${form.label}: ${progressWords(form.progress).toLowerCase()}`, progressBar(form.progress, form.label), stop);
    }
    if (form.bytes !== null) {
      const made = link(job, form.file, form.label);
      made.className = 'button small';
      made.append(node('small', { textContent: size(form.bytes) }));
      return made;
    }
    const make = node('button', { type: 'button', className: 'small', textContent: form.label, dataset: { file: form.file }, title: form.error ?? 'Takes a while to make' },
      node('small', { textContent: form.error ? 'failed: try again' : 'make' }));
    make.onclick = () => send(`/api/jobs/${job.id}/files/${form.file}`).then(loadJobs, failure => { $('form-error').textContent = failure.message; say(failure.message); });
    return make;
  });
  const errors = job.forms.filter(form => form.error).map(form => node('p', { className: 'error', textContent: `${form.label}: ${form.error}` }));
  return node('div', {}, node('h3', { textContent: 'Take home' }), node('div', { className: 'takes' }, ...items), ...errors);
}

/* -------------------------------------------------------------------------------------------------------------- start */

async function start() {
  options = await ask('/api/options');
  $('mapping').append(...options.mappings.map(name => node('option', { value: name, textContent: name })));
  for (const name of ['seed', 'followers', 'steps']) [$(name).min, $(name).max] = options.limits[name];
  $('leader-note').textContent = `BVH, or SMPL-X as .npz, up to ${seconds(options.longest_s)}. Drop a file here, too.`;
  $('keeping').textContent = `The newest ${options.keep} are kept, for ${options.keep_days} days.`;
  fillForm(options.defaults);
  await loadSources();
  await loadJobs();
  const asked = location.hash.slice(1).split(',').filter(Boolean);
  if (asked.length) show(asked);
  await loadModels();
  document.body.dataset.ready = 'yes';
}
start().catch(failure => { $('form-error').textContent = failure.message; });
// A model that is trained, or brought here, while the page is open is found without a reload.
setInterval(() => { if (!document.hidden && (!models.some(model => model.can_be_used) || models.some(model => model.is_coming))) loadModels().catch(() => {}); }, 15000);
