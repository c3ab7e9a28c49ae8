import GraphCompiler

extension TrainingConfig {
    /// Every field of `train.json`, in the order of the documentation.
    package static var fields: [TrainingField] {
        modelFields + maskFields + dataFields + pretrainingFields + optimizationFields + outputFields
    }

    private static var modelFields: [TrainingField] {
        [
            .init(
                "model", \.model,
                "Required. A model directory in Hugging Face's layout, whose weights are fine-tuned; or the path of a "
                    + "`model.json`, to train from fresh parameters.",
                expectation: "the path of a model directory or of a model.json"
            ) { !$0.isEmpty },
            .init(
                "tokenizer", \.tokenizer,
                "A directory, `vocab.txt` or `tokenizer.json`; null is the model's directory."),
            .init(
                "task", \.task,
                "What is trained: labels or numbers for texts, labels for words ([below](#labels-for-words)), a task of "
                    + "GLUE ([glue.md](glue.md)), or a language model ([pretraining.md](pretraining.md))."),
            .init(
                dropout: "hiddenDropout", \.hiddenDropout,
                "Dropout on hidden states; null is the model's own."),
            .init(
                dropout: "attentionDropout", \.attentionDropout,
                "Dropout on attention probabilities; null is the model's own."),
            .init(
                dropout: "classifierDropout", \.classifierDropout,
                "Dropout before the classifier; null is the model's own."),
            .init(
                dropout: "stochasticDepth", \.stochasticDepth,
                "The share of sequences in which a step leaves out a residual branch of the last layer, growing "
                    + "linearly from layer to layer; null is the model's own."),
            .init(
                "shareLayers", \.shareLayers,
                "Which parameters the layers share ([memory.md](memory.md)); null is the model's own. Weights that "
                    + "were trained otherwise are refused."),
            .init(
                "embeddingSize", \.embeddingSize,
                "Width of the embedding tables, projected to the model's; null is the model's own. Weights of "
                    + "another width are refused.", atLeast: 1),
            .init(
                "freeze", \.freeze,
                "What is not trained: globs (`*`, `?`, `[...]`) on names such as `encoder.layer.0.output.dense.weight`, modules "
                    + "(`embeddings`), ranges of layers (`encoder.layer.0-3`)."),
        ]
    }

    private static var maskFields: [TrainingField] {
        [
            .init(
                "dam", \.dam,
                "Learns an attention mask with the model ([attention.md](attention.md#learned-masks)): `structured` has a "
                    + "gate for each head and distance, `unstructured` for each head and pair of positions.",
                expectation: "\"structured\", \"unstructured\" or null"),
            .init(
                "damLength", \.damLength,
                "Tokens of the longest sequence that the mask is for; null is `maxLength`.", atLeast: 1),
            .init(
                "damLambda", \.damLambda,
                "What the loss takes for each of the heads · n · n pairs that the mask keeps.",
                expectation: TrainingField.float
            ) { TrainingField.isFloat($0) },
            .init(
                "damLearningRate", \.damLearningRate,
                "The gates' learning rate at the end of the warm-up; null is `learningRate`.",
                expectation: "\(TrainingField.float), or null"
            ) { $0.map(TrainingField.isFloat) ?? true },
            .init("damPerLayer", \.damPerLayer, "Each layer learns a mask of its own."),
        ]
    }

