/* Asking the built index in the browser: from a typed question to answers and the second to jump to.
 *
 * The twin of streamhub/archive/search/: query.py (ranking), concepts.py (reading a query), spelling.py and codec.py
 * (file form); tests hold them equal.
 * Knows nothing of pages: it reads through a function from path (relative to the root of the site) to bytes.
 */

import { INFINITIVE_WEIGHT, PARTICLE, createAnalyzer, spellUmlautsPlainly, splitWords } from "./analysis.js";

const FORMAT_VERSION = 2;
const IMPACT_BITS = 4;
const MAX_IMPACT = 15;
const MAX_QUERY_WORDS = 64;
const MAX_CONCEPTS = 16;
const MAX_PREFIX_TERMS = 64;
const MAX_PREFIX_SHARDS = 4;
const FEW_TABLES = 6;
const MIN_PREFIX_LENGTH = 3;
const MIN_INSIDE_LENGTH = 4;
const FEW_ANSWERS = 3;
const HALF_WEIGHT = 0.8;
const SYNONYM_WEIGHT = 0.8;
const RECENCY_WEIGHT = 0.05;
const CHECKED_FOR_PHRASES = 50;
const MAX_DOCUMENTS = 2 ** 24; // 16 concepts of rarity 17 at most are 2 ** 28.1 millionths: both fit into the 53 bits of a number
const QUOTES = '"“”„«»';
const QUOTED = /["“”„«»]([^"“”„«»]+)["“”„«»]/gu;
const MAX_CORRECTIONS = 3;
const CORRECTION_WEIGHT = 0.7;
const MIN_SPLIT_PART = 4;
const SLIP_LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const MAX_ENDING = 6;
const MIN_LENGTH_FOR_ONE_SLIP = 4;
const MIN_LENGTH_FOR_TWO_SLIPS = 8;
const MAX_COMPOUND_LENGTH = 60;
const LINKS = ["", "s", "es", "n", "en", "er", "e", "ns"];
const ENDINGS = {
  de: ["ung", "ungen", "en", "ern", "keit", "igkeit", "lich"],
  en: ["ing", "ings", "ed", "ation", "ations", "ment", "ness"],
};
const MIN_COMPLETED_LENGTH = 4;
const LOANED = /^([a-z]{2,}[aiouy])(s?)$/;
const DOING = /^([a-z]{3,})end(?:e[mnrs]?)?$/;
const PARTED_VERB = /^[a-z]{2,}[etn]$/;
const END_OF_CLAUSE = /^\s*(?:[.,;:!?…()–]|$)/;
const MOST_VERBS = 2;
const NUMBERED = /^([a-z]+)([0-9][0-9a-z]*)$/;
const MAX_LETTERS_BEFORE_NUMBER = 2;
const LETTERS = /^\p{L}+$/u;

const NO_TERMS = new Map();

const compare = (left, right) => (left < right ? -1 : left > right ? 1 : 0);
const utf8 = new TextDecoder();
const inUtf8 = new TextEncoder();

/** Unzip what the index packed; data that a server has unpacked already passes. */
async function unpack(data) {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  for (const done of [writer.write(data), writer.close()]) done.catch(() => {}); // who reads is told what is wrong
  return new Uint8Array(await new Response(readable).arrayBuffer());
}

/** Numbers of seven bits a byte, low ones first, one after the other. */
class Cursor {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  get isAtEnd() {
    return this.at >= this.data.length;
  }

  number() {
    let number = 0;
    let factor = 1;
    for (;;) {
      const byte = this.data[this.at++];
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
      factor *= 128;
    }
  }
}

/** The text of a few bytes; plain letters, nearly all terms, without the cost of a decoder's call. */
function decodeText(bytes) {
  return bytes.every((byte) => byte < 0x80) ? String.fromCharCode.apply(null, bytes) : utf8.decode(bytes);
}

/** The entries of a table of terms that begin so, in order: [{term, count, postings}].
 *
 * Of thousands of terms a query wants a few, so only these become text.
 */
function decodeTable(data, { start = "", withPostings = true } = {}) {
  const entries = [];
  const cursor = new Cursor(data);
  const wanted = inUtf8.encode(start);
  let buffer = new Uint8Array(256);
  let same = 0; // bytes that the last term has in common with what is wanted
  while (!cursor.isAtEnd) {
    const shared = cursor.number();
    const end = shared + cursor.number();
    if (end > buffer.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(buffer);
      buffer = larger;
    }
    for (let at = shared; at < end; at++) buffer[at] = data[cursor.at++];
    const count = cursor.number();
    const size = withPostings ? cursor.number() : 0;
    if (shared <= same) {
      same = shared;
      while (same < end && same < wanted.length && buffer[same] === wanted[same]) same++;
    }
    if (same === wanted.length) {
      const term = decodeText(buffer.subarray(0, end));
      entries.push({ term, count, postings: data.subarray(cursor.at, cursor.at + size) });
    } else if (entries.length) {
      break; // those that begin so stand together
    }
    cursor.at += size;
  }
  return entries;
}

/** The answers of an entry, rising, and how much of the term each has: two arrays of numbers, one place an answer. */
function decodePostings({ count, postings }) {
  const ordinals = new Uint32Array(count);
  const impacts = new Uint8Array(count);
  const cursor = new Cursor(postings);
  let ordinal = 0;
  for (let at = 0; at < count; at++) {
    const number = cursor.number();
    ordinal += Math.floor(number / (1 << IMPACT_BITS));
    ordinals[at] = ordinal;
    impacts[at] = number & MAX_IMPACT;
  }
  return { ordinals, impacts };
}

/** Damerau distance (optimal string alignment), or limit + 1. */
export function measureDistance(left, right, limit) {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let before = [];
  let last = Array.from({ length: right.length + 1 }, (_, j) => j);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const isSame = left[i - 1] === right[j - 1];
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        cost = Math.min(cost, before[j - 2] + 1);
      }
      row.push(cost);
    }
    if (Math.min(...row) > limit) return limit + 1;
    [before, last] = [last, row];
  }
  return Math.min(last[right.length], limit + 1);
}

