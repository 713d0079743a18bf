// The map inside a Streamlit component: draws what corridors/ui/map/picture.py sends, says what
// was clicked. MapLibre, its worker and the geometry come from the same server; nothing else is
// asked for. Texts are set as text, never as markup.

const WORLD = 360;
const VIEW = "view";
const KEEP_MS = 400;
const REACH_PX = 18;
const BESIDE_PX = 30;
const SMALL_PX = 560;
const FONT = "'Source Sans','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif";
const GROUPS = {
  lanes: ["lanes"],
  moved: ["moved_kept", "moved_left", "moved_new"],
  ports: ["ports"],
  pipelines: ["pipelines_idle", "pipelines_planned", "pipelines"],
  railways: ["railways_idle", "railways_planned", "railways"],
  chokepoints: ["chosen", "chokepoints", "names"],
  events: ["events"],
};
const HOVERED = ["events", "ports", "pipelines", "railways", "lanes", ...GROUPS.moved,
  "pipelines_idle", "pipelines_planned", "railways_idle", "railways_planned"];

let library;

export default function draw(component) {
  const { data, parentElement, setTriggerValue } = component;
  const host = parentElement.querySelector(".cx-map");
  const here = (host.here ??= { pictures: new Map(), drawn: {} });
  here.data = data;
  here.say = (element) => setTriggerValue("picked", element);
  host.setAttribute("aria-label", data.alt);
  legend(parentElement.querySelector(".cx-legend"), data, tones(host, data));
  if (here.ready) apply(host);
  else if (!here.begun) begin(host).catch((error) => fail(host, error));
  return () => {
    if (host.isConnected || !here.map) return;
    here.watch?.disconnect();
    here.end?.abort();
    clearInterval(here.again);
    here.map.remove();
    delete host.here;
  };
}

async function begin(host) {
  const here = host.here;
  here.begun = true;
  style(host, here.data.library + "maplibre-gl.css");
  const [maplibre, ground] = await Promise.all([
    (library ??= import(new URL(here.data.library + "maplibre-gl.mjs", location.origin).href)),
    fetch(here.data.ground).then((answer) => answer.json()),
  ]);
  here.lines = new Map(ground.lines.features.map((line) => [line.properties.id, line.properties]));
  const colour = tones(host, here.data);
  here.place = linked();
  const map = new maplibre.Map({
    container: host.querySelector(".cx-canvas"),
    style: { version: 8, sources: sources(ground), layers: layers(colour),
      transition: { duration: 0 } },
    ...(here.data.bounds && !here.place ? { bounds: here.data.bounds } : {}),
    center: here.place?.slice(0, 2) ?? here.data.centre,
    zoom: here.place?.[2] ?? (host.clientWidth < SMALL_PX ? 0.3 : here.data.zoom),
    minZoom: 0,
    maxZoom: 8,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    localIdeographFontFamily: FONT,
    canvasContextAttributes: { preserveDrawingBuffer: true },  // else paper shows nothing
    locale: here.data.locale,
  });
  here.map = host.map = map;
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  here.popup = new maplibre.Popup({ closeButton: false, closeOnClick: false, maxWidth: "300px" });
  map.on("load", () => { here.ready = true; apply(host); });
  map.on("idle", () => { if (here.ready) host.dataset.ready = "1"; });
  map.on("moveend", (event) => { if (event.originalEvent) keep(here, placed(map)); });
  map.on("mousemove", (event) => requestAnimationFrame(() => hover(host, event)));
  map.on("mouseout", () => here.popup.remove());
  map.on("click", (event) => {
    const found = at(host, event.point);
    if (found?.element) here.say(found.element);
  });
  // Streamlit writes the address anew after a run, without what only the browser knows.
  here.again = setInterval(() => keep(here, here.place), KEEP_MS);
  here.watch = new ResizeObserver(() => map.resize());
  here.watch.observe(host);
  here.end = new AbortController();
  for (const [event, paper] of [["beforeprint", true], ["afterprint", false]])
    addEventListener(event, () => onPaper(host, paper), { signal: here.end.signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (here.ready) setTimeout(() => apply(host), 300);
  });
}