    private static var dataFields: [TrainingField] {
        [
            .init(
                "data", \.data,
                "GLUE's folder, or the task's own in it; required for GLUE's tasks, which take no other files.",
                shapesResult: false),
            .init(
                "trainFile", \.trainFile,
                "Training data ([below](#data-files)): `.tsv`, `.csv`, `.jsonl`, `.json` or `X.txt` (one text a line, "
                    + "labels in `X_labels.txt`), each also with `.gz`; `-` is standard input. For `token_classification` "
                    + "a CoNLL file or JSON."),
            .init(
                "validationFile", \.validationFile,
                "Validation data; null is `data/valid.txt` if that exists, \"\" is none.",
                shapesResult: false),
            .init(
                "testFile", \.testFile, "Test data; null is `data/test.txt` if that exists, \"\" is none.",
                shapesResult: false),
            .init(
                "format", \.format,
                "How the files are laid out; \"auto\" goes by their endings, else by their first lines.",
                shapesResult: false),
            .init("header", \.header, "Whether the first row of a file with columns names them."),
            .init(
                column: "textColumn", \.textColumn,
                "The column or member with the text, by name or number from 0; null finds it ([below](#data-files)). Of "
                    + "words with labels, the one with the words."
            ),
            .init(column: "pairColumn", \.pairColumn, "The one with the second text, likewise."),
            .init(column: "labelColumn", \.labelColumn, "The one with the label, likewise."),
            .init(
                "missingLabels", \.missingLabels,
                "Labels that mean that an example has none and is left out, such as [\"-1\"]; null finds out whether `-` "
                    + "and `-1` are such."),
            .init(
                "maxLength", \.maxLength,
                "Tokens of a sequence at most, special ones included; null is what the model takes and its files allow.",
                atLeast: 3),
            .init("truncation", \.truncation, "Which text of a pair is cut when a sequence is too long."),
            .init(
                "batching", \.batching,
                "`fixed` pads to `maxLength`, `dynamic` to the longest of the batch, `uniform` batches equal lengths, "
                    + "`packed` lays sequences end to end; the last two pad nothing, unless `bucketWidth` says so."
            ),
            .init(
                "bucketWidth", \.bucketWidth,
                "`uniform`: how many lengths share batches. 8 puts those from 1 to 8 tokens together, from 9 to 16, and so "
                    + "on, padded to the longest of the batch; 1 pads nothing.",
                atLeast: 1),
            .init("batchSize", \.batchSize, "Sequences in a batch at most.", atLeast: 1),
            .init("maxTokens", \.maxTokens, "Tokens in a batch at most, padding included.", atLeast: 1),
            .init(
                "gradientAccumulation", \.gradientAccumulation,
                "Batches that a step adds up the gradients of, as Hugging Face's `gradient_accumulation_steps`: a step "
                    + "learns from `batchSize` times as many sequences, in the memory of one batch.",
                atLeast: 1),
        ]
    }

    /// What only the task `pretrain` has.
    static var pretrainingFields: [TrainingField] {
        [
            .init(
                "textFiles", \.textFiles,
                "`pretrain`: text files, documents separated by blank lines; required."),
            .init("heldOutFiles", \.heldOutFiles, "`pretrain`: such files to evaluate on."),
            .init(
                share: "heldOutShare", \.heldOutShare,
                "`pretrain`: without `heldOutFiles`, the share of documents that is held out; 0 is none."),
            .init(
                "tokenDirectory", \.tokenDirectory,
                "`pretrain`: where the tokenised text is kept for the next run; null is `tokens` in `outputDirectory`.",
                shapesResult: false),
            .init(share: "maskedShare", \.maskedShare, "`pretrain`: the share of tokens to guess."),
            .init(
                "wholeWordMasking", \.wholeWordMasking, "`pretrain`: guess all pieces of a word or none."),
            .init(
                "maxPredictions", \.maxPredictions,
                "`pretrain`: tokens to guess in a sequence at most; null is `maskedShare` of the length.",
                atLeast: 1),
            .init(
                share: "shortShare", \.shortShare,
                "`pretrain`: the probability that a document is cut into shorter sequences.", included: true),
            .init(
                "phases", \.phases,
                "`pretrain`: phases that follow one another, replacing `epochs` and `maxSteps`: `steps` each, and "
                    + "`length`, `batchSize`, `learningRate`, `warmupRatio`, `warmupSteps` and "
                    + "`gradientAccumulation` where they differ."
            ),
        ]
    }

    private static var optimizationFields: [TrainingField] {
        [
            .init("epochs", \.epochs, "Passes over the training data.", atLeast: 1, shapesResult: false),
            .init(
                "maxSteps", \.maxSteps, "Steps in all, replacing `epochs`.", atLeast: 1, shapesResult: false),
            .init(
                "optimizer", \.optimizer,
                "The optimiser: AdamW with decoupled decay, none on biases and LayerNorm; or LAMB, for large batches."
            ),
            .init(
                "learningRate", \.learningRate, "The learning rate at the end of the warm-up.",
                expectation: TrainingField.float
            ) { TrainingField.isFloat($0) },
            .init("schedule", \.schedule, "How the learning rate falls after the warm-up."),
            .init(
                "polynomialPower", \.polynomialPower, "The exponent of the polynomial schedule.",
                expectation: "a positive number"
            ) { $0 > 0 && $0.isFinite },
            .init(
                share: "warmupRatio", \.warmupRatio, "Warm-up as a share of all steps, rounded up.",
                included: true),
            .init("warmupSteps", \.warmupSteps, "Warm-up in steps, replacing `warmupRatio`.", atLeast: 0),
            .init(
                "weightDecay", \.weightDecay, "Decoupled weight decay.", expectation: TrainingField.float
            ) { TrainingField.isFloat($0) },
            .init(share: "beta1", \.beta1, "The decay of the mean of gradients."),
            .init(share: "beta2", \.beta2, "The decay of the mean of squared gradients."),
            .init(
                "epsilon", \.epsilon, "The optimiser's ε.", expectation: TrainingField.positiveFloat
            ) { $0 != 0 && TrainingField.isFloat($0) },
            .init(
                "maxGradientNorm", \.maxGradientNorm,
                "The global L2 norm that gradients are clipped to; null is off.",
                expectation: "\(TrainingField.positiveFloat), or null"
            ) { $0.map { $0 != 0 && TrainingField.isFloat($0) } ?? true },
            .init(
                share: "labelSmoothing", \.labelSmoothing,
                "The share of the loss that goes to all labels alike, as `torch.nn.CrossEntropyLoss` has it."),
            .init(
                "layerwiseLearningRateDecay", \.layerwiseLearningRateDecay,
                "What a layer's learning rate is of that of the layer above: the head has `learningRate`, the embeddings "
                    + "have the lowest.", expectation: "a positive number of at most 1"
            ) { $0 > 0 && $0 <= 1 },
            .init(
                "ema", \.ema,
                "How much of an exponential moving average of the weights stays in a step, such as 0.999: evaluations and "
                    + "the saved model have the averages. null keeps none.",
                expectation: "a positive number less than 1, or null"
            ) { $0.map { $0 > 0 && $0 < 1 } ?? true },
            .init("seed", \.seed, "Seed of fresh parameters, order of examples, and dropout.", atLeast: 0),
        ]
    }

