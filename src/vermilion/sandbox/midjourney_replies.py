"""How a midjourney-proxy answers a submit, and how each dialect refuses a caller.

Codes and their texts: the proxies' sources. Almost everything comes with status 200.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from aiohttp import web

Dialect = Literal["java", "fork", "relay"]

REPLIES: dict[int, str] = {
    1: "提交成功",
    3: "无可用的账号实例",
    4: "参数错误",
    9: "系统异常",
    21: "Waiting for window confirm",
    22: "排队中，前面还有任务",
    23: "队列已满，请稍后尝试",
    24: "可能包含敏感词",
}


def reply(code: int, result: Any = None, description: str = "", **properties: Any) -> web.Response:
    """A submit's answer; refusals of one kind come with a status of their own (`missing`)."""
    body = {"code": code, "description": description or REPLIES.get(code, ""), "result": result}
    return web.json_response(body | {"properties": properties})


def missing(dialect: Dialect) -> web.Response:
    """A task that goes on from one nobody knows."""
    status = 404 if dialect == "fork" else 200
    body = {"code": 3, "description": "关联任务不存在或已失效", "result": None, "properties": {}}
    return web.json_response(body, status=status)


def thrown(message: str, status: int = 200) -> web.Response:
    """An exception of the successor, told by its outermost handler."""
    return web.json_response({"success": False, "code": -1, "message": message, "timestamp": 0}, status=status)


def relay_error(description: str, status: int = 400, code: int = 4) -> web.Response:
    """A gateway's own refusal."""
    return web.json_response({"description": description, "type": "upstream_error", "code": code}, status=status)


def refuse(dialect: Dialect, status: int) -> web.Response:
    """401, 403, 429, 500 and 503 in each dialect's words."""
    if dialect == "relay":
        if status == 429:
            return relay_error("当前分组负载已饱和，请稍后再试", 429, 30)
        if status == 403:
            return relay_error("quota_not_enough", 403)
        problem = {"message": "Invalid token" if status == 401 else "upstream", "type": "new_api_error"}
        return web.json_response({"error": problem}, status=status)
    if dialect == "fork":
        match status:
            case 401:
                return web.Response(status=401, text="Authorization header missing.")
            case 403:
                return web.Response(status=403, text="未登录")
            case 429:
                return web.Response(status=429, text="Too many requests")
        return thrown("Object reference not set to an instance of an object.", status)
    return web.Response(status=status)


def refusing(dialect: Dialect) -> Callable[[int], web.Response]:
    """The same for one dialect."""
    return lambda status: refuse(dialect, status)


def no_such_path(dialect: Dialect, method: str, path: str) -> web.Response:
    """What lies at no known path."""
    if dialect == "relay":
        problem = {"message": f"Invalid URL ({method} {path})", "type": "invalid_request_error"}
        return web.json_response({"error": problem}, status=404)
    return web.Response(status=404)
