"""Writes the tokeniser fixtures of TextTests with Hugging Face's tokenisers as the reference.

    python make_tokenizer_fixture.py small
        writes small-*/ (vocabularies), small.jsonl (tricky texts with all ids) and scalars.crc
    python make_tokenizer_fixture.py parts
        writes parts/ (tokenizer.json files of normalisers and pre-tokenisers) and parts.crc
    python make_tokenizer_fixture.py lines NAME TOKENIZER_DIR FILE.tsv...
        writes NAME.crc: for the last column of every line, the number of ids and the CRC-32 of the ids
        as little-endian 32-bit integers

Needs: pip install transformers tokenizers. Run again only to add cases; the outputs are committed.
"""

import json, struct, sys, zlib
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizer

HERE = Path(__file__).parent
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

TEXTS = [
    "", " ", "\t\n", ".", "a", "Hello, world!", "The quick brown fox jumps over the lazy dog.",
    "HELLO hello HeLLo", "it's don't we're I'm you've she'll o'clock rock 'n' roll", "state-of-the-art co-op",
    "e.g. U.S.A. 3.14 1,000,000 $5.99 50% #1 a&b c@d.com http://x.org/?q=1&r=2", "(a) [b] {c} <d> |e| ~f~ `g` ^h^",
    "a_b __init__ snake_case", "\"quoted\" 'single' «guillemets» “curly” ‘curly’ „low‟", "em—dash en–dash hy‐phen ‑ ―",
    "wait… what?! ¿qué? ¡hola!", "café naïve résumé Zürich Ångström façade", "cafe\u0301 nai\u0308ve A\u030angstro\u0308m",
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞß", "Straße STRASSE ẞ", "İstanbul ISTANBUL ıstanbul Iğdır", "ǅ Ǆ ǆ ǈ ﬀ ﬁ ﬂ ﬃ",
    "Việt Nam Tiếng Việt ế ộ ữ", "Čeština Łódź żółw Đorđe", "Ελληνικά ΣΊΣΥΦΟΣ ς Σ ά", "Русский язык Й й Ё ё",
    "Українська Їжак ґ", "עִבְרִית שָׁלוֹם", "العَرَبِيَّة مرحبا ٣٤", "हिन्दी नमस्ते क़", "தமிழ் বাংলা ไทย ลาว",
    "中文字符", "我爱北京天安门。", "abc中def文123", "日本語テキスト カタカナ ひらがな ｶﾞ", "が ぎ パ ヴ ゛", "한국어 텍스트 각 힣 ㄱ",
    "豈 更 車 \ufa10 \U0002f800", "\u3400 \u4dbf \u9fff \ua000 \U00020000 \U0002a6df \U0002a700 \U0002b81f \U0002b820 \U0002ceaf",
    "、。「」『』【】・！？（），．：；", "😀 😃🎉 👍🏽 👨‍👩‍👧‍👦 🇩🇪 ❤️ ☺︎ 🤣", "a😀b ©® ™ ° ± × ÷ ½ ² ³ µ",
    "€ £ ¥ ¢ ₿ ∑ ∞ ≈ ≠ → ← ↑", "a\u200bb zero\u200cwidth\u200djoin \ufeffbom \u2060word", "soft\u00adhyphen \u061c\u200e\u200f\u202amark\u202c",
    "nbsp\u00a0space thin\u2009space ideographic\u3000space ogham\u1680space line\u2028sep para\u2029sep",
    "tab\there\nnewline\r\ncrlf\rreturn", "vertical\x0btab form\x0cfeed nel\x85x unit\x1fsep file\x1csep", "nul\x00byte bell\x07 esc\x1b[0m del\x7f c1\x9f",
    "replacement\ufffdchar private\ue000use \U000f0000 unassigned\u0378 non\uffffchar \U0001fbff", "x" * 99, "y" * 100, "z" * 101, "é" * 100, "é" * 101,
    "e\u0301" * 100, "e\u0301" * 101, "w" * 100 + " ok " + "w" * 300, "中" * 120, "!" * 30, "a" + "\u0301" * 40 + "b", "\u0301 alone \u0308",
    "\u302e\u0301a \u1100\u302f\u302e b\U0001d165\U0001d16e c\u0327\u0301", "\u1734 \u1885 \u1886 \ua9bd \U000111c9 \U0001171e \U00011938 \u166d",
    "[MASK] is a [mask].", "The capital of [MASK] is Paris[MASK]!", "[CLS] a [SEP] b [SEP]", "[PAD][PAD] [UNK]x[UNK]", "[CLS", "SEP]", "[[MASK]]",
    "[ MASK ] [MAS\u0301K]", "a[MASK]b中[SEP]é", "é[MASK]\u0301", "unbelievable unbelievably believability disbelief", "##ing ing ##s # ## ###",
    "snowboarding snowboarder snowboards", "tokenization detokenizer tokens", "q qq qqq zzzz xyzzy plugh", "ＦＵＬＬ　ｗｉｄｔｈ　１２３", "①②③ Ⅷ ⅷ ㍿ ㎏",
    "𝐁𝐨𝐥𝐝 𝒮𝒸𝓇𝒾𝓅𝓉 𝔄 🅰 🄰", "A\u030a \u212b \u00c5 \u2126 \u03a9 \u212a K", "\u0345 \u037e \u0387 \u1fef", "ʻOkina Hawaiʻi ʼ ′ ″", "ꙮ ⸮ ⁇ ⁂ ※ ‱ ‽", "\u07f7 \u0df4 \u2e3b \u2e49 \u2e52 \u061d",
    "  leading and trailing   ", "multiple     inner      blanks", "a.b.c...d....", "--- *** === +++ >>> <<<", "1st 2nd 3rd 4th 21st", "C++ C# F# .NET node.js",
    "Ünïcödé ťęxť wîth mäný äccents", "naïve café naïve café", "mixed Русский and 中文 and عربى and हिन्दी", "a\u0300\u0316\u0301 ḕ̖",
    "good movie", "a bad, bad film", "A wonderful film that's both funny and moving, with great performances.",
    "Not even the actors can save this dull, over-long mess of a movie.",
]
LONG = "One of the most wonderful, moving and funny films of the year, unbelievably good from the first minute to the last."
PAIRS = [
    ("good movie", "a bad, bad film"), (LONG, "good"), ("good", LONG), (LONG, LONG), ("", LONG), (LONG, ""), ("", ""),
    ("[MASK] movie", "café [SEP] 中文"), ("a b c d e", "f g h i j"), ("a b c d e f", "f g h i j"), ("a b c d e", "f g h i j k"),
    (LONG + " " + LONG, LONG), ("a b c d e f g h", "i j"), ("a b", "c d e f g h i j"),
]
ADDED = [  # (token, text) of the tokenizer.json with added tokens of every kind
    "<ent> a <ent>b c<ent>", "  <left>  x  <left>y", "x  <right>  y<right>  ", "one solo two", "solos solo-solo solo", "soló SOLO Solo",
    "The BrandName and brandname and Bràndname", "xbrandnamex", "<ent><ent>  <left>  <right>  <left>", "<ent>[MASK]<right>", "<entity> <ent>ity",
    "中solo文 a_solo \u0301solo", "a <LEFT> b", "new word: zq9zq9 zq9",
]


