"""The look of the page beyond what Streamlit's theme can say."""

from corridors.ui.print_style import PRINT

SCREEN = """<style>
[data-testid="stMainBlockContainer"] {padding: 4.1rem 2rem 2rem; max-width: 1700px}
.cx-head {display: flex; align-items: baseline; gap: .8rem; flex-wrap: wrap}
.cx-head h1 {font-size: 1.35rem; font-weight: 700; margin: 0; padding: 0; letter-spacing: -.01em}
.cx-head span {opacity: .78; font-size: .95rem}
@media (min-width: 901px) {
  [data-testid="stHeader"] {padding-left: 12.5rem}
  [data-testid="stMainBlockContainer"] {padding-top: 3.4rem}
  .st-key-frame {position: fixed; top: 0; left: 2rem; right: 2rem; width: auto; height: 3.75rem;
    justify-content: space-between; pointer-events: none; z-index: 999991}
  .st-key-frame > * {pointer-events: auto}
  .cx-head span {display: none}
}
.st-key-most button {min-height: 1.75rem; padding: 0}
.cx-verdict > .cx-chip {margin-right: .6rem; vertical-align: .15em}
.cx-verdict {font-size: 1.5rem; line-height: 1.3; font-weight: 600; margin: .15rem 0 .1rem;
  letter-spacing: -.01em; text-wrap: pretty}
.cx-small {font-size: .86rem; opacity: .82; margin: 0}
.cx-side h2 {font-size: .95rem; font-weight: 650; margin: 0 0 .35rem; padding: 0}
.cx-side ul {list-style: none; margin: 0 0 .7rem; padding: 0; font-size: .88rem; line-height: 1.55}
.cx-side li {display: flex; gap: .5rem; align-items: center; margin: 0; padding: 0}
.cx-side li > b {margin-left: auto; font-variant-numeric: tabular-nums; white-space: nowrap}
.cx-side i {flex: none; display: inline-block}
.cx-swatch {width: 10px; height: 10px; border-radius: 2px}
.cx-bar {display: flex; height: 9px; border-radius: 5px; overflow: hidden; margin: .1rem 0 .45rem}
.cx-pair {display: flex; gap: 1.4rem; margin-bottom: .7rem; font-size: .86rem}
.cx-pair b {display: block; font-size: 1.45rem; line-height: 1.15; font-weight: 650}
.cx-side p {font-size: .88rem; margin: 0 0 .55rem; line-height: 1.45}
.cx-side h3 {font-size: .82rem; font-weight: 600; opacity: .82; margin: 0 0 .15rem; padding: 0}
.cx-side .cx-name {font-size: 1.2rem}
.cx-risks small, .cx-reports small {display: block; font-size: .78rem; opacity: .8;
  line-height: 1.3}
.cx-side .cx-reports li {display: block; padding: .15rem 0; line-height: 1.35;
  overflow-wrap: anywhere; border-top: 1px solid color-mix(in srgb, currentColor 12%, transparent)}
.cx-step {width: 1.35rem; height: 1.35rem; border-radius: 4px; font-style: normal;
  font-weight: 700;   font-size: .8rem; line-height: 1.35rem; text-align: center}
.cx-side .cx-no {width: .8rem; height: .8rem; margin: 0 .28rem; border: 2px solid;
  border-radius: 1px; transform: rotate(45deg); box-sizing: border-box}
.cx-faint {opacity: .55; outline: 2px dashed currentColor}
.cx-side .cx-parts li {padding: 0 .3rem; margin-bottom: 2px; border-radius: 4px; background:
  linear-gradient(90deg, color-mix(in srgb, var(--st-primary-color, #1f77c0) 22%, transparent)
  var(--part), transparent var(--part))}
[data-testid="stButtonGroup"] [role="radiogroup"] {flex-wrap: wrap; row-gap: 4px}
[data-testid="stButtonGroup"] button[data-variant="segmented_control"][aria-checked="true"] p {
  font-weight: 650}
@media (max-width: 900px) {
  .st-key-frame {flex-wrap: nowrap}
  .cx-head span {display: none}
}
.cx-said {margin: 0; text-wrap: pretty}
.st-key-wi_map_box .cx-map {height: clamp(300px, 36vw, 540px)}
@media (max-width: 640px) {
  .st-key-question [data-testid="stColumn"]:nth-child(n+2):nth-child(-n+3),
  .st-key-x_filters [data-testid="stColumn"]:nth-child(n+2) {
    min-width: calc(50% - .6rem) !important; flex: 1 1 0 !important}
}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] {padding: 4.1rem .8rem 1rem}
  .cx-verdict {font-size: 1.2rem}
}
</style>"""

STYLE = SCREEN + PRINT
