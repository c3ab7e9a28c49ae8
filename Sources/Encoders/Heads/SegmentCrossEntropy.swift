import GraphIR

/// The cross-entropy of choosing one of the rows of each segment of a batch: a token of a sequence, a sequence of an example.
struct SegmentCrossEntropy {
    private let g: GraphBuilder
    /// Where segments start, and how many of their rows are real, as `segment_sum` has them.
    private let offsets: Tensor
    private let lengths: Tensor
    /// At least the rows of the longest segment.
    private let longest: Dimension
    private let labelSmoothing: Double

    init(
        _ g: GraphBuilder, offsets: Tensor, lengths: Tensor, longest: Dimension, labelSmoothing: Double = 0
    ) {
        (self.g, self.offsets, self.lengths) = (g, offsets, lengths)
        (self.longest, self.labelSmoothing) = (longest, labelSmoothing)
    }

    /// The mean over segments and columns of log Σ exp(x) - (1 - s) x[label] - s · (mean of x), where x are the segment's rows
    /// and s is the label smoothing.
    ///
    /// - Parameters:
    ///   - logits: [rows, columns], a choice for each column.
    ///   - labels: the chosen row of each segment for each column, counted from the segment's first.
    func loss(_ logits: Tensor, labels: [Tensor]) -> Tensor {
        let normalizers = logSums(logits, rows: rows)
        let chosen = labels.enumerated().map { column, labels in
            logits.gather(starts + labels).slice(axis: 1, start: column, size: 1)
        }
        var targets = g.concatenate(chosen, axis: 1)
        if labelSmoothing > 0 {
            let means = sum(logits) / lengths.cast(.f32).reshaped([lengths.shape[0], 1])
            targets = targets * (1 - labelSmoothing) + means * labelSmoothing
        }
        return (normalizers - targets).mean()
    }

    /// log Σ exp(x) over the rows of each segment, for each column, [segments, columns].
    ///
    /// - Parameter rows: i32[segments, longest], those of each segment side by side, one of them again beyond the last.
    func logSums(_ x: Tensor, rows: Tensor) -> Tensor {
        let count = x.shape[0]
        func broadcast(_ x: Tensor) -> Tensor {
            x.segmentBroadcast(tokens: count, offsets: offsets, lengths: lengths)
        }
        let greatest = x.gather(rows).max(axes: [1]).stopGradient()
        // What is beyond a segment may be any number.
        let isReal = g.compare(.gt, broadcast(lengths), g.scalar(0, .i32)).reshaped([count, 1])
        let shifted = g.select(isReal, x - broadcast(greatest), g.scalar(0))
        return sum(shifted.exp()).log() + greatest
    }

    private func sum(_ x: Tensor) -> Tensor { x.segmentSum(offsets: offsets, lengths: lengths) }

    private var starts: Tensor { offsets.slice(axis: 0, start: 0, size: lengths.shape[0]) }

    /// The rows of each segment side by side, the last one repeated up to the longest.
    private var rows: Tensor {
        let places = g.apply(.iota(type: TensorType(.i32, [1, longest]), axis: 1), [])
        func column(_ x: Tensor) -> Tensor { x.reshaped([lengths.shape[0], 1]) }
        return column(starts) + g.binary(.min, places, column(lengths - 1))
    }
}
