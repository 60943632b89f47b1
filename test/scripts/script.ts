// A play in a text file: blocks of commands, a line `----`, and what they are to say. A blank line ends a block; lines between blocks
// that begin with `#` are for readers. The same world plays a whole file from its first line to its last.

interface Block {
  readonly commands: readonly string[];
  readonly expected: readonly string[];
  /** Where it stands, from 1. */
  readonly line: number;
}

/** A comment or a blank line, kept as it is when the file is written anew. */
type Piece = { readonly text: string } | Block;

const SEPARATOR = "----";

/** Commands that say nothing need no separator. */
export function readScript(text: string): Piece[] {
  const pieces: Piece[] = [];
  const lines = text.replace(/\n$/, "").split("\n");
  for (let i = 0; i < lines.length; ) {
    if (isBetween(lines[i] as string)) {
      pieces.push({ text: lines[i] as string });
      i += 1;
      continue;
    }
    const from = i;
    while (i < lines.length && lines[i] !== "") i += 1;
    const block = lines.slice(from, i);
    const at = block.indexOf(SEPARATOR);
    const [commands, expected] = at < 0 ? [block, []] : [block.slice(0, at), block.slice(at + 1)];
    pieces.push({ commands, expected, line: from + 1 });
  }
  return pieces;
}

const isBetween = (line: string): boolean => line === "" || line.startsWith("#");

/** The file with what was really said. `play` answers the lines that a command says. */
export function playScript(text: string, play: (command: string) => readonly string[]): string {
  const lines = readScript(text).flatMap((piece) => {
    if ("text" in piece) return [piece.text];
    const said = piece.commands.flatMap((command) => playOne(command, piece.line, play));
    return said.length === 0 ? piece.commands : [...piece.commands, SEPARATOR, ...said];
  });
  return `${lines.join("\n")}\n`;
}

function playOne(command: string, line: number, play: (command: string) => readonly string[]): readonly string[] {
  try {
    return play(command);
  } catch (cause) {
    throw new Error(`in the block at line ${line}, "${command}": ${(cause as Error).message}`, { cause });
  }
}

/** Words of a command; spaces inside of brackets, braces and quotes are part of a word. */
export function wordsOf(command: string): string[] {
  const words: string[] = [];
  let [word, depth, isQuoted] = ["", 0, false];
  for (const character of command) {
    if (character === '"') isQuoted = !isQuoted;
    if (!isQuoted && "[{".includes(character)) depth += 1;
    if (!isQuoted && "]}".includes(character)) depth -= 1;
    if (character === " " && depth === 0 && !isQuoted) {
      if (word !== "") words.push(word);
      word = "";
    } else word += character;
  }
  return word === "" ? words : [...words, word];
}

/** `cpus=4` as a name and a value; a value that is JSON is what it says, any other is a text. */
export function fieldsOf(words: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals < 1) throw new Error(`expected a field such as cpus=4, got ${word}`);
    fields[word.slice(0, equals)] = readValue(word.slice(equals + 1));
  }
  return fields;
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
