import Measuring

extension AttentionWork {
    /// How a peer is told to do the same.
    var peerArguments: [String] {
        let arguments = [
            "--work", "attention", "--precision", precision.rawValue, "--batch", "\(sequences)",
            "--length", "\(length)", "--heads", "\(heads)", "--head-size", "\(headSize)",
            "--dropout", "\(dropout)",
        ]
        return arguments + (isTraining ? ["--backward"] : [])
    }
}
