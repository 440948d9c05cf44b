"""Captions of handwritten digits, and separate templates for zero-shot evaluation."""

import random

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
CHINESE = "零一二三四五六七八九"

TEMPLATES = [
    "{}",
    "the number {}",
    "the digit {}",
    "the figure {}",
    "a {} written by hand",
    "a handwritten digit {}",
    "a handwritten number, {}",
    "a scan of a {}",
    "a photo of the digit {}",
    "an image of the number {}",
    "a picture of the handwritten number {}",
    "a drawing of a {}",
    "a child's drawing of the number {}",
    "a low-resolution scan of the digit {}",
    "a small grey {}",
    "a blurry {}",
    "a pixelated {}",
    "the digit {} in white on black",
    "white strokes that form a {}",
    "there is a {} in the middle of the picture",
    "someone wrote {}",
    "somebody's handwriting: {}",
    "which digit is this? It is a {}",
    "it looks like a {}",
    "it says {}",
    "I see a {}",
    "here the answer is {}",
    "number {}, with a pencil",
    "one digit of a postal code, namely {}",
]
# Text before the caption, so that the length of a text reveals nothing.
OPENINGS = [
    "Look at this. ",
    "On a black background: ",
    "From a collection of handwritten digits, ",
    "This picture has been scanned and made smaller. What remains is hard to read. ",
]
CHINESE_TEMPLATES = ["{}", "数字{}", "手写的数字{}", "一张{}的图片", "这是{}"]

# These are never used in training.
HELD_OUT_TEMPLATES = [
    "somebody has written the number {} here",
    "this is what a {} looks like",
    "a low resolution image of a {}",
    "a {} in a child's handwriting",
    "the handwritten figure {}, small and grey",
    "a pencil drawing of the digit {}",
]


def caption(digit: int, chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(CHINESE_TEMPLATES).format(CHINESE[digit])
    text = chance.choice(TEMPLATES).format(chance.choice([WORDS[digit], str(digit)]))
    if chance.random() < 0.25:
        text = chance.choice(OPENINGS) + text
    if chance.random() < 0.3:
        text = chance.choice([text.capitalize(), text.upper()])
    return text + chance.choice(["", "."])
