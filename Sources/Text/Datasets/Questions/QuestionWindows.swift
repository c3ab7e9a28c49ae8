import Support

/// How questions and contexts that are too long for a sequence become several.
package struct WindowOptions: Sendable, Equatable {
    /// Tokens of a sequence at most.
    package let maxLength: Int
    /// Tokens of the context that a window has in common with the one before it.
    package let stride: Int

    /// The stride of Hugging Face's examples, and the length for which it is meant.
    package static let (usualStride, usualLength) = (128, 384)

    /// - Parameter stride: `usualStride` when `nil`, or a third of the length where that is less.
    package init(maxLength: Int, stride: Int? = nil) {
        self.maxLength = maxLength
        self.stride = stride ?? min(Self.usualStride, maxLength / 3)
    }
}

/// A question with a part of its context.
package struct QuestionWindow: Sendable, Equatable {
    /// The question's index in its data set.
    package let example: Int
    package let encoding: Encoding
    /// Where the context's first token stands.
    package let contextStart: Int
    /// The part of the context that each of its tokens stands for, in bytes of UTF-8.
    package let spans: [Range<Int>]

    /// The token that stands for no answer.
    package static let noAnswer = 0

    /// The first and last token of an answer, or `noAnswer` twice where the window does not have all of it.
    ///
    /// - Parameter answer: bytes of the context.
    package func tokens(of answer: Range<Int>) -> (start: Int, end: Int) {
        let none = (Self.noAnswer, Self.noAnswer)
        guard let first = spans.first, let last = spans.last, first.lowerBound <= answer.lowerBound,
            last.upperBound >= answer.upperBound,
            let start = spans.lastIndex(where: { $0.lowerBound <= answer.lowerBound }),
            let end = spans.firstIndex(where: { $0.upperBound >= answer.upperBound }), start <= end
        else { return none }
        return (contextStart + start, contextStart + end)
    }
}

extension Tokenizer {
    /// The windows of each question, in order: all of the question in each, and so many tokens of the context as there is room for.
    ///
    /// - Parameter runner: shares the work; the result does not depend on it.
    /// - Throws: `.cannotTruncate` for a question that leaves no room, and what `tokenize` throws.
    package func windows(
        of dataset: QuestionDataset, _ options: WindowOptions, runner: any TaskRunner = CallingThread()
    ) throws(TextError) -> [QuestionWindow] {
        // The questions about one context stand together.
        var contexts: [Int] = []
        for index in dataset.examples.indices
        where
            index == 0
            || !dataset.examples[index].context.hasSameCodePoints(as: dataset.examples[index - 1].context)
        {
            contexts.append(index)
        }
        let parts = runner.map(contexts.count) { part -> Result<[QuestionWindow], TextError> in
            let end = part + 1 < contexts.count ? contexts[part + 1] : dataset.examples.count
            var place = contexts[part]
            do throws(TextError) {
                let context = try checkedSpans(of: dataset.examples[place].context)
                var windows: [QuestionWindow] = []
                for index in contexts[part]..<end {
                    place = index
                    windows += try self.windows(of: dataset.examples[index], index, context, options)
                }
                return .success(windows)
            } catch {
                return .failure(
                    TextError(
                        error.kind, file: dataset.file,
                        "question \(dataset.examples[place].id): \(error.message)"))
            }
        }
        var windows: [QuestionWindow] = []
        for part in parts { windows += try part.get() }
        return windows
    }

    private func windows(
        of example: QuestionExample, _ index: Int, _ context: [TokenSpan], _ options: WindowOptions
    ) throws(TextError) -> [QuestionWindow] {
        let question = try tokenize(String(example.question.drop(while: \.isWhitespace)))
        let template = template
        let room = options.maxLength - template.specialCount(isPair: true) - question.count
        guard room > options.stride else {
            throw TextError(
                .cannotTruncate,
                "the question has \(Formatted.count(question.count, "token")), which leaves \(max(0, room)) of \(options.maxLength) for the "
                    + "context, but windows have \(options.stride) in common (docStride); shorten it, lower docStride or raise maxLength"
            )
        }
        let contextStart = template.contextStart(question: question.count)
        var windows: [QuestionWindow] = []
        var start = 0
        repeat {
            let part = context[start..<min(start + room, context.count)]
            windows.append(
                QuestionWindow(
                    example: index,
                    encoding: template.encoding(question[...], pair: part.map(\.id)[...]),
                    contextStart: contextStart, spans: part.map(\.range)))
            if part.endIndex == context.count { break }
            start += room - options.stride
        } while true
        return windows
    }
}

extension SequenceTemplate {
    /// Where the second text of a pair starts, behind a first one of so many tokens.
    fileprivate func contextStart(question: Int) -> Int {
        let before = pair.prefix { if case .pair = $0 { false } else { true } }
        return before.reduce(0) { count, part in
            if case .text = part { count + question } else { count + part.specialIDs.count }
        }
    }
}
