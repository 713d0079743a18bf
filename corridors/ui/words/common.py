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
    "WLD": ("World", "全世界"),
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
        "{commodity}. The table below has the same figures.",
        "世界地图：{importer}{commodity}进口所用的航线、港口、管道、铁路和咽喉要道。下表列有相同数字。",
    ),
    "legend_share": ("Chokepoint, share of imports", "咽喉要道占进口比重"),
    "legend_lane": ("Sea lane, width by flow", "航线（粗细表示流量）"),
    "legend_load": ("Port of loading", "装货港"),
    "legend_land": ("Port of landing", "卸货港"),
    "legend_pipeline": ("Pipeline", "管道"),
    "legend_railway": ("Railway", "铁路"),
    "legend_planned": ("planned, in construction or idle", "规划、在建或停用"),
    "legend_unused": (
        "Pale: not used by this cargo. Lanes under 0.3 % of imports are left out.",
        "浅色：此类货物未经过。占进口不足0.3%的航线未画出。",
    ),
    "tip_lane": ("Sea lane", "航线"),
    "tip_flow": ("{quantity} · {share} of imports", "{quantity} · 占进口{share}"),
    "tip_band": ("range {band}", "区间{band}"),
    "tip_no_flow": (
        "None of this cargo is known to pass here",
        "未见此类货物经过",
    ),
    "tip_quality": ("{quality} · data of {years}", "{quality} · {years}年数据"),
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
    "attribution": (
        "Land: Natural Earth. Sea network: Eurostat marnet through searoute. Pipelines: Global "
        "Energy Monitor, CC BY 4.0. Railways: GeoNames, CC BY 4.0. Trade: FAOSTAT, CC BY 4.0; "
        "CEPII BACI; Energy Institute. Ports: World Port Index; UN/LOCODE.",
        "陆地：Natural Earth。海运网络：Eurostat marnet（经searoute）。管道：Global Energy "
        "Monitor，CC BY 4.0。铁路：GeoNames，CC BY 4.0。贸易：FAOSTAT，CC BY 4.0；CEPII BACI；"
        "Energy Institute。港口：World Port Index；UN/LOCODE。",
    ),
}
