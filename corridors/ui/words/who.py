"""Words about who is signed in."""

from __future__ import annotations

WHO: dict[str, tuple[str, str]] = {
    "who_sign_in": ("Sign in to see anything here.", "请先登录。"),
    "who_too_long": (
        "You signed in too long ago; please do so again.",
        "登录已过期，请重新登录。",
    ),
    "who_not_let_in": (
        "You are signed in, but not among those who may see this. Ask whoever runs this server.",
        "您已登录，但无权访问。请联系本服务器管理员。",
    ),
    "who_button": ("Sign in with {provider}", "使用{provider}登录"),
    "who_provider": ("your organisation", "单位账号"),
    "who_out": ("Sign out", "退出登录"),
    "who_reader": ("reader", "只读用户"),
    "who_editor": ("editor", "编辑用户"),
    "who_signed_as": ("Signed as {name}", "署名：{name}"),
    "who_reader_only": (
        "you are signed in as a reader: only editors may write",
        "您以只读用户身份登录：仅编辑用户可写入",
    ),
    "who_set_up_wrong": (
        "Sign-in is not set up rightly, so nothing is shown.",
        "登录设置有误，暂不显示任何内容。",
    ),
}