def write_vocabulary(name, tokens, config):
    directory = HERE / name
    directory.mkdir(exist_ok=True)
    (directory / "vocab.txt").write_text("".join(t + "\n" for t in tokens), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    return BertTokenizer.from_pretrained(str(directory))


def train(lowercase):
    """A vocabulary that covers much of the texts, with words, pieces and single characters."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    corpus = [t for t in TEXTS if len(t) < 200 and "xyzzy" not in t and "ꙮ" not in t] + [LONG]
    tokenizer.train_from_iterator(corpus, trainers.WordPieceTrainer(
        vocab_size=900, special_tokens=SPECIAL, limit_alphabet=500, show_progress=False))
    return [t for t, _ in sorted(tokenizer.get_vocab().items(), key=lambda x: x[1])]


def added_token_file(tokens):
    """A tokenizer.json with added tokens that strip, match single words, or match normalised text."""
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_special_tokens([
        "<ent>", AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False)])
    tokenizer.add_tokens([
        AddedToken("solo", single_word=True, normalized=False), AddedToken("BrandName", normalized=True), AddedToken("zq9", normalized=False)])
    (HERE / "small-added").mkdir(exist_ok=True)
    tokenizer.save(str(HERE / "small-added" / "tokenizer.json"), pretty=False)
    return tokenizer


def small():
    uncased = write_vocabulary("small-uncased", train(True), {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True})
    cased_tokens = train(False)
    cased = write_vocabulary("small-cased", cased_tokens, {"do_lower_case": False, "model_max_length": 128})
    accents = write_vocabulary("small-accents", cased_tokens, {"do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": False})
    with open(HERE / "small.jsonl", "w", encoding="utf-8") as out:
        def case(name, tokenizer, text, pair=None, length=None, truncation="do_not_truncate"):
            row = {"tokenizer": name, "text": text, "pair": pair, "max_length": length, "truncation": truncation}
            try:
                if isinstance(tokenizer, Tokenizer):
                    encoding = tokenizer.encode(text)
                    row["ids"], row["types"] = encoding.ids, encoding.type_ids
                else:
                    # A batch of one, since a single call takes an empty second text for none.
                    encoding = tokenizer([text], None if pair is None else [pair], max_length=length,
                                         truncation=False if length is None else truncation)
                    row["ids"], row["types"] = encoding["input_ids"][0], encoding["token_type_ids"][0]
                    row["decoded"] = tokenizer.backend_tokenizer.decode(row["ids"], skip_special_tokens=True)
            except Exception as error:
                row["error"] = str(error)
            out.write(json.dumps(row) + "\n")
        for text in TEXTS:
            case("small-uncased", uncased, text)
            case("small-cased", cased, text)
        for text in TEXTS[:50]:
            case("small-accents", accents, text)
        added = added_token_file(train(True))
        for text in ADDED + TEXTS[4:12]:
            case("small-added", added, text)
        for strategy in ["longest_first", "only_first", "only_second"]:
            for text, pair in PAIRS:
                for length in [3, 4, 5, 8, 13, 20, 33]:
                    case("small-uncased", uncased, text, pair, length, strategy)
            for text in [LONG, "good", ""]:
                for length in [2, 3, 7, 100]:
                    case("small-cased", cased, text, None, length, strategy)
        for text, pair in PAIRS:
            case("small-uncased", uncased, text, pair)
    scalars()


def scalars():
    """For every block of 256 scalars: CRC-32 of the words of "a<scalar>b", uncased then cased, one a line."""
    split = pre_tokenizers.BertPreTokenizer()
    kinds = [normalizers.BertNormalizer(lowercase=True), normalizers.BertNormalizer(lowercase=False)]
    with open(HERE / "scalars.crc", "w") as out:
        for block in [*range(0, 0x320), *range(0xE00, 0xE02), 0xF00, 0x10FF]:
            crc = 0
            for code in range(block * 256, block * 256 + 256):
                if 0xD800 <= code < 0xE000:
                    continue
                for kind in kinds:
                    words = [w for w, _ in split.pre_tokenize_str(kind.normalize_str(f"a{chr(code)}b"))]
                    crc = zlib.crc32("".join(w + "\n" for w in words).encode(), crc)
            out.write(f"{block:x} {crc:08x}\n")


PARTS = {
    "nfd": ([{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}], {"type": "Whitespace"}),
    "nfkc": ([{"type": "NFKC"}], {"type": "WhitespaceSplit"}),
    "nfkd": ([{"type": "NFKD"}], {"type": "Punctuation", "behavior": "Isolated"}),
    "nfc": ([{"type": "NFC"}, {"type": "Strip", "strip_left": True, "strip_right": True}], {"type": "Digits", "individual_digits": True}),
}


def parts():
    """For every block of 256 scalars: CRC-32 of the words of "a<scalar>b" and "<scalar>e\u0301", a column for each part."""
    kinds = []
    for name, (steps, split) in PARTS.items():
        text = json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
            "normalizer": {"type": "Sequence", "normalizers": steps}, "pre_tokenizer": split, "post_processor": None, "decoder": None,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0}}})
        (HERE / "parts").mkdir(exist_ok=True)
        (HERE / "parts" / f"{name}.json").write_text(text)
        kinds.append(Tokenizer.from_str(text))
    with open(HERE / "parts.crc", "w") as out:
        for block in [*range(0, 0x320), *range(0xE00, 0xE02), 0xF00, 0x10FF]:
            crcs = [0] * len(kinds)
            for code in range(block * 256, block * 256 + 256):
                if 0xD800 <= code < 0xE000:
                    continue
                for index, kind in enumerate(kinds):
                    for text in (f"a{chr(code)}b", f"{chr(code)}e\u0301"):
                        words = [w for w, _ in kind.pre_tokenizer.pre_tokenize_str(kind.normalizer.normalize_str(text))]
                        crcs[index] = zlib.crc32("".join(w + "\n" for w in words).encode(), crcs[index])
            out.write(f"{block:x} {' '.join(f'{crc:08x}' for crc in crcs)}\n")


def lines(name, directory, files):
    tokenizer = BertTokenizer.from_pretrained(directory)
    with open(HERE / f"{name}.crc", "w") as out:
        for file in files:
            with open(file, encoding="utf-8", newline="\n") as source:
                texts = [line.rstrip("\n").split("\t")[-1] for line in source]
            for ids in tokenizer(texts, truncation=False)["input_ids"]:
                out.write(f"{len(ids)} {zlib.crc32(struct.pack(f'<{len(ids)}i', *ids)):08x}\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["small"]:
        small()
    elif sys.argv[1:] == ["parts"]:
        parts()
    elif sys.argv[1:2] == ["lines"] and len(sys.argv) > 4:
        lines(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        sys.exit(__doc__)
