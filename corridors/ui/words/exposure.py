"""Words of the exposure page."""

from __future__ import annotations

EXPOSURE: dict[str, tuple[str, str]] = {
    # The sentence on top.
    "x_verdict_but": (
        "The {commodity} imported by {importer} in {year} comes as if from {origins}, but only as "
        "if through {passages}.",
        "{year}年{importer}进口的{commodity}：来源相当于{origins}，通道却仅相当于{passages}。",
    ),
    "x_verdict_and": (
        "The {commodity} imported by {importer} in {year} comes as if from {origins} and as if "
        "through {passages}.",
        "{year}年{importer}进口的{commodity}：来源相当于{origins}，通道相当于{passages}。",
    ),
    "x_verdict_unknown": (
        "How the {commodity} imported by {importer} in {year} is spread over passages is not "
        "known.",
        "{year}年{importer}进口的{commodity}在各通道间的分布不详。",
    ),
    "x_verdict_every": (
        "{some} of the {all} commodities imported by {importer} in {year} are more concentrated "
        "by passage than by origin.",
        "{year}年{importer}进口的{all}种商品中，有{some}种的通道集中度高于来源地集中度。",
    ),
    "x_origins": ("{n} equal origins", "{n}个等量来源地"),
    "x_origins_one": ("a single origin", "单一来源地"),
    "x_corridors": ("{n} equal passages", "{n}条等量通道"),
    "x_corridors_one": ("a single passage", "单一通道"),
    "x_unknown_number": ("an unknown number", "数目不详"),
    # What is shown.
    "x_every": ("All commodities", "全部商品"),
    "x_every_help": (
        "One row an element and commodity. Takes some seconds the first time.",
        "每个要素、每种商品一行。首次计算需数秒。",
    ),
    "x_every_name": ("all commodities", "全部商品"),
    "x_beside": ("Risk beside", "并列风险"),
    "x_beside_help": (
        "Three numbers of now, never added up: what feeds say, what traffic shows, what the "
        "record of past disruptions says.",
        "三项当前数字，互不相加：信息源所报、交通量所示、历史中断记录所示。",
    ),
    "x_find": ("Find by name", "按名称查找"),
    "x_find_hint": ("strait, port, country …", "海峡、港口、国家……"),
    "x_least": ("At least this share", "比重不低于"),
    "x_any": ("any", "不限"),
    "x_grade": ("Quality at least", "数据质量不低于"),
    "x_reset": ("Reset filters", "清除筛选"),
    "x_none_left": (
        "No row of {all} passes the filters: {filters}. That says nothing about the cargo.",
        "{all}行中没有一行符合筛选条件：{filters}。这与货物本身无关。",
    ),
    "x_line": (
        "{shown} of {all} rows · filters: {filters} · data of {years} · licence of the trade data: "
        "{licence}",
        "{all}行中显示{shown}行 · 筛选：{filters} · {years}年数据 · 贸易数据许可：{licence}",
    ),
    "x_in_data": (
        "In the data for {importer} in {year}: {names}.",
        "数据中{importer}{year}年有进口记录的商品：{names}。",
    ),
    "x_no_filters": ("none", "无"),
    "x_filter_least": ("share at least {share}", "比重不低于{share}"),
    "x_filter_grade": ("quality at least “{quality}”", "质量不低于“{quality}”"),
    "x_filter_find": ("name holds “{text}”", "名称含“{text}”"),
    "x_table_alt": (
        "Exposure of {importer}: {commodity}, {kind}, largest share first.",
        "{importer}的敞口：{commodity}，{kind}，按比重从大到小。",
    ),
    # Risk beside.
    "x_threat": ("Threat", "威胁"),
    "x_threat_help": (
        "0–1 from the reports of feeds, as of the age beside it. Analytical, not an official "
        "warning.",
        "根据信息源报告得出，0至1，时效见旁列。分析参考，非政府发布预警。",
    ),
    "x_threat_state": ("Threat: state, age", "威胁：状态与时效"),
    "x_state_active": ("active", "有活动"),
    "x_state_calm": ("calm", "平静"),
    "x_state_stale": ("stale", "已过时"),
    "x_state_not_covered": ("not covered", "未覆盖"),
    "x_observed": ("Observed", "实测"),
    "x_observed_help": (
        "0–1: how far this week's ships are below the usual week. Empty where nobody counts or "
        "too few pass.",
        "0至1：本周船舶数低于常周的幅度。无人统计或船舶过少时为空。",
    ),
    "x_observed_age": ("Observed: age", "实测：时效"),
    "x_not_measured": ("not measured", "未测"),
    "x_structural": ("Disruption, 30 d", "30天中断概率"),
    "x_structural_help": (
        "Chance of a disruption within 30 days from the record of past ones, whatever is in the "
        "news. Empty where no rate is known.",
        "由历史中断记录得出的30天内中断概率，与当前新闻无关。频率不详时为空。",
    ),
    "x_closure": ("Closed, d/y", "年均关闭天数"),
    "x_days": ("{n} d", "{n}天"),
    "x_hours": ("{n} h", "{n}小时"),
    "x_age_unknown": ("age not known", "时效不详"),
    "x_risk_origin": (
        "Risk is of passages, lines, ports and corridors; an origin has no number of its own.",
        "风险数字针对通道、线路、港口和走廊；来源地没有此类数字。",
    ),
    "x_risk_line": (
        "Threat, observed and disruption stand apart and are never added up. Analytical "
        "reference, not an official warning. {uncovered} of {all} rows are covered by no feed "
        "that has answered: that is not calm.",
        "威胁、实测与中断三项各自独立，互不相加。参考等级，非政府发布预警。{all}行中有"
        "{uncovered}行未被任何已应答的信息源覆盖：未覆盖不等于平静。",
    ),
    "x_risk_empty": (
        "No feed has been asked on this machine yet, so threat and observed are not covered; the "
        "chance of disruption comes from the record.",
        "本机尚未获取任何信息源，威胁与实测均未覆盖；中断概率来自历史记录。",
    ),
    "x_risk_fault": (
        "The store of news could not be read ({fault}); threat and observed are missing, not zero.",
        "新闻库无法读取（{fault}）；威胁与实测缺失，不等于零。",
    ),
    "x_top": ("Reports behind the threat", "威胁依据的报告"),
    "x_top_help": (
        "Titles as published; not part of the downloads.",
        "按发布原文；不随文件下载。",
    ),
    "x_embedded": ("(of the project's own record, not news)", "（本项目自带记录，非新闻）"),
    # Who says so.
    "x_proof": ("Who says so", "出处"),
    "x_proof_pick": (
        "Row to explain: choose here, or tick a row of the table",
        "要说明的行：在此选择，或勾选表中一行",
    ),
    "x_on_map": ("Show on the map", "在地图上显示"),
    "x_if_closed": ("What if it closes", "假如关闭"),
    "x_proof_none": ("choose a row", "请选择一行"),
    "x_proof_line": (
        "{name}: {quantity} a year, {share} of the {commodity} imports, range {band}. The {n} "
        "flows below add up to it.",
        "{name}：每年{quantity}，占{commodity}进口的{share}，区间{band}。下列{n}笔贸易流量之和即为此数。",
    ),
    "x_proof_fails": (
        "The flows below add up to {sum}, not to this number: please report it.",
        "下列流量之和为{sum}，与此数不符，请反馈。",
    ),
    "x_recorded": ("Booked as", "申报为"),
    "x_origin": ("Origin", "来源地"),
    "x_passing": ("Passes here", "经过此处"),
    "x_passing_share": ("Part of the flow", "占该流量"),
    "x_flow": ("Whole flow", "该流量总量"),
    "x_data_year": ("Year of data", "数据年份"),
    "x_flow_quality": ("Quality of the flow", "流量质量"),
    "x_gate_quality": ("Quality of the ports", "港口分配质量"),
    "x_source": ("Source", "来源"),
    "x_source_row": ("Line of flows.csv", "flows.csv行号"),
    "x_gateways": ("Ports", "港口"),
    # The views below.
    "x_show": ("Also show", "其他视图"),
    "x_show_ways": ("Flow", "流向"),
    "x_show_spread": ("Concentration", "集中度"),
    "x_show_compare": ("Compare", "对比"),
    "x_show_once": ("Several at once", "多处合计"),
    "x_ways_head": (
        "From origin through the passage that decides the way: {commodity}, {importer}",
        "从来源地经关键通道：{importer}进口的{commodity}",
    ),
    "x_ways_help": (
        "Of all a cargo passes, the passage shown is the one most of the importer's cargo passes, "
        "as in the concentration of corridors. Width is tonnage.",
        "图中通道为该货物所经各处中该进口方货物经过最多的一处，与通道集中度口径一致。宽度表示吨位。",
    ),
    "x_ways_one": (
        "The flow is drawn for one commodity: the one chosen above.",
        "流向图只画一种商品，即上方所选商品。",
    ),
    "x_rest_origins": ("{n} more", "其余{n}个"),
    "x_rest_passages": ("{n} more passages", "其余{n}条通道"),
    "x_sea": ("by sea, no passage of the map", "海运，未经本图通道"),
    "x_key_chokepoint": ("chokepoint", "咽喉要道"),
    "x_key_pipeline": ("pipeline", "管道"),
    "x_key_railway": ("railway", "铁路"),
    "x_key_none": ("no passage of the map, or not known", "未经本图通道或不详"),
    "x_as_table": ("The same as a table", "同一内容的表格"),
    "x_through": ("Passage", "通道"),
    "x_spread_head": (
        "Concentration of origins against passages: imports of {importer}, {year}",
        "来源地与通道集中度对照：{importer}进口，{year}年",
    ),
    "x_spread_help": (
        "HHI, 0 many equal to 1 one holds all; the line is the range from the quality of the "
        "data. A diamond right of its circle: many suppliers behind few passages.",
        "HHI：0为众多且均等，1为一家独占；横线为数据质量所致区间。菱形在圆点右侧：来源地众多而通道有限。",
    ),
    "x_spread_few": ("0 · many equal", "0 · 众多均等"),
    "x_spread_one": ("1 · one holds all", "1 · 一家独占"),
    "x_spread_words": ("as if {origins}, {passages}", "相当于{origins}、{passages}"),
    "x_commodity": ("Commodity", "商品"),
    "x_hhi_origins": ("HHI, origins", "来源地HHI"),
    "x_hhi_corridors": ("HHI, passages", "通道HHI"),
    "x_equal_origins": ("As if equal origins", "等量来源地数"),
    "x_equal_corridors": ("As if equal passages", "等量通道数"),
    "x_imports": ("Imports", "进口量"),
    "x_against": ("Compare with", "对比进口方"),
    "x_against_year": ("in the year", "对比年份"),
    "x_same": (
        "Both sides are the same: choose another importer or year.",
        "两侧相同：请选择另一进口方或年份。",
    ),
    "x_against_none": (
        "{importer}: no imports of {commodity} in the data for {year}. That is not a zero.",
        "数据中没有{importer}{year}年进口{commodity}的记录。这不等于零。",
    ),
    "x_side": ("{importer} {year}", "{importer}{year}年"),
    "x_compare_line": (
        "Largest difference of share: {name}, {commodity}, {one} for {a}, {two} for {b}.",
        "比重差异最大：{name}（{commodity}），{a}为{one}，{b}为{two}。",
    ),
    "x_compare_nothing": (
        "No element carries the cargo of both.",
        "没有双方货物共同经过的要素。",
    ),
    "x_compare_note": (
        "Empty: that side is not known to pass there, which is no zero; no difference is made up.",
        "空白：未见该方货物经过，不等于零，不据此计算差值。",
    ),
    "x_share_of": ("Share, {side}", "比重，{side}"),
    "x_quantity_of": ("{unit}, {side}", "{unit}，{side}"),
    "x_difference": ("Difference, points", "差值（百分点）"),
    "x_quantity_difference": ("Difference, {unit}", "差值（{unit}）"),
    "x_where": ("Known for", "有记录的一方"),
    "x_where_both": ("both", "双方"),
    "x_where_one": ("only {side}", "仅{side}"),
    "x_ranges": ("Ranges", "区间"),
    "x_ranges_apart": ("apart", "不重叠"),
    "x_ranges_overlap": ("overlap", "重叠"),
    "x_together": ("Elements counted together", "合并计算的要素"),
    "x_together_hint": ("choose two or more", "请选择两处或更多"),
    "x_once_line": (
        "{share} of the {commodity} imported by {importer} passes at least one of {names}, each "
        "cargo counted once. Their shares add up to {sum}: that would count {more} again.",
        "{importer}进口的{commodity}有{share}至少经过{names}之一，每批货物只计一次。"
        "各处比重相加为{sum}，其中重复计入{more}。",
    ),
    "x_once_line_even": (
        "{share} of the {commodity} imported by {importer} passes at least one of {names}; no "
        "cargo passes two of them.",
        "{importer}进口的{commodity}有{share}至少经过{names}之一，没有货物同时经过其中两处。",
    ),
    "x_and": (" and ", "和"),
    "x_comma": (", ", "、"),
}
