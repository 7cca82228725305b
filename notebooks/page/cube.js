"use strict";
// The answers to the questions under a filter, from every play. A row is an array in the order of the answer's columns.
// Names are numbers in the order of SQL (by bytes, unknown last) until a row is finished.

const DAY = 86400;  // seconds
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const isoDay = day => day === null ? null : new Date(day * DAY * 1000).toISOString().slice(0, 10);
const dayOf = iso => Date.parse(iso) / 1000 / DAY;

// To one decimal, a half away from zero, as ROUND does.
const tenths = number => Math.round(Number((number * 10).toPrecision(15))) / 10;

// The ISO week of a Monday: the one that holds its Thursday's.
function isoWeek(monday) {
  const thursday = monday + 3;
  const newYear = Date.UTC(new Date(thursday * DAY * 1000).getUTCFullYear(), 0, 1) / 1000 / DAY;
  return Math.floor((thursday - newYear) / 7) + 1;
}

// Columns of numbers for each play: user, session, second, track, location, level.
function unfold(cube) {
  const {seconds, track, location, level} = cube.plays;
  const user = new Int32Array(seconds.length), session = new Int32Array(seconds.length);
  const second = new Float64Array(seconds.length);
  let place = 0, clock = 0;
  cube.sessions.plays.forEach((plays, number) => {
    for (const last = place + plays; place < last; place++) {
      session[place] = number;
      user[place] = cube.sessions.user[number];
      second[place] = clock += seconds[place];
    }
  });
  return {user, session, second, track, location, level};
}

class Cube {
  constructor(packed) {
    Object.assign(this, packed);
    this.plays = unfold(packed);
    const {user, second, track, location, level} = this.plays;
    const {users, tracks} = this;
    const monday = play => { const day = Math.floor(second[play] / DAY); return day - (day + 3) % 7; };
    // What a play can be grouped by.
    this.keys = {
      song: play => tracks.song[track[play]],
      artist: play => tracks.artist[track[play]],
      location: play => location[play],
      level: play => level[play],
      gender: play => users.gender[user[play]],
      day: play => Math.floor(second[play] / DAY),
      hour: play => Math.floor(second[play] % DAY / 3600),
      weekday: play => (Math.floor(second[play] / DAY) + 4) % 7,
      week_start: monday,
    };
    // What follows from a group's keys.
    this.derived = {day_name: group => DAYS[group.weekday], week: group => isoWeek(group.week_start)};
    // What plays have different ones of.
    this.distinct = {
      listeners: play => user[play], active_users: play => user[play], days: this.keys.day, songs: this.keys.song,
    };
    this.period = [Infinity, -Infinity];
    for (const value of second) {
      const day = Math.floor(value / DAY);
      this.period = [Math.min(this.period[0], day), Math.max(this.period[1], day)];
    }
  }

  // The plays and users of a filter: {first, last (days since 1970), level, gender (names, "" for all)}.
  select({first, last, level, gender}) {
    const {plays, users, names} = this;
    const [levels, genders] = [names.level.indexOf(level), names.gender.indexOf(gender)];
    const chosen = [];
    for (let play = 0; play < plays.second.length; play++) {
      const day = Math.floor(plays.second[play] / DAY);
      if (day >= first && day <= last && (!level || plays.level[play] === levels)
        && (!gender || users.gender[plays.user[play]] === genders)) chosen.push(play);
    }
    const members = [];
    users.gender.forEach((value, user) => { if (!gender || value === genders) members.push(user); });
    return {plays: chosen, users: members};
  }

  totals(selected) {
    const {user, session, second} = this.plays;
    const different = of => selected.plays.reduce((found, play) => found.add(of[play]), new Set()).size;
    return {
      plays: selected.plays.length, active_users: different(user), users: selected.users.length,
      sessions: different(session), days: new Set(selected.plays.map(play => Math.floor(second[play] / DAY))).size,
    };
  }

  // The rows of a question that has a rollup.
  rows(question, selected) {
    const {rollup} = question;
    const groups = rollup.of === "plays" ? this.groupPlays(question, selected)
      : rollup.of === "users" ? this.groupUsers(question, selected) : this.groupSessions(question, selected);
    groups.sort((one, other) => {
      for (const name of rollup.order) {
        const column = name.replace("-", "");
        const difference = one[column] - other[column];
        if (difference) return name === column ? difference : -difference;
      }
      return 0;
    });
    const places = new Map();
    const kept = groups.filter(group => {
      const list = rollup.per ? group[rollup.per] : 0;
      places.set(list, group.place = (places.get(list) ?? 0) + 1);
      return !rollup.limit || group.place <= rollup.limit;
    });
    return kept.map(group => question.columns.map(column => this.finished(question, column, group)));
  }