// Where a reader moved the map to is in the address, so that a link shows the same part.
function linked() {
  const said = (new URLSearchParams(location.search).get(VIEW) ?? "").split(",").map(Number);
  const fit = said.length === 3 && said.every(Number.isFinite) && Math.abs(said[1]) < 85;
  return fit ? said : null;
}

function placed(map) {
  const { lng, lat } = map.getCenter();
  return [lng.toFixed(2), lat.toFixed(2), map.getZoom().toFixed(2)].map(Number);
}

function keep(here, place) {
  here.place = place;
  const address = new URL(location.href);
  if (place) address.searchParams.set(VIEW, place.join());
  else address.searchParams.delete(VIEW);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

// Paper is white whatever the theme; drawn at once, since a printer waits for nothing.
function onPaper(host, paper) {
  host.here.paper = paper;
  if (!host.here.ready) return;
  apply(host);
  legend(host.querySelector(".cx-legend"), host.here.data, tones(host, host.here.data));
  host.here.map.redraw();
}

function sources(ground) {
  const empty = { type: "FeatureCollection", features: [] };
  const own = (data, more) => ({ type: "geojson", data, ...more });
  return {
    land: own(ground.land, { tolerance: 0.3 }),
    coast: own(ground.coast, { tolerance: 0.3 }),
    lines: own(ground.lines, { promoteId: "id" }),
    lanes: own(empty, { tolerance: 0.2 }),
    moved: own(empty, { tolerance: 0.2 }),
    ports: own(empty),
    chokepoints: own(empty),
    events: own(empty),
  };
}

function layers(colour) {
  const round = { "line-cap": "round", "line-join": "round" };
  const state = (name, otherwise) => ["coalesce", ["feature-state", name], otherwise];
  const line = (id, kind, built, paint) => ({
    id, type: "line", source: "lines", layout: built ? round : {}, paint,
    filter: ["all", ["==", ["get", "kind"], kind], ["==", ["get", "built"], built]],
  });
  const idle = (kind) => [
    line(`${kind}s_idle`, kind, true, { "line-width": 0.9, "line-opacity": 0.4 }),
    line(`${kind}s_planned`, kind, false,
      { "line-width": 0.9, "line-opacity": 0.4, "line-dasharray": [3, 2.4] }),
  ];
  const used = (kind) => line(`${kind}s`, kind, true,
    { "line-width": state("width", 0), "line-opacity": ["case", state("used", false), 1, 0] });
  const big = ["interpolate", ["linear"], ["zoom"]];
  return [
    { id: "sea", type: "background" },
    { id: "land", type: "fill", source: "land", paint: { "fill-antialias": false } },
    { id: "coast", type: "line", source: "coast", paint: { "line-width": 0.7 } },
    ...idle("pipeline"), ...idle("railway"),
    { id: "lanes", type: "line", source: "lanes", layout: round, paint: {
      "line-color": ["interpolate", ["linear"], ["get", "part"], 0, colour.lane_thin, 1,
        colour.lane_thick],
      "line-width": [...big, 0, ["*", 0.8, ["get", "width"]], 6, ["*", 2, ["get", "width"]]],
    } },
    ...["kept", "left", "new"].map((kind) => ({ id: `moved_${kind}`, type: "line", source: "moved",
      layout: kind === "left" ? {} : round, filter: ["==", ["get", "kind"], kind], paint: {
        "line-width": [...big, 0, ["*", 0.8, ["get", "width"]], 6, ["*", 2, ["get", "width"]]],
        ...(kind === "left" ? { "line-dasharray": [2.2, 1.6] } : {}),
      } })),
    used("pipeline"), used("railway"),
    { id: "ports", type: "circle", source: "ports",
      layout: { "circle-sort-key": ["get", "size"] },
      paint: {
        "circle-radius": [...big, 0, ["*", 0.8, ["get", "size"]], 6, ["*", 1.8, ["get", "size"]]],
        "circle-color": ["get", "fill"], "circle-stroke-color": ["get", "rim"],
        "circle-stroke-width": 1.4, "circle-opacity": 0.9,
      } },
    { id: "events", type: "symbol", source: "events",
      layout: { "icon-image": ["get", "icon"], "icon-allow-overlap": true,
        "icon-offset": ["get", "off"] } },
    { id: "chosen", type: "circle", source: "chokepoints",
      filter: ["==", ["get", "element"], ""],
      paint: { "circle-radius": ["+", 9, ["/", ["get", "size"], 2]], "circle-opacity": 0,
        "circle-stroke-width": 2.6 } },
    { id: "chokepoints", type: "symbol", source: "chokepoints",
      layout: { "icon-image": ["get", "icon"], "icon-allow-overlap": true,
        "icon-size": ["/", ["get", "size"], 48], "symbol-sort-key": ["get", "rank"] } },
    { id: "names", type: "symbol", source: "chokepoints",
      filter: ["!=", ["get", "label"], ""],
      layout: {
        "text-field": ["get", "label"], "text-font": ["Source Sans Medium", "sans-serif"], "text-size": 13,
        "text-variable-anchor": ["left", "right", "top", "bottom", "top-left", "bottom-left",
          "top-right", "bottom-right"],
        "text-radial-offset": ["get", "gap"], "text-justify": "auto", "text-max-width": 16,
        "symbol-sort-key": ["-", 0, ["get", "share"]],
      },
      paint: { "text-halo-width": 1.6 } },
  ];
}

function apply(host) {
  const { map, data } = host.here;
  const colour = tones(host, data);
  host.dataset.ready = "0";
  if (anew(host, "looks", [colour, data.steps])) {
    paint(map, colour);
    marks(host, colour);
  }
  set(host, "lanes", data.lanes, (lane, i) => ({
    geometry: { type: "LineString", coordinates: lane.path },
    properties: { n: i, part: Math.sqrt(lane.part), width: 0.7 + 7 * lane.part },
  }));
  set(host, "moved", data.moved ?? [], (lane, i) => ({
    geometry: { type: "LineString", coordinates: lane.path },
    properties: { n: i, kind: lane.kind, width: lane.width },
  }));
  set(host, "ports", data.ports, (port, i) => {
    const tint = port.step === null ? colour.port : tintOf(data, colour, port.step);
    const lands = port.role === "discharge";
    return {
      geometry: point(port),
      properties: { n: i, size: port.size, fill: lands ? tint : colour.land,
        rim: lands ? colour.halo : tint },
    };
  }, colour.land + data.title);
  set(host, "chokepoints", data.chokepoints, (mark) => ({
    geometry: point(mark),
    properties: { element: mark.element, icon: mark.icon, size: mark.size, share: mark.share,
      rank: mark.rank, label: mark.label, gap: 0.5 + mark.size / 30 },
  }));
  set(host, "events", data.events, (event, i) => ({
    geometry: point(event),
    properties: { n: i, icon: event.embedded ? "event_embedded" : "event",
      off: event.beside ? [0, -BESIDE_PX] : [0, 0] },
  }));
  if (anew(host, "states", [data.lines, data.chosen, colour])) states(host, colour);
  if (anew(host, "shown", data.layers)) {
    for (const [group, names] of Object.entries(GROUPS)) {
      const shown = data.layers.includes(group) ? "visible" : "none";
      for (const name of names) map.setLayoutProperty(name, "visibility", shown);
    }
  }
  map.setFilter("chosen", ["==", ["get", "element"], data.chosen ?? ""]);
  const home = data.home ?? data.centre.join();
  if (host.here.home !== undefined && host.here.home !== home) {
    if (data.bounds) map.fitBounds(data.bounds);
    else map.easeTo({ center: data.centre });
    keep(host.here, null);
  }
  host.here.home = home;
}

// Whether something is not as it was when last drawn: what is the same is not drawn anew.
function anew(host, name, what) {
  const key = JSON.stringify(what);
  const same = host.here.drawn[name] === key;
  host.here.drawn[name] = key;
  return !same;
}

function states(host, colour) {
  const { map, data } = host.here;
  for (const id of host.here.lines.keys()) {
    const line = data.lines[id];
    const tint = line && line.step !== null ? tintOf(data, colour, line.step) : null;
    map.setFeatureState({ source: "lines", id },
      { used: !!line, width: line?.width ?? 0, tint: id === data.chosen ? colour.text : tint });
  }
}

function paint(map, colour) {
  const set = (layer, name, value) => map.setPaintProperty(layer, name, value);
  set("sea", "background-color", colour.sea);
  set("land", "fill-color", colour.land);
  set("coast", "line-color", colour.coast);
  set("lanes", "line-color", ["interpolate", ["linear"], ["get", "part"], 0, colour.lane_thin, 1,
    colour.lane_thick]);
  for (const kind of ["kept", "left", "new"]) set(`moved_${kind}`, "line-color", colour[kind] ?? colour.none);
  for (const kind of ["pipeline", "railway"]) {
    const tint = ["coalesce", ["feature-state", "tint"], colour[kind]];
    for (const end of ["s_idle", "s_planned", "s"]) set(kind + end, "line-color", tint);
  }
  set("chosen", "circle-stroke-color", colour.text);
  set("names", "text-color", colour.text);
  set("names", "text-halo-color", colour.halo);
}

// Pictures of the marks, one a step and state: full, stale (pale with a broken rim), hollow.
function marks(host, colour) {
  const { map, data } = host.here;
  data.steps.forEach((step, i) => {
    const tint = tintOf(data, colour, i);
    picture(host, `full_${i}`, diamond(tint, colour, step.sign, false));
    picture(host, `stale_${i}`, diamond(tint, colour, step.sign, true));
  });
  picture(host, "hollow", diamond(null, colour, "", false));
  picture(host, "event", triangle(colour.text, colour.halo));
  picture(host, "event_embedded", triangle(colour.land, colour.text));
}

function tintOf(data, colour, step) {
  return data.steps[step].tint ?? colour.risk[step];
}

function picture(host, name, image) {
  const { map, pictures } = host.here;
  const key = image.data.reduce((sum, byte, i) => (sum + byte * (1 + (i % 8191))) % 1e15, 0);
  if (pictures.get(name) === key) return;
  pictures.set(name, key);
  if (map.hasImage(name)) map.updateImage(name, image);
  else map.addImage(name, image, { pixelRatio: 2 });
}

function diamond(tint, colour, sign, stale) {
  const side = 96, half = side / 2, reach = half - 7;
  const pen = canvas(side);
  pen.beginPath();
  pen.moveTo(half, half - reach);
  pen.lineTo(half + reach, half);
  pen.lineTo(half, half + reach);
  pen.lineTo(half - reach, half);
  pen.closePath();
  pen.fillStyle = colour.land;
  pen.globalAlpha = tint ? 1 : 0.85;
  pen.fill();
  if (tint) {
    pen.globalAlpha = stale ? 0.45 : 1;
    pen.fillStyle = tint;
    pen.fill();
  }
  pen.globalAlpha = 1;
  pen.lineWidth = tint ? 5 : 8;
  if (stale) pen.setLineDash([10, 8]);
  pen.strokeStyle = tint ? colour.rim : colour.none;
  pen.stroke();
  if (sign) {
    pen.font = `700 44px ${FONT}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = stale ? colour.text : inkOn(tint);
    pen.fillText(sign, half, half + 3);
  }
  return pen.getImageData(0, 0, side, side);
}

function triangle(tint, rim) {
  const pen = canvas(34);
  pen.beginPath();
  pen.moveTo(17, 4);
  pen.lineTo(30, 29);
  pen.lineTo(4, 29);
  pen.closePath();
  pen.fillStyle = tint;
  pen.fill();
  pen.lineWidth = 3;
  pen.strokeStyle = rim;
  pen.stroke();
  return pen.getImageData(0, 0, 34, 34);
}

function canvas(side) {
  const sheet = document.createElement("canvas");
  sheet.width = sheet.height = side;
  return sheet.getContext("2d");
}

function inkOn(tint) {
  return brightness(tint) > 0.45 ? "#10151d" : "#ffffff";
}

function brightness(colour) {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))
    : colour.match(/[\d.]+/g).map(Number);
  return (0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2]) / 255;
}

function tones(host, data) {
  const ground = getComputedStyle(host).getPropertyValue("--st-background-color").trim();
  const dark = !host.here.paper && /^(#|rgb)/.test(ground) && brightness(ground) < 0.5;
  host.dataset.theme = dark ? "dark" : "light";
  return dark ? data.palettes.dark : data.palettes.light;
}

// Data goes to a source only when it changed: a source that is set anew is drawn anew.
function set(host, name, rows, feature, more = "") {
  if (!anew(host, name, [rows, more])) return;
  const features = rows.map((row, i) => ({ type: "Feature", ...feature(row, i) }));
  host.here.map.getSource(name).setData({ type: "FeatureCollection", features });
}

function point(place) {
  return { type: "Point", coordinates: [place.lon, place.lat] };
}

// What lies under the pointer: chokepoints first, by their distance, on any copy of the world.
function at(host, spot) {
  const { map, data } = host.here;
  let found = null;
  let nearest = REACH_PX;
  for (const mark of data.layers.includes("chokepoints") ? data.chokepoints : []) {
    for (const turn of [-WORLD, 0, WORLD]) {
      const place = map.project([mark.lon + turn, mark.lat]);
      const away = Math.hypot(place.x - spot.x, place.y - spot.y);
      if (away < nearest) [nearest, found] = [away, mark];
    }
  }
  if (found) return found;
  const box = [[spot.x - 4, spot.y - 4], [spot.x + 4, spot.y + 4]];
  const under = map.queryRenderedFeatures(box, { layers: HOVERED })
    .filter((f) => f.source !== "lines" || !/s$/.test(f.layer.id) || data.lines[f.properties.id])
    .sort((a, b) => HOVERED.indexOf(a.layer.id) - HOVERED.indexOf(b.layer.id))[0];
  if (!under) return null;
  if (under.source !== "lines") return data[under.source][under.properties.n];
  const line = host.here.lines.get(under.properties.id);
  return data.lines[line.id] ?? { element: line.id, name: line[data.lang], tip: [data.unused] };
}

function hover(host, event) {
  const { map, popup } = host.here;
  if (!host.here || !map.getContainer().isConnected) return;
  const found = at(host, event.point);
  map.getCanvas().style.cursor = found?.element ? "pointer" : "";
  if (!found) { popup.remove(); return; }
  const card = document.createElement("div");
  card.append(text("b", found.name), ...found.tip.map((line) => text("div", line)));
  popup.setLngLat(event.lngLat).setDOMContent(card).addTo(map);
}

function text(tag, words) {
  const node = document.createElement(tag);
  node.textContent = words;
  return node;
}

function legend(box, data, colour) {
  const rows = data.steps.map((step, i) => {
    const tint = tintOf(data, colour, i);
    const mark = text("i", step.sign);
    mark.className = "cx-key-step";
    mark.style.background = tint;
    mark.style.color = inkOn(tint);
    return [mark, step.words];
  });
  const key = (name, tint) => {
    const mark = document.createElement("i");
    mark.className = `cx-key-${name}`;
    mark.style.setProperty("--tint", tint);
    return mark;
  };
  const kinds = data.legend.map(([name, tint, words]) => [key(name, colour[tint]), words]);
  box.replaceChildren(text("b", data.title), ...[...rows, ...kinds].map(([mark, words]) => {
    const row = document.createElement("span");
    row.append(mark, words);
    return row;
  }));
}

function style(host, address) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  host.append(link);
}

function fail(host, error) {
  const note = host.querySelector(".cx-canvas");
  note.classList.add("cx-off");
  note.textContent = host.here.data.failed;
  host.dataset.ready = "failed";
  console.warn(error);
}
