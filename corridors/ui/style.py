"""The look of the page beyond what Streamlit's theme can say."""

STYLE = """<style>
[data-testid="stMainBlockContainer"] {padding: 1.1rem 2rem 2rem; max-width: 1700px}
[data-testid="stHeader"] {background: transparent; height: 2rem}
[data-testid="stDeckGlJsonChart"] {border-radius: 10px; overflow: hidden;
  border: 1px solid color-mix(in srgb, currentColor 14%, transparent)}
.cx-head {display: flex; align-items: baseline; gap: .8rem; flex-wrap: wrap}
.cx-head h1 {font-size: 1.35rem; font-weight: 700; margin: 0; padding: 0; letter-spacing: -.01em}
.cx-head span {opacity: .78; font-size: .95rem}
.cx-verdict {font-size: 1.5rem; line-height: 1.3; font-weight: 600; margin: .15rem 0 .1rem;
  letter-spacing: -.01em; text-wrap: pretty}
.cx-small {font-size: .86rem; opacity: .82; margin: 0}
.cx-side h2 {font-size: .95rem; font-weight: 650; margin: 0 0 .35rem; padding: 0}
.cx-side ul {list-style: none; margin: 0 0 .7rem; padding: 0; font-size: .88rem; line-height: 1.55}
.cx-side li {display: flex; gap: .5rem; align-items: center; margin: 0; padding: 0}
.cx-side li > b {margin-left: auto; font-variant-numeric: tabular-nums; white-space: nowrap}
.cx-side i {flex: none; display: inline-block}
.cx-swatch {width: 10px; height: 10px; border-radius: 2px}
.cx-diamond {transform: rotate(45deg)}
.cx-stroke {width: 24px; height: 0}
.cx-circle {width: 9px; height: 9px; margin: 0 7px; border: 1.6px solid; border-radius: 50%}
.cx-steps {display: flex; justify-content: space-between; font-size: .8rem; margin-bottom: .6rem}
.cx-steps span {display: inline-flex; align-items: center; gap: .25rem}
.cx-bar {display: flex; height: 9px; border-radius: 5px; overflow: hidden; margin: .1rem 0 .45rem}
.cx-pair {display: flex; gap: 1.4rem; margin-bottom: .7rem; font-size: .86rem}
.cx-pair b {display: block; font-size: 1.45rem; line-height: 1.15; font-weight: 650}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] {padding: 2.2rem .8rem 1rem}
  .cx-verdict {font-size: 1.2rem}
}
</style>"""
