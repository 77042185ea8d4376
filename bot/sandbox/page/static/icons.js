// Icons, drawn as paths so that they take the color of their text.

const NAMESPACE = "http://www.w3.org/2000/svg";
const PATHS = {
  eye: "M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10ZM10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  alert: "M10 2.5 18.5 17h-17ZM10 8v4M10 14.4v.2",
  copy: "M7 7h10v10H7ZM4 13H3V3h10v1",
};

export function icon(name) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
