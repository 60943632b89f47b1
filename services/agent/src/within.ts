/** Waits for work, but not for ever; the work itself goes on. Answers whether it was done in time. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    // A forgotten timer would keep the process from ending.
    clearTimeout(timer);
  }
}