/** How many letters are used by one word and not by the other. */
function countForeignLetters(letters, term) {
  const own = new Set(term);
  let common = 0;
  for (const letter of own) if (letters.has(letter)) common++;
  return letters.size + own.size - 2 * common;
}

/** All that a word may have been meant as if there is one slip among its last letters, in a fixed order. */
function varyEnding(word) {
  const found = [];
  for (let at = Math.max(MIN_LENGTH_FOR_ONE_SLIP, word.length - MAX_ENDING); at <= word.length; at++) {
    const [head, tail] = [word.slice(0, at), word.slice(at)];
    if (tail.length > 1) found.push(head + tail[1] + tail[0] + tail.slice(2));
    if (tail) found.push(head + tail.slice(1), ...SLIP_LETTERS.map((letter) => head + letter + tail.slice(1)));
    found.push(...SLIP_LETTERS.map((letter) => head + letter + tail));
  }
  return found;
}

const sortLetters = (word) => [...word].sort().join("");

/** The likeliest words of the vocabulary (Map of term to count) for one that is not in it, best first, at most three.
 *
 * A vocabulary of stems knows no endings, so a slip in one is undone before stemming.
 */
export function findCorrections(typed, vocabulary, stem = (word) => word, slips = 2) {
  const word = stem(typed);
  if (word.length < MIN_LENGTH_FOR_ONE_SLIP || !LETTERS.test(word)) return [];
  const limit = Math.min(slips, word.length >= MIN_LENGTH_FOR_TWO_SLIPS ? 2 : 1);
  const letters = new Set(word);
  const sorted = sortLetters(word);
  const found = [];
  for (const [term, count] of vocabulary) {
    if (Math.abs(term.length - word.length) > limit || countForeignLetters(letters, term) > 2 * limit) continue;
    const distance = measureDistance(word, term, limit);
    if (distance > limit) continue;
    const isOther = sortLetters(term) === sorted ? 0 : 1;
    found.push({ term, key: [distance, isOther, term[0] === word[0] ? 0 : 1, -count] });
  }
  const sortedTyped = sortLetters(typed);
  for (const meant of varyEnding(typed)) {
    const term = stem(meant);
    if (!vocabulary.has(term)) continue;
    found.push({ term, key: [1, sortLetters(meant) === sortedTyped ? 0 : 1, 0, -vocabulary.get(term)] });
  }
  found.sort((a, b) => {
    const at = a.key.findIndex((value, n) => value !== b.key[n]);
    return at < 0 ? compare(a.term, b.term) : a.key[at] - b.key[at];
  });
  const best = found.filter(({ key }) => key[0] === found[0].key[0]).map(({ term }) => term);
  return [...new Set(best)].slice(0, MAX_CORRECTIONS);
}

