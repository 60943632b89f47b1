/** Why an agent stops by itself, with the code its process exits with. */
const EXIT_CODES = {
  /** A setting or the host makes it impossible to work. */
  unusable: 1,
  locked: 2,
  /** Another agent has registered with this id. */
  replaced: 3,
} as const;

export class AgentStop extends Error {
  readonly reason: keyof typeof EXIT_CODES;
  constructor(reason: keyof typeof EXIT_CODES, message: string) {
    super(message);
    this.name = "AgentStop";
    this.reason = reason;
  }
  get exitCode(): number {
    return EXIT_CODES[this.reason];
  }
}
