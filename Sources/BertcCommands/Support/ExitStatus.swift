import Encoders
import GraphCompiler
import ONNX
import Pipelines
import Support
import Text
import Training

/// How `bertc` ends, with the numbers of sysexits.h; documented in docs/cli.md. Thrown to end without a
/// message.
enum ExitStatus: Int32, Error {
    case success = 0
    /// What the command line demands of the result does not hold: `--require-fusion`, `--bisect`.
    case unmet = 1
    /// The command line is wrong.
    case usage = 64
    /// An input file does not hold what it should.
    case badData = 65
    /// An input file is missing or cannot be read.
    case missingInput = 66
    /// The computation failed: NaN or infinity in the loss, no memory, or a mistake in bertc.
    case failure = 70
    /// An output file cannot be written.
    case cannotCreate = 73
    /// Ended by SIGHUP, by Ctrl-C (SIGINT), and by SIGTERM.
    case hungUp = 129
    case interrupted = 130
    case terminated = 143

    /// The status that an error of the libraries means; `nil` for errors that are not theirs.
    init?(of error: any Error) {
        switch error {
        case let error as CommandError: self = error.status
        case let error as TextError: self = Self.status(of: error.kind)
        case is ONNXError: self = .badData
        case is ConfigError: self = .badData
        case let error as ModelError:
            switch error.kind {
            case .missingFile: self = .missingInput
            case .invalidModel, .wrongTask, .invalidInput, .invalidCheckpoint, .invalidSetting:
                self = .badData
            case .failedStep: self = .failure
            case .unwritable: self = .cannotCreate
            }
        case let error as CheckpointError:
            switch error {
            case .noWeights, .pickleOnly: self = .missingInput
            case .badIndex, .ambiguous, .mismatchedShapes, .notShared, .notFloating, .missing, .unexpected:
                self = .badData
            }
        case let error as SafetensorsError:
            switch error {
            case .badHeader, .truncated, .badTensor, .noSuchTensor, .wrongType, .notFinite:
                self = .badData
            }
        case let error as FileError where error.isOutOfMemory: self = .failure
        case let error as FileError: self = error.operation == .read ? .missingInput : .cannotCreate
        case is IRError, is ExecutionError, is GroupError: self = .failure
        default: return nil
        }
    }

    private static func status(of kind: TextError.Kind) -> ExitStatus {
        switch kind {
        case .invalidUTF8, .invalidJSON, .invalidVocabulary, .missingSpecialToken, .unsupportedTokenizer,
            .unknownTokenID, .cannotTruncate, .unknownFormat, .emptyDataset, .countMismatch, .invalidColumns,
            .invalidLabel, .invalidBatching, .damagedFile:
            .badData
        }
    }
}

/// A mistake that a command finds itself.
struct CommandError: Error, CustomStringConvertible {
    let status: ExitStatus
    let description: String

    init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }
}