  finished(question, column, group) {
    const value = group[column];
    if (column === "plays_range") return question.categories[value];
    if (column === "day" || column === "week_start") return isoDay(value);
    return column in this.names ? value < 0 ? question.rollup.total : this.names[column][value] : value;
  }

  groupPlays({columns}, selected) {
    const by = columns.filter(column => column in this.keys);
    const counted = columns.filter(column => column in this.distinct);
    if (columns.includes("plays_per_day") && !counted.includes("days")) counted.push("days");
    const [keys, distinct] = [by.map(column => this.keys[column]), counted.map(column => this.distinct[column])];
    // One number for all keys of a play, which a Map finds faster than a text.
    const sizes = by.map(column => this.names[column]?.length ?? 2 ** 16);  // days since 1970 and hours are fewer
    const exact = sizes.reduce((product, size) => product * size, 1) < 2 ** 53;
    const groups = new Map();
    for (const play of selected.plays) {
      let key = 0;
      if (exact) keys.forEach((of, place) => { key = key * sizes[place] + of(play); });
      else key = keys.map(of => of(play)).join();
      let group = groups.get(key);
      if (!group) {
        group = {plays: 0, sets: counted.map(() => new Set())};
        by.forEach((column, place) => { group[column] = keys[place](play); });
        groups.set(key, group);
      }
      group.plays++;
      for (let place = 0; place < distinct.length; place++) group.sets[place].add(distinct[place](play));
    }
    const unknown = this.names.song.at(-1) === null ? this.names.song.length - 1 : -1;
    for (const group of groups.values()) {
      group.sets.forEach((set, place) => {
        group[counted[place]] = set.size - (counted[place] === "songs" && set.has(unknown));  // NULL is not counted
      });
      if (group.days) group.plays_per_day = tenths(group.plays / group.days);
      for (const column of columns) if (column in this.derived) group[column] = this.derived[column](group);
    }
    return [...groups.values()];
  }

  // Users who played nothing count, too.
  groupUsers({columns, bounds, rollup}, selected) {
    const {user, track} = this.plays;
    const played = new Map(selected.users.map(member => [member, {plays: 0, songs: new Set()}]));
    for (const play of selected.plays) {
      const own = played.get(user[play]);
      own.plays++;
      own.songs.add(this.keys.song(play) * this.names.artist.length + this.tracks.artist[track[play]]);
    }
    const groups = new Map();
    const add = (column, value, own) => {
      const group = groups.get(value) ?? {[column]: value, users: 0, plays: 0, songs: 0};
      groups.set(value, group);
      group.users++;
      group.plays += own.plays;
      group.songs += own.songs.size;
    };
    for (const [member, own] of played) {
      if (rollup.total) add("level", -1, own);
      if (columns.includes("level")) add("level", this.users.level[member], own);
      else add("plays_range", rangeOf(own.plays, bounds), own);
    }
    for (const group of groups.values()) {
      group.plays_per_user = tenths(group.plays / group.users);
      group.songs_per_user = tenths(group.songs / group.users);
    }
    return [...groups.values()];
  }

  // From the start of a session's first play to the end of its last.
  groupSessions({bounds}, selected) {
    const {session, second, track} = this.plays;
    const groups = new Map();
    const {plays} = selected;
    for (let first = 0; first < plays.length;) {
      let next = first + 1;
      while (next < plays.length && session[plays[next]] === session[plays[first]]) next++;
      const last = plays[next - 1];
      const minutes = (second[last] - second[plays[first]] + (this.tracks.length[track[last]] ?? 0)) / 60;
      const range = rangeOf(next - first, bounds);
      const group = groups.get(range) ?? {plays_range: range, sessions: 0, plays: 0, minutes: 0, longest: 0};
      groups.set(range, group);
      group.sessions++;
      group.plays += next - first;
      group.minutes += minutes;
      group.longest = Math.max(group.longest, minutes);
      first = next;
    }
    for (const group of groups.values()) {
      group.average_minutes = tenths(group.minutes / group.sessions);
      group.longest_minutes = tenths(group.longest);
    }
    return [...groups.values()];
  }
}

// The place of the last range that begins at or below a number.
const rangeOf = (number, bounds) => bounds.findLastIndex(bound => bound <= number);
