/* How text becomes search terms, in the browser: words, folding, stems.
 *
 * The twin of streamhub/wordforms/analysis.py; a test holds the two equal. The stemmers are Snowball's own scripts
 * in vendor/ (base-stemmer.js, german-stemmer.js, english-stemmer.js), classic scripts that define globals and cannot be
 * modules; createAnalyzer() loads those that a language needs as ordinary <script src>, so `script-src 'self'` is enough.
 */

export const INFINITIVE_WEIGHT = 0.5;
const MAX_TERM_LENGTH = 40;
const MAX_JOINED_PIECES = 4;

// Accents, soft hyphens, zero-width and bidi controls: part of a word, and removed from it.
const INVISIBLE = "\\u00ad\\u0300-\\u036f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff";
const PIECE = `[\\p{L}\\p{N}${INVISIBLE}]+`;
// What may stand inside a word: FRITZ!Box, Amts-Leitung, AT&T, geht's, Kund:innen; a point only within a number.
const JOINER = "(?:[\\-‐‑'’!&:*_]|(?<=[0-9])[.,](?=[0-9]))";
const WORD = new RegExp(`${PIECE}(?:${JOINER}${PIECE})*`, "gu");
const SPLIT = /[-‐‑!&:*_.,]/u;
const POSSESSIVE = /['’][sS]$/u;
const DROPPED = new RegExp(`[${INVISIBLE}]|[^\\p{L}\\p{N}]|[\\u{10000}-\\u{10ffff}]`, "gu");
const PLAIN = /^[A-Za-z0-9]+$/;
const STEMMABLE = /^[a-z]+$/;
const VERB_PREFIXES =
  "ab|an|auf|aus|bei|bereit|durch|ein|fest|fort|frei|her|heraus|herein|herunter|hin|hinzu|hoch|los|mit|nach|runter|" +
  "um|vor|weg|weiter|zu|zuruck|zusammen";
/** What parts from German verbs, folded. */
export const PARTICLE = new RegExp(`^(?:${VERB_PREFIXES})$`);
const INFINITIVE = new RegExp(`^(${VERB_PREFIXES})zu([a-z]{3,}n)$`);
const CHANGED_VERBS = new Map(
  (
    "blieben:bleiben boten:bieten bracht:bringen brannt:brennen brochen:brechen bunden:binden dacht:denken " +
    "drungen:dringen flogen:fliegen flossen:fliessen fohlen:fehlen froren:frieren funden:finden gangen:gehen " +
    "golten:gelten gonnen:ginnen gossen:giessen griffen:greifen hoben:heben holfen:helfen liehen:leihen " +
    "loren:lieren nannt:nennen nommen:nehmen rissen:reissen sandt:senden schieden:scheiden schienen:scheinen " +
    "schlossen:schliessen schmolzen:schmelzen schnitten:schneiden schoben:schieben schossen:schiessen " +
    "schrieben:schreiben schwunden:schwinden sprochen:sprechen sprungen:springen standen:stehen stiegen:steigen " +
    "stohlen:stehlen strichen:streichen stritten:streiten sunken:sinken trieben:treiben troffen:treffen " +
    "wiesen:weisen worben:werben worfen:werfen wunden:winden wusst:wissen zogen:ziehen zwungen:zwingen"
  )
    .split(" ")
    .map((pair) => pair.split(":")),
);
// Those that "ge" is put before and no more: alone they may be other words, as gefahren is Gefahren.
const SAME_VERBS = new Set(
  (
    "fahren fallen fangen geben halten kommen laden lassen laufen lesen messen rufen schlagen sehen stossen tragen " +
    "treten"
  ).split(" "),
);
const CHANGED = [...CHANGED_VERBS.keys()].join("|");
const WITH_GE = new RegExp(`^((?:${VERB_PREFIXES})?)ge(${CHANGED}|${[...SAME_VERBS].join("|")})(?:e[mnrs]?)?$`);
const WITHOUT_GE = new RegExp(`^(be|emp|ent|er|uber|unter|ver|zer)(${CHANGED})(?:e[mnrs]?)?$`);
const PARTICIPLE = new RegExp(`^((?:${VERB_PREFIXES})?)ge([a-z]{3,}t)$`);
const ADJECTIVE = new RegExp(`^(${PARTICIPLE.source.slice(1, -1)}|[a-z]{3,}iert)e[mnrs]?$`);
const INFLECTED = /^[a-z]{3,}(?:[bfghklmnprsz]|[dtmn]e)t$/;
const NO_VERB = /(?:heit|keit|schaft|[^s]st|ent|ant|tat)$/;

/** Fold a word: compatibility forms unified, lower case, no accents, ß as ss, letters and digits only. */
export function fold(text) {
  if (PLAIN.test(text)) return text.toLowerCase(); // most words, without looking for what they do not have
  return text.normalize("NFKD").toLowerCase().replaceAll("ß", "ss").replace(DROPPED, "");
}

/** Find the words of a text in order: [{start, end, pieces}], pieces folded, never empty. */
export function splitWords(text) {
  const words = [];
  for (const match of text.matchAll(WORD)) {
    const bare = match[0].replace(POSSESSIVE, "").replace(/['’]/g, "");
    const pieces = bare.split(SPLIT).map(fold).filter(Boolean);
    if (pieces.length) words.push({ start: match.index, end: match.index + match[0].length, pieces });
  }
  return words;
}

/** The verb of a strong participle: umgezogen to umziehen, verlorene to verlieren; or "". */
function undoStrong(word) {
  const [, prefix, verb] = WITH_GE.exec(word) ?? WITHOUT_GE.exec(word) ?? [];
  if (!verb || (!prefix && SAME_VERBS.has(verb))) return "";
  return prefix + (CHANGED_VERBS.get(verb) ?? verb);
}

/** Undo a German participle, a third person, or zu within a verb; or "".
 *
 * gekundigt and gekundigter to kundigen, repariert to reparieren, umgezogen to umziehen, einzurichten to einrichten.
 */
export function deriveInfinitive(word) {
  const apart = INFINITIVE.exec(word);
  if (apart) return apart[1] + apart[2];
  const verb = undoStrong(word);
  if (verb) return verb;
  const piece = ADJECTIVE.exec(word)?.[1] ?? word;
  const match = PARTICIPLE.exec(piece);
  if (!match && (!INFLECTED.test(piece) || NO_VERB.test(piece))) return "";
  const [prefix, base] = match ? [match[1], match[2]] : ["", piece];
  const isLong = base.at(-2) === "e" && "dtmn".includes(base.at(-3));
  return `${prefix}${isLong ? base.slice(0, -2) : base.slice(0, -1)}en`;
}

/** Bring ae, oe, ue to the form that stems have, as Snowball does: kuend to kund, neue untouched. */
export function spellUmlautsPlainly(piece) {
  return piece.replaceAll("ae", "a").replaceAll("oe", "o").replace(/(?<![aeiouyq])ue/g, "u");
}

/** Analysis in one language, with a memory of the words it has seen. */
export class Analyzer {
  #stemmer;
  #stems = new Map();

  constructor(language, stemmer) {
    this.language = language;
    this.#stemmer = stemmer;
  }

  /** Stem a folded piece; whatever is not plain letters stays as it is. At most 40 characters. */
  stem(piece) {
    let found = this.#stems.get(piece);
    if (found === undefined) {
      const cut = piece.slice(0, MAX_TERM_LENGTH);
      found = STEMMABLE.test(cut) ? this.#stemmer.stemWord(cut) : cut;
      this.#stems.set(piece, found);
    }
    return found;
  }

  /** The terms of a folded piece with their weights: its stem, and a verb's infinitive. */
  pieceTerms(piece) {
    const terms = new Map([[this.stem(piece), 1]]);
    const infinitive = this.language === "de" ? deriveInfinitive(piece) : "";
    if (infinitive && !terms.has(this.stem(infinitive))) terms.set(this.stem(infinitive), INFINITIVE_WEIGHT);
    return terms;
  }

  /** The terms of a word: those of its pieces, and of all of them joined (Amts-Leitung, amtsleitung). */
  wordTerms(word) {
    const terms = new Map();
    const isJoined = word.pieces.length > 1 && word.pieces.length <= MAX_JOINED_PIECES;
    for (const piece of isJoined ? [...word.pieces, word.pieces.join("")] : word.pieces) {
      for (const [term, weight] of this.pieceTerms(piece)) terms.set(term, Math.max(weight, terms.get(term) ?? 0));
    }
    return terms;
  }
}

const STEMMERS = {
  de: { file: "german-stemmer.js", name: "GermanStemmer" },
  en: { file: "english-stemmer.js", name: "EnglishStemmer" },
};
const loading = new Map();

function loadScript(url) {
  if (!loading.has(url)) {
    const loaded = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => reject(new Error(`${url}: the script did not load`)));
      document.head.append(script);
    });
    loading.set(url, loaded);
    loaded.catch(() => loading.delete(url)); // so that the next query tries again
  }
  return loading.get(url);
}

/** Make an analyzer for "de" or "en", loading the stemmer's scripts from beside this file unless they are here. */
export async function createAnalyzer(language, vendor = new URL("vendor/", import.meta.url)) {
  const { file, name } = STEMMERS[language];
  const missing = [!globalThis.BaseStemmer && "base-stemmer.js", !globalThis[name] && file].filter(Boolean);
  await Promise.all(missing.map((one) => loadScript(new URL(one, vendor).href)));
  return new Analyzer(language, new globalThis[name]());
}
