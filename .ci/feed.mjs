// The feed as a calendar program reads it (ical.js, Node's own time zones) against the plans as the API shows them; and
// the address book as a phone reads it, against the contacts.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const ICAL = createRequire(`${process.env.ICAL_HOME}/`)("ical.js");
const base = process.env.BASE_URL;
let token = "";

async function api(method, path, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

async function read(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  const calendar = new ICAL.Component(ICAL.parse(await answer.text()));
  assert.equal(calendar.getFirstPropertyValue("refresh-interval").toSeconds(), 3600);
  assert.equal(calendar.getFirstPropertyValue("x-published-ttl"), "PT1H");
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(zone.getFirstPropertyValue("tzid"), new ICAL.Timezone(zone));
  }
  const events = calendar.getAllSubcomponents("vevent").map((event) => new ICAL.Event(event));
  return { tag: answer.headers.get("ETag"), events: new Map(events.map((event) => [event.uid, event])) };
}

const uid = (plan) => `call-plan-${plan.id}@kam-crm`;

function local(instant, zone) {
  const options = { timeZone: zone, dateStyle: "short", timeStyle: "medium", hourCycle: "h23" };
  return new Intl.DateTimeFormat("sv-SE", options).format(new Date(instant)); // as 2026-01-19 09:00:00
}

function isTwice(instant, zone) {
  const shown = local(instant, zone);
  return [30, 60].some((minutes) =>
    [-1, 1].some((sign) => local(Date.parse(instant) + sign * minutes * 60_000, zone) === shown),
  );
}

function compare(plan, lead, event, zone) {
  const [day, time] = local(plan.next_call_date, zone).split(" ");
  const [dayBefore] = local(Date.parse(plan.next_call_date) - 1, zone).split(" ");
  assert.equal(event.summary, `Call ${lead.name}`);
  assert.equal(event.startDate.isDate, dayBefore < day); // not every day begins at 00:00
  if (event.startDate.isDate) {
    assert.equal(event.startDate.toString(), day);
  } else {
    assert.equal(event.startDate.toUnixTime(), Math.floor(Date.parse(plan.next_call_date) / 1000));
    if (event.startDate.zone.tzid === "UTC") assert.ok(zone === "UTC" || isTwice(plan.next_call_date, zone));
    else assert.equal(event.startDate.toString(), `${day}T${time}`);
    assert.equal(event.duration.toSeconds(), 15 * 60);
  }
  assert.equal(event.component.getAllSubcomponents("valarm").length, 1);
  const link = event.component.getFirstPropertyValue("url");
  assert.match(link, /^tel:\+?\d+$/);
  const digits = event.description.split("\n").map((line) => line.replace(/\D/g, ""));
  assert.ok(digits.includes(link.replace(/\D/g, "")), event.description);
}

token = (await api("POST", "/api/token/", { username: "demo", password: "demo" })).access;
const me = await api("GET", "/api/me/");
const leads = new Map((await api("GET", "/lead/restaurants/")).map((lead) => [lead.id, lead]));
const isMine = (plan) => leads.get(plan.lead).assigned_to === me.id && leads.get(plan.lead).lead_status !== "LOST";
const plans = async () => (await api("GET", "/call/")).filter(isMine);
const { url } = await api("POST", "/call/feed/");

let compared = 0;
const zones = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "Atlantic/Azores"];
for (const zone of zones) {
  await api("PATCH", "/call/me/", { time_zone: zone });
  const [first] = await plans();
  for (const until of ["2027-03-14T07:30:00Z", "2027-11-07T05:30:00Z", "2027-04-03T15:00:00Z", "2027-03-28T01:00:00Z"]) {
    await api("POST", `/call/${first.id}/snooze/`, { until }); // around changes of the clocks
    const { events } = await read(url);
    const wanted = await plans();
    assert.deepEqual([...events.keys()].sort(), wanted.map(uid).sort());
    for (const plan of wanted) compare(plan, leads.get(plan.lead), events.get(uid(plan)), zone);
    compared += wanted.length;
  }
}
assert.ok(compared >= 50, `${compared} events are too few to tell`);

const [plan] = await plans();
const before = await read(url);
assert.equal((await fetch(url, { headers: { "If-None-Match": before.tag } })).status, 304);
await api("POST", `/call/${plan.id}/skip/`);
const after = await read(url);
assert.ok(after.events.get(uid(plan)).sequence > before.events.get(uid(plan)).sequence);
await api("POST", `/call/${plan.id}/pause/`);
assert.ok(!(await read(url)).events.has(uid(plan)));
await api("DELETE", "/call/feed/");
assert.equal((await fetch(url)).status, 404);

const name = 'Zoë “Chef” Größe; the, long\\name 🍜\nof two lines, folded more than once in UTF-8';
const mine = [...leads.values()].find((lead) => lead.assigned_to === me.id);
await api("POST", "/contact/contacts/", { restaurant: mine.id, name, phone: "+91 98765 43210 x4", role: "Chef, Owner" });
const book = (await api("POST", "/contact/cards/")).url;
const people = (await api("GET", "/contact/contacts/")).filter((each) => leads.get(each.restaurant).assigned_to === me.id);
const dial = { "4.0": "tel:+919876543210;ext=4", "3.0": "+919876543210 ext. 4" };
for (const version of ["4.0", "3.0"]) {
  const answer = await fetch(`${book}?version=${version}`);
  assert.match(answer.headers.get("Content-Type"), /^text\/vcard/);
  const cards = ICAL.parse(await answer.text()).map((card) => new ICAL.Component(card));
  assert.equal(cards.length, people.length);
  cards.forEach((card, place) => {
    const person = people[place];
    assert.equal(card.getFirstPropertyValue("version"), version);
    assert.equal(card.getFirstPropertyValue("uid"), `contact-${person.id}@kam-crm`);
    assert.equal(card.getFirstPropertyValue("n")[1], person.name);
    assert.equal(card.getFirstPropertyValue("org"), leads.get(person.restaurant).name);
    assert.equal(card.getFirstPropertyValue("title") ?? "", person.role);
    assert.equal(card.getFirstPropertyValue("email") ?? "", person.email);
    if (version === "4.0") assert.equal(card.getFirstPropertyValue("fn"), person.name); // of 3.0 it leaves a "\\;" as it is
    if (person.name === name) assert.equal(card.getFirstPropertyValue("tel"), dial[version]);
  });
}
assert.equal((await fetch(book, { headers: { "If-None-Match": (await fetch(book)).headers.get("ETag") } })).status, 304);
console.log(`${people.length} cards of each version read by ical.js agree with the API.`);
console.log(`${compared} events read by ical.js ${process.env.ICAL_HOME.split("-").pop()} agree with the API.`);
