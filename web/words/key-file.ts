/** The file in which somebody keeps a key: remarks, and the words. */
export function keyFile(contributor: string, words: string): string {
  return `# The key of a Commonweight contributor, as 24 words. Whoever has them can sign in its name.
# To take it to another browser: open the page, choose "You", and paste the words or choose this file there.
# It belongs to ${contributor}
${words}
`;
}
