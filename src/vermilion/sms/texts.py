"""What a message says: Chinese to mainland numbers, English to all others."""

from collections.abc import Mapping

from vermilion.sms.port import Purpose

MAINLAND = "+86"

_CHINESE: Mapping[Purpose, str] = {
    "register": "您的注册验证码是{code}，{minutes}分钟内有效。请勿告诉他人。",
    "login": "您的登录验证码是{code}，{minutes}分钟内有效。请勿告诉他人。",
    "bind": "您正在绑定手机号，验证码是{code}，{minutes}分钟内有效。请勿告诉他人。",
    "change": "您正在更改账号信息，验证码是{code}，{minutes}分钟内有效。请勿告诉他人。",
}

_ENGLISH: Mapping[Purpose, str] = {
    "register": "{code} is your code to sign up. It works for {minutes} minutes. Tell it to nobody.",
    "login": "{code} is your code to sign in. It works for {minutes} minutes. Tell it to nobody.",
    "bind": "{code} is your code to add this number. It works for {minutes} minutes. Tell it to nobody.",
    "change": "{code} is your code to confirm a change. It works for {minutes} minutes. Tell it to nobody.",
}


def message(phone: str, purpose: Purpose, variables: Mapping[str, str]) -> str:
    """The whole text, without a signature."""
    texts = _CHINESE if phone.startswith(MAINLAND) else _ENGLISH
    return texts[purpose].format(**variables)
