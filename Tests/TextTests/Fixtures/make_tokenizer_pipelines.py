"""Writes tokenizer.json files of random parts, and the ids and offsets that Hugging Face's tokenizers give some texts.

    python make_tokenizer_pipelines.py COUNT SEED TEXTS pipelines.json

Each entry is a JSON object: the file, and cases with text, ids and offsets in code points, without special tokens. Made with
tokenizers 0.23.3 and sentencepiece 0.2.3; `pipelines.json` has COUNT 48, SEED 1, TEXTS 8.
"""

import io, json, random, sys, tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers as N, pre_tokenizers as P, processors as R, trainers as T

count, seed, texts_each, output = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
r = random.Random(seed)

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
EXPRESSIONS = [r"\s{2,}|[\n\r\t]", " {2,}", r"\p{L}+", r"\d", r"[aeiou]", r"(?i:the)", r"\p{N}{1,3}", r"(?<=a)b", r"x*", r"\b", GPT4, r"\w+|[^\w\s]+",
               r"[\p{P}\p{S}]", r"(?:[a-z]{2})+?", r"\s+$|^\s+", r".{3}", r"(?>a+)b|c", r"[^\W\d_]+", r"\p{L}++|\p{N}+", r"(?i)[k-m]+", r"[a-c[x-z]]", r"(a|b|ab)+c?"]
STRINGS = [" ", "a", "the", "  ", "▁", "e\u0301", "''", "ss"]
CORPUS = ["the film is a fine one, and its plot isn't bad at all", "Café naïve Straße ﬁne x½", "中文 and 日本語 12 345", "a_b  c--d 'tis the the The"] * 30
TEXTS = [
    "The  film isn't bad", " a b  The [E1]  aa<M>ﬁ naïve\n\nx\u0301", "a\u0301\u0323\u0d3b\u0327 \u1100\u1161\u11a8 각", "½ ² Ⅷ ① ǅ ẞ İ ı ſ K", "12345 6,789.00 ٣٤ ४",
    "\t\r\n x\u00a0y\u3000z\u2028", "emoji 👨‍👩‍👧 👍🏽 ❤️", "  ", "\n", "''quoted`` (a) [b] {c}", "Ünïcödé ÀÉÎ e\u0301e\u0308", "abcabcaab kKlLmM", "aaa <M>a<M> \u2581x ▁▁y",
    "日本語テキスト", "नमस्ते हिन्दी ไทย", "they've I'LL we'd 's", "a\u200db \ufeffc \u200b \u0085", "𝔘𝔫𝔦 \U0001d165\u0301\u302e ﷺ", "x" * 40, "\u2000\u2001\u2126\u212b\u0344",
]


def sentence_piece():
    rules = "65 301\te9\nfb01\t66 69\n3000\t20\na0\t20\nbd\t31 2044 32\n2460\t31\n200b\t\n41\t61\n"
    with tempfile.TemporaryDirectory() as path:
        open(f"{path}/rules.tsv", "w").write(rules)
        buffer = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=buffer, vocab_size=90, hard_vocab_limit=False, minloglevel=2,
                                                 normalization_rule_tsv=f"{path}/rules.tsv", byte_fallback=False)
    from sentencepiece import sentencepiece_model_pb2 as proto
    model = proto.ModelProto()
    model.ParseFromString(buffer.getvalue())
    return [(p.piece, p.score) for p in model.pieces], model.normalizer_spec.precompiled_charsmap