/** Split a word that nobody used into the stems of two that somebody did; or []. */
export function splitByVocabulary(word, vocabulary, stem, links) {
  if (word.length > MAX_COMPOUND_LENGTH) return [];
  let best = null;
  for (let at = MIN_SPLIT_PART; at <= word.length - MIN_SPLIT_PART; at++) {
    const last = stem(word.slice(at));
    if (!vocabulary.has(last)) continue;
    const head = word.slice(0, at);
    for (const link of links) {
      const first = head.endsWith(link) ? head.slice(0, at - link.length) : "";
      if (first.length < MIN_SPLIT_PART || !vocabulary.has(stem(first))) continue;
      const rank = Math.min(first.length, word.length - at);
      if (!best || rank >= best.rank) best = { rank, halves: [stem(first), last] };
      break;
    }
  }
  return best ? best.halves : [];
}

/** One language of a built index; fetches what it needs when it needs it and keeps it. */
export class SearchIndex {
  #read;
  #folder;
  #shards = new Map();
  #postings = new Map();
  #tables = new Map();
  #fragments = new Map();
  #vocabulary = null;
  #facets = new Map();

  /** Open the index of a language. @param read async path => Uint8Array @param folder of the index: search, or speech */
  static async open(read, language, folder = "search") {
    const path = `${folder}/${language}/m.json`;
    const [bytes, analyzer] = await Promise.all([read(path), createAnalyzer(language)]);
    const manifest = JSON.parse(utf8.decode(bytes));
    if (manifest.version !== FORMAT_VERSION) {
      throw new Error(`${path}: index version ${manifest.version}, this script reads ${FORMAT_VERSION}`);
    }
    return new SearchIndex(read, manifest, analyzer, folder);
  }

  constructor(read, manifest, analyzer, folder) {
    this.#read = read;
    this.#folder = folder;
    this.manifest = manifest;
    this.analyzer = analyzer;
    this.language = manifest.language;
    this.stopWords = new Set(manifest.stop_words.split(" "));
    this.synonyms = new Map(Object.entries(manifest.synonyms));
  }

