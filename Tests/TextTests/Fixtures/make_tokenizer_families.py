"""Writes tokeniser directories of all families with random options, and what Hugging Face's AutoTokenizer makes of some texts.

    python make_tokenizer_families.py COUNT SEED TEXTS families.json

Each directory is a JSON object: its files, binary ones in base 64, and cases with text, pair, length limit, ids, token
types, offsets of the text's own tokens in code points, and the text that the ids are decoded to. Made with transformers
5.24, tokenizers 0.23.3 and sentencepiece 0.2.3; `families.json` has COUNT 5 of each family, SEED 1, TEXTS 6.
"""

import base64, io, json, os, random, sys, tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

count, seed, texts_each, output = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
random.seed(seed)

TEXTS = [
    "A fine film, isn't it?", " leading and  double  spaces ", "Café naïve cafe\u0301 ﬁne", "the the THE The", "中文 and 日本語", "Ünïcödé ÀÉÎ",
    "it's we're they've I'll I'd don't", "12 345 6,789.00", "new\nline\r\ttab", "<mask> is <s>here</s> [MASK]", "emoji 😀👍🏽 ok", "", " ",
    "a\u00a0b\u3000c", "``quoted'' \"text\"", "e\u0301\u0323 \u1100\u1161\u11a8", "½ ² Ⅷ ①", "unbelievable untested retested", "x" * 70, "ｆｕｌｌ ｗｉｄｔｈ",
    "<ent> a<ent>b", "a <mask> b", "covidx covidxs", "\u2581lower one", "Straße İstanbul ΣΑΣ", "tests, tests; tests! (tests)", "\u200b\ufeffzero", "USR and usr",
]
CORPUS = [" ".join(random.choice(TEXTS[:8] + TEXTS[13:]).split()) for _ in range(300)] + ["the film is a fine one and the plot is not bad at all"] * 20


def byte_level(specials):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator(CORPUS, trainer)
    return t


def sentence_piece(**options):
    # A small table of characters: full width, ligatures, some spaces.
    rules = "".join(f"{ord(c):x}\t{' '.join(f'{ord(x):x}' for x in r)}\n" for c, r in
                    [("ﬁ", "fi"), ("\u3000", " "), ("\u00a0", " "), ("\t", " "), ("\n", " "), ("½", "1⁄2"), ("①", "1"), ("ｆ", "f"), ("ｕ", "u"), ("\u200b", "")])
    rules += "65 301\te9\n"
    with tempfile.TemporaryDirectory() as path:
        open(f"{path}/rules.tsv", "w").write(rules)
        buffer = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS), model_writer=buffer, vocab_size=150, character_coverage=0.98, hard_vocab_limit=False, minloglevel=2,
            normalization_rule_tsv=f"{path}/rules.tsv", **options)
        return buffer.getvalue()


def flags(content, special):
    pick = lambda: random.random() < 0.3
    return {"content": content, "lstrip": pick(), "rstrip": pick(), "single_word": pick(), "normalized": pick(), "special": special}


def settings(**choices):
    return {k: random.choice(v) for k, v in choices.items() if random.random() < 0.6}


def byte_level_files(family, model_type, specials, post):
    t = byte_level(specials)
    files, config = {"config.json": {"model_type": model_type}}, {"tokenizer_class": family + random.choice(["", "Fast"])}
    config.update(settings(add_prefix_space=[True, False], trim_offsets=[True, False]))
    model = json.loads(t.to_str())["model"]
    if random.random() < 0.5:
        files["vocab.json"] = model["vocab"]
        merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
        files["merges.txt"] = "#version: 0.2\n" + "\n".join(merges) + "\n"
    else:
        t.post_processor = post(t)
        t.decoder = decoders.ByteLevel()
        if random.random() < 0.5: t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        files["tokenizer.json"] = json.loads(t.to_str())
    return files, config


def roberta():
    return byte_level_files("RobertaTokenizer", "roberta", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                            lambda t: processors.RobertaProcessing(("</s>", 2), ("<s>", 0), random.random() < 0.5, random.random() < 0.5))


def deberta():
    template = lambda t: processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)])
    return byte_level_files("DebertaTokenizer", "deberta", ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"], template)


def gpt2():
    return byte_level_files("GPT2Tokenizer", "gpt2", ["<|endoftext|>"], lambda t: processors.ByteLevel(trim_offsets=random.random() < 0.5))


def mpnet():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=["<s>", "<pad>", "</s>", "[UNK]", "<mask>"], show_progress=False))
    files, config = {"config.json": {"model_type": "mpnet"}}, {"tokenizer_class": "MPNetTokenizer"}
    config.update(settings(do_lower_case=[True, False], strip_accents=[None, True, False], tokenize_chinese_chars=[True, False]))
    if random.random() < 0.5: files["vocab.txt"] = "\n".join(t.id_to_token(i) for i in range(t.get_vocab_size())) + "\n"
    else: files["tokenizer.json"] = json.loads(t.to_str())
    return files, config


