"""Colours and subjects that the words of a prompt suggest, in Chinese and English."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace

Colour = tuple[int, int, int]

_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one picture. `washes` go from the palest, for what is far, to the deepest."""

    name: str
    paper: Colour
    ink: Colour
    washes: tuple[Colour, ...]
    accent: Colour
    bloom: Colour


def _rgb(text: str) -> Colour:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _palette(name: str, colours: str) -> Palette:
    """From paper, ink, four washes, accent and bloom, in that order."""
    paper, ink, *washes, accent, bloom = (_rgb(colour) for colour in colours.split())
    return Palette(name, paper, ink, tuple(washes), accent, bloom)


PALETTES: dict[str, Palette] = {
    palette.name: palette
    for palette in (
        _palette("ink", "f2eadb 1c2024 d3cfc4 a3a8a6 6c767a 3a444b d4351c e8806a"),
        _palette("indigo", "f0e8d8 0f2340 c3d0cf 7fa6b0 3f7390 1d466f dd4226 f0b49a"),
        _palette("jade", "f0eedd 142a22 cfd8bd 9bb591 5d8a6c 2c5b49 d6452a efc0a0"),
        _palette("ember", "f7e3cb 32100f f0c093 e08d5b bb4c32 7b2320 d22c17 f6a77d"),
        _palette("gold", "f6ebd0 2f1f0d ead19a d6ab58 a97a2c 694718 cc3a1d f0c987"),
        _palette("dusk", "f3dfd2 241a33 e3b9ae b98a9c 7b5f86 453a63 e0452b f3b39a"),
        _palette("snow", "f1f1ec 27313a dbe2e3 b3c2c9 7f96a2 4b6170 cf3720 e9a9a0"),
        _palette("spring", "f6ece2 2a2a26 e6d7cc c9b9a6 93957c 55604e d94a3a f2a3a3"),
    )
}

_COLOUR_WORDS: dict[str, str] = {
    "indigo": "海 浪 水 蓝 藍 河 江 湖 雨 船 鱼 sea ocean wave waves water blue river lake rain ship boat indigo",
    "jade": "森 林 绿 綠 竹 草 春山 茶 forest green bamboo jungle tea leaf leaves garden jade moss",
    "ember": "红 紅 火 朱 夕阳 夕陽 赤 龙 龍 red fire sunset vermilion crimson dragon lava fox mars",
    "gold": "金 秋 黄 黃 沙 麦 麥 gold golden autumn yellow desert sand wheat honey tiger sun",
    "dusk": "紫 暮 梦 夢 霞 霓虹 purple violet dusk dream twilight neon lavender cyberpunk",
    "snow": "雪 冰 冬 白 霜 snow ice winter white frost cold arctic crane",
    "spring": "花 樱 櫻 梅 桃 粉 春 flower flowers blossom sakura pink rose cherry peach spring girl cat",
    "ink": "墨 水墨 黑 ink black monochrome sumi calligraphy",
}

_SUBJECT_WORDS: dict[str, str] = {
    "night": "夜 星 月 宇宙 银河 銀河 night star stars moon galaxy space cosmos universe astronaut",
    "sea": "海 浪 船 岛 島 鲸 鯨 sea ocean wave waves ship boat island whale surf beach",
    "mountains": "山 峰 谷 云 雲 雾 霧 mountain mountains valley peak cliff mist fog cloud alps landscape",
    "blossom": "花 梅 樱 櫻 桃 枝 鸟 鳥 flower flowers blossom sakura cherry plum bird branch rose",
    "bamboo": "竹 熊猫 熊貓 bamboo panda reed grass forest",
    "marble": "抽象 纹 紋 梦 夢 大理石 abstract marble fluid pattern texture dream smoke ink",
    "flow": "风 風 流 光 wind flow river hair silk motion dance music light",
    "pagoda": "城 塔 楼 樓 寺 庙 廟 宫 宮 city temple pagoda tower palace street house castle",
}

# What a subject wears when nobody names a colour.
_USUAL: dict[str, tuple[str, ...]] = {
    "night": ("indigo", "dusk", "ink"),
    "sea": ("indigo", "indigo", "dusk", "jade"),
    "blossom": ("spring", "ink", "snow", "gold"),
    "bamboo": ("jade", "ink", "gold"),
    "pagoda": ("ink", "indigo", "dusk", "ember"),
}

SUBJECTS = tuple(_SUBJECT_WORDS)


def _votes(prompt: str, words: dict[str, str]) -> dict[str, int]:
    lower = prompt.lower()
    spoken = set(_WORD.findall(lower))
    return {
        name: sum(1 for word in listed.split() if (word in spoken if word.isascii() else word in lower))
        for name, listed in words.items()
    }


def _choose(votes: dict[str, int], rng: random.Random, otherwise: tuple[str, ...]) -> str:
    most = max(votes.values())
    best = tuple(name for name, count in votes.items() if count == most) if most else otherwise
    return best[rng.randrange(len(best))]


def choose_palette(prompt: str, subject: str, rng: random.Random) -> Palette:
    """The palette for a prompt; `rng` settles ties and silence, and shifts the paper a little."""
    name = _choose(_votes(prompt, _COLOUR_WORDS), rng, _USUAL.get(subject, ("ink", "indigo", "ember", "jade", "dusk")))
    palette = PALETTES[name]
    shift = rng.randint(-4, 3)
    red, green, blue = palette.paper
    return replace(palette, paper=(min(255, red + shift), min(255, green + shift), min(255, blue + shift * 2)))


def choose_subject(prompt: str, rng: random.Random) -> str:
    """What to paint for a prompt."""
    return _choose(_votes(prompt, _SUBJECT_WORDS), rng, SUBJECTS)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the way from one colour to the other."""
    keep = 1 - share
    return (
        round(one[0] * keep + other[0] * share),
        round(one[1] * keep + other[1] * share),
        round(one[2] * keep + other[2] * share),
    )