  /** The postings of a term, {ordinals, impacts}; empty if no answer has it. */
  findPostings(term) {
    return this.#keep(this.#postings, term, async () => {
      const at = this.#countFirstTermsUpTo(term) - 1;
      const entries = at >= 0 ? decodeTable(await this.#loadShard(at), { start: term }) : [];
      return decodePostings(entries[0]?.term === term ? entries[0] : { count: 0 });
    });
  }

  /** Begin to fetch what a query will need, before anybody waits for it: the shards of terms, and tables if they are few. */
  prefetch(terms) {
    const { shards, tables } = this.manifest;
    const places = new Set([...terms].map((term) => this.#countFirstTermsUpTo(term) - 1).filter((at) => at >= 0));
    const coming = [...places].filter((at) => at < shards.length).map((at) => this.#loadShard(at));
    if (tables.length <= FEW_TABLES) coming.push(...tables.map((_, at) => this.#loadTable(at)));
    for (const one of coming) one.catch(() => {}); // whoever needs it asks again and says what is wrong
  }

  /** Terms that begin so and are longer, the common ones first, at most 64. */
  async findPrefixTerms(prefix) {
    const start = Math.max(0, this.#countFirstTermsUpTo(prefix) - 1);
    const end = Math.min(this.#countFirstTermsUpTo(`${prefix}\uffff`), start + MAX_PREFIX_SHARDS);
    const places = Array.from({ length: Math.max(0, end - start) }, (_, n) => start + n);
    const shards = await Promise.all(places.map((at) => this.#loadShard(at)));
    const entries = shards
      .flatMap((shard) => decodeTable(shard, { start: prefix }))
      .filter(({ term }) => term !== prefix);
    entries.sort((a, b) => b.count - a.count || compare(a.term, b.term));
    const common = entries.slice(0, MAX_PREFIX_TERMS);
    for (const entry of common) this.#keep(this.#postings, entry.term, async () => decodePostings(entry));
    return common.map(({ term }) => term);
  }

  /** All terms of letters, Map of term to the number of answers that have them. */
  loadVocabulary() {
    this.#vocabulary ??= this.#load(this.manifest.vocabulary).then((data) => {
      const entries = decodeTable(data, { withPostings: false });
      return new Map(entries.map(({ term, count }) => [term, count]));
    });
    this.#vocabulary.catch(() => (this.#vocabulary = null));
    return this.#vocabulary;
  }

  /** The values of a facet, Map of title as shown to the Set of ordinals that have it. */
  loadFacet(facet) {
    return this.#keep(this.#facets, facet, async () => {
      const name = this.manifest.facets[facet];
      const entries = name ? decodeTable(await this.#load(name)) : [];
      return new Map(entries.map((entry) => [entry.term, new Set(decodePostings(entry).ordinals)]));
    });
  }

  /** The ordinals that have all chosen values, {facet: title}; null when nothing is chosen. */
  async findAllowed(chosen) {
    const sets = await Promise.all(
      Object.entries(chosen).map(async ([facet, title]) => (await this.loadFacet(facet)).get(title) ?? new Set()),
    );
    if (!sets.length) return null;
    return new Set([...sets[0]].filter((ordinal) => sets.every((set) => set.has(ordinal))));
  }

  /** The public JSON of the answer with this ordinal. */
  async loadFragment(ordinal) {
    const perTable = this.manifest.documents_per_table;
    const ids = await this.#loadTable(Math.floor(ordinal / perTable));
    return this.#keep(this.#fragments, ids[ordinal % perTable], async (id) =>
      JSON.parse(utf8.decode(await this.#read(`${this.manifest.fragments}${id}.json`))),
    );
  }

  #countFirstTermsUpTo(term) {
    const { shards } = this.manifest;
    let low = 0;
    let high = shards.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shards[middle][0] <= term) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #loadTable(at) {
    return this.#keep(this.#tables, at, async () =>
      utf8.decode(await this.#load(this.manifest.tables[at])).split("\n"),
    );
  }

  #loadShard(at) {
    return this.#keep(this.#shards, at, () => this.#load(this.manifest.shards[at][1]));
  }

  async #load(name) {
    return unpack(await this.#read(`${this.#folder}/${this.language}/${name}`));
  }

  #keep(memory, key, make) {
    if (!memory.has(key)) {
      const made = make(key);
      memory.set(key, made);
      made.catch(() => memory.delete(key)); // a failed fetch may be tried again
    }
    return memory.get(key);
  }
}

/** The concepts of a query before any look at the index; stop words only when there is nothing else. */
export function planConcepts(analyzer, query, stopWords, synonyms = new Map()) {
  const pieces = splitWords(query)
    .flatMap((word) => word.pieces.map((piece) => ({ piece, word })))
    .slice(0, MAX_QUERY_WORDS)
    .map((entry, at) => ({ ...entry, at }));
  let meaning = pieces.filter(({ piece }) => !stopWords.has(piece));
  if (!meaning.length) meaning = pieces;
  const isQuoted = query.trimEnd() !== "" && QUOTES.includes(query.trimEnd().at(-1));
  const parted = analyzer.language === "de" ? findParted(query, pieces, meaning) : new Map();
  const planned = meaning.map(({ piece, word, at }, n) => {
    const terms = analyzer.pieceTerms(piece);
    for (const [other, weight] of otherForms(analyzer.language, piece)) {
      if (!terms.has(analyzer.stem(other))) terms.set(analyzer.stem(other), weight);
    }
    for (const [term, weight] of parted.has(at) ? analyzer.pieceTerms(parted.get(at)) : []) {
      if (!terms.has(term)) terms.set(term, weight);
    }
    const offer = (joined) => {
      const term = analyzer.stem(joined);
      if (!terms.has(term)) terms.set(term, 1);
    };
    if (word.pieces.length > 1) offer(word.pieces.join(""));
    for (const [neighbour, isBefore] of [[meaning[n - 1], true], [meaning[n + 1], false]]) {
      if (!neighbour || Math.abs(neighbour.at - at) !== 1) continue;
      if (Math.min(neighbour.piece.length, piece.length) < MIN_PREFIX_LENGTH) continue;
      offer(isBefore ? neighbour.piece + piece : piece + neighbour.piece);
    }
    const same = synonymsOf(analyzer, meaning, n, synonyms);
    for (const one of same) if (!one.includes(" ") && !terms.has(one)) terms.set(one, SYNONYM_WEIGHT);
    const halves = same.find((one) => one.includes(" "))?.split(" ") ?? [];
    const isLast = at === pieces.length - 1 && piece.length >= MIN_PREFIX_LENGTH && !isQuoted;
    const plain = analyzer.language === "de" ? spellUmlautsPlainly(piece) : piece;
    return { word: piece, terms, prefix: isLast ? plain : "", isCorrected: false, halves };
  });
  return planned.slice(0, MAX_CONCEPTS);
}

/** By place, what words may be with the particle that ends their clause: einrichte for "richte den Router ein". */
function findParted(query, pieces, meaning) {
  const parted = new Map();
  let start = 0;
  for (const { piece, word, at: end } of pieces) {
    if (!END_OF_CLAUSE.test(query.slice(word.end))) continue;
    if (PARTICLE.test(piece)) {
      const verbs = meaning.filter(({ piece: verb, at }) => start <= at && at < end && PARTED_VERB.test(verb));
      for (const { piece: verb, at } of verbs.slice(0, MOST_VERBS)) parted.set(at, piece + verb);
    }
    start = end + 1;
  }
  return parted;
}

/** German forms that stemming leaves apart, with weights: handys and handy, and klemmen of klemmende. */
export function otherForms(language, piece) {
  const forms = new Map();
  if (language !== "de") return forms;
  const loaned = LOANED.exec(piece);
  if (loaned) forms.set(loaned[2] ? loaned[1] : `${piece}s`, 1);
  const doing = DOING.exec(piece);
  if (doing) forms.set(`${doing[1]}en`, INFINITIVE_WEIGHT);
  return forms;
}

/** What means the same as a word of a query, or as it and a neighbour together. */
function synonymsOf(analyzer, meaning, n, synonyms) {
  const stem = (word) => analyzer.stem(word);
  const { piece, word, at } = meaning[n];
  const [before, after] = [meaning[n - 1], meaning[n + 1]];
  const others = [...otherForms(analyzer.language, piece)].filter(([, weight]) => weight === 1);
  const keys = [...new Set([stem(piece), ...others.map(([one]) => stem(one))])];
  if (word.pieces.length > 1) keys.push(stem(word.pieces.join("")));
  if (before && at - before.at === 1) keys.push(`${stem(before.piece)} ${stem(piece)}`);
  if (after && after.at - at === 1) keys.push(`${stem(piece)} ${stem(after.piece)}`);
  return keys.flatMap((key) => synonyms.get(key) ?? []);
}

const piecesOf = (text) => splitWords(text).flatMap((word) => word.pieces);

/** The folded pieces of what stands in quotation marks, each phrase by itself. */
export function readPhrases(query) {
  const phrases = [...query.matchAll(QUOTED)].map((match) => piecesOf(match[1]).slice(0, MAX_QUERY_WORDS));
  return phrases.filter((phrase) => phrase.length);
}

/** Whether an answer's question, its written answer or its speech, from cue to cue, has a phrase as it is. */
export function holdsPhrase(fragment, phrase) {
  const speech = fragment.turns.flatMap((turn) => piecesOf(turn.text));
  const texts = [piecesOf(fragment.question), piecesOf(fragment.answer), speech];
  const wanted = ` ${phrase.join(" ")} `;
  return texts.some((pieces) => ` ${pieces.join(" ")} `.includes(wanted));
}

/** Stems of words that a piece may be the beginning of though they are shorter: porti to port, of porting. */
export function completeStems(analyzer, piece) {
  const own = analyzer.stem(piece);
  const found = new Set();
  for (const ending of ENDINGS[analyzer.language]) {
    for (let cut = 0; cut < ending.length; cut++) {
      if (!piece.endsWith(ending.slice(0, cut))) continue;
      const stem = analyzer.stem(piece + ending.slice(cut));
      if (stem.length >= MIN_COMPLETED_LENGTH && stem.length < piece.length && stem !== own) found.add(stem);
    }
  }
  return [...found];
}

/** The ways to read letters and a number that are written together: snomd785 as that of d785, too. */
export function splitAtNumber(word) {
  const border = NUMBERED.exec(word)?.[1].length ?? 0;
  const ways = [];
  for (let cut = border; cut > Math.max(1, border - MAX_LETTERS_BEFORE_NUMBER - 1); cut--) {
    ways.push([word.slice(0, cut), word.slice(cut)]);
  }
  return ways;
}

/** Turn a query into concepts, with help for rare and unknown words. */
export async function understand(index, query) {
  const planned = planConcepts(index.analyzer, query, index.stopWords, index.synonyms);
  if (planned.length) index.prefetch(planned.flatMap(({ terms }) => [...terms.keys()]));
  return Promise.all(
    planned.map(async (concept) => {
      if (concept.prefix) {
        const longer = await index.findPrefixTerms(concept.prefix);
        const { ordinals } = await index.findPostings(index.analyzer.stem(concept.word));
        const shorter = ordinals.length < FEW_ANSWERS ? completeStems(index.analyzer, concept.word) : [];
        const more = new Map([...longer, ...shorter].map((term) => [term, index.manifest.prefix_weight]));
        concept = { ...concept, terms: new Map([...more, ...concept.terms]) };
      }
      const lists = await Promise.all([...concept.terms.keys()].map((term) => index.findPostings(term)));
      const count = countAnswers(lists, FEW_ANSWERS);
      return count >= FEW_ANSWERS ? concept : helpRare(index, concept, count === 0);
    }),
  );
}

/** How many answers some postings are of, up to a number that is enough. */
function countAnswers(lists, enough) {
  const found = new Set();
  for (const { ordinals } of lists) {
    for (const ordinal of ordinals) {
      found.add(ordinal);
      if (found.size >= enough) return enough;
    }
  }
  return found.size;
}

/** Widen a word that few or no answers have: halves, else likeliest spellings if it is unknown, else itself. */
async function helpRare(index, concept, isUnknown) {
  if (concept.halves.length || (!isUnknown && concept.word.length < 2 * MIN_SPLIT_PART)) return concept;
  const stem = (word) => index.analyzer.stem(word);
  for (const [first, last] of isUnknown ? splitAtNumber(concept.word) : []) {
    const lists = await Promise.all([stem(first), last].map((term) => index.findPostings(term)));
    if (lists.every(({ ordinals }) => ordinals.length)) return { ...concept, halves: [stem(first), last] };
  }
  const vocabulary = await index.loadVocabulary();
  const halves = splitByVocabulary(concept.word, vocabulary, stem, index.language === "de" ? LINKS : [""]);
  if (!isUnknown) return halves.length ? { ...concept, halves } : concept;
  const corrections = findCorrections(concept.word, vocabulary, stem, halves.length ? 1 : 2);
  const terms = new Map(corrections.map((term) => [term, CORRECTION_WEIGHT]));
  return { ...concept, terms, halves, isCorrected: !halves.length || terms.size > 0 };
}

const measureRarity = (count, total) => Math.log(1 + (total - count + 0.5) / (count + 0.5));
const toMillionths = (score) => Math.floor(score * 1e6 + 0.5);
const round = (score) => toMillionths(score) / 1e6;

/** Rank all answers that have any concept, or all that are allowed when there is none; allowed is a Set, or null for all.
 *
 * @returns {{matches: [{ordinal, score}], rarity: number[]}} best first, newer first among equals
 */
export async function rank(index, concepts, allowed = null) {
  const { documents } = index.manifest;
  const scores = new Float64Array(documents);
  const shares = new Float64Array(documents);
  const rarity = [];
  for (const concept of concepts) {
    const found = await weighConcept(index, concept);
    rarity.push(found.rarity);
    for (let ordinal = 0; ordinal < documents; ordinal++) {
      scores[ordinal] += found.values[ordinal] * rarity.at(-1);
      shares[ordinal] += found.shares[ordinal];
    }
  }
  const recency = RECENCY_WEIGHT / Math.max(1, documents - 1);
  const keys = []; // a score in millionths and the ordinal in one number, so that sorting numbers sorts both
  for (let ordinal = 0; ordinal < documents; ordinal++) {
    if (concepts.length ? !shares[ordinal] : !allowed) continue;
    if (allowed && !allowed.has(ordinal)) continue;
    const share = shares[ordinal] / Math.max(1, concepts.length);
    keys.push(toMillionths(scores[ordinal] * share ** 2 * (1 + recency * ordinal)) * MAX_DOCUMENTS + ordinal);
  }
  const sorted = Float64Array.from(keys).sort().reverse();
  const matches = Array.from(sorted, (key) => ({
    ordinal: key % MAX_DOCUMENTS,
    score: Math.floor(key / MAX_DOCUMENTS) / 1e6,
  }));
  return { matches, rarity };
}

/** How much each answer has of a concept, by ordinal: values up to 1, and what share of the concept is there. */
async function weighConcept(index, { terms, halves }) {
  const { documents } = index.manifest;
  const values = new Float64Array(documents);
  const shares = new Float64Array(documents);
  let whole = 0;
  for (const [term, weight] of terms) {
    const { ordinals, impacts } = await index.findPostings(term);
    for (let at = 0; at < ordinals.length; at++) {
      const ordinal = ordinals[at];
      values[ordinal] = Math.max(values[ordinal], (weight * impacts[at]) / MAX_IMPACT);
      if (!shares[ordinal]) whole++;
      shares[ordinal] = 1;
    }
  }
  if (!halves.length) return { values, shares, rarity: measureRarity(whole, documents) };
  const sums = new Float64Array(documents);
  const counts = new Uint8Array(documents);
  for (const { ordinals, impacts } of await Promise.all(halves.map((half) => index.findPostings(half)))) {
    for (let at = 0; at < ordinals.length; at++) {
      sums[ordinals[at]] += impacts[at];
      counts[ordinals[at]]++;
    }
  }
  let some = 0;
  let together = 0;
  for (const count of counts) {
    if (count) some++;
    if (count === halves.length) together++;
  }
  // Common halves of a rare word are no sign of it: where some answer has the word, they count less.
  const rarityApart = measureRarity(together || some, documents);
  const rarity = whole ? measureRarity(whole, documents) : rarityApart;
  const scale = Math.min(1, rarityApart / rarity);
  for (let ordinal = 0; ordinal < documents; ordinal++) {
    if (!counts[ordinal]) continue;
    const value = scale * ((HALF_WEIGHT * (sums[ordinal] / halves.length)) / MAX_IMPACT);
    values[ordinal] = Math.max(values[ordinal], value);
    shares[ordinal] = Math.max(shares[ordinal], scale * (counts[ordinal] / halves.length));
  }
  return { values, shares, rarity };
}

const compared = new WeakMap(); // concepts to the words compared with them: texts say most of their words often

/** What a word has of the concepts: [{place, half, weight}], half "" for the whole. */
export function matchWord(analyzer, word, concepts) {
  if (compared.get(concepts)?.analyzer !== analyzer) {
    const wanted = concepts.flatMap(({ terms, halves }) => [...terms.keys(), ...halves]);
    compared.set(concepts, { analyzer, initials: new Set(wanted.map((term) => term[0])), found: new Map() });
  }
  const { initials, found } = compared.get(concepts);
  const key = word.pieces.join(" ");
  if (!found.has(key)) found.set(key, compareWord(analyzer, word, concepts, initials));
  return found.get(key);
}

/** Whether a word may have a term with one of these initials: stems keep the first letter, and verbs lose a ge- at most.
 *
 * Stemming takes longest of all that is done with a result, and most words begin otherwise.
 */
export function mayHaveTerm(word, initials) {
  const forms = word.pieces.length > 1 ? [...word.pieces, word.pieces.join("")] : word.pieces;
  return forms.some((form) => initials.has(form[0]) || (form.startsWith("ge") && initials.has(form[2])));
}

/** The archive's own parts of compounds are not known here; in German a term inside a word counts half instead. */
function compareWord(analyzer, word, concepts, initials) {
  const terms = mayHaveTerm(word, initials) ? analyzer.wordTerms(word) : NO_TERMS;
  const joined = analyzer.language === "de" ? word.pieces.join("") : "";
  const found = [];
  const weigh = (term, weight) => {
    if (terms.has(term)) return weight * terms.get(term);
    const mayBeInside = term.length >= MIN_INSIDE_LENGTH && term.length <= joined.length;
    return mayBeInside && joined.includes(term) ? weight / 2 : 0;
  };
  concepts.forEach((concept, place) => {
    const whole = [...concept.terms].reduce((best, [term, weight]) => Math.max(best, weigh(term, weight)), 0);
    if (whole) found.push({ place, half: "", weight: whole });
    for (const half of concept.halves) {
      const weight = weigh(half, HALF_WEIGHT);
      if (weight) found.push({ place, half, weight });
    }
  });
  return found;
}

/** How much of the question a text says; both halves of a compound together count as one word. */
function weighText(analyzer, text, concepts, rarity) {
  const found = concepts.map(() => new Map());
  for (const word of splitWords(text)) {
    for (const { place, half, weight } of matchWord(analyzer, word, concepts)) {
      found[place].set(half, Math.max(weight, found[place].get(half) ?? 0));
    }
  }
  return round(
    concepts.reduce((total, { halves }, place) => {
      const sum = halves.reduce((part, half) => part + (found[place].get(half) ?? 0), 0);
      return total + Math.max(found[place].get("") ?? 0, sum / Math.max(1, halves.length)) * rarity[place];
    }, 0),
  );
}

/** The turn that says most of what was asked for; the earliest of equals; undefined without turns. */
export function chooseTurn(analyzer, turns, concepts, rarity) {
  let best;
  for (const turn of turns) {
    const value = weighText(analyzer, turn.text, concepts, rarity);
    if (!best || value > best.value) best = { value, turn };
  }
  return best?.turn;
}

/** Cut a text into pieces, [{text, isMatch}], where its words match. */
export function markText(analyzer, text, concepts) {
  const pieces = [];
  let at = 0;
  for (const word of splitWords(text)) {
    if (!matchWord(analyzer, word, concepts).length) continue;
    if (word.start > at) pieces.push({ text: text.slice(at, word.start), isMatch: false });
    pieces.push({ text: text.slice(word.start, word.end), isMatch: true });
    at = word.end;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), isMatch: false });
  return pieces;
}