def sentence_piece_files(family, model_type, name, choices, **options):
    files, config = {"config.json": {"model_type": model_type}}, {"tokenizer_class": family + random.choice(["", "Fast"])}
    config.update(settings(add_prefix_space=[True, False], **choices))
    files[name] = sentence_piece(**options)
    return files, config


def xlm_roberta():
    files, config = sentence_piece_files("XLMRobertaTokenizer", "xlm-roberta", "sentencepiece.bpe.model", {}, user_defined_symbols=random.choice([[], ["USR"]]))
    # Models of the type bert have it as well.
    if random.random() < 0.3: files["config.json"] = {"model_type": "bert"}
    return files, config


def camembert():
    return sentence_piece_files("CamembertTokenizer", "camembert", "sentencepiece.bpe.model", {})


def albert():
    return sentence_piece_files("AlbertTokenizer", "albert", "spiece.model", {"do_lower_case": [True, False], "keep_accents": [True, False]},
                                pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, pad_piece="<pad>", control_symbols=["[CLS]", "[SEP]", "[MASK]"])


def deberta_v2():
    return sentence_piece_files("DebertaV2Tokenizer", "deberta-v2", "spm.model", {"do_lower_case": [True, False], "split_by_punct": [True, False]},
                                pad_id=0, unk_id=3, bos_id=1, eos_id=2, pad_piece="[PAD]", unk_piece="[UNK]", bos_piece="[CLS]", eos_piece="[SEP]")


def as_document(make):
    """The files that HF saves, with tokenizer.json in place of the older ones."""
    files, config = make()
    with tempfile.TemporaryDirectory() as path, tempfile.TemporaryDirectory() as saved:
        write(path, {**files, "tokenizer_config.json": config})
        AutoTokenizer.from_pretrained(path).save_pretrained(saved)
        result = {n: open(f"{saved}/{n}", encoding="utf-8").read() for n in os.listdir(saved)}
    result["config.json"] = files["config.json"]
    config = json.loads(result.pop("tokenizer_config.json"))
    if random.random() < 0.5: config["tokenizer_class"] = "PreTrainedTokenizerFast"
    return result, config


def write(path, files):
    for name, content in files.items():
        if isinstance(content, bytes): open(f"{path}/{name}", "wb").write(content)
        else: open(f"{path}/{name}", "w", encoding="utf-8", newline="").write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def cases(tokenizer):
    with_types = "token_type_ids" in tokenizer.model_input_names
    result = []
    for text in random.sample(TEXTS, texts_each):
        pair = random.choice(TEXTS) if random.random() < 0.3 else None
        limit = random.choice([6, 9]) if random.random() < 0.3 else None
        arguments = {"truncation": True, "max_length": limit} if limit else {}
        encoding = tokenizer([text], None if pair is None else [pair], return_token_type_ids=True, **arguments)
        types = encoding["token_type_ids"][0]
        own = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        result.append({
            "text": text, "pair": pair, "limit": limit, "ids": encoding["input_ids"][0], "types": types if with_types else [0] * len(types),
            "offsets": own["offset_mapping"], "decoded": tokenizer.decode(own["input_ids"])})
    return result


FAMILIES = [roberta, deberta, gpt2, mpnet, xlm_roberta, camembert, albert, deberta_v2]
result = []
for make in FAMILIES:
    for index in range(count):
        files, config = as_document(make) if index % 5 == 4 else make()
        added = random.sample(["covidx", "<ent>", "[E1]"], random.randrange(3))
        if added and "added_tokens_decoder" not in config: config["additional_special_tokens"] = added
        if random.random() < 0.3: config["mask_token"] = {"__type": "AddedToken", **flags(random.choice(["<mask>", "[MASK]"]), True)}
        if random.random() < 0.3: config["truncation_side"] = "left"
        files["tokenizer_config.json"] = config
        with tempfile.TemporaryDirectory() as path:
            write(path, files)
            tokenizer = AutoTokenizer.from_pretrained(path)
            text = {n: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, separators=(",", ":")) for n, v in files.items() if not isinstance(v, bytes)}
            binary = {n: base64.b64encode(v).decode() for n, v in files.items() if isinstance(v, bytes)}
            result.append({"family": type(tokenizer).__name__, "files": text, "binary": binary, "cases": cases(tokenizer)})
json.dump(result, open(output, "w", encoding="utf-8"), ensure_ascii=False, separators=(",", ":"))
print(len(result), "directories,", os.path.getsize(output), "bytes")
