"use strict";
/* One film holds both dances beside each other, so that they cannot fall out of step; each half is drawn into a canvas of its
   own, in the order that the server says. An answer is sent when it is given; pairs are addresses (#pair-7), so that going
   back, reloading and coming back another day all work. */

const byId = (id) => document.getElementById(id);
const film = byId("film");
const canvases = [byId("side-a"), byId("side-b")];
const state = { study: null, me: null, number: 0, first: 0, watched: false, sending: {}, stored: {} };

// ------------------------------------------------------------------------------------------------------------ the server

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

async function ask(method, path, body) {
  for (let attempt = 0; ; attempt += 1) {
    let answer = null;
    try {
      answer = await fetch(path, {
        method,
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      answer = null; // no connection
    }
    if (answer !== null && answer.status < 500) {
      say("");
      const told = await answer.json();
      if (!answer.ok) throw new Error(typeof told.error === "string" ? told.error : "the server did not understand");
      return told;
    }
    say("The connection is lost; trying again. Your earlier answers are stored.");
    await pause(Math.min(8, 1 + attempt));
  }
}

function say(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = text === "";
}

const failed = (error) => say(`This did not work: ${error.message}. Reload the page to go on.`);

// ------------------------------------------------------------------------------------------------------------- the views

function show(view) {
  for (const id of ["intro", "pair", "last", "done"]) byId(id).hidden = id !== view;
  if (view !== "pair") film.pause();
  window.scrollTo(0, 0);
  document.body.dataset.view = view; // for whoever waits for it
}

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

function fillIntro() {
  const { study } = state;
  byId("count").textContent = study.num_trials;
  byId("minutes").textContent = Math.max(1, Math.round((study.num_trials * (study.seconds + 12)) / 60));
  byId("explained").replaceChildren(
    ...study.questions.map((item) => element("li", { textContent: item.text }, element("small", { textContent: item.hint }))),
  );
  byId("experience").replaceChildren(
    ...Object.entries(study.experiences).map(([value, text]) => element("option", { value, textContent: text })),
  );
  byId("experience").value = "unsaid";
  byId("consent").replaceChildren(...study.consent.map((text) => element("p", { textContent: text })));
  byId("consent").hidden = study.consent.length === 0;
}

function fillQuestions() {
  byId("questions").replaceChildren(
    ...state.study.questions.map((item) => {
      const sides = ["A", "B"].map((side) =>
        element(
          "label", {},
          element("input", { type: "radio", name: item.key, value: side, onchange: () => choose(item.key, side) }),
          element("span", { textContent: side }),
        ),
      );
      return element(
        "fieldset", { disabled: true },
        element("legend", { textContent: item.text }),
        element("p", { className: "hint", textContent: item.hint }),
        element("div", { className: "sides" }, ...sides),
      );
    }),
  );
}

// --------------------------------------------------------------------------------------------------------------- a pair

async function route() {
  const { me } = state;
  if (me.code) return finished();
  const named = /^#pair-(\d+)$/.exec(location.hash);
  const most = Math.min(me.answered + 1, me.num_trials);
  if (location.hash === "#last" && me.answered === me.num_trials) return show("last");
  const number = named ? Math.max(1, Math.min(Number(named[1]), most)) : most;
  const address = me.answered === me.num_trials && !named ? "#last" : `#pair-${number}`;
  if (location.hash !== address) {
    history.replaceState(null, "", address);
    if (address === "#last") return show("last");
  }
  await openPair(number);
}

async function openPair(number) {
  film.pause();
  state.number = number;
  const opened = await ask("POST", `/api/pairs/${number}/open`);
  if (state.number !== number) return; // went elsewhere meanwhile
  Object.assign(state, { first: opened.first, stored: { ...opened.answers }, sending: {} });
  state.watched = state.study.questions.every((item) => item.key in opened.answers);
  if (state.watched) state.me.answered = Math.max(state.me.answered, number);
  for (const input of byId("questions").querySelectorAll("input")) input.checked = opened.answers[input.name] === input.value;
  byId("place").textContent = `Pair ${number} of ${state.me.num_trials}`;
  byId("progress").max = state.me.num_trials;
  byId("progress").value = state.me.answered;
  byId("back").disabled = number === 1;
  byId("resume").href = byId("resume").textContent = `${location.origin}/#resume-${state.me.secret}`;
  for (const canvas of canvases) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  byId("played").value = 0;
  film.src = opened.film;
  film.load();
  show("pair");
  update();
  play();
}

function update() {
  const { questions } = state.study;
  const isWhole = questions.every((item) => item.key in state.stored);
  const isSending = Object.values(state.sending).some(Boolean);
  for (const field of byId("questions").querySelectorAll("fieldset")) field.disabled = !state.watched;
  byId("next").disabled = !isWhole || isSending;
  byId("next").textContent = state.number === state.me.num_trials ? "To the end →" : "Next →";
  byId("stored").textContent = isSending ? "storing…" : Object.keys(state.stored).length ? "stored ✓" : "";
  byId("play").hidden = !film.paused || film.ended || film.error !== null;
  byId("pause").textContent = film.paused ? "Play" : "Pause";
  byId("pause").disabled = film.ended;
  const todo = isWhole ? "" : state.watched ? "Now answer the three questions." : "Watch both dances to the end.";
  byId("todo").textContent = film.error ? "The film cannot be played here; reload the page or try another browser." : todo;
}

function choose(question, side) {
  const { number } = state;
  state.sending[question] = (state.sending[question] || 0) + 1;
  update();
  // One after the other, so that of two quick clicks the later one stays.
  state.queue = (state.queue || Promise.resolve())
    .then(() => ask("PUT", `/api/pairs/${number}/answers/${question}`, { side }))
    .then(() => {
      if (state.number !== number) return;
      state.sending[question] -= 1;
      state.stored[question] = side;
      const isWhole = state.study.questions.every((item) => item.key in state.stored);
      if (isWhole) state.me.answered = Math.max(state.me.answered, number);
      byId("progress").value = state.me.answered;
      update();
    })
    .catch(failed);
}

function goOn() {
  if (byId("next").disabled) return;
  location.hash = state.number === state.me.num_trials ? "#last" : `#pair-${state.number + 1}`;
}

// -------------------------------------------------------------------------------------------------------------- the film

function draw() {
  const width = film.videoWidth / 2, height = film.videoHeight;
  if (!width || film.readyState < 2) return;
  canvases.forEach((canvas, place) => {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const half = place === 0 ? state.first : 1 - state.first;
    canvas.getContext("2d").drawImage(film, half * width, 0, width, height, 0, 0, width, height);
  });
  byId("played").value = film.duration ? film.currentTime / film.duration : 0;
}

const eachFrame = film.requestVideoFrameCallback
  ? (work) => film.requestVideoFrameCallback(work)
  : (work) => requestAnimationFrame(work);

function run() {
  draw();
  eachFrame(run);
}

async function play() {
  try {
    await film.play();
  } catch {
    /* a browser that wants a click first: the button is there */
  }
  update();
}

function replay() {
  film.currentTime = 0;
  play();
}

for (const event of ["loadeddata", "seeked"]) film.addEventListener(event, draw);
for (const event of ["play", "pause", "error"]) film.addEventListener(event, update);
film.addEventListener("ended", () => {
  draw();
  byId("played").value = 1;
  state.watched = true;
  update();
});

// ------------------------------------------------------------------------------------------------------- what people do

byId("agree").addEventListener("change", () => { byId("begin").disabled = !byId("agree").checked; });
byId("start").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("begin").disabled = true;
  film.load(); // within the click: phones let the film play with sound from now on
  try {
    state.me = await ask("POST", "/api/start", { experience: byId("experience").value });
    await route();
  } catch (error) {
    failed(error);
  }
});
byId("questions").addEventListener("submit", (event) => event.preventDefault());
byId("play").addEventListener("click", play);
byId("pause").addEventListener("click", () => (film.paused ? play() : film.pause()));
byId("replay").addEventListener("click", replay);
byId("volume").addEventListener("input", () => { film.volume = Number(byId("volume").value); });
byId("next").addEventListener("click", goOn);
byId("back").addEventListener("click", () => { location.hash = `#pair-${Math.max(1, state.number - 1)}`; });
byId("again").addEventListener("click", () => { location.hash = `#pair-${state.me.num_trials}`; });
byId("finish").addEventListener("click", async () => {
  byId("finish").disabled = true;
  try {
    state.me = await ask("POST", "/api/finish");
    finished();
  } catch (error) {
    byId("finish").disabled = false;
    failed(error);
  }
});
byId("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(byId("code").textContent);
  byId("copy").textContent = "Copied";
});

