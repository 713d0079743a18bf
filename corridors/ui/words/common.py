"""Words of all pages and of the map."""

from __future__ import annotations

COMMON: dict[str, tuple[str, str]] = {
    "page_map": ("Map", "地图"),
    "page_exposure": ("Exposure", "敞口"),
    "page_whatif": ("What if", "推演"),
    "page_warnings": ("Warnings", "预警"),
    "page_data": ("Feeds and data", "信息源与数据"),
    "title": ("Corridor Exposure", "运输走廊风险敞口"),
    "tagline": (
        "What a country's energy and grain ride on",
        "各国能源与粮食进口依赖哪些通道",
    ),
    "language": ("Language", "语言"),
    "importer": ("Importer", "进口方"),
    "commodity": ("Commodity", "商品"),
    "year": ("Year", "年份"),
    "base_year": ("{year} (base)", "{year}（基准年）"),
    "malaysia": ("Malaysia-labelled crude counts as Iranian", "标为马来西亚的原油计作伊朗原油"),
    "malaysia_help": (
        "Customs book much sanctioned Iranian crude as Malaysian. Off: as customs say. "
        "On: all of China's Malaysian crude sails from Iran.",
        "部分受制裁的伊朗原油在海关记为马来西亚原油。关：按海关口径；开：中国自马来西亚进口的原油全部按自伊朗起运计算。",
    ),
    "computing": ("Finding the routes …", "正在计算航路……"),
    "loading": ("Opening the network …", "正在载入网络……"),
    "unknown_link": (
        "The link asks for {what} “{value}”, which is not in the data; the default is shown.",
        "链接中的{what}“{value}”不在数据中，已改用默认值。",
    ),
    "no_flows": (
        "{importer}: no imports of {commodity} in the data for {year}.",
        "数据中没有{importer}{year}年进口{commodity}的记录。",
    ),
    "no_flows_more": (
        "That is not a zero: small flows and some reporters are missing. Try another commodity "
        "or year.",
        "这不等于零：小额贸易和部分申报方未收录。请换一种商品或年份。",
    ),
    "verdict": (
        "{share} of the {commodity} imported by {importer} in {year} passes {name}",
        "{year}年{importer}进口的{commodity}有{share}经过{name}",
    ),
    "verdict_only": (" and has no other way.", "，别无他路。"),
    "verdict_part": (
        ", {part} of it with no other way.",
        "，其中{part}别无他路。",
    ),
    "verdict_next": (
        "; {share} passes {name} and has no other way.",
        "；{share}经过{name}，别无他路。",
    ),
    "verdict_end": (".", "。"),
    "verdict_none": (
        "None of the {commodity} imported by {importer} in {year} is known to pass a strait, "
        "canal, pipeline or railway of this map.",
        "{year}年{importer}进口的{commodity}未见经过本图所列的海峡、运河、管道或铁路。",
    ),
    "calm": (
        "Data of {years}. Routes as in calm times. Estimates are marked {mark}.",
        "数据年份：{years}。航路按平时情况计算。估计值以{mark}标出。",
    ),
    "assumed": (
        " Assumes: Malaysia-labelled crude is Iranian.",
        " 假设：标为马来西亚的原油实为伊朗原油。",
    ),
    # What became of the cargo.
    "placed": ("How it arrives", "如何运抵"),
    "imports": ("{quantity} imported", "进口{quantity}"),
    "sea": ("by sea", "海运"),
    "land": ("by land: pipeline, rail or border", "陆运：管道、铁路或口岸"),
    "overland": ("over a land border, line not known", "陆路口岸，线路不详"),
    "no_gateway": ("no port or line known", "港口或线路不详"),
    "unplaced": ("origin not known", "来源地不详"),
    "infeasible": ("no way fits any ship", "无船可通行"),
    "hhi": ("Concentration (HHI)", "集中度（HHI）"),
    "hhi_origins": ("of origins", "来源地"),
    "hhi_corridors": ("of corridors", "通道"),
    "hhi_help": (
        "Herfindahl–Hirschman index: sum of squared shares; 1 when one holds everything. Many "
        "suppliers behind one strait: low for origins, high for corridors.",
        "赫芬达尔—赫希曼指数：份额平方和，1表示完全集中。多个来源国共用一条海峡时，来源地集中度低而通道集中度高。",
    ),
    "hhi_missing": ("not known", "不详"),
    # The map.
    "map_alt": (
        "World map: sea lanes, ports, pipelines, railways and chokepoints used by {importer} for "
        "{commodity}. The page Exposure has the same figures as a table.",
        "世界地图：{importer}{commodity}进口所用的航线、港口、管道、铁路和咽喉要道。“敞口”页以表格列出相同数字。",
    ),
    "legend_hollow": ("nothing known", "无信息"),
    "legend_lane": ("sea lane, width by flow", "航线（粗细表示流量）"),
    "legend_load": ("port of loading", "装货港"),
    "legend_land": ("port of landing", "卸货港"),
    "legend_pipeline": ("pipeline", "管道"),
    "legend_railway": ("railway", "铁路"),
    "legend_event": ("event", "事件"),
    "legend_more": (
        "Size is the importer's flow, colour the risk; pale with a broken rim: stale; hollow: not "
        "covered or not known, which is not calm. Lines keep their own colour where no risk of "
        "them is known, dashed ones are not built, pale ones not used. Hollow triangles are of "
        "the embedded set and no news. Lanes under 0.3 % of imports are left out.",
        "大小表示该进口方的流量，颜色表示风险；浅色虚框为信息过期；空心为未覆盖或不详，并不等于平静。"
        "无风险信息的线路用本色，虚线为未建成，浅色为此类货物未使用。空心三角来自内置资料，不是最新消息。"
        "占进口不足0.3%的航线未画出。",
    ),
    "map_failed": (
        "This browser could not draw the map (no WebGL, or its library is missing: make install). "
        "The list beside it and the page Exposure say the same.",
        "此浏览器无法绘制地图（缺少WebGL，或地图组件未安装：make install）。"
        "可改用旁边的列表和“敞口”页的表格。",
    ),
    "zoom_in": ("Zoom in", "放大"),
    "zoom_out": ("Zoom out", "缩小"),
    "layers": ("Layers", "图层"),
    "layer_lanes": ("Sea lanes", "航线"),
    "layer_ports": ("Ports", "港口"),
    "layer_pipelines": ("Pipelines", "管道"),
    "layer_railways": ("Railways", "铁路"),
    "layer_chokepoints": ("Chokepoints", "咽喉要道"),
    "layer_events": ("Events", "事件"),
    # The tour of a first visit.
    "tour_open_button": ("Tour of this page", "页面导览"),
    "tour_next_button": ("Next", "下一步"),
    "tour_back_button": ("Back", "上一步"),
    "tour_skip_button": ("Skip", "跳过"),
    "tour_done_button": ("Done", "完成"),
    "tour_ask": ("1. Ask", "一、提问"),
    "tour_ask_text": (
        "Any importing country, any energy or grain commodity, any year of the data. All pages "
        "answer the same question.",
        "任选进口方、能源或粮食商品以及年份，各页面回答同一个问题。",
    ),
    "tour_read": ("2. Read the verdict", "二、看结论"),
    "tour_read_text": (
        "One sentence: what is wrong now for this importer, or what its cargo rides on. Below it "
        "stands how old the data are.",
        "一句话说明该进口方当前的问题或其货物依赖的通道，下方注明数据日期。",
    ),
    "tour_look": ("3. Look closer", "三、看细节"),
    "tour_look_text": (
        "Diamonds are straits and canals: size is the importer's flow, colour the risk, hollow "
        "means that nobody looks there. Click one for what rides on it, reports, traffic, other "
        "ways, and the flows behind every number.",
        "菱形为海峡和运河：大小表示该进口方的流量，颜色表示风险，空心表示无人监测。"
        "点击可查看经过的货物、消息、通航量、替代路线以及每个数字背后的贸易流。",
    ),
    "tour_go": ("4. Go on", "四、继续"),
    "tour_go_text": (
        "Tables and files, what-if exercises, warnings with bulletins for five readers, and the "
        "state of every feed. The address of a page restores the view.",
        "表格与文件、推演、面向五类读者的预警通报，以及各信息源状态。页面网址可还原当前视图。",
    ),
    # Risk.
    "colour_by": ("Colour shows", "颜色表示"),
    "colour_level": ("Warning level", "预警等级"),
    "colour_threat": ("Threat, by news", "威胁（依据消息）"),
    "colour_observed": ("Observed fall of traffic", "实测通航下降"),
    "colour_structural": ("Long-run rate, 30 days", "长期中断概率（30天）"),
    "by_level": ("Level", "等级"),
    "by_threat": ("Threat", "威胁"),
    "by_observed": ("Traffic", "实测"),
    "by_structural": ("Long-run rate", "长期概率"),
    "colour_help": (
        "Three numbers that are never blended. Threat: what feeds say, by distance, age and "
        "severity. Observed: how far traffic is below its usual week. Long-run: how likely a "
        "disruption within 30 days has been over the years. Levels: warnings that stand for this "
        "importer and commodity; analytical reference, not an official warning.",
        "三个数字并列，从不合成。威胁：信息源所述事件，按距离、时间和严重程度计。实测：通航量低于平常一周的幅度。"
        "长期：多年来30天内发生中断的概率。等级：对该进口方和商品仍有效的预警；参考等级,非政府发布预警。",
    ),
    "sign_none": ("–", "–"),
    "sign_blue": ("B", "蓝"),
    "sign_yellow": ("Y", "黄"),
    "sign_orange": ("O", "橙"),
    "sign_red": ("R", "红"),
    "risk_not_covered": ("not covered by any feed", "无信息源覆盖"),
    "risk_no_series": ("no daily count to judge", "无可供判断的逐日数据"),
    "risk_not_known": ("not known", "不详"),
    "risk_structural_note": ("chance of a disruption within 30 days", "30天内发生中断的概率"),
    "risk_age": ("{days} d old", "{days}天前"),
    "risk_stale": ("stale, {days} d old", "已过期，{days}天前"),
    "not_judged": ("not judged", "未评估"),
    "reference": (
        "Analytical reference, not an official warning.",
        "参考等级,非政府发布预警。",
    ),
    # The verdict on what is wrong now.
    "now_level": (
        "Level {level} for the {commodity} of {importer}: traffic at the {name} falls below its "
        "season within 14 days with a probability of {chance}, and {share} of imports pass it.",
        "{importer}{commodity}参考等级为{level}：{name}14天内通航低于季节常态的概率为{chance}，进口的{share}经过此处。",
    ),
    "now_level_seen": (
        "Level {level} for the {commodity} of {importer}: {seen} ships a day pass the {name}, "
        "where {usual} are usual, and {share} of imports go that way.",
        "{importer}{commodity}参考等级为{level}：{name}日均通过{seen}艘次，常态为{usual}艘次；进口的{share}经过此处。",
    ),
    "now_more": (" {count} more levels stand.", "另有{count}条有效。"),
    "now_data": (
        "Data to {day}, sent {sent}. ",
        "数据截至{day}，发出于{sent}。",
    ),
    "now_calm": (
        "No warning stands for the {commodity} of {importer}.",
        "{importer}{commodity}目前没有有效预警。",
    ),
    "now_judged": ("Looked at on {day}. ", "评估于{day}。"),
    "now_observed": (
        "Traffic at {name} is {fall} below its usual week; {share} of the {commodity} imported by "
        "{importer} passes it.",
        "{name}通航量比平常一周低{fall}；{importer}进口的{commodity}有{share}经过此处。",
    ),
    "now_threat": (
        "News speaks of danger at {name} (threat {threat}); {share} of the {commodity} imported "
        "by {importer} passes it.",
        "消息显示{name}有风险（威胁{threat}）；{importer}进口的{commodity}有{share}经过此处。",
    ),
    "now_as_of": ("As of {day} ({days} d ago). ", "截至{day}（{days}天前）。"),
    "no_live": (
        "No live data: long-run rates and the embedded set only.",
        "无实时数据：仅有长期概率和内置资料。",
    ),
    "all_stale": (
        "All news is stale: the newest is of {day}. Refresh the feeds.",
        "全部消息均已过期：最新为{day}。请刷新信息源。",
    ),
    "store_fault": (
        "The store of news could not be read, so long-run rates only: {fault}",
        "消息库无法读取，仅显示长期概率：{fault}",
    ),
    # What is chosen on the map.
    "element": ("Element of the map", "地图要素"),
    "element_none": ("– choose, or click the map –", "– 选择，或点击地图 –"),
    "most": ("Carries most of it", "承运最多的要素"),
    "all_files": ("The whole table, and files", "完整表格与文件下载"),
    "rides": ("What rides on it", "经过的货物"),
    "rides_none": (
        "None of this cargo is known to pass here.",
        "未见此类货物经过。",
    ),
    "rides_share": (
        "{share} of {commodity} imports, {quantity} a year (range {band})",
        "占{commodity}进口的{share}，每年{quantity}（区间{band}）",
    ),
    "rides_origins": ("Origins", "来源地"),
    "rides_commodities": ("All commodities of {importer}", "{importer}的全部商品"),
    "rides_counting": ("Counting all commodities …", "正在统计全部商品……"),
    "reports": ("Reports behind the threat", "威胁所依据的消息"),
    "reports_all": ("Reports that weigh most", "影响最大的消息"),
    "reports_all_none": (
        "No report reaches a passage of this cargo.",
        "没有消息涉及此类货物的通道。",
    ),
    "reports_none": ("No report reaches it.", "没有涉及此处的消息。"),
    "reports_hollow": (
        "No feed looks here, so silence says nothing.",
        "没有信息源覆盖此处，无消息不代表平静。",
    ),
    "report_age": ("{source}, {days} d ago", "{source}，{days}天前"),
    "report_embedded": (
        "{days} d ago · embedded set, no news",
        "{days}天前 · 内置资料，非最新消息",
    ),
    "traffic": ("Ships a day against the season", "每日船舶数与季节常态"),
    "traffic_seen": ("seven-day mean", "七日均值"),
    "traffic_usual": ("usual for the season", "季节常态"),
    "traffic_none": ("No daily series of ships here.", "此处没有逐日船舶数据。"),
    "traffic_to": (
        "{ratio} of the usual tonnage in the seven days to {day}",
        "截至{day}的七天，吨位为常态的{ratio}",
    ),
    "ways": ("If it is lost", "一旦中断"),
    "ways_all": ("No other way for any of it.", "全部别无他路。"),
    "ways_part": (
        "{part} has no other way; the rest would take {days} more days and {cost} USD/t more.",
        "{part}别无他路；其余绕行增加{days}天、每吨{cost}美元。",
    ),
    "ways_rest": (
        "All of it has another way: {days} more days, {cost} USD/t more.",
        "全部有替代路线：增加{days}天、每吨{cost}美元。",
    ),
    "ways_unknown": ("Not known.", "不详。"),
    "instead": ("Exercise: shut for {days} days", "演习：关闭{days}天"),
    "instead_more": ("Carries more then, a year", "届时多承运（按年计）"),
    "what_if": ("What if it closes", "推演其关闭"),
    "explain": ("Explain this number", "解释这个数字"),
    "explain_text": (
        "Each line is a flow of the data, the part of it that passes and its source; the parts add "
        "up to the number.",
        "每行是一条贸易流、其经过此处的比例和来源；各行之和即为该数字。",
    ),
    "origin_name": ("Origin", "来源地"),
    "flow_t": ("Flow, t/yr", "贸易流（吨/年）"),
    "passing_share": ("Passes here", "经过比例"),
    "quantity_t": ("Passes, t/yr", "经过量（吨/年）"),
    "source": ("Source", "来源"),
    "tip_lane": ("Sea lane", "航线"),
    "tip_flow": ("{quantity} · {share} of imports", "{quantity} · 占进口{share}"),
    "tip_band": ("range {band}", "区间{band}"),
    "tip_no_flow": (
        "None of this cargo is known to pass here",
        "未见此类货物经过",
    ),
    "load": ("loads here", "在此装货"),
    "discharge": ("lands here", "在此卸货"),
    "through": ("passes through", "经过"),
    # Kinds of element.
    "by": ("Exposure by", "按类别查看"),
    "chokepoint": ("Chokepoints", "咽喉要道"),
    "corridor": ("Corridors", "走廊"),
    "port": ("Ports", "港口"),
    "pipeline": ("Pipelines", "管道"),
    "railway": ("Railways", "铁路"),
    "origin": ("Origins", "来源地"),
    "none_of_kind": (
        "No {kind} of the data carries this cargo.",
        "数据中没有承运此类货物的{kind}。",
    ),
    # Columns.
    "name": ("Name", "名称"),
    "share": ("Share of imports", "占进口比重"),
    "share_help": (
        "Of all the importer's imports of the commodity. Shares overlap: one cargo passes several.",
        "占该进口方此类商品进口总量的比重。同一货物会经过多处，各项之和可超过100%。",
    ),
    "band": ("Range", "区间"),
    "band_help": (
        "Nine in ten: doubt about route choice and about the data together.",
        "九成区间：兼顾航路选择与数据两方面的不确定性。",
    ),
    "no_alternative_share": ("No other way", "别无他路"),
    "no_alternative_help": (
        "Part of what passes here that has no other route or gateway at any cost.",
        "经过此处的货物中，不计成本也没有其他路线或口岸可走的部分。",
    ),
    "added_cost_usd_t": ("Detour, USD/t", "绕行成本（美元/吨）"),
    "added_days": ("Detour, days", "绕行天数"),
    "added_help": (
        "What the rest would pay and wait on its next best way. Empty when nothing has one.",
        "其余货物改走次优路线时每吨增加的成本和天数；全无替代时为空。",
    ),
    "consumption_share": ("Share of use", "占消费比重"),
    "consumption_help": (
        "Of the importer's yearly consumption. Empty where consumption is not known.",
        "占该进口方全年消费量的比重；消费量不详时为空。",
    ),
    "quality": ("Quality", "数据质量"),
    "official": ("official", "官方"),
    "secondary": ("published compilation", "二手资料"),
    "estimate": ("estimate", "估计"),
    "memory": ("recalled, not checked", "未核实"),
    "data_years": ("Data of", "数据年份"),
    # Getting it out, and where it comes from.
    "download": ("Download", "下载"),
    "share_link": (
        "The address of this page restores this view.",
        "本页网址可还原当前视图。",
    ),
    "sources": ("Sources and licences", "数据来源与许可"),
    "file": ("File", "文件"),
    "holds": ("What it holds", "内容"),
    "publisher": ("Publisher", "发布者"),
    "licence": ("Licence", "许可"),
    "url": ("Address", "网址"),
    "cited": ("Cited in this table", "本表引用"),
    "trade_chosen": ("Imported trade: {trade}.", "导入的贸易数据：{trade}。"),
    "attribution": (
        "Land: Natural Earth. Sea network: Eurostat marnet through searoute. Pipelines: Global "
        "Energy Monitor, CC BY 4.0. Railways: GeoNames, CC BY 4.0. Trade: FAOSTAT, CC BY 4.0; "
        "CEPII BACI; Energy Institute. Ports: World Port Index; UN/LOCODE.",
        "陆地：Natural Earth。海运网络：Eurostat marnet（经searoute）。管道：Global Energy "
        "Monitor，CC BY 4.0。铁路：GeoNames，CC BY 4.0。贸易：FAOSTAT，CC BY 4.0；CEPII BACI；"
        "Energy Institute。港口：World Port Index；UN/LOCODE。",
    ),
}