/** Search one language or several; results are merged by score.
 *
 * @param chosen {facet: title} that results must have; with an empty query everything that has them, newest first
 * @returns {{total, hits: [{id, language, score, fragment, turn, analyzer, concepts}], corrections: Map}}
 */
export async function search(indexes, query, { limit = 10, chosen = {} } = {}) {
  const corrections = new Map();
  const asked = await Promise.all(
    indexes.map(async (index) => {
      const [concepts, allowed] = await Promise.all([understand(index, query), index.findAllowed(chosen)]);
      return { index, concepts, ...(await rank(index, concepts, allowed)) };
    }),
  );
  for (const { index, concepts } of asked) {
    for (const { word, terms, isCorrected } of concepts) {
      if (isCorrected && terms.size) corrections.set(word, { terms: [...terms.keys()], index });
    }
  }
  let ranked = asked[0]?.matches ?? [];
  if (asked.length > 1) {
    ranked = asked.flatMap(({ matches }, place) => matches.map((match) => ({ ...match, place })));
    ranked.sort((a, b) => b.score - a.score || a.place - b.place);
  }
  const phrases = readPhrases(query);
  if (phrases.length) ranked = await keepPhrases(asked, ranked.slice(0, CHECKED_FOR_PHRASES), phrases);
  const hits = await Promise.all(
    ranked.slice(0, limit).map(async ({ ordinal, score, place = 0 }) => {
      const { index, concepts, rarity } = asked[place];
      const fragment = await index.loadFragment(ordinal);
      const turn = chooseTurn(index.analyzer, fragment.turns, concepts, rarity);
      return { id: fragment.id, language: index.language, score, fragment, turn, analyzer: index.analyzer, concepts };
    }),
  );
  return { total: ranked.length, hits, corrections };
}

