"""The look of every page on paper: a brief with its question, its answer and who says so."""

PRINT = """<style>
.cx-paper {display: none}
[data-testid="stElementContainer"]:has(> .stHtml > .cx-paper:only-child),
[data-testid="stElementContainer"]:has(> .stHtml > .cx-foot) {display: none}
@media print {
@page {size: A4; margin: 13mm 12mm}
* {-webkit-print-color-adjust: exact !important; print-color-adjust: exact !important}
html, body, #root, [data-testid="stApp"], [data-testid="stAppViewContainer"],
[data-testid="stMain"], [data-testid="stMainBlockContainer"], #root > div {
  position: static !important; display: block !important; height: auto !important;
  overflow: visible !important; background: #fff !important; color-scheme: light}
[data-testid="stApp"], [data-testid="stApp"] *, .cx-map {
  --st-text-color: #15202e !important; --st-background-color: #fff !important;
  --st-secondary-background-color: #f2f5f9 !important; --cx-halo: #fff !important}
[data-testid="stApp"] :not(svg, svg *, [style*="color"], [style*="color"] *, .maplibregl-map *) {
  color: #15202e !important}
[data-testid="stMainBlockContainer"] {padding: 0 !important; max-width: none !important}
[data-testid="stVerticalBlock"] {display: block !important; height: auto !important}
[data-testid="stVerticalBlock"] > * {margin-bottom: .3rem}
[data-testid="stElementContainer"], [data-testid="stLayoutWrapper"], .stHtml {
  width: auto !important; max-width: 100% !important}
[data-testid="stHeader"], [data-testid="stToolbar"], [data-testid="stSidebar"],
[data-testid="stSkipToContent"], [data-testid="stDecoration"], [data-testid="stElementToolbar"],
[data-testid="stElementContainer"]:has([data-testid="stDataFrame"], [data-testid="stSkeleton"]),
[data-testid="stStatusWidget"], [data-testid="stTooltipIcon"],
.stButton, .stDownloadButton, .stPageLink, .stPopover, .stCheckbox, .stSlider, .stSelectbox,
.stTextInput, .stNumberInput, .stDateInput, .stMultiSelect, .stFileUploader, .stButtonGroup,
.stSpinner, [data-testid="stForm"], [data-testid="stExpander"], .maplibregl-ctrl-top-right,
.maplibregl-popup,
[data-testid="stTabs"] [role="tab"]:not([aria-selected="true"]),
[data-testid="stColumn"]:has(.wi-h), .cx-screen, [data-testid="stLayoutWrapper"]:has(>
  :is(.st-key-x_filters, .st-key-onward, [class*="st-key-downloads_"])) {display: none !important}

/* The question, as words. */
.st-key-importer .stSelectbox, .st-key-commodity .stSelectbox, .st-key-year .stSelectbox {
  display: flex !important; gap: .5em; align-items: baseline; font-size: .9rem}
:is(.st-key-importer, .st-key-commodity, .st-key-year) :is(label, input, div) {
  border: 0 !important; background: none !important; min-height: 0 !important; height: auto;
  padding: 0 !important; margin: 0 !important; box-shadow: none !important}
:is(.st-key-importer, .st-key-commodity, .st-key-year) label {flex: none; white-space: nowrap}
:is(.st-key-importer, .st-key-commodity, .st-key-year) button {display: none !important}
:is(.st-key-importer, .st-key-commodity, .st-key-year) input {font-weight: 650 !important;
  width: 100%; text-overflow: clip}
.st-key-by .stButtonGroup {display: block !important}
.st-key-by :is(label, button:not([aria-checked="true"])) {display: none !important}
.st-key-by button {border: 0 !important; background: none !important; padding: 0 !important;
  min-height: 0 !important; font-weight: 650}
[data-testid="stTabs"] [role="tablist"] > * {border: 0 !important}
[data-testid="stTabs"] [role="tab"] {padding: 0 !important; font-weight: 650}

/* Columns below each other, but for two charts and the three pickers. */
[data-testid="stHorizontalBlock"] {gap: .2rem 1.2rem !important; flex-wrap: wrap}
[data-testid="stColumn"] {min-width: 100% !important; width: auto !important}
:is(.st-key-question, .st-key-charts) [data-testid="stColumn"] {min-width: 0 !important;
  flex: 1 1 0 !important}
:is(.st-key-question, .st-key-charts) [data-testid="stHorizontalBlock"] {
  display: flex !important; flex-wrap: nowrap}
.st-key-question [data-testid="stColumn"] {flex: 0 0 30% !important}
.st-key-question [data-testid="stColumn"]:has(.stCheckbox) {display: none}
.st-key-frame {position: static !important; height: auto !important}

/* Nothing is cut in two. */
.cx-head, .cx-verdict, .cx-key, .wi-key, h1, h2, h3, caption,
[data-testid="stElementContainer"]:has(> .stHtml > :is(h2, h2 + .cx-small, .wi-key + .cx-small,
  .cx-paper.wi-part):last-child), [data-testid="stElementContainer"]:has(> .stHtml > .cx-side >
  h2 + .cx-small:last-child) {break-after: avoid}
tr, li, .cx-card, .cx-note, .cx-kpis, .wi-kpi, .cx-flow, .cx-map, .cx-spread > *,
[data-testid="stVegaLiteChart"], [data-testid="stFullScreenFrame"] {break-inside: avoid}
thead {display: table-header-group}
[data-testid="stVegaLiteChart"], [data-testid="stFullScreenFrame"] {height: auto !important;
  width: auto !important; overflow: visible !important}
svg.marks {max-width: 100% !important; height: auto !important; background: #fff !important}
svg.marks :is([class*="role-axis"], [class*="role-legend"], [class*="role-title"]) text {
  fill: #15202e !important}
svg.marks [class*="role-axis"] line {stroke: #dde3ea !important}
.cx-flow {font-size: .7rem}
.cx-grid {font-size: .74rem}
.cx-grid :is(th, td) {min-width: 2.9rem !important; padding: .2rem .3rem}
.cx-grid tbody th {min-width: 4.5rem !important}
.st-key-d_feeds_grid tbody th {min-width: 11rem !important}
.cx-said {font-size: .95rem}
.cx-map {height: auto !important; width: 100% !important; overflow: hidden}
.cx-canvas, .cx-canvas .maplibregl-canvas-container {position: static !important;
  height: auto !important; width: 100% !important}
.cx-canvas canvas {position: static !important; width: 100% !important; height: auto !important}
.cx-legend {position: static !important; max-width: none !important}
.cx-scroll {overflow: visible !important}
.cx-verdict {font-size: 1.25rem}
.cx-small {opacity: 1}

/* Tables in full. */
.cx-paper, [data-testid="stElementContainer"]:has(> .stHtml > .cx-paper:only-child),
[data-testid="stElementContainer"]:has(> .stHtml > .cx-foot) {display: block !important}
.cx-paper {font-size: .8rem; overflow-wrap: anywhere}
.cx-paper table {border-collapse: collapse; width: 100%; font-size: 7.6pt; line-height: 1.25}
.cx-paper :is(th, td) {border: 0; border-bottom: .5pt solid #c9d2dc; padding: 2.2pt 3pt;
  text-align: left; vertical-align: top; overflow-wrap: break-word}
.cx-paper th {font-weight: 650; border-bottom-color: #15202e}
.cx-paper td:first-child {font-weight: 600}
.cx-paper .cx-figure {text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap}
}
</style>"""