document.addEventListener("keydown", (event) => {
  if (byId("pair").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "enter" && !event.target.closest("button, summary, a")) {
    event.preventDefault();
    goOn();
  } else if (key === " " && !event.target.closest("button, summary, input:not(:checked)")) {
    event.preventDefault();
    if (film.ended) replay();
    else if (film.paused) play();
    else film.pause();
  } else if ((key === "a" || key === "b") && state.watched && !event.repeat) {
    const fields = [...byId("questions").querySelectorAll("fieldset")];
    const field = fields.find((item) => !item.querySelector("input:checked")) || event.target.closest("fieldset");
    const input = field?.querySelector(`input[value=${key.toUpperCase()}]`);
    if (input && !input.checked) input.click();
  }
});

function finished() {
  byId("code").textContent = state.me.code;
  byId("copy").hidden = !navigator.clipboard;
  show("done");
}

/** Whether the address is the link of a participant, who then goes on here. */
async function resume() {
  const resumed = /^#resume-([\w-]+)$/.exec(location.hash);
  if (!resumed) return false;
  history.replaceState(null, "", "/");
  state.me = await ask("POST", "/api/resume", { secret: resumed[1] });
  return true;
}

async function begin() {
  state.study = await ask("GET", "/api/study");
  fillIntro();
  fillQuestions();
  if (!(await resume())) state.me = await ask("GET", "/api/me");
  if (state.me.answered === undefined) show("intro");
  else await route();
}

async function moved() {
  if (!state.me) return; // begin() will see the address
  await resume();
  if (state.me.answered !== undefined) await route();
}

window.addEventListener("hashchange", () => { moved().catch(failed); });
run();
begin().catch(failed);
