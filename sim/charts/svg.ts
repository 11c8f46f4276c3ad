/** An SVG element as text; attributes that are undefined are left out. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  ...children: readonly string[]
): string {
  const text = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(formatAttribute(value!))}"`)
    .join("");
  if (children.length === 0) return `<${name}${text}/>`;
  return `<${name}${text}>${children.join("")}</${name}>`;
}

function formatAttribute(value: string | number): string {
  return typeof value === "number" ? String(Math.round(100 * value) / 100) : value;
}

export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

// Okabe & Ito's colours, which the colour-blind tell apart, but for their yellow
export const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
  "#8c6bb1",
];

// readable on light and dark: the page's own ink where the picture is set into one, else the reader's preference
const STYLE = `svg{color:#222;font:12px system-ui,sans-serif}
@media(prefers-color-scheme:dark){svg{color:#ddd}}
text{fill:currentColor}.axis{stroke:currentColor}.grid{stroke:currentColor;opacity:.15}
.target{stroke:currentColor;stroke-dasharray:6 4;opacity:.7}.title{font-weight:600;font-size:14px}`;

/** A whole picture, `width` × `height`. */
export function picture(
  {
    width,
    height,
    title,
  }: { readonly width: number; readonly height: number; readonly title: string },
  ...children: readonly string[]
): string {
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
  };
  return `${element(
    "svg",
    attributes,
    element("title", {}, escapeText(title)),
    element("style", {}, STYLE),
    ...children,
  )}\n`;
}
