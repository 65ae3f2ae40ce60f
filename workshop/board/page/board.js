"use strict";
// Texts of others enter the page as text alone: textContent, never markup.
const the = (id) => document.getElementById(id);
let source = null;
let stuckBefore = null;

function make(name, text = "", kind = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

// A name of another script, or a message, does not change the order of what is around it.
function aside(text, name = "bdi") {
  return make(name, text);
}

function minutes(count) {
  return `${count} min`;
}

function describe(cell) {
  const helped = [];
  if (cell.hints) helped.push(cell.hints === 1 ? "1 hint" : `${cell.hints} hints`);
  if (cell.solution) helped.push("solution");
  const help = helped.length ? `, ${helped.join(", ")}` : "";
  if (cell.state === "done") return `✓ done, ${minutes(cell.minutes)}${help}`;
  if (cell.stuck >= 0) return `! stuck, ${minutes(cell.stuck)}${help}`;
  if (cell.state === "working") return `… ${minutes(cell.minutes)}${help}`;
  return cell.state === "left" ? `left${help}` : "not begun";
}

function showExercise(exercise, count, instructor) {
  let item = the(`exercise-${exercise.number}`);
  if (!item) {
    item = make("li");
    item.id = `exercise-${exercise.number}`;
    const button = make("button", "Release solution");
    button.setAttribute("aria-label", `Release the solution of exercise ${exercise.number}`);
    button.addEventListener("click", () => ask(exercise));
    item.append(make("p", "", "title"), make("p", "", "quiet"), make("progress"), make("p", "", "released"), button);
    the("exercises").append(item);
  }
  const [title, done, progress, released, button] = item.children;
  title.textContent = `${exercise.number}. ${exercise.title}`;
  done.textContent = `${exercise.done} of ${count} done`;
  progress.max = Math.max(count, 1);
  progress.value = exercise.done;
  progress.setAttribute("aria-label", `Exercise ${exercise.number}: done`);
  released.textContent = exercise.released ? "The solution is released." : "";
  // It stays where the keyboard is until its work is seen.
  if (document.activeElement === button && exercise.released) the("exercises-heading").focus();
  button.hidden = !instructor || exercise.released;
}

function showHelp(participants, exercises) {
  const stuck = [];
  for (const participant of participants) {
    participant.cells.forEach((cell, index) => {
      if (cell.stuck >= 0) stuck.push({ participant, cell, exercise: exercises[index] });
    });
  }
  const items = stuck.map(({ participant, cell, exercise }) => {
    const item = make("li");
    const name = make("strong");
    name.append(aside(participant.name));
    const help = cell.hints ? `, ${cell.hints === 1 ? "1 hint" : `${cell.hints} hints`}` : ", no hint";
    const first = make("p");
    first.append(name, ` exercise ${exercise.number}, stuck for ${minutes(cell.stuck)}${help}`);
    item.append(first);
    if (cell.said) item.append(aside(cell.said, "p"));
    return item;
  });
  replace(the("help"), items);
  the("nobody").hidden = stuck.length > 0;
  const now = new Map(stuck.map(({ participant }) => [participant.id, participant.name]));
  if (stuckBefore) {
    const fresh = [...now].filter(([id]) => !stuckBefore.has(id)).map(([, name]) => name);
    if (fresh.length) the("news").textContent = `Needs help: ${fresh.join(", ")}`;
  }
  stuckBefore = now;
}

// What is as it was stays, so that nobody who reads or selects it loses their place.
function replace(parent, children) {
  children.forEach((child, index) => {
    const old = parent.children[index];
    if (!old) parent.append(child);
    else if (!old.isEqualNode(child)) old.replaceWith(child);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

function showTable(participants, exercises) {
  const head = [make("th", "Name"), ...exercises.map((each) => make("th", `${each.number}. ${each.title}`))];
  head.forEach((cell) => { cell.scope = "col"; });
  const rows = participants.map((participant) => {
    const row = make("tr");
    const name = make("th");
    name.scope = "row";
    name.append(aside(participant.name));
    row.append(name, ...participant.cells.map((cell) => make("td", describe(cell), cell.stuck >= 0 ? "stuck" : cell.state)));
    return row;
  });
  replace(the("head"), head);
  replace(the("rows"), rows);
}

function show(board) {
  the("enter").hidden = true;
  the("board").hidden = false;
  the("status").textContent = board.instructor ? "Live. You are the instructor." : "Live.";
  board.exercises.forEach((each) => showExercise(each, board.participants.length, board.instructor));
  showHelp(board.participants, board.exercises);
  showTable(board.participants, board.exercises);
}

function listen() {
  if (source) source.close();
  source = new EventSource("events");
  source.onmessage = (message) => show(JSON.parse(message.data));
  source.onerror = async () => {
    the("status").textContent = "No connection: what is shown is old. Trying again ...";
    // A refusal ends it for good; a server that is away does not, but some browsers give up, too.
    if (source.readyState !== EventSource.CLOSED) return;
    const answer = await fetch("events", { signal: AbortSignal.timeout(2000) }).catch(() => null);
    if (answer && answer.status === 401) wantToken();
    else setTimeout(listen, 2000);
    if (answer && answer.body) answer.body.cancel();
  };
}

function wantToken(problem = "") {
  the("status").textContent = "";
  the("board").hidden = true;
  the("enter").hidden = false;
  the("refusal").textContent = problem;
  the("token").focus();
}

function send(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function enter(token) {
  const answer = await send("enter", { token }).catch(() => null);
  if (answer && answer.ok) listen();
  else wantToken(answer ? "That is not the token of this room." : "The board does not answer.");
}

function ask(exercise) {
  the("question").textContent = `Release the solution of exercise ${exercise.number}, ${exercise.title}, to the whole room?`;
  the("yes").onclick = async () => {
    the("confirm").close();
    const answer = await send(`release/${exercise.number}`, {}).catch(() => null);
    if (!answer || !answer.ok) the("status").textContent = "It was not released: try again.";
  };
  the("confirm").showModal();
}

the("no").addEventListener("click", () => the("confirm").close());
the("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(the("token").value);
});
// The token in the address is used once, and does not stay in sight.
const token = decodeURIComponent(location.hash.slice(1));
if (token && token !== "help") {
  history.replaceState(null, "", location.pathname);
  enter(token);
} else {
  listen();
}