    private static var outputFields: [TrainingField] {
        [
            .init(
                "evaluateEvery", \.evaluateEvery, "Steps between evaluations; null is after each epoch.",
                atLeast: 1,
                shapesResult: false),
            .init(
                "metric", \.metric,
                "What makes an evaluation the best one; null is `accuracy`, `loss` for regression and pre-training, `f1` "
                    + "for `token_classification`, and a GLUE task's own metric. `f1` is of the label with id 1 of two, or of "
                    + "entities.",
                shapesResult: false),
            .init(
                "saveBest", \.saveBest, "Save the model of the best evaluation; else that of the last step.",
                shapesResult: false),
            .init(
                "earlyStopping", \.earlyStopping,
                "Stop after so many evaluations in a row without a better one; null is never.", atLeast: 1,
                shapesResult: false),
            .init(
                "outputDirectory", \.outputDirectory, "Where the model, checkpoints and logs go.",
                expectation: "the path of a directory", shapesResult: false
            ) { !$0.isEmpty },
            .init(
                "saveEvery", \.saveEvery, "Steps between checkpoints; null is after each epoch, 0 is never.",
                atLeast: 0, shapesResult: false),
            .init(
                "keepCheckpoints", \.keepCheckpoints, "How many checkpoints stay.", atLeast: 1,
                shapesResult: false),
            .init(
                "resume", \.resume,
                "A checkpoint's directory to go on from; `latest` is the newest of `outputDirectory`, or a new start "
                    + "when there is none.", shapesResult: false),
            .init("logEvery", \.logEvery, "Steps between rows of the logs.", atLeast: 1, shapesResult: false),
            .init("csvLog", \.csvLog, "Write `log.csv`.", shapesResult: false),
            .init(
                "tensorBoard", \.tensorBoard, "Write event files into `tensorboard/`.", shapesResult: false),
            .init(
                "threads", \.threads, "Worker threads; null is one a core. Results do not depend on it.",
                atLeast: 1,
                shapesResult: false),
            .init(
                "maxMemory", \.maxMemory,
                "The most memory that the process may hold, e.g. `\"4GB\"` or `\"512MiB\"`; batches that need more are "
                    + "cut into micro-batches. null is no limit.", shapesResult: false),
            .init(
                "cpu", \.cpu, "The highest instruction set to use; null is the machine's best.",
                expectation: "\"avx2\", \"avx512\", \"avx512bf16\", \"amx\" or null", shapesResult: false
            ) { $0.map { ["avx2", "avx512", "avx512bf16", "amx"].contains($0) } ?? true },
            .init(
                "matmul", \.matmul, "What multiplies matrices: generated kernels or OpenBLAS.",
                shapesResult: false),
            .init(
                "precision", \.precision,
                "Of products and attention; parameters and their updates are fp32 with each ([precision.md](precision.md))."
            ),
            .init(
                "recompute", \.recompute,
                "What a step computes again for its backward pass rather than hold ([memory.md](memory.md)): all but "
                    + "what layers, or groups of k layers, hand on; `auto` is the least that fits into `maxMemory`, "
                    + "and `none` without it. Results do not depend on it.", shapesResult: false),
        ]
    }
}