PIECES, MAP = sentence_piece()
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def model():
    kind = r.randrange(6)
    if kind == 0: return Tokenizer(models.Unigram(PIECES, 0, False))
    if kind == 1: return Tokenizer(models.Unigram(PIECES + [(b, 0.0) for b in BYTES], 0, True))
    if kind == 2:
        t, trainer = Tokenizer(models.WordLevel(unk_token="<unk>")), T.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False)
    elif kind == 3:
        t, trainer = Tokenizer(models.WordPiece(unk_token="<unk>")), T.WordPieceTrainer(vocab_size=100, special_tokens=["<unk>"], show_progress=False)
    else:
        # With tokens for the bytes of an affix, the offsets of tokenizers leave the word.
        affixes = {} if kind == 4 else r.choice([{}, {}, {"continuing_subword_prefix": "##"}, {"end_of_word_suffix": "</w>"}])
        t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=r.random() < 0.5, ignore_merges=r.random() < 0.3, byte_fallback=kind == 4, **affixes))
        trainer = T.BpeTrainer(vocab_size=100 + 256 * (kind == 4), special_tokens=["<unk>"] + BYTES * (kind == 4), show_progress=False, **affixes)
    t.pre_tokenizer = P.WhitespaceSplit()
    t.train_from_iterator(CORPUS, trainer)
    document = json.loads(t.to_str())
    document["added_tokens"] = [a for a in document["added_tokens"] if a["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(document))


def pattern(): return Regex(r.choice(EXPRESSIONS)) if r.random() < 0.6 else r.choice(STRINGS)


def normalizer():
    flip = lambda: r.random() < 0.5
    return r.choice([
        N.NFC, N.NFD, N.NFKC, N.NFKD, N.Lowercase, N.StripAccents, N.Nmt, N.ByteLevel, lambda: N.Strip(flip(), flip()), lambda: N.Precompiled(MAP),
        lambda: N.Replace(pattern(), r.choice(["", " ", "_", "é", "▁▁"])), lambda: N.Prepend(r.choice(["▁", "  ", "x"])),
        lambda: N.BertNormalizer(flip(), flip(), r.choice([None, True, False]), flip())])()


def pre_tokenizer():
    flip = lambda: r.random() < 0.5
    behavior = r.choice(["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"])
    return r.choice([
        P.BertPreTokenizer, P.Whitespace, P.WhitespaceSplit, lambda: P.ByteLevel(flip(), use_regex=flip()),
        lambda: P.Metaspace(prepend_scheme=r.choice(["always", "first", "never"]), split=flip()), lambda: P.Punctuation(behavior), lambda: P.Digits(flip()),
        lambda: P.Split(pattern(), behavior, flip()), lambda: P.CharDelimiterSplit(r.choice([" ", "a", "é"])), lambda: P.FixedLength(r.choice([1, 3]))])()


def some(make, group):
    parts = [make() for _ in range(r.choice([0, 1, 1, 2, 3]))]
    return None if not parts else parts[0] if len(parts) == 1 else group(parts)


def pipeline():
    t = model()
    if (part := some(normalizer, N.Sequence)) is not None: t.normalizer = part
    if (part := some(pre_tokenizer, P.Sequence)) is not None: t.pre_tokenizer = part
    flip = lambda: r.random() < 0.4
    # Tokens that become equal by a normaliser are found in the order of a hash table: none here do.
    for content in r.sample(["[E1]", "The", "<M>", "a b", "ﬁ"], r.choice([0, 0, 1, 2])):
        t.add_tokens([AddedToken(content, single_word=flip(), lstrip=flip(), rstrip=flip(), normalized=flip(), special=flip())])
    if r.random() < 0.4: t.post_processor = R.RobertaProcessing(("x", 2), ("y", 1), flip(), flip())
    return t


result = []
while len(result) < count:
    tokenizer = pipeline()
    cases = []
    for text in r.sample(TEXTS, texts_each):
        try: encoding = tokenizer.encode(text, add_special_tokens=False)
        except BaseException: continue  # tokenizers panics where Precompiled drops a text's first characters
        cases.append({"text": text, "ids": encoding.ids, "offsets": encoding.offsets})
    result.append({"file": tokenizer.to_str(), "cases": cases})
json.dump(result, open(output, "w", encoding="utf-8"), ensure_ascii=False, separators=(",", ":"))
