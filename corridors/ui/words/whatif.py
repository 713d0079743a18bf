"""Words of the what-if page."""

from __future__ import annotations

WHATIF: dict[str, tuple[str, str]] = {
    "wi_exercise": ("Exercise", "演习"),
    "wi_exercise_more": (
        "A what-if, not a forecast: what the model says would follow, were this to happen.",
        "推演结果，非预报：假定情景发生时模型推算的后果。",
    ),
    "wi_first": (
        "Making the model of the whole world ready, once …",
        "正在准备全球模型（仅首次需要）……",
    ),
    "wi_thinking": ("Working out what would follow …", "正在推算后果……"),
    # Building a scenario.
    "wi_build": ("Scenario", "推演方案"),
    "wi_library": ("From the library", "从方案库选取"),
    "wi_library_pick": ("Choose a scenario", "选择方案"),
    "wi_library_load": ("Load", "载入"),
    "wi_add_kind": ("Add", "添加"),
    "wi_add_what": ("Which one", "具体名称"),
    "wi_add": ("Add to the scenario", "加入方案"),
    "wi_one_chokepoint": ("Chokepoint", "咽喉要道"),
    "wi_one_port": ("Port", "港口"),
    "wi_one_pipeline": ("Pipeline", "管道"),
    "wi_one_railway": ("Railway", "铁路"),
    "wi_one_origin": ("Exporter", "出口国"),
    "wi_clear": ("Clear all", "全部清除"),
    "wi_lost": ("Capacity lost", "通行能力损失"),
    "wi_lost_at": ("{name}: capacity lost", "{name}：通行能力损失"),
    "wi_supply_at": ("{name}: exports lost", "{name}：出口损失"),
    "wi_more": ("War risk, toll, delay", "战争险、通行费、延误"),
    "wi_more_at": ("{name}: war risk, toll, delay", "{name}：战争险、通行费、延误"),
    "wi_war": ("War-risk premium, % of hull value a transit", "战争险保费（每航次占船体价值%）"),
    "wi_toll": ("Added toll, USD/t", "加收通行费（美元/吨）"),
    "wi_delay": ("Added delay, days a transit", "每次通过延误（天）"),
    "wi_slow": (
        "A surcharge makes every route be searched anew: allow a few seconds.",
        "加收费用后须重新搜索全部航路，需时数秒。",
    ),
    "wi_draft": ("ships deeper than {m} m load light", "吃水超过{m}米的船舶须减载"),
    "wi_for": ("for {what}", "限{what}"),
    "wi_remove": ("Remove {name}", "移除{name}"),
    "wi_opened": ("Opened", "开通"),
    "wi_drawn": ("drawn by hand", "手绘"),
    "wi_days": ("How long it lasts, days", "持续天数"),
    "wi_fade": ("Then fades over, days", "随后恢复所需天数"),
    "wi_start": ("First day", "起始日期"),
    "wi_start_help": (
        "Only places the harvest in the year; without it, stocks have no harvest.",
        "仅用于确定收获期在年内的位置；不填则库存不计收获。",
    ),
    "wi_note": ("What is known and what is chosen", "已知事实与设定"),
    "wi_file": ("Scenario file", "方案文件"),
    "wi_save": ("Save as a file (.toml)", "保存为文件（.toml）"),
    "wi_open_file": ("Open a scenario file", "打开方案文件"),
    "wi_open_help": (
        "A .toml file saved here or by the command line. Names and notes travel in the file, "
        "not in the link.",
        "由本页或命令行保存的.toml文件。名称和说明只随文件保存，不写入链接。",
    ),
    "wi_bad_file": (
        "The file was not taken. Nothing here has changed. {count} found; the first: {fault}",
        "文件未被采用，当前方案不变。共有{count}处问题，首处：{fault}",
    ),
    "wi_fault_at": ("line {row}: {message}", "第{row}行：{message}"),
    "wi_bad_link": (
        "The link's scenario can't be read and was left out; at fault: “{piece}”.",
        "链接中的推演方案无法读取，已忽略；问题在于“{piece}”。",
    ),
    "wi_clash": (
        "These settings contradict each other; the last good answer is shown: {why}",
        "设定相互矛盾，显示的是上次有效的结果：{why}",
    ),
    "wi_cannot": ("This can't be answered: {why}", "无法推算：{why}"),
    "wi_link": (
        "The address of this page restores this scenario.",
        "本页网址可还原当前方案。",
    ),
    # Names of a scenario.
    "wi_closed": ("{name} closed", "{name}关闭"),
    "wi_limited": ("{name} −{share}", "{name}减少{share}"),
    "wi_dearer": ("{name} dearer", "{name}成本上升"),
    "wi_opens": ("{name} open", "{name}开通"),
    "wi_nothing": ("nothing closed", "未关闭任何通道"),
    "wi_and_more": (" and {count} more", "等{count}项"),
    "wi_lasting": ("{days} days", "{days}天"),
    "wi_changed": (", changed", "（已修改）"),
    # The verdict.
    "wi_v_lost": (
        "{share} of the {commodity} imported by {importer} would not arrive",
        "{importer}进口的{commodity}将有{share}无法运抵",
    ),
    "wi_v_lost_and": (
        ", and {share} would go another way, {days} days longer",
        "，另有{share}改道，多行{days}天",
    ),
    "wi_v_moved": (
        "All {commodity} imported by {importer} would still arrive: {share} of it another way, "
        "{days} days longer",
        "{importer}进口的{commodity}仍可全部运抵，其中{share}改道，多行{days}天",
    ),
    "wi_v_dearer": (
        "All {commodity} imported by {importer} would arrive as before, at {usd} USD/t more",
        "{importer}进口的{commodity}仍可照常运抵，每吨成本增加{usd}美元",
    ),
    "wi_v_later": (
        "All {commodity} imported by {importer} would arrive as before, {days} days later",
        "{importer}进口的{commodity}仍可照常运抵，但晚到{days}天",
    ),
    "wi_v_none": (
        "The {commodity} imported by {importer} would arrive as before",
        "{importer}进口的{commodity}不受影响",
    ),
    "wi_v_short": ("; short from day {day} on.", "；第{day}天起出现缺口。"),
    "wi_v_covered": ("; stocks would make up for it.", "；库存可弥补缺口。"),
    "wi_v_covered_least": (
        "; stocks would make up for it, if they can be drawn fast enough.",
        "；若库存可及时释放，足以弥补缺口。",
    ),
    "wi_v_unknown": ("; its stocks are not known.", "；库存不详。"),
    "wi_v_end": (".", "。"),
    "wi_empty": ("Nothing is closed yet.", "尚未关闭任何通道。"),
    "wi_empty_more": (
        "Load a scenario of the library, add an element, or click “What if it closes” on the map.",
        "请从方案库载入方案、添加要素，或在地图上点击“若关闭会怎样”。",
    ),
    "wi_conditions": (
        "{name}, {days}. Trade of {years}; in a year at this rate unless said otherwise.",
        "{name}，{days}。贸易数据年份：{years}；除另有说明外，均按年率计。",
    ),
    # The row of figures.
    "wi_k_arrives": ("Arrives", "可运抵"),
    "wi_k_rerouted": ("Another way", "改道"),
    "wi_k_lost": ("Does not arrive", "无法运抵"),
    "wi_k_cost": ("Added cost of those", "改道增加成本"),
    "wi_k_short": ("Short after stocks", "动用库存后缺口"),
    "wi_k_cover": ("Stock covers the gap", "库存可支撑"),
    "wi_k_per_year": (" a year", "/年"),
    "wi_k_delta": ("{delta} of imports", "占进口{delta}"),
    "wi_k_usual": ("usual {quantity}", "平时{quantity}"),
    "wi_k_days": ("{days} days longer", "多行{days}天"),
    "wi_k_over": ("over {days} days", "{days}天内"),
    "wi_k_first": ("from day {day} on", "第{day}天起"),
    "wi_k_never": ("never within {days} days", "{days}天内不会出现"),
    "wi_k_least": ("how fast stocks can be drawn is not known", "库存释放速度不详"),
    "wi_k_band_help": (
        "Nine in ten, doubt of the trade data alone.",
        "九成区间，仅计贸易数据的不确定性。",
    ),
    "wi_unknown": ("not known", "不详"),
    "wi_no_gap": ("no gap", "无缺口"),
    # Cargo that comes late may be short for days all the same; the card before this one says so.
    "wi_no_lasting": ("no lasting loss", "无持续减供"),
    "wi_day_count": ("{days} days", "{days}天"),
    "wi_over_year": ("over a year", "一年以上"),
    "wi_no_one": ("nothing goes another way", "无改道货物"),
    # The waterfall.
    "wi_waterfall": ("Where the imports go", "进口货物去向"),
    "wi_baseline": ("Usual imports", "平时进口"),
    "wi_delivered": ("As before", "照常运抵"),
    "wi_rerouted": ("Another way", "改道运抵"),
    "wi_unmet": ("No room", "运力不足"),
    "wi_infeasible": ("No way at all", "无路可走"),
    "wi_waterfall_help": (
        "No room: a way is known, but canals, pipelines, ships or the supplier have no more. No "
        "way at all: nothing that is open leads there.",
        "运力不足：有路可走，但运河、管道、船队或供应方已无余量。无路可走：没有任何开放的路线。",
    ),
    "wi_waterfall_alt": (
        "Bars from usual imports of {baseline} down: as before {delivered}, another way "
        "{rerouted}, no room {unmet}, no way at all {infeasible}, a year.",
        "瀑布图：平时进口{baseline}；照常运抵{delivered}，改道运抵{rerouted}，运力不足{unmet}，"
        "无路可走{infeasible}（每年）。",
    ),
    # The map.
    "wi_map": ("New routes against old", "新旧航路对比"),
    "wi_kept": ("as before", "不变"),
    "wi_left": ("used less or left", "减少或弃用"),
    "wi_new": ("used more or new", "增加或新用"),
    "wi_map_legend": ("Sea lanes, width by flow", "航线（粗细表示流量）"),
    "wi_map_alt": (
        "World map of the sea lanes for {commodity} to {importer}: solid thin lines as before, "
        "dashed lines used less, bold lines used more. The table of ways has the same figures.",
        "{importer}{commodity}进口航线世界地图：细实线不变，虚线减少，粗实线增加。航路表列有相同数字。",
    ),
    "wi_map_none": (
        "Nothing of this cargo sails, or no lane changes.",
        "此类货物不走海运，或航线无变化。",
    ),
    "wi_disrupted": ("disrupted", "受阻"),
    "wi_map_foot": (
        "Click a strait, canal, pipeline or railway to shut it too. Lanes under {share} of what "
        "sails are left out. Land: Natural Earth.",
        "点击海峡、运河、管道或铁路可将其一并关闭。"
        "占海运量不足{share}的航线未画出。陆地：Natural Earth。",
    ),
    "wi_map_click": ("Click to shut it", "点击可将其关闭"),
    "wi_before": ("Before", "之前"),
    "wi_after": ("After", "之后"),
    # Day by day.
    "wi_daily": ("Day by day", "逐日变化"),
    "wi_arrivals": ("Arrivals", "到货"),
    "wi_usual": ("Usual", "平时"),
    "wi_short": ("Short", "缺口"),
    "wi_stock": ("Usable stock", "可用库存"),
    "wi_day": ("Day", "天"),
    "wi_per_day": ("{unit} a day", "{unit}/日"),
    "wi_days_alt": (
        "Lines day by day over {days} days: arrivals fall to {low} a day at least, usual is "
        "{usual}; {short}.",
        "逐日折线，共{days}天：到货最低降至每日{low}，平时为{usual}；{short}。",
    ),
    "wi_alt_short": ("short {quantity} in all", "累计缺口{quantity}"),
    "wi_alt_no_short": ("nothing is short", "没有缺口"),
    "wi_alt_stock_unknown": ("stocks are not known", "库存不详"),
    "wi_stock_alt": (
        "Line of usable stock: {first} on the first day, {low} at its lowest.",
        "可用库存折线：首日{first}，最低{low}。",
    ),
    "wi_stock_unknown": (
        "No figure of this stock is in the data, so shortages after stocks are not known. That is "
        "not a zero.",
        "数据中没有该库存数字，因此动用库存后的缺口不详；这不等于零。",
    ),
    "wi_tables": ("Charts as tables", "以表格显示图中数字"),
    # What more there is.
    "wi_view": ("Look closer", "进一步查看"),
    "wi_view_respond": ("What to do", "应对措施"),
    "wi_view_ways": ("Ways", "航路"),
    "wi_view_origins": ("Origins", "来源地"),
    "wi_view_all": ("All commodities", "全部商品"),
    "wi_view_worst": ("Worst closures", "最不利组合"),
    "wi_view_compare": ("Side by side", "方案对比"),
    "wi_respond_none": (
        "Nothing of this cargo loses its way, so there is nothing to make up for.",
        "此类货物均照常运抵，无须应对。",
    ),
    "wi_respond_need": (
        "To be made up for over the scenario: {quantity}. Cheapest first; the last column is what "
        "the cheapest mix of them takes.",
        "情景期内需弥补：{quantity}。按成本由低到高排列；末列为成本最低组合的采用量。",
    ),
    "wi_option": ("Option", "措施"),
    "wi_reroute": ("Sail another way", "改道航行"),
    "wi_bypass": ("Bypass by line", "管道或铁路绕行"),
    "wi_supplier": ("Another supplier", "替代供应方"),
    "wi_stock_draw": ("Draw on stocks", "动用库存"),
    "wi_ration": ("Use less", "压减消费"),
    "wi_by_what": ("By what", "途径"),
    "wi_most": ("At most", "最多"),
    "wi_fair": ("Fair share", "合理份额"),
    "wi_fair_help": (
        "What is left when every importer that lost cargo asks for its share.",
        "所有受影响进口方按比例分配后可得的量。",
    ),
    "wi_taken": ("Taken", "采用"),
    "wi_usd": ("Added cost, USD/t", "增加成本（美元/吨）"),
    "wi_ready": ("First after, days", "最快到货（天）"),
    "wi_source": ("Source", "来源"),
    "wi_load": ("From", "装货"),
    "wi_land_at": ("To", "卸货"),
    "wi_by_way": ("Through", "经由"),
    "wi_open_sea": ("open sea", "公海"),
    "wi_origin": ("Origin", "来源地"),
    "wi_ways_foot": (
        "The {count} ways that change most, of {all}.",
        "共{all}条航路，列出变化最大的{count}条。",
    ),
    "wi_change": ("Change", "变化"),
    "wi_worst_k": ("Closed at once", "同时关闭数量"),
    "wi_worst_among": ("Among", "范围"),
    "wi_worst_go": ("Find the worst", "查找最不利组合"),
    "wi_worst_more": (
        "Which closures would hurt these imports most, proved over all sets of that many. Two at "
        "once take seconds, three can take minutes; changing anything stops it. Stocks, full "
        "canals and the fleet are left out.",
        "在全部组合中证明哪些关闭对该项进口损害最大。两处约需数秒，三处可能需数分钟；改动任何选项即停止。"
        "不计库存、运河拥堵和船队限制。",
    ),
    "wi_worst_busy": ("Going through the sets …", "正在逐一检查组合……"),
    "wi_worst_proof": (
        "{sets} sets: {equal} no worse than a smaller one, {bounded} ruled out by their bound, "
        "{answered} answered in full.",
        "共{sets}种组合：{equal}种不比更小的组合更差，{bounded}种由上界排除，{answered}种完整推算。",
    ),
    "wi_worst_none": ("Nothing of that kind carries this cargo.", "此类货物不经过该类设施。"),
    "wi_worst_set": ("Closed together", "同时关闭"),
    "wi_harm": ("Harm, million USD a year", "损失（百万美元/年）"),
    "wi_lost_t": ("Does not arrive", "无法运抵"),
    "wi_proved": ("Proved", "已证明"),
    "wi_yes": ("yes", "是"),
    "wi_no": ("no", "否"),
    "wi_try": ("Try the worst as a scenario", "将最不利组合作为方案"),
    "wi_against": ("Compare with", "对比方案"),
    "wi_keep": ("Keep this one for comparing", "保留当前方案用于对比"),
    "wi_kept_one": ("Kept: {name}", "已保留：{name}"),
    "wi_this": ("This scenario", "当前方案"),
    "wi_other": ("The other", "对比方案"),
    "wi_figure": ("Figure", "指标"),
    "wi_difference": ("Difference", "差值"),
    "wi_only_here": ("Only here: {what}", "仅当前方案：{what}"),
    "wi_only_there": ("Only in the other: {what}", "仅对比方案：{what}"),
    "wi_same": ("Both say the same.", "两个方案相同。"),
    "wi_f_delivered_t": ("Arrives as before", "照常运抵"),
    "wi_f_rerouted_t": ("Another way", "改道运抵"),
    "wi_f_unmet_t": ("No room", "运力不足"),
    "wi_f_infeasible_t": ("No way at all", "无路可走"),
    "wi_f_added_days": ("Added days of those rerouted", "改道增加天数"),
    "wi_f_added_cost_usd_t": ("Added cost of those, USD/t", "改道增加成本（美元/吨）"),
    "wi_f_unmet_after_stock_t": ("Short after stocks, over the scenario", "情景期动用库存后缺口"),
    "wi_f_first_short_day": ("First day short", "首个缺口日"),
    # Files.
    "wi_save_answer": ("The answer as a file", "下载结果"),
    "wi_table_summary": ("Summary", "汇总"),
    "wi_table_days": ("Day by day", "逐日"),
    "wi_table_ways": ("Ways", "航路"),
    "wi_table_origins": ("Origins", "来源地"),
    "wi_table_elements": ("Elements", "要素"),
    "wi_table_responses": ("What to do", "应对措施"),
    "wi_files_more": (
        "JSON and Excel hold all tables, the scenario and the sources; CSV and Parquet the table "
        "chosen. Every row says that it is an exercise.",
        "JSON和Excel含全部表格、方案与来源；CSV和Parquet只含所选表格。每行均标明“演习”。",
    ),
}