async function keepPhrases(asked, ranked, phrases) {
  const fragments = await Promise.all(ranked.map(({ ordinal, place = 0 }) => asked[place].index.loadFragment(ordinal)));
  return ranked.filter((_, n) => phrases.every((phrase) => holdsPhrase(fragments[n], phrase)));
}

/** The ordinals of all answers to a query, a Set; null, all there are, when it asks for nothing. */
export async function findOrdinals(index, query) {
  const concepts = await understand(index, query);
  if (!concepts.length) return null;
  return new Set((await rank(index, concepts)).matches.map(({ ordinal }) => ordinal));
}

/** How many of the found ordinals have each value of a facet, Map, among those with the chosen values of the others. */
export async function countValues(index, found, facet, chosen = {}) {
  const others = Object.fromEntries(Object.entries(chosen).filter(([key]) => key !== facet));
  const [allowed, values] = await Promise.all([index.findAllowed(others), index.loadFacet(facet)]);
  const both = found && allowed ? new Set([...found].filter((ordinal) => allowed.has(ordinal))) : (found ?? allowed);
  const counts = [...values].map(([title, has]) => [title, both ? countCommon(has, both) : has.size]);
  return new Map(counts.filter(([, count]) => count));
}

function countCommon(left, right) {
  const [few, many] = left.size < right.size ? [left, right] : [right, left];
  let count = 0;
  for (const one of few) if (many.has(one)) count++;
  return count;
}
