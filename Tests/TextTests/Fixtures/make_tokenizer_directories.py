"""Writes tokeniser directories with random options, and the ids that Hugging Face's AutoTokenizer gives some texts.

    python make_tokenizer_directories.py COUNT SEED TEXTS directories.json

Each directory is a JSON object: its files, and cases with text, pair, length limit, ids and token types; ids are null
where HF fails. Made with transformers 5.24 and tokenizers 0.23.3; `directories.json` has COUNT 40, SEED 1, TEXTS 6.
"""

import json, os, random, sys, tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from transformers import AutoTokenizer

count, seed, texts_each, output = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
random.seed(seed)

NAMES = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
OTHER = {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
WORDS = ("a fine film bad is it not the very . ##s ##ly plot un ##able ##a ##b b c é e\u0301 É K \u212a k 中 文 ! ? ' ##'s 1 12 "
         "##1 ##2 3 ##ab ab ABC abc Fine Film ß ss ﬁ fi ##fi Å å ½ 1⁄2 _ a_b ##_ - ( ) café ##é covidx x ##x").split()
ADDED = ["covidx", "[E1]", "CovidY", "new york", "E-9", "é1", "ab", "<ent>", "##q", " lead", "trail ", "中国", "Fine", "e\u0301x"]
TEXTS = [
    "a fine film", "Fine FILM is not bad.", "unable unab a_b", "café CAFÉ cafe\u0301", "é e\u0301 É E\u0301", "K \u212a k",
    "covidx film", "COVIDX covidxs xcovidx", "[E1] a [e1]x[E1] [E1].", "  [E1]  film   [E1]\t\u00a0a", "CovidY covidy xCovidY",
    "new york New York newyork", "E-9 e-9 E-9a", "中国 中 国 中文", "[MASK] <mask> [mask]", "[CLS] a [SEP] <s>b</s>", "[PAD]<pad>[UNK]<unk>",
    "", " ", "\u200b", "ﬁ fi ½ Å Å", "ß ẞ SS", "it's it''s ?!?! ab12c3 123", "a\u0301\u0323b \u1100\u1161\u11a8", "x" * 101, "ab" * 30,
    "<ent> x<ent>y <ENT>", "Fine fine FINE", "zug zuzug 🦊 ①②", "\u0130stanbul \u03a3\u03c2", "the  very\n\nplot\r\n", "a\u00adb a\u200db \ufeffa",
    "e\u0301x éx", " lead lead trail  trail", "q##q aq", "1 12 121 ₂ ² Ⅷ", "a​b　c d", "##s s ##", "-(a)- b_c", "\U0001d165\u0301a\u0327\u0301",
]


def flags(content, special=None):
    pick = lambda: random.random() < 0.3
    special = pick() if special is None else special
    return {"content": content, "lstrip": pick(), "rstrip": pick(), "single_word": pick(), "normalized": random.random() < 0.5, "special": special}


def normalizer():
    part = lambda: random.choice([
        {"type": "NFD"}, {"type": "NFC"}, {"type": "NFKC"}, {"type": "NFKD"}, {"type": "Lowercase"}, {"type": "StripAccents"},
        {"type": "Strip", "strip_left": random.random() < 0.5, "strip_right": random.random() < 0.5},
        {"type": "Replace", "pattern": {"String": random.choice(["a", "''", " ", "é", "fi"])}, "content": random.choice(["", "x", " ", "aa"])},
        {"type": "Prepend", "prepend": random.choice(["x", "▁", "a "])}, bert(), {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}])
    return random.choice([None, bert(), part(), {"type": "Sequence", "normalizers": [part() for _ in range(random.randrange(4))]}])


def bert():
    return {"type": "BertNormalizer", "clean_text": random.random() < 0.8, "handle_chinese_chars": random.random() < 0.7,
            "strip_accents": random.choice([None, True, False]), "lowercase": random.random() < 0.6}


def pre_tokenizer():
    part = lambda: random.choice([
        {"type": "BertPreTokenizer"}, {"type": "Whitespace"}, {"type": "WhitespaceSplit"},
        {"type": "Punctuation", "behavior": random.choice(["Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"])},
        {"type": "Digits", "individual_digits": random.random() < 0.5}, {"type": "CharDelimiterSplit", "delimiter": random.choice("a_- ")}])
    return random.choice([None, {"type": "BertPreTokenizer"}, part(), {"type": "Sequence", "pretokenizers": [part() for _ in range(random.randrange(1, 4))]}])


def post_processor(names, ids, free):
    cls, sep = names["cls"], names["sep"]
    if not free: kind = 0
    else: kind = random.randrange(5)
    special = lambda t, i: {"SpecialToken": {"id": t, "type_id": i}}
    text = lambda t, i: {"Sequence": {"id": t, "type_id": i}}
    if kind == 1: return None
    if kind == 2: return {"type": "BertProcessing", "sep": [sep, ids[sep]], "cls": [cls, ids[cls]]}
    if kind == 3: return {"type": "RobertaProcessing", "sep": [sep, ids[sep]], "cls": [cls, ids[cls]], "trim_offsets": True, "add_prefix_space": False}
    tokens = {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in (cls, sep)}
    if kind == 4:
        return {"type": "TemplateProcessing", "single": random.choice([[text("A", 0), special(sep, 0)], [special(cls, 1), special(cls, 0), text("A", 1)], [text("A", 0)]]),
                "pair": random.choice([[text("A", 0), special(sep, 1), text("B", 0)], [special(cls, 0), text("B", 1), special(sep, 0), special(sep, 1), text("A", 0)]]), "special_tokens": tokens}
    return {"type": "TemplateProcessing", "single": [special(cls, 0), text("A", 0), special(sep, 0)],
            "pair": [special(cls, 0), text("A", 0), special(sep, 0), text("B", 1), special(sep, 1)], "special_tokens": tokens}


def vocabulary(names):
    roles = list(names)
    if random.random() < 0.15: roles.remove("mask")
    if random.random() < 0.1: roles.remove("pad")
    special = [names[r] for r in roles]
    words = [w for w in WORDS if random.random() < 0.9]
    if random.random() < 0.3: random.shuffle(words)
    return special + words if random.random() < 0.7 else words[:5] + special + words[5:]


def special_settings(names, force):
    entry = lambda n: n if random.random() < 0.7 else {"__type": "AddedToken", **flags(n, True)}
    return {r + "_token": entry(n) for r, n in names.items() if force or random.random() < 0.3}


def directory():
    names = dict(OTHER if random.random() < 0.3 else NAMES)
    tokens = vocabulary(names)
    files, config = {"config.json": {"model_type": "bert"}}, {}
    kind = random.choice(["vocab", "vocab", "bert", "free"])
    config["tokenizer_class"] = random.choice(["PreTrainedTokenizerFast"] if kind == "free" else ["BertTokenizer", "BertTokenizerFast", "ElectraTokenizer", "DistilBertTokenizer"])
    if kind != "free" and random.random() < 0.2: del config["tokenizer_class"]
    settings = {"do_lower_case": random.random() < 0.6, "strip_accents": random.choice([None, True, False]), "tokenize_chinese_chars": random.random() < 0.7}
    config.update({k: v for k, v in settings.items() if random.random() < 0.7})
    in_map = kind == "vocab" and random.random() < 0.3
    special = special_settings(names, names["cls"] == "<s>")
    if in_map: files["special_tokens_map.json"] = {k: (v if isinstance(v, str) else {a: b for a, b in v.items() if a not in ("__type", "special")}) for k, v in special.items()}
    else: config.update(special)
    added = random.sample(ADDED, random.randrange(4))
    ids = {}
    if kind == "vocab":
        lines = list(tokens)
        for _ in range(random.choice([0, 0, 1, 2])): lines.insert(random.randrange(5, len(lines) + 1), random.choice(["", "film", "a", "zug", "film ", "中\u3000"]))
        text = random.choice(["\n", "\n", "\r\n"]).join(lines) + random.choice(["\n", "", "\n\n"])
        files["vocab.txt"] = text
        size = len({line.rstrip() for line in text.split("\n")[: -1 if text.endswith("\n") else None]})
    else:
        ids = {t: i for i, t in enumerate(tokens)}
        # In a vocabulary with holes HF gives new tokens ids that others have; bertc takes the stated ones there.
        share = random.choice([1, 0.95])
        vocab = {t: i for t, i in ids.items() if t in names.values() or random.random() < share}
        size = len(vocab)
        own = [flags(t) for t in random.sample(ADDED, random.randrange(3))] if size == len(ids) else []
        json_added = [{"id": ids[n], **flags(n, True), "normalized": False} for n in names.values() if n in ids and random.random() < 0.9]
        json_added += [{"id": ids.get(t["content"], 900 + i), **t} for i, t in enumerate(own)]
        # Of the parts of a file BertTokenizer uses none.
        free = kind == "free" or random.random() < 0.3
        files["tokenizer.json"] = {
            "version": "1.0", "truncation": random.choice([None, None, {"direction": "Left", "max_length": 4, "strategy": "LongestFirst", "stride": 0}]),
            "padding": None, "added_tokens": json_added, "normalizer": normalizer() if free else {**bert(), "clean_text": True},
            "pre_tokenizer": pre_tokenizer() if free else {"type": "BertPreTokenizer"}, "post_processor": post_processor(names, ids, free), "decoder": None,
            "model": {"type": "WordPiece", "unk_token": names["unk"], "continuing_subword_prefix": random.choice(["##", "##", "@"]) if free else "##",
                      "max_input_chars_per_word": random.choice([100, 5]) if free else 100, "vocab": vocab}}
    form = random.randrange(4)
    if added and form == 0 and kind != "bert": files["added_tokens.json"] = {t: size + i for i, t in enumerate(added)}
    if added and form == 1 and kind != "bert" and not in_map: config["added_tokens_decoder"] = {str(size + i): flags(t) for i, t in enumerate(added)}
    if added and form == 2: config["additional_special_tokens"] = [t if random.random() < 0.6 else {"__type": "AddedToken", **flags(t, True)} for t in added]
    if added and form == 3: config["extra_special_tokens"] = added
    if random.random() < 0.3: config["bos_token"] = random.choice(["<s>", "[BOS]"])
    if random.random() < 0.1: config["split_special_tokens"] = True
    if random.random() < 0.1: config["model_specific_special_tokens"] = {"image_token": random.choice(["covidx", "[IMG]"])}
    if random.random() < 0.4: config["truncation_side"] = random.choice(["left", "right"])
    config["model_max_length"] = random.choice([512, 1000000000000000019884624838656])
    files["tokenizer_config.json"] = config
    return {n: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for n, v in files.items()}


def cases(tokenizer, with_types):
    result = []
    for text in random.sample(TEXTS, texts_each):
        pair = random.choice(TEXTS) if random.random() < 0.3 else None
        limit = random.choice([5, 8]) if random.random() < 0.3 else None
        case = {"text": text, "pair": pair, "limit": limit, "ids": None, "types": None}
        try:
            arguments = {"truncation": True, "max_length": limit} if limit else {}
            # In lists, for an empty pair is none outside them.
            encoding = tokenizer([text], None if pair is None else [pair], return_token_type_ids=True, **arguments)
            case["ids"], types = encoding["input_ids"][0], encoding["token_type_ids"][0]
            case["types"] = types if with_types else [0] * len(types)
        except Exception as error:
            if "Missing" not in str(error): print(error)
        result.append(case)
    return result


result, failures = [], 0
while len(result) < count:
    files = directory()
    with tempfile.TemporaryDirectory() as path:
        for name, text in files.items(): open(f"{path}/{name}", "w", encoding="utf-8", newline="").write(text)
        try: tokenizer = AutoTokenizer.from_pretrained(path)
        except Exception as error:
            failures += 1
            if failures < 5: print("HF does not load:", str(error)[:200].replace("\n", " "))
            continue
        config = json.loads(files["tokenizer_config.json"])
        with_types = "token_type_ids" in tokenizer.model_input_names
        result.append({"files": files, "cases": cases(tokenizer, with_types)})
print(len(result), "directories,", failures, "that HF does not load")
json.dump(result, open(output, "w", encoding="utf-8"), ensure_ascii=False, separators=(",", ":"))
